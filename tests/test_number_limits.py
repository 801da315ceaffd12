"""Numbers beyond any C type, and the least of data: each works or is refused in words."""

import warnings

import numpy as np
import pytest
import reference
from sklearn.exceptions import ConvergenceWarning

import pynn

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(20, 3)), RNG.normal(size=(20, 2))
LABELS = (X[:, 0] > 0).astype(int)
BEYOND = [2**31, 2**32 + 1, 2**63, 2**64 + 1, 10**400]  # int32, uint32, int64, uint64, float64
ESTIMATORS = [pynn.MLPClassifier, pynn.MLPRegressor]
beyond = pytest.mark.parametrize("number", BEYOND, ids=lambda n: f"about 2**{n.bit_length()}")


def network(**options):
    options = {"activation": "tanh", "dtype": "float64", "random_state": 0} | options
    return pynn.Network([3, 4, 2], **options)


def stop(state):
    return True


def fitted(Estimator, **parameters):
    parameters = {"hidden_layer_sizes": (4,), "max_iter": 2, "random_state": 0} | parameters
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.filterwarnings("ignore", "Got `batch_size`")
        return Estimator(**parameters).fit(X, LABELS)


# Arguments of Network


@beyond
@pytest.mark.parametrize("name", ["epochs", "batch_size"])
def test_counts_have_the_range_of_int32(name, number):
    net = network()
    before = net.parameters.tobytes()
    with pytest.raises(ValueError, match=f"^{name} must be from 1 to 2147483647, got {number}$"):
        net.fit(X, Y, **{name: number})
    assert net.parameters.tobytes() == before


def test_the_largest_counts_are_accepted():
    net, twin = network(), network()
    net.fit(X, Y, batch_size=2**31 - 1, epochs=2**31 - 1, callbacks=[stop])
    twin.fit(X, Y, batch_size=len(X))
    assert net.parameters.tobytes() == twin.parameters.tobytes()


@beyond
def test_so_have_the_sizes_of_layers(number):
    for sizes in ([number, 1], [3, number, 1], [3, number]):
        with pytest.raises(ValueError, match=r"layer_sizes must be from 1 to 2147483647, got \d"):
            pynn.Network(sizes)


def test_layers_that_no_memory_holds_are_refused_at_once():
    with pytest.raises(ValueError, match="parameters are more than any memory can hold"):
        pynn.Network([2**31 - 1] * 3)
    with pytest.raises(MemoryError):
        pynn.Network([2**31 - 1, 2**17])


@pytest.mark.parametrize("seed", [0, 1, 2**31, 2**32 - 1])
def test_seeds_have_the_range_of_uint32(seed):
    assert np.isfinite(network(random_state=seed).parameters).all()
    for beyond in (-1, 2**32, 2**32 + seed, 2**64 + seed):
        with pytest.raises(ValueError, match=rf"random_state .* 2\*\*32 - 1.*; got {beyond}$"):
            network(random_state=beyond)


STRENGTHS = ["alpha", "l1", "max_norm", "clip_norm", "dropout", "validation_split"]


@beyond
@pytest.mark.parametrize("name", STRENGTHS)
def test_a_real_argument_is_what_the_nearest_float_is(name, number):
    """An int that no float comes near is beyond them all, as 1e309 is."""
    nearest = float(number) if number < 10**300 else np.inf
    outcomes = []
    for value in (number, nearest):
        net = network()
        try:
            net.fit(X, Y, optimizer=pynn.SGD(1e-300), **{name: value})
        except (ValueError, FloatingPointError) as error:
            outcomes.append(f"{type(error)} {error}".replace(repr(value), "this number"))
        else:
            outcomes.append(net.parameters.tobytes())
    assert outcomes[0] == outcomes[1]
    assert nearest < np.inf or f"{name} must be" in outcomes[0]


@beyond
@pytest.mark.parametrize(
    ("make", "name"),
    [
        (pynn.SGD, "learning_rate"),
        (pynn.Adam, "epsilon"),
        (pynn.AdamW, "weight_decay"),
        (pynn.Rprop, "largest"),
        (pynn.Huber, "delta"),
        (pynn.LeakyReLU, "slope"),
        (pynn.Quantile, "quantile"),
        (pynn.StepDecay, "every"),
    ],
)
def test_so_is_a_setting(make, name, number):
    try:
        make(**{name: number})
    except ValueError as error:
        assert number == 10**400 or make in (pynn.LeakyReLU, pynn.Quantile)
        assert name in str(error)  # noqa: PT017


@pytest.mark.parametrize("name", ["weights", "biases"])
def test_so_is_a_factor_of_the_learning_rate(name):
    with pytest.raises(ValueError, match=rf"\['{name}'\] must be at least 0 and finite"):
        network().fit(X, Y, learning_rate_factors={name: 10**400})


