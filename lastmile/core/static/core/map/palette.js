/* Route colours from the tokens (--route-1 … 8), the same in lists and on the map. After eight routes the
 * colours repeat with a dash. core/palette.py has the same rules. */
const COUNT = 8;
export const DASHES = [null, [2.4, 1.2], [0.9, 1.1], [4, 1, 0.9, 1]];
export const patternOf = (number) => Math.floor((number - 1) / COUNT) % DASHES.length;

/** Returns a function: number of a route -> its colour "rgb(…)" in the theme of this element. */
export function palette(el) {
  const probe = document.createElement("span");
  probe.hidden = true;
  el.append(probe);
  const colours = Array.from({ length: COUNT }, (_none, index) => {
    probe.style.color = `var(--route-${index + 1})`;
    return getComputedStyle(probe).color;
  });
  probe.remove();
  return (number) => colours[(((number - 1) % COUNT) + COUNT) % COUNT];
}

/** Returns black or white, the one with the better contrast on a colour (WCAG relative luminance). */
export function inkOn(colour) {
  const parts = colour.startsWith("#")
    ? [1, 3, 5].map((i) => parseInt(colour.slice(i, i + 2), 16))
    : colour
        .match(/[\d.]+/g)
        .slice(0, 3)
        .map(Number);
  const [r, g, b] = parts.map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
  const light = 0.2126 * r + 0.7152 * g + 0.0722 * b;
  return 1.05 / (light + 0.05) >= (light + 0.05) / 0.05 ? "#ffffff" : "#000000";
}
