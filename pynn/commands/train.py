"""``pynn train``: a model for a table, and a report on how good it is."""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import sys
import textwrap
import warnings
from time import monotonic
from typing import TYPE_CHECKING, Any

import numpy as np

from pynn.commands.arguments import (
    EPOCHS_LIMIT,
    SEED_LIMIT,
    Commands,
    add_command,
    add_encoding,
    integer,
    names,
    number,
    printable,
    sizes,
    tell,
)

if TYPE_CHECKING:
    from pynn.commands.tables import Data

__all__ = ["add_to", "run"]

TASKS = ("auto", "classification", "regression")
_MOST_CLASSES = 6  # whose numbers of rows are shown
_WIDTHS = 60, 120  # of the report


def add_to(commands: Commands) -> None:
    """Add the command."""
    parser = add_command(
        commands, "train", run, "DATA --target COLUMN [-o MODEL] [options]",
        help="train a model on a table, and report how good it is",
        description="Train a model on a table, and report how good it is on rows set aside.",
    )  # fmt: skip
    add = parser.add_argument
    add("data", metavar="DATA", help="CSV (.gz too), Parquet or Feather file; - is stdin")
    add("--target", required=True, metavar="COLUMN", help="column to predict")
    add("-o", dest="output", metavar="MODEL", help="write the model to this file")
    add("--task", choices=TASKS, default="auto", metavar="TASK",
        help="classification, regression or (default) auto")  # fmt: skip
    add("--categorical", type=names, default=[], metavar="A,B", help="columns of numeric codes")
    add("--drop", type=names, default=[], metavar="A,B", help="columns to leave out")
    add("--hidden", type=sizes, metavar="N,N", help="units of hidden layers (default: 96,96)")
    add("--max-iter", type=integer(1, EPOCHS_LIMIT), metavar="N",
        help="maximum number of epochs (default: 60)")  # fmt: skip
    add("--fast", action="store_true", help="2 networks instead of 8, for a first look")
    add("--time-limit", type=number("(0, inf)"), metavar="SEC", help="stop after SEC seconds")
    add("--test-size", type=number("[0, 1)"), default=0.2, metavar="X",
        help="share of the rows set aside (default: 0.2)")  # fmt: skip
    add("--seed", type=integer(0, SEED_LIMIT), default=0, metavar="N", help="(default: 0)")
    add("--missing", type=names, default=[], metavar="A,B", help="more texts of missing values")
    add("--decimal", choices=[".", ","], default=".", metavar="MARK", help="decimal mark: . or ,")
    add_encoding(parser)
    add("-q", "--quiet", action="store_true", help="print no progress on stderr")


def run(arguments: argparse.Namespace) -> None:
    """Train, report and save.

    Raises
    ------
    OSError, ValueError, ImportError
        If the table or the model file is not as it must be.
    KeyboardInterrupt
        On Ctrl-C, also where `fit` would end with fewer networks: no file is written then.
    """
    from pynn.commands import models, sources, tables
    from pynn.commands.kinds import MISSING, Convention
    from pynn.model.files import require_safetensors

    if arguments.output is not None:
        models.check_place(arguments.output, arguments.data)
        require_safetensors()
    missing = [*MISSING, *arguments.missing]
    wishes = tables.Wishes(
        arguments.target, arguments.task, arguments.categorical, arguments.drop,
        arguments.test_size, arguments.seed, Convention(frozenset(missing), arguments.decimal),
    )  # fmt: skip
    with sources.opened(arguments.data, arguments.encoding) as source:
        data = tables.read(source, wishes)
    begun = monotonic()
    model = _fitted(_model(arguments, data), data, is_quiet=arguments.quiet)
    seconds = monotonic() - begun
    lines = [*_about(source.name, data, model, seconds), "", *_scores(data, model, arguments.seed)]
    report = "\n".join(lines)
    if arguments.output is not None:
        notes = models.Notes(arguments.target, data.left_out, missing, arguments.decimal, report)
        models.save(model, arguments.output, notes)
        report += f"\n\nModel: {arguments.output}"
    print(printable(report))


