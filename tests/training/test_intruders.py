"""Foreign code amid a fit: profilers, the garbage collector, callbacks, blocks that fork."""

import copy
import gc
import os
import pickle
import signal
import sys
import threading
from functools import partial

import numpy as np
import pytest
from contents import differences, of

import pynn

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:callbacks. a file cannot hold"),
]

PACKAGE = os.path.join(os.path.dirname(pynn.__file__), "")  # not this file, in a folder pynn
X = np.random.default_rng(0).normal(size=(60, 5))
Y = (X[:, 0] > 0).astype(int)


class IntrusionError(Exception):
    pass


def network(n_threads=1):
    net = pynn.Network([5, 8, 2], output_activation="softmax", random_state=0)
    net.n_threads = n_threads
    return net.fit(X, Y, epochs=1)


def classifier(n_threads=1):
    mlp = pynn.MLPClassifier((8,), max_iter=3, random_state=0, n_threads=n_threads)
    return mlp.set_params(warm_start=True).fit(X, Y)


def fit(model, **settings):
    if isinstance(model, pynn.Network):
        return model.fit(X, Y, epochs=3, **settings)
    return model.set_params(**settings).fit(X, Y)


@pytest.fixture(params=[network, classifier])
def model(request):
    return request.param()


@pytest.fixture
def twin(model):
    """The model after a fit that nothing disturbs."""
    return fit(copy.deepcopy(model))


def raising_at(number, where):
    """Return a trace or profile function that raises at an event, but for bare `try:` lines."""
    n_events = 0

    def intrude(frame, event, argument):
        nonlocal n_events
        if frame.f_code.co_filename.startswith(PACKAGE):
            n_events += event == where
            if n_events == number and event == where:
                raise IntrusionError
        return intrude

    return intrude


@pytest.mark.parametrize(
    ("set_function", "get", "where"),
    [
        (sys.setprofile, sys.getprofile, "call"),
        (sys.setprofile, sys.getprofile, "return"),
        (sys.setprofile, sys.getprofile, "c_call"),
        (sys.settrace, sys.gettrace, "call"),
    ],
    ids=["profile call", "profile return", "profile c_call", "trace call"],
)
def test_a_profiler_that_raises_undoes_the_fit(set_function, get, where, model, twin):
    outer, n_raised = get(), 0
    for number in range(1, 100_000, 7):
        tried = copy.deepcopy(model)
        before, after = of(tried), of(twin)
        set_function(raising_at(number, where))
        try:
            fit(tried)
        except IntrusionError:
            n_raised += 1
        else:
            break
        finally:
            set_function(outer)
        differing = differences(before, of(tried))
        assert not differing or of(tried) == after, (number, differing)
    assert n_raised > 10


def test_a_trace_of_all_threads_that_raises_undoes_the_fit_of_a_thread(model):
    before, errors = of(model), []

    def run():
        try:
            fit(model)
        except IntrusionError as error:
            errors.append(error)

    outer = threading.gettrace()
    threading.settrace(raising_at(60, "call"))
    try:
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
    finally:
        threading.settrace(outer)
    assert len(errors) == 1
    assert of(model) == before


@pytest.fixture
def often_collected():
    before = gc.get_threshold()
    gc.set_threshold(5)
    yield
    gc.set_threshold(*before)


@pytest.mark.usefixtures("often_collected")
def test_a_callback_of_the_garbage_collector_may_use_the_model(model, twin):
    n_calls = 0

    def use(phase, info):
        nonlocal n_calls
        if phase == "start":
            n_calls += 1
            model.predict(X)
            pickle.dumps(model)

    gc.callbacks.append(use)
    try:
        fit(model)
    finally:
        gc.callbacks.remove(use)
    assert n_calls > 3
    assert weights(model) == weights(twin)


@pytest.mark.usefixtures("often_collected")
def test_a_callback_of_the_garbage_collector_that_raises_is_reported_by_python(
    model, twin, monkeypatch
):
    reported = []

    def fail(phase, info):
        raise IntrusionError

    monkeypatch.setattr(sys, "unraisablehook", lambda event: reported.append(event.exc_type))
    gc.callbacks.append(fail)
    try:
        fit(model)
    finally:
        gc.callbacks.remove(fail)
    assert set(reported) == {IntrusionError}
    assert weights(model) == weights(twin)


