"""The core of the playground, in WebAssembly, gives the numbers of `pynn.Network`.

Python computes with the instruction set "baseline", which like WebAssembly has no fused
multiply-adds. The tests need node.
"""

import json
import shutil
import subprocess
from functools import cache
from pathlib import Path

import cases
import numpy as np
import pytest
from places import ROOT

import pynn
from pynn import _core

WASM = ROOT / "playground" / "pynn.wasm"
HERE = Path(__file__).parent


def node(script, *arguments, given=""):
    """Run a script of this folder on the core; return what it prints."""
    program = shutil.which("node")
    if program is None:
        pytest.skip("there is no node")
    command = [program, HERE / script, WASM, *arguments]
    found = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    return found.stdout


def in_page(*wanted):
    """Train networks in WebAssembly: (network, data, calls) as core.mjs takes them."""
    names = ("network", "data", "calls")
    given = json.dumps([dict(zip(names, one, strict=True)) for one in wanted])
    return json.loads(node("run_core.mjs", given=given))


def rows(n_in, n_out, *, classes=False, n=48):
    rng = np.random.default_rng(5)
    X = rng.normal(size=(n, n_in)).astype(np.float32)
    if classes:
        return X, np.eye(n_out, dtype=np.float32)[rng.integers(n_out, size=n)]
    return X, np.sin(X @ rng.normal(size=(n_in, n_out))).astype(np.float32)


def network_of(sizes, activations, seed, **options):
    return pynn.Network(
        sizes,
        activation=activations[:-1],
        output_activation=activations[-1],
        random_state=seed,
        **options,
    )


@pytest.fixture
def baseline():
    with cases.instruction_set("baseline"):
        yield


def agree(found, expected):
    """Whether the bits are equal."""
    found = np.asarray(found, dtype=np.float64).ravel()
    np.testing.assert_array_equal(found, np.asarray(expected, dtype=np.float64).ravel())


# sizes, activations, classes; optimizer and arguments of fit; the same for core.mjs
CASES = {
    "tanh, squared error, SGD": (
        [2, 4, 2, 1], ["tanh", "tanh", "identity"], False,
        {"optimizer": pynn.SGD(0.1)}, {"rule": "sgd"},
    ),
    "relu, Adam": (
        [2, 8, 8, 1], ["relu", "relu", "identity"], False,
        {"optimizer": pynn.Adam(0.01)}, {"rule": "adam", "learningRate": 0.01},
    ),
    "softmax, cross-entropy, L2, dropout": (
        [2, 8, 3], ["sigmoid", "softmax"], True,
        {"optimizer": pynn.Adam(), "alpha": 0.01, "dropout": 0.25},
        {"rule": "adam", "l2": 0.01, "dropout": 0.25},
    ),
    "momentum": (
        [3, 5, 2], ["silu", "sigmoid"], True,
        {"optimizer": pynn.SGD(0.05, momentum=0.9), "l1": 0.001},
        {"rule": "momentum", "learningRate": 0.05, "l1": 0.001},
    ),
    "selu, Nesterov, clipped": (
        [2, 7, 7, 1], ["selu", "selu", "identity"], False,
        {"optimizer": pynn.SGD(0.05, momentum=0.9, nesterov=True), "clip_norm": 1, "max_norm": 2},
        {"rule": "nesterov", "learningRate": 0.05, "clipNorm": 1, "maxNorm": 2},
    ),
    "gelu, AdamW": (
        [2, 6, 1], ["gelu", "identity"], False,
        {"optimizer": pynn.AdamW(0.01)}, {"rule": "adamw", "learningRate": 0.01},
    ),
    "elu, RMSprop": (
        [2, 6, 1], ["elu", "identity"], False,
        {"optimizer": pynn.RMSprop(0.01)}, {"rule": "rmsprop", "learningRate": 0.01},
    ),
    "mish, Rprop": (
        [2, 6, 1], ["mish", "identity"], False,
        {"optimizer": pynn.Rprop()}, {"rule": "rprop"},
    ),
}  # fmt: skip


@cache
def trained(case):
    """Return what WebAssembly computed; initial parameters, the network and the rows in Python."""
    sizes, activations, classes, in_python, options = CASES[case]
    X, y = rows(sizes[0], sizes[-1], classes=classes)
    net = network_of(sizes, activations, 7)
    initial = net.parameters.copy()
    net.fit(X, y, epochs=200, batch_size=10, **in_python)
    calls = [{"steps": 7}, {"steps": 13}, {"epochs": 100}, {"steps": 480}]  # 5 steps are an epoch
    calls = [call | {"batchSize": 10} | options for call in calls]
    network = {"sizes": sizes, "activations": activations, "seed": 7}
    (found,) = in_page((network, [X.tolist(), y.tolist()], calls))
    assert found["errors"] == []
    return found, initial, net, X, y


