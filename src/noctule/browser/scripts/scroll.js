// Scrolling: what moves, where to turn the wheel, and whether it moved.

const acting = noctule.acting;
const { attempt, visible, describe, identity, parentOf, deepest } = acting;

const PAGE_SHARE = 0.7;
const LEAST_SHARE = 0.02;
const GRID = [0.5, 0.3, 0.7, 0.1, 0.9];
const STILL_FRAMES = 4;
const FIRST_FRAMES = 12;
const MOST_CHECKED = 5000;

const pageOf = (document) => document.scrollingElement ?? document.documentElement;

function scrolls(element) {
  if (element === pageOf(element.ownerDocument)) {
    const styles = [element.ownerDocument.documentElement, element.ownerDocument.body].filter(Boolean).map((one) => getComputedStyle(one));
    if (styles.some((style) => style.overflowY === "hidden" || style.overflowY === "clip")) return false;
    return element.scrollHeight > element.clientHeight;
  }
  if (element.scrollHeight <= element.clientHeight + 1 || element.clientHeight < 20) return false;
  return /^(auto|scroll|overlay)$/.test(getComputedStyle(element).overflowY);
}

const leftUp = (element) => Math.floor(element.scrollTop);
const leftDown = (element) => Math.floor(element.scrollHeight - element.clientHeight - element.scrollTop);
const moves = (element, up) => scrolls(element) && (up ? leftUp(element) : leftDown(element)) >= 1;

function firstAround(element, up) {
  let any = null;
  for (let step = element; step; step = parentOf(step)) {
    if (!scrolls(step)) continue;
    if (moves(step, up)) return step;
    any ??= step;
  }
  return any;
}

// The largest thing to be seen that can still move that way, if the page itself cannot move at all.
function* all(root) {
  for (const element of root.querySelectorAll("*")) {
    yield element;
    if (element.shadowRoot) yield* all(element.shadowRoot);
    if (element.localName === "iframe" && element.contentDocument) yield* all(element.contentDocument);
  }
}

function largest(up) {
  // Nobody who wants the page to scroll means a small box, or a field.
  let [best, size, checked] = [null, window.innerWidth * window.innerHeight * LEAST_SHARE, 0];
  for (const element of all(document)) {
    if (++checked > MOST_CHECKED) break;
    if (!moves(element, up) || /^(textarea|select)$/.test(element.localName) || !visible(element)) continue;
    const box = seen(element);
    const area = box ? box.width * box.height : 0;
    if (area > size) [best, size] = [element, area];
  }
  return best;
}

// The part of an element that its own viewport shows.
function seen(element) {
  const view = element.ownerDocument.defaultView;
  const rect = element === pageOf(element.ownerDocument) ? { left: 0, top: 0, right: view.innerWidth, bottom: view.innerHeight } : element.getBoundingClientRect();
  const [left, top] = [Math.max(rect.left, 0), Math.max(rect.top, 0)];
  const [right, bottom] = [Math.min(rect.right, view.innerWidth), Math.min(rect.bottom, view.innerHeight)];
  return right - left > 4 && bottom - top > 4 ? { left, top, width: right - left, height: bottom - top } : null;
}

// A point of the scroller where nothing else would take the wheel; its middle, if there is none.
function spotOn(scroller, up) {
  const box = seen(scroller);
  if (!box) return null;
  const points = GRID.flatMap((down) => GRID.map((across) => ({ x: box.left + box.width * across, y: box.top + box.height * down })));
  for (const point of points) {
    const hit = deepest(point, scroller.ownerDocument);
    if (hit && hit.localName !== "iframe" && firstAround(hit, up) === scroller) return point;
  }
  return points[0];
}

function start(scroller, options) {
  const view = scroller.ownerDocument.defaultView;
  let active = scroller.ownerDocument.activeElement;
  while (active?.shadowRoot?.activeElement) active = active.shadowRoot.activeElement;
  active?.blur?.();
  const local = spotOn(scroller, options.up);
  const point = local && acting.outward(local, view, true);
  acting.scroller = scroller;
  acting.scrolledFrom = scroller.scrollTop;
  const height = scroller === pageOf(scroller.ownerDocument) ? view.innerHeight : scroller.clientHeight;
  const amount = options.amount ?? Math.round(height * PAGE_SHARE);
  return { ...(point ?? {}), amount, can: moves(scroller, options.up) };
}

function standing() {
  const scroller = acting.scroller;
  const isPage = scroller === pageOf(scroller.ownerDocument);
  return {
    moved: Math.round(scroller.scrollTop - acting.scrolledFrom),
    position: Math.round(scroller.scrollTop),
    most: Math.max(0, Math.round(scroller.scrollHeight - scroller.clientHeight)),
    scrolls: scrolls(scroller),
    what: isPage ? "The page" : describe(scroller),
  };
}

// Wait until it has stood still for a few frames.
async function rest(mostMs) {
  const scroller = acting.scroller;
  const begun = performance.now();
  let [last, still, moved] = [scroller.scrollTop, 0, scroller.scrollTop !== acting.scrolledFrom];
  while (performance.now() - begun < mostMs) {
    await acting.nextFrame();
    const now = scroller.scrollTop;
    moved ||= now !== last;
    still = now === last ? still + 1 : 0;
    last = now;
    if (still >= (moved ? STILL_FRAMES : FIRST_FRAMES)) break;
  }
  return standing();
}

acting.startScroll = (options) => {
  const page = pageOf(document);
  const scroller = moves(page, options.up) ? page : scrolls(page) ? page : largest(options.up) ?? page;
  return start(scroller, options);
};

acting.startScrollOf = (target, begin, budgetMs, options) =>
  attempt(target, begin, budgetMs, async (element) => {
    const said = identity(element, options);
    const inner = [...element.querySelectorAll("*")].slice(0, MOST_CHECKED).find((one) => moves(one, options.up) && visible(one));
    const scroller = scrolls(element) ? element : inner ?? firstAround(element, options.up) ?? pageOf(element.ownerDocument);
    return { ...start(scroller, options), ...said };
  });

acting.restAfterScroll = rest;

// For a page that keeps the wheel to itself.
acting.scrollByScript = (options) => {
  const { scroller } = acting;
  scroller.scrollBy({ top: options.up ? -options.amount : options.amount, behavior: "instant" });
  return standing();
};
