/* Talks to the server. Every failure becomes a Fault with one of these kinds:
 *
 *   offline       no answer, or an answer of another server (a hotel's log-in page)
 *   failed        the server cannot do it now: it may be repeated
 *   signed_out    the device key has ended: log in again
 *   other_driver  another driver has logged in on this phone meanwhile
 *   stale         the form token is old: fetch the day, which brings a new one
 *   refused       the server will never take it as it is
 */
const WITHIN_MS = 30_000;

export class Fault extends Error {
  constructor(kind, problem = null, retryAfterMs = 0) {
    super(problem?.detail ?? kind);
    Object.assign(this, { name: "Fault", kind, problem, retryAfterMs });
  }
}

export class Client {
  /** ``urls`` are the addresses from the page; ``phone`` returns the headers that tell about this phone. */
  constructor(urls, { language = "en", phone = () => ({}), onReached = () => {} } = {}) {
    Object.assign(this, { urls, language, phone, onReached, token: "" });
  }

  /** Returns {status: 200 | 304, etag, day} of the driver who is logged in. */
  async day(etag = "") {
    const headers = { Accept: "application/json", ...this.phone() };
    if (etag) headers["If-None-Match"] = etag;
    const answer = await this.fetch(`${this.urls.day}?lang=${this.language}`, { headers });
    if (answer.status === 304) return { status: 304, etag, day: null };
    const day = await bodyOf(answer);
    if (!answer.ok) throw faultOf(answer, day);
    if (!day?.driver) throw new Fault("offline");
    this.token = day.csrf ?? this.token;
    return { status: 200, etag: answer.headers.get("ETag") ?? "", day };
  }

  /** Sends acts as the driver who did them; returns {results}. */
  acts(driver, acts) {
    return this.post(this.urls.acts, { driver, phone_at: new Date().toISOString(), acts });
  }

  /** Sends a body; with an old form token it fetches a new one, once. */
  async post(url, body) {
    try {
      return await this.postOnce(url, body);
    } catch (fault) {
      if (fault.kind !== "stale") throw fault;
      await this.day();
      return this.postOnce(url, body);
    }
  }

  async postOnce(url, body) {
    const headers = { Accept: "application/json", "Content-Type": "application/json", "X-CSRFToken": this.token };
    const answer = await this.fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
    const data = await bodyOf(answer);
    if (!answer.ok) throw faultOf(answer, data);
    if (data === null) throw new Fault("offline");
    return data;
  }

  /** Returns how much of a photo the server has: {received, complete}, or null if no act names it. */
  async photo(sha256) {
    const answer = await this.fetch(this.photoUrl(sha256), { method: "HEAD" });
    if (answer.status === 404 && answer.headers.get("Content-Type")?.includes("problem+json")) return null;
    const received = Number(answer.headers.get("Upload-Offset") ?? Number.NaN);
    if (!answer.ok) throw faultOf(answer, {});
    if (Number.isNaN(received)) throw new Fault("offline"); // an answer of another server
    return { received, complete: answer.headers.get("Upload-Complete") === "?1" };
  }

  /** Sends a piece of a photo; with an old form token it fetches a new one, once. Returns as ``photo`` does. */
  async putPiece(sha256, { piece, start, size }) {
    const send = async () => {
      const range = `bytes ${start}-${start + piece.byteLength - 1}/${size}`;
      const headers = { "Content-Type": "application/octet-stream", "Content-Range": range, "X-CSRFToken": this.token };
      const answer = await this.fetch(this.photoUrl(sha256), { method: "PUT", headers, body: piece });
      const data = await bodyOf(answer);
      if (answer.status === 404 && data) return null;
      if (!answer.ok) throw faultOf(answer, data);
      if (data === null) throw new Fault("offline");
      return data;
    };
    try {
      return await send();
    } catch (fault) {
      if (fault.kind !== "stale") throw fault;
      await this.day();
      return send();
    }
  }

  photoUrl(sha256) {
    return `${this.urls.photos}${sha256}/`;
  }

  async fetch(url, options) {
    const common = { cache: "no-store", credentials: "same-origin", redirect: "error" };
    try {
      const answer = await fetch(url, { ...common, signal: AbortSignal.timeout(WITHIN_MS), ...options });
      this.onReached(answer.status < 500);
      return answer;
    } catch {
      this.onReached(false);
      throw new Fault("offline");
    }
  }
}

/** Returns the JSON of an answer, or null if there is none. */
async function bodyOf(answer) {
  if (!answer.headers.get("Content-Type")?.includes("json")) return null;
  try {
    return await answer.json();
  } catch {
    return null; // the line broke in the middle of the body
  }
}

function faultOf(answer, problem) {
  const { status } = answer;
  const seconds = Number(answer.headers.get("Retry-After") ?? 0);
  if (status === 401) return new Fault("signed_out", problem);
  if (status === 409 && problem?.code === "other_driver") return new Fault("other_driver", problem);
  if (status === 403 && problem?.code !== "not_allowed") return new Fault("stale", problem);
  if ([400, 413, 415, 422].includes(status) && problem) return new Fault("refused", problem);
  if (problem === null && status < 500) return new Fault("offline"); // an answer of another server
  return new Fault("failed", problem, (Number.isFinite(seconds) ? seconds : 0) * 1000);
}
