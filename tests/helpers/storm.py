"""A storm of signals, whose handlers raise at random moments of a call; and what must hold then.

For more of the same: python tests/helpers/storm.py 10000
"""

import copy
import faulthandler
import gc
import os
import random
import signal
import sys
import threading
import time
import traceback
import warnings
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from contents import differences, of
from course import memory_of, recorded
from storm_calls import CALLS, FOLDER
from together import assert_workers_end

import pynn
from pynn import _core
from pynn.training.learners import bit_generator


class SquallError(Exception):
    """What a handler raises."""


# name -> the signal, and what its handler raises: at once, and shortly after that.
KINDS = {
    "SIGINT": (signal.SIGINT, [KeyboardInterrupt]),
    "SIGINT by a handler of its own": (signal.SIGINT, [SquallError]),
    "SIGALRM": (signal.SIGALRM, [SquallError]),
    "SIGTERM": (signal.SIGTERM, [SystemExit]),
    "SIGALRM twice": (signal.SIGALRM, [SquallError, SquallError]),
    "SIGINT twice": (signal.SIGINT, [KeyboardInterrupt, KeyboardInterrupt]),
    "SIGINT and SIGTERM": (signal.SIGINT, [KeyboardInterrupt, SystemExit]),
}
SOON = 2e-4  # seconds, at most, from the first to the second
LONG = 5e-3  # seconds of a call within which another thread can send a signal
RAISED = (SquallError, KeyboardInterrupt, SystemExit)


class Storm:
    """Sends signals while a call runs.

    Parameters
    ----------
    seed : int
    """

    def __init__(self, seed):
        self.random, self.errors, self.n_raised = random.Random(seed), [], 0
        self.lost = []  # where Python ignored what a handler raised

    @contextmanager
    def handlers(self):
        """Handle the signals here until the block ends; no callback of the collector runs."""
        before = {number: signal.getsignal(number) for number, _ in KINDS.values()}
        was_enabled, hook = gc.isenabled(), sys.unraisablehook
        sys.unraisablehook = lambda event: self.lost.append(repr(event.object))
        gc.disable()  # in a callback of the collector an exception is lost
        for number in before:
            signal.signal(number, self.strike)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            sys.unraisablehook = hook
            if was_enabled:
                gc.enable()

    def strike(self, number, _):
        if not self.errors:
            return
        if number != self.number:  # the alarm sends the signal that is meant
            signal.raise_signal(self.number)
            return
        self.n_raised += 1
        error = self.errors.pop(0)
        if self.errors:
            signal.setitimer(signal.ITIMER_REAL, self.random.uniform(1e-6, SOON))
        raise error

    def on(self, call, kind, duration):
        """Make the call amid the storm, and catch what is raised."""
        (self.number, errors), sender = KINDS[kind], None
        after = max(1e-6, self.random.uniform(0, 1.05 * duration))
        try:
            try:
                if self.number == signal.SIGINT and duration > LONG:  # heard within long calls
                    sender = threading.Timer(after, os.kill, [os.getpid(), self.number])
                    sender.start()  # what comes amid this is not heard: it is no call of ours
                    self.errors = list(errors)
                else:
                    self.errors = list(errors)
                    signal.setitimer(signal.ITIMER_REAL, after)
                call()
                self.errors = []
            except RAISED:
                self.errors = []
        except RAISED:  # the second one, amid the lines above
            pass
        finally:  # also where the call raises something else: a later alarm would end the process
            self.errors = []
            signal.setitimer(signal.ITIMER_REAL, 0)
            if sender is not None:
                sender.cancel()
                sender.join()


def networks_of(model):
    if isinstance(model, pynn.Population):
        return list(model)
    net = model if isinstance(model, pynn.Network) else vars(model).get("_network")
    return [] if net is None else [net]


def copied(model):
    """Return a copy with the optimizer and the random source, which copies of estimators lack."""
    if isinstance(model, pynn.Network):
        return copy.deepcopy(model)
    twin = object.__new__(type(model))
    vars(twin).update(copy.deepcopy(vars(model)))
    return twin


def random_of(net):
    return repr(np.random.RandomState(bit_generator(net._random)).get_state(legacy=False))


def result_of(call, model):
    result = call(model)
    return of(model if result is model else result)


@dataclass
class Found:
    """What became of the model of one call."""

    name: str
    kind: str
    seed: int
    what: str  # as before, as after, between, or what is wrong
    hit: bool  # whether a signal came in time

    @property
    def is_wrong(self):
        return self.what not in ("before", "after", "between")


