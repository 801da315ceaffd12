"""Perceptron: the common part of `MLPClassifier` and `MLPRegressor`."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Iterable
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted

from pynn.data import blocks
from pynn.data.samples import Samples
from pynn.estimators import _sklearn, ensemble, rows, saving
from pynn.estimators.messages import Outcome, warn
from pynn.estimators.predictor import Predictor
from pynn.inspection.inspected import Inspected
from pynn.network import Network
from pynn.training import scoring as scorers
from pynn.training.forks import alone
from pynn.training.undo import Undo, undo_of

Array = NDArray[Any]

# Attributes that scikit-learn's callbacks need to be ended, whatever becomes of the fit.
_OF_CALLBACKS = {"_callback_fit_ctx", "_skl_callbacks", "_skl_callbacks_to_teardown"}


class Perceptron(Inspected, Predictor):
    """Base class of both estimators; a subclass defines its targets."""

    n_layers_: int
    n_outputs_: int
    n_iter_: int
    t_: int
    loss_: float
    loss_curve_: list[float]
    best_loss_: float | None
    best_epoch_: int | None
    validation_scores_: list[float] | None
    best_validation_score_: float | None
    stopped_early_: bool
    estimators_: list[Any]
    _network: Network
    _given: dict[
        str, Any
    ]  # of coefs_, intercepts_, out_activation_: what was set without a network

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        for name in _sklearn.HOOKS.keys() & vars(cls).keys():
            warn(
                f"{cls.__name__}.{name} overrides a private method of scikit-learn's perceptrons "
                f"that pynn never calls: {_sklearn.HOOKS[name]}"
            )

    # ---- What a subclass says --------------------------------------------------------------------

    def _learn_targets(self, labels: Array) -> None:
        """Learn the properties of the targets, such as their classes, when a fit begins."""

    def _learn_classes(self, source: Iterable[Any], classes: ArrayLike | None) -> None:
        """Learn all classes in a source of blocks before training."""
        if classes is not None:
            raise TypeError("classes are for classifiers")

    def _check_targets(self, labels: Array, incremental: bool) -> None:
        """Refuse targets that do not match the output units."""

    def _encode(self, labels: Array) -> Array:
        """Return the targets of the network."""
        raise NotImplementedError

    def _n_outputs(self, samples: Samples) -> int:
        """Return the number of outputs for these targets."""
        raise NotImplementedError

    def _split(self, samples: Samples, random: Any) -> tuple[Samples, Samples]:
        """Set samples aside for early stopping."""
        raise NotImplementedError

    def _is_constant(self, samples: Samples) -> bool:
        """Whether the default score is undefined for these targets."""
        raise NotImplementedError

    def _class_weights(self, labels: Array, incremental: bool) -> Array | None:
        """Return the weight of each sample for its class; None if all weigh the same."""
        return None

    def _score_of(self, out: Array, y: Array, sample_weight: Array | None) -> float:
        """Score outputs against encoded targets; higher is better."""
        raise NotImplementedError

    # ---- Fitting ---------------------------------------------------------------------------------

    @_sklearn.with_callbacks  # type: ignore[untyped-decorator]
    @_sklearn._fit_context(prefer_skip_nested_validation=True)  # type: ignore[untyped-decorator]
    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        eval_set: Any = None,
        X_val: ArrayLike | None = None,
        y_val: ArrayLike | None = None,
        sample_weight_val: ArrayLike | None = None,
    ) -> Self:
        """Fit the model, from new weights or with `warm_start` from the current ones.

        Ctrl-C ends the fit with a warning. The model then has the weights after its last finished
        mini-batch, or with `early_stopping` the best weights so far. An ensemble then consists of
        the members that had begun.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples. Computations with float32 use float32, all others float64, unless `dtype` says
            otherwise.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Classes, 0s and 1s of several labels, or numbers.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each sample; not negative, and not all zero.
        eval_set : tuple (X, y) or (X, y, sample_weight), or list of such tuples, default=None
            Validation sets. ``history_`` records their loss and score after each epoch, those of a
            second set as "val_2_loss" and "val_2_score". With `early_stopping`, the first set
            decides when to stop, and no samples are set aside.
        X_val, y_val, sample_weight_val : array-like, default=None
            One validation set, in place of `eval_set`. A pipeline with
            ``transform_input=["X_val"]`` transforms X_val like X.

        Returns
        -------
        self : estimator

        Raises
        ------
        ValueError, TypeError
            If an argument or a parameter is not as described; the estimator is unchanged.
        ValueError
            If a weight becomes infinite or NaN; the estimator is unchanged. With `early_stopping`,
            a warning is issued instead, and the best weights are kept.
        """
        validation = rows.validation_sets(eval_set, X_val, y_val, sample_weight_val)
        return self._fitted(X, y, sample_weight, validation, incremental=False)

    @_sklearn.with_callbacks  # type: ignore[untyped-decorator]
    @_sklearn._fit_context(prefer_skip_nested_validation=True)  # type: ignore[untyped-decorator]
    def fit_batches(
        self,
        source: Iterable[Any],
        *,
        classes: ArrayLike | None = None,
        eval_set: Any = None,
    ) -> Self:
        """Fit the model to data in blocks, such as files larger than memory.

        Each epoch goes through the blocks in order. The rows of each block are shuffled and split
        into mini-batches. A `Schedule` sets the learning rate once per epoch. Members of an
        ensemble are trained one after another, and each reads all blocks in each epoch.

        Parameters
        ----------
        source : re-iterable of tuples (X, y) or (X, y, sample_weight)
            A list, `NpyBlocks` or `ParquetBlocks`, for example. Each block must be as for `fit`.
        classes : array-like of shape (n_classes,), default=None
            All classes in the blocks. By default, a classifier first reads the targets of all
            blocks.
        eval_set : tuple (X, y) or (X, y, sample_weight), or list of such tuples, default=None
            See `fit`; `early_stopping` needs it here.

        Returns
        -------
        self : estimator

        Raises
        ------
        ValueError, TypeError
            As for `fit`; if the source is empty or can be iterated only once; or if the solver is
            "lbfgs".
        """
        if self.solver == "lbfgs":
            raise ValueError('fit_batches needs a solver that learns in mini-batches, not "lbfgs"')
        if self.early_stopping and eval_set is None:
            raise ValueError("with early_stopping=True, fit_batches needs an eval_set")
        with self._alone(), self._undone_on_error(False):
            goes_on = self._goes_on(False)
            ensemble.check(self, goes_on)
            if not goes_on:
                self._learn_classes(source, classes)
            first = next(blocks.blocks_of(source))
            samples = rows.samples(self, *first, first=not goes_on, incremental=True).outline()
            del first  # it is read again in its turn, and not held until then
            held_out = rows.held_out(self, rows.validation_sets(eval_set))
            outcome = ensemble.run(self, samples, held_out, goes_on, source=source)
        return self._ended(outcome)

    def _fitted(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None,
        validation: list[tuple[Any, ...]],
        incremental: bool,
        begin: Callable[[], None] | None = None,
    ) -> Self:
        if incremental and self.early_stopping and not validation:
            raise ValueError("partial_fit does not support early_stopping=True")
        with self._alone(), self._undone_on_error(incremental):
            goes_on = self._goes_on(incremental)
            ensemble.check(self, goes_on)
            if begin is not None:
                begin()
            samples = rows.samples(
                self, X, y, sample_weight, first=not goes_on, incremental=incremental
            )
            held_out = rows.held_out(self, validation)
            outcome = ensemble.run(self, samples, held_out, goes_on, incremental)
        return self._ended(outcome)

    def _goes_on(self, incremental: bool) -> bool:
        """Whether a fit starts from the current weights."""
        return self.__sklearn_is_fitted__() and bool(self.warm_start or incremental)

    def _ended(self, outcome: Outcome) -> Self:
        if outcome:  # last: the estimator is complete even where warnings are errors
            outcome()
        return self

    def _alone(self) -> Undo:
        """Refuse other fits until the block that follows ends."""
        return alone(self)

    def _undone_on_error(self, incremental: bool) -> Undo:
        """Restore all attributes and the networks if a fit fails."""
        return Undo(self._undo(incremental))

    def _undo(self, incremental: bool) -> Callable[[], None]:
        """Return a function that undoes all that a fit does from now on."""
        trained = self.__dict__ if self._goes_on(incremental) else {}
        undos = [undo_of(trained["_network"])] if "_network" in trained else []
        undos += [member._undo(incremental=True) for member in trained.get("estimators_", [])]
        before, random = dict(self.__dict__), self.random_state
        drawn_by = random.get_state(False) if isinstance(random, np.random.RandomState) else None

        def undo() -> None:
            for one in undos:
                one()
            now = self.__dict__
            of_callbacks = {name: now[name] for name in _OF_CALLBACKS & now.keys()}
            self.__dict__ = before | of_callbacks
            if drawn_by and isinstance(random, np.random.RandomState):
                random.set_state(drawn_by)

        return undo

    def _judged_by(self, scoring: Any, samples: Samples) -> float:
        """Return the score of this estimator during its fit."""
        judged = object.__new__(type(self))
        judged.__dict__.update(self.__dict__)
        judged.__dict__.pop("feature_names_in_", None)  # validated rows have none, and are in order
        return scorers.score(scorers.scorer_of(scoring), judged, samples)

    # ---- Inspection, scikit-learn's tags ---------------------------------------------------------

    def _inside(self, X: Any = None, y: Any = None) -> tuple[Network, Any, Any]:
        check_is_fitted(self)
        network = self.network_._of_encoded_targets()
        if X is not None and y is not None:
            samples = rows.samples(self, X, y, first=False, incremental=True, trains=False)
            return network, samples.X, samples.y
        return network, None if X is None else self._validated(X, rows.dtypes(self)), None

    def _optimizer_at_work(self) -> tuple[str, int] | None:
        return self.network_._optimizer_at_work()

    def _html_repr(self) -> str:
        """Return scikit-learn's diagram for notebooks and, once fitted, the network's figure."""
        diagram: str = super()._html_repr()
        network = vars(self).get("_network")  # network_ may refuse parameters that were set later
        step = "iteration" if self.solver == "lbfgs" else "epoch"
        return diagram if network is None else diagram + network._repr_html_("loss", step)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    # ---- Pickles and files -----------------------------------------------------------------------

    def _lean_network(self) -> Network:
        """Return the network, with the optimizer only where pickles are to hold it."""
        network = self.network_
        descent = network._descent
        keeps = descent is not None and descent.is_kept
        if self.keep_optimizer is not None:
            keeps = self.keep_optimizer
        lean = object.__new__(type(network))
        vars(lean).update(vars(network), _descent=descent if keeps else None, _random=None)
        return lean

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        state.pop("_fit_under_way", None)
        if "_network" in state:
            state["_network"] = self._lean_network()
        return state

    def __copy__(self) -> Self:
        twin = object.__new__(type(self))
        twin.__dict__.update(self.__dict__)
        if "_network" in twin.__dict__:
            twin._network = copy.deepcopy(self._lean_network())
        if "estimators_" in twin.__dict__:
            twin.estimators_ = [copy.copy(member) for member in self.estimators_]
        return twin

    def save(self, path: str | os.PathLike[str]) -> None:
        """Save the fitted estimator to a safetensors file; loading it executes nothing.

        `pynn.Network.load` reads the same file as a network, and `pynn.Population.load` the file of
        an ensemble as a population. The file holds the networks, the classes, the names of the
        features and the parameters of the estimator; parameters that are objects (callbacks,
        schedules, scorers, random sources) are left out with a warning.

        Parameters
        ----------
        path : str or path-like
            An existing file is replaced.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the estimator is not fitted.
        ImportError
            If the package safetensors is missing (``pip install safetensors``).
        """
        saving.save(self, path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Load a fitted estimator from a file of `save`, of a Network or of a Population.

        Parameters
        ----------
        path : str or path-like
            A file of a network sets the classes, layers and activations; other parameters have
            their defaults. The networks of a population must have the same architecture; they
            become the members of an ensemble.

        Returns
        -------
        estimator
            Fitted estimator with the predictions of the saved one.

        Raises
        ------
        ValueError
            If the file is damaged, or holds another kind of estimator.
        OSError
            If the file cannot be read.
        ImportError
            If the package safetensors is missing (``pip install safetensors``).

        Warns
        -----
        UserWarning
            If `fit` would not keep the kind of the loaded network, such as its residual layers.
        """
        estimator: Self = saving.load(cls, path)
        return estimator

    def _targets_to_file(self) -> Any:
        """Return the properties of the targets for a JSON file."""

    def _targets_from_file(self, network: Network, kept: Any) -> None:
        """Take the targets from a file, or from its network."""
