/* Live updates of the board: changes by other people, and the state of the connection. */
import { ageOf } from "../../js/ages.js";
import { toast } from "../../js/frame.js";
import { live, WHO } from "../../js/live.js";
import { followProgress } from "./progress.js";
import { followVehicles } from "./vehicles.js";

const NOTICE_AFTER_MS = 5000; // shorter interruptions are not reported
const UNSEEN_MS = 35_000; // a broken connection is noticed after this time at the latest
const AGE_EVERY_MS = 5000;
const planning = () => document.querySelector("#board-job[hx-get]"); // present while a job of this day runs
const fill = (text, values) => text.replace(/%\((\w+)\)s/g, (_, name) => values[name]);

/* A frame can arrive before the answer to this page's own request. It is held until the answer is there. */
function afterOwnRequests(listen, act) {
  let pending = 0;
  const waiting = [];
  listen(document, "htmx:beforeRequest", ({ detail }) => {
    if (detail.requestConfig.verb === "post") pending += 1;
  });
  listen(document, "htmx:afterRequest", ({ detail }) => {
    if (detail.requestConfig.verb !== "post") return;
    pending -= 1;
    if (!pending) setTimeout(() => waiting.splice(0).forEach(take), 50);
  });
  function take(data) {
    if (pending) waiting.push(data);
    else act(data);
  }
  return take;
}

/* Says on the page how old its content is while there is no connection. */
function staleness(frame) {
  const note = frame.querySelector("[data-part=stale]");
  const language = document.documentElement.lang || "en";
  let heard = Date.now();
  let timer = 0;
  return {
    heard() {
      heard = Date.now();
    },
    begin() {
      const since = new Date(Math.max(heard, Date.now() - UNSEEN_MS)).toISOString();
      const write = () => {
        note.textContent = fill(note.dataset.text, { age: ageOf(since, Date.now(), language) });
      };
      write();
      note.hidden = false;
      clearInterval(timer);
      timer = setInterval(write, AGE_EVERY_MS);
    },
    end() {
      clearInterval(timer);
      note.hidden = true;
    },
  };
}

/* Report an interruption once, and its end once. */
function reportConnection(frame, age) {
  const texts = frame.dataset;
  let interrupted = false;
  let timer = 0;
  return (state, { code }) => {
    frame.dataset.live = String(state === "live");
    clearTimeout(timer);
    if (state === "live") age.end();
    if (state === "live" && interrupted) {
      interrupted = false;
      toast(texts.textBack);
    } else if (state === "lost" && !interrupted) {
      timer = setTimeout(() => {
        interrupted = frame.isConnected;
        if (!interrupted) return;
        age.begin();
        toast(texts.textAway);
      }, NOTICE_AFTER_MS);
    } else if (state === "closed") {
      age.begin();
      const signIn = { label: texts.textSignIn, act: () => location.reload() };
      toast(code === WHO ? texts.textSignedOut : texts.textEnded, { seconds: 60, undo: code === WHO ? signIn : null });
    }
  };
}

export function followUpdates({ frame, board, listen, refresh }, map) {
  const texts = frame.dataset;
  const openPlan = (plan) => location.assign(`${texts.day}?plan=${plan}`);

  function isOutdated(plans) {
    const { plan, version } = board().dataset;
    const current = plans.find((one) => one.plan === plan);
    return plan ? !current || current.version > Number(version) : plans.length > 0;
  }
  const showChange = afterOwnRequests(listen, (data) => {
    const { plan, version } = board().dataset;
    const name = data.actor_name || texts.textSomeone;
    if (data.plan === plan) {
      if (data.version <= Number(version)) return;
      refresh();
      toast(fill(texts.textChanged, { name }));
    } else if (!plan) {
      location.assign(texts.day);
    } else if (data.act === "drafted" && data.actor === texts.member && planning()) {
      openPlan(data.plan); // the draft that this person requested on this page
    } else if (data.act === "drafted" || data.act === "published") {
      const text = data.act === "published" ? texts.textPublished : texts.textDrafted;
      const show = { label: texts.textShow, act: () => openPlan(data.plan) };
      toast(fill(text, { name, number: data.number }), { seconds: 20, undo: show });
      refresh();
    }
  });
  /* The server counts what this person sees. */
  const count = (what) => window.htmx.trigger(document.body, what);
  const progress = followProgress({ frame, board }, map);
  const vehicles = followVehicles({ frame, map });
  const age = staleness(frame);
  let isFirst = true;
  const disconnect = live(texts.socket, {
    seq: Number(board().dataset.revision),
    onSnapshot(data, { seq, before }) {
      age.heard();
      if (!isFirst) {
        // frames may have been lost
        count("replies");
        count("incidents");
        progress.all();
      }
      isFirst = false;
      vehicles.all(data);
      if (seq > before && isOutdated(data.plans)) refresh();
    },
    onDelta(type, data) {
      age.heard();
      if (type === "plan") showChange(data);
      else if (type === "job" && !planning()) refresh();
      else if (type === "progress") progress.tell(data);
      else if (type === "positions") vehicles.tell(data);
      else if (type === "replies" || type === "incidents") count(type);
    },
    onState: reportConnection(frame, age),
  });
  return () => {
    disconnect();
    age.end();
    progress.stop();
    vehicles.stop();
  };
}
