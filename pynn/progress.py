"""What people see while a network learns: a line for each epoch."""

from __future__ import annotations

from typing import TextIO

__all__ = ["EpochTable"]

_TITLES = {"cost": "cost", "val_cost": "val. cost", "val_accuracy": "val. accuracy"}


class EpochTable:
    """A table that is printed line by line, under a heading.

    Parameters
    ----------
    n_epochs : int
        Epochs that are going to be trained.
    n_rows : int
        Rows trained on in each.
    file : text file, optional
        Where to print; standard output by default.
    """

    def __init__(self, n_epochs: int, n_rows: int, file: TextIO | None = None) -> None:
        self.n_epochs, self.n_rows, self.file = n_epochs, n_rows, file
        self.n_printed = 0

    def add(self, figures: dict[str, float], seconds: float) -> None:
        """Print the line of one more epoch, which took so many seconds."""
        width = max(5, 2 * len(str(self.n_epochs)) + 1)
        if self.n_printed == 0:
            titles = [f"{_TITLES.get(name, name):>13}" for name in figures]
            self._print(f"{'epoch':>{width}}", *titles, f"{'seconds':>9}", f"{'rows/s':>10}")
        self.n_printed += 1
        cells = [
            f"{value:13.2%}" if name.endswith("accuracy") else f"{value:#13.5g}"
            for name, value in figures.items()
        ]
        epoch = f"{self.n_printed}/{self.n_epochs}"
        rate = self.n_rows / max(seconds, 1e-9)
        self._print(f"{epoch:>{width}}", *cells, f"{seconds:9.4f}", f"{rate:10,.0f}")

    def _print(self, *cells: str) -> None:
        print(*cells, file=self.file, flush=True)
