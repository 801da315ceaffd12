"""Embeddings of inputs: from the constructor to files and texts."""

from fractions import Fraction

import numpy as np
import pytest
from scipy import sparse

import pynn
from pynn.displays import NetworkDisplay, TraceDisplay, WeightsDisplay
from pynn.inspection import gradient_check

OF_COLUMNS = {
    0: pynn.PiecewiseLinear([-1, 0, 2], size=2),
    1: pynn.Categories(4, size=3),
    3: pynn.Periodic(size=4, n_frequencies=5, sigma=0.5),
}


def network(**options):
    options = {"activation": "tanh", "embeddings": OF_COLUMNS, "random_state": 0} | options
    return pynn.Network([4, 6, 2], **options)


@pytest.fixture
def data(rng):
    X = rng.normal(size=(60, 4))
    X[:, 1] = rng.integers(0, 4, 60)
    return X, rng.normal(size=(60, 2))


@pytest.fixture
def small():
    """Inputs 0.5 and 1: the encoding (1, 0.5) and the row (3, 4), times the weights 1 to 4."""
    net = pynn.Network(
        [2, 1],
        embeddings={0: pynn.PiecewiseLinear([-1, 0, 1]), 1: pynn.Categories(2, 2)},
        initializer="zeros",
        dtype="float64",
    )
    net.embedding_parameters["table.1"][:] = [[1, 2], [3, 4]]
    net.weights[0][:] = [[1], [2], [3], [4]]
    return net


# Numbers


def test_its_numbers(small):
    X, y = [[0.5, 1.0]], [26.0]
    trace = small.trace(X, y)
    assert trace.embedded.tolist() == [[1, 0.5, 3, 4]]
    assert small.predict(X).tolist() == [[27]]
    assert small.gradient(X, y).tolist() == [0, 0, 3, 4, 1, 0.5, 3, 4, 1]  # dz is 1
    assert trace.d_embedding_parameters["table.1"].tolist() == [[0, 0], [3, 4]]
    assert trace.input_sensitivities.tolist() == [[2, 0]]
    assert trace.first_sensitivities.tolist() == [[1, 2, 3, 4]]
    inputs = small.neuron_inputs(1, 0, X)
    assert (inputs.products.tolist(), inputs.z.tolist()) == ([[1, 1, 9, 16]], [27])


def test_periodic_numbers_are_x_and_a_linear_map_of_cosines():
    net = pynn.Network([1, 1], embeddings={0: pynn.Periodic(3, 2)}, dtype="float64")
    for name, numbers in {"frequencies": [1, 0.5], "phases": [0, 0.25], "embedding_biases": [5, 6],
                          "embedding_weights": [[1, 2], [3, 4]]}.items():  # fmt: skip
        net.embedding_parameters[f"{name}.0"][...] = numbers
    x = np.array([0.0, 0.5, 1.0])  # cosines of 0, π, 2π, and of π/2, π, 3π/2
    wanted = [[0, 1 + 5, 2 + 6], [0.5, -1 - 3 + 5, -2 - 4 + 6], [1, 1 + 5, 2 + 6]]
    found = net.trace(x[:, np.newaxis], np.zeros(3)).embedded
    np.testing.assert_allclose(found, wanted, atol=1e-14)


def test_columns_without_embedding_pass_in_their_order(data):
    X, y = data
    net = network(embeddings={2: OF_COLUMNS[3]})
    found = net.trace(X, y).embedded
    np.testing.assert_array_equal(found[:, [0, 1, 2, 6]], X.astype(np.float32))


def test_each_kind_is_initialised_as_documented():
    embeddings = {
        0: pynn.Periodic(51, 400, sigma=3),
        1: pynn.PiecewiseLinear(np.arange(101), size=50),
        2: pynn.Categories(1000, 16),
    }
    found = pynn.Network([3, 1], embeddings=embeddings, random_state=0).embedding_parameters
    assert abs(found["frequencies.0"].std() - 3) < 0.3
    assert abs(found["phases.0"]).max() <= 0.5 < 2 * abs(found["phases.0"]).max() * 1.01
    for name, bound in (("weights.0", 1 / 20), ("biases.0", 1 / 20), ("weights.1", 0.1)):
        assert 0.9 * bound < abs(found[f"embedding_{name}"]).max() <= bound
    assert abs(np.square(found["table.2"]).sum(axis=1).mean() - 1) < 0.1


def test_the_initial_weights_do_not_depend_on_parameters_of_embeddings():
    one, other = (network(embeddings={1: pynn.Categories(n, 3)}) for n in (4, 5))
    np.testing.assert_array_equal(one.weights[0], other.weights[0])
    np.testing.assert_array_equal(one.biases[1], other.biases[1])


