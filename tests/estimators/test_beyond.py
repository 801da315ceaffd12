"""What the estimators have beyond scikit-learn's: weights of classes, losses, rules, limits.

Each is held against the same thing said in another way: by sample weights, by a Network, by hand.
"""

import numpy as np
import pytest
from mlp_cases import BOTH, DATA, X_DIABETES, X_IRIS, Y_DIABETES, Y_IRIS, flat, small
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.utils.class_weight import compute_sample_weight

import pynn

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning", "ignore:Got `batch_size`"
)
SOLVERS = ["adam", "sgd", "adamw", "rmsprop", "rprop", "lbfgs"]
UNEVEN = np.r_[0:50, 50:70, 100:105]  # 50, 20 and 5 of each class


# ---- Classes -------------------------------------------------------------------------------------


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
@pytest.mark.parametrize("class_weight", ["balanced", {0: 1.0, 1: 0.5, 2: 8.0}, {2: 3.0}])
def test_class_weights_are_sample_weights(solver, class_weight):
    X, y = X_IRIS[UNEVEN], Y_IRIS[UNEVEN]
    weights = compute_sample_weight(class_weight, y)
    ours = small(pynn.MLPClassifier, solver=solver, class_weight=class_weight).fit(X, y)
    other = small(pynn.MLPClassifier, solver=solver).fit(X, y, weights)
    assert np.array_equal(flat(ours), flat(other))
    both = small(pynn.MLPClassifier, solver=solver, class_weight=class_weight)
    other.fit(X, y, weights * np.arange(len(y)))
    assert np.array_equal(flat(both.fit(X, y, np.arange(len(y)))), flat(other))


def test_balanced_classes_find_the_rare_one():
    rng = np.random.default_rng(0)
    y = (np.arange(600) % 30 == 0).astype(int)
    X = rng.normal(size=(600, 2)) + 1.5 * y[:, np.newaxis]
    settings = {"max_iter": 60, "learning_rate_init": 0.01}
    recalls = [
        small(pynn.MLPClassifier, class_weight=weight, **settings)
        .fit(X, y)
        .predict(X)[y == 1]
        .mean()
        for weight in (None, "balanced")
    ]
    assert recalls[0] < 0.3 < 0.6 < recalls[1]


def test_class_weights_with_names_and_with_several_labels():
    names = np.array(["a", "b", "c"])[Y_IRIS]
    named = small(pynn.MLPClassifier, class_weight={"b": 4.0}).fit(X_IRIS, names)
    numbered = small(pynn.MLPClassifier, class_weight={1: 4.0}).fit(X_IRIS, Y_IRIS)
    assert np.array_equal(flat(named), flat(numbered))
    labels = np.column_stack([Y_IRIS == 0, Y_IRIS > 0]).astype(int)
    weights = [{0: 1, 1: 2}, {0: 3, 1: 1}]
    ours = small(pynn.MLPClassifier, class_weight=weights).fit(X_IRIS, labels)
    other = small(pynn.MLPClassifier).fit(X_IRIS, labels, compute_sample_weight(weights, labels))
    assert np.array_equal(flat(ours), flat(other))


def test_class_weights_are_not_of_validation():
    held_out = X_IRIS[::2], Y_IRIS[::2]
    model = small(pynn.MLPClassifier, class_weight={0: 9.0})
    model.fit(X_IRIS, Y_IRIS, eval_set=held_out)
    plain = log_loss(held_out[1], model.predict_proba(held_out[0]))
    assert model.history_["val_loss"][-1] == pytest.approx(plain)


def test_class_weights_in_partial_fit():
    model = small(pynn.MLPClassifier, class_weight="balanced")
    with pytest.raises(ValueError, match='class_weight="balanced" needs all of the data'):
        model.partial_fit(X_IRIS, Y_IRIS, classes=[0, 1, 2])
    model.set_params(class_weight={0: 2.0}).partial_fit(X_IRIS, Y_IRIS, classes=[0, 1, 2])
    other = small(pynn.MLPClassifier)
    other.partial_fit(X_IRIS, Y_IRIS, 1.0 + (Y_IRIS == 0), classes=[0, 1, 2])
    assert np.array_equal(flat(model), flat(other))


