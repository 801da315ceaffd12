"""``pynn export``: a model in a format of other programs."""

from __future__ import annotations

import argparse
from importlib import import_module

from pynn.commands.arguments import Commands, add_command

__all__ = ["add_to", "run"]

FORMATS = {
    "onnx": "ONNX, for ONNX Runtime and servers",
    "c": "a C99 header without dependencies",
    "json": "readable text, which pynn.export.from_json reads",
    "numpy": "Python source that predicts with NumPy alone",
    "sklearn": "a pickle of scikit-learn's MLPClassifier or MLPRegressor, not for tables",
}


def add_to(commands: Commands) -> None:
    """Add the command."""
    listed = "; ".join(f"{name}: {what}" for name, what in FORMATS.items())
    parser = add_command(
        commands, "export", run,
        help="export a model as ONNX, C, JSON, ...",
        description=f"Export a saved model for use without pynn. {listed}.",
    )  # fmt: skip
    parser.add_argument("model", metavar="MODEL", help="a file of pynn train or save()")
    parser.add_argument(
        "--to", required=True, choices=list(FORMATS), metavar="|".join(FORMATS), help="format"
    )
    parser.add_argument("-o", dest="output", required=True, metavar="FILE", help="file to write")


def run(arguments: argparse.Namespace) -> None:
    """Write the model.

    Raises
    ------
    OSError, ValueError, TypeError, ImportError
        If the file is no model, or the format cannot hold it.
    """
    from pynn.commands import models
    from pynn.model import atomic

    models.check_place(arguments.output, arguments.model)
    model, _ = models.load(arguments.model)
    exporter = import_module("pynn.export")
    if arguments.to == "sklearn":
        import pickle

        content = pickle.dumps(exporter.to_sklearn(model))
        atomic.replace(arguments.output, lambda file: file.write(content))
    else:
        getattr(exporter, f"to_{arguments.to}")(model, arguments.output)
    print(f"{arguments.output}: {FORMATS[arguments.to]}")
