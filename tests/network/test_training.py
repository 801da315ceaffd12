"""`Network.fit`: validation, early stopping, schedules, callbacks, metrics and blocks."""

import dataclasses
import math
import pickle

import numpy as np
import pytest
import sklearn.metrics
from cases import EVERY_RULE, classifier, digits_like

import pynn
from pynn.callbacks import EarlyStopping, EpochScoring, ParameterPath

X, Y = digits_like(np.random.default_rng(7), 80)
W = np.linspace(0.2, 3, 80)
DATA = (X[1::4] + 0.1, Y[1::4])
DOUBTFUL = np.where(np.arange(20) < 5, (DATA[1] + 1) % 3, DATA[1])
SPREAD = [pynn.StepDecay(2, 0.5), pynn.CosineRestarts(2.5), pynn.OneCycle(5), pynn.WarmUp(3.0)]


# Validation


@pytest.mark.parametrize("make", [lambda: 3, lambda: np.random.RandomState(3),
                                  lambda: np.random.default_rng(3)])  # fmt: skip
def test_a_validation_split_is_drawn_once_and_not_learned_from(make):
    seen = []
    net = classifier(make())
    look = [lambda state: seen.append((state.train, state.validation))]
    net.fit(X, Y, validation_split=0.25, epochs=3, sample_weight=W, callbacks=look)
    train, validation = seen[0]
    assert all(one is train and other is validation for one, other in seen)
    assert (len(train), len(validation)) == (60, 20)
    rows = np.concatenate([train.X, validation.X])
    order = [int(np.flatnonzero((row == X).all(axis=1))[0]) for row in rows]
    assert sorted(order) == list(range(80))
    for name, whole in {"y": Y, "labels": Y, "sample_weight": W}.items():
        parts = [getattr(train, name), getattr(validation, name)]
        assert np.array_equal(np.concatenate(parts), whole[order]), name
    again, seen = seen, []
    look = [lambda state: seen.append((state.train, state.validation))]
    classifier(make()).fit(X, Y, validation_split=0.25, callbacks=look)
    assert np.array_equal(seen[0][1].X, again[0][1].X)
    poisoned, aside = X.copy(), order[60:]
    poisoned[aside] *= 100
    for data in (X, poisoned):
        one = classifier(make())
        one.fit(data, Y, validation_split=0.25, epochs=3, sample_weight=W)
        assert one.parameters.tobytes() == net.parameters.tobytes()


def test_another_seed_splits_otherwise():
    seen = []
    for seed in (0, 1):
        look = [lambda state: seen.append(state.validation.X)]
        classifier(seed).fit(X, Y, validation_split=0.25, callbacks=look)
    assert not np.array_equal(*seen)


@pytest.mark.parametrize("weights", [None, np.linspace(0, 2, 20)])
def test_validation_figures_are_those_of_evaluate(weights):
    net = classifier()
    data = DATA if weights is None else (*DATA, weights)
    plain = classifier().fit(X, Y, epochs=3, alpha=0.1)
    net.fit(X, Y, epochs=3, alpha=0.1, validation_data=data)
    assert net.parameters.tobytes() == plain.parameters.tobytes()
    assert net.history["val_cost"][-1] == net.cost(*data)
    assert net.history["val_score"][-1] == net.score(*data)
    assert net.history["val_cost"][-1] == net.evaluate(*data)["cost"]


def test_weights_of_a_split_weigh_its_figures():
    seen = []
    net = classifier().fit(X, Y, sample_weight=W, validation_split=0.25, epochs=2,
                           callbacks=[lambda state: seen.append(state.validation)])  # fmt: skip
    aside = seen[-1]
    assert net.history["val_cost"][-1] == net.cost(aside.X, aside.y, aside.sample_weight)
    assert net.history["val_cost"][-1] != net.cost(aside.X, aside.y)


