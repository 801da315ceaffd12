"""Preparation: learned from a training table, it turns tables into the inputs of a network."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pynn import checks
from pynn.inspection.tables import Table as TextTable
from pynn.inspection.tables import percent
from pynn.model.embeddings import Embedding
from pynn.tabular import columns, reading
from pynn.tabular.category import Category
from pynn.tabular.columns import Column
from pynn.tabular.features import Feature, Nothing, Settings
from pynn.tabular.numeric import Date, Number
from pynn.tabular.reading import Table

__all__ = ["Preparation", "Settings"]

_DEFAULT = Settings()


class Preparation:
    """The preparation of a table for a network, learned from its training rows.

    Each column is a number, a category or a date, as the training table shows. This stays fixed:
    later tables must hold the same kind of values.

    - *Numbers*, booleans and durations (in days) are standardised robustly and smoothly clipped. A
      missing value is the median, with an indicator if values are missing in training. With more
      than two distinct numbers, another input holds the standardised number under a
      `pynn.PiecewiseLinear` encoding. It is clipped to the smallest and the largest number of the
      training table; the first input still tells such numbers apart. Numbers beyond ±1e300 count
      as ±1e300.
    - *Categories* are strings, the categorical dtypes of pandas, polars and Arrow, and
      `categorical_features`. Few categories become one-hot columns, many get a trained embedding.
      Missing is a category of its own if it occurs in training. Unseen and rare categories, and
      values that are missing only later, count as "other". Labels keep their types: 1, 1.0 and
      True are the same label, "1" is another one, and a column of strings refuses numbers.
    - *Dates* and times, in UTC, become days like numbers, and the sine and cosine of the time of
      year, of the weekday and of the time of day.
    - Columns with the same value everywhere are left out, and so are columns without any value,
      whatever these hold later. If nothing is left, there is one input that is always 0.

    Use `learn` to make one.

    Attributes
    ----------
    embeddings : dict of int to Embedding
        By column of the inputs, for the argument `embeddings` of `pynn.Network`.
    n_inputs : int
        Number of inputs, at least 1.
    n_features : int
        Number of columns of the table.
    feature_names : list of str or None
        Names of these columns, if they are strings.
    settings : Settings

    References
    ----------
    Holzmüller, Grinsztajn & Steinwart, Better by Default: Strong Pre-Tuned MLPs and Boosted Trees
    on Tabular Data, NeurIPS 2024; Gorishniy, Rubachev & Babenko, On Embeddings for Numerical
    Features in Tabular Deep Learning, NeurIPS 2022; Guo & Berkhahn, Entity Embeddings of
    Categorical Variables, 2016.

    Examples
    --------
    >>> from pynn.tabular.preparation import Preparation
    >>> rows = [[20.0, "red"], [30.0, "green"], [40.0, None], [50.0, "red"]]
    >>> preparation = Preparation.learn(rows)
    >>> preparation.n_inputs
    5
    >>> preparation.embeddings
    {1: PiecewiseLinear(12 bins from -1 to 1, size=None)}
    >>> preparation.apply([[35.0, "blue"], [35.0, "green"], [35.0, None]])
    array([[0., 0., 0., 0., 0.],
           [0., 0., 1., 0., 0.],
           [0., 0., 0., 0., 1.]], dtype=float32)
    """

    embeddings: dict[int, Embedding]
    n_inputs: int
    n_features: int
    feature_names: list[str] | None
    settings: Settings

    def __init__(
        self,
        learned: Sequence[Feature],
        feature_names: list[str] | None,
        settings: Settings,
    ) -> None:
        self._features = tuple(learned)
        self.feature_names = feature_names
        self.settings = settings
        self.n_features = len(self._features)
        self._starts = np.cumsum([0, *(one.n_inputs for one in self._features)]).tolist()
        self.n_inputs = max(1, self._starts[-1])
        self.embeddings = {
            start + place: embedding
            for start, one in zip(self._starts, self._features, strict=False)
            for place, embedding in one.embeddings().items()
        }

    @property
    def features(self) -> tuple[Feature, ...]:
        """What was learned from each column."""
        return self._features

    @classmethod
    def learn(
        cls, X: Any, categorical_features: Any = "auto", settings: Settings = _DEFAULT
    ) -> Preparation:
        """Learn from a training table.

        Parameters
        ----------
        X : table with n_rows rows and n_features columns
            A DataFrame of pandas or polars, a table of Arrow, an array, a list of rows, or a sparse
            matrix of SciPy's, whose columns are made dense one by one.
        categorical_features : "auto", list of str or int, or array of bool, default="auto"
            More columns to treat as categories: names, indices, or a bool for each column. Columns
            of strings and of categorical dtypes are always categories; "auto" adds none to them.
        settings : Settings

        Returns
        -------
        Preparation

        Raises
        ------
        TypeError, ValueError
            If an argument is not as described, or a column holds infinity or values that are
            none of these kinds.
        """
        if not isinstance(settings, Settings):
            raise TypeError(f"settings must be Settings, got {settings!r}")
        table = reading.read(X)
        chosen = _chosen(categorical_features, table)
        with _extremes_allowed():
            learned = [
                _learn(table.column(j), j in chosen, settings) for j in range(table.shape[1])
            ]
        return cls(learned, table.names, settings)

    def apply(self, X: Any) -> NDArray[np.float32]:
        """Turn a table into inputs.

        Parameters
        ----------
        X : table with n_rows rows and n_features columns
            Of any type that `learn` accepts; not necessarily that of the training table.

        Returns
        -------
        ndarray of float32, shape (n_rows, n_inputs)
            C-contiguous.

        Raises
        ------
        TypeError, ValueError
            If X is not such a table, its columns have other names than those of the training table,
            or one of them holds infinity or another kind of values.
        """
        table = reading.read(X)
        self.check_names(table)
        inputs = np.zeros((table.shape[0], self.n_inputs), dtype=np.float32)
        with _extremes_allowed():
            for j, feature in enumerate(self._features):
                feature.write(table.column(j), inputs[:, self.inputs_of(j)], self.settings)
        return inputs

    def check_names(self, table: Table) -> None:
        """Refuse a table whose columns are not those of the training table.

        Parameters
        ----------
        table : Table

        Raises
        ------
        ValueError
            If the number or the names of columns differ.
        """
        if table.shape[1] != self.n_features:
            raise ValueError(
                f"X has {table.shape[1]} features, but Preparation is expecting {self.n_features} "
                "features as input"
            )
        if self.feature_names is None or table.names is None:
            return
        for j, names in enumerate(zip(self.feature_names, table.names, strict=True)):
            if names[0] != names[1]:
                raise ValueError(
                    "The feature names should match those of the training table: column "
                    f"{j} was {names[0]!r} and is {names[1]!r}"
                )

    def inputs_of(self, feature: int) -> slice:
        """Return the inputs that a column of the table becomes.

        Parameters
        ----------
        feature : int
            The column's number; negative ones count from the end.

        Returns
        -------
        slice
            Of the columns of `apply`'s result; empty if the column is left out.

        Raises
        ------
        TypeError, ValueError
            If there is no such column.
        """
        j = checks.index("feature", feature, self.n_features)
        return slice(self._starts[j], self._starts[j + 1])

    def summary(self) -> str:
        """Return a table of the columns: their kind, how they are used, what is missing.

        Returns
        -------
        str

        Examples
        --------
        >>> from pynn.tabular.preparation import Preparation
        >>> rows = [[20.0, "red", 1], [30.0, "green", 1], [40.0, None, 1], [50.0, "red", 1]]
        >>> print(Preparation.learn(rows).summary())
        Preparation of 3 features as 5 inputs
        <BLANKLINE>
        feature  kind      use                    inputs  missing  bins or categories
        0        number    standardised, in bins       2    0.0 %                  12
        1        category  one-hot                     3   25.0 %                   3
        2        number    left out: constant          0    0.0 %
        """
        rows = [["feature", "kind", "use", "inputs", "missing", "bins or categories"]]
        for j, one in enumerate(self._features):
            name = str(j) if self.feature_names is None else self.feature_names[j]
            use, n = one.as_text()
            rows.append([name, one.kind, use, str(one.n_inputs), percent(one.missing), n])
        title = f"Preparation of {self.n_features} features as {self.n_inputs} inputs"
        return str(TextTable(title, rows, left=(0, 1, 2)))

    def to_json(self) -> dict[str, Any]:
        """Return all that was learned as types of JSON, for `from_json`.

        Returns
        -------
        dict
        """
        return {
            "settings": {name: vars(self.settings)[name] for name in Settings._accepted},
            "feature_names": self.feature_names,
            "features": [one.to_json() for one in self._features],
        }

    @classmethod
    def from_json(cls, given: Any) -> Preparation:
        """Invert `to_json`.

        Parameters
        ----------
        given : dict
            What `to_json` returned; it may have been written to a file and read.

        Returns
        -------
        Preparation
            Whose `apply` returns the same bits.

        Raises
        ------
        ValueError
            If it is anything else.
        """
        try:
            names = given["feature_names"]
            found = cls(
                [_from_json(one) for one in given["features"]],
                names,
                Settings(**given["settings"]),
            )
            if len(given) != 3 or not found.n_features:
                raise ValueError("it must have settings, feature_names and features")
            if names is not None and (
                not isinstance(names, list)
                or len({*names}) != found.n_features
                or len(names) != found.n_features
                or not all(isinstance(name, str) for name in names)
            ):
                raise ValueError("feature_names must be a different string for each feature")
        except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
            raise ValueError(f"this is not a preparation of pynn: {error}") from error
        return found


def _extremes_allowed() -> Any:
    """Let extreme numbers overflow or become 0, where the formulas provide for it."""
    return np.errstate(over="ignore", under="ignore")


def _chosen(given: Any, table: Table) -> set[int]:
    """Return the columns that the argument categorical_features means."""
    if isinstance(given, str):
        checks.choice("categorical_features", given, ["auto"])
        return set()
    n = table.shape[1]
    accepted = (
        'categorical_features must be "auto", or list names, numbers or a bool of each column'
    )
    if not isinstance(given, Iterable):
        raise TypeError(f"{accepted}; got {given!r}")
    items = list(given)
    are_flags = [isinstance(item, bool | np.bool_) for item in items]
    if items and all(are_flags):
        if len(items) != n:
            raise ValueError(f"{accepted}; got {len(items)} bools for {n} columns")
        return {j for j, is_chosen in enumerate(items) if is_chosen}
    places = {name: j for j, name in enumerate(table.names or ())}
    for item in items:
        if isinstance(item, str) and item not in places:
            known = checks.listed(table.names) if table.names else "none: columns have no names"
            raise ValueError(f"categorical_features lists {item!r}; names of columns are {known}")
    return {
        places[item]
        if isinstance(item, str)
        else checks.index("each number in categorical_features", item, n)
        for item in items
    }


_KINDS: dict[str, Callable[..., Feature]] = {
    kind.kind: kind for kind in (Nothing, Number, Date, Category)
}


def _learn(column: Column, is_category: bool, settings: Settings) -> Feature:
    """Learn a feature from a column of the training table."""
    kind = "categories" if is_category else columns.kind(column)
    if kind == "categories":
        found = Category.learn(column, settings)
        return Nothing(1.0) if found.missing == 1 else found
    values = columns.dates(column) if kind == "dates" else columns.numbers(column)
    if np.isnan(values).all():
        return Nothing(1.0)
    return (Date if kind == "dates" else Number).learn(values, settings)


def _from_json(given: dict[str, Any]) -> Feature:
    """Invert `Feature.to_json`; raise TypeError, ValueError or KeyError if it is anything else."""
    fields: dict[str, Any] = {
        name: tuple(x) if isinstance(x, list) else x for name, x in given.items()
    }
    kind = _KINDS[fields.pop("kind")]
    if "days" in fields:
        fields["days"] = _from_json(fields["days"])
    return kind(**fields)
