"""A part of an epoch: consecutive updates, over rows in an order that is given."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pynn import _core
from pynn.model.model import Model
from pynn.training.descent import Descent
from pynn.training.learners import Plan, Rows, answered

Array = NDArray[Any]

_COPIED = 1 << 23  # bytes of rows that are copied at a time


def learn_part(
    model: Model,
    rows: tuple[Any, Array, Array | None],
    order: NDArray[np.int64],
    descent: Descent,
    plan: Plan,
    rates: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """Train on some rows, in this order.

    The parameters have the same bits whether an epoch is trained as a whole or in parts that end
    with a mini-batch. The mean cost of several calls may differ from that of one in its last bits,
    as it is summed in another order.

    Parameters
    ----------
    model : Model
    rows : tuple (X, y, weights)
        Rows with encoded targets, as the model's dtype has them, and weights or None, all of them
        checked and finite.
    order : ndarray of int64, shape (n,)
        Rows of this part, none of them twice.
    descent : Descent
        With a rate that is constant, or else `rates`.
    plan : Plan
        Its shuffles are not used.
    rates : ndarray of shape (updates,), optional
        Learning rate of each update.

    Returns
    -------
    ndarray of shape (2,)
        Mean cost of the rows, and penalty.

    Raises
    ------
    FloatingPointError
        If a parameter becomes infinite or NaN.
    """
    X, n = rows[0], len(order)
    is_whole = n == X.shape[0]
    batch_size = min(plan.batch_size or n, n)
    n_bytes = (X if isinstance(X, np.ndarray) else X.data).nbytes * batch_size // X.shape[0]
    step = n if is_whole else batch_size * max(1, _COPIED // max(1, n_bytes))
    costs, session = np.zeros(2), _core.Session()
    with session:
        for start in range(0, n, step):
            part = order[start : start + step]
            taken: Any = rows if is_whole else [a if a is None else a[part] for a in rows]
            data = _core.Data(model._rows(taken[0]), taken[1], taken[2], True)
            learner = Rows(model, data, descent, plan, session)
            if is_whole:  # nothing has to be copied: the core follows the order
                learner.order[:] = order
            first = start // batch_size
            each = None if rates is None else rates[first : first + learner.n_updates]
            found, error = answered(learner.learn_at(each))
            if error is not None:
                raise error
            costs += len(part) / n * found[0]
    return costs
