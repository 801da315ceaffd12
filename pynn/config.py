"""How this pynn is built and what it runs on."""

from __future__ import annotations

import os

from pynn import _core

__all__ = ["show_config"]


def show_config() -> None:
    """Print version, instruction sets, BLAS and threads.

    The environment variable ``PYNN_ISA`` chooses one of the instruction sets that are available,
    when pynn is imported.

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
    """Name SciPy's BLAS, which is what the core calls, and its threads."""
    import scipy
    from threadpoolctl import threadpool_info  # scikit-learn depends on it

    packages = os.path.dirname(os.path.dirname(os.path.abspath(scipy.__file__)))
    blas = [info for info in threadpool_info() if info["user_api"] == "blas"]
    # A wheel of SciPy carries its own BLAS; a distribution's shares one with NumPy.
    own = [info for info in blas if info["filepath"].startswith(os.path.join(packages, "scipy"))]
    for info in own or blas:
        details = " ".join(str(info[key]) for key in ("version", "architecture") if info.get(key))
        return {
            "BLAS": f"{info['internal_api']} {details} of SciPy {scipy.__version__}",
            "threads": f"1 of pynn; {info['num_threads']} of BLAS in large products",
        }
    return {"BLAS": f"that of SciPy {scipy.__version__}", "threads": "1 of pynn"}
