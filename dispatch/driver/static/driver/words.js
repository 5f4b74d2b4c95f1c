/* The texts of the page in the reader's language, and times and numbers as that language writes them. */
let page = { texts: {}, locale: "en", language: "en" };
let zone = "UTC";
const formats = new Map();

/** Reads the texts that the server put into the page. */
export function readTexts(id = "driver-texts") {
  page = JSON.parse(document.getElementById(id).textContent);
  formats.clear();
  return page;
}

/** Sets the time zone of all times: that of the driver's hub. */
export function setZone(name) {
  if (name === zone) return;
  zone = name;
  formats.clear();
}

function fill(text, values) {
  const shown = (value) => (typeof value === "number" ? number(value) : String(value ?? ""));
  return text.replace(/%\((\w+)\)s/g, (_all, name) => shown(values[name]));
}

/** Returns a text: t("stop_of", {n: 3, all: 18}). */
export function t(key, values = {}) {
  return fill(page.texts[key] ?? key, values);
}

/** Returns a text that counts something, in the form that the language has for ``n``. */
export function tn(key, n, values = {}) {
  const forms = page.texts[key] ?? {};
  const form = new Intl.PluralRules(page.locale).select(n);
  return fill(forms[form] ?? forms.other ?? key, { n: number(n), ...values });
}

function format(kind, make) {
  if (!formats.has(kind)) formats.set(kind, make());
  return formats.get(kind);
}

/** Returns the time of an instant, as the clock of the hub shows it. */
export function time(instant) {
  if (!instant) return "";
  const options = { hour: "numeric", minute: "2-digit", timeZone: zone };
  return format("time", () => new Intl.DateTimeFormat(page.locale, options)).format(new Date(instant));
}

/** Returns day and time, for an instant that may be on another day. */
export function dayTime(instant) {
  if (!instant) return "";
  const options = {
    weekday: "short",
    day: "numeric",
    month: "short",
    hour: "numeric",
    minute: "2-digit",
    timeZone: zone,
  };
  return format("day", () => new Intl.DateTimeFormat(page.locale, options)).format(new Date(instant));
}

const ALL_DAY_MS = 23 * 3_600_000;

/** Returns a window of time: 10:00–12:00; "" for a place that is open day and night. */
export function between(window) {
  if (!window || Date.parse(window.closes_at) - Date.parse(window.opens_at) >= ALL_DAY_MS) return "";
  return t("from_to", { opens: time(window.opens_at), closes: time(window.closes_at) });
}

export function number(value) {
  return format("number", () => new Intl.NumberFormat(page.locale)).format(value);
}

/** Returns a weight in kilograms, with one decimal below 100 kg. */
export function kilograms(weight_g) {
  if (!weight_g) return "";
  const options = { style: "unit", unit: "kilogram", maximumFractionDigits: weight_g < 100_000 ? 1 : 0 };
  return format(`kg${options.maximumFractionDigits}`, () => new Intl.NumberFormat(page.locale, options)).format(
    weight_g / 1000,
  );
}

/** Returns a distance in kilometres. */
export function kilometres(distance_m) {
  if (!distance_m) return "";
  const options = { style: "unit", unit: "kilometer", maximumFractionDigits: distance_m < 10_000 ? 1 : 0 };
  return format(`km${options.maximumFractionDigits}`, () => new Intl.NumberFormat(page.locale, options)).format(
    distance_m / 1000,
  );
}
