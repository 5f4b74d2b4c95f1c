/* The button that sends an order's messages to this browser, or stops it. The page works without it. */
const bytesOf = (key) => {
  const text = atob((key + "=".repeat((4 - (key.length % 4)) % 4)).replace(/-/g, "+").replace(/_/g, "/"));
  return Uint8Array.from(text, (c) => c.charCodeAt(0));
};

export async function mount(box) {
  if (!("serviceWorker" in navigator) || !("PushManager" in window) || !("Notification" in window)) return;
  const { key, url, worker, scope, order } = box.dataset;
  const kept = `push:${order}`;
  const button = box.querySelector("button");
  const note = box.querySelector("[data-note]");
  const token = box.querySelector("[name=csrfmiddlewaretoken]").value;

  const show = (state) => {
    box.dataset.state = state;
    button.hidden = state === "denied";
    button.querySelector("[data-on]").hidden = state === "on";
    button.querySelector("[data-off]").hidden = state !== "on";
    note.textContent = note.dataset[state] ?? "";
  };
  const tell = (what, subscription) => {
    const body = new URLSearchParams({ what, subscription: JSON.stringify(subscription) });
    return fetch(url, { method: "POST", body, headers: { "X-CSRFToken": token } });
  };
  const registered = () => navigator.serviceWorker.register(worker, { scope });
  const known = async () => (await navigator.serviceWorker.getRegistration(scope))?.pushManager.getSubscription();

  const begin = async () => {
    if ((await Notification.requestPermission()) !== "granted") return show("denied");
    await registered();
    const registration = await navigator.serviceWorker.ready;
    const options = { userVisibleOnly: true, applicationServerKey: bytesOf(key) };
    let subscription = await registration.pushManager.getSubscription();
    subscription ??= await registration.pushManager.subscribe(options);
    const answer = await tell("begin", subscription);
    show(answer.ok ? "on" : "failed");
  };
  const stop = async () => {
    const subscription = await known();
    if (subscription) await tell("stop", subscription);
    localStorage.removeItem(kept);
    show("off");
  };
  const press = async () => {
    button.disabled = true;
    try {
      if (box.dataset.state === "on") await stop();
      else await begin();
      if (box.dataset.state === "on") localStorage.setItem(kept, "on");
    } catch {
      show("failed");
    } finally {
      button.disabled = false;
    }
  };

  const on = localStorage.getItem(kept) === "on" && (await known());
  show(Notification.permission === "denied" ? "denied" : on ? "on" : "off");
  box.hidden = false;
  button.addEventListener("click", press);
  return () => button.removeEventListener("click", press);
}
