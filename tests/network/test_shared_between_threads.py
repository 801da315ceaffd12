"""Models that share their data, and calls that share a model, in several threads at once."""

import copy
import pickle

import numpy as np
import pytest
from long import IS_LONG
from scipy import sparse
from sklearn.exceptions import NotFittedError
from together import at_once, beside, hasty_threads

import pynn
from pynn.training import forks

RNG = np.random.default_rng(0)
X = RNG.normal(size=(200, 20)) * (RNG.random((200, 20)) < 0.4)
Y = (X[:, 0] > 0).astype(int)
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def network(seed=0, **options):
    return pynn.Network([20, 30, 2], output_activation="softmax", random_state=seed, **options)


def classifier(seed=0, **parameters):
    return pynn.MLPClassifier((30,), max_iter=3, random_state=seed, **parameters)


def read_only(array):
    parts = [array] if isinstance(array, np.ndarray) else [array.data, array.indices, array.indptr]
    for part in parts:
        part.flags.writeable = False
    return array


def content(array):
    return array.tobytes() if isinstance(array, np.ndarray) else array.toarray().tobytes()


# Models that share their data

DATA = {
    "dense": lambda: X.copy(),
    "dense in float32": lambda: X.astype(np.float32),
    "dense in Fortran's order": lambda: np.asfortranarray(X),
    "CSR": lambda: sparse.csr_array(X),
    "CSR of int64": lambda: sparse.csr_array((X * 9).astype(np.int64)),
}


def of_network(x, y, seed):
    net = network(seed).fit(x, y, epochs=3, optimizer="adam", validation_data=(x, y))
    return net.parameters.tobytes(), net.history, net.predict(x).tobytes(), net.score(x, y)


def of_classifier(x, y, seed, **parameters):
    mlp = classifier(seed, **parameters).fit(x, y, eval_set=(x, y))
    return mlp.network_.parameters.tobytes(), mlp.history_, mlp.predict(x).tolist(), mlp.score(x, y)


def of_lbfgs(x, y, seed):
    return of_classifier(x, y, seed, solver="lbfgs")


def of_partial_fits(x, y, seed):
    mlp = classifier(seed)
    for part in (slice(0, 100), slice(100, 200)):
        mlp.partial_fit(x[part], y[part], classes=[0, 1])
    return mlp.network_.parameters.tobytes(), mlp.predict_proba(x).tobytes()


@pytest.mark.parametrize("protect", [read_only, lambda array: array], ids=["read-only", "writable"])
@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("work", [of_network, of_classifier, of_lbfgs, of_partial_fits])
def test_models_that_share_rows_get_the_bits_they_get_alone(work, data, protect):
    x, y = protect(DATA[data]()), protect(Y.copy())
    before = content(x), y.tobytes()
    alone = [work(x, y, seed) for seed in range(3)]
    for _ in range(2):
        jobs = [lambda seed=seed: work(x, y, seed) for seed in range(3)]
        assert at_once(jobs) == alone
    assert (content(x), y.tobytes()) == before


def test_they_may_share_the_memory_of_one_model_s_rows_and_another_s_targets():
    both = RNG.normal(size=(200, 22))
    x, y = both[:, :20], both[:, 20:]

    def work(seed):
        net = pynn.Network([20, 10, 2], random_state=seed)
        return net.fit(x, y, epochs=3).parameters.tobytes()

    alone = [work(seed) for seed in range(4)]
    assert at_once([lambda seed=seed: work(seed) for seed in range(4)]) == alone


# One network in several threads

FITS = {
    "one call of the core": {"epochs": 3},
    "a call for each epoch": {"epochs": 3, "callbacks": [lambda state: None]},
    "validation": {"epochs": 3, "validation_data": (X, Y)},
    "threads": {"epochs": 3, "batch_size": 100},
}
fits = pytest.mark.parametrize("settings", FITS.values(), ids=FITS)


