/* The map: the streets of the loaded network, with routes, stops, hubs, zones and vehicles on it.
 *
 * <div class="map" data-module="core/map"
 *      data-source="#plan-json" (a <script type="application/json">) or a URL that returns JSON
 *      data-tiles="/roads/NAME/tiles/{z}/{x}/{y}.pbf?v=3"   without it the background is blank
 *      data-attribution="© OpenStreetMap contributors"
 *      data-basemap="https://…/style.json"                  instead of our streets (BASEMAP_STYLE_URL)
 *      data-mode="show | pin | polygon"  data-cluster  data-center="lon,lat" data-zoom="12"
 *      data-words='{"…": "…"}'>   texts in the reader's language; {% map %} writes all of this
 *
 * JSON: { routes:   [{id, number, label, color?, straight?, geometry}],   geometry: [[lon,lat],…],
 *                    a polyline string (precision 5), or a list of either (legs)
 *         stops:    [{id, route, seq, lon, lat, label, state, parcels}],  state: done failed at_risk late …
 *         hubs:     [{id, name, lon, lat}],   zones: [{id, name, geometry: GeoJSON (Multi)Polygon}],
 *         vehicles: [{id, route, lon, lat, heading, label}],  candidates: [{id, lon, lat, label}] }
 *
 * Events that the map sends (bubbling CustomEvents on the element), each with detail {kind, id}, kind one of
 *   route stop hub zone vehicle candidate:   map:hover (id null on leaving), map:select; map:ready.
 * Events that the map listens to on the element: map:choose {kind: "route"|"stop"|"candidate", id|null, fly?: true},
 *   map:hint {kind: "route", id|null} (highlight for a moment), map:filter {routes: [id]|null},
 *   map:fit {route?: id}, map:data {…JSON as above…}, map:reload (fetch data-source again).
 * The same as methods: el.lastmileMap.{choose, hint, filter, fit, setData, reload}.
 *
 * Keys on the map: arrows and + - as usual, n / b next and previous stop, f shows all, Escape clears the selection.
 */
import * as maplibregl from "../vendor/maplibre-gl-6.17.0/maplibre-gl.mjs";
import { addLayers, emphasise, kindOf, SOURCES, TOUCHABLE } from "./map/layers.js";
import { palette } from "./map/palette.js";
import { bounds, collections, stopShapes, vehicleShapes } from "./map/shapes.js";
import { baseStyle, INKS, inkSet } from "./map/style.js";
import { Vehicles } from "./map/vehicles.js";
import { words } from "./map/words.js";

maplibregl.setWorkerUrl(new URL("../vendor/maplibre-gl-6.17.0/maplibre-gl-worker.mjs", import.meta.url).href);

/** Loads the stylesheet with the first map, so that pages without a map do not load it. */
function stylesheet() {
  const href = new URL("../css/map.css", import.meta.url).href;
  const there = document.querySelector("link[data-map-css]");
  if (there) return there.ready ?? Promise.resolve();
  const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href });
  link.dataset.mapCss = "";
  link.ready = new Promise((done) => {
    link.onload = link.onerror = done;
  });
  document.head.append(link);
  return link.ready;
}

async function read(source) {
  if (!source) return {};
  if (source.startsWith("#")) return JSON.parse(document.querySelector(source)?.textContent || "{}");
  const answer = await fetch(source, { headers: { Accept: "application/json" }, credentials: "same-origin" });
  if (!answer.ok) throw new Error(`${source} answered ${answer.status}`);
  return answer.json();
}

/** Returns a full URL, as MapLibre needs it, without encoding the braces. */
const whole = (path) => (path && path.startsWith("/") ? location.origin + path : path);

function note(el, text, name) {
  el.querySelector(`.map-note.${name}`)?.remove();
  if (!text) return;
  const box = document.createElement("p");
  box.className = `map-note ${name}`;
  box.textContent = text;
  el.append(box);
}

class LastmileMap {
  constructor(el, map, say) {
    Object.assign(this, {
      el,
      map,
      say,
      vehicles: new Vehicles(map),
      shapes: {},
      state: { route: null, hovered: null, stop: null, shown: null },
      inks: INKS[inkSet()],
    });
  }

  style() {
    const { tiles, attribution = "", basemap } = this.el.dataset;
    return basemap || baseStyle({ tiles: whole(tiles), attribution, inks: this.inks });
  }

  dress() {
    addLayers(this.map, { inks: this.inks, cluster: "cluster" in this.el.dataset });
    this.draw();
  }

  draw() {
    for (const name of SOURCES)
      this.map.getSource(name)?.setData(this.shapes[name] ?? { type: "FeatureCollection", features: [] });
    this.emphasise({});
    this.onDraw?.();
  }

  setData(data) {
    this.data = data ?? {};
    this.shapes = collections(this.data, palette(this.el));
    this.order = (this.shapes.stops?.features ?? []).map((feature) => feature.properties.id);
    this.vehicles.show(this.data.vehicles ?? []);
    if (this.map.getSource("stops")) this.draw();
  }

