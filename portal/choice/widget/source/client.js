// The calls of the checkout API. The key is public: it keeps places, and it promises nothing.

const TIMEOUT_MS = 25_000;
const RETRIES = 2;

/** A refusal or failure: a sentence for the shopper, a code for the shop's script. */
class PickerError extends Error {
  constructor(detail, { code = "failed", status = 0, data = {}, again = false, fields = [] } = {}) {
    super(detail);
    this.name = "PickerError";
    Object.assign(this, { code, status, data, again, fields });
  }
}

class Client {
  constructor({ key, language, say }) {
    this.key = key;
    this.language = language;
    this.say = say;
  }

  open(question, signal) {
    return this.call("POST", "delivery-options/", question, signal);
  }

  read(session, signal) {
    return this.call("GET", `delivery-options/${encodeURIComponent(session)}/`, null, signal);
  }

  change(session, basket, signal) {
    return this.call("PATCH", `delivery-options/${encodeURIComponent(session)}/`, basket, signal);
  }

  hold(session, offer, handover, signal) {
    const body = handover ? { session, offer, handover } : { session, offer };
    return this.call("POST", "holds/", body, signal);
  }

  release(hold, signal) {
    return this.call("DELETE", `holds/${encodeURIComponent(hold)}/`, null, signal);
  }

  choose(hold, priceMinor, signal) {
    return this.call("POST", "choices/", { hold, price_minor: priceMinor }, signal);
  }

  forget(choice, signal) {
    return this.call("DELETE", `choices/${encodeURIComponent(choice)}/`, null, signal);
  }

  /** Call the API. A call that got no answer is repeated with the same Idempotency-Key. */
  async call(method, path, body, signal) {
    const headers = {
      Accept: "application/json",
      "Accept-Language": this.language,
      Authorization: `Bearer ${this.key}`,
    };
    if (body) headers["Content-Type"] = "application/json";
    if (method !== "GET") headers["Idempotency-Key"] = idempotencyKey();
    for (let attempt = 0; ; attempt += 1) {
      const answer = await this.send(path, { method, headers, body: body && JSON.stringify(body) }, signal);
      if (answer.ok) return answer.status === 204 ? {} : answer.json();
      const error = await this.errorOf(answer);
      if (!error.again || attempt >= RETRIES) throw error;
      await pause(waitOf(answer, attempt), signal);
    }
  }

  async send(path, options, signal) {
    for (let attempt = 0; ; attempt += 1) {
      const limit = AbortSignal.timeout(TIMEOUT_MS);
      try {
        return await fetch(`${HOST}/api/v1/${path}`, {
          ...options,
          mode: "cors",
          credentials: "omit",
          cache: "no-store",
          referrerPolicy: "no-referrer",
          signal: signal ? AbortSignal.any([signal, limit]) : limit,
        });
      } catch (cause) {
        if (signal?.aborted) throw cause;
        if (attempt >= RETRIES) {
          throw new PickerError(this.say("no_connection"), { code: "no_connection", again: true });
        }
        await pause(waitOf(null, attempt), signal);
      }
    }
  }

  async errorOf(answer) {
    const again = [409, 429, 502, 503, 504].includes(answer.status);
    let problem = {};
    try {
      problem = await answer.json();
    } catch {
      // an answer of a proxy, without a problem document
    }
    const fields = Array.isArray(problem.errors) ? problem.errors : [];
    const field = fields.length === 1 ? fields[0].detail : "";
    return new PickerError(field || problem.detail || this.say("failed"), {
      code: problem.code ?? "failed",
      status: answer.status,
      data: problem,
      again: again && (answer.status !== 409 || RETRYABLE.includes(problem.code)),
      fields,
    });
  }
}

// Conflicts that another try solves: the same call still runs, or another call was first.
const RETRYABLE = ["idempotency_running", "session_changed"];

function idempotencyKey() {
  if (crypto.randomUUID) return crypto.randomUUID();
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function waitOf(answer, attempt) {
  const seconds = Number(answer?.headers.get("Retry-After"));
  return Number.isFinite(seconds) && seconds > 0 ? Math.min(seconds, 10) * 1000 : 400 * 3 ** attempt;
}

function pause(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, milliseconds);
    signal?.addEventListener("abort", stop, { once: true });
  });
}
