// Keeps one page for the time when the site cannot be reached.
self.addEventListener("install", (event) => {
  event.waitUntil(caches.open("pages").then((pages) => pages.add("/offline")).then(() => self.skipWaiting()));
});
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("fetch", (event) => {
  if (new URL(event.request.url).pathname === "/") event.respondWith(fetch(event.request));
  if (new URL(event.request.url).pathname === "/offline") {
    event.respondWith(caches.match("/offline").then((kept) => kept ?? new Response("nothing kept", { status: 504 })));
  }
});
