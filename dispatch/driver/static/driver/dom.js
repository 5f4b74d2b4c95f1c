/* Builds elements without HTML in strings: a text of an order can never become a tag. */
const SVG = "http://www.w3.org/2000/svg";
const MIRRORED = new Set([
  "arrow-left",
  "arrow-right",
  "chevron-left",
  "chevron-right",
  "list",
  "log-in",
  "log-out",
  "send",
  "truck",
  "undo-2",
]);

/** Returns an element. Attributes that are null or false are left out; ``on…`` are listeners. */
export function h(tag, attributes, ...children) {
  const el = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) el.addEventListener(name.slice(2), value);
    else el.setAttribute(name, value === true ? "" : value);
  }
  el.append(
    ...children.flat(3).filter((child) => child !== null && child !== undefined && child !== false && child !== ""),
  );
  return el;
}

const SPRITE = new URL("../icons/lucide.svg", import.meta.url).pathname;
let isInPage = false;

/** Puts the icons into the page, so that a new drawing shows them at once. Without them each one is loaded by itself. */
export async function loadIcons() {
  try {
    const answer = await fetch(SPRITE);
    const sprite = new DOMParser().parseFromString(await answer.text(), "image/svg+xml").documentElement;
    for (const symbol of sprite.querySelectorAll("symbol[id]")) symbol.id = `icon-${symbol.id}`;
    document.body.append(h("div", { hidden: true }, document.importNode(sprite, true)));
    isInPage = true;
  } catch (fault) {
    console.warn("The icons could not be loaded at once.", fault);
  }
}

/** Returns an icon of the vendored set; the words beside it say the same. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", MIRRORED.has(name) ? "icon directional" : "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", isInPage ? `#icon-${name}` : `${SPRITE}#${name}`);
  svg.append(use);
  return svg;
}

/** Returns a row of small things, or nothing if there are none. */
export function row(...children) {
  const shown = children.flat(2).filter(Boolean);
  return shown.length ? h("div", { class: "row" }, shown) : null;
}

/** Returns a button; ``key`` keeps the focus on it when its view is drawn again. */
export function button(label, act, { kind = "", symbol = "", key = label, disabled = false } = {}) {
  return h(
    "button",
    { type: "button", class: `button ${kind}`.trim(), "data-key": key, disabled, onclick: act },
    symbol && icon(symbol),
    label,
  );
}

/** Returns a link that looks like a button. */
export function link(label, href, { kind = "", symbol = "", key = href, outside = false } = {}) {
  return h(
    "a",
    {
      class: `button ${kind}`.trim(),
      href,
      "data-key": key,
      rel: outside && "noreferrer",
      target: outside && href.startsWith("https:") && "_blank",
    },
    symbol && icon(symbol),
    label,
  );
}

/** Returns a status: one tone, one icon, one word. */
export function status(tone, symbol, word) {
  return h("span", { class: `status ${tone}` }, icon(symbol), word);
}

/** Returns a notice with a heading, words and actions. */
export function notice(tone, symbol, words, ...actions) {
  return h(
    "div",
    { class: `notice ${tone}` },
    icon(symbol),
    h(
      "div",
      { class: "stack" },
      ...[words].flat().map((one) => (typeof one === "string" ? h("p", null, one) : one)),
      ...actions,
    ),
  );
}

/** Returns a list of facts; facts without a value are left out. */
export function facts(...pairs) {
  const shown = pairs.filter(([, value]) => value !== null && value !== undefined && value !== "" && value !== false);
  if (!shown.length) return null;
  return h("dl", { class: "facts" }, ...shown.flatMap(([name, value]) => [h("dt", null, name), h("dd", null, value)]));
}