@pytest.mark.parametrize("wrong", [1.0, -0.1, math.nan, "half"])
def test_a_split_that_there_is_not_is_refused(wrong):
    with pytest.raises((ValueError, TypeError), match="validation_split"):
        classifier().fit(X, Y, validation_split=wrong)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"validation_split": 0.2}, "cannot be split"),
        ({"early_stopping": True}, "needs validation_data"),
    ],
)
def test_blocks_are_not_split(options, words):
    with pytest.raises(ValueError, match=words):
        classifier().fit([(X, Y)], **options)


# Early stopping


@pytest.mark.parametrize(
    "options",
    [
        {"early_stopping": True},
        {"early_stopping": True, "validation_data": (DATA[0], DOUBTFUL)},
        {"validation_split": 0.3, "callbacks": [EarlyStopping(patience=3)]},
        {"validation_data": DATA, "callbacks": [EarlyStopping("val_score", patience=4)]},
        {"callbacks": [EarlyStopping("cost", patience=2, tol=0.0)], "dropout": 0.5},
    ],
)
def test_fit_restores_the_best_epoch(options):
    kept = []
    options = dict(options)
    options["callbacks"] = [*options.get("callbacks", []), ParameterPath(kept)]
    net = classifier().fit(X, Y, epochs=60, optimizer=pynn.Adam(0.3), **options)
    n_epochs = len(net.history["cost"])
    assert len(kept) == n_epochs + 1
    assert net.parameters.tobytes() == kept[net.best_epoch].tobytes()
    monitor = (
        next((c.monitor for c in options["callbacks"] if isinstance(c, EarlyStopping)), None)
        or "val_cost"
    )
    values = np.array(net.history[monitor])
    best = values.argmax() if monitor == "val_score" else values.argmin()
    assert net.best_epoch == 1 + best < n_epochs < 60


def test_without_restoring_the_last_epoch_is_kept():
    kept = []
    net = classifier().fit(
        X, Y, epochs=60, optimizer=pynn.Adam(0.3), validation_split=0.3,
        callbacks=[EarlyStopping(patience=2, restore_best=False), ParameterPath(kept)],
    )  # fmt: skip
    assert net.best_epoch is None
    assert net.parameters.tobytes() == kept[-1].tobytes()


def test_the_best_epoch_counts_from_the_start_of_the_history():
    net = classifier().fit(X, Y, epochs=5)
    assert net.best_epoch is None
    kept = []
    net.fit(X, Y, epochs=50, optimizer=pynn.Adam(0.3), early_stopping=True,
            callbacks=[ParameterPath(kept)])  # fmt: skip
    assert net.best_epoch > 5
    assert net.parameters.tobytes() == kept[net.best_epoch - 5].tobytes()
    net.fit(X, Y)
    assert net.best_epoch is None


# Schedules


@pytest.mark.parametrize("schedule", SPREAD, ids=repr)
@pytest.mark.parametrize("rule", EVERY_RULE[:-1], ids=repr)
def test_a_schedule_is_a_loop_of_single_updates_at_its_rates(rule, schedule):
    scheduled, by_hand = classifier(), classifier()
    scheduled.fit(X, Y, epochs=4, batch_size=20, optimizer=rule, schedule=schedule, shuffle=False)
    rates = rule.learning_rate * schedule.factors(np.arange(16) / 4, [])

    # One block of rows for each update; the state of the rule goes on from one to the next.
    for number, rate in enumerate(rates):
        rows = slice(number % 4 * 20, number % 4 * 20 + 20)
        at_this_rate = dataclasses.replace(rule, learning_rate=max(float(rate), 1e-300))
        first = {"optimizer": at_this_rate} if number == 0 else {}
        if number:
            by_hand._descent.set_rate(at_this_rate.learning_rate)
        by_hand.fit(X[rows], Y[rows], batch_size=20, shuffle=False, **first)
    np.testing.assert_allclose(scheduled.parameters, by_hand.parameters, rtol=1e-12, atol=1e-14)
    at_starts = rule.learning_rate * schedule.factors(np.arange(4.0), [])
    np.testing.assert_allclose(scheduled.history["learning_rate"], at_starts, rtol=1e-12)


