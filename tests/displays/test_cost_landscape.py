"""CostLandscapeDisplay: costs are the network's, directions what they are said to be."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib import pyplot as plt
from matplotlib.colors import LogNorm
from mlp_cases import BOTH, DATA, X_IRIS, Y_IRIS, few_epochs_are_meant, small  # noqa: F401

import pynn
from pynn.callbacks import ParameterPath
from pynn.displays import CostLandscapeDisplay
from pynn.displays.planes import (
    coordinates,
    principal_directions,
    random_directions,
    share_held,
)

STEPS = np.linspace(-1, 1, 5)
BOWL = 1 + STEPS**2 + STEPS[:, np.newaxis] ** 2


def network(**more):
    given = {"output_activation": "softmax", "cost": "cross_entropy", "dtype": "float64"}
    return pynn.Network([4, 3, 3], random_state=0, **given | more)


def trained(net):
    path = [net.parameters.copy()]
    for _ in range(6):
        path.append(net.fit(X_IRIS, Y_IRIS, optimizer=pynn.SGD(0.1)).parameters.copy())
    return path


def costs_at(net, origin, directions, display, *args, **kwargs):
    """The costs all over the display's grid, by a network that is made for each."""
    other = pickle.loads(pickle.dumps(net))

    def cost(u, v):
        other.parameters[:] = origin + u * directions[0] + v * directions[1]
        return other.cost(*args, **kwargs)

    return [[cost(u, v) for u in display.first] for v in display.second]


# Costs


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_costs_are_the_network_s_after_these_steps(dtype, rng):
    net = network(dtype=dtype)
    directions = rng.normal(size=(2, net.n_parameters))
    weighted = {"sample_weight": np.linspace(0, 1, 150), "alpha": 0.1, "l1": [0.2, 0.3]}
    before = pickle.dumps(net)
    display = CostLandscapeDisplay.from_estimator(
        net, X_IRIS, Y_IRIS, directions=directions, resolution=4, extent=(-1, 2, 0, 5), **weighted
    )
    assert pickle.dumps(net) == before
    np.testing.assert_array_equal(display.first, [-1, 0, 1, 2])
    np.testing.assert_allclose(display.second, [0, 5 / 3, 10 / 3, 5])
    expected = costs_at(net, net.parameters, directions, display, X_IRIS, Y_IRIS, **weighted)
    np.testing.assert_allclose(display.costs, expected, rtol=1e-12)
    assert display.costs[0, 1] == net.cost(X_IRIS, Y_IRIS, **weighted)
    assert (display.path, display.path_, display.share_held) == (None, None, None)


@BOTH
def test_costs_of_an_estimator_are_those_of_the_network_inside(Estimator):
    X, y = DATA[Estimator]
    path = []
    model = small(Estimator, callbacks=[ParameterPath(path)], solver="sgd").fit(X, y)
    before = pickle.dumps(model)
    display = CostLandscapeDisplay.from_estimator(model, X, y, path=path, resolution=3)
    inside, rows, targets = model._inside(X, y)
    directions, _ = principal_directions(np.array(path))
    expected = costs_at(inside, path[-1], directions, display, rows, targets)
    np.testing.assert_allclose(display.costs, expected, rtol=1e-12)
    assert pickle.dumps(model) == before


# Directions


def test_the_path_s_own_directions_hold_the_most_of_it():
    net = network()
    path = np.array(trained(net))
    display = CostLandscapeDisplay.from_estimator(net, X_IRIS, Y_IRIS, path=path, resolution=3)
    directions, shares = principal_directions(path)
    np.testing.assert_allclose(directions @ directions.T, np.eye(2), atol=1e-12)
    assert shares[0] >= shares[1] > 0
    assert display.share_held == pytest.approx(shares.sum())
    assert display.ax_.get_title().endswith(f"holds {shares.sum():.1%} of the path's variance")
    assert f"({shares[0]:.1%} of variance)" in display.ax_.get_xlabel()
    assert f"({shares[1]:.1%} of variance)" in display.ax_.get_ylabel()
    np.testing.assert_allclose(display.path, (path - path[-1]) @ directions.T, atol=1e-12)
    np.testing.assert_array_equal(display.path_.get_xydata(), display.path)
    assert (display.path[0] <= 0).all()
    assert np.abs(display.path[-1]).max() < 1e-12
    for steps, along in zip((display.first, display.second), display.path.T, strict=True):
        margin = 0.25 * np.ptp(along)
        np.testing.assert_allclose(steps[[0, -1]], [along.min() - margin, along.max() + margin])


