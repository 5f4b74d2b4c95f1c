/* A panel: a fragment of another module on this page. Until it is here, and wherever scripts are off, it is a link.
 *
 * 403, 404 and 204 mean that there is nothing for this reader: the panel goes away. Any other failure stays inside
 * the panel, with a button to try again; the rest of the page is never touched.
 */
const NOTHING = [204, 403, 404];

export function mount(el) {
  const body = el.querySelector("[data-panel-body]");
  const failed = el.querySelector("[data-panel-failed]");
  const waiting = el.querySelector("[data-panel-waiting]");
  const stop = new AbortController();
  const listen = (kind, act) => el.addEventListener(kind, act, { signal: stop.signal });
  const mine = (event) => event.detail.elt === body;

  function load() {
    failed.hidden = true;
    body.replaceChildren(waiting.content.cloneNode(true));
    body.setAttribute("aria-busy", "true");
    window.htmx.trigger(body, "panel:load");
  }
  function fail(event) {
    if (!mine(event)) return;
    event.stopPropagation(); // the frame's toast speaks of acts; nobody acted here
    if (NOTHING.includes(event.detail.xhr?.status)) return;
    body.replaceChildren();
    failed.hidden = false;
  }
  for (const kind of ["htmx:responseError", "htmx:sendError", "htmx:timeout", "htmx:sendAbort"]) listen(kind, fail);
  listen("toast", (event) => {
    if (event.target === body) event.stopPropagation();
  }); // a refusal of the panel itself
  listen("htmx:afterRequest", (event) => {
    if (!mine(event)) return;
    body.removeAttribute("aria-busy");
    if (NOTHING.includes(event.detail.xhr?.status)) el.hidden = true;
  });
  failed.querySelector("button").addEventListener("click", load, { signal: stop.signal });

  window.htmx.process(el); // htmx may not have taken the page up yet
  load();
  return () => stop.abort();
}
