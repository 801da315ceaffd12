"""Embeddings of inputs: several numbers in place of one, some of them trained.

``csrc/encodings.h`` computes them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pynn import checks
from pynn.model.initializers import Floats, Random

Shapes = dict[str, tuple[int, ...]]
_SIZE = "integer [1, 2147483648)"


@dataclass(frozen=True)
class Embedding(checks.Checked):
    """Numbers that take the place of an input."""

    kind: ClassVar[str]  # in the compiled core, and in files

    def __post_init__(self) -> None:
        """Check each number and keep it as an int or a float."""
        super().__post_init__()
        for name, interval in self._accepted.items():
            to = int if "integer" in interval else float
            object.__setattr__(self, name, to(getattr(self, name)))

    @property
    def _n_out(self) -> int:
        raise NotImplementedError

    def _shapes(self) -> Shapes:
        """Return name and shape of each group of parameters, in the order of the core."""
        raise NotImplementedError

    def _initial(self, random: Random) -> list[Floats]:
        """Draw the initial parameters, group by group."""
        raise NotImplementedError

    def _in_core(self) -> tuple[int, bool, tuple[float, ...]]:
        """Return the n, is_linear and edges of pynn_embedding in csrc/pynn.h."""
        raise NotImplementedError


def _linear(random: Random, n_in: int, n_out: int) -> list[Floats]:
    """Weights and biases uniform within 1 / sqrt(n_in), as PyTorch's linear layers have them."""
    bound = 1 / math.sqrt(n_in)
    return [random.uniform(-bound, bound, shape) for shape in ((n_in, n_out), (n_out,))]


@dataclass(frozen=True, repr=False)
class PiecewiseLinear(Embedding):
    """Piecewise-linear encoding of an input, by the bins that it passes (Gorishniy et al. 2022).

    The B + 1 edges of B bins turn an input ``x`` into B numbers: 1 for each bin below x, 0 for each
    bin above it, and ``(x - left) / (right - left)`` for the bin that contains it. Beyond the
    edges, the first number is negative or the last one above 1, so that such inputs still differ.
    With `size`, a trained linear map of these numbers replaces them; its weights and biases start
    uniform within 1/√B.

    Parameters
    ----------
    edges : array-like of shape (n_bins + 1,)
        Edges of the bins: finite, ascending, no two the same; at least two.
    size : int, optional
        Size of the linear map's output. By default there is no map and no parameter.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    See Also
    --------
    pynn.PiecewiseLinear.of_quantiles : Chooses edges by the quantiles of data.

    References
    ----------
    Gorishniy, Rubachev & Babenko, On Embeddings for Numerical Features in Tabular Deep Learning,
    NeurIPS 2022, equation 1; as in the package rtdl_num_embeddings.

    Examples
    --------
    >>> import numpy as np, pynn
    >>> net = pynn.Network([1, 1], embeddings={0: pynn.PiecewiseLinear([0, 1, 3])})
    >>> net.trace([[-1.0], [0.5], [2.0], [5.0]], np.zeros(4)).embedded
    array([[-1. ,  0. ],
           [ 0.5,  0. ],
           [ 1. ,  0.5],
           [ 1. ,  2. ]], dtype=float32)
    """

    edges: tuple[float, ...]
    size: int | None = None

    kind: ClassVar[str] = "piecewise_linear"

    def __post_init__(self) -> None:
        """Check edges and size, and keep the edges as a tuple of floats."""
        given = checks.real_array("PiecewiseLinear: edges", self.edges, np.dtype(np.float64))
        if given.ndim != 1 or len(given) < 2:
            raise ValueError(
                f"PiecewiseLinear: edges must be a vector of at least 2, got shape {given.shape}"
            )
        with np.errstate(over="ignore", invalid="ignore"):
            widths = np.diff(given)
        if not np.isfinite(widths).all() or not (widths > 0).all():
            raise ValueError(
                "PiecewiseLinear: edges must be finite and ascending, no two the same; got "
                f"{checks.listed(given.tolist())}"
            )
        object.__setattr__(self, "edges", tuple(given.tolist()))
        if self.size is not None:
            checks.number("PiecewiseLinear: size", self.size, _SIZE)
            object.__setattr__(self, "size", int(self.size))

    def __repr__(self) -> str:
        first, last = self.edges[0], self.edges[-1]
        bins = f"{len(self.edges) - 1} bins from {first:.6g} to {last:.6g}"
        return f"PiecewiseLinear({bins}, size={self.size})"

    @staticmethod
    def of_quantiles(
        X: ArrayLike, n_bins: int = 48, size: int | None = None
    ) -> dict[int, PiecewiseLinear]:
        """Make an embedding of each column, with bins that hold about as many rows each.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_inputs)
            Rows to learn from.
        n_bins : int, default=48
            Number of bins. A column has fewer if some of its quantiles are the same number, or
            differ by less than a millionth of it.
        size : int, optional
            See `PiecewiseLinear`.

        Returns
        -------
        dict of int to PiecewiseLinear
            By column, for the argument `embeddings` of `Network`. Constant columns are left out.

        Raises
        ------
        TypeError, ValueError
            If an argument is not as described, or X is not finite.

        Examples
        --------
        >>> import numpy as np, pynn
        >>> X = np.column_stack([np.arange(101), np.ones(101), np.arange(101) % 2])
        >>> for column, embedding in pynn.PiecewiseLinear.of_quantiles(X, n_bins=4).items():
        ...     print(column, embedding.edges)
        0 (0.0, 25.0, 50.0, 75.0, 100.0)
        2 (0.0, 1.0)
        """
        n_bins = checks.positive_integer("n_bins", n_bins)
        rows = checks.finite("X", checks.real_array("X", X, np.dtype(np.float64)))
        if rows.ndim != 2 or len(rows) == 0:
            raise ValueError(f"X must be of shape (n_rows, n_inputs), got {rows.shape}")
        quantiles = np.quantile(rows, np.linspace(0, 1, n_bins + 1), axis=0)
        edges = {column: _apart(np.unique(of)) for column, of in enumerate(quantiles.T)}
        return {
            column: PiecewiseLinear(tuple(of), size) for column, of in edges.items() if len(of) > 1
        }

    @property
    def _n_out(self) -> int:
        return len(self.edges) - 1 if self.size is None else self.size

    def _shapes(self) -> Shapes:
        if self.size is None:
            return {}
        shape = len(self.edges) - 1, self.size
        return {"embedding_weights": shape, "embedding_biases": shape[1:]}

    def _initial(self, random: Random) -> list[Floats]:
        return [] if self.size is None else _linear(random, len(self.edges) - 1, self.size)

    def _in_core(self) -> tuple[int, bool, tuple[float, ...]]:
        return len(self.edges) - 1, self.size is not None, self.edges


