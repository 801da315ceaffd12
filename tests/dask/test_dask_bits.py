"""Training on a cluster has the same bits as on one machine, and for any number of workers."""

import dask.array as da
import numpy as np
import pytest
import scipy.sparse
from clusters import cluster
from dask import delayed

import pynn
import pynn.dask
from pynn.dask import epochs

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*iterations .* reached:sklearn.exceptions.ConvergenceWarning"
)

SETTINGS = [
    {},
    {"solver": "sgd", "learning_rate": "invscaling"},
    {"solver": "sgd", "learning_rate": "adaptive", "tol": 1.0, "n_iter_no_change": 1},
    {"solver": "adamw", "learning_rate": pynn.OneCycle(epochs=4)},
    {"solver": "rmsprop", "dropout": 0.2, "batch_size": 64},
    {"shuffle": False, "l1": 0.01, "clip_norm": 1.0},
    {"dtype": "float32", "max_norm": 2.0},
]


def classifier(**settings):
    return pynn.dask.MLPClassifier((8,), **{"max_iter": 4, "random_state": 0} | settings)


def parameters(estimator):
    return estimator.network_.parameters


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize("sync_every", [None, 2])
def test_one_shard_is_the_fit_on_one_machine(client, rows, settings, sync_every):
    X, y = rows
    settings = {"max_iter": 4, "random_state": 0, "batch_size": 200} | settings
    alone = pynn.MLPClassifier((8,), **settings).fit(X, y)
    arrays = da.from_array(X, chunks=(600, -1)), da.from_array(y, chunks=600)
    found = classifier(**settings, sync_every=sync_every).fit(*arrays)
    assert np.array_equal(parameters(found), parameters(alone))
    assert found.loss_curve_ == pytest.approx(alone.loss_curve_, rel=1e-14)
    if sync_every is None:
        assert found.loss_curve_ == alone.loss_curve_


def test_so_is_one_shard_of_several_partitions(rows, collections):
    found = classifier(n_shards=1).fit(*collections)
    alone = pynn.MLPClassifier((8,), max_iter=4, random_state=0).fit(*rows)
    assert np.array_equal(parameters(found), parameters(alone))


def test_so_is_one_shard_of_sparse_rows(client, rows):
    X, y = rows[0] * (rows[0] > 0.5), rows[1]
    alone = pynn.MLPClassifier((8,), max_iter=4, random_state=0)
    alone.fit(scipy.sparse.csr_matrix(X), y)
    parts = [delayed(scipy.sparse.csr_matrix)(X[i : i + 300]) for i in (0, 300)]
    labels = [delayed(y[:300]), delayed(y[300:])]
    for sync_every in (None, 1):
        found = classifier(n_shards=1, sync_every=sync_every).fit(parts, labels)
        assert np.array_equal(parameters(found), parameters(alone))


def test_so_is_one_shard_with_weights(client, rows):
    X, y = rows
    weights = np.where(np.arange(600) < 400, 0.0, np.arange(600))
    alone = pynn.MLPRegressor(hidden_layer_sizes=8, max_iter=4, random_state=0, shuffle=False)
    alone.fit(X, y, weights)
    arrays = (da.from_array(a, chunks=(600, *a.shape[1:])) for a in (X, y, weights))
    found = pynn.dask.MLPRegressor(
        hidden_layer_sizes=8, max_iter=4, random_state=0, shuffle=False, sync_every=1
    )
    assert np.array_equal(parameters(found.fit(*arrays)), parameters(alone))


def meddle(state):
    """Change what the next epoch begins with."""
    if state.epoch in (2, 3):
        state.network.parameters[:] *= 0.5
    if state.epoch == 4:
        state.learning_rate = state.learning_rate / 2


