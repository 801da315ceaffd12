"""Network: what it holds, how it starts, what fit leaves behind, and how it is copied."""

import copy
import json
import pickle

import cases
import numpy as np
import pytest
from cases import classifier, digits_like
from sklearn.metrics import r2_score
from sklearn.neural_network import MLPClassifier, MLPRegressor

import pynn

SIZES = [5, 7, 4, 3]
N_PARAMETERS = 5 * 7 + 7 + 7 * 4 + 4 + 4 * 3 + 3


# What it holds


def test_attributes():
    net = pynn.Network(
        [784, 16, 16, 10],
        activation=["logistic", "relu"],
        output_activation="sigmoid",
        cost="binary_cross_entropy",
    )
    assert net.n_parameters == 13002
    assert net.layer_sizes == (784, 16, 16, 10)
    assert net.activations == ("sigmoid", "relu", "sigmoid")
    assert net.dtype == np.float32
    assert net.parameters.shape == (13002,)
    assert net.parameters.dtype == np.float32
    assert net.history == {"cost": []}


def test_one_name_goes_for_every_hidden_layer():
    assert pynn.Network([2, 3, 3, 1], activation="elu").activations == ("elu", "elu", "identity")


def test_weights_and_biases_are_views_in_the_documented_order():
    net = classifier()
    net.parameters[:] = np.arange(N_PARAMETERS)
    assert net.n_parameters == N_PARAMETERS
    flat = []
    for W, b, n_in, n_out in zip(net.weights, net.biases, SIZES[:-1], SIZES[1:], strict=True):
        assert W.shape == (n_in, n_out)
        assert b.shape == (n_out,)
        assert np.shares_memory(W, net.parameters)
        assert np.shares_memory(b, net.parameters)
        flat += [W.ravel(), b]
    np.testing.assert_array_equal(np.concatenate(flat), np.arange(N_PARAMETERS))


def test_without_biases():
    net = classifier(bias=False)
    assert net.n_parameters == 5 * 7 + 7 * 4 + 4 * 3
    assert net.biases == ()
    np.testing.assert_allclose(net.predict(np.zeros((1, 5))), [[1 / 3] * 3])


def test_writing_to_the_parameters_changes_the_network(rng):
    X, _ = digits_like(rng)
    net, other = classifier(0), classifier(1)
    assert not np.array_equal(net.predict(X), other.predict(X))
    net.parameters[:] = other.parameters
    np.testing.assert_array_equal(net.predict(X), other.predict(X))
    net.weights[2][...] = 0
    net.biases[2][...] = [0, 0, np.log(2)]
    np.testing.assert_allclose(net.predict(X), [[0.25, 0.25, 0.5]] * len(X))


def test_views_of_any_such_vector(rng):
    net = classifier()
    gradient = net.gradient(*digits_like(rng))
    weights, biases = net.views(gradient)
    assert [W.shape for W in weights] == [W.shape for W in net.weights]
    weights[1][2, 3] = 7.0
    biases[0][1] = 8.0
    assert gradient[5 * 7 + 7 + 2 * 4 + 3] == 7.0
    assert gradient[5 * 7 + 1] == 8.0


def test_predict_leaves_no_view_of_the_insides(rng):
    X, _ = digits_like(rng)
    net = classifier()
    first = net.predict(X)
    kept = first.copy()
    net.predict(X + 1)
    np.testing.assert_array_equal(first, kept)


def test_repr_says_what_it_is():
    shown = repr(classifier())
    for part in ("Network", "5", "7", "4", "3", "tanh", "softmax", "cross_entropy"):
        assert part in shown


# How it starts


def first_parameters_of_scikit_learn(mlp, X, y, **options):
    """What scikit-learn draws: a learning rate too small to move any of it."""
    mlp.set_params(solver="sgd", learning_rate_init=1e-300, momentum=0.0, alpha=0.0)
    mlp.partial_fit(X, y, **options)
    pairs = zip(mlp.coefs_, mlp.intercepts_, strict=True)
    return np.concatenate([part for W, b in pairs for part in (W.ravel(), b)])