def _apart(edges: Floats) -> Floats:
    """Leave out edges that rounding alone may tell from the one before; ascending."""
    sizes = np.maximum(np.abs(edges[1:]), np.abs(edges[:-1]))
    are_apart = np.diff(edges) > 1e-6 * sizes
    return np.concatenate([edges[:1], edges[1:][are_apart]])


@dataclass(frozen=True)
class Periodic(Embedding):
    """An input and a trained linear map of its waves (Holzmüller, Grinsztajn & Steinwart 2024).

    An input ``x`` becomes ``size`` numbers: x itself, then ``cos(2π (f x + c)) @ V + b`` with the
    frequencies f and phases c (n_frequencies,), V (n_frequencies, size − 1) and b (size − 1,), all
    of them trained. This is the embedding PBLD of RealMLP, with its phases in turns of 2π and x in
    front. Frequencies start normal with standard deviation `sigma`, phases uniform from −½ to ½, V
    and b uniform within 1/√n_frequencies.

    Standardise inputs, so that `sigma` has the same meaning for all of them: frequencies are waves
    per unit of x, here per standard deviation.

    Parameters
    ----------
    size : int, default=4
        Size of the embedding, x included; at least 2.
    n_frequencies : int, default=16
        Number of waves.
    sigma : float, default=0.1
        Positive; standard deviation of the initial frequencies.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    References
    ----------
    Holzmüller, Grinsztajn & Steinwart, Better by Default: Strong Pre-Tuned MLPs and Boosted Trees
    on Tabular Data, NeurIPS 2024; after Gorishniy, Rubachev & Babenko 2022, section 3.4.

    Examples
    --------
    >>> import pynn
    >>> net = pynn.Network([2, 8, 1], embeddings={1: pynn.Periodic(size=3)}, random_state=0)
    >>> {name: view.shape for name, view in net.embedding_parameters.items()}
    {'frequencies.1': (16,), 'phases.1': (16,), 'embedding_weights.1': (16, 2), \
'embedding_biases.1': (2,)}
    >>> net.weights[0].shape
    (4, 8)
    """

    size: int = 4
    n_frequencies: int = 16
    sigma: float = 0.1

    kind: ClassVar[str] = "periodic"
    _accepted: ClassVar[dict[str, str]] = {
        "size": "integer [2, 2147483648)",
        "n_frequencies": _SIZE,
        "sigma": "(0, inf)",
    }

    @property
    def _n_out(self) -> int:
        return self.size

    def _shapes(self) -> Shapes:
        m, n_out = self.n_frequencies, self.size - 1
        return {
            "frequencies": (m,),
            "phases": (m,),
            "embedding_weights": (m, n_out),
            "embedding_biases": (n_out,),
        }

    def _initial(self, random: Random) -> list[Floats]:
        m = self.n_frequencies
        frequencies = self.sigma * random.standard_normal(m)
        return [frequencies, random.uniform(-0.5, 0.5, m), *_linear(random, m, self.size - 1)]

    def _in_core(self) -> tuple[int, bool, tuple[float, ...]]:
        return self.n_frequencies, False, ()


