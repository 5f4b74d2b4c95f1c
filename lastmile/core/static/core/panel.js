/* A panel: a fragment of another module on this page. Until it is loaded, and without JavaScript, it is a link.
 *
 * 403, 404 and 204 mean that there is nothing to show to this reader: the panel is hidden. Any other error is shown
 * inside the panel, with a button to try again; the rest of the page does not change.
 */
const NOTHING = [204, 403, 404];

export function mount(el) {
  const body = el.querySelector("[data-panel-body]");
  const failed = el.querySelector("[data-panel-failed]");
  const waiting = el.querySelector("[data-panel-waiting]");
  const stop = new AbortController();
  const listen = (kind, act) => el.addEventListener(kind, act, { signal: stop.signal });
  const isPanel = (event) => event.detail.elt === body;

  function load() {
    failed.hidden = true;
    body.replaceChildren(waiting.content.cloneNode(true));
    body.setAttribute("aria-busy", "true");
    window.htmx.trigger(body, "panel:load");
  }
  function fail(event) {
    if (!isPanel(event)) return;
    event.stopPropagation(); // no toast: the user did not start this request
    if (NOTHING.includes(event.detail.xhr?.status)) return;
    body.replaceChildren();
    failed.hidden = false;
  }
  for (const kind of ["htmx:responseError", "htmx:sendError", "htmx:timeout", "htmx:sendAbort"]) listen(kind, fail);
  listen("toast", (event) => {
    if (event.target === body) event.stopPropagation();
  }); // the panel itself shows the error
  listen("htmx:afterRequest", (event) => {
    if (!isPanel(event)) return;
    body.removeAttribute("aria-busy");
    if (NOTHING.includes(event.detail.xhr?.status)) el.hidden = true;
  });
  failed.querySelector("button").addEventListener("click", load, { signal: stop.signal });

  window.htmx.process(el); // htmx may not have processed the page yet
  load();
  return () => stop.abort();
}
