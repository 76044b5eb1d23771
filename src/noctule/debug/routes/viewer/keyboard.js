// Keys, composed text and the clipboard. A field that nobody sees has the focus, so that the input methods of this machine
// work as they do everywhere; what they make goes to the remote page, keys go there as keys.

import { modifiers } from "./pointer.js";
import { notice } from "./words.js";

const field = document.getElementById("keyboard");
const holder = document.getElementById("picture");
const isMac = /mac|iphone|ipad/i.test(navigator.userAgentData?.platform ?? navigator.platform ?? "");

const ALT = 1;
const CONTROL = 2;
const META = 4;
const COMPOSING = 229;
// Where browsers disagree about a key's number, the remote one's is meant.
const NUMBERS = { Semicolon: 186, Equal: 187, Minus: 189 };
const LEAVE = "F6";
// The server takes no more in one message.
const MOST_PASTED = 500_000;
const LONGEST_MESSAGE = 1_000_000;

export function focusKeyboard(event) {
  if (event) {
    // The list of an input method opens where the person is writing.
    const box = holder.getBoundingClientRect();
    field.style.left = `${Math.max(0, event.clientX - box.left)}px`;
    field.style.top = `${Math.max(0, event.clientY - box.top)}px`;
  }
  field.focus({ preventScroll: true });
}

// `send` takes messages; `onLeave` is called when the person wants to leave the picture by a key.
export function listenToKeyboard(send, onLeave) {
  const held = new Map();
  let composed = null;
  let cuts = null;

  const stroke = (event) => {
    let bits = modifiers(event);
    if (isMac && bits & META) bits = (bits & ~META) | CONTROL;
    const types = [...event.key].length === 1;
    // With AltGr, or with Option on a Mac, a key types what is printed on it, and is no shortcut.
    if (types && (event.getModifierState("AltGraph") || (isMac && bits & ALT))) bits &= ~(ALT | CONTROL);
    const text = event.key === "Enter" ? "\r" : types ? event.key : "";
    return {
      type: "key",
      key: event.key,
      code: event.code,
      text: bits & (ALT | CONTROL | META) ? "" : text,
      key_code: (NUMBERS[event.code] ?? event.keyCode) & 255,
      location: event.location,
      modifiers: bits,
    };
  };
  const up = (code) => {
    const key = held.get(code);
    held.delete(code);
    if (key) send({ ...key, kind: "up", text: "" });
  };
  const tap = (key, code, number, text = "") => {
    const one = { type: "key", key, code, key_code: number, location: 0, modifiers: 0 };
    send({ ...one, kind: "down", text });
    send({ ...one, kind: "up", text: "" });
  };

  field.addEventListener("keydown", (event) => {
    if (event.isComposing || event.keyCode === COMPOSING) return;
    if (event.key === LEAVE) {
      event.preventDefault();
      return void onLeave();
    }
    if (isMac && event.key === "Meta") return;
    const key = stroke(event);
    const shortcut = key.modifiers === CONTROL ? event.key.toLowerCase() : "";
    // The paste event that follows has the text of this machine's clipboard.
    if (shortcut === "v" || (event.key === "Insert" && event.shiftKey)) return;
    event.preventDefault();
    if (shortcut === "x") {
      // What is cut has to be read before it is gone.
      cuts = key;
      return send({ type: "copy" });
    }
    if (shortcut === "c") send({ type: "copy" });
    held.set(event.code || event.key, key);
    send({ ...key, kind: "down", repeat: event.repeat });
    // A Mac never says that a key went up while Command is down.
    if (isMac && event.metaKey) up(event.code || event.key);
  });
  field.addEventListener("keyup", (event) => {
    if (held.has(event.code || event.key)) {
      event.preventDefault();
      up(event.code || event.key);
    }
  });
  field.addEventListener("blur", () => [...held.keys()].forEach(up));

  field.addEventListener("compositionupdate", ({ data }) => send({ type: "compose", text: data, caret: data.length }));
  field.addEventListener("compositionend", ({ data }) => {
    send(data ? { type: "text", text: data } : { type: "compose", text: "", caret: 0 });
    composed = data;
    field.value = "";
    setTimeout(() => (composed = null));
  });
  // Keyboards on screens send no keys that mean anything, but text.
  field.addEventListener("input", (event) => {
    if (event.isComposing || event.inputType === "insertCompositionText") return;
    if (event.inputType.startsWith("insertFromComposition") || (event.data && event.data === composed)) {
      // The end of the composition has sent it.
    } else if (event.inputType === "deleteContentBackward") tap("Backspace", "Backspace", 8);
    else if (event.inputType === "insertLineBreak") tap("Enter", "Enter", 13, "\r");
    else if (event.data) send({ type: "text", text: event.data });
    field.value = "";
  });

  field.addEventListener("paste", (event) => {
    event.preventDefault();
    const given = event.clipboardData?.getData("text/plain") ?? "";
    const text = given.toWellFormed?.() ?? given;
    if (text.length > MOST_PASTED || JSON.stringify(text).length > LONGEST_MESSAGE) notice("This is too much text to paste at once.");
    else if (text) send({ type: "text", text });
  });

  return {
    // Without a hand there is nothing to type into, and the Tab key passes by.
    allow(canAct) {
      field.disabled = !canAct;
    },
    // The server's answer to "copy".
    async copied(text) {
      if (text) await toClipboard(text);
      if (cuts) {
        send({ ...cuts, kind: "down" });
        send({ ...cuts, kind: "up" });
        cuts = null;
      }
    },
  };
}

async function toClipboard(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Without a secure context, or in a frame that may not: the older way.
    field.value = text;
    field.select();
    document.execCommand("copy");
    field.value = "";
  }
}