@pytest.mark.parametrize("every", [0.0, np.inf])
def test_so_is_one_shard_whose_callbacks_change_the_network(client, rows, every, monkeypatch):
    """Also where the next epoch has begun already."""
    monkeypatch.setattr("pynn.dask.learner._SENT_EVERY", every)
    settings = {"max_iter": 6, "random_state": 0, "callbacks": [meddle]}
    alone = pynn.MLPClassifier((8,), **settings).fit(*rows)
    arrays = (da.from_array(a, chunks=(600, *a.shape[1:])) for a in rows)
    found = classifier(**settings, sync_every=1).fit(*arrays)
    assert np.array_equal(parameters(found), parameters(alone))


def test_a_random_source_goes_on_as_on_one_machine(client, rows):
    sources = np.random.RandomState(0), np.random.RandomState(0)
    pynn.MLPClassifier((8,), max_iter=3, random_state=sources[0]).fit(*rows)
    arrays = (da.from_array(a, chunks=(600, *a.shape[1:])) for a in rows)
    classifier(max_iter=3, random_state=sources[1]).fit(*arrays)
    assert sources[0].randint(2**31) == sources[1].randint(2**31)


def test_the_bits_do_not_depend_on_the_number_of_workers(rows):
    found = []
    for n_workers in (1, 2, 3):
        with cluster(n_workers):
            chunks = da.from_array(rows[0], chunks=(130, -1)), da.from_array(rows[1], chunks=130)
            settings = {"sync_every": 2, "dropout": 0.1, "max_iter": 2}
            found.append(parameters(classifier(**settings).fit(*chunks)))
    assert np.array_equal(found[0], found[1])
    assert np.array_equal(found[0], found[2])


def test_nor_on_where_epochs_begin(rows, monkeypatch):
    """Epochs that are submitted ahead, many shards, and groups of one round change no bit."""
    found = []
    with cluster(2):
        chunks = da.from_array(rows[0], chunks=(60, -1)), da.from_array(rows[1], chunks=60)
        for ahead, tasks in ((2, 128), (2, 1), (0, 128)):
            monkeypatch.setattr("pynn.dask.learner._AHEAD", ahead)
            monkeypatch.setattr("pynn.dask.epochs._TASKS_OF_GROUP", tasks)
            settings = {"sync_every": 1, "max_iter": 3, "batch_size": 20}
            found.append(parameters(classifier(**settings).fit(*chunks)))
    assert np.array_equal(found[0], found[1])
    assert np.array_equal(found[0], found[2])


def test_nor_on_how_many_parts_a_task_adds_up(client, rows, monkeypatch):
    """Partial sums are in float64, and pairs are always the same ones."""
    chunks = da.from_array(rows[0], chunks=(60, -1)), da.from_array(rows[1], chunks=60)
    found = []
    for fan_in in (2, 8, 16):
        monkeypatch.setattr("pynn.dask.epochs._FAN_IN", fan_in)
        found.append(parameters(classifier(sync_every=1, batch_size=20).fit(*chunks)))
    assert np.array_equal(found[0], found[1])
    assert np.array_equal(found[0], found[2])


def test_nor_on_whether_the_client_adds_up_or_a_task_does(client, rows, monkeypatch):
    """Large parameters of several shards are added up by tasks, and received once."""
    monkeypatch.setattr("pynn.dask.learner._RECEIVED_EVERY", 0.0)
    chunks = da.from_array(rows[0], chunks=(150, -1)), da.from_array(rows[1], chunks=150)
    means, mean, found = [], epochs.Epoch._mean, []
    monkeypatch.setattr(epochs.Epoch, "_mean", lambda *a: (means.append(a), mean(*a))[1])
    for most in (1 << 23, 0):
        assert not means
        monkeypatch.setattr(epochs, "_MOST_BYTES", most)
        found.append(classifier(sync_every=1, batch_size=50).fit(*chunks))
    assert means
    assert np.array_equal(parameters(found[0]), parameters(found[1]))
    assert found[0].loss_curve_ == found[1].loss_curve_