class Target:
    """An entry point, called again and again on copies of one model.

    Parameters
    ----------
    name : str
        One of `CALLS`.
    """

    def __init__(self, name):
        self.name, self.call = name, CALLS[name]
        self.original = self.call.make()
        times, self._steps = [], None
        for _ in range(3):
            model = self.copy()
            begun = time.perf_counter()
            result = self.call.call(model)
            times.append(time.perf_counter() - begun)
        self.duration, self.after = sorted(times)[1], of(model)
        self.result = of(result)

    def copy(self):
        model = copied(self.original)
        if self.call.prepare:
            self.call.prepare(model)
        return model

    @property
    def steps(self):
        """What an uninterrupted fit goes through, and the model after it."""
        if self._steps is None:
            with recorded() as courses:
                model = self.copy()
                self.call.call(model)
            self._steps = [step for course in courses for step in course.steps]
            assert of(model) == self.after
            if courses and not self.call.ends_early:
                assert all(self.place(net) for net in networks_of(model))
        return self._steps

    def place(self, net):
        """Return the step that the network is as after, or None."""
        parameters, memory = net.parameters.tobytes(), memory_of(net._descent)
        at_memory = [step for step in self.steps if step[1] == memory]
        if self.call.ends_early and any(step[0] == parameters for step in self.steps):
            parameters = at_memory[0][0] if at_memory else b""
        for step in at_memory:
            n_epochs = net._history.n_epochs
            if step[0] == parameters and step[2] == n_epochs and step[3] == random_of(net):
                return step
        return None

    def strike(self, seed):
        """Let signals come once; return what became of the model."""
        storm = Storm(seed)
        kind = storm.random.choice(list(KINDS))
        model = self.copy()
        before = of(model)
        try:
            with storm.handlers():
                storm.on(lambda: self.call.call(model), kind, self.duration)
            assert not any("pynn" in where for where in storm.lost), storm.lost
            what = self.judge(model, before, kind)
        except Exception:
            what = traceback.format_exc()
            for file in Path(FOLDER.name).glob(".pynn-*"):
                file.unlink()
        return Found(self.name, kind, seed, what, storm.n_raised > 0)

    def judge(self, model, before, kind):
        """Return whether the model is as before or as after the call, or between."""
        now = of(model)
        for net in networks_of(model):
            assert "unlocked" in repr(net._lock), net._lock
            assert "unlocked" in repr(bit_generator(net._random).lock)
            assert all(np.shares_memory(W, net.parameters) for W in net.weights)
        assert "_fit_under_way" not in vars(model) or model._fit_under_way() is None
        assert _core.blocks_in_use() == 0
        assert_workers_end()
        assert not list(Path(FOLDER.name).glob(".pynn-*")), "a temporary file is left"
        if now == before:
            assert result_of(self.call.call, model) == self.result, "the next call differs"
            assert of(model) == self.after, "the next call leaves another state"
            return "before"
        if now == self.after:
            self.goes_on(model)
            return "after"
        is_population = isinstance(model, pynn.Population)  # its members end as by Ctrl-C
        assert is_population or KeyboardInterrupt in KINDS[kind][1], differences(before, now)
        self.check_between(model, before, now)
        self.goes_on(model)
        return "between"

    def goes_on(self, model):
        """Check that the next call does as a copy does, which has no locks or threads of before."""
        twin = copied(model)
        assert result_of(self.call.call, model) == result_of(self.call.call, twin)
        assert of(model) == of(twin)

    def check_between(self, model, before, now):
        """Check a model whose fit Ctrl-C has ended."""
        assert "fit" in self.name or "regression" in self.name, differences(before, now)
        networks = networks_of(model)
        if isinstance(model, pynn.Population):
            networks = [net for k, net in enumerate(model) if now[k] != before[k]]
        for net in networks:
            assert np.isfinite(net.parameters).all()
            history = net._history
            assert len({len(values) for values in history.figures.values()}) == 1
            if self.steps:
                step = self.place(net)
                n_updates = memory_of(net._descent)[1]
                assert step is not None, ("after no mini-batch", history.n_epochs, n_updates)
        if isinstance(model, pynn.Population):
            return
        if isinstance(model, pynn.Network):
            names = {"parameters", "_descent", "_history", "_random"}
            assert all(now[name] == before[name] for name in now.keys() - names)
            return
        assert model.n_iter_ == history.n_epochs
        if model.solver != "lbfgs":
            assert model.loss_curve_ == history.figures["cost"]
            assert model.t_ == history.n_samples
        missing = set() if model.n_iter_ else {"loss_"}
        assert now.keys() ^ self.after.keys() <= missing, now.keys() ^ self.after.keys()
        moving = {"_network", "n_iter_", "t_", "loss_", "loss_curve_", "best_loss_", "random_state"}
        moving |= {"best_validation_score_", "validation_scores_", "best_epoch_", "stopped_early_"}
        moving |= {"_no_improvement_count", "callbacks", "_split_before", "_scores_from"}
        for name in now.keys() - moving:
            assert now[name] == self.after[name], name


def rage(n, seed=0, names=tuple(CALLS), tell=lambda one: None):
    """Strike the entry points in turn until n calls were hit; tell of each, and return them all."""
    found, targets = [], {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in names:
            targets[name] = Target(name)
        n_hit = 0
        for i in range(4 * n):  # not all come in time
            name = names[i % len(names)]
            found.append(targets[name].strike(seed + i))
            tell(found[-1])
            n_hit += found[-1].hit
            if n_hit == n:
                break
    return found


def main():
    n, seed = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0
    faulthandler.dump_traceback_later(3600, exit=True)

    def tell(one):  # at once: what comes later may end the process
        if one.is_wrong:
            print(one.name, one.kind, one.seed, one.what, sep="\n", end="\n\n", flush=True)

    found = rage(n, seed, tell=tell)
    for name in CALLS:
        mine = [one for one in found if one.name == name]
        counts = Counter(one.what if not one.is_wrong else "WRONG" for one in mine if one.hit)
        print(f"{name:48} {sum(one.hit for one in mine):6} hit of {len(mine):6}", dict(counts))
    total = sum(one.hit for one in found)
    print(f"{total} interruptions, {sum(one.is_wrong for one in found)} failures")
    sys.exit(any(one.is_wrong for one in found))


if __name__ == "__main__":
    main()
