"""Large products by SciPy's BLAS, where a set has no tiles of its own or where it is forced."""

import os
import subprocess
import sys

import numpy as np
import pytest

import pynn
from pynn import _core
from pynn.config import configuration


@pytest.fixture
def by_blas():
    isa = _core.isa_in_use()
    _core.use_isa(isa, blas=True)
    yield
    _core.use_isa(isa)


def test_the_configuration_names_scipy_s_blas_in_a_fresh_process():
    code = "from pynn.config import configuration; print(configuration()['BLAS'])"
    command = [sys.executable, "-P", "-c", code]
    fresh = subprocess.run(command, capture_output=True, text=True, check=True)
    import scipy.linalg.cython_blas  # noqa: F401
    from threadpoolctl import threadpool_info

    blas = [info for info in threadpool_info() if info["user_api"] == "blas"]
    of_scipy = [info for info in blas if "scipy" in info["filepath"].replace("libscipy", "")]
    for info in of_scipy[:1]:  # a distribution's SciPy has none of its own
        assert f"{info['internal_api']} {info['version']}" in fresh.stdout


def computed(n_threads=1):
    """What a network with wide layers, wide products and a long batch gives."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(300, 210)), rng.normal(size=(300, 5))
    net = pynn.Network([210, 130, 70, 5], random_state=0, n_threads=n_threads, dtype="float64")
    gradient = net.gradient(X, y)
    net.fit(X, y, epochs=2, batch_size=150, optimizer=pynn.Adam())
    return gradient, net.parameters, net.predict(X)


@pytest.mark.skipif(not _core.isa_is_tuned(), reason="this processor's set takes BLAS anyway")
def test_products_by_blas_agree_with_those_by_tiles(request):
    by_tiles = computed()
    request.getfixturevalue("by_blas")
    for blas, tiles in zip(computed(), by_tiles, strict=True):
        np.testing.assert_allclose(blas, tiles, rtol=1e-9, atol=1e-11)
        assert not np.array_equal(blas, tiles)  # it sums up in another order


@pytest.mark.usefixtures("by_blas")
@pytest.mark.parametrize("n_threads", [2, 5])
def test_products_by_blas_have_the_same_bits_for_any_number_of_threads(n_threads):
    for several, one in zip(computed(n_threads), computed(), strict=True):
        np.testing.assert_array_equal(several, one)


@pytest.mark.usefixtures("by_blas")
def test_the_configuration_tells_that_blas_is_used():
    assert configuration()["BLAS"].endswith("used for large products")


@pytest.mark.parametrize(("value", "expected"), [("1", "False"), ("0", str(_core.isa_is_tuned()))])
def test_an_environment_variable_asks_for_it(value, expected):
    run = subprocess.run(
        [sys.executable, "-P", "-c", "from pynn import _core; print(_core.isa_is_tuned())"],
        env=os.environ | {"PYNN_BLAS": value},
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.strip() == expected
