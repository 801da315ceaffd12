"""Bad input ends in a ValueError or TypeError that names what was given, and changes nothing.

"Nothing" is taken at its word: after the error the network trains on to the same bits as a twin
that never saw it, so parameters, history, optimizer, order and random numbers are all untouched.
"""

import copy

import cases
import numpy as np
import pytest
from scipy import sparse

import pynn

N_ROWS = 6
X = np.linspace(-1, 1, N_ROWS * 4).reshape(N_ROWS, 4)
Y = np.linspace(0, 1, N_ROWS * 3).reshape(N_ROWS, 3)
LABELS = np.arange(N_ROWS) % 3


def network(cost="squared_error", output="identity", n_out=3):
    net = pynn.Network(
        [4, 5, n_out],
        activation="tanh",
        output_activation=output,
        cost=cost,
        dtype="float64",
        random_state=0,
    )
    return net.fit(X, Y[:, :n_out], epochs=2, batch_size=4, optimizer=pynn.SGD(0.1, momentum=0.9))


def altered(a, value, dtype=None, index=-1):
    """A copy of a with its last element replaced, or with its element at another index."""
    a = np.array(a, dtype)
    a[(index,) * a.ndim] = value
    return a


class Check:
    """Context: the error is raised with the words in it, and the network is as it was."""

    def __init__(self, net, words, errors=(ValueError, TypeError)):
        self.net, self.twin = net, copy.deepcopy(net)
        self.raises = pytest.raises(errors)
        self.words = [words] if isinstance(words, str) else words

    def __enter__(self):
        self.info = self.raises.__enter__()
        return self

    def __exit__(self, *exception):
        raised = self.raises.__exit__(*exception)
        if raised:
            for word in self.words:
                assert word in str(self.info.value)
            assert self.net.history == self.twin.history
            for net in (self.net, self.twin):
                net.fit(X, Y[:, : net.layer_sizes[-1]], epochs=2, batch_size=4)
            assert self.net.parameters.tobytes() == self.twin.parameters.tobytes()
            assert np.isfinite(self.net.parameters).all()
        return raised


# The network itself

