// Waits until a person could click an element, says where, and watches where the click arrives.
//
// What must always hold: a page sees nothing of this but the events that a person would cause.

const playwright = noctule.playwright;
const acting = noctule.acting;
const { attempt, attached, drawn, visible, describe, nameOf, identity, nextFrame, parentOf, deepest } = acting;

const BLOCKS = ["center", "end", "start"];
const WATCH_MS = 8000;
const MOUSE_EVENTS = ["pointerdown", "mousedown", "pointerup", "mouseup", "click", "auxclick", "dblclick"];

// -- where to click --------------------------------------------------------------------------------------

function hindrance(element) {
  if (!visible(element)) return "hidden";
  if (!playwright.elementState(element, "enabled").matches) return "disabled";
  if (!playwright.elementState(element, "non-inert").matches) return "inert";
  return null;
}

function box(element) {
  const rect = drawn(element).getBoundingClientRect();
  return `${rect.x} ${rect.y} ${rect.width} ${rect.height}`;
}

// Points at which the element may be hit: the middle of each part of it that is inside of the viewport, then others.
function* candidates(element) {
  if (element.localName === "area") return yield middleOf(element);
  const view = element.ownerDocument.defaultView;
  let rects = [...element.getClientRects()];
  if (!rects.some((rect) => rect.width * rect.height > 0.99)) {
    const range = element.ownerDocument.createRange();
    range.selectNodeContents(element);
    rects = [...range.getClientRects()];
  }
  const parts = [];
  for (const rect of rects.slice(0, 20)) {
    const [left, top] = [Math.max(rect.left, 0), Math.max(rect.top, 0)];
    const [right, bottom] = [Math.min(rect.right, view.innerWidth), Math.min(rect.bottom, view.innerHeight)];
    if (right - left > 0 && bottom - top > 0 && rect.width * rect.height > 0.99)
      parts.push([left, top, right - left, bottom - top]);
  }
  for (const [left, top, width, height] of parts) yield { x: left + width / 2, y: top + height / 2 };
  for (const [left, top, width, height] of parts.slice(0, 3))
    for (const [across, down] of [[0.25, 0.5], [0.75, 0.5], [0.5, 0.25], [0.5, 0.75], [0.1, 0.1], [0.9, 0.9]])
      yield { x: left + width * across, y: top + height * down };
}

// About the middle of an area of an image map.
function middleOf(area) {
  const rect = drawn(area).getBoundingClientRect();
  const numbers = area.coords.split(",").map(Number).filter(Number.isFinite);
  const isCircle = area.shape === "circle";
  if (numbers.length < 3 || area.shape === "default") return { x: rect.x + rect.width / 2, y: rect.y + rect.height / 2 };
  const mean = (from) => {
    const some = isCircle ? [numbers[from]] : numbers.filter((_, index) => index % 2 === from);
    return some.reduce((sum, one) => sum + one, 0) / some.length;
  };
  return { x: rect.x + mean(0), y: rect.y + mean(1) };
}

function contains(ancestor, element) {
  for (let step = element; step; step = parentOf(step)) if (step === ancestor) return true;
  return false;
}

// `null` if a click at that point of the element's frame reaches it, else why not.
function missed(point, element) {
  const wanted = playwright.retarget(element, "button-link");
  if (playwright.expectHitTarget(point, wanted) === "done") return null;
  let over = deepest(point, element.ownerDocument);
  if (!over) return { failed: "outside" };
  if (over === drawn(element)) return null;
  // The label of a control is as good as the control itself.
  const label = over.closest("label");
  if (label && label.control && label.control === playwright.retarget(element, "follow-label")) return null;
  for (let up = parentOf(over); up && !contains(up, wanted); up = parentOf(up)) over = up;
  return { failed: "covered", by: describe(over) };
}

// A point of a frame as a point of this world's outermost frame, if nothing covers the iframes there or `anyway`.
function outward(point, view, anyway = false) {
  let { x, y } = point;
  while (view !== window) {
    const owner = view.frameElement;
    if (!owner) break;
    ({ x, y } = through(owner, x, y));
    const miss = anyway ? null : missed({ x, y }, owner);
    if (miss) return miss;
    view = owner.ownerDocument.defaultView;
  }
  return { x, y };
}

// A point of a frame's viewport as a point of the viewport around it.
function through(owner, x, y) {
  const rect = owner.getBoundingClientRect();
  const style = owner.ownerDocument.defaultView.getComputedStyle(owner);
  const scale = [rect.width / (owner.offsetWidth || 1) || 1, rect.height / (owner.offsetHeight || 1) || 1];
  return {
    x: rect.left + (owner.clientLeft + parseFloat(style.paddingLeft || 0) + x) * scale[0],
    y: rect.top + (owner.clientTop + parseFloat(style.paddingTop || 0) + y) * scale[1],
  };
}

function place(element) {
  let miss = { failed: "outside" };
  for (const point of candidates(element)) {
    let found = missed(point, element);
    found ??= outward(point, element.ownerDocument.defaultView);
    if (!found.failed) return found;
    if (miss.failed === "outside") miss = found;
  }
  return miss;
}

