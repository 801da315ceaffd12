"""members=K: members that share weights, from the constructor to files and texts."""

import json

import numpy as np
import pytest
import scipy.sparse
from cases import classifier, digits_like

import pynn
from pynn.inspection import tables


@pytest.fixture
def net():
    """Two members of numbers that are easy to follow."""
    net = pynn.Network(
        [1, 2, 1], activation="identity", members=2, initializer="zeros", dtype="float64"
    )
    net.weights[0][...] = [[2, 6]]
    net.r[0][...] = [[1], [10]]
    net.s[0][...] = [[3, 4], [1, -1]]
    net.biases[0][...] = [[1, 0], [0, 2]]
    net.weights[1][...] = [[[1], [1]], [[1], [2]]]
    net.biases[1][...] = [[0.5], [0]]
    return net


def test_inputs_and_sums_are_multiplied_by_the_vectors_of_each_member(net):
    """(2·3 + 1) + 6·4 + 0.5 = 31.5 and 20·1 + 2·(60·(−1) + 2) = −96 for x = 1."""
    np.testing.assert_array_equal(net.predict_members([[1.0]]), [[[31.5]], [[-96]]])
    np.testing.assert_array_equal(net.predict([[1.0]]), [[-32.25]])


def test_the_cost_is_the_mean_of_the_costs_of_the_members(net):
    assert net.cost([[1.0]], [[0.0]]) == (31.5**2 + 96**2) / 4


def test_penalties_count_weights_and_heads_alone(net):
    penalty = net.cost([[1.0]], [[0.0]], alpha=2) - net.cost([[1.0]], [[0.0]])
    assert penalty == pytest.approx(4 + 36 + 1 + 1 + 1 + 4)


def test_a_member_alone_is_a_plain_network(net, rng):
    net = pynn.Network([5, 8, 8, 3], members=3, residual=True, input_scale=True, random_state=0,
                       cost="cross_entropy", classes=["a", "b", "c"], dtype="float64")  # fmt: skip
    net.parameters[...] += rng.normal(size=net.n_parameters) / 4
    X = rng.normal(size=(9, 5))
    alone = [net.member(k) for k in range(3)]
    assert [one.members for one in alone] == [None] * 3
    outputs = net.predict_members(X)
    np.testing.assert_allclose([one.predict(X) for one in alone], outputs, rtol=1e-12)
    np.testing.assert_allclose(net.predict(X), outputs.mean(axis=0), rtol=1e-12)
    assert set(net.predict_classes(X)) <= set("abc")
    assert alone[0].trace(X, ["a"] * 9).a[-1].shape == (9, 3)
    alone[0].fit(X, ["a"] * 9)
    np.testing.assert_allclose(net.predict_members(X), outputs)


def test_one_member_of_ones_learns_like_a_plain_network(rng):
    X, y = rng.normal(size=(90, 5)), rng.normal(size=(90, 3))
    plain = pynn.Network([5, 70, 8, 3], dtype="float64", random_state=0)
    net = pynn.Network([5, 70, 8, 3], members=1, dtype="float64", random_state=0)
    groups, of_plain = (n._architecture.split(n.parameters) for n in (net, plain))
    for name, group in groups.items():
        group[...] = of_plain.get(name, 1)
    assert net.cost(X, y) == pytest.approx(plain.cost(X, y), rel=1e-13)
    fixed = {"biases": 0}  # of r and s too
    for one in (plain, net):
        one.fit(X, y, epochs=3, shuffle=False, learning_rate_factors=fixed)
    np.testing.assert_allclose(net.predict(X), plain.predict(X), rtol=1e-10)


def test_parameters_follow_the_biases_of_their_layer():
    net = pynn.Network([2, 3, 4, 1], members=5, random_state=0)
    shapes = [(2, 3), (5, 3), (5, 2), (5, 3), (3, 4), (5, 4), (5, 3), (5, 4), (5, 4, 1), (5, 1)]
    assert net.n_parameters == sum(np.prod(shape) for shape in shapes)
    groups = zip(net.weights, net.biases, [*net.r, None], [*net.s, None], strict=True)
    found = [group for layer in groups for group in layer if group is not None]
    assert [group.shape for group in found] == shapes
    assert np.concatenate([group.ravel() for group in found]).tolist() == net.parameters.tolist()
    assert pynn.Network([2, 3, 1]).r == pynn.Network([2, 3, 1]).s == ()
    assert repr(net) == (
        "<Network 2-3-4-1, relu relu identity, squared_error, 5 members, 138 parameters float32>"
    )


@pytest.mark.parametrize(("signs", "n_random"), [("first", 1), ("all", 4)])
def test_signs_start_at_random(signs, n_random):
    net = pynn.Network([40, 30, 30, 2], members=8, member_signs=signs, random_state=0)
    vectors = [net.r[0], net.s[0], net.r[1], net.s[1]]
    assert all(set(np.unique(v)) == {-1, 1} for v in vectors[:n_random])
    assert all(set(np.unique(v)) == {1} for v in vectors[n_random:])
    assert abs(net.r[0].mean()) < 0.2


