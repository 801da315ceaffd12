/** The inputs that a network can get from a point of the plane. */
export const FEATURES = {
  x: {label: "x", of: (x) => x},
  y: {label: "y", of: (x, y) => y},
  xx: {label: "x²", of: (x) => x * x},
  yy: {label: "y²", of: (x, y) => y * y},
  xy: {label: "xy", of: (x, y) => x * y},
  sinx: {label: "sin x", of: (x) => Math.sin(x)},
  siny: {label: "sin y", of: (x, y) => Math.sin(y)},
};

/**
 * Compute features of points.
 *
 * @param {Float32Array} points x and y of each point
 * @param {string[]} names of FEATURES
 * @returns {Float32Array} rows of a network, (n, names.length)
 */
export function inputsOf(points, names) {
  const functions = names.map((name) => FEATURES[name].of);
  const rows = new Float32Array((points.length / 2) * names.length);
  for (let i = 0, to = 0; i < points.length; i += 2) {
    for (const f of functions) rows[to++] = f(points[i], points[i + 1]);
  }
  return rows;
}

/** The points of a square grid over the plane, by rows from the upper left corner. */
export function gridPoints(side, reach) {
  const points = new Float32Array(2 * side * side);
  const at = (i) => (2 * (i + 0.5) / side - 1) * reach;
  for (let row = 0, to = 0; row < side; row++) {
    for (let column = 0; column < side; column++) {
      points[to++] = at(column);
      points[to++] = -at(row);
    }
  }
  return points;
}