@pytest.mark.parametrize("classes", [2, 3])
def test_label_smoothing_is_soft_targets(classes):
    X, y = X_IRIS[classes > Y_IRIS], Y_IRIS[classes > Y_IRIS]
    model = small(pynn.MLPClassifier, label_smoothing=0.2, shuffle=False, alpha=0.0, max_iter=4)
    start = small(pynn.MLPClassifier, max_iter=1, learning_rate_init=1e-300).fit(X, y)
    soft = np.eye(classes)[y] * 0.8 + 0.2 / classes
    net = pynn.Network(
        [4, 7, 1 if classes == 2 else 3],
        output_activation="sigmoid" if classes == 2 else "softmax",
        cost="binary_cross_entropy" if classes == 2 else "cross_entropy",
        dtype="float64",
    )
    net.parameters[:] = start.network_.parameters
    soft = soft[:, 1:] if classes == 2 else soft
    net.fit(X, soft, epochs=4, batch_size=200, optimizer=pynn.Adam(), shuffle=False)
    np.testing.assert_allclose(model.fit(X, y).network_.parameters, net.parameters, rtol=1e-12)
    assert model.loss_ == pytest.approx(net.history["cost"][-1])


def test_smoothed_labels_make_modest_probabilities():
    settings = {"max_iter": 400, "learning_rate_init": 0.05, "tol": 0}
    sharp, smooth = (
        small(pynn.MLPClassifier, label_smoothing=s, **settings).fit(X_IRIS, Y_IRIS)
        for s in (0.0, 0.3)
    )
    assert sharp.predict_proba(X_IRIS).max() > 0.99
    assert smooth.predict_proba(X_IRIS).max() < 0.9
    assert smooth.score(X_IRIS, Y_IRIS) > 0.95


# ---- Losses --------------------------------------------------------------------------------------


def constant(loss, y, **parameters):
    """What a regressor without features to go by learns to predict."""
    model = pynn.MLPRegressor(
        loss=loss,
        hidden_layer_sizes=(),
        alpha=0.0,
        solver="rprop",
        max_iter=400,
        tol=0,
        n_iter_no_change=np.inf,
        random_state=0,
        **parameters,
    )
    return model.fit(np.zeros((len(y), 1)), y).predict([[0.0]])[0]


def test_each_loss_has_its_own_best_constant():
    y = np.random.default_rng(1).exponential(3.0, size=301)
    y[:5] = 1000.0  # outliers
    assert constant("squared_error", y) == pytest.approx(y.mean(), rel=1e-3)
    assert constant("absolute_error", y) == pytest.approx(np.median(y), abs=0.02)
    assert constant("poisson", y) == pytest.approx(y.mean(), rel=1e-3)
    for q in (0.1, 0.5, 0.9):
        assert constant("quantile", y, quantile=q) == pytest.approx(np.quantile(y, q), abs=0.1)
    assert constant("huber", y, delta=1e5) == pytest.approx(y.mean(), rel=1e-3)
    assert np.median(y) < constant("huber", y, delta=1.0) < y.mean()


@pytest.mark.parametrize(
    ("loss", "cost"),
    [
        ("absolute_error", "absolute_error"),
        ("huber", pynn.Huber(0.7)),
        ("quantile", pynn.Quantile(0.3)),
        ("poisson", "poisson"),
    ],
)
@pytest.mark.parametrize("n_outputs", [1, 2])
def test_the_loss_is_what_a_network_s_cost_is(loss, cost, n_outputs):
    y = np.abs(Y_DIABETES if n_outputs == 1 else np.column_stack((Y_DIABETES, 2 * Y_DIABETES)))
    model = small(pynn.MLPRegressor, loss=loss, quantile=0.3, delta=0.7, max_iter=1, alpha=0.0)
    model.set_params(batch_size=len(y), learning_rate_init=1e-300).fit(X_DIABETES, y)
    out = "exp" if loss == "poisson" else "identity"
    net = pynn.Network([10, 7, n_outputs], output_activation=out, cost=cost, dtype="float64")
    net.parameters[:] = model.network_.parameters
    assert model.loss_ == pytest.approx(net.cost(X_DIABETES, y), rel=1e-13)


# ---- Activations, rules, schedules ---------------------------------------------------------------


@pytest.mark.parametrize(
    "activation", ["gelu", "leaky_relu", ("silu", "tanh"), ["elu", "softplus"]]
)
def test_any_activation_of_the_core(activation):
    model = small(pynn.MLPClassifier, hidden_layer_sizes=(6, 5), activation=activation, max_iter=40)
    model.set_params(learning_rate_init=0.02).fit(X_IRIS, Y_IRIS)
    assert model.score(X_IRIS, Y_IRIS) > 0.8
    names = [activation] * 2 if isinstance(activation, str) else list(activation)
    assert list(model.network_.activations) == [*names, "softmax"]