NETWORKS = {  # what is given: (arguments, what the message says)
    "no sizes": (dict(layer_sizes=[]), "layer_sizes"),
    "one size": (dict(layer_sizes=[4]), "layer_sizes"),
    "a size of 0": (dict(layer_sizes=[4, 0, 3]), ["layer_sizes", "0"]),
    "a negative size": (dict(layer_sizes=[4, -2, 3]), ["layer_sizes", "-2"]),
    "half a unit": (dict(layer_sizes=[4, 2.5, 3]), ["layer_sizes", "2.5"]),
    "a size in letters": (dict(layer_sizes=[4, "5", 3]), ["layer_sizes", "5"]),
    "sizes in letters": (dict(layer_sizes="456"), "layer_sizes"),
    "a number for sizes": (dict(layer_sizes=4), "layer_sizes"),
    "nothing for sizes": (dict(layer_sizes=None), "layer_sizes"),
    "truth for a size": (dict(layer_sizes=[4, True, 3]), ["layer_sizes", "True"]),
    "a size past the index range": (dict(layer_sizes=[4, 2**63]), ["layer_sizes", str(2**63)]),
    "a size past BLAS's": (dict(layer_sizes=[2**31, 1]), ["layer_sizes", str(2**31)]),
    "more parameters than memory has addresses": (
        dict(layer_sizes=[2**31 - 1] * 3),
        "parameters",
    ),
    "an unknown activation": (dict(activation="swosh"), ["swosh", *cases.HIDDEN]),
    "an activation for outputs": (dict(activation="softmax"), ["softmax", *cases.HIDDEN]),
    "too many activations": (
        dict(activation=["tanh", "tanh"]),
        ["activation", "'tanh', 'tanh'", "1"],
    ),
    "too few activations": (dict(activation=[]), "activation"),
    "one unknown of several": (
        dict(layer_sizes=[4, 5, 5, 3], activation=["tanh", "swosh"]),
        ["swosh", *cases.HIDDEN],
    ),
    "no activation": (dict(activation=None), "activation"),
    "the class of an activation": (
        dict(activation=pynn.LeakyReLU),
        ["activation", "LeakyReLU()", "class"],
    ),
    "an unknown output": (dict(output_activation="swosh"), ["swosh", *cases.ACTIVATIONS]),
    "a number for the output": (dict(output_activation=1), "output_activation"),
    "an unknown cost": (dict(cost="price"), ["price", *cases.COSTS]),
    "a number for the cost": (dict(cost=1.0), "cost"),
    "softmax is missing": (
        dict(cost="cross_entropy", output_activation="identity"),
        ["cross_entropy", "softmax", "identity"],
    ),
    "sigmoid is missing": (
        dict(cost="binary_cross_entropy", output_activation="softmax"),
        ["binary_cross_entropy", "sigmoid", "softmax"],
    ),
    "exp is missing": (
        dict(cost="poisson", output_activation="identity"),
        ["poisson", "exp", "identity"],
    ),
    "an unknown initializer": (
        dict(initializer="lucky"),
        ["lucky", "auto", "glorot_uniform", "he_uniform", "he_normal", "lecun_normal", "zeros"],
    ),
    "a number for the initializer": (dict(initializer=0.1), "initializer"),
    "half precision": (dict(dtype="float16"), ["float16", "float32", "float64"]),
    "integers": (dict(dtype=int), ["int", "float32", "float64"]),
    "complex numbers": (dict(dtype=complex), ["complex", "float32", "float64"]),
    "no dtype at all": (dict(dtype="real"), ["real", "float32", "float64"]),
    "letters for randomness": (dict(random_state="dice"), ["random_state", "dice"]),
    "a negative seed": (dict(random_state=-1), ["random_state", "-1"]),
    "a fractional seed": (dict(random_state=0.5), ["random_state", "0.5"]),
    "letters for the bias": (dict(bias="no"), ["bias", "no"]),
}


@pytest.mark.parametrize(("arguments", "words"), NETWORKS.values(), ids=NETWORKS)
def test_a_network_that_cannot_be(arguments, words):
    with pytest.raises((ValueError, TypeError)) as info:
        pynn.Network(**({"layer_sizes": [4, 5, 3]} | arguments))
    for word in [words] if isinstance(words, str) else words:
        assert word in str(info.value)


NAN, INF = float("nan"), float("inf")
SETTINGS = [
    (pynn.Huber, "delta", [0, -1.0, NAN, INF, "1", None]),
    (pynn.LeakyReLU, "slope", [-0.1, 1, 2.0, NAN, INF, "0.1", None, True]),
    (pynn.Quantile, "quantile", [0, 1, -0.1, 1.5, NAN, "0.5", None, True]),
    (pynn.SGD, "learning_rate", [0, -0.1, NAN, INF, "0.1", None, 1j]),
    (pynn.SGD, "momentum", [-0.1, 1.1, NAN, "0.9", None]),
    (pynn.SGD, "nesterov", ["yes", None, 2]),
    (pynn.Adam, "learning_rate", [0, -0.1, NAN, INF, "0.1"]),
    (pynn.Adam, "beta_1", [-0.1, 1.0, NAN, "0.9"]),
    (pynn.Adam, "beta_2", [-0.1, 1.0, NAN, "0.9"]),
    (pynn.Adam, "epsilon", [0, -1e-8, NAN, INF, "0"]),
    (pynn.AdamW, "weight_decay", [-0.1, NAN, INF, "0"]),
    (pynn.RMSprop, "rho", [-0.1, 1.0, NAN, "0.9"]),
    (pynn.RMSprop, "epsilon", [0, -1e-8, NAN, INF]),
    (pynn.Rprop, "learning_rate", [0, NAN, INF, "0.1", 1e-7, 51]),
    (pynn.Rprop, "grow", [0.9, NAN, INF, "1.2"]),
    (pynn.Rprop, "shrink", [0, 1.1, NAN, "0.5"]),
    (pynn.Rprop, "smallest", [0, -1.0, NAN, 0.02]),
    (pynn.Rprop, "largest", [0, NAN, INF, 0.001]),
]


