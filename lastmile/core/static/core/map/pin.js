/* Pin mode: the user sets one pin by click, drag, arrow keys, a numbered suggestion, or coordinates.
 *
 * data-lon, data-lat: selectors of the two inputs for the coordinates. Sends map:pin {lon, lat}.
 */
export function start(view, maplibregl, say) {
  const { el, map } = view;
  const [lonField, latField] = [el.dataset.lon, el.dataset.lat].map(
    (selector) => selector && document.querySelector(selector),
  );
  const handle = document.createElement("button");
  handle.type = "button";
  handle.className = "map-pin";
  handle.setAttribute("aria-label", say("pin"));
  const marker = new maplibregl.Marker({ element: handle, draggable: true, anchor: "bottom" });
  let placed = false;

  function put(lon, lat, { write = true, move = false } = {}) {
    marker.setLngLat([lon, lat]);
    if (!placed) {
      marker.addTo(map);
      placed = true;
      el.querySelector(".map-note.pin")?.remove();
    }
    if (move) map.easeTo({ center: [lon, lat], zoom: Math.max(map.getZoom(), 16) });
    if (!write) return;
    const [x, y] = [lon.toFixed(6), lat.toFixed(6)];
    for (const [field, value] of [
      [lonField, x],
      [latField, y],
    ]) {
      if (field) {
        field.value = value;
        field.dispatchEvent(new Event("change", { bubbles: true }));
      }
    }
    view.tell("map:pin", { lon: Number(x), lat: Number(y) });
  }

  function read() {
    const [lon, lat] = [lonField, latField].map((field) => Number.parseFloat(field?.value));
    return Number.isFinite(lon) && Number.isFinite(lat) && Math.abs(lat) <= 90 && Math.abs(lon) <= 180
      ? [lon, lat]
      : null;
  }

  view.onClick = (event) => {
    const hit = map.queryRenderedFeatures(event.point, { layers: ["candidates"] })[0];
    const [lon, lat] = hit ? hit.geometry.coordinates : event.lngLat.toArray();
    if (hit) view.tell("map:select", { kind: "candidate", id: hit.properties.id });
    put(lon, lat);
    return true;
  };
  marker.on("dragend", () => put(...marker.getLngLat().toArray()));
  handle.addEventListener("keydown", (event) => {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!way) return;
    event.preventDefault();
    event.stopPropagation();
    const step = event.shiftKey ? 1 : 10;
    const { x, y } = map.project(marker.getLngLat());
    put(...map.unproject([x + way[0] * step, y + way[1] * step]).toArray());
  });
  for (const field of [lonField, latField]) {
    field?.addEventListener("input", () => {
      const place = read();
      if (place) put(...place, { write: false, move: true });
    });
  }
  el.addEventListener("map:choose", (event) => {
    const found = event.detail?.kind === "candidate" && view.feature("candidates", event.detail.id);
    if (found) put(...found.geometry.coordinates, { move: true });
  });
  const already = read();
  if (already) put(...already, { write: false, move: true });
  else {
    const hint = Object.assign(document.createElement("p"), {
      className: "map-note pin",
      textContent: say("pin_none"),
    });
    el.append(hint);
  }
}
