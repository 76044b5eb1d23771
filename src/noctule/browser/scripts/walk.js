// One walk over everything that is rendered in this process's part of a tab: what can be acted on, and the texts in
// between, in the order in which they are read. It goes through open and known closed shadow roots, slots, and frames
// of any origin that live here; a frame that lives elsewhere leaves a hole, which its own walk fills.
//
// What must always hold: the walk changes nothing that the page could see, and it ends inside its bounds of time,
// nodes, depth and text. What is left out then is said at the end.

const MAX_ELEMENTS = 60000;
const MAX_DEPTH = 400;
const MAX_RECORDS = 5000;
const MAX_TEXT = 400000;
const MAX_SUSPECTS = 150;
const MAX_OPTIONS = 300;
const MAX_SHAPES = 40;
const MAX_TREES = 100;
const MAX_AREAS = 100;
const LONGEST_LINE = 2000;

const SMALLEST_IMAGE = 48;

const { ELEMENT_NODE: ELEMENT, TEXT_NODE: TEXT } = Node;
const { tagOf, typeOf, parentNodeOf, firstOf, nextOf, first, firstIn, isShown, isOverlaid, bodyOf, topOf, titleOf, scrollerOf } = noctule.dom;
const { intersection, isEmpty, isHit, boxOf, boxIn, clipOf, reachOf, areaOf, areaBox } = noctule.geometry;
const { INTO_CHILD, INTO_ROOT, INTO_CLOSED_ROOT, top, step, pathText, pathTo } = noctule.paths;
const { letterOf, reasonOf, isHolder, hasEntries, isStandIn, isSpoken, actionOf, isOther, isHost, isHosting, openDialogs } = noctule.kinds;

const SKIPPED = new Set(["script", "style", "noscript", "template", "head", "meta", "link", "title", "base", "param", "source", "track", "datalist", "wbr"]);
const FIELDS = new Set(["input", "select", "textarea"]);
const SEEN = { opacityProperty: true, visibilityProperty: true };

class Walk {
  constructor({ counters, milliseconds, isCovered = false }) {
    this.counters = counters ?? noctule.counters;
    this.until = performance.now() + milliseconds;
    this.lines = []; // texts, records and holes, in reading order
    this.records = 0;
    this.text = ""; // of the line that is being gathered
    this.kept = 0;
    this.count = 0;
    this.isCut = false;
    this.depth = 0;
    this.inner = null; // the context of what is inside the element that is being visited
    this.suspects = [];
    this.trees = [document];
    this.holes = [];
    this.frames = [[]];
    this.visited = new Set(); // dialogs that came first
    this.isCovered = isCovered;
  }

  run() {
    const body = bodyOf(document) ?? topOf(document);
    const view = { x: 0, y: 0, scale: 1, width: innerWidth, height: innerHeight, reach: reachOf(window), frame: 0 };
    const context = outermost(view, this.isCovered);
    const dialogs = openDialogs();
    for (const [dialog, isModal] of dialogs) {
      this.flush();
      const title = noctule.givenName(dialog) || noctule.clean(first(dialog, "h1,h2,h3,h4,h5,h6,[role=heading]")?.textContent ?? "");
      this.lines.push(`### Content of 'dialog' component with text '${noctule.cut(title, 100)}'`);
      this.visit(dialog, pathTo(dialog), context);
      this.flush();
      this.visited.add(dialog);
      if (isModal) context.isInert = true;
    }
    if (dialogs.length) this.lines.push("### Content of the page behind it");
    this.visit(body, top(), context);
    this.flush();
  }

  visit(element, path, context) {
    const tag = tagOf(element);
    if (tag === "br") return this.say(" ", context);
    if (SKIPPED.has(tag) || this.isCut || this.depth > MAX_DEPTH) return;
    if (++this.count > MAX_ELEMENTS || this.kept > MAX_TEXT || this.records > MAX_RECORDS || ((this.count & 127) === 0 && performance.now() > this.until)) {
      this.isCut = true;
      return;
    }
    if (this.visited.size && this.visited.has(element)) return;
    const isSeen = isShown(element, SEEN);
    const style = getComputedStyle(element);
    const display = style.display;
    if (!isSeen && !isShown(element)) {
      if (tag === "slot" || display === "contents") this.children(element, path, context);
      else if (display !== "none" && isHost(parentNodeOf(element)?.localName)) this.suspect(parentNodeOf(element));
      return;
    }
    const isInline = display.startsWith("inline") || display === "contents";
    const isBox = isInline && display !== "inline" && display !== "contents";
    if (isBox) this.say(" ", context);
    else if (display === "table-cell") { if (this.text) this.text += " | "; }
    else if (!isInline && !context.owner) this.flush();
    this.inner = this.within(element, tag, style, display, isSeen, context);
    if (!this.inner) return;
    const record = this.recordOf(element, tag, style, path, context);
    if (record) { this.own(context).owner = record; this.open(record); }
    this.inside(element, tag, path, this.inner);
    if (tag === "img" && element.useMap) this.areas(element, context);
    if (tag === "img" && !record && element.alt && element.ariaHidden !== "true") this.say(` ${element.alt} `, context);
    if (record) this.close(record);
    if (isBox) this.say(" ", context);
    if (isInline) return;
    if (context.owner) context.owner.text += " ";
    else if (display !== "table-cell") this.flush();
  }

