// The element <lastmile-picker>: it asks for offers, keeps the one that the shopper picks, and gives
// the form the id of the choice. It stores nothing in the browser: the shop's page keeps `session`.

const PLACE_PARTS = {
  address: "text",
  street: "street",
  "house-number": "house_number",
  unit: "unit",
  postcode: "postcode",
  city: "city",
  region: "region",
  country: "country",
  lat: "lat",
  lon: "lon",
};
const BASKET = ["parcels", "weight-g", "volume-cm3", "value-minor", "currency", "least-age", "signature"];
const SETTLE_MS = 400; // the shop may set several attributes one after another
const NOT_READY_MS = 4_000;
const NOT_READY_TRIES = 5;
const NOTHING = Object.freeze({
  phase: "empty",
  answer: null,
  day: "",
  hold: null,
  choice: null,
  keptFor: 0,
  keptUntil: 0,
  busy: "",
  error: null,
  notice: "",
});

class LastmilePicker extends HTMLElement {
  static formAssociated = true;
  static observedAttributes = [
    "key",
    "session",
    "lang",
    "hub",
    "since",
    "until",
    ...Object.keys(PLACE_PARTS),
    ...BASKET,
  ];

  constructor() {
    super();
    this.state = { ...NOTHING };
    this.internals = this.attachInternals();
    this.timers = new Map();
    this.calls = null; // aborts the calls that are under way
    this.openFold = false;
    this.asking = null; // aborts the question that is under way, when another one follows
    this.underWay = 0;
    this.tries = 0;
    this.asked = ""; // the question of the session, to see what changed
    this.named = ""; // the attribute lang, so that an unknown one is reported once
    this.words = new Words(languageOf(this), "");
    this.view = new View(this.attachShadow({ mode: "open", delegatesFocus: true }), this);
  }

  connectedCallback() {
    this.calls = new AbortController();
    const { signal } = this.calls;
    this.watcher = new MutationObserver(() => this.speak());
    this.watcher.observe(document.documentElement, { attributes: true, attributeFilter: ["lang"] });
    // A page from the browser's memory, or a tab that slept, shows what is true now.
    addEventListener("pageshow", (event) => event.persisted && this.refresh(), { signal });
    document.addEventListener("visibilitychange", () => this.onVisible(), { signal });
    for (const name of ["session", "address"]) this.upgrade(name);
    this.speak();
    if (this.state.answer) this.count();
    this.later("ask", 0, () => this.ask(this.stale));
  }

  disconnectedCallback() {
    this.calls?.abort();
    this.watcher?.disconnect();
    for (const name of [...this.timers.keys()]) this.stop(name);
    const cut = this.state.busy || this.underWay > 0; // a call was cut off, so its result is unknown
    this.stale = Boolean(cut && this.state.answer);
    if (cut) this.set({ busy: "", phase: this.state.answer ? "ready" : "empty" });
  }

  attributeChangedCallback(name, before, after) {
    if (before === after || !this.isConnected) return;
    if (name === "lang") this.speak(true);
    else if (name === "session" && after === this.state.answer?.id) return;
    else this.later("ask", SETTLE_MS, () => this.ask());
  }

  // --- what a shop's script reads and calls --------------------------------------------------------
  get session() {
    return this.getAttribute("session") ?? "";
  }

  set session(id) {
    if (id) this.setAttribute("session", id);
    else this.removeAttribute("session");
  }

  get address() {
    return this.getAttribute("address") ?? "";
  }

  set address(text) {
    this.setAttribute("address", text ?? "");
  }

  /** The id of the choice, which the shop sends with its order; "" before it is confirmed. */
  get value() {
    return this.state.choice?.id ?? "";
  }

  get form() {
    return this.internals.form;
  }

  get name() {
    return this.getAttribute("name") ?? "";
  }

  get hold() {
    return this.state.hold ? this.detailOf(this.state.hold) : null;
  }

  get choice() {
    return this.state.choice ? this.detailOf(this.state.choice) : null;
  }

  get validity() {
    return this.internals.validity;
  }

  get validationMessage() {
    return this.internals.validationMessage;
  }

  checkValidity() {
    return this.internals.checkValidity();
  }

  reportValidity() {
    return this.internals.reportValidity();
  }

  formResetCallback() {
    this.release();
  }

