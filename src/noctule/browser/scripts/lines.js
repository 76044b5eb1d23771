// How an observed node is written: `ID[:]<tag attr="v">text</tag>`, one line a node, with only what a reader needs.

const LONGEST_TEXT = 300;
const LONGEST_CARD = 1000;
const LONGEST_HINT = 40;
const LONGEST_VALUE = 100;
const LONGEST_URL = 80;
const VOID = new Set(["input", "img", "area", "embed", "circle", "rect", "ellipse", "polygon", "path", "line", "polyline"]);
const SECRETS = /\b(one-time-code|cc-number|cc-csc|current-password|new-password)\b/;
const FIELDS = /^(input|select|textarea)$/;
const SHAPES = /^(circle|rect|ellipse|polygon|polyline|path|line|text|g)$/;
const STATES = { "aria-expanded": "aria_expanded", "aria-pressed": "pressed", "aria-selected": "selected", "aria-checked": "checked",
  "aria-current": "current", "aria-invalid": "invalid", "aria-sort": "sort", "aria-haspopup": "haspopup", "aria-valuenow": "value",
  "aria-valuetext": "valuetext", "aria-level": "level" };
const QUIET = { "aria-selected": "false", "aria-invalid": "false", "aria-current": "false", "aria-haspopup": "false", "aria-sort": "none", "aria-checked": "false" };

const { tagOf, firstElementOf, attributeOf } = noctule.dom;

const quoted = (text) => noctule.clean(String(text)).replaceAll('"', "'");

const headAndTail = (text) => (text.length > LONGEST_CARD ? `${text.slice(0, LONGEST_CARD * 0.6)} … ${text.slice(-LONGEST_CARD * 0.4)}` : text);

const shortUrl = (url) => (url.startsWith("data:") || url.startsWith("blob:") ? url.slice(0, url.indexOf(":") + 1) + "…" : noctule.cut(url, LONGEST_URL));

// What a field holds, as a person would see it: dots for a secret.
const shownValue = (element) => {
  const tag = element.localName;
  if (tag === "select") {
    let text = "";
    for (const option of element.selectedOptions) {
      text += (text && ", ") + noctule.clean(option.label);
      if (text.length > LONGEST_VALUE) break;
    }
    return text;
  }
  if (element.type === "password" || SECRETS.test(element.autocomplete)) return "•".repeat(Math.min(element.value.length, 8));
  if (element.type === "file") return [...element.files].slice(0, 5).map((file) => file.name).join(", ");
  return element.value;
};

const fieldAttributes = (element, tag) => {
  let text = "";
  const type = tag === "input" ? element.type : "";
  if (type && type !== "text") text += ` type="${type}"`;
  if (type === "checkbox" || type === "radio") {
    if (element.indeterminate) text += " indeterminate";
    return element.checked ? text + " checked" : text;
  }
  if (type === "submit" || type === "button" || type === "reset" || type === "image") return text;
  const value = shownValue(element);
  if (value) text += ` value="${tag === "textarea" ? headAndTail(quoted(value)) : noctule.cut(quoted(value), LONGEST_VALUE)}"`;
  if ((type === "range" || type === "number" || type === "date") && (element.min || element.max)) text += ` min="${quoted(element.min)}" max="${quoted(element.max)}"`;
  if (type === "file" && element.accept) text += ` accept="${noctule.cut(quoted(element.accept), LONGEST_VALUE)}"`;
  if (element.multiple) text += " multiple";
  if (element.required) text += " required";
  if (element.readOnly) text += " readonly";
  return text;
};

const shapeAttributes = (element) => {
  let text = "";
  for (const name of ["fill", "r", "width", "height"]) {
    const value = element.getAttribute(name);
    if (value) text += ` ${name}="${noctule.cut(quoted(value), 30)}"`;
  }
  return text;
};

noctule.shapeOf = (element) => `<${element.localName}${shapeAttributes(element)}/>`;

