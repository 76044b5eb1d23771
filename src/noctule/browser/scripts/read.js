// Reads what a document shows into plain nodes, `[tag, attributes, box, child, ...]` with texts as strings: shadow
// roots and slots in place, without what nobody could see, and with what forms hold now.
//
// What must always hold: the walk changes nothing that the page could see; it ends inside its bounds of time, nodes,
// depth and text; what it cuts off is the end. No secret that was typed into a field leaves it.

const MAX_ELEMENTS = 90000;
const MAX_DEPTH = 240;
// Elements deeper than these give their text alone, so that no page can use up the stack.
const MAX_NESTING = 600;
const MAX_CHARACTERS = 10000000;
const MAX_ATTRIBUTE = 2000;
const MAX_ADDRESS = 65536;
const MAX_DRAWING = 32768;
const MAX_DRAWING_ELEMENTS = 400;
const MAX_NOSCRIPT = 1000000;
const MAX_SUSPECTS = 40;
const MAX_FRAMES = 64;
const MAX_FRAME_DEPTH = 8;
const SMALLEST_FRAME = 40;
// With less to read than this, what a page has for browsers without scripts says more.
const THIN_CHARACTERS = 80;
const MAX_TYPES = 100;
const LINKED_TYPE = /"@type"\s*:\s*(\[[^\]]{0,500}\]|"[^"]{0,100}")/g;
const FAR_LEFT = -4000;
const APART_OF_PAGE = "nav,header,footer,aside,dialog,[role=navigation],[role=banner],[role=contentinfo],[role=dialog],[role=menu],[role=search]";
const APART = "[role=menu],[role=listbox],[role=tooltip],[aria-modal]";
const MAIN = "main,[role=main],h1";
const VISIBLE = { visibilityProperty: true };
const SMALLEST_MOST = 100;

const UNSEEN = new Set(["script", "style", "template", "head", "link", "meta", "base", "title", "param", "datalist", "noembed", "noframes", "area", "embed", "rp"]);
// What has no look of its own, or one that says nothing.
const UNSTYLED = new Set(["source", "track", "option", "optgroup", "col", "colgroup", "noscript", "slot", "br", "wbr"]);
const OPAQUE = new Set(["canvas", "object", "iframe", "frame", "input", "img", "textarea"]);
const BOXED = new Set(["img", "svg", "video", "audio", "canvas", "iframe", "object"]);
const ADDRESSES = new Set(["src", "srcset", "href", "poster", "data-src", "data-srcset", "data-original", "data-lazy-src", "data-lazy", "data-url", "d", "points"]);
// What a person does to these changes what is said of them.
const LIVE = new Set(["input", "option", "dialog", "textarea", "img"]);
const SILENT_TYPES = new Set(["password", "hidden", "file"]);
const SECRET_USES = /password|one-time-code|cc-(?:number|csc|exp)/i;
const SECRET_NAMES = /passw|pwd|passphrase|secret|\b(?:otp|cvc|cvv|pin|token)\b/i;
const HOSTS = /^(?:article|aside|blockquote|div|footer|header|main|nav|p|section|span)$/;

const HIDDEN = 1; // by visibility, which parts of it may take back
const KEPT = 2; // read whether it is visible or not
const PRE = 4;
const PLAIN = 8; // without styles: in drawings, formulas, and what is not rendered
const DRAWN = 16;

const { tagOf, attributesOf, attributeOf, hasAttributes, firstOf, nextOf, textOf, baseOf, documentOf, isShown, rectOf, matches, closest, contains, first, allIn,
  firstIn, bodyOf, headOf, topOf, titleOf, contentTypeOf, urlOf } = noctule.dom;

const FAILED = "chrome-error:";

const isDocument = (type) => type === "text/html" || type === "application/xhtml+xml";

// Whether there is nothing of that box to see, wherever one scrolls, if it is taken out of the flow.
const isOutOfWay = (rect) => (rect.width <= 2 && rect.height <= 2) || rect.right < FAR_LEFT || rect.right <= 0 || rect.bottom <= 0 || rect.left >= innerWidth;

