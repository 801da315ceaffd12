"""The text of a trace: one example, number by number, as a textbook would write it."""

import re

import cases
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mazur import RATE, X, Y, network
from scipy import sparse

import pynn
from pynn.inspection.formulas import ACTIVATIONS, COSTS, FORMULAS, VALUES


@pytest.fixture
def mazur():
    return network()


def part(text, title):
    """The lines of one part, which begins with this title."""
    (found,) = [p for p in text.split("\n\n") if p.splitlines()[0] == title]
    return [line.strip() for line in found.splitlines()[1:]]


def numbers(text):
    return [float(n.replace("−", "-")) for n in re.findall(r"−?\d+\.?\d*(?:e−?\d+)?", text)]


def equations_of(text):
    """What is said to make a number, and that number, of every line that is not a rule."""
    for line in text.splitlines():
        for said in re.split("; |, (?=[a-z_]+ →)|: ", line.strip()):
            parts = re.sub(r"^(∂C/∂[azwbx]|new [wb]) = ", "", said).split(" = ")
            if len(parts) == 2 and not re.search("[a-zCδ]", parts[0].replace("ln", "")):
                yield parts[0], float(parts[1].replace("−", "-").replace("∞", "inf"))


def computed(formula):
    for sign, operator in {"·": "*", "−": "-", "½": "0.5", "²": "**2"}.items():
        formula = formula.replace(sign, operator)
    formula = re.sub(r"ln ([\d.e-]+)", r"ln(\1)", formula).replace("ln(", "np.log(")
    formula = re.sub(r"\|([^|]+)\|", r"abs(\1)", formula)
    return eval(formula, {"np": np})


def test_it_goes_forward_and_back(mazur):
    text = mazur.trace(X, Y).text()
    assert [p.splitlines()[0] for p in text.split("\n\n")] == [
        "Inputs",
        "Layer 1, sigmoid",
        "Layer 2, the output, sigmoid",
        "Cost, squared_error",
        "Back to layer 2, the output, sigmoid",
        "Back to layer 1, sigmoid",
        "Back to the inputs",
        "Gradient of layer 2, the output, sigmoid",
        "Gradient of layer 1, sigmoid",
    ]


def test_mazur_s_forward_pass(mazur):
    text = mazur.trace(X, Y).text()
    assert part(text, "Layer 1, sigmoid") == [
        "z = sum of inputs times weights, plus bias",
        "a = 1 / (1 + e^−z)",
        "neuron 1 of layer 1: 0.05·0.15 + 0.1·0.2 + 0.35 = 0.3775, sigmoid → 0.5933",
        "neuron 2 of layer 1: 0.05·0.25 + 0.1·0.3 + 0.35 = 0.3925, sigmoid → 0.5969",
    ]


def test_mazur_s_figures(mazur):
    """Those that his text prints, with nine digits."""
    text = mazur.trace(X, Y).text(digits=9, learning_rate=RATE)
    cost = part(text, "Cost, squared_error")
    assert cost[1].endswith("½·(0.75136507 − 0.01)² = 0.274811083")
    assert cost[2].endswith("½·(0.772928465 − 0.99)² = 0.0235600256")
    assert cost[3].split()[-1] == "0.298371109"
    back = part(text, "Back to layer 2, the output, sigmoid")
    assert back[2].endswith("∂C/∂a = 0.75136507 − 0.01 = 0.74136507")
    assert back[3] == "∂C/∂z = 0.74136507·0.75136507·(1 − 0.75136507) = 0.138498562"
    w5 = part(text, "Gradient of layer 2, the output, sigmoid")[3]
    assert w5.startswith(
        "neuron 1 of layer 1 to neuron 1 of layer 2: ∂C/∂w = 0.593269992·0.138498562"
    )
    assert w5.endswith("= 0.0821670406; new w = 0.4 − 0.5·0.0821670406 = 0.35891648")
    hidden = part(text, "Back to layer 1, sigmoid")
    assert hidden[2].endswith("0.138498562·0.4 + (−0.0380982365)·0.5 = 0.0363503064")
    w1 = part(text, "Gradient of layer 1, sigmoid")[3]
    assert w1.endswith("= 0.000438567734; new w = 0.15 − 0.5·0.000438567734 = 0.149780716")


def test_one_neuron_by_hand():
    neuron = pynn.Network([2, 1], output_activation="sigmoid")
    neuron.weights[0][:], neuron.biases[0][:] = [[7], [3]], -2
    text = neuron.trace([[1, 0]], [1]).text()
    assert "neuron 1 of layer 1: 1·7 + 0·3 − 2 = 5, sigmoid → 0.9933" in text


