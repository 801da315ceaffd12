"""Contenders take turns (A B A B …), each in its warm process; ratios are taken within a round."""

import math
import os
import time
from dataclasses import dataclass, field, replace

import numpy as np

SETTLE = 0.02  # seconds between two pieces, in which the last one's threads stop spinning
_UNDISTURBED = 0.95  # processors kept busy by a call that had at least one to itself


@dataclass(frozen=True)
class Plan:
    """How often to measure, and for how long."""

    quick: bool
    n_rounds: int
    n_scouts: int  # rounds that choose a library's form and number of threads
    piece: float  # seconds that one timed piece should last
    patience: float  # seconds after which there are no more than three rounds
    thread_counts: tuple[int, ...]  # what each library may choose from
    picture: object = None  # the file of a subject's picture

    @property
    def n_threads(self):
        return max(self.thread_counts)


def plan_of(options):
    """Return the plan that the command line asks for."""
    counts = [n for n in options.threads if n <= n_processors()] or [1]
    plan = Plan(False, 12, 3, 0.2, 300, tuple(counts))
    if options.quick:
        plan = Plan(True, 5, 0, 0.05, 5, tuple(counts))
    return replace(plan, n_rounds=options.rounds) if options.rounds else plan


def n_processors():
    """Return how many processors this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@dataclass
class Contender:
    """A call in a worker, and how long it took in each round."""

    worker: object
    call: str
    n_calls: int = 1
    waits: bool = False  # for other processes: its processor time says nothing
    guess: float = math.inf  # seconds of a call, by calibration
    seconds: list = field(default_factory=list)  # of a call, by round
    busy: list = field(default_factory=list)  # processors, by round

    @property
    def median(self):
        """Seconds of a call."""
        return float(np.median(self.seconds)) if self.seconds else self.guess

    @property
    def disturbed(self):
        """Whether another process took processor time from it."""
        return not self.waits and bool(self.busy) and float(np.median(self.busy)) < _UNDISTURBED

    def calibrate(self, piece):
        """Find how many calls last about one piece."""
        while True:
            done = self._piece()
            if done["seconds"] > piece / 2:
                break
            self.n_calls *= min(16, math.ceil(piece / done["seconds"]))
        self.guess = done["seconds"] / done["n_calls"]
        self.n_calls = max(1, round(piece / self.guess))

    def turn(self):
        """Time one piece of a round."""
        done = self._piece()
        self.seconds.append(done["seconds"] / done["n_calls"])
        self.busy.append(done["cpu_seconds"] / done["seconds"])

    def forget(self):
        """Drop the rounds that chose it."""
        self.guess = self.median
        self.seconds, self.busy = [], []

    def _piece(self):
        time.sleep(SETTLE)
        return self.worker.ask(do="time", call=self.call, n_calls=self.n_calls)


def take_turns(contenders, plan, calibrate=True):
    """Measure the plan's rounds, in turns."""
    for contender in contenders:
        if calibrate:
            contender.calibrate(plan.piece)
        else:
            contender._piece()  # warm
    for _ in rounds(plan):
        for contender in contenders:
            contender.turn()


def rounds(plan):
    """Yield the number of each round, until the plan's patience is over."""
    begun = time.perf_counter()
    for number in range(plan.n_rounds):
        if number >= 3 and time.perf_counter() - begun > plan.patience:
            return
        yield number


def fastest(contenders, plan):
    """Return the fastest of several, after a few rounds in turns."""
    if len(contenders) > 1:
        take_turns(contenders, replace(plan, n_rounds=plan.n_scouts))
    best = min(contenders, key=lambda c: c.median)
    best.forget()
    return best


def spread(values):
    """Return (median, lower quartile, upper quartile)."""
    return tuple(map(float, np.percentile(values, (50, 25, 75))))


def ratio(slow, fast):
    """Return the spread of the ratio of their times, round by round."""
    return spread(np.divide(slow.seconds, fast.seconds))
