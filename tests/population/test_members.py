"""Each member of a population gets the same bits as from a separate fit."""

import cases
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pynn
from pynn.callbacks import EarlyStopping

X = np.random.default_rng(0).normal(size=(60, 3))
Y = (X[:, 0] > X[:, 1] * X[:, 2]).astype(int)

RULES = [pynn.SGD(0.1), pynn.SGD(0.1, momentum=0.9, nesterov=True), pynn.Adam(0.01), pynn.RMSprop()]


@st.composite
def architectures(draw):
    sizes = [3, *draw(st.lists(st.integers(1, 40), max_size=2)), 2]
    return {
        "layer_sizes": sizes,
        "activation": draw(st.sampled_from(["relu", "tanh", "gelu"])),
        "output_activation": "softmax",
        "dtype": draw(st.sampled_from(["float32", "float64"])),
        "bias": draw(st.booleans()),
        "random_state": draw(st.integers(0, 2**32 - 1)),
    }


@st.composite
def settings(draw):
    weights = st.sampled_from(
        [None, np.arange(60.0), (np.arange(60) % 5 != 0).astype(float), np.ones(60)]
    )
    return {
        "epochs": draw(st.integers(1, 8)),
        "batch_size": draw(st.integers(1, 70)),
        "optimizer": draw(st.sampled_from(RULES)),
        "schedule": draw(st.sampled_from([None, pynn.StepDecay(2)])),
        "alpha": draw(st.sampled_from([0.0, 0.1, pynn.Scheduled(0.1, pynn.StepDecay(2))])),
        "average": draw(st.sampled_from([None, pynn.EMA(0.9), pynn.SWA(1)])),
        "dropout": draw(st.sampled_from([0.0, 0.3])),
        "sample_weight": draw(weights),
        "shuffle": draw(st.booleans()),
        "validation_split": draw(st.sampled_from([0.0, 0.2])),
        "early_stopping": draw(st.booleans()),
    }


def same(net, other):
    """Assert that two networks have the same parameters and history, bit for bit."""
    np.testing.assert_array_equal(net.parameters, other.parameters)
    np.testing.assert_equal(net.history, other.history)
    assert net.best_epoch == other.best_epoch


@cases.examples(40)
@given(
    members=st.lists(st.tuples(architectures(), settings()), min_size=1, max_size=6),
    n_threads=st.integers(1, 5),
)
def test_members_equal_separately_fitted_networks(members, n_threads):
    population = pynn.Population(
        [pynn.Network(**architecture) for architecture, _ in members], n_threads=n_threads
    )
    population.fit(X, Y, members=[own for _, own in members])
    for member, (architecture, own) in zip(population, members, strict=True):
        same(member, pynn.Network(**architecture).fit(X, Y, **own))
    population.fit(X, Y, epochs=2)  # continues from the optimizers' states
    for member, (architecture, own) in zip(population, members, strict=True):
        same(member, pynn.Network(**architecture).fit(X, Y, **own).fit(X, Y, epochs=2))


def test_member_k_has_the_seed_plus_k():
    population = pynn.Population.of(3, [3, 5, 2], random_state=7, output_activation="softmax")
    population.fit(X, Y, epochs=3)
    for k, member in enumerate(population):
        twin = pynn.Network([3, 5, 2], random_state=7 + k, output_activation="softmax")
        same(member, twin.fit(X, Y, epochs=3))


def test_arguments_of_a_member_override_shared_ones():
    population = pynn.Population.of(2, [3, 4, 2], random_state=0, output_activation="softmax")
    population.fit(X, Y, epochs=2, members=[{}, {"epochs": 5}])
    assert [len(member.history["cost"]) for member in population] == [2, 5]


def test_shared_callbacks_and_validation_data_work_for_each_member():
    population = pynn.Population.of(4, [3, 8, 2], random_state=0, output_activation="softmax")
    stopping = EarlyStopping(patience=2, restore_best=True)
    common = {"epochs": 40, "validation_data": (X[:20], Y[:20]), "callbacks": [stopping]}
    population.fit(X, Y, optimizer=pynn.Adam(0.05), **common)
    for k, member in enumerate(population):
        twin = pynn.Network([3, 8, 2], random_state=k, output_activation="softmax")
        same(member, twin.fit(X, Y, optimizer=pynn.Adam(0.05), **common))


def test_rows_of_another_dtype_are_converted_once_for_each_dtype():
    networks = [pynn.Network([3, 2], dtype=dtype) for dtype in ("float32", "float64") * 3]
    population = pynn.Population(networks)
    seen = []
    members = [{"callbacks": [lambda state: seen.append(state.train.X)]} for _ in networks]
    population.fit(X, np.eye(2)[Y], members=members)
    assert len({id(rows) for rows in seen if rows.dtype == np.float32}) == 1
    assert all(rows is X for rows in seen if rows.dtype == np.float64)