def test_a_plateau_reads_the_validation_cost():
    schedule = pynn.ReduceOnPlateau(factor=0.5, patience=0, tol=0.2)
    net = classifier().fit(X, Y, epochs=8, optimizer=pynn.Adam(0.01), schedule=schedule,
                           validation_data=DATA)  # fmt: skip
    costs = net.history["val_cost"]
    expected = [0.01 * float(schedule.factors(np.array([t]), costs[:t])[0]) for t in range(8)]
    assert net.history["learning_rate"] == expected
    assert expected[-1] < 0.01


def test_schedules_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="Rprop chooses its own steps"):
        classifier().fit(X, Y, optimizer="rprop", schedule=pynn.StepDecay())
    with pytest.raises(TypeError, match="schedule must be a Schedule or None"):
        classifier().fit(X, Y, schedule="constant")


# Callbacks


def test_a_callback_sees_each_epoch_of_a_network():
    seen, net = [], classifier()

    def look(state):
        assert state.estimator is state.network is net
        assert state.history == net.history
        assert {name: values[-1] for name, values in state.history.items()} == state.figures
        seen.append((state.epoch, state.max_epochs, state.n_samples, state.incremental))

    net.fit(X, Y, epochs=4, callbacks=[look])
    assert seen == [(i, 4, 80, False) for i in range(1, 5)]
    assert net.parameters.tobytes() == classifier().fit(X, Y, epochs=4).parameters.tobytes()


@pytest.mark.parametrize(
    "stop", [lambda state: True, lambda state: np.True_, lambda state: state.stop()]
)
def test_a_callback_can_end_the_fit_of_a_network(stop):
    net = classifier().fit(X, Y, epochs=9, callbacks=[lambda s: s.epoch == 3 and stop(s)])
    assert net.parameters.tobytes() == classifier().fit(X, Y, epochs=3).parameters.tobytes()
    assert len(net.history["cost"]) == 3


@pytest.mark.parametrize("told", [1, 1.5, "True", [True], None, np.False_])
def test_what_a_callback_returns_else_ends_no_fit(told):
    assert len(classifier().fit(X, Y, epochs=3, callbacks=[lambda s: told]).history["cost"]) == 3


def test_a_callback_can_set_the_learning_rate_of_a_network():
    def halve(state):
        state.learning_rate /= 2

    net = classifier().fit(X, Y, epochs=4, optimizer=pynn.SGD(0.5), callbacks=[halve])
    assert net.history["learning_rate"] == [0.5, 0.25, 0.125, 0.0625]


@pytest.mark.parametrize("wrong", ["print", EarlyStopping, 3])
def test_what_is_no_callback_of_a_network_is_refused(wrong):
    with pytest.raises(TypeError, match="callbacks must be functions"):
        classifier().fit(X, Y, callbacks=[wrong])


@pytest.mark.parametrize("epoch", [1, 3])
def test_an_error_of_a_callback_leaves_the_network_as_it_was(epoch):
    def fail(state):
        if state.epoch == epoch:
            raise RuntimeError("enough")

    net, twin = (classifier().fit(X, Y, epochs=2, optimizer=pynn.Adam(0.1)) for _ in range(2))
    with pytest.raises(RuntimeError, match="enough"):
        net.fit(X, Y, epochs=4, optimizer="sgd", validation_split=0.2, callbacks=[fail])
    assert net.history == twin.history
    for one in (net, twin):
        one.fit(X, Y, epochs=2)
    assert net.parameters.tobytes() == twin.parameters.tobytes()
    assert net.history == twin.history