@dataclass(frozen=True)
class Categories(Embedding):
    """A trained row of numbers for each category (Guo & Berkhahn 2016).

    The input holds codes of categories: integers from 0 to n − 1, as numbers of X. Code k becomes
    row k of a table (n, size), which starts normal with variance 1 / size: rows have a length of
    about 1. In an update, rows of categories that the mini-batch does not contain have the gradient
    0. Rules with momentum, such as Adam, still move them.

    Parameters
    ----------
    n : int
        Number of categories; at most 2**24 for a network of float32, which holds all integers up
        to that number.
    size : int
        Size of the embedding.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described. `fit`, `predict` and all other methods that take rows
        raise ValueError if the input holds anything but integers from 0 to n − 1.

    References
    ----------
    Guo & Berkhahn, Entity Embeddings of Categorical Variables, 2016.

    Examples
    --------
    >>> import pynn
    >>> net = pynn.Network([2, 1], embeddings={0: pynn.Categories(3, size=2)}, random_state=0)
    >>> net.embedding_parameters["table.0"].shape
    (3, 2)
    >>> net.predict([[3, 0.5]])
    Traceback (most recent call last):
    ...
    ValueError: column 0 of X must hold categories, the integers from 0 to 2; row 0 holds 3.0
    """

    n: int
    size: int

    kind: ClassVar[str] = "categories"
    _accepted: ClassVar[dict[str, str]] = {"n": _SIZE, "size": _SIZE}

    @property
    def _n_out(self) -> int:
        return self.size

    def _shapes(self) -> Shapes:
        return {"table": (self.n, self.size)}

    def _initial(self, random: Random) -> list[Floats]:
        return [random.standard_normal((self.n, self.size)) / math.sqrt(self.size)]

    def _in_core(self) -> tuple[int, bool, tuple[float, ...]]:
        return self.n, False, ()


KINDS = {kind.kind: kind for kind in (PiecewiseLinear, Periodic, Categories)}
Embeddings = tuple[tuple[int, Embedding], ...]  # with their columns, ascending


def checked(given: object, n_in: int, dtype: np.dtype[Any]) -> Embeddings:
    """Return the argument `embeddings` of `pynn.Network` in the order of the columns."""
    if given is None:
        return ()
    if not isinstance(given, Mapping):
        raise TypeError(f"embeddings must be a dict of columns to embeddings, got {given!r}")
    found = {}
    for column, embedding in given.items():
        checks.number("each column of embeddings", column, f"integer [0, {n_in})")
        if not isinstance(embedding, Embedding):
            accepted = "PiecewiseLinear, Periodic or Categories"
            raise TypeError(f"embeddings[{column}] must be {accepted}, got {embedding!r}")
        most = 2 ** (np.finfo(dtype).nmant + 1)
        if isinstance(embedding, Categories) and embedding.n > most:
            raise ValueError(f"embeddings[{column}] has n={embedding.n}; {dtype} has up to {most}")
        found[int(column)] = embedding
    return tuple(sorted(found.items(), key=lambda item: item[0]))


def groups(embeddings: Iterable[tuple[int, Embedding]]) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield name and shape of each group of parameters."""
    for column, embedding in embeddings:
        for name, shape in embedding._shapes().items():
            yield f"{name}.{column}", shape


def initial(embeddings: Embeddings, random: Random) -> Iterator[Floats]:
    """Draw the initial parameters of each group."""
    for _, embedding in embeddings:
        yield from embedding._initial(random)


def check_codes(embeddings: Embeddings, X: NDArray[Any], name: str) -> None:
    """Refuse rows in which a column of categories holds anything else."""
    for column, embedding in embeddings:
        if not isinstance(embedding, Categories):
            continue
        codes = X[:, column]
        wrong = ~((codes >= 0) & (codes < embedding.n) & (codes == np.floor(codes)))
        if wrong.any():
            row = int(wrong.argmax())
            raise ValueError(
                f"column {column} of {name} must hold categories, the integers from 0 to "
                f"{embedding.n - 1}; row {row} holds {codes[row]}"
            )


def as_json(embeddings: Embeddings) -> list[Any]:
    """Return [column, kind, fields] of each embedding."""
    return [[column, one.kind, vars(one)] for column, one in embeddings]


def from_json(given: list[Any]) -> dict[int, Embedding]:
    """Invert `as_json`; raise TypeError, ValueError or KeyError if it is anything else."""
    found: dict[int, Embedding] = {column: KINDS[kind](**fields) for column, kind, fields in given}
    if len(found) != len(given):
        raise ValueError("a column has two embeddings")
    return found