const stateAttributes = (element) => {
  let text = "";
  for (const attribute of element.getAttributeNames()) {
    const name = STATES[attribute];
    if (!name) continue;
    const value = element.getAttribute(attribute);
    if (value === QUIET[attribute] || !value) continue;
    text += value === "true" && name !== "aria_expanded" ? ` ${name}` : ` ${name}="${noctule.cut(quoted(value), LONGEST_VALUE)}"`;
  }
  return text;
};

const IMPLIED = new Set(["", "link", "button", "textbox", "image", "combobox", "listbox", "option", "checkbox", "radio", "label"]);

// What tells an element that has no name, as a picture would tell it to a person: its class, or that of its picture.
const hintOf = (element) => {
  const inner = element.childElementCount === 1 ? element.firstElementChild : null;
  for (const each of [element, inner, inner && firstElementOf(inner)]) {
    if (!each) continue;
    const use = tagOf(each) === "use" ? (attributeOf(each, "href") ?? attributeOf(each, "xlink:href") ?? "").split("#").pop() : "";
    const hint = attributeOf(each, "data-icon") || use || attributeOf(each, "class") || attributeOf(each, "id");
    if (hint) return ` class="${noctule.cut(quoted(hint), LONGEST_HINT)}"`;
  }
  const picture = /url\("?[^")]*?([^/")]+)"?\)/.exec(getComputedStyle(element).backgroundImage);
  return picture ? ` src="${noctule.cut(quoted(picture[1]), LONGEST_HINT)}"` : "";
};

// The line of a record of the walk, without its id. `text` is what is to be read in it.
noctule.lineOf = (record) => {
  const { element, tag, role, name, text, isNew, isDisabled, isCovered } = record;
  let attributes = "";
  if (element.hasAttribute("role") ? !(tag === "button" && role === "button") : !IMPLIED.has(role) && tag !== "input") attributes += ` role="${role}"`;
  if (tag === "input" || tag === "select" || tag === "textarea") attributes += fieldAttributes(element, tag);
  else if (tag === "option") attributes += element.selected ? " selected" : "";
  else if (tag === "img") { if (element.getAttribute("src")) attributes += ` src="${quoted(shortUrl(element.getAttribute("src")))}"`; }
  else if (tag === "label" && element.control) attributes += fieldAttributes(element.control, "input");
  else if (SHAPES.test(tag)) attributes += shapeAttributes(element);
  if (tag === "a" || tag === "area") {
    const href = element.getAttribute("href");
    if (href) attributes += ` href="${quoted(shortUrl(href))}"`;
  }
  if (element.isContentEditable && tag !== "input" && !element.hasAttribute("role")) attributes += " contenteditable";
  if (element.attributes.length > 1) attributes += stateAttributes(element);
  const inner = noctule.cut(text || name, record.letter === "M" ? LONGEST_CARD : LONGEST_TEXT);
  if (text && name && name !== text && !text.includes(name)) attributes += ` aria_label="${quoted(name)}"`;
  const placeholder = element.getAttribute("placeholder");
  if (placeholder && inner !== placeholder) attributes += ` placeholder="${noctule.cut(quoted(placeholder), LONGEST_VALUE)}"`;
  const title = element.getAttribute("title");
  if (title && noctule.clean(title) !== inner) attributes += ` title="${noctule.cut(quoted(title), LONGEST_VALUE)}"`;
  if (!inner && !placeholder && !title) {
    const field = FIELDS.test(tag);
    const own = field ? element.name || element.id : "";
    attributes += own ? ` name="${noctule.cut(quoted(own), LONGEST_HINT)}"` : field || tag === "option" ? "" : hintOf(element);
  }
  if (isDisabled) attributes += " disabled";
  if (isCovered) attributes += " covered";
  if (isNew) attributes += " new";
  return inner || !VOID.has(tag) ? `<${tag}${attributes}>${inner}</${tag}>` : `<${tag}${attributes}/>`;
};