@pytest.mark.parametrize("wrong", [("relu",), ("relu", "tanh", "relu"), ("relu", "softmax")])
def test_activations_that_do_not_fit(wrong):
    with pytest.raises(ValueError, match="activation must be"):
        small(pynn.MLPClassifier, hidden_layer_sizes=(6, 5), activation=wrong).fit(X_IRIS, Y_IRIS)


RULES = {
    "sgd": pynn.SGD(0.01, 0.9, True),
    "adam": pynn.Adam(0.01),
    "adamw": pynn.AdamW(0.01, weight_decay=0.3),
    "rmsprop": pynn.RMSprop(0.01, rho=0.8),
    "rprop": pynn.Rprop(0.01),
}


@BOTH
@pytest.mark.parametrize(
    ("solver", "schedule"),
    [(solver, None) for solver in RULES]
    + [(solver, pynn.OneCycle(6)) for solver in RULES if solver != "rprop"]
    + [(solver, pynn.CosineRestarts(2.5)) for solver in RULES if solver != "rprop"],
)
def test_a_solver_is_a_network_s_rule_at_the_rates_of_the_schedule(Estimator, solver, schedule):
    X, y = (array[:100] for array in DATA[Estimator])
    model = small(Estimator, solver=solver, max_iter=6, batch_size=25, shuffle=False)
    model.set_params(learning_rate_init=0.01, weight_decay=0.3, rho=0.8, alpha=0.0)
    model.set_params(learning_rate=schedule or "constant")
    start = small(Estimator, max_iter=1, learning_rate_init=1e-300, solver="sgd").fit(X, y)
    net = start.network_
    for epoch in range(6):
        for batch in range(4):
            rate = schedule.factors(np.array([epoch + batch / 4]), [])[0] if schedule else 1.0
            rule = RULES[solver] if not (epoch or batch) else None
            if rule is None:
                net._descent.state_on(net).set_coefficients(
                    **RULES[solver]._coefficients() | {"learning_rate": 0.01 * rate}
                )
            elif schedule:
                rule = type(rule)(**vars(rule) | {"learning_rate": 0.01 * rate})
            rows = slice(25 * batch, 25 * batch + 25)
            targets = y[rows].reshape(-1, 1) if Estimator is pynn.MLPRegressor else y[rows]
            net.fit(X[rows], targets, batch_size=25, optimizer=rule, shuffle=False)
    np.testing.assert_allclose(
        model.fit(X, y).network_.parameters, net.parameters, rtol=1e-10, atol=1e-14
    )


@pytest.mark.parametrize("solver", ["lbfgs", "rprop"])
def test_solvers_without_a_learning_rate_have_no_schedule(solver):
    with pytest.raises(ValueError, match="chooses its own steps"):
        small(pynn.MLPClassifier, solver=solver, learning_rate=pynn.StepDecay()).fit(X_IRIS, Y_IRIS)


# ---- Regularisation ------------------------------------------------------------------------------


@BOTH
def test_each_layer_has_its_penalty(Estimator):
    X, y = DATA[Estimator]
    settings = {"max_iter": 60, "learning_rate_init": 0.02}
    sizes = [
        [np.abs(W).mean() for W in small(Estimator, alpha=alpha, **settings).fit(X, y).coefs_]
        for alpha in ((0, 0), (300, 0), (0, 300))
    ]
    assert sizes[1][0] < 0.5 * sizes[0][0]
    assert sizes[2][1] < 0.5 * sizes[0][1]
    even = small(Estimator, alpha=(0.1, 0.1)).fit(X, y)
    assert np.array_equal(flat(even), flat(small(Estimator, alpha=0.1).fit(X, y)))
    with pytest.raises(ValueError, match="alpha must be one number or 2"):
        small(Estimator, alpha=(1, 2, 3)).fit(X, y)


@pytest.mark.parametrize("random_state", range(20))
def test_l1_with_lbfgs_finds_the_weights_that_scikit_learn_s_lasso_like_solver_finds(random_state):
    """From anywhere."""
    X, y = X_IRIS[Y_IRIS > 0], (Y_IRIS[Y_IRIS > 0] == 2).astype(int)
    strength = 5.0
    ours = pynn.MLPClassifier(
        hidden_layer_sizes=(),
        solver="lbfgs",
        l1=strength,
        alpha=0.0,
        tol=1e-9,
        max_iter=10**4,
        random_state=random_state,
    ).fit(X, y)
    theirs = LogisticRegression(
        l1_ratio=1.0, C=1 / strength, solver="saga", tol=1e-10, max_iter=10**5
    ).fit(X, y)
    np.testing.assert_allclose(ours.coefs_[0].ravel(), theirs.coef_.ravel(), atol=1e-4)
    assert np.array_equal(ours.coefs_[0].ravel() == 0, theirs.coef_.ravel() == 0)
    assert (ours.coefs_[0] == 0).any()