@fits
def test_fits_of_one_network_follow_one_another(settings):
    """They use the same rows in the same order: which one comes first makes no difference."""
    net, twin = network(n_threads=2), network(n_threads=2)
    with hasty_threads():
        at_once([lambda: net.fit(X, Y, shuffle=False, **settings)] * 4)
    for _ in range(4):
        twin.fit(X, Y, shuffle=False, **settings)
    assert net.parameters.tobytes() == twin.parameters.tobytes()
    assert net.history == twin.history


LOOKS = {
    "predict": lambda net, path: np.isfinite(net.predict(X)).all(),
    "cost, gradient, score": lambda net, path: np.isfinite(
        net.cost(X, Y) + net.gradient(X, Y).sum() + net.score(X, Y)
    ),
    "trace": lambda net, path: np.isfinite(net.trace(X[:3], Y[:3]).a[-1]).all(),
    "history, repr": lambda net, path: repr(net) and {*map(len, net.history.values())},
    "save": lambda net, path: net.save(path) or usable(pynn.Network.load(path)),
    "pickle": lambda net, path: usable(pickle.loads(pickle.dumps(net))),
    "deepcopy": lambda net, path: usable(copy.deepcopy(net)),
}


def usable(net):
    """Whether a copy of a network predicts, and learns."""
    return np.isfinite(net.predict(X)).all() and np.isfinite(net.fit(X, Y).parameters).all()


@pytest.mark.parametrize("settings", [FITS["one call of the core"], FITS["validation"]])
@pytest.mark.parametrize("look", LOOKS)
def test_what_only_looks_at_a_network_changes_nothing_of_its_fit(look, settings, tmp_path):
    """It finds the weights of that moment."""
    if look == "save":
        pytest.importorskip("safetensors")
    net, n_fits = network(n_threads=2), 0

    def fit():
        nonlocal n_fits
        net.fit(X, Y, optimizer="adam", **settings)
        n_fits += 1

    fit()
    with hasty_threads(), beside(fit):
        for _ in range(30 if IS_LONG else 5):
            assert LOOKS[look](net, tmp_path / "net")
    twin = network(n_threads=2)
    for _ in range(n_fits):
        twin.fit(X, Y, optimizer="adam", **settings)
    assert net.parameters.tobytes() == twin.parameters.tobytes()
    assert net.history == twin.history


@pytest.mark.parametrize("kind", ["network", "classifier"])
def test_a_file_holds_one_moment_whatever_another_thread_writes_amid_its_making(
    kind, tmp_path, monkeypatch
):
    """Its checksum, else, would be of other weights, and the file refused as damaged."""
    serialise = pytest.importorskip("safetensors.numpy")
    model = network() if kind == "network" else classifier().fit(X, Y)
    parameters = model.parameters if kind == "network" else model.network_.parameters
    before, save = parameters.copy(), serialise.save

    def overtaken(*arguments):
        parameters[:] += 1
        return save(*arguments)

    monkeypatch.setattr(serialise, "save", overtaken)
    model.save(tmp_path / "model")
    assert (pynn.Network.load(tmp_path / "model").parameters == before).all()


# One estimator in several threads


def outcomes(call, n=6):
    """Call in several threads at once; return how many succeeded, the others being refused."""

    def attempt():
        try:
            call()
        except RuntimeError as error:
            assert "is being fitted" in str(error)  # noqa: PT017
            return 0
        return 1

    return sum(at_once([attempt] * n))


def test_fits_of_one_estimator_are_refused_beside_another():
    expected = classifier().fit(X, Y).network_.parameters.tobytes()
    with hasty_threads():
        for _ in range(10):
            mlp = classifier()
            assert outcomes(lambda: mlp.fit(X, Y)) >= 1  # noqa: B023
            assert mlp.network_.parameters.tobytes() == expected
            assert "_fit_under_way" not in vars(mlp)


