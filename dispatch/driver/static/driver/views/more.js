/* Everything that is not the next stop: breaks, the vehicle, this phone, language, look, log-out. */
import { button, facts, h, link, notice } from "../dom.js";
import { APP_VERSION, isInstalled, NAVIGATOR_NAMES, remember } from "../phone.js";
import { t, time, tn } from "../words.js";
import { photo } from "./proof.js";

const THEMES = ["auto", "light", "dark", "contrast"];

export function moreView(app) {
  const { session } = app;
  const { today, who } = session;
  return {
    heading: who?.name || t("more"),
    body: [today && today.run.state !== "ended" && work(app, today), phone(session), choices(app), who && leave(app)],
    actions: [],
  };
}

function work(app, today) {
  const since = today.break_since;
  const pause = since
    ? button(t("end_break"), () => app.did("break_ended", t("did_break_ended")), { symbol: "play", key: "break" })
    : button(t("start_break"), () => app.did("break_started", t("did_break")), {
        symbol: "circle-pause",
        key: "break",
      });
  return h(
    "section",
    { class: "card" },
    h("h2", null, t("work")),
    since && h("p", null, t("break_since", { time: time(since) })),
    h("div", { class: "driver-pair" }, pause, link(t("defect"), "#defect", { symbol: "wrench" })),
  );
}

function phone(session) {
  const problems = [];
  if (!isSecureContext) problems.push(notice("risk", "lock-open", t("not_secure")));
  if (session.storageKept === false) problems.push(notice("risk", "triangle-alert", t("storage_not_kept")));
  if (!isInstalled()) problems.push(notice("", "download", t("not_installed")));
  return h(
    "section",
    { class: "card" },
    h("h2", null, t("this_phone")),
    problems,
    facts([t("storage"), session.storageKept ? t("storage_kept") : t("storage_unsure")], [t("version"), APP_VERSION]),
    session.others > 0 && notice("risk", "users", tn("others_unsent", session.others)),
  );
}

function choice(id, label, options, chosen, onchange) {
  const select = h(
    "select",
    { id, "data-key": id },
    options.map(([value, word]) => h("option", { value, selected: value === chosen }, word)),
  );
  select.addEventListener("change", () => onchange(select.value));
  return h("div", { class: "field" }, h("label", { for: id }, label), select);
}

function choices(app) {
  const { page, session } = app;
  const theme = document.documentElement.dataset.theme;
  const navigators = NAVIGATOR_NAMES.map((name) => [name, t(`navigator_${name}`)]);
  return h(
    "section",
    { class: "card" },
    h("h2", null, t("look")),
    choice("language", t("language"), page.languages, page.language, (code) => app.chooseLanguage(code)),
    choice(
      "theme",
      t("theme"),
      THEMES.map((name) => [name, t(`theme_${name}`)]),
      theme,
      (name) => {
        remember("theme", name);
        document.documentElement.dataset.theme = name;
      },
    ),
    session.who &&
      choice("navigator", t("navigator"), navigators, session.kept.navigator ?? app.defaultNavigator, (name) =>
        app.keep("navigator", name),
      ),
  );
}

function leave(app) {
  const { waiting } = app.session;
  return h(
    "section",
    { class: "card" },
    h("h2", null, t("log_out")),
    h("p", null, waiting.length ? tn("log_out_unsent", waiting.length) : t("log_out_how")),
    button(t("log_out"), () => app.leave(), { symbol: "log-out", key: "log-out" }),
  );
}

/** A defect of the vehicle in the driver's own words, with photos. */
export function defectView(app) {
  const area = h("textarea", { id: "defect", maxlength: 500, "data-key": "defect" });
  area.value = app.drafts.get("defect") ?? "";
  const photos = app.proofsOf("defect");
  area.addEventListener("input", () => app.drafts.set("defect", area.value));
  async function tell() {
    if (!area.value.trim()) {
      area.focus();
      return;
    }
    const data = { ok: false, note: area.value.trim() };
    if (photos.length) data.proofs = photos;
    if (!(await app.did("vehicle_checked", t("did_defect"), { data }))) return;
    app.drafts.delete("defect");
    await app.used({ order: "defect" });
    location.hash = "#now";
  }
  return {
    heading: t("defect"),
    body: [
      h(
        "div",
        { class: "field" },
        h("label", { for: "defect" }, t("defect_what")),
        area,
        h("p", { class: "hint" }, t("defect_how")),
      ),
      photo(app, { order: "defect" }, photos),
    ],
    actions: [
      link(t("back"), "#now", { symbol: "arrow-left", key: "back" }),
      button(t("tell"), tell, { kind: "primary", symbol: "send", key: "main" }),
    ],
  };
}
