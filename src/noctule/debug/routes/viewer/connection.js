// The stream to the server: it comes back by itself after a break, and ends for good when the session does.

import { streamAddress } from "./options.js";

const FIRST_RETRY_MS = 400;
const LONGEST_RETRY_MS = 8000;
const MOST_UNSENT_BYTES = 1 << 20;
const decoder = new TextDecoder();

export class Connection {
  // `listener` has: onState(state, reason), onFrame(head, jpeg), onEvent(type, data). The states are connecting, waiting
  // (for a reason that passes), live and ended.
  constructor(listener) {
    this.listener = listener;
    // A person whose connection breaks is the same person afterwards, and keeps control.
    this.who = crypto.getRandomValues(new Uint8Array(16)).reduce((text, byte) => text + byte.toString(16).padStart(2, "0"), "");
    this.retryMs = FIRST_RETRY_MS;
    this.ended = null;
    this.isRefused = false;
  }

  open() {
    this.ended = null;
    const socket = (this.socket = new WebSocket(streamAddress()));
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      this.retryMs = FIRST_RETRY_MS;
      this.send({ type: "hello", who: this.who });
      this.listener.onState("live");
    };
    socket.onmessage = ({ data }) => (typeof data === "string" ? this.heard(JSON.parse(data)) : this.seen(data));
    socket.onclose = () => this.closed(socket);
  }

  send(message) {
    const socket = this.socket;
    if (socket?.readyState === WebSocket.OPEN && socket.bufferedAmount < MOST_UNSENT_BYTES) socket.send(JSON.stringify(message));
  }

  heard({ type, data }) {
    if (type === "error") this.ended = String(data);
    else this.listener.onEvent(type, data);
  }

  seen(buffer) {
    const length = new DataView(buffer).getUint32(0);
    const head = JSON.parse(decoder.decode(new Uint8Array(buffer, 4, length)));
    this.listener.onFrame(head, new Uint8Array(buffer, 4 + length));
  }

  async closed(socket) {
    if (socket !== this.socket) return;
    if (this.ended !== null) return this.listener.onState("ended", this.ended);
    if (!this.isRefused) this.listener.onState("connecting");
    await new Promise((go) => setTimeout(go, this.retryMs));
    this.retryMs = Math.min(this.retryMs * 2, LONGEST_RETRY_MS);
    const { refusal, passes } = await whyNot();
    this.isRefused = Boolean(refusal);
    if (refusal) this.listener.onState(passes ? "waiting" : "ended", refusal);
    if (!refusal || passes) this.open();
  }
}

// A browser does not tell a page why its WebSocket was refused, so the page asks as a page.
async function whyNot() {
  try {
    const answer = await fetch(location.href, { headers: { accept: "application/json" }, cache: "no-store" });
    if (answer.ok || answer.status >= 500) return {};
    return { refusal: (await answer.json()).message || "The session is over.", passes: answer.status === 429 };
  } catch {
    return {};
  }
}
