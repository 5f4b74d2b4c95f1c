/* The map layers above the streets: zones, routes, stops, hubs, candidates, and the selection. Vehicles
 * are above all of them (vehicles.js). */
import { DASHES } from "./palette.js";
import { FONT, zoomed } from "./style.js";

const EMPTY = { type: "FeatureCollection", features: [] };
export const SOURCES = ["zones", "routes", "stops", "hubs", "candidates"];
export const TOUCHABLE = ["hubs", "candidates", "clusters", "stops", "stops-ended", "routes-touch", "zones-fill"];
const KINDS = {
  vehicles: "vehicle",
  hubs: "hub",
  candidates: "candidate",
  stops: "stop",
  "stops-ended": "stop",
  "routes-touch": "route",
  "zones-fill": "zone",
};
export const kindOf = (layer) => KINDS[layer];

function picture(size, draw) {
  const canvas = Object.assign(document.createElement("canvas"), { width: size * 2, height: size * 2 });
  const pen = canvas.getContext("2d");
  pen.scale(2, 2);
  draw(pen);
  return pen.getImageData(0, 0, size * 2, size * 2);
}

const OPEN = ["!", ["in", ["get", "state"], ["literal", ["done", "failed"]]]];
const ENDED = ["in", ["get", "state"], ["literal", ["done", "failed"]]];

/** Adds icons that are drawn here, so no file is fetched: a hub (house in a square), and stops that
 * have ended (a small ring with a check, or a square with a cross). */
function addPictures(map, inks) {
  const put = (name, image) => {
    if (map.hasImage(name)) map.removeImage(name);
    map.addImage(name, image, { pixelRatio: 2 });
  };
  put(
    "hub",
    picture(30, (pen) => {
      pen.fillStyle = inks.text;
      pen.strokeStyle = inks.halo;
      pen.lineWidth = 2;
      pen.beginPath();
      pen.roundRect(2, 2, 26, 26, 6);
      pen.fill();
      pen.stroke();
      pen.strokeStyle = inks.halo;
      pen.lineWidth = 1.8;
      pen.lineJoin = "round";
      pen.lineCap = "round";
      pen.stroke(new Path2D("M8 22 V12.5 L15 8 L22 12.5 V22 M11.5 22 V15.5 H18.5 V22 M11.5 18.7 H18.5"));
    }),
  );
  const ended = (name, frame, sign) =>
    put(
      name,
      picture(20, (pen) => {
        pen.fillStyle = inks.halo;
        pen.strokeStyle = inks.text;
        pen.lineWidth = 1.5;
        pen.beginPath();
        frame(pen);
        pen.fill();
        pen.stroke();
        pen.lineWidth = 2;
        pen.lineCap = "round";
        pen.lineJoin = "round";
        pen.stroke(new Path2D(sign));
      }),
    );
  ended("stop-done", (pen) => pen.arc(10, 10, 7, 0, 2 * Math.PI), "M6.8 10.2 L9 12.4 L13.2 7.8");
  ended("stop-failed", (pen) => pen.rect(3, 3, 14, 14), "M7 7 L13 13 M13 7 L7 13");
}