  /** Moves the vehicles within a time and leaves everything else as it is. The map is not drawn again. */
  setVehicles(vehicles, slideMs = 0) {
    this.data = { ...this.data, vehicles };
    this.shapes.vehicles = vehicleShapes(vehicles);
    this.vehicles.show(vehicles, slideMs);
  }

  /** Changes the stops, for example their states, and leaves everything else as it is. */
  setStops(stops) {
    this.data = { ...this.data, stops };
    this.shapes.stops = stopShapes(stops, this.shapes.byId);
    this.map.getSource("stops")?.setData(this.shapes.stops);
  }

  async reload() {
    this.setData(await read(this.el.dataset.source));
  }

  emphasise(changes) {
    Object.assign(this.state, changes);
    const patternOf = (id) => this.shapes.byId?.get(id)?.pattern ?? 0;
    if (this.map.getSource("stops")) emphasise(this.map, this.state, patternOf);
  }

  choose({ kind, id = null, fly = true } = {}) {
    if (kind === "stop") {
      const stop = this.feature("stops", id);
      this.emphasise({ stop: id, ...(stop?.properties.route ? { route: stop.properties.route } : {}) });
      if (stop && fly) this.reach(stop.geometry.coordinates);
    } else if (kind === "route") {
      this.emphasise({ route: id, stop: null });
      if (id && fly) this.fit({ route: id });
    } else if (kind === "candidate") {
      const candidate = this.feature("candidates", id);
      if (candidate)
        this.map.easeTo({ center: candidate.geometry.coordinates, zoom: Math.max(this.map.getZoom(), 16) });
    }
  }

  hint({ id = null } = {}) {
    this.emphasise({ hovered: id });
  }
  filter({ routes = null } = {}) {
    this.emphasise({ shown: routes });
  }
  feature(source, id) {
    return this.shapes[source]?.features.find((f) => f.properties.id === id);
  }

  /** Moves the map only if needed to show a place. */
  reach(coordinates) {
    const { x, y } = this.map.project(coordinates);
    const { clientWidth: w, clientHeight: h } = this.el;
    if (x < 40 || y < 40 || x > w - 40 || y > h - 40 || this.map.getZoom() < 12.5) {
      this.map.easeTo({ center: coordinates, zoom: Math.max(this.map.getZoom(), 13.5) });
    }
  }

  fit({ route = null, animate = true } = {}) {
    const only = route
      ? (name, p) => (name === "routes" && p.id === route) || (name === "stops" && p.route === route)
      : (name) => name !== "zones" || !this.shapes.stops?.features.length;
    const box = bounds(this.shapes, only);
    if (!box) return;
    const pad = Math.min(56, this.el.clientWidth / 8);
    this.map.fitBounds(
      [
        [box[0], box[1]],
        [box[2], box[3]],
      ],
      { padding: pad, maxZoom: 15.5, animate },
    );
  }

  step(by) {
    const among = this.state.route
      ? this.shapes.stops.features.filter((f) => f.properties.route === this.state.route).map((f) => f.properties.id)
      : this.order;
    if (!among?.length) return;
    const at = among.indexOf(this.state.stop);
    const id = among[(at + by + among.length) % among.length];
    this.choose({ kind: "stop", id });
    this.tell("map:select", { kind: "stop", id });
  }

  tell(name, detail) {
    this.el.dispatchEvent(new CustomEvent(name, { bubbles: true, detail }));
  }
}

function listenToPointer(view, say) {
  const { map } = view;
  const popup = new maplibregl.Popup({ closeButton: false, closeOnClick: false, offset: 14, className: "map-tip" });
  const at = ({ point: place, originalEvent }) => {
    const vehicle = view.vehicles.under(originalEvent);
    if (vehicle) return { layer: { id: "vehicles" }, properties: vehicle };
    return map.queryRenderedFeatures(
      [
        [place.x - 3, place.y - 3],
        [place.x + 3, place.y + 3],
      ],
      { layers: TOUCHABLE.filter((id) => map.getLayer(id)) },
    )[0];
  };
  let last = null;
  map.on("mousemove", (event) => {
    const hit = view.quiet ? null : at(event);
    const key = hit ? `${hit.layer.id}/${hit.properties.id ?? hit.properties.cluster_id}` : null;
    if (hit && popup.isOpen()) popup.setLngLat(event.lngLat);
    if (key === last) return;
    last = key;
    map.getCanvas().style.cursor = hit ? "pointer" : "";
    const text = hit?.properties.point_count
      ? say("cluster").replace("{n}", hit.properties.point_count)
      : hit?.properties.label;
    if (hit && text) popup.setLngLat(event.lngLat).setText(text).addTo(map);
    else popup.remove();
    const kind = hit ? kindOf(hit.layer.id) : null;
    const route = kind === "route" ? hit.properties.id : kind === "stop" ? hit.properties.route || null : null;
    view.hint({ id: route });
    view.tell("map:hover", { kind, id: hit?.properties.id ?? null });
  });
  map.getCanvas().addEventListener("mouseleave", () => {
    last = null;
    popup.remove();
    view.hint({ id: null });
    view.tell("map:hover", { kind: null, id: null });
  });
  map.on("click", async (event) => {
    if (view.onClick?.(event)) return;
    const hit = at(event);
    if (!hit) return view.choose({ kind: "route", id: null });
    if (hit.layer.id === "clusters") {
      const zoom = await map.getSource("stops").getClusterExpansionZoom(hit.properties.cluster_id);
      return map.easeTo({ center: hit.geometry.coordinates, zoom });
    }
    const detail = { kind: kindOf(hit.layer.id), id: hit.properties.id };
    view.choose({ ...detail, fly: false });
    view.tell("map:select", detail);
  });
}

