/* The courier at a bank of lockers: one stop with its doors, in the driver's app.
 *
 * All of it works without a network, by the codes in the driver's day. What the courier taps goes into the driver's
 * queue. Only another door for a parcel needs a network; without one the fault is recorded and settled later.
 */
import { isCancelled, isDone } from "../driver/day.js";
import { button, h, icon, link, notice, row, status } from "../driver/dom.js";
import { hereNow, lookAround } from "../driver/proof.js";
import { between, t, time, tn } from "../driver/words.js";

const PROBLEMS = ["occupied", "too_big", "misaligned", "broken"];
const KINDS = new Set(["deposited", "bank_fault", "taken_out"]);
const SYMBOLS = { occupied: "package-x", too_big: "maximize", misaligned: "wrench", broken: "lock" };
/** Doors that the server gave since the day was read, by reservation. */
const fresh = new Map();
let asking = "";

/** Returns the bank of a stop with the acts of this phone that the server has not yet answered. */
function bankOf(app, stop) {
  const banks = app.session.today?.parts?.lockers?.banks ?? [];
  const bank = banks.find((one) => one.id === stop.common);
  if (!bank) return null;
  const told = new Map();
  for (const act of app.session.acts) {
    if (KINDS.has(act.kind) && act.state !== "refused") told.set(act.data.reservation, act);
  }
  const seen = (parcel) => {
    const newer = fresh.get(parcel.reservation);
    const one = newer && newer.was === parcel.door ? { ...parcel, ...newer.parcel } : { ...parcel };
    const act = told.get(one.reservation);
    if (act) Object.assign(one, { told: act.kind, at: act.data.door, isUnsent: act.state === "waiting" });
    return one;
  };
  return { ...bank, puts_in: bank.puts_in.map(seen), takes_out: bank.takes_out.map(seen) };
}

function isIn(parcel) {
  return parcel.is_inside || parcel.told === "deposited";
}

function isOut(parcel) {
  return parcel.told === "taken_out";
}

/** Returns true if something is left to do at the bank although all deliveries are done. */
export function hasMore(app, stops) {
  const bank = bankOf(app, stops[0]);
  return Boolean(bank?.takes_out.some((parcel) => !isOut(parcel)));
}

/** Returns why a parcel should not be loaded for a bank, as a text, or "". */
export function atLoading(app, stop, parcel) {
  const banks = app.session.today?.parts?.lockers?.banks ?? [];
  const bank = banks.find((one) => one.id === stop.common);
  const row = bank?.puts_in.find((one) => (one.parcel ? one.parcel === parcel.id : one.order === stop.order));
  return row?.at_loading ? t(`load_${row.at_loading}`, { bank: bank.name }) : "";
}

/** Returns the screen of a bank; null if the day does not have it yet, and the stops are shown one by one. */
export function view(app, part, stops) {
  const [stop] = stops;
  const bank = bankOf(app, stop);
  if (!bank) return null;
  const open = stops.filter((one) => !isDone(one) && !isCancelled(one));
  const hasArrived = stops.some((one) => one.arrived_at);
  const toDo = bank.puts_in.filter((parcel) => !isIn(parcel) && open.some((one) => one.order === parcel.order));
  const done = bank.puts_in.filter((parcel) => !toDo.includes(parcel));
  const pickups = open.filter((one) => one.direction === "return");
  const puts = open.filter((one) => !pickups.includes(one));
  const unclear = puts.filter((one) => !toDo.some((parcel) => parcel.order === one.order));
  const isEmptied = !bank.takes_out.some((parcel) => !isOut(parcel));
  const isOver = !puts.length && isEmptied;
  async function arrive() {
    lookAround();
    for (const one of open.filter((other) => !other.arrived_at))
      await app.did("arrived", "", { order: one.order, data: hereNow() });
  }
  return {
    body: [
      bankCard(app, bank, stop),
      hasArrived && bank.takes_out.length > 0 && takes(app, bank),
      hasArrived &&
        puts.length > 0 &&
        h(
          "section",
          { class: "card" },
          h("h2", null, t("bank_to_put")),
          toDo.length > 0 && h("p", { class: "muted" }, t("bank_close")),
          h(
            "ul",
            { class: "driver-rows" },
            toDo.map((parcel) => putRow(app, part, bank, parcel)),
            unclear.map((one) => unclearRow(app, bank, one)),
          ),
        ),
      done.length > 0 && hasArrived && doneCard(done),
      isOver && hasArrived && notice("ok", "circle-check", t("bank_all_done")),
    ],
    actions: actionsOf(app, stops, { open, puts, pickups, isEmptied, hasArrived, arrive }),
  };
}

