// The picture of the remote page: drawn as it comes, never larger than it is there, and as sharp as it came.

const canvas = document.getElementById("canvas");
const holder = document.getElementById("picture");
const context = canvas.getContext("2d", { alpha: false });
const fills = document.documentElement.dataset.mode === "embed-minimal";

let head = { width: canvas.width, height: canvas.height, offset_top: 0 };
let drawing = Promise.resolve();
let newest = 0;

// Draws a frame; resolves when it can be seen. One that was overtaken while it was decoded is not drawn.
export function draw(nextHead, jpeg) {
  const number = ++newest;
  const decoded = createImageBitmap(new Blob([jpeg], { type: "image/jpeg" }));
  drawing = drawing.then(async () => {
    const bitmap = await decoded;
    if (number >= newest - 1) paint(nextHead, bitmap);
    bitmap.close();
  }, () => {});
  return drawing.catch(() => {});
}

function paint(nextHead, bitmap) {
  const sized = canvas.width !== bitmap.width || canvas.height !== bitmap.height;
  if (sized) {
    canvas.width = bitmap.width;
    canvas.height = bitmap.height;
  }
  const changed = sized || head.width !== nextHead.width || head.height !== nextHead.height;
  head = nextHead;
  context.drawImage(bitmap, 0, 0);
  if (changed) fit();
  delete document.documentElement.dataset.waiting;
}

// A CSS pixel of the page is one here, unless the window is too small for that.
export function fit() {
  const width = head.width || canvas.width;
  const height = (head.height || canvas.height) + (head.offset_top || 0);
  const room = Math.min(holder.clientWidth / width, holder.clientHeight / height);
  const scale = fills ? room : Math.min(1, room);
  const box = holder.getBoundingClientRect();
  const shown = { width: Math.max(1, Math.floor(width * scale)), height: Math.max(1, Math.floor(height * scale)) };
  canvas.style.width = `${shown.width}px`;
  canvas.style.height = `${shown.height}px`;
  // Its pixels lie on those of the screen, or it would be blurred.
  canvas.style.left = `${onGrid(box.left + (box.width - shown.width) / 2) - box.left}px`;
  canvas.style.top = `${onGrid(box.top + (box.height - shown.height) / 2) - box.top}px`;
}

const onGrid = (value) => Math.round(value * devicePixelRatio) / devicePixelRatio;

// Where in the remote page a point of this window is, and how many of its pixels one of ours is.
export function place(event) {
  const box = canvas.getBoundingClientRect();
  const top = head.offset_top || 0;
  const ratio = (head.width || canvas.width) / (box.width || 1);
  return { x: round((event.clientX - box.left) * ratio), y: round((event.clientY - box.top) * ratio - top), ratio };
}

const round = (value) => Math.round(value * 100) / 100;

new ResizeObserver(fit).observe(holder);
fit();
