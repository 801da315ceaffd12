"""Ensembles by seeds: n_members networks in one estimator, each with the bits of its own fit."""

import contextlib
import copy
import gc
import os
import pickle
import signal
import threading
import time
import warnings
import weakref

import numpy as np
import pytest
from contents import differences, of
from hypothesis import given, settings
from hypothesis import strategies as st
from long import IS_LONG
from mlp_cases import (  # noqa: F401 (fixtures)
    BOTH,
    DATA,
    X_DIABETES,
    X_IRIS,
    Y_DIABETES,
    Y_IRIS,
    few_epochs_are_meant,
    flat,
    one_thread,
    small,
)
from scipy import sparse
from sklearn.base import clone, is_regressor
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import GridSearchCV
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import pynn

X, Y = X_IRIS[::2], Y_IRIS[::2]
TWO_LABELS = np.column_stack((Y > 0, Y > 1)).astype(int)


def ensemble(Estimator=pynn.MLPClassifier, **parameters):
    return small(Estimator, **{"n_members": 3} | parameters)


def singles(model, n=3):
    """Return an estimator of one network for each member."""
    return [
        clone(model).set_params(n_members=1, random_state=model.random_state + k) for k in range(n)
    ]


def assert_same(model, alone):
    """Compare each member with its own estimator, and predictions with the mean of theirs."""
    for member, one in zip(model.estimators_, alone, strict=True):
        assert not differences(of(one), of(member))


# Bits


@settings(max_examples=1000 if IS_LONG else 8)
@given(
    Estimator=st.sampled_from([*DATA]),
    solver=st.sampled_from(["adam", "sgd", "lbfgs", "adamw", "rprop"]),
    seed=st.sampled_from([0, 7, 2**32 - 3]),
    n_threads=st.sampled_from([None, 1, 2, 5]),
    more=st.sampled_from(
        [
            {},
            {"early_stopping": True},
            {"dropout": 0.2, "batch_size": 20},
            {"learning_rate": pynn.ReduceOnPlateau(patience=1), "dtype": "float32"},
            {"alpha": 0.1, "activation": "tanh", "shuffle": False},
        ]
    ),
    rows=st.sampled_from([np.asarray, sparse.csr_array, sparse.csc_array]),
    weighted=st.booleans(),
)
def test_each_member_has_the_bits_of_its_own_fit(
    Estimator, solver, seed, n_threads, more, rows, weighted
):
    if solver in ("lbfgs", "rprop"):
        more = {k: v for k, v in more.items() if k not in ("dropout", "learning_rate")}
    model = ensemble(Estimator, solver=solver, random_state=seed, n_threads=n_threads, **more)
    X, y = (array[::3] for array in DATA[Estimator])
    weights = np.linspace(0.5, 2, len(y)) if weighted else None
    model.fit(rows(X), y, weights)
    alone = [one.fit(rows(X), y, weights) for one in singles(model)]
    assert_same(model, alone)


@BOTH
def test_predictions_are_the_mean_of_the_members(Estimator):
    X, y = DATA[Estimator]
    model = ensemble(Estimator).fit(X, y)
    if Estimator is pynn.MLPRegressor:
        each = [one.predict(X) for one in model.estimators_]
        np.testing.assert_array_equal(model.predict(X), sum(each) / 3)
    else:
        each = [one.predict_proba(X) for one in model.estimators_]
        np.testing.assert_array_equal(model.predict_proba(X), sum(each) / 3)
        np.testing.assert_array_equal(model.predict(X), np.argmax(sum(each), axis=1))
        np.testing.assert_array_equal(model.predict_log_proba(X), np.log(sum(each) / 3))
    assert model.score(X, y) == (r2_score if is_regressor(model) else accuracy_score)(
        y, model.predict(X)
    )
    np.testing.assert_array_equal(model.predict(X[:1]), model.predict(X)[:1])


def test_two_classes_and_several_labels():
    model = ensemble().fit(X, np.where(Y > 0, "yes", "no"))
    p = [one.predict_proba(X)[:, 1] for one in model.estimators_]
    np.testing.assert_array_equal(model.predict_proba(X)[:, 1], sum(p) / 3)
    np.testing.assert_array_equal(model.predict(X), np.where(sum(p) / 3 > 0.5, "yes", "no"))

    model = ensemble().fit(X, TWO_LABELS)
    p = [one.predict_proba(X) for one in model.estimators_]
    np.testing.assert_array_equal(model.predict_proba(X), sum(p) / 3)
    np.testing.assert_array_equal(model.predict(X), (sum(p) / 3 > 0.5).astype(int))