def test_so_are_partial_fits_and_those_that_succeed_follow_one_another():
    mlp, twin = classifier(), classifier()
    n_succeeded = 0
    with hasty_threads():
        for _ in range(10):
            n_succeeded += outcomes(lambda: mlp.partial_fit(X, Y, classes=[0, 1]))
    for _ in range(n_succeeded):
        twin.partial_fit(X, Y, classes=[0, 1])
    assert mlp.network_.parameters.tobytes() == twin.network_.parameters.tobytes()
    assert mlp.t_ == twin.t_ == n_succeeded * len(X)


def test_nothing_comes_between_the_look_for_other_fits_and_the_claim(monkeypatch):
    mlp, n_made = classifier(), 0
    other = mlp._alone()

    class Late(forks.Claim):
        def __init__(self, release):
            nonlocal n_made
            super().__init__(release)
            n_made += 1
            if n_made == 1:
                other.__enter__()  # as another thread might

    monkeypatch.setattr(forks, "Claim", Late)
    with pytest.raises(RuntimeError, match="is being fitted"):
        mlp.fit(X, Y)
    other.__exit__(None, None, None)
    mlp.fit(X, Y)


def test_a_copy_made_amid_a_fit_can_be_fitted_after_it():
    copies = []
    mlp = classifier(callbacks=[lambda state: copies.append(copy.copy(state.estimator))])
    mlp.fit(X, Y)
    del mlp
    copies[0].set_params(callbacks=None).fit(X, Y)


ESTIMATOR_LOOKS = {
    "predict": lambda mlp, path: np.isfinite(mlp.predict_proba(X)).all() and len(mlp.predict(X)),
    "score": lambda mlp, path: 0 <= mlp.score(X, Y) <= 1,
    "transform": lambda mlp, path: np.isfinite(mlp.transform(X)).all(),
    "save": lambda mlp, path: mlp.save(path) or len(pynn.MLPClassifier.load(path).predict(X)),
    "pickle": lambda mlp, path: len(pickle.loads(pickle.dumps(mlp)).predict(X)),
    "deepcopy": lambda mlp, path: len(copy.deepcopy(mlp).predict(X)),
    "repr, get_params": lambda mlp, path: repr(mlp) and mlp.get_params(),
}


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize("look", ESTIMATOR_LOOKS)
def test_what_only_looks_at_an_estimator_finds_the_weights_of_a_moment(look, method, tmp_path):
    if look == "save":
        pytest.importorskip("safetensors")
    mlp, n_fits = classifier().fit(X, Y), 0

    def fit():
        nonlocal n_fits
        getattr(mlp, method)(X, Y)
        n_fits += 1

    with hasty_threads(), beside(fit):
        for _ in range(30 if IS_LONG else 4):
            assert ESTIMATOR_LOOKS[look](mlp, tmp_path / "mlp")
    twin = classifier().fit(X, Y)
    for _ in range(n_fits):
        getattr(twin, method)(X, Y)
    assert mlp.network_.parameters.tobytes() == twin.network_.parameters.tobytes()


def test_predictions_beside_a_fit_to_other_classes_or_features_are_right_or_an_error():
    """They may find the classes of one fit and the weights of another, which do not go together."""
    mlp = classifier().fit(X, Y)
    kinds, n_rounds, n_right = [(X, Y), (X, Y + 5), (X[:, :5], Y)], 0, 0

    def fit():
        nonlocal n_rounds
        for x, y in kinds:
            mlp.fit(x, y)
        n_rounds += 1

    with hasty_threads(), beside(fit) as fits:
        # Not a number of calls: on a loaded machine, hundreds of them may find the same fit.
        while not fits.done() and (n_rounds < 10 or (n_right < 100 and n_rounds < 1000)):
            try:
                predicted = mlp.predict(X)
            except (ValueError, NotFittedError):
                continue
            n_right += 1
            assert set(predicted.tolist()) <= {0, 1, 5, 6}
    assert n_right > 0
    assert mlp.fit(X, Y).predict(X).tolist() == classifier().fit(X, Y).predict(X).tolist()