@pytest.mark.parametrize("l1", [0.0, 0.1])
def test_lbfgs_warns_where_the_loss_is_no_number(l1):
    X, y = 1e160 * DATA[pynn.MLPRegressor][0], DATA[pynn.MLPRegressor][1]
    with pytest.warns(ConvergenceWarning, match="lbfgs failed to converge after 0 iteration"):
        small(pynn.MLPRegressor, solver="lbfgs", l1=l1).fit(X, y)


@pytest.mark.parametrize("solver", SOLVERS)
def test_l1_makes_weights_small(solver):
    settings = {"solver": solver, "max_iter": 80, "learning_rate_init": 0.01, "alpha": 0.0}
    plain = small(pynn.MLPClassifier, **settings).fit(X_IRIS, Y_IRIS)
    thin = small(pynn.MLPClassifier, l1=3.0, **settings).fit(X_IRIS, Y_IRIS)
    assert np.abs(thin.coefs_[0]).sum() < 0.8 * np.abs(plain.coefs_[0]).sum()


@BOTH
def test_dropout_is_of_training_only(Estimator):
    X, y = DATA[Estimator]
    model = small(Estimator, dropout=0.5, hidden_layer_sizes=(40,), max_iter=30).fit(X, y)
    again = small(Estimator, dropout=0.5, hidden_layer_sizes=(40,), max_iter=30).fit(X, y)
    without = small(Estimator, hidden_layer_sizes=(40,), max_iter=30).fit(X, y)
    assert np.array_equal(flat(model), flat(again))
    assert not np.allclose(flat(model), flat(without))
    assert np.array_equal(model.predict(X), model.predict(X))
    assert model.loss_ > without.loss_


@pytest.mark.parametrize("n_threads", [1, 2, 3])
def test_dropout_has_the_same_bits_for_any_number_of_threads(n_threads):
    models = [
        small(pynn.MLPClassifier, dropout=(0.2, 0.6), hidden_layer_sizes=(33, 17), n_threads=n)
        for n in (1, n_threads)
    ]
    assert np.array_equal(*(flat(model.fit(X_IRIS, Y_IRIS)) for model in models))


def test_norms_have_limits():
    settings = {"learning_rate_init": 0.05, "max_iter": 60}
    model = small(pynn.MLPClassifier, max_norm=0.7, **settings).fit(X_IRIS, Y_IRIS)
    for W in model.coefs_:
        assert np.linalg.norm(W, axis=0).max() <= 0.7 * (1 + 1e-12)
    start = small(pynn.MLPClassifier, max_iter=1, learning_rate_init=1e-300, solver="sgd")
    before = flat(start.fit(X_IRIS, Y_IRIS))
    clipped = small(pynn.MLPClassifier, solver="sgd", momentum=0, clip_norm=0.01, max_iter=1)
    step = flat(clipped.set_params(learning_rate_init=1.0).fit(X_IRIS, Y_IRIS)) - before
    assert np.linalg.norm(step) == pytest.approx(0.01)


@pytest.mark.parametrize("parameters", [{"dropout": 0.1}, {"max_norm": 1.0}, {"clip_norm": 1.0}])
def test_what_lbfgs_has_no_use_for(parameters):
    (name,) = parameters
    with pytest.raises(ValueError, match=f'{name} must be (0|None) with solver="lbfgs"'):
        small(pynn.MLPClassifier, solver="lbfgs", **parameters).fit(X_IRIS, Y_IRIS)


# ---- Precision -----------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("given", [np.float32, np.float64, np.int64])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_dtype_is_what_is_computed_with(Estimator, given, dtype, solver):
    X, y = DATA[Estimator]
    model = small(Estimator, dtype=dtype, solver=solver).fit((X * 3).astype(given), y)
    assert {W.dtype for W in [*model.coefs_, *model.intercepts_]} == {np.dtype(dtype)}
    X_same = (X * 3).astype(given).astype(dtype)
    assert np.array_equal(flat(model), flat(small(Estimator, solver=solver).fit(X_same, y)))
    out = model.predict((X * 3).astype(given))
    assert Estimator is pynn.MLPClassifier or out.dtype == np.dtype(dtype)
