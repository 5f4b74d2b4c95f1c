/* Vehicles on the board: an arrow for each one that moves smoothly, and a list with the age of each place.
 *
 * A place never goes back in time: a late frame or snapshot with an older time changes nothing. While the page is hidden,
 * places are only kept. */

import { ageOf } from "../../js/ages.js";

const SLIDE_MS = 1000; // the next frame comes after a second
const AGES_EVERY_MS = 10_000;
const OLD_S = 120; // from this age on a place is marked as old

export function followVehicles({ frame, map, clock = () => Date.now() }) {
  const places = new Map(); // run -> the newest place
  const rows = new Map(); // run -> {name, seen}: the name and the element with the age
  const panel = frame.querySelector("[data-part=vehicles]");
  const language = document.documentElement.lang || "en";
  const stopped = new AbortController();
  let skew = 0; // the server's clock less this machine's, ms

  /** Takes places; ``isAll`` if these are all vehicles there are. */
  function take({ positions: list = [], sent_at }, { isAll = false } = {}) {
    if (sent_at) skew = Date.parse(sent_at) - clock();
    const runs = new Set(list.map((one) => one.run));
    if (isAll) {
      for (const run of places.keys()) if (!runs.has(run)) places.delete(run);
    }
    for (const one of list) {
      const before = places.get(one.run);
      if (before && Date.parse(before.at) >= Date.parse(one.at)) continue;
      places.set(one.run, one);
    }
    if (!document.hidden) show(SLIDE_MS);
  }

  function show(slideMs = 0) {
    map.vehicles(
      [...places.values()].map((one) => ({
        id: one.run,
        lon: one.lon,
        lat: one.lat,
        label: one.vehicle,
        heading: one.heading_deg,
        faded: isOld(one),
      })),
      slideMs,
    );
    writeList();
  }

  const isOld = (one) => clock() + skew - Date.parse(one.at) > OLD_S * 1000;

  /** Writes the list: every map has one. Only what changed is written. */
  function writeList() {
    if (!panel) return;
    panel.hidden = places.size === 0;
    const isSame = rows.size === places.size && [...places].every(([run, one]) => rows.get(run)?.name === one.vehicle);
    if (!isSame) makeRows();
    if (panel.open) writeAges();
  }

  function makeRows() {
    rows.clear();
    const sorted = [...places.values()].sort((a, b) => a.vehicle.localeCompare(b.vehicle, language, { numeric: true }));
    panel.querySelector("ul").replaceChildren(
      ...sorted.map((one) => {
        const row = document.createElement("li");
        const name = document.createElement("strong");
        name.textContent = one.vehicle;
        const seen = document.createElement("span");
        row.append(name, " ", seen);
        rows.set(one.run, { name: one.vehicle, seen });
        return row;
      }),
    );
    writeAges();
  }

  function writeAges() {
    const now = clock() + skew;
    for (const [run, { seen }] of rows) {
      const one = places.get(run);
      const text = panel.dataset.textSeen.replace("%(age)s", ageOf(one.at, now, language));
      if (seen.textContent === text) continue;
      seen.textContent = text;
      seen.className = isOld(one) ? "old" : "";
    }
  }

  const ages = setInterval(() => !document.hidden && show(), AGES_EVERY_MS);
  panel?.addEventListener("toggle", writeList, { signal: stopped.signal });
  document.addEventListener("visibilitychange", () => !document.hidden && show(), { signal: stopped.signal });
  return {
    all: (snapshot) => take(snapshot, { isAll: true }),
    tell: (data) => take(data),
    stop() {
      clearInterval(ages);
      stopped.abort();
    },
  };
}
