// The DOM as the browser made it. A page can name the fields of a form, and the forms and pictures of a document, so
// that they stand in the way of the properties of those (HTML, 3.1.5 and 4.10.3: their named properties come first).
//
// What must always hold: walks ask whatever may be a document or a form through these; of a form, more only once it is
// known not to be `isOverlaid`.

const unbound = (method) => Function.prototype.call.bind(method);
const getter = (prototype, name) => unbound(Object.getOwnPropertyDescriptor(prototype, name).get);

const elements = Element.prototype;
const tagOf = getter(elements, "localName");
const firstElementOf = getter(elements, "firstElementChild");
const slotOf = getter(elements, "assignedSlot");
const typeOf = getter(Node.prototype, "nodeType");
const parentNodeOf = getter(Node.prototype, "parentNode");

// The parent of what is drawn: through slots and out of shadow roots.
const parentOf = (node) => {
  const type = typeOf(node);
  if (type === Node.DOCUMENT_FRAGMENT_NODE) return node.host;
  return (type === Node.ELEMENT_NODE && slotOf(node)) || parentNodeOf(node);
};

// What documents and shadow roots both do.
const inRoot = (name) => {
  const ofDocument = unbound(Document.prototype[name]), ofRoot = unbound(ShadowRoot.prototype[name]);
  return (root, ...rest) => (typeOf(root) === Node.DOCUMENT_NODE ? ofDocument : ofRoot)(root, ...rest);
};

// What is asked of an element that may be acted on itself.
const ASKED = ["ariaDisabled", "attributes", "childElementCount", "children", "contains", "draggable", "firstElementChild", "getAttribute", "getAttributeNames",
  "getBoundingClientRect", "getClientRects", "hasAttribute", "hasAttributes", "isContentEditable", "localName", "matches", "parentElement", "parentNode",
  "querySelector", "querySelectorAll", "tabIndex", "textContent"];

noctule.dom = {
  tagOf, typeOf, parentNodeOf, parentOf, firstElementOf,
  attributesOf: getter(elements, "attributes"),
  shadowOf: getter(elements, "shadowRoot"),
  previousOf: getter(elements, "previousElementSibling"),
  firstOf: getter(Node.prototype, "firstChild"),
  nextOf: getter(Node.prototype, "nextSibling"),
  childrenOf: getter(Node.prototype, "childNodes"),
  textOf: getter(Node.prototype, "textContent"),
  baseOf: getter(Node.prototype, "baseURI"),
  rootNodeOf: unbound(Node.prototype.getRootNode),
  documentOf: getter(Node.prototype, "ownerDocument"),
  attributeOf: unbound(elements.getAttribute),
  hasAttributes: unbound(elements.hasAttributes),
  isShown: unbound(elements.checkVisibility),
  rectOf: unbound(elements.getBoundingClientRect),
  matches: unbound(elements.matches),
  closest: unbound(elements.closest),
  contains: unbound(Node.prototype.contains),
  first: unbound(elements.querySelector),
  firstIn: inRoot("querySelector"),
  allIn: inRoot("querySelectorAll"),
  byIdIn: inRoot("getElementById"),
  atPointIn: inRoot("elementFromPoint"),
  bodyOf: getter(Document.prototype, "body"),
  scriptsOf: getter(Document.prototype, "scripts"),
  stateOf: getter(Document.prototype, "readyState"),
  treeWalker: unbound(Document.prototype.createTreeWalker),
  headOf: getter(Document.prototype, "head"),
  topOf: getter(Document.prototype, "documentElement"),
  titleOf: getter(Document.prototype, "title"),
  contentTypeOf: getter(Document.prototype, "contentType"),
  scrollerOf: getter(Document.prototype, "scrollingElement"),
  urlOf: getter(Document.prototype, "URL"),
  // Whether a form has fields that stand in the way of these. A form keeps the old names of its fields as well, and
  // does not list any.
  isOverlaid: (form) => ASKED.some((name) => Object.hasOwn(form, name)),
};
