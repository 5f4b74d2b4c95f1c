/* The board's map: streets, routes with casing, numbered stops, unserved orders, the hub.
 * draw(el, on) -> { show(drawing), choose(route), point(order), fit(), look(order), end() }
 * It knows nothing of the list; board.js ties the two together.
 */
import { Map as MapLibre, Marker, NavigationControl, AttributionControl, LngLatBounds, setWorkerUrl } from "../vendor/maplibre-gl-6.17.0/maplibre-gl.mjs";

setWorkerUrl(new URL("../vendor/maplibre-gl-6.17.0/maplibre-gl-worker.mjs", import.meta.url).href);

const COLOURS = 8;

/* Tokens are written in OKLCH, which MapLibre does not read: let the browser work them out. */
const pen = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
function inks(el) {
  const probe = document.createElement("i");
  el.append(probe);
  const ink = (value, klass = "") => {
    probe.className = klass;
    probe.style.color = value;
    pen.clearRect(0, 0, 1, 1);
    pen.fillStyle = getComputedStyle(probe).color;
    pen.fillRect(0, 0, 1, 1);
    const [r, g, b] = pen.getImageData(0, 0, 1, 1).data;
    return `rgb(${r},${g},${b})`;
  };
  const found = {
    ground: ink("var(--surface-2)"), street: ink("var(--surface-1)"), edge: ink("var(--surface-3)"), main: ink("var(--line)"),
    text: ink("var(--text-strong)"), muted: ink("var(--text-muted)"), paper: ink("var(--surface-1)"), bad: ink("var(--failed)"), risk: ink("var(--risk)"),
    water: ink("light-dark(#cfe0ea, #1d2f3b)"), park: ink("light-dark(#dde9d8, #1f2c22)"),
    routes: Array.from({ length: COLOURS }, (_, i) => ink("var(--route)", `rc-${i}`)),
  };
  probe.remove();
  return found;
}

/* Google's encoded polyline, five decimals, to [[lon, lat], …]. */
export function decode(text) {
  const line = [];
  let lat = 0, lon = 0, at = 0;
  const step = () => {
    let bits = 0, shift = 0, byte;
    do { byte = text.charCodeAt(at++) - 63; bits |= (byte & 31) << shift; shift += 5; } while (byte >= 32);
    return bits & 1 ? ~(bits >> 1) : bits >> 1;
  };
  while (at < text.length) { lat += step(); lon += step(); line.push([lon / 1e5, lat / 1e5]); }
  return line;
}

const feature = (type, coordinates, properties) => ({ type: "Feature", geometry: { type, coordinates }, properties });
const collection = (features) => ({ type: "FeatureCollection", features });

function features(drawing) {
  if (!drawing) return { lines: collection([]), stops: collection([]), left: collection([]) };
  const lines = [], stops = [];
  for (const route of drawing.routes) {
    const colour = (route.number - 1) % COLOURS;
    lines.push(feature("LineString", decode(route.line), { route: route.id, n: route.number, colour, twin: route.number > COLOURS }));
    route.stops.forEach(([lon, lat, order, broken], i) => {
      if (lon !== null) stops.push(feature("Point", [lon, lat], { order, route: route.id, n: i + 1, r: route.number, colour, broken }));
    });
  }
  const left = drawing.unserved.filter(([lon]) => lon !== null).map(([lon, lat, order]) => feature("Point", [lon, lat], { order }));
  return { lines: collection(lines), stops: collection(stops), left: collection(left) };
}

const by = (property, list) => ["match", ["get", property], ...list.flatMap((value, i) => [i, value]), list[0]];
const grow = (...pairs) => ["interpolate", ["exponential", 1.5], ["zoom"], ...pairs];
const FONT = ["sans-serif"];

