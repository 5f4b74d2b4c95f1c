/* English stands here for pages that bring no words; {% map %} brings the reader's own. */
const ENGLISH = {
  title: "Map",
  zoom_in: "Zoom in",
  zoom_out: "Zoom out",
  fit: "Show everything",
  keys: "Arrow keys move the map, plus and minus zoom, N and B go to the next and previous stop, F shows everything, Escape lets go. The list beside the map offers the same.",
  no_streets: "No street map is loaded here: places stand on plain ground.",
  no_data: "The places could not be fetched. The list has them; reload to try again.",
  no_webgl: "This browser cannot draw the map (WebGL is off). The list has everything.",
  cluster: "{n} orders here: click to look closer",
  pin: "Pin. Arrow keys move it, Shift makes small steps.",
  pin_none: "Click where the door is, or give the coordinates.",
  corner: "Corner {n}",
  longitude: "Longitude",
  latitude: "Latitude",
  remove: "Remove corner {n}",
  add_center: "Add a corner at the centre of the map",
  undo: "Take back the last corner",
  clear: "Start over",
  polygon_hint: "Click to add corners; drag one to move it. The list does the same by keyboard.",
};

export function words(json) {
  let own = {};
  try {
    own = JSON.parse(json || "{}");
  } catch {
    /* keep English */
  }
  return (key) => own[key] ?? ENGLISH[key] ?? key;
}
