"""Contenders take turns (A B A B …), each in its warm process; a ratio is taken within a round."""

import math
import time
from dataclasses import dataclass, field
from functools import partial

import numpy as np

SETTLE = 0.02  # seconds between two pieces, in which the last one's threads stop spinning
_N_SCOUTS = 3  # rounds that choose between a contender's thread counts
_UNDISTURBED = 0.95  # processors kept busy by what had at least one to itself


@dataclass(frozen=True)
class Plan:
    """How often to measure, and for how long."""

    quick: bool
    n_rounds: int
    piece: float  # seconds that one timed piece should last
    n_threads: int  # the most that anybody takes: processors that there are

    @property
    def thread_counts(self):
        """What each contender may choose from."""
        return sorted({1, min(2, self.n_threads)})


class Timed:
    """The child's end: ``self.calls`` holds what can be timed, by name."""

    calls: dict
    before: dict  # what has to be done first and is not counted, where there is such a thing

    def time(self, call, n_calls):
        """Return wall and processor time of so many calls in a row."""
        self.__dict__.get("before", {}).get(call, bool)()
        function = self.calls[call]
        cpu, wall = time.process_time(), time.perf_counter()
        for _ in range(n_calls):
            function()
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        return {"seconds": wall, "cpu_seconds": cpu}


@dataclass
class Contender:
    """A call in a worker, and how long it took in each round."""

    worker: object
    call: str
    n_calls: int = 1
    waits: bool = False  # for other processes: its processor time says nothing
    seconds: list = field(default_factory=list)
    busy: list = field(default_factory=list)

    @property
    def median(self):
        """Seconds of a call."""
        return float(np.median(self.seconds))

    @property
    def disturbed(self):
        """Whether somebody else took processor time from it."""
        return not self.waits and float(np.median(self.busy)) < _UNDISTURBED

    def calibrate(self, piece):
        """Find how many calls last about one piece."""
        while True:
            seconds, _ = self.piece()
            if seconds > piece / 2:
                break
            self.n_calls *= min(16, math.ceil(piece / seconds))
        self.n_calls = max(1, round(self.n_calls * piece / seconds))

    def piece(self):
        """Time one piece; return its seconds and the processors kept busy."""
        time.sleep(SETTLE)
        done = self.worker.ask(do="time", call=self.call, n_calls=self.n_calls)
        return done["seconds"], done["cpu_seconds"] / done["seconds"]

    def turn(self):
        """Time one piece of a round."""
        seconds, busy = self.piece()
        self.seconds.append(seconds / self.n_calls)
        self.busy.append(busy)


def take_turns(contenders, plan, calibrate=True):
    """Measure so many rounds of what is given as one list, in turns."""
    for contender in contenders:
        if calibrate:
            contender.calibrate(plan.piece)
        else:
            contender.piece()  # warm
    for _ in range(plan.n_rounds):
        for contender in contenders:
            contender.turn()


def fastest(contenders, plan):
    """Return which of several is the fastest, after a few rounds in turns."""
    if len(contenders) > 1:
        take_turns(contenders, Plan(plan.quick, _N_SCOUTS, plan.piece, plan.n_threads))
    best = min(contenders, key=lambda c: c.median if c.seconds else 0)
    return Contender(best.worker, best.call, waits=best.waits)


def spread(values):
    """Return (median, lower quartile, upper quartile)."""
    return tuple(map(float, np.percentile(values, (50, 25, 75))))


def ratio(slow, fast):
    """Return the spread of how many times as long one took as the other, round by round."""
    return spread(np.divide(slow.seconds, fast.seconds))


def start(subject, library, thread_counts):
    """Return one worker for each thread count; ImportError where the library is missing."""
    from task_worker import TaskWorker

    return [*map(partial(TaskWorker, subject, library), thread_counts)]
