/* What the browser gives on this phone: lasting storage, an awake screen, ids, a navigator. */
const NAVIGATORS = {
  phone: (stop) => `geo:${stop.lat},${stop.lon}?q=${stop.lat},${stop.lon}`,
  google: (stop) => `https://www.google.com/maps/dir/?api=1&destination=${stop.lat},${stop.lon}`,
  apple: (stop) => `https://maps.apple.com/?daddr=${stop.lat},${stop.lon}&dirflg=d`,
  waze: (stop) => `https://waze.com/ul?ll=${stop.lat},${stop.lon}&navigate=yes`,
};
export const NAVIGATOR_NAMES = Object.keys(NAVIGATORS);

const isApple = /iPhone|iPad|iPod/.test(navigator.userAgent);

/** Returns the address that opens the navigator with this place and no name. */
export function navigatorLink(stop, choice) {
  return (NAVIGATORS[choice] ?? NAVIGATORS[isApple ? "apple" : "phone"])(stop);
}

/** Returns a random UUID; browsers have randomUUID only on https and localhost. */
export function uuid() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((one) => one.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

/** True if the app was added to the home screen. */
export function isInstalled() {
  return matchMedia("(display-mode: standalone)").matches || navigator.standalone === true;
}

/** Asks the browser to keep the storage when space is short; returns true, false, or null if it cannot say. */
export async function lastingStorage() {
  try {
    return (await navigator.storage.persisted()) || (await navigator.storage.persist());
  } catch {
    return null;
  }
}

/** Keeps the screen on while ``wanted()`` is true and the page is visible; returns a function that checks again. */
export function screenLock(wanted) {
  let lock = null;
  async function check() {
    const needed = wanted() && document.visibilityState === "visible";
    if (needed && !lock) {
      try {
        lock = await navigator.wakeLock.request("screen");
        lock.addEventListener("release", () => {
          lock = null;
        });
      } catch {
        lock = null; // refused, as with an empty battery: the app works without it
      }
    } else if (!needed && lock) {
      await lock.release();
    }
  }
  document.addEventListener("visibilitychange", check);
  return check;
}

/** Calls ``onNew`` when a new version of the app has taken over; asks for one every hour. */
export function followVersions(onNew) {
  const workers = navigator.serviceWorker;
  if (!workers) return;
  let hadWorker = Boolean(workers.controller);
  workers.addEventListener("controllerchange", () => {
    if (hadWorker) onNew();
    hadWorker = true;
  });
  const ask = () =>
    workers
      .getRegistration()
      .then((found) => found?.update())
      .catch(() => {});
  setInterval(ask, 3_600_000);
}

/** Loads files that a later day without a network may need; the service worker keeps them. */
export async function loadAhead(paths) {
  if (!navigator.serviceWorker || navigator.connection?.saveData) return;
  await navigator.serviceWorker.ready;
  for (const path of paths) await fetch(path).catch(() => {});
}

/** The version of the app: the part of its address that changes with every release. */
export const APP_VERSION = new URL("..", import.meta.url).pathname.split("/").filter(Boolean).at(-1) ?? "";

function cookie(name) {
  const found = document.cookie.split("; ").find((one) => one.startsWith(`${name}=`));
  return found ? decodeURIComponent(found.slice(name.length + 1)) : "";
}

/** Remembers a choice of this browser for a year, in a cookie that the server reads too. */
export function remember(name, value) {
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `${name}=${encodeURIComponent(value)}; Path=/; Max-Age=31536000; SameSite=Lax${secure}`;
  try {
    localStorage.setItem(name, value);
  } catch {
    /* the cookie is enough */
  }
}

/** Returns a choice of this browser. Safari ends cookies of scripts after a week, so there is a second copy. */
export function remembered(name) {
  if (cookie(name)) return cookie(name);
  try {
    return localStorage.getItem(name) ?? "";
  } catch {
    return "";
  }
}
