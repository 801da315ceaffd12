"""TabularRegressor: numbers for the rows of a table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import RegressorMixin

from pynn import checks
from pynn.network import Network
from pynn.tabular import intervals, targets
from pynn.tabular.base import Tabular
from pynn.tabular.metrics import Metric
from pynn.tabular.saving import Learned
from pynn.tabular.training import Rows

Array = NDArray[Any]


@dataclass(eq=False, repr=False)
class TabularRegressor(RegressorMixin, Tabular):  # type: ignore[misc]
    """Regressor for tables as they are: numbers, categories, dates, missing values.

    It learns a preparation from the columns, standardises the targets, trains several networks,
    each of which leaves some rows out to choose its best epoch, and averages their outputs.

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
    metric : {"rmse", "mae"} or None, default=None
        Metric that the networks minimise and that chooses their best epochs: with the root mean
        squared error, predictions are means; with the mean absolute error, they are medians. None
        is "rmse".
    time_limit : float or None, default=None
        Seconds after which training ends. Each thread trains at least one epoch of a network, and
        networks may be missing, with a warning; all intervals then have the same width. Results
        depend on the speed of the machine in this case.
    categorical_features : "auto" or array-like, default="auto"
        More columns to treat as categories, such as integer codes: names, indices, or a bool for
        each column. Columns of strings and of categorical dtypes are always categories; "auto" adds
        none to them.
    validation_fraction : float or None, default=None
        Share of the rows for validation if `n_folds` is 1, between 0 and 1. None is 0.2.
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
    networks_ : list of Network
        The trained networks. They read what ``preparation_.apply(X)`` returns, and their outputs
        are standardised targets.
    preparation_ : pynn.tabular.preparation.Preparation
        What was learned from the columns.
    recipe_ : pynn.tabular.recipe.Recipe
        The settings of the fit.
    metric_ : str
        The metric of the fit.
    validation_score_ : float
        The metric of all rows that networks left out, each row predicted by the networks that left
        it out, with `sample_weight`, in the unit of y; with several outputs, its mean over these.
    validation_scores_ : list of float
        The metric of each network, on the rows that it left out.
    best_epochs_ : list of int
        The epoch, counted from 1, whose parameters each network has.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the columns, if all are strings.

    See Also
    --------
    TabularClassifier : The same for classes.
    MLPRegressor : The perceptron of scikit-learn, for numeric columns without missing values.

    References
    ----------
    Holzmüller, Grinsztajn & Steinwart, Better by Default: Strong Pre-Tuned MLPs and Boosted Trees
    on Tabular Data, NeurIPS 2024.

    Examples
    --------
    >>> import pynn
    >>> from sklearn.datasets import load_diabetes
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = pynn.TabularRegressor(preset="fast", random_state=0).fit(X, y)
    >>> model.predict(X[:3]).shape
    (3,)
    >>> model.score(X, y) > 0.4
    True
    """

    _LEARNED: ClassVar[dict[str, Learned]] = Tabular._LEARNED | {
        "_is_one": Learned(bool),
        "_mean": Learned(np.ndarray, ("n_outputs",)),
        "_scale": Learned(np.ndarray, ("n_outputs",)),
        "_intervals": Learned(
            intervals.Intervals,
            fields={
                "networks": Learned(list),
                "limits": Learned(np.ndarray, (2, "n_outputs")),
                "powers": Learned(np.ndarray, ("n_outputs",)),
                "levels": Learned(np.ndarray, ("n_scores", "n_outputs")),
                "scores": Learned(np.ndarray, ("n_scores", "n_outputs")),
            },
        ),
    }
    _METRICS: ClassVar[dict[str, Metric]] = {"rmse": Metric("val_cost"), "mae": Metric("val_cost")}
    _OTHER_METRICS: ClassVar[dict[str, str]] = dict.fromkeys(
        ["log_loss", "error", "auc"], "TabularClassifier"
    )

    def _targets(self, y: Any) -> Array:
        return targets.numbers(y)

    def _learn_targets(
        self, blocks: Iterable[tuple[Array, Array | None]], classes: ArrayLike | None = None
    ) -> None:
        if classes is not None:
            raise TypeError("classes are for TabularClassifier")
        self._is_one, self._mean, self._scale = targets.moments_of_all(blocks)

    def _encoded(self, y: Array, weights: Array | None) -> tuple[Array, Array | None, Array | None]:
        unit = np.where(self._scale > 0, self._scale, 1.0)
        columns = y.reshape(len(y), len(self._mean))
        return ((columns - self._mean) / unit).astype(np.float32), None, weights

    def _new_network(self, n_inputs: int, hidden: Sequence[int], **options: Any) -> Network:
        cost = "absolute_error" if self.metric_ == "mae" else "squared_error"
        return Network([n_inputs, *hidden, len(self._mean)], cost=cost, **options)

    def _calibrate(self, outputs: Array, rows: Rows, n_averaged: Array, is_late: bool) -> Array:
        some, of_networks = self._outputs_of_each(rows.X)
        residuals = (rows.y - outputs)[some]
        self._intervals = intervals.learn(
            rows.X, outputs, rows.y, rows.weights,
            shrinkage=intervals.gain_of_averaging(of_networks, residuals, n_averaged[some]),
            embeddings=self.preparation_.embeddings, seed=self._seed, n_threads=self.n_threads,
            is_constant=is_late,
        )  # fmt: skip
        return outputs

    def _losses(self, outputs: Array, y: Array) -> Array:
        return np.asarray(np.mean((outputs - y) ** 2, axis=1))

    def _score(self, outputs: Array, y: Array, weights: Array | None) -> float:
        errors = np.abs(outputs.astype(np.float64) - y)
        if self.metric_ == "mae":
            means = np.average(errors, axis=0, weights=weights)
        else:
            means = np.sqrt(np.average(errors**2, axis=0, weights=weights))
        return float((means * self._scale).mean())

    def _check_learned(self) -> None:
        super()._check_learned()
        y = self._sample.y
        if y.dtype.kind != "f" or y.shape[1:] != self._mean.shape:
            raise ValueError("its sample has other targets")
        self._intervals.check(self.preparation_.n_inputs, self.preparation_.embeddings)

    def predict(self, X: Any) -> Array:
        """Predict the target of each row.

        Parameters
        ----------
        X : table of shape (n_rows, n_features)
            Of any kind that `fit` accepts, with the same columns.

        Returns
        -------
        ndarray of float64, shape (n_rows,) or (n_rows, n_outputs)
            Of the shape that y had in `fit`.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the estimator is not fitted.
        TypeError, ValueError
            If X has other columns than in `fit`, or a column holds infinity or another kind of
            values.
        """
        now = self._now()
        out = now._outputs(X) * now._scale + now._mean
        return out[:, 0] if now._is_one else out

    def predict_quantiles(self, X: Any, quantiles: ArrayLike = (0.05, 0.5, 0.95)) -> Array:
        """Predict quantiles of the number of each row: conformal ones, from out-of-fold residuals.

        A new row's number is below the quantile at level q with a probability of about q, on
        average over rows. A quantile is the prediction plus a quantile of the residuals of training
        rows, which networks predicted without having trained on them. These residuals are scaled
        down, because the mean of all networks has smaller errors. Where the size of residuals can
        be predicted from a row, distances follow it, unless `time_limit` ended the fit. Quantiles
        never cross.

        Parameters
        ----------
        X : table of shape (n_rows, n_features)
            Of any kind that `fit` accepts, with the same columns.
        quantiles : array-like of shape (n_quantiles,), default=(0.05, 0.5, 0.95)
            Levels between 0 and 1, both excluded.

        Returns
        -------
        ndarray of shape (n_rows, n_quantiles), or (n_rows, n_outputs, n_quantiles)
            The latter if y had two dimensions. Levels below 1 / (n + 1) or above n / (n + 1), for
            n training rows, are infinite, because n residuals do not determine them.

        Raises
        ------
        TypeError, ValueError
            If a level is not a number between 0 and 1, or X is not as `predict` accepts it.
        sklearn.exceptions.NotFittedError
            If the estimator is not fitted.

        References
        ----------
        Barber, Candès, Ramdas & Tibshirani, Predictive Inference with the Jackknife+, Annals of
        Statistics 2021; Lei, G'Sell, Rinaldo, Tibshirani & Wasserman, Distribution-Free Predictive
        Inference for Regression, JASA 2018.

        Examples
        --------
        >>> import pynn
        >>> from sklearn.datasets import load_diabetes
        >>> X, y = load_diabetes(return_X_y=True)
        >>> model = pynn.TabularRegressor(random_state=0, expert={"epochs": 10})
        >>> found = model.fit(X[:300], y[:300]).predict_quantiles(X[300:], [0.1, 0.5, 0.9])
        >>> found.shape
        (142, 3)
        """
        levels = checks.real_array("quantiles", quantiles, np.dtype(np.float64))
        if levels.ndim != 1 or not len(levels) or not ((levels > 0) & (levels < 1)).all():
            raise ValueError(
                "quantiles must be a sequence of numbers between 0 and 1, both excluded; got "
                f"{quantiles!r}"
            )
        now = self._now()
        blocks = [
            now._intervals.quantiles(inputs, now._mean_outputs(inputs), levels)
            for inputs in now._blocks(X)
        ]
        found = np.concatenate(blocks)
        finite = np.isfinite(found)  # the scale may be 0
        numbers = np.where(finite, found, 0) * now._scale[:, None] + now._mean[:, None]
        found = np.where(finite, numbers, found)
        return found[:, 0] if now._is_one else found

    def predict_interval(self, X: Any, coverage: float = 0.9) -> tuple[Array, Array]:
        """Predict an interval for the number of each row.

        The interval reaches from the quantile at (1 - coverage) / 2 to that at
        (1 + coverage) / 2; see `predict_quantiles`.

        Parameters
        ----------
        X : table of shape (n_rows, n_features)
            Of any kind that `fit` accepts, with the same columns.
        coverage : float, default=0.9
            Probability that an interval contains the number of a new row, on average over rows;
            between 0 and 1, both excluded.

        Returns
        -------
        lower, upper : ndarray of shape (n_rows,) or (n_rows, n_outputs)
            Infinite if there are too few training rows for this coverage.

        Raises
        ------
        TypeError, ValueError
            If coverage is not a number between 0 and 1, or X is not as `predict` accepts it.
        sklearn.exceptions.NotFittedError
            If the estimator is not fitted.

        Examples
        --------
        >>> import pynn
        >>> from sklearn.datasets import load_diabetes
        >>> X, y = load_diabetes(return_X_y=True)
        >>> model = pynn.TabularRegressor(random_state=0, expert={"epochs": 10}).fit(X, y)
        >>> lower, upper = model.predict_interval(X[:5], coverage=0.8)
        >>> bool((lower < model.predict(X[:5])).all()), lower.shape
        (True, (5,))
        """
        checks.number("coverage", coverage, "(0, 1)")
        levels = (1 - coverage) / 2, (1 + coverage) / 2
        found = self.predict_quantiles(X, np.minimum(levels, np.nextafter(1, 0)))  # 1 is excluded
        return found[..., 0], found[..., 1]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
