/* The board: ties list, map and live frames together. The server renders; this only points and asks again. */
import { toast } from "./frame.js";

export async function mount(frame) {
  const canvas = frame.querySelector("#board-map");
  const tip = frame.querySelector("#board-tip");
  const board = () => document.getElementById("board");
  let map = null, chosen = "", shown = "";
  const stop = new AbortController();
  const listen = (target, kind, act) => target.addEventListener(kind, act, { signal: stop.signal });

  /* --- the map follows the plan ------------------------------------------------------------ */
  async function draw() {
    const { drawing, plan, version } = board().dataset;
    if (!map || `${plan}:${version}` === shown) return;
    shown = `${plan}:${version}`;
    if (!drawing) return map.show(null);
    const answer = await fetch(drawing, { headers: { Accept: "application/json" } });
    if (answer.ok) map.show(await answer.json());
  }
  function choose(route) {
    chosen = route;
    map?.choose(route);
    frame.querySelectorAll(".route").forEach((card) => card.classList.toggle("chosen", card.dataset.route === route));
  }
  function mark(order, klass) {
    frame.querySelectorAll(`.${klass}[data-order]`).forEach((row) => row.classList.remove(klass));
    const row = order && (document.getElementById(`stop-${order}`) ?? document.getElementById(`left-${order}`));
    row?.classList.add(klass);
    return row;
  }
  const { routeWord, stopWord, leftWord } = canvas.dataset;
  const on = {
    hover(what, at) {
      mark(what?.order, "hovered");
      tip.hidden = !what;
      if (!what) return;
      tip.textContent = what.order ? (what.r ? `${routeWord} ${what.r}, ${stopWord} ${what.n}` : leftWord) : `${routeWord} ${what.n}`;
      tip.style.left = `${at.x}px`;
      tip.style.top = `${at.y}px`;
    },
    click(what) {
      if (!what) return choose("");
      if (what.route) { choose(what.route); unfold(what.route, what.order); }
      if (what.order) drawer(what.order);
      map.point(what.order ?? "");
    },
  };
  function unfold(route, order) {
    const card = document.getElementById(route), details = card?.querySelector("details");
    if (!details) return;
    const settle = () => (mark(order, "chosen") ?? card).scrollIntoView({ block: order ? "center" : "start", behavior: "instant" });
    if (!details.open) { details.addEventListener("htmx:afterSettle", settle, { once: true }); details.open = true; }
    settle();
  }
  function drawer(order) {
    const { plan } = board().dataset;
    window.htmx.ajax("GET", `/console/plans/${plan}/orders/${order}/`, { target: "#drawer-body", swap: "innerHTML" });
  }

  /* --- the list points at the map ---------------------------------------------------------- */
  const orderOf = (event) => event.target.closest?.("[data-order]")?.dataset.order ?? "";
  for (const kind of ["pointerover", "focusin"]) listen(frame, kind, (event) => { if (event.target.closest(".board-list")) map?.point(orderOf(event)); });
  frame.addEventListener("toggle", (event) => {
    if (!event.target.matches?.("[data-route-details]")) return;
    event.target.querySelectorAll("input[name=open]").forEach((input) => { input.disabled = !event.target.open; });
    const card = event.target.closest(".route");
    if (event.target.open && event.isTrusted && card && document.activeElement?.closest(".route") === card) { choose(card.dataset.route); map?.fit(card.dataset.route); }
    else if (!event.target.open && chosen === card?.dataset.route) choose("");
  }, { capture: true, signal: stop.signal });
  const fit = document.getElementById("board-fit");
  if (fit) listen(fit, "click", () => { choose(""); map?.fit(); });

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
  let seq = Number(board().dataset.revision), socket = null, wait = 500, ended = false, away = false;
  const words = frame.dataset;
  const fill = (text, values) => text.replace(/%\((\w+)\)s/g, (_, name) => values[name]);
  const refresh = () => window.htmx.trigger(board(), "board:refresh");
  const showing = () => board().dataset;

  function behind(plans) {
    const { plan, version } = showing();
    const mine = plans.find((one) => one.plan === plan);
    return plan ? !mine || mine.version > Number(version) : plans.length > 0;
  }
  function tell(data) {
    const { plan, version } = showing();
    const name = data.actor_name || words.saidSomebody;
    if (data.plan === plan) {
      if (data.version <= Number(version)) return;
      refresh();
      toast(fill(words.saidChanged, { name }));
    } else if (!plan) {
      location.assign(words.day);
    } else if (data.act === "drafted" || data.act === "published") {
      const said = data.act === "published" ? words.saidPublished : words.saidDrafted;
      toast(fill(said, { name, number: data.number }), { seconds: 20, undo: { label: words.saidShow, act: () => location.assign(`${words.day}?plan=${data.plan}`) } });
      refresh();
    }
  }
  function frameIn({ type, seq: number, data }) {
    if (type === "snapshot") {
      if (number > seq && behind(data.plans)) refresh();
      seq = number;
    } else if (type === "plan") {
      if (number > seq + 1) socket.send('{"type":"snapshot"}'); // a gap: ask how the day stands
      else { seq = number; tell(data); }
    } else if (type === "job" && !document.querySelector("#board-job[hx-get]")) refresh();
  }
  function connect() {
    if (ended) return;
    socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${words.socket}`);
    socket.addEventListener("open", () => { wait = 500; if (away) { away = false; toast(words.saidBack); } frame.dataset.live = "true"; });
    socket.addEventListener("message", (event) => frameIn(JSON.parse(event.data)));
    socket.addEventListener("close", ({ code }) => {
      frame.dataset.live = "false";
      if (ended || [4401, 4403, 4404].includes(code)) return;
      if (wait > 4000 && !away) { away = true; toast(words.saidAway); }
      setTimeout(connect, wait + Math.random() * 300);
      wait = Math.min(wait * 2, 30000);
    });
  }
  connect();

  /* --- the map comes last: the list can be used before ------------------------------------- */
  try {
    const { draw: begin } = await import("./board-map.js");
    map = begin(canvas, on);
    await draw();
    map.ready.then(() => { frame.dataset.ready = "true"; performance.mark("board:ready"); });
  } catch (error) {
    console.error("The map could not start; the list says the same.", error);
    canvas.hidden = true;
  }
  return () => { ended = true; stop.abort(); socket?.close(); map?.end(); };
}
