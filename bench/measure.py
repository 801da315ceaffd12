"""One case, measured: agreement first, then each peer's best form, then paired rounds."""

import math
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import cases
import numpy as np
from worker import WorkerError

_SETTLE = 0.02  # seconds between two pieces, in which the last one's threads stop spinning


@dataclass(frozen=True)
class Plan:
    """How long and how often to measure."""

    quick: bool
    n_rounds: int
    n_scouts: int  # rounds, after calibration, that choose each peer's form and thread count
    piece: float  # seconds that one timed piece should last
    patience: float  # seconds after which a case gets no more rounds than three


@dataclass
class Contender:
    """One peer in one form with one number of threads, and what it did."""

    peer: str
    form: str
    worker: object
    loss: float = math.nan
    loss_dropped: float = math.nan  # with dropout, where the case has it
    footnote: str = ""
    problem: str = ""
    n_batches: int = 1
    scouted: list = field(default_factory=list)
    rates: list = field(default_factory=list)
    processors: list = field(default_factory=list)

    def piece(self, batch_size):
        """Train one piece; return samples a second, its seconds, and processors kept busy."""
        time.sleep(_SETTLE)
        done = self.worker.ask(do="train", form=self.form, n_batches=self.n_batches)
        seconds = done["seconds"]
        return done["n_batches"] * batch_size / seconds, seconds, done["cpu_seconds"] / seconds


def measure(case, workers, plan, folder, say):
    """Return the result of one case as plain data, ready for JSON."""
    if plan.quick and case.heavy:
        most = max(worker.n_threads for worker in workers)
        workers = [worker for worker in workers if worker.n_threads == most]
    X, y, source = cases.load_data(case, plan.quick)
    initial = cases.initial_parameters(case)
    file = Path(folder) / f"{case.name}.npz"
    cases.write(file, X, y, initial)

    contenders = [
        _open(case, worker, form, file, say)
        for worker in workers
        for form in _forms(case, worker, plan)
    ]
    file.unlink()
    before = cases.loss(case, initial, X, y)
    numpy = next(c for c in contenders if c.peer == "numpy")
    reference = numpy.loss
    if not reference < before:
        raise SystemExit(f"the reference did not learn: loss {before} before, {reference} after")
    # Distances are measured by what training took off the loss, or by what dropout adds to it.
    _judge(contenders, "loss", reference, cases.TOLERANCE[case.rule] * (before - reference))
    if case.dropout:
        added = numpy.loss_dropped - reference
        _judge(contenders, "loss_dropped", numpy.loss_dropped, cases.DROPOUT_TOLERANCE * added)

    _each(contenders, lambda c: _calibrate(c, case, plan))
    say("  choosing each peer's best form and thread count")
    for _ in range(plan.n_scouts):
        _each(contenders, lambda c: c.scouted.append(c.piece(case.batch_size)[0]))
    chosen = _choose(contenders)
    begun = time.perf_counter()
    for number in range(plan.n_rounds):
        if number >= 3 and time.perf_counter() - begun > plan.patience:
            break
        say(f"  round {number + 1} of {plan.n_rounds}", end="\r")
        _each(chosen.values(), lambda c: _round(c, case))
    _each(chosen.values(), lambda c: _check_end(c, before))
    for worker in workers:
        with suppress(WorkerError):  # it said so before
            worker.ask(do="forget")
    return {
        "description": case.describe(),
        "data": f"{source}, {X.shape[0]} rows",
        "flop_per_sample": case.flop_per_sample,
        "columns_used": float(cases.columns_used(cases.mini_batches(case, X)).mean()),
        "loss_before": before,
        "loss_reference": reference,
        "tolerance": cases.TOLERANCE[case.rule],
        "peers": {peer: _result(c, contenders) for peer, c in chosen.items()},
        **_ratios(chosen),
    }


def _forms(case, worker, plan):
    """Return in which forms a peer trains the case; none where it cannot."""
    try:
        return worker.ask(do="forms", case=case.name, quick=plan.quick)["forms"]
    except WorkerError:
        return [""]  # `_open` will say why


