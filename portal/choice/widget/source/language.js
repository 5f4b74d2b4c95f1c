// The language of a picker, and its texts, days, hours and amounts in that language.

const FALLBACK = "en";

/** Return the languages that count for an element, the most important first. */
function wishedLanguages(element) {
  const wished = [element.getAttribute("lang")];
  let node = element;
  while (node) {
    const near = node.parentElement?.closest("[lang]");
    if (near) {
      wished.push(near.getAttribute("lang"));
      break;
    }
    const root = node.getRootNode(); // leave the shadow tree of the shop's own components
    node = root instanceof ShadowRoot ? root.host : null;
    if (node?.hasAttribute("lang")) {
      wished.push(node.getAttribute("lang"));
      break;
    }
  }
  return [...wished, ...navigator.languages].filter(Boolean);
}

/** Return the first wished language that the picker has, with the shop's region if it names one. */
function languageOf(element) {
  for (const tag of wishedLanguages(element)) {
    if (hasLanguage(tag)) {
      const code = tag.toLowerCase().split(/[-_]/)[0];
      return { code, locale: localeOf(tag.replaceAll("_", "-"), code) };
    }
  }
  return { code: FALLBACK, locale: LOCALES[FALLBACK] };
}

/** Return true if the picker has a language, such as es or es-CL. */
function hasLanguage(tag) {
  return Object.hasOwn(TEXTS, tag.toLowerCase().split(/[-_]/)[0]);
}

function localeOf(tag, code) {
  try {
    const locale = new Intl.Locale(tag);
    return locale.region ? locale.toString() : LOCALES[code];
  } catch {
    return LOCALES[code];
  }
}

/** The texts and formats of one language, for times in the zone of the hub. */
class Words {
  constructor({ code, locale }, zone) {
    this.code = code;
    this.locale = locale;
    this.direction = RIGHT_TO_LEFT.includes(code) ? "rtl" : "ltr";
    this.texts = TEXTS[code];
    this.plurals = new Intl.PluralRules(code);
    this.zone = zone || undefined;
    this.comma = code === "ar" ? "،" : ",";
    const format = (options) => new Intl.DateTimeFormat(locale, { timeZone: this.zone, ...options });
    this.hours = format({ hour: "2-digit", minute: "2-digit" });
    this.longDay = this.dayFormat({ weekday: "long", day: "numeric", month: "long" });
    this.weekday = this.dayFormat({ weekday: "short" });
    this.shortDay = this.dayFormat({ day: "numeric", month: "short" });
    this.localDate = new Intl.DateTimeFormat("en-CA", {
      timeZone: this.zone,
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
    });
  }

  // A service date is a date without an hour, so it is formatted in UTC.
  dayFormat(options) {
    return new Intl.DateTimeFormat(this.locale, { timeZone: "UTC", ...options });
  }

  /** Return a text; `%(name)s` is replaced by the value of that name. */
  say(key, values = {}) {
    return this.texts[key].replace(/%\((\w+)\)s/g, (_all, name) => String(values[name] ?? ""));
  }

  /** Return the text for a count, in the plural form of the language. */
  count(key, n, values = {}) {
    const forms = this.texts[key];
    const text = forms[this.plurals.select(n)] ?? forms.other;
    const number = new Intl.NumberFormat(this.locale).format(n);
    return text.replace(/%\((\w+)\)s/g, (_all, name) => String({ n: number, ...values }[name] ?? ""));
  }

  money(minor, currency) {
    if (minor === 0) return this.say("free");
    const format = new Intl.NumberFormat(this.locale, { style: "currency", currency });
    const digits = format.resolvedOptions().maximumFractionDigits;
    return format.format(minor / 10 ** digits);
  }

  metres(count) {
    const far = count >= 1000;
    const style = { style: "unit", unit: far ? "kilometer" : "meter", maximumFractionDigits: far ? 1 : 0 };
    return new Intl.NumberFormat(this.locale, style).format(far ? count / 1000 : count);
  }

  window(offer) {
    const [opens, closes] = [new Date(offer.opens_at), new Date(offer.closes_at)];
    return this.hours.formatRange?.(opens, closes) ?? `${this.time(opens)}–${this.time(closes)}`;
  }

  fromTo(offer) {
    return this.say("from_to", {
      opens: this.time(new Date(offer.opens_at)),
      closes: this.time(new Date(offer.closes_at)),
    });
  }

  /** Return true if the reader's own clock shows another time than the hub's at an instant. */
  isElsewhere(instant) {
    const clock = (timeZone) =>
      new Intl.DateTimeFormat("en", { timeZone, dateStyle: "short", timeStyle: "short" }).format(instant);
    return clock(this.zone) !== clock(undefined);
  }

  time(instant) {
    return this.hours.format(instant);
  }

  /** Return a service date such as 2026-12-01 in words: long, weekday or shortDay. */
  day(date, style = "longDay") {
    return this[style].format(new Date(`${date}T00:00:00Z`));
  }

  today() {
    return this.localDate.format(new Date());
  }
}
