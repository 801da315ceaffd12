"""The script that trains the network of the room Digits."""

import sys

import numpy as np
import pytest
from places import ROOT


@pytest.fixture
def digits(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "playground")
    import digits

    yield digits
    del sys.modules["digits"]


def test_moved_images_keep_their_ink_and_differ_in_each_epoch(digits, rng):
    images = np.zeros((3, 28, 28), np.float32)
    images[:, 8:20, 12:16] = rng.uniform(0.5, 1, (3, 12, 4))
    source = digits.Moved(images, np.arange(3), seed=1)
    (first, labels), (second, _) = *source, *source
    assert first.shape == (3, 784)
    assert labels.tolist() == [0, 1, 2]
    assert not np.array_equal(first, second)
    np.testing.assert_allclose(first.sum(axis=1), images.sum(axis=(1, 2)), rtol=0.35)
    assert first.min() >= 0
    assert first.max() <= 1


def test_images_are_packed_with_two_pixels_in_each_byte(digits):
    assert digits.packed(np.array([[0, 1, 0.5, 0.2]])) == bytes([0x0F, 0x83])
