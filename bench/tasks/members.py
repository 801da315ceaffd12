"""Members that share weights: compared with one network, with a population, and with PyTorch."""

from dataclasses import dataclass
from itertools import chain, pairwise

import numpy as np
import report
from report import Goal, Table
from turns import Contender, ratio, take_turns
from worker import Timed, Workers

_CALLS = {"pynn": ["members", "one network", "population"], "torch": ["torch"]}
_N_ROWS = 1024


@dataclass(frozen=True)
class Shared:
    """A regression, trained by Adam with the rate 0.001."""

    layers: tuple
    batch_size: int
    n_members: int = 32


CASES = {
    "batch 256": Shared((50, 256, 256, 1), 256),
    "batch 32": Shared((50, 256, 256, 1), 32),
}
_NAMES = {"one network": "one network", "population": "population of 32", "torch": "PyTorch, eager"}
_LONGEST, _FASTER = 6, {"population": 1, "torch": 4}  # times the time of one network; goals


def measure(plan, say):
    """Return the tables of this subject."""
    table = Table(
        "32 members that share weights, 50-256-256-1: Adam, seconds for an epoch of 1024 rows",
        ["batch", "threads", "members=32", *_NAMES.values(), "compared with", "ratio"],
        notes=["A population has 32 separate networks, and each thread trains one at a time. Ratio "
               "to one network: how many times as long members=32 takes, for 32 times the "
               "products. To the others: how many times as fast members=32 is."],
    )  # fmt: skip
    measured = []
    with Workers("tasks.members", _CALLS, plan.thread_counts) as workers:
        for name, shared in CASES.items():
            for n_threads in plan.thread_counts:
                say(f"  {name}, {n_threads} threads")
                found = {
                    call: Contender(worker, f"{name}: {call}")
                    for library, group in workers.of.items()
                    for worker in group
                    if worker.n_threads == n_threads
                    for call in _CALLS[library]
                }
                take_turns(list(found.values()), plan)
                measured += found.values()
                seconds = [
                    report.metric(found[call].median, "s") if call in found else "–"
                    for call in ("members", *_NAMES)
                ]
                titles = [f"{shared.batch_size}", f"{n_threads}"]
                for of, label in _NAMES.items():
                    goal, cell = _compared(found, of)
                    table.add(*titles, *seconds, label, cell, goals=[goal])
                    titles, seconds = ["", ""], [""] * len(seconds)
    table.notes += [*report.absent(workers.absent), *report.disturbed(measured)]
    return [table]


def _compared(found, of):
    """Return the goal of a comparison, and the ratio as text."""
    if of == "one network":
        spread = ratio(found["members"], found[of])
        return Goal(_LONGEST, spread[0], at_least=False), report.times(spread)
    if of not in found:
        return Goal(_FASTER[of], None), "–"
    spread = ratio(found[of], found["members"])
    return Goal(_FASTER[of], spread[0]), report.times(spread)


class Child(Timed):
    """Trains with one library; each call is an epoch."""

    def __init__(self, library, n_threads):
        super().__init__()
        for name, shared in CASES.items():
            for call, function in (_torch if library == "torch" else _pynn)(shared, n_threads):
                self.calls[f"{name}: {call}"] = function


def _data_of(shared):
    rng = np.random.default_rng(0)
    n_in, n_out = shared.layers[0], shared.layers[-1]
    return (rng.normal(size=(_N_ROWS, n)).astype(np.float32) for n in (n_in, n_out))


def _pynn(shared, n_threads):
    import pynn

    X, y = _data_of(shared)
    of = {"random_state": 0, "n_threads": n_threads}
    contenders = {
        "members": pynn.Network(shared.layers, members=shared.n_members, **of),
        "one network": pynn.Network(shared.layers, **of),
        "population": pynn.Population.of(shared.n_members, shared.layers, **of),
    }
    for call, net in contenders.items():
        net.fit(X, y, batch_size=shared.batch_size, optimizer=pynn.Adam())
        yield call, lambda net=net: net.fit(X, y, batch_size=shared.batch_size)


def _torch(shared, n_threads):
    import torch

    torch.set_num_threads(n_threads)
    X, y = map(torch.as_tensor, _data_of(shared))
    K, sizes = shared.n_members, shared.layers

    def parameter(*shape):
        return torch.nn.Parameter(torch.randn(shape) / shape[-2] ** 0.5)

    layers = [
        [parameter(n_in, n_out), parameter(K, 1, n_in), parameter(K, 1, n_out),
         parameter(K, 1, n_out)]
        for n_in, n_out in pairwise(sizes[:-1])
    ]  # fmt: skip
    head, b = parameter(K, *sizes[-2:]), parameter(K, 1, sizes[-1])
    optimizer = torch.optim.Adam([*chain(*layers), head, b])

    def epoch():
        for rows in torch.randperm(_N_ROWS).split(shared.batch_size):
            optimizer.zero_grad()
            a = X[rows]
            for W, r, s, bias in layers:
                a = torch.relu(((a * r) @ W) * s + bias)
            cost = 0.5 * ((torch.baddbmm(b, a, head) - y[rows]) ** 2).sum(-1).mean()
            cost.backward()
            optimizer.step()

    yield "torch", epoch
