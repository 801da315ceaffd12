"""What people see while a network learns: a line for each epoch, or a bar that grows."""

from __future__ import annotations

from typing import Any, TextIO

__all__ = ["EpochBar", "EpochTable"]

_TITLES = {
    "val_cost": "val. cost",
    "val_accuracy": "val. accuracy",
    "val_loss": "val. loss",
    "val_score": "val. score",
    "learning_rate": "learning rate",
}


class EpochTable:
    """A table that is printed line by line, under a heading.

    Parameters
    ----------
    n_epochs : int
        Epochs that are going to be trained.
    title : str, default="epoch"
        Heading of the first column.
    file : text file, optional
        Where to print; standard output by default.
    """

    def __init__(self, n_epochs: int, title: str = "epoch", file: TextIO | None = None) -> None:
        self.n_epochs, self.title, self.file = n_epochs, title, file
        self._columns: list[str] = []

    def add(
        self,
        epoch: int,
        figures: dict[str, float],
        seconds: float,
        n_rows: int,
        heading: bool = True,
    ) -> None:
        """Print the line of one more epoch, which took so many seconds for so many rows.

        The heading is printed before the first line, and where there are other figures.
        """
        width = max(len(self.title), 2 * len(str(self.n_epochs)) + 1)
        if heading and self._columns != list(figures):
            titles = [f"{_TITLES.get(name, name):>13}" for name in figures]
            self._print(f"{self.title:>{width}}", *titles, f"{'seconds':>9}", f"{'rows/s':>10}")
        self._columns = list(figures)
        cells = [
            f"{value:13.2%}" if name.endswith("accuracy") else f"{value:#13.5g}"
            for name, value in figures.items()
        ]
        rate = n_rows / max(seconds, 1e-9)
        count = f"{epoch}/{self.n_epochs}"
        self._print(f"{count:>{width}}", *cells, f"{seconds:9.4f}", f"{rate:10,.0f}")

    def _print(self, *cells: str) -> None:
        print(*cells, file=self.file, flush=True)


class EpochBar:
    """A live bar with cost, time left and samples per second.

    Parameters
    ----------
    n_epochs : int
        Epochs that are going to be trained, at most.

    Raises
    ------
    ImportError
        If the package rich is missing.
    """

    def __init__(self, n_epochs: int) -> None:
        try:
            from rich import progress
        except ImportError as error:
            raise ImportError(
                "verbose=2 and ProgressBar need rich: pip install 'pynn-learn[rich]'"
            ) from error
        self._bar: Any = progress.Progress(
            progress.MofNCompleteColumn(),
            progress.BarColumn(),
            progress.TextColumn("{task.fields[figures]}"),
            progress.TimeRemainingColumn(),
            progress.TextColumn("left"),
        )
        self._task = self._bar.add_task("epochs", total=n_epochs, figures="")
        self._bar.start()

    def add(self, epoch: int, figures: dict[str, float], seconds: float, n_rows: int) -> None:
        """Grow to an epoch, which took so many seconds for so many rows."""
        shown = [f"{name} {figures[name]:.4g}" for name in _SHOWN if name in figures]
        shown.append(f"{n_rows / max(seconds, 1e-9):,.0f} samples/s")
        self._bar.update(self._task, completed=epoch, figures="  ".join(shown))

    def close(self) -> None:
        """Leave the bar as it is."""
        self._bar.stop()


_SHOWN = ("loss", "val_loss", "val_score")
