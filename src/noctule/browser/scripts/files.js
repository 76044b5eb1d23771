// Gives files to file fields: those that are clicked, those inside of what is clicked, those that a chooser is for.

const playwright = noctule.playwright;
const acting = noctule.acting;
const { attempt, describe, nameOf, identity, announce } = acting;

const isFileField = (element) => element?.localName === "input" && element.type === "file";

function fileFieldOf(element) {
  if (isFileField(element)) return element;
  const control = element.closest("label")?.control ?? playwright.retarget(element, "follow-label");
  if (isFileField(control)) return control;
  const inside = element.querySelectorAll("input[type=file]");
  return inside.length === 1 ? inside[0] : null;
}

// Hold the file field that the element stands for; without one, a click may open a chooser.
acting.fileField = (target, start, budgetMs, options) =>
  attempt(target, start, budgetMs, async (element) => {
    const field = fileFieldOf(element);
    if (field?.disabled) return { failed: "disabled", what: describe(element), label: nameOf(element) };
    acting.held[0] = field ?? element;
    return { isField: !!field, ...identity(element, options) };
  });

acting.holdField = (field) => {
  acting.held[0] = field;
  return isFileField(field);
};

let parts = [];
let wasConnected = false;

// A field that a script made for its chooser may never be in the page at all.
acting.beginFile = () => {
  parts = [];
  wasConnected = acting.held[0].isConnected;
};

acting.addToFile = (base64) => void parts.push(decoded(base64));

// A call for every byte, as `Uint8Array.from` with a function makes, takes ten seconds for 100 MB.
function decoded(base64) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(base64);
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at += 1) bytes[at] = text.charCodeAt(at);
  return bytes;
}

// Whether the field has it now.
acting.giveFile = (name, type) => {
  const field = acting.held[0];
  const transfer = new DataTransfer();
  transfer.items.add(new File(parts, name, { type, lastModified: Date.now() }));
  parts = [];
  if (wasConnected && !field.isConnected) return false;
  field.files = transfer.files;
  announce(field);
  return true;
};

// -- files that come out of the page ---------------------------------------------------------------------

acting.contentType = () => document.contentType;

let loaded = new Blob();

// Load an address that only the page knows (`blob:`, `data:`); answers its size in bytes.
acting.load = async (address) => {
  loaded = await (await fetch(address)).blob();
  return loaded.size;
};

// A part of what was loaded, in base64.
acting.readLoaded = async (begin, end) => {
  const bytes = new Uint8Array(await loaded.slice(begin, end).arrayBuffer());
  let text = "";
  for (let at = 0; at < bytes.length; at += 0x8000) text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return btoa(text);
};
