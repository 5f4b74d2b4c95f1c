/* What the phone keeps, in IndexedDB: one database for the phone and one for each driver who used it.
 *
 * ``acts`` holds what a driver did, in the order of the taps (``seq``). An act is "waiting" until the server has
 * answered, then "sent" until a newer day contains it, or "refused" until the driver has read why. ``kept`` holds the
 * driver's day and small values by name. ``photos`` holds the bytes of pictures until the server has them. Every write is over only when the browser has committed it: before that no
 * screen says "done".
 */
const PHONE = "lastmile-driver";
const VERSION = 2;
const LAST = Number.MAX_SAFE_INTEGER;

/** The phone did not keep something: its storage is full or refused. */
export class NotKept extends Error {
  constructor(cause) {
    super("The phone did not keep this.", { cause });
    this.name = "NotKept";
    this.isFull = cause?.name === "QuotaExceededError";
  }
}

/** Returns the storage that belongs to the phone and to no driver. */
export function phoneStore() {
  return new Store(PHONE);
}

/** Returns the storage of one driver; drivers who share a phone never see each other's. */
export function driverStore(driver) {
  return new Store(`${PHONE}-${driver}`);
}

function prepare(db, before) {
  if (before < 2) db.createObjectStore("photos", { keyPath: "sha256" });
  if (before >= 1) return;
  const acts = db.createObjectStore("acts", { keyPath: "seq", autoIncrement: true });
  acts.createIndex("id", "id", { unique: true });
  acts.createIndex("state", ["state", "seq"]);
  db.createObjectStore("kept");
}

export class Store {
  constructor(name) {
    this.name = name;
    this.db = null;
    this.adding = Promise.resolve(); // acts are added one after the other, so that their order is that of the taps
  }

  open() {
    this.db ??= new Promise((resolve, reject) => {
      const request = indexedDB.open(this.name, VERSION);
      request.onupgradeneeded = (event) => prepare(request.result, event.oldVersion);
      request.onerror = () => reject(request.error);
      request.onsuccess = () => {
        const db = request.result;
        db.onclose = () => {
          this.db = null; // the system took the connection away; the next call opens it again
        };
        db.onversionchange = () => this.close();
        resolve(db);
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

  /** Runs ``act`` in one transaction; resolves with its result after the commit. */
  async run(mode, act) {
    let tx;
    try {
      tx = transactionOf(await this.open(), mode);
    } catch (fault) {
      if (fault?.name !== "InvalidStateError") throw fault;
      this.db = null; // a closed connection: open a new one, once
      tx = transactionOf(await this.open(), mode);
    }
    return new Promise((resolve, reject) => {
      let request = null;
      tx.oncomplete = () => resolve(request?.result);
      tx.onabort = () => reject(tx.error ?? new DOMException("The phone ended the write.", "AbortError"));
      try {
        request = act(tx.objectStore("acts"), tx.objectStore("kept"), tx.objectStore("photos"));
      } catch (fault) {
        tx.onabort = null;
        tx.abort();
        reject(fault);
      }
    });
  }

  async write(act) {
    try {
      return await this.run("readwrite", act);
    } catch (fault) {
      throw new NotKept(fault);
    }
  }

  /** Keeps an act behind all acts before it, and marks the photos that it names. Raises NotKept. */
  add(act) {
    const adding = this.adding.then(() =>
      this.write((acts, _kept, photos) => {
        for (const { sha256 } of act.data?.proofs ?? []) if (sha256) markWaiting(photos, sha256);
        return acts.add({ ...act, state: "waiting" });
      }),
    );
    this.adding = adding.catch(() => {});
    return adding;
  }

  /** Returns the next acts that the server has not answered, in the order of the taps. */
  waiting(most) {
    const range = IDBKeyRange.bound(["waiting", 0], ["waiting", LAST]);
    return this.run("readonly", (acts) => acts.index("state").getAll(range, most));
  }

  /** Returns all acts on the phone, in the order of the taps. */
  acts() {
    return this.run("readonly", (acts) => acts.getAll());
  }

  /** Writes what the server answered: a list of acts with their new state. */
  settle(answered) {
    return this.write((acts) => {
      for (const act of answered) acts.put(act);
    });
  }

  /** Removes acts that are no longer needed. */
  forget(seqs) {
    return this.write((acts) => {
      for (const seq of seqs) acts.delete(seq);
    });
  }

  /** Keeps a picture as bytes. Raises NotKept. */
  addPhoto(photo) {
    return this.write((_acts, _kept, photos) => photos.put(photo));
  }

  photo(sha256) {
    return this.run("readonly", (_acts, _kept, photos) => photos.get(sha256));
  }

  photos() {
    return this.run("readonly", (_acts, _kept, photos) => photos.getAll());
  }

  dropPhotos(hashes) {
    return this.write((_acts, _kept, photos) => {
      for (const sha256 of hashes) photos.delete(sha256);
    });
  }

  get(name) {
    return this.run("readonly", (_acts, kept) => kept.get(name));
  }

  set(name, value) {
    return this.write((_acts, kept) => kept.put(value, name));
  }

  drop(...names) {
    return this.write((_acts, kept) => {
      for (const name of names) kept.delete(name);
    });
  }
}

function markWaiting(photos, sha256) {
  const asked = photos.get(sha256);
  asked.onsuccess = () => {
    if (asked.result) photos.put({ ...asked.result, state: "waiting" });
  };
}

function transactionOf(db, mode) {
  return db.transaction(["acts", "kept", "photos"], mode, { durability: mode === "readwrite" ? "strict" : "relaxed" });
}
