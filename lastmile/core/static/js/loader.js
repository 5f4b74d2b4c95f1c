/* Loads the widget of each element with data-module: <div data-module="console/board"> -> static/console/board.js.
 *
 * A widget exports mount(el), which may return a function that undoes it. After an htmx swap, new elements are
 * mounted and removed elements are unmounted. If a widget fails, the error goes to the console and the
 * server-rendered content stays: every page works without JavaScript. With data-module-after="load" a widget comes
 * after everything that the first view needs.
 */
const NAME = /^[a-z][a-z-]*\/[a-z][a-z-]*$/; // module/widget
const mounted = new WeakMap();

async function mountOne(el) {
  if (mounted.has(el)) return;
  mounted.set(el, null);
  const name = el.dataset.module;
  try {
    if (!NAME.test(name)) throw new Error(`${name} is not of the form module/widget`);
    if (el.dataset.moduleAfter === "load") await loaded();
    const widget = await import(`../${name}.js`);
    if (el.isConnected) mounted.set(el, (await widget.mount(el)) ?? null);
  } catch (error) {
    console.error(`Widget "${name}" could not start; the page keeps its plain form.`, error);
    el.dispatchEvent(new CustomEvent("module:failed", { bubbles: true, detail: { name, error } }));
  }
}

function loaded() {
  if (document.readyState === "complete") return Promise.resolve();
  return new Promise((resolve) => addEventListener("load", resolve, { once: true }));
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
