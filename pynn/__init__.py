"""Fully-connected neural networks on the CPU: a small compiled core under a thin Python layer."""

try:
    from pynn._core import VERSION as __version__  # noqa: N811 (a name that packages share)
except ModuleNotFoundError as error:
    if error.name != "pynn._core":
        raise
    raise ImportError(
        f"{__path__[0]} is pynn's source, which is not compiled: start Python in another folder, "
        "so that it finds the pynn that pip installed"
    ) from None

from pynn import callbacks, inspect
from pynn.config import show_config
from pynn.costs import Huber, Quantile
from pynn.estimators.classifier import MLPClassifier
from pynn.estimators.regressor import MLPRegressor
from pynn.network import Network
from pynn.optimizers import SGD, Adam, AdamW, RMSprop, Rprop
from pynn.schedules import CosineRestarts, OneCycle, ReduceOnPlateau, StepDecay, WarmUp
from pynn.streams import NpyBlocks, ParquetBlocks

__all__ = [
    "SGD",
    "Adam",
    "AdamW",
    "CosineRestarts",
    "Huber",
    "MLPClassifier",
    "MLPRegressor",
    "Network",
    "NpyBlocks",
    "OneCycle",
    "ParquetBlocks",
    "Quantile",
    "RMSprop",
    "ReduceOnPlateau",
    "Rprop",
    "StepDecay",
    "WarmUp",
    "__version__",
    "callbacks",
    "inspect",
    "show_config",
]