  /** Confirm what is held; return the id of the choice. A shop calls it before it orders. */
  async confirm() {
    const { hold, choice } = this.state;
    if (choice) return choice.id;
    if (!hold) throw new PickerError(this.words.say("pick_first"), { code: "nothing_held" });
    await this.run("confirm", async (client, signal) => {
      const confirmed = await client.choose(hold.id, hold.price_minor, signal);
      this.keep({ choice: { ...confirmed, offer: hold.offer, service_date: hold.service_date } }, confirmed);
      this.openFold = false;
      this.tell("lastmile-choice");
      this.view.announce(`${this.words.say(chosenWord(confirmed))} ${this.labelOf(this.state.choice)}`);
    });
    if (!this.state.choice) throw this.state.error ?? new PickerError(this.words.say("failed"));
    return this.state.choice.id;
  }

  tryConfirm() {
    return this.confirm().catch(() => {}); // the message is shown
  }

  /** Ask again for the same place and basket. */
  refresh() {
    this.later("ask", 0, () => this.ask(true));
  }

  // --- asking ------------------------------------------------------------------------------------------
  get question() {
    const place = {};
    for (const [name, part] of Object.entries(PLACE_PARTS)) {
      const value = this.getAttribute(name)?.trim();
      if (value) place[part] = part === "lat" || part === "lon" ? Number(value) : value;
    }
    const question = { place, ...this.basket };
    for (const name of ["hub", "since", "until"]) {
      if (this.getAttribute(name)) question[name] = this.getAttribute(name);
    }
    return question;
  }

  get basket() {
    const basket = { language: this.words.code };
    const parcels = this.getAttribute("parcels")?.trim();
    if (parcels && /^\d+$/.test(parcels)) basket.parcel_count = Number(parcels);
    else if (parcels) basket.parcels = JSON.parse(parcels);
    for (const name of ["weight-g", "volume-cm3", "value-minor", "least-age"]) {
      if (this.getAttribute(name)) basket[name.replace("-", "_")] = Number(this.getAttribute(name));
    }
    if (this.getAttribute("currency")) basket.currency = this.getAttribute("currency");
    if (this.hasAttribute("signature")) basket.signature = true;
    return basket;
  }

  /** Bring the picker to the question of its attributes: open, read or change a session. */
  async ask(again = false) {
    this.asking?.abort();
    this.asking = new AbortController();
    this.stale = false;
    let question;
    try {
      question = this.question;
    } catch {
      this.fail(new PickerError(this.words.say("failed"), { code: "parcels_not_json" }));
      console.error("lastmile-picker: the attribute parcels is neither a number nor JSON.");
      return;
    }
    const { place, language: _language, ...basket } = question;
    const asked = JSON.stringify({ place, basket, key: this.getAttribute("key") });
    if (!this.getAttribute("key")) {
      console.error("lastmile-picker: the attribute key is missing. Give a checkout key.");
      this.fail(new PickerError(this.words.say("failed"), { code: "no_key" }));
    } else if (this.session && (again || this.session !== this.state.answer?.id)) {
      await this.restore(question, asked);
    } else if (!Object.keys(place).length) {
      this.set({ ...NOTHING });
      this.asked = "";
    } else if (asked !== this.asked || !this.state.answer) {
      const same = this.asked && JSON.stringify(JSON.parse(this.asked).place) === JSON.stringify(place);
      if (same && this.state.answer) await this.change(asked);
      else await this.open(question, asked);
    }
  }

  async open(question, asked) {
    const before = { ...this.state };
    this.set({ ...NOTHING, phase: "loading" });
    await this.run("ask", async (client, signal) => {
      if (before.hold || before.choice) await this.giveBack(client, before, signal);
      this.receive(await client.open(question, signal), asked);
    });
  }

  /** Read the session of the attribute: after a reload of the shop's page, and after a pause. */
  async restore(question, asked) {
    const { session } = this;
    if (!this.state.answer) this.set({ phase: "loading" });
    await this.run("ask", async (client, signal) => {
      let answer;
      try {
        answer = await client.read(session, signal);
      } catch (error) {
        if (error.status !== 404) throw error;
      }
      const moved = answer && Object.keys(question.place).length && !samePlace(answer.place, question.place);
      if (answer && !moved) {
        this.receive(answer, asked);
        if (differs(answer, question)) await this.change(asked);
      } else if (Object.keys(question.place).length) {
        if (answer?.hold || answer?.choice) await this.giveBack(client, answer, signal);
        this.session = "";
        this.receive(await client.open(question, signal), asked);
      } else {
        this.session = "";
        this.set({ ...NOTHING });
      }
    });
  }