// Whether an element is there for screen readers alone, or waits out of sight: shrunk to a point, far outside, or fixed
// where nobody can scroll to.
function isAside(element, rect) {
  const { position, overflow } = getComputedStyle(element);
  if (position === "fixed" && (rect.right <= 0 || rect.bottom <= 0 || rect.left >= innerWidth)) return true;
  if (position !== "absolute" && position !== "fixed") return false;
  const isPoint = rect.width <= 2 && rect.height <= 2 && overflow !== "visible";
  // Formulas are kept there for whoever cannot see how they are typeset.
  return (isPoint || rect.right < FAR_LEFT) && first(element, "math") === null;
}

// Whether a person would find this by opening a tab or unfolding a part of the text; menus and dialogs are no such parts.
function isFolded(element) {
  if (matches(element, APART) || closest(element, APART_OF_PAGE)) return false;
  if (attributeOf(element, "role") === "tabpanel") return true;
  const id = attributeOf(element, "id");
  const control = id && firstIn(documentOf(element), `[aria-controls~="${CSS.escape(id)}"]`);
  return Boolean(control) && control.matches("[aria-expanded],[role=tab]") && !control.matches("[aria-haspopup]:not([aria-haspopup=false]),[role=combobox]") && !control.closest(APART_OF_PAGE);
}

class Reading {
  constructor({ elements, characters, milliseconds }) {
    this.elements = Math.min(elements ?? MAX_ELEMENTS, MAX_ELEMENTS);
    this.characters = Math.min(characters ?? MAX_CHARACTERS, MAX_CHARACTERS);
    this.until = performance.now() + milliseconds;
    this.isCut = false;
    this.shown = 0;
    this.frames = []; // documents as text, and numbers of those that live elsewhere
    this.holes = [];
    this.suspects = [];
    this.unscripted = [];
    this.isLive = noctule.outlook?.isLive ?? true;
  }

  // The whole of a document, with what its head says of pictures.
  whole(document) {
    const body = bodyOf(document) ?? topOf(document);
    if (!body) return ["body", null, null];
    const holder = ["", null, null];
    this.total = undefined;
    this.wanted = body;
    this.from(document);
    this.visit(body, holder, 0, 0, 0);
    const root = holder[3] ?? ["body", null, null];
    const head = this.head(document);
    if (head) root.splice(3, 0, head);
    return root;
  }

  // Boxes are told from the top left of their document.
  from(document) {
    const view = document.defaultView;
    this.left = view?.scrollX ?? 0;
    this.top = view?.scrollY ?? 0;
  }

  head(document) {
    const found = ["head", null, null];
    for (const element of headOf(document)?.children ?? []) {
      const tag = element.localName;
      const isPicture = tag === "link" ? /\b(?:icon|mask-icon|apple-touch-icon(?:-precomposed)?)\b/i.test(element.rel) : tag === "meta" && /^(?:og|twitter):image/i.test(element.getAttribute("property") ?? element.name);
      if (isPicture && found.length < 40) found.push([tag, this.attributes(element, tag), null]);
    }
    return found.length > 3 ? found : null;
  }

