/* The board: ties list, map and live frames together. The server renders; this only points and asks again. */
import { toast } from "../js/frame.js";
import { live, WHO } from "../js/live.js";

/* The plan's compact drawing, in the shape that the map reads. */
function picture({ hub, routes, unserved, straight }, words) {
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
          state: broken ? "violation" : "",
          label: `${words.routeWord} ${route.number}, ${words.stopWord} ${i + 1}`,
        })),
      ),
      ...unserved.map(([x, y, id]) => ({ id, seq: "!", lon: x, lat: y, state: "unserved", label: words.leftWord })),
    ],
  };
}

/* The map is mounted beside us, with its library still on the way. */
const mapOf = (el) =>
  new Promise((done) => {
    const look = () => (el.lastmileMap ? done(el.lastmileMap) : el.isConnected && requestAnimationFrame(look));
    look();
  });

export function mount(frame) {
  const canvas = frame.querySelector(".board-canvas");
  const mapWords = frame.querySelector(".board-map").dataset;
  const words = frame.dataset;
  const board = () => document.getElementById("board");
  let map = null,
    chosen = "",
    shown = "",
    fitted = false;
  const stop = new AbortController();
  const listen = (target, kind, act) => target.addEventListener(kind, act, { signal: stop.signal });

  /* --- the map follows the plan ------------------------------------------------------------ */
  async function draw() {
    const { drawing, plan, version } = board().dataset;
    if (!map || `${plan}:${version}` === shown) return;
    shown = `${plan}:${version}`;
    const first = !fitted;
    let found = { routes: [], unserved: [] };
    if (drawing) {
      const answer = await fetch(drawing, { headers: { Accept: "application/json" } });
      if (!answer.ok) return;
      found = await answer.json();
    }
    map.setData(picture(found, mapWords));
    if (first && drawing) {
      fitted = true;
      map.fit({ animate: false });
    }
    frame.dataset.ready = "true";
    performance.mark("board:ready");
  }
  function choose(route, fly = false) {
    chosen = route;
    if (map && map.state.route !== (route || null))
      map.choose({ kind: "route", id: route || null, fly: Boolean(route) && fly });
    frame.querySelectorAll(".route").forEach((card) => card.classList.toggle("chosen", card.dataset.route === route));
  }
  function mark(order, klass) {
    frame.querySelectorAll(`.${klass}[data-order]`).forEach((row) => row.classList.remove(klass));
    const row = order ? (document.getElementById(`stop-${order}`) ?? document.getElementById(`left-${order}`)) : null;
    row?.classList.add(klass);
    return row;
  }
  listen(canvas, "map:hover", ({ detail: { kind, id } }) => mark(kind === "stop" ? id : "", "hovered"));
  listen(canvas, "map:select", ({ detail: { kind, id } }) => {
    if (kind === "stop") {
      const { route } = map.feature("stops", id).properties;
      if (route) {
        choose(route);
        unfold(route, id);
      }
      drawer(id);
    } else if (kind === "route") {
      choose(id);
      unfold(id);
    } else if (!kind) choose("");
  });
  function unfold(route, order) {
    const card = document.getElementById(route),
      details = card?.querySelector("details");
    if (!details) return;
    const settle = () =>
      (mark(order, "chosen") ?? card).scrollIntoView({ block: order ? "center" : "start", behavior: "instant" });
    if (!details.open) {
      details.addEventListener("htmx:afterSettle", settle, { once: true });
      details.open = true;
    }
    settle();
  }
  function drawer(order) {
    window.htmx.ajax("GET", board().dataset.orderUrl.replace(words.anOrder, order), {
      target: "#drawer-body",
      swap: "innerHTML",
    });
  }

  /* --- acts of the list: one listener for a thousand rows ---------------------------------- */
  listen(frame, "click", (event) => {
    const order = event.target.closest("[data-order]")?.dataset.order;
    const step = event.target.closest("[data-step]");
    if (event.target.closest("[data-drawer]") && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      drawer(order);
    } else if (order && step?.id)
      window.htmx.ajax("POST", board().dataset.step, { source: step, values: { order, by: step.dataset.step } });
  });

  /* --- the list points at the map ---------------------------------------------------------- */
  const orderOf = (event) => event.target.closest?.("[data-order]")?.dataset.order ?? "";
  for (const kind of ["pointerover", "focusin"])
    listen(frame, kind, (event) => {
      if (event.target.closest(".board-list")) map?.emphasise({ stop: orderOf(event) || null });
    });
  frame.addEventListener(
    "toggle",
    (event) => {
      if (!event.target.matches?.("[data-route-details]")) return;
      event.target.querySelectorAll("input[name=open]").forEach((input) => {
        input.disabled = !event.target.open;
      });
      const card = event.target.closest(".route");
      if (event.target.open && event.isTrusted && card && document.activeElement?.closest(".route") === card)
        choose(card.dataset.route, true);
      else if (!event.target.open && chosen === card?.dataset.route) choose("");
    },
    { capture: true, signal: stop.signal },
  );

  /* --- after an act ------------------------------------------------------------------------ */
  listen(document, "htmx:beforeSwap", (event) => {
    if (event.detail.xhr.status === 409 && event.detail.xhr.getResponseHeader("HX-Retarget") === "#board") {
      event.detail.shouldSwap = true; // somebody else was faster: show the plan as it is now
      event.detail.isError = false;
    }
  });
  listen(document, "htmx:afterSettle", (event) => {
    if (event.detail.target?.id !== "board" && event.detail.elt?.id !== "board") return;
    const open = document.getElementById("drawer");
    if (open?.open && event.detail.requestConfig?.verb === "post") open.close();
    choose(chosen && document.getElementById(chosen) ? chosen : "");
    draw();
  });

  /* --- live -------------------------------------------------------------------------------- */
  const fill = (text, values) => text.replace(/%\((\w+)\)s/g, (_, name) => values[name]);
  const refresh = () => window.htmx.trigger(board(), "board:refresh");
  const showing = () => board().dataset;

  function behind(plans) {
    const { plan, version } = showing();
    const mine = plans.find((one) => one.plan === plan);
    return plan ? !mine || mine.version > Number(version) : plans.length > 0;
  }
  /* Every act says what is open and searched for, so that the answer folds nothing up. */
  listen(document, "htmx:configRequest", ({ detail: { verb, path, formData } }) => {
    const { step } = board().dataset;
    if (verb !== "post" || !step || !path.startsWith(step.replace(/[^/]+\/$/, ""))) return; // acts on this plan
    for (const name of ["open", "q", "only"]) {
      formData.delete(name);
      frame
        .querySelectorAll(`.board-list [name=${name}]:not(:disabled)`)
        .forEach((input) => formData.append(name, input.value));
    }
    if (!formData.has("version") && !path.includes("?")) formData.append("version", board().dataset.version);
  });
  /* A frame can be here before the answer to our own act: wait for that, then compare. */
  let acting = 0;
  const waiting = [];
  listen(document, "htmx:beforeRequest", ({ detail }) => {
    if (detail.requestConfig.verb === "post") acting += 1;
  });
  listen(document, "htmx:afterRequest", ({ detail }) => {
    if (detail.requestConfig.verb !== "post") return;
    acting -= 1;
    if (!acting) setTimeout(() => waiting.splice(0).forEach(tell), 50);
  });
  function tell(data) {
    if (acting) {
      waiting.push(data);
      return;
    }
    const { plan, version } = showing();
    const name = data.actor_name || words.saidSomebody;
    if (data.plan === plan) {
      if (data.version <= Number(version)) return;
      refresh();
      toast(fill(words.saidChanged, { name }));
    } else if (!plan) {
      location.assign(words.day);
    } else if (data.act === "drafted" && data.actor === words.member && document.querySelector("#board-job[hx-get]")) {
      location.assign(`${words.day}?plan=${data.plan}`); // what this person asked for here and waits for
    } else if (data.act === "drafted" || data.act === "published") {
      const said = data.act === "published" ? words.saidPublished : words.saidDrafted;
      toast(fill(said, { name, number: data.number }), {
        seconds: 20,
        undo: { label: words.saidShow, act: () => location.assign(`${words.day}?plan=${data.plan}`) },
      });
      refresh();
    }
  }
  let away = false,
    overdue = 0;
  function onState(state, { code }) {
    frame.dataset.live = String(state === "live");
    clearTimeout(overdue);
    if (state === "live" && away) {
      away = false;
      toast(words.saidBack);
    }
    if (state === "lost" && !away)
      overdue = setTimeout(() => {
        away = true;
        toast(words.saidAway);
      }, 5000);
    if (state === "closed") {
      const signIn = { label: words.saidSignIn, act: () => location.reload() };
      toast(code === WHO ? words.saidSignedOut : words.saidEnded, { seconds: 60, undo: code === WHO ? signIn : null });
    }
  }
  const leave = live(words.socket, {
    seq: Number(board().dataset.revision),
    onSnapshot(data, { seq, before }) {
      if (seq > before && behind(data.plans)) refresh();
    },
    onDelta(type, data) {
      if (type === "plan") tell(data);
      else if (type === "job" && !document.querySelector("#board-job[hx-get]")) refresh();
    },
    onState,
  });

  performance.mark("board:list");
  /* --- the map comes last: the list can be used before ------------------------------------- */
  mapOf(canvas).then((found) => {
    map = found;
    return draw();
  });
  return () => {
    leave();
    clearTimeout(overdue);
    stop.abort();
  };
}
