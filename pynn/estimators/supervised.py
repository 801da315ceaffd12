"""Supervised: what a perceptron learns from and is judged by, and what its settings mean there."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import is_regressor
from sklearn.utils.validation import (
    _check_sample_weight,
    check_is_fitted,
    column_or_1d,
    validate_data,
)

from pynn import checks
from pynn.estimators.perceptron import Perceptron
from pynn.estimators.samples import Samples
from pynn.model.regularisation import Regularisation
from pynn.network import Network
from pynn.training.optimizers import SGD, Adam, AdamW, Optimizer, RMSprop, Rprop
from pynn.training.schedules import Schedule

__all__ = ["Supervised"]

Array = NDArray[Any]


class Supervised(Perceptron):
    """Samples and their targets; how learning goes on with them is added by `training`.

    A subclass says what its targets are; as columns they are an array of one for each output.
    """

    n_iter_: int
    t_: int
    loss_: float
    loss_curve_: list[float]
    history_: dict[str, list[float]]
    best_loss_: float | None
    validation_scores_: list[float] | None
    best_validation_score_: float | None
    stopped_early_: bool
    _best_parameters: Array
    _no_improvement_count: int

    # ---- What a subclass says --------------------------------------------------------------------

    def _learn_targets(self, y: Array) -> None:
        """Take note of what the targets are, such as their classes: a fit begins."""

    def _check_targets(self, y: Array, incremental: bool) -> None:
        """Refuse targets that the output has no units for."""

    def _columns(self, y: Array) -> Array:
        """Return what the outputs are compared with, (n_samples, n_outputs)."""
        raise NotImplementedError

    def _targets(self, columns: Array) -> Array:
        """Return what `Network` takes in place of these columns."""
        return columns

    def _class_weights(self, y: Array, incremental: bool) -> Array | None:
        """Return what each sample counts for its class; None: all the same."""
        return None

    def _learn_classes(self, source: Iterable[Any], classes: ArrayLike | None) -> None:
        """Take note of all classes in a source of blocks, before the first is learned from."""
        if classes is not None:
            raise TypeError("classes are for classifiers")

    def _score(self, out: Array, columns: Array, sample_weight: Array | None) -> float:
        """Return how well these outputs answer to the columns: the higher, the better."""
        raise NotImplementedError

    # ---- Samples ---------------------------------------------------------------------------------

    def _samples(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        first: bool,
        incremental: bool,
        trains: bool = True,
    ) -> Samples:
        """Return rows and targets, checked, also against what was fitted unless they are first."""
        rows, targets = validate_data(
            self,
            X,
            y,
            accept_sparse=("csr", "csc"),
            dtype=self._dtypes(),
            multi_output=True,
            y_numeric=is_regressor(self),
            reset=first,
        )
        if checks.is_sparse(rows):
            checks.rows(rows, rows.shape[1], rows.dtype)  # SciPy trusts damaged ones
            rows = rows.tocsr()
        if targets.ndim == 2 and targets.shape[1] == 1:
            targets = column_or_1d(targets, warn=True)
        if first and not incremental:
            self._learn_targets(targets)
        else:
            self._check_targets(targets, incremental)
        weights = None if sample_weight is None else _check_sample_weight(sample_weight, rows)
        class_weight = self._class_weights(targets, incremental) if trains else None
        return Samples(rows, self._columns(targets), targets, weights, class_weight)

    def _eval_samples(self, eval_set: tuple[ArrayLike, ...] | None) -> Samples | None:
        if eval_set is None:
            return None
        if not isinstance(eval_set, tuple | list) or len(eval_set) not in (2, 3):
            given = f"{type(eval_set).__name__}"
            raise TypeError(f"eval_set must be (X, y) or (X, y, sample_weight), got {given}")
        try:
            return self._samples(*eval_set, first=False, incremental=True, trains=False)
        except (ValueError, TypeError) as error:
            kind = TypeError if isinstance(error, TypeError) else ValueError
            raise kind(f"eval_set: {error}") from error

    def _dtypes(self) -> Any:
        return (np.float64, np.float32) if self.dtype == "auto" else np.dtype(self.dtype)

    def _data(self, network: Network, samples: Samples, weights: Array | None) -> Any:
        return network._data(samples.X, self._targets(samples.y), weights, known_finite=True)

    def _inside(
        self, X: ArrayLike | None = None, y: ArrayLike | None = None
    ) -> tuple[Network, Any, Any]:
        check_is_fitted(self)
        network = self._synchronised(self._cost())
        if X is not None and y is not None:
            samples = self._samples(X, y, first=False, incremental=True, trains=False)
            return network, samples.X, self._targets(samples.y)
        if X is not None:
            formats = ("csr", "csc")
            X = validate_data(self, X, accept_sparse=formats, dtype=self._dtypes(), reset=False)
        return network, X, None

    def _split(self, samples: Samples, random: np.random.RandomState) -> tuple[Samples, Samples]:
        """Set rows aside: the same in a warm fit of as many, so that none was learned from."""
        n_rows, drawn_by = getattr(self, "_split_before", (0, {}))
        if n_rows == len(samples):
            random = np.random.RandomState()
            random.set_state(drawn_by)
        self._split_before = len(samples), random.get_state(legacy=False)
        two_classes = self.out_activation_ == "logistic" and self.n_outputs_ == 1
        return samples.split(self.validation_fraction, random, two_classes)

    # ---- What settings mean ----------------------------------------------------------------------

    def _check_solver(self) -> bool:
        if self.solver == "lbfgs":
            raise AttributeError(
                "partial_fit is only available for stochastic optimizers. lbfgs is not stochastic."
            )
        return True

    def _check_solver_takes_all(self) -> None:
        """Refuse parameters that the solver has no use for, of those that scikit-learn has not."""
        if self.solver == "lbfgs":
            for name, rest in {"dropout": 0, "max_norm": None, "clip_norm": None}.items():
                value = getattr(self, name)
                if np.any(value) if rest == 0 else value is not None:
                    raise ValueError(f'{name} must be {rest} with solver="lbfgs", got {value!r}')
        if self.solver in ("lbfgs", "rprop") and isinstance(self.learning_rate, Schedule):
            raise ValueError(
                f"solver {self.solver!r} chooses its steps itself: learning_rate must be a name, "
                f"got {self.learning_rate!r}"
            )

    def _rule(self) -> Optimizer:
        """Return the update rule of a solver that learns in steps."""
        rate = float(self.learning_rate_init)
        epsilon = float(self.epsilon)
        adam = (rate, float(self.beta_1), float(self.beta_2), epsilon)
        rules: dict[str, Callable[[], Optimizer]] = {
            "adam": lambda: Adam(*adam),
            "adamw": lambda: AdamW(*adam, float(self.weight_decay)),
            "rmsprop": lambda: RMSprop(rate, float(self.rho), epsilon),
            "rprop": lambda: Rprop(rate),
            "sgd": lambda: SGD(rate, float(self.momentum), bool(self.nesterovs_momentum)),
        }
        return rules[self.solver]()

    def _regularisation(self, network: Network) -> Regularisation:
        return Regularisation.checked(
            len(network.activations),
            alpha=_number(self.alpha),
            l1=_number(self.l1),
            dropout=_number(self.dropout),
            max_norm=self.max_norm,
            clip_norm=self.clip_norm,
            by_row=True,
        )

    def _loss(self, cost: float, penalty: float) -> float:
        """Return the loss as scikit-learn has it: squared errors' mean over the outputs."""
        if self._cost() == "squared_error":
            cost /= self.n_outputs_
        return cost + penalty


def _number(value: Any) -> Any:
    """Return a number as a float, True included, as scikit-learn takes it; a sequence as it is."""
    return float(value) if isinstance(value, Real) else value