  /** Send the basket again. The answer says which prices changed, and why. */
  async change(asked) {
    const { session } = this;
    const before = this.state.choice ?? this.state.hold;
    const wasChosen = Boolean(this.state.choice);
    const basket = this.state.answer?.basket;
    await this.run("ask", async (client, signal) => {
      const answer = await client.change(session, this.basket, signal);
      const own = answer.price_changes.find((change) => change.offer === before?.offer);
      this.receive(answer, asked, { quiet: true });
      let why = own?.why ?? answer.price_changes[0]?.why ?? "";
      if (before && ((own && wasChosen) || grew(basket, answer.basket))) {
        const held = await this.holdAgain(client, before, wasChosen, signal);
        if (!held) why = this.words.say("no_longer_fits");
      }
      this.set({ notice: why });
      this.tell("lastmile-change", { reason: own ? "price" : "basket", changes: answer.price_changes });
      if (own) this.view.announce(own.why);
    });
  }

  /** Hold the same offer for the new basket. A choice with other terms has to be confirmed again. */
  async holdAgain(client, before, wasChosen, signal) {
    if (wasChosen) await this.giveBack(client, { choice: before }, signal);
    const offer = this.offerOf(before.offer);
    if (offer) this.received(await client.hold(this.session, offer.id, before.handover, signal));
    else {
      if (!wasChosen) await this.giveBack(client, { hold: before }, signal);
      this.keep({ hold: null, choice: null }, null);
    }
    return Boolean(offer);
  }

  receive(answer, asked, { quiet = false } = {}) {
    const isNew = answer.id !== this.state.answer?.id;
    const hadHold = this.state.hold?.id;
    const hadChoice = this.state.choice?.id;
    this.asked = asked;
    this.words = new Words(languageOf(this), answer.time_zone);
    const hold = answer.hold && answer.hold.state !== "expired" ? answer.hold : null;
    const choice = answer.choice?.state === "waiting" ? this.joined(answer, hold) : null;
    const day = this.state.day && !isNew ? this.state.day : (hold ?? this.bestOf(answer))?.service_date;
    this.set({ phase: "ready", answer, day: day ?? "", error: null }, true);
    this.keep({ hold: hold?.state === "live" || choice ? hold : null, choice }, choice ?? hold);
    if (this.session !== answer.id) this.session = answer.id;
    if (isNew) this.tell("lastmile-change", { reason: "session" });
    if (choice && choice.id !== hadChoice) this.tell("lastmile-choice", { restored: true });
    else if (hold && !choice && hold.id !== hadHold) this.tell("lastmile-hold", { restored: true });
    if (isNew && !quiet) this.announceDay();
    this.waitForDays(isNew);
  }

  joined(answer, hold) {
    return { ...answer.choice, offer: hold?.offer, service_date: hold?.service_date };
  }

  bestOf(answer) {
    return answer.offers.find((offer) => offer.held) ?? [...answer.offers].sort(byDay)[0];
  }

  /** True while days are being prepared and the picker will ask for them again. */
  get isWaiting() {
    return this.state.phase === "ready" && this.tries < NOT_READY_TRIES && this.state.answer.not_ready.length > 0;
  }

  waitForDays(isNew) {
    if (isNew) this.tries = 0;
    this.tries = this.state.answer.not_ready.length ? this.tries : NOT_READY_TRIES;
    if (this.tries >= NOT_READY_TRIES) return;
    this.tries += 1;
    this.later("days", NOT_READY_MS * 2 ** (this.tries - 1), () =>
      this.run("ask", async (client, signal) => {
        this.receive(await client.change(this.session, {}, signal), this.asked, { quiet: true });
      }),
    );
  }

  // --- picking -----------------------------------------------------------------------------------------
  show(date, focused = "") {
    if (date !== this.state.day) this.set({ day: date });
    this.announceDay();
    if (focused) this.view.focusOn(focused);
  }

  announceDay() {
    const { day } = this.state;
    if (!day) return;
    const n = this.offersOn(day).length;
    this.view.announce(`${this.words.day(day)}: ${this.words.count("count", n)}`);
  }

