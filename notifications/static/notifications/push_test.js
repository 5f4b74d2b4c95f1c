// Sends a test push message to this browser, and shows what its push service answered.

const bytesOf = (key) => {
  const text = atob((key + "=".repeat((4 - (key.length % 4)) % 4)).replace(/-/g, "+").replace(/_/g, "/"));
  return Uint8Array.from(text, (c) => c.charCodeAt(0));
};

/** Waits until the worker runs. The page itself is outside its scope, so "ready" would never come. */
async function running(registration) {
  const worker = registration.installing ?? registration.waiting ?? registration.active;
  if (worker.state === "activated") return registration;
  return new Promise((resolve, reject) => {
    worker.addEventListener("statechange", () => {
      if (worker.state === "activated") resolve(registration);
      else if (worker.state === "redundant") reject(new Error("redundant"));
    });
  });
}

/** Returns a subscription of this browser with the key of the account; one with another key is replaced. */
async function subscription({ worker, scope, key }) {
  const registration = await running(await navigator.serviceWorker.register(worker, { scope }));
  const options = { userVisibleOnly: true, applicationServerKey: bytesOf(key) };
  try {
    return await registration.pushManager.subscribe(options);
  } catch (refused) {
    const other = await registration.pushManager.getSubscription();
    if (!other) throw refused;
    await other.unsubscribe();
    return registration.pushManager.subscribe(options);
  }
}

export function mount(box) {
  const { url, textUnable, textDenied, textNoService } = box.dataset;
  const button = box.querySelector("button");
  const result = box.querySelector("[data-result]");
  const token = box.querySelector("[name=csrfmiddlewaretoken]").value;
  const say = (text) => {
    const line = document.createElement("p");
    line.className = "error";
    line.textContent = text;
    result.replaceChildren(line);
  };

  const test = async () => {
    if (!("serviceWorker" in navigator) || !("PushManager" in window) || !("Notification" in window)) {
      return say(textUnable);
    }
    if ((await Notification.requestPermission()) !== "granted") return say(textDenied);
    let browser;
    try {
      browser = await subscription(box.dataset);
    } catch {
      return say(textNoService);
    }
    const body = new URLSearchParams({ subscription: JSON.stringify(browser) });
    const answer = await fetch(url, { method: "POST", body, headers: { "X-CSRFToken": token, "HX-Request": "true" } });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html"); // our own page; values are escaped
    result.replaceChildren(...page.body.childNodes);
  };
  const press = async () => {
    button.disabled = true;
    try {
      await test();
    } catch {
      say(textNoService);
    } finally {
      button.disabled = false;
    }
  };
  button.addEventListener("click", press);
  box.hidden = false;
  return () => button.removeEventListener("click", press);
}
