"""How exact the activations and their derivatives are, over the whole range of each dtype.

The reference is float64 for float32, and NumPy's long double for float64. csrc/vmath.h says where
the errors come from.
"""

import os
import shutil
import subprocess
from ctypes import CDLL, c_size_t, c_void_p
from functools import cache

import numpy as np
import pytest
from places import ROOT
from scipy.special import erfcx

import pynn
from pynn import _core

CSRC = ROOT / "csrc"
BLOCK = 2**16  # units of the networks that compute


# Of selu: Klambauer et al. 2017, equation 14
LAMBDA, ALPHA = (np.longdouble(x) for x in ("1.05070098735548049342", "1.67326324235437728482"))


def softplus(z):
    return np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))


def sech(e):
    """1 / cosh(x), by e = exp(-x)."""
    return 2 * e / (1 + e**2)


def sigmoid(z):
    e = np.exp(-np.abs(z))
    return np.where(z < 0, e, 1) / (1 + e)


def density(z):
    """Of the normal distribution; z * z cannot overflow where it counts."""
    return np.exp(-(np.minimum(np.abs(z), 1e3) ** 2) / 2) / np.sqrt(2 * np.pi, dtype=z.dtype)


def below(z):
    """P(N(0, 1) <= z) by erfcx, which does not mind that its argument is rounded."""
    size = np.minimum(np.abs(z), 1e3)
    scaled = erfcx((size * np.sqrt(z.dtype.type(0.5))).astype(float))
    tail = scaled * density(z) * np.sqrt(z.dtype.type(np.pi) / 2)
    return np.where(z < 0, tail, 1 - tail)


# name: (f(z), largest error in units in the last place)
REFERENCES = {
    "identity": (lambda z: z, 0),
    "relu": (lambda z: np.maximum(z, 0), 0),
    "leaky_relu": (lambda z: np.where(z < 0, z / 100, z), 1.5),
    "exp": (np.exp, 1.5),
    "sigmoid": (sigmoid, 3),
    "tanh": (np.tanh, 2.5),
    "elu": (lambda z: np.where(z < 0, np.expm1(np.minimum(z, 0)), z), 1.5),
    "selu": (
        lambda z: LAMBDA * np.where(z < 0, ALPHA * np.expm1(np.minimum(z, 0)), z),
        2,
    ),
    "softplus": (softplus, 2),
    "silu": (lambda z: z * sigmoid(z), 4),
    "mish": (lambda z: z * np.tanh(softplus(z)), 5),
    "gelu": (lambda z: z * below(z), 5),
}
# name: (f'(z), largest error in machine epsilons: of 1, or of f' where it is larger)
DERIVATIVES = {
    "identity": (np.ones_like, 0),
    "relu": (lambda z: np.where(z > 0, 1, 0), 0),
    "leaky_relu": (lambda z: np.where(z > 0, 1, z.dtype.type(0.01)), 0.5),
    "exp": (np.exp, 1),
    "sigmoid": (lambda z: sigmoid(z) * sigmoid(-z), 1),
    "tanh": (lambda z: 1 - np.tanh(z) ** 2, 2),
    "elu": (lambda z: np.exp(np.minimum(z, 0)), 0.5),
    "selu": (lambda z: LAMBDA * np.where(z > 0, 1, ALPHA * np.exp(np.minimum(z, 0))), 1.5),
    "softplus": (sigmoid, 1),
    "silu": (lambda z: sigmoid(z) * (1 + z * sigmoid(-z)), 2),
    "mish": (
        lambda z: np.tanh(softplus(z)) + z * sigmoid(z) * sech(sigmoid(-z)) ** 2,
        2,
    ),
    "gelu": (lambda z: below(z) + z * density(z), 1.5),
}
# Units in the last place that SciPy's erfcx, a float64, is wrong by: no long double has it.
OF_THE_REFERENCE = {("gelu", "float64"): 5}


def test_every_activation_has_its_bounds():
    assert set(REFERENCES) == set(DERIVATIVES) == set(_core.ACTIVATIONS) - {"softmax"}


@cache
def samples(dtype):
    """Every 4099th float32; for float64 numbers of all sizes, most of them where functions bend."""
    limits = np.finfo(dtype)
    if dtype == "float32":
        z = np.arange(0, 2**32, 4099, dtype=np.uint64).astype(np.uint32).view(np.float32)
        z = z[np.isfinite(z)]
    else:
        rng = np.random.default_rng(20)
        scales = 10.0 ** rng.integers(-300, 300, 50_000)
        z = np.concatenate([rng.normal(size=50_000) * scales, rng.uniform(-750, 750, 100_000)])
        z = np.concatenate([z, rng.uniform(-40, 40, 50_000), rng.uniform(-4, 4, 100_000)])
    sizes = [0, 1, 1e4, limits.max, limits.tiny, limits.smallest_subnormal]
    subnormal = limits.smallest_subnormal * np.arange(1, 2000, dtype=dtype)
    return np.concatenate([z, sizes, np.negative(sizes), subnormal, -subnormal]).astype(dtype)


@cache
def exact(f, dtype):
    with np.errstate(all="ignore"):
        return f(samples(dtype).astype({"float32": float, "float64": np.longdouble}[dtype]))


def compute(name, z, read=lambda net: net.predict([[1]])[0]):
    """Let networks of one row compute f(z); each z is a weight."""
    net = pynn.Network([1, BLOCK], output_activation=name, cost="absolute_error", dtype=z.dtype,
                       bias=False, initializer="zeros")  # fmt: skip
    blocks = []
    for start in range(0, len(z), BLOCK):
        net.weights[0][0, : len(z) - start] = z[start : start + BLOCK]
        blocks.append(read(net))
    return np.concatenate(blocks)[: len(z)]