  /** Hold an offer; what was held or chosen before is given back. */
  async pick(id, handover = "") {
    const { hold, choice } = this.state;
    const same = hold?.offer === id && (!handover || hold.handover === handover);
    if (this.state.busy || (same && !this.state.error)) return;
    const kept = handover || (this.offerOf(id)?.handovers.includes(hold?.handover) ? hold.handover : "");
    await this.run(id, async (client, signal) => {
      const held = await client.hold(this.session, id, kept, signal);
      if (choice && held.choice !== choice.id) await this.giveBack(client, { choice }, signal);
      this.received(held);
    });
    if (this.confirms && this.state.hold && !this.state.choice) await this.tryConfirm();
  }

  received(hold) {
    this.set({ notice: "", day: hold.service_date }, true);
    this.keep({ hold, choice: null }, hold);
    this.tell("lastmile-hold");
    const minutes = Math.max(1, Math.round(hold.expires_in_s / 60));
    this.view.announce(`${this.words.say("held")} ${this.labelOf(hold)}. ${this.words.count("left", minutes)}`);
  }

  async release() {
    const { hold, choice } = this.state;
    if (!hold && !choice) return;
    await this.run("release", async (client, signal) => {
      await this.giveBack(client, { hold, choice }, signal);
      this.keep({ hold: null, choice: null }, null);
      this.tell("lastmile-change", { reason: "released" });
      this.view.announce(this.words.say("released"));
    });
  }

  giveBack(client, { hold, choice }, signal) {
    const gone = (error) => {
      if (error.status !== 404 && error.status !== 409) throw error;
    };
    return (choice ? client.forget(choice.id, signal) : client.release(hold.id, signal)).catch(gone);
  }

  fold() {
    this.openFold = !this.openFold;
    this.set({});
  }

  /** True if the list is folded away because a time is chosen. */
  get isFolded() {
    return Boolean(this.state.choice) && !this.openFold;
  }

  /** True if a held time is confirmed at once, without a button. */
  get confirms() {
    return this.getAttribute("confirm") === "auto";
  }