@given(seed=st.integers(0, 1000), n_points=st.integers(3, 30), n=st.integers(2, 20))
def test_principal_directions_are_the_eigenvectors_of_the_covariance(seed, n_points, n):
    points = np.random.default_rng(seed).normal(size=(n_points, n)) * np.arange(1, n + 1)
    directions, shares = principal_directions(points)
    covariance = np.cov(points.T, bias=True)
    variances = shares * np.trace(covariance)
    np.testing.assert_allclose(
        covariance @ directions.T, directions.T * variances, atol=1e-9 * variances[0]
    )
    np.testing.assert_allclose(variances, np.linalg.eigvalsh(covariance)[[-1, -2]])
    assert share_held(points, directions) == pytest.approx(shares.sum())
    assert share_held(points, 3 * directions + directions[::-1]) == pytest.approx(shares.sum())


@given(seed=st.integers(0, 1000))
def test_coordinates_are_those_of_the_nearest_point_of_the_plane(seed):
    rng = np.random.default_rng(seed)
    origin, directions = rng.normal(size=7), rng.normal(size=(2, 7))  # not at right angles
    steps = rng.normal(size=(4, 2))
    aside = rng.normal(size=(4, 7))
    aside -= aside @ np.linalg.pinv(directions) @ directions
    found = coordinates(origin + steps @ directions + aside, origin, directions)
    np.testing.assert_allclose(found, steps, atol=1e-9)


def test_random_directions_are_as_long_as_the_weights_of_each_unit():
    net = network()
    directions = random_directions(net, net.parameters, 3)
    assert not np.array_equal(*directions)
    for direction in directions:
        weights, biases = net.views(direction)
        for drawn, own in zip(weights, net.weights, strict=True):
            np.testing.assert_allclose(np.linalg.norm(drawn, axis=0), np.linalg.norm(own, axis=0))
        assert not np.concatenate(biases).any()
    np.testing.assert_array_equal(directions, random_directions(net, net.parameters, 3))
    assert not np.array_equal(directions, random_directions(net, net.parameters, 4))


def test_the_seed_of_random_directions_is_stated():
    net = network()
    given = {"resolution": 3, "random_state": 3}
    display = CostLandscapeDisplay.from_estimator(net, X_IRIS, Y_IRIS, **given)
    assert display.ax_.get_xlabel() == "steps along random direction 1 (seed 3)"
    directions = random_directions(net, net.parameters, 3)
    expected = costs_at(net, net.parameters, directions, display, X_IRIS, Y_IRIS)
    np.testing.assert_allclose(display.costs, expected, rtol=1e-12)
    np.testing.assert_array_equal(display.first, [-1, 0, 1])


def test_a_path_off_the_plane_is_seen_with_its_surroundings():
    net = network()
    path = trained(net)
    given = {"path": path, "directions": "random", "resolution": 3}
    display = CostLandscapeDisplay.from_estimator(net, X_IRIS, Y_IRIS, **given)
    assert display.first[0] <= -1 < 1 <= display.first[-1]
    assert 0 < display.share_held < 1
    one = CostLandscapeDisplay.from_estimator(
        net, X_IRIS, Y_IRIS, **given | {"path": [net.parameters]}
    )
    assert one.share_held is None
    assert one.ax_.get_title() == "cost (cross-entropy)"


# How it draws


def test_axes_are_those_given():
    _, ax = plt.subplots()
    display = CostLandscapeDisplay(STEPS, STEPS, BOWL).plot(ax, levels=[1, 2, 3], cmap="gray")
    assert display.ax_ is ax
    assert display.surface_.cmap.name == "gray"
    assert display.surface_.levels.tolist() == [1, 2, 3]
    assert display.lines_.levels.tolist() == [2]
    assert (ax.get_xlabel(), ax.get_title()) == ("step along direction 1", "cost")


def test_a_large_range_has_logarithmic_levels():
    small_range = CostLandscapeDisplay(STEPS, STEPS, BOWL).plot()
    assert not isinstance(small_range.surface_.norm, LogNorm)
    large_range = CostLandscapeDisplay(STEPS, STEPS, BOWL**8).plot()
    assert isinstance(large_range.surface_.norm, LogNorm)
    assert set(large_range.lines_.levels) <= {d * 10.0**e for d in (1, 2, 5) for e in range(5)}
    assert len(large_range.lines_.labelTexts) > 0
    huge = CostLandscapeDisplay(STEPS, STEPS, 10.0 ** (30 * BOWL)).plot()
    assert len(huge.surface_.levels) < 70
    shifted = CostLandscapeDisplay(STEPS, STEPS, BOWL - 1).plot()  # down to 0
    assert not isinstance(shifted.surface_.norm, LogNorm)