function listenToPage(view) {
  const { el } = view;
  const run = {
    "map:choose": "choose",
    "map:hint": "hint",
    "map:filter": "filter",
    "map:fit": "fit",
    "map:data": "setData",
    "map:reload": "reload",
  };
  for (const [name, method] of Object.entries(run))
    el.addEventListener(name, (event) => view[method](event.detail ?? {}));
  el.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, button")) return;
    const act = {
      n: () => view.step(1),
      b: () => view.step(-1),
      f: () => view.fit(),
      Escape: () => {
        view.choose({ kind: "route", id: null });
        view.tell("map:select", { kind: null, id: null });
      },
    }[event.key];
    if (act) {
      event.preventDefault();
      act();
    }
  });
}

/** Changes the map style with the theme (light, dark, high contrast) and draws the same data again. */
function followTheme(view) {
  const change = () => {
    view.inks = INKS[inkSet()];
    if (view.el.dataset.basemap) return view.setData(view.data);
    view.map.setStyle(view.style(), { diff: false });
    view.map.once("style.load", () => {
      view.setData(view.data);
      view.dress();
    });
  };
  const media = matchMedia("(prefers-color-scheme: dark)");
  media.addEventListener("change", change);
  document.addEventListener("theme:changed", change);
  return () => {
    media.removeEventListener("change", change);
    document.removeEventListener("theme:changed", change);
  };
}

function fitControl(view, say) {
  const box = Object.assign(document.createElement("div"), { className: "maplibregl-ctrl maplibregl-ctrl-group" });
  const button = Object.assign(document.createElement("button"), {
    type: "button",
    title: say("fit"),
    className: "map-fit",
  });
  button.setAttribute("aria-label", say("fit"));
  button.addEventListener("click", () => view.fit());
  box.append(button);
  return { onAdd: () => box, onRemove: () => box.remove() };
}

export async function mount(el) {
  const say = words(el.dataset.words);
  const [data] = await Promise.all([
    read(el.dataset.source).catch((error) => {
      note(el, say("no_data"), "trouble");
      console.error(error);
      return {};
    }),
    stylesheet(),
  ]);
  const [lon, lat] = (el.dataset.center ?? "").split(",").map(Number);
  const inks = INKS[inkSet()];
  el.textContent = "";
  let map;
  try {
    map = new maplibregl.Map({
      container: el,
      style:
        el.dataset.basemap ||
        baseStyle({ tiles: whole(el.dataset.tiles), attribution: el.dataset.attribution ?? "", inks }),
      center: Number.isFinite(lon) && Number.isFinite(lat) ? [lon, lat] : [0, 20],
      zoom: Number(el.dataset.zoom ?? (Number.isFinite(lat) ? 12 : 1)),
      attributionControl: false,
      dragRotate: false,
      pitchWithRotate: false,
      touchPitch: false,
      fadeDuration: matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 150,
      locale: {
        "NavigationControl.ZoomIn": say("zoom_in"),
        "NavigationControl.ZoomOut": say("zoom_out"),
        "AttributionControl.ToggleAttribution": say("attribution"),
        "Map.Title": say("title"),
      },
    });
  } catch (error) {
    note(el, say("no_webgl"), "trouble");
    throw error;
  }
  map.touchZoomRotate.disableRotation();
  map.addControl(new maplibregl.AttributionControl({ compact: false }), "bottom-right");
  map.addControl(new maplibregl.NavigationControl({ showCompass: false }), "top-right");
  const view = new LastmileMap(el, map, say);
  map.addControl(fitControl(view, say), "top-right");
  map.getCanvas().setAttribute("aria-description", say("keys"));
  view.inks = inks;
  view.setData(data);
  el.lastmileMap = view;
  if (!el.dataset.tiles && !el.dataset.basemap) note(el, say("no_streets"), "ground");
  if (!Number.isFinite(lat)) view.fit({ animate: false });
  await new Promise((done) => map.once("style.load", done));
  view.dress();
  listenToPointer(view, say);
  listenToPage(view);
  const unfollow = followTheme(view);
  const mode = el.dataset.mode ?? "show";
  if (mode === "pin") (await import("./map/pin.js")).start(view, maplibregl, say);
  if (mode === "polygon") (await import("./map/polygon.js")).start(view, maplibregl, say);
  map.once("idle", () => {
    el.dataset.ready = "true";
    view.tell("map:ready", {});
  });
  return () => {
    unfollow();
    view.vehicles.stop();
    map.remove();
  };
}
