// Choosing an option: of a native select, or of a list that the page draws itself.

const playwright = noctule.playwright;
const acting = noctule.acting;
const { attempt, hindrance, visible, describe, nameOf, identity, announce } = acting;

const CHOICES = "[role=option], [role=menuitem], [role=menuitemradio], [role=menuitemcheckbox], [role=treeitem], [role=radio], option";
const LISTS = "[role=listbox], [role=menu], [role=tree], [role=radiogroup], ul, ol, dialog, datalist, [popover]";
const ITEMS = "li, a, button, [data-value], [data-option], [onclick], label, [tabindex], td, div, span";
const MOST_CHOICES = 3000;
const MOST_LISTED = 20;
const POLL_MS = 50;
const OTHERS_MS = 600;

const clean = (text) => (text ?? "").replace(/[\s\u00a0]+/g, " ").trim();
const wordOf = (option) => clean(option.localName === "option" ? option.label : option.getAttribute("aria-label") || option.innerText || option.textContent);

// Of several ways in which a text may mean an option the strictest that any option meets.
function choose(options, value) {
  const wanted = clean(value);
  const small = wanted.toLowerCase();
  const valueOf = (option) => (option.localName === "option" ? option.value : option.getAttribute("data-value") ?? option.getAttribute("value"));
  const ways = [
    (option) => wordOf(option) === wanted,
    (option) => valueOf(option) === value,
    (option) => noctule.byId?.get(value)?.deref() === option,
    (option) => wordOf(option).toLowerCase() === small,
    (option) => String(valueOf(option) ?? "").toLowerCase() === small,
  ];
  for (const way of ways) {
    const found = options.filter(way);
    if (found.length) return found.find((option) => !isDisabled(option)) ?? found[0];
  }
  if (!small) return null;
  for (const way of [(word) => word.startsWith(small), (word) => word.includes(small)]) {
    const found = options.filter((option) => way(wordOf(option).toLowerCase()));
    if (found.length === 1) return found[0];
  }
  return null;
}

const isDisabled = (option) => !playwright.elementState(option, "enabled").matches;

function listed(options) {
  const words = [...new Set(options.filter((option) => !isDisabled(option)).map(wordOf).filter(Boolean))];
  const shown = words.slice(0, MOST_LISTED).map((word) => JSON.stringify(word.slice(0, 60)));
  const more = words.length > shown.length ? ` and ${words.length - shown.length} more` : "";
  return shown.length ? `Available: ${shown.join(", ")}${more}` : "There are no options to choose from";
}

// What to do for the target: a native select is done with here, an option of the page's own is for the mouse, and
// anything else may open a list.
function pick(element, options) {
  const own = playwright.retarget(element, "follow-label");
  const said = { what: describe(element), label: nameOf(element) };
  const select = own.localName === "select" ? own : own.closest("select") ?? insideOf(own);
  if (select) return { ...native(select, own, options, said), ...identity(element, options) };
  const hindered = hindrance(own);
  if (hindered) return { failed: hindered, ...said };
  acting.before = new Set(shown(own));
  if (own.matches(CHOICES) && !own.matches("[role=radio]")) {
    acting.held[0] = own;
    if (isDisabled(own)) return { failed: "optiondisabled", detail: "", final: true, ...said };
    return { need: "click", ...identity(element, options) };
  }
  const isOpen = own.getAttribute("aria-expanded") === "true";
  const open = choose([...acting.before].filter((option) => belongs(option, own) || (isOpen && option.matches(CHOICES))), options.value);
  acting.trigger = own;
  if (open) {
    acting.held[0] = open;
    return { need: "click", ...identity(element, options) };
  }
  acting.held[0] = own;
  return { need: "open", isField: acting.isText(own), ...identity(element, options) };
}

function insideOf(element) {
  const selects = [...element.querySelectorAll("select")].filter(visible);
  return selects.length === 1 ? selects[0] : null;
}

