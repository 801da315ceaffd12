"""What the core offers, from the core's own lists, and random problems with their oracle."""

import copy
import dataclasses
from contextlib import contextmanager
from dataclasses import dataclass, field

import hypothesis
import member_reference
import numpy as np
import reference

import pynn
from pynn import _core

# Roundings allowed, of the largest value or of 1; core/test_oracle.py says how many.
ONE_PASS, PER_UPDATE = 16, 8

DTYPES = ["float32", "float64"]
ACTIVATIONS, COSTS = _core.ACTIVATIONS, _core.COSTS
HIDDEN = [name for name, output_only in ACTIVATIONS.items() if not output_only]
PAIRS = [  # every output activation with every cost that goes with it
    (output, cost)
    for cost, required in COSTS.items()
    for output in (ACTIVATIONS if required is None else [required])
]
# With an epsilon as small as the default the quotient g / sqrt(v) is the sign of g, and where g is
# a sum that cancels, the sign of its rounding error: no two orders of summation agree on that.
RULES = [
    pynn.SGD(0.01),
    pynn.SGD(0.01, momentum=0.9),
    pynn.SGD(0.01, momentum=0.9, nesterov=True),
    pynn.Adam(0.01, beta_1=0.8, beta_2=0.99, epsilon=1e-2),
    pynn.AdamW(0.01, epsilon=1e-2, weight_decay=0.5),
    pynn.RMSprop(0.01, rho=0.8, epsilon=1e-2),
]
# Rprop goes by signs alone: it is for sums that do not cancel.
EVERY_RULE = [*RULES, pynn.Rprop(0.01)]