@pytest.mark.parametrize(
    ("make", "name", "value"),
    [(make, name, value) for make, name, values in SETTINGS for value in values],
)
def test_a_setting_out_of_range(make, name, value):
    with pytest.raises((ValueError, TypeError)) as info:
        make(**{name: value})
    assert name in str(info.value)
    assert str(value) in str(info.value)


# Data. Every way in that takes X or y takes the same ones.

ENTRIES = {
    "fit": lambda net, X, y: net.fit(X, y),
    "cost": lambda net, X, y: net.cost(X, y),
    "gradient": lambda net, X, y: net.gradient(X, y),
    "validation": lambda net, X_val, y_val: net.fit(X, Y, validation_data=(X_val, y_val)),
}

BAD_X = {
    "too few features": (X[:, :3], ["3", "4"]),
    "too many features": (np.hstack([X, X]), ["8", "4"]),
    "no features": (X[:, :0], ["0", "4"]),
    "one dimension": (X[0], ["(4,)", "(n_rows, 4)"]),
    "three dimensions": (X[np.newaxis], ["(1, 6, 4)", "(n_rows, 4)"]),
    "no dimension": (1.0, ["()", "(n_rows, 4)"]),
    "NaN": (altered(X, NAN), "NaN"),
    "NaN at the start": (altered(X, NAN, index=0), "NaN"),
    "NaN in every other row": (altered(np.repeat(X, 2, axis=0), NAN)[1::2], "NaN"),
    "infinity": (altered(X, -INF), "infinity"),
    "NaN in single precision": (altered(X, NAN, np.float32), "NaN"),
    "NaN in Fortran order": (np.asfortranarray(altered(X, NAN)), "NaN"),
    "more than the dtype holds": (altered(X, np.longdouble("1e4000"), np.longdouble), "infinity"),
    "complex": (X + 0j, "complex"),
    "objects": (X.astype(object), "object"),
    "text": (X.astype(str), "X"),
    "dates": (X.astype("datetime64[s]"), "datetime64"),
    "ragged": ([[1, 2, 3, 4], [1, 2, 3]], "X"),
    "nothing": (None, "X"),
    "another sparse format": (sparse.coo_array(X), ["X", "coo_array", "CSR", "CSC"]),
    "a sparse vector": (sparse.csr_array(X[0]), ["(4,)", "(n_rows, 4)"]),
    "sparse with too few features": (sparse.csr_array(X[:, :3]), ["3", "4"]),
    "sparse with NaN": (sparse.csr_array(altered(X, NAN)), "NaN"),
    "sparse with infinity by columns": (sparse.csc_matrix(altered(X, INF)), "infinity"),
    "sparse and complex": (sparse.csr_array(X + 0j), ["X.data", "complex"]),
}


@pytest.mark.parametrize(("bad", "words"), BAD_X.values(), ids=BAD_X)
@pytest.mark.parametrize("entry", ENTRIES)
def test_bad_features(entry, bad, words):
    net = network()
    with Check(net, words):
        ENTRIES[entry](net, bad, Y)


@pytest.mark.parametrize(("bad", "words"), BAD_X.values(), ids=BAD_X)
def test_bad_features_for_predict(bad, words):
    net = network()
    with Check(net, words):
        net.predict(bad)


@pytest.mark.parametrize("entry", ENTRIES)
def test_no_rows(entry):
    net = network()
    with Check(net, ["0", "X"]):
        ENTRIES[entry](net, X[:0], Y[:0])


