/**
 * Numbers as colours: one above 0, another below, and the more transparent the closer to 0, so that
 * they suit light and dark backgrounds.
 */

/** By M. Okabe and K. Ito, "Color Universal Design", 2008. */
const BLUE = [0, 114, 178], ORANGE = [213, 94, 0], GREEN = [0, 158, 115];

/**
 * Pairs of colours, [above 0, below 0] on light and on dark backgrounds. Colour-blind people can tell
 * them apart, except for green and red. Opacity is a number's size to this power.
 */
export const PALETTES = {
  "blue-orange": {label: "blue, orange", light: [BLUE, ORANGE], dark: [BLUE, ORANGE], power: 1},
  "purple-green": { // of ColorBrewer's PRGn by C. Brewer
    label: "purple, green",
    light: [[123, 50, 148], [0, 136, 55]], dark: [[178, 112, 208], [64, 168, 94]], power: 1,
  },
  "green-red": {
    label: "green, red",
    light: [[0, 130, 60], [205, 35, 35]], dark: [[60, 185, 105], [240, 90, 80]], power: 1,
  },
  "high-contrast": {
    label: "high contrast",
    light: [[0, 56, 184], [176, 48, 0]], dark: [[110, 190, 255], [255, 165, 60]], power: 0.4,
  },
};
/** Of classes; colour-blind people can tell them apart. */
const CLASSES = [
  ORANGE, BLUE, GREEN, [240, 228, 66], [204, 121, 167], [86, 180, 233], [230, 159, 0],
  [128, 128, 128], // grey: their black would not be seen on a dark ground
];

const darkness = matchMedia("(prefers-color-scheme: dark)");
let palette = "blue-orange";
let positive, negative, power; // of the palette, on this background
let tables = {}; // by opacity: see tableOf

darkness.addEventListener("change", () => setPalette(palette));
setPalette(palette);

/** Show all numbers in the colours of a name of PALETTES. */
export function setPalette(name) {
  palette = name;
  [positive, negative] = PALETTES[name][darkness.matches ? "dark" : "light"];
  ({power} = PALETTES[name]);
  tables = {};
  const {style} = document.documentElement; // of the page's legends
  style.setProperty("--positive", cssOf(positive));
  style.setProperty("--negative", cssOf(negative));
}

/** @returns {string} the name of the palette in use */
export function paletteInUse() {
  return palette;
}

/** @returns {[string, string]} the names of the colours above and below 0 */
export function colourNames() {
  const others = {"purple-green": ["Purple", "green"], "green-red": ["Green", "red"]};
  return others[palette] ?? ["Blue", "orange"];
}

function cssOf(colour) {
  return `rgb(${colour.join(" ")})`;
}

/** How opaque a number from -1 to 1 is. */
function opacityOf(number) {
  return Math.min(1, Math.abs(number)) ** power;
}

/** @returns {string} the CSS colour of a number from -1 to 1 */
export function colourOf(number, opacity = opacityOf(number)) {
  return `rgb(${(number < 0 ? negative : positive).join(" ")} / ${opacity})`;
}

/** @returns {string} the CSS colour of a class, or of a target for regression */
export function colourOfLabel(label, classes) {
  if (classes > 2) return cssOf(CLASSES[label]);
  return classes === 2 ? colourOf(label - 0.5, 1) : colourOf(label, 0.15 + 0.85 * opacityOf(label));
}

/** Pixels of numbers: those of -1, -0.99 … 1. */
function tableOf(opacity) {
  const pixels = new Uint8ClampedArray(4 * 201);
  for (let i = 0; i <= 200; i++) {
    const number = i / 100 - 1;
    pixels.set(number < 0 ? negative : positive, 4 * i);
    pixels[4 * i + 3] = 255 * opacity * opacityOf(number);
  }
  return new Uint32Array(pixels.buffer);
}

/**
 * Paint a square of n × n numbers from -1 to 1, no more opaque than this.
 *
 * @param {ImageData} [image] to paint into, with the upper left corner at (left, top)
 * @returns {ImageData}
 */
export function paintNumbers(numbers, n, opacity, image = new ImageData(n, n), left = 0, top = 0) {
  const table = tables[opacity] ??= tableOf(opacity);
  const pixels = new Uint32Array(image.data.buffer);
  for (let row = 0, i = 0; row < n; row++) {
    let to = (top + row) * image.width + left;
    for (let column = 0; column < n; column++) {
      pixels[to++] = table[Math.round(100 * Math.max(-1, Math.min(1, numbers[i++]))) + 100];
    }
  }
  return image;
}

/** Paint a square of n × n rows of probabilities, one for each class. */
export function paintClasses(probabilities, n, classes, opacity) {
  const image = new ImageData(n, n), pixels = image.data;
  for (let i = 0; i < n * n; i++) {
    let largest = 0, red = 0, green = 0, blue = 0;
    for (let c = 0; c < classes; c++) {
      const p = probabilities[i * classes + c], colour = CLASSES[c];
      red += p * colour[0];
      green += p * colour[1];
      blue += p * colour[2];
      if (p > largest) largest = p;
    }
    [pixels[4 * i], pixels[4 * i + 1], pixels[4 * i + 2]] = [red, green, blue];
    pixels[4 * i + 3] = 255 * opacity * ((largest - 1 / classes) / (1 - 1 / classes));
  }
  return image;
}

/**
 * A column of rows, scaled to -1 to 1: probabilities around ½, others by their largest, or by this
 * one where they are smaller.
 */
export function columnFor(rows, column, width, isProbability, largest = 1) {
  const n = rows.length / width, numbers = new Float32Array(n);
  for (let i = 0, at = column; i < n; i++, at += width) {
    const number = isProbability ? 2 * rows[at] - 1 : rows[at];
    numbers[i] = number;
    if (number > largest) largest = number;
    else if (-number > largest) largest = -number;
  }
  if (largest > 1) for (let i = 0; i < n; i++) numbers[i] /= largest;
  return numbers;
}
