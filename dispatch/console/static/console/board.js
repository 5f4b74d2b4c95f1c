/* The board: connects the list, the map and the live updates. The server renders the list; this script reloads it. */
import { followActs, followList } from "./board/list.js";
import { boardMap } from "./board/map.js";
import { followUpdates } from "./board/updates.js";

export function mount(frame) {
  const stop = new AbortController();
  const board = () => document.getElementById("board");
  const context = {
    frame,
    board,
    listen: (target, kind, act, more = {}) => target.addEventListener(kind, act, { signal: stop.signal, ...more }),
    refresh: () => window.htmx.trigger(board(), "board:refresh"),
    drawer(order) {
      const url = board().dataset.orderUrl.replace(frame.dataset.anOrder, order);
      window.htmx.ajax("GET", url, { target: "#drawer-body", swap: "innerHTML" });
    },
  };
  const map = boardMap(context);
  followList(context, map);
  followActs(context, map);
  const disconnect = followUpdates(context, map);
  performance.mark("board:list");
  map.start();
  return () => {
    disconnect();
    stop.abort();
  };
}
