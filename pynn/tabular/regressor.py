"""TabularRegressor: numbers for the rows of a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import RegressorMixin
from sklearn.utils import check_array

from pynn.network import Network
from pynn.tabular.base import Tabular
from pynn.tabular.training import Rows

Array = NDArray[Any]


@dataclass(eq=False, repr=False)
class TabularRegressor(RegressorMixin, Tabular):  # type: ignore[misc]
    """Regressor for tables as they are: numbers, categories, missing values, dates."""

    _METRICS = {"rmse": "val_cost", "mae": "val_cost"}

    def _learn_targets(
        self, y: Any, weights: Array | None
    ) -> tuple[Array, Array | None, Array | None]:
        numbers = check_array(y, ensure_2d=False, dtype=np.float64, input_name="y")
        self._is_one = numbers.ndim == 1
        columns = numbers.reshape(len(numbers), -1)
        self._mean = np.average(columns, axis=0, weights=weights)
        scale = np.sqrt(np.average((columns - self._mean) ** 2, axis=0, weights=weights))
        self._scale = np.where(scale > 0, scale, 1.0)
        return ((columns - self._mean) / self._scale).astype(np.float32), None, weights

    def _new_network(self, n_inputs: int, hidden: Any, **options: Any) -> Network:
        cost = "absolute_error" if self.metric == "mae" else "squared_error"
        return Network([n_inputs, *hidden, len(self._mean)], cost=cost, **options)

    def _calibrate(self, outputs: Array, rows: Rows) -> None:
        self._residuals = rows.y - outputs

    def predict(self, X: Any) -> Array:
        """Predict the number of each row, or its numbers."""
        out = self._outputs(X) * self._scale + self._mean
        return out[:, 0] if self._is_one else out
