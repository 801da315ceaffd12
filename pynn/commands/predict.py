"""``pynn predict``: predictions for a table, block by block, so that it need not fit in memory."""

from __future__ import annotations

import argparse
import csv
import gzip
import io
import sys
from collections.abc import Iterator
from typing import IO, Any

from pynn.commands.arguments import Commands, add_command, add_encoding, names, number, tell

__all__ = ["add_to", "run"]

_MOST_ROWS = 10_000  # of a block
_MOST_CELLS = 1_000_000


def add_to(commands: Commands) -> None:
    """Add the command."""
    parser = add_command(
        commands, "predict", run, "MODEL DATA [-o FILE] [options]",
        help="predict the target of each row of a table",
        description="Predict the target of each row of a table, and write CSV. The table is read "
        "in blocks, so it may be larger than memory.",
    )  # fmt: skip
    add = parser.add_argument
    add("model", metavar="MODEL", help="file that pynn train wrote")
    add("data", metavar="DATA", help="CSV (.gz too), Parquet or Feather file; - is stdin")
    add("-o", dest="output", default="-", metavar="FILE",
        help="write to this file, compressed if it ends with .gz (default: stdout)")  # fmt: skip
    add("--proba", action="store_true", help="add a column with the probability of each class")
    add("--interval", type=number("(0, 1)"), metavar="X",
        help="add the limits of an interval with coverage X")  # fmt: skip
    add("--with", dest="copied", type=names, default=[], metavar="A,B",
        help="copy these columns of DATA, such as an id, in front")  # fmt: skip
    add_encoding(parser)


def run(arguments: argparse.Namespace) -> None:
    """Predict and write.

    Raises
    ------
    OSError, ValueError, ImportError
        If a file is not as it must be. An output file is then unchanged.
    """
    from pynn.commands import models
    from pynn.model import atomic

    if arguments.output != "-":
        models.check_place(arguments.output, arguments.model, arguments.data)
    lines = _rows(arguments)
    head = next(lines)  # raises errors of both files before anything is written
    path = arguments.output
    if path == "-":
        text = io.TextIOWrapper(sys.stdout.buffer, "utf-8", newline="")
        try:
            _write(text, head, lines)
        finally:
            text.detach()
        return
    if path.endswith((".parquet", ".feather", ".arrow")):
        raise ValueError(f"predictions are written as CSV; give a name such as {path}.csv")

    def write(file: IO[bytes]) -> None:
        raw: Any = gzip.GzipFile(path, "wb", fileobj=file) if path.endswith(".gz") else file
        text = io.TextIOWrapper(raw, "utf-8", newline="")
        _write(text, head, lines)
        text.detach()
        if raw is not file:
            raw.close()

    atomic.replace(path, write)


def _write(text: IO[str], head: list[str], blocks: Iterator[Any]) -> None:
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    for block in blocks:
        writer.writerows(block)
        text.flush()


def _rows(arguments: argparse.Namespace) -> Iterator[Any]:
    """Yield the names of the columns, then blocks of rows."""
    from pynn.commands import models, sources

    model, notes = models.load(arguments.model)
    features = _features(arguments.model, model)
    is_classifier = hasattr(model, "classes_")
    if arguments.proba and not is_classifier:
        raise ValueError(f"{arguments.model} predicts numbers: use --interval 0.9, not --proba")
    if arguments.interval is not None and is_classifier:
        raise ValueError(f"{arguments.model} predicts classes: use --proba, not --interval")
    with sources.opened(arguments.data, arguments.encoding) as source:
        sources.check_names(source, features, "of the model")
        sources.check_names(source, arguments.copied, "for --with")
        known = {*features, notes.target, *notes.left_out, *arguments.copied}
        if others := [name for name in source.names if name not in known]:
            tell(f"columns that the model does not know are not used: {', '.join(others)}")
        yield [*arguments.copied, *_heads(model, notes.target, arguments)]
        n_rows = max(1, min(_MOST_ROWS, _MOST_CELLS // len(source.names)))
        start = 0
        for table, copies in source.blocks(features, arguments.copied, notes.convention, n_rows):
            if not table.shape[0]:
                return
            columns = [copies[name] for name in arguments.copied]
            try:
                columns += _predictions(model, table, arguments)
            except ValueError as error:
                raise ValueError(f"{source.name}, after {start:,} rows: {error}") from error
            yield zip(*columns, strict=True)
            start += table.shape[0]


def _features(path: str, model: Any) -> dict[str, Any]:
    """Return what a model has learned from each column, by name."""
    preparation = getattr(model, "preparation_", None)
    if preparation is None:
        raise ValueError(
            f"{path} holds a {type(model).__name__}, which takes prepared numbers; pynn predict "
            "takes models of pynn train, TabularClassifier and TabularRegressor"
        )
    if preparation.feature_names is None:
        raise ValueError(f"{path} was trained on a table whose columns have no names")
    return dict(zip(preparation.feature_names, preparation.features, strict=True))


def _heads(model: Any, target: str, arguments: argparse.Namespace) -> list[str]:
    heads = [target]
    if arguments.proba:
        heads += [f"{target}={label}" for label in model.classes_.tolist()]
    if arguments.interval is not None:
        heads += [f"{target} low", f"{target} high"]
    return heads


def _predictions(model: Any, table: Any, arguments: argparse.Namespace) -> list[list[Any]]:
    """Return columns of predictions."""
    if not hasattr(model, "classes_"):
        predicted = model.predict(table)
        if predicted.ndim > 1:
            raise ValueError("the model predicts several numbers for a row")
        columns = [predicted]
        if arguments.interval is not None:
            columns += model.predict_interval(table, arguments.interval)
    else:
        p = model.predict_proba(table)
        columns = [model.classes_[p.argmax(axis=1)], *(p.T if arguments.proba else ())]
    return [column.tolist() for column in columns]
