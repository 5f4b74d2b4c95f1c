/* The one live client: connects, takes a snapshot and then deltas, notices gaps and silence, comes back by itself.
 *
 * Frames are {type, seq, retailer, data}. The first is a snapshot; each numbered frame after it adds one. A jump is a
 * gap: the client asks for a snapshot and keeps what comes in between. A frame without a number (seq null) is handed
 * on as it is. Closed by code: 4401 who are you, 4403 not allowed, 4404 unknown, 4409 superseded end it for good;
 * 4429 too many waits longest; anything else (the network, a restart) is tried again with growing waits.
 *
 *   const stop = live(el.dataset.socket, {
 *     seq: 7,                                what the page shows already; null where it shows nothing
 *     onSnapshot(data, {seq, before}) {},    before: the number known until now
 *     onDelta(type, data, {seq}) {},
 *     onState(state, {code}) {},             "live" | "lost" (tries again) | "closed" (for good)
 *   });
 *   stop();
 */
export const WHO = 4401;
export const NOT_ALLOWED = 4403;
export const UNKNOWN = 4404;
export const SUPERSEDED = 4409;
export const TOO_MANY = 4429;
const FINAL = new Set([WHO, NOT_ALLOWED, UNKNOWN, SUPERSEDED]);
const LOST = 1006; // as browsers say it of a connection that broke
const FIRST_WAIT_MS = 500; // doubles with each try, and up to a third is added by chance
const LONGEST_WAIT_MS = 30_000;
const SILENCE_MS = 25_000; // after so long without a frame the client asks
const ANSWER_MS = 10_000; // after so long without an answer it gives the connection up

/** Starts the client; returns the function that ends it. */
export function live(path, { seq = null, onSnapshot = () => {}, onDelta = () => {}, onState = () => {} }) {
  const line = new Line(path, new Frames(seq, onSnapshot, onDelta), onState);
  line.connect();
  return () => line.stop();
}

/** The whole address of a websocket of this host. */
export function addressOf(path) {
  const url = new URL(path, location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url.href;
}

/** Puts frames in order: what is known, what is kept until a snapshot comes, what is handed on. */
class Frames {
  constructor(seq, onSnapshot, onDelta) {
    Object.assign(this, { known: seq, kept: [], awaited: true, onSnapshot, onDelta });
  }

  /** A new connection begins with a snapshot unasked. */
  begin() {
    this.kept = [];
    this.awaited = true;
  }

  /** Takes a frame; returns whether a snapshot has to be asked for. */
  take(frame) {
    const { type, seq, data } = frame;
    if (type === "snapshot") return this.catchUp(seq, data);
    if (seq == null) {
      if (type !== "pong") this.onDelta(type, data, { seq: null });
    } else if (this.awaited) {
      this.kept.push(frame);
    } else if (this.known != null && seq > this.known + 1) {
      this.kept.push(frame);
      this.awaited = true; // once, until the answer is here
      return true;
    } else if (this.known == null || seq > this.known) {
      this.known = seq;
      this.onDelta(type, data, { seq });
    } // else: the snapshot held it already
    return false;
  }

  catchUp(seq, data) {
    const before = this.known;
    this.known = seq;
    this.awaited = false;
    this.onSnapshot(data, { seq, before });
    const kept = this.kept.splice(0).sort((a, b) => a.seq - b.seq);
    return kept.map((one) => this.take(one)).some(Boolean);
  }
}

/** Keeps a connection: opens it, notices silence, waits longer with each try, ends where the server says so. */
class Line {
  constructor(path, frames, onState) {
    Object.assign(this, { path, frames, onState, socket: null, state: "", wait: FIRST_WAIT_MS, stopped: false });
    this.ending = new AbortController();
    const again = () => this.hurry();
    addEventListener("online", again, { signal: this.ending.signal });
    document.addEventListener("visibilitychange", again, { signal: this.ending.signal });
  }

  connect() {
    clearTimeout(this.retry);
    if (this.stopped || this.socket) return;
    const socket = new WebSocket(addressOf(this.path));
    this.socket = socket;
    this.frames.begin();
    this.listen();
    socket.addEventListener("message", ({ data }) => socket === this.socket && this.heard(JSON.parse(data)));
    socket.addEventListener("close", ({ code }) => socket === this.socket && this.closed(code));
  }

  heard(frame) {
    this.listen();
    if (frame.type === "snapshot") {
      this.wait = FIRST_WAIT_MS; // not before: a refusal comes after the connection is open
      this.tell("live");
    }
    if (this.frames.take(frame)) this.say("snapshot");
  }

  say(type) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify({ type }));
  }

  tell(state, code = 0) {
    if (this.state === state) return;
    this.state = state;
    this.onState(state, { code });
  }

  /** A connection that is silent may never say that it broke. */
  listen() {
    clearTimeout(this.quiet);
    this.quiet = setTimeout(() => {
      this.say("ping");
      this.quiet = setTimeout(() => this.drop(), ANSWER_MS);
    }, SILENCE_MS);
  }

  drop() {
    const socket = this.socket;
    this.closed(LOST);
    socket?.close();
  }

  closed(code) {
    clearTimeout(this.quiet);
    this.socket = null;
    if (this.stopped) return;
    if (FINAL.has(code)) {
      this.stop();
      this.tell("closed", code);
      return;
    }
    this.held = code === TOO_MANY;
    if (this.held) this.wait = LONGEST_WAIT_MS;
    this.tell("lost", code);
    clearTimeout(this.retry);
    this.retry = setTimeout(() => this.connect(), this.wait * (1 + Math.random() / 3));
    this.wait = Math.min(this.wait * 2, LONGEST_WAIT_MS);
  }

  /** The network is back, or somebody looks again: do not wait for the next turn. */
  hurry() {
    if (document.visibilityState === "visible" && this.state === "lost" && !this.held) this.connect();
  }

  stop() {
    this.stopped = true;
    clearTimeout(this.retry);
    clearTimeout(this.quiet);
    this.ending.abort();
    this.socket?.close();
  }
}
