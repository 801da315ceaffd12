"""What the commands share: options, tables with goals, and their way into bench/README.md."""

import argparse
import math
import platform
import re
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from turns import n_processors

FOLDER = Path(__file__).resolve().parent
README = FOLDER / "README.md"
_VERSIONS = ("pynn-learn", "numpy", "scikit-learn", "torch", "jax", "onnxruntime", "joblib")


@dataclass
class Goal:
    """A bound for a figure, and the figure; None if it was not measured."""

    bound: float
    value: float | None
    unit: str = "×"
    at_least: bool = True

    @property
    def reached(self):
        if self.value is None:
            return False
        return self.value >= self.bound if self.at_least else self.value <= self.bound

    def cell(self):
        verdict = "yes" if self.reached else "**no**"
        return f"{'≥' if self.at_least else '≤'} {self.bound:g}{self.unit} {verdict}"


@dataclass
class Table:
    """A table with a title, columns (those of the goals last), notes, and goals of the whole."""

    title: str
    head: list
    lines: list = field(default_factory=list)
    notes: list = field(default_factory=list)
    goal_head: tuple = ("goal",)
    n_texts: int = 1  # columns aligned to the left
    overall: dict = field(default_factory=dict)  # {description: Goal}

    @property
    def missed(self):
        """The number of goals that were not reached."""
        goals = [*self.overall.values(), *(goal for _, goals in self.lines for goal in goals)]
        return sum(not goal.reached for goal in goals)

    def add(self, *cells, goals=()):
        self.lines.append((cells, goals))

    def markdown(self):
        goal_head = self.goal_head if any(goals for _, goals in self.lines) else ()
        head = [*self.head, *goal_head]
        rows = [head, ["---"] * self.n_texts + ["---:"] * (len(head) - self.n_texts)]
        for cells, goals in self.lines:
            texts = [*cells, *(goal.cell() for goal in goals)]
            rows.append(texts + ["–"] * (len(head) - len(texts)))
        table = "\n".join("| " + " | ".join(row) + " |" for row in rows) if self.lines else ""
        goals = [f"{text}: {_value(goal)} ({goal.cell()})" for text, goal in self.overall.items()]
        notes = "  \n".join([*goals, *self.notes])  # two spaces: a line break
        title = f"**{self.title}**" if self.title else ""
        return "\n\n".join(part for part in (title, table, notes) if part)


def _value(goal):
    return "not measured" if goal.value is None else f"{goal.value:.3g}{goal.unit}"


def metric(value, unit=""):
    """Write a number with three digits and a prefix of its unit."""
    prefixes = (("M", 1e6), ("k", 1e3), ("", 1), ("m", 1e-3), ("µ", 1e-6), ("n", 0))
    prefix, size = next(pair for pair in prefixes if value >= pair[1])
    return f"{value / (size or 1e-9):.3g} {prefix}{unit}".rstrip()


def percent(part):
    return "–" if math.isnan(part) else f"{part:.0%}" if part >= 0.01 else "<1%"


def times(spread):
    """Write a ratio with its quartiles."""
    median, low, high = spread
    return f"**{median:.3g}×** ({low:.3g}–{high:.3g})"


def disturbed(contenders):
    """Return a note if other processes took processor time, as a list."""
    calls = sorted({f"{c.worker.library} {c.call}".strip() for c in contenders if c.disturbed})
    some = ", ".join(calls[:4]) + ", …" * (len(calls) > 4)
    return [f"DISTURBED by other processes, measure again: {some}"] if calls else []


def absent(libraries):
    """Return a note on missing libraries, as a list."""
    return [f"absent: {library} ({why})" for library, why in libraries.items()]


def heading(*more, packages=_VERSIONS):
    """Return the date, the machine and the versions, and what else is to be said."""
    found = [f"Python {platform.python_version()}"]
    for name in packages:
        try:
            found.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            found.append(f"{name} absent")
    date = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return "; ".join([f"{date}, {_processor()}, {n_processors()} processors", *found, *more])


def _processor():
    info = Path("/proc/cpuinfo")
    for line in info.read_text().splitlines() if info.is_file() else ():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def parser(description, timed=True, paired=True, draws=False, readme=True):
    """Return a parser with the options that commands share: of all, for rounds, for pictures."""
    result = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    if timed:
        result.add_argument("--quick", action="store_true", help="a first look")
        result.add_argument("--threads", type=_numbers, default=[1, 2], metavar="1,2",
                            help="thread counts to measure or to choose from")  # fmt: skip
    if timed and paired:
        result.add_argument("--rounds", type=int, help="paired rounds (default 12, --quick 5)")
    result.add_argument("--check", action="store_true", help="exit with 1 if a goal is missed")
    result.add_argument("--markdown", type=Path, metavar="FILE", help="write the tables")
    result.set_defaults(readme=False)
    if readme:
        result.add_argument("--readme", action="store_true",
                            help="put the tables (and pictures) into bench/README.md")  # fmt: skip
    if draws:
        result.add_argument("--png", type=Path, metavar="FILE", help="draw the picture")
    return result


def picture(name, options):
    """Return the file of a picture, None if it is not asked for."""
    return FOLDER / f"{name}.png" if options.readme else options.png


def some_of(known):
    """Return a type of option: known names, separated by commas."""

    def parse(text):
        given = text.split(",")
        unknown = sorted(set(given) - set(known))
        if unknown:
            message = f"unknown: {', '.join(unknown)}; known are {', '.join(known)}"
            raise argparse.ArgumentTypeError(message)
        return [name for name in known if name in given]

    return parse


def _numbers(text):
    found = sorted({int(part) for part in text.split(",")})
    if found[0] < 1:
        raise argparse.ArgumentTypeError(f"thread counts are at least 1, not {found[0]}")
    return found


def publish(sections, options, head, n_problems=0, shown=True):
    """Write {section: tables} where the options say; return the exit status.

    head says when and where it was measured. bench/README.md has each section between comments.
    """
    texts = {}
    for section, group in sections.items():
        glue = "  \n" if group[-1].notes or group[-1].overall else "\n\n"  # after a table
        texts[section] = "\n\n".join(table.markdown() for table in group) + glue + head
    if shown:
        print("\n\n".join(texts.values()))
    missed = sum(table.missed for group in sections.values() for table in group) + n_problems
    if options.markdown:
        options.markdown.write_text("\n\n".join(texts.values()) + "\n")
    if options.readme:
        readme = README.read_text(encoding="utf-8")
        for section, text in texts.items():
            readme = _put(readme, section, text)
        README.write_text(readme, encoding="utf-8")
    say(f"{missed} goals missed or not measured")
    return int(bool(options.check and missed))


def _put(readme, section, text):
    """Replace what stands between a section's comments."""
    begin, end = f"<!-- {section} -->", f"<!-- end of {section} -->"
    pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.S)
    if not pattern.search(readme):
        raise SystemExit(f"{README} has no section {begin} … {end}")
    return pattern.sub(lambda _: f"{begin}\n{text}\n{end}", readme)


def say(text, end="\n"):
    """Print progress on standard error; a carriage return as end lets the next line replace it."""
    if end == "\n" or sys.stderr.isatty():
        print(f"{text:79}" if sys.stderr.isatty() else text, end=end, file=sys.stderr, flush=True)