def derivative(net):
    """The gradient of the cost |f(z) - y|, with f(z) above y: f'(z)."""
    return net.gradient([[1]], np.full((1, BLOCK), -np.finfo(net.dtype).max))


def errors_in_ulp(got, want):
    """Distance of got from the exact want, in units in the last place of want."""
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        rounded = want.astype(got.dtype)
        finite = np.isfinite(rounded)
        ulp = np.spacing(np.where(finite, np.abs(rounded), 1))
        return np.where(
            finite, np.abs(got.astype(want.dtype) - want) / ulp, np.where(got == rounded, 0, 9)
        )


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", REFERENCES)
def test_activations_are_within_their_bounds_over_the_whole_range(name, dtype, isa):
    f, bound = REFERENCES[name]
    z, want = samples(dtype), exact(f, dtype)
    errors = errors_in_ulp(compute(name, z), want)
    if name in ("silu", "gelu", "mish"):  # a subnormal factor has few digits
        errors[(z < -1) & (np.abs(want) < 1000 * np.finfo(dtype).tiny)] = 0
    worst = errors.argmax()
    assert errors[worst] <= bound + OF_THE_REFERENCE.get((name, dtype), 0), z[worst]


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", DERIVATIVES)
def test_derivatives_are_within_their_bounds_over_the_whole_range(name, dtype, isa):
    f, bound = DERIVATIVES[name]
    z, want = samples(dtype), exact(f, dtype)
    with np.errstate(over="ignore"):
        finite = np.isfinite(want.astype(dtype)) & (z > -np.finfo(dtype).max)
    got = compute(name, z, derivative)
    errors = np.abs(got[finite] - want[finite]) / np.maximum(np.abs(want[finite]), 1)
    worst = errors.argmax()
    bound += OF_THE_REFERENCE.get((name, dtype), 0) / 2
    assert errors[worst] <= bound * np.finfo(dtype).eps, z[finite][worst]


LOGARITHMS = """
#include "vmath.h"
void logs(real *out, const real *x, size_t n) {
    for (size_t i = 0; i < n; i++) { out[i] = vlog(x[i]); }
}
void logs_of_1_plus(real *out, const real *x, size_t n) {
    for (size_t i = 0; i < n; i++) { out[i] = log1p_of_any(x[i]); }
}
"""


@pytest.mark.skipif(not (CSRC.exists() and shutil.which("cc")), reason="no C sources, or no cc")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_logarithms_are_within_a_unit_or_two(dtype, isa, tmp_path):
    """No network gives a logarithm as it is, so it is compiled here, as CMake compiles it."""
    flags = [f"-DPYNN_BITS={np.finfo(dtype).bits}", "-O3", "-ffp-contract=fast"]
    flags += ["-fno-math-errno", "-fno-trapping-math"]
    flags += [] if isa == "baseline" else [f"-march={isa}"]
    library = tmp_path / "logs.so"
    subprocess.run(["cc", *flags, "-x", "c", "-", "-I", CSRC, "-shared", "-fPIC", "-o", library],
                   input=LOGARITHMS, text=True, check=True,
                   env=os.environ | {"LD_PRELOAD": ""})  # fmt: skip
    functions = CDLL(library)

    def run(name, x):
        out = np.empty_like(x)
        functions[name](c_void_p(out.ctypes.data), c_void_p(x.ctypes.data), c_size_t(x.size))
        return out

    z = samples(dtype)
    near_1 = np.linspace(0.5, 2, 100_001, dtype=dtype)
    x = np.concatenate([z[z >= 0], near_1, [np.inf]]).astype(dtype)
    for name, f, bound in (("logs", np.log, 1), ("logs_of_1_plus", np.log1p, 2)):
        with np.errstate(divide="ignore"):
            want = f(x.astype({"float32": float, "float64": np.longdouble}[dtype]))
        errors = errors_in_ulp(run(name, x), want)
        assert errors.max() <= bound, (name, x[errors.argmax()])
    x = np.array([-0.0, -np.finfo(dtype).tiny, -1, -np.inf, np.nan], dtype)
    np.testing.assert_array_equal(run("logs", x), [-np.inf] + 4 * [np.nan])


@pytest.mark.parametrize("name", _core.ACTIVATIONS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_no_activation_makes_nan_of_a_finite_number(name, dtype, isa):
    z = np.array([1e4, -1e4, 0, -0.0, 1e-30, 88.8, -104, 709.9, -745.2], dtype)
    assert not np.isnan(compute(name, z)).any()


@pytest.mark.parametrize("name", _core.ACTIVATIONS)
def test_nan_is_handed_through(name, isa):
    net = pynn.Network([1, 2], output_activation=name, initializer="zeros")
    net.biases[0][:] = np.nan
    assert np.isnan(net.predict([[1.0]])).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_softmax_neither_overflows_nor_loses_small_probabilities(dtype, isa):
    net = pynn.Network([3, 3], output_activation="softmax", dtype=dtype, initializer="zeros")
    net.weights[0][:] = np.eye(3)
    z = np.array([[1e4, -1e4, 0], [1e4, 1e4, 1e4], [0, -50, -100], [-1e4, -1e4, -1e4]], dtype)
    a = net.predict(z)
    e = np.exp(z.astype(np.longdouble) - z.max(axis=1, keepdims=True))
    tolerance = 4 * np.finfo(dtype).eps
    np.testing.assert_allclose(a, (e / e.sum(1, keepdims=True)).astype(dtype), rtol=tolerance)


def test_importing_leaves_subnormal_numbers_alone():
    """A shared object linked with crtfastmath.o would flush them to zero in the whole process."""
    assert np.array([2.0**-1073]) / 2 != 0
    assert 2.0**-1073 != 0.0
