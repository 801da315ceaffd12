"""Programs that take scikit-learn's estimators take pynn's: each used once as its users do."""

import imblearn.over_sampling
import imblearn.pipeline
import joblib
import numpy as np
import optuna
import pytest
import sklearn.neural_network
import skops.io
from mlp_cases import BOTH, DATA, SOLVERS, X_IRIS, Y_IRIS, flat, one_thread, small  # noqa: F401
from sklearn.calibration import CalibratedClassifierCV
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier

import pynn

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def pair(Estimator):
    """The same estimator twice: pynn's and scikit-learn's."""
    return small(Estimator), small(getattr(sklearn.neural_network, Estimator.__name__))


META = {
    "AdaBoost": lambda mlp: AdaBoostClassifier(mlp, n_estimators=3, random_state=0),
    "Bagging": lambda mlp: BaggingClassifier(mlp, n_estimators=3, max_features=3, random_state=0),
    "Calibrated": lambda mlp: CalibratedClassifierCV(mlp, cv=3),
    "OneVsOne": OneVsOneClassifier,
    "OneVsRest": OneVsRestClassifier,
    "Stacking": lambda mlp: StackingClassifier([("mlp", mlp)], cv=3),
    "Voting": lambda mlp: VotingClassifier([("mlp", mlp), ("other", DummyClassifier())]),
}


@pytest.mark.parametrize("meta", META)
def test_estimators_of_estimators(meta):
    ours, theirs = (META[meta](mlp).fit(X_IRIS, Y_IRIS) for mlp in pair(pynn.MLPClassifier))
    np.testing.assert_array_equal(ours.predict(X_IRIS), theirs.predict(X_IRIS))


@BOTH
def test_metadata_routing(Estimator):
    """A search hands weights on to fit and score, where they are asked for."""
    X, y = DATA[Estimator]
    weights = np.random.default_rng(0).uniform(size=len(X))
    scores = []
    with sklearn.config_context(enable_metadata_routing=True):
        for mlp in pair(Estimator):
            search = GridSearchCV(mlp, {"alpha": [0, 1]}, cv=3)
            with pytest.raises(UnsetMetadataPassedError):
                search.fit(X, y, sample_weight=weights)
            mlp.set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
            search.fit(X, y, sample_weight=weights)
            scores.append(search.cv_results_["mean_test_score"])
    np.testing.assert_allclose(*scores, rtol=1e-7)
    unweighted = GridSearchCV(small(Estimator), {"alpha": [0, 1]}, cv=3).fit(X, y)
    assert not np.allclose(unweighted.cv_results_["mean_test_score"], scores[0])


def test_imbalanced_learn():
    """A pipeline that draws more of the rare class, cross-validated."""
    rare = np.r_[:50, 50:60]
    X, y = X_IRIS[rare], np.array(["common", "rare"])[Y_IRIS[rare]]
    pipeline = imblearn.pipeline.make_pipeline(
        imblearn.over_sampling.RandomOverSampler(random_state=0),
        pynn.MLPClassifier((8,), learning_rate_init=0.01, random_state=0),
    )
    assert cross_val_score(pipeline, X, y, cv=3, scoring="balanced_accuracy").mean() > 0.95


def test_optuna():
    """A study of three parameters, whose trials are pruned by their scores on the way."""
    learn, judge = slice(0, None, 2), slice(1, None, 2)

    def objective(trial):
        model = pynn.MLPClassifier(
            hidden_layer_sizes=(trial.suggest_int("units", 1, 20),)
            * trial.suggest_int("layers", 1, 2),
            alpha=trial.suggest_float("alpha", 1e-6, 1e-1, log=True),
            solver=trial.suggest_categorical("solver", ["adam", "sgd"]),
            learning_rate_init=trial.suggest_float("rate", 1e-3, 1e-1, log=True),
            random_state=0,
        )
        for epoch in range(20):
            model.partial_fit(X_IRIS[learn], Y_IRIS[learn], classes=[0, 1, 2])
            score = model.score(X_IRIS[judge], Y_IRIS[judge])
            trial.report(score, epoch)
            if trial.should_prune():
                raise optuna.TrialPruned
        return score

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        direction="maximize",
        sampler=optuna.samplers.TPESampler(seed=1),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=2, n_warmup_steps=5),
    )
    study.optimize(objective, n_trials=5)
    states = [trial.state for trial in study.trials]
    assert set(states) == {optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.PRUNED}
    assert study.best_value > 0.8


@BOTH
@pytest.mark.parametrize("solver", SOLVERS)
def test_skops(Estimator, solver, tmp_path):
    """Kept without pickle: what is not of NumPy or scikit-learn is named, and trusted by name."""
    X, y = DATA[Estimator]
    model = small(Estimator, solver=solver).fit(X, y)
    if solver != "lbfgs":
        model.partial_fit(X, y)
    skops.io.dump(model, tmp_path / "model.skops")
    types = skops.io.get_untrusted_types(file=tmp_path / "model.skops")
    assert all(name.startswith("pynn.") for name in types)
    loaded = skops.io.load(tmp_path / "model.skops", trusted=types)
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    if solver != "lbfgs":
        np.testing.assert_array_equal(flat(loaded.partial_fit(X, y)), flat(model.partial_fit(X, y)))


@BOTH
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("mmap_mode", [None, "r"])
def test_joblib(Estimator, solver, mmap_mode, tmp_path):
    """Weights in a read-only map of the file predict from there, and are copied to be changed."""
    X, y = DATA[Estimator]
    model = small(Estimator, solver=solver, warm_start=True).fit(X, y)
    if solver != "lbfgs":
        model.partial_fit(X, y)
    joblib.dump(model, tmp_path / "model.joblib")
    before = (tmp_path / "model.joblib").read_bytes()
    loaded = joblib.load(tmp_path / "model.joblib", mmap_mode=mmap_mode)
    assert isinstance(loaded.coefs_[0], np.memmap) == (mmap_mode == "r")
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    if solver != "lbfgs":
        np.testing.assert_array_equal(flat(loaded.partial_fit(X, y)), flat(model.partial_fit(X, y)))
    np.testing.assert_array_equal(flat(loaded.fit(X, y)), flat(model.fit(X, y)))
    assert (tmp_path / "model.joblib").read_bytes() == before
