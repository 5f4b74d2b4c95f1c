/* The first screen: what comes next fills it, with one large action. */
import { isOpen, nextStop, stopsTogether, visitNumber, visitsOf } from "../day.js";
import { button, facts, h, link, notice } from "../dom.js";
import { dayTime, kilograms, kilometres, t, time, tn } from "../words.js";
import { proofCard } from "./proof.js";
import { doorActions, scanOf, stopCard } from "./stop.js";

export function now(app) {
  const { today } = app.session;
  if (!today) return nothing(app);
  if (!today.stops.length) return empty(today);
  const { state } = today.run;
  if (state === "before" || state === "loading") return start(app, today);
  if (state === "ended") return ended(today);
  const stop = app.unfinished() ?? nextStop(today);
  if (!stop) return back(app, today);
  const heading = t("stop_of", { n: visitNumber(today, stop), all: visitsOf(today).length });
  const part = app.partView(stopsTogether(today, stop));
  if (part) return { heading, onScan: null, ...part };
  return {
    heading,
    onScan: scanOf(app, stop),
    body: [stopCard(app, today, stop), proofCard(app, stop)],
    actions: doorActions(app, stop),
  };
}

/** The day has not reached this phone yet. */
function nothing(app) {
  const { isSignedOut, fault } = app.session;
  if (isSignedOut) return login(app);
  const isWaiting = !fault;
  return {
    heading: t("today"),
    body: [
      h(
        "section",
        { class: "empty" },
        h("h2", { class: "lead" }, isWaiting ? t("opening") : t("no_day")),
        !isWaiting &&
          h("p", null, fault.kind === "offline" ? t("no_day_offline") : (fault.problem?.detail ?? t("no_day_failed"))),
      ),
    ],
    actions: isWaiting
      ? []
      : [button(t("try_again"), () => app.session.refresh(), { kind: "primary", symbol: "refresh-cw" })],
  };
}

function login(app) {
  return {
    heading: t("log_in"),
    body: [
      h("section", { class: "empty" }, h("h2", { class: "lead" }, t("log_in_title")), h("p", null, t("log_in_how"))),
    ],
    actions: [link(t("log_in_code"), app.urls.login, { kind: "primary", symbol: "log-in" })],
  };
}

function empty(today) {
  const others = today.other_shifts ?? [];
  return {
    heading: t("today"),
    body: [
      h(
        "section",
        { class: "empty" },
        h("h2", { class: "lead" }, t("no_plan")),
        h("p", null, today.empty_words || t("no_plan_how")),
        others.length > 0 && h("ul", { class: "driver-shifts" }, others.map(otherShift)),
      ),
    ],
    actions: [],
  };
}

function otherShift(shift) {
  return h(
    "li",
    null,
    t("from_to", { opens: dayTime(shift.starts_at), closes: time(shift.ends_at) }),
    ` · ${shift.hub}`,
  );
}

/** Before the road: the vehicle, the load, and the two acts that begin the day. */
function start(app, today) {
  const { route, stops } = today;
  const parcels = stops.flatMap((stop) => stop.parcels ?? []);
  const weight = parcels.reduce((sum, parcel) => sum + (parcel.weight_g ?? 0), 0);
  const vehicle = [route?.vehicle?.name, route?.vehicle?.plate].filter(Boolean).join(" · ");
  const isLoading = today.run.state === "loading";
  const action = isLoading
    ? button(t("leave_hub"), () => app.did("left_hub", ""), {
        kind: "primary",
        symbol: "truck",
        key: "main",
      })
    : button(t("start_shift"), () => app.did("shift_started", ""), {
        kind: "primary",
        symbol: "play",
        key: "main",
      });
  return {
    heading: t("today"),
    body: [
      h(
        "section",
        { class: "card" },
        h("h2", { class: "lead" }, t("starts_at", { time: dayTime(route?.starts_at) })),
        facts(
          [t("vehicle"), vehicle],
          [t("hub"), [today.hub?.name, today.hub?.address].filter(Boolean).join(", ")],
          [t("stops"), tn("n_stops", visitsOf(today).length)],
          [t("parcels"), [tn("n_parcels", parcels.length), kilograms(weight)].filter(Boolean).join(" · ")],
          [t("distance"), kilometres(route?.distance_m)],
          [t("range"), kilometres(route?.vehicle?.range_m)],
          [t("back_planned"), time(route?.ends_at)],
        ),
      ),
      isLoading && !today.is_checked && checks(app),
    ],
    actions: isLoading ? [link(t("load"), "#loading", { symbol: "package" }), action] : [action],
  };
}

function checks(app) {
  return h(
    "section",
    { class: "card" },
    h("h2", null, t("vehicle_check")),
    h("p", null, t("vehicle_check_how")),
    h(
      "div",
      { class: "driver-pair" },
      link(t("defect"), "#defect", { symbol: "wrench" }),
      button(t("vehicle_fine"), () => app.did("vehicle_checked", t("did_checked"), { data: { ok: true } }), {
        symbol: "check",
      }),
    ),
  );
}

function back(app, today) {
  const isBack = today.run.state === "back";
  const failed = today.stops.filter((stop) => stop.outcome === "failed");
  return {
    heading: t("today"),
    body: [
      h(
        "section",
        { class: "card" },
        h("h2", { class: "lead" }, isBack ? t("at_hub") : t("all_done")),
        h("p", null, [today.hub?.name, today.hub?.address].filter(Boolean).join(", ")),
        failed.length > 0 && notice("risk", "package-x", tn("bring_back", failed.length)),
        !isBack &&
          today.hub?.lat != null &&
          link(t("navigate"), app.navigatorLink(today.hub), { symbol: "map", outside: true, key: "navigate" }),
      ),
    ],
    actions: [
      isBack
        ? button(t("end_shift"), () => app.did("shift_ended", t("did_ended")), {
            kind: "primary",
            symbol: "check",
            key: "main",
          })
        : button(t("back_at_hub"), () => app.did("back_at_hub", t("did_back")), {
            kind: "primary",
            symbol: "warehouse",
            key: "main",
          }),
    ],
  };
}

function ended(today) {
  const open = today.stops.filter(isOpen);
  return {
    heading: t("today"),
    body: [
      h(
        "section",
        { class: "empty" },
        h("h2", { class: "lead" }, t("shift_over")),
        open.length > 0 && h("p", null, tn("n_open", open.length)),
      ),
    ],
    actions: [],
  };
}
