// Tabs, address and history of the remote browser.

const byId = (id) => document.getElementById(id);
const strip = byId("tabs");
const address = byId("address");
const CROSS = "M3 3l6 6M9 3 3 9";

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
  strip.onkeydown = ({ key, target }) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[key];
    const names = [...strip.querySelectorAll(".name")];
    const at = names.indexOf(target);
    if (step && at >= 0) names[(at + step + names.length) % names.length].focus();
  };
}

export function showTabs({ tabs, current, loading, can_go_back, can_go_forward }, send, canAct) {
  const focused = document.activeElement?.closest?.(".tab")?.dataset.id;
  strip.replaceChildren(...tabs.map((tab) => tabButton(tab, tab.id === current, send, canAct, tabs.length)));
  if (focused) strip.querySelector(`[data-id="${CSS.escape(focused)}"] .name`)?.focus();
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

function tabButton(tab, isCurrent, send, canAct, count) {
  const isEmpty = tab.url === "about:blank";
  const title = isEmpty && (!tab.title || tab.title === tab.url) ? "New tab" : tab.title || tab.url;
  const box = document.createElement("div");
  box.className = "tab";
  box.dataset.id = tab.id;
  if (isCurrent) box.dataset.current = "";
  const name = document.createElement("button");
  name.type = "button";
  name.className = "name";
  name.role = "tab";
  name.ariaSelected = String(isCurrent);
  name.tabIndex = isCurrent ? 0 : -1;
  name.textContent = title;
  name.title = `${title}\n${tab.url}`;
  name.onclick = () => send({ type: "show", tab: tab.id });
  // The middle button closes a tab, as it does elsewhere.
  name.onauxclick = ({ button }) => button === 1 && canAct && send({ type: "shut", tab: tab.id });
  box.append(name);
  if (canAct) {
    const shut = document.createElement("button");
    shut.type = "button";
    shut.className = "shut";
    shut.ariaLabel = `Close ${title}`;
    shut.title = count > 1 ? "Close tab" : "Close tab (an empty one takes its place)";
    shut.append(cross());
    shut.onclick = () => send({ type: "shut", tab: tab.id });
    box.append(shut);
  }
  return box;
}

function cross() {
  const icon = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  icon.setAttribute("viewBox", "0 0 12 12");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", CROSS);
  icon.append(path);
  return icon;
}
