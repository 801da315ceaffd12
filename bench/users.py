"""What users do, beside other libraries: fits, prediction, accuracy, memory, many at once.

    python bench/users.py [--quick] [--only fits,predict] [--check] [--markdown FILE]

compare.py measures training throughput; this measures the rest. bench/README.md says how to read
the tables.
"""

import argparse
import json
import platform
import sys
import time
from datetime import UTC, datetime
from importlib import import_module, metadata
from pathlib import Path

from script import n_processors, processor, say
from tasks import SUBJECTS
from tasks.turns import Plan

RESULTS = Path(__file__).with_name("results")
_SHOWN_VERSIONS = ("pynn-learn", "numpy", "scikit-learn", "torch", "onnxruntime", "joblib")


def main():
    """Measure what the command line asks for; return the exit status."""
    options = _command_line()
    n_threads = n_processors()
    if options.quick:
        plan = Plan(True, options.rounds or 5, 0.05, n_threads)
    else:
        plan = Plan(False, options.rounds or 12, 0.2, n_threads)
    started, tables, problems = time.perf_counter(), {}, {}
    text = [_heading(n_threads)]
    print(*text, flush=True)
    for subject in options.only:
        begun = time.perf_counter()
        say(subject)
        try:
            tables[subject] = import_module(f"tasks.{subject}").measure(plan, say)
            parts = [table.markdown() for table in tables[subject]]
        except Exception as error:  # the other subjects' figures are worth having
            problems[subject] = f"{type(error).__name__}: {error}"
            parts = [f"{subject} was not measured: {problems[subject]}"]
        print("", "\n\n".join(parts), sep="\n", flush=True)
        text += parts
        say(f"  {time.perf_counter() - begun:.0f} s")
    missed = sum(table.missed for group in tables.values() for table in group) + len(problems)
    _write(options, "\n\n".join(text), tables, problems)
    say(f"{time.perf_counter() - started:.0f} s in all; {missed} goals missed; {options.json}")
    return int(bool(options.check and missed))


def _command_line():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", type=_subjects, default=SUBJECTS, metavar="A,B",
                        help=f"of {', '.join(SUBJECTS)}")  # fmt: skip
    parser.add_argument("--quick", action="store_true", help="fewer rounds and rows")
    parser.add_argument("--rounds", type=int, help="paired rounds (default 12, --quick 5)")
    parser.add_argument("--check", action="store_true", help="exit with 1 below a goal")
    parser.add_argument("--json", type=Path, default=RESULTS / "users.json", metavar="FILE")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the tables, too")
    return parser.parse_args()


def _subjects(text):
    unknown = sorted(set(text.split(",")) - set(SUBJECTS))
    if unknown:
        message = f"unknown: {', '.join(unknown)}; known are {', '.join(SUBJECTS)}"
        raise argparse.ArgumentTypeError(message)
    return [subject for subject in SUBJECTS if subject in text.split(",")]


def _write(options, text, tables, problems):
    options.json.parent.mkdir(parents=True, exist_ok=True)
    data = {name: [table.data() for table in group] for name, group in tables.items()}
    data = {"heading": text.split("\n\n", 1)[0], "tables": data, "problems": problems}
    options.json.write_text(json.dumps(data, indent=1) + "\n")
    if options.markdown:
        options.markdown.write_text(text + "\n")


def _heading(n_threads):
    date = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    versions = [f"Python {platform.python_version()}"]
    for name in _SHOWN_VERSIONS:
        try:
            versions.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            versions.append(f"{name} absent")
    return f"{date}, {processor()}, {n_threads} processors  \n{', '.join(versions)}"


if __name__ == "__main__":
    sys.exit(main())