function actionsOf(app, stops, { open, puts, pickups, isEmptied, hasArrived, arrive }) {
  if (open.length && !hasArrived)
    return [button(t("arrived"), arrive, { kind: "primary", symbol: "map-pin", key: "main" })];
  if (puts.length) return [];
  if (pickups.length && !isEmptied) return pickups.map((one) => failLink({ order: one.order, reservation: one.order }));
  async function go() {
    for (const one of pickups) await app.did("picked_up", "", { order: one.order, data: hereNow() });
    app.leaveVisit(stops[0]);
  }
  return [button(t("next_stop"), go, { kind: "primary", symbol: "arrow-right", key: "main" })];
}

function bankCard(app, bank, stop) {
  const planned = stop.arrives_at ? t("planned_at", { time: time(stop.arrives_at) }) : "";
  const when = stop.arrived_at ? t("arrived_at", { time: time(stop.arrived_at) }) : planned;
  return h(
    "section",
    { class: "card driver-stop" },
    row(status("active", "inbox", t("bank_stop"))),
    h("h2", { class: "lead" }, bank.name),
    stop.address !== bank.name && h("p", null, stop.address),
    h("p", { class: "driver-name" }, tn("n_parcels", bank.puts_in.length || bank.takes_out.length)),
    h(
      "p",
      { class: "driver-when" },
      icon("clock"),
      h("span", null, [between(stop.window), when].filter(Boolean).join(" · ")),
    ),
    bank.access && notice("", "lock-open", bank.access),
    !bank.is_online && notice("risk", "triangle-alert", t("bank_offline")),
    h(
      "div",
      { class: "driver-pair" },
      stop.lat != null &&
        link(t("navigate"), app.navigatorLink(stop), { symbol: "map", outside: true, key: "navigate" }),
    ),
  );
}

/** The door and its code, large enough to read from the keypad. */
function doorLines(bank, parcel) {
  const door = bank.doors.find((one) => one.number === parcel.door);
  const where = [door?.side && t("bank_side", { side: door.side }), door?.low && t("bank_low")].filter(Boolean);
  return [
    h(
      "p",
      { class: "driver-stop-line" },
      h("span", { class: "lead" }, t("bank_door", { door: parcel.door })),
      h("span", { class: "muted" }, [parcel.name, ...where].join(" · ")),
    ),
    parcel.pin
      ? h(
          "p",
          null,
          h("span", { class: "muted" }, t("bank_code")),
          " ",
          h("strong", { class: "driver-code" }, parcel.pin),
        )
      : notice("risk", "key-round", t("bank_no_code")),
  ];
}

function putRow(app, part, bank, parcel) {
  if (!parcel.door)
    return h("li", null, h("span", { class: "strong" }, parcel.name), t("bank_no_door"), failLink(parcel));
  const order = parcel.order;
  async function put() {
    lookAround();
    const others = bank.puts_in.filter((one) => one.order === order && one !== parcel);
    const data = { ...hereNow(), reservation: parcel.reservation, door: parcel.door, last: others.every(isIn) };
    if (parcel.parcel) data.parcels = [parcel.parcel];
    await app.did("deposited", t("bank_did_put", { door: parcel.door }), { order, data });
  }
  const isNew = fresh.get(parcel.reservation)?.parcel.door === parcel.door;
  const isFaulty = parcel.told === "bank_fault" && parcel.at === parcel.door;
  return h(
    "li",
    { class: "driver-door", "data-reservation": parcel.reservation },
    doorLines(bank, parcel),
    isFaulty && notice("risk", "triangle-alert", t("bank_told_later")),
    isNew && notice("ok", "circle-check", t("bank_new_door", { door: parcel.door })),
    asking === parcel.reservation
      ? problems(app, part, parcel)
      : [
          button(t("bank_put_in", { door: parcel.door }), put, {
            kind: "primary",
            symbol: "inbox",
            key: `put-${parcel.reservation}`,
          }),
          h(
            "div",
            { class: "driver-pair" },
            button(t("bank_problem"), () => ask(app, parcel.reservation), {
              symbol: "triangle-alert",
              key: `problem-${parcel.reservation}`,
            }),
            failLink(parcel),
          ),
        ],
  );
}

