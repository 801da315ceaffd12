"""The core itself, on memory that shows where it writes: every array that it fills begins at any
element behind a cache line's start and has NaN around it and, before the call, in it."""

import member_reference
import numpy as np
import reference

from pynn import _core
from pynn.model.activations import parameter_of
from pynn.model.regularisation import Regularisation

GUARD = 64  # elements before and after: more than the widest vector


class Guarded:
    """A copy of an array in the midst of NaN, `offset` elements behind a cache line's start."""

    def __init__(self, array, offset=0):
        line = 64 // array.itemsize
        memory = np.full(GUARD + line + offset + array.size + GUARD, np.nan, array.dtype)
        start = GUARD + offset + -(memory.ctypes.data // array.itemsize + GUARD) % line
        self.array = memory[start : start + array.size].reshape(array.shape)
        self.array[...] = array
        self.around = memory[:start], memory[start + array.size :]

    def intact(self):
        assert all(np.isnan(part).all() for part in self.around), "written beside the array"
        return self.array


class Bare:
    """A network of given parameters, with the oracle of it. Nothing here checks its arguments."""

    def __init__(self, sizes, activations, cost, parameters, offset=0, bias=True, scale=False,
                 residual=(), norms=(), parametric=(), members=0):  # fmt: skip
        parameter = {"huber": 1.0, "quantile": 0.3}.get(cost, 0.0)
        self.oracle = reference.Network(
            list(sizes),
            list(activations),
            cost,
            bias,
            parameter,
            scale,
            residual,
            norms,
            parametric=parametric,
        )
        self.core = _core.Core(
            tuple(sizes),
            tuple(activations),
            tuple(map(parameter_of, activations)),
            bias,
            scale,
            residual,
            norms,
            cost,
            parameter,
            parameters.dtype.name,
            members,
            parametric=parametric,
        )
        if members:
            self.oracle = member_reference.Members(self.oracle, members)
        assert self.core.n_parameters == parameters.size
        self.guarded, self.offset = Guarded(parameters, offset), offset
        self.dtype = parameters.dtype

    @property
    def p(self):
        """The parameters, for the oracle: in float64."""
        return self.guarded.array.astype(float)

    def regularisation(self, alpha):
        return Regularisation.checked(len(self.oracle.activations), alpha=alpha).core

    def empty(self, *shape):
        return Guarded(np.full(shape, np.nan, self.dtype), self.offset)

    def predict(self, X, n_threads=1):
        out = self.empty(len(X), self.oracle.layer_sizes[-1])
        self.core.predict(out.array, self.guarded.intact(), _core.Data(X), n_threads)
        return out.intact()

    def gradient(self, X, y, w=None, alpha=0.0, n_threads=1):
        gradient = self.empty(self.core.n_parameters)
        data = _core.Data(X, y, w)
        self.core.cost(self.guarded.intact(), data, self.regularisation(alpha), gradient.array,
                       n_threads)  # fmt: skip
        return gradient.intact()

    def train(self, rule, X, y, w=None, alpha=0.0, batch_size=None, slots=(), t=0, n_threads=1,
              **more):  # fmt: skip
        """One epoch in the order of the rows, from these slots; the new parameters and slots."""
        slots = [Guarded(slot, self.offset) for slot in slots]
        state = _core.State(rule._rule(), [s.array for s in slots], t, **rule._coefficients())
        costs = np.full((1, 2), np.nan)
        n_done, error = self.core.train(
            self.guarded.array,
            state,
            costs,
            _core.Data(X, y, w),
            np.arange(len(X)),
            None,
            n_epochs=1,
            batch_size=batch_size or len(X),
            regularisation=self.regularisation(alpha),
            n_threads=n_threads,
            **more,
        )
        assert (n_done, error) == (1, None)
        assert np.isfinite(costs).all()
        return self.guarded.intact(), [slot.intact() for slot in slots]
