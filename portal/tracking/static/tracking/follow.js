/* Keeps an open delivery page right: it hears changes of the order, and the vehicle on its way to this shopper.
 *
 * The texts come from the server in the reader's language: when the status has another mark than the page, the page is
 * read again and its parts marked data-renewed are replaced. Without a connection the page says so, and how old it is.
 */
import { ageOf } from "../js/ages.js";
import { live } from "../js/live.js";

const LOST_AFTER_MS = 3000; // shorter interruptions are not reported
const POLL_EVERY_MS = 15_000; // without a socket, as behind some proxies
const LOOK_EVERY_MS = 60_000; // a frame can be lost
const AGES_EVERY_MS = 5000;
const AGAIN_MS = 4000; // after a page that could not be read
const SLIDE_MS = 950; // the next position comes after a second
const GRID_M = 50; // positions are snapped to it
const EARTH_M = 6_371_009;

export function mount(el) {
  const part = (name) => el.querySelector(`[data-part=${name}]`);
  const language = el.dataset.locale;
  const vehicle = followVehicle(part("map"), part("where"), Number(el.dataset.oldestS), language);
  const stops = [];
  let mark = el.dataset.mark;
  let known = Date.now(); // when the page was last known to be right
  let lost = 0; // timer until the interruption is reported
  let isLost = false;

  function take(data) {
    known = Date.now();
    vehicle.skew(data.sent_at);
    vehicle.show(data.position);
    if (data.mark !== mark) pages.read();
  }

  const pages = reader(el, (read) => {
    mark = read;
    if (!read) end(); // nothing can change any more
  });

  function report() {
    part("connection").hidden = !isLost;
    const text = isLost ? el.dataset.textLost : "";
    if (part("lost").textContent !== text) part("lost").textContent = text;
    const age = ageOf(new Date(known).toISOString(), Date.now(), language);
    part("known").textContent = isLost ? el.dataset.textKnown.replace("%(age)s", age) : "";
  }

  async function poll() {
    if (!isLost || document.visibilityState !== "visible") return;
    try {
      const answer = await fetch(el.dataset.status, { headers: { Accept: "application/json" } });
      if (answer.status === 404) return end();
      if (answer.ok) take(await answer.json());
    } catch {
      /* still no connection */
    }
    report();
  }

  const socket = live(el.dataset.socket, {
    onSnapshot: take,
    onDelta(type, data) {
      known = Date.now();
      if (type === "status") take(data);
      else if (type === "position") vehicle.show(data);
    },
    onState(state) {
      el.dataset.live = state;
      clearTimeout(lost);
      if (state === "live") isLost = false;
      else if (state === "lost") {
        if (!isLost) lost = setTimeout(() => report(void (isLost = true)), LOST_AFTER_MS);
      } else end();
      report();
    },
    lookEveryMs: LOOK_EVERY_MS,
  });

  function end() {
    for (const stop of stops.splice(0)) stop();
    vehicle.show(null);
    el.hidden = true;
  }
  const timers = [setInterval(report, AGES_EVERY_MS), setInterval(poll, POLL_EVERY_MS)];
  stops.push(
    socket,
    vehicle.stop,
    pages.stop,
    () => timers.forEach(clearInterval),
    () => clearTimeout(lost),
  );
  return end;
}

