/* Scripts of every page: theme, menus, toasts with undo, failed requests, dialogs and drawers, filters. */

/* --- theme: in a cookie that the server reads, so no page flashes in the wrong theme -------- */
function theme(form) {
  form.addEventListener("submit", (event) => {
    const value = event.submitter?.value;
    if (!value) return;
    event.preventDefault();
    const secure = location.protocol === "https:" ? "; Secure" : "";
    document.cookie = `theme=${encodeURIComponent(value)}; Path=/; Max-Age=31536000; SameSite=Lax${secure}`;
    document.documentElement.dataset.theme = value;
    form
      .querySelectorAll("button[name=theme]")
      .forEach((b) => b.setAttribute("aria-pressed", String(b.value === value)));
    form.closest("details")?.removeAttribute("open");
    document.dispatchEvent(new CustomEvent("theme:changed", { detail: { theme: value } }));
  });
}
document.querySelectorAll("form[data-theme-form]").forEach(theme);

/* --- the menu of a phone shows the entry of this page ---------------------------------------- */
document.querySelector(".nav [aria-current=page]")?.scrollIntoView({ block: "nearest", inline: "center" });

/* --- menus close on Escape and on a click elsewhere ----------------------------------------- */
document.addEventListener("click", (event) => {
  document.querySelectorAll("details.menu[open]").forEach((menu) => {
    if (!menu.contains(event.target)) menu.removeAttribute("open");
  });
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const menu = document.activeElement?.closest("details.menu[open]");
  if (menu) {
    menu.removeAttribute("open");
    menu.querySelector("summary").focus();
  }
});

/* --- toasts: HX-Trigger {"toast": {text, kind, undo: {url, label}}} or toast(text, …) ------- */
const region = document.getElementById("toasts");
export function toast(text, { undo = null, seconds = 8 } = {}) {
  const box = document.getElementById("toast-template").content.firstElementChild.cloneNode(true);
  box.querySelector("p").textContent = text;
  const button = box.querySelector("[data-undo]");
  const gone = () => box.remove();
  if (undo) {
    button.hidden = false;
    if (undo.label) button.lastElementChild.textContent = undo.label;
    button.addEventListener("click", () => {
      gone();
      if (typeof undo.act === "function") undo.act();
      else window.htmx?.ajax("POST", undo.url, { swap: "none" });
    });
  }
  box.querySelector("[data-close]").addEventListener("click", gone);
  // The timer stops while the pointer or the focus is on the toast (WCAG 2.2.1).
  let timer = setTimeout(gone, seconds * 1000);
  const hold = () => clearTimeout(timer);
  const go = () => {
    clearTimeout(timer);
    timer = setTimeout(gone, seconds * 1000);
  };
  box.addEventListener("pointerenter", hold);
  box.addEventListener("focusin", hold);
  box.addEventListener("pointerleave", go);
  box.addEventListener("focusout", go);
  region.append(box);
}
document.addEventListener("toast", (event) => {
  const detail = event.detail ?? {};
  const text = typeof detail === "string" ? detail : (detail.value ?? detail.text);
  if (text) toast(text, { undo: detail.undo ?? null });
});
region
  ?.querySelectorAll(".toast [data-close]")
  .forEach((b) => b.addEventListener("click", () => b.closest(".toast").remove()));

/* --- failed requests show a toast; the user's input stays ----------------------------------- */
document.addEventListener("htmx:responseError", (event) => {
  const { xhr } = event.detail;
  let text = region.dataset.failed;
  try {
    text = JSON.parse(xhr.responseText).detail || text;
  } catch {
    /* not a problem document */
  }
  if (!xhr.getResponseHeader("HX-Trigger")?.includes("toast")) toast(text, { seconds: 12 });
});
document.addEventListener("htmx:sendError", () => toast(region.dataset.offline, { seconds: 12 }));

/* --- dialogs and drawers: data-opens="id", data-closes; data-auto-open opens after htmx ------ */
document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-opens]");
  if (opener) {
    const box = document.getElementById(opener.dataset.opens);
    if (box && !box.open) {
      event.preventDefault();
      box.showModal();
    }
  }
  if (event.target.closest("[data-closes]")) event.target.closest("dialog")?.close();
  if (event.target instanceof HTMLDialogElement) event.target.close(); // a click on the backdrop
});
document.addEventListener("htmx:afterSwap", (event) => {
  const box = event.detail.target.closest?.("dialog[data-auto-open]");
  if (box && !box.open) box.showModal();
});

/* --- filter forms are submitted on change; without JavaScript they have a button ------------- */
document.addEventListener("change", (event) => {
  const form = event.target.closest?.("form[data-auto-submit]");
  if (form) form.requestSubmit();
});