function native(select, own, options, said) {
  if (!playwright.elementState(select, "enabled").matches) return { failed: "disabled", ...said };
  const all = [...select.options];
  let option = options.value ? choose(all, options.value) : null;
  if (!option && own.localName === "option") option = own;
  const detail = listed(all);
  // Options may still be on their way, so that only a disabled one is final.
  if (!option) return { failed: "nooption", detail, ...said };
  if (isDisabled(option)) return { failed: "optiondisabled", detail, final: true, ...said };
  select.scrollIntoView({ block: "nearest", inline: "nearest", behavior: "instant" });
  select.focus({ preventScroll: true });
  const was = option.selected;
  if (select.multiple) option.selected = true;
  else select.selectedIndex = option.index;
  if (!was) announce(select);
  return { need: "nothing", chosen: wordOf(option) };
}

// -- lists that a page draws -----------------------------------------------------------------------------

function documents(element) {
  const own = element.getRootNode();
  return own === element.ownerDocument ? [own] : [own, element.ownerDocument];
}

// What looks like an option now: by role, or a row of a list.
function shown(element) {
  const found = new Set();
  for (const root of documents(element)) {
    for (const option of playwright.querySelectorAll({ parts: [cssPart(CHOICES)] }, root)) found.add(option);
    for (const item of root.querySelectorAll("li")) found.add(item);
    for (const id of controlled(element))
      for (const item of root.getElementById?.(id)?.querySelectorAll(ITEMS) ?? []) found.add(item);
    if (found.size > MOST_CHOICES) break;
  }
  return [...found].filter((option) => option.localName !== "option" && visible(option));
}

const cssPart = (css) => playwright.parseSelector(`css=${css}`).parts[0];

function controlled(element) {
  const ids = [element, ...element.querySelectorAll("[aria-controls], [aria-owns]")];
  return ids.flatMap((one) => `${one.getAttribute("aria-controls") ?? ""} ${one.getAttribute("aria-owns") ?? ""}`.split(/\s+/)).filter(Boolean);
}

// Whether an option that was there before belongs to this trigger's list.
function belongs(option, trigger) {
  const list = option.closest(LISTS);
  return !!list && (controlled(trigger).includes(list.id) || trigger.contains(list) || list.contains(trigger));
}

// After the list was asked to open: hold the option that the value means. Everything that has appeared counts.
async function appear(value, mostMs) {
  const trigger = acting.trigger;
  const begun = performance.now();
  for (;;) {
    const now = trigger.isConnected ? shown(trigger) : [];
    const fresh = now.filter((option) => !acting.before.has(option));
    const related = now.filter((option) => belongs(option, trigger));
    const isLate = performance.now() - begun > OTHERS_MS;
    // The list may have been open already, with nothing that says whose it is.
    const others = isLate && !fresh.length && !related.length ? now.filter((one) => one.matches(CHOICES)) : [];
    const option = choose(fresh, value) ?? choose(related, value) ?? choose(novel(trigger), value) ?? choose(others, value);
    const available = fresh.length ? fresh : related.length ? related : others;
    if (option) {
      acting.held[0] = option;
      if (!isDisabled(option)) return { chosen: wordOf(option) };
      return { failed: "optiondisabled", detail: listed(available) };
    }
    if (performance.now() - begun >= mostMs) return { failed: "nooption", detail: listed(available), empty: !available.length };
    await acting.pause(POLL_MS);
  }
}

// Rows of no known role inside of what opened next to the trigger.
function novel(trigger) {
  const lists = [trigger.nextElementSibling, trigger.parentElement?.nextElementSibling, trigger.querySelector(LISTS)];
  const items = lists.filter((list) => list && visible(list)).flatMap((list) => [...list.querySelectorAll(ITEMS)]);
  const leaves = items.filter((item) => visible(item) && ![...item.children].some((child) => clean(child.textContent) === clean(item.textContent)));
  return leaves.slice(0, MOST_CHOICES);
}

acting.pick = (target, start, budgetMs, options) =>
  attempt(target, start, Math.min(budgetMs, options.patienceMs), async (element) => pick(element, options));

acting.appear = appear;

// The element whose list is wanted, for typing into it.
acting.holdTrigger = () => void (acting.held[0] = acting.trigger);
