// Says whether a document has come to rest: nothing loads, nothing changes, and nothing is announced that has not come.
//
// What must always hold: a page that cannot change by itself is at rest as soon as it has loaded; every wait ends
// inside its budget of milliseconds; nothing is left behind that would keep watching the page.

const QUIET_MS = 150;
const POLL_MS = 25;
// A page that runs scripts gets this long after it has loaded to begin with what it does late.
const PATIENCE_MS = 500;
// One that is still nearly empty, says that it is busy or has changed since then gets longer.
const LONG_PATIENCE_MS = 1500;
const ARRIVAL_MS = 300;
const OLD_MS = 2500;
const LONGEST_SCRIPT = 20000;
const MOST_SCRIPTS = 300;
const THIN_CHARACTERS = 600;
const MOST_BUSY = 40;
const GRACE_MS = 100;
const MOST_WATCHED_MS = 10000;

const RUNS = /^(?:|module|(?:text|application)\/(?:x-)?(?:java|ecma|j)script.*)$/i;
// What a script needs to do something after it has ended.
const LATER =
  /\b(?:setTimeout|setInterval|requestAnimationFrame|requestIdleCallback|fetch|XMLHttpRequest|MutationObserver|IntersectionObserver|ResizeObserver|EventSource|WebSocket|Worker|BroadcastChannel|postMessage|import|eval|Function|await|async|atob)\b|\.then\s*\(|\.src\s*=|\.ajax\b|setAttribute\s*\(\s*["']src|customElements/;
const DELAY = /,\s*(\d{2,4}(?:e[23])?)\s*\)/g;
const BUSY_CLASS = /(?:^|[\s_-])(?:skeleton|spinner|loading|loader|shimmer)(?:$|[\s_-])/i;
const BUSY = "[aria-busy=true],[class*=skeleton i],[class*=spinner i],[class*=loading i],[class*=loader i],[class*=shimmer i]";

const { scriptsOf, stateOf, treeWalker, attributeOf, rectOf, isShown, firstIn, allIn } = noctule.dom;

// What scripts of the page may do later: nothing, or something, after at most so many milliseconds where they say so.
function prospects() {
  let isLive = false;
  let delayMs = 0;
  const look = (text) => {
    if (text.length > LONGEST_SCRIPT || LATER.test(text)) isLive = true;
    if (text.length > LONGEST_SCRIPT || !text.includes("setTimeout")) return;
    for (const [, number] of text.matchAll(DELAY))
      if (Number(number) <= LONG_PATIENCE_MS) delayMs = Math.max(delayMs, Number(number));
  };
  const scripts = scriptsOf(document);
  if (scripts.length > MOST_SCRIPTS) return { isLive: true, delayMs };
  for (const script of scripts) {
    if (!(script instanceof HTMLScriptElement) || !RUNS.test(script.type)) continue;
    if (script.src) isLive = true;
    else look(script.text);
  }
  look(firstIn(document, "body")?.getAttribute("onload") ?? "");
  return { isLive, delayMs };
}

// How long ago the document finished loading; negative while it has not.
function ageMs() {
  const [loading] = performance.getEntriesByType("navigation");
  if (stateOf(document) !== "complete") return -1;
  return loading?.loadEventEnd ? performance.now() - loading.loadEventEnd : performance.now();
}

function sinceArrivalMs() {
  let last = -Infinity;
  for (const entry of performance.getEntriesByType("resource")) if (entry.responseEnd > last) last = entry.responseEnd;
  return performance.now() - last;
}

// Characters that a reader would find below a node, hidden or not, counted to at least `most`.
noctule.readable = (root, most = Infinity) => {
  const texts = treeWalker(document, root, NodeFilter.SHOW_TEXT);
  let found = 0;
  for (let text; found < most && (text = texts.nextNode()); )
    if (!/^(?:script|style|noscript|template)$/.test(text.parentNode.localName)) found += text.data.trim().length;
  return found;
};

// Whether there is less to read than an empty shell has.
const isThin = () => noctule.readable(firstIn(document, "body") ?? document, THIN_CHARACTERS) < THIN_CHARACTERS;

function isBusy() {
  let left = MOST_BUSY;
  for (const element of allIn(document, BUSY)) {
    if (left-- <= 0) return false;
    if (attributeOf(element, "aria-busy") !== "true" && !BUSY_CLASS.test(attributeOf(element, "class") ?? "")) continue;
    const rect = rectOf(element);
    if (rect.width && rect.height && isShown(element, { opacityProperty: true, visibilityProperty: true })) return true;
  }
  return false;
}

// Whether there is nothing to wait for. `isIdle` says whether the network has been quiet for a while.
noctule.isStill = (isIdle) => {
  const age = ageMs();
  if (age < 0) return false;
  noctule.outlook ??= prospects();
  if (!noctule.outlook.isLive) return true;
  if (age >= OLD_MS) return isIdle && sinceArrivalMs() >= ARRIVAL_MS && firstIn(document, "[aria-busy=true]") === null;
  watch();
  return false;
};

// Note when the document last changed and when something last arrived.
function watch() {
  if (noctule.watched) return;
  const now = performance.now();
  const watched = (noctule.watched = { changed: now, arrived: now, changes: 0 });
  const mutations = new MutationObserver(() => {
    watched.changed = performance.now();
    watched.changes++;
  });
  mutations.observe(document, { childList: true, subtree: true, characterData: true });
  const arrivals = new PerformanceObserver(() => { watched.arrived = performance.now(); });
  arrivals.observe({ type: "resource" });
  // Whoever asked may never come back.
  const limit = setTimeout(() => watched.end(), MOST_WATCHED_MS);
  watched.end = () => {
    clearTimeout(limit);
    mutations.disconnect();
    arrivals.disconnect();
    noctule.watched = null;
  };
}

// Wait until the document has come to rest, at most `mostMs`.
noctule.rest = (mostMs) =>
  new Promise((resolve) => {
    watch();
    const begun = performance.now();
    const { watched } = noctule;
    noctule.outlook ??= prospects();
    const isOver = () => {
      const now = performance.now();
      if (now - begun >= mostMs) return true;
      const age = ageMs();
      if (age < 0 || now - watched.changed < QUIET_MS || now - watched.arrived < QUIET_MS) return false;
      const { isLive, delayMs } = noctule.outlook;
      if (!isLive || age >= LONG_PATIENCE_MS + GRACE_MS) return true;
      if (delayMs && age < delayMs + GRACE_MS) return false;
      return age >= PATIENCE_MS && !watched.changes && !isThin() && !isBusy();
    };
    const timer = setInterval(() => {
      if (!isOver()) return;
      clearInterval(timer);
      watched.end();
      resolve(true);
    }, POLL_MS);
  });
