"""TabularClassifier: classes of the rows of a table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassifierMixin

from pynn.estimators.settings import among, parameter
from pynn.inspection.tables import number
from pynn.network import Network
from pynn.tabular import calibration, metrics, targets
from pynn.tabular.base import Tabular
from pynn.tabular.metrics import Metric
from pynn.tabular.saving import Learned
from pynn.tabular.training import Rows

Array = NDArray[Any]


@dataclass(eq=False, repr=False)
class TabularClassifier(ClassifierMixin, Tabular):  # type: ignore[misc]
    """Classifier for tables as they are: numbers, categories, dates, missing values.

    It learns a preparation from the columns, trains several networks, each of which leaves some
    rows out to choose its best epoch, and averages their probabilities, which are calibrated on
    the rows left out.

    Parameters
    ----------
    n_members : int or None, default=None
        Number of networks. None uses the preset's number.
    n_folds : int or None, default=None
        Number of folds of a random partition of the rows. Each network leaves one fold out for
        validation; after `n_folds` networks, another partition is drawn. With 1, all networks leave
        out the same rows, whose share is `validation_fraction`. None uses the preset's number.
    preset : {"default", "fast"}, default="default"
        Settings chosen by measurement: "default" for accuracy, "fast" for speed.
    metric : {"log_loss", "error", "auc"} or None, default=None
        Metric that chooses the best epoch of each network: the log-loss, the share of wrong
        classes, or the area under the ROC curve, which with several classes is the mean over each
        class against the rest. None is "log_loss". All networks minimise the log-loss.
    time_limit : float or None, default=None
        Seconds after which training ends. Each thread trains at least one epoch of a network, and
        networks may be missing, with a warning. Results then depend on the speed of the machine.
    categorical_features : "auto" or array-like, default="auto"
        More columns to treat as categories, such as integer codes: names, indices, or a bool for
        each column. Columns of strings and of categorical dtypes are always categories; "auto" adds
        none to them.
    validation_fraction : float or None, default=None
        Share of the rows for validation if `n_folds` is 1, between 0 and 1. None is 0.2.
    class_weight : dict, "balanced" or None, default=None
        Positive weights of the classes, multiplied by `sample_weight`. Classes missing from a dict
        have weight 1; its keys must then all be classes. "balanced" is
        ``n_rows / (n_classes * rows of the class)``. Predicted probabilities are then those of a
        population with these weights.
    expert : dict or None, default=None
        Settings that override those of the preset, by the names of `pynn.tabular.recipe.Recipe`,
        such as ``{"epochs": 100, "hidden_layer_sizes": (64, 64)}``.
    random_state : int, RandomState or None, default=None
        Source of the folds, of the initial weights and of the order of rows. Pass an int for
        reproducible results; None uses NumPy's global generator.
    n_threads : int or None, default=None
        Number of threads, which train networks side by side. None uses all available processors.
        Results are the same for any number.
    checkpoint : path-like or None, default=None
        Folder where a fit writes each network once it is trained. A later fit with the same data
        and parameters, among them an integer `random_state`, takes these networks from there and
        has the same result as a fit without a break; other data or parameters are an error. Nothing
        deletes the folder. Pickles and files do not hold what is in it.
    verbose : bool, default=False
        Whether to print a line for each trained network.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Classes in ascending order, which is the order of the columns of `predict_proba`.
    networks_ : list of Network
        The trained networks, with a softmax output for the classes. They read what
        ``preparation_.apply(X)`` returns.
    preparation_ : pynn.tabular.preparation.Preparation
        What was learned from the columns.
    recipe_ : pynn.tabular.recipe.Recipe
        The settings of the fit.
    metric_ : str
        The metric of the fit.
    temperature_ : float
        Temperature that divides the logarithms of the mean probabilities. It is often below 1,
        because a mean is less extreme than the probabilities of single networks.
    validation_score_ : float
        The metric of calibrated probabilities of all rows that networks left out, each row
        predicted by the networks that left it out, with `sample_weight` and `class_weight`.
    validation_scores_ : list of float
        The metric of each network, on the rows that it left out; not calibrated.
    best_epochs_ : list of int
        The epoch, counted from 1, whose parameters each network has.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the columns, if all are strings.

    See Also
    --------
    TabularRegressor : The same for numeric targets.
    MLPClassifier : The perceptron of scikit-learn, for numeric columns without missing values.

    References
    ----------
    Holzmüller, Grinsztajn & Steinwart, Better by Default: Strong Pre-Tuned MLPs and Boosted Trees
    on Tabular Data, NeurIPS 2024; Guo, Pleiss, Sun & Weinberger, On Calibration of Modern Neural
    Networks, ICML 2017; Rahaman & Thiery, Uncertainty Quantification and Deep Ensembles, NeurIPS
    2021.

    Examples
    --------
    >>> import pynn
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> model = pynn.TabularClassifier(preset="fast", random_state=0).fit(X, y)
    >>> model.predict(X[[0, 50, 100]])
    array([0, 1, 2])
    >>> model.score(X, y) > 0.9
    True

    Categories and missing values need no preparation:

    >>> rows = [["red", 1.5], ["blue", 1.0], ["red", None], ["blue", None]] * 10
    >>> model.fit(rows, ["yes", "no", "yes", "no"] * 10).predict([["blue", 1.5], ["red", None]])
    array(['no', 'yes'], dtype='<U3')
    """

    _: KW_ONLY
    class_weight: str | dict[Any, float] | None = parameter(None, dict, among("balanced"), None)

    _LEARNED: ClassVar[dict[str, Learned]] = Tabular._LEARNED | {
        "classes_": Learned(np.ndarray, ("n_outputs",), "biufUO"),
        "temperature_": Learned(float),
        "_class_weights": Learned(np.ndarray | None, ("n_outputs",)),
    }
    _METRICS: ClassVar[dict[str, Metric]] = {
        "log_loss": Metric("val_cost"),
        "error": Metric("val_score", lower_is_better=False),
        "auc": Metric("val_auc", lower_is_better=False),
    }
    _OTHER_METRICS: ClassVar[dict[str, str]] = dict.fromkeys(["rmse", "mae"], "TabularRegressor")

    def _targets(self, y: Any) -> Array:
        return targets.classes(y)

    def _learn_targets(
        self, blocks: Iterable[tuple[Array, Array | None]], classes: ArrayLike | None = None
    ) -> None:
        known = None if classes is None else np.unique(self._targets(classes))
        with_weight = (y if weights is None else y[weights > 0] for y, weights in blocks)
        self.classes_, counts = targets.counted(with_weight, known)
        if len(self.classes_) < 2:
            raise ValueError(
                f"y has only one class, {self.classes_.tolist()[0]!r}; a classifier needs at least "
                "two"
            )
        self._class_weights = targets.class_weights(self.class_weight, self.classes_, counts)

    def _encoded(self, y: Array, weights: Array | None) -> tuple[Array, Array | None, Array | None]:
        numbers = np.searchsorted(self.classes_, y)
        if self._class_weights is not None:
            of_classes = self._class_weights[numbers]
            weights = of_classes if weights is None else weights * of_classes
        return numbers, numbers, weights

    def _new_network(self, n_inputs: int, hidden: Sequence[int], **options: Any) -> Network:
        n_classes = len(self.classes_)
        return Network([n_inputs, *hidden, n_classes], output_activation="softmax", **options)

    def _calibrate(self, outputs: Array, rows: Rows, n_averaged: Array, is_late: bool) -> Array:
        of_fewer = calibration.temperature(outputs, rows.y, rows.weights)
        some, of_networks = self._outputs_of_each(rows.X)
        self.temperature_ = calibration.temperature_of_mean(
            of_networks, of_fewer, round(n_averaged.mean()),
            None if rows.weights is None else rows.weights[some], len(outputs),
        )  # fmt: skip
        return calibration.tempered(outputs, of_fewer)

    def _losses(self, outputs: Array, y: Array) -> Array:
        return calibration.log_losses(self._calibrated(outputs), y)

    def _calibrated(self, outputs: Array) -> Array:
        return calibration.tempered(outputs, self.temperature_)

    def _score(self, outputs: Array, y: Array, weights: Array | None) -> float:
        score: float = getattr(metrics, self.metric_)(y, outputs, weights)
        return score

    def _check_learned(self) -> None:
        super()._check_learned()
        y = self._sample.y
        if y.dtype.kind != "i" or y.ndim != 1 or not ((y >= 0) & (y < len(self.classes_))).all():
            raise ValueError("its sample has other classes")

    def _notes(self) -> list[str]:
        return [*super()._notes(), f"Temperature: {number(self.temperature_)}"]

    def predict_proba(self, X: Any) -> Array:
        """Predict the probability of each class, calibrated.

        Parameters
        ----------
        X : table of shape (n_rows, n_features)
            Of any kind that `fit` accepts, with the same columns.

        Returns
        -------
        ndarray of float64, shape (n_rows, n_classes)
            Columns are in the order of `classes_`; rows sum to 1.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the estimator is not fitted.
        TypeError, ValueError
            If X has other columns than in `fit`, or a column holds infinity or another kind of
            values.
        """
        return self._now()._outputs(X)

    def predict_log_proba(self, X: Any) -> Array:
        """Compute the logarithm of `predict_proba`, minus infinity for a probability of 0.

        Parameters
        ----------
        X : table of shape (n_rows, n_features)

        Returns
        -------
        ndarray of float64, shape (n_rows, n_classes)

        Raises
        ------
        sklearn.exceptions.NotFittedError, TypeError, ValueError
            As for `predict_proba`.
        """
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def predict(self, X: Any) -> Array:
        """Predict the most probable class of each row.

        Parameters
        ----------
        X : table of shape (n_rows, n_features)

        Returns
        -------
        ndarray of shape (n_rows,)

        Raises
        ------
        sklearn.exceptions.NotFittedError, TypeError, ValueError
            As for `predict_proba`.
        """
        now = self._now()
        numbers = now.predict_proba(X).argmax(axis=1)
        return np.asarray(now.classes_[numbers])