  visit(element, into, depth, flags, nesting) {
    const tag = tagOf(element);
    if (this.isCut) return;
    if (UNSEEN.has(tag) && !(flags & DRAWN)) {
      if (tag === "script" && element.type.startsWith("math/")) into.push(["script", { type: element.type }, null, element.text]);
      return;
    }
    if (this.elements-- <= 0 || ((this.elements & 127) === 0 && performance.now() > this.until)) {
      this.isCut = true;
      return;
    }
    let box = null;
    if (tag === "pre" || tag === "listing" || tag === "xmp") flags |= PRE;
    const isNamed = hasAttributes(element);
    const isBoxed = BOXED.has(tag) || tag.includes("-");
    // What has no attributes is where the text flows; to know that it is seen is enough, and most elements are like that.
    if (!isNamed && !isBoxed && !(flags & PLAIN) && isShown(element, VISIBLE)) flags &= ~HIDDEN;
    else if (!(flags & PLAIN) && !UNSTYLED.has(tag)) {
      const { display } = getComputedStyle(element);
      if (display === "none" && element !== this.wanted && !isFolded(element) && !this.isMost(element)) return;
      flags = this.sight(element, flags);
      if ((display !== "inline" && display !== "contents") || isBoxed) {
        const rect = rectOf(element);
        if (isOutOfWay(rect) && element !== this.wanted && isAside(element, rect)) return;
        box = [Math.round(rect.left + this.left), Math.round(rect.top + this.top), Math.round(rect.width), Math.round(rect.height)];
      }
    }
    if (tag === "slot") return this.children(element, into, depth, flags, nesting);
    if (flags & HIDDEN && OPAQUE.has(tag)) return;
    const attributes = isNamed || LIVE.has(tag) ? this.attributes(element, tag, box) : null;
    // Only how large pictures are is of any use to a reader.
    const node = [tag, attributes, BOXED.has(tag) || attributes?.["data-background"] ? box : null];
    // Deeper than this, elements are given up for their content.
    const inner = depth < MAX_DEPTH ? node : into;
    if (inner === node) into.push(node);
    if (tag === "noscript") this.unscripted.push([element, node]);
    else if (tag === "iframe" || tag === "frame") this.frame(element, box, flags);
    else if (tag === "svg") this.drawing(element, inner, depth, flags, nesting);
    else if (tag === "math") this.children(element, inner, depth + 1, flags | PLAIN | DRAWN, nesting);
    else if (tag === "video" || tag === "audio") this.sources(element, node);
    else if (tag === "textarea") { if (!this.isSecret(element)) this.say(element.value, inner, PRE); }
    else if (nesting >= MAX_NESTING) this.say(textOf(element), inner, flags);
    else if (!OPAQUE.has(tag)) this.children(element, inner, depth + 1, flags, nesting);
    if (!(flags & (HIDDEN | PLAIN))) this.suspect(element, tag, node);
  }

  children(element, into, depth, flags, nesting) {
    const root = noctule.rootOf(element);
    if (root) return this.siblings(firstOf(root), into, depth, flags, nesting);
    if (tagOf(element) === "slot" && element.assignedNodes) {
      const assigned = element.assignedNodes();
      if (assigned.length) {
        for (const node of assigned) this.one(node, into, depth, flags, nesting);
        return;
      }
    }
    this.siblings(firstOf(element), into, depth, flags, nesting);
  }

  siblings(first, into, depth, flags, nesting) {
    for (let node = first; node && !this.isCut; node = nextOf(node)) this.one(node, into, depth, flags, nesting);
  }

  one(node, into, depth, flags, nesting) {
    if (node.nodeType === Node.ELEMENT_NODE) this.visit(node, into, depth, flags, nesting + 1);
    else if (node.nodeType === Node.TEXT_NODE || node.nodeType === Node.CDATA_SECTION_NODE) this.say(node.data, into, flags);
  }

  say(data, into, flags) {
    if (flags & HIDDEN || !data) return;
    let text = data;
    const isBlank = !/\S/.test(data);
    if (!isBlank) this.shown += data.length;
    else if (!(flags & PRE)) text = data.includes("\n") ? "\n" : " ";
    if (text.length > this.characters) {
      text = text.slice(0, this.characters);
      this.isCut = true;
    }
    this.characters -= text.length;
    const last = into.length - 1;
    if (last > 2 && typeof into[last] === "string") into[last] += text;
    else into.push(text);
  }

  // What is hidden by visibility, unless it is all that there is.
  sight(element, flags) {
    if (flags & KEPT || (!(flags & HIDDEN) && isShown(element, VISIBLE))) return flags;
    if (getComputedStyle(element).visibility === "visible") return flags & ~HIDDEN;
    if (flags & HIDDEN) return flags;
    return flags | (this.isMost(element) ? KEPT : HIDDEN);
  }

