const formats = new Map(); // language -> its format, which is slow to make

/* Says how long ago something was, in the reader's words, such as "4 min ago". */
export function ageOf(at, now, language) {
  const seconds = Math.max(0, Math.round((now - Date.parse(at)) / 1000));
  if (!formats.has(language))
    formats.set(language, new Intl.RelativeTimeFormat(language, { style: "short", numeric: "always" }));
  const words = formats.get(language);
  if (seconds < 60) return words.format(-seconds, "second");
  if (seconds < 3600) return words.format(-Math.floor(seconds / 60), "minute");
  return words.format(-Math.floor(seconds / 3600), "hour");
}
