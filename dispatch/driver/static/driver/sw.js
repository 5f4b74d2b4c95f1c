/* The service worker of the driver's app: it keeps the app itself, and nothing of anybody's data.
 *
 * It keeps the static files of its own version and the shell in each language, all or nothing, and the scanner and the
 * map from their first use on. A page is answered from
 * there, so it opens without a network and never mixes two versions. A new version is installed beside the old one,
 * takes over at once, and the page then loads again; what drivers did is in IndexedDB, which this script never touches.
 * The lines before this comment are written by the server: STATIC_URL, SCOPE, OTHER_FILES.
 */
const NAME = "driver ";
const CACHE = NAME + STATIC_URL;
const IS_DEVELOPMENT = STATIC_URL.endsWith("/dev/");
const SHELLS = ["", "?lang=en", "?lang=es", "?lang=ar"];
const FILES = [
  "css/reset.css",
  "css/tokens.css",
  "css/base.css",
  "css/components.css",
  "css/utilities.css",
  "css/driver.css",
  "core/connection.js",
  "core/service-worker.js",
  "driver/app.css",
  "driver/app.js",
  "driver/client.js",
  "driver/day.js",
  "driver/dom.js",
  "driver/doors.js",
  "driver/labels.js",
  "driver/phone.js",
  "driver/positions.js",
  "driver/proof.js",
  "driver/queue.js",
  "driver/scanner.js",
  "driver/session.js",
  "driver/store.js",
  "driver/uploads.js",
  "driver/words.js",
  "driver/views/banners.js",
  "driver/views/lists.js",
  "driver/views/map.js",
  "driver/views/more.js",
  "driver/views/now.js",
  "driver/views/proof.js",
  "driver/views/scan.js",
  "driver/views/stop.js",
  "icons/favicon.svg",
  "icons/lucide.svg",
  "js/frame.js",
  "js/live.js",
  "js/loader.js",
];
/** Large files that not every day needs: kept when they are first loaded. */
const LAZY = ["vendor/zxing-wasm-", "vendor/maplibre-gl-", "core/map", "css/map.css"];

async function install() {
  const cache = await caches.open(CACHE);
  await Promise.all(
    [...FILES, ...OTHER_FILES].map(async (name) => {
      const answer = await fetch(STATIC_URL + name);
      if (!answer.ok) throw new Error(`${name} could not be loaded: ${answer.status}`);
      await cache.put(STATIC_URL + name, answer);
    }),
  );
  await Promise.all(
    SHELLS.map(async (query) => {
      const answer = await fetch(SCOPE + query, { cache: "no-store", redirect: "error" });
      const text = await answer.clone().text();
      // A server that is being updated may answer with another version: try again later.
      if (!answer.ok || !text.includes(`${STATIC_URL}css/driver.css`))
        throw new Error("The shell is of another version.");
      await cache.put(SCOPE + query, answer);
    }),
  );
  await self.skipWaiting();
}

async function activate() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name.startsWith(NAME) && name !== CACHE).map((name) => caches.delete(name)));
  await self.clients.claim();
}

async function kept(request, key) {
  if (IS_DEVELOPMENT) {
    try {
      return await fetch(request);
    } catch {
      /* no server: the copy of the last start */
    }
  }
  const cache = await caches.open(CACHE);
  const found = await cache.match(key);
  if (found) return found;
  const answer = await fetch(request);
  if (answer.ok && LAZY.some((name) => key.startsWith(STATIC_URL + name))) {
    await cache.put(key, answer.clone()).catch(() => {}); // a full storage: it is loaded again next time
  }
  return answer;
}

self.addEventListener("install", (event) => event.waitUntil(install()));
self.addEventListener("activate", (event) => event.waitUntil(activate()));
self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== self.location.origin) return;
  if (request.mode === "navigate" && url.pathname === SCOPE) {
    const language = url.searchParams.get("lang");
    const query = SHELLS.includes(`?lang=${language}`) ? `?lang=${language}` : "";
    event.respondWith(kept(request, SCOPE + query));
  } else if (url.pathname.startsWith(STATIC_URL)) {
    event.respondWith(kept(request, url.pathname));
  }
});
