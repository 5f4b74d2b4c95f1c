/* Reads the codes on parcels: plain codes and GS1 labels. Pure.
 *
 * A GS1 label holds several fields. Each begins with an application identifier (AI), and a field of free length ends
 * with a separator, which some scanners replace or drop. A text that can be cut in two ways is refused and never
 * guessed. dispatch/live/labels.py does the same on the server; both are tested with the cases of
 * tests/dispatch/labels.json.
 */
const SEPARATOR = "\x1d";
const LONGEST_CODE = 200;
/** First two digits of an AI -> length of AI and field together, as GS1 has fixed it. */
const FIXED = {
  "00": 20,
  "01": 16,
  "02": 16,
  "03": 16,
  "04": 18,
  11: 8,
  12: 8,
  13: 8,
  14: 8,
  15: 8,
  16: 8,
  17: 8,
  18: 8,
  19: 8,
  20: 4,
  31: 10,
  32: 10,
  33: 10,
  34: 10,
  35: 10,
  36: 10,
  41: 16,
};
const AI_LENGTH = { 31: 4, 32: 4, 33: 4, 34: 4, 35: 4, 36: 4, 41: 3 };
/** AI of free length -> most characters. */
const FREE = { 10: 20, 21: 20, 420: 20 };
const CHECKED = new Set(["00", "01", "02", "03", "41"]);
const DATES = new Set(["11", "12", "13", "15", "16", "17"]);
/** The characters that GS1 allows in a field. */
const FIELD = /^[!-"%-?A-Z_a-z]+$/;
const NOT_FIELD = /[^!-"%-?A-Z_a-z]+/;
const SIGNS = /^\](?:C1|d2|Q3|e0|J1)/;
const ANY_SIGN = /^\][A-Za-z][0-9A-Za-z]/;
const WRITTEN = /<GS>|\{GS\}|\[GS\]|\\x1[dD]|\\u001[dD]|\u241d/g;
const BRACKETS = /\((\d{2,4})\)([^()]+)/g;
const DIGITS = /^\d+$/;

const trimmed = (text) => text.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, "");
const joined = (text) => text.replace(/[ \t\r\n]/g, "");

/** Returns true if the last digit is the check digit of the others (GS1, modulo 10). */
export function isCheckDigitRight(digits) {
  let sum = 0;
  [...digits].reverse().forEach((one, place) => {
    sum += Number(one) * (place % 2 ? 3 : 1);
  });
  return sum % 10 === 0;
}

/** Reads a code as a scanner or a person gave it. Returns {plain, fields: [[ai, value]], fault}.
 *
 * ``keepsSeparators`` is true only for a reader that is known to give every separator; then a text without one has a
 * single field of free length, at its end. ``fault`` is null, "empty", "two_ways", "check_digit" or "unreadable".
 */
export function readLabel(code, { keepsSeparators = false } = {}) {
  let text = trimmed(code.slice(0, LONGEST_CODE).replace(WRITTEN, SEPARATOR));
  const hasSign = SIGNS.test(text);
  text = text.replace(ANY_SIGN, "");
  if (!joined(text)) return label("", [], "empty");
  if (/^\(\d{2,4}\)[^()]/.test(text)) return inBrackets(text);
  const isGs1 = hasSign || text.startsWith(SEPARATOR);
  const plain = joined(text).toUpperCase();
  if (!isGs1 && /^\d{18}$/.test(plain)) {
    return isCheckDigitRight(plain) ? label(plain, [["00", plain]]) : label(plain, [], "check_digit");
  }
  const parts = text.split(NOT_FIELD).filter(Boolean);
  const isParted = parts.length > 1;
  const found = cuts(parts, keepsSeparators || isParted, true);
  if (found.length > 1) return label(plain, [], "two_ways");
  if (found.length) return label(plain, found[0]);
  return label(plain, [], whyNot(parts, isGs1, isParted));
}

/** Returns {parcel, fault}: the parcel that a code names, or why it names none.
 *
 * A parcel whose barcode or number is the very same text comes first; a retailer's own code needs no GS1. After that
 * the fields decide, and what can be cut in two ways decides nothing.
 */
export function matchLabel(code, parcels, { keepsSeparators = false } = {}) {
  const wanted = plainOf(code);
  if (!wanted) return { parcel: null, fault: "empty" };
  const same = parcels.filter((one) => codesOf(one).some((own) => plainOf(own) === wanted));
  if (same.length) return same.length === 1 ? { parcel: same[0], fault: null } : { parcel: null, fault: "several" };
  const read = readLabel(code, { keepsSeparators });
  if (read.fault) return { parcel: null, fault: read.fault };
  const name = nameOf(read);
  const named = name ? parcels.filter((one) => codesOf(one).some((own) => nameOf(readLabel(own)) === name)) : [];
  if (named.length === 1) return { parcel: named[0], fault: null };
  return { parcel: null, fault: named.length ? "several" : "unknown" };
}