@pytest.mark.parametrize("seed", [0, 1, 12345])
@pytest.mark.parametrize("activation", ["identity", "tanh", "relu"])
def test_glorot_uniform_is_scikit_learn_s_draw(activation, seed, rng):
    X, y = rng.normal(size=(9, 5)), rng.normal(size=(9, 3))
    mlp = MLPRegressor(hidden_layer_sizes=(7, 4), activation=activation, random_state=seed)
    expected = first_parameters_of_scikit_learn(mlp, X, y)
    names = {"activation": activation, "initializer": "glorot_uniform", "random_state": seed}
    net = pynn.Network(SIZES, dtype="float64", **names)
    np.testing.assert_array_equal(net.parameters, expected)
    single = pynn.Network(SIZES, dtype="float32", **names)
    np.testing.assert_array_equal(single.parameters, expected.astype(np.float32))


def test_glorot_uniform_of_sigmoid_layers_is_scikit_learn_s_draw(rng):
    X, y = rng.normal(size=(9, 5)), np.arange(9) % 2
    mlp = MLPClassifier(hidden_layer_sizes=(7,), activation="logistic", random_state=3)
    expected = first_parameters_of_scikit_learn(mlp, X, y, classes=[0, 1])
    net = pynn.Network(
        [5, 7, 1],
        activation="sigmoid",
        output_activation="sigmoid",
        cost="binary_cross_entropy",
        initializer="glorot_uniform",
        dtype="float64",
        random_state=3,
    )
    np.testing.assert_array_equal(net.parameters, expected)


@pytest.mark.parametrize(
    ("initializer", "std"),
    [
        ("glorot_uniform", np.sqrt(2 / (300 + 200))),
        ("he_uniform", np.sqrt(2 / 300)),
        ("he_normal", np.sqrt(2 / 300)),
        ("lecun_normal", np.sqrt(1 / 300)),
        ("normal", np.sqrt(1 / 300)),
    ],
)
def test_initializers_have_their_variance(initializer, std):
    """60,000 draws: a standard deviation within 2% and a mean within 2% of it are six sigma."""
    net = pynn.Network([300, 200], initializer=initializer, random_state=0)
    W = net.weights[0].astype(float)
    assert W.std() == pytest.approx(std, rel=0.02)
    assert abs(W.mean()) < 0.02 * std
    if initializer.endswith("uniform"):
        assert np.abs(W).max() <= np.sqrt(3) * std * (1 + 1e-6)
    else:
        assert np.abs(W).max() > 3 * std


def test_initial_biases():
    """Drawn like the weights by scikit-learn's Glorot, standard normal by Nielsen's, else 0."""
    stds = {
        name: pynn.Network([2, 10_000], initializer=name, random_state=0).biases[0].std()
        for name in ("glorot_uniform", "normal", "he_uniform", "he_normal", "lecun_normal")
    }
    assert stds["glorot_uniform"] == pytest.approx(np.sqrt(2 / 10_002), rel=0.05)
    assert stds["normal"] == pytest.approx(1, rel=0.05)
    assert stds["he_uniform"] == stds["he_normal"] == stds["lecun_normal"] == 0


def test_zeros():
    net = pynn.Network(SIZES, initializer="zeros")
    np.testing.assert_array_equal(net.parameters, 0)


@pytest.mark.parametrize("name", cases.HIDDEN)
def test_auto_chooses_by_activation(name):
    """He for the relu family, whose half of all units is silent; LeCun for selu; else Glorot."""
    he = name in ("relu", "leaky_relu", "elu", "gelu", "silu", "mish", "softplus")
    expected = "he_uniform" if he else "lecun_normal" if name == "selu" else "glorot_uniform"
    auto, by_name = (
        pynn.Network([20, 30, 1], activation=[name], initializer=initializer, random_state=0)
        for initializer in ("auto", expected)
    )
    np.testing.assert_array_equal(auto.weights[0], by_name.weights[0])


def test_auto_takes_a_parametrised_activation_by_its_kind():
    by_name, by_slope = (
        pynn.Network([20, 30, 1], activation=activation, random_state=0).parameters
        for activation in ("leaky_relu", pynn.LeakyReLU(0.3))
    )
    np.testing.assert_array_equal(by_slope, by_name)


# The same bits, every time


