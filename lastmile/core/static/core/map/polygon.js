/* Polygon mode: the user draws the border of a zone. A click adds a corner, dragging moves it. A list of
 * corners offers the same by keyboard.
 *
 * data-geometry: selector of the input for the GeoJSON Polygon.  data-list: selector of the element
 * for the list of corners.  Sends map:polygon {geometry|null}.
 */
const shape = (ring) => (ring.length < 3 ? null : { type: "Polygon", coordinates: [[...ring, ring[0]]] });

function button(text, act, extra = "") {
  const made = Object.assign(document.createElement("button"), {
    type: "button",
    className: `button small ${extra}`,
    textContent: text,
  });
  made.addEventListener("click", act);
  return made;
}

export function start(view, maplibregl, say) {
  const { el, map } = view;
  const field = el.dataset.geometry && document.querySelector(el.dataset.geometry);
  const list = el.dataset.list && document.querySelector(el.dataset.list);
  let ring = [];
  const markers = [];
  try {
    const given = JSON.parse(field?.value || "null");
    const coordinates = given?.type === "MultiPolygon" ? given.coordinates[0] : given?.coordinates;
    ring = (coordinates?.[0] ?? []).slice(0, -1).map(([lon, lat]) => [lon, lat]);
  } catch {
    /* start without corners if the shape cannot be read; the field is unchanged until the first edit */
  }

  function picture() {
    const closed = shape(ring);
    const geometry = closed ?? { type: "LineString", coordinates: ring };
    return {
      type: "FeatureCollection",
      features: ring.length > 1 ? [{ type: "Feature", properties: {}, geometry }] : [],
    };
  }

  function layers() {
    if (map.getSource("draft")) return map.getSource("draft").setData(picture());
    map.addSource("draft", { type: "geojson", data: picture() });
    map.addLayer({
      id: "draft-fill",
      type: "fill",
      source: "draft",
      filter: ["==", ["geometry-type"], "Polygon"],
      paint: { "fill-color": view.inks.focus, "fill-opacity": 0.12 },
    });
    map.addLayer({
      id: "draft-line",
      type: "line",
      source: "draft",
      paint: { "line-color": view.inks.focus, "line-width": 2.5 },
    });
  }
  view.onDraw = layers; // a change of theme redraws all layers

  function handles() {
    while (markers.length) markers.pop().remove();
    ring.forEach((corner, index) => {
      const dot = Object.assign(document.createElement("span"), { className: "map-corner" });
      const marker = new maplibregl.Marker({ element: dot, draggable: true }).setLngLat(corner).addTo(map);
      dot.setAttribute("aria-hidden", "true"); // screen readers use the list of corners
      dot.removeAttribute("tabindex");
      marker.on("drag", () => {
        ring[index] = marker.getLngLat().toArray();
        layers();
      });
      marker.on("dragend", () => changed());
      markers.push(marker);
    });
  }

  function number(label, value, act) {
    const input = Object.assign(document.createElement("input"), {
      type: "number",
      step: "0.00001",
      className: "input",
      value: value.toFixed(5),
    });
    input.setAttribute("aria-label", label);
    input.addEventListener("change", () => {
      const given = Number.parseFloat(input.value);
      if (Number.isFinite(given)) act(given);
    });
    return input;
  }

  function cornerList() {
    if (!list) return;
    const rows = document.createElement("ol");
    rows.className = "corner-list";
    ring.forEach((corner, index) => {
      const name = say("corner").replace("{n}", index + 1);
      const row = document.createElement("li");
      row.append(
        Object.assign(document.createElement("span"), { textContent: String(index + 1), className: "muted" }),
        number(`${name}: ${say("longitude")}`, corner[0], (value) => {
          ring[index] = [value, ring[index][1]];
          changed();
        }),
        number(`${name}: ${say("latitude")}`, corner[1], (value) => {
          ring[index] = [ring[index][0], value];
          changed();
        }),
      );
      const remove = button(
        "×",
        () => {
          ring.splice(index, 1);
          changed();
        },
        "icon-only quiet",
      );
      remove.setAttribute("aria-label", say("remove").replace("{n}", index + 1));
      row.append(remove);
      rows.append(row);
    });
    const bar = Object.assign(document.createElement("div"), { className: "bar" });
    bar.append(
      button(say("add_center"), () => {
        ring.push(map.getCenter().toArray());
        changed();
      }),
      button(say("undo"), () => {
        ring.pop();
        changed();
      }),
      button(say("clear"), () => {
        ring = [];
        changed();
      }),
    );
    list.replaceChildren(
      Object.assign(document.createElement("p"), { className: "hint", textContent: say("polygon_hint") }),
      rows,
      bar,
    );
  }

  function changed() {
    layers();
    handles();
    cornerList();
    const geometry = shape(ring);
    if (field) {
      field.value = geometry ? JSON.stringify(geometry) : "";
      field.dispatchEvent(new Event("change", { bubbles: true }));
    }
    view.tell("map:polygon", { geometry });
  }

  view.onClick = (event) => {
    ring.push(event.lngLat.toArray());
    changed();
    return true;
  };
  view.quiet = true; // no tooltips while drawing
  layers();
  handles();
  cornerList();
  if (ring.length) {
    const [lons, lats] = [ring.map((c) => c[0]), ring.map((c) => c[1])];
    map.fitBounds(
      [
        [Math.min(...lons), Math.min(...lats)],
        [Math.max(...lons), Math.max(...lats)],
      ],
      { padding: 48, animate: false },
    );
  }
}
