"""Labels of any type, classes, scores, and how outputs and costs find each other."""

import copy
import pickle

import numpy as np
import pytest
from cases import classifier, digits_like
from sklearn.metrics import r2_score

import pynn

X, Y = digits_like(np.random.default_rng(3), 60)
LABELS = {
    "strings": ["setosa", "versicolor", "virginica"],
    "floats": [0.5, -1.0, 2.25],
    "integers": [7, -3, 100],
    "unsorted": ["b", "c", "a"],
    "with blanks": ["", " ", "x y"],
    "as an array": np.array([3, 1, 2], np.uint8),
}


@pytest.mark.parametrize("kind", LABELS)
def test_labels_of_any_type_are_those_of_the_outputs(kind, tmp_path):
    names = np.array(LABELS[kind])
    labelled, plain = classifier(classes=LABELS[kind]), classifier()
    labelled.fit(X, names[Y], epochs=20, optimizer=pynn.Adam(0.02), validation_split=0.2)
    plain.fit(X, Y, epochs=20, optimizer=pynn.Adam(0.02), validation_split=0.2)
    assert labelled.parameters.tobytes() == plain.parameters.tobytes()
    assert labelled.history == plain.history
    assert np.array_equal(labelled.classes, names)
    assert np.array_equal(labelled.predict_classes(X), names[plain.predict_classes(X)])
    assert labelled.predict_classes(X).dtype.kind == names.dtype.kind.replace("u", "i")
    right = np.mean(labelled.predict_classes(X) == names[Y])
    assert labelled.score(X, names[Y]) == right > 0.5
    assert labelled.cost(X, names[Y]) == plain.cost(X, Y)
    assert np.array_equal(labelled.gradient(X, names[Y].tolist()), plain.gradient(X, Y))
    labelled.save(tmp_path / "net")
    loaded = pynn.Network.load(tmp_path / "net")
    for twin in (loaded, copy.deepcopy(labelled), pickle.loads(pickle.dumps(labelled))):
        assert np.array_equal(twin.predict_classes(X), labelled.predict_classes(X))


@pytest.mark.parametrize(
    "classes", [["no", "yes"], [False, True], [True, False], [1, 0], [-1.5, 2.5]], ids=repr
)
def test_one_output_tells_two_classes(classes):
    y = np.array(classes)[(Y > 0).astype(int)]
    options = {"output_activation": "sigmoid", "dtype": "float64", "random_state": 0}
    labelled = pynn.Network([5, 4, 1], classes=classes, **options)
    plain = pynn.Network([5, 4, 1], **options)
    labelled.fit(X, y, epochs=20, optimizer=pynn.Adam(0.05))
    plain.fit(X, (Y > 0).astype(int), epochs=20, optimizer=pynn.Adam(0.05))
    assert labelled.parameters.tobytes() == plain.parameters.tobytes()
    expected = np.array(classes)[(plain.predict(X)[:, 0] > 0.5).astype(int)]
    assert np.array_equal(labelled.predict_classes(X), expected)
    assert labelled.score(X, y) == np.mean(expected == y)
    assert set(expected) == set(classes)


@pytest.mark.parametrize("call", ["fit", "cost", "gradient", "score"])
def test_an_unknown_label_is_named_and_so_are_the_classes(call):
    net = classifier(classes=["a", "b", "c"])
    before = net.parameters.copy()
    y = np.array(["a", "b", "c"])[Y].astype(object)
    y[5] = "d"
    with pytest.raises(ValueError, match="y holds 'd'; the classes are 'a', 'b', 'c'"):
        getattr(net, call)(X, y)
    assert np.array_equal(net.parameters, before)


def test_an_unknown_label_in_the_validation_data_is_named():
    names = np.array(["a", "b", "c"])
    net = classifier(classes=names)
    with pytest.raises(ValueError, match="validation y holds 'd'"):
        net.fit(X, names[Y], validation_data=(X[:2], ["a", "d"]))
    assert net.history == {"cost": []}


@pytest.mark.parametrize(
    ("sizes", "classes"),
    [([5, 3], ["a", "b"]), ([5, 3], ["a", "b", "b"]), ([5, 1], ["a"]), ([5, 1], ["a", "b", "c"])],
)
def test_classes_are_as_many_as_the_outputs_tell_apart(sizes, classes):
    with pytest.raises(ValueError, match=r"classes must be \d different labels for"):
        pynn.Network(sizes, classes=classes)


