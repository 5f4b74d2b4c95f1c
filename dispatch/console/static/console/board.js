/* The board: ties list, map and live frames together. The server renders; this only points and asks again. */
import { followActs, followList } from "./board/list.js";
import { boardMap } from "./board/map.js";
import { followNews } from "./board/news.js";

export function mount(frame) {
  const stop = new AbortController();
  const board = () => document.getElementById("board");
  const desk = {
    frame,
    board,
    listen: (target, kind, act, more = {}) => target.addEventListener(kind, act, { signal: stop.signal, ...more }),
    refresh: () => window.htmx.trigger(board(), "board:refresh"),
    drawer(order) {
      const url = board().dataset.orderUrl.replace(frame.dataset.anOrder, order);
      window.htmx.ajax("GET", url, { target: "#drawer-body", swap: "innerHTML" });
    },
  };
  const map = boardMap(desk);
  followList(desk, map);
  followActs(desk, map);
  const leave = followNews(desk);
  performance.mark("board:list");
  map.start();
  return () => {
    leave();
    stop.abort();
  };
}
