/* What the driver gives as proof at a door: shrinks photos, keeps them as bytes, and says what is missing. */
import { NotKept } from "./store.js";

const LONGEST_SIDE = 1_600;
const QUALITY = 0.8;
const PLACE_LIVES_MS = 120_000;

/** The picture is no photo that this phone can read. */
export class Unreadable extends Error {}

/** Returns a photo as the bytes of an upright JPEG without metadata, at most 1,600 pixels long. Raises Unreadable. */
export async function shrunk(file) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch (cause) {
    throw new Unreadable("This is no photo.", { cause });
  }
  const scale = Math.min(1, LONGEST_SIDE / Math.max(bitmap.width, bitmap.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  return bytesOf(canvas, "image/jpeg");
}

/** Returns the bytes of a canvas. Raises Unreadable. */
export async function bytesOf(canvas, type) {
  const blob = await new Promise((done) => canvas.toBlob(done, type, QUALITY));
  if (!blob) throw new Unreadable("The phone could not encode the picture.");
  return blob.arrayBuffer();
}

export async function sha256(bytes) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return [...digest].map((one) => one.toString(16).padStart(2, "0")).join("");
}

/** Keeps a picture as bytes and reads it back. Returns it as a proof. Raises NotKept. */
export async function keepPicture(store, { kind, order, bytes }) {
  const hash = await sha256(bytes);
  await store.addPhoto({ sha256: hash, bytes, size: bytes.byteLength, order, kind, state: "draft", at: Date.now() });
  const kept = await store.photo(hash);
  if (!kept?.bytes || (await sha256(kept.bytes)) !== hash) {
    await store.dropPhotos([hash]);
    throw new NotKept(new Error("The phone keeps other bytes."));
  }
  return { kind, sha256: hash, size: bytes.byteLength };
}

/** Returns the parcels of a stop that are in the vehicle. */
export function parcelsHere(stop) {
  return (stop.parcels ?? []).filter((parcel) => !stop.absent?.has(parcel.id));
}

/** Returns the kinds of proof that a stop needs and that are not given. A name counts as a signature.
 *
 * A scan is given when each parcel with a barcode that is in the vehicle is scanned.
 */
export function lacking(stop, proofs) {
  const scanned = new Set(proofs.flatMap((proof) => proof.parcels ?? []));
  const isScanned = parcelsHere(stop).every((parcel) => !parcel.barcode || scanned.has(parcel.id));
  const given = proofs.map((proof) => proof.kind).filter((kind) => kind !== "scan" || isScanned);
  const kinds = new Set([...(stop.proof_given ?? []), ...given]);
  if (kinds.has("name")) kinds.add("signature");
  return (stop.proof ?? []).filter((kind) => !kinds.has(kind));
}

let place = null;

/** Asks for the place of the phone, so that a later proof has it; without leave or signal there is none. */
export function lookAround() {
  navigator.geolocation?.getCurrentPosition(
    ({ coords, timestamp }) => {
      place = { lat: coords.latitude, lon: coords.longitude, accuracy_m: Math.round(coords.accuracy), timestamp };
    },
    () => {},
    { enableHighAccuracy: true, maximumAge: 30_000, timeout: 15_000 },
  );
}

/** Returns the place of the phone if it is known and fresh. */
export function hereNow() {
  if (!place || Date.now() - place.timestamp > PLACE_LIVES_MS) return {};
  const { lat, lon, accuracy_m } = place;
  return { lat, lon, accuracy_m };
}
