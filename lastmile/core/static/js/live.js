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
export const WHO = 4401,
  NOT_ALLOWED = 4403,
  UNKNOWN = 4404,
  SUPERSEDED = 4409,
  TOO_MANY = 4429;
const FINAL = new Set([WHO, NOT_ALLOWED, UNKNOWN, SUPERSEDED]);
const FIRST_WAIT_MS = 500,
  LONGEST_WAIT_MS = 30_000; // doubles in between, plus up to a third by chance
const SILENCE_MS = 25_000,
  ANSWER_MS = 10_000; // after so long without a frame it asks; then it gives the line up

/** The whole address of a websocket of this host. */
export function addressOf(path) {
  const url = new URL(path, location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url.href;
}

export function live(path, { seq = null, onSnapshot = () => {}, onDelta = () => {}, onState = () => {} }) {
  let socket = null,
    wait = FIRST_WAIT_MS,
    retry = 0,
    quiet = 0,
    state = "",
    asked = false,
    held = false,
    stopped = false;
  let known = seq,
    kept = [];

  function tell(next, code = 0) {
    if (state === next) return;
    state = next;
    onState(next, { code });
  }
  function say(type) {
    if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ type }));
  }
  function ask() {
    // once, until the answer is here
    if (!asked) {
      asked = true;
      say("snapshot");
    }
  }
  function listen() {
    clearTimeout(quiet);
    quiet = setTimeout(() => {
      say("ping");
      quiet = setTimeout(() => drop(socket), ANSWER_MS);
    }, SILENCE_MS);
  }

  function take(frame) {
    const { type, seq: number, data } = frame;
    if (type === "snapshot") {
      const before = known;
      [known, asked, wait] = [number, false, FIRST_WAIT_MS];
      tell("live");
      onSnapshot(data, { seq: number, before });
      for (const one of kept.splice(0).sort((a, b) => a.seq - b.seq)) take(one);
    } else if (number == null) {
      if (type !== "pong") onDelta(type, data, { seq: null });
    } else if (asked) {
      kept.push(frame);
    } else if (known != null && number > known + 1) {
      kept.push(frame);
      ask();
    } else if (known == null || number > known) {
      known = number;
      onDelta(type, data, { seq: number });
    } // else: the snapshot held it already
  }

  function closed(code) {
    clearTimeout(quiet);
    socket = null;
    kept = [];
    asked = false;
    if (stopped) return;
    if (FINAL.has(code)) {
      stop();
      tell("closed", code);
      return;
    }
    held = code === TOO_MANY;
    if (held) wait = LONGEST_WAIT_MS;
    tell("lost", code);
    clearTimeout(retry);
    retry = setTimeout(connect, wait * (1 + Math.random() / 3));
    wait = Math.min(wait * 2, LONGEST_WAIT_MS);
  }
  /* A line that is silent may never say that it closed. */
  function drop(line) {
    if (!line || line !== socket) return;
    closed(1006);
    line.close();
  }
  function connect() {
    clearTimeout(retry);
    if (stopped || socket) return;
    const line = new WebSocket(addressOf(path));
    socket = line;
    asked = true; // the server begins with a snapshot unasked
    listen();
    line.addEventListener("message", (event) => {
      if (line !== socket) return;
      listen();
      take(JSON.parse(event.data));
    });
    line.addEventListener("close", ({ code }) => {
      if (line === socket) closed(code);
    });
  }
  /* The network is back, or somebody looks again: do not wait for the next turn. */
  const again = () => {
    if (document.visibilityState === "visible" && state === "lost" && !held) connect();
  };
  addEventListener("online", again);
  document.addEventListener("visibilitychange", again);

  function stop() {
    stopped = true;
    clearTimeout(retry);
    clearTimeout(quiet);
    removeEventListener("online", again);
    document.removeEventListener("visibilitychange", again);
    socket?.close();
  }
  connect();
  return stop;
}
