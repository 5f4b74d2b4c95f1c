/* Route colours for readers who see few of them: Okabe-Ito first, then two of Tol's, then again
 * with a dash. The number on each stop says the same a third time. Twin of core/palette.py. */
export const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#aa4499", "#e69f00", "#56b4e9", "#882255", "#7a7a29"];
export const DASHES = [null, [2.4, 1.2], [0.9, 1.1], [4, 1, 0.9, 1]];

export const colourOf = (number) => COLOURS[(((number - 1) % COLOURS.length) + COLOURS.length) % COLOURS.length];
export const patternOf = (number) => Math.floor((number - 1) / COLOURS.length) % DASHES.length;

/** Black or white, whichever reads better on a colour (WCAG relative luminance). */
export function inkOn(hex) {
  const [r, g, b] = [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16) / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
  const light = 0.2126 * r + 0.7152 * g + 0.0722 * b;
  return (1.05 / (light + 0.05)) >= ((light + 0.05) / 0.05) ? "#ffffff" : "#000000";
}
