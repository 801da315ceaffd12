"""Fits go on through crashes, late workers, little memory and interruptions."""

import gc
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import nullcontext

import dask
import dask.array as da
import numpy as np
import pytest
from clusters import cluster, separate
from distributed import get_client
from long import only_long

import pynn
import pynn.dask
from pynn.callbacks import Checkpoint
from pynn.dask import epochs, estimators, learner, workers
from pynn.dask.workers import Build

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*iterations .* reached:sklearn.exceptions.ConvergenceWarning"
)


def fitted(rows, **settings):
    chunks = da.from_array(rows[0], chunks=(150, -1)), da.from_array(rows[1], chunks=150)
    given = {"max_iter": 4, "random_state": 0, "sync_every": 2, "batch_size": 50} | settings
    return pynn.dask.MLPClassifier((8,), **given).fit(*chunks)


def parameters(estimator):
    return estimator.network_.parameters


@pytest.fixture(scope="module")
def expected(client, rows):
    return parameters(fitted(rows))


def kill_a_worker(_=None):
    """SIGKILL the process of a worker; its nanny starts another one."""
    (pid,) = list(get_client().run(os.getpid).values())[:1]
    os.kill(pid, signal.SIGKILL)


@pytest.mark.slow
def test_a_killed_worker_and_a_late_one_change_no_bit(rows, expected, tmp_path):
    def disturb(state):
        if state.epoch == 1:
            kill_a_worker()
        if state.epoch == 2:
            add_worker()
        if state.epoch == 3:
            get_client().wait_for_workers(2, timeout=60)

    with separate(2, tmp_path) as (_, add_worker, _):
        found = fitted(rows, callbacks=[disturb])
    assert np.array_equal(parameters(found), expected)


@only_long
def test_fifty_kills_at_random_moments_change_no_bit(rows, tmp_path):
    random, settings = np.random.default_rng(), {"max_iter": 10, "sync_every": 1}
    with separate(2, tmp_path) as (client, _, _):
        expected = parameters(fitted(rows, **settings))
        for _ in range(50):
            timer = threading.Timer(random.uniform(0, 1), kill_a_worker)
            timer.start()
            found = fitted(rows, **settings)
            timer.join()
            client.wait_for_workers(2, timeout=60)
            assert np.array_equal(parameters(found), expected)


def test_shards_that_were_spilled_to_disk_change_no_bit(rows, expected):
    n_spilled = []

    limits = {f"distributed.worker.memory.{name}": False for name in ("spill", "pause")}
    limits |= {
        "distributed.worker.memory.target": 0.5,
        "distributed.worker.memory.terminate": False,
    }

    def look_at_disks(state):
        found = get_client().run(lambda dask_worker: len(dask_worker.data.disk))
        n_spilled.extend(found.values())

    with dask.config.set(limits), cluster(2, memory_limit="30 kB"):
        found = fitted(rows, callbacks=[look_at_disks])
    assert max(n_spilled) > 0
    assert np.array_equal(parameters(found), expected)