def test_data_hold_no_such_numbers():
    huge = [[10**400] * 3] * 20
    for arguments, name in (((huge, Y), "X"), ((X, huge), "y")):
        with pytest.raises(TypeError, match=f"{name} must hold real numbers, got dtype object"):
            network().fit(*arguments)
    with pytest.raises(TypeError, match="sample_weight must hold real numbers"):
        network().fit(X, Y, sample_weight=[10**400] * 20)


# Parameters of the estimators

COUNTS = ["batch_size", "max_iter", "n_iter_no_change", "max_fun"]


@beyond
@pytest.mark.parametrize("Estimator", ESTIMATORS)
@pytest.mark.parametrize("name", COUNTS)
def test_an_estimator_s_counts_have_no_upper_limit(Estimator, name, number):
    solver = "lbfgs" if name == "max_fun" else "adam"
    callbacks = [stop] if name == "max_iter" else None
    many = fitted(Estimator, solver=solver, callbacks=callbacks, **{name: number})
    most = fitted(Estimator, solver=solver, callbacks=callbacks, **{name: 1000})
    assert many.network_.parameters.tobytes() == most.network_.parameters.tobytes()


@beyond
@pytest.mark.parametrize("Estimator", ESTIMATORS)
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_a_tolerance_beyond_all_losses_ends_the_fit(Estimator, solver, number):
    ends = {"n_iter_no_change": 1, "max_iter": 9, "solver": solver}
    assert fitted(Estimator, tol=number, **ends).n_iter_ <= 3


@beyond
@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_an_estimator_s_layers_have_the_range_of_int32(Estimator, number):
    given = (number, [3, number], np.array([number], dtype=object))
    for sizes in given:
        with pytest.raises(ValueError, match="hidden_layer_sizes must be from 1 to 2147483647"):
            fitted(Estimator, hidden_layer_sizes=sizes)


@pytest.mark.parametrize("Estimator", ESTIMATORS)
@pytest.mark.parametrize("name", ["alpha", "l1", "learning_rate_init", "epsilon", "max_norm"])
def test_an_estimator_refuses_reals_beyond_all_floats(Estimator, name):
    shown = "learning_rate" if name == "learning_rate_init" else name
    with pytest.raises(ValueError, match=f"{shown} must be"):
        fitted(Estimator, **{name: 10**400})


# The least of data


def oracle(sizes):
    return reference.Network(sizes, ["tanh"] * (len(sizes) - 2) + ["identity"], "squared_error")


@pytest.mark.parametrize(
    "sizes", [[1, 1], [1, 1, 1], [1, 5, 1], [3, 1, 2], [1, 1, 1, 1, 1]], ids=str
)
@pytest.mark.parametrize("n_rows", [1, 2])
@pytest.mark.parametrize("batch_size", [1, 2, 10**6])
def test_one_row_one_column_one_unit(sizes, n_rows, batch_size):
    net = pynn.Network(sizes, activation="tanh", dtype="float64", random_state=0)
    x, y = X[:n_rows, : sizes[0]], Y[:n_rows, : sizes[-1]]
    p, _ = oracle(sizes).train(
        net.parameters.copy(), x, y, [np.arange(n_rows)] * 2, batch_size, pynn.SGD(0.1)
    )
    net.fit(x, y, epochs=2, batch_size=batch_size, optimizer=pynn.SGD(0.1), shuffle=False)
    np.testing.assert_allclose(net.parameters, p, rtol=1e-12)
    np.testing.assert_allclose(net.predict(x), oracle(sizes).predict(p, x), rtol=1e-12)


@pytest.mark.parametrize("empty", [X[:0], X[:, :0], X[:0, :0], np.empty((0,))])
def test_no_rows_and_no_columns_are_refused(empty):
    net = network()
    y = Y[: len(empty)]
    for call in (net.predict, lambda X: net.fit(X, y), lambda X: net.cost(X, y)):
        with pytest.raises(ValueError, match=r"^X (must|has)"):
            call(empty)
    for Estimator in ESTIMATORS:
        model = fitted(Estimator)
        for call in (model.predict, lambda X: model.fit(X, LABELS[: len(X)])):  # noqa: B023
            with pytest.raises(ValueError, match=r"0 (sample|feature)|1D array|features"):
                call(empty)


@pytest.mark.parametrize("Estimator", ESTIMATORS)
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs", "rprop"])
def test_an_estimator_learns_from_one_row_of_one_column(Estimator, solver):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = Estimator(hidden_layer_sizes=(2,), max_iter=3, solver=solver, random_state=0)
        model.fit([[0.5]], [1])
    assert model.predict([[0.5]]).shape == (1,)
    assert np.isfinite(model.network_.parameters).all()
