/* The driver's app: mounts on the shell, draws the view that the address names, and keeps what the driver does. */
import { toast as anyToast } from "../js/frame.js";
import { live } from "../js/live.js";
import { isDone, visitsOf } from "./day.js";
import { h, icon, loadIcons } from "./dom.js";
import { Doors } from "./doors.js";
import {
  followVersions,
  loadAhead,
  navigatorLink,
  NAVIGATOR_NAMES,
  remember,
  remembered,
  screenLock,
} from "./phone.js";
import { Positions } from "./positions.js";
import { listenToKeys, SCANNER_FILES } from "./scanner.js";
import { Session } from "./session.js";
import { NotKept } from "./store.js";
import { number, readTexts, t, tn } from "./words.js";
import { banners } from "./views/banners.js";
import { listView, loadingView, unsentView } from "./views/lists.js";
import { MAP_FILES, mapView } from "./views/map.js";
import { defectView, moreView } from "./views/more.js";
import { now } from "./views/now.js";
import { withoutView } from "./views/proof.js";
import { failView, stopView } from "./views/stop.js";

const DAY_EVERY_MS = 60_000; // the day is asked for this often while the page is visible, with or without a socket
const CALM_MS = 400; // a second tap on the same place within this time is a double tap, which is one tap
const SAME_PLACE_PX = 40;
const AHEAD_MS = 2_000; // large files are loaded after the first day is on the screen
const VIEWS = {
  now,
  list: listView,
  map: mapView,
  loading: loadingView,
  unsent: unsentView,
  more: moreView,
  defect: defectView,
  stop: stopView,
  fail: failView,
  without: withoutView,
  correct: (app, order) => failView(app, order, { isCorrection: true }),
};
const TABS = [
  ["now", "map-pin", "tab_now"],
  ["list", "list", "tab_list"],
  ["loading", "package", "tab_load"],
  ["more", "ellipsis", "tab_more"],
];

/** Shows a toast; only the newest one stays. */
function toast(text, options) {
  for (const old of document.querySelectorAll("#toasts .toast")) old.remove();
  anyToast(text, options);
}

export async function mount(el) {
  const page = readTexts();
  const chosen = remembered(el.dataset.languageCookie);
  if (chosen && chosen !== page.language && page.languages.some(([code]) => code === chosen)) {
    location.replace(`${el.dataset.scope}?lang=${chosen}${location.hash}`);
    return;
  }
  const app = new App(el, page);
  await app.start();
}

class App extends Doors {
  constructor(el, page) {
    super();
    Object.assign(this, { el, page, fault: null, isBusy: false, isUpdateReady: false });
    this.leftVisits = new Set(); // visits with work left that the driver has left all the same
    this.otherParts = []; // scripts of other modules for their kinds of stops
    this.codes = new Map(); // gate codes are shown and never kept
    this.drafts = new Map(); // what is being typed, so that a new drawing loses nothing
    this.calmUntil = 0; // of the clock of performance.now(); Infinity while an act is being kept
    this.tapped = null; // the place of the last tap
    this.acted = null; // the place of the tap that the last act followed
    this.turn = Promise.resolve(); // the last act; the next one is kept after it
    const { day, acts, codes, labels, photos, logout, login } = el.dataset;
    this.urls = { day, acts, codes, labels, photos, logout, login };
    this.strokes = new Map(); // signatures that are being drawn, by order
    this.session = new Session({ urls: this.urls, language: page.language });
    this.defaultNavigator = NAVIGATOR_NAMES.find(
      (name) => navigatorLink({ lat: 0, lon: 0 }, name) === navigatorLink({ lat: 0, lon: 0 }, ""),
    );
    this.parts = Object.fromEntries(
      ["heading", "banners", "view", "actions", "tabs", "unsent"].map((name) => [
        name,
        document.querySelector(`[data-part=${name}]`),
      ]),
    );
  }

