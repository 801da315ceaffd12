"""Population: many networks trained side by side on the same rows."""

from __future__ import annotations

import inspect
import os
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pynn import checks, fit_arguments
from pynn.model import files, threads
from pynn.network import Network
from pynn.training.fitting import samples_of
from pynn.training.learners import Learning, as_raised, bit_generator
from pynn.training.progress import counter
from pynn.training.together import divided, fit_together
from pynn.training.workers import n_workers_of, run_all

_ARGUMENTS = {  # of Network.fit, with their defaults
    name: parameter.default
    for name, parameter in inspect.signature(Network.fit).parameters.items()
    if parameter.kind is inspect.Parameter.KEYWORD_ONLY
}


class Population(Sequence[Network]):
    """Many networks trained in one call on the same rows.

    Each thread trains one member at a time and releases Python's lock. The result has the same bits
    as separate calls of `Network.fit`, for any number of threads.

    Parameters
    ----------
    networks : iterable of Network
        The members. They may differ in everything but the number of inputs. No two members may
        share a random source.
    n_threads : int or None, default=None
        Number of threads, at most 256. None uses one for each processor that affinity and the
        container's quota allow; ``OMP_NUM_THREADS`` and threadpoolctl also limit it.

    Attributes
    ----------
    errors : dict of {int: FloatingPointError}
        Errors of the members that diverged in the last `fit`, by index.

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
        for member in self:
            if not isinstance(member, Network):
                raise TypeError(f"each member must be a Network, got {type(member).__name__}")
        _check_distinct(self._members, "are the same network")
        sources = [bit_generator(member._random) for member in self]
        _check_distinct(sources, "share a random source")
        for k, member in enumerate(self):
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
        """Create members of one architecture, each with its own seed.

        Parameters
        ----------
        n_members : int
            Number of networks.
        layer_sizes : sequence of int
            See `pynn.Network`.
        random_state : int or None, default=None
            Member k gets the seed ``random_state + k``. None gives different results each time.
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
        """Train all members, starting from their current parameters.

        Parameters
        ----------
        X, y
            Rows and targets for all members; see `Network.fit`. If X must be converted, members of
            one dtype share the converted copy.
        members : sequence of dict, optional
            Arguments of `Network.fit` for each member, which override the shared ones, such as
            ``[{"optimizer": pynn.SGD(0.1)}, {"optimizer": pynn.SGD(0.3)}]``. For folds and
            bootstrap samples, give each member a ``sample_weight``; 0 leaves a row out.
        verbose : bool, default=False
            Print a line each time another tenth of the members has been trained.
        **settings
            Arguments of `Network.fit` for all members. Callbacks are called in several threads.

        Returns
        -------
        Population
            self

        Raises
        ------
        TypeError, ValueError
            If an argument is not as described; all members are unchanged.
        MemoryError
            If there is not enough memory for a mini-batch; that member is unchanged.
        RuntimeError
            If a callback of a member calls this, or a thread cannot start.
        KeyboardInterrupt
            On Ctrl-C.

        Warns
        -----
        RuntimeWarning
            If members diverge. They are unchanged and listed in `errors`; the others are trained.

        Notes
        -----
        Any other exception in a member, such as a callback's, leaves that member unchanged, ends
        the fit and has a note that names the member. As on Ctrl-C, the other members in training
        have the parameters after their last finished mini-batch, or the best ones with early
        stopping, and members that had not begun are unchanged.
        """
        fits = self._fits(X, y, members, settings)
        count = counter(len(self)) if checks.flag("verbose", verbose) else None
        self.errors = {}
        common = partial(fit_arguments.common, defaults=_ARGUMENTS)
        alike = [common(self[k], fit[1]) or k for k, fit in enumerate(fits)]
        most = [member._core.n_together for member in self]
        tasks = []
        for some in divided(alike, most, n_workers_of(self._n_threads)):
            generators = [partial(self._fit, k, *fits[k], count) for k in some]
            tasks.append(partial(fit_together, [self[k]._lock for k in some], generators))
        _, failures = run_all(tasks, self._n_threads)
        self.errors = dict(sorted(self.errors.items()))
        if failures:
            raise failures.pop(0)[1]
        if self.errors:
            which = f"{checks.listed(list(self.errors))}; see errors"
            how = f"{len(self.errors)} of {len(self)} members diverged and are unchanged: "
            warnings.warn(how + which, RuntimeWarning, stacklevel=2)
        return self

    def _fits(
        self,
        X: Any,
        y: ArrayLike,
        members: Sequence[Mapping[str, Any]] | None,
        settings: Mapping[str, Any],
    ) -> list[tuple[Any, dict[str, Any]]]:
        """Check all arguments; return (X, y) and the arguments of each member."""
        own = [{}] * len(self) if members is None else fit_arguments.dictionaries(members)
        if len(own) != len(self):
            raise ValueError(f"members must have {len(self)} entries, one for each; got {len(own)}")
        if y is None:
            raise TypeError("y must be given: a population does not train on a source of blocks")
        settings = fit_arguments.reusable(settings)
        kinds = {member.dtype: member for member in self}
        rows = {dtype: samples_of(member, X, y, None).X for dtype, member in kinds.items()}
        fits = []
        for k, (member, arguments) in enumerate(zip(self, own, strict=True)):
            if member._lock._is_owned():  # type: ignore[attr-defined]
                raise RuntimeError(f"a callback of member {k} cannot fit its population")
            try:
                for name in [*settings, *arguments]:
                    checks.choice("an argument", name, _ARGUMENTS)
                given = {**_ARGUMENTS, **settings, **fit_arguments.reusable(arguments)}
                if member.embeddings:  # codes are checked before they are rounded
                    member._rows(X)
                data, encoded = (rows[member.dtype], y), member._architecture.encoded(y)
                member._data(data[0], encoded, given["sample_weight"])
                fit_arguments.prepared(member, *data, **given)
            except (TypeError, ValueError) as error:
                self._noted(k, error)
                raise
            # Each fit prepares its data again: the copies of all members at once may be large.
            fits.append((data, given))
        return fits

    def _fit(
        self, k: int, data: Any, given: dict[str, Any], count: Callable[[], None] | None
    ) -> Learning[None]:
        """Train member k, and take down its error if it diverges."""
        try:
            ending = yield from fit_arguments.prepared(self[k], *data, **given)()
            if isinstance(ending, KeyboardInterrupt):
                raise ending
        except BaseException as error:
            self._noted(k, as_raised(error))
            raise
        if ending is not None:
            self.errors[k] = ending
        if count is not None:
            count()

    def _noted(self, k: int, error: BaseException) -> BaseException:
        """Return the error of member k with a note that names the member."""
        error.add_note(f"for member {k} of {len(self)}")
        return error

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
        outputs, failures = run_all([partial(one.predict, X) for one in self], self._n_threads)
        if failures:
            raise self._noted(*failures.pop(0))
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

        Tensors are named as by `Network.save`, after the member's index: ``12.weights.0``.

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
        """Read a population from a file written by `save`. Nothing in the file is executed.

        Parameters
        ----------
        path : str or path-like

        Returns
        -------
        Population

        Raises
        ------
        ValueError
            If the file is damaged or does not hold a population.
        OSError
            If the file cannot be read.
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

    def __repr__(self) -> str:
        kinds = {repr(member) for member in self}
        of = kinds.pop() if len(kinds) == 1 else f"{len(kinds)} kinds"
        return f"<Population of {len(self)}: {of}>"


def _check_distinct(objects: Sequence[object], problem: str) -> None:
    """Raise ValueError, which names the problem, if two members have the same object."""
    first: dict[int, int] = {}
    for k, one in enumerate(objects):
        if first.setdefault(id(one), k) != k:
            raise ValueError(f"members {first[id(one)]} and {k} {problem}")
