"""How exact the activations are: units in the last place, over the whole range of each dtype.

The reference is NumPy in long double. csrc/vmath.h says where the errors come from.
"""

import numpy as np
import pytest
import scipy.special

import pynn
from pynn import _core

LONG = np.longdouble


def sigmoid(z):
    e = np.exp(-np.abs(z))
    return np.where(z < 0, e, 1) / (1 + e)


# name: (reference, largest error in units in the last place)
REFERENCES = {
    "identity": (lambda z: z, 0),
    "relu": (lambda z: np.maximum(z, 0), 0),
    "leaky_relu": (lambda z: np.where(z < 0, LONG("0.01") * z, z), 1.5),
    "exp": (np.exp, 1.5),
    "sigmoid": (sigmoid, 3),
    "tanh": (np.tanh, 3),
    "elu": (lambda z: np.where(z < 0, np.expm1(np.minimum(z, 0)), z), 1.5),
    "softplus": (lambda z: np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z))), 3),
    "silu": (lambda z: z * sigmoid(z), 4),
}


def compute(name, z):
    """Let a network of one unit compute f(z)."""
    net = pynn.Network([1, 1], output_activation=name, dtype=z.dtype, initializer="zeros")
    net.weights[0][:] = 1
    return net.predict(z.reshape(-1, 1))[:, 0]


def samples(dtype, rng):
    """Every 9973rd float32; for float64 numbers of all sizes, most of them where functions bend."""
    limits = np.finfo(dtype)
    if dtype == "float32":
        z = np.arange(0, 2**32, 9973, dtype=np.uint64).astype(np.uint32).view(np.float32)
        z = z[np.isfinite(z)]
    else:
        scales = 10.0 ** rng.integers(-300, 300, 100_000)
        z = np.concatenate([rng.normal(size=100_000) * scales, rng.uniform(-750, 750, 200_000)])
        z = np.concatenate([z, rng.uniform(-4, 4, 200_000)])
    special = [
        0.0,
        -0.0,
        1e4,
        -1e4,
        limits.max,
        -limits.max,
        limits.tiny,
        limits.smallest_subnormal,
    ]
    return np.concatenate([z, special]).astype(dtype)


def errors_in_ulp(got, want):
    """Distance of got from the exact want, in units in the last place of want."""
    dtype = got.dtype
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        rounded = want.astype(dtype)
        finite = np.isfinite(rounded)
        ulp = np.spacing(np.where(finite, np.abs(rounded), 1))
        return np.where(
            finite, np.abs(got.astype(LONG) - want) / ulp, np.where(got == rounded, 0, 9)
        )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", REFERENCES)
def test_activations_are_within_their_bounds_over_the_whole_range(name, dtype, isa, rng):
    reference, bound = REFERENCES[name]
    z = samples(dtype, rng)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        want = reference(z.astype(LONG))
    # Below, sigmoid is subnormal and has lost digits before it is multiplied by z.
    measured = z > np.log(np.finfo(dtype).tiny) if name == "silu" else slice(None)
    assert errors_in_ulp(compute(name, z), want)[measured].max() <= bound


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_gelu_keeps_its_relative_accuracy_in_the_left_tail(dtype, isa, rng):
    z = rng.uniform(-5, 5, 10_001).astype(dtype)
    exact = z.astype(float)
    want = 0.5 * exact * scipy.special.erfc(-exact * np.sqrt(0.5))
    # erfc(x) changes by 2 x**2 of itself for each relative change of x, here up to 25 times.
    np.testing.assert_allclose(compute("gelu", z), want, rtol=40 * np.finfo(dtype).eps)


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
    e = np.exp(z.astype(LONG) - z.max(axis=1, keepdims=True))
    tolerance = 4 * np.finfo(dtype).eps
    np.testing.assert_allclose(a, (e / e.sum(1, keepdims=True)).astype(dtype), rtol=tolerance)


def test_importing_leaves_subnormal_numbers_alone():
    """A shared object linked with crtfastmath.o would flush them to zero in the whole process."""
    assert np.array([2.0**-1073]) / 2 != 0
    assert 2.0**-1073 != 0.0
