/* The board's live side: what others did to the day's plans, and whether this page still hears of it. */
import { toast } from "../../js/frame.js";
import { live, WHO } from "../../js/live.js";

const AWAY_AFTER_MS = 5000; // a shorter interruption is not worth a word
const planning = () => document.querySelector("#board-job[hx-get]"); // shown while a job of this day runs
const fill = (text, values) => text.replace(/%\((\w+)\)s/g, (_, name) => values[name]);

/* A frame can be here before the answer to our own act: it waits for that, then it is compared. */
function afterOwnActs(listen, act) {
  let acting = 0;
  const waiting = [];
  listen(document, "htmx:beforeRequest", ({ detail }) => {
    if (detail.requestConfig.verb === "post") acting += 1;
  });
  listen(document, "htmx:afterRequest", ({ detail }) => {
    if (detail.requestConfig.verb !== "post") return;
    acting -= 1;
    if (!acting) setTimeout(() => waiting.splice(0).forEach(take), 50);
  });
  function take(data) {
    if (acting) waiting.push(data);
    else act(data);
  }
  return take;
}

/* Says once that updates are interrupted, and once that they are back. */
function connectionWords(frame) {
  const words = frame.dataset;
  let away = false;
  let overdue = 0;
  return (state, { code }) => {
    frame.dataset.live = String(state === "live");
    clearTimeout(overdue);
    if (state === "live" && away) {
      away = false;
      toast(words.saidBack);
    } else if (state === "lost" && !away) {
      overdue = setTimeout(() => {
        away = frame.isConnected;
        if (away) toast(words.saidAway);
      }, AWAY_AFTER_MS);
    } else if (state === "closed") {
      const signIn = { label: words.saidSignIn, act: () => location.reload() };
      toast(code === WHO ? words.saidSignedOut : words.saidEnded, { seconds: 60, undo: code === WHO ? signIn : null });
    }
  };
}

export function followNews({ frame, board, listen, refresh }) {
  const words = frame.dataset;
  const lead = (plan) => location.assign(`${words.day}?plan=${plan}`);

  function behind(plans) {
    const { plan, version } = board().dataset;
    const mine = plans.find((one) => one.plan === plan);
    return plan ? !mine || mine.version > Number(version) : plans.length > 0;
  }
  const tell = afterOwnActs(listen, (data) => {
    const { plan, version } = board().dataset;
    const name = data.actor_name || words.saidSomebody;
    if (data.plan === plan) {
      if (data.version <= Number(version)) return;
      refresh();
      toast(fill(words.saidChanged, { name }));
    } else if (!plan) {
      location.assign(words.day);
    } else if (data.act === "drafted" && data.actor === words.member && planning()) {
      lead(data.plan); // what this person asked for here and waits for
    } else if (data.act === "drafted" || data.act === "published") {
      const said = data.act === "published" ? words.saidPublished : words.saidDrafted;
      const show = { label: words.saidShow, act: () => lead(data.plan) };
      toast(fill(said, { name, number: data.number }), { seconds: 20, undo: show });
      refresh();
    }
  });
  return live(words.socket, {
    seq: Number(board().dataset.revision),
    onSnapshot(data, { seq, before }) {
      if (seq > before && behind(data.plans)) refresh();
    },
    onDelta(type, data) {
      if (type === "plan") tell(data);
      else if (type === "job" && !planning()) refresh();
    },
    onState: connectionWords(frame),
  });
}
