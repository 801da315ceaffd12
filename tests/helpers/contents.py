"""What is in a model or a fit, in a form that can be compared."""

import numpy as np

import pynn
from pynn.training.descent import Descent
from pynn.training.history import History, Patience


def content(value):
    """Return all attributes and numbers of a value, bit for bit."""
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, value.tobytes()
    if isinstance(value, np.random.RandomState):
        return content(value.get_state(legacy=False))
    if isinstance(value, dict):
        return {key: content(item) for key, item in value.items()}
    if isinstance(value, list | tuple | pynn.Population):
        return [content(item) for item in value]
    if isinstance(value, Descent | pynn.Network):
        return content(value.__getstate__())
    if isinstance(value, History | Patience):
        return content(vars(value))
    if hasattr(value, "get_params"):
        return content(vars(value))
    return repr(value)


def of(model):
    """Return all attributes of an estimator, but for the mark of a fit under way."""
    if not hasattr(model, "get_params"):
        return content(model)
    passing = "_fit_under_way"  # in no pickle, either
    return content({name: value for name, value in vars(model).items() if name != passing})


def differences(before, now, where=""):
    """Return where two contents differ, as text."""
    if isinstance(before, dict) and isinstance(now, dict):
        return "".join(
            differences(before.get(name), now.get(name), f"{where}.{name}")
            for name in before.keys() | now.keys()
        )
    return "" if before == now else f"{where}: {str(before)[:80]} became {str(now)[:80]}\n"
