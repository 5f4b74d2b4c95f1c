/* The base map: our own vector style for the tiles of the loaded network, in three colour sets.
 *
 * There is no `glyphs` URL. MapLibre 6 then draws street names with the reader's own fonts, so no font
 * file is fetched. */

export const INKS = {
  light: {
    ground: "#e8eced",
    water: "#c3dae3",
    park: "#d9e6d3",
    casing: "#b7c2c4",
    path: "#bac4c4",
    local: "#ffffff",
    main: "#ffffff",
    highway: "#fdf3dc",
    highwayCasing: "#dccb9f",
    name: "#55646a",
    halo: "#ffffff",
    water_name: "#4d7486",
    text: "#14242b",
    line: "#ffffff",
    focus: "#1f4fd8",
  },
  dark: {
    ground: "#151b1f",
    water: "#0f2a36",
    park: "#182620",
    casing: "#10161a",
    path: "#2b3439",
    local: "#273035",
    main: "#343f45",
    highway: "#4b4a3d",
    highwayCasing: "#10161a",
    name: "#9aa9af",
    halo: "#151b1f",
    water_name: "#6fa3ba",
    text: "#f2f6f7",
    line: "#10161a",
    focus: "#9db8ff",
  },
  contrast: {
    ground: "#ffffff",
    water: "#bfe3f2",
    park: "#e3f2da",
    casing: "#5a5a5a",
    path: "#8a8a8a",
    local: "#ffffff",
    main: "#ffffff",
    highway: "#ffe9ad",
    highwayCasing: "#000000",
    name: "#000000",
    halo: "#ffffff",
    water_name: "#00384d",
    text: "#000000",
    line: "#ffffff",
    focus: "#0000c8",
  },
};

const FONT = ["system-ui, Segoe UI, Roboto, Noto Sans, DejaVu Sans, sans-serif"];
const zoomed = (...stops) => ["interpolate", ["exponential", 1.5], ["zoom"], ...stops];
const kind = (name) => ["==", ["get", "kind"], name];
const WIDTH = {
  path: zoomed(13, 0.5, 18, 3),
  local: zoomed(11, 0.4, 13, 1.4, 15, 4, 18, 16),
  main: zoomed(8, 0.6, 11, 1.4, 13, 3, 15, 7, 18, 24),
  highway: zoomed(8, 1, 11, 2.2, 13, 4, 15, 8, 18, 28),
};
const CASING = { local: zoomed(12, 0.3, 15, 1), main: zoomed(8, 0.4, 15, 1.2), highway: zoomed(8, 0.6, 15, 1.4) };

/** Returns the name of the colour set for the page's theme. */
export function inkSet() {
  const theme = document.documentElement.dataset.theme ?? "auto";
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  if (theme === "contrast") return dark ? "dark" : "contrast";
  if (theme === "auto") return dark ? "dark" : matchMedia("(prefers-contrast: more)").matches ? "contrast" : "light";
  return theme;
}

export function baseStyle({ tiles, attribution, inks }) {
  const style = {
    version: 8,
    sources: {},
    layers: [{ id: "ground", type: "background", paint: { "background-color": inks.ground } }],
  };
  if (!tiles) return style;
  style.sources.network = { type: "vector", tiles: [tiles], minzoom: 8, maxzoom: 14, attribution };
  const layer = (id, type, source_layer, more) =>
    style.layers.push({ id, type, source: "network", "source-layer": source_layer, ...more });
  layer("water", "fill", "water", { paint: { "fill-color": inks.water } });
  layer("park", "fill", "park", { paint: { "fill-color": inks.park } });
  const round = { "line-cap": "round", "line-join": "round" };
  layer("path", "line", "streets", {
    filter: kind("path"),
    minzoom: 13,
    layout: round,
    paint: { "line-color": inks.path, "line-width": WIDTH.path, "line-dasharray": [2, 1.5] },
  });
  for (const name of ["local", "main", "highway"]) {
    layer(`${name}-casing`, "line", "streets", {
      filter: kind(name),
      minzoom: name === "local" ? 12 : 8,
      layout: round,
      paint: {
        "line-color": name === "highway" ? inks.highwayCasing : inks.casing,
        "line-gap-width": WIDTH[name],
        "line-width": CASING[name],
      },
    });
  }
  for (const name of ["local", "main", "highway"]) {
    layer(name, "line", "streets", {
      filter: kind(name),
      layout: round,
      paint: { "line-color": inks[name], "line-width": WIDTH[name] },
    });
  }
  layer("street-names", "symbol", "streets", {
    minzoom: 13.5,
    filter: ["has", "name"],
    layout: {
      "symbol-placement": "line",
      "text-field": ["get", "name"],
      "text-font": FONT,
      "text-size": ["interpolate", ["linear"], ["zoom"], 13, 10, 17, 13],
      "text-max-angle": 30,
      "symbol-spacing": 320,
      "text-padding": 6,
    },
    paint: { "text-color": inks.name, "text-halo-color": inks.halo, "text-halo-width": 1.4 },
  });
  layer("water-names", "symbol", "water", {
    minzoom: 11,
    filter: ["has", "name"],
    layout: { "text-field": ["get", "name"], "text-font": FONT, "text-size": 12 },
    paint: { "text-color": inks.water_name, "text-halo-color": inks.halo, "text-halo-width": 1.2 },
  });
  return style;
}

export { FONT, zoomed };