def test_same_random_state_same_bits(rng):
    X, y = digits_like(rng)
    first, second = (classifier(7).fit(X, y, epochs=3, batch_size=8) for _ in range(2))
    assert first.parameters.tobytes() == second.parameters.tobytes()
    assert first.history == second.history
    other = classifier(8).fit(X, y, epochs=3, batch_size=8)
    assert not np.array_equal(first.parameters, other.parameters)


def test_no_random_state_draws_anew():
    assert not np.array_equal(classifier(None).parameters, classifier(None).parameters)


def test_an_integer_is_the_seed_of_a_random_state(rng):
    X, y = digits_like(rng)
    by_seed, by_state = (
        classifier(state).fit(X, y, epochs=2) for state in (5, np.random.RandomState(5))
    )
    np.testing.assert_array_equal(by_seed.parameters, by_state.parameters)


@pytest.mark.parametrize("make", [np.random.RandomState, np.random.default_rng])
def test_a_generator_is_drawn_from_and_moves_on(make, rng):
    X, y = digits_like(rng)
    generator = make(5)
    first = classifier(generator).fit(X, y, epochs=2)
    second = classifier(generator).fit(X, y, epochs=2)
    again = classifier(make(5)).fit(X, y, epochs=2)
    np.testing.assert_array_equal(first.parameters, again.parameters)
    assert not np.array_equal(first.parameters, second.parameters)


@pytest.mark.parametrize("rule", cases.RULES, ids=str)
def test_fit_without_optimizer_goes_on_where_the_last_one_stopped(rule, rng):
    X, y = digits_like(rng)
    once = classifier().fit(X, y, epochs=5, batch_size=7, optimizer=rule, shuffle=False)
    twice = classifier().fit(X, y, epochs=2, batch_size=7, optimizer=rule, shuffle=False)
    twice.fit(X, y, epochs=3, batch_size=7, shuffle=False)
    np.testing.assert_array_equal(twice.parameters, once.parameters)


def test_passing_an_optimizer_starts_its_state_afresh(rng):
    X, y = digits_like(rng)
    rule = pynn.SGD(0.1, momentum=0.9)
    once = classifier().fit(X, y, epochs=2, optimizer=rule, shuffle=False)
    fresh = classifier().fit(X, y, epochs=1, optimizer=rule, shuffle=False)
    fresh.fit(X, y, epochs=1, optimizer=rule, shuffle=False)
    assert not np.array_equal(fresh.parameters, once.parameters)


def test_the_first_optimizer_is_adam(rng):
    X, y = digits_like(rng)
    default, adam = classifier().fit(X, y), classifier().fit(X, y, optimizer=pynn.Adam())
    np.testing.assert_array_equal(default.parameters, adam.parameters)


@pytest.mark.parametrize("n_rows", [1, 2, 37])
def test_rows_are_shuffled_as_by_numpy(n_rows, rng):
    """One order, shuffled again before each epoch; a second fit starts from the rows' own order."""
    names = ("tanh", "identity", "squared_error", "float64")
    problem = cases.problem(rng, [5, 7, 2], *names, n_rows=n_rows, weighted=True)
    X, y, w = problem.X, problem.y, problem.sample_weight
    random = np.random.RandomState(11)
    net = pynn.Network([5, 7, 2], activation="tanh", dtype="float64", random_state=random)
    start = net.parameters.copy()
    numpy = np.random.RandomState()
    numpy.set_state(random.get_state())
    orders = []
    for epochs in (3, 2):
        order = np.arange(n_rows)
        for _ in range(epochs):
            numpy.shuffle(order)
            orders.append(order.copy())
    rule = pynn.SGD(0.1, momentum=0.5)
    expected, costs = problem.oracle.train(start, X, y, orders, 4, rule, 0.0, w)
    net.fit(X, y, epochs=3, batch_size=4, optimizer=rule, sample_weight=w)
    net.fit(X, y, epochs=2, batch_size=4, sample_weight=w)
    np.testing.assert_allclose(net.parameters, expected, rtol=1e-10, atol=1e-13)
    np.testing.assert_allclose(net.history["cost"][-2:], costs[-2:], rtol=1e-10)
    assert random.get_state()[2] == numpy.get_state()[2]


# What fit leaves behind