def test_two_fits_at_once_on_one_cluster(client, rows, expected):
    found = {}

    def fit(seed):
        found[seed] = fitted(rows, random_state=seed)

    threads = [threading.Thread(target=fit, args=(seed,)) for seed in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert np.array_equal(parameters(found[0]), expected)
    assert not np.array_equal(parameters(found[1]), expected)


def test_a_fit_resumes_from_a_checkpoint_on_another_cluster(rows, expected, tmp_path):
    keep = Checkpoint(tmp_path / "fit.npz", resume=True)

    def fail(state):
        if state.epoch == 3:
            raise ZeroDivisionError

    with cluster(1), pytest.raises(ZeroDivisionError):
        fitted(rows, callbacks=[keep, fail])
    with cluster(2):
        found = fitted(rows, callbacks=[keep])
        with pytest.raises(ValueError, match="is from a fit with rows"):
            fitted((rows[0] + 1, rows[1]), callbacks=[keep])
    assert np.array_equal(parameters(found), expected)
    assert len(found.loss_curve_) == 4


def test_a_lost_scheduler_ends_the_fit_with_the_last_epoch(rows):
    epochs = []

    def close(state):
        epochs.append(state.network.parameters.copy())
        if state.epoch == 2:
            get_client().close()

    with cluster(1), pytest.warns(UserWarning, match="the client lost its scheduler"):
        found = fitted(rows, callbacks=[close])
    assert found.n_iter_ == 2
    assert np.array_equal(parameters(found), epochs[1])


@pytest.mark.slow
def test_a_scheduler_that_is_killed_ends_the_fit_with_the_last_round(rows, tmp_path, monkeypatch):
    """All rounds are received here; other fits receive one each second."""
    received, n_updates = {}, []

    class Recorder(learner.Rounds):
        def _receive(self, epoch, r, seconds):
            super()._receive(epoch, r, seconds)
            received[self._end.n_updates] = self._end.values[0]
            if self._end.n_updates == 5:
                kill()
            n_updates.append(self._end.n_updates)

    monkeypatch.setattr(learner, "_RECEIVED_EVERY", 0.0)
    monkeypatch.setattr(estimators, "Rounds", Recorder)
    with (
        dask.config.set({"distributed.comm.timeouts.connect": "2s"}),
        separate(1, tmp_path) as (_, _, kill),
        pytest.warns(UserWarning, match="the client lost its scheduler"),
    ):
        found = fitted(rows, sync_every=1, batch_size=10)
    last = found.network_._descent.n_updates
    assert 5 <= last == n_updates[-1] < 15
    assert np.array_equal(parameters(found), received[last])


def test_shards_move_to_workers_that_have_few(rows, expected):
    """Also to one that joins late."""
    places = []

    def look(state):
        held = {key: on for key, on in client.who_has().items() if "pynn-shard-" in str(key)}
        places.append({worker for on in held.values() for worker in on})
        if state.epoch == 1:
            client.cluster.scale(2)
            client.wait_for_workers(2, timeout=60)

    with pytest.MonkeyPatch.context() as patch, cluster(1) as client:
        patch.setattr(learner, "_BALANCED_EVERY", 0.0)
        found = fitted(rows, callbacks=[look])
    assert [len(each) for each in places[:1]] == [1]
    assert len(places[-1]) == 2
    assert np.array_equal(parameters(found), expected)


@only_long  # Dask's processes, which the signal ends, do not always end in time on a busy machine
def test_ctrl_c_in_a_terminal_leaves_the_last_round(tmp_path):
    """A terminal sends SIGINT to the workers, too, which ends them."""
    code = """
import os, warnings
import dask.array as da, numpy as np, dask
from distributed import Client, LocalCluster
import pynn.dask

if __name__ == "__main__":
    options = {"host": "127.0.0.1", "dashboard_address": ":0", "silence_logs": 50}
    with LocalCluster(n_workers=2, threads_per_worker=1, **options) as started, Client(started):
        X = da.random.default_rng(0).normal(size=(20_000, 20), chunks=(5_000, -1)).persist()
        y = (X[:, 0] > 0).astype(int)
        begun = lambda state: print("epoch", flush=True)
        mlp = pynn.dask.MLPClassifier((50,), max_iter=100_000, n_iter_no_change=100_000)
        with warnings.catch_warnings(record=True) as heard:
            mlp.set_params(callbacks=[begun]).fit(X, y)
        print(*[one.message for one in heard])
        found = mlp.to_local().predict_proba(np.eye(20)[:1])
        print("probabilities", found[0, 1] > 0.9, flush=True)
        os._exit(0)  # there are no workers left to close
"""
    script = tmp_path / "fit.py"
    script.write_text(code)
    command = [sys.executable, "-P", script]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    with subprocess.Popen(command, start_new_session=True, **pipes) as process:
        for _ in range(5):
            assert process.stdout.readline() == "epoch\n"
        os.killpg(process.pid, signal.SIGINT)
        rest = process.communicate(timeout=60)[0]
    assert "Training interrupted by user" in rest
    assert "probabilities True" in rest, rest


def test_ctrl_c_ends_the_fit_after_a_whole_round(client, rows, ctrl_c_raises):
    def interrupt(state):
        threading.Timer(0.05, signal.raise_signal, [signal.SIGINT]).start()

    X, y = (np.concatenate([a] * 20) for a in rows)
    arrays = da.from_array(X, chunks=(len(X), -1)), da.from_array(y, chunks=len(y))
    settings = {"shuffle": False, "batch_size": 60, "random_state": 0}
    mlp = pynn.dask.MLPClassifier((8,), max_iter=2, sync_every=2, **settings)
    mlp.set_params(callbacks=[interrupt])
    with pytest.warns(UserWarning, match="Training interrupted by user"):
        mlp.fit(*arrays)
    n_updates = mlp.network_._descent.n_updates - 200  # those of the first epoch
    assert mlp.n_iter_ == 1
    assert 0 <= n_updates < 200
    assert n_updates % 2 == 0
    alone = pynn.MLPClassifier((8,), **settings).partial_fit(X, y, classes=[0, 1, 2])
    if n_updates:
        alone.partial_fit(X[: 60 * n_updates], y[: 60 * n_updates])
    assert np.array_equal(parameters(mlp), parameters(alone))


@pytest.mark.parametrize("ending", ["whole", "stopped", "failed", "diverged"])
def test_a_fit_leaves_nothing_on_the_workers(client, rows, ending):
    """Also before garbage is collected."""

    def ends(state):
        if ending == "stopped" and state.epoch == 2:
            state.stop()
        if ending == "failed" and state.epoch == 2:
            raise ZeroDivisionError

    settings = {"solver": "sgd", "learning_rate_init": 1e300} if ending == "diverged" else {}
    errors = {"failed": ZeroDivisionError, "diverged": ValueError}
    gc.collect()
    gc.disable()
    before = set(client.futures)  # those that earlier tests still hold
    try:
        with pytest.raises(errors[ending]) if ending in errors else nullcontext():
            fitted(rows, callbacks=[ends], **settings)
        end = time.monotonic() + 5  # another thread releases them
        while time.monotonic() < end and not set(client.futures) <= before:
            time.sleep(0.01)
        assert set(client.futures) <= before
    finally:
        gc.enable()


def test_a_resumed_fit_ends_where_it_would_have_ended(client, rows, tmp_path, monkeypatch):
    numbers, submit = [], epochs.Epoch.submit
    monkeypatch.setattr(
        epochs.Epoch, "submit", lambda self, n: (numbers.append(self.number), submit(self, n))
    )
    keep = Checkpoint(tmp_path / "fit.npz", resume=True)

    def fail(state):
        if state.epoch == 2:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fitted(rows, callbacks=[keep, fail])
    fitted(rows, callbacks=[keep])
    assert max(numbers) == 3


def test_divergence_leaves_the_estimator_as_it_was(client, rows):
    mlp = fitted(rows)
    before = parameters(mlp).copy()
    mlp.set_params(solver="sgd", learning_rate_init=1e300, warm_start=True)
    chunks = da.from_array(rows[0], chunks=(150, -1)), da.from_array(rows[1], chunks=150)
    with pytest.raises(ValueError, match="non-finite parameter weights"):
        mlp.fit(*chunks)
    assert np.array_equal(parameters(mlp), before)


def test_a_warm_start_goes_on(client, rows):
    once, more = fitted(rows, warm_start=True), fitted(rows, warm_start=True)
    chunks = da.from_array(rows[0], chunks=(150, -1)), da.from_array(rows[1], chunks=150)
    more.fit(*chunks)
    assert more.loss_curve_[:4] == once.loss_curve_
    assert len(more.loss_curve_) == 8


class Workers:
    """A client whose workers have these builds."""

    def __init__(self, *builds):
        self.builds = builds

    def run(self, _):
        return dict(enumerate(self.builds))


def test_another_version_is_refused():
    other = Build("0.0.1", *workers.build()[1:])
    with pytest.raises(RuntimeError, match=r"a worker has pynn 0\.0\.1, but fit was called with"):
        workers.check(Workers(workers.build(), other))


def test_another_instruction_set_or_blas_is_warned_about():
    here = workers.build()
    with pytest.warns(
        UserWarning, match=r"different instruction sets \(.*may differ in their last"
    ):
        workers.check(Workers(here, here._replace(isa="other")))
    with pytest.warns(UserWarning, match=r"different BLAS libraries \("):
        workers.check(Workers(here, here._replace(blas="other")))
    assert workers.check(Workers(here, here)) == here


def test_a_cluster_with_tls(rows, expected):
    pytest.importorskip("cryptography")
    from distributed import Security

    with cluster(1, protocol="tls://", security=Security.temporary()) as client:
        assert client.scheduler.address.startswith("tls://")
        assert np.array_equal(parameters(fitted(rows)), expected)


@pytest.mark.parametrize(
    ("n_shards", "name"), [(4, "pynn-train-0-1-shard-3"), (9, "pynn-mean-0-1-1-0")]
)
def test_tasks_have_names_that_the_dashboard_shows(client, rows, n_shards, name, monkeypatch):
    names, submit, compute = [], client.submit, client.compute

    def noted(*arguments, key, **options):
        names.append(key.rpartition("-")[0])
        return submit(*arguments, key=key, **options)

    def computed(tasks, **options):
        names.extend(task.key.rpartition("-")[0] for task in tasks)
        return compute(tasks, **options)

    monkeypatch.setattr(client, "submit", noted)
    monkeypatch.setattr(client, "compute", computed)
    fitted(rows, max_iter=1, n_shards=n_shards, batch_size=20)
    assert len(names) == len(set(names))
    assert {"pynn-shard-3", name} <= set(names)