BAD_Y = {
    "too few rows": (Y[:-1], ["5", "6"]),
    "too many rows": (np.vstack([Y, Y]), ["12", "6"]),
    "too few outputs": (Y[:, :2], ["2", "3"]),
    "too many outputs": (np.hstack([Y, Y]), ["6", "3"]),
    "one column": (Y[:, :1], ["1", "3"]),
    "three dimensions": (Y[np.newaxis], "y"),
    "no dimension": (1.0, "y"),
    "NaN": (altered(Y, NAN), "NaN"),
    "infinity": (altered(Y, INF), "infinity"),
    "complex": (Y + 0j, "complex"),
    "objects": (Y.astype(object), "object"),
    "text": (LABELS.astype(str), "y"),
    "nothing": (None, "y"),
    "sparse": (sparse.csr_array(Y), ["y", "csr_array"]),
    "a class too many": (altered(LABELS, 3), ["3", "2"]),
    "a negative class": (altered(LABELS, -1), ["-1", "2"]),
    "a class past the index range": (altered(LABELS, 2**64 - 1, np.uint64), str(2**64 - 1)),
    "fractional classes": (LABELS + 0.5, "y"),
    "too few classes": (LABELS[:-1], ["5", "6"]),
    "classes as objects": (LABELS.astype(object), "object"),
}


@pytest.mark.parametrize(("bad", "words"), BAD_Y.values(), ids=BAD_Y)
@pytest.mark.parametrize("entry", ENTRIES)
def test_bad_targets(entry, bad, words):
    net = network()
    with Check(net, words):
        ENTRIES[entry](net, X, bad)


@pytest.mark.parametrize(
    ("cost", "output", "bad", "words"),
    [
        ("binary_cross_entropy", "sigmoid", -0.1, ["-0.1", "binary_cross_entropy"]),
        ("binary_cross_entropy", "sigmoid", 1.5, ["1.5", "binary_cross_entropy"]),
        ("cross_entropy", "softmax", -0.1, ["-0.1", "cross_entropy"]),
        ("poisson", "exp", -1.0, ["-1", "poisson"]),
    ],
)
@pytest.mark.parametrize("entry", ["fit", "cost", "gradient"])
def test_targets_out_of_the_range_of_the_cost(entry, cost, output, bad, words):
    net = network(cost, output)
    with Check(net, words):
        ENTRIES[entry](net, X, altered(Y, bad))


BAD_WEIGHTS = {
    "negative": (altered(np.ones(N_ROWS), -1), ["sample_weight", "negative"]),
    "all zero": (np.zeros(N_ROWS), ["sample_weight", "zero"]),
    "NaN": (altered(np.ones(N_ROWS), NAN), ["sample_weight", "NaN"]),
    "infinity": (altered(np.ones(N_ROWS), INF), ["sample_weight", "infinity"]),
    "too few": (np.ones(N_ROWS - 1), ["sample_weight", "5", "6"]),
    "a column": (np.ones((N_ROWS, 1)), "sample_weight"),
    "one number": (2.0, "sample_weight"),
    "complex": (np.ones(N_ROWS) + 0j, ["sample_weight", "complex"]),
    "objects": (np.ones(N_ROWS, object), ["sample_weight", "object"]),
    "text": (["1"] * N_ROWS, "sample_weight"),
    "a sum past the range": (np.full(N_ROWS, 1e308), "sample_weight"),
}


@pytest.mark.parametrize(("bad", "words"), BAD_WEIGHTS.values(), ids=BAD_WEIGHTS)
@pytest.mark.parametrize("entry", ["fit", "cost", "gradient"])
def test_bad_sample_weight(entry, bad, words):
    net = network()
    with Check(net, words):
        getattr(net, entry)(X, Y, sample_weight=bad)


