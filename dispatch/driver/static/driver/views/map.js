/* The map of the route: its line and its stops from the day on the phone, so it needs no network. The list is its twin. */
import { isCancelled, isDone, nextStop, visitNumber, visitsOf } from "../day.js";
import { h, icon, link } from "../dom.js";
import { number, t } from "../words.js";
import { stopStatus } from "./stop.js";

/** What the map needs beside the app; kept by the service worker from its first use on. */
const PARTS = ["layers", "palette", "shapes", "style", "vehicles", "words"];
const CORE = ["map.js", ...PARTS.map((name) => `map/${name}.js`)];
const VENDOR = ["maplibre-gl.mjs", "maplibre-gl-worker.mjs", "maplibre-gl.css"];
export const MAP_FILES = [
  ...CORE.map((name) => `../../core/${name}`),
  "../../css/map.css",
  ...VENDOR.map((name) => `../../vendor/maplibre-gl-6.17.0/${name}`),
].map((name) => new URL(name, import.meta.url).pathname);
const WORDS = ["title", "zoom_in", "zoom_out", "fit", "attribution", "keys", "no_streets", "no_data", "no_webgl"];

/** Returns the day in the form that the map draws. */
function shapesOf(today) {
  const state = (stop) => {
    if (isDone(stop)) return stop.outcome === "failed" ? "failed" : "done";
    return isCancelled(stop) ? "done" : "ok";
  };
  return {
    routes: [{ id: "route", number: 1, label: "", geometry: [today.route?.geometry ?? []] }],
    stops: visitsOf(today).map(([stop, ...others], index) => ({
      id: stop.order,
      route: "route",
      seq: index + 1,
      lon: stop.lon,
      lat: stop.lat,
      label: stop.address,
      state: state([stop, ...others].find((one) => !isDone(one)) ?? stop),
      parcels: [stop, ...others].flatMap((one) => one.parcels ?? []).length,
    })),
    hubs: [{ id: "hub", name: today.hub?.name, lon: today.hub?.lon, lat: today.hub?.lat }],
  };
}

/** Loads the map once; the same element is shown again and again, with new data. */
async function load(app, el, today) {
  el.dataset.words = JSON.stringify(Object.fromEntries(WORDS.map((name) => [name, t(`map_${name}`)])));
  if (today.hub?.lat != null) el.dataset.center = `${today.hub.lon},${today.hub.lat}`;
  if (today.streets?.tiles) el.dataset.tiles = today.streets.tiles;
  el.dataset.attribution = today.streets?.attribution ?? "";
  try {
    const { mount } = await import("../../core/map.js");
    await mount(el);
    show(app, el);
    el.lastmileMap.fit({ animate: false });
  } catch (fault) {
    console.warn("The map could not be shown.", fault);
    if (el.lastmileMap) return; // it is there: only its first view failed
    if (!el.querySelector(".map-note")) el.replaceChildren(h("p", { class: "map-note" }, t("map_not_here")));
    app.mapElement = null; // the next look tries again
  }
}

function show(app, el) {
  const { today } = app.session;
  if (!today) return;
  el.lastmileMap.setData(shapesOf(today));
  el.lastmileMap.choose({ kind: "stop", id: app.mapped ?? nextStop(today)?.order ?? null, fly: false });
}

function chosenStop(today, order) {
  const stop = today.stops.find((one) => one.order === order) ?? nextStop(today);
  if (!stop) return null;
  return h(
    "a",
    { href: `#stop/${stop.order}`, class: "driver-mapped", "data-key": "mapped" },
    h("span", { class: "driver-number" }, number(visitNumber(today, stop))),
    h("span", { class: "driver-what" }, h("span", { class: "strong" }, stop.address), stopStatus(stop)),
    icon("chevron-right"),
  );
}

export function mapView(app) {
  const { today } = app.session;
  const isNew = !app.mapElement;
  app.mapElement ??= h("div", { class: "map driver-map", role: "region", "aria-label": t("map_title") });
  const el = app.mapElement;
  if (isNew) {
    el.addEventListener("map:select", ({ detail }) => {
      if (detail.kind !== "stop") return;
      app.mapped = detail.id;
      app.draw();
    });
    load(app, el, today);
  } else if (el.lastmileMap) show(app, el);
  app.mapStop ??= h("div");
  app.mapStop.replaceChildren(...[chosenStop(today, app.mapped)].filter(Boolean));
  return {
    heading: t("map_title"),
    body: [el, app.mapStop],
    actions: [link(t("as_list"), "#list", { symbol: "list", key: "as-list" })],
  };
}
