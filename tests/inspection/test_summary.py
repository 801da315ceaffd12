"""summary(): a network as a table, whose numbers are the network's."""

import pickle
import re

import numpy as np
import pytest
from mlp_cases import BOTH, DATA, few_epochs_are_meant, small  # noqa: F401 (a fixture)
from sklearn.exceptions import NotFittedError

import pynn
from pynn.inspection.tables import in_bytes

UNITS = {"B": 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}


def table(model, capsys):
    """Return the cells of each line by the first, and the line below the table."""
    model.summary()
    heading, lines, last = capsys.readouterr().out.rstrip("\n").split("\n\n")
    cells = [re.split(r"\s{2,}", line) for line in lines.splitlines()]
    return heading, {first: rest for first, *rest in cells}, last


def n_bytes(text):
    number, unit = text.split()
    return float(number.replace(",", "")) * UNITS[unit]


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("sizes", [[1, 1], [784, 16, 16, 10], [1024, 4096, 4096, 100], [3] * 12])
def test_its_numbers(sizes, dtype, bias, capsys):
    net = pynn.Network(sizes, bias=bias, dtype=dtype, activation="tanh", initializer="zeros")
    heading, lines, _ = table(net, capsys)
    assert heading == f"Network of {dtype}, cost squared_error"
    names = ["input", *(f"layer {i}" for i in range(1, len(sizes) - 1)), "output"]
    assert list(lines) == ["layer", *names, "total"]
    assert lines["input"] == [f"{sizes[0]:,}"]
    total = 0
    for name, W, activation in zip(names[1:], net.weights, net.activations, strict=True):
        units, said, shape, biases, parameters, memory = lines[name]
        n = W.size + bias * W.shape[1]
        assert (units, said) == (f"{W.shape[1]:,}", activation)
        assert (shape, biases) == (f"{len(W)} × {W.shape[1]}", f"{bias * W.shape[1]:,}")
        assert parameters == f"{n:,}"
        assert n_bytes(memory) == pytest.approx(n * net.dtype.itemsize, rel=0.05)
        total += n
    assert total == net.n_parameters
    assert lines["total"][0] == f"{total:,}"
    assert n_bytes(lines["total"][1]) == pytest.approx(net.parameters.nbytes, rel=0.05)


def test_columns_are_aligned(capsys):
    pynn.Network([1024, 4096, 7, 100]).summary()
    lines = capsys.readouterr().out.split("\n\n")[1].splitlines()
    assert len({len(line) for line in lines if not line.startswith("input")}) == 1
    for column in ("units", "weights", "biases", "parameters", "memory"):
        end = lines[0].index(column) + len(column)
        assert {line[end : end + 1] for line in lines} <= {" ", ""}
    assert not any(line.endswith(" ") for line in lines)


@pytest.mark.parametrize(
    ("optimizer", "said"),
    [
        (pynn.SGD(), "In training SGD keeps nothing."),
        (pynn.SGD(momentum=0.9), "SGD keeps 1 number for each parameter: 36 B more."),
        (pynn.AdamW(), "In training AdamW keeps 2 numbers for each parameter: 72 B more."),
    ],
)
def test_what_the_optimizer_keeps(optimizer, said, capsys):
    net = pynn.Network([2, 2, 1])
    assert table(net, capsys)[2] == (
        "No optimizer at work; one keeps up to 2 numbers for each parameter: 72 B more."
    )
    net.fit(np.ones((4, 2)), np.ones(4), optimizer=optimizer)
    assert said in table(net, capsys)[2]


@BOTH
def test_of_estimators(Estimator, capsys):
    model = small(Estimator)
    with pytest.raises(NotFittedError):
        model.summary()
    model.fit(*DATA[Estimator])
    _, lines, last = table(model, capsys)
    assert lines["layer 1"][2] == f"{model.n_features_in_} × 7"
    assert "Adam keeps 2 numbers" in last
    model.set_params(solver="lbfgs").fit(*DATA[Estimator])
    assert table(model, capsys)[2].startswith("No optimizer at work; ")


def test_a_pickled_estimator_has_its_cost_again(capsys):
    model = small(pynn.MLPRegressor, loss="huber").fit(*DATA[pynn.MLPRegressor])
    heading = table(pickle.loads(pickle.dumps(model)), capsys)[0]
    assert heading == table(model, capsys)[0] == "Network of float64, cost Huber(delta=1.0)"


@pytest.mark.parametrize(
    ("n", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (1024**2, "1.0 MiB"),
        (5 * 1024**3 // 2, "2.5 GiB"),
        (5000 * 1024**3, "5,000.0 GiB"),
    ],
)
def test_memory_has_units(n, text):
    assert in_bytes(n) == text