@pytest.mark.usefixtures("baseline")
@pytest.mark.parametrize("case", CASES)
def test_parameters_are_those_of_python_to_the_bit_after_1_000_steps(case):
    found, initial, net, _, _ = trained(case)
    agree(found["initial"], initial)
    assert found["progress"] == {"updates": 1000, "epochs": 200, "rows": 0}
    agree(found["parameters"], net.parameters)
    slots = net._descent.memory[0]
    agree(found["slots"][: len(slots)], slots)


@pytest.mark.usefixtures("baseline")
@pytest.mark.parametrize("case", CASES)
def test_every_number_of_a_row_is_that_of_python_to_the_bit(case):
    found, _, net, X, y = trained(case)
    agree(found["outputs"], net.predict(X))
    trace, here = found["trace"], net.trace(X, y)
    for name in ("z", "a", "sensitivities", "deltas"):
        agree(np.concatenate(trace[name]), np.concatenate([a.ravel() for a in getattr(here, name)]))
    agree(np.concatenate(found["activations"]), np.concatenate(trace["a"]))
    agree(trace["inputSensitivities"], here.input_sensitivities)
    agree(trace["costs"], here.costs)


@pytest.mark.usefixtures("baseline")
@pytest.mark.parametrize("case", CASES)
def test_cost_and_gradient_are_those_of_python_to_the_bit(case):
    found, _, net, X, y = trained(case)
    penalty = {name: CASES[case][3].get(name, 0) for name in ("alpha", "l1")}
    agree(found["gradient"]["gradient"], net.gradient(X, y, **penalty))
    assert found["gradient"]["cost"] == net.cost(X, y)
    assert found["gradient"]["cost"] + found["gradient"]["penalty"] == net.cost(X, y, **penalty)


@pytest.mark.parametrize("seed", [0, 1, 2**32 - 1])
def test_initial_parameters_are_those_of_each_seed(seed):
    hidden = [name for name, is_for_output in _core.ACTIVATIONS.items() if not is_for_output]
    X, y = rows(3, 2)
    settings = [([3, 30, 2], [name, "identity"]) for name in hidden]
    wanted = [{"sizes": s, "activations": a, "seed": seed, "bias": b} for s, a in settings
              for b in (True, False)]  # fmt: skip
    found = in_page(*((network, [X.tolist(), y.tolist()], []) for network in wanted))
    for one, network in zip(found, wanted, strict=True):
        bias = network["bias"]
        net = network_of(network["sizes"], network["activations"], seed, bias=bias)
        agree(one["initial"], net.parameters)


@pytest.mark.usefixtures("baseline")
def test_slots_of_dead_units_decay_to_0_as_in_python():
    sizes, activations = [2, 16, 1], ["relu", "identity"]
    X, y = rows(2, 1)
    net = network_of(sizes, activations, 1)
    network = {"sizes": sizes, "activations": activations, "seed": 1}
    call = {"epochs": 400, "rule": "adam", "learningRate": 0.5, "batchSize": 10}
    (found,) = in_page((network, [X.tolist(), y.tolist()], [call]))
    net.fit(X, y, epochs=400, batch_size=10, optimizer=pynn.Adam(0.5))
    first, second = net._descent.memory[0]
    assert np.any((first == 0) & (second > 0))
    agree(found["slots"][:2], [first, second])
    agree(found["parameters"], net.parameters)


@pytest.mark.usefixtures("baseline")
def test_large_products_agree_with_python_up_to_rounding():
    """Python sends them to BLAS, which sums in another order."""
    sizes, activations = [196, 64, 10], ["relu", "softmax"]
    X, y = rows(196, 10, classes=True)
    net = network_of(sizes, activations, 7)
    network = {"sizes": sizes, "activations": activations, "seed": 7}
    call = {"epochs": 5, "rule": "sgd", "batchSize": 24}
    (found,) = in_page((network, [X.tolist(), y.tolist()], [call]))
    net.fit(X, y, epochs=5, batch_size=24, optimizer=pynn.SGD(0.1))
    np.testing.assert_allclose(found["parameters"], net.parameters, rtol=1e-5, atol=1e-6)


def test_training_that_diverges_leaves_the_network_as_it_was():
    X, y = rows(2, 1)
    good = {"epochs": 3, "rule": "sgd", "dropout": 0.2}
    bad = good | {"learningRate": 1e30}
    network = {"sizes": [2, 8, 1], "activations": ["relu", "identity"]}
    data = [X.tolist(), y.tolist()]
    undisturbed, disturbed = in_page(
        (network, data, [good, good]), (network, data, [good, bad, good])
    )
    assert disturbed["errors"][0].startswith("training diverged")
    assert disturbed["parameters"] == undisturbed["parameters"]


def test_hostile_arguments_are_refused_and_the_core_goes_on():
    assert "refused" in node("fuzz_core.mjs", "5000")