def examples(percent):
    """So many percent of the examples of a property as the profile has, 50 unless it is long."""
    most = hypothesis.settings.default.max_examples
    return hypothesis.settings(max_examples=max(1, most * percent // 100))


@contextmanager
def instruction_set(name):
    before = _core.isa_in_use()
    _core.use_isa(name)
    try:
        yield name
    finally:
        _core.use_isa(before)


@dataclass
class Problem:
    """A network with random parameters, the oracle of it, and data."""

    net: pynn.Network
    oracle: reference.Network
    X: np.ndarray = field(repr=False)
    y: np.ndarray = field(repr=False)
    sample_weight: np.ndarray | None = field(repr=False)

    @property
    def parameters(self):
        """The parameters as the oracle wants them: a copy, in float64 whatever net.dtype is."""
        return self.net.parameters.astype(float)


def problem(
    rng,
    sizes,
    hidden,
    output,
    cost,
    dtype,
    n_rows=5,
    bias=True,
    delta=1.0,
    weighted=False,
    scale=False,
    residual=False,
    norm=None,
    members=None,
    embeddings=None,
    parametric=False,
):
    parametrised = {"huber": pynn.Huber(delta), "quantile": pynn.Quantile(0.3)}
    sizes = list(sizes)
    names = [hidden] * (len(sizes) - 2) if isinstance(hidden, str) else list(hidden)
    net = pynn.Network(
        sizes,
        activation=[pynn.Parametric(f) for f in names] if parametric else names,
        output_activation=output,
        cost=parametrised.get(cost, cost),
        bias=bias,
        input_scale=scale,
        residual=residual,
        norm=norm,
        dtype=dtype,
        random_state=0,
        members=members,
        embeddings=embeddings,
    )
    for W in net.weights:
        W[...] = rng.normal(size=W.shape) / (2 * np.sqrt(W.shape[-2]))
    for b in net.biases:
        b[...] = rng.normal(size=b.shape) / 2
    if scale:
        net.scale[...] = rng.normal(1, 0.5, len(net.scale))
    parameter = parametrised[cost]._parameter() if cost in parametrised else 0.0
    for group in (*net.gains, *net.alphas, *net.r, *net.s):
        if group is not None:
            group[...] = rng.normal(1, 0.5, group.shape)
    for means, variances in zip(net.means, net.variances, strict=True):
        if means is not None:
            means[...] = rng.normal(0, 0.1, means.shape)
            variances[...] = rng.uniform(0.5, 2, means.shape)
    added, norms = net._architecture.residual, net._architecture.norms
    activations = [*names, output]
    oracle = reference.Network(
        sizes,
        activations,
        cost,
        bias,
        parameter,
        scale,
        added,
        norms,
        tuple(net.embeddings.items()),
        [parametric] * len(names) + [False],
    )
    if members is not None:
        oracle = member_reference.Members(oracle, members)
    # Rows of length one, as then no step overshoots, whatever the width and the cost; and numbers
    # that both dtypes hold exactly, so that neither side rounds them on the way in.
    X = rng.normal(size=(n_rows, sizes[0])) / np.sqrt(sizes[0])
    for column, embedding in net.embeddings.items():
        if isinstance(embedding, pynn.Categories):
            X[:, column] = rng.integers(0, embedding.n, n_rows)
    X = X.astype(np.float32).astype(dtype)
    y = targets(rng, cost, (n_rows, sizes[-1])).astype(np.float32).astype(dtype)
    w = rng.uniform(0.25, 2, n_rows).astype(np.float32).astype(dtype) if weighted else None
    return Problem(net, oracle, X, y, w)


def targets(rng, cost, shape):
    """Targets in the range of the cost, its ends included; those of a row need not sum to 1."""
    if cost == "cross_entropy":
        return np.clip(rng.uniform(-0.5, 1, shape), 0, 1)
    if cost == "binary_cross_entropy":
        return np.clip(rng.uniform(-0.5, 1.5, shape), 0, 1)
    if cost == "poisson":
        return rng.poisson(1.0, shape)
    return rng.normal(size=shape)


def assert_agree(actual, expected, n_eps, dtype, label=""):
    """Agreement to n_eps roundings, where the values are of order one or where the largest is."""
    scale = max(1.0, float(np.max(np.abs(expected), initial=0.0)))
    tolerance = n_eps * np.finfo(dtype).eps * scale
    np.testing.assert_allclose(actual, expected, rtol=0, atol=tolerance, err_msg=label)


def check_one_pass(problem, alpha=0.0, label="", l1=0.0):
    net, oracle, p = problem.net, problem.oracle, problem.parameters
    data = (problem.X, problem.y, problem.sample_weight, alpha, l1)
    expected = oracle.predict(p, problem.X), oracle.cost(p, *data), oracle.gradient(p, *data)
    outputs = net.predict(problem.X)
    gradient = net.gradient(*data[:2], sample_weight=data[2], alpha=alpha, l1=l1)
    cost = net.cost(*data[:2], sample_weight=data[2], alpha=alpha, l1=l1)
    assert outputs.dtype == gradient.dtype == net.dtype
    assert isinstance(cost, float)
    for got, want, what in zip((outputs, cost, gradient), expected, "acg", strict=True):
        assert_agree(got, want, ONE_PASS, net.dtype, f"{label} {what}")


def check_oracle(problem, *data, h=1e-5, shares=None):
    """The oracle's gradient agrees with finite differences; core/test_gradient.py explains h.

    shares: of the rows in a batch that normalises itself
    """
    oracle, p = problem.oracle, problem.parameters
    data = (problem.X, problem.y, problem.sample_weight, *data)
    shares = {} if shares is None else {"shares": shares}
    differences = np.empty_like(p)
    for i, value in enumerate(p.copy()):
        p[i] = value + h
        above = oracle.cost(p, *data, **shares)
        p[i] = value - h
        differences[i] = (above - oracle.cost(p, *data, **shares)) / (2 * h)
        p[i] = value
    if "batch" in oracle.norms:  # means and variances are no part of the gradient
        of = oracle.groups(differences)
        for statistics in (*of["means"], *of["variances"]):
            statistics[...] = 0
    gradient = oracle.gradient(p, *data, **shares)
    np.testing.assert_allclose(gradient, differences, rtol=1e-6, atol=1e-9)


def check_trace(problem):
    net, oracle, p = problem.net, problem.oracle, problem.parameters
    zs, activations, das, dus, dx, costs = oracle.trace(p, problem.X, problem.y)
    trace = net.trace(problem.X, problem.y)
    found = [*trace.z, *trace.a, *trace.sensitivities, *trace.deltas]
    found += [trace.input_sensitivities, trace.costs, trace.gradient]
    gradient = oracle.gradient(p, problem.X, problem.y)
    wanted = [*zs, *activations, *das, *dus, dx, costs, gradient]
    for layer, norm in enumerate(oracle.norms):
        assert (trace.normalised[layer] is None) == (norm is None)
        if norm:
            u = oracle.forward(p, problem.X)[1][layer] @ oracle.views(p)[0][layer]
            found += [trace.normalised[layer], trace.z_sensitivities[layer]]
            wanted += [oracle.normalised(p, layer, u)[0]]
            wanted += [das[layer] * oracle.slope(p, layer, zs[layer])]
    for got, want in zip(found, wanted, strict=True):
        assert_agree(got, want, 2 * ONE_PASS, net.dtype)


def check_training(problem, rule, batch_size, epochs=2, alpha=0.0, label="", **others):
    net, oracle = problem.net, problem.oracle
    n_rows = len(problem.X)
    seed = copy.deepcopy(net._random)._bit_generator.random_raw()  # of dropout
    p, costs = oracle.train(
        problem.parameters,
        problem.X,
        problem.y,
        [np.arange(n_rows)] * epochs,
        batch_size,
        rule,
        alpha,
        problem.sample_weight,
        seed=seed,
        **others,
    )
    net.fit(
        problem.X,
        problem.y,
        epochs=epochs,
        batch_size=batch_size,
        optimizer=rule,
        alpha=alpha,
        sample_weight=problem.sample_weight,
        shuffle=False,
        **others,
    )
    n_eps = PER_UPDATE * epochs * -(-n_rows // batch_size)
    assert_agree(net.parameters, p, n_eps, net.dtype, label)
    assert_agree(net.history["cost"], costs, n_eps, net.dtype, label)


def cap(net):
    """Let a network's cross-entropies be capped, as those of the estimators are."""
    net._become(dataclasses.replace(net._architecture, capped=True))


def digits_like(rng, n_rows=60):
    """Three classes of points: something that can be learned."""
    y = rng.integers(0, 3, n_rows)
    return np.eye(3, 5)[y] + rng.normal(size=(n_rows, 5)) / 4, y


def classifier(random_state=0, dtype="float64", **options):
    names = {"activation": "tanh", "output_activation": "softmax", "cost": "cross_entropy"}
    return pynn.Network([5, 7, 4, 3], dtype=dtype, random_state=random_state, **(names | options))
