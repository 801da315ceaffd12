"""Ensemble: trains the members of an estimator, each with one network, side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import fields
from functools import partial
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from pynn import checks
from pynn.data.samples import Samples
from pynn.estimators import messages
from pynn.estimators.elsewhere import Elsewhere
from pynn.estimators.fitting import Fit
from pynn.estimators.messages import Outcome
from pynn.model import threads
from pynn.training.progress import counted
from pynn.training.state import in_order
from pynn.training.workers import Failure, locked, run_all

_OF_EARLIER_FITS = [
    "estimators_",
    "loss_",
    "loss_curve_",
    "best_loss_",
    "best_epoch_",
    "validation_scores_",
    "best_validation_score_",
    "stopped_early_",
    "n_iter_",
    "t_",
    "_no_improvement_count",
    "_split_before",
    "_scores_from",
]
# Attributes that the validation of X and y sets, for all members at once.
_OF_DATA = ("n_features_in_", "feature_names_in_", "classes_", "_label_binarizer")


def check(estimator: Any, goes_on: bool) -> None:
    """Refuse parameters that an ensemble cannot use, before anything changes.

    Parameters
    ----------
    estimator : MLPClassifier or MLPRegressor
    goes_on : bool
        Whether the fit starts from the current weights.
    """
    n_members = checks.positive_integer("n_members", estimator.n_members)
    if goes_on:
        members = vars(estimator).get("estimators_", [estimator])
        n_now = len(members)
        if n_members != n_now:
            raise ValueError(
                f"n_members is {n_members}, but the current weights are those of {n_now} "
                f"network{'s' * (n_now > 1)}: set n_members={n_now}, or start a new fit without "
                "warm_start or partial_fit"
            )
    if n_members == 1:
        return
    for k, member in enumerate(members if goes_on else []):
        if member.network_._lock._is_owned():
            raise RuntimeError(f"member {k} is in training in this thread, by its network's fit")
    threads.checked(estimator.n_threads)
    first = estimator.random_state
    if isinstance(first, Integral) and int(first) + n_members > 2**32:
        raise ValueError(
            f"random_state + n_members must be at most 2**32, got {first} + {n_members}"
        )
    if any(hasattr(callback, "latest") for callback in in_order(estimator.callbacks)):
        raise ValueError(
            "a Checkpoint holds the fit of one network, but n_members is "
            f"{n_members}: its members would write to the same file"
        )
    if vars(estimator).get("_skl_callbacks"):
        raise ValueError(
            "scikit-learn's callbacks, from set_callbacks, follow the fit of one network, but "
            f"n_members is {n_members}; use the parameter callbacks"
        )


def run(
    estimator: Any,
    samples: Samples,
    held_out: list[Any],
    goes_on: bool,
    incremental: bool = False,
    source: Iterable[Any] | Elsewhere | None = None,
) -> Outcome:
    """Fit the network of an estimator, or its members: see `Fit`."""
    if not goes_on:
        for name in _OF_EARLIER_FITS:
            vars(estimator).pop(name, None)
    arguments = (samples, held_out, goes_on, incremental, source)
    if estimator.n_members == 1:
        return Fit(estimator, *arguments).run()
    for name in ("_network", "_given"):  # of one network
        vars(estimator).pop(name, None)
    members = _members(estimator, goes_on)
    training = _Training(members, arguments)
    training.run(estimator.n_threads, bool(estimator.verbose))
    estimator.estimators_ = members if goes_on else training.begun()
    first = estimator.estimators_[0]
    estimator.n_layers_, estimator.n_outputs_ = first.n_layers_, first.n_outputs_
    estimator.n_iter_ = max(member.n_iter_ for member in estimator.estimators_)
    return training.tell


def _members(estimator: Any, goes_on: bool) -> list[Any]:
    """Return the members, new or fitted, with the present parameters of the estimator."""
    n, given = estimator.n_members, vars(estimator)
    names = [*estimator.get_params(deep=False), *(one.name for one in fields(estimator))]
    settings = {name: getattr(estimator, name) for name in names}
    settings |= {"n_members": 1, "verbose": False}
    data = {name: given[name] for name in _OF_DATA if name in given}
    members = (
        given["estimators_"] if goes_on else [object.__new__(type(estimator)) for _ in range(n)]
    )
    for member, seed in zip(members, _seeds(estimator.random_state, n), strict=True):
        vars(member).update(settings | data, random_state=seed)
    return members


def _seeds(random_state: Any, n: int) -> list[Any]:
    """Return the random_state of each member."""
    if isinstance(random_state, Integral):
        return [int(random_state) + k for k in range(n)]
    # Member 0 draws from the source, as one network does, the seeds of the others from a copy.
    twin = np.random.RandomState()
    twin.set_state(check_random_state(random_state).get_state(legacy=False))
    first = int(twin.randint(2**32 - n, dtype=np.int64))
    return [random_state, *(first + k for k in range(1, n))]


class _Training:
    """The training of all members.

    Parameters
    ----------
    members : list of MLPClassifier or MLPRegressor
    arguments : tuple
        Arguments of `Fit` after the estimator.
    """

    def __init__(self, members: list[Any], arguments: tuple[Any, ...]) -> None:
        self.members, self.arguments = members, arguments
        *_, self.goes_on, self.incremental, self.source = arguments
        self.outcomes: dict[int, Outcome] = {}  # of the members that have begun
        self.told: list[tuple[int, messages.Warned]] = []
        self.is_interrupted = False

    def run(self, n_threads: int | None, verbose: bool) -> None:
        """Train all members. Ctrl-C ends the training of the members that have begun."""
        tasks: list[Callable[[], None]] = [
            partial(self._train, k, member) for k, member in enumerate(self.members)
        ]
        tasks = counted(tasks) if verbose else tasks
        failures: list[Failure] = []
        try:
            # A source need not be one that several threads can read at once.
            for some in [tasks] if self.source is None else [[task] for task in tasks]:
                if not failures:
                    _, failures = run_all(some, n_threads)
        except KeyboardInterrupt:
            self.is_interrupted = True
        others = [one for _, one in failures if not isinstance(one, KeyboardInterrupt)]
        failures.clear()  # no frame keeps an error, so that its data are freed soon
        if others:  # the first one ended the rest
            raise others.pop(0)
        if (
            len(self.outcomes) < len(tasks)
            or messages.tell_of_interruption in self.outcomes.values()
        ):
            self.is_interrupted = True
        if not self.outcomes:
            raise KeyboardInterrupt

    def _train(self, k: int, member: Any) -> None:
        """Train a member; it is as it was if that fails."""
        try:
            with (
                messages.kept() as kept,
                member._alone(),
                member._undone_on_error(self.incremental),
            ):
                fit = Fit(member, *self.arguments)
                run = partial(locked, member.network_._lock, fit.run) if self.goes_on else fit.run
                outcome = run()
            self.outcomes[k] = outcome
            self.told.extend((k, one) for one in kept)
        except BaseException as error:
            error.add_note(f"for member {k} of {len(self.members)}")
            raise
        if outcome is messages.tell_of_interruption:
            raise KeyboardInterrupt

    def begun(self) -> list[Any]:
        """Return the members that have begun."""
        return [member for k, member in enumerate(self.members) if k in self.outcomes]

    def tell(self) -> None:
        """Warn as each member would, once where several members give the same warning."""
        n, n_begun = len(self.members), len(self.outcomes)
        if self.is_interrupted:
            left = f" {n_begun} of {n} members had begun; the others are "
            left += "unchanged." if self.goes_on else "left out."
            messages.tell_of_interruption(left * (n_begun < n))
        for k, outcome in self.outcomes.items():
            if outcome is not None and outcome is not messages.tell_of_interruption:
                with messages.kept() as kept:
                    outcome()
                self.told.extend((k, one) for one in kept)
        who: dict[messages.Warned, set[int]] = {}
        for k, warned in sorted(self.told, key=lambda one: one[0]):
            who.setdefault(warned, set()).add(k)
        for (text, category), numbers in who.items():
            which = f" ({len(numbers)} of {n} members: {checks.listed(sorted(numbers))})"
            messages.warn(text + which * (len(numbers) < n), category)
