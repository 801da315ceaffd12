"""Print the build and the environment of pynn."""

from __future__ import annotations

import os

import scipy
import scipy.linalg  # loads SciPy's BLAS, so that threadpoolctl finds it
from threadpoolctl import threadpool_info  # scikit-learn depends on it

from pynn import _core
from pynn.model import threads

__all__ = ["show_config"]


def show_config() -> None:
    """Print version, instruction sets, BLAS and threads.

    Two environment variables are read when pynn is imported. ``PYNN_ISA`` chooses one of the
    available instruction sets. ``PYNN_BLAS=1`` computes large products by BLAS even if pynn has its
    own code for them, for comparison.

    Examples
    --------
    >>> import pynn
    >>> pynn.show_config()  # doctest: +ELLIPSIS
    pynn             ...
    instruction set  ...
    available        baseline...
    BLAS             ...
    threads          ...
    """
    for name, value in configuration().items():
        print(f"{name:15}  {value}")


def configuration() -> dict[str, str]:
    """Return what `show_config` prints, by name."""
    return {
        "pynn": _core.VERSION,
        "instruction set": _core.isa_in_use(),
        "available": ", ".join(_core.available_isas()),
        **_blas(),
    }


def _blas() -> dict[str, str]:
    """Name SciPy's BLAS, which the core calls if it has no tuned tiles, and its threads."""
    packages = os.path.dirname(os.path.dirname(os.path.abspath(scipy.__file__)))
    libraries = [info for info in threadpool_info() if info["user_api"] == "blas"]
    # A wheel of SciPy carries its own BLAS; a distribution's shares one with NumPy.
    own = [x for x in libraries if x["filepath"].startswith(os.path.join(packages, "scipy"))]
    name = "unknown"
    for info in (own or libraries)[:1]:
        keys = ("internal_api", "version", "architecture")
        name = " ".join(str(info[key]) for key in keys if info.get(key))
    use = "not used" if _core.isa_is_tuned() else "used for large products"
    return {
        "BLAS": f"{name} of SciPy {scipy.__version__}, {use}",
        "threads": f"up to {threads.usable()}",
    }