def test_what_is_not_finite_is_a_gap_and_what_is_flat_has_no_lines():
    costs = BOWL.copy()
    costs[0, 0], costs[4, 4] = np.inf, np.nan
    display = CostLandscapeDisplay(STEPS, STEPS, costs).plot()
    assert np.isfinite(display.surface_.levels).all()
    display.figure_.canvas.draw()
    assert CostLandscapeDisplay(STEPS, STEPS, np.ones((5, 5))).plot().lines_ is None


def test_it_can_be_pickled_with_its_picture():
    display = CostLandscapeDisplay(STEPS, STEPS, BOWL).plot()
    copy = pickle.loads(pickle.dumps(display))
    np.testing.assert_array_equal(copy.costs, display.costs)


def test_long_paths_are_lines_without_dots():
    dots = CostLandscapeDisplay(STEPS, STEPS, BOWL, path=np.zeros((60, 2))).plot()
    assert dots.path_.get_marker() == "."
    line = CostLandscapeDisplay(STEPS, STEPS, BOWL, path=np.zeros((61, 2))).plot()
    assert line.path_.get_marker() in ("", "None")
    assert [text.get_text() for text in line.ax_.get_legend().get_texts()] == ["start", "end"]


# What it refuses


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([0, 0], STEPS, np.ones((5, 2))), "first must be two or more ascending steps"),
        (
            (STEPS, [1], np.ones((1, 5))),
            r"second must be two or more ascending steps.*got shape \(1,\)",
        ),
        ((STEPS, [0, 1], np.ones((5, 2))), r"costs must be of shape \(2, 5\), got \(5, 2\)"),
        ((STEPS, STEPS, np.full((5, 5), np.nan)), "finite somewhere"),
    ],
)
def test_data_that_are_no_landscape(arguments, message):
    with pytest.raises(ValueError, match=message):
        CostLandscapeDisplay(*arguments)


LINE = np.random.default_rng(0).normal(size=(2, 27))  # where it begins, and the way it goes


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"path": [np.zeros(27)] * 3}, ValueError, "3 points on a line spans no plane"),
        ({"path": [np.zeros(27), np.ones(27)]}, ValueError, "2 points on a line"),
        ({"path": [LINE[0], LINE[0] + 1e-6 * LINE[1]]}, ValueError, "2 points on a line"),
        ({"path": [LINE[0] + a * LINE[1] for a in (0, 1e-3, 3e-4)]}, ValueError, "3 points on a l"),
        ({"path": [np.zeros(26)]}, ValueError, r"path must be of shape \(n_points, 27\)"),
        ({"directions": "path"}, ValueError, 'directions="path" needs a path'),
        ({"directions": "pca"}, ValueError, "directions must be one of path, random"),
        ({"directions": np.ones((2, 27))}, ValueError, "linearly independent"),
        ({"directions": np.eye(27)[:3]}, ValueError, "directions must be two"),
        ({"directions": np.ones((2, 3))}, ValueError, "directions must be of shape"),
        ({"extent": (0, 1)}, ValueError, r"extent must be of shape \(4,\)"),
        ({"extent": (1, 0, 0, 1)}, ValueError, "extent must be the smallest and the largest step"),
        ({"resolution": 1}, ValueError, "resolution must be at least 2, got 1"),
        ({"random_state": None}, TypeError, "random_state must be an integer"),
        ({"alpha": -1}, ValueError, "alpha"),
    ],
)
def test_arguments_that_are_none(arguments, error, message):
    with pytest.raises(error, match=message):
        CostLandscapeDisplay.from_estimator(network(), X_IRIS, Y_IRIS, **arguments)
    assert plt.get_fignums() == []


def test_a_path_in_the_plane_has_two_coordinates():
    with pytest.raises(ValueError, match=r"path must be of shape \(n_points, 2\), got \(3,\)"):
        CostLandscapeDisplay(STEPS, STEPS, BOWL, path=[1, 2, 3])


@pytest.mark.parametrize(("width", "height"), [(1, 1), (1, 3), (4, 1), (1, 10), (50, 1)])
def test_a_step_is_as_long_on_both_axes_or_the_label_says_how_it_differs(width, height):
    first, second = np.linspace(0, width, 3), np.linspace(0, height, 4)
    costs = np.arange(12.0).reshape(4, 3)
    display = CostLandscapeDisplay(first, second, costs, axis_names=("u", "v")).plot()
    display.figure_.canvas.draw()
    ax = display.ax_
    x, y = ax.transData.transform((1, 1)) - ax.transData.transform((0, 0))
    labels = ax.get_xlabel(), ax.get_ylabel()
    if max(width / height, height / width) <= 4:
        assert x == pytest.approx(y)
        assert labels == ("u", "v")
    else:
        factor = max(x / y, y / x)
        assert factor == pytest.approx(max(width, height))
        assert labels[width > height].endswith(f"(stretched {round(factor)}-fold)")
