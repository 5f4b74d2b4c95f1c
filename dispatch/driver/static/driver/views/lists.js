/* The lists: all stops, what goes into the vehicle in which order, and what is not sent. */
import { addressOf, isDone, loadingOrder } from "../day.js";
import { button, h, icon, link, notice, row } from "../dom.js";
import { between, dayTime, kilograms, number, t, time, tn } from "../words.js";
import { stopStatus } from "./stop.js";

export function listView(app) {
  const { today } = app.session;
  const stops = today?.stops ?? [];
  const done = stops.filter(isDone).length;
  return {
    heading: t("done_of", { n: done, all: stops.length }),
    body: [stops.length ? h("ol", { class: "driver-list" }, stops.map(listRow)) : h("p", null, t("no_plan"))],
    actions: [],
  };
}

function listRow(stop, index) {
  return h(
    "li",
    null,
    h(
      "a",
      { href: `#stop/${stop.order}`, "data-key": stop.order, class: isDone(stop) ? "is-done" : null },
      h("span", { class: "driver-number" }, number(index + 1)),
      h(
        "span",
        { class: "driver-what" },
        h("span", { class: "strong" }, stop.address),
        h(
          "span",
          { class: "muted" },
          [stop.name, between(stop.window) || time(stop.arrives_at)].filter(Boolean).join(" · "),
        ),
        row(stopStatus(stop)),
      ),
      icon("chevron-right"),
    ),
  );
}

/** What is delivered last goes in first; a tick is kept on the phone, and one tap tells that all is loaded. */
export function loadingView(app) {
  const { session } = app;
  const { today } = session;
  const stops = today ? loadingOrder(today) : [];
  const parcels = stops.flatMap((stop) => stop.parcels ?? []);
  const route = today?.route?.id ?? "";
  const ticked = new Set(session.kept.ticked?.route === route ? session.kept.ticked.parcels : []);
  for (const id of today?.loaded ?? []) ticked.add(id);
  const left = parcels.filter((parcel) => !ticked.has(parcel.id) && !today.missing.has(parcel.id));
  async function tick(parcel, isIn) {
    if (isIn) ticked.add(parcel.id);
    else ticked.delete(parcel.id);
    await app.keep("ticked", { route, parcels: [...ticked] });
  }
  async function loadAll() {
    const ids = parcels.map((parcel) => parcel.id).filter((id) => !today.missing.has(id));
    if (await app.did("loaded", t("did_loaded"), { data: { parcels: ids } })) location.hash = "#now";
  }
  const isLoaded =
    parcels.length > 0 && parcels.every((parcel) => today.loaded.has(parcel.id) || today.missing.has(parcel.id));
  return {
    heading: t("load"),
    body: [
      h("h2", { class: "lead" }, isLoaded ? t("all_loaded") : tn("n_to_load", left.length)),
      parcels.length > 0 && h("p", null, t("load_how")),
      h(
        "ol",
        { class: "driver-list" },
        stops.map((stop) => loadRow(app, today, stop, ticked, tick)),
      ),
    ],
    actions:
      parcels.length > 0 && !isLoaded
        ? [button(t("loaded_all"), loadAll, { kind: "primary", symbol: "package-check", key: "main" })]
        : [link(t("back"), "#now", { symbol: "arrow-left", key: "back" })],
  };
}

function loadRow(app, today, stop, ticked, tick) {
  const place = today.stops.indexOf(stop) + 1;
  return h(
    "li",
    { class: "driver-load" },
    h(
      "p",
      { class: "row" },
      h("span", { class: "driver-number" }, number(place)),
      h("span", { class: "strong" }, stop.address),
    ),
    (stop.parcels ?? []).map((parcel) => {
      const isMissing = today.missing.has(parcel.id);
      const box = h("input", {
        type: "checkbox",
        checked: ticked.has(parcel.id),
        disabled: isMissing,
        "data-key": `tick-${parcel.id}`,
      });
      box.addEventListener("change", () => tick(parcel, box.checked));
      const name = [parcel.external_id || parcel.barcode || parcel.id, kilograms(parcel.weight_g)]
        .filter(Boolean)
        .join(" · ");
      const missing = () => app.did("not_loaded", t("did_missing"), { order: stop.order, data: { parcel: parcel.id } });
      return h(
        "div",
        { class: "driver-parcel" },
        h("label", null, box, name),
        isMissing
          ? h("span", { class: "status failed" }, icon("package-x"), t("missing"))
          : button(t("missing"), missing, { kind: "quiet", key: `missing-${parcel.id}` }),
      );
    }),
  );
}

/** What the server has not received, in the order in which it will be sent, and what it refused. */
export function unsentView(app) {
  const { session } = app;
  const { waiting, refused, today, others, photosWaiting } = session;
  const told = session.kept.told ?? [];
  return {
    heading: t("not_sent"),
    body: [
      h("h2", { class: "lead" }, waiting.length || photosWaiting ? tn("n_not_sent", waiting.length) : t("all_sent")),
      waiting.length > 0 && h("p", null, session.isSignedOut ? t("unsent_log_in") : t("unsent_how")),
      waiting.length > 0 &&
        h(
          "ul",
          { class: "driver-rows" },
          waiting.map((act) => actRow(today, act)),
        ),
      photosWaiting > 0 && notice("", "upload", tn("n_photos_not_sent", photosWaiting)),
      refused.length > 0 && refusedCard(app, today, refused),
      told.length > 0 &&
        h(
          "section",
          { class: "card" },
          h("h2", null, t("told_title")),
          h("p", null, t("told_how")),
          h(
            "ul",
            { class: "driver-rows" },
            told.map((act) => actRow(today, act)),
          ),
        ),
      others > 0 && notice("risk", "users", tn("others_unsent", others)),
    ],
    actions: waiting.length
      ? [button(t("send_now"), () => app.sendNow(), { kind: "primary", symbol: "upload", key: "main" })]
      : [],
  };
}

function actRow(today, act) {
  const place = act.order ? addressOf(today, act.order) : "";
  return h(
    "li",
    null,
    h("span", { class: "strong" }, t(`act_${act.kind}`)),
    h("span", { class: "muted" }, [dayTime(act.at), place].filter(Boolean).join(" · ")),
  );
}

function refusedCard(app, today, refused) {
  return h(
    "section",
    { class: "card" },
    h("h2", null, t("refused_title")),
    h("p", null, t("refused_how")),
    h(
      "ul",
      { class: "driver-rows" },
      refused.map((act) =>
        h(
          "li",
          null,
          h("span", { class: "strong" }, t(`act_${act.kind}`)),
          h(
            "span",
            { class: "muted" },
            [dayTime(act.at), act.order ? addressOf(today, act.order) : ""].filter(Boolean).join(" · "),
          ),
          h("span", null, act.problem?.detail ?? ""),
          act.answered_at &&
            button(t("settled"), () => app.session.remove(act), { symbol: "check", key: `settled-${act.id}` }),
        ),
      ),
    ),
    refused.some((act) => !act.answered_at) &&
      button(t("try_again"), () => app.session.again(), { symbol: "refresh-cw", key: "again" }),
  );
}
