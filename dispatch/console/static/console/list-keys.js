/* Keyboard keys for a list: arrows (or j, k) move between rows, "/" goes to the search field. */
export function mount(el) {
  const stop = new AbortController();
  const rows = () => [...el.querySelectorAll("[data-row]")];
  el.addEventListener(
    "keydown",
    (event) => {
      const by = { ArrowDown: 1, ArrowUp: -1, j: 1, k: -1 }[event.key];
      if (!by || event.altKey || event.ctrlKey || event.metaKey) return;
      const all = rows();
      const index = all.indexOf(event.target.closest("tr")?.querySelector("[data-row]"));
      const next = all[Math.min(all.length - 1, Math.max(0, index + by))];
      if (index < 0 || !next) return;
      event.preventDefault();
      next.focus();
      next.closest("tr").scrollIntoView({ block: "nearest" });
    },
    { signal: stop.signal },
  );
  document.addEventListener(
    "keydown",
    (event) => {
      const typing = event.target.closest("input, textarea, select, [contenteditable]");
      if (event.key !== "/" || typing || event.ctrlKey || event.metaKey) return;
      const search = document.querySelector("[data-slash]");
      if (search) {
        event.preventDefault();
        search.focus();
        search.select();
      }
    },
    { signal: stop.signal },
  );
  return () => stop.abort();
}