def test_any_row(rng):
    problem = cases.problem(rng, [3, 4, 2], "tanh", "identity", "squared_error", "float64")
    whole = problem.net.trace(problem.X, problem.y)
    for row in range(5):
        alone = problem.net.trace(problem.X[row : row + 1], problem.y[row : row + 1])
        assert whole.text(row) == alone.text()


@cases.examples(40)
@given(
    st.lists(st.integers(1, 4), min_size=2, max_size=4),
    st.sampled_from(cases.PAIRS),
    st.sampled_from(cases.HIDDEN),
    st.booleans(),
    st.integers(0, 99),
)
def test_what_stands_left_of_an_equals_sign_makes_what_stands_right(
    sizes, pair, hidden, bias, seed
):
    """Sums and products of every line, whatever the network: the text computes right."""
    rng = np.random.default_rng(seed)
    problem = cases.problem(rng, sizes, hidden, *pair, "float64", bias=bias, n_rows=1)
    trace = problem.net.trace(problem.X, problem.y)
    text = trace.text(digits=12, max_neurons=10, learning_rate=0.5)
    equations = list(equations_of(text))
    assert len(equations) >= sum(sizes[1:])
    for left, right in equations:
        with np.errstate(divide="ignore"):
            np.testing.assert_allclose(computed(left), right, rtol=1e-7, atol=1e-9, err_msg=left)


@pytest.mark.parametrize("name", cases.ACTIVATIONS)
def test_every_activation_has_its_words(name):
    assert ACTIVATIONS[name].value


@pytest.mark.parametrize(("output", "cost"), cases.PAIRS)
def test_costs_of_outputs_add_up_to_the_cost_of_the_row(rng, output, cost):
    problem = cases.problem(rng, [3, 3], "tanh", output, cost, "float64", n_rows=3)
    trace = problem.net.trace(problem.X, problem.y)
    for row in range(3):
        lines = part(trace.text(row, digits=12, max_neurons=10), f"Cost, {cost}")
        values = [
            numbers(line.split("y = ")[1].split(": ")[1].split(" = ")[-1]) for line in lines[1:-1]
        ]
        np.testing.assert_allclose(np.sum(values), trace.costs[row], rtol=1e-9, atol=1e-12)
        assert lines[-1].split()[-1] == f"{trace.costs[row]:.12g}".replace("-", "−")


def test_every_cost_has_its_words():
    assert list(COSTS) == sorted(COSTS, key=list(cases.COSTS).index)
    assert COSTS.keys() == FORMULAS.keys() == VALUES.keys() == cases.COSTS.keys()


def test_wide_layers_are_cut_in_the_middle(rng):
    net = pynn.Network([784, 30, 12], output_activation="softmax", cost="cross_entropy",
                       random_state=0)  # fmt: skip
    x = rng.random((1, 784)) + 0.1
    text = net.trace(x, [3]).text(max_neurons=10)
    assert len(text.splitlines()) < 200
    assert max(map(len, text.splitlines())) < 160
    first = part(text, "Layer 1, relu")
    assert len(first) == 2 + 10 + 1
    assert first[7].split() == ["…", "20", "more"]
    assert "+ … 780 more … +" in first[2]


def test_two_neurons_of_each_layer_are_written_by_default():
    text = pynn.Network([3, 4, 5], random_state=0).trace(np.ones((1, 3)), np.ones((1, 5))).text()
    forward = part(text, "Layer 2, the output, identity")[2:]
    assert [line.split(": ")[0].split()[:2] for line in forward] == [
        ["neuron", "1"],
        ["…", "3"],
        ["neuron", "5"],
    ]


@pytest.mark.parametrize(
    ("activation", "slope"),
    [("sigmoid", "0.9999938558·(1 − 0.9999938558)"), ("tanh", "(1 − 0.9999938558²)")],
)
@pytest.mark.parametrize("y", [0, 1])
def test_what_is_left_to_1_is_not_written_as_0(activation, slope, y):
    net = pynn.Network([1, 1], output_activation=activation, cost="squared_error", dtype="float64")
    net.weights[0][:] = 12 if activation == "sigmoid" else np.arctanh(0.9999938558)
    net.biases[0][:] = 0
    text = net.trace([[1.0]], [y]).text()
    assert "(1 − 1" not in text
    assert "½·(1 − 1)²" not in text
    assert slope in text
    for formula, value in equations_of(text):
        assert computed(formula) == pytest.approx(value, rel=2e-3)


