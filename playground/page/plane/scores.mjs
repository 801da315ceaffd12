/** How well outputs of a network suit labels. */

/** @returns {Uint8Array} the class of each row of outputs */
export function classesOf(outputs, classes) {
  if (classes === 2) return Uint8Array.from(outputs, (output) => (output > 0.5 ? 1 : 0));
  const found = new Uint8Array(outputs.length / classes);
  for (let i = 0; i < found.length; i++) {
    let best = 0;
    for (let c = 1; c < classes; c++) {
      if (outputs[i * classes + c] > outputs[i * classes + best]) best = c;
    }
    found[i] = best;
  }
  return found;
}

/**
 * Count rows by their class and by what the network says.
 *
 * @returns {Uint32Array} (classes, classes): by rows the classes, by columns what they are taken for
 */
export function confusionOf(labels, found, classes) {
  const counts = new Uint32Array(classes * classes);
  labels.forEach((label, i) => { counts[label * classes + found[i]]++; });
  return counts;
}

/** The share of rows on the diagonal of a confusion matrix; NaN where there are none. */
export function accuracyOf(counts, classes) {
  let [right, all] = [0, 0];
  counts.forEach((count, i) => {
    all += count;
    if (i % (classes + 1) === 0) right += count;
  });
  return right / all;
}

/** The share of the variance of targets that is explained (R²); NaN where there are none. */
export function varianceExplained(targets, outputs) {
  const mean = targets.reduce((sum, target) => sum + target, 0) / targets.length;
  let [left, variance] = [0, 0];
  targets.forEach((target, i) => {
    left += (outputs[i] - target) ** 2;
    variance += (target - mean) ** 2;
  });
  return 1 - left / variance;
}
