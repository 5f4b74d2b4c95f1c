/* What the driver does at doors: arrive, give proof, end a visit, and put it right afterwards. The app extends it. */
import { hereNow, lacking, lookAround } from "./proof.js";
import { t } from "./words.js";

export class Doors {
  proofsOf(order) {
    return this.session.kept.proofs?.[order] ?? [];
  }

  /** Keeps a proof of a stop until its delivery; of all kinds but photos only the last one counts. */
  async addProof(order, proof) {
    const others = this.proofsOf(order).filter((one) => one.kind === "photo" || one.kind !== proof.kind);
    this.fault = null;
    await this.keep("proofs", { ...(this.session.kept.proofs ?? {}), [order]: [...others, proof] });
    this.draw({ isForced: true });
  }

  arrived(stop) {
    if (stop.proof?.length) lookAround();
    return this.did("arrived", "", { order: stop.order });
  }

  /** Delivers with the proofs; when one is missing, asks first. */
  deliver(stop, { isWithout = false } = {}) {
    const proofs = this.proofsOf(stop.order);
    const isAgeFailed = proofs.some((proof) => proof.kind === "age" && proof.how === "fail");
    if (!isWithout && (lacking(stop, proofs).length || isAgeFailed)) {
      location.hash = `#without/${stop.order}`;
      return;
    }
    const data = { ...hereNow() };
    if (stop.handover?.kind) data.handover = stop.handover.kind;
    if (proofs.length) data.proofs = proofs;
    this.ended(stop.direction === "return" ? "picked_up" : "delivered", stop, { data });
  }

  /** Ends a visit, and goes on to the next stop. */
  async ended(kind, stop, { data }) {
    if (!(await this.did(kind, t(`did_${kind}`), { order: stop.order, data }))) return;
    await this.keep("outcomes", { ...(this.session.kept.outcomes ?? {}), [stop.order]: this.lastAct.id });
    await this.used(stop);
    this.codes.delete(stop.order);
    this.strokes.delete(stop.order);
    location.hash = "#now";
    this.draw({ isMove: true });
  }

  /** Gives proofs of a delivery that is over. */
  async addLater(stop) {
    const data = { ...hereNow(), proofs: this.proofsOf(stop.order) };
    if (await this.did("proof_added", t("did_proof_added"), { order: stop.order, data })) await this.used(stop);
  }

  /** The proofs of a stop are in an act now. */
  async used(stop) {
    const { [stop.order]: _used, ...proofs } = this.session.kept.proofs ?? {};
    await this.keep("proofs", proofs);
    this.draw({ isForced: true });
  }

  async corrected(stop, outcome, reason = "") {
    const data = { outcome };
    if (reason) data.reason = reason;
    const of = this.session.kept.outcomes?.[stop.order];
    if (of) data.of = of;
    if (await this.did("corrected", t("did_corrected"), { order: stop.order, data }))
      location.hash = `#stop/${stop.order}`;
  }
}
