/* The vehicles on the map: small elements above the canvas, so that a move does not draw the streets again.
 *
 * A report starts one animation of `translate` for each vehicle that moved. The browser runs it without scripts. While
 * the map itself moves, each vehicle is placed where it is at that moment, and the animations go on afterwards. */

const FAR_DEG = 0.02; // after a gap of about 2 km the vehicle jumps
const SVG = "http://www.w3.org/2000/svg";
const ARROW = "M12 2 L20 21 L12 17 L4 21 Z";
const DOT = "M4 12a8 8 0 1 0 16 0a8 8 0 1 0 -16 0Z";

export class Vehicles {
  /** @param map the MapLibre map */
  constructor(map) {
    this.map = map;
    this.still = matchMedia("(prefers-reduced-motion: reduce)");
    this.known = new Map(); // id -> {el, from, to, began, slideMs, animation}
    this.layer = document.createElement("div");
    this.layer.className = "map-vehicles";
    this.layer.setAttribute("aria-hidden", "true"); // each page with vehicles also has them as text
    map.getCanvasContainer().append(this.layer);
    this.ending = new AbortController();
    document.addEventListener("visibilitychange", () => this.goOn(), { signal: this.ending.signal });
    this.still.addEventListener("change", () => this.goOn(), { signal: this.ending.signal });
    map.on("move", () => this.place());
    map.on("moveend", () => this.goOn());
  }

  /** Shows these vehicles and no others; each slides from where it is to its new place. */
  show(all, slideMs = 0) {
    const now = performance.now();
    const vehicles = all.filter(({ lon, lat }) => Number.isFinite(lon) && Number.isFinite(lat));
    const ids = new Set(vehicles.map((one) => one.id));
    for (const [id, { el }] of this.known) {
      if (ids.has(id)) continue;
      el.remove();
      this.known.delete(id);
    }
    for (const one of vehicles) this.take(one, slideMs, now);
  }

  take({ id, lon, lat, label = "", heading = null, faded = false }, slideMs, now) {
    let vehicle = this.known.get(id);
    if (!vehicle) {
      vehicle = { el: element(id) };
      this.known.set(id, vehicle);
      this.layer.append(vehicle.el);
    }
    const { el, to } = vehicle;
    if (vehicle.label !== label) vehicle.label = label;
    if (vehicle.faded !== faded) {
      vehicle.faded = faded;
      el.classList.toggle("faded", faded);
    }
    if (vehicle.heading !== heading) {
      vehicle.heading = heading;
      el.firstChild.firstChild.setAttribute("d", heading == null ? DOT : ARROW);
      el.firstChild.style.rotate = `${heading ?? 0}deg`;
    }
    if (to && to.lon === lon && to.lat === lat) return;
    const next = { lon, lat };
    const from = to ? between(vehicle, now) : next;
    const isFar = Math.abs(from.lon - lon) > FAR_DEG || Math.abs(from.lat - lat) > FAR_DEG;
    Object.assign(vehicle, { from: isFar ? next : from, to: next, began: now, slideMs });
    this.slide(vehicle, now);
  }

  /** Places a vehicle where it is now, and lets it slide on to its place if that can be seen. */
  slide(vehicle, now) {
    vehicle.animation?.cancel();
    vehicle.animation = null;
    const [end, start] = [this.pixels(vehicle.to), this.pixels(between(vehicle, now))];
    vehicle.el.style.translate = translation(end);
    const restMs = vehicle.began + vehicle.slideMs - now;
    const isStill = restMs <= 0 || document.hidden || this.still.matches || same(start, end);
    if (isStill || !(this.isSeen(start) || this.isSeen(end))) return;
    const frames = [{ translate: translation(start) }, { translate: translation(end) }];
    vehicle.animation = vehicle.el.animate(frames, { duration: restMs });
  }

  /** Places all vehicles while the map moves. */
  place() {
    const now = performance.now();
    for (const vehicle of this.known.values()) {
      vehicle.animation?.cancel();
      vehicle.animation = null;
      vehicle.el.style.translate = translation(this.pixels(between(vehicle, now)));
    }
  }

  /** Goes on after the map has moved, or after the page was hidden. */
  goOn() {
    const now = performance.now();
    for (const vehicle of this.known.values()) this.slide(vehicle, now);
  }

  /** Returns the id and the label of the vehicle under the pointer, if any. */
  under(event) {
    const id = event?.target?.closest?.(".map-vehicle")?.dataset.vehicle;
    return id == null ? null : { id, label: this.known.get(id)?.label ?? "" };
  }

  pixels({ lon, lat }) {
    return this.map.project([lon, lat]);
  }

  isSeen({ x, y }) {
    const { width, height } = this.map.getCanvas(); // in pixels of the screen; it needs no layout
    const ratio = this.map.getPixelRatio();
    return x > -24 && y > -24 && x < width / ratio + 24 && y < height / ratio + 24;
  }

  stop() {
    this.ending.abort();
    this.show([]);
    this.layer.remove();
  }
}

/** Returns the place of a vehicle at an instant between two reports. */
function between({ from, to, began, slideMs }, now) {
  const part = slideMs ? Math.min(1, Math.max(0, (now - began) / slideMs)) : 1;
  return { lon: from.lon + (to.lon - from.lon) * part, lat: from.lat + (to.lat - from.lat) * part };
}

const translation = ({ x, y }) => `${x.toFixed(1)}px ${y.toFixed(1)}px`;
const same = (one, two) => translation(one) === translation(two);

function element(id) {
  const el = document.createElement("div");
  el.className = "map-vehicle";
  el.dataset.vehicle = id;
  const drawing = document.createElementNS(SVG, "svg");
  drawing.setAttribute("viewBox", "0 0 24 24");
  drawing.append(document.createElementNS(SVG, "path"));
  el.append(drawing);
  return el;
}
