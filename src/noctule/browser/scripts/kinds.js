// What an element is to a person: its letter, how it is acted on, and whether it stands for another or only holds others.

const LETTERS = { link: "L", button: "B", tab: "B", menuitem: "B", menuitemcheckbox: "B", menuitemradio: "B", radio: "B", checkbox: "B", switch: "B",
  combobox: "I", textbox: "I", searchbox: "I", listbox: "I", slider: "I", spinbutton: "I", file: "I", color: "I", date: "I", time: "I",
  datetime: "I", month: "I", week: "I", option: "O", image: "F", figure: "F" };
const OTHER_ROLES = new Set(["treeitem", "gridcell", "scrollbar"]);
const PARTS = "a[href],button,input:not([type=hidden]),select,textarea,iframe,[onclick],[tabindex]:not([tabindex='-1']),[contenteditable=true]," +
  "[role=button],[role=link],[role=option],[role=tab],[role=menuitem],[role=checkbox],[role=radio],[role=switch]";
const DIALOGS = "[role=dialog],[role=alertdialog]";
const HOSTS = new Set(["article", "aside", "blockquote", "div", "footer", "h1", "h2", "h3", "h4", "h5", "h6", "header", "main", "nav", "p", "section", "span"]);
const LONGEST_BLANK = 40;
const SEEN = { opacityProperty: true, visibilityProperty: true };
const PRESENTATIONAL = /^(none|presentation)$/;
const LONGEST_CARD = 1000;

const { intersection, isEmpty } = noctule.geometry;
const { tagOf, attributeOf, isShown, rectOf, contains, allIn } = noctule.dom;

// Why an element that has no role of its own may be acted on, "" if nothing says so.
const reasonOf = (element, tag, style, context) => {
  if (tag === "body" || tag === "html") return "";
  if (noctule.clickable.has(element) || (context.delegates && context.delegates === element.parentNode)) return "listens";
  const hasAttributes = element.hasAttributes();
  if (hasAttributes && element.hasAttribute("onclick")) return "listens";
  if (!context.isPointer && style.cursor === "pointer") return "pointer";
  if (!hasAttributes) return "";
  if (element.hasAttribute("tabindex") && element.tabIndex >= 0) return "focus";
  return element.draggable && tag !== "a" && tag !== "img" ? "drag" : "";
};

// Whether three or more children are of the same kind, as the entries of a list are.
const hasEntries = (element) => {
  const counts = new Map();
  for (const child of element.children) {
    const kind = `${tagOf(child)}.${attributeOf(child, "class")}`;
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
    if (counts.get(kind) === 3) return true;
  }
  return false;
};

// Whether an element only holds, scrolls or listens for what is in it, so that nobody acts on it as a whole.
const isHolder = (element, reason) => {
  if (element.localName === "svg") return reason === "listens" && hasEntries(element);
  const parts = element.querySelectorAll(PARTS).length;
  if (reason === "focus") return parts > 0 || element.textContent.length > LONGEST_CARD / 3;
  if (parts >= 3 || element.textContent.length > LONGEST_CARD) return true;
  if (reason === "listens" && hasEntries(element)) return true;
  const rect = element.getBoundingClientRect();
  return rect.width * rect.height > (innerWidth * innerHeight) / 2 && (parts > 0 || element.childElementCount > 2);
};

// The letter of an element that can be acted on, "" for one that cannot.
const letterOf = (element, tag, role, style, context) => {
  if (context.owner && PRESENTATIONAL.test(element.getAttribute("role"))) return "";
  const letter = LETTERS[role];
  if (letter && letter !== "F") return role === "button" || role === "link" || tag !== "label" ? letter : "B";
  if (OTHER_ROLES.has(role) && (element.tabIndex >= 0 || noctule.clickable.has(element) || (style.cursor === "pointer" && !context.isPointer))) return "M";
  if (tag === "label") return element.control ? "B" : "";
  if (tag === "video" || tag === "audio") return element.controls ? "M" : "";
  if (letter === "F" && !noctule.clickable.has(element) && style.cursor !== "pointer") return context.owner ? "" : "F";
  if (reasonOf(element, tag, style, context)) return letter ?? "M";
  return letter && !context.owner ? letter : "";
};

// Whether a label is what a person sees of a control that is itself out of sight.
const isStandIn = (label) => {
  const control = label.control;
  if (!control || (control.type !== "checkbox" && control.type !== "radio" && control.type !== "file")) return false;
  if (!control.checkVisibility({ visibilityProperty: true })) return true;
  const rect = control.getBoundingClientRect();
  return rect.width < 3 || rect.height < 3 || getComputedStyle(control).opacity === "0";
};

// Whether the control of a label says the label's text itself.
const isSpoken = (label) => {
  const control = label.control;
  return control !== null && control.labels?.length === 1 && control.type !== "hidden" && !control.hasAttribute("aria-label") && !control.hasAttribute("aria-labelledby") && !isStandIn(label) && control.checkVisibility({ visibilityProperty: true });
};

const actionOf = ({ element, tag, role, letter }) => {
  if (letter === "O") return "option";
  if (letter !== "I") return "click";
  if (role === "file") return "upload";
  if (tag === "select" || ((role === "combobox" || role === "listbox") && tag !== "input" && tag !== "textarea" && !element.isContentEditable)) return "select";
  return "fill";
};

const isHost = (tag) => HOSTS.has(tag);

// Whether an element takes up room though there is nothing in it: a shadow root may draw it.
const isHosting = (element, tag) => {
  if (!isHost(tag)) return tag.includes("-");
  const first = element.firstChild;
  if (first && (first.nextSibling || first.nodeType !== Node.TEXT_NODE || first.length > LONGEST_BLANK || first.data.trim())) return false;
  return element.offsetHeight > 0;
};

// Open dialogs, the topmost first, and whether each keeps a person from all that is behind it.
const openDialogs = () => {
  const found = [];
  for (const dialog of allIn(document, "dialog[open]")) found.push([dialog, dialog.matches(":modal")]);
  for (const dialog of allIn(document, DIALOGS)) {
    if (tagOf(dialog) === "dialog" || !isShown(dialog, SEEN)) continue;
    const rect = rectOf(dialog);
    if (isEmpty(intersection(rect, { left: 0, top: 0, right: innerWidth, bottom: innerHeight }))) continue;
    found.push([dialog, attributeOf(dialog, "aria-modal") === "true"]);
  }
  const outer = found.filter(([dialog]) => !found.some(([other]) => other !== dialog && contains(other, dialog)));
  return outer.reverse().sort((a, b) => b[1] - a[1]).slice(0, 4);
};

noctule.kinds = { letterOf, reasonOf, isHolder, hasEntries, isStandIn, isSpoken, actionOf, isHost, isHosting, openDialogs, isOther: (role) => OTHER_ROLES.has(role) };