  inside(element, tag, path, context) {
    this.depth++;
    if (tag === "select") this.options(element, path, context);
    else if (tag === "iframe" || tag === "frame") this.frame(element, path, context);
    else if (tag === "svg" && this.isPlain(element, context)) this.drawing(element, context);
    else if (!FIELDS.has(tag)) this.children(element, path, context);
    this.depth--;
  }

  // The context of what is inside an element, its own where nothing changes; null where nothing in it can be seen.
  within(element, tag, style, display, isSeen, context) {
    const isTransparent = !isSeen && (context.isTransparent || style.opacity === "0");
    const isHidden = !isSeen && (isTransparent || style.visibility !== "visible");
    const isInert = context.isInert || element.inert === true;
    const isPointer = style.cursor === "pointer" && tag !== "body";
    const isSilent = tag === "label" ? isSpoken(element) : context.isSilent;
    let clip = context.clip;
    if (display !== "inline" && tag !== "body" && tag !== "html") {
      const across = style.overflowX;
      if (across !== "visible") {
        clip = clipOf(element, across, style.overflowY, clip, context.view);
        if (!clip) return null;
      } else if (clip && style.position === "fixed") clip = null;
    }
    if (isHosting(element, tag)) this.suspect(element);
    if (isTransparent === context.isTransparent && isHidden === context.isHidden && isInert === context.isInert && isPointer === context.isPointer &&
        isSilent === context.isSilent && clip === context.clip && context.delegates === null) return context;
    return { view: context.view, owner: context.owner, clip, isPointer, isTransparent, isHidden, isInert, isSilent, delegates: null };
  }

  // The context inside of the element that is being visited, to be changed.
  own(context) {
    return this.inner === context ? (this.inner = { ...context }) : this.inner;
  }

  children(element, path, context) {
    const root = noctule.rootOf(element);
    if (root) {
      if (this.trees.length < MAX_TREES) this.trees.push(root);
      return this.siblings(root.firstChild, path, context, root.mode === "open" ? INTO_ROOT : INTO_CLOSED_ROOT);
    }
    if (tagOf(element) === "slot") {
      const assigned = element.assignedNodes();
      if (assigned.length) {
        for (const node of assigned)
          if (typeOf(node) === ELEMENT) this.visit(node, pathTo(node), context);
          else this.say(node.data, context);
        return;
      }
    }
    this.siblings(firstOf(element), path, context, INTO_CHILD);
  }

  siblings(first, parent, context, into) {
    let place = 0;
    for (let node = first; node && !this.isCut; node = nextOf(node)) {
      const type = typeOf(node);
      if (type === ELEMENT) this.visit(node, step(parent, ++place, into), context);
      else if (type === TEXT) this.say(node.data, context);
    }
  }

  say(text, context) {
    if (context.isHidden || context.isSilent || !text) return;
    if (context.owner) {
      if (context.owner.text.length < LONGEST_LINE) context.owner.text += text;
    } else if (this.text.length < LONGEST_LINE * 4) this.text += text;
  }

  flush() {
    if (!this.text) return;
    const text = noctule.cut(noctule.clean(this.text), LONGEST_LINE);
    this.text = "";
    if (!text || text === "|") return;
    this.kept += text.length;
    this.lines.push(`_[:]${text}`);
  }

  open(record) {
    this.flush();
    this.lines.push(record);
    this.records++;
  }

  // What a record says is known once its inside has been seen.
  close(record) {
    record.text = noctule.clean(record.text);
    const { owner } = record;
    if (owner) owner.nested += areaOf(record.rect);
    // What is filled by what is in it says nothing by itself; the track of a slider is larger than its handle.
    if (record.isContainer && !record.text && record.nested > areaOf(record.rect) / 2) record.isDropped = true;
  }