  async start() {
    const theme = remembered("theme");
    if (theme) document.documentElement.dataset.theme = theme;
    const isNew = location.hash === "#in";
    if (isNew) history.replaceState(null, "", "#now");
    this.keepAwake = screenLock(() => ["loading", "on_road"].includes(this.session.today?.run.state));
    this.positions = new Positions({
      session: this.session,
      url: this.el.dataset.positions,
      onChange: () => this.draw(),
    });
    this.session.addEventListener("changed", () => {
      this.draw();
      this.positions.follow();
    });
    this.session.addEventListener("told", () => toast(t("dispatcher_told")));
    this.session.addEventListener("day", () => this.listen());
    this.session.addEventListener(
      "day",
      () => setTimeout(() => loadAhead([...SCANNER_FILES, ...MAP_FILES]), AHEAD_MS),
      { once: true },
    );
    this.session.addEventListener("revoked", () => this.codes.clear());
    addEventListener("hashchange", () => this.draw({ isMove: true }));
    document.addEventListener("click", (event) => this.guard(event), { capture: true });
    for (const event of ["online", "pageshow"]) addEventListener(event, () => this.wake());
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.wake());
    setInterval(() => document.visibilityState === "visible" && this.session.refresh(), DAY_EVERY_MS);
    listenToKeys((code) => this.scanned(code));
    followVersions(() => {
      this.isUpdateReady = true;
      this.updateNow();
    });
    await loadIcons();
    await this.loadParts();
    try {
      await this.session.start({ isNew });
    } catch (fault) {
      console.error("The app could not open its storage.", fault);
      this.fault = { title: t("no_storage"), detail: t("no_storage_how") };
      this.draw();
    }
  }

  /** Loads what other modules show at their stops. Without it each order is shown as a stop of its own. */
  async loadParts() {
    for (const part of JSON.parse(document.getElementById("driver-parts").textContent)) {
      Object.assign(this.page.texts, part.texts);
      try {
        this.otherParts.push({ ...part, ...(await import(part.script)) });
      } catch (fault) {
        console.error(`The part ${part.name} could not be loaded.`, fault);
      }
    }
  }

  /** Returns the screen that another module has for the stops of a visit, or null. */
  partView(stops) {
    if (!stops[0]?.common) return null;
    for (const part of this.otherParts) {
      const view = part.view(this, part, stops);
      if (view) return view;
    }
    return null;
  }

  /** Returns what another module says against loading a parcel for a stop, or "". */
  againstLoading(stop, parcel) {
    if (!stop.common) return "";
    return this.otherParts.map((part) => part.atLoading?.(this, stop, parcel)).find(Boolean) ?? "";
  }

  /** Returns a stop where the driver is and has more to do although all is delivered there, or null. */
  unfinished() {
    const ended = (stops) => Math.max(...stops.map((stop) => Date.parse(stop.done_at ?? stop.departed_at ?? 0)));
    const visits = visitsOf(this.session.today);
    if (visits.some((stops) => stops.some((stop) => stop.arrived_at && !isDone(stop)))) return null;
    const over = visits.filter((stops) => stops.every(isDone));
    const last = over.find((stops) => ended(stops) === Math.max(...over.map(ended)));
    if (!last?.[0].common || this.leftVisits.has(last[0].common)) return null;
    return this.otherParts.some((part) => part.hasMore(this, last)) ? last[0] : null;
  }

  /** The driver goes on, although something is left to do at the visit. */
  leaveVisit(stop) {
    this.leftVisits.add(stop.common);
    location.hash = "#now";
    this.draw({ isMove: true });
  }

  /** The network or the driver is back: send and ask at once. */
  wake() {
    this.session.queue?.kick();
    if (this.session.isStarted) this.session.refresh();
  }

  /** Opens the socket once the phone is logged in; each frame asks for the day. */
  listen() {
    const device = this.session.who?.device;
    if (!device || this.listeningAs === device) return;
    this.stopListening?.();
    this.listeningAs = device;
    const ask = () => this.session.refresh();
    this.stopListening = live(this.el.dataset.socket, {
      onSnapshot: ask,
      onDelta: ask,
      onState: (state) => {
        if (state !== "closed") return;
        this.listeningAs = null;
        ask();
      },
    });
  }

  /** A new version takes over at a moment when nothing is being typed; the queue is not touched. */
  updateNow() {
    const isTyping = this.isBusy || [...this.drafts.values()].some(Boolean);
    if (this.isUpdateReady && !isTyping) location.reload();
    else this.draw();
  }

  // --- what the driver does ---------------------------------------------------------------------

  /** Lets no second tap of a double tap through; every other tap counts, however soon it follows. */
  guard(event) {
    const place = { x: event.clientX, y: event.clientY };
    const isSame = this.acted && Math.hypot(place.x - this.acted.x, place.y - this.acted.y) < SAME_PLACE_PX;
    const isOff = event.target.closest?.("[aria-disabled=true]");
    const isScan = event.target.closest?.("dialog"); // one tap after the other at the same place
    if (isOff || (isSame && !isScan && performance.now() < this.calmUntil)) {
      event.preventDefault();
      event.stopImmediatePropagation();
      return;
    }
    this.tapped = place;
  }

  /** Keeps an act after those before it; says "done" only after the phone has kept it. Returns true if it is kept. */
  did(kind, done, fields = {}) {
    this.acted = this.tapped;
    this.calmUntil = Infinity;
    this.calm();
    this.turn = this.turn.then(() => this.keepAct(kind, done, fields));
    return this.turn;
  }

  async keepAct(kind, done, fields) {
    this.isBusy = true;
    let calmUntil = 0; // what was not kept can be tapped again at once
    try {
      this.lastAct = await this.session.act(kind, fields);
      this.fault = null;
      calmUntil = performance.now() + CALM_MS;
      setTimeout(() => this.draw(), CALM_MS + 20);
      if (done) toast(done, { seconds: 4 });
      return true;
    } catch (fault) {
      this.notKept(kind, fault);
      return false;
    } finally {
      this.isBusy = false;
      this.calmUntil = calmUntil;
      this.draw({ isForced: true });
      this.keepAwake();
      if (this.isUpdateReady) this.updateNow();
    }
  }

  notKept(kind, fault) {
    console.error("An act was not kept.", fault);
    const detail = fault instanceof NotKept && fault.isFull ? t("not_kept_full") : t("not_kept_how");
    this.fault = { title: t("not_kept", { act: t(`act_${kind}`) }), detail };
  }

  closeFault() {
    this.fault = null;
    this.draw();
  }

  /** A scanner that types has read a code: the present screen takes it, or nothing does. */
  async scanned(code) {
    const answer = await this.onScan?.(code);
    if (!answer) return;
    if (answer.isTaken) toast([answer.title, answer.detail].filter(Boolean).join(" · "), { seconds: 4 });
    else this.say(answer.title, answer.detail);
  }

  say(title, detail) {
    this.fault = { title, detail };
    this.draw();
    scrollTo(0, 0);
  }

  /** Keeps a small value, such as a tick; it is not an act. */
  async keep(name, value) {
    try {
      await this.session.keep(name, value);
    } catch (fault) {
      console.error("A choice was not kept.", fault);
      toast(t("not_kept_how"));
      this.draw();
    }
  }

  async showCode(stop) {
    try {
      await this.session.queue.kick(); // the server shows a code only after the arrival
      const { code } = await this.session.client.post(this.session.urls.codes, { order: stop.order });
      this.codes.set(stop.order, code);
    } catch (fault) {
      toast(fault.problem?.detail ?? t("code_offline"), { seconds: 12 });
    }
    this.draw();
  }

  async sendNow() {
    await this.session.queue.kick();
    toast(this.session.waiting.length ? t("still_not_sent") : t("all_sent"));
  }

  async leave() {
    if (this.session.waiting.length && !confirm(tn("log_out_unsent", this.session.waiting.length))) return;
    location.hash = "#now";
    await this.session.leave();
  }

  chooseLanguage(code) {
    remember(this.el.dataset.languageCookie, code);
    location.assign(`${this.el.dataset.scope}?lang=${code}#more`);
  }

  navigatorLink(place) {
    return navigatorLink(place, this.session.kept.navigator ?? "");
  }

  // --- drawing ----------------------------------------------------------------------------------

  draw({ isMove = false, isForced = false } = {}) {
    const [name, argument = ""] = location.hash.slice(1).split("/");
    const key = VIEWS[name] ? name : "now";
    const hasDay = Boolean(this.session.today);
    const view = hasDay || ["unsent", "more"].includes(key) ? VIEWS[key](this, argument) : now(this);
    const focused = document.activeElement?.dataset?.key;
    this.onScan = view.onScan;
    this.parts.heading.textContent = view.heading;
    document.title = `${view.heading} · ${this.page.title}`;
    this.parts.banners.replaceChildren(...banners(this));
    // What is being typed or chosen is not drawn again under the driver's hands.
    const isHeld =
      !isMove &&
      !isForced &&
      (this.isDrawing ||
        (this.parts.view.contains(document.activeElement) &&
          document.activeElement.matches("textarea, select, input[type=text]")));
    if (!isHeld) {
      this.isDrawing = false;
      const body = view.body.filter(Boolean);
      const before = [...this.parts.view.childNodes];
      // The map stays the same element: drawn again, it would lose its place.
      if (body.length !== before.length || body.some((one, n) => one !== before[n])) {
        this.parts.view.replaceChildren(...body);
      }
    }
    this.parts.actions.replaceChildren(...view.actions.filter(Boolean));
    this.calm();
    this.drawTabs(key);
    this.drawUnsent();
    this.el.dataset.ready = "true";
    if (isMove) {
      scrollTo(0, 0);
      this.el.focus({ preventScroll: true });
    } else if (focused && document.activeElement?.dataset?.key !== focused) {
      document.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
    }
  }

  /** Shows that the large actions take no tap for a moment. */
  calm() {
    const isCalm = performance.now() < this.calmUntil;
    for (const one of this.parts.actions.querySelectorAll("button")) {
      if (isCalm) one.setAttribute("aria-disabled", "true");
    }
  }

  drawTabs(current) {
    const isIn = Boolean(this.session.today);
    this.parts.tabs.replaceChildren(
      ...TABS.filter(([name]) => isIn || name === "more").map(([name, symbol, word]) =>
        h(
          "a",
          {
            href: `#${name}`,
            "aria-current": name === (current === "map" ? "list" : current) ? "page" : null,
            "data-key": `tab-${name}`,
          },
          icon(symbol),
          h("span", null, t(word)),
        ),
      ),
    );
  }

  drawUnsent() {
    const { waiting, refused, photosWaiting } = this.session;
    const open = waiting.length + refused.length + photosWaiting;
    const { unsent } = this.parts;
    unsent.hidden = open === 0;
    unsent.className = `driver-unsent ${refused.length ? "failed" : "risk"}`;
    unsent.replaceChildren(
      icon("upload"),
      h(
        "span",
        null,
        refused.length ? t("n_refused", { n: number(refused.length) }) : t("n_unsent", { n: number(open) }),
      ),
    );
  }
}
