/**
 * Drawings, and the 28 × 28 grey levels that the network gets of them.
 *
 * A drawing is `{example: index}`, one of the digits that come with the page, or
 * `{strokes: [{brush, points: [[x, y], ...]}]}` with whole coordinates from 0 to 255. Drawings are
 * never changed, only replaced.
 */

export const SIDE = 28;
export const N_PIXELS = SIDE * SIDE;
/** Coordinates are from 0 to this. */
export const LARGEST = 255;
export const MOST_POINTS = 2000;
/** Radii of the brushes, in coordinates. */
export const BRUSHES = {thin: 9, medium: 14, thick: 20};
export const EMPTY = {strokes: []};

/** MNIST fits digits into a box of this side, and puts their centre of mass here. */
const BOX = 20, CENTRE = 14;
/** Lines of MNIST have about these radii, in pixels. */
const THINNEST = 1.1, THICKEST = 1.9;

export function isEmpty(drawing) {
  return drawing.strokes?.length === 0;
}

/** @returns {number} the number of points of all strokes */
export function pointsOf(strokes) {
  return strokes.reduce((sum, {points}) => sum + points.length, 0);
}

/** Add a stroke; it replaces an example. */
export function withStroke(drawing, stroke) {
  return {strokes: [...drawing.strokes ?? [], stroke]};
}

/**
 * The grey levels of MNIST's training images: the drawing in a box of 20 × 20 pixels, whose centre
 * of mass is put into the middle of 28 × 28. As there, levels are steps of 1/255.
 *
 * @param {object[]} strokes
 * @returns {Float32Array} numbers from 0 (paper) to 1 (ink), row by row
 */
export function levelsOf(strokes) {
  if (strokes.length === 0) return new Float32Array(N_PIXELS);
  const levels = painted(fitted(strokes));
  const [x, y] = centreOfMass(levels);
  return moved(levels, Math.round(CENTRE - x), Math.round(CENTRE - y));
}

/** The strokes in pixels, in the middle of the image, with the radius of their line. */
function fitted(strokes) {
  const points = strokes.flatMap((stroke) => stroke.points);
  const [left, top] = [0, 1].map((axis) => Math.min(...points.map((point) => point[axis])));
  const [right, bottom] = [0, 1].map((axis) => Math.max(...points.map((point) => point[axis])));
  const longest = Math.max(right - left, bottom - top);
  const widest = Math.max(...strokes.map(({brush}) => BRUSHES[brush]));
  const whole = BOX / (longest + 2 * widest); // pixels for each coordinate
  const thickness = (radius) => Math.max(THINNEST, Math.min(THICKEST, whole * radius));
  const scale = longest > 0 ? (BOX - 2 * thickness(widest)) / longest : 0;
  const place = (value, low, high) => (SIDE - 1) / 2 + scale * (value - (low + high) / 2);
  return strokes.map(({brush, points: of}) => ({
    radius: thickness(BRUSHES[brush]),
    points: of.map(([x, y]) => [place(x, left, right), place(y, top, bottom)]),
  }));
}

function painted(strokes) {
  const levels = new Float32Array(N_PIXELS);
  for (const {points, radius} of strokes) {
    points.forEach((to, i) => paintLine(levels, points[Math.max(0, i - 1)], to, radius + 0.5));
  }
  return levels.map((ink) => Math.round(255 * Math.min(1, ink)) / 255);
}

/** Paint the pixels that are closer to a line than `reach`: the more ink, the closer. */
function paintLine(levels, from, to, reach) {
  const [left, right] = range(from[0], to[0], reach), [top, bottom] = range(from[1], to[1], reach);
  for (let y = top; y <= bottom; y++) {
    for (let x = left; x <= right; x++) {
      const i = SIDE * y + x;
      levels[i] = Math.max(levels[i], reach - distance(x, y, from, to));
    }
  }
}

/** The pixels of a row or column between two places, and a margin. */
function range(one, other, margin) {
  const [low, high] = [Math.min(one, other) - margin, Math.max(one, other) + margin];
  return [Math.max(0, Math.ceil(low)), Math.min(SIDE - 1, Math.floor(high))];
}

/** The distance of a pixel from a line. */
function distance(x, y, [fromX, fromY], [toX, toY]) {
  const [dx, dy] = [toX - fromX, toY - fromY];
  const length = dx * dx + dy * dy;
  const along = length > 0 ? ((x - fromX) * dx + (y - fromY) * dy) / length : 0;
  const share = Math.max(0, Math.min(1, along));
  const [awayX, awayY] = [x - fromX - share * dx, y - fromY - share * dy];
  return Math.sqrt(awayX * awayX + awayY * awayY);
}

/** Move all levels by whole pixels; those beyond the edge are lost. */
function moved(levels, right, down) {
  return levels.map((_, i) => {
    const [x, y] = [i % SIDE - right, Math.floor(i / SIDE) - down];
    return x >= 0 && x < SIDE && y >= 0 && y < SIDE ? levels[SIDE * y + x] : 0;
  });
}

function centreOfMass(levels) {
  let sum = 0, x = 0, y = 0;
  levels.forEach((level, i) => {
    sum += level;
    x += level * (i % SIDE);
    y += level * Math.floor(i / SIDE);
  });
  return [x / sum, y / sum];
}

/** The examples in the page, two pixels in each byte. */
export function examplesOf(bytes) {
  const n = Math.floor(bytes.length / (N_PIXELS / 2));
  return Array.from({length: n}, (_, k) => Float32Array.from({length: N_PIXELS}, (_, i) => {
    const byte = bytes[(k * N_PIXELS + i) >> 1];
    return (i % 2 === 0 ? byte >> 4 : byte & 15) / 15;
  }));
}
