/* What the driver must know on every screen: a changed plan, an ended log-in, something that was not kept. */
import { button, h, link, notice } from "../dom.js";
import { t, tn } from "../words.js";

export function banners(app) {
  const { session } = app;
  const { today, kept } = session;
  return [
    app.fault &&
      notice(
        "failed",
        "octagon-x",
        [h("strong", null, app.fault.title), app.fault.detail],
        button(t("close"), () => app.closeFault(), { key: "close-fault" }),
      ),
    session.isSignedOut && session.who && signedOut(app),
    kept.lost && lost(app, kept.lost),
    app.positions?.isDenied && notice("risk", "map-pin", [h("strong", null, t("no_position")), t("no_position_how")]),
    today?.changes && changed(app, today),
    app.isUpdateReady &&
      notice(
        "",
        "refresh-cw",
        t("new_version"),
        button(t("reload"), () => location.reload(), { symbol: "refresh-cw", key: "reload" }),
      ),
  ].filter(Boolean);
}

function signedOut(app) {
  const { waiting } = app.session;
  const words = [
    h("strong", null, t("logged_out")),
    waiting.length ? tn("logged_out_unsent", waiting.length) : t("logged_out_how"),
  ];
  return notice("risk", "log-in", words, link(t("log_in"), app.urls.login, { symbol: "log-in", key: "log-in" }));
}

function lost(app, { orders }) {
  return notice(
    "risk",
    "triangle-alert",
    [h("strong", null, t("storage_lost")), tn("storage_lost_how", orders.length)],
    button(t("got_it"), () => app.keep("lost", null), { key: "lost" }),
  );
}

function nameOf(order, today) {
  const stop = today.stops.find((each) => each.order === order);
  return stop?.address || today.removed_places?.[order] || t("a_stop");
}

function changed(app, today) {
  const { changes } = today;
  const groups = [
    ["plan_added", changes.added],
    ["plan_removed", changes.removed],
    ["plan_moved", changes.moved],
  ].filter(([, stops]) => stops?.length);
  const lists = groups.map(([key, stops]) =>
    h(
      "div",
      null,
      h("strong", null, tn(key, stops.length)),
      h(
        "ul",
        null,
        stops.map((one) => h("li", null, nameOf(one, today))),
      ),
    ),
  );
  const confirm = () => app.did("plan_confirmed", t("did_confirmed"), { data: { number: changes.to } });
  return notice(
    "risk",
    "route",
    [h("strong", null, t("plan_changed")), ...lists],
    button(t("got_it"), confirm, { kind: "primary", symbol: "check", key: "confirm-plan" }),
  );
}
