"""The workers: which builds of pynn they have, and whether the scheduler answers.

Results have the same bits only where builds agree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, NamedTuple

import dask

from pynn.estimators.messages import warn


class Build(NamedTuple):
    """What the bits of a result depend on."""

    version: str
    isa: str
    blas: str

    def expect(self, other: Build) -> None:
        """Refuse another version of pynn.

        Raises
        ------
        RuntimeError
            If the versions differ.
        """
        if other.version != self.version:
            raise RuntimeError(
                f"a worker has pynn {other.version}, but fit was called with pynn {self.version}: "
                "versions may compute other bits; install the same one everywhere"
            )


@cache
def build() -> Build:
    """Return the build in this process."""
    from pynn.config import configuration

    found = configuration()
    blas = found["BLAS"]
    blas = "none" if blas.endswith("not used") else blas
    return Build(found["pynn"], found["instruction set"], blas)


def check(client: Any) -> Build:
    """Compare the workers' builds with the one here, and return the latter.

    Raises
    ------
    RuntimeError
        If a worker has another version of pynn.
    ImportError
        If a worker has no pynn.

    Warns
    -----
    UserWarning
        If instruction sets differ: see `tell_of_others`.
    """
    here = build()
    found: dict[str, Build] = client.run(build)
    for other in found.values():
        here.expect(other)
    tell_of_others(set(found.values()))
    return here


def tell_of_others(builds: set[Build]) -> None:
    """Warn if workers may compute different last bits."""
    for name, each in (("instruction sets", "isa"), ("BLAS libraries", "blas")):
        found = sorted({getattr(one, each) for one in builds})
        if len(found) > 1:
            warn(
                f"the workers compute with different {name} ({' and '.join(found)}): results may "
                "differ in their last bits from fit to fit, depending on which worker runs a task; "
                "the environment variable PYNN_ISA chooses an instruction set that all have"
            )


def sent(client: Any, function: Callable[[Any], Any], value: Any, key: str) -> Any:
    """Submit a function of a large value; unlike scattered data, it survives its worker."""
    with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1 TiB"}):
        return client.submit(function, value, key=key)


class DisconnectedError(KeyboardInterrupt):
    """The client lost its scheduler: the fit ends as by Ctrl-C, with the weights so far."""


@contextmanager
def connected(client: Any) -> Iterator[None]:
    """Turn errors into `DisconnectedError` if the client has lost its scheduler."""
    try:
        yield
    except Exception as error:
        if client.status == "running":
            raise
        raise DisconnectedError(
            "the client lost its scheduler: the fit ends with the weights after the last round "
            f"that the client has received ({type(error).__name__}: {error})"
        ) from error