BAD_OPTIONS = [
    *(("epochs", bad) for bad in (0, -1, 1.5, "3", None, True, NAN, 2**63)),
    *(("batch_size", bad) for bad in (0, -1, 2.5, "8", None, True, INF)),
    *(("optimizer", bad) for bad in ("adagrad", pynn.Adam, 0.1)),
    *(("alpha", bad) for bad in (-1e-4, NAN, INF, "0", None, 1j)),
    *(("shuffle", bad) for bad in ("yes", None, 0.5)),
    *(("validation_data", bad) for bad in (X, (X,), (X, Y, Y, Y), 0.1, "X, Y")),
]


@pytest.mark.parametrize(("option", "bad"), BAD_OPTIONS, ids=lambda value: str(value)[:20])
def test_a_bad_option_of_fit(option, bad):
    net = network()
    with Check(net, option):
        net.fit(X, Y, **{option: bad})


@pytest.mark.parametrize("entry", ["cost", "gradient"])
@pytest.mark.parametrize("bad", [-1e-4, NAN, INF, "0", None])
def test_bad_alpha(entry, bad):
    net = network()
    with Check(net, "alpha"):
        getattr(net, entry)(X, Y, alpha=bad)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (np.zeros(42), ["42", "43"]),
        (np.zeros((43, 1)), "43"),
        ([0.0] * 43, "list"),
        (None, "None"),
    ],
    ids=["too few", "a column", "a list", "nothing"],
)
def test_a_bad_vector_for_views(bad, words):
    net = network()
    assert net.n_parameters == 43
    with Check(net, words):
        net.views(bad)


def test_a_parameter_that_is_not_finite_is_not_trained_on():
    net = network()
    net.parameters[3] = np.nan
    before = net.parameters.tobytes()
    with pytest.raises((ValueError, FloatingPointError)):
        net.fit(X, Y)
    assert net.parameters.tobytes() == before
    net.parameters[3] = 0
    net.fit(X, Y)


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize(
    "optimizer", [pynn.SGD(1e6), pynn.SGD(1e6, momentum=0.9)], ids=["SGD", "momentum"]
)
@pytest.mark.parametrize("cost", ["squared_error", "absolute_error"])
def test_divergence_is_an_error_and_undone(cost, optimizer, dtype):
    net = pynn.Network([4, 5, 3], cost=cost, dtype=dtype, random_state=0)
    net.fit(X, Y, epochs=2, optimizer=pynn.SGD(0.1))
    before, history = net.parameters.tobytes(), copy.deepcopy(net.history)
    with pytest.raises(FloatingPointError, match="epoch"):
        net.fit(X, Y, epochs=10_000, batch_size=2, optimizer=optimizer, alpha=1.0)
    assert net.parameters.tobytes() == before
    assert net.history == history
    net.fit(X, Y, epochs=2, optimizer=pynn.SGD(0.1))
    assert np.isfinite(net.parameters).all()


def test_divergence_in_the_last_update_is_noticed():
    """No later cost shows it: the parameters themselves overflow."""
    net = pynn.Network([1, 1], dtype="float32", random_state=0)
    before = net.parameters.tobytes()
    with pytest.raises(FloatingPointError):
        net.fit([[1e10]], [0.0], optimizer=pynn.SGD(1e30))
    assert net.parameters.tobytes() == before


def test_a_cost_that_overflows_alone_is_noticed():
    """Its gradient and the parameters are still finite."""
    net = pynn.Network([1, 1], initializer="zeros", dtype="float32")
    with pytest.raises(FloatingPointError):
        net.fit([[1.0]], [1e30], optimizer=pynn.SGD(1e-30))
    np.testing.assert_array_equal(net.parameters, 0)


def test_divergence_with_validation_data_and_verbose_is_undone_too(capsys):
    net = network()
    with Check(net, "", FloatingPointError):
        net.fit(X, Y, epochs=1000, optimizer=pynn.SGD(1e6), verbose=True, validation_data=(X, Y))
