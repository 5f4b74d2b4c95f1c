/* Sends where the phone is while its driver is at work.
 *
 * A position is kept in IndexedDB before it is sent, in a database of its own for each driver, so that it survives a
 * dead zone and never delays an act. The oldest ones are given up when there are too many. Positions wait until the
 * acts are sent, because the act that begins the shift makes them count. Nothing is measured before or after the shift.
 */
import { Fault } from "./client.js";
import { uuid } from "./phone.js";

export const MOST_KEPT = 5_000; // a shift of ten hours has about 3,000
export const BATCH = 100; // the server takes at most 200
const EVERY_MS = 15_000;
const MOVED_EVERY_MS = 10_000; // a moving van gives a position this often
const STILL_EVERY_MS = 60_000; // a van that waits gives one this often
const MOVED_M = 15;
const AT_WORK = new Set(["loading", "on_road", "back"]);
const EARTH_M = 6_371_009;
const PERMISSION_DENIED = 1; // GeolocationPositionError

/** Returns true if a measured place adds something to the last one that was kept. */
export function isWorthKeeping(place, last) {
  if (!last) return true;
  const elapsed = Date.parse(place.at) - Date.parse(last.at);
  if (elapsed >= STILL_EVERY_MS || elapsed < 0) return true; // the clock of the phone went back
  return elapsed >= MOVED_EVERY_MS && metres(place, last) >= MOVED_M;
}

/** Returns a measured place as the server reads it; what the phone does not know is null. */
export function asPosition({ coords, timestamp }) {
  return {
    id: uuid(),
    at: new Date(timestamp).toISOString(),
    lat: coords.latitude,
    lon: coords.longitude,
    accuracy_m: known(coords.accuracy),
    speed_mps: known(coords.speed),
    heading_deg: known(coords.heading),
  };
}

export class Positions {
  /** ``session`` says who works; ``places`` is the phone's geolocation, which tests replace. */
  constructor({ session, url, places = navigator.geolocation, onChange = () => {} }) {
    Object.assign(this, { session, url, places, onChange });
    Object.assign(this, { watch: null, driver: "", last: null, store: null, timer: 0, sending: null });
    this.isDenied = false;
  }

  /** Begins or ends to measure, as the state of the day says. Call it after every change of the session. */
  follow() {
    const { today, who, isLeaving } = this.session;
    const driver = who && !isLeaving ? who.driver : "";
    if (driver !== this.driver) this.become(driver);
    const isAtWork = Boolean(driver) && AT_WORK.has(today?.run.state);
    if (isAtWork && this.watch === null) this.begin();
    if (!isAtWork && this.watch !== null) this.end();
  }

  /** Opens the positions of a driver. Those of another driver stay until that driver logs in again. */
  become(driver) {
    this.end();
    clearInterval(this.timer);
    this.store?.close();
    Object.assign(this, { driver, last: null, store: driver ? new PositionStore(driver) : null });
    if (driver) this.timer = setInterval(() => this.send(), EVERY_MS);
  }

  begin() {
    if (!this.places) return;
    this.watch = this.places.watchPosition(
      (place) => this.measured(place),
      (fault) => this.failed(fault),
      { enableHighAccuracy: true, maximumAge: 5_000, timeout: 60_000 },
    );
  }

  end() {
    if (this.watch !== null) this.places.clearWatch(this.watch);
    this.watch = null;
    this.setDenied(false);
  }

  async measured(place) {
    this.setDenied(false);
    const position = asPosition(place);
    if (!isWorthKeeping(position, this.last)) return;
    this.last = position;
    try {
      await this.store.add(position);
    } catch (fault) {
      console.error("A position was not kept.", fault);
    }
  }

  /** A refused permission is shown; a lost signal is normal and the phone goes on by itself. */
  failed(fault) {
    if (fault.code === PERMISSION_DENIED) this.setDenied(true);
  }

  setDenied(isDenied) {
    if (isDenied === this.isDenied) return;
    this.isDenied = isDenied;
    this.onChange();
  }

  /** Sends what is kept, one batch after the other; calls in the meantime join the running one. */
  send() {
    this.sending ??= this.drain().finally(() => {
      this.sending = null;
    });
    return this.sending;
  }

  async drain() {
    const { store, driver } = this;
    while (store && store === this.store && !this.session.isSignedOut && !this.session.waiting.length) {
      const rows = await store.first(BATCH);
      if (!rows.length) return;
      try {
        const positions = rows.map(({ position }) => position);
        await this.session.client.post(this.url, { driver, sent_at: new Date().toISOString(), positions });
      } catch (fault) {
        // A batch that the server cannot read will never be taken; everything else is sent again later.
        if (!(fault instanceof Fault) || fault.kind !== "refused") return;
        console.error("The server refused a batch of positions.", fault);
      }
      await store.forget(rows.map(({ seq }) => seq));
    }
  }
}

/** The positions of one driver that are not sent yet, in the order of time. */
export class PositionStore {
  constructor(driver) {
    this.name = `lastmile-positions-${driver}`;
    this.db = null;
  }

  open() {
    this.db ??= new Promise((resolve, reject) => {
      const request = indexedDB.open(this.name, 1);
      request.onupgradeneeded = () =>
        request.result.createObjectStore("positions", { keyPath: "seq", autoIncrement: true });
      request.onerror = () => reject(request.error);
      request.onsuccess = () => {
        request.result.onclose = () => {
          this.db = null;
        };
        resolve(request.result);
      };
    }).catch((fault) => {
      this.db = null;
      throw fault;
    });
    return this.db;
  }

  close() {
    this.db?.then((db) => db.close()).catch(() => {});
    this.db = null;
  }

  async run(mode, act) {
    const tx = (await this.open()).transaction("positions", mode);
    return new Promise((resolve, reject) => {
      let request = null;
      tx.oncomplete = () => resolve(request?.result);
      tx.onabort = () => reject(tx.error);
      request = act(tx.objectStore("positions"));
    });
  }

  /** Keeps a position; the oldest one is given up when there are too many. */
  async add(position, most = MOST_KEPT) {
    await this.run("readwrite", (rows) => {
      rows.add({ position });
      rows.count().onsuccess = ({ target }) => {
        const surplus = target.result - most;
        if (surplus <= 0) return;
        rows.getAllKeys(null, surplus).onsuccess = (oldest) => {
          for (const seq of oldest.target.result) rows.delete(seq);
        };
      };
    });
  }

  /** Returns the oldest rows {seq, position}. */
  first(most) {
    return this.run("readonly", (rows) => rows.getAll(null, most));
  }

  forget(seqs) {
    return this.run("readwrite", (rows) => {
      for (const seq of seqs) rows.delete(seq);
    });
  }
}

function known(value) {
  return Number.isFinite(value) && value >= 0 ? value : null;
}

function metres(a, b) {
  const radians = Math.PI / 180;
  const x = (b.lon - a.lon) * radians * Math.cos(((a.lat + b.lat) / 2) * radians);
  const y = (b.lat - a.lat) * radians;
  return Math.hypot(x, y) * EARTH_M;
}