export function addLayers(map, { inks, cluster }) {
  addPictures(map, inks);
  for (const name of SOURCES) {
    const more = name === "stops" && cluster ? { cluster: true, clusterRadius: 42, clusterMaxZoom: 13 } : {};
    map.addSource(name, { type: "geojson", data: EMPTY, promoteId: "id", ...more });
  }
  const add = (layer) => map.addLayer(layer);
  const round = { "line-cap": "round", "line-join": "round" };
  add({
    id: "zones-fill",
    type: "fill",
    source: "zones",
    paint: { "fill-color": ["get", "colour"], "fill-opacity": 0.06 },
  });
  add({
    id: "zones-line",
    type: "line",
    source: "zones",
    paint: { "line-color": ["get", "colour"], "line-width": 1.2, "line-dasharray": [4, 2] },
  });
  add({
    id: "routes-casing",
    type: "line",
    source: "routes",
    layout: round,
    paint: { "line-color": inks.line, "line-width": zoomed(9, 3.5, 14, 6.5, 18, 12) },
  });
  DASHES.forEach((dash, index) =>
    add({
      id: `routes-${index}`,
      type: "line",
      source: "routes",
      filter: ["==", ["get", "pattern"], index],
      layout: dash ? { "line-join": "round", "line-cap": "butt" } : round,
      paint: {
        "line-color": ["get", "colour"],
        "line-width": zoomed(9, 1.6, 14, 3.2, 18, 7),
        ...(dash ? { "line-dasharray": dash } : {}),
      },
    }),
  );
  // The active route is drawn a second time, above the faded routes.
  add({
    id: "active-casing",
    type: "line",
    source: "routes",
    layout: round,
    filter: ["==", ["get", "id"], ""],
    paint: { "line-color": inks.line, "line-width": zoomed(9, 4.5, 14, 8, 18, 14) },
  });
  add({
    id: "active",
    type: "line",
    source: "routes",
    layout: { "line-join": "round" },
    filter: ["==", ["get", "id"], ""],
    paint: { "line-color": ["get", "colour"], "line-width": zoomed(9, 2, 14, 4, 18, 8) },
  });
  add({
    id: "routes-way",
    type: "symbol",
    source: "routes",
    minzoom: 11,
    filter: ["==", ["get", "id"], ""],
    layout: {
      "symbol-placement": "line",
      "symbol-spacing": 90,
      "text-field": "❯",
      "text-font": FONT,
      "text-size": 12,
      "text-keep-upright": false,
      "text-allow-overlap": true,
      "text-ignore-placement": true,
    },
    paint: { "text-color": inks.line, "text-halo-color": ["get", "colour"], "text-halo-width": 1.6 },
  });
  add({
    id: "routes-touch",
    type: "line",
    source: "routes",
    paint: { "line-color": "#000000", "line-opacity": 0, "line-width": 16 },
  });
  const alone = ["!", ["has", "point_count"]];
  add({
    id: "stops",
    type: "circle",
    source: "stops",
    filter: ["all", alone, OPEN],
    paint: {
      "circle-color": ["get", "colour"],
      "circle-stroke-color": inks.line,
      "circle-radius": ["interpolate", ["linear"], ["zoom"], 8, 2, 11, 3.4, 13, 7, 16, 10],
      "circle-stroke-width": ["interpolate", ["linear"], ["zoom"], 9, 0.5, 13, 1.5],
    },
  });
  add({
    id: "stops-trouble",
    type: "circle",
    source: "stops",
    filter: [
      "all",
      alone,
      ["in", ["get", "state"], ["literal", ["late", "at_risk", "violation", "unserved", "needs_pin"]]],
    ],
    paint: {
      "circle-color": "rgba(0,0,0,0)",
      "circle-stroke-color": inks.text,
      "circle-stroke-width": 2,
      "circle-radius": ["interpolate", ["linear"], ["zoom"], 8, 4, 13, 10, 16, 13],
    },
  });
  add({
    id: "stops-ended",
    type: "symbol",
    source: "stops",
    filter: ["all", alone, ENDED],
    layout: {
      "icon-image": ["concat", "stop-", ["get", "state"]],
      "icon-allow-overlap": true,
      "icon-ignore-placement": true,
      "icon-size": ["interpolate", ["linear"], ["zoom"], 8, 0.35, 12, 0.7, 15, 1],
    },
  });
  add({
    id: "stops-number",
    type: "symbol",
    source: "stops",
    filter: ["all", alone, OPEN],
    minzoom: 12.4,
    layout: {
      "text-field": ["get", "seq"],
      "text-font": FONT,
      "text-size": ["interpolate", ["linear"], ["zoom"], 12, 9, 16, 12],
      "text-allow-overlap": false,
      "text-padding": 0,
      "symbol-sort-key": ["get", "order"],
    },
    paint: { "text-color": ["get", "ink"] },
  });
  add({
    id: "clusters",
    type: "circle",
    source: "stops",
    filter: ["has", "point_count"],
    paint: {
      "circle-color": inks.text,
      "circle-opacity": 0.85,
      "circle-stroke-color": inks.line,
      "circle-stroke-width": 2,
      "circle-radius": ["step", ["get", "point_count"], 12, 20, 16, 100, 20, 500, 26],
    },
  });
  add({
    id: "clusters-number",
    type: "symbol",
    source: "stops",
    filter: ["has", "point_count"],
    layout: {
      "text-field": ["get", "point_count_abbreviated"],
      "text-font": FONT,
      "text-size": 12,
      "text-allow-overlap": true,
    },
    paint: { "text-color": inks.halo },
  });
  add({
    id: "candidates",
    type: "circle",
    source: "candidates",
    paint: {
      "circle-color": inks.halo,
      "circle-stroke-color": inks.text,
      "circle-stroke-width": 2,
      "circle-radius": 10,
    },
  });
  add({
    id: "candidates-number",
    type: "symbol",
    source: "candidates",
    layout: { "text-field": ["get", "seq"], "text-font": FONT, "text-size": 12, "text-allow-overlap": true },
    paint: { "text-color": inks.text },
  });
  add({
    id: "hubs",
    type: "symbol",
    source: "hubs",
    layout: {
      "icon-image": "hub",
      "icon-allow-overlap": true,
      "text-field": ["step", ["zoom"], "", 10, ["get", "label"]],
      "text-font": FONT,
      "text-size": 12,
      "text-offset": [0, 1.5],
      "text-anchor": "top",
      "text-optional": true,
    },
    paint: { "text-color": inks.text, "text-halo-color": inks.halo, "text-halo-width": 1.6 },
  });
  add({
    id: "chosen",
    type: "circle",
    source: "stops",
    filter: ["==", ["get", "id"], ""],
    paint: {
      "circle-color": ["get", "colour"],
      "circle-radius": 13,
      "circle-stroke-color": inks.focus,
      "circle-stroke-width": 3,
    },
  });
  add({
    id: "chosen-number",
    type: "symbol",
    source: "stops",
    filter: ["==", ["get", "id"], ""],
    layout: { "text-field": ["get", "seq"], "text-font": FONT, "text-size": 13, "text-allow-overlap": true },
    paint: { "text-color": ["get", "ink"] },
  });
}

