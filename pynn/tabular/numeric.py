"""Features that are numbers or dates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from pynn import checks
from pynn.model.embeddings import Embedding, PiecewiseLinear
from pynn.tabular import columns
from pynn.tabular.columns import Array, Column
from pynn.tabular.features import Feature, Settings

_LARGEST = 1e300  # differences of such numbers do not overflow
_FARTHEST = 1e15  # in units of the scale; float32 holds its square
_NEAREST = 1e-30  # distance of two edges; float32 holds its inverse
_MONDAY = 3  # 1970-01-01 was a Thursday


@dataclass(frozen=True)
class Number(Feature):
    """A number, standardised by the median and the interquartile range.

    With z = (x − median) / scale, the inputs are z / √(1 + (z / clip)²); whether x is missing, if
    this occurs in training; and z itself, clipped to the outer edges, under a piecewise-linear
    encoding, if there are more than two numbers. A missing number has z = 0.

    Parameters
    ----------
    missing : float
        Share of the values that are missing.
    median : float
    scale : float
        Interquartile range, or half the range if this is 0; 0 if all numbers are the same.
    edges : tuple of float
        Edges of the bins, for z; empty without an encoding.

    References
    ----------
    Holzmüller, Grinsztajn & Steinwart, Better by Default: Strong Pre-Tuned MLPs and Boosted Trees
    on Tabular Data, NeurIPS 2024 (robust scaling, smooth clipping); Gorishniy, Rubachev & Babenko,
    On Embeddings for Numerical Features in Tabular Deep Learning, NeurIPS 2022 (encoding).
    """

    median: float
    scale: float
    edges: tuple[float, ...] = ()

    kind: ClassVar[str] = "number"

    @classmethod
    def learn(cls, values: Array, settings: Settings) -> Number:
        """Learn from numbers, at least one of them present."""
        missing = np.isnan(values)
        share = float(missing.mean())
        present = np.clip(values[~missing], -_LARGEST, _LARGEST)
        low, high = present.min(), present.max()
        quarter, median, three_quarters = map(float, np.quantile(present, [0.25, 0.5, 0.75]))
        spread = float(high - low)
        scale = three_quarters - quarter or spread / 2 or spread
        found = cls(share, median, scale)
        if settings.n_bins == 0 or not ((present != low) & (present != high)).any():
            return found
        return cls(share, median, scale, _edges(found._z(present), settings.n_bins))

    def __post_init__(self) -> None:
        super().__post_init__()
        checks.number("median", self.median, "(-inf, inf)")
        checks.number("scale", self.scale, "(0, inf)" if self.edges else "[0, inf)")
        if self.edges and PiecewiseLinear(self.edges).edges != _in_float32(self.edges):
            raise ValueError("edges must be numbers of float32")

    @property
    def n_inputs(self) -> int:
        """Number of inputs, 0 if the column is left out."""
        return (self.scale > 0) + (self.missing > 0) + bool(self.edges)

    def embeddings(self) -> dict[int, Embedding]:
        """Return the embeddings of its inputs."""
        return {self.n_inputs - 1: PiecewiseLinear(self.edges)} if self.edges else {}

    def _z(self, values: Array) -> Array:
        z = np.clip(values, -_LARGEST, _LARGEST)
        z -= self.median
        z /= self.scale
        return np.clip(z, -_FARTHEST, _FARTHEST, out=z)

    def write(self, column: Column, inputs: NDArray[np.float32], settings: Settings) -> None:
        """Write the inputs of each row."""
        self.write_numbers(columns.numbers(column), inputs, settings)

    def write_numbers(self, values: Array, inputs: NDArray[np.float32], settings: Settings) -> None:
        """Write the inputs of numbers."""
        missing = np.isnan(values)
        if self.missing:
            inputs[:, int(self.scale > 0)] = missing
        if self.scale == 0:
            return
        z = self._z(values)
        z[missing] = 0
        inputs[:, 0] = z / np.sqrt(1 + (z / settings.clip) ** 2)
        if self.edges:
            inputs[:, self.n_inputs - 1] = np.clip(z, self.edges[0], self.edges[-1])

    def as_text(self) -> tuple[str, str]:
        """Return use and number for the summary."""
        n_bins = str(len(self.edges) - 1) if self.edges else ""
        if self.scale == 0:
            return ("whether it is missing" if self.missing else "left out: constant"), ""
        return "standardised" + (", in bins" if self.edges else ""), n_bins


def _edges(z: Array, n_bins: int) -> tuple[float, ...]:
    """Return the distinct quantiles in float32; empty if there is only one."""
    found = PiecewiseLinear.of_quantiles(z[:, None], n_bins)
    if not found:
        return ()
    edges = np.unique(_in_float32(found[0].edges))
    edges = edges[np.append(True, np.diff(edges) > _NEAREST)]
    return tuple(edges.tolist()) if len(edges) > 1 else ()


def _in_float32(numbers: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(np.array(numbers, dtype=np.float32).tolist())


@dataclass(frozen=True)
class Date(Feature):
    """A date or a time: a number of days, and its place in the year, the week and the day.

    The inputs are those of `Number` for the days since 1970-01-01, then sine and cosine of the time
    of year, of the weekday, and of the time of day if a row in training has one; 0 for missing
    dates. Times with a time zone are taken in UTC.

    Parameters
    ----------
    missing : float
        Share of the values that are missing.
    days : Number
    has_time : bool
        Whether a date in training has a time of day.
    """

    days: Number
    has_time: bool

    kind: ClassVar[str] = "date"

    @classmethod
    def learn(cls, values: Array, settings: Settings) -> Date:
        """Learn from days since 1970-01-01, at least one of them present."""
        days = Number.learn(values, settings)
        has_time = bool((values[~np.isnan(values)] % 1 > 0).any())
        return cls(days.missing, days, has_time)

    @property
    def n_inputs(self) -> int:
        """Number of inputs, 0 if the column is left out."""
        return self.days.n_inputs + (2 * (2 + self.has_time) if self.days.scale > 0 else 0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.days, Number) or self.days.missing != self.missing:
            raise ValueError("days must be a number with the same share of missing values")
        checks.flag("has_time", self.has_time)

    def embeddings(self) -> dict[int, Embedding]:
        """Return the embeddings of its inputs."""
        return self.days.embeddings()

    def to_json(self) -> dict[str, Any]:
        """Return the kind and all numbers as types of JSON."""
        return {**super().to_json(), "days": self.days.to_json()}

    def write(self, column: Column, inputs: NDArray[np.float32], settings: Settings) -> None:
        """Write the inputs of each row."""
        values = columns.dates(column)
        n = self.days.n_inputs
        self.days.write_numbers(values, inputs[:, :n], settings)
        if self.days.scale == 0:
            return
        missing = np.isnan(values)
        values[missing] = 0
        for k, turns in enumerate(_turns(values, self.has_time)):
            inputs[:, n + 2 * k] = np.sin(2 * np.pi * turns)
            inputs[:, n + 2 * k + 1] = np.cos(2 * np.pi * turns)
        inputs[missing, n:] = 0

    def as_text(self) -> tuple[str, str]:
        """Return use and number for the summary."""
        use, n_bins = self.days.as_text()
        if self.days.scale == 0:
            return use, n_bins
        return f"{use}; year, week{', day' * self.has_time}", n_bins


def _turns(values: Array, has_time: bool) -> list[Array]:
    """Return the parts of the year, of the week and of the day that have passed."""
    days = np.floor(values)
    years = days.astype(np.int64).view("M8[D]").astype("M8[Y]")
    starts, ends = (year.astype("M8[D]").view(np.int64) for year in (years, years + 1))
    of_year = (values - starts) / (ends - starts)
    return [of_year, (days + _MONDAY) % 7 / 7, *([values - days] if has_time else [])]