/** Returns what two codes of the same parcel have in common, "" if it cannot be said. */
function nameOf({ fields }) {
  const sscc = fields.find(([ai]) => ai === "00")?.[1];
  if (sscc) return `sscc ${sscc}`;
  const own = fields.filter(([ai]) => !ai.startsWith("4")); // not the way to it
  const unit = own.filter(([ai]) => ai === "01" || ai === "21");
  const sorted = (unit.length === 2 ? unit : own).map(([ai, value]) => `(${ai})${value}`).sort();
  return sorted.length ? `gs1 ${sorted.join(" ")}` : "";
}

function label(plain, fields, fault = null) {
  return { plain, fields, fault };
}

function codesOf(parcel) {
  return [parcel.barcode, parcel.external_id].filter(Boolean);
}

/** Returns a code without the sign of its symbology and spaces, in capitals. */
function plainOf(code) {
  return joined(trimmed(code).replace(ANY_SIGN, "")).toUpperCase();
}

/** Reads the writing under a label: (01)09501101530003(10)ABC. */
function inBrackets(text) {
  const plain = joined(text).toUpperCase();
  const fields = [...text.matchAll(BRACKETS)].map(([, ai, value]) => [ai, joined(value)]);
  if (fields.map(([ai, value]) => `(${ai})${value}`).join("") !== joined(text)) return label(plain, [], "unreadable");
  const faults = new Set(fields.map(([ai, value]) => fieldFault(ai, value)));
  for (const fault of ["unreadable", "check_digit"]) if (faults.has(fault)) return label(plain, [], fault);
  return label(plain, fields);
}

/** Returns what is wrong with a field, or null. A field of another AI is taken as it is. */
function fieldFault(ai, value) {
  if (!FIELD.test(value)) return "unreadable";
  if (ai in FREE) return value.length <= FREE[ai] ? null : "unreadable";
  const first = ai.slice(0, 2);
  if (!(first in FIXED)) return null;
  if (ai.length + value.length !== FIXED[first] || !DIGITS.test(value)) return "unreadable";
  if (CHECKED.has(first) && !isCheckDigitRight(value)) return "check_digit";
  const [month, day] = [Number(value.slice(2, 4)), Number(value.slice(4, 6))];
  if (DATES.has(ai) && !(month >= 1 && month <= 12 && day <= 31)) return "unreadable";
  return null;
}

/** Returns the ways to cut a label into fields, at most two: two are too many. */
function cuts(parts, keepsSeparators, checks) {
  let ways = [[]];
  for (const part of parts) {
    const cut = cutsOf(part, keepsSeparators, checks);
    ways = ways.flatMap((way) => cut.map((one) => [...way, ...one])).slice(0, 2);
  }
  return ways.filter((way) => way.length);
}

/** Returns at most two ways to cut the text between two separators, from its end forward. */
function cutsOf(part, keepsSeparators, checks) {
  const ways = Array.from({ length: part.length }, () => []);
  ways.push([[]]);
  for (let at = part.length - 1; at >= 0; at -= 1) {
    for (const [ai, value] of fieldsAt(part.slice(at), keepsSeparators)) {
      const fault = fieldFault(ai, value);
      if (fault && (checks || fault !== "check_digit")) continue;
      for (const rest of ways[at + ai.length + value.length]) ways[at].push([[ai, value], ...rest]);
      ways[at].length = Math.min(2, ways[at].length);
    }
  }
  return ways[0];
}

/** Yields each AI that a text can begin with, and its value. */
function* fieldsAt(part, keepsSeparators) {
  for (const [ai, whole] of ais(part)) {
    for (const end of whole ? [whole] : freeEnds(part, ai, keepsSeparators)) {
      if (ai.length < end && end <= part.length) yield [ai, part.slice(ai.length, end)];
    }
  }
}

/** Returns the AI at the beginning of a text, with the length of AI and field; 0 if it is free. */
function ais(part) {
  const first = part.slice(0, 2);
  const found = [];
  const fixed = part.slice(0, AI_LENGTH[first] ?? 2);
  if (first in FIXED && DIGITS.test(fixed)) found.push([fixed, FIXED[first]]);
  for (const ai of Object.keys(FREE)) if (part.startsWith(ai)) found.push([ai, 0]);
  return found;
}

function freeEnds(part, ai, keepsSeparators) {
  const longest = Math.min(part.length, ai.length + FREE[ai]);
  if (keepsSeparators) return longest === part.length ? [part.length] : [];
  return Array.from({ length: Math.max(0, longest - ai.length) }, (_one, n) => ai.length + 1 + n);
}

/** Returns why a text has no fields; null if it may be a plain code. */
function whyNot(parts, isGs1, isParted) {
  const begins = (parts[0] ?? "").slice(0, 2);
  if (cuts(parts, isParted, false).length && (isGs1 || ["00", "01"].includes(begins))) return "check_digit";
  return isGs1 ? "unreadable" : null;
}
