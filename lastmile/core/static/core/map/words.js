/* The English texts, for pages without translations; {% map %} passes them in the reader's language. */
const ENGLISH = {
  title: "Map",
  zoom_in: "Zoom in",
  zoom_out: "Zoom out",
  fit: "Show all",
  attribution: "Show or hide the map sources",
  keys: "Arrow keys move the map, plus and minus zoom. N and B go to the next and previous stop, F shows all, Escape clears the selection. The list offers the same.",
  no_streets: "No street map is loaded for this area.",
  no_data: "The places could not be loaded. Reload the page, or use the list.",
  no_webgl: "This browser cannot show the map because WebGL is off. Use the list.",
  cluster: "{n} places. Click to zoom in.",
  pin: "Pin. Arrow keys move it; hold Shift for small steps.",
  pin_none: "Click the address on the map, or enter coordinates.",
  corner: "Corner {n}",
  longitude: "Longitude",
  latitude: "Latitude",
  remove: "Remove corner {n}",
  add_center: "Add corner at map centre",
  undo: "Undo last corner",
  clear: "Remove all corners",
  polygon_hint: "Click to add corners, drag to move them. Or edit the list with the keyboard.",
};

export function words(json) {
  let own = {};
  try {
    own = JSON.parse(json || "{}");
  } catch {
    /* use English */
  }
  return (key) => own[key] ?? ENGLISH[key] ?? key;
}
