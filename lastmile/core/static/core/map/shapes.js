/* Converts the page's JSON to GeoJSON. Missing parts are skipped. */
import { inkOn, patternOf } from "./palette.js";

/** Decodes Google's polyline (precision 5) to [[lon, lat], …]. */
export function decode(text) {
  const points = [];
  let index = 0,
    lat = 0,
    lon = 0;
  const next = () => {
    let shift = 0,
      value = 0,
      byte;
    do {
      byte = text.charCodeAt(index++) - 63;
      value |= (byte & 31) << shift;
      shift += 5;
    } while (byte >= 32);
    return value & 1 ? ~(value >> 1) : value >> 1;
  };
  while (index < text.length) {
    lat += next();
    lon += next();
    points.push([lon / 1e5, lat / 1e5]);
  }
  return points;
}

/** Returns a list of lines from a line, a polyline string, or a list of these (legs). */
export function lines(geometry) {
  if (!geometry || !geometry.length) return [];
  if (typeof geometry === "string") return [decode(geometry)];
  if (typeof geometry[0] === "string") return geometry.map(decode);
  if (typeof geometry[0][0] === "number") return [geometry];
  return geometry;
}

const collection = (features) => ({ type: "FeatureCollection", features });
const point = (lon, lat, properties) => ({
  type: "Feature",
  properties,
  geometry: { type: "Point", coordinates: [lon, lat] },
});
const known = (thing) => Number.isFinite(thing.lon) && Number.isFinite(thing.lat);

/** @param colourOf number of a route -> CSS colour, see palette.js */
export function collections(data, colourOf) {
  const routes = (data.routes ?? []).map((route, index) => {
    const number = route.number ?? index + 1;
    const colour = /^#[0-9a-f]{6}$/i.test(route.color ?? "") ? route.color : colourOf(number);
    return { ...route, number, colour, pattern: patternOf(number), lines: lines(route.geometry) };
  });
  const byId = new Map(routes.map((route) => [route.id, route]));
  return {
    byId,
    routes: collection(
      routes
        .filter((r) => r.lines.length)
        .map((r) => ({
          type: "Feature",
          properties: {
            id: r.id,
            label: r.label ?? String(r.number),
            colour: r.colour,
            pattern: r.pattern,
            straight: Boolean(r.straight),
          },
          geometry: { type: "MultiLineString", coordinates: r.lines.filter((line) => line.length > 1) },
        })),
    ),
    stops: stopShapes(data.stops ?? [], byId),
    hubs: collection(
      (data.hubs ?? [])
        .filter(known)
        .map((hub) => point(hub.lon, hub.lat, { id: hub.id, label: hub.name ?? hub.label ?? "" })),
    ),
    zones: collection(
      (data.zones ?? [])
        .filter((zone) => zone.geometry)
        .map((zone, index) => ({
          type: "Feature",
          properties: { id: zone.id, label: zone.name ?? "", colour: zone.color ?? colourOf(index + 1) },
          geometry: zone.geometry,
        })),
    ),
    vehicles: vehicleShapes(data.vehicles ?? []),
    candidates: collection(
      (data.candidates ?? [])
        .filter(known)
        .map((c, index) =>
          point(c.lon, c.lat, { id: c.id ?? String(index), label: c.label ?? "", seq: String(index + 1) }),
        ),
    ),
  };
}

/** Returns the shapes of stops; ``byId`` has the routes. */
export function stopShapes(stops, byId) {
  return collection(
    stops.filter(known).map((stop) => {
      const colour = byId?.get(stop.route)?.colour ?? "#6b7780";
      return point(stop.lon, stop.lat, {
        id: stop.id,
        route: stop.route ?? "",
        seq: stop.seq == null ? "" : String(stop.seq),
        order: stop.seq ?? 0,
        label: stop.label ?? "",
        state: stop.state ?? "",
        parcels: stop.parcels ?? 1,
        colour,
        ink: inkOn(colour),
      });
    }),
  );
}

/** Returns the places of vehicles, which count when the map is fitted to its content. */
export function vehicleShapes(vehicles) {
  return collection(vehicles.filter(known).map(({ id, lon, lat, label = "" }) => point(lon, lat, { id, label })));
}

/** Returns [west, south, east, north] of all shapes, or null. */
export function bounds(shapes, only = null) {
  let box = null;
  const add = ([lon, lat]) => {
    if (!Number.isFinite(lon) || !Number.isFinite(lat)) return;
    box = box
      ? [Math.min(box[0], lon), Math.min(box[1], lat), Math.max(box[2], lon), Math.max(box[3], lat)]
      : [lon, lat, lon, lat];
  };
  const walk = (coordinates) => (typeof coordinates[0] === "number" ? add(coordinates) : coordinates.forEach(walk));
  for (const [name, shape] of Object.entries(shapes)) {
    for (const feature of shape.features ?? []) {
      if (only && !only(name, feature.properties)) continue;
      walk(feature.geometry.coordinates);
    }
  }
  return box;
}
