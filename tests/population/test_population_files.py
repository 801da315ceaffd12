"""Populations in files: all members are restored, and damaged files are refused."""

import pickle

import numpy as np
import pytest

import pynn

pytest.importorskip("safetensors")


def population():
    return pynn.Population(
        [
            pynn.Network([3, 4, 2], output_activation="softmax", classes=["a", "b"]),
            pynn.Network([3, 2], cost=pynn.Huber(2.0), dtype="float64", bias=False),
            *pynn.Population.of(10, [3, 5, 5, 1], activation=pynn.LeakyReLU(0.2), random_state=0),
        ]
    )


def test_a_loaded_population_equals_the_saved_one(tmp_path):
    saved = population()
    saved.save(tmp_path / "all.safetensors")
    loaded = pynn.Population.load(tmp_path / "all.safetensors")
    assert len(loaded) == 12
    for one, other in zip(loaded, saved, strict=True):
        assert one._architecture == other._architecture
        np.testing.assert_array_equal(one.parameters, other.parameters)


def test_a_pickled_population_trains_further_like_the_original():
    X = np.random.default_rng(0).normal(size=(20, 3))
    one = pynn.Population.of(3, [3, 4, 2], random_state=0).fit(X, X[:, :2], epochs=2)
    other = pickle.loads(pickle.dumps(one))
    for either in (one, other):
        either.fit(X, X[:, :2], epochs=2)
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a.parameters, b.parameters)
        assert a.history == b.history


def test_the_error_for_a_file_of_the_other_class_names_that_class(tmp_path):
    file = tmp_path / "one.safetensors"
    population().save(file)
    with pytest.raises(ValueError, match=r"load it with pynn\.Population\.load"):
        pynn.Network.load(file)
    pynn.Network([3, 2]).save(file)
    with pytest.raises(ValueError, match=r"load it with pynn\.Network\.load"):
        pynn.Population.load(file)


def test_a_flipped_bit_or_a_truncated_file_is_a_value_error(tmp_path):
    file = tmp_path / "all.safetensors"
    population().save(file)
    content, rng = file.read_bytes(), np.random.default_rng(0)
    for position in rng.integers(len(content), size=200).tolist():
        flipped = bytearray(content)
        flipped[position] ^= 1 << rng.integers(8)
        file.write_bytes(flipped)
        with pytest.raises(ValueError, match="is not a network saved by pynn"):
            pynn.Population.load(file)
    for end in (0, 7, len(content) // 2, len(content) - 1):
        file.write_bytes(content[:end])
        with pytest.raises(ValueError, match="is not a network saved by pynn"):
            pynn.Population.load(file)
