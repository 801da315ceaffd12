/**
 * Data sets of the plane. The same settings give the same points.
 */

/** The plane reaches from -REACH to REACH in both directions. */
export const REACH = 3;

/** Points of a data set, for training and for tests. */
export const N_POINTS = 400;

/** Each has a label, the number of its classes (0 for regression) and draws a point.
 *
 * `draw(label, random, spread)` returns [x, y] or, for regression, [x, y, target]. `random()` is
 * uniform in [0, 1), and noise has the standard deviation `spread`.
 */
export const DATA_SETS = {
  circle: {label: "Circle", classes: 2, draw: drawCircle},
  xor: {label: "Xor", classes: 2, draw: drawXor},
  gaussians: {label: "Gaussians", classes: 2, draw: drawGaussians},
  spiral: {label: "Spiral", classes: 2, draw: drawSpiral},
  moons: {label: "Moons", classes: 2, draw: drawMoons},
  three: {label: "Three classes", classes: 3, draw: drawThree},
  plane: {label: "Plane", classes: 0, draw: drawPlane},
  hills: {label: "Hills", classes: 0, draw: drawHills},
};

/**
 * Draw the points of a data set.
 *
 * @param {object} settings
 * @param {string} settings.data a name of DATA_SETS
 * @param {number} settings.noise in per cent
 * @param {number} settings.share of the points for training, in per cent
 * @param {number} settings.dataSeed
 * @returns {{classes: number, points: Float32Array, labels: Float32Array, nTraining: number}}
 *   x and y of each point; its class or target; the first nTraining points are for training
 */
export function makeData({data, noise, share, dataSeed}) {
  const {classes, draw} = DATA_SETS[data];
  const random = generator(dataSeed);
  const rows = [];
  while (rows.length < N_POINTS) {
    const label = classes ? rows.length % classes : 0;
    const [x, y, target = label] = draw(label, random, noise / 100);
    if (Math.abs(x) < REACH && Math.abs(y) < REACH) rows.push([x, y, target]);
  }
  shuffle(rows, random);
  const points = Float32Array.from(rows.flatMap(([x, y]) => [rounded(x), rounded(y)]));
  const labels = Float32Array.from(rows.map(([, , label]) => rounded(label)));
  return {classes, points, labels, nTraining: Math.round((N_POINTS * share) / 100)};
}

/** @returns {number} outputs of a network */
export function outputsOf(classes) {
  return classes > 2 ? classes : 1;
}

/** Targets of a network: 0 or 1 for two classes, one-hot for more, numbers for regression. */
export function targetsOf({classes, labels}) {
  if (classes < 3) return labels;
  const targets = new Float32Array(labels.length * classes);
  labels.forEach((label, i) => { targets[i * classes + label] = 1; });
  return targets;
}

/** Browsers may differ in the last bits of sin and cos. */
function rounded(number) {
  return Math.round(number * 1e4) / 1e4;
}

/** Mulberry32 by T. Ettinger: uniform numbers in [0, 1). */
export function generator(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Fisher and Yates. */
export function shuffle(rows, random) {
  for (let i = rows.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [rows[i], rows[j]] = [rows[j], rows[i]];
  }
}

/** A normally distributed number (Box & Muller). */
function normal(random, spread) {
  return spread * Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

function noisy(x, y, random, spread) {
  return [x + normal(random, spread), y + normal(random, spread)];
}

function drawCircle(label, random, spread) {
  const radius = label ? 1.15 * Math.sqrt(random()) : 1.75 + 0.85 * random();
  const angle = 2 * Math.PI * random();
  return noisy(radius * Math.cos(angle), radius * Math.sin(angle), random, spread);
}

function drawXor(label, random, spread) {
  const side = () => (0.2 + 2.4 * random());
  const [x, y] = [side() * (random() < 0.5 ? -1 : 1), side()];
  return noisy(x, (x > 0) === (label === 1) ? y : -y, random, spread);
}

function drawGaussians(label, random, spread) {
  const centre = label ? 1.2 : -1.2;
  return noisy(centre, centre, random, 0.4 + spread);
}

function drawSpiral(label, random, spread) {
  const t = random();
  const angle = 3.5 * Math.PI * t + (label ? Math.PI : 0);
  const radius = 0.1 + 2.5 * t;
  return noisy(radius * Math.sin(angle), radius * Math.cos(angle), random, 0.6 * spread);
}

function drawMoons(label, random, spread) {
  const angle = Math.PI * random();
  const [x, y] = [1.5 * Math.cos(angle), 1.5 * Math.sin(angle)];
  return label
    ? noisy(x - 0.75, y - 0.4, random, spread)
    : noisy(x + 0.75, 0.4 - y, random, spread);
}

function drawThree(label, random, spread) {
  const angle = Math.PI * (0.5 + (2 * label) / 3);
  return noisy(1.5 * Math.cos(angle), 1.5 * Math.sin(angle), random, 0.4 + spread);
}

function drawPlane(label, random, spread) {
  const [x, y] = somewhere(random);
  return [x, y, (x + y) / (2 * REACH) + normal(random, 0.5 * spread)];
}

function drawHills(label, random, spread) {
  const [x, y] = somewhere(random);
  const hill = (a, b) => Math.exp(-((x - a) ** 2 + (y - b) ** 2) / 1.2);
  const height = hill(1.3, 1.3) + hill(-1.3, -1.3) - hill(1.3, -1.3) - hill(-1.3, 1.3);
  return [x, y, height + normal(random, 0.5 * spread)];
}

function somewhere(random) {
  return [(2 * random() - 1) * 0.95 * REACH, (2 * random() - 1) * 0.95 * REACH];
}
