"""input_scale: each input times a trained factor, from the constructor to files and pictures."""

import re

import numpy as np
import pytest
from cases import classifier, digits_like, problem
from scipy import sparse

import pynn
from pynn.inspection import gradient_check


@pytest.fixture
def net():
    """Inputs 2 and 3 times the scale 0.5 and −1, times the weights 1 and 2, plus 0.5: −4.5."""
    net = pynn.Network([2, 1], input_scale=True, initializer="zeros", dtype="float64")
    net.scale[:], net.weights[0][:], net.biases[0][:] = [0.5, -1], [[1], [2]], 0.5
    return net


@pytest.mark.parametrize("initializer", ["auto", "zeros", "normal"])
def test_it_begins_at_1_and_changes_no_other_parameter(initializer):
    options = {"initializer": initializer, "random_state": 0}
    plain = pynn.Network([3, 4, 2], **options)
    net = pynn.Network([3, 4, 2], input_scale=True, **options)
    assert net.scale.tolist() == [1, 1, 1]
    assert net.n_parameters == plain.n_parameters + 3
    np.testing.assert_array_equal(net.parameters[3:], plain.parameters)
    assert plain.scale is None


def test_it_is_a_view_of_the_first_parameters(net):
    net.scale[:] = [5, 6]
    np.testing.assert_array_equal(net.parameters, [5, 6, 1, 2, 0.5])
    net.parameters[0] = 7
    assert net.scale.tolist() == [7, 6]
    weights, biases = net.views(np.arange(5.0))
    assert (weights[0].tolist(), biases[0].tolist()) == ([[2], [3]], [4])


def test_its_numbers(net):
    X, y = [[2.0, 3.0]], [-5.5]
    assert net.predict(X).tolist() == [[-4.5]]
    assert net.gradient(X, y).tolist() == [2, 6, 1, -3, 1]  # dz is 1
    assert net.input_gradient(X, y).tolist() == [[0.5, -2]]
    inputs = net.neuron_inputs(1, 0, X)
    assert (inputs.activations.tolist(), inputs.z.tolist()) == ([[1, -3]], [-4.5])
    assert net.per_sample_gradient(X, y).tolist() == [[2, 6, 1, -3, 1]]


def test_training_moves_it(rng):
    X, y = digits_like(rng)
    net = classifier(input_scale=True).fit(X, y, epochs=20, optimizer=pynn.Adam(0.02))
    assert (net.scale != 1).all()
    assert net.score(X, y) > 0.9


def test_it_learns_which_inputs_matter(rng):
    """Only the first of ten inputs tells anything of the target."""
    X = rng.normal(size=(500, 10))
    net = pynn.Network([10, 16, 1], activation="tanh", input_scale=True, random_state=0)
    net.fit(X, np.sin(2 * X[:, 0]), epochs=100, optimizer=pynn.Adam(0.01),
            learning_rate_factors={"scale": 3})  # fmt: skip
    sizes = np.abs(net.scale)
    assert sizes[0] > 2 * sizes[1:].max()


def test_penalties_leave_it_alone(net):
    X, y = [[2.0, 3.0]], [-5.5]
    difference = net.gradient(X, y, alpha=2, l1=1) - net.gradient(X, y)
    np.testing.assert_allclose(difference, [0, 0, 3, 5, 0])


def test_a_wrong_gradient_of_the_scale_is_found(rng, monkeypatch):
    case = problem(rng, (5, 7, 3), "tanh", "softmax", "cross_entropy", "float64", scale=True)
    right = pynn.Network.gradient

    def wrong(self, *arguments):
        gradient = right(self, *arguments)
        gradient[2] *= 1.01
        return gradient

    monkeypatch.setattr(pynn.Network, "gradient", wrong)
    check = gradient_check(case.net, case.X, case.y)
    assert (check.errors > check.tolerance).tolist() == [True, False, False]


# Descriptions