def test_fit_returns_the_network_and_learns(rng):
    X, y = digits_like(rng, 200)
    net = classifier()
    assert net.fit(X, y, epochs=40, optimizer=pynn.Adam(0.01)) is net
    assert len(net.history["cost"]) == 40
    assert net.history["cost"][-1] < 0.1 * net.history["cost"][0]
    assert np.mean(net.predict(X).argmax(axis=1) == y) > 0.98


def test_history_keeps_plain_floats(rng):
    X, y = digits_like(rng)
    net = classifier().fit(X, y, epochs=2, validation_data=(X, y))
    assert list(net.history) == ["cost", "val_cost", "val_score", "learning_rate"]
    assert json.loads(json.dumps(net.history)) == net.history


def test_history_of_validation_data(rng):
    (X, y), (X_val, y_val) = digits_like(rng), digits_like(rng)
    net = classifier()
    val_cost, val_score = [], []
    for _ in range(4):
        net.fit(X, y, shuffle=False, optimizer=None)
        val_cost.append(net.cost(X_val, y_val))
        val_score.append(np.mean(net.predict(X_val).argmax(axis=1) == y_val))
    validated = classifier()
    validated.fit(X, y, epochs=4, shuffle=False, validation_data=(X_val, y_val))
    np.testing.assert_array_equal(validated.parameters, net.parameters)
    np.testing.assert_allclose(validated.history["val_cost"], val_cost, rtol=1e-12)
    assert validated.history["val_score"] == pytest.approx(val_score)


def test_the_score_of_numbers_is_r_squared(rng):
    X = rng.normal(size=(30, 5))
    y, w = X[:, :3] ** 2, rng.uniform(0, 2, 30)
    net = classifier(output_activation="identity", cost="squared_error")
    net.fit(X, y, validation_data=(X, y, w))
    expected = r2_score(y, net.predict(X), sample_weight=w)
    assert net.score(X, y, w) == pytest.approx(expected, rel=1e-13)
    assert net.history["val_score"] == [pytest.approx(expected, rel=1e-13)]


def test_verbose_prints_one_line_for_each_epoch(rng, capsys):
    X, y = digits_like(rng)
    net = classifier().fit(X, y, epochs=3, verbose=True, validation_data=(X, y))
    heading, *lines = capsys.readouterr().out.splitlines()
    assert "cost" in heading
    assert len(lines) == 3
    for i, line in enumerate(lines):
        epoch, cost, val_cost, val_score, *_ = line.split()
        assert epoch == f"{i + 1}/3"
        assert float(cost) == pytest.approx(net.history["cost"][i], rel=1e-3)
        assert float(val_cost) == pytest.approx(net.history["val_cost"][i], rel=1e-3)
        assert float(val_score) == pytest.approx(net.history["val_score"][i], rel=1e-3)
    classifier().fit(X, y, epochs=3)
    assert capsys.readouterr().out == ""


def test_history_grows_and_its_lists_stay_of_one_length(rng):
    """What was not measured in an epoch is NaN there."""
    X, y = digits_like(rng)
    net = classifier().fit(X, y, epochs=2).fit(X, y, validation_data=(X, y)).fit(X, y)
    assert [len(values) for values in net.history.values()] == [4] * 4
    np.testing.assert_array_equal(np.isnan(net.history["cost"]), [False] * 4)
    for name in ("val_cost", "val_score"):
        np.testing.assert_array_equal(np.isnan(net.history[name]), [True, True, False, True])


# How it is copied


COPIES = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda net: pickle.loads(pickle.dumps(net)),
}


@pytest.mark.parametrize("make_copy", COPIES.values(), ids=COPIES)
def test_a_copy_is_equal_and_its_own(make_copy, rng):
    X, y = digits_like(rng)
    net = classifier().fit(X, y, epochs=2, optimizer=pynn.SGD(0.1, momentum=0.9))
    twin = make_copy(net)
    before = net.parameters.copy()
    assert repr(twin) == repr(net)
    assert twin.history == net.history
    np.testing.assert_array_equal(twin.parameters, before)
    assert np.shares_memory(twin.weights[0], twin.parameters)
    twin.fit(X, y, epochs=2)
    np.testing.assert_array_equal(net.parameters, before)
    assert len(net.history["cost"]) == 2
    net.fit(X, y, epochs=2)
    np.testing.assert_array_equal(twin.parameters, net.parameters, "optimizer or order differ")
