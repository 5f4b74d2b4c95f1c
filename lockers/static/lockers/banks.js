/* The map of banks: a click on a bank opens its page. The list has the same links. */
export function mount(el) {
  const stop = new AbortController();
  el.addEventListener(
    "map:select",
    (event) => {
      const { kind, id } = event.detail;
      const link = document.getElementById(`bank-${id}`);
      if (kind === "stop" && id) location.href = link?.href ?? `${location.pathname}${id}/`;
    },
    { signal: stop.signal },
  );
  return () => stop.abort();
}