def test_one_class_and_one_row():
    assert ensemble().fit(X[:5], ["a"] * 5).predict_proba(X).tolist() == [[1.0]] * len(X)
    assert ensemble(pynn.MLPRegressor).fit(X[:1], [2.0]).predict(X).shape == (len(X),)


@pytest.mark.parametrize("y", [Y_DIABETES, np.column_stack((Y_DIABETES, -Y_DIABETES))])
def test_standard_deviation_of_the_members(y):
    model = ensemble(pynn.MLPRegressor).fit(X_DIABETES, y)
    each = np.stack([one.predict(X_DIABETES) for one in model.estimators_])
    mean, std = model.predict(X_DIABETES, return_std=True)
    np.testing.assert_array_equal(mean, model.predict(X_DIABETES))
    np.testing.assert_array_equal(std, each.std(axis=0))
    assert mean.shape == std.shape == y.shape
    assert std.min() > 0


def test_one_network_has_no_standard_deviation():
    model = small(pynn.MLPRegressor).fit(X_DIABETES, Y_DIABETES)
    with pytest.raises(ValueError, match="fit with n_members"):
        model.predict(X_DIABETES, return_std=True)
    with pytest.raises(TypeError, match="return_std"):
        model.predict(X_DIABETES, return_std="yes")


@pytest.mark.parametrize("source", ["global", "own"])
def test_random_sources(source):
    """Member 0 draws from the source, its own as one network does; the others from a copy."""

    def fitted(n_members):
        np.random.seed(5)
        random = None if source == "global" else np.random.RandomState(5)
        model = ensemble(n_members=n_members, random_state=random).fit(X, Y)
        return model, (random or np.random).random_sample()

    (one, after_one), (model, after), (again, _) = fitted(1), fitted(3), fitted(3)
    if source == "own":
        assert after_one == after
        np.testing.assert_array_equal(flat(model.estimators_[0]), flat(one))
    np.testing.assert_array_equal(flat(model.estimators_[0]), flat(again.estimators_[0]))
    for k in (1, 2):
        seed = model.estimators_[k].random_state
        alone = ensemble(n_members=1, random_state=seed).fit(X, Y)
        np.testing.assert_array_equal(flat(model.estimators_[k]), flat(alone))
        np.testing.assert_array_equal(flat(model.estimators_[k]), flat(again.estimators_[k]))


def test_seeds_are_limited_in_words():
    with pytest.raises(ValueError, match=r"at most 2\*\*32, got 4294967294 \+ 3"):
        ensemble(random_state=2**32 - 2).fit(X, Y)
    model = ensemble(random_state=np.int8(126)).fit(X, Y)
    assert [one.random_state for one in model.estimators_] == [126, 127, 128]


# Ways to fit


def test_warm_start_continues_each_member():
    model = ensemble(warm_start=True).fit(X, Y)
    alone = [one.fit(X, Y) for one in singles(model)]
    for one in (model, *alone):
        one.set_params(max_iter=3, alpha=0.1).fit(X, Y)
    assert_same(model, alone)
    assert model.n_iter_ == 3


def test_partial_fit_continues_each_member():
    model = ensemble(early_stopping=True)
    alone = singles(model)
    held_out = X_IRIS[1::2], Y_IRIS[1::2]
    for one in (model, *alone):
        one.partial_fit(X, Y, classes=[0, 1, 2], eval_set=held_out)
        one.partial_fit(X, Y, eval_set=held_out)
    assert_same(model, alone)
    restored = pickle.loads(pickle.dumps(model)).partial_fit(X, Y, eval_set=held_out)
    model.partial_fit(X, Y, eval_set=held_out)
    for a, b in zip(model.estimators_, restored.estimators_, strict=True):
        np.testing.assert_array_equal(flat(a), flat(b))


class Blocks:
    """A source that can be read again, but not twice at once."""

    def __iter__(self):
        self.i = 0
        return self.read()

    def read(self):
        for self.i in range(2):
            yield X[self.i :: 2], Y[self.i :: 2]