  // Whether this is hidden only until some script has run: it holds most of the page or all that its page is about, or
  // is a part that a framework has sent ahead for its script to put into place.
  isMost(element) {
    const { length } = textOf(element);
    if (length < SMALLEST_MOST) return false;
    if (attributeOf(element, "hidden") !== null && attributeOf(element, "id")?.startsWith("S:")) return true;
    this.total ??= noctule.readable(this.wanted);
    if (2 * length > this.total && 2 * noctule.readable(element) > this.total) return true;
    if (10 * length < this.total || (!matches(element, MAIN) && first(element, MAIN) === null)) return false;
    for (const other of allIn(documentOf(element), MAIN))
      if (!contains(element, other) && !contains(other, element) && isShown(other, VISIBLE)) return false;
    return 10 * noctule.readable(element) > this.total;
  }

  attributes(element, tag, box) {
    const attributes = attributesOf(element);
    const found = {};
    for (let i = 0; i < attributes.length; i++) {
      const { name, value } = attributes[i];
      if (value.length > MAX_ATTRIBUTE) {
        if (value.length <= MAX_ADDRESS && ADDRESSES.has(name)) found[name] = value;
        else if (name === "class" || name === "alt" || name === "title") found[name] = value.slice(0, MAX_ATTRIBUTE);
      } else if (!(name[0] === "o" && name[1] === "n")) found[name] = value;
    }
    if (tag === "input") this.field(element, found);
    else if (tag === "option") { if (element.selected) found.selected = ""; else delete found.selected; }
    else if (tag === "dialog" && element.open) found.open = "";
    else if (tag === "textarea") delete found.value;
    else if (tag === "img" && element.currentSrc && !found.src) found.src = element.currentSrc;
    if (box && (found.class || found.style || found.id) && box[2] > 2 && box[3] > 2) {
      const { backgroundImage } = getComputedStyle(element);
      if (backgroundImage !== "none" && backgroundImage.includes("url(") && backgroundImage.length <= MAX_ATTRIBUTE) found["data-background"] = backgroundImage;
    }
    for (const _ in found) return found;
    return null;
  }

  field(element, found) {
    const type = element.type;
    if (type === "checkbox" || type === "radio") {
      if (element.checked) found.checked = "";
      else delete found.checked;
    } else if (SILENT_TYPES.has(type) || !element.value || this.isSecret(element)) delete found.value;
    else found.value = element.value.slice(0, MAX_ATTRIBUTE);
  }

  isSecret(element) {
    return SECRET_USES.test(element.autocomplete) || SECRET_NAMES.test(`${element.name} ${element.id}`) || !["none", "", undefined].includes(getComputedStyle(element).webkitTextSecurity);
  }

  drawing(element, into, depth, flags, nesting) {
    const isSmall = element.getElementsByTagName("*").length <= MAX_DRAWING_ELEMENTS;
    if (isSmall && element.outerHTML.length <= MAX_DRAWING) this.siblings(firstOf(element), into, depth + 1, flags | PLAIN | DRAWN, nesting);
  }

  sources(element, into) {
    for (const child of element.children)
      if (child.localName === "source" || child.localName === "track") into.push([child.localName, this.attributes(child, child.localName), null]);
  }

  frame(element, box, flags) {
    if (flags & HIDDEN || !box || box[2] < SMALLEST_FRAME || box[3] < SMALLEST_FRAME || this.frames.length >= MAX_FRAMES) return;
    const document = element.contentDocument; // null if it lives elsewhere
    if (!document) {
      this.holes.push(element);
      this.frames.push(this.holes.length - 1);
      return;
    }
    if (!isDocument(contentTypeOf(document)) || urlOf(document).startsWith(FAILED) || (this.level ?? 0) >= MAX_FRAME_DEPTH) return;
    const outer = [this.wanted, this.total, this.shown];
    const place = this.frames.push("") - 1;
    this.level = (this.level ?? 0) + 1;
    const root = this.whole(document);
    this.level--;
    this.frames[place] = JSON.stringify({ url: baseOf(document), title: titleOf(document), root });
    [this.wanted, this.total] = outer;
    this.from(element.ownerDocument);
    // What frames show does not make up for a page that shows nothing.
    this.shown = outer[2];
  }

