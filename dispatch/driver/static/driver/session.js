/* Who works on this phone, the day, and the queue: everything of the app that is not a view. */
import { Client } from "./client.js";
import { merged } from "./day.js";
import { APP_VERSION, isInstalled, lastingStorage, uuid } from "./phone.js";
import { Queue } from "./queue.js";
import { Uploads } from "./uploads.js";
import { driverStore, phoneStore } from "./store.js";
import { setZone } from "./words.js";

const DAY_LIVES_MS = 36 * 3600 * 1000; // addresses are not kept longer than the day they are needed for
const MOST_TOLD = 20;
const LOCAL = new Set(["seq", "state", "driver", "device", "data", "answered_at", "problem", "incident"]);

/** Returns an act as the server reads it. */
export function onTheWire(act) {
  const own = Object.entries(act).filter(([name]) => !LOCAL.has(name));
  return { ...Object.fromEntries(own), ...(act.data ?? {}) };
}

export class Session extends EventTarget {
  constructor({ urls, language }) {
    super();
    Object.assign(this, { urls, language, who: null, store: null, queue: null });
    Object.assign(this, { day: null, etag: "", acts: [], today: null, kept: {}, others: 0, photosWaiting: 0 });
    Object.assign(this, { isSignedOut: false, queueState: "empty", isStarted: false, isLeaving: false });
    this.phone = phoneStore();
    this.storageKept = null;
    this.client = new Client(urls, {
      language,
      phone: () => this.aboutPhone(),
      onReached: (online) => document.dispatchEvent(new CustomEvent("connection", { detail: { online } })),
    });
    this.channel = "BroadcastChannel" in window ? new BroadcastChannel("driver") : null;
    this.channel?.addEventListener("message", () => this.read());
  }

  /** Shows what the phone has kept, then asks the server. ``isNew``: the driver has just logged in. */
  async start({ isNew = false } = {}) {
    this.isNew = isNew;
    const who = await this.phone.get("who");
    this.isLeaving = Boolean(who?.isLeaving) && !isNew;
    // After a log-in the server says first who it is: nobody sees the day of the driver before.
    if (who && !isNew) await this.become(who);
    this.isStarted = true;
    this.changed();
    this.storageKept = await lastingStorage();
    this.queue?.kick();
    await this.refresh();
  }

  aboutPhone() {
    const about = { "X-App-Version": APP_VERSION, "X-App-Installed": isInstalled() ? "1" : "0" };
    if (this.storageKept !== null) about["X-Storage-Kept"] = this.storageKept ? "1" : "0";
    return about;
  }

  /** Opens the storage and the queue of a driver; those of another driver stay as they are. */
  async become(who) {
    this.queue?.end();
    this.store?.close();
    const store = driverStore(who.driver);
    Object.assign(this, { who, store, day: null, etag: "", kept: {} });
    this.queue = new Queue({
      store,
      send: (acts) => this.client.acts(who.driver, acts.map(onTheWire)),
      onChange: () => this.answered(),
      onState: (state) => this.queueIs(state),
    });
    this.uploads?.end();
    this.uploads = new Uploads({ store, client: this.client, onChange: () => this.photoSent() });
    await this.uploads.tidy();
    const kept = await store.get("day");
    if (kept && Date.now() - kept.at < DAY_LIVES_MS) {
      this.day = kept.day;
      this.etag = kept.language === this.language ? kept.etag : "";
      this.client.token = kept.day.csrf ?? "";
    } else if (kept) {
      await store.drop("day");
    }
    for (const name of ["ticked", "navigator", "lost", "told", "outcomes", "proofs"])
      this.kept[name] = await store.get(name);
    await this.countOthers();
    await this.read({ quiet: true });
  }

  /** Counts what other drivers of this phone have not sent; it needs their own log-in. */
  async countOthers() {
    this.others = 0;
    for (const driver of (await this.phone.get("drivers")) ?? []) {
      if (driver === this.who?.driver) continue;
      const store = driverStore(driver);
      this.others += (await store.waiting()).length;
      store.close();
    }
  }

  /** Reads the acts again and computes the day that the driver sees. */
  async read({ quiet = false } = {}) {
    if (!this.store) return;
    this.acts = await this.store.acts();
    this.photosWaiting = (await this.store.photos()).filter((photo) => photo.state === "waiting").length;
    if (this.day?.zone) setZone(this.day.zone);
    this.today = this.day ? merged(this.day, this.acts) : null;
    if (!quiet) this.changed();
  }

  changed() {
    this.dispatchEvent(new Event("changed"));
  }

  queueIs(state) {
    this.queueState = state;
    if (state === "signed_out") this.isSignedOut = true;
    if (state === "other_driver" || state === "signed_out") this.refresh();
    if (state === "empty") this.sendPhotos();
    this.changed();
  }

  /** Sends photos after the acts that name them; a log-out waits for them. */
  async sendPhotos() {
    await this.uploads?.run();
    if (this.isLeaving && !this.photosWaiting) await this.endDevice();
  }

  async photoSent() {
    await this.read();
    if (this.isLeaving && !this.photosWaiting && !this.waiting.length) await this.endDevice();
  }

  get waiting() {
    return this.acts.filter((act) => act.state === "waiting");
  }

  get refused() {
    return this.acts.filter((act) => act.state === "refused");
  }

