/* Reads codes with the camera: the browser's own reader where it knows our kinds, else the vendored one.
 *
 * The vendored reader is loaded with the first scan, and the service worker then keeps it. It gives every separator of
 * a GS1 label; a browser's own reader may drop them.
 */
const KINDS = ["qr_code", "data_matrix", "code_128"];
const VENDOR = "../vendor/zxing-wasm-3.1.3/";
/** What a scan needs beside the app; the app loads it while there is a network, so that it is here without one. */
export const SCANNER_FILES = ["es/reader/index.js", "es/share.js", "reader/zxing_reader.wasm"].map(
  (name) => new URL(VENDOR + name, import.meta.url).pathname,
);
const OPTIONS = { formats: ["QRCode", "DataMatrix", "Code128"], textMode: "Plain", maxNumberOfSymbols: 4 };
const LONGEST_SIDE = { video: 1_280, picture: 2_000 };
const WITHIN_MS = 3_000; // no picture after this time: the driver is offered other ways
const BETWEEN_MS = 60;
const BLACK = 10; // brightest value, of 255, up to which a picture is black

let vendored = null;

/** Returns the vendored reader: a function of ImageData. */
function vendoredReader() {
  vendored ??= import("../vendor/zxing-wasm-3.1.3/es/reader/index.js").then(async (zxing) => {
    const locateFile = (name) => new URL(`${VENDOR}reader/${name}`, import.meta.url).href;
    await zxing.prepareZXingModule({ overrides: { locateFile }, fireImmediately: true });
    return async (pixels, isThorough) => {
      const found = await zxing.readBarcodes(pixels, { ...OPTIONS, tryHarder: isThorough, tryRotate: true });
      return found
        .filter((one) => one.isValid && one.text)
        .map((one) => ({ code: one.symbologyIdentifier + one.text, keepsSeparators: true }));
    };
  });
  vendored.catch(() => {
    vendored = null; // without a network: the next scan tries again
  });
  return vendored;
}

/** Returns the browser's own reader, or null if it does not know all our kinds. */
async function ownReader() {
  try {
    const known = await BarcodeDetector.getSupportedFormats();
    if (!KINDS.every((kind) => known.includes(kind))) return null;
    const detector = new BarcodeDetector({ formats: KINDS });
    return async (pixels) =>
      (await detector.detect(pixels)).map((one) => ({ code: one.rawValue, keepsSeparators: false }));
  } catch {
    return null;
  }
}

function pixelsOf(source, width, height, longest) {
  const scale = Math.min(1, longest / Math.max(width, height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  const brush = canvas.getContext("2d", { willReadFrequently: true });
  brush.drawImage(source, 0, 0, canvas.width, canvas.height);
  return brush.getImageData(0, 0, canvas.width, canvas.height);
}

function isBlack({ data }) {
  const step = 4 * Math.max(1, Math.floor(data.length / 4 / 500));
  for (let at = 0; at < data.length; at += step) {
    if (data[at] > BLACK || data[at + 1] > BLACK || data[at + 2] > BLACK) return false;
  }
  return true;
}

/** Returns the codes in a picture that the system's own camera took. Raises if it is no picture. */
export async function codesInPicture(file) {
  const bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
  const pixels = pixelsOf(bitmap, bitmap.width, bitmap.height, LONGEST_SIDE.picture);
  bitmap.close();
  return (await vendoredReader())(pixels, true);
}

/** The camera of a scan. ``onPicture(true)`` when a picture comes, ``onPicture(false)`` when none comes in time. */
export class Camera {
  /** ``onCode(code, {keepsSeparators})`` resolves to true when a read is to be repeated with the vendored reader. */
  constructor({ video, onCode, onPicture, onNoReader }) {
    Object.assign(this, { video, onCode, onPicture, onNoReader, turn: 0, stream: null, timer: 0 });
  }

  /** Asks for the camera, again if it was asked before. */
  async start() {
    this.stop();
    const turn = this.turn;
    this.timer = setTimeout(() => this.onPicture(false), WITHIN_MS);
    try {
      const video = { facingMode: "environment", width: { ideal: 1_280 }, height: { ideal: 720 } };
      const stream = await navigator.mediaDevices.getUserMedia({ video });
      if (turn !== this.turn) {
        end(stream);
        return;
      }
      this.stream = stream;
      this.video.srcObject = stream;
      await this.video.play();
      await this.read(turn);
    } catch (fault) {
      if (turn !== this.turn) return;
      console.warn("The camera gives no picture.", fault);
      clearTimeout(this.timer);
      this.onPicture(false);
    }
  }

  async read(turn) {
    const own = await ownReader();
    let read = own;
    let hasPicture = false;
    while (turn === this.turn) {
      const { video } = this;
      const isReady = video.readyState >= 2 && video.videoWidth > 0;
      const pixels = isReady ? pixelsOf(video, video.videoWidth, video.videoHeight, LONGEST_SIDE.video) : null;
      if (pixels && !isBlack(pixels)) {
        if (!hasPicture) {
          clearTimeout(this.timer);
          this.onPicture(true);
          hasPicture = true;
        }
        read ??= await vendoredReader().catch((fault) => {
          console.warn("The reader could not be loaded.", fault);
          this.onNoReader();
          return null;
        });
        if (!read) return;
        const [found] = await read(pixels, false);
        if (found && turn === this.turn && (await this.onCode(found.code, found))) read = await vendoredReader();
      }
      await new Promise((next) => setTimeout(next, BETWEEN_MS));
    }
  }

  stop() {
    this.turn += 1;
    clearTimeout(this.timer);
    if (this.stream) end(this.stream);
    this.stream = null;
  }
}

function end(stream) {
  for (const track of stream.getTracks()) track.stop();
}

const KEY_GAP_MS = 1_500; // a slow scanner, or a busy phone; nobody types outside of a field

/** Listens to a scanner that types: quick signs and Enter while no field has the focus. Returns a function that ends it. */
export function listenToKeys(onCode) {
  let typed = "";
  let last = 0;
  const listen = (event) => {
    if (event.target.closest?.("input, textarea, select, dialog")) return;
    const at = event.timeStamp; // of the key, also when the page was busy
    if (at - last > KEY_GAP_MS) typed = "";
    last = at;
    if (event.key === "Enter") {
      if (typed.length < 4) return;
      event.preventDefault();
      event.stopImmediatePropagation(); // the Enter of a scanner presses no button
      const code = typed;
      typed = "";
      onCode(code);
    } else typed += signOf(event);
  };
  document.addEventListener("keydown", listen, { capture: true });
  return () => document.removeEventListener("keydown", listen, { capture: true });
}

/** Returns what a key of a scanner means: a sign, or a separator, which many send as Ctrl and a bracket. */
export function signOf(event) {
  if (event.ctrlKey && event.key === "]") return "\u241d";
  return event.key.length === 1 && !event.ctrlKey && !event.metaKey && !event.altKey ? event.key : "";
}