  suspect(element, tag, node) {
    const isCustom = tag.includes("-");
    const isEmpty = node.length === 3 || (node.length === 4 && typeof node[3] === "string" && !node[3].trim());
    if (!isCustom && !(isEmpty && this.isLive && HOSTS.test(tag) && element.offsetHeight)) return;
    if (this.suspects.length >= MAX_SUSPECTS || !noctule.mayHost(element)) return;
    // What a root leaves out of its slots is not drawn.
    if (isEmpty || !element.querySelector("*")?.checkVisibility()) this.suspects.push(element);
  }

  // Where a page without scripts would say something, and this one says nearly nothing, that is read.
  addUnscripted() {
    if (this.shown >= THIN_CHARACTERS) return;
    for (const [element, node] of this.unscripted) {
      const text = textOf(element);
      if (text.length > MAX_NOSCRIPT) continue;
      const { body } = new DOMParser().parseFromString(text, "text/html");
      if (body) this.siblings(firstOf(body), node, MAX_DEPTH / 2, PLAIN, 0);
    }
  }

  result(document, root) {
    return {
      contentType: contentTypeOf(document), url: urlOf(document), base: baseOf(document), title: titleOf(document),
      root: JSON.stringify(root), frames: this.frames, holes: this.holes.length, suspects: this.suspects.length,
      types: this.types(document), left: { elements: Math.max(0, this.elements), characters: this.characters },
    };
  }

  // What the page tells search engines that it is: types of schema.org, and Open Graph's.
  types(document) {
    const found = new Set();
    for (const script of allIn(document, 'script[type="application/ld+json"]'))
      for (const [, names] of textOf(script).matchAll(LINKED_TYPE)) for (const [, name] of names.matchAll(/"([^"]*)"/g)) found.add(name);
    for (const element of allIn(document, "[itemtype]")) found.add(attributeOf(element, "itemtype").slice(0, 200));
    const graph = firstIn(document, "meta[property='og:type']")?.getAttribute("content");
    if (graph) found.add(`og:${graph.slice(0, 100)}`);
    return [...found].slice(0, MAX_TYPES);
  }

  publish() {
    noctule.holes = this.holes;
    noctule.suspects = this.suspects;
  }
}

// The whole document of this world.
noctule.read = (options) => {
  if (!isDocument(contentTypeOf(document))) return { contentType: contentTypeOf(document), url: urlOf(document), title: titleOf(document) };
  const reading = new Reading(options);
  const root = reading.whole(document);
  reading.addUnscripted();
  reading.publish();
  return reading.result(document, root);
};

// The same, but only if it need not be waited for.
noctule.readIfStill = (isIdle, options) => (!isDocument(contentTypeOf(document)) || noctule.isStill(isIdle) ? noctule.read(options) : null);

noctule.readAtRest = async (mostMs, options) => {
  await noctule.rest(mostMs);
  return noctule.read(options);
};

// One element and all in it, whether it can be seen or not.
noctule.readPart = (element, options) => {
  const reading = new Reading(options);
  const holder = ["", null, null];
  // What is asked for by name is wanted even where it is hidden.
  reading.wanted = element;
  reading.from(documentOf(element));
  reading.visit(element, holder, 0, isShown(element, VISIBLE) ? 0 : KEPT, 0);
  reading.publish();
  return reading.result(documentOf(element), holder.length > 4 || typeof holder[3] === "string" ? ["div", null, null, ...holder.slice(3)] : holder[3] ?? ["div", null, null]);
};