def test_parameters_come_first_as_views():
    net = network(input_scale=True)
    shapes = {"embedding_weights.0": (2, 2), "embedding_biases.0": (2,), "table.1": (4, 3),
              "frequencies.3": (5,), "phases.3": (5,), "embedding_weights.3": (5, 3),
              "embedding_biases.3": (3,)}  # fmt: skip
    views = net.embedding_parameters
    assert {name: view.shape for name, view in views.items()} == shapes
    joined = np.concatenate([view.ravel() for view in views.values()])
    np.testing.assert_array_equal(net.parameters[: len(joined)], joined)
    assert net.scale.tolist() == [1] * 10
    views["table.1"][3, 2] = 7
    assert net.parameters[6 + 11] == 7
    assert net.embeddings == OF_COLUMNS
    assert network(embeddings=None).embedding_parameters == {}


def test_quantiles_choose_edges_without_duplicates_and_constant_columns(rng):
    nearly_constant = 1 + 1e-12 * np.arange(101)
    X = np.column_stack([np.arange(101), np.ones(101), np.arange(101) % 2, np.arange(101) // 90])
    X = np.column_stack([X, nearly_constant])
    found = pynn.PiecewiseLinear.of_quantiles(X, n_bins=4, size=3)
    edges = {column: embedding.edges for column, embedding in found.items()}
    assert edges == {0: (0, 25, 50, 75, 100), 2: (0, 1), 3: (0, 1)}
    assert all(embedding.size == 3 for embedding in found.values())
    assert len(pynn.PiecewiseLinear.of_quantiles(rng.normal(size=(500, 1)))[0].edges) == 49


@pytest.mark.parametrize("scale", [False, True])
def test_the_gradient_agrees_with_finite_differences(scale, data):
    net = network(input_scale=scale)
    check = gradient_check(net, *data)
    assert check.passed
    assert check.n_parameters[0] == 46
    assert str(check).splitlines()[3].startswith("embeddings")


def test_penalties_leave_them_alone(data):
    net = network()
    difference = net.gradient(*data, alpha=2, l1=1) - net.gradient(*data)
    assert not difference[:46].any()
    assert difference[46:].any()


# Training, copies, files


def test_checkpoints_which_compare_texts_tell_other_edges_apart():
    other = network(embeddings=OF_COLUMNS | {0: pynn.PiecewiseLinear([-1, 0, 3], 2)})
    assert repr(other) != repr(network())


def test_files_keep_them(data, tmp_path):
    numpy = pytest.importorskip("safetensors.numpy")
    path = tmp_path / "net.safetensors"
    net = network(embeddings=OF_COLUMNS | {2: pynn.PiecewiseLinear([0.1, 1 / 3])})
    net.save(path)
    loaded = pynn.Network.load(path)
    assert loaded._architecture == net._architecture
    assert loaded.predict(data[0]).tobytes() == net.predict(data[0]).tobytes()
    assert numpy.load_file(path)["table.1"].shape == (4, 3)


# Descriptions


def test_descriptions_mention_them(data, capsys):
    X, y = data
    net = network()
    assert "3 embeddings" in repr(net)
    net.summary()
    assert "embedded     10  3 of 4 inputs" in capsys.readouterr().out
    assert "3 embeddings" in net._repr_html_()
    assert "10 embedded" in net.to_dot()
    trace = net.trace(X[:2], y[:2])
    assert "inputs of layer 1, by embeddings" in str(trace)
    assert "all of d_embedding_parameters, d_weights and d_biases in one vector" in str(trace)


def test_a_walkthrough_leads_from_x_to_embedded_inputs_and_back(small):
    text = small.trace([[0.5, 1.0]], [26.0]).text()
    assert text.startswith(
        """\
Embeddings
  input 1:  0.5, PiecewiseLinear(2 bins from -1 to 1, size=None) → inputs 1 to 2 of layer 1: 1, 0.5
  input 2:  1, Categories(n=2, size=2) → inputs 3 to 4 of layer 1: 3, 4

Inputs
  input 1: 1
"""
    )
    assert "1·1 + 0.5·2 + 3·3 + 4·4 + 0 = 27" in text
    assert text.endswith(
        """\
Back through the embeddings
  input 1:  ∂C/∂x = 2
  input 2:  ∂C/∂x = 0"""
    )


def test_a_walkthrough_tells_where_it_leaves_numbers_out(data):
    net = network(embeddings={1: pynn.PiecewiseLinear(range(9))})
    X = np.array([[1.0, 2.0, 3.0, 4.0]])
    text = net.trace(X, data[1][:1]).text(max_neurons=3)
    assert "→ inputs 2 to 9 of layer 1: 1, 1, 0, 0, …\n" in text
    assert "  …         1 more\n  input 4:  4, unchanged → input 11 of layer 1: 4\n" in text


def test_displays_draw_the_embedded_inputs(data):
    net = network()
    display = NetworkDisplay.from_estimator(net, data[0], row=3)
    assert "embedded" in display.diagram.columns[0].activation
    WeightsDisplay.from_estimator(net, layer=1)
    for direction in ("forward", "backward"):
        display = TraceDisplay(net.trace(data[0][:1], data[1][:1]), direction=direction).plot()
        assert display.diagram.columns[0].size == 10


# Refusals


@pytest.mark.parametrize("method", ["predict", "fit", "cost", "gradient", "trace", "score"])
@pytest.mark.parametrize("code", [-1, 4, 1.5, 0.99999999, np.nan])
def test_anything_but_a_code_is_refused_before_anything_is_computed(code, method, data):
    net, (X, y) = network(), data
    X[7, 1] = code
    before = net.parameters.copy()
    with pytest.raises(
        ValueError, match=f"column 1 of X must hold categories, .* 0 to 3; row 7 holds {code}"
    ):
        getattr(net, method)(*([X] if method == "predict" else [X, y]))
    np.testing.assert_array_equal(net.parameters, before)


def test_codes_of_validation_rows_and_blocks_are_checked(data):
    X, y = data
    wrong = np.where(np.arange(4) == 1, 9, X)
    with pytest.raises(ValueError, match="column 1 of validation X must hold categories"):
        network().fit(X, y, validation_data=(wrong, y))
    with pytest.raises(ValueError, match="column 1 of X must hold categories"):
        network().fit([(X, y), (wrong, y)])
    X[7, 1] = 0.99999999
    members = pynn.Population([network(), network(embeddings=None)])
    with pytest.raises(ValueError, match="column 1 of X must hold categories"):
        members.fit(X, y)


@pytest.mark.parametrize("method", ["predict", "fit", "gradient", "trace"])
def test_sparse_rows_are_refused(method, data):
    X = sparse.csr_array(data[0])
    with pytest.raises(ValueError, match="X must be dense for a network with embeddings"):
        getattr(network(), method)(*([X] if method == "predict" else [X, data[1]]))


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ([pynn.Categories(2, 2)], TypeError, "must be a dict of columns"),
        ({4: pynn.Categories(2, 2)}, ValueError, r"column of embeddings must be in \[0, 4\)"),
        ({-1: pynn.Categories(2, 2)}, ValueError, r"column of embeddings must be in \[0, 4\)"),
        ({"a": pynn.Categories(2, 2)}, TypeError, "column of embeddings must be an integer"),
        ({True: pynn.Categories(2, 2)}, TypeError, "column of embeddings must be an integer"),
        ({0: "periodic"}, TypeError, r"embeddings\[0\] must be PiecewiseLinear, Periodic or"),
        ({0: pynn.Categories(2**24 + 1, 1)}, ValueError, "float32 has up to 16777216"),
        ({0: pynn.Categories(2, 2**31 - 1)}, ValueError, "size of embedded rows"),
    ],
    ids=str,
)
def test_other_dicts_are_refused(given, error, message):
    with pytest.raises(error, match=message):
        network(embeddings=given)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: pynn.PiecewiseLinear([0]), ValueError, "at least 2"),
        (lambda: pynn.PiecewiseLinear([[0, 1]]), ValueError, "must be a vector"),
        (lambda: pynn.PiecewiseLinear([0, 0]), ValueError, "ascending"),
        (lambda: pynn.PiecewiseLinear([1, 0]), ValueError, "ascending"),
        (lambda: pynn.PiecewiseLinear([0, np.nan]), ValueError, "finite"),
        (lambda: pynn.PiecewiseLinear([0, np.inf]), ValueError, "finite"),
        (lambda: pynn.PiecewiseLinear([-1e308, 1e308]), ValueError, "finite"),
        (lambda: pynn.PiecewiseLinear("ab"), TypeError, "real numbers"),
        (lambda: pynn.PiecewiseLinear([0, 1], size=0), ValueError, "PiecewiseLinear: size"),
        (lambda: pynn.PiecewiseLinear([0, 1], size=2.0), TypeError, "PiecewiseLinear: size"),
        (lambda: pynn.PiecewiseLinear.of_quantiles([1, 2]), ValueError, "shape"),
        (lambda: pynn.PiecewiseLinear.of_quantiles([[np.nan]]), ValueError, "finite"),
        (lambda: pynn.PiecewiseLinear.of_quantiles([[1]], n_bins=0), ValueError, "n_bins"),
        (lambda: pynn.Periodic(size=1), ValueError, "Periodic: size"),
        (lambda: pynn.Periodic(n_frequencies=0), ValueError, "Periodic: n_frequencies"),
        (lambda: pynn.Periodic(sigma=0), ValueError, "Periodic: sigma"),
        (lambda: pynn.Periodic(sigma=Fraction(1, 2), size="4"), TypeError, "Periodic: size"),
        (lambda: pynn.Categories(0, 2), ValueError, "Categories: n"),
        (lambda: pynn.Categories(2, True), TypeError, "Categories: size"),
    ],
)
def test_other_embeddings_are_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_numbers_of_any_kind_become_plain_ones():
    one = pynn.Periodic(np.int64(3), np.uint8(4), Fraction(1, 2))
    assert one == pynn.Periodic(3, 4, 0.5)
    assert repr(one) == "Periodic(size=3, n_frequencies=4, sigma=0.5)"
    assert pynn.PiecewiseLinear(np.float32([0, 1])).edges == (0.0, 1.0)


def test_a_factor_for_embeddings_that_are_not_there_is_refused(data):
    with pytest.raises(ValueError, match="factor for embeddings, but the network has none"):
        network(embeddings=None).fit(*data, learning_rate_factors={"embeddings": 2})