@pytest.mark.parametrize("initializer", ["glorot_uniform", "normal", "he_uniform"])
def test_heads_and_biases_are_drawn_for_each_member(initializer):
    net = pynn.Network([5, 6, 2], members=3, initializer=initializer, random_state=0)
    drawn = [net.weights[1]] if initializer == "he_uniform" else [net.weights[1], *net.biases]
    for group in drawn:
        assert len(np.unique(group.reshape(3, -1), axis=0)) == 3
        assert np.unique(group).size == group.size


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"members": 0}, ValueError, "members must be"),
        ({"members": 2.5}, TypeError, "members must be"),
        ({"members": 2, "norm": "layer"}, ValueError, "members cannot have a norm, got norm="),
        ({"members": 2, "norm": "batch"}, ValueError, "members cannot have a norm, got norm="),
        (
            {"members": 2, "activation": pynn.Parametric("relu")},
            ValueError,
            r"members cannot have a Parametric\(activation='relu'\)",
        ),
        ({"members": 2, "layer_sizes": [4, 2]}, ValueError, "of hidden layers, got layer_sizes"),
        ({"members": 2, "member_signs": "some"}, ValueError, "member_signs must be"),
        ({"member_signs": "all"}, ValueError, "member_signs='all' is for networks with members"),
        ({"members": 2**60}, ValueError, "members must be from 1"),
    ],
    ids=str,
)
def test_anything_else_is_refused(options, error, message):
    with pytest.raises(error, match=message):
        pynn.Network(**{"layer_sizes": [4, 6, 2]} | options)


def test_what_is_for_plain_networks_names_member_k(net):
    pynn_displays = pytest.importorskip("pynn.displays")
    X, y = [[1.0]], [[0.0]]
    for refused in (
        lambda: net.trace(X, y),
        lambda: net.input_gradient(X, y),
        lambda: net.blame(X, y),
        lambda: net.neuron_inputs(1, 0),
        net.to_dot,
        lambda: pynn_displays.NetworkDisplay.from_estimator(net),
        lambda: pynn_displays.WeightsDisplay.from_estimator(net, layer=1),
    ):
        with pytest.raises(ValueError, match=r"use net\.member\(k\).* from 0 to 1"):
            refused()


def test_only_networks_with_members_have_them(net):
    plain = classifier()
    for call in (lambda: plain.predict_members(np.eye(5)), lambda: plain.member(0)):
        with pytest.raises(ValueError, match="got a plain network"):
            call()
    with pytest.raises(ValueError, match="k must be from -2 to 1"):
        net.member(2)


def test_sparse_rows_are_refused(net):
    with pytest.raises(ValueError, match="X must be dense for a network with members"):
        net.predict(scipy.sparse.csr_array([[1.0]]))


def test_the_summary_counts_what_each_has(net):
    table = tables.summary(net, None)
    assert table.rows[2][1:6] == ["2", "identity", "1 × 2", "4", "12"]
    assert table.rows[3][1:6] == ["1", "identity", "2 × 2 × 1", "2", "6"]
    assert str(table).startswith("Network of 2 members, float64")
    assert "2 members" in net._repr_html_()


def test_a_file_without_their_vectors_is_refused_before_memory_is_taken(tmp_path):
    safetensors = pytest.importorskip("safetensors.numpy")
    path = tmp_path / "net.safetensors"
    pynn.Network([3, 1, 1], members=2).save(path)
    with safetensors.safe_open(path, framework="numpy") as file:
        arguments = json.loads(file.metadata()["pynn.Network"])
    arguments |= {"layer_sizes": [100_000, 1, 1], "members": 200_000}  # r would take 80 GB
    tensors = {"weights.0": np.zeros((100_000, 1)), "weights.1": np.zeros((200_000, 1, 1))}
    safetensors.save_file(tensors, path, {"pynn.Network": json.dumps(arguments)})
    with pytest.raises(ValueError, match=r"r\.0 of shape \(200000, 100000\) is missing"):
        pynn.Network.load(path)


@pytest.mark.parametrize("average", [pynn.SWA(2), pynn.EMA(0.9)], ids=repr)
def test_early_stopping_and_averages_judge_the_mean_of_the_members(average, rng):
    X, y = digits_like(rng, 200)
    net = pynn.Network([5, 20, 3], cost="cross_entropy", members=8, random_state=0)
    net.fit(X, y, epochs=40, validation_data=(X, y), early_stopping=True, average=average)
    assert net.history["val_score"][net.best_epoch - 1] == net.score(X, y) > 0.9
    assert net.history["val_cost"][net.best_epoch - 1] == pytest.approx(net.cost(X, y))


def test_the_mean_is_taken_in_each_of_many_rows():
    net = pynn.Network([1, 1, 1], members=2, activation="identity", initializer="zeros")
    net.biases[1][...] = [[3], [4]]
    assert set(np.unique(net.predict(np.zeros((1000, 1))))) == {np.float32(3.5)}
