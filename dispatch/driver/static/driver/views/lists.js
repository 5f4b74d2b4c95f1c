/* The lists: all stops, what goes into the vehicle in which order, and what is not sent. */
import { addressOf, isDone, loadingOrder, visitNumber, visitsOf } from "../day.js";
import { button, h, icon, link, notice, row } from "../dom.js";
import { between, dayTime, kilograms, number, t, time, tn } from "../words.js";
import { nameOfParcel, openScan, readScan } from "./scan.js";
import { stopStatus } from "./stop.js";

export function listView(app) {
  const { today } = app.session;
  const visits = today ? visitsOf(today) : [];
  const done = visits.filter((stops) => stops.every(isDone)).length;
  return {
    heading: t("done_of", { n: done, all: visits.length }),
    body: [visits.length ? h("ol", { class: "driver-list" }, visits.map(listRow)) : h("p", null, t("no_plan"))],
    actions: visits.length ? [link(t("as_map"), "#map", { symbol: "map", key: "as-map" })] : [],
  };
}

function listRow(stops, index) {
  const stop = stops.find((one) => !isDone(one)) ?? stops[0];
  const isOver = stops.every(isDone);
  const who = stop.common ? tn("n_parcels", stops.flatMap((one) => one.parcels ?? []).length) : stop.name;
  return h(
    "li",
    null,
    h(
      "a",
      { href: `#stop/${stop.order}`, "data-key": stop.order, class: isOver ? "is-done" : null },
      h("span", { class: "driver-number" }, number(index + 1)),
      h(
        "span",
        { class: "driver-what" },
        h("span", { class: "strong" }, stop.address),
        h("span", { class: "muted" }, [who, between(stop.window) || time(stop.arrives_at)].filter(Boolean).join(" · ")),
        row(stopStatus(stop)),
      ),
      icon("chevron-right"),
    ),
  );
}

/** What is delivered last goes in first. A scan tells at once; a tick is kept, and one tap tells that all is loaded. */
export function loadingView(app) {
  const { session } = app;
  const { today } = session;
  const stops = today ? loadingOrder(today) : [];
  const parcels = stops.flatMap((stop) => stop.parcels ?? []);
  const left = parcels.filter((parcel) => !isTicked(app, parcel) && !today.missing.has(parcel.id));
  const isStaying = (stop, parcel) => !isTicked(app, parcel) && app.againstLoading(stop, parcel) !== "";
  const staying = stops.flatMap((stop) =>
    (stop.parcels ?? []).filter((parcel) => isStaying(stop, parcel)).map((parcel) => ({ stop, parcel })),
  );
  const going = parcels.filter((parcel) => !staying.some((one) => one.parcel === parcel));
  async function loadAll() {
    for (const { stop, parcel } of staying.filter((one) => !today.missing.has(one.parcel.id)))
      await app.did("not_loaded", "", { order: stop.order, data: { parcel: parcel.id, reason: "no_door" } });
    const ids = going.map((parcel) => parcel.id).filter((id) => !today.missing.has(id) && !today.loaded.has(id));
    if (!ids.length || (await app.did("loaded", t("did_loaded"), { data: { parcels: ids } }))) location.hash = "#now";
  }
  const isLoaded =
    parcels.length > 0 && parcels.every((parcel) => today.loaded.has(parcel.id) || today.missing.has(parcel.id));
  const take = (code, options) => scanAtLoading(app, code, options);
  const open = () => openScan({ heading: t("scan_loading"), isMany: true, take });
  return {
    heading: t("load"),
    onScan: take,
    body: [
      h("h2", { class: "lead" }, isLoaded ? t("all_loaded") : tn("n_to_load", left.length)),
      parcels.length > 0 && h("p", null, t("load_how")),
      h(
        "ol",
        { class: "driver-list" },
        stops.map((stop) => loadRow(app, today, stop, placeInVehicle(stops, stop))),
      ),
    ],
    actions:
      parcels.length > 0 && !isLoaded
        ? [
            button(t("scan_open"), open, { symbol: "maximize", key: "scan-open" }),
            button(t("loaded_all"), loadAll, { kind: "primary", symbol: "package-check", key: "main" }),
          ]
        : [link(t("back"), "#now", { symbol: "arrow-left", key: "back" })],
  };
}

