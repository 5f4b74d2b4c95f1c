/* Loads one widget for each element that asks: <div data-module="console/board"> -> static/console/board.js.
 *
 * A widget exports mount(el) and may return a function that undoes it. htmx swaps are followed: what
 * comes in is mounted, what goes out is unmounted. A widget that fails says so in the console and
 * leaves the server-rendered content as it was: every page works without scripts.
 */
const NAME = /^[a-z][a-z-]*\/[a-z][a-z-]*$/; // module/widget
const mounted = new WeakMap();

async function mountOne(el) {
  if (mounted.has(el)) return;
  mounted.set(el, null);
  const name = el.dataset.module;
  try {
    if (!NAME.test(name)) throw new Error(`${name} is not of the form module/widget`);
    const widget = await import(`../${name}.js`);
    if (el.isConnected) mounted.set(el, (await widget.mount(el)) ?? null);
  } catch (error) {
    console.error(`Widget "${name}" could not start; the page keeps its plain form.`, error);
    el.dispatchEvent(new CustomEvent("module:failed", { bubbles: true, detail: { name, error } }));
  }
}

function each(root, act) {
  if (root.matches?.("[data-module]")) act(root);
  root.querySelectorAll?.("[data-module]").forEach(act);
}

document.documentElement.classList.add("js");
each(document, mountOne);
document.addEventListener("htmx:load", (event) => each(event.detail.elt, mountOne));
document.addEventListener("htmx:beforeCleanupElement", (event) => {
  mounted.get(event.detail.elt)?.();
  mounted.delete(event.detail.elt);
});
