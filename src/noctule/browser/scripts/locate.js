// Finds elements and says which they are: selectors in Playwright's syntax, ids of the last observation, names.
//
// What must always hold: every wait ends inside its budget of milliseconds; nothing is written into the page; what
// comes back is plain data, with `failed` naming what is in the way.

const playwright = noctule.playwright;
const acting = (noctule.acting ??= { held: [] });

const PAUSES_MS = [0, 20, 50, 100, 100, 250];
// How long it is worth waiting for what seldom changes by itself; all else gets the whole budget.
const PATIENCE_MS = { disabled: 3000, inert: 3000, outside: 3000, covered: 8000 };
const FRAME_MS = 100;
const MOST_MATCHES = 200;
const NAME_CHARACTERS = 200;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// A tab that is not drawn has no animation frames.
const nextFrame = () =>
  new Promise((resolve) => {
    requestAnimationFrame(resolve);
    setTimeout(resolve, FRAME_MS);
  });

// -- locating --------------------------------------------------------------------------------------------

// A selector as its parts between the iframes that it enters.
function chunks(selector) {
  const parsed = playwright.parseSelector(selector);
  const found = [{ parts: [] }];
  parsed.parts.forEach((part, index) => {
    if (part.name === "internal:control" && part.body === "enter-frame") found.push({ parts: [] });
    else {
      if (index === parsed.capture) found.at(-1).capture = found.at(-1).parts.length;
      found.at(-1).parts.push(part);
    }
  });
  if (found.some((chunk) => !chunk.parts.length)) throw new Error(`Nothing to look for in a part of ${selector}`);
  return found;
}

// What to look for: for each selector its chunks, or the error in it.
function plans(target) {
  return target.selectors.map((selector) => {
    try {
      return { chunks: [...target.frames.flatMap(chunks), ...chunks(selector)] };
    } catch (error) {
      return { error: String(error.message) };
    }
  });
}

// An area of an image map is drawn by its picture.
function drawn(element) {
  const map = element.localName === "area" ? element.closest("map") : null;
  const name = map && CSS.escape(`#${map.name}`);
  return (map && element.getRootNode().querySelector(`img[usemap=${name}]`)) ?? element;
}

function visible(element) {
  for (let view = element.ownerDocument.defaultView; view && view !== window; ) {
    const owner = view.frameElement;
    if (!owner) break;
    if (!playwright.utils.isElementVisible(owner)) return false;
    view = owner.ownerDocument.defaultView;
  }
  return playwright.utils.isElementVisible(drawn(element));
}

const attached = (element) => element.isConnected && !!element.ownerDocument.defaultView;

// Follow one plan from its chunk `entered` on, from this world's document.
function follow(plan, entered) {
  let root = document;
  for (let at = entered; at < plan.chunks.length; at++) {
    const matches = playwright.querySelectorAll(plan.chunks[at], root);
    if (at === plan.chunks.length - 1) {
      const element = matches.slice(0, MOST_MATCHES).find(visible) ?? matches[0];
      return element ? { element, matches: matches.length } : null;
    }
    const iframe = matches.find((match) => /^(iframe|frame)$/i.test(match.localName));
    if (!iframe) return null;
    if (!iframe.contentDocument) return { iframe, entered: at + 1 };
    root = iframe.contentDocument;
    // A frame that loads when somebody comes near is empty until then.
    if (iframe.loading === "lazy" && iframe.src && root.URL === "about:blank") iframe.scrollIntoView({ behavior: "instant" });
  }
  return null;
}

function resolve(target, start, planned) {
  if (target.held !== undefined) {
    const element = acting.held[target.held];
    return element && attached(element) ? { element } : { failed: "gone" };
  }
  if (!planned.length) {
    const element = noctule.byId?.get(target.id)?.deref();
    return element && attached(element) ? { element } : { failed: "gone" };
  }
  let wrong = null;
  for (let index = start.first; index < (start.only ? start.first + 1 : planned.length); index++) {
    const plan = planned[index];
    try {
      if (plan.error) throw new Error(plan.error);
      const found = follow(plan, index === start.first ? start.entered : 0);
      if (found) return { ...found, selector: index };
      wrong = false;
    } catch (error) {
      wrong ??= String(error.message);
    }
  }
  return wrong ? { failed: "syntax", detail: wrong } : null;
}

