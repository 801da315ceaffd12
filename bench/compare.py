"""Training throughput, side by side: pynn, NumPy by hand, scikit-learn, PyTorch, JAX.

    python bench/compare.py [--quick] [--cases xor,mid] [--peers sklearn,jax] [--check] [--readme]

Every peer trains the same network on the same rows from the same weights, in a warm process of its
own; they take turns, one at a time. bench/README.md explains the table.
"""

import math
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # python -P omits it

import cases
import numpy as np
import peak
import pictures
import report
from cases import CASES
from peers import PEERS, label
from report import Goal, Table, say
from turns import Contender, plan_of, ratio, rounds
from worker import WorkerError, Workers


@dataclass
class Entrant(Contender):
    """One peer in one form with one number of threads; ``call`` is the form."""

    loss: float = math.nan
    loss_dropped: float = math.nan  # with dropout, where the case has it
    before: float = math.nan  # the loss of the initial weights
    footnote: str = ""
    problem: str = ""

    @property
    def peer(self):
        return self.worker.library


@dataclass
class Result:
    """One case: the chosen entrant of each peer, and who else is the fastest."""

    case: cases.Case
    source: str
    columns_used: float
    chosen: dict

    def sound(self, peer):
        """Return a peer's entrant, None if it has no sound rounds."""
        entrant = self.chosen.get(peer)
        return entrant if entrant and entrant.seconds and not entrant.problem else None

    @property
    def best_other(self):
        """The fastest other peer that did the same work, or None."""
        others = [peer for peer in self.chosen if peer != "pynn" and self.sound(peer)]
        others = [peer for peer in others if not self.chosen[peer].footnote]
        return min(others, key=lambda peer: self.chosen[peer].median, default=None)

    def ratio(self, peer, to):
        """Return the spread of the throughput of one over another's, None without rounds."""
        fast, slow = self.sound(peer), self.sound(to)
        return ratio(slow, fast) if fast and slow else None

    def rate(self, entrant):
        """Return samples a second."""
        return self.case.batch_size / entrant.median

    def part_of_peak(self, entrant, peaks):
        """Return the arithmetic of dense products as part of the FMA peak of the threads used."""
        flop = self.rate(entrant) * self.case.flop_per_sample
        return flop / (peaks[entrant.worker.n_threads] * 1e9)


def main():
    """Measure what the command line asks for; return the exit status."""
    options = _command_line()
    plan = plan_of(options)
    started = time.perf_counter()
    peaks, method = peak.measure(plan.thread_counts)
    say("starting the peers")
    results = []
    with Workers("tasks.training", options.peers, plan.thread_counts) as workers:
        for name in options.cases:
            begun = time.perf_counter()
            say(f"{name}: {CASES[name].describe()}")
            results.append(_measure(CASES[name], workers, plan))
            say(f"  {time.perf_counter() - begun:.0f} s")
    shown = ", ".join(f"{n}: {value:.0f}" for n, value in peaks.items())
    shown = f"fp32 FMA peak in GFLOP/s by threads: {shown} ({method})"
    head = report.heading(shown, *report.absent(workers.absent))
    sections = {
        section: [_table(group, list(workers.of), peaks, plan)]
        for section, plain in (("training", True), ("beyond", False))
        if (group := [result for result in results if result.case.plain == plain])
    }
    picture = report.picture("results", options)
    plain = [result for result in results if result.case.plain]
    if picture and plain:
        pictures.throughput(plain, picture)
    say(f"{time.perf_counter() - started:.0f} s in all")
    return report.publish(sections, options, head)


def _command_line():
    parser = report.parser(__doc__, draws=True)
    parser.add_argument("--cases", type=report.some_of(CASES), default=list(CASES), metavar="A,B")
    parser.add_argument("--peers", type=report.some_of(PEERS), default=list(PEERS), metavar="A,B",
                        help=f"of {', '.join(PEERS)}; numpy always runs")  # fmt: skip
    options = parser.parse_args()
    options.peers = [name for name in PEERS if name in options.peers or name == "numpy"]
    return options


def _measure(case, workers, plan):
    """Check agreement, choose each peer's form and threads, and measure paired rounds."""
    X, _, source = cases.load_data(case, plan.quick)
    used = cases.columns_used(case, X)
    source = f"{source}, {X.shape[0]} rows"
    del X
    entrants = _open(case, workers, plan)
    _judge(case, entrants)
    _each(entrants, lambda e: e.calibrate(plan.piece))
    say("  choosing each peer's best form and number of threads")
    for _ in range(plan.n_scouts):
        _each(entrants, Entrant.turn)
    chosen = {}
    for peer in workers.of:
        mine = [entrant for entrant in entrants if entrant.peer == peer]
        if mine:  # the fastest; if all fail, the first
            chosen[peer] = min(mine, key=lambda e: (bool(e.problem), e.median))
            chosen[peer].forget()
    for number in rounds(plan):
        say(f"  round {number + 1} of {plan.n_rounds}", end="\r")
        _each(chosen.values(), Entrant.turn)
    _each(chosen.values(), _check_end)
    for worker in workers:
        with suppress(WorkerError):  # it said so before
            worker.ask(do="forget")
    return Result(case, source, used, chosen)


