/* The proof at a door: photo, signature, name, PIN, scan and age check, on the screen of the stop. */
import { button, h, icon, link, notice, status } from "../dom.js";
import { bytesOf, keepPicture, lacking, parcelsHere, shrunk, Unreadable } from "../proof.js";
import { number, t } from "../words.js";
import { nameOfParcel, openScan, readScan } from "./scan.js";

const PAD = { width: 800, height: 320, ink: 5 };
const LEAST_INK = 0.0012; // share of dark pixels; less is a slip of the finger

/** Returns the card that asks for the proof of a stop, or nothing. */
export function proofCard(app, stop) {
  const proofs = app.proofsOf(stop.order);
  const kinds = stop.outcome ? laterKinds(stop) : stop.proof;
  if (!kinds?.length || !stop.arrived_at) return null;
  return h(
    "section",
    { class: "card driver-proof" },
    h("h2", null, stop.outcome ? t("proof_later") : t("proof")),
    kinds.map((kind) => FORMS[kind]?.(app, stop, proofs)),
    stop.outcome &&
      proofs.length > 0 &&
      button(t("proof_send"), () => app.addLater(stop), { kind: "primary", symbol: "send", key: "proof-send" }),
  );
}

/** Returns the kinds of proof that a delivery lacks and that can still be given after it. */
function laterKinds(stop) {
  const isOver = stop.outcome === "delivered" || stop.outcome === "picked_up";
  return isOver ? lacking(stop, []).filter((kind) => kind !== "pin") : [];
}

function done(word) {
  return h("p", null, status("ok", "circle-check", word));
}

/** Returns the form that takes photos; those of a defect have an order of that name. */
export function photo(app, stop, proofs) {
  const photos = proofs.filter((proof) => proof.kind === "photo");
  const input = h("input", {
    type: "file",
    accept: "image/*",
    capture: "environment",
    class: "hide-visually",
    "data-key": "photo",
  });
  input.addEventListener("change", () => input.files[0] && takePhoto(app, stop, input.files[0]));
  return h(
    "div",
    { class: "stack" },
    photos.length > 0 && done(t("photo_kept", { n: number(photos.length) })),
    h("label", { class: "button" }, icon("plus"), photos.length ? t("photo_more") : t("photo_take"), input),
  );
}

async function takePhoto(app, stop, file) {
  if (!globalThis.crypto?.subtle) {
    app.say(t("photo_not_kept"), t("not_secure"));
    return;
  }
  try {
    const bytes = await shrunk(file);
    await app.addProof(stop.order, await keepPicture(app.session.store, { kind: "photo", order: stop.order, bytes }));
  } catch (fault) {
    console.error("A photo was not kept.", fault);
    const why =
      fault instanceof Unreadable ? t("photo_unreadable") : fault.isFull ? t("not_kept_full") : t("photo_again");
    app.say(t("photo_not_kept"), why);
  }
}

function signature(app, stop, proofs) {
  if (proofs.some((proof) => proof.kind === "signature")) return done(t("signature_kept"));
  const strokes = app.strokes.get(stop.order) ?? [];
  app.strokes.set(stop.order, strokes);
  const canvas = h("canvas", { class: "driver-pad", width: PAD.width, height: PAD.height, "aria-hidden": "true" });
  draw(canvas, strokes);
  listen(app, canvas, strokes);
  const clear = () => {
    strokes.length = 0;
    draw(canvas, strokes);
  };
  return h(
    "div",
    { class: "stack" },
    h("p", null, t("sign_here")),
    canvas,
    h(
      "div",
      { class: "driver-pair" },
      button(t("clear"), clear, { key: "clear-pad" }),
      button(t("keep_signature"), () => keepSignature(app, stop, canvas, strokes), {
        symbol: "check",
        key: "keep-pad",
      }),
    ),
    !stop.proof.includes("name") && name(app, stop, proofs, t("sign_or_name")),
  );
}

