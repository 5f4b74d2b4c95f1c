/* The driver's day: what the server knows, and on top of it what this phone has kept and not yet sent. Pure. */

/** What each kind of act does to the day: the same as on the server, so that the phone never waits for it. */
const EFFECTS = {
  shift_started: (today, act) => moveRun(today, "loading", { started_at: act.at }),
  left_hub: (today, act) => moveRun(today, "on_road", { left_at: act.at }),
  back_at_hub: (today) => moveRun(today, "back"),
  shift_ended: (today) => moveRun(today, "ended"),
  loaded: (today, act) => {
    for (const id of act.data?.parcels ?? []) {
      today.loaded.add(id);
      today.missing.delete(id);
    }
  },
  not_loaded: (today, act) => {
    today.missing.add(act.data?.parcel);
    today.loaded.delete(act.data?.parcel);
  },
  arrived: (_today, act, stop) => {
    if (stop && !stop.outcome) stop.arrived_at ??= act.at;
  },
  delivered: (_today, act, stop) => end(stop, "delivered", act),
  picked_up: (_today, act, stop) => end(stop, "picked_up", act),
  failed: (_today, act, stop) => end(stop, "failed", act),
  proof_added: (_today, act, stop) => give(stop, act),
  deposited: (_today, act, stop) => {
    if (act.data?.last) end(stop, "deposited", act);
  },
  corrected: (_today, act, stop) => end(stop, act.data?.outcome, act),
  break_started: (today, act) => {
    today.break_since = act.at;
  },
  break_ended: (today) => {
    today.break_since = null;
  },
  vehicle_checked: (today) => {
    today.is_checked = true;
  },
  plan_confirmed: (today, act) => {
    if (today.changes && act.data?.number >= today.changes.to) today.changes = null;
  },
};
const RUN_ORDER = ["before", "loading", "on_road", "back", "ended"];
const AT_STOPS = new Set(["arrived", "delivered", "picked_up", "failed", "corrected", "deposited", "taken_out"]);

function moveRun(today, state, times = {}) {
  if (RUN_ORDER.indexOf(state) <= RUN_ORDER.indexOf(today.run.state)) return;
  Object.assign(today.run, times, { state });
}

function give(stop, act) {
  const kinds = (act.data?.proofs ?? []).map((proof) => proof.kind);
  if (stop) stop.proof_given = [...new Set([...(stop.proof_given ?? []), ...kinds])];
}

function end(stop, outcome, act) {
  if (!stop) return;
  give(stop, act);
  Object.assign(stop, {
    outcome,
    reason: act.data?.reason ?? "",
    done_at: act.at,
    arrived_at: stop.arrived_at ?? act.at,
  });
}

/** Returns the day with the acts of this phone applied in the order of the taps. The server's day is not changed. */
export function merged(day, acts) {
  const today = {
    ...day,
    run: { state: "before", ...(day.run ?? {}) },
    stops: (day.stops ?? []).map((stop) => ({ ...stop, isUnsent: false })),
    loaded: new Set(day.loaded ?? []),
    missing: new Set(day.missing ?? []),
  };
  const stops = new Map(today.stops.map((stop) => [stop.order, stop]));
  for (const act of acts) {
    if (act.state === "refused") continue;
    const stop = stops.get(act.order);
    EFFECTS[act.kind]?.(today, act, stop);
    if (AT_STOPS.has(act.kind)) moveRun(today, "on_road");
    if (stop && act.state === "waiting") stop.isUnsent = true;
  }
  for (const stop of today.stops) {
    const ids = (stop.parcels ?? []).map((parcel) => parcel.id);
    const absent = ids.filter((id) => today.missing.has(id));
    // A driver who is at a door although all was missing has the goods after all.
    stop.absent = new Set(absent.length < ids.length ? absent : []);
  }
  return today;
}

export function isDone(stop) {
  return Boolean(stop.outcome);
}

/** Returns true for a stop that needs no visit any more, though nobody was there. */
export function isCancelled(stop) {
  return !stop.outcome && stop.state === "cancelled";
}

export function isOpen(stop) {
  return !isDone(stop) && !isCancelled(stop);
}

/** Returns the stop where the driver is, else the next one of the plan, else null. */
export function nextStop(today) {
  const open = today.stops.filter(isOpen);
  return open.find((stop) => stop.arrived_at) ?? open[0] ?? null;
}

/** Returns the stops of one visit: all that share a place with this stop, in the order of the plan. */
export function stopsTogether(today, stop) {
  return stop.common ? today.stops.filter((one) => one.common === stop.common) : [stop];
}

/** Returns the visits of the route, each as the list of its stops. A bank of lockers is one visit. */
export function visitsOf(today) {
  const seen = new Set();
  return today.stops.flatMap((stop) => {
    if (stop.common && seen.has(stop.common)) return [];
    seen.add(stop.common);
    return [stopsTogether(today, stop)];
  });
}

/** Returns the number of a stop's visit on the route, from 1. */
export function visitNumber(today, stop) {
  return visitsOf(today).findIndex((stops) => stops.includes(stop)) + 1;
}

/** Returns the stops in the order of loading: what is delivered last goes in first. */
export function loadingOrder(today) {
  return today.stops.filter((stop) => stop.direction !== "return" && isOpen(stop)).reverse();
}

/** Returns the address where the day shows an order, "" if it does not. */
export function addressOf(today, order) {
  return today?.stops.find((stop) => stop.order === order)?.address ?? "";
}
