"""Progress: a table with a line for each epoch, or a live bar."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import Any, TypeVar

from pynn.training.state import State

T = TypeVar("T")

_TITLES = {"learning_rate": "learning rate"}
_IN_BAR = {  # short, as a bar of 80 columns has room for no more
    "cost": "cost",
    "loss": "loss",
    "val_cost": "val.",
    "val_loss": "val.",
    "val_score": "score",
}


@dataclass(frozen=True)
class Report:
    """The callback of ``verbose``.

    Parameters
    ----------
    verbose : int
        1 for a table, 2 for a live bar, which needs the package rich; without it, a table.
    """

    verbose: int

    def __call__(self, state: State) -> None:
        """Do nothing; the observer that `begin` returns is called."""

    def begin(self, state: State) -> EpochTable | EpochBar:
        """Return the observer of one fit."""
        if self.verbose == 2 and not state.incremental:
            try:
                return EpochBar(state.max_epochs)
            except ImportError:
                print("The live bar needs the package rich (pip install rich); here is a table.")
        # scikit-learn's own tests look for its word in what estimators print
        return EpochTable(state.max_epochs, "epoch" if state.word == "cost" else "Iteration")


class EpochTable:
    """A table that is printed line by line, under a heading.

    Parameters
    ----------
    max_epochs : int
    title : str, default="epoch"
        Heading of the first column.
    """

    def __init__(self, max_epochs: int, title: str = "epoch") -> None:
        self.max_epochs, self.title = max_epochs, title
        self._columns: list[str] = []

    def __call__(self, state: State) -> None:
        """Print the line of an epoch, and the heading where the figures are others."""
        names, figures = list(state.figures), state.figures
        width = max(len(self.title), 2 * len(str(self.max_epochs)) + 1)
        n_before = len(next(iter(state.history.values()))) - 1
        if self._columns != names and not (state.incremental and n_before):
            titles = [_TITLES.get(n, n.replace("val_", "val. ", 1)) for n in names]
            cells = [f"{title:>13}" for title in titles]
            print(f"{self.title:>{width}}", *cells, f"{'seconds':>8}", f"{'rows/s':>9}")
        self._columns = names
        rate = state.n_samples / max(state.seconds, 1e-9)
        count = f"{state.epoch}/{self.max_epochs}"
        cells = [f"{value:#13.5g}" for value in figures.values()]
        print(f"{count:>{width}}", *cells, f"{state.seconds:8.4f}", f"{rate:9,.0f}", flush=True)

    def round_ended(
        self, state: State, number: int, n_rounds: int, rate: float, core_share: float
    ) -> None:
        """Print the line of a round."""
        epoch = f"{self.title.lower()} {state.epoch + 1}"
        print(f"{epoch}: {_of_round(number, n_rounds, rate, core_share)}", flush=True)


class EpochBar:
    """A live bar with costs, validation score and time left.

    Parameters
    ----------
    max_epochs : int

    Raises
    ------
    ImportError
        If the package rich is missing.
    """

    def __init__(self, max_epochs: int) -> None:
        from rich import progress

        self._bar: Any = progress.Progress(
            progress.MofNCompleteColumn(),
            progress.BarColumn(bar_width=12),
            progress.TextColumn("{task.fields[figures]}"),
            progress.TimeRemainingColumn(),
            progress.TextColumn("left"),
        )
        self._task = self._bar.add_task("epochs", total=max_epochs, figures="")
        self._bar.start()

    def __call__(self, state: State) -> None:
        """Grow to an epoch."""
        figures = state.figures
        shown = [f"{_IN_BAR[name]} {figures[name]:.3g}" for name in _IN_BAR if name in figures]
        self._bar.update(self._task, completed=state.epoch, figures="  ".join(shown))

    def round_ended(
        self, state: State, number: int, n_rounds: int, rate: float, core_share: float
    ) -> None:
        """Grow to a round."""
        text = _of_round(number, n_rounds, rate, core_share)
        self._bar.update(self._task, completed=state.epoch + number / n_rounds, figures=text)

    def end(self, state: State) -> None:
        """Leave the bar as it is."""
        self._bar.stop()


def _of_round(number: int, n_rounds: int, rate: float, core_share: float) -> str:
    return f"round {number}/{n_rounds}  {rate:,.0f} rows/s  {core_share:.0%} in the core"


def counter(n: int) -> Callable[[], None]:
    """Return a function that prints a line at every tenth of n calls, in any thread.

    Parameters
    ----------
    n : int
        Number of members to be trained.
    """
    done, lock, begun = itertools.count(1), threading.Lock(), perf_counter()

    def count() -> None:
        with lock:
            k = next(done)
            if 10 * (k - 1) // n < 10 * k // n:
                print(f"{k:,} of {n:,} members trained, {perf_counter() - begun:.1f} s", flush=True)

    return count


def counted(tasks: Sequence[Callable[[], T]]) -> list[Callable[[], T]]:
    """Return tasks that also call a `counter`.

    Parameters
    ----------
    tasks : sequence of functions
        Each trains a member.
    """
    count = counter(len(tasks))

    def run(task: Callable[[], T]) -> T:
        result = task()
        count()
        return result

    return [partial(run, task) for task in tasks]
