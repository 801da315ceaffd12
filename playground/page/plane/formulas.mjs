/** The formulas of activations and costs as text: those of pynn/inspection/formulas.py. */

/** An activation a = f(z), its slope f′(z), and the slope as a factor if a alone gives it. */
export const ACTIVATIONS = {
  identity: ["z", "1"],
  sigmoid: ["1 / (1 + e^−z)", "a·(1 − a)", "a·(1 − a)"],
  tanh: ["tanh z", "1 − a²", "(1 − a²)"],
  relu: ["z above 0, else 0", "1 above 0, else 0"],
  leaky_relu: ["z above 0, else 0.01·z", "1 above 0, else 0.01"],
  elu: ["z above 0, else e^z − 1", "1 above 0, else a + 1"],
  selu: ["1.0507·z above 0, else 1.7581·(e^z − 1)", "1.0507 above 0, else a + 1.7581"],
  gelu: ["z·Φ(z)", "Φ(z) + z·φ(z)"],
  silu: ["z·s with s = 1 / (1 + e^−z)", "s + a·(1 − s)"],
  mish: ["z·t with t = tanh(ln(1 + e^z))", "t + z·(1 − t²)·s with s = 1 / (1 + e^−z)"],
  softplus: ["ln(1 + e^z)", "1 / (1 + e^−z)"],
  softmax: ["e^z / (sum of e^z over the layer)", ""],
};

/**
 * Costs: the rules of the cost of one output and of its slope ∂C/∂a, the formulas of both that
 * apply to a target y, and the costs of all outputs. Targets of classes are 0 or 1.
 */
export const COSTS = {
  squared_error: {
    rules: ["½·(a − y)²", "a − y"],
    formulas: () => ["½·(a − y)²", "a − y"],
    values: (z, a, y) => a.map((value, j) => (value - y[j]) ** 2 / 2),
  },
  binary_cross_entropy: {
    rules: ["−y·ln a − (1 − y)·ln(1 − a)", "(1 − y) / (1 − a) − y / a"],
    formulas: (y) => (y ? ["−ln a", "−y / a"] : ["−ln(1 − a)", "u / (1 − a)"]),
    values: (z, a, y) => z.map((value, j) => (y[j] ? softplus(-value) : softplus(value))),
  },
  cross_entropy: {
    rules: ["−y·ln a", "−y / a"],
    formulas: (y) => (y ? ["−ln a", "−y / a"] : ["", ""]),
    values: (z, a, y) => {
      const largest = Math.max(...z);
      const sum = largest + Math.log(z.reduce((all, value) => all + Math.exp(value - largest), 0));
      return z.map((value, j) => y[j] * (sum - value));
    },
  },
};

function softplus(z) {
  return Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z)));
}