def test_mixed_labels_have_one_type_as_in_numpy():
    net = pynn.Network([5, 3], output_activation="softmax", classes=["a", 1, 2.5], random_state=0)
    assert net.classes.tolist() == np.array(["a", 1, 2.5]).tolist() == ["a", "1", "2.5"]
    net.fit(X, np.array(["a", 1, 2.5])[Y])
    assert set(net.predict_classes(X)) <= {"a", "1", "2.5"}


# Scores


def test_several_labels_are_right_if_all_of_them_are():
    y = np.stack([Y > 0, Y == 2], axis=1).astype(int)
    net = pynn.Network([5, 2], cost="bce", random_state=0, dtype="float64")
    net.fit(X, y, epochs=10, optimizer=pynn.Adam(0.05))
    told = (net.predict(X) > 0.5).astype(int)
    assert np.array_equal(net.predict_classes(X), told)
    assert net.score(X, y) == np.mean((told == y).all(axis=1))
    w = np.linspace(0, 1, 60)
    assert net.score(X, y, w) == pytest.approx(np.average((told == y).all(axis=1), weights=w))


@pytest.mark.parametrize("n_outputs", [1, 3])
@pytest.mark.parametrize("weights", [None, np.linspace(0.1, 2, 60)])
def test_numbers_are_scored_by_scikit_learn_s_r2(n_outputs, weights):
    y = X[:, :n_outputs] ** 2
    net = pynn.Network([5, 4, n_outputs], random_state=0, dtype="float64").fit(X, y, epochs=5)
    expected = r2_score(y, net.predict(X), sample_weight=weights)
    assert net.score(X, y, weights) == pytest.approx(expected)


def test_a_single_output_that_is_no_probability_has_no_classes():
    with pytest.raises(ValueError, match="needs classes, several outputs or a sigmoid output"):
        pynn.Network([5, 1]).predict_classes(X)


def test_evaluate_is_cost_and_score():
    net = classifier().fit(X, Y)
    assert net.evaluate(X, Y) == {"cost": net.cost(X, Y), "score": net.score(X, Y)}


# Outputs and costs


@pytest.mark.parametrize(
    ("given", "output", "cost"),
    [
        ({}, "identity", "squared_error"),
        ({"output_activation": "softmax"}, "softmax", "cross_entropy"),
        ({"output_activation": "sigmoid"}, "sigmoid", "binary_cross_entropy"),
        ({"output_activation": "logistic"}, "sigmoid", "binary_cross_entropy"),
        ({"output_activation": "exp"}, "exp", "poisson"),
        ({"output_activation": "tanh"}, "tanh", "squared_error"),
        ({"cost": "cross_entropy"}, "softmax", "cross_entropy"),
        ({"cost": "ce"}, "softmax", "cross_entropy"),
        ({"cost": "bce"}, "sigmoid", "binary_cross_entropy"),
        ({"cost": "poisson"}, "exp", "poisson"),
        ({"cost": "mse"}, "identity", "squared_error"),
        ({"cost": "mae"}, "identity", "absolute_error"),
        ({"cost": "mae", "output_activation": "sigmoid"}, "sigmoid", "absolute_error"),
        ({"cost": "huber"}, "identity", pynn.Huber()),
        ({"cost": "quantile"}, "identity", pynn.Quantile()),
    ],
    ids=str,
)
def test_an_output_and_a_cost_find_each_other(given, output, cost):
    net = pynn.Network([5, 3], **given)
    assert (net.activations[-1], net.cost_function) == (output, cost)


@pytest.mark.parametrize(
    ("output", "cost", "needed"),
    [
        ("identity", "ce", "softmax"),
        ("softmax", "bce", "sigmoid"),
        ("logistic", "poisson", "exp"),
        ("tanh", "binary_cross_entropy", "sigmoid"),
    ],
)
def test_a_pair_that_contradicts_itself_is_named(output, cost, needed):
    with pytest.raises(ValueError, match=f"needs output_activation='{needed}', got") as refused:
        pynn.Network([5, 3], output_activation=output, cost=cost)
    assert {"logistic": "sigmoid"}.get(output, output) in str(refused.value)


# The shape of a single output


def test_squeezed_predictions_are_subtracted_row_by_row():
    y = X[:, 0]
    net = pynn.Network([5, 4, 1], random_state=0, dtype="float64").fit(X, y, epochs=5)
    column, vector = net.predict(X), net.predict(X, squeeze=True)
    assert (column.shape, vector.shape) == ((60, 1), (60,))
    assert np.array_equal(column[:, 0], vector)
    assert (column - y).shape == (60, 60)  # the pitfall
    assert ((vector - y) ** 2).mean() / 2 == pytest.approx(net.cost(X, y))
    several = pynn.Network([5, 2], random_state=0)
    assert np.array_equal(several.predict(X, squeeze=True), several.predict(X))
