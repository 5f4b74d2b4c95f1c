/* Shows the connection status as a word and an icon, first from the browser. A page may correct it:
 * document.dispatchEvent(new CustomEvent("connection", { detail: { online: false } })).
 */
export function mount(el) {
  const stop = new AbortController();
  const word = el.querySelector("[data-word]");
  function show(online) {
    const state = online ? "online" : "offline";
    if (el.dataset.state === state) return;
    el.dataset.state = state;
    word.textContent = online ? el.dataset.wordOnline : el.dataset.wordOffline;
  }
  addEventListener("online", () => show(true), { signal: stop.signal });
  addEventListener("offline", () => show(false), { signal: stop.signal });
  document.addEventListener("connection", (event) => show(event.detail.online), { signal: stop.signal });
  show(navigator.onLine);
  return () => stop.abort();
}