/** An order that is still open although no parcel of it is to be put in: the driver says what is true. */
function unclearRow(app, bank, stop) {
  const { order } = stop;
  const inside = bank.puts_in.find((parcel) => parcel.order === order && parcel.door);
  async function isInside() {
    const data = { ...hereNow(), reservation: inside.reservation, door: inside.door, last: true };
    if (inside.parcel) data.parcels = [inside.parcel];
    await app.did("deposited", t("bank_did_put", { door: inside.door }), { order, data });
  }
  return h(
    "li",
    { class: "driver-door", "data-order": order },
    h("span", { class: "strong" }, stop.external_id || stop.name || order),
    h("p", null, t(inside ? "bank_unclear" : "bank_door_lost")),
    h(
      "div",
      { class: "driver-pair" },
      inside && button(t("bank_put_in", { door: inside.door }), isInside, { symbol: "inbox", key: `inside-${order}` }),
      failLink({ order, reservation: order }),
    ),
  );
}

function failLink(parcel) {
  return link(t("not_delivered"), `#fail/${parcel.order}`, { symbol: "x", key: `fail-${parcel.reservation}` });
}

function ask(app, reservation) {
  asking = reservation;
  app.draw({ isForced: true });
}

function problems(app, part, parcel) {
  return h(
    "div",
    { class: "stack" },
    h("p", { class: "strong" }, t("bank_what", { door: parcel.door })),
    PROBLEMS.map((problem) =>
      button(t(`bank_${problem}`), () => otherDoor(app, part, parcel, problem), {
        kind: "driver-choice",
        symbol: SYMBOLS[problem],
        key: `${problem}-${parcel.reservation}`,
      }),
    ),
    button(t("back"), () => ask(app, ""), { symbol: "arrow-left", key: `back-${parcel.reservation}` }),
  );
}

/** Asks for another door; without a network the fault is kept as an act and settled by the server later. */
async function otherDoor(app, part, parcel, problem) {
  asking = "";
  const { reservation, door, order } = parcel;
  try {
    const given = await app.session.client.post(part.urls.other_door, { reservation, door, problem });
    const { told: _told, ...newer } = given;
    fresh.set(reservation, { was: door, parcel: newer });
    app.session.refresh();
  } catch (fault) {
    if (fault.problem?.code === "no_free_compartment") app.say(t("bank_no_other"), fault.problem.detail);
    else await app.did("bank_fault", "", { order, data: { reservation, door, problem } });
  }
  app.draw({ isForced: true });
}

function takes(app, bank) {
  return h(
    "section",
    { class: "card" },
    h("h2", null, t("bank_to_take")),
    h("p", null, t("bank_take_how")),
    h(
      "ul",
      { class: "driver-rows" },
      bank.takes_out.map((parcel) => {
        const data = { ...hereNow(), reservation: parcel.reservation, door: parcel.door };
        const take = () => app.did("taken_out", t("bank_did_take"), { order: parcel.order, data });
        return h(
          "li",
          { class: "driver-door", "data-reservation": parcel.reservation },
          isOut(parcel)
            ? [h("span", { class: "strong" }, parcel.name), status("ok", "package-check", t("bank_is_out"))]
            : [
                doorLines(bank, parcel),
                button(t("bank_taken"), take, { symbol: "package-check", key: `take-${parcel.reservation}` }),
              ],
        );
      }),
    ),
  );
}

function doneCard(done) {
  return h(
    "section",
    { class: "card" },
    h(
      "ul",
      { class: "driver-rows" },
      done.map((parcel) =>
        h(
          "li",
          null,
          h("span", { class: "strong" }, parcel.name),
          row(
            isIn(parcel) && status("ok", "inbox", t("bank_is_in", { door: parcel.at ?? parcel.door })),
            parcel.isUnsent && status("risk", "upload", t("not_sent")),
          ),
        ),
      ),
    ),
  );
}
