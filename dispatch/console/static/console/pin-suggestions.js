/* A click on a suggestion fills in the coordinates, and the map follows. Without this script it is a plain link. */
export function mount(el) {
  const stop = new AbortController();
  el.addEventListener(
    "click",
    (event) => {
      const link = event.target.closest("[data-candidate]");
      if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
      const [lat, lon] = ["lat", "lon"].map((name) => el.querySelector(`#id_${name}`));
      if (!lat || !lon) return;
      event.preventDefault();
      lat.value = link.dataset.lat;
      lon.value = link.dataset.lon;
      lon.dispatchEvent(new Event("input", { bubbles: true }));
      el.querySelectorAll("[data-candidate]").forEach((one) => one.setAttribute("aria-current", String(one === link)));
    },
    { signal: stop.signal },
  );
  return () => stop.abort();
}