// Try a step on the element until it succeeds, fails for good, or the budget is used up. `start` says where in which
// selector to begin. An iframe of another process is answered as `remote`, and held for whoever goes on there.
async function attempt(target, start, budgetMs, step) {
  const planned = plans(target);
  const begun = performance.now();
  let last = "";
  let since = begun;
  for (let round = 0; ; round++) {
    const found = resolve(target, start, planned);
    let outcome;
    if (!found) outcome = { failed: "missing" };
    else if (found.failed) return found;
    else if (found.iframe) {
      acting.iframe = found.iframe;
      return { remote: { first: found.selector, entered: found.entered, only: true } };
    } else {
      outcome = await step(found.element, round);
      if (!outcome.failed) return { ...outcome, matched: found.selector ?? -1 };
      if (outcome.final) return outcome;
    }
    const now = performance.now();
    const pauseMs = PAUSES_MS[Math.min(round, PAUSES_MS.length - 1)];
    if (outcome.failed !== last) [last, since] = [outcome.failed, now];
    if (now + pauseMs - begun >= budgetMs || now - since >= (PATIENCE_MS[last] ?? Infinity)) return outcome;
    await pause(pauseMs);
  }
}

// -- saying which element it is --------------------------------------------------------------------------

function describe(element) {
  const shown = ["id", "class", "role", "name", "type", "aria-label"]
    .filter((name) => element.getAttribute?.(name))
    .slice(0, 3)
    .map((name) => ` ${name}="${element.getAttribute(name).slice(0, 60)}"`);
  return `<${element.localName}${shown.join("")}>`;
}

function nameOf(element) {
  let name = "";
  try {
    // What is written in an editor is a value, not a name.
    if (noctule.nameOf && element.isContentEditable) name = noctule.givenName(element);
    else name = noctule.nameOf ? noctule.nameOf(element) : playwright.utils.getElementAccessibleNameText(element, false);
    name ||= element.getAttribute("placeholder") || element.getAttribute("title") || "";
  } catch {
    // An element of a kind that has no name.
  }
  return String(name ?? "").replace(/\s+/g, " ").trim().slice(0, NAME_CHARACTERS);
}

function identity(element, options) {
  return { what: describe(element), label: nameOf(element), selector: options.select ? selectorOf(element) : "" };
}

// A selector in Playwright's syntax that finds this element again, through shadow roots and the iframes of this world.
function selectorOf(element) {
  const found = [];
  for (let step = element; step; ) {
    const root = step.getRootNode();
    found.unshift(within(step, root));
    if (root.host) {
      // No selector leads into a closed root.
      if (!root.host.shadowRoot) return "";
      step = root.host;
    } else {
      const view = step.ownerDocument.defaultView;
      step = view && view !== window ? view.frameElement : null;
      if (step) found.unshift("internal:control=enter-frame");
    }
  }
  return found.join(" >> ");
}

function within(element, root) {
  const isUnique = (css, wanted) => {
    const matches = root.querySelectorAll(css);
    return matches.length === 1 && matches[0] === wanted;
  };
  const path = [];
  for (let step = element; step && step !== root; step = step.parentElement) {
    const known = stable(step).find((css) => isUnique(css, step));
    if (known) {
      path.unshift(known);
      break;
    }
    const alike = step.parentNode ? [...step.parentNode.children].filter((one) => one.localName === step.localName) : [];
    const tag = CSS.escape(step.localName);
    path.unshift(alike.length > 1 ? `${tag}:nth-of-type(${alike.indexOf(step) + 1})` : tag);
  }
  const css = path.join(" > ");
  return isUnique(css, element) ? css : `xpath=${xpath(element)}`;
}

function stable(element) {
  const tag = CSS.escape(element.localName);
  const found = element.id ? [`#${CSS.escape(element.id)}`] : [];
  for (const name of ["data-testid", "data-test", "name", "aria-label", "placeholder", "href"]) {
    const value = element.getAttribute(name);
    if (value && value.length <= 100) found.push(`${tag}[${name}=${JSON.stringify(value)}]`);
  }
  return found;
}

function xpath(element) {
  const path = [];
  for (let step = element; step; step = step.parentElement) {
    const siblings = step.parentNode ? [...step.parentNode.children] : [step];
    path.unshift(`*[${siblings.indexOf(step) + 1}]`);
  }
  return `/${path.join("/")}`;
}

// -- what several steps need -----------------------------------------------------------------------------

const parentOf = (element) => element.parentElement ?? element.getRootNode().host ?? null;

// What is to be seen at a point of a root's viewport, also inside of open shadow roots.
function deepest(point, root) {
  let element = root.elementFromPoint(point.x, point.y);
  while (element?.shadowRoot) {
    const inner = element.shadowRoot.elementFromPoint(point.x, point.y);
    if (!inner || inner === element) break;
    element = inner;
  }
  return element;
}

// Tell the page that a person has changed a field.
function announce(field) {
  field.dispatchEvent(new Event("input", { bubbles: true, composed: true }));
  field.dispatchEvent(new Event("change", { bubbles: true }));
}

Object.assign(acting, { attempt, attached, drawn, visible, describe, nameOf, identity, pause, nextFrame, selectorOf, parentOf, deepest, announce });

// The iframe that `attempt` came to.
acting.entrance = () => acting.iframe;
