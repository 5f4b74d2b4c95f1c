/* Registers a module's service worker: <body data-module="core/service-worker" data-worker="{% url … %}" data-scope="/driver/">.
 * Without a service worker the page works online only.
 */
export async function mount(el) {
  if (!("serviceWorker" in navigator)) return;
  await navigator.serviceWorker.register(el.dataset.worker, { scope: el.dataset.scope });
}
