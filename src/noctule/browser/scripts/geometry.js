// Boxes, and what a click at a point lands on. Boxes are `left, top, right, bottom` in CSS pixels of their viewport.

const { parentOf, shadowOf, firstElementOf, rectOf, closest, rootNodeOf, atPointIn } = noctule.dom;

const intersection = (a, b) => {
  const left = Math.max(a.left, b.left), top = Math.max(a.top, b.top);
  return { left, top, right: Math.min(a.right, b.right), bottom: Math.min(a.bottom, b.bottom) };
};
const isEmpty = (rect) => rect.right - rect.left < 1 || rect.bottom - rect.top < 1;

const isWithin = (node, ancestor) => {
  for (let n = node; n; n = parentOf(n)) if (n === ancestor) return true;
  return false;
};

const hits = (element, x, y) => {
  const hit = atPointIn(rootNodeOf(element), x, y);
  if (!hit) return false;
  if (hit === element || element.contains(hit) || isWithin(hit, element)) return true;
  const label = closest(hit, "label");
  if (label && label.control === element) return true;
  return element.localName === "area" || (element.localName === "label" && element.control === hit);
};

// Whether a click can land on the part of an element that is to be seen: its middle, or else points towards its corners.
const isHit = (element, part) => {
  const { left, top, right, bottom } = part;
  const width = right - left, height = bottom - top;
  if (hits(element, left + width / 2, top + height / 2)) return true;
  for (const [fx, fy] of [[0.15, 0.5], [0.85, 0.5], [0.5, 0.15], [0.5, 0.85], [0.1, 0.1], [0.9, 0.9]])
    if (hits(element, left + width * fx, top + height * fy)) return true;
  // Text that wraps leaves the middle of its box to others.
  const rects = element.getClientRects();
  if (rects.length < 2) return false;
  for (let i = 0; i < Math.min(rects.length, 4); i++) {
    const line = intersection(rects[i], part);
    if (!isEmpty(line) && hits(element, (line.left + line.right) / 2, (line.top + line.bottom) / 2)) return true;
  }
  return false;
};

// The box of an element; of its contents where it has no size of its own.
const boxOf = (element) => {
  let rect = element.getBoundingClientRect();
  for (let child = element, depth = 0; depth < 4 && (rect.width < 1 || rect.height < 1); depth++) {
    const root = shadowOf(child);
    child = root ? root.firstElementChild : firstElementOf(child);
    if (!child) break;
    rect = rectOf(child);
  }
  return rect;
};

const boxIn = ({ x, y, scale }, rect) => [rect.left * scale + x, rect.top * scale + y, rect.width * scale, rect.height * scale].map(Math.round);

const areaOf = (rect) => rect.width * rect.height;

// The box around an area of a picture's map (HTML, 4.8.14: coordinates are CSS pixels of the picture's content).
const areaBox = (area, picture) => {
  const rect = picture.getBoundingClientRect(), style = getComputedStyle(picture);
  const left = rect.left + picture.clientLeft + parseFloat(style.paddingLeft), top = rect.top + picture.clientTop + parseFloat(style.paddingTop);
  const numbers = area.coords.split(",").map(Number);
  if (area.shape === "default" || numbers.length < 3 || numbers.some(Number.isNaN)) return rect;
  if (area.shape === "circle") {
    const [x, y, radius] = numbers;
    return new DOMRect(left + x - radius, top + y - radius, 2 * radius, 2 * radius);
  }
  const across = numbers.filter((_, i) => i % 2 === 0), down = numbers.filter((_, i) => i % 2 === 1);
  const x = Math.min(...across), y = Math.min(...down);
  return new DOMRect(left + x, top + y, Math.max(...across) - x, Math.max(...down) - y);
};

const ENDLESS = { left: -Infinity, top: -Infinity, right: Infinity, bottom: Infinity };
const HARD = new Set(["hidden", "clip"]);

// What of an element that clips can be seen now, and within which bounds (`hard`) all must be that can ever be scrolled
// into it; null where nothing can.
const clipOf = (element, across, down, outer, view) => {
  const rect = rectOf(element);
  const isHardAcross = HARD.has(across), isHardDown = HARD.has(down);
  if ((isHardAcross || isHardDown) && (rect.width <= 1 || rect.height <= 1)) return null;
  const clip = intersection(rect, outer ?? ENDLESS);
  const around = outer?.hard ?? ENDLESS;
  // What a box scrolls can be brought into it, if the box itself can.
  const isWithin = !isEmpty(intersection(rect, around));
  clip.hard = { ...around };
  if (isHardAcross) Object.assign(clip.hard, { left: Math.max(rect.left, around.left), right: Math.min(rect.right, around.right) });
  else if (isWithin) Object.assign(clip.hard, { left: -Infinity, right: Infinity });
  if (isHardDown) Object.assign(clip.hard, { top: Math.max(rect.top, around.top), bottom: Math.min(rect.bottom, around.bottom) });
  else if (isWithin) Object.assign(clip.hard, { top: -Infinity, bottom: Infinity });
  const reach = outer?.reach ?? view.reach;
  clip.reach = { left: isHardAcross ? reach.left : rect.left - element.scrollWidth, top: isHardDown ? reach.top : rect.top - element.scrollHeight };
  return clip;
};

// How far to the left and above things can be, and still be scrolled to.
const reachOf = ({ scrollX, scrollY }) => ({ left: -scrollX, top: -scrollY });

noctule.geometry = { intersection, isEmpty, isHit, boxOf, boxIn, clipOf, reachOf, areaOf, areaBox };
