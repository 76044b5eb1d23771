// Text fields and boxes: what can be typed into, what is checked, and whether it stayed.
//
// What must always hold: a value that is typed is never part of an answer.

const playwright = noctule.playwright;
const acting = noctule.acting;
const { attempt, hindrance, visible, describe, nameOf, identity, announce } = acting;

const SET_TYPES = {
  color: "a color such as #ff8800",
  date: "a date as YYYY-MM-DD",
  time: "a time as HH:MM",
  "datetime-local": "a date and time as YYYY-MM-DDTHH:MM",
  month: "a month as YYYY-MM",
  week: "a week as YYYY-Www",
  range: "a number",
};
const TYPED_TYPES = ["", "email", "number", "password", "search", "tel", "text", "url"];
const INSTEAD = {
  checkbox: "check it instead",
  radio: "check it instead",
  file: "upload a file instead",
};
const INSIDE = "input:not([type=hidden], [type=checkbox], [type=radio], [type=button], [type=submit]), textarea, [contenteditable]";
const CHECKABLE_ROLES = ["checkbox", "radio", "switch", "menuitemcheckbox", "menuitemradio"];
const SECRET_PURPOSES = ["current-password", "new-password", "one-time-code", "cc-number", "cc-csc"];
const SETTLE_MS = 500;

const isText = (field) => field.localName === "textarea" || (field.localName === "input" && TYPED_TYPES.includes(field.type));
const textOf = (field) => (isText(field) ? field.value : field.innerText) ?? "";

// -- filling ---------------------------------------------------------------------------------------------

// The field that an element stands for: itself, what its label is for, or the only one inside of it.
function fieldOf(element) {
  const own = playwright.retarget(element, "follow-label");
  if (isText(own) || own.isContentEditable || ["input", "select"].includes(own.localName)) return own;
  const inside = [...own.querySelectorAll(INSIDE), ...(own.shadowRoot?.querySelectorAll(INSIDE) ?? [])].filter(visible);
  return inside.length === 1 ? inside[0] : own;
}

function unfillable(field) {
  if (isText(field) || field.isContentEditable) return null;
  if (field.localName === "select") return "choose one of its options instead";
  if (field.localName !== "input") return "choose a text field";
  return field.type in SET_TYPES ? null : INSTEAD[field.type] ?? `an input of type ${field.type} is not for typing`;
}

function isReadOnly(field) {
  return field.readOnly === true || field.getAttribute("aria-readonly") === "true";
}

// What nobody but the page is to read: passwords, codes, and what cards are paid with.
function isSecret(field) {
  const purposes = (field.getAttribute("autocomplete") ?? "").toLowerCase().split(/\s+/);
  return field.type === "password" || purposes.some((purpose) => SECRET_PURPOSES.includes(purpose));
}

function focus(field) {
  field.scrollIntoView({ block: "nearest", inline: "nearest", behavior: "instant" });
  const view = field.ownerDocument.defaultView;
  if (view !== window) view.focus();
  field.focus({ preventScroll: true });
}

function select(field, all) {
  if (isText(field)) {
    if (all) field.select();
    else if (field.setSelectionRange && !["email", "number"].includes(field.type))
      field.setSelectionRange(field.value.length, field.value.length);
    return;
  }
  const range = field.ownerDocument.createRange();
  range.selectNodeContents(field);
  if (!all) range.collapse(false);
  const selection = field.ownerDocument.defaultView.getSelection();
  selection.removeAllRanges();
  selection.addRange(range);
}

// Some pages only believe what comes through the prototype's setter, and hear of it by events.
function set(field, value) {
  let wanted = value.trim();
  if (field.type === "color") wanted = wanted.toLowerCase();
  const previous = field.value;
  field.value = wanted;
  const fits = field.type === "range" ? wanted !== "" && Number.isFinite(Number(wanted)) : field.value === wanted;
  if (!fits) {
    field.value = previous;
    return { failed: "format", detail: `it takes ${SET_TYPES[field.type]}`, final: true };
  }
  announce(field);
  return { need: "nothing" };
}

async function prepare(element, options) {
  const field = fieldOf(element);
  const said = { what: describe(element), label: nameOf(element) };
  const problem = unfillable(field);
  if (problem) return { failed: "notfield", detail: problem, final: true, ...said };
  const hindered = hindrance(field);
  if (hindered) return { failed: hindered, ...said };
  if (isReadOnly(field)) return { failed: "readonly", final: true, ...said };
  if (field.type === "number" && isText(field) && !Number.isFinite(Number(options.value)))
    return { failed: "format", detail: "it takes a number", final: true, ...said };
  const known = { ...identity(element, options), secret: isSecret(field) };
  focus(field);
  if (field.type in SET_TYPES && field.localName === "input") return { ...known, ...set(field, options.value) };
  acting.field = { field, was: textOf(field) };
  select(field, options.clear);
  return { ...known, need: "typing", limit: field.maxLength > 0 ? field.maxLength : 0, rich: !isText(field) };
}

