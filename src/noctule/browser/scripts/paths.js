// The way to an element: its place among its siblings, the way to its parent, and how it goes from there: into a child,
// or into an open or closed shadow root.
const INTO_CHILD = ">", INTO_ROOT = "/", INTO_CLOSED_ROOT = "!";

const { typeOf, parentNodeOf, previousOf, documentOf, bodyOf } = noctule.dom;

const step = (parent, place, into) => ({ parent, place, into, text: null });
const top = () => ({ parent: null, place: 0, into: "", text: "" });
const pathText = (path) => (path.text ??= pathText(path.parent) + path.into + path.place);

// The path of an element that the walk did not come to step by step.
const pathTo = (element) => {
  if (element === bodyOf(documentOf(element))) return top();
  let place = 1;
  for (let sibling = previousOf(element); sibling; sibling = previousOf(sibling)) place++;
  const parent = parentNodeOf(element);
  const type = parent && typeOf(parent);
  if (type === Node.DOCUMENT_FRAGMENT_NODE) return step(pathTo(parent.host), place, parent.mode === "closed" ? INTO_CLOSED_ROOT : INTO_ROOT);
  return type === Node.ELEMENT_NODE ? step(pathTo(parent), place, INTO_CHILD) : top();
};

noctule.paths = { INTO_CHILD, INTO_ROOT, INTO_CLOSED_ROOT, top, step, pathText, pathTo };