@pytest.mark.parametrize(
    "options",
    [
        {"epochs": 0},
        {"batch_size": -1},
        {"optimizer": "cleverness"},
        {"early_stopping": "yes"},
        {"validation_data": (X, Y, W, 3)},
        {"validation_data": (X[:, :2], Y)},
        {"validation_data": (X * np.nan, Y)},
        {"sample_weight": W[1:]},
        {"metrics": ["cleverness"]},
        {"callbacks": [EarlyStopping("figure")]},
        {"callbacks": [EpochScoring("accuracy")]},
        {"dropout": 1.0},
        {"validation_split": 0.001},
    ],
    ids=str,
)
def test_a_refused_fit_leaves_the_network_as_it_was(options):
    net, twin = (classifier().fit(X, Y, epochs=2, optimizer=pynn.Adam(0.1)) for _ in range(2))
    with pytest.raises((ValueError, TypeError)):
        net.fit(X, Y, **options)
    assert net.history == twin.history
    for one in (net, twin):
        one.fit(X, Y, epochs=2)
    assert net.parameters.tobytes() == twin.parameters.tobytes()


# Metrics


@pytest.mark.parametrize(
    ("metric", "function"),
    [
        ("accuracy", sklearn.metrics.accuracy_score),
        ("balanced_accuracy", sklearn.metrics.balanced_accuracy_score),
        ("f1_macro", lambda y, p, **w: sklearn.metrics.f1_score(y, p, average="macro", **w)),
        (sklearn.metrics.cohen_kappa_score, sklearn.metrics.cohen_kappa_score),
    ],
)
def test_metrics_of_classes_are_scikit_learn_s(metric, function):
    names = np.array(["x", "y", "z"])
    net = classifier(classes=names)
    w = W[:20]
    net.fit(X, names[Y], epochs=3, sample_weight=W, metrics=[metric],
            validation_data=(DATA[0], names[DATA[1]], w))  # fmt: skip
    name = metric if isinstance(metric, str) else metric.__name__
    expected = function(names[Y], net.predict_classes(X), sample_weight=W)
    assert net.history[name][-1] == pytest.approx(expected)
    on_validation = function(names[DATA[1]], net.predict_classes(DATA[0]), sample_weight=w)
    assert net.history[f"val_{name}"][-1] == pytest.approx(on_validation)
    figures = net.evaluate(DATA[0], names[DATA[1]], w, metrics=[metric])
    assert list(figures) == ["cost", "score", name]
    assert figures[name] == pytest.approx(on_validation)
    assert [len(net.history[n]) for n in (name, f"val_{name}")] == [3, 3]


@pytest.mark.parametrize("metric", ["neg_log_loss", "roc_auc_ovr"])
def test_metrics_of_probabilities_are_scikit_learn_s(metric):
    net = classifier().fit(X, Y, epochs=3, metrics=[metric])
    out = net.predict(X)
    expected = {
        "neg_log_loss": lambda: -sklearn.metrics.log_loss(Y, out),
        "roc_auc_ovr": lambda: sklearn.metrics.roc_auc_score(Y, out, multi_class="ovr"),
    }[metric]()
    assert net.history[metric][-1] == pytest.approx(expected)


@pytest.mark.parametrize("n_outputs", [1, 2])
@pytest.mark.parametrize(
    ("metric", "sign"),
    [("neg_mean_absolute_error", -1), (sklearn.metrics.mean_absolute_error, 1)],
)
def test_metrics_of_numbers_are_scikit_learn_s(metric, sign, n_outputs):
    y = X[:, :2] ** 2 if n_outputs == 2 else X[:, 0] ** 2
    net = pynn.Network([5, 6, n_outputs], random_state=0, dtype="float64")
    net.fit(X, y, epochs=3, metrics=[metric], sample_weight=W)
    name = metric if isinstance(metric, str) else metric.__name__
    predicted = net.predict(X, squeeze=True)
    expected = sign * sklearn.metrics.mean_absolute_error(y, predicted, sample_weight=W)
    assert net.history[name][-1] == pytest.approx(expected)
    assert net.evaluate(X, y)["score"] == pytest.approx(sklearn.metrics.r2_score(y, predicted))