/** Reads the page again and replaces its live parts: one request at a time, the last one after the last change. */
function reader(el, onRead) {
  let timer = 0;
  let isBusy = false;
  let isWanted = false; // again after the present request
  let hasEnded = false;

  async function read() {
    if (hasEnded) return;
    isWanted = true;
    if (isBusy) return;
    isBusy = true;
    clearTimeout(timer);
    try {
      while (isWanted && !hasEnded) {
        isWanted = false;
        const answer = await fetch(location.pathname + location.search, { headers: { Accept: "text/html" } });
        if (answer.status === 404) return location.reload(); // the link has ended
        if (!answer.ok) throw new Error(String(answer.status));
        // Without its styles, which have the nonce of another answer.
        const text = (await answer.text()).replace(/<style[^]*?<\/style>/g, "");
        const fresh = new DOMParser().parseFromString(text, "text/html");
        replace(fresh);
        onRead(fresh.getElementById(el.id)?.dataset.mark);
      }
    } catch (error) {
      console.warn("The page could not be read again.", error);
      timer = setTimeout(read, AGAIN_MS);
    } finally {
      isBusy = false;
    }
  }
  return {
    read,
    stop() {
      hasEnded = true;
      clearTimeout(timer);
    },
  };
}

function replace(fresh) {
  document.title = fresh.title;
  for (const old of document.querySelectorAll("[data-renewed][id]")) {
    const now = fresh.getElementById(old.id);
    if (!now || old.innerHTML === now.innerHTML) continue;
    const isInUse = old.contains(document.activeElement) && document.activeElement.matches("input, textarea, select");
    if (isInUse) continue; // what is typed stays
    old.replaceChildren(...document.importNode(now, true).childNodes);
    document.dispatchEvent(new CustomEvent("htmx:load", { detail: { elt: old } })); // mounts its widgets
  }
}

/** The vehicle on the map and in words. The map is loaded with the first position. */
function followVehicle(card, where, oldestS, language) {
  const data = card ? JSON.parse(card.querySelector("script").textContent) : { hubs: [] };
  const home = data.hubs[0];
  let place = null;
  let clockSkew = 0; // the server's clock less this machine's, ms
  let map = null;

  const isOld = () => place && Date.now() + clockSkew - Date.parse(place.at) > oldestS * 1000;

  function show(next) {
    if (!card || !home) return;
    if (next && place && Date.parse(next.at) < Date.parse(place.at)) return; // it never goes back in time
    place = next;
    if (isOld()) place = null;
    card.hidden = !place;
    write();
    if (!place) {
      map?.lastmileMap?.setVehicles([]);
      return;
    }
    if (map) move();
    else draw();
  }

  function write() {
    if (!place) return;
    const age = ageOf(place.at, Date.now() + clockSkew, language);
    where.textContent = where.dataset.textWhere
      .replace("%(distance)s", distance(place, home, language))
      .replace("%(age)s", age);
  }

  /** Draws the map once; it is as large as the rest of the page together. */
  async function draw() {
    card.append(card.querySelector("template").content.cloneNode(true));
    map = card.querySelector(".map");
    const { mount } = await import("../core/map.js");
    await mount(map);
    move();
    map.lastmileMap.fit({ animate: false });
  }

  function move() {
    if (!map?.lastmileMap || !place) return;
    const { lon, lat, heading_deg: heading } = place;
    map.lastmileMap.setVehicles([{ lon, lat, heading, id: "vehicle", label: where.dataset.textDriver }], SLIDE_MS);
    map.lastmileMap.reach([lon, lat]);
  }

  const ages = setInterval(() => (isOld() ? show(null) : write()), AGES_EVERY_MS);
  return {
    show,
    skew: (at) => {
      if (at) clockSkew = Date.parse(at) - Date.now();
    },
    stop() {
      clearInterval(ages);
    },
  };
}

function distance(from, to, language) {
  const rad = (deg) => (deg * Math.PI) / 180;
  const x = rad(to.lon - from.lon) * Math.cos(rad((from.lat + to.lat) / 2));
  const metres = Math.max(GRID_M, Math.round((Math.hypot(x, rad(to.lat - from.lat)) * EARTH_M) / GRID_M) * GRID_M);
  const [value, unit, digits] = metres < 1000 ? [metres, "meter", 0] : [metres / 1000, "kilometer", 1];
  const format = { style: "unit", unit, minimumFractionDigits: digits, maximumFractionDigits: digits };
  return new Intl.NumberFormat(language, format).format(value);
}