def _open(case, worker, form, file, say):
    contender = Contender(worker.peer, form, worker)
    say(f"  check: {worker.peer} {form} with {worker.n_threads} thread(s)", end="\r")
    try:
        reply = worker.ask(do="open", file=str(file), case=case.name, form=form)
        contender.loss, contender.footnote = reply["loss"], reply["footnote"]
        contender.loss_dropped = reply.get("loss_dropped", math.nan)
    except WorkerError as error:
        contender.problem = str(error)
    return contender


def _judge(contenders, kind, reference, allowed):
    """Mark whose loss of a kind, a contender's attribute, is further from NumPy's than allowed."""
    for contender in contenders:
        if contender.problem or contender.footnote:
            continue
        loss = getattr(contender, kind)
        if not abs(loss - reference) <= allowed:
            contender.problem = f"disagrees: {kind} {loss:.6g}, NumPy's {reference:.6g}"


def _each(contenders, action):
    """Do something with each contender that has no problem; an error becomes its problem."""
    for contender in contenders:
        if not contender.problem:
            try:
                action(contender)
            except WorkerError as error:
                contender.problem = str(error)


def _calibrate(contender, case, plan):
    """Find the number of batches that lasts about one piece, and a first rate."""
    while True:
        rate, seconds, _ = contender.piece(case.batch_size)
        if seconds > plan.piece / 2:
            break
        contender.n_batches *= min(16, math.ceil(plan.piece / seconds))
    contender.n_batches = max(1, round(rate * plan.piece / case.batch_size))
    contender.scouted.append(rate)


def _choose(contenders):
    """Return {peer: its fastest contender}; of a peer that only fails, the first."""
    chosen = {}
    for peer in dict.fromkeys(c.peer for c in contenders):
        mine = [c for c in contenders if c.peer == peer]
        chosen[peer] = max(mine, key=lambda c: np.median(c.scouted) if not c.problem else -1)
    return chosen


def _round(contender, case):
    rate, _, processors = contender.piece(case.batch_size)
    contender.rates.append(rate)
    contender.processors.append(processors)


def _check_end(contender, before):
    """A network that lost what it learnt while it was timed did not do the work."""
    loss = contender.worker.ask(do="loss", form=contender.form)["loss"]
    if not contender.footnote and not loss < before:
        contender.problem = f"loss {loss:.6g} after the timing, {before:.6g} before any training"


def _result(contender, contenders):
    tried = [c for c in contenders if c.peer == contender.peer]
    return {
        "form": contender.form,
        "n_threads": contender.worker.n_threads,
        "problem": contender.problem,
        "footnote": contender.footnote,
        "loss": contender.loss if math.isfinite(contender.loss) else None,
        "loss_dropped": contender.loss_dropped if math.isfinite(contender.loss_dropped) else None,
        "samples_per_second": float(np.median(contender.rates)) if contender.rates else None,
        "processors_busy": float(np.median(contender.processors)) if contender.rates else None,
        "rounds": contender.rates,
        "tried": [
            {
                "form": c.form,
                "n_threads": c.worker.n_threads,
                "samples_per_second": float(np.median(c.scouted)) if c.scouted else None,
                "problem": c.problem,
            }
            for c in tried
        ],
    }


def _ratios(chosen):
    """Paired ratios: pynn to each peer, each peer to NumPy, and which other peer is best."""
    sound = {peer: c for peer, c in chosen.items() if not c.problem}
    result = {"pynn_to": {}, "to_numpy": {}, "best_other": None}
    for peer, contender in sound.items():
        if "numpy" in sound:
            result["to_numpy"][peer] = _paired(contender.rates, sound["numpy"].rates)
        if "pynn" in sound and peer != "pynn":
            result["pynn_to"][peer] = _paired(sound["pynn"].rates, contender.rates)
    same_work = [p for p, c in sound.items() if p != "pynn" and not c.footnote]
    if same_work:
        result["best_other"] = max(same_work, key=lambda peer: np.median(sound[peer].rates))
    return result


def _paired(rates, others):
    """Median, quartiles and range of the ratios of pieces measured in the same round."""
    ratios = np.divide(rates, others)
    low, median, high = np.percentile(ratios, (25, 50, 75))
    numbers = (median, low, high, ratios.min(), ratios.max())
    return dict(zip(("median", "q1", "q3", "min", "max"), map(float, numbers), strict=True))