def test_fit_batches_reads_the_source_for_one_member_after_another():
    model = ensemble()
    alone = [one.fit_batches(Blocks()) for one in singles(model)]
    assert_same(model.fit_batches(Blocks()), alone)


def test_validation_sets_and_early_stopping():
    model = ensemble(early_stopping=True, max_iter=60, learning_rate_init=0.1)
    held_out = X_IRIS[1::2], Y_IRIS[1::2]
    alone = [one.fit(X, Y, eval_set=held_out) for one in singles(model)]
    assert_same(model.fit(X, Y, eval_set=held_out), alone)
    assert model.n_iter_ == max(one.n_iter_ for one in alone)
    assert len({one.n_iter_ for one in alone}) > 1


def test_callbacks_are_called_for_each_member():
    seen = []
    model = ensemble(callbacks=[lambda state: seen.append(state.estimator)], max_iter=2)
    model.fit(X, Y)
    assert sorted(map(id, seen)) == sorted([*map(id, model.estimators_)] * 2)

    def stop(state):
        return state.epoch > state.estimator.random_state

    model = ensemble(callbacks=[stop]).fit(X, Y)
    assert [one.n_iter_ for one in model.estimators_] == [1, 2, 3]


def test_the_number_of_members_may_change_between_fits_only():
    model = ensemble().fit(X, Y)
    before = of(model)
    for n, now in ((2, "3 networks"), (1, "3 networks")):
        model.set_params(n_members=n)
        with pytest.raises(ValueError, match=f"n_members is {n}, but .* of {now}"):
            model.partial_fit(X, Y)
        with pytest.raises(ValueError, match=f"n_members is {n}, but .* of {now}"):
            model.set_params(warm_start=True).fit(X, Y)
        model.set_params(n_members=3, warm_start=False)
        assert not differences(before, of(model))
    model.set_params(n_members=1).fit(X, Y)
    assert not hasattr(model, "estimators_")
    np.testing.assert_array_equal(flat(model), flat(ensemble(n_members=1).fit(X, Y)))
    with pytest.raises(ValueError, match=r"n_members is 2, but .* of 1 network:"):
        model.set_params(n_members=2).partial_fit(X, Y)
    model.fit(X, Y)
    assert not differences(of(ensemble(n_members=2).fit(X, Y)), of(model))


def test_weights_that_were_set_do_not_outlive_a_fit():
    model = ensemble()
    model.coefs_, model.intercepts_ = [np.ones((4, 1))], [np.ones(1)]
    model.fit(X, Y)
    assert not differences(of(ensemble().fit(X, Y)), of(model))


def test_names_of_features_are_those_of_the_members():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=[*"abcd"])
    model = ensemble().fit(frame, Y)
    np.testing.assert_array_equal(model.predict(frame), ensemble().fit(X, Y).predict(X))
    assert [list(one.feature_names_in_) for one in model.estimators_] == [[*"abcd"]] * 3
    with pytest.raises(ValueError, match="feature names"):
        model.predict(frame[[*"bacd"]])


# What is refused


def test_bad_numbers_of_members():
    for value in (True, np.True_):
        with pytest.raises((TypeError, ValueError), match=r"n_members.*True"):
            ensemble(n_members=value).fit(X, Y)
    assert len(ensemble(n_members=np.int8(2)).fit(X, Y).estimators_) == 2


def test_callbacks_of_one_network_are_refused_before_anything_changes(tmp_path):
    model = ensemble().fit(X, Y)
    before = of(model)
    model.callbacks = [pynn.callbacks.Checkpoint(tmp_path / "fit.npz")]
    with pytest.raises(ValueError, match=r"Checkpoint .* n_members is 3"):
        model.fit(X, Y)
    model.callbacks = None
    assert not differences(before, of(model))
    assert not any(tmp_path.iterdir())


def test_callbacks_of_scikit_learn_are_refused():
    callback = pytest.importorskip("sklearn.callback")
    model = ensemble().set_callbacks(callback.ProgressBar())
    with pytest.raises(ValueError, match="set_callbacks"):
        model.fit(X, Y)


