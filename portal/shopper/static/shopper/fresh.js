/* Back can show a page of an earlier state from the browser's memory. Then it is hidden and loaded again, so that
   nobody presses a button of that state. */
export function mount() {
  const hide = () => document.documentElement.classList.add("stale");
  const renew = (event) => {
    if (event.persisted) location.reload();
    else document.documentElement.classList.remove("stale");
  };
  window.addEventListener("pagehide", hide);
  window.addEventListener("pageshow", renew);
  return () => {
    window.removeEventListener("pagehide", hide);
    window.removeEventListener("pageshow", renew);
  };
}