/** Draws with a finger, a pen or a mouse. The strokes are kept as numbers, so turning the phone loses none. */
function listen(app, canvas, strokes) {
  let stroke = null;
  const point = (event) => {
    const box = canvas.getBoundingClientRect();
    return [
      ((event.clientX - box.left) / box.width) * PAD.width,
      ((event.clientY - box.top) / box.height) * PAD.height,
    ];
  };
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    stroke = [point(event)];
    strokes.push(stroke);
    app.isDrawing = true; // the view is not drawn again under the finger
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!stroke) return;
    stroke.push(point(event));
    draw(canvas, strokes);
  });
  for (const name of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(name, () => {
      stroke = null;
      app.isDrawing = false;
    });
  }
}

function draw(canvas, strokes) {
  const ink = canvas.getContext("2d");
  ink.fillStyle = "#fff";
  ink.fillRect(0, 0, PAD.width, PAD.height);
  Object.assign(ink, { strokeStyle: "#000", lineWidth: PAD.ink, lineCap: "round", lineJoin: "round" });
  for (const [first, ...rest] of strokes) {
    ink.beginPath();
    ink.moveTo(...first);
    for (const next of rest) ink.lineTo(...next);
    ink.stroke();
  }
}

/** Returns the share of dark pixels of the picture itself, as the server measures it. */
function inkOf(canvas) {
  const { data } = canvas.getContext("2d").getImageData(0, 0, PAD.width, PAD.height);
  let dark = 0;
  for (let n = 0; n < data.length; n += 4) if (data[n] < 128) dark += 1;
  return dark / (PAD.width * PAD.height);
}

async function keepSignature(app, stop, canvas, strokes) {
  draw(canvas, strokes); // a browser may have emptied the pad meanwhile, the strokes are still there
  if (inkOf(canvas) < LEAST_INK) {
    app.say(t("signature_empty"), t("sign_here"));
    return;
  }
  try {
    const bytes = await bytesOf(canvas, "image/png");
    const proof = await keepPicture(app.session.store, { kind: "signature", order: stop.order, bytes });
    app.strokes.delete(stop.order);
    await app.addProof(stop.order, proof);
  } catch (fault) {
    console.error("A signature was not kept.", fault);
    app.say(t("signature_not_kept"), fault.isFull ? t("not_kept_full") : t("photo_again"));
  }
}

function name(app, stop, proofs, label = t("receiver")) {
  const known = proofs.find((proof) => proof.kind === "name");
  if (known) return done([t("receiver"), known.text].filter(Boolean).join(": "));
  const key = `name-${stop.order}`;
  const input = field(app, key, { maxlength: 120, autocomplete: "off" });
  const keep = (how) => async () => {
    const text = input.value.trim();
    if (!text) {
      input.focus();
      return;
    }
    app.drafts.delete(key);
    await app.addProof(stop.order, { kind: "name", text, how });
  };
  return h(
    "div",
    { class: "stack" },
    h("div", { class: "field" }, h("label", { for: key }, label), input),
    h(
      "div",
      { class: "driver-pair" },
      button(t("name_keep"), keep("typed"), { symbol: "check", key: "name-keep" }),
      button(t("name_neighbour"), keep("neighbour"), { key: "name-neighbour" }),
    ),
  );
}

function pin(app, stop, proofs) {
  if (proofs.some((proof) => proof.kind === "pin")) return done(t("pin_kept"));
  const key = `pin-${stop.order}`;
  const input = field(app, key, { maxlength: 64, autocomplete: "off", inputmode: "text", dir: "ltr" });
  async function keep() {
    const text = input.value.trim();
    if (!text) {
      input.focus();
      return;
    }
    app.drafts.delete(key);
    await app.addProof(stop.order, { kind: "pin", text });
  }
  return h(
    "div",
    { class: "stack" },
    h("div", { class: "field" }, h("label", { for: key }, t("pin_ask")), input),
    button(t("pin_keep"), keep, { symbol: "check", key: "pin-keep" }),
  );
}