@pytest.mark.parametrize("wrong", ["accuracy", 3, None])
def test_metrics_that_are_no_sequence_are_refused(wrong):
    with pytest.raises(TypeError, match="metrics must be a sequence"):
        classifier().fit(X, Y, metrics=wrong)


# Blocks, optimizers, what is printed


@pytest.mark.parametrize("rule", EVERY_RULE, ids=repr)
def test_one_block_without_shuffling_is_an_array(rule):
    options = {"epochs": 3, "batch_size": 30, "optimizer": rule, "shuffle": False, "alpha": 0.1}
    whole = classifier().fit(X, Y, sample_weight=W, validation_data=DATA, **options)
    block = classifier().fit([(X, Y, W)], validation_data=DATA, **options)
    assert whole.parameters.tobytes() == block.parameters.tobytes()
    assert whole.history == block.history


def test_blocks_of_whole_batches_are_an_array():
    options = {"epochs": 3, "batch_size": 20, "shuffle": False}
    whole = classifier().fit(X, Y, **options)
    blocks = classifier().fit([(X[:40], Y[:40]), (X[40:], Y[40:])], **options)
    assert whole.parameters.tobytes() == blocks.parameters.tobytes()
    np.testing.assert_allclose(whole.history["cost"], blocks.history["cost"], rtol=1e-12)


def test_early_stopping_with_blocks_needs_no_split():
    net = classifier().fit([(X, Y)], epochs=60, optimizer=pynn.Adam(0.3), early_stopping=True,
                           validation_data=DATA)  # fmt: skip
    assert net.best_epoch == 1 + int(np.argmin(net.history["val_cost"])) < 60


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "RMSprop", "Rprop"])
def test_an_optimizer_may_be_named(name):
    named, made = classifier(), classifier()
    named.fit(X, Y, epochs=2, optimizer=name.lower())
    made.fit(X, Y, epochs=2, optimizer=getattr(pynn, name)())
    assert named.parameters.tobytes() == made.parameters.tobytes()


def test_verbose_0_prints_nothing_and_1_a_line_for_each_epoch(capsys):
    classifier().fit(X, Y, epochs=3, verbose=0, validation_split=0.2)
    assert capsys.readouterr().out == ""
    classifier().fit(X, Y, epochs=3, verbose=1, validation_split=0.2, metrics=["f1_macro"])
    heading, *lines = capsys.readouterr().out.splitlines()
    for title in ("epoch", "cost", "val. cost", "val. score", "f1_macro", "val. f1_macro"):
        assert title in heading
    assert [line.split()[0] for line in lines] == ["1/3", "2/3", "3/3"]


def test_verbose_2_shows_a_live_bar(capsys):
    net = classifier().fit(X, Y, epochs=3, verbose=2)
    out = capsys.readouterr().out
    assert "3/3" in out
    assert f"cost {net.history['cost'][-1]:.3g}" in out


def test_what_was_learned_is_not_in_what_is_printed():
    quiet, loud = (classifier().fit(X, Y, epochs=2, verbose=v) for v in (0, 1))
    assert quiet.parameters.tobytes() == loud.parameters.tobytes()


def test_a_pickle_goes_on_as_the_network_does():
    net = classifier().fit(X, Y, epochs=40, optimizer=pynn.Adam(0.3), early_stopping=True)
    twin = pickle.loads(pickle.dumps(net))
    assert (twin.best_epoch, twin.history) == (net.best_epoch, net.history)
    for one in (net, twin):
        one.fit(X, Y, epochs=2, validation_split=0.2)
    assert net.parameters.tobytes() == twin.parameters.tobytes()