@pytest.mark.parametrize("n_shards", [2, 8, 9, 17, 65])
def test_the_mean_of_equal_parameters_is_them(collections, n_shards):
    """Steps are too short to be seen."""
    settings = {"learning_rate_init": 1e-12, "alpha": 0.0, "max_iter": 2, "tol": 0}
    alone = classifier(**settings, n_shards=1).fit(*collections)
    found = classifier(**settings, n_shards=n_shards).fit(*collections)
    assert parameters(found) == pytest.approx(parameters(alone), abs=1e-9)
    assert found.loss_ == pytest.approx(alone.loss_, rel=1e-9)


def test_weights_of_classes_count_between_shards_as_those_of_rows(client, rows):
    order = np.argsort(rows[1], kind="stable")
    X, y = rows[0][order], rows[1][order]
    by_class = {0: 1.0, 1: 10.0, 2: 0.5}
    weights = np.array([by_class[label] for label in y])
    X, y, weights = (da.from_array(a, chunks=(100, *a.shape[1:])) for a in (X, y, weights))
    mlp = classifier(class_weight=by_class).fit(X, y)
    other = classifier().fit(X, y, weights)
    assert np.array_equal(parameters(mlp), parameters(other))
    assert mlp.loss_curve_ == other.loss_curve_


def test_shards_without_weight_count_for_nothing(client, rows):
    """As partitions, or as cuts of one partition. The loss is that of one machine."""
    X, y = rows
    weights = np.where(np.arange(600) < 300, 0.0, np.arange(600))
    settings = {"learning_rate_init": 1e-12, "alpha": 0.0, "max_iter": 1, "tol": 0}
    alone = pynn.MLPClassifier((8,), random_state=0, batch_size=600, **settings)
    alone.fit(X, y, weights)
    for chunk in (150, 600):
        arrays = [da.from_array(a, chunks=(chunk, *a.shape[1:])) for a in (X, y, weights)]
        one, other = classifier(n_shards=4), classifier(n_shards=4, batch_size=150, **settings)
        found = parameters(one.fit(*arrays))
        assert other.fit(*arrays).loss_ == pytest.approx(alone.loss_, rel=1e-9)
        if chunk == 150:
            expected = found
    assert np.array_equal(found, expected)


def test_shards_have_orders_and_dropout_of_their_own(client, rows):
    X, y = (np.concatenate((a[:100], a[:100])) for a in rows)
    chunks = da.from_array(X, chunks=(100, -1)), da.from_array(y, chunks=100)
    for settings in ({"batch_size": 50}, {"shuffle": False, "dropout": 0.5}):
        twice = classifier(max_iter=1, **settings).fit(*chunks)
        once = classifier(max_iter=1, **settings).fit(*(a[:100] for a in chunks))
        assert not np.array_equal(parameters(twice), parameters(once))


def test_a_round_of_gradient_descent_is_a_step_with_the_mean_gradient(client, rows):
    X, y = rows
    settings = {"solver": "sgd", "momentum": 0.5, "shuffle": False, "max_iter": 3, "alpha": 0}
    alone = pynn.MLPClassifier((8,), random_state=0, batch_size=600, **settings).fit(X, y)
    chunks = da.from_array(X, chunks=((100, 500), -1)), da.from_array(y, chunks=((100, 500),))
    found = classifier(batch_size=500, **settings).fit(*chunks)
    assert parameters(found) == pytest.approx(parameters(alone), rel=1e-12)


def test_penalties_are_as_strong_as_on_one_machine(client, rows):
    """With "auto", a mini-batch of each of two shards has half as many rows as one there."""
    settings = {"solver": "sgd", "shuffle": False, "alpha": 1.0, "l1": 0.1, "sync_every": 1}
    chunks = da.from_array(rows[0], chunks=(300, -1)), da.from_array(rows[1], chunks=300)
    found = classifier(**settings).fit(*chunks)
    del settings["sync_every"]
    order = np.arange(600).reshape(2, 3, 100).swapaxes(0, 1).ravel()
    alone = pynn.MLPClassifier((8,), max_iter=4, random_state=0, **settings)
    alone.fit(*(array[order] for array in rows))
    assert parameters(found) == pytest.approx(parameters(alone), rel=1e-9)
    assert found.loss_ == pytest.approx(alone.loss_, rel=1e-3)