def _model(arguments: argparse.Namespace, data: Data) -> Any:
    """Return the estimator that the arguments describe."""
    from pynn.tabular.classifier import TabularClassifier
    from pynn.tabular.regressor import TabularRegressor

    expert: dict[str, Any] = {}
    if arguments.hidden is not None:
        expert["hidden_layer_sizes"] = arguments.hidden
    if arguments.max_iter is not None:
        expert["epochs"] = arguments.max_iter
    return (TabularClassifier if data.target.is_classes else TabularRegressor)(
        preset="fast" if arguments.fast else "default",
        categorical_features=data.categorical or "auto",
        time_limit=arguments.time_limit,
        expert=expert or None,
        random_state=arguments.seed,
        verbose=not arguments.quiet,
    )


def _fitted(model: Any, data: Data, is_quiet: bool) -> Any:
    """Return a fitted model without its parameters for this process; progress is on stderr."""
    from pynn.estimators.messages import INTERRUPTED

    with warnings.catch_warnings(record=True) as caught, contextlib.redirect_stdout(sys.stderr):
        warnings.simplefilter("always")
        model.fit(data.train, data.y_train)
    for warning in caught:
        if str(warning.message).startswith(INTERRUPTED):
            raise KeyboardInterrupt
        tell(str(warning.message))
    return model.set_params(verbose=False)


def _about(name: str, data: Data, model: Any, seconds: float) -> list[str]:
    """Return lines about the table and the model."""
    from pynn.commands.report import columns_in_words

    target, (n_train, n_test) = data.target, (len(data.y_train), len(data.y_test))
    if target.is_classes:
        classes, counts = np.unique(target.y, return_counts=True)
        most = [f"{k} {n:,}" for k, n in zip(classes.tolist(), counts, strict=True)][:_MOST_CLASSES]
        more = ", ..." if len(classes) > _MOST_CLASSES else ""
        what = f"{len(classes)} classes: {', '.join(most)}{more}"
    else:
        quartiles = np.quantile(target.y, [0, 0.5, 1])
        what = "a number from {:.5g} to {:.5g}, median {:.5g}".format(*quartiles[[0, 2, 1]])
    layers = "-".join(map(str, model.recipe_.hidden_layer_sizes))
    n = len(model.networks_)
    n_rows = f"{n_train + n_test:,} rows, {n_test:,} of them set aside"
    rows = {
        "Table": f"{os.path.basename(name)}: {n_rows}",
        "Target": f"{target.name}: {what}",
        "Columns": columns_in_words(model.preparation_),
        "Left out": ", ".join(data.left_out),
        "Model": f"{n} network{'s' * (n > 1)} with hidden layers of {layers}, {seconds:.1f} s",
    }
    lines = []
    for head, text in rows.items():
        if text:
            lines += textwrap.wrap(
                f"{head:10}{text}", _width(), subsequent_indent=" " * 10, break_on_hyphens=False
            )
    return lines


def _scores(data: Data, model: Any, seed: int) -> list[str]:
    """Return lines with the scores on the rows set aside, or on those left out in turn."""
    from pynn.commands import baselines, report

    if data.test is None:
        score = f"{model.metric_} {model.validation_score_:.4g}"
        return [f"No rows set aside. On rows that the networks left out in turn: {score}"]
    is_classifier = data.target.is_classes
    y, y_test = data.y_train, data.y_test
    if is_classifier:
        y, y_test = (np.searchsorted(model.classes_, some) for some in (y, y_test))
    own = (model.predict_proba if is_classifier else model.predict)(data.test)
    others = baselines.predictions(data.train, y, data.test, is_classifier, seed)
    classes = [str(k) for k in model.classes_.tolist()] if is_classifier else None
    return report.of_test(y_test, {"pynn": own, **others}, classes, seed, _width())


def _width() -> int:
    return int(np.clip(shutil.get_terminal_size().columns, *_WIDTHS))
