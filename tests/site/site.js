// What every page shares: the record of what happened to it. Only what the browser itself did counts: events that a
// script made up go to `untrusted`. A framed page also tells the outermost one, which records "frame: entry".
"use strict";

window.events = [];
window.untrusted = [];

function record(entry) {
  events.push(entry);
  const shown = document.getElementById("log");
  if (shown) shown.textContent = entry;
  if (window !== window.top) window.top.postMessage({ entry, frame: window.name || "frame" }, "*");
}

/** Record the entry if the browser made the event. */
function happened(event, entry) {
  if (event.isTrusted) record(entry);
  else untrusted.push(entry);
  return event.isTrusted;
}

/** Record `entry` (text, or a function of the event) whenever `type` happens to the element with that id. */
function on(id, type, entry = `${type} ${id}`, root = document) {
  const element = typeof id === "string" ? root.getElementById(id) : id;
  element.addEventListener(type, (event) => happened(event, typeof entry === "function" ? entry(event) : entry));
  return element;
}

/** What a control holds, as people would say it. */
function held(control) {
  if (control.type === "checkbox" || control.type === "radio") return String(control.checked);
  if (control.type === "file") return [...control.files].map((file) => `${file.name}:${file.size}`).join("+");
  if (control.multiple && control.selectedOptions) return [...control.selectedOptions].map((o) => o.value).join("+");
  return control.value ?? control.textContent;
}

/** Record what happens to the native controls under `root` without a listener on any of them. */
function watch(root) {
  const pressed = "button, a, area, summary, input:is([type=button], [type=submit], [type=reset], [type=image])";
  const toggled = "input:is([type=checkbox], [type=radio])";
  const listen = (type, act) => root.addEventListener(type, act, { capture: true });
  listen("click", (event) => {
    const control = event.target.closest?.(pressed);
    if (control?.id) happened(event, `click ${control.id}`);
  });
  listen("input", (event) => {
    const control = event.target;
    if (control.id && !control.matches(toggled)) happened(event, `input ${control.id}=${held(control)}`);
  });
  listen("change", (event) => {
    if (event.target.id) happened(event, `change ${event.target.id}=${held(event.target)}`);
  });
  listen("toggle", (event) => {
    const open = event.newState ?? (event.target.open ? "open" : "closed");
    // What is open from the start says so as well, and that is nobody's act.
    const acted = navigator.userActivation.hasBeenActive;
    if (event.target.id && acted) happened(event, `toggle ${event.target.id}=${open}`);
  });
  listen("close", (event) => happened(event, `close ${event.target.id}=${event.target.returnValue}`));
  listen("submit", (event) => {
    if (event.target.hasAttribute("data-stay")) event.preventDefault();
    happened(event, `submit ${event.target.id}`);
  });
  listen("reset", (event) => happened(event, `reset ${event.target.id}`));
  listen("invalid", (event) => happened(event, `invalid ${event.target.id}`));
}

if (window === window.top) {
  window.addEventListener("message", ({ data }) => {
    if (typeof data?.entry === "string") record(`${data.frame}: ${data.entry}`);
  });
}