/** Highlights the active route (chosen or hovered) and fades the others. Without one, no route is faded.
 * `shown` lists the routes to show; the others are hidden.
 * @param patternOf id of a route -> index into DASHES */
export function emphasise(map, { route = null, hovered = null, stop = null, shown = null }, patternOf) {
  const active = route ?? hovered;
  const opacity = (key, quiet) => (active ? ["case", ["==", ["get", key], active], 1, quiet] : 1);
  const only = (key) => (shown ? ["in", ["get", key], ["literal", [...shown, ""]]] : true);
  const all = (...parts) => ["all", ...parts];
  DASHES.forEach((_dash, index) => {
    map.setPaintProperty(`routes-${index}`, "line-opacity", opacity("id", 0.22));
    map.setFilter(`routes-${index}`, all(["==", ["get", "pattern"], index], only("id")));
  });
  map.setFilter("routes-touch", all(only("id")));
  map.setFilter("routes-casing", active ? ["==", ["get", "id"], ""] : all(only("id")));
  for (const layer of ["active-casing", "active"]) map.setFilter(layer, ["==", ["get", "id"], active ?? ""]);
  map.setPaintProperty("active", "line-dasharray", DASHES[patternOf(active)] ?? undefined);
  map.setFilter("routes-way", ["==", ["get", "id"], active ?? ""]);
  const alone = ["!", ["has", "point_count"]];
  map.setFilter("stops", all(alone, OPEN, only("route")));
  map.setFilter("stops-ended", all(alone, ENDED, only("route")));
  map.setPaintProperty("stops-ended", "icon-opacity", opacity("route", 0.25));
  map.setFilter("stops-number", all(alone, OPEN, only("route"), active ? ["==", ["get", "route"], active] : true));
  for (const part of ["circle-opacity", "circle-stroke-opacity"])
    map.setPaintProperty("stops", part, opacity("route", 0.25));
  for (const layer of ["chosen", "chosen-number"]) map.setFilter(layer, ["==", ["get", "id"], stop ?? ""]);
}