  // A record for an element that can be acted on, or would be if it were not disabled or covered.
  recordOf(element, tag, style, path, context) {
    // A form that cannot be asked about itself is only gone through.
    if (tag === "form" && isOverlaid(element)) return null;
    const role = noctule.roleOf(element);
    const letter = letterOf(element, tag, role, style, context);
    if (!letter) return null;
    if (letter === "F" && !this.isPicture(element, context)) return null;
    const isContainer = letter === "M" && !isOther(role);
    if (isContainer) {
      const reason = reasonOf(element, tag, style, context);
      if (context.owner && reason !== "listens" && reason !== "focus" && tag !== "canvas") return null;
      if (reason && isHolder(element, reason)) {
        this.own(context).isPointer = false;
        if (reason === "listens" && hasEntries(element)) this.inner.delegates = element;
        return null;
      }
    }
    const { isHidden, isInert } = this.inner;
    if (isHidden && !(FIELDS.has(tag) && style.visibility === "visible")) return null;
    if (tag === "label" && !isStandIn(element)) return null;
    const rect = boxOf(element);
    if (rect.width < 1 || rect.height < 1) return null;
    const record = { element, tag, role, letter, path, isContainer, owner: context.owner, view: context.view, rect, text: "", name: noctule.givenName(element), nested: 0,
      isCovered: false, isDisabled: element.ariaDisabled === "true" || element.matches(":disabled"), isNew: false, isDropped: false, id: null };
    const sight = this.sightOf(element, rect, context);
    if (sight === "out") this.own(context).isHidden = true;
    if (sight === "out" || (sight === "covered" && isHidden)) return null;
    record.isCovered = sight === "covered";
    record.isReachable = sight === "" && !isInert && style.pointerEvents !== "none";
    return record;
  }

  isPicture(element, context) {
    if (context.owner || element.getAttribute("role") === "presentation" || element.ariaHidden === "true") return false;
    if (element.localName === "figure") return false;
    const rect = element.getBoundingClientRect();
    return rect.width >= SMALLEST_IMAGE && rect.height >= SMALLEST_IMAGE || Boolean(element.alt || element.getAttribute("aria-label"));
  }

  // "" for what a click can reach, once it is scrolled to; "covered" or "out" for what it cannot.
  sightOf(element, rect, { clip, view }) {
    const reach = clip?.reach ?? view.reach;
    if (rect.right < reach.left + 1 || rect.bottom < reach.top + 1) return "out";
    let part = rect;
    if (clip) {
      if (isEmpty(intersection(rect, clip.hard))) return "out";
      part = intersection(rect, clip);
    }
    part = intersection(part, { left: 0, top: 0, right: view.width, bottom: view.height });
    return isEmpty(part) || isHit(element, part) ? "" : "covered";
  }

  options(select, path, context) {
    let left = MAX_OPTIONS;
    const record = context.owner;
    if (record?.element !== select) return;
    const isUsable = record.isReachable && !record.isDisabled;
    const visit = (parent, parentPath) => {
      let place = 0;
      for (let option = parent.firstElementChild; option; option = option.nextElementSibling) {
        const optionPath = step(parentPath, ++place, INTO_CHILD);
        if (option.localName === "optgroup") { if (left > 0) this.lines.push(`_[:]${noctule.clean(option.label)}`); visit(option, optionPath); }
        else if (option.localName === "option" && !option.hidden && left-- > 0) {
          this.lines.push({ element: option, tag: "option", role: "option", letter: "O", path: optionPath, view: context.view, rect: record.rect, text: noctule.clean(option.label),
            name: "", isDisabled: option.disabled || option.parentElement.disabled === true, isReachable: isUsable, isNew: false, isDropped: false, id: null });
          this.records++;
        }
      }
    };
    visit(select, path);
    if (left < 0) this.lines.push(`_[:]… ${-left} more options`);
  }

  // A drawing says only what it is called.
  drawing(element, context) {
    const { owner } = context;
    if (owner && !owner.name && !owner.text) owner.text += noctule.givenName(element);
    for (const text of element.getElementsByTagName("text")) this.say(` ${text.textContent} `, context);
    if (owner) return;
    const shapes = element.querySelectorAll("circle,rect,ellipse,polygon,line");
    const { width, height } = element.getBoundingClientRect();
    if (!shapes.length || shapes.length > MAX_SHAPES || width < SMALLEST_IMAGE || height < SMALLEST_IMAGE) return;
    for (const shape of shapes) this.say(` ${noctule.shapeOf(shape)}`, context);
  }

  // Whether nothing in a drawing is acted on by itself.
  isPlain(svg, { owner }) {
    return (owner !== null && owner.element !== svg) || (!noctule.clickable.has(svg) && !this.hasParts(svg));
  }

  // The areas of a picture with a map, which stand elsewhere and have no boxes of their own.
  areas(picture, context) {
    const map = firstIn(picture.getRootNode(), `map[name="${CSS.escape(picture.useMap.slice(1))}"]`);
    for (const area of [...(map?.getElementsByTagName("area") ?? [])].slice(0, MAX_AREAS)) {
      if (!area.href && !noctule.clickable.has(area)) continue;
      const rect = areaBox(area, picture);
      const sight = this.sightOf(area, rect, context);
      if (sight === "out") continue;
      const role = noctule.roleOf(area);
      this.lines.push({ element: area, tag: "area", role, letter: role === "link" ? "L" : "M", path: pathTo(area), owner: null, view: context.view, rect, text: "",
        name: noctule.givenName(area), isCovered: sight === "covered", isReachable: sight === "" && !context.isInert, isDisabled: false, isNew: false, isDropped: false, id: null });
      this.records++;
    }
  }