const plain = (text) => text.replace(/[\s\u00a0]+/g, "");
const essence = (text) => text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "");

// What became of the value: `kept`, `cut` at the field's limit, `changed` to a form of its own,
// `short` of some characters, or `ignored`.
function fate(value, clear) {
  const { field, was } = acting.field;
  const now = textOf(field);
  const wanted = clear ? value : was + value;
  if (plain(now) === plain(wanted) || plain(now).includes(plain(value))) return "kept";
  if (field.maxLength > 0 && now && wanted.startsWith(now)) return "cut";
  if (essence(now) && essence(now) === essence(wanted)) return "changed";
  if (now === was || now === "") return "ignored";
  return essence(now).length < essence(wanted).length ? "short" : "changed";
}

// Put text in as if it had been pasted: editors that handle it themselves get it whole.
function paste(value) {
  const { field } = acting.field;
  const data = new DataTransfer();
  data.setData("text/plain", value);
  const event = new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true, composed: true });
  if (!field.dispatchEvent(event)) return;
  field.ownerDocument.execCommand("insertText", false, value);
}

// -- codes -----------------------------------------------------------------------------------------------

// Where the next digit belongs, when the box that has the focus is full and did not pass the focus on.
function nextBox() {
  let active = document.activeElement;
  while (active?.shadowRoot?.activeElement || active?.contentDocument?.activeElement)
    active = active.shadowRoot?.activeElement ?? active.contentDocument.activeElement;
  if (active?.localName !== "input" || active.maxLength !== 1 || active.value.length < 1) return false;
  const boxes = [...active.getRootNode().querySelectorAll("input")].filter((box) => box.maxLength === 1 && visible(box));
  const next = boxes[boxes.indexOf(active) + 1];
  next?.focus();
  return !!next;
}

// -- checking --------------------------------------------------------------------------------------------

function boxOf(element) {
  const own = playwright.retarget(element, "follow-label");
  if (isBox(own)) return own;
  const around = own.closest(CHECKABLE_ROLES.map((role) => `[role=${role}]`).join(", "));
  if (around) return around;
  const inside = [...own.querySelectorAll("input[type=checkbox], input[type=radio], [role]")].filter(isBox);
  return inside.length === 1 ? inside[0] : null;
}

function isBox(element) {
  if (element.localName === "input") return ["checkbox", "radio"].includes(element.type);
  return CHECKABLE_ROLES.includes(element.getAttribute("role")) || element.hasAttribute("aria-checked");
}

const isChecked = (box) => (box.localName === "input" ? box.checked : box.getAttribute("aria-checked") === "true");
const isRadio = (box) => (box.localName === "input" ? box.type : box.getAttribute("role") ?? "").includes("radio");

function check(element, options) {
  const box = boxOf(element);
  const said = { what: describe(element), label: nameOf(element) };
  if (!box) {
    const pressed = element.closest("[aria-pressed]");
    if (pressed) return mark(pressed, pressed.getAttribute("aria-pressed") === "true", element, options);
    return { failed: "notcheckable", final: true, ...said };
  }
  if (isRadio(box) && isChecked(box) && !options.value) return { failed: "radio", final: true, ...said };
  return mark(box, isChecked(box), element, options);
}

function mark(box, state, element, options) {
  acting.held[0] = box;
  const said = identity(element, options);
  if (state === options.value && !box.indeterminate) return { done: true, ...said };
  if (box.disabled || !playwright.elementState(box, "enabled").matches) return { failed: "disabled", ...said };
  // A box may have been drawn anew with other means, beside which it has nothing of its own to click.
  const isDrawn = visible(acting.labelled(box));
  if (!isDrawn && !(box.parentElement && visible(box.parentElement))) return { failed: "hidden", ...said };
  return { done: false, isDrawn, ...said };
}

// Whether the box that is held has come to the state, which some pages take a moment for.
async function isNow(value) {
  const box = acting.held[0];
  for (const begun = performance.now(); ; await acting.pause(20)) {
    const now = box.hasAttribute("aria-pressed") && !isBox(box) ? box.getAttribute("aria-pressed") === "true" : isChecked(box);
    if (now === value) return true;
    // A box that is gone has been rendered anew, and cannot be asked.
    if (!box.isConnected) return null;
    if (performance.now() - begun > SETTLE_MS) return false;
  }
}

Object.assign(acting, { isText, fate, paste, nextBox, isNow });

acting.prepare = (target, start, budgetMs, options) =>
  attempt(target, start, budgetMs, (element) => prepare(element, options));

acting.check = (target, start, budgetMs, options) =>
  attempt(target, start, budgetMs, async (element) => check(element, options));
