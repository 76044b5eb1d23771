// What the address of this page says.

const query = new URLSearchParams(location.search);

export const session = query.get("session") ?? "";
export const token = query.get("token") ?? "";
export const interactive = !["0", "false", "no", "off"].includes((query.get("interactive") ?? "").toLowerCase());

// Everything is beside this page, whatever path the server stands under.
export function streamAddress() {
  const address = new URL(`sessions/${encodeURIComponent(session)}/debug/view`, location.href);
  address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
  address.search = new URLSearchParams({ token, interactive: interactive ? "1" : "0" }).toString();
  return address.href;
}
