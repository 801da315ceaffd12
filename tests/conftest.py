"""What the tests share: a random generator, the MNIST digits, settings of other packages."""

import os
import signal
import socket

# SciPy reads it when it is imported; without it scikit-learn skips a check without a word.
os.environ["SCIPY_ARRAY_API"] = "1"
os.environ["MPLBACKEND"] = "Agg"  # what is drawn is not shown
if "PYTEST_XDIST_WORKER" in os.environ:  # one of as many as there are processors
    os.environ.setdefault("OMP_NUM_THREADS", "1")

import sys
from pathlib import Path

import cases
import hypothesis
import numpy as np
import pytest
from long import IS_LONG
from places import ROOT

from pynn import _core

# Derandomized: a red test is red again on the next run, and on the machine next to it.
hypothesis.settings.register_profile("pynn", derandomize=True, deadline=None, max_examples=50)
# Random, so that each long run tries other examples than the one before.
hypothesis.settings.register_profile("long", deadline=None, max_examples=4000, print_blob=True)
# For sanitizers, under which each example takes ten times as long.
hypothesis.settings.register_profile("brief", parent=hypothesis.settings.get_profile("pynn"),
                                     max_examples=10)  # fmt: skip
hypothesis.settings.load_profile("long" if IS_LONG else "pynn")

SHARED_MNIST = ROOT.parent / "shared" / "data" / "mnist.npz"


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: takes seconds; part of every run all the same")


def pytest_xdist_auto_num_workers(config):
    """A single file is run through before workers have started; else xdist's own number."""
    return 0 if len(config.args) == 1 and ".py" in config.args[0] else None


def refuse_other_machines(event, arguments):
    """Nothing of pynn's needs the network, so what asks for it in a test is a fault."""
    if event == "socket.connect" and arguments[0].family in (socket.AF_INET, socket.AF_INET6):
        host = str(arguments[1][0])
        if host not in ("localhost", "::1") and not host.startswith("127."):
            raise PermissionError(f"a test connects to another machine: {arguments[1]}")


sys.addaudithook(refuse_other_machines)


@pytest.fixture(autouse=True)
def scikit_learn_s_settings_are_restored():
    """A signal in the midst of its `config_context` leaves the settings of the block."""
    yield
    if "sklearn" in sys.modules:
        sys.modules["sklearn"].set_config(assume_finite=False, skip_parameter_validation=False,
                                          enable_metadata_routing=False)  # fmt: skip


@pytest.fixture(autouse=True)
def figures_are_closed():
    yield
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        pyplot.close("all")


@pytest.fixture
def ctrl_c_raises():
    """SIGINT is what it is in a terminal: what a shell starts in the background is deaf to it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def rng():
    return np.random.default_rng(20)


@pytest.fixture(scope="session")
def mnist_path():
    path = Path(os.environ.get("PYNN_MNIST", SHARED_MNIST))
    if not path.exists():
        pytest.skip(f"no MNIST digits: {path} does not exist (PYNN_MNIST names another file)")
    return path


@pytest.fixture(scope="session")
def mnist(mnist_path):
    """(X_train, y_train, X_test, y_test): float32 pixels from 0 to 1, and the digits' labels."""
    with np.load(mnist_path) as data:
        X_train, X_test = (
            data[name].reshape(-1, 784).astype(np.float32) / 255 for name in ("x_train", "x_test")
        )
        return X_train, data["y_train"], X_test, data["y_test"]


@pytest.fixture(params=_core.available_isas())
def isa(request):
    """Each instruction set in turn."""
    with cases.instruction_set(request.param) as name:
        yield name
