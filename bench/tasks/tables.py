"""Tables of results: figures with units, goals, and whether they were reached."""

from dataclasses import asdict, dataclass, field


@dataclass
class Goal:
    """A bound for one figure, and the figure: None where it was not measured."""

    bound: float
    value: float | None
    unit: str
    at_least: bool = True

    @property
    def reached(self):
        if self.value is None:
            return False
        return self.value >= self.bound if self.at_least else self.value <= self.bound

    def cells(self):
        """Return the goal and the verdict, as the table's last two columns."""
        sign = "≥" if self.at_least else "≤"
        verdict = "yes" if self.reached else "**no**"
        return [f"{sign} {self.bound:g}{self.unit}", verdict]


@dataclass
class Line:
    """One row of a table; figures are what its cells round, for the JSON file."""

    cells: list[str]
    goal: Goal | None = None
    figures: dict = field(default_factory=dict)


@dataclass
class Table:
    """One table with a title, column heads (without the goal's) and notes below."""

    title: str
    head: list[str]
    lines: list[Line] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def missed(self):
        """How many goals of the table were not reached."""
        return sum(1 for line in self.lines if line.goal and not line.goal.reached)

    def markdown(self):
        head = [*self.head, "goal", "reached"]
        rows = [head, ["---", *["---:"] * (len(head) - 1)]]
        for line in self.lines:
            rows.append([*line.cells, *(line.goal.cells() if line.goal else ["–", ""])])
        table = "\n".join("| " + " | ".join(row) + " |" for row in rows) if self.lines else ""
        notes = "  \n".join(self.notes)  # Markdown keeps such lines apart
        return "\n\n".join(part for part in (f"### {self.title}", table, notes) if part)

    def data(self):
        """Return everything as plain data, for JSON."""
        data = asdict(self)
        for line, plain in zip(self.lines, data["lines"], strict=True):
            plain["reached"] = line.goal.reached if line.goal else None
        return data


def seconds(value):
    """Write a duration with three digits."""
    for unit, size in (("s", 1), ("ms", 1e-3), ("µs", 1e-6)):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value * 1e9:.3g} ns"


def times(spread):
    """Write a ratio with its quartiles."""
    median, low, high = spread
    return f"**{median:.3g}×** ({low:.3g}–{high:.3g})"


def disturbed(contenders):
    """Return a note, if somebody else took processor time, as a list."""
    calls = sorted({f"{c.worker.peer} {c.call}" for c in contenders if c.disturbed})
    return [f"DISTURBED by other processes, measure again: {', '.join(calls)}"] if calls else []
