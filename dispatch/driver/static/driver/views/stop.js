/* One stop: where, who, by when, what and how; and what the driver does there. */
import { isCancelled, isDone, stopsTogether, visitNumber, visitsOf } from "../day.js";
import { button, facts, h, icon, link, notice, row, status } from "../dom.js";
import { proofCard, scanAtDoor } from "./proof.js";
import { parcelsHere } from "../proof.js";
import { nameOfParcel } from "./scan.js";
import { between, kilograms, t, time, tn } from "../words.js";

const ENDED = {
  delivered: ["ok", "circle-check", "delivered"],
  picked_up: ["ok", "undo-2", "picked_up"],
  deposited: ["ok", "inbox", "deposited"],
  failed: ["failed", "circle-x", "not_delivered"],
};

/** The word and the icon of a stop; what the server has not received yet says so. */
export function stopStatus(stop) {
  const words = [];
  if (isDone(stop)) {
    const [tone, symbol, key] = ENDED[stop.outcome] ?? ENDED.delivered;
    words.push(status(tone, symbol, t(key)));
  } else if (isCancelled(stop)) words.push(status("idle", "ban", t("cancelled")));
  else if (stop.arrived_at) words.push(status("active", "map-pin", t("arrived_word")));
  if (stop.isUnsent) words.push(status("risk", "upload", t("not_sent")));
  return words;
}

export function reasonWords(today, code) {
  return (today.reasons ?? []).find((one) => one.code === code)?.words ?? code;
}

/** The card of a stop, large enough to read at arm's length. */
export function stopCard(app, today, stop, { isWhole = false } = {}) {
  const isLost = app.session.kept.lost?.orders?.includes(stop.order) && !isDone(stop);
  const parcels = parcelsHere(stop);
  const absent = stop.absent?.size ?? 0;
  const weight = parcels.reduce((sum, parcel) => sum + (parcel.weight_g ?? 0), 0);
  return h(
    "section",
    { class: "card driver-stop" },
    row(stop.direction === "return" && status("active", "undo-2", t("collect_here")), stopStatus(stop)),
    isLost && notice("risk", "triangle-alert", t("not_received")),
    h("h2", { class: "lead" }, stop.address || t("no_address")),
    stop.name && h("p", { class: "driver-name" }, stop.name),
    h("p", { class: "driver-when" }, icon("clock"), h("span", null, whenWords(stop))),
    facts(
      [
        stop.direction === "return" ? t("to_collect") : t("parcels"),
        [tn("n_parcels", parcels.length), kilograms(weight)].filter(Boolean).join(" · "),
      ],
      [t("handover"), stop.handover?.words],
      [t("age"), stop.age_check ? t("age_over", { age: stop.age_check }) : ""],
      [t("proof"), (stop.proof ?? []).map((one) => t(`proof_${one}`)).join(", ")],
      [t("order"), stop.external_id],
    ),
    absent > 0 && notice("risk", "package-x", tn("n_absent", absent)),
    stop.access && notice("", "lock-open", [stop.access.words, stop.access.text].filter(Boolean)),
    stop.notes && notice("", "message-square", stop.notes),
    h(
      "div",
      { class: "driver-pair" },
      stop.lat != null &&
        link(t("navigate"), app.navigatorLink(stop), { symbol: "map", outside: true, key: "navigate" }),
      stop.has_code && button(t("show_code"), () => app.showCode(stop), { symbol: "key-round", key: "code" }),
      !isWhole && link(t("details"), `#stop/${stop.order}`, { symbol: "info", key: "details" }),
    ),
    app.codes.has(stop.order) &&
      notice("ok", "key-round", [h("p", { class: "driver-code" }, app.codes.get(stop.order)), t("code_logged")]),
  );
}

function whenWords(stop) {
  if (stop.done_at || stop.departed_at) return t("done_at", { time: time(stop.done_at ?? stop.departed_at) });
  if (stop.arrived_at) return t("arrived_at", { time: time(stop.arrived_at) });
  const planned = stop.arrives_at ? t("planned_at", { time: time(stop.arrives_at) }) : "";
  return [between(stop.window), planned].filter(Boolean).join(" · ");
}

