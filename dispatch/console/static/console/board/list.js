/* The board's list. The frame listens for all rows at once: there can be a thousand of them. */

export function followList({ frame, board, listen, drawer }, map) {
  listen(frame, "click", (event) => {
    const order = event.target.closest("[data-order]")?.dataset.order;
    const step = event.target.closest("[data-step]");
    if (event.target.closest("[data-drawer]") && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      drawer(order);
    } else if (order && step?.id)
      window.htmx.ajax("POST", board().dataset.step, { source: step, values: { order, by: step.dataset.step } });
  });
  /* A row under the pointer or with the focus is highlighted on the map. */
  for (const kind of ["pointerover", "focusin"])
    listen(frame, kind, (event) => {
      if (event.target.closest(".board-list")) map.highlight(event.target.closest("[data-order]")?.dataset.order);
    });
  listen(frame, "toggle", (event) => onToggle(event, map), { capture: true });
}

function onToggle({ target, isTrusted }, map) {
  if (!target.matches?.("[data-route-details]")) return;
  target.querySelectorAll("input[name=open]").forEach((input) => {
    input.disabled = !target.open;
  });
  const card = target.closest(".route");
  if (target.open && isTrusted && card && document.activeElement?.closest(".route") === card)
    map.choose(card.dataset.route, true);
  else if (!target.open && map.chosen === card?.dataset.route) map.choose("");
}

export function followActs({ frame, board, listen }, map) {
  /* Each change of the plan also sends the filters and the open routes, so that they stay as they are. */
  listen(document, "htmx:configRequest", ({ detail: { verb, path, formData } }) => {
    const { step, version } = board().dataset;
    if (verb !== "post" || !step || !path.startsWith(step.replace(/[^/]+\/$/, ""))) return;
    for (const name of ["open", "q", "only"]) {
      formData.delete(name);
      const inputs = frame.querySelectorAll(`.board-list [name=${name}]:not(:disabled)`);
      inputs.forEach((input) => formData.append(name, input.value));
    }
    if (!formData.has("version") && !path.includes("?")) formData.append("version", version);
  });
  listen(document, "htmx:beforeSwap", ({ detail }) => {
    if (detail.xhr.status === 409 && detail.xhr.getResponseHeader("HX-Retarget") === "#board") {
      detail.shouldSwap = true; // someone else changed the plan first: show the current plan
      detail.isError = false;
    }
  });
  listen(document, "htmx:afterSettle", ({ detail }) => {
    if (detail.target?.id !== "board" && detail.elt?.id !== "board") return;
    const drawer = document.getElementById("drawer");
    if (drawer?.open && detail.requestConfig?.verb === "post") drawer.close();
    map.choose(map.chosen && document.getElementById(map.chosen) ? map.chosen : "");
    map.draw();
  });
}