  // --- state -------------------------------------------------------------------------------------------
  /** Do one act with the API; a refusal becomes a message, and the list stays. */
  async run(busy, act) {
    if (!this.calls || this.calls.signal.aborted) return;
    const signals = busy === "ask" && this.asking ? [this.calls.signal, this.asking.signal] : [this.calls.signal];
    const signal = AbortSignal.any(signals);
    if (busy !== "ask") this.set({ busy, error: null });
    this.underWay += 1;
    const client = new Client({
      key: this.getAttribute("key"),
      language: this.words.code,
      say: (key) => this.words.say(key),
    });
    try {
      await act(client, signal);
      this.set({ busy: "" });
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof PickerError)) console.error(error);
      this.repeat = busy === "ask" || GONE.includes(error.code) ? null : () => this.run(busy, act);
      this.fail(error instanceof PickerError ? error : new PickerError(this.words.say("failed")));
      if (GONE.includes(error.code)) this.later("days", 0, () => this.reread());
    } finally {
      this.underWay -= 1;
    }
  }

  /** Read the offers again after one was gone; the message with the alternatives stays. */
  async reread() {
    const { error } = this.state;
    await this.run("ask", async (client, signal) => {
      this.receive(await client.change(this.session, {}, signal), this.asked, { quiet: true });
      this.set({ error });
    });
  }

  fail(error) {
    const phase = this.state.answer ? "ready" : "failed";
    this.set({ busy: "", error, phase });
    this.tell("lastmile-change", { reason: "error", code: error.code, message: error.message });
  }

  tryAgain() {
    const { repeat } = this;
    this.repeat = null;
    this.set({ error: null });
    if (repeat) return repeat();
    this.asked = "";
    return this.ask(Boolean(this.session));
  }

  set(change, silent = false) {
    Object.assign(this.state, change);
    if (silent) return;
    this.fillForm();
    this.view.draw();
  }

  /** Take over what is held or chosen, and count its time by the server's seconds. */
  keep(change, timed) {
    const seconds = timed?.expires_in_s ?? 0;
    const keptUntil = timed ? performance.now() + seconds * 1000 : 0;
    const same = timed && timed.id === this.timed;
    this.timed = timed?.id ?? "";
    this.set({ ...change, keptUntil, keptFor: same ? this.state.keptFor : seconds });
    this.count();
  }

  get secondsLeft() {
    return Math.max(0, (this.state.keptUntil - performance.now()) / 1000);
  }

  count() {
    this.stop("count");
    if (!this.state.hold && !this.state.choice) return;
    const seconds = this.secondsLeft;
    if (seconds <= 0) this.ended();
    else {
      this.view.drawTimeLeft();
      const wait = Math.min(seconds * 1000 + 50, seconds > 120 ? 15_000 : 1_000);
      this.later("count", wait, () => this.count());
    }
  }

  /** The time of what was held or chosen is over: say so, and show what is free now. */
  ended() {
    const reason = this.state.choice ? "choice-ended" : "hold-ended";
    this.keep({ hold: null, choice: null }, null);
    this.openFold = false;
    this.set({ notice: this.words.say("ended") });
    this.view.announce(this.words.say("ended"));
    this.tell("lastmile-change", { reason });
    this.later("days", 0, () =>
      this.run("ask", async (client, signal) => {
        this.receive(await client.change(this.session, {}, signal), this.asked, { quiet: true });
      }),
    );
  }

  fillForm() {
    const { choice, hold } = this.state;
    this.internals.setFormValue(choice?.id ?? null);
    if (!this.hasAttribute("required") || choice) this.internals.setValidity({});
    else {
      const text = this.words.say(hold ? "confirm_first" : "pick_first");
      this.internals.setValidity({ valueMissing: true }, text, this.view.box);
    }
  }

  onVisible() {
    if (document.visibilityState !== "visible" || !this.state.answer) return;
    this.count();
  }

  speak(ask = false) {
    const before = this.words.code;
    const own = this.getAttribute("lang") ?? "";
    if (own && own !== this.named && !hasLanguage(own)) {
      const known = Object.keys(TEXTS).join(", ");
      console.error(`lastmile-picker: the attribute lang has an unknown language. Use one of these: ${known}.`);
    }
    this.named = own;
    this.words = new Words(languageOf(this), this.state.answer?.time_zone ?? "");
    this.set({});
    if (!this.state.answer || (before === this.words.code && !ask)) return;
    // The sentences of the offers come from the server.
    this.later("ask", SETTLE_MS, () =>
      this.run("ask", async (client, signal) => {
        const answer = await client.change(this.session, { language: this.words.code }, signal);
        this.receive(answer, this.asked, { quiet: true });
      }),
    );
  }

  tell(type, more = {}) {
    const { answer, hold, choice } = this.state;
    const detail = { session: answer?.id ?? "", ...this.detailOf(choice ?? hold), ...more };
    detail.hold = hold?.id ?? choice?.hold ?? null;
    detail.choice = choice?.id ?? null;
    this.dispatchEvent(new CustomEvent(type, { bubbles: true, composed: true, detail }));
  }

  detailOf(kept) {
    if (!kept) return { price_minor: null, currency: "", label: "" };
    const { option, handover, opens_at, closes_at, price_minor, currency, co2_g, expires_at } = kept;
    const label = this.labelOf(kept);
    const requested = Boolean(kept.requested);
    return { option, handover, opens_at, closes_at, price_minor, currency, co2_g, expires_at, label, requested };
  }

  // --- words -------------------------------------------------------------------------------------------
  get dates() {
    const { answer } = this.state;
    if (!answer?.offers.length) return [];
    const all = new Set([...answer.offers, ...answer.not_offered].map((row) => row.service_date));
    const last = answer.offers
      .map((offer) => offer.service_date)
      .sort()
      .at(-1);
    return [...all].sort().filter((date) => date <= last);
  }

  offersOn(date) {
    return this.state.answer.offers.filter((offer) => offer.service_date === date);
  }

  missingOn(date) {
    const taken = new Set(this.offersOn(date).map((offer) => offer.opens_at + offer.option));
    return this.state.answer.not_offered.filter(
      (row) => row.service_date === date && row.reason !== "passed" && !taken.has(row.opens_at + row.option),
    );
  }

  offerOf(id) {
    return id ? this.state.answer?.offers.find((offer) => offer.id === id) : undefined;
  }

  isPicked(offer) {
    const { busy, hold, choice } = this.state;
    const picking = busy && busy !== "confirm" && busy !== "release" ? busy : "";
    return Boolean(offer.id) && offer.id === (picking || (choice ?? hold)?.offer);
  }

  nameOf(offer, picked) {
    const { words } = this;
    const parts = [words.day(offer.service_date), words.fromTo(offer), words.money(offer.price_minor, offer.currency)];
    if (offer.option !== "window") parts.push(words.say(offer.option));
    if (offer.green) parts.push(words.say("green"));
    if (picked) parts.push(words.say(this.state.choice ? "state_chosen" : "state_held"));
    return `${parts.join(", ")}. ${this.whyOf(offer)}`.trim();
  }

  /** Return why an offer has its rank. The picker sorts by time, so "the option above" says nothing. */
  whyOf(offer) {
    if (offer.bank) return this.bankOf(offer.bank);
    return RELATIVE.includes(offer.reason) ? "" : offer.why;
  }

  /** Return where a bank of lockers is, how far, and when the parcels are there. */
  bankOf(bank) {
    const { words } = this;
    const ready = words.say("there_by", { time: words.time(new Date(bank.ready_by)) });
    return [bank.name, bank.address, words.metres(bank.distance_m), ready].filter(Boolean).join(" · ");
  }

  labelOf(kept) {
    return this.partsOf(kept).join(" ");
  }

  /** Return the words for a time that is kept or offered: its day, hours, price and option. */
  partsOf(kept, style = "longDay") {
    const { words } = this;
    const date = kept.service_date ?? this.offerOf(kept.offer)?.service_date;
    const day = date ? words.day(date, style) : "";
    const short = style === "weekday" ? ` ${words.day(date, "shortDay")}` : "";
    const price = kept.price_minor === null ? "" : ` · ${words.money(kept.price_minor, kept.currency)}`;
    const parts = [`${day}${short}${words.comma}`, `${words.window(kept)}${price}`];
    if (kept.option !== "window") parts.push(`· ${words.say(kept.option)}`);
    return parts;
  }

  // --- timers ------------------------------------------------------------------------------------------
  later(name, milliseconds, act) {
    this.stop(name);
    if (!this.isConnected) return;
    this.timers.set(
      name,
      setTimeout(() => {
        this.timers.delete(name);
        act();
      }, milliseconds),
    );
  }

  stop(name) {
    clearTimeout(this.timers.get(name));
    this.timers.delete(name);
  }

  /** Take a property that the shop's script set before this script was loaded. */
  upgrade(name) {
    if (!Object.hasOwn(this, name)) return;
    const value = this[name];
    delete this[name];
    this[name] = value;
  }
}

