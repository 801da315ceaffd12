/**
 * Numbers as colours, as in the pictures of the package: blue above 0, orange below, and the more
 * transparent the closer to 0, so that they suit light and dark backgrounds.
 */

/** By M. Okabe and K. Ito, "Color Universal Design", 2008. */
export const POSITIVE = [0, 114, 178], NEGATIVE = [213, 94, 0];
/** Of classes; the first two are those of two classes. Colour-blind people can tell them apart. */
const CLASSES = [
  NEGATIVE, POSITIVE, [0, 158, 115], [240, 228, 66], [204, 121, 167], [86, 180, 233], [230, 159, 0],
  [128, 128, 128], // grey: their black would not be seen on a dark ground
];

/** @returns {string} the CSS colour of a number from -1 to 1 */
export function colourOf(number, opacity = Math.min(1, Math.abs(number))) {
  return `rgb(${(number < 0 ? NEGATIVE : POSITIVE).join(" ")} / ${opacity})`;
}

/** @returns {string} the CSS colour of a class, or of a target for regression */
export function colourOfLabel(label, classes) {
  if (classes > 2) return `rgb(${CLASSES[label].join(" ")})`;
  return classes === 2 ? colourOf(label - 0.5, 1) : colourOf(label, 0.15 + 0.85 * Math.abs(label));
}

/** Paint a square of n × n numbers from -1 to 1, no more opaque than this. */
export function paintNumbers(numbers, n, opacity) {
  const image = new ImageData(n, n);
  for (let i = 0; i < n * n; i++) {
    const number = Math.max(-1, Math.min(1, numbers[i]));
    image.data.set(number < 0 ? NEGATIVE : POSITIVE, 4 * i);
    image.data[4 * i + 3] = 255 * opacity * Math.abs(number);
  }
  return image;
}

/** Paint a square of n × n rows of probabilities, one for each class. */
export function paintClasses(probabilities, n, classes, opacity) {
  const image = new ImageData(n, n);
  for (let i = 0; i < n * n; i++) {
    const of = probabilities.subarray(i * classes, (i + 1) * classes);
    for (let channel = 0; channel < 3; channel++) {
      image.data[4 * i + channel] = of.reduce((sum, p, c) => sum + p * CLASSES[c][channel], 0);
    }
    const sure = (Math.max(...of) - 1 / classes) / (1 - 1 / classes);
    image.data[4 * i + 3] = 255 * opacity * sure;
  }
  return image;
}

/**
 * A column of rows, scaled to -1 to 1: probabilities around ½, others by their largest, or by this
 * one where they are smaller.
 */
export function columnFor(rows, column, width, isProbability, largest = 1) {
  const n = rows.length / width, numbers = new Float32Array(n);
  for (let i = 0; i < n; i++) {
    const value = rows[i * width + column];
    numbers[i] = isProbability ? 2 * value - 1 : value;
    largest = Math.max(largest, Math.abs(numbers[i]));
  }
  return largest === 1 ? numbers : numbers.map((number) => number / largest);
}
