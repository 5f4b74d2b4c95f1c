/* Sends what the driver did: each act once, in the order of the taps, until nothing waits.
 *
 * One drain runs at a time on the phone, also over several tabs. It is started by a new act, by a timer, by the network
 * and by the page becoming visible; none of them is needed for another. After a failure the drain tries again by itself
 * with growing waits; it never waits for the browser to say "online". The server knows each act by its UUID, so an act
 * that is sent twice counts once.
 */
import { Fault } from "./client.js";

export const MOST = 50; // acts in one request; the server takes no more
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 30_000;
const ANSWERED = { stored: "sent", duplicate: "sent", rejected: "refused" };

/** Returns a lock for pages without navigator.locks, which browsers give only to https and localhost. */
function ownLock() {
  let last = Promise.resolve();
  return {
    request(_name, act) {
      const turn = last.then(act);
      last = turn.catch(() => {});
      return turn;
    },
  };
}

export class Queue {
  /** ``send(acts)`` returns the server's answer or throws a Fault. ``onChange`` is called after each change. */
  constructor({ store, send, onChange = () => {}, onState = () => {}, locks = navigator.locks ?? ownLock() }) {
    Object.assign(this, { store, send, onChange, onState, locks });
    this.lock = `driver-queue ${store.name}`;
    this.size = MOST;
    this.wait = FIRST_WAIT_MS;
    this.asked = null; // a drain that waits for its turn
    this.timer = 0;
    this.isEnded = false;
  }

  /** Keeps an act, then starts to send. Resolves when the phone has kept it. Raises NotKept. */
  async add(act) {
    const seq = await this.store.add(act);
    this.kick();
    return seq;
  }

  /** Starts a drain. A drain that runs already is followed by one more, however many ask for it. */
  kick() {
    clearTimeout(this.timer);
    if (this.isEnded) return Promise.resolve();
    this.asked ??= this.locks.request(this.lock, async () => {
      this.asked = null;
      if (!this.isEnded) await this.drain();
    });
    return this.asked;
  }

  /** Stops for good: another driver has logged in, or nobody. Nothing is deleted. */
  end() {
    this.isEnded = true;
    clearTimeout(this.timer);
  }

  async drain() {
    for (;;) {
      let answer;
      let acts;
      try {
        acts = await this.store.waiting(this.size);
        if (!acts.length || this.isEnded) break;
        answer = await this.send(acts);
        const answered = settled(acts, answer);
        if (!answered.length) throw new Fault("failed");
        await this.store.settle(answered);
      } catch (fault) {
        if (await this.failed(fault, acts ?? [])) continue;
        return;
      }
      this.wait = FIRST_WAIT_MS;
      this.size = MOST;
      this.onState("sending");
      this.onChange(answer);
    }
    this.wait = FIRST_WAIT_MS;
    this.onState("empty");
  }

  /** Decides what follows a failure; returns true if the drain goes on at once. */
  async failed(fault, acts) {
    const kind = fault instanceof Fault ? fault.kind : "failed";
    if (kind === "signed_out" || kind === "other_driver") {
      this.onState(kind); // every act is kept; a new log-in starts the queue again
      return false;
    }
    if (kind === "refused" && acts.length > 1) {
      this.size = Math.max(1, Math.floor(acts.length / 2)); // find the act that the server cannot read
      return true;
    }
    if (kind === "refused" && acts.length === 1) {
      this.size = MOST;
      try {
        await this.store.settle([{ ...acts[0], state: "refused", problem: fault.problem }]);
        this.onChange(null);
        return true;
      } catch {
        /* the storage failed: try again later */
      }
    }
    this.onState("waiting");
    this.later(fault.retryAfterMs ?? 0);
    return false;
  }

  later(leastMs) {
    clearTimeout(this.timer);
    if (this.isEnded) return;
    const wait = Math.max(leastMs, this.wait * (0.7 + Math.random() * 0.6));
    this.timer = setTimeout(() => this.kick(), wait);
    this.wait = Math.min(this.wait * 2, LONGEST_WAIT_MS);
  }
}

/** Returns the acts that the server has answered, with their new state. */
function settled(acts, answer) {
  const results = new Map((answer?.results ?? []).map((one) => [one.id, one]));
  const answered_at = Date.now();
  return acts.flatMap((act) => {
    const result = results.get(act.id);
    const state = ANSWERED[result?.status];
    if (!state) return [];
    return [{ ...act, state, answered_at, problem: result.problem ?? null, incident: result.incident ?? null }];
  });
}