  hasParts(svg) {
    for (const part of svg.getElementsByTagName("*"))
      if (noctule.clickable.has(part) || part.localName === "a" || part.hasAttribute("onclick") || part.hasAttribute("tabindex") || part.hasAttribute("role")) return true;
    return false;
  }

  frame(element, path, context) {
    const inside = element.contentDocument; // null if it lives elsewhere
    const { view } = context;
    const rect = element.getBoundingClientRect();
    const style = getComputedStyle(element);
    const scale = element.offsetWidth ? rect.width / element.offsetWidth : 1;
    const x = view.x + view.scale * (rect.left + scale * (element.clientLeft + parseFloat(style.paddingLeft)));
    const y = view.y + view.scale * (rect.top + scale * (element.clientTop + parseFloat(style.paddingTop)));
    const place = { x, y, scale: view.scale * scale };
    const part = intersection(rect, { left: 0, top: 0, right: view.width, bottom: view.height });
    const isInert = context.isInert || (!isEmpty(part) && !isHit(element, part));
    const frames = [...this.frames[view.frame], pathText(path)];
    this.flush();
    if (!inside) {
      this.holes.push(element);
      this.lines.push({ hole: this.holes.length - 1, ...place, frames, isCovered: isInert });
      return;
    }
    const body = bodyOf(inside);
    if (!body || context.isHidden) return;
    this.frames.push(frames);
    const inner = { ...place, reach: reachOf(inside.defaultView), width: element.clientWidth, height: element.clientHeight, frame: this.frames.length - 1 };
    if (this.trees.length < MAX_TREES) this.trees.push(inside);
    this.visit(body, top(), outermost(inner, isInert));
    this.flush();
  }

  suspect(element) {
    if (this.suspects.length < MAX_SUSPECTS && noctule.mayHost(element)) this.suspects.push(element);
  }

  // Everything as plain rows: lines, and [id, action, role, name, line, path, frame, x, y, width, height] a node.
  result() {
    const lines = [], nodes = [];
    const registry = new noctule.Registry(this.counters);
    for (const item of this.lines) {
      if (typeof item === "string") lines.push(item);
      else if (item.hole !== undefined) lines.push([item.hole, item.x, item.y, item.scale, item.frames, item.isCovered]);
      else if (!item.isDropped) {
        const isNode = item.isReachable && !item.isDisabled;
        const path = pathText(item.path);
        const label = item.name || item.text || noctule.fallbackName(item.element);
        item.name ||= item.text ? "" : label;
        if (isNode) [item.id, item.isNew] = registry.idFor(item.element, item.letter, `${item.letter}|${item.tag}|${item.view.frame}|${path}|${label}`);
        else if (item.letter === "F" || item.tag === "option" && !item.isReachable) continue;
        const line = noctule.lineOf(item);
        lines.push(`${isNode ? item.id : "_"}[:]${line}`);
        if (isNode) {
          const { rect, view } = item;
          nodes.push([item.id, actionOf(item), item.role, noctule.cut(label, 200), lines.length - 1, path, view.frame, ...boxIn(view, rect)]);
        }
      }
    }
    if (this.isCut) lines.push("_[:]… the rest of the page is left out: it is too large");
    const root = scrollerOf(document) ?? topOf(document);
    return {
      lines, nodes, frames: this.frames, counters: registry.counters, holes: this.holes.length,
      title: titleOf(document), url: location.href,
      place: [scrollX, scrollY, innerWidth, innerHeight, root.scrollWidth, root.scrollHeight].map(Math.round),
    };
  }
}

const outermost = (view, isInert) => ({ view, owner: null, clip: null, isPointer: false, isTransparent: false, isHidden: false, isInert, isSilent: false, delegates: null });

// Walks. Where the browser has to be asked about suspects, or about trees whose listeners are not known yet, it answers
// how many there are, and `observed` gives ids to what was found if nothing came of it.
noctule.observe = (options) => {
  const walk = (noctule.walk = new Walk(options));
  walk.run();
  noctule.suspects = walk.suspects;
  noctule.holes = walk.holes;
  noctule.trees = walk.trees;
  const isHeard = walk.trees.every((tree) => noctule.heard.has(tree));
  return walk.suspects.length || !isHeard ? { suspects: walk.suspects.length, isHeard } : noctule.observed();
};

noctule.observed = () => {
  const result = JSON.stringify(noctule.walk.result());
  noctule.walk = null;
  return result;
};