function age(app, stop, proofs) {
  const checked = proofs.find((proof) => proof.kind === "age");
  if (checked?.how === "pass") return done(t("age_passed"));
  return h(
    "div",
    { class: "stack" },
    checked && notice("failed", "circle-x", t("age_failed")),
    h("p", null, t("age_ask", { age: number(stop.age_check) })),
    h(
      "div",
      { class: "driver-pair" },
      button(t("age_no"), () => app.addProof(stop.order, { kind: "age", how: "fail" }), { key: "age-no" }),
      button(t("age_yes"), () => app.addProof(stop.order, { kind: "age", how: "pass" }), {
        symbol: "check",
        key: "age-yes",
      }),
    ),
  );
}

function scan(app, stop, proofs) {
  const scanned = proofs.find((proof) => proof.kind === "scan")?.parcels ?? [];
  const all = parcelsHere(stop).length;
  const count = { n: number(scanned.length), all: number(all) };
  const open = () =>
    openScan({
      heading: t("scan_parcels"),
      isMany: all > 1,
      take: (code, options) => scanAtDoor(app, stop, code, options),
    });
  return h(
    "div",
    { class: "stack" },
    scanned.length > 0 && done(t("scanned_of", count)),
    scanned.length < all &&
      button(scanned.length ? t("scan_next") : t("scan_open"), open, { symbol: "maximize", key: "scan-open" }),
  );
}

/** Takes a scan at a door, by the camera or by a scanner that types. */
export async function scanAtDoor(app, stop, code, options = {}) {
  const read = await readScan(app, [stop], code, options);
  if (!read.parcel) return { ...read, isTaken: false };
  const scanned = app.proofsOf(stop.order).find((proof) => proof.kind === "scan")?.parcels ?? [];
  const parcels = [...new Set([...scanned, read.parcel.id])];
  await app.addProof(stop.order, { kind: "scan", parcels });
  const count = { n: number(parcels.length), all: number(parcelsHere(stop).length) };
  return { isTaken: true, title: nameOfParcel(read.parcel), detail: t("scanned_of", count) };
}

function field(app, key, attributes) {
  const input = h("input", { id: key, class: "input", type: "text", "data-key": key, ...attributes });
  input.value = app.drafts.get(key) ?? "";
  input.addEventListener("input", () => app.drafts.set(key, input.value));
  return input;
}

const FORMS = { photo, signature, name, pin, age, scan };

/** The screen before a delivery without its proof: what is missing, and the two ways on. */
export function withoutView(app, order) {
  const stop = app.session.today?.stops.find((one) => one.order === order);
  const missing = stop ? lacking(stop, app.proofsOf(order)) : [];
  const isAdult = app.proofsOf(order).some((proof) => proof.kind === "age" && proof.how === "pass");
  const isStrict = stop?.age_check && !isAdult; // the law knows no delivery without the check
  const fail = () => app.ended("failed", stop, { data: { reason: "proof_missing" } });
  return {
    heading: t("proof_missing"),
    body: [
      h("h2", { class: "lead" }, t("proof_missing")),
      h(
        "ul",
        null,
        missing.map((kind) => h("li", null, t(`proof_${kind}`))),
      ),
      h("p", null, isStrict ? t("without_age") : t("without_how")),
      stop &&
        h(
          "div",
          { class: "stack" },
          button(t("not_delivered_proof"), fail, { kind: "driver-choice", symbol: "x", key: "fail-proof" }),
          !isStrict &&
            button(t("deliver_without"), () => app.deliver(stop, { isWithout: true }), {
              kind: "driver-choice",
              symbol: "triangle-alert",
              key: "without",
            }),
        ),
    ],
    actions: [link(t("back"), "#now", { kind: "primary", symbol: "arrow-left", key: "back" })],
  };
}