def weights(model):
    return [array.tobytes() for array in getattr(model, "network_", model).weights]


def test_networks_come_and_go_while_another_thread_fits():
    net, straight, done = network(2), network(2), threading.Event()

    def run():
        try:
            net.fit(X, Y, epochs=100, callbacks=[lambda state: None])
        finally:
            done.set()

    thread = threading.Thread(target=run)
    thread.start()
    while not done.is_set():
        network(2)
    thread.join()
    straight.fit(X, Y, epochs=100)
    assert weights(net) == weights(straight)


@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.parametrize("make", [network, classifier])
def test_a_callback_may_predict_save_copy_and_pickle(make, n_threads, tmp_path):
    pytest.importorskip("safetensors")
    model, found = make(n_threads), []
    straight = fit(make(n_threads))

    def look(state):
        model.save(tmp_path / "model")
        others = type(model).load(tmp_path / "model"), copy.deepcopy(model)
        plain = copy.copy(model)
        if make is classifier:
            plain.set_params(callbacks=None)  # a function of this test, which no pickle holds
        others += (pickle.loads(pickle.dumps(plain)),)
        found.append([np.array_equal(one.predict(X), model.predict(X)) for one in others])

    fit(model, callbacks=[look])
    assert found == [[True] * 3] * 3
    assert weights(model) == weights(straight)


def test_a_callback_cannot_fit_the_estimator_but_a_clone():
    mlp = classifier()
    straight = fit(copy.deepcopy(mlp))

    def look(state):
        copy.deepcopy(mlp).set_params(callbacks=None).fit(X, Y)
        for call in (mlp.fit, mlp.partial_fit):
            with pytest.raises(RuntimeError, match="is being fitted"):
                call(X, Y)

    fit(mlp, callbacks=[look])
    assert weights(mlp) == weights(straight)


def test_a_first_partial_fit_that_is_refused_leaves_the_fit_under_way_alone():
    mlp = pynn.MLPClassifier((8,), max_iter=3, random_state=0)
    straight = fit(copy.deepcopy(mlp))

    def look(state):
        with pytest.raises(RuntimeError, match="is being fitted"):
            type(mlp).partial_fit(mlp, X, Y, classes=[0, 1])

    class First:
        """Refuses in the midst of the checks, before there is a network."""

        def __array__(self, dtype=None, copy=None):
            assert not hasattr(mlp, "n_iter_")
            look(None)
            return np.array(X, dtype)

    mlp.fit(First(), Y)
    assert weights(mlp) == weights(straight)
    assert mlp.predict(X).shape == (60,)


def test_a_callback_that_fits_the_same_network_continues_its_training():
    net = network()

    def look(state):
        if state.epoch == 1:
            net.fit(X, Y, epochs=2)

    net.fit(X, Y, epochs=3, callbacks=[look])
    assert len({len(values) for values in net.history.values()}) == 1
    assert len(net.history["cost"]) == 1 + 3 + 2
    assert np.isfinite(net.parameters).all()


class Blocks:
    """Two blocks, between which something happens in the second epoch."""

    def __init__(self, between):
        self.between, self.n_epochs = between, 0

    def __iter__(self):
        self.n_epochs += 1
        yield X[:30], Y[:30]
        if self.n_epochs == 3:  # the first look is at the first block alone
            self.between()
        yield X[30:], Y[30:]


def fail():
    raise IntrusionError


@pytest.mark.parametrize("n_threads", [1, 2])
def test_blocks_that_raise_undo_the_fit(n_threads):
    for make in (network, classifier):
        model = make(n_threads)
        before = of(model)
        call = partial(model.fit, epochs=3) if make is network else model.fit_batches
        with pytest.raises(IntrusionError):
            call(Blocks(fail))
        assert of(model) == before


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.parametrize("n_threads", [1, 2, 5])
def test_blocks_may_fork_and_both_processes_end_the_fit_alike(n_threads):
    net, children = network(n_threads), []
    straight = network(n_threads).fit(Blocks(bool), epochs=3)

    def fork():
        children.append(os.fork())
        if children == [0]:
            signal.alarm(200)

    try:
        net.fit(Blocks(fork), epochs=3)
    finally:
        if children == [0]:
            os._exit(int(weights(net) != weights(straight)))
    assert weights(net) == weights(straight)
    assert os.waitpid(children[0], 0)[1] == 0