def test_attributes_of_one_network_name_the_members():
    model = ensemble().fit(X, Y)
    calls = {
        "network_": lambda: model.network_,
        "coefs_": lambda: model.coefs_,
        "history_": lambda: model.history_,
        "loss_curve_": lambda: model.loss_curve_,
        "best_loss_": lambda: model.best_loss_,
        "out_activation_": lambda: model.out_activation_,
        "intercepts_": lambda: setattr(model, "intercepts_", []),
    }
    for name, call in calls.items():
        with pytest.raises(AttributeError, match=rf"3 members .* use estimators_\[0\].{name} "):
            call()
    for inspect in (model.summary, lambda: pynn.displays.NetworkDisplay.from_estimator(model)):
        with pytest.raises(AttributeError, match=r"estimators_\[0\].network_ "):
            inspect()
    with pytest.raises(AttributeError, match="no attribute 'nothing_'"):
        model.nothing_  # noqa: B018
    assert (model.n_layers_, model.n_outputs_, model.n_features_in_) == (3, 3, 4)


# What goes wrong in a member


def overflow(**parameters):
    return ensemble(
        pynn.MLPRegressor,
        **{"solver": "sgd", "activation": "identity", "learning_rate_init": 1e9} | parameters,
    )


def test_a_member_that_diverges_is_named_and_nothing_changes():
    with pytest.raises(ValueError, match="non-finite parameter weights") as caught:
        overflow().fit(X_DIABETES, Y_DIABETES)
    assert caught.value.__notes__[0] in [f"for member {k} of 3" for k in range(3)]

    model = overflow(learning_rate_init=1e-3, warm_start=True).fit(X_DIABETES, Y_DIABETES)
    model.learning_rate_init = 1e9
    before = of(model)
    with pytest.raises(ValueError, match="non-finite parameter weights"):
        model.fit(X_DIABETES, Y_DIABETES)
    assert not differences(before, of(model))


def test_members_that_diverge_with_early_stopping_keep_their_best_weights():
    with pytest.warns(UserWarning, match="best validation score are kept") as caught:
        model = overflow(early_stopping=True).fit(X_DIABETES, Y_DIABETES)
    assert np.isfinite(model.predict(X_DIABETES)).all()
    assert len(caught) == 1
    assert caught[0].filename == __file__


def test_a_warning_of_some_members_names_them():
    def stop_first(state):
        return state.estimator.random_state == 0

    with warnings.catch_warnings(record=True, action="always") as caught:
        ensemble(callbacks=[stop_first], batch_size=500).fit(X, Y)
    messages = [str(one.message) for one in caught]
    assert len(messages) == 2
    assert messages[0].startswith("Got `batch_size` less than 1 or larger")
    assert messages[0].endswith("clipped")  # of all members
    assert messages[1].endswith("(2 of 3 members: 1, 2)")


@pytest.mark.parametrize("fitted", [False, True])
def test_an_error_in_a_callback_leaves_the_ensemble_as_it_was(fitted):
    def fail(state):
        if state.estimator.random_state == 1 and state.epoch == 2:
            raise LookupError("what is this?")

    model = ensemble(warm_start=True)
    if fitted:
        model.fit(X, Y)
    model.callbacks = [fail]
    before = of(model)
    with pytest.raises(LookupError, match="what is this") as caught:
        model.fit(X, Y)
    assert caught.value.__notes__ == ["for member 1 of 3"]
    assert not differences(before, of(model))


def test_a_failed_fit_frees_its_data():
    rows = X.copy()
    freed = weakref.ref(rows)
    gc.disable()
    try:
        with pytest.raises(ZeroDivisionError):
            ensemble(callbacks=[lambda state: 1 / 0]).fit(rows, Y)
        del rows
        assert freed() is None
    finally:
        gc.enable()


def interrupt(state):
    raise KeyboardInterrupt


@pytest.mark.filterwarnings("ignore:Training interrupted")
@pytest.mark.parametrize(
    "fit",
    [
        lambda rows: ensemble(callbacks=[interrupt]).fit(rows, Y),
        lambda rows: ensemble(callbacks=[interrupt], n_members=1).fit(rows, Y),
        lambda rows: pynn.Network([rows.shape[1], 1]).fit(rows, rows[:, 0], callbacks=[interrupt]),
    ],
    ids=["ensemble", "one network", "Network"],
)
def test_an_interrupted_fit_frees_its_data(fit):
    rows = X.copy()
    freed = weakref.ref(rows)
    gc.disable()
    try:
        with contextlib.suppress(KeyboardInterrupt):  # the estimators only warn
            fit(rows)
        del rows
        assert freed() is None
    finally:
        gc.enable()


