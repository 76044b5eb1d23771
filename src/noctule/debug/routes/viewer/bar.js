// Tabs, address and history of the remote browser.

const byId = (id) => document.getElementById(id);
const strip = byId("tabs");
const address = byId("address");
const CROSS = "M3 3l6 6M9 3 3 9";
let revealed = null;

export function listenToBar(send, focusPage) {
  byId("back").onclick = () => send({ type: "move", to: "back" });
  byId("forward").onclick = () => send({ type: "move", to: "forward" });
  byId("reload").onclick = () => send({ type: "move", to: "reload" });
  byId("new-tab").onclick = () => {
    send({ type: "open" });
    address.value = "";
    address.focus();
  };
  byId("address-form").onsubmit = (event) => {
    event.preventDefault();
    const url = address.value.trim();
    if (!url) return;
    send({ type: "go", url });
    address.dataset.sent = url;
    focusPage();
  };
  address.onfocus = () => address.select();
  address.onkeydown = ({ key }) => {
    if (key !== "Escape") return;
    address.value = address.dataset.url ?? "";
    focusPage();
  };
  strip.onkeydown = (event) => {
    const names = [...strip.querySelectorAll(".name")];
    const at = names.indexOf(event.target);
    if (at < 0) return;
    if (event.key === "Delete") return send({ type: "shut", tab: event.target.parentElement.dataset.id });
    const next = { ArrowLeft: at - 1, ArrowRight: (at + 1) % names.length, Home: 0, End: -1 }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    names.at(next).focus();
  };
  // Many tabs are more than there is room for; a plain wheel finds the others.
  strip.addEventListener("wheel", ({ deltaX, deltaY }) => deltaX || (strip.scrollLeft += deltaY), { passive: true });
}

export function showTabs({ tabs, current, loading, can_go_back, can_go_forward }, send, canAct) {
  placeTabs(tabs, current, send, canAct);
  const shown = tabs.find((tab) => tab.id === current);
  const url = shown && shown.url !== "about:blank" ? shown.url : "";
  address.dataset.url = url;
  if (document.activeElement !== address) address.value = url;
  document.title = `${(url && shown?.title) || url || "Session"} · Noctule`;
  byId("back").disabled = !can_go_back || !canAct;
  byId("forward").disabled = !can_go_forward || !canAct;
  for (const id of ["reload", "new-tab"]) byId(id).disabled = !canAct;
  address.readOnly = !canAct;
  byId("progress").hidden = !loading;
}

// A tab keeps its elements for as long as it is open, or a click and the focus would be lost whenever a title changes.
function placeTabs(tabs, current, send, canAct) {
  const boxes = new Map([...strip.children].map((box) => [box.dataset.id, box]));
  const open = new Set(tabs.map(({ id }) => id));
  let hadFocus = false;
  for (const [id, box] of boxes) {
    if (open.has(id)) continue;
    hadFocus ||= box.contains(document.activeElement);
    box.remove();
  }
  tabs.forEach((tab, place) => {
    const box = boxes.get(tab.id) ?? emptyTab(tab.id, send);
    if (strip.children[place] !== box) strip.insertBefore(box, strip.children[place] ?? null);
    fill(box, tab, tab.id === current, canAct, tabs.length);
  });
  const box = strip.querySelector("[data-current]");
  if (hadFocus) box?.querySelector(".name").focus();
  if (box && revealed !== current) {
    const from = box.offsetLeft - strip.offsetLeft;
    strip.scrollLeft = Math.min(Math.max(strip.scrollLeft, from + box.offsetWidth - strip.clientWidth), from);
  }
  revealed = current;
}

function emptyTab(id, send) {
  const box = document.createElement("div");
  box.className = "tab";
  box.dataset.id = id;
  box.role = "presentation";
  const [name, shut] = ["name", "shut"].map((className) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = className;
    return button;
  });
  name.role = "tab";
  name.ariaKeyShortcuts = "Delete";
  name.onclick = () => send({ type: "show", tab: id });
  // The middle button closes a tab, as it does elsewhere.
  name.onauxclick = ({ button }) => button === 1 && send({ type: "shut", tab: id });
  shut.append(cross());
  shut.onclick = () => send({ type: "shut", tab: id });
  box.append(name, shut);
  return box;
}

function fill(box, tab, isCurrent, canAct, count) {
  const [name, shut] = box.children;
  const isEmpty = tab.url === "about:blank";
  const title = isEmpty && (!tab.title || tab.title === tab.url) ? "New tab" : tab.title || tab.url;
  box.toggleAttribute("data-current", isCurrent);
  name.ariaSelected = String(isCurrent);
  // One stop for the Tab key, however many tabs there are; the arrows lead to the others.
  name.tabIndex = shut.tabIndex = isCurrent ? 0 : -1;
  if (name.textContent !== title) name.textContent = title;
  name.title = `${title}\n${tab.url}`;
  shut.ariaLabel = `Close ${title}`;
  shut.title = count > 1 ? "Close tab" : "Close tab (an empty one takes its place)";
  shut.hidden = !canAct;
}

function cross() {
  const icon = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  icon.setAttribute("viewBox", "0 0 12 12");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", CROSS);
  icon.append(path);
  return icon;
}
