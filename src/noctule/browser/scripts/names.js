// Roles and accessible names, after WAI-ARIA 1.2, HTML-AAM 1.0 and accname 1.2, as far as acting on a page needs them.
// What must always hold: no value of a password field comes out of here, and no text is longer than its bound.

const LONGEST_NAME = 200;

const INPUT_ROLES = {
  button: "button", submit: "button", reset: "button", image: "button", checkbox: "checkbox", radio: "radio",
  range: "slider", number: "spinbutton", search: "searchbox", email: "textbox", tel: "textbox", text: "textbox",
  url: "textbox", password: "textbox", file: "file", color: "color", date: "date", time: "time",
  "datetime-local": "datetime", month: "month", week: "week",
};

const TAG_ROLES = {
  button: "button", summary: "button", textarea: "textbox", option: "option", img: "image", image: "image", figure: "figure",
  dialog: "dialog", h1: "heading", h2: "heading", h3: "heading", h4: "heading", h5: "heading", h6: "heading",
  progress: "progressbar", meter: "meter", nav: "navigation", main: "main", iframe: "iframe", label: "label",
};

const { tagOf, typeOf, childrenOf, attributeOf, rootNodeOf, byIdIn } = noctule.dom;

const clean = (text) => text.replace(/[\s\u00a0\u200b]+/g, " ").trim();
const cut = (text, longest) => (text.length > longest ? text.slice(0, longest - 1) + "…" : text);

noctule.clean = clean;
noctule.cut = cut;

noctule.roleOf = (element) => {
  const explicit = attributeOf(element, "role");
  if (explicit) {
    const role = explicit.trim().split(/\s+/, 1)[0].toLowerCase();
    if (role && role !== "none" && role !== "presentation") return role === "img" ? "image" : role;
  }
  const tag = tagOf(element);
  if (tag === "a" || tag === "area") return element.hasAttribute("href") || element.href?.baseVal ? "link" : "";
  if (tag === "input") return element.type === "hidden" ? "" : element.list ? "combobox" : INPUT_ROLES[element.type] ?? "textbox";
  if (tag === "select") return element.multiple || element.size > 1 ? "listbox" : "combobox";
  if (element.isContentEditable && !element.parentElement?.isContentEditable) return "textbox";
  return TAG_ROLES[tag] ?? "";
};

// The text that a label or a referenced element gives: aria-label and alt count, hidden texts do as well.
const givenText = (element, without, depth = 0) => {
  if (depth > 20) return "";
  let text = "";
  for (const node of childrenOf(element)) {
    if (text.length > LONGEST_NAME * 2) break;
    const type = typeOf(node);
    if (type === Node.TEXT_NODE) text += node.data;
    else if (type === Node.ELEMENT_NODE && node !== without) {
      const tag = tagOf(node);
      if (tag === "script" || tag === "style" || tag === "select" || tag === "textarea") continue;
      text += ` ${attributeOf(node, "aria-label") ?? (tag === "img" ? node.alt : tag === "input" ? "" : givenText(node, without, depth + 1))} `;
    }
  }
  return text;
};

const labelledBy = (element) => {
  const ids = attributeOf(element, "aria-labelledby");
  if (!ids) return "";
  const root = rootNodeOf(element);
  const texts = ids.trim().split(/\s+/).slice(0, 8).map((id) => {
    const label = byIdIn(root, id);
    return label ? attributeOf(label, "aria-label") ?? givenText(label, element) : "";
  });
  return clean(texts.join(" "));
};

const nativeName = (element) => {
  switch (tagOf(element)) {
    case "input": {
      const type = element.type;
      if (type === "submit" || type === "button" || type === "reset")
        return element.value || (type === "submit" ? "Submit" : type === "reset" ? "Reset" : "");
      if (type === "image") return element.alt || element.value;
      return labels(element);
    }
    case "select": case "textarea": case "button": case "meter": case "progress": case "output":
      return labels(element);
    case "img": case "area":
      return element.alt;
    case "svg": {
      const title = element.querySelector(":scope > title");
      return title ? title.textContent : "";
    }
    case "figure": {
      const caption = element.querySelector("figcaption");
      return caption ? givenText(caption) : "";
    }
    default:
      return element.constructor.formAssociated && element.labels ? labels(element) : "";
  }
};

const labels = (element) => {
  let text = "";
  for (const label of element.labels ?? []) text += ` ${givenText(label, element)}`;
  return text;
};

// The name that is given to an element beside its contents: "" where its contents are its name.
noctule.givenName = (element) => {
  const name = labelledBy(element) || clean(attributeOf(element, "aria-label") ?? "") || clean(nativeName(element) ?? "");
  return cut(name, LONGEST_NAME);
};

// What helps when there is no name: placeholder, title.
noctule.fallbackName = (element) =>
  cut(clean(element.getAttribute("placeholder") || element.getAttribute("aria-placeholder") || element.getAttribute("title") || ""), LONGEST_NAME);

noctule.nameOf = (element) =>
  noctule.givenName(element) ||
  (/^(input|select|textarea)$/.test(element.localName) ? "" : cut(clean(givenText(element)), LONGEST_NAME)) ||
  noctule.fallbackName(element);
