"""Fully-connected neural networks on the CPU: a small compiled core with a thin Python API."""

import os
import threading
from importlib import import_module
from typing import Any

try:
    from pynn._core import VERSION as __version__  # noqa: N811 (a name that packages share)
except ModuleNotFoundError as error:
    if error.name != "pynn._core":
        raise
    raise ImportError(
        f"{__path__[0]} is pynn's source, which is not compiled: run `pip install -e .` in its "
        "parent folder, or start Python in another folder if pynn is installed"
    ) from None

import_module("pynn.model.threads")  # threadpoolctl's limits then hold from the first Network on

# The module of each public name, imported at first use; type checkers read `__init__.pyi`.
_MODULES = {
    "callbacks": "callbacks",
    "displays": "displays",
    "inspection": "inspection",
    "export": "export",
    "config": "show_config",
    "data.blocks": "NpyBlocks",
    "data.parquet": "ParquetBlocks",
    "estimators.classifier": "MLPClassifier",
    "estimators.regressor": "MLPRegressor",
    "model.activations": "LeakyReLU Parametric",
    "model.costs": "Huber Quantile",
    "model.embeddings": "Categories Periodic PiecewiseLinear",
    "network": "Network",
    "playing": "playground",
    "population": "Population",
    "searching": "search",
    "tabular.classifier": "TabularClassifier",
    "tabular.regressor": "TabularRegressor",
    "training.averages": "EMA SWA",
    "training.optimizers": "SGD Adam AdamW RMSprop Rprop",
    "training.schedules": "CosineRestarts OneCycle ReduceOnPlateau Scheduled StepDecay WarmUp",
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names.split()}

__all__ = [*sorted(_HOMES), "__version__"]

# A fork waits for other threads' imports to finish: otherwise its child would hang on their locks.
_importing = threading.RLock()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_importing.acquire,
        after_in_parent=_importing.release,
        after_in_child=_importing.release,
    )


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'pynn' has no attribute {name!r}")
    with _importing:
        module = import_module(f"pynn.{_HOMES[name]}")
    found = globals()[name] = module if name == _HOMES[name] else getattr(module, name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
