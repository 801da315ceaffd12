"""Steps of pynn alone: late against early ones, two threads against one."""

from dataclasses import asdict

import numpy as np
from cases import CASES
from report import Goal, Table
from turns import Contender, ratio, take_turns
from worker import Workers, timed

_LATE = 1.05  # time of a step after 2,000 steps over that of the first hundred, at most
_N_STEPS, _TIMED = 2000, 100
_BATCH, _INPUTS, _DEAD = 200, 784, 634
_RULES = ("Adam", "momentum", "RMSprop")
_AUTOMATIC = 0.97  # throughput over that of one thread, at least: 1 less 3% of noise
_EXPLICIT = {"nielsen30": 1.2}  # with n_threads=2 over one thread, at least


def measure(plan, say):
    """Return the tables of this subject."""
    table = Table("Late steps, and the choice of threads", [""])
    table.notes.append(
        f"Late: 784-100-10, batch {_BATCH}, {_TIMED} steps after {_N_STEPS} over the first "
        f"{_TIMED}; {_DEAD} inputs are 0 in all rows, but were not in {_TIMED} steps before."
    )
    _late(table, plan, say)
    if plan.n_threads > 1:
        _threads(table, plan, say)
    return [table]


def _late(table, plan, say):
    say("  late steps")
    with Workers("tasks.steps", ["pynn"], [1]) as workers:
        (worker,) = workers
        for rule in _RULES:
            n = _N_STEPS // 5 if plan.quick else _N_STEPS
            found = [worker.ask(do="late", rule=rule, n_steps=n) for _ in range(3)]
            growth = float(np.median([each["late"] / each["early"] for each in found]))
            table.overall[f"{rule}, late step / first"] = Goal(_LATE, growth, at_least=False)


def _threads(table, plan, say):
    """Compare the automatic choice of threads, and two threads, with one."""
    automatic, two = {}, {}
    # Three processes: each keeps one network. All have two processors for the automatic choice.
    with Workers("tasks.training", ["pynn"], [2, 2, 2]) as workers:
        for name, case in CASES.items():
            say(f"  threads: {name}")
            contenders = []
            for worker, n_threads in zip(workers, (1, None, 2), strict=True):
                worker.ask(do="open", case=asdict(case), form="", quick=True, n_threads=n_threads)
                contenders.append(Contender(worker, ""))
            take_turns(contenders, plan)
            automatic[name], two[name] = (ratio(contenders[0], c)[0] for c in contenders[1:])
    slowest = min(automatic, key=automatic.get)
    text = f"Automatic choice of threads, slowest case ({slowest})"
    table.overall[text] = Goal(_AUTOMATIC, automatic[slowest])
    table.overall |= {f"n_threads=2, {k}": Goal(least, two[k]) for k, least in _EXPLICIT.items()}
    for text, found in (("Automatic choice", automatic), ("n_threads=2", two)):
        shown = ", ".join(f"{name} {value:.2f}" for name, value in found.items())
        table.notes.append(f"{text}, throughput over that of one thread: {shown}")


class Child:
    """Trains a network most of whose inputs die: their gradients are 0 from then on."""

    def __init__(self, library, n_threads):
        rng = np.random.default_rng(0)
        self._alive = rng.standard_normal((_BATCH * _TIMED, _INPUTS), np.float32)
        self._dead = self._alive.copy()
        self._dead[:, rng.permutation(_INPUTS)[:_DEAD]] = 0
        self._y = rng.integers(10, size=len(self._dead))

    def late(self, rule, n_steps):
        """Return seconds of the first steps with dead inputs and of late ones."""
        import pynn

        optimizer = {"Adam": pynn.Adam(), "momentum": pynn.SGD(0.01, momentum=0.9),
                     "RMSprop": pynn.RMSprop()}[rule]  # fmt: skip
        net = pynn.Network((_INPUTS, 100, 10), output_activation="softmax", n_threads=1,
                           random_state=0)  # fmt: skip

        def steps(n, X=self._dead, optimizer=None):
            net.fit(X, self._y, epochs=n // _TIMED, batch_size=_BATCH, optimizer=optimizer)
            return n

        steps(_TIMED, self._alive, optimizer)
        first = timed(lambda: steps(_TIMED))
        steps(n_steps - _TIMED)
        late = timed(lambda: steps(_TIMED))
        return {"early": first["seconds"] / _TIMED, "late": late["seconds"] / _TIMED}