def test_of_many_inputs_those_that_are_0_are_left_out_first():
    net = pynn.Network([784, 2], random_state=0)
    x = np.zeros((1, 784))
    x[0, [100, 200]] = 1, 2
    for rows in (x, sparse.csr_array(x)):
        text = net.trace(rows, [[0, 0]]).text()
        assert part(text, "Inputs") == [
            "782 of 784 are 0 and not listed",
            "input 101: 1",
            "input 201: 2",
        ]
        weights = net.weights[0][[100, 200], 0]
        total = numbers(part(text, "Layer 1, the output, identity")[2].split(": ")[1])
        np.testing.assert_allclose(total[:4], [1, weights[0], 2, weights[1]], rtol=1e-3)


def test_limits_are_the_user_s_to_choose(rng):
    net = pynn.Network([20, 20], random_state=0)
    trace = net.trace(rng.random((1, 20)), rng.random((1, 20)))
    assert "…" in trace.text()
    text = trace.text(max_neurons=20, max_terms=20)
    assert "…" not in text
    assert len(part(text, "Gradient of layer 1, the output, identity")) == 2 + 20 * 21


def test_without_biases_none_are_spoken_of(rng):
    net = pynn.Network([2, 2, 1], bias=False, random_state=0)
    text = net.trace([[1.0, -2.0]], [1.0]).text(learning_rate=0.1)
    assert "bias" not in text
    assert "∂C/∂b" not in text


def test_what_is_infinite_is_written_so():
    net = pynn.Network([1, 2], output_activation="softmax", cost="cross_entropy", dtype="float64")
    net.parameters[:] = [0, 0, 0, 1000]
    text = net.trace([[1.0]], [0]).text()
    assert "∂C/∂a = −1 / 0 = −∞" in text
    assert "nan" not in text


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize(
    ("output", "cost"), [("softmax", "cross_entropy"), ("sigmoid", "binary_cross_entropy")]
)
def test_costs_of_outputs_that_are_kept_from_0_and_1_add_up(output, cost, dtype):
    """As estimators have them, with scikit-learn: a = 0 does not cost infinitely much."""
    net = pynn.Network([3, 3], output_activation=output, cost=cost, dtype=dtype)
    net.weights[0][:], net.biases[0][:] = 80 * np.eye(3), -40
    y = [[1, 0, 0], [1, 0, 0], [0.25, 0.25, 0.5]]
    plain = net.trace(np.eye(3), y)
    cases.cap(net)
    trace = net.trace(np.eye(3), y)
    assert trace.costs[1] < 0.999 * plain.costs[1]
    for row, total in enumerate(trace.costs):
        lines = part(trace.text(row, digits=17, max_neurons=10), f"Cost, {cost}")
        said = f"in which a is kept from 0 and 1 by {np.finfo(dtype).eps:.17g}".replace("-", "−")
        assert lines[1] == said
        values = []
        for line in lines[2:-1]:
            *formula, value = line.split(": ")[-1].split(" = ")
            values += numbers(value)
            for made in formula:
                assert computed(made) == pytest.approx(values[-1], rel=1e-6, abs=1e-8)
        assert sum(values) == pytest.approx(total, rel=1e-6, abs=1e-8)
        assert "kept" not in plain.text(row)


def test_minus_signs_are_all_of_one_kind(rng):
    problem = cases.problem(rng, [3, 4, 2], "tanh", "identity", "squared_error", "float64")
    assert "-" not in problem.net.trace(problem.X / 1e9, problem.y).text(learning_rate=1e-7)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"row": 1}, ValueError, "row must be from -1 to 0, got 1"),
        ({"row": -2}, ValueError, "row must be from -1 to 0, got -2"),
        ({"row": 0.0}, TypeError, "row must be an integer"),
        ({"digits": 0}, ValueError, "digits must be from 1"),
        ({"max_terms": 2.5}, TypeError, "max_terms must be an integer"),
        ({"max_neurons": 0}, ValueError, "max_neurons must be from 1"),
        ({"learning_rate": -1}, ValueError, "learning_rate must be at least 0"),
    ],
)
def test_what_is_refused(arguments, error, message):
    trace = pynn.Network([2, 1]).trace([[1.0, 2.0]], [1.0])
    with pytest.raises(error, match=message):
        trace.text(**arguments)