function streets(ink) {
  const line = (id, kinds, colour, width, minzoom = 8) => ({ id, type: "line", source: "streets", "source-layer": "streets", minzoom, filter: ["match", ["get", "kind"], kinds, true, false], layout: { "line-cap": "round", "line-join": "round" }, paint: { "line-color": colour, "line-width": width } });
  return [
    { id: "water", type: "fill", source: "streets", "source-layer": "water", paint: { "fill-color": ink.water } },
    { id: "park", type: "fill", source: "streets", "source-layer": "park", paint: { "fill-color": ink.park } },
    line("paths", ["path"], ink.edge, grow(13, 0.5, 17, 2), 13),
    line("local-edge", ["local"], ink.main, grow(12, 0.8, 15, 4, 18, 20), 12),
    line("main-edge", ["main", "highway"], ink.main, grow(8, 1, 13, 4, 18, 28)),
    line("local", ["local"], ink.street, grow(12, 0.4, 15, 3, 18, 18), 12),
    line("main", ["main", "highway"], ink.street, grow(8, 0.4, 13, 2.6, 18, 25)),
    { id: "names", type: "symbol", source: "streets", "source-layer": "streets", minzoom: 14, filter: ["has", "name"], layout: { "symbol-placement": "line", "text-field": ["get", "name"], "text-font": FONT, "text-size": 11, "symbol-spacing": 300 }, paint: { "text-color": ink.muted, "text-halo-color": ink.street, "text-halo-width": 1.4 } },
  ];
}

function style(el, drawing, chosen) {
  const ink = inks(el), data = features(drawing), tiles = el.dataset.tiles;
  const sources = {
    lines: { type: "geojson", data: data.lines, tolerance: 0.2 }, stops: { type: "geojson", data: data.stops }, left: { type: "geojson", data: data.left },
  };
  if (tiles) sources.streets = { type: "vector", tiles: [location.origin + tiles], minzoom: Number(el.dataset.minzoom), maxzoom: Number(el.dataset.maxzoom), attribution: el.dataset.attribution };
  const round = { "line-cap": "round", "line-join": "round" };
  return {
    version: 8, sources,
    layers: [
      { id: "ground", type: "background", paint: { "background-color": ink.ground } },
      ...(tiles ? streets(ink) : []),
      { id: "casing", type: "line", source: "lines", layout: round, paint: { "line-color": ink.paper, "line-width": grow(9, 3, 14, 6), "line-opacity": faint(chosen, 0.9, 0) } },
      { id: "lines", type: "line", source: "lines", filter: ["!", ["get", "twin"]], layout: round, paint: { "line-color": by("colour", ink.routes), "line-width": grow(9, 1.6, 14, 3.2), "line-opacity": faint(chosen, 0.9, 0.22) } },
      { id: "twins", type: "line", source: "lines", filter: ["get", "twin"], layout: { "line-join": "round" }, paint: { "line-color": by("colour", ink.routes), "line-width": grow(9, 1.6, 14, 3.2), "line-dasharray": [2.5, 1.2], "line-opacity": faint(chosen, 0.9, 0.22) } },
      { id: "dots", type: "circle", source: "stops", paint: { "circle-color": ["case", ["==", ["get", "broken"], 1], ink.bad, by("colour", ink.routes)], "circle-radius": grow(9, 2, 12, 4, 14, 9), "circle-stroke-color": ink.paper, "circle-stroke-width": grow(9, 0.5, 13, 1.5), "circle-opacity": faint(chosen, 1, 0.25), "circle-stroke-opacity": faint(chosen, 1, 0.2) } },
      { id: "numbers", type: "symbol", source: "stops", minzoom: 13, layout: { "text-field": ["to-string", ["get", "n"]], "text-font": FONT, "text-size": 11, "text-allow-overlap": true, "text-ignore-placement": true }, paint: { "text-color": ink.paper, "text-opacity": faint(chosen, 1, 0.25) } },
      { id: "left", type: "circle", source: "left", paint: { "circle-color": ink.paper, "circle-radius": grow(9, 4, 14, 9), "circle-stroke-color": ink.risk, "circle-stroke-width": 2.5 } },
      { id: "left-signs", type: "symbol", source: "left", minzoom: 11, layout: { "text-field": "!", "text-font": FONT, "text-size": 12, "text-allow-overlap": true }, paint: { "text-color": ink.risk } },
      { id: "pointed", type: "circle", source: "stops", filter: ["==", ["get", "order"], ""], paint: { "circle-color": "transparent", "circle-radius": grow(9, 7, 14, 14), "circle-stroke-color": ink.text, "circle-stroke-width": 2.5 } },
    ],
  };
}

