/* Live progress of the routes: the server writes the words, this script asks for those that changed. Only the places of
 * the progress are replaced, so that the selection, the focus and the scroll position stay. */

const GATHER_MS = 300; // a phone that was offline sends many acts at once
const AGAIN_MS = 60_000; // lateness grows also while nothing happens

export function followProgress({ frame, board }, map) {
  const shifts = new Set();
  let everything = false;
  let timer = 0;

  function ask() {
    timer = 0;
    const address = board()?.dataset.progress;
    const asked = new URLSearchParams();
    if (!everything) for (const shift of shifts) asked.append("shift", shift);
    for (const details of frame.querySelectorAll(".route > details[open]"))
      asked.append("open", details.parentElement.dataset.route);
    everything = false;
    shifts.clear();
    if (!address) return;
    const how = { source: frame, target: frame, swap: "none" };
    window.htmx.ajax("GET", `${address}?${asked}`, how).then(() => map.states());
  }
  function soon() {
    timer ||= setTimeout(ask, GATHER_MS);
  }
  const again = setInterval(() => document.visibilityState === "visible" && all(), AGAIN_MS);
  function all() {
    everything = true;
    soon();
  }
  return {
    all,
    tell({ shift }) {
      if (!frame.querySelector(`.route[data-shift="${CSS.escape(shift)}"]`)) return;
      shifts.add(shift);
      soon();
    },
    stop() {
      clearInterval(again);
      clearTimeout(timer);
    },
  };
}
