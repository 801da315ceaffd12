"""Population: many networks that are trained side by side on the same rows."""

from __future__ import annotations

import inspect
import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pynn import checks, fit_arguments
from pynn.model import files, threads
from pynn.network import Network
from pynn.training.fitting import samples_of
from pynn.training.learners import bit_generator
from pynn.training.progress import counted
from pynn.training.workers import Failure, locked, run_all

_ARGUMENTS = {  # of Network.fit, with their defaults
    name: parameter.default
    for name, parameter in inspect.signature(Network.fit).parameters.items()
    if parameter.kind is inspect.Parameter.KEYWORD_ONLY
}


class Population(Sequence[Network]):
    """Many networks that are trained in one call on the same rows.

    Threads take one network each, and train it without Python's lock. Every network gets the same
    bits as from its own `Network.fit`, for any number of threads.

    Parameters
    ----------
    networks : iterable of Network
        The members. They may differ in everything but the number of inputs; no two of them may
        share a source of random numbers.
    n_threads : int or None, default=None
        Number of threads, at most 256. None takes as many as there are processors that this process
        may use; ``OMP_NUM_THREADS`` and threadpoolctl limit them.

    Attributes
    ----------
    errors : dict of {int: FloatingPointError}
        The members whose last `fit` diverged, and how.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    Examples
    --------
    >>> import numpy as np, pynn
    >>> X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    >>> y = np.array([0, 1, 1, 0])
    >>> seeds = pynn.Population.of(20, [2, 4, 1], activation="tanh", output_activation="sigmoid",
    ...                            random_state=0)
    >>> seeds = seeds.fit(X, y, epochs=300, batch_size=4, optimizer=pynn.Adam(0.03))
    >>> len(seeds), seeds.predict(X).shape
    (20, (20, 4, 1))
    >>> np.array_equal(seeds.mean(X).round()[:, 0], y)
    True
    """

    def __init__(self, networks: Iterable[Network], *, n_threads: int | None = None) -> None:
        self._members = tuple(networks)
        self._n_threads = threads.checked(n_threads)
        self.errors: dict[int, FloatingPointError] = {}
        if not self._members:
            raise ValueError("a population needs at least one network")
        for member in self._members:
            if not isinstance(member, Network):
                raise TypeError(f"networks must be of Network, got {type(member).__name__}")
        _different("are the same network", self._members)
        sources = [bit_generator(one._random) for one in self._members]
        _different("share a source of random numbers", sources)
        for k, member in enumerate(self._members):
            if member.layer_sizes[0] != self[0].layer_sizes[0]:
                raise ValueError(
                    f"all members must have {self[0].layer_sizes[0]} inputs, as member 0 has; "
                    f"member {k} has {member.layer_sizes[0]}"
                )

    @classmethod
    def of(
        cls,
        n_members: int,
        layer_sizes: Sequence[int],
        *,
        random_state: int | None = None,
        n_threads: int | None = None,
        **options: Any,
    ) -> Population:
        """Make a population of one architecture with a seed for each member.

        Parameters
        ----------
        n_members : int
        layer_sizes : sequence of int
            See `pynn.Network`.
        random_state : int or None, default=None
            Member k has the ``random_state`` of this number plus k; None gives other numbers each
            time.
        n_threads : int or None, default=None
            See `Population`.
        **options
            Arguments of `pynn.Network`.

        Returns
        -------
        Population

        Raises
        ------
        TypeError, ValueError
            If an argument is not as described.
        """
        n_members = checks.positive_integer("n_members", n_members)
        first = None if random_state is None else checks.seed(random_state)
        if first is not None and first + n_members > 2**32:
            raise ValueError(
                f"random_state + n_members must be at most 2**32, got {first} + {n_members}"
            )
        seeds = (None if first is None else first + k for k in range(n_members))
        networks = [Network(layer_sizes, random_state=seed, **options) for seed in seeds]
        return cls(networks, n_threads=n_threads)

    # ---- Training --------------------------------------------------------------------------------

    def fit(
        self,
        X: Any,
        y: ArrayLike,
        *,
        members: Sequence[Mapping[str, Any]] | None = None,
        verbose: bool = False,
        **settings: Any,
    ) -> Population:
        """Train all members, from their current parameters.

        Parameters
        ----------
        X, y
            Rows and targets for all members; see `Network.fit`. X of another dtype than the
            members' is converted once.
        members : sequence of dict, optional
            For each member the arguments that it does not share with the others, such as
            ``[{"optimizer": pynn.SGD(0.1)}, {"optimizer": pynn.SGD(0.3)}]``. Folds and bootstrap
            samples are a ``sample_weight`` of each member, 0 for rows that it does not learn from.
        verbose : bool, default=False
            Print a line whenever another tenth of the members is trained.
        **settings
            Arguments of `Network.fit` for all members. Callbacks are called in several threads.

        Returns
        -------
        Population
            self

        Raises
        ------
        TypeError, ValueError
            If an argument is not as described; all members are as they were.
        MemoryError
            If there is no memory for a mini-batch.
        RuntimeError
            In a callback of a member, whose fit has not ended.
        KeyboardInterrupt
            On Ctrl-C. Members in training are left as by `Network.fit`; waiting members are
            unchanged.

        Warns
        -----
        RuntimeWarning
            If members diverge. They are as they were and are listed in `errors`; the others are
            trained.
        """
        tasks = self._tasks(X, y, members, settings)
        tasks = counted(tasks) if checks.flag("verbose", verbose) else tasks
        self.errors = {}
        endings, failures = run_all(tasks, self._workers())
        self.errors = {k: e for k, e in enumerate(endings) if e is not None}
        self._raise_first(failures)
        if self.errors:
            which = f"{checks.listed(list(self.errors))}; see errors"
            how = f"{len(self.errors)} of {len(self)} members diverged and are as they were: "
            warnings.warn(how + which, RuntimeWarning, stacklevel=2)
        return self

    def _tasks(
        self,
        X: Any,
        y: ArrayLike,
        members: Sequence[Mapping[str, Any]] | None,
        settings: Mapping[str, Any],
    ) -> list[Callable[[], FloatingPointError | None]]:
        """Return a function for each member that trains it; all arguments have been checked."""
        own = [{}] * len(self) if members is None else _dictionaries(members)
        if len(own) != len(self):
            raise ValueError(f"members must have {len(self)} entries, one for each; got {len(own)}")
        if y is None:
            raise TypeError("y is missing: a population does not train on a source of blocks")
        settings = _reusable(settings)
        kinds = {member.dtype: member for member in self}
        rows = {dtype: samples_of(member, X, y, None).X for dtype, member in kinds.items()}
        tasks: list[Callable[[], FloatingPointError | None]] = []
        for k, (member, arguments) in enumerate(zip(self, own, strict=True)):
            if member._lock._is_owned():  # type: ignore[attr-defined]
                raise RuntimeError(f"member {k} is in training in this thread, by its own fit")
            try:
                for name in [*settings, *arguments]:
                    checks.choice("an argument", name, _ARGUMENTS)
                given = {**_ARGUMENTS, **settings, **_reusable(arguments)}
                data, encoded = (rows[member.dtype], y), member._architecture.encoded(y)
                member._data(data[0], encoded, given["sample_weight"])
                fit_arguments.prepared(member, *data, **given)
            except (TypeError, ValueError) as error:
                error.add_note(f"for member {k} of {len(self)}")
                raise
            # What was prepared is let go: together, the members' copies of data can be large.
            tasks.append(partial(_trained, member, *data, given))
        return tasks

    def _workers(self) -> int:
        return self._n_threads or threads.usable()

    def _raise_first(self, failures: Sequence[Failure]) -> None:
        """Raise what a member failed by, if one did; the first one ended the others."""
        if failures:
            k, error = failures[0]
            error.add_note(f"for member {k} of {len(self)}")
            raise error

    # ---- Predictions -----------------------------------------------------------------------------

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Compute the outputs of each member.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_rows, n_inputs)
            See `Network.predict`.

        Returns
        -------
        ndarray of shape (n_members, n_rows, n_outputs)

        Raises
        ------
        TypeError, ValueError
            If X does not hold finite real numbers of this shape, or members differ in the number of
            outputs.
        """
        n_outputs = {member.layer_sizes[-1] for member in self}
        if len(n_outputs) > 1:
            raise ValueError(f"members have different numbers of outputs: {sorted(n_outputs)}")
        outputs, failures = run_all([partial(one.predict, X) for one in self], self._workers())
        self._raise_first(failures)
        return np.stack(outputs)

    def mean(self, X: ArrayLike) -> NDArray[Any]:
        """Compute the mean of the members' outputs, the prediction of the ensemble.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_rows, n_inputs)
            See `Network.predict`.

        Returns
        -------
        ndarray of shape (n_rows, n_outputs)

        Raises
        ------
        TypeError, ValueError
            As for `predict`.
        """
        return np.asarray(self.predict(X).mean(axis=0))

    def std(self, X: ArrayLike) -> NDArray[Any]:
        """Compute the standard deviation of the members' outputs.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_rows, n_inputs)
            See `Network.predict`.

        Returns
        -------
        ndarray of shape (n_rows, n_outputs)

        Raises
        ------
        TypeError, ValueError
            As for `predict`.
        """
        return np.asarray(self.predict(X).std(axis=0))

    # ---- Saving and loading ----------------------------------------------------------------------

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write all members to one file in the safetensors format.

        Names of tensors are those of `Network.save` behind the number of the member, such as
        ``12.weights.0``.

        Parameters
        ----------
        path : str or path-like
            An existing file is replaced.

        Raises
        ------
        ImportError
            If the package safetensors is missing (``pip install safetensors``).
        """
        files.save_all(self, path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Population:
        """Read a population that `save` wrote. Nothing in the file is executed.

        Parameters
        ----------
        path : str or path-like
            A file of `save`.

        Returns
        -------
        Population

        Raises
        ------
        ValueError
            If the file is damaged, or not a population's.
        OSError
            If it cannot be read.
        ImportError
            If the package safetensors is missing (``pip install safetensors``).
        """
        return cls(files.load_all(Network, path))

    # ---- Members ---------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self._members)

    @overload
    def __getitem__(self, index: int) -> Network: ...

    @overload
    def __getitem__(self, index: slice) -> Population: ...

    def __getitem__(self, index: int | slice) -> Network | Population:
        if isinstance(index, slice):
            return Population(self._members[index], n_threads=self._n_threads)
        return self._members[index]

    def __iter__(self) -> Iterator[Network]:
        return iter(self._members)

    def __repr__(self) -> str:
        kinds = {repr(member) for member in self}
        of = kinds.pop() if len(kinds) == 1 else f"{len(kinds)} kinds"
        return f"<Population of {len(self)}: {of}>"


def _different(how: str, objects: Sequence[object]) -> None:
    """Refuse that two members have the same object."""
    first: dict[int, int] = {}
    for k, one in enumerate(objects):
        if first.setdefault(id(one), k) != k:
            raise ValueError(f"members {first[id(one)]} and {k} {how}")


def _dictionaries(members: Any) -> list[Mapping[str, Any]]:
    """Return the arguments of each member, if they are in dictionaries."""
    given = [] if isinstance(members, Mapping) else list(members)
    if not given or not all(isinstance(one, Mapping) for one in given):
        what = checks.listed(given) or type(members).__name__
        raise TypeError(f"members must be a sequence of dictionaries, got {what}")
    return given


def _reusable(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return arguments without iterators, which only one member could read, and only once."""
    return {k: list(v) if isinstance(v, Iterator) else v for k, v in arguments.items()}


def _trained(member: Network, X: Any, y: Any, given: dict[str, Any]) -> FloatingPointError | None:
    """Train a member; return how it diverged, if it did."""
    ending = locked(member._lock, fit_arguments.prepared(member, X, y, **given))
    if isinstance(ending, KeyboardInterrupt):
        raise ending
    return ending
