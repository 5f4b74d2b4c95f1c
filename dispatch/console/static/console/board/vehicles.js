/* Vehicles on the board: an arrow for each one that moves smoothly, and a list with the age of each place.
 *
 * A place never goes back in time: a late frame or snapshot with an older time changes nothing. */

import { ageOf } from "../../js/ages.js";

const SLIDE_MS = 950; // the next frame comes after a second
const FAR_DEG = 0.02; // after a gap of about 2 km the arrow jumps
const AGES_EVERY_MS = 10_000;
const OLD_S = 120; // from this age on a place is marked as old

export function followVehicles({ frame, map, clock = () => Date.now() }) {
  const places = new Map(); // run -> the newest place
  const shown = new Map(); // run -> {lon, lat} where the arrow is drawn
  const panel = frame.querySelector("[data-part=vehicles]");
  const language = document.documentElement.lang || "en";
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  let skew = 0; // the server's clock less this machine's, ms
  let moving = 0;

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
    for (const run of shown.keys()) if (!places.has(run)) shown.delete(run);
    move();
    writeList();
  }

  function move() {
    cancelAnimationFrame(moving);
    const from = new Map(shown);
    const began = performance.now();
    const step = (instant) => {
      const part = still.matches ? 1 : Math.min(1, Math.max(0, (instant - began) / SLIDE_MS));
      for (const [run, to] of places) shown.set(run, between(from.get(run), to, part));
      draw();
      if (part < 1) moving = requestAnimationFrame(step);
    };
    moving = requestAnimationFrame(step);
  }

  function draw() {
    map.vehicles(
      [...places.values()].map((one) => ({
        ...shown.get(one.run),
        id: one.run,
        route: routeOf(one.shift),
        label: one.vehicle,
        heading: one.heading_deg,
      })),
    );
  }

  function routeOf(shift) {
    return frame.querySelector(`.route[data-shift="${CSS.escape(shift)}"]`)?.dataset.route ?? "";
  }

  /** Writes the list: every map has one. */
  function writeList() {
    if (!panel) return;
    panel.hidden = places.size === 0;
    const now = clock() + skew;
    const rows = [...places.values()].sort((a, b) => a.vehicle.localeCompare(b.vehicle, language));
    panel.querySelector("ul").replaceChildren(
      ...rows.map((one) => {
        const row = document.createElement("li");
        const name = document.createElement("strong");
        name.textContent = one.vehicle;
        const seen = document.createElement("span");
        seen.className = now - Date.parse(one.at) > OLD_S * 1000 ? "old" : "";
        seen.textContent = panel.dataset.textSeen.replace("%(age)s", ageOf(one.at, now, language));
        row.append(name, " ", seen);
        return row;
      }),
    );
  }

  const ages = setInterval(writeList, AGES_EVERY_MS);
  return {
    all: (snapshot) => take(snapshot, { isAll: true }),
    tell: (data) => take(data),
    stop() {
      clearInterval(ages);
      cancelAnimationFrame(moving);
    },
  };
}

function between(from, to, part) {
  const isFar = !from || Math.abs(from.lat - to.lat) > FAR_DEG || Math.abs(from.lon - to.lon) > FAR_DEG;
  if (isFar || part >= 1) return { lon: to.lon, lat: to.lat };
  return { lon: from.lon + (to.lon - from.lon) * part, lat: from.lat + (to.lat - from.lat) * part };
}