/** Returns true for a parcel that is told as loaded or that the driver has ticked. */
function isTicked(app, parcel) {
  const { today, kept } = app.session;
  const isOfRoute = kept.ticked?.route === (today.route?.id ?? "");
  return today.loaded.has(parcel.id) || (isOfRoute && kept.ticked.parcels.includes(parcel.id));
}

async function tick(app, parcel, isIn) {
  const route = app.session.today.route?.id ?? "";
  const before = app.session.kept.ticked?.route === route ? app.session.kept.ticked.parcels : [];
  const others = before.filter((id) => id !== parcel.id);
  await app.keep("ticked", { route, parcels: isIn ? [...others, parcel.id] : others });
}

/** Returns where the parcels of a stop stand in the vehicle: the first that go in are the last that come out. */
function placeInVehicle(stops, stop) {
  const counts = stops.map((one) => one.parcels?.length ?? 0);
  const all = counts.reduce((sum, count) => sum + count, 0);
  const at = stops.indexOf(stop);
  const before = counts.slice(0, at).reduce((sum, count) => sum + count, 0) + counts[at] / 2;
  if (stops.length < 3) return "";
  return t(["load_far", "load_middle", "load_door"][Math.min(2, Math.floor((before / Math.max(1, all)) * 3))]);
}

/** Takes a scan at loading: the parcel is loaded with the time of the scan. Another route's parcel is named. */
export async function scanAtLoading(app, code, options = {}) {
  const { today } = app.session;
  const stops = loadingOrder(today);
  const read = await readScan(app, stops, code, options);
  if (!read.parcel) return { ...read, isTaken: false };
  const { parcel, stop } = read;
  const against = app.againstLoading(stop, parcel);
  if (against) return { isTaken: false, title: nameOfParcel(parcel), detail: against };
  const place = [
    t("stop_n", { n: number(visitNumber(today, stop)) }),
    placeInVehicle(stops, stop),
    today.loaded.has(parcel.id) ? t("scan_before") : "",
  ];
  const detail = place.filter(Boolean).join(" · ");
  if (!today.loaded.has(parcel.id)) {
    const data = { parcels: [parcel.id], scans: [parcel.id] };
    if (!(await app.did("loaded", "", { data })))
      return { isTaken: false, title: app.fault.title, detail: app.fault.detail };
  }
  return { isTaken: true, title: nameOfParcel(parcel), detail };
}

function loadRow(app, today, stop, place) {
  return h(
    "li",
    { class: "driver-load" },
    h(
      "p",
      { class: "driver-stop-line" },
      h("span", { class: "driver-number" }, number(visitNumber(today, stop))),
      h("span", { class: "strong" }, stop.address),
      place && h("span", { class: "muted" }, place),
    ),
    (stop.parcels ?? []).map((parcel) => {
      const isMissing = today.missing.has(parcel.id);
      const isLoaded = today.loaded.has(parcel.id);
      const against = app.againstLoading(stop, parcel);
      const box = h("input", {
        type: "checkbox",
        checked: isTicked(app, parcel),
        disabled: isMissing || isLoaded,
        "data-key": `tick-${parcel.id}`,
      });
      box.addEventListener("change", () => tick(app, parcel, box.checked));
      const name = [nameOfParcel(parcel), kilograms(parcel.weight_g)].filter(Boolean).join(" · ");
      const missing = () => app.did("not_loaded", t("did_missing"), { order: stop.order, data: { parcel: parcel.id } });
      const parcelRow = h(
        "div",
        { class: "driver-parcel" },
        h("label", null, box, name),
        isMissing && h("span", { class: "status failed" }, icon("package-x"), t("missing")),
        isLoaded && !isMissing && h("span", { class: "status ok" }, icon("package-check"), t("loaded")),
        !isMissing && !isLoaded && button(t("missing"), missing, { kind: "quiet", key: `missing-${parcel.id}` }),
      );
      return [parcelRow, against && !isLoaded && notice("risk", "triangle-alert", against)];
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