def test_a_callback_cannot_fit_its_member():
    with pytest.raises(RuntimeError, match="is being fitted"):
        ensemble(callbacks=[lambda state: state.estimator.fit(X, Y)]).fit(X, Y)


def test_a_callback_of_a_member_s_network_cannot_fit_the_ensemble():
    model = ensemble().fit(X, Y)
    with pytest.raises(RuntimeError, match="member 1 is in training in this thread"):
        model.estimators_[1].network_.fit(X, Y, callbacks=[lambda _: model.partial_fit(X, Y)])


# Ctrl-C, threads, processes


def interrupted(model, *data):
    """Fit until Ctrl-C, which comes when two members learn."""

    def send():
        while sum(one.name == "pynn worker" for one in threading.enumerate()) < 2:
            time.sleep(0.01)
        time.sleep(0.2)
        os.kill(os.getpid(), signal.SIGINT)

    sender = threading.Thread(target=send)
    sender.start()
    with warnings.catch_warnings(record=True, action="always") as caught:
        model.fit(*data)
    sender.join()
    return [str(one.message) for one in caught]


FOREVER = {"max_iter": 10**8, "tol": 0.0, "n_iter_no_change": 10**8, "n_threads": 2}


@pytest.mark.usefixtures("ctrl_c_raises")
def test_ctrl_c_keeps_the_members_that_had_begun():
    model = ensemble(n_members=4, **FOREVER)
    assert interrupted(model, X, Y) == [
        "Training interrupted by user. 2 of 4 members had begun; the others are left out."
    ]
    assert len(model.estimators_) == 2
    assert model.predict_proba(X).shape == (len(X), 3)
    for k, member in enumerate(model.estimators_):
        assert member.n_iter_ == len(member.loss_curve_) > 0
        assert member.random_state == k
    with pytest.raises(ValueError, match=r"n_members is 4, but .* of 2 networks"):
        model.partial_fit(X, Y)


@pytest.mark.usefixtures("ctrl_c_raises")
def test_ctrl_c_leaves_members_that_wait_unchanged_in_a_warm_fit():
    model = ensemble(n_members=4, warm_start=True).fit(X, Y)
    before = [flat(one) for one in model.estimators_]
    model.set_params(**FOREVER)
    assert interrupted(model, X, Y) == [
        "Training interrupted by user. 2 of 4 members had begun; the others are unchanged."
    ]
    now = [flat(one) for one in model.estimators_]
    changed = [not np.array_equal(a, b) for a, b in zip(before, now, strict=True)]
    assert changed == [True, True, False, False]