@pytest.mark.parametrize("n_threads", [1, 3])
def test_a_diverging_member_is_named_and_the_others_are_trained(n_threads):
    names = {"output_activation": "identity", "random_state": 0}
    population = pynn.Population.of(5, [3, 10, 1], n_threads=n_threads, **names)
    before = population[2].parameters.copy()
    rates = [0.01, 0.01, 1e6, 0.01, 0.01]
    targets = X[:, :1]
    with pytest.warns(RuntimeWarning, match="1 of 5 members diverged and are unchanged: 2"):
        population.fit(
            X, targets, epochs=30, members=[{"optimizer": pynn.SGD(rate)} for rate in rates]
        )
    assert list(population.errors) == [2]
    assert "training diverged" in str(population.errors[2])
    np.testing.assert_array_equal(population[2].parameters, before)
    for k in (0, 1, 3, 4):
        twin = pynn.Network([3, 10, 1], output_activation="identity", random_state=k)
        same(population[k], twin.fit(X, targets, epochs=30, optimizer=pynn.SGD(0.01)))
    population.fit(X, targets, epochs=1)
    assert population.errors == {}


def test_an_error_in_a_callback_ends_the_fit_and_names_its_member():
    def fails(state):
        raise LookupError("no such thing")

    population = pynn.Population.of(3, [3, 2], n_threads=2, random_state=0)
    members = [{"epochs": 10**9}, {"callbacks": [fails]}, {"epochs": 10**9}]
    before = [member.parameters.copy() for member in population]
    with pytest.raises(LookupError) as caught:
        population.fit(X, np.eye(2)[Y], members=members)
    assert caught.value.__notes__ == ["for member 1 of 3"]
    np.testing.assert_array_equal(population[1].parameters, before[1])
    population.fit(X, np.eye(2)[Y])  # no member is still in training


def test_verbose_prints_a_line_per_tenth_of_the_members(capsys):
    pynn.Population.of(25, [3, 2], random_state=0).fit(X, np.eye(2)[Y], verbose=True)
    lines = [line.partition(",")[0] for line in capsys.readouterr().out.splitlines()]
    assert lines == [f"{n} of 25 members trained" for n in (3, 5, 8, 10, 13, 15, 18, 20, 23, 25)]


# ---- Predictions, indexing, and refused arguments ----


def test_predictions_of_all_members_are_stacked():
    population = pynn.Population.of(4, [3, 6, 2], random_state=0, dtype="float64")
    out = population.predict(X)
    assert out.shape == (4, 60, 2)
    for k, member in enumerate(population):
        np.testing.assert_array_equal(out[k], member.predict(X))
    np.testing.assert_array_equal(population.mean(X), out.mean(axis=0))
    np.testing.assert_array_equal(population.std(X), out.std(axis=0))


def test_an_index_gives_a_network_and_a_slice_a_population():
    population = pynn.Population.of(5, [3, 2], random_state=0)
    assert population[-1] is list(population)[4]
    assert list(population[1:3]) == [population[1], population[2]]
    assert len(population[::2]) == 3
    assert repr(population) == (
        "<Population of 5: <Network 3-2, identity, squared_error, 8 parameters float32>>"
    )


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: [], ValueError, "at least one network"),
        (lambda: [pynn.Network([3, 2]), 5], TypeError, "got int"),
        (lambda: [pynn.Network([3, 2])] * 2, ValueError, "members 0 and 1 are the same network"),
        (lambda: [pynn.Network([3, 2]), pynn.Network([4, 2])], ValueError, "member 1 has 4"),
        (
            lambda: [pynn.Network([3, 2], random_state=r) for r in [np.random.RandomState(0)] * 2],
            ValueError,
            "members 0 and 1 share a random source",
        ),
    ],
)
def test_unsuitable_networks_are_refused(make, error, words):
    networks = make()
    with pytest.raises(error, match=words):
        pynn.Population(networks)


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ({"epoch": 3}, ValueError, "an argument must be one of epochs, .*; got 'epoch'"),
        ({"epochs": 0}, ValueError, "epochs must be from 1"),
        ({"members": [{}]}, ValueError, "members must have 2 entries, one for each; got 1"),
        ({"members": [{}, {"batch_size": 0}]}, ValueError, "batch_size must be from 1"),
        ({"members": [{}, {"sample_weight": np.ones(3)}]}, ValueError, "sample_weight"),
        ({"members": [{}, {"validation_data": (X[:, :2], Y)}]}, ValueError, "validation X"),
        ({"members": [{}, {"early_stopping": "yes"}]}, TypeError, "early_stopping"),
    ],
)
def test_wrong_arguments_leave_all_members_unchanged(given, error, words):
    population = pynn.Population.of(2, [3, 2], random_state=0, output_activation="softmax")
    before = [member.parameters.copy() for member in population]
    with pytest.raises(error, match=words):
        population.fit(X, Y, **given)
    for member, parameters in zip(population, before, strict=True):
        np.testing.assert_array_equal(member.parameters, parameters)
        assert not any(member.history.values())


def test_predict_refuses_members_with_different_numbers_of_outputs():
    population = pynn.Population([pynn.Network([3, 2]), pynn.Network([3, 4])])
    with pytest.raises(ValueError, match=r"different numbers of outputs: \[2, 4\]"):
        population.predict(X)