def _open(case, workers, plan):
    """Have each peer train the check in each form and with each number of threads."""
    entrants = []
    for worker in workers:
        if plan.quick and case.name == "big" and worker.n_threads < plan.n_threads:
            continue  # a step takes seconds
        say(f"  check: {worker.library} with {worker.n_threads} thread(s)", end="\r")
        try:
            found = worker.ask(do="open_all", case=asdict(case), quick=plan.quick)
        except WorkerError as error:
            found = {"": {"problem": str(error)}}
        entrants += [Entrant(worker, form, **checked) for form, checked in found.items()]
    return entrants


def _judge(case, entrants):
    """Mark entrants whose loss differs from NumPy's by more than the tolerance."""
    numpy = next(entrant for entrant in entrants if entrant.peer == "numpy")
    if not numpy.loss < numpy.before:
        raise SystemExit(f"the reference did not learn: loss {numpy.before} → {numpy.loss}")
    allowed = {"loss": cases.TOLERANCE[case.rule] * (numpy.before - numpy.loss)}
    if case.dropout:
        allowed["loss_dropped"] = cases.DROPOUT_TOLERANCE * (numpy.loss_dropped - numpy.loss)
    for kind, most in allowed.items():
        reference = getattr(numpy, kind)
        for entrant in entrants:
            loss = getattr(entrant, kind)
            if not entrant.problem and not entrant.footnote and not abs(loss - reference) <= most:
                entrant.problem = f"disagrees: {kind} {loss:.6g}, NumPy's {reference:.6g}"


def _each(entrants, action):
    """Do something with each entrant that has no problem; an error becomes its problem."""
    for entrant in entrants:
        if not entrant.problem:
            try:
                action(entrant)
            except WorkerError as error:
                entrant.problem = str(error)


def _check_end(entrant):
    """Reject a network whose loss rose while it was timed."""
    loss = entrant.worker.ask(do="loss", form=entrant.call)["loss"]
    if not entrant.footnote and not loss < entrant.before:
        entrant.problem = f"loss {loss:.6g} after the timing, {entrant.before:.6g} before training"


def _table(results, peers, peaks, plan):
    """Return a row for each case, a column for each peer, and pynn's paired ratios with goals."""
    footnotes = []
    table = Table(
        "",
        ["case", *map(label, peers), "pynn / NumPy", "pynn / best other", "input columns used"],
        goal_head=("ratio: goal", "% of peak: goal"),
    )
    for result in results:
        case, best = result.case, result.best_other
        cells = [_rate(result, peer, peaks, footnotes) for peer in peers]
        ratios = [result.ratio("pynn", "numpy"), result.ratio("pynn", best)]
        texts = [report.times(found).replace("×", "") if found else "–" for found in ratios]
        texts[1] += f" {label(best)}" if best else ""
        cells += [*texts, f"{result.columns_used:.0%}"]
        table.add(case.name, *cells, goals=_goals(result, ratios[1], peaks))
    _add_mean(table, results)
    table.notes = _notes(results, plan) + [f"[{i}] {note}" for i, note in enumerate(footnotes, 1)]
    return table


def _rate(result, peer, peaks, footnotes):
    entrant = result.chosen.get(peer)
    if entrant is None:
        return "–"
    notes = [f"{label(peer)}: {entrant.problem}"] if entrant.problem else []
    notes += [entrant.footnote] if entrant.footnote else []
    footnotes += [note for note in notes if note not in footnotes]
    marks = "".join(f" [{footnotes.index(note) + 1}]" for note in notes)
    if not entrant.seconds:
        return f"✗{marks}"
    parts = [report.metric(result.rate(entrant)), entrant.call, f"{entrant.worker.n_threads}t"]
    parts.append(report.percent(result.part_of_peak(entrant, peaks)))
    return " ".join(part for part in parts if part) + marks


def _goals(result, best_ratio, peaks):
    """Return the goals of a case: ratio, % of peak."""
    name = result.case.name
    if name == "sparse":
        found = result.ratio("pynn", "sklearn")
        return [Goal(cases.SPARSE_GOAL, found and found[0], "× scikit-learn")]
    least, percent = cases.GOALS.get(name, (None, None))
    pynn = result.sound("pynn")
    goals = [Goal(least, best_ratio and best_ratio[0])] if least else []
    if percent:
        part = 100 * result.part_of_peak(pynn, peaks) if pynn else None
        goals.append(Goal(percent, part, "%"))
    return goals


def _add_mean(table, results):
    """Add the geometric mean, if all cases with a goal were measured."""
    goals = [goals[0] for cells, goals in table.lines if cells[0] in cases.GOALS]
    if len(goals) == len(cases.GOALS):
        found = [goal.value for goal in goals]
        mean = None if None in found else float(np.exp(np.mean(np.log(found))))
        table.overall = {"Geometric mean of pynn / best other": Goal(cases.GEOMETRIC_MEAN, mean)}


def _notes(results, plan):
    sources = {}
    for result in results:
        sources.setdefault(result.source, []).append(result.case.name)
    return [
        "Samples a second in training (t: threads; %: arithmetic of dense products, or of the "
        "entries of sparse rows, as part of the FMA peak of those threads). –: the library cannot "
        "train the case.",
        f"Ratios: median of at most {plan.n_rounds} paired rounds (quartiles).",
        "Data: " + "; ".join(f"{', '.join(names)}: {data}" for data, names in sources.items()),
        *(
            f"{result.case.name}: {note}"
            for result in results
            for note in report.disturbed(result.chosen.values())
        ),
    ]


if __name__ == "__main__":
    sys.exit(main())
