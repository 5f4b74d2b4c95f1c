/* The scan: the camera, the system's own camera, and typing. Each finishes it without leaving the screen. */
import { visitNumber } from "../day.js";
import { button, h, icon, notice } from "../dom.js";
import { matchLabel } from "../labels.js";
import { Camera, codesInPicture, signOf } from "../scanner.js";
import { number, t } from "../words.js";

const SAME_AGAIN_MS = 2_500; // the camera sees one label many times

/** Returns what a code says among the stops of a scan: {parcel, stop}, or {title, detail} why it is not taken.
 *
 * ``stops`` are the stops of this scan; a parcel of another stop, or of another route, is named. ``isAgain`` asks for a
 * second read by a reader that keeps separators.
 */
export async function readScan(app, stops, code, { keepsSeparators = false, isCamera = false } = {}) {
  const { today } = app.session;
  const here = parcelIn(stops, code, keepsSeparators);
  if (here.parcel) return here;
  if (here.fault === "two_ways" && isCamera && !keepsSeparators) return { isAgain: true };
  if (here.fault !== "unknown") return { title: t(`scan_${here.fault}`), detail: t(`scan_${here.fault}_how`) };
  const { parcel, stop } = parcelIn(today.stops, code, keepsSeparators);
  if (parcel) {
    const n = number(visitNumber(today, stop));
    return { title: t("scan_other_stop", { parcel: nameOfParcel(parcel), n }), detail: stop.address };
  }
  return elsewhere(app, code, keepsSeparators);
}

export function nameOfParcel(parcel) {
  return parcel.name || parcel.external_id || parcel.barcode || parcel.id; // a day kept before an update has no name
}

function parcelIn(stops, code, keepsSeparators) {
  const parcels = stops.flatMap((stop) => stop.parcels ?? []);
  const { parcel, fault } = matchLabel(code, parcels, { keepsSeparators });
  return { parcel, fault, stop: parcel && stops.find((stop) => stop.parcels?.includes(parcel)) };
}

/** Asks the server where a parcel that is not on this route belongs; without a network it says only that. */
async function elsewhere(app, code, keepsSeparators) {
  const unknown = { title: t("scan_unknown"), detail: t("scan_unknown_how") };
  try {
    const body = { code, keeps_separators: keepsSeparators };
    const { order, vehicle } = await app.session.client.post(app.urls.labels, body);
    if (!order) return unknown;
    return {
      title: t("scan_not_here", { order }),
      detail: vehicle ? t("scan_other_vehicle", { vehicle }) : t("scan_no_vehicle"),
    };
  } catch {
    return unknown;
  }
}

/** Opens the scan. ``take(code, {keepsSeparators, isCamera})`` resolves to {isTaken, title, detail, isAgain}. */
export function openScan({ heading, take, isMany = false }) {
  const video = h("video", { class: "driver-video", playsinline: true, muted: true });
  const result = h("div", { role: "status", class: "driver-scanned" });
  const trouble = h("div", { class: "stack", role: "status" });
  const box = h("input", { id: "scan-code", class: "input", type: "text", maxlength: 120, autocomplete: "off" });
  box.setAttribute("dir", "ltr");
  box.setAttribute("data-key", "scan-code");
  const picture = h("input", { type: "file", accept: "image/*", capture: "environment", class: "hide-visually" });
  let last = { code: "", at: 0 };

  function say(tone, symbol, { title, detail = "" }) {
    result.replaceChildren(notice(tone, symbol, [h("strong", null, title), detail].filter(Boolean)));
  }

  async function use(code, options = {}) {
    const answer = await take(code, options);
    if (answer.isAgain) return true;
    navigator.vibrate?.(answer.isTaken ? 60 : [60, 60, 60]);
    if (answer.isTaken && !isMany) close();
    else say(answer.isTaken ? "ok" : "failed", answer.isTaken ? "circle-check" : "circle-x", answer);
    return false;
  }

  const camera = new Camera({
    video,
    async onCode(code, options) {
      const isSame = code === last.code && performance.now() - last.at < SAME_AGAIN_MS;
      last = { code, at: performance.now() };
      return isSame ? false : use(code, { ...options, isCamera: true });
    },
    onPicture(isThere) {
      video.hidden = !isThere;
      trouble.replaceChildren(
        ...(isThere
          ? []
          : [
              notice("risk", "triangle-alert", [h("strong", null, t("scan_no_camera")), t("scan_no_camera_how")]),
              button(t("try_again"), () => camera.start(), { symbol: "refresh-cw", key: "scan-again" }),
            ]),
      );
    },
    onNoReader() {
      video.hidden = true;
      trouble.replaceChildren(notice("risk", "triangle-alert", t("scan_no_reader")));
    },
  });

  picture.addEventListener("change", async () => {
    const [file] = picture.files;
    if (!file) return;
    try {
      const [found] = await codesInPicture(file);
      if (found) await use(found.code, found);
      else say("failed", "circle-x", { title: t("scan_no_code"), detail: t("scan_no_code_how") });
    } catch (fault) {
      console.warn("A picture was not read.", fault);
      say("failed", "circle-x", { title: t("scan_no_code"), detail: t("scan_no_code_how") });
    }
    picture.value = "";
  });
  async function typed() {
    if (!box.value.trim()) {
      box.focus();
      return;
    }
    await use(box.value);
    box.select();
  }
  box.addEventListener("keydown", (event) => {
    if (event.key === "Enter") {
      event.preventDefault();
      typed();
    } else if (event.ctrlKey && signOf(event)) {
      event.preventDefault();
      box.setRangeText(signOf(event), box.selectionStart, box.selectionEnd, "end");
    }
  });

  function close() {
    camera.stop();
    dialog.close();
    dialog.remove();
  }
  const dialog = h(
    "dialog",
    { class: "driver-scan", "aria-labelledby": "scan-heading" },
    h(
      "div",
      { class: "stack" },
      h("h2", { id: "scan-heading" }, heading),
      video,
      trouble,
      result,
      h("label", { class: "button" }, icon("maximize"), t("scan_system_camera"), picture),
      h("div", { class: "field" }, h("label", { for: "scan-code" }, t("scan_type")), box),
      h(
        "div",
        { class: "driver-pair" },
        button(isMany ? t("scan_done") : t("close"), close, { symbol: isMany ? "check" : "x", key: "scan-close" }),
        button(t("scan_take"), typed, { symbol: "check", kind: "primary", key: "scan-take" }),
      ),
    ),
  );
  dialog.addEventListener("cancel", (event) => {
    event.preventDefault();
    close();
  });
  addEventListener("hashchange", close, { once: true });
  document.body.append(dialog);
  dialog.showModal();
  dialog.focus();
  camera.start();
  return close;
}