const bring = (element, block) => drawn(element).scrollIntoView({ block, inline: block, behavior: "instant" });

async function aim(element, round, options) {
  const control = options.label ? labelled(element) : element;
  const hindered = hindrance(control);
  if (hindered) return { failed: hindered, what: describe(element), label: nameOf(element) };
  if (round || options.bring || place(control).failed) bring(control, BLOCKS[round % BLOCKS.length]);
  const before = box(control);
  await nextFrame();
  if (!attached(control)) return { failed: "gone" };
  const point = box(control) === before ? place(control) : { failed: "moving" };
  if (point.failed) return { ...point, what: describe(element), label: nameOf(element) };
  arm(control);
  return { ...point, ...identity(element, options), href: leadsTo(element) };
}

// A box that is drawn by its label has nothing to click itself.
function labelled(element) {
  if (visible(element)) return element;
  return [...(element.labels ?? [])].find(visible) ?? element;
}

// -- watching where a click arrives ----------------------------------------------------------------------

// Watch the next click in a document: `judge` says of its first event whether it has arrived, or why not. What has
// not arrived gets nothing.
function watch(view, judge) {
  acting.armed?.disarm();
  const armed = { outcome: null, disarm };
  function listen(event) {
    if (!event.isTrusted) return;
    armed.outcome ??= judge(event);
    armed.outcome.began ||= /down$/.test(event.type);
    if (armed.outcome.failed) {
      event.preventDefault();
      event.stopImmediatePropagation();
    }
  }
  function disarm() {
    for (const type of MOUSE_EVENTS) view.removeEventListener(type, listen, true);
    acting.armed = undefined;
  }
  for (const type of MOUSE_EVENTS) view.addEventListener(type, listen, { capture: true, passive: false });
  acting.armed = armed;
  // A click that never comes must not leave a watch behind for somebody else's.
  setTimeout(() => acting.armed === armed && disarm(), WATCH_MS);
}

function arm(element) {
  const document = element.ownerDocument;
  watch(document.defaultView, (event) => {
    const point = { x: event.clientX, y: event.clientY };
    if (!element.isConnected && isTwin(deepest(point, document), element)) return { hit: true };
    const miss = missed(point, element);
    if (miss) return miss;
    // What is there by now may not be what was there when the browser chose whom to give the event.
    return isFor(event, element) ? { hit: true } : { failed: "covered", by: describe(event.composedPath()[0]) };
  });
}

function isFor(event, element) {
  const path = event.composedPath();
  const wanted = playwright.retarget(element, "button-link");
  if (path.includes(wanted) || path.includes(drawn(element))) return true;
  const control = playwright.retarget(element, "follow-label");
  if (path.some((step) => step.localName === "label" && step.control === control)) return true;
  // A closed root keeps to itself which of its elements it was.
  for (let root = wanted.getRootNode(); root.host; root = root.host.getRootNode())
    if (!root.host.shadowRoot && path.includes(root.host)) return true;
  return false;
}

// Whether an element is what a page has put in the place of another while the mouse came near.
function isTwin(found, element) {
  for (let step = found; step; step = parentOf(step))
    if (step.localName === element.localName && step.id === element.id && step.textContent === element.textContent) return true;
  return false;
}

// Where a link leads that the element is in; nothing for an address too long to be compared.
function leadsTo(element) {
  const href = element.closest?.("a[href], area[href]")?.href;
  return typeof href === "string" && href.length <= 4096 ? href : "";
}

// -- what the driver calls -------------------------------------------------------------------------------

Object.assign(acting, { hindrance, labelled, outward });

// Where to click, as x and y of this world's viewport.
acting.aim = (target, start, budgetMs, options) =>
  attempt(target, start, budgetMs, (element, round) => aim(element, round, options));

// After the click: whether it arrived, and whether from its beginning.
acting.release = () => {
  const armed = acting.armed;
  armed?.disarm();
  return armed?.outcome ?? { hit: false, began: false };
};

// The click that a script makes, for want of a better one.
acting.clickByScript = (target, start, budgetMs, options) =>
  attempt(target, start, 0, async (element) => {
    const hindered = hindrance(options.label ? labelled(element) : element);
    if (hindered && !options.anyway) return { failed: hindered, what: describe(element), label: nameOf(element) };
    const said = { ...identity(element, options), href: leadsTo(element) };
    if (typeof element.click === "function") element.click();
    else element.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true, composed: true }));
    return said;
  });

// A point inside of an iframe that this world cannot read, seen from here. With `isClick` the click must not arrive
// here: the browser hands it on to the frame, once it knows where that is.
acting.around = (owner, x, y, isClick) => {
  const point = through(owner, x, y);
  const view = owner.ownerDocument.defaultView;
  const found = missed(point, owner) ?? outward(point, view);
  if (isClick && !found.failed) watch(view, () => ({ failed: "covered", by: describe(owner) }));
  return found;
};

acting.bringOwner = (owner) => bring(owner, "center");
