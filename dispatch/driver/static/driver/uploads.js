/* Sends the photos of acts that the server has: by their hash, in pieces, going on where the line was cut.
 *
 * A photo is "draft" until an act names it, then "waiting" until the server has all of it; then it is deleted here. A
 * photo that is already there costs one request without a body. After a failure it tries again by itself.
 */
import { Fault } from "./client.js";

const PIECE_BYTES = 256 * 1024;
const FIRST_WAIT_MS = 1_500;
const LONGEST_WAIT_MS = 60_000;
const DRAFT_LIVES_MS = 7 * 24 * 3600 * 1000;

export class Uploads {
  /** ``client`` has ``photo(sha256)`` and ``putPiece(...)``. ``onChange`` is called when a photo has arrived. */
  constructor({ store, client, onChange = () => {} }) {
    Object.assign(this, { store, client, onChange, running: null, timer: 0, isEnded: false });
    this.wait = FIRST_WAIT_MS;
    this.isAsked = false;
  }

  end() {
    this.isEnded = true;
    clearTimeout(this.timer);
  }

  /** Sends what waits; a call while it runs makes it look again. */
  run() {
    clearTimeout(this.timer);
    this.isAsked = true;
    this.running ??= this.all().finally(() => {
      this.running = null;
    });
    return this.running;
  }

  async all() {
    while (this.isAsked && !this.isEnded) {
      this.isAsked = false;
      try {
        for (const photo of await this.sendable()) {
          await this.send(photo);
          this.wait = FIRST_WAIT_MS;
        }
      } catch (fault) {
        if (!(fault instanceof Fault)) console.error("A photo was not sent.", fault);
        if (fault.kind === "signed_out" || fault.kind === "other_driver") return;
        this.later();
        return;
      }
    }
  }

  /** Returns the photos whose acts the server has answered, the oldest first. */
  async sendable() {
    const acts = await this.store.acts();
    const open = acts.filter((act) => act.state === "waiting").flatMap((act) => act.data?.proofs ?? []);
    const notYet = new Set(open.map((proof) => proof.sha256));
    const photos = await this.store.photos();
    return photos.filter((photo) => photo.state === "waiting" && !notYet.has(photo.sha256)).sort((a, b) => a.at - b.at);
  }

  async send({ sha256 }) {
    const { bytes } = await this.store.photo(sha256);
    let status = await this.client.photo(sha256);
    while (status && !status.complete && !this.isEnded) {
      const piece = bytes.slice(status.received, status.received + PIECE_BYTES);
      const before = status.received;
      status = await this.client.putPiece(sha256, { piece, start: before, size: bytes.byteLength });
      if (status && !status.complete && status.received <= before) throw new Fault("failed");
    }
    // null: no act that the server accepted names this photo, so nobody waits for it.
    if (!status || status.complete) {
      await this.store.dropPhotos([sha256]);
      this.onChange();
    }
  }

  later() {
    if (this.isEnded) return;
    this.timer = setTimeout(() => this.run(), this.wait * (0.7 + Math.random() * 0.6));
    this.wait = Math.min(this.wait * 2, LONGEST_WAIT_MS);
  }

  /** Deletes photos that were taken and never used. */
  async tidy() {
    const photos = await this.store.photos();
    const old = photos.filter((photo) => photo.state === "draft" && Date.now() - photo.at > DRAFT_LIVES_MS);
    if (old.length) await this.store.dropPhotos(old.map((photo) => photo.sha256));
  }
}
