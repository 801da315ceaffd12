"""The course of a fit: parameters and optimizer state after each of its mini-batches."""

import copy
from contextlib import contextmanager
from dataclasses import replace

import numpy as np

from pynn.data import blocks
from pynn.training.learners import Rows, answered
from pynn.training.loop import Loop


def memory_of(descent):
    """Return the bytes of all slots, none before the first update, and the number of updates."""
    slots, n_updates = (descent and descent.memory) or ([], 0)
    return [slot.tobytes() for slot in slots if n_updates], n_updates


class Course:
    """What a twin of a loop's network goes through, one mini-batch at a time.

    Attributes
    ----------
    steps : list of tuples (parameters, memory, epoch, state of the random source)
    """

    def __init__(self, loop):
        learner = loop.learner
        self.steps, self.plan = [], learner.plan
        self.network, self.descent = copy.deepcopy(learner.model), loop.descent.copy()
        self.random = np.random.RandomState(copy.deepcopy(self.plan.bits))
        self.keep(loop.state.epoch)
        order = copy.copy(learner.order)
        for epoch in range(loop.state.epoch, loop.state.max_epochs):
            self.keep(epoch)
            if order is None:
                for block in blocks.blocks_of(learner.source):
                    data = learner.data_of(*block)
                    self.go_through(block, np.arange(data.n_rows), epoch, learner.data_of)
            else:
                train = loop.state.train
                block = train.X, train.y, train.weights
                self.go_through(block, order, epoch, self.data)
            if self.descent.is_scheduled:
                self.descent.epoch_ended(0, 0.0)
            self.keep(epoch + 1)

    def data(self, X, y, weights):
        return self.network._data(X, y, weights)

    def go_through(self, block, order, epoch, data_of):
        plan = replace(self.plan, shuffle=False)
        if self.plan.shuffle:
            self.random.shuffle(order)
        n_batches = -(-len(order) // min(plan.batch_size, len(order)))
        rates = self.descent.rates(n_batches)
        for i, start in enumerate(range(0, len(order), plan.batch_size)):
            self.keep(epoch)
            rows = order[start : start + plan.batch_size]
            data = data_of(*(part if part is None else part[rows] for part in block))
            learner = Rows(self.network, data, self.descent, plan)
            at = None if rates is None else rates[i : i + 1]
            _, error = answered(learner.learn_at(at))
            assert error is None
            self.keep(epoch)

    def keep(self, epoch):
        state = repr(self.random.get_state(legacy=False))
        parameters = self.network.parameters.tobytes()
        self.steps.append((parameters, memory_of(self.descent), epoch, state))


@contextmanager
def recorded():
    """Yield a list that grows by the course of each loop that runs."""
    courses, run = [], Loop.run

    def record(loop):
        courses.append(Course(loop))
        return run(loop)

    Loop.run = record
    try:
        yield courses
    finally:
        Loop.run = run
