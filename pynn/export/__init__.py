"""Exports networks and estimators to other programs, and imports their networks.

Each function takes a `pynn.Network`, an `MLPClassifier` or an `MLPRegressor`; `to_onnx`, `to_c` and
`to_numpy` also take a Pipeline of scalers and one of these. These three and `to_json` also take a
`TabularClassifier` or a `TabularRegressor`. Nothing here changes the model.
"""

from pynn.export.arrays import from_keras, from_torch, to_keras, to_torch
from pynn.export.c_source import to_c
from pynn.export.json_text import from_json, to_json
from pynn.export.numpy_source import to_numpy
from pynn.export.onnx_file import to_onnx
from pynn.export.onnx_pipelines import register_skl2onnx
from pynn.export.perceptrons import from_sklearn, to_sklearn

__all__ = [
    "from_json",
    "from_keras",
    "from_sklearn",
    "from_torch",
    "register_skl2onnx",
    "to_c",
    "to_json",
    "to_keras",
    "to_numpy",
    "to_onnx",
    "to_sklearn",
    "to_torch",
]