/** The actions at the door: one large, and the way out of it. */
export function doorActions(app, stop) {
  if (isDone(stop) || isCancelled(stop)) return [];
  const failing = link(t("not_delivered"), `#fail/${stop.order}`, { symbol: "x", key: "fail" });
  if (!stop.arrived_at) {
    return [
      failing,
      button(t("arrived"), () => app.arrived(stop), { kind: "primary", symbol: "map-pin", key: "main" }),
    ];
  }
  const kind = stop.direction === "return" ? "picked_up" : "delivered";
  return [failing, button(t(kind), () => app.deliver(stop), { kind: "primary", symbol: "check", key: "main" })];
}

/** Returns what a scanner that types does at a stop, or nothing where no scan is needed. */
export function scanOf(app, stop) {
  const isOpen = stop.outcome ? !stop.proof_given?.includes("scan") && stop.outcome !== "failed" : stop.arrived_at;
  if (!stop.proof?.includes("scan") || !isOpen) return null;
  return (code) => scanAtDoor(app, stop, code);
}

export function stopView(app, order) {
  const { today } = app.session;
  const stop = today?.stops.find((one) => one.order === order);
  if (!stop) return gone();
  const heading = t("stop_of", { n: visitNumber(today, stop), all: visitsOf(today).length });
  const part = app.partView(stopsTogether(today, stop));
  if (part) return { heading, onScan: null, ...part };
  return {
    heading,
    onScan: scanOf(app, stop),
    body: [
      stopCard(app, today, stop, { isWhole: true }),
      proofCard(app, stop),
      stop.outcome === "failed" && stop.reason && notice("failed", "circle-x", reasonWords(today, stop.reason)),
      parcelList(stop),
      noteForm(app, stop),
    ],
    actions: isDone(stop)
      ? [
          link(t("correct"), `#correct/${stop.order}`, { symbol: "pencil", key: "correct" }),
          link(t("next_stop"), "#now", { kind: "primary", symbol: "arrow-right", key: "main" }),
        ]
      : doorActions(app, stop),
  };
}

function gone() {
  return {
    heading: t("stop"),
    body: [h("section", { class: "empty" }, h("h2", { class: "lead" }, t("stop_gone")))],
    actions: [link(t("next_stop"), "#now", { kind: "primary", symbol: "arrow-right", key: "main" })],
  };
}

function parcelList(stop) {
  if (!stop.parcels?.length) return null;
  const rows = stop.parcels.map((parcel) =>
    h(
      "li",
      null,
      h("span", { class: "strong" }, nameOfParcel(parcel)),
      kilograms(parcel.weight_g),
      stop.absent?.has(parcel.id) && status("failed", "package-x", t("missing")),
    ),
  );
  return h("section", { class: "card" }, h("h2", null, t("parcels")), h("ul", { class: "driver-rows" }, rows));
}

function noteForm(app, stop) {
  const area = h("textarea", { id: "note", maxlength: 500, "data-key": "note" });
  area.value = app.drafts.get(stop.order) ?? "";
  area.addEventListener("input", () => app.drafts.set(stop.order, area.value));
  async function keep() {
    if (!area.value.trim()) return;
    const isKept = await app.did("note", t("did_note"), { order: stop.order, data: { text: area.value.trim() } });
    if (isKept) app.drafts.delete(stop.order);
    app.draw();
  }
  return h(
    "section",
    { class: "card" },
    h("div", { class: "field" }, h("label", { for: "note" }, t("note")), area),
    button(t("keep_note"), keep, { symbol: "send", key: "keep-note" }),
  );
}

/** The reasons of a failed visit: the tap on one ends it. */
export function failView(app, order, { isCorrection = false } = {}) {
  const { today } = app.session;
  const stop = today?.stops.find((one) => one.order === order);
  if (!stop) return gone();
  const fail = (reason) =>
    isCorrection ? app.corrected(stop, "failed", reason) : app.ended("failed", stop, { data: { reason } });
  const kind = stop.direction === "return" ? "picked_up" : "delivered";
  return {
    heading: isCorrection ? t("correct") : t("not_delivered"),
    body: [
      h("h2", { class: "lead" }, isCorrection ? t("correct_what") : t("why_not")),
      h("p", null, stop.address),
      h(
        "div",
        { class: "stack" },
        isCorrection &&
          stop.outcome !== kind &&
          button(t(kind), () => app.corrected(stop, kind), { kind: "driver-choice primary", symbol: "check" }),
        (today.reasons ?? []).map((reason) =>
          button(reason.words, () => fail(reason.code), { kind: "driver-choice", key: reason.code }),
        ),
      ),
    ],
    actions: [link(t("back"), isCorrection ? `#stop/${order}` : "#now", { symbol: "arrow-left", key: "back" })],
  };
}
