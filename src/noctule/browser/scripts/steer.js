// What a person at the page wants to know of it: what is selected, and what the mouse looks like.

const SELECTABLE = new Set(["text", "search", "url", "tel", "email", "number", ""]);
const DEEPEST = 10;

function focused(document) {
  let element = document.activeElement;
  for (let depth = 0; element && depth < DEEPEST; depth++) {
    let inner = element.shadowRoot?.activeElement;
    try {
      inner ??= element.contentDocument?.activeElement;
    } catch {
      // A frame of another origin keeps its own.
    }
    if (!inner) break;
    element = inner;
  }
  return element;
}

function selection(most) {
  const element = focused(document);
  const isField = element instanceof HTMLTextAreaElement || (element instanceof HTMLInputElement && SELECTABLE.has(element.type));
  if (isField && typeof element.selectionStart === "number") {
    return element.value.slice(element.selectionStart, element.selectionEnd).slice(0, most);
  }
  const view = element?.ownerDocument?.defaultView ?? globalThis;
  return String(view.getSelection() ?? "").slice(0, most);
}

function overText(document, x, y) {
  const caret = document.caretPositionFromPoint?.(x, y);
  const node = caret?.offsetNode;
  if (node?.nodeType !== Node.TEXT_NODE || !node.data.trim()) return false;
  const range = document.createRange();
  range.selectNodeContents(node);
  return [...range.getClientRects()].some((box) => x >= box.left && x <= box.right && y >= box.top && y <= box.bottom);
}

function cursor(x, y) {
  let element = document.elementFromPoint(x, y);
  for (let depth = 0; element?.shadowRoot && depth < DEEPEST; depth++) {
    const inner = element.shadowRoot.elementFromPoint(x, y);
    if (!inner || inner === element) break;
    element = inner;
  }
  if (!element) return "default";
  const style = getComputedStyle(element);
  // An image of the page's own cannot be shown here; the word at the end of the list stands for it.
  const shape = style.cursor.split(",").at(-1).trim();
  if (shape !== "auto") return shape;
  return style.userSelect !== "none" && overText(document, x, y) ? "text" : "default";
}

noctule.steering = { selection, cursor };