def test_descriptions_mention_it(net, capsys):
    assert repr(net) == "<Network 2-1, identity, squared_error, input scale, 5 parameters float64>"
    net.summary()
    summary = capsys.readouterr().out
    assert re.search(r"\nscale +2 +2 +0 +2 +16 B\n", summary)
    assert "total" in summary
    assert "2 scaled" in net.to_dot()
    html = net._repr_html_()
    assert "· input scale" in html
    assert "input with 2 units (scaled)" in html


def test_a_trace_shows_it(net):
    trace = net.trace([[2.0, 3.0]], [-5.5])
    assert (trace.scale.tolist(), trace.d_scale.tolist()) == ([0.5, -1], [2, 6])
    assert trace.input_sensitivities.tolist() == [[0.5, -2]]
    assert "d_scale              (2,)    ∂C/∂s of the input scale, of the mean cost" in str(trace)
    assert "all of d_scale, d_weights and d_biases in one vector" in str(trace)


def test_a_walkthrough_computes_with_it(net):
    text = net.trace([[2.0, 3.0]], [-5.5]).text(learning_rate=0.1)
    assert (
        text.split("\n\n")[0]
        == """\
Inputs
  x·s, input times scale, goes into layer 1
  input 1: 2·0.5 = 1
  input 2: 3·(−1) = −3"""
    )
    assert "1·1 + (−3)·2 + 0.5 = −4.5" in text
    assert (
        """\
Back to the inputs
  ∂C/∂(x·s) = sum of ∂C/∂z of layer 1 times weights
  ∂C/∂x = ∂C/∂(x·s)·s
  ∂C/∂s = ∂C/∂(x·s)·x
  new s = s − 0.1·∂C/∂s
  input 1: ∂C/∂(x·s) = 1·1 = 1
           ∂C/∂x = 1·0.5 = 0.5
           ∂C/∂s = 1·2 = 2; new s = 0.5 − 0.1·2 = 0.3
  input 2: ∂C/∂(x·s) = 1·2 = 2
           ∂C/∂x = 2·(−1) = −2
           ∂C/∂s = 2·3 = 6; new s = −1 − 0.1·6 = −1.6
"""
        in text
    )
    assert "input 2 to neuron 1 of layer 1: ∂C/∂w = (−3)·1 = −3" in text


# Refusals


@pytest.mark.parametrize("method", ["predict", "fit", "cost", "gradient", "trace", "score"])
def test_sparse_rows_are_refused(net, method):
    X = sparse.csr_array(np.eye(2))
    before = net.parameters.copy()
    with pytest.raises(ValueError, match=r"X must be dense .* input_scale=True, got a csr_array"):
        getattr(net, method)(X, *([] if method == "predict" else [[1.0, 2.0]]))
    np.testing.assert_array_equal(net.parameters, before)


def test_sparse_validation_rows_are_refused(net):
    with pytest.raises(ValueError, match="validation X must be dense"):
        net.fit(np.eye(2), [1.0, 2.0], validation_data=(sparse.csr_array(np.eye(2)), [1.0, 2.0]))


@pytest.mark.parametrize("wrong", [1, None, "yes", np.ones(2)])
def test_it_is_a_bool(wrong):
    with pytest.raises(TypeError, match="input_scale must be True or False"):
        pynn.Network([2, 1], input_scale=wrong)


def test_the_scale_has_one_factor(net):
    with pytest.raises(TypeError, match=r"'scale'.* must be a real number, got \[1, 2\]"):
        net.fit(np.eye(2), [1.0, 2.0], learning_rate_factors={"scale": [1, 2]})


def test_a_factor_for_a_scale_that_is_not_there_is_refused():
    net = pynn.Network([2, 1])
    with pytest.raises(ValueError, match="factor for scale, but input_scale is False"):
        net.fit(np.eye(2), [1.0, 2.0], learning_rate_factors={"scale": 2})
