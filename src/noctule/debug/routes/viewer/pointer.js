// Mouse, wheel and touch, as the remote page gets them.

import { place } from "./picture.js";

const canvas = document.getElementById("canvas");
const BUTTONS = ["left", "middle", "right", "back", "forward"];
const LINE_PX = 40;
const TAP_PX = 10;

export function modifiers(event) {
  return (event.altKey ? 1 : 0) | (event.ctrlKey ? 2 : 0) | (event.metaKey ? 4 : 0) | (event.shiftKey ? 8 : 0);
}

// `send` takes messages; `onPress` is called with the event of a press, before it is sent.
export function listenToPointer(send, onPress) {
  let move = null;
  let wheel = null;
  let pressed = 0;
  let due = 0;

  // Moves and turns are many: one of each goes out with every frame of this window.
  const flush = () => {
    if (due) cancelAnimationFrame(due);
    due = 0;
    if (move) send(move);
    if (wheel) send(wheel);
    move = wheel = null;
  };
  const later = () => (due ||= requestAnimationFrame(flush));

  const mouse = (kind, event) => {
    const { x, y } = place(event);
    const button = kind === "move" ? "none" : BUTTONS[event.button] ?? "none";
    const clicks = kind === "move" ? 0 : Math.min(event.detail || 1, 10);
    return { type: "mouse", kind, x, y, button, buttons: event.buttons & 31, clicks, modifiers: modifiers(event) };
  };

  canvas.addEventListener("mousedown", (event) => {
    event.preventDefault();
    onPress(event);
    flush();
    pressed |= 1 << event.button;
    send(mouse("down", event));
  });
  addEventListener("mouseup", (event) => {
    if (!(pressed & (1 << event.button))) return;
    pressed &= ~(1 << event.button);
    flush();
    send(mouse("up", event));
  });
  // A drag goes on outside the picture.
  addEventListener("mousemove", (event) => {
    if (!pressed && event.target !== canvas) return;
    move = mouse("move", event);
    later();
  });
  canvas.addEventListener("contextmenu", (event) => event.preventDefault());
  canvas.addEventListener("auxclick", (event) => event.preventDefault());
  canvas.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      const unit = event.deltaMode === 1 ? LINE_PX : event.deltaMode === 2 ? canvas.clientHeight : 1;
      const { x, y } = place(event);
      wheel = {
        type: "wheel", x, y, dx: (wheel?.dx ?? 0) + event.deltaX * unit, dy: (wheel?.dy ?? 0) + event.deltaY * unit,
        modifiers: modifiers(event),
      };
      later();
    },
    { passive: false },
  );
  listenToTouch(send, onPress, (turn) => {
    wheel = { ...turn, dx: (wheel?.dx ?? 0) + turn.dx, dy: (wheel?.dy ?? 0) + turn.dy };
    later();
  });
}

// A tap is a click, a finger that moves scrolls.
function listenToTouch(send, onPress, turn) {
  let start = null;
  let last = null;
  let scrolls = false;
  canvas.addEventListener("touchstart", (event) => {
    event.preventDefault();
    if (event.touches.length !== 1) return void (start = null);
    start = last = event.touches[0];
    scrolls = false;
  }, { passive: false });
  canvas.addEventListener("touchmove", (event) => {
    event.preventDefault();
    if (!start) return;
    const touch = event.touches[0];
    scrolls ||= Math.hypot(touch.clientX - start.clientX, touch.clientY - start.clientY) > TAP_PX;
    if (!scrolls) return;
    const { x, y, ratio } = place(start);
    turn({ type: "wheel", x, y, dx: (last.clientX - touch.clientX) * ratio, dy: (last.clientY - touch.clientY) * ratio, modifiers: 0 });
    last = touch;
  }, { passive: false });
  canvas.addEventListener("touchend", (event) => {
    event.preventDefault();
    if (start && !scrolls) {
      onPress(start);
      const { x, y } = place(start);
      const tap = { type: "mouse", x, y, button: "left", clicks: 1, modifiers: 0 };
      send({ ...tap, kind: "move", button: "none", clicks: 0, buttons: 0 });
      send({ ...tap, kind: "down", buttons: 1 });
      send({ ...tap, kind: "up", buttons: 0 });
    }
    start = null;
  }, { passive: false });
}