/* One route speaks, the others recede. */
const faint = (chosen, loud, quiet) => (chosen ? ["case", ["==", ["get", "route"], chosen], loud, quiet] : loud);

function box(drawing, route) {
  const found = new LngLatBounds();
  for (const one of drawing?.routes ?? []) {
    if (route && one.id !== route) continue;
    for (const [lon, lat] of one.stops) if (lon !== null) found.extend([lon, lat]);
    for (const point of decode(one.line)) found.extend(point);
  }
  if (!route) for (const [lon, lat] of drawing?.unserved ?? []) if (lon !== null) found.extend([lon, lat]);
  if (drawing) found.extend(drawing.hub);
  return found;
}

export function draw(el, on) {
  let drawing = null, chosen = "", styled = false, fitted = false;
  const [lon, lat] = el.dataset.hub.split(",").map(Number);
  const map = new MapLibre({ container: el, style: style(el, null, ""), center: [lon, lat], zoom: 11, attributionControl: false, dragRotate: false, pitchWithRotate: false, fadeDuration: 0 });
  map.touchZoomRotate.disableRotation();
  map.addControl(new NavigationControl({ showCompass: false }), "top-right");
  map.addControl(new AttributionControl({ compact: false }));
  const house = document.createElement("div");
  house.className = "board-hub";
  house.setAttribute("role", "img");
  house.setAttribute("aria-label", el.dataset.hubWord);
  house.title = el.dataset.hubWord;
  new Marker({ element: house }).setLngLat([lon, lat]).addTo(map);
  map.once("load", () => { styled = true; again(); });

  function again() {
    if (!styled) return;
    map.setStyle(style(el, drawing, chosen), { diff: true });
    if (!fitted && drawing) { fitted = true; fit(); }
  }
  function fit(route = "") {
    const bounds = box(drawing, route);
    if (!bounds.isEmpty()) map.fitBounds(bounds, { padding: 48, maxZoom: 16, animate: fitted && !matchMedia("(prefers-reduced-motion: reduce)").matches, duration: 320 });
  }
  function near(event) {
    const { x, y } = event.point, reach = 6;
    const found = map.queryRenderedFeatures([[x - reach, y - reach], [x + reach, y + reach]], { layers: ["left", "dots", "lines", "twins"].filter((id) => map.getLayer(id)) });
    return ["left", "dots", "lines", "twins"].map((id) => found.find((f) => f.layer.id === id)).find(Boolean)?.properties ?? null;
  }
  map.on("mousemove", (event) => {
    const what = near(event);
    map.getCanvas().style.cursor = what ? "pointer" : "";
    on.hover?.(what, event.point);
  });
  map.on("mouseout", () => on.hover?.(null));
  map.on("click", (event) => on.click?.(near(event)));

  const system = matchMedia("(prefers-color-scheme: dark)");
  document.addEventListener("theme:changed", again);
  system.addEventListener("change", again);
  return {
    ready: new Promise((done) => map.once("idle", done)),
    show(next) { drawing = next; again(); },
    choose(route) { if (route !== chosen) { chosen = route; again(); } },
    point(order) { if (map.getLayer("pointed")) map.setFilter("pointed", ["==", ["get", "order"], order || ""]); },
    fit,
    look(order) {
      for (const route of drawing?.routes ?? []) for (const [x, y, id] of route.stops) if (id === order && x !== null) map.easeTo({ center: [x, y], duration: 200 });
    },
    end() { document.removeEventListener("theme:changed", again); system.removeEventListener("change", again); map.remove(); },
  };
}
