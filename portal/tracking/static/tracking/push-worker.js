/* Shows the push messages of a shop, and opens the page of the order on a click. It keeps and fetches nothing. */
self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("push", (event) => {
  let message = {};
  try {
    message = event.data.json();
  } catch {
    return; // not a message of this site
  }
  const path = typeof message.path === "string" && message.path.startsWith(SCOPE) ? message.path : "";
  event.waitUntil(
    self.registration.showNotification(String(message.title ?? ""), {
      body: String(message.body ?? ""),
      lang: String(message.lang ?? ""),
      dir: message.dir === "rtl" ? "rtl" : "ltr",
      tag: String(message.tag ?? ""),
      renotify: Boolean(message.tag),
      icon: `${STATIC_URL}icons/favicon.svg`,
      data: { path },
    }),
  );
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const { path } = event.notification.data ?? {};
  if (!path) return;
  const open = async () => {
    const pages = await self.clients.matchAll({ type: "window" });
    const page = pages.find((one) => new URL(one.url).pathname === path);
    return page ? page.focus() : self.clients.openWindow(path);
  };
  event.waitUntil(open());
});