// Reasons that compare an offer with the one that is ranked before it.
const RELATIVE = ["costs_more", "more_co2", "later"];

// Refusals after which the offers are read again, because one of them is gone.
const GONE = [
  "slot_full",
  "slot_passed",
  "slot_closed",
  "hold_ended",
  "price_changed",
  "basket_changed",
  "offer_unknown",
];

function byDay(a, b) {
  return a.service_date.localeCompare(b.service_date) || a.rank - b.rank;
}

/** Return true if two places have the same parts: text, street, town, coordinates and the rest. */
function samePlace(a, b) {
  return Object.values(PLACE_PARTS).every((part) => sameText(String(a[part] ?? ""), String(b[part] ?? "")));
}

function sameText(a, b) {
  const plain = (text) =>
    text
      .toLowerCase()
      .replace(/[\s,.;]+/g, " ")
      .trim();
  return plain(a) === plain(b);
}

/** Return true if a session was asked with another basket, or in another language. */
function differs({ basket, language }, question) {
  const weight = question.parcels?.reduce((sum, parcel) => sum + (parcel.weight_g ?? 0), 0);
  const wanted = {
    value_minor: question.value_minor,
    parcel_count: question.parcel_count ?? question.parcels?.length,
    weight_g: question.weight_g ?? weight,
  };
  const changed = Object.entries(wanted).some(([name, value]) => value !== undefined && value !== basket[name]);
  return changed || language.split("-")[0] !== question.language;
}

function grew(before, after) {
  return Boolean(before) && ["weight_g", "volume_cm3", "parcel_count"].some((name) => after[name] > before[name]);
}

if (!customElements.get("lastmile-picker")) customElements.define("lastmile-picker", LastmilePicker);
