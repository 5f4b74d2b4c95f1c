/* The websocket client of all pages. It receives a snapshot and then deltas, detects gaps and silence, and reconnects.
 *
 * Frames are {type, seq, retailer, data}. The first frame is a snapshot; in each later frame seq grows by one. If seq
 * jumps, frames were lost: the client asks for a new snapshot and keeps the frames that arrive in the meantime. A frame
 * without a number (seq null) is passed on at once. After close codes 4401 not authenticated, 4403 not allowed,
 * 4404 unknown and 4409 superseded the client stops. After 4429 too many it waits longest. After any other end
 * (network, restart) it reconnects with growing delays.
 *
 *   const stop = live(el.dataset.socket, {
 *     seq: 7,                                number of the state that the page shows already, or null
 *     onSnapshot(data, {seq, before}) {},    before: the number before this snapshot
 *     onDelta(type, data, {seq}) {},
 *     onState(state, {code}) {},             "live" | "lost" (reconnects) | "closed" (final)
 *     lookEveryMs: 60_000,                   asks for a snapshot so often, for frames without numbers
 *   });
 *   stop();
 */
export const WHO = 4401;
export const NOT_ALLOWED = 4403;
export const UNKNOWN = 4404;
export const SUPERSEDED = 4409;
export const TOO_MANY = 4429;
const FINAL = new Set([WHO, NOT_ALLOWED, UNKNOWN, SUPERSEDED]);
const LOST = 1006; // the browsers' close code for a broken connection
const FIRST_WAIT_MS = 500; // doubles with each attempt; a random part of up to a third is added
const LONGEST_WAIT_MS = 30_000;
const SILENCE_MS = 25_000; // without a frame for this time the client sends a ping
const ANSWER_MS = 10_000; // without an answer for this time it drops the connection
const AWAKE_MS = 2000; // the same when a page becomes visible again: its connection may have died in its sleep

/** Starts the client; returns the function that ends it. */
export function live(path, options) {
  const { seq = null, onSnapshot = () => {}, onDelta = () => {}, onState = () => {}, lookEveryMs = 0 } = options;
  const line = new Line(path, new Frames(seq, onSnapshot, onDelta), onState);
  line.connect();
  if (lookEveryMs) line.lookEvery(lookEveryMs);
  return () => line.stop();
}

/** Returns the full URL of a websocket on this host. */
export function addressOf(path) {
  const url = new URL(path, location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url.href;
}

/** Passes frames on in order; keeps frames that arrive before the snapshot that it waits for. */
class Frames {
  constructor(seq, onSnapshot, onDelta) {
    Object.assign(this, { known: seq, kept: [], awaited: true, onSnapshot, onDelta });
  }

  /** Prepares for a new connection: the server sends a snapshot first. */
  begin() {
    this.kept = [];
    this.awaited = true;
  }

  /** Handles a frame; returns true if the client must ask for a snapshot. */
  take(frame) {
    const { type, seq, data } = frame;
    if (type === "snapshot") return this.catchUp(seq, data);
    if (seq == null) {
      if (type !== "pong") this.onDelta(type, data, { seq: null });
    } else if (this.awaited) {
      this.kept.push(frame);
    } else if (this.known != null && seq > this.known + 1) {
      this.kept.push(frame);
      this.awaited = true; // ask only once until the answer arrives
      return true;
    } else if (this.known == null || seq > this.known) {
      this.known = seq;
      this.onDelta(type, data, { seq });
    } // else: the snapshot contains it already
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

/** A connection that detects silence and reconnects with growing delays, until a final close code. */
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
      this.wait = FIRST_WAIT_MS; // only now: the server may refuse after the connection is open
      this.tell("live");
    }
    if (this.frames.take(frame)) this.say("snapshot");
  }

  /** Starts to ask for the present state regularly, for pages whose frames have no numbers. */
  lookEvery(ms) {
    const timer = setInterval(() => this.state === "live" && this.look(), ms);
    this.ending.signal.addEventListener("abort", () => clearInterval(timer));
  }

  say(type) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify({ type }));
  }

  tell(state, code = 0) {
    if (this.state === state) return;
    this.state = state;
    this.onState(state, { code });
  }

  /** Starts the timers that detect a broken connection by its silence. */
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

  /** Reconnects at once, or checks the connection, when the network is back or the page becomes visible. */
  hurry() {
    if (document.visibilityState !== "visible") return;
    if (this.state === "lost" && !this.held) this.connect();
    else if (this.state === "live") this.look(AWAKE_MS);
  }

  /** Asks for the present state; drops the connection if no answer comes. */
  look(withinMs = ANSWER_MS) {
    this.say("snapshot");
    clearTimeout(this.quiet);
    this.quiet = setTimeout(() => this.drop(), withinMs);
  }

  stop() {
    this.stopped = true;
    clearTimeout(this.retry);
    clearTimeout(this.quiet);
    this.ending.abort();
    this.socket?.close();
  }
}