  /** Keeps what the driver did. Resolves when it is stored on the phone. Raises NotKept. */
  async act(kind, { order = null, data = {} } = {}) {
    const act = {
      id: uuid(),
      kind,
      at: new Date().toISOString(),
      driver: this.who.driver,
      device: this.who.device,
      data,
    };
    if (order) act.order = order;
    if (this.today?.run.shift) act.shift = this.today.run.shift;
    await this.queue.add(act);
    await this.read();
    this.channel?.postMessage("acts");
    return act;
  }

  async keep(name, value) {
    await this.store.set(name, value);
    this.kept[name] = value;
    this.changed();
  }

  /** After an answer of the server: remembers its incidents, and asks for the day that contains the acts. */
  async answered() {
    await this.read();
    const told = this.acts.filter((act) => act.incident && act.state === "sent");
    const known = new Set((this.kept.told ?? []).map((one) => one.id));
    const fresh = told.filter((act) => !known.has(act.id)).map(({ id, kind, at, order }) => ({ id, kind, at, order }));
    if (fresh.length) {
      await this.keep("told", [...(this.kept.told ?? []), ...fresh].slice(-MOST_TOLD));
      this.dispatchEvent(new Event("told"));
    }
    this.channel?.postMessage("acts");
    await this.refresh();
  }

  /** Asks the server for the day; calls in the meantime wait for one more request. */
  refresh() {
    this.asked ??= (this.asking ?? Promise.resolve()).then(() => {
      this.asked = null;
      this.asking = this.ask().finally(() => {
        this.asking = null;
      });
      return this.asking;
    });
    return this.asked;
  }

  async ask() {
    if (this.isLeaving) return;
    const began = Date.now();
    try {
      const answer = await this.client.day(this.etag);
      this.isSignedOut = false;
      if (answer.day) await this.takeDay(answer);
      // Acts that were answered before this request are in the day now.
      const known = this.acts.filter((act) => act.state === "sent" && act.answered_at < began);
      if (known.length) await this.store.forget(known.map((act) => act.seq));
      await this.read();
      this.dispatchEvent(new Event("day"));
    } catch (fault) {
      if (fault.kind === "signed_out") this.isSignedOut = true;
      if (fault.problem?.code === "device_revoked") await this.forgetDay();
      this.fault = fault;
      this.changed();
    }
  }

  async takeDay({ day, etag }) {
    const isOther = this.who?.driver !== day.driver.id;
    if (!this.queue || isOther || this.who.device !== day.device || this.who.isLeaving) {
      const who = { driver: day.driver.id, name: day.driver.name, device: day.device };
      const isLost = !this.who && !this.isNew;
      await this.phone.set("who", who);
      const drivers = new Set((await this.phone.get("drivers")) ?? []);
      await this.phone.set("drivers", [...drivers.add(who.driver)]);
      await this.become(who);
      if (isLost) await this.lost(day);
      this.isNew = false;
    }
    this.nameRemoved(day);
    this.day = day;
    this.etag = etag;
    await this.store.set("day", { day, etag, at: Date.now(), language: this.language });
    this.queue.kick();
  }

  /** Gives the stops that left the route the address under which the driver knew them. */
  nameRemoved(day) {
    const before = { ...(this.day?.removed_places ?? {}) };
    for (const stop of this.day?.stops ?? []) before[stop.order] = stop.address;
    const removed = day.changes?.removed ?? [];
    day.removed_places = Object.fromEntries(
      removed.filter((order) => before[order]).map((order) => [order, before[order]]),
    );
  }

  /** The storage was empty though the phone is logged in: what was not sent is gone, so the driver checks. */
  async lost(day) {
    const open = (day.stops ?? []).filter((stop) => !stop.outcome).map((stop) => stop.order);
    const begun = day.run && day.run.state !== "before";
    if (begun && open.length) await this.keep("lost", { at: Date.now(), orders: open });
  }

  /** Tries refused acts again, as after a repair of the server. */
  async again() {
    await this.store.settle(
      this.refused.filter((act) => !act.answered_at).map((act) => ({ ...act, state: "waiting", problem: null })),
    );
    await this.read();
    this.queue.kick();
  }

  /** Removes a refused act that the server has told to the dispatcher. */
  async remove(act) {
    await this.store.forget([act.seq]);
    await this.read();
  }

  /** The dispatcher has logged this phone out: its addresses go at once. What is not sent stays for a new log-in. */
  async forgetDay() {
    if (!this.store || !this.day) return;
    await this.store.drop("day", "proofs");
    await this.dropDrafts();
    Object.assign(this, { day: null, today: null, etag: "" });
    this.dispatchEvent(new Event("revoked"));
  }

  /** Deletes pictures that no act names. */
  async dropDrafts() {
    const drafts = (await this.store.photos()).filter((photo) => photo.state === "draft");
    if (drafts.length) await this.store.dropPhotos(drafts.map((photo) => photo.sha256));
  }

  /** Logs out: the addresses are deleted at once; acts that are not sent stay and are sent first. */
  async leave() {
    await this.store.drop("day", "ticked", "told", "lost", "outcomes", "proofs");
    await this.dropDrafts();
    await this.phone.set("who", { driver: this.who.driver, device: this.who.device, isLeaving: true });
    Object.assign(this, { isLeaving: true, day: null, today: null, etag: "", kept: {} });
    this.changed();
    await this.queue.kick();
  }

  async endDevice() {
    try {
      await this.client.post(this.urls.logout, {});
    } catch (fault) {
      if (fault.kind !== "signed_out") return; // it is asked again at the next start
    }
    await this.phone.drop("who");
    this.queue?.end();
    this.uploads?.end();
    Object.assign(this, { who: null, isLeaving: false, isSignedOut: true, acts: [] });
    this.changed();
  }
}
