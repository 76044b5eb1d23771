// Puts the viewer together.

import { listenToBar, showTabs } from "./bar.js";
import { Connection } from "./connection.js";
import { focusKeyboard, listenToKeyboard } from "./keyboard.js";
import { draw } from "./picture.js";
import { listenToPointer } from "./pointer.js";
import { notice, showControl, showState, showStep } from "./words.js";

const root = document.documentElement;
const canvas = document.getElementById("canvas");
let view = null;
let control = { holder: null };
let canAct = false;

document.getElementById("without-scripts").remove();
root.dataset.waiting = "";

const connection = new Connection({
  onState(state, reason) {
    showState(state, reason);
    if (state !== "live") canAct = false;
  },
  async onFrame(head, jpeg) {
    await draw(head, jpeg);
    // The next frame comes when this one can be seen, so a slow machine is not buried.
    connection.send({ type: "receipt" });
  },
  onEvent(type, data) {
    if (type === "hello") {
      canAct = data.interactive;
      root.toggleAttribute("data-reading", !canAct);
      keyboard.allow(canAct);
    } else if (type === "tabs") view = data;
    else if (type === "control") control = data;
    else if (type === "notice") return notice(data);
    else if (type === "copied") return keyboard.copied(data);
    else if (type === "cursor") return void (canvas.style.cursor = data);
    else return showStep(type, data);
    if (view) showTabs(view, send, canAct);
    showControl(control, canAct);
  },
});

// What a person may not do is not sent; the server would refuse it as well.
function send(message) {
  if (canAct) connection.send(message);
}

listenToPointer(send, (event) => canAct && focusKeyboard(event));
const keyboard = listenToKeyboard(send, () => {
  // Where there is no bar the browser goes on from here, with the next Tab.
  document.activeElement.blur();
  document.getElementById("address").focus();
});
listenToBar(send, () => focusKeyboard());
document.getElementById("control").onclick = () => {
  send({ type: control.holder === "you" ? "hand_back" : "take_over" });
  focusKeyboard();
};
showState("connecting");
connection.open();
