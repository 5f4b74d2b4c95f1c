/* The board's map: draws the plan, and keeps the chosen route the same on the map and in the list. */

/* Return the plan's compact drawing in the form that the map module reads. */
function mapData({ hub, routes, unserved, straight }, words, ended) {
  const [lon, lat] = words.hub.split(",").map(Number);
  return {
    hubs: [{ id: "hub", name: words.hubWord, lon: hub?.[0] ?? lon, lat: hub?.[1] ?? lat }],
    routes: routes.map(({ id, number, line }) => ({
      id,
      number,
      straight,
      label: `${words.routeWord} ${number}`,
      geometry: line,
    })),
    stops: [
      ...routes.flatMap((route) =>
        route.stops.map(([x, y, id, broken], i) => ({
          id,
          route: route.id,
          seq: i + 1,
          lon: x,
          lat: y,
          state: ended.get(id) ?? (broken ? "violation" : ""),
          label: [`${words.routeWord} ${route.number}`, `${words.stopWord} ${i + 1}`, wordOf(ended.get(id), words)]
            .filter(Boolean)
            .join(", "),
        })),
      ),
      ...unserved.map(([x, y, id]) => ({ id, seq: "!", lon: x, lat: y, state: "unserved", label: words.unservedWord })),
    ],
  };
}

const wordOf = (state, words) => ({ done: words.doneWord, failed: words.failedWord })[state] ?? "";

/* The orders whose visits have ended, as the server wrote them beside the routes: order -> done | failed. */
function endedOrders(frame) {
  const ended = new Map();
  for (const { dataset } of frame.querySelectorAll(".route-progress[data-done]"))
    for (const state of ["done", "failed"])
      for (const order of dataset[state].split(" ").filter(Boolean)) ended.set(order, state);
  return ended;
}

/* Wait for the map, which loads its library while this script already runs. */
const mapOf = (el) =>
  new Promise((done) => {
    const check = () => (el.lastmileMap ? done(el.lastmileMap) : el.isConnected && requestAnimationFrame(check));
    check();
  });

export function boardMap({ frame, board, listen, drawer }) {
  const canvas = frame.querySelector(".board-canvas");
  const words = frame.querySelector(".board-map").dataset;
  const self = { map: null, chosen: "", draw, choose, highlight, start, vehicles, states };
  let placed = [];
  let content = { routes: [], unserved: [] };
  let known = "";
  let drawn = "";
  let fitted = false;

  async function draw() {
    const { drawing, plan, version } = board().dataset;
    if (!self.map || `${plan}:${version}` === drawn) return;
    drawn = `${plan}:${version}`;
    const first = !fitted;
    content = { routes: [], unserved: [] };
    if (drawing) {
      const answer = await fetch(drawing, { headers: { Accept: "application/json" } });
      if (!answer.ok) return;
      content = await answer.json();
    }
    const ended = endedOrders(frame);
    known = JSON.stringify([...ended]);
    self.map.setData({ ...mapData(content, words, ended), vehicles: placed });
    if (first && drawing) {
      fitted = true;
      self.map.fit({ animate: false });
    }
    frame.dataset.ready = "true";
    performance.mark("board:ready");
  }
  /* Draws again which stops have ended, if that has changed. */
  function states() {
    const ended = endedOrders(frame);
    const now = JSON.stringify([...ended]);
    if (!self.map || now === known) return;
    known = now;
    self.map.setStops(mapData(content, words, ended).stops);
  }
  function vehicles(places, slideMs) {
    placed = places;
    self.map?.setVehicles(places, slideMs);
  }
  function choose(route, fly = false) {
    self.chosen = route;
    if (self.map && self.map.state.route !== (route || null))
      self.map.choose({ kind: "route", id: route || null, fly: Boolean(route) && fly });
    frame.querySelectorAll(".route").forEach((card) => card.classList.toggle("chosen", card.dataset.route === route));
  }
  function highlight(order) {
    self.map?.emphasise({ stop: order || null });
  }
  listen(canvas, "map:hover", ({ detail: { kind, id } }) => mark(frame, kind === "stop" ? id : "", "hovered"));
  listen(canvas, "map:select", ({ detail: { kind, id } }) => {
    if (kind === "stop") {
      const { route } = self.map.feature("stops", id).properties;
      if (route) {
        choose(route);
        openRoute(frame, route, id);
      }
      drawer(id);
    } else if (kind === "route") {
      choose(id);
      openRoute(frame, id);
    } else if (!kind) choose("");
  });
  /* Started last, because the list can be used before the map is ready. */
  function start() {
    mapOf(canvas).then((map) => {
      self.map = map;
      map.setVehicles(placed);
      return draw();
    });
  }
  return self;
}

function mark(frame, order, klass) {
  frame.querySelectorAll(`.${klass}[data-order]`).forEach((row) => row.classList.remove(klass));
  const row = order ? (document.getElementById(`stop-${order}`) ?? document.getElementById(`unserved-${order}`)) : null;
  row?.classList.add(klass);
  return row;
}

function openRoute(frame, route, order) {
  const card = document.getElementById(route);
  const details = card?.querySelector("details");
  if (!details) return;
  const settle = () =>
    (mark(frame, order, "chosen") ?? card).scrollIntoView({ block: order ? "center" : "start", behavior: "instant" });
  if (!details.open) {
    details.addEventListener("htmx:afterSettle", settle, { once: true });
    details.open = true;
  }
  settle();
}