def test_ensembles_fit_in_threads_and_in_forked_children():
    expected = flat(ensemble(random_state=2).fit(X, Y).estimators_[2])
    found = {}

    def fit(k):
        found[k] = flat(ensemble(random_state=k).fit(X, Y).estimators_[-1 - k % 3])

    threads = [threading.Thread(target=fit, args=(k,)) for k in (2, 3, 4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    np.testing.assert_array_equal(found[3], flat(ensemble(random_state=3).fit(X, Y).estimators_[2]))
    child = os.fork()
    if child == 0:
        same = np.array_equal(flat(ensemble(random_state=2).fit(X, Y).estimators_[2]), expected)
        os._exit(0 if same else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_second_fit_at_once_is_refused():
    model = ensemble()
    errors = []

    def other():
        try:
            model.fit(X, Y)
        except RuntimeError as error:
            errors.append(str(error))

    def look(state):
        if state.epoch == 1:
            thread = threading.Thread(target=other)
            thread.start()
            thread.join()

    model.set_params(callbacks=[look], n_threads=1).fit(X, Y)
    assert len(errors) == 3
    assert "is being fitted" in errors[0]


# scikit-learn's tools, files, notebooks


def test_grid_search_over_the_number_of_members():
    model = make_pipeline(StandardScaler(), ensemble())
    search = GridSearchCV(model, {"mlpclassifier__n_members": [1, 2]}, cv=2).fit(X_IRIS, Y_IRIS)
    for n, score in zip((1, 2), search.cv_results_["split0_test_score"], strict=True):
        assert (
            score
            == GridSearchCV(make_pipeline(StandardScaler(), ensemble(n_members=n)), {}, cv=2)
            .fit(X_IRIS, Y_IRIS)
            .cv_results_["split0_test_score"]
        )
    several = MultiOutputRegressor(ensemble(pynn.MLPRegressor)).fit(X, TWO_LABELS)
    assert len(several.estimators_[0].estimators_) == 3


def test_features_of_the_members_stand_side_by_side():
    model = ensemble().fit(X, Y)
    each = [one.transform(X) for one in model.estimators_]
    np.testing.assert_array_equal(model.transform(X), np.hstack(each))
    names = model.get_feature_names_out()
    assert [names[0], names[-1], len(names)] == ["mlpclassifier0", "mlpclassifier20", 21]
    assert list(model.set_output(transform="pandas").transform(X)) == list(names)


def test_parameters_that_take_effect_without_a_fit():
    model = ensemble().fit(X, Y)
    alone = [one.fit(X, Y).set_params(activation="tanh") for one in singles(model)]
    model.set_params(activation="tanh")
    expected = sum(one.predict_proba(X) for one in alone) / 3
    np.testing.assert_array_equal(model.predict_proba(X), expected)


@BOTH
def test_pickles_copies_and_files(Estimator, tmp_path):
    X, y = DATA[Estimator]
    model = ensemble(Estimator, learning_rate_init=0.01).fit(X, y)
    model.save(tmp_path / "ensemble")
    loaded = Estimator.load(tmp_path / "ensemble")
    for other in (
        loaded,
        pickle.loads(pickle.dumps(model)),
        copy.copy(model),
        copy.deepcopy(model),
    ):
        np.testing.assert_array_equal(other.predict(X), model.predict(X))
        assert other.get_params() == model.get_params()
        assert other.n_iter_ == model.n_iter_
        for a, b in zip(other.estimators_, model.estimators_, strict=True):
            assert a.get_params() == b.get_params()
            assert (a.loss_, a.t_) == (b.loss_, b.t_)
        other.estimators_[0].coefs_[0][:] = 0
        assert model.estimators_[0].coefs_[0].any()
    population = pynn.Population.load(tmp_path / "ensemble")
    outputs = model.predict if Estimator is pynn.MLPRegressor else model.predict_proba
    np.testing.assert_array_equal(population.mean(X).reshape(outputs(X).shape), outputs(X))
    assert not hasattr(clone(model), "estimators_")


def test_files_of_populations_are_ensembles(tmp_path):
    pynn.Population.of(2, [4, 5, 3], output_activation="softmax").save(tmp_path / "two")
    model = pynn.MLPClassifier.load(tmp_path / "two")
    assert (model.n_members, model.hidden_layer_sizes, len(model.estimators_)) == (2, (5,), 2)
    expected = pynn.Population.load(tmp_path / "two").mean(X.astype(np.float32))
    np.testing.assert_array_equal(model.predict_proba(X), expected)
    pynn.Population([pynn.Network([4, n, 1]) for n in (2, 3)]).save(tmp_path / "mixed")
    with pytest.raises(ValueError, match="different architectures"):
        pynn.MLPRegressor.load(tmp_path / "mixed")
    with pytest.raises(ValueError, match="not a network"):
        pynn.Network.load(tmp_path / "two")


def test_a_notebook_shows_the_parameters_and_verbose_counts_members(capsys):
    model = ensemble(verbose=True, n_threads=1)
    assert "n_members" in model.fit(X, Y)._repr_html_()
    lines = capsys.readouterr().out.splitlines()
    assert [line.rpartition(",")[0] for line in lines] == [
        f"{k} of 3 members trained" for k in (1, 2, 3)
    ]


def test_subclasses_keep_their_own_parameters():
    class Wide(pynn.MLPClassifier):
        def __init__(self, width=9):
            self.width = width
            super().__init__((width,), max_iter=2, random_state=0, n_members=2)

    model = Wide(4).fit(X, Y)
    assert [type(one) for one in model.estimators_] == [Wide, Wide]
    assert model.estimators_[1].coefs_[0].shape == (4, 4)
