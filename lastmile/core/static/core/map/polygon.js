/* Polygon mode: the border of a zone. Click adds a corner, drag moves one; the list twin does all of
 * it by keyboard.
 *
 * data-geometry: selector of the field that holds the GeoJSON Polygon.  data-list: selector of the
 * element that holds the list twin.  Says map:polygon {geometry|null}.
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

export function start(house, maplibregl, say) {
  const { el, map } = house;
  const field = el.dataset.geometry && document.querySelector(el.dataset.geometry);
  const list = el.dataset.list && document.querySelector(el.dataset.list);
  let ring = [];
  const markers = [];
  try {
    const given = JSON.parse(field?.value || "null");
    const coordinates = given?.type === "MultiPolygon" ? given.coordinates[0] : given?.coordinates;
    ring = (coordinates?.[0] ?? []).slice(0, -1).map(([lon, lat]) => [lon, lat]);
  } catch {
    /* an unreadable shape begins anew; the field keeps it until a corner is set */
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
      paint: { "fill-color": house.inks.focus, "fill-opacity": 0.12 },
    });
    map.addLayer({
      id: "draft-line",
      type: "line",
      source: "draft",
      paint: { "line-color": house.inks.focus, "line-width": 2.5 },
    });
  }
  house.onDraw = layers; // a change of theme draws everything again

  function handles() {
    while (markers.length) markers.pop().remove();
    ring.forEach((corner, index) => {
      const dot = Object.assign(document.createElement("span"), { className: "map-corner" });
      const marker = new maplibregl.Marker({ element: dot, draggable: true }).setLngLat(corner).addTo(map);
      dot.setAttribute("aria-hidden", "true"); // its twin in the list speaks
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

  function twin() {
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
    twin();
    const geometry = shape(ring);
    if (field) {
      field.value = geometry ? JSON.stringify(geometry) : "";
      field.dispatchEvent(new Event("change", { bubbles: true }));
    }
    house.tell("map:polygon", { geometry });
  }

  house.onClick = (event) => {
    ring.push(event.lngLat.toArray());
    changed();
    return true;
  };
  house.quiet = true; // no tips while drawing
  layers();
  handles();
  twin();
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
