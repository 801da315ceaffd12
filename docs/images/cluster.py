"""Predicts the throughput of training on a cluster, and draws cluster.png for ../dask.md.

A round takes the time of the core, and beyond it

    latency + task * (tasks of a worker) + copy * (bytes that a worker receives)
            + add * (bytes that a worker adds up) + (bytes that a worker receives) / bandwidth

The first four coefficients are fitted to what bench/cluster.py measures with two workers on one
machine. There is no network between them, so the last term is left out of the fit.
"""

import math
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import numpy as np
from matplotlib import pyplot as plt
from scipy.optimize import nnls

FAN_IN = 8  # results that one task adds up
# Milliseconds of a round beyond the core on two workers: bench/cluster.py on an Intel Xeon
MEASURED = {  # parameters and Adam's state in MB: by number of shards
    0.95: {2: 15.1, 4: 25.8, 8: 49.7},
    3.15: {2: 19.8, 4: 48.1, 8: 119.7},
    9.54: {2: 33.5, 4: 88.7, 8: 247.2},
}
ROWS_PER_SECOND = {"784-100-10": 280_000, "784-512-512-10": 33_000}  # of a worker's core, likewise
MEGABYTES = {"784-100-10": 0.95, "784-512-512-10": 8.04}


def costs(n_workers, n_shards, megabytes):
    """Return what a round costs a worker: 1, tasks, MB that it receives, and MB that it adds up."""
    tasks = math.ceil(n_shards / n_workers)
    if n_shards <= FAN_IN:  # each task adds up the results of all tasks of the round before
        return 1, tasks, megabytes * (n_shards - tasks), megabytes * n_shards * tasks
    # A tree of tasks adds up the results, and its last one goes from worker to worker.
    levels = math.ceil(math.log(n_shards, FAN_IN))
    received = levels * (FAN_IN - 1) + math.ceil(math.log2(n_workers))
    return 1 + levels, tasks + levels, megabytes * received, megabytes * FAN_IN * levels


def fitted():
    """Return the coefficients in milliseconds, and predictions of what was measured."""
    cells = [(mb, n, ms) for mb, row in MEASURED.items() for n, ms in row.items()]
    terms = np.array([costs(2, n, mb) for mb, n, _ in cells], float)
    found = np.array([ms for *_, ms in cells])
    coefficients, _ = nnls(terms / found[:, None], np.ones(len(found)))  # relative errors
    return coefficients, terms @ coefficients


def throughput(network, n_workers, gigabits, coefficients):
    """Return rows a second of all workers together, in rounds of half a second in the core."""
    rate, terms = ROWS_PER_SECOND[network], costs(n_workers, n_workers, MEGABYTES[network])
    seconds = 0.5 + 1e-3 * np.dot(terms, coefficients) + terms[2] * 8e-3 / gigabits
    return n_workers * rate * 0.5 / seconds


def main():
    """Draw the picture."""
    machines = [1, 2, 4, 8, 16, 32, 64]
    figure, panels = plt.subplots(1, 3, figsize=(12, 3.6), layout="constrained")
    coefficients, predicted = fitted()
    for axes, network in zip(panels, ROWS_PER_SECOND, strict=False):
        for gigabits in (1, 10, 25):
            rates = [throughput(network, n, gigabits, coefficients) for n in machines]
            axes.plot(machines, rates, marker="o", label=f"{gigabits} Gbit/s")
        ideal = [n * ROWS_PER_SECOND[network] for n in machines]
        axes.plot(machines, ideal, color="gray", linestyle=":", label="the core alone")
        axes.set(xscale="log", yscale="log", title=network, xlabel="machines, one worker each")
        axes.set_xticks(machines, [str(n) for n in machines])
        axes.minorticks_off()
    panels[0].set_ylabel("rows per second")
    panels[1].legend()
    columns = np.reshape(predicted, (len(MEASURED), -1)).T
    for n, predicted_each in zip(next(iter(MEASURED.values())), columns, strict=True):
        (line,) = panels[2].plot(list(MEASURED), predicted_each, label=f"{n} shards")
        each = [row[n] for row in MEASURED.values()]
        panels[2].plot(list(MEASURED), each, marker="o", linestyle="", color=line.get_color())
    panels[2].set(title="Two workers: measured (dots) and model", ylim=0)
    panels[2].set(xlabel="parameters and state, MB", ylabel="ms of a round beyond the core")
    panels[2].legend()
    figure.savefig(Path(__file__).with_suffix(".png"), dpi=120)
    print("coefficients:", coefficients.round(3), "ms; off by at most", end=" ")
    print(
        f"{np.abs(predicted / [ms for r in MEASURED.values() for ms in r.values()] - 1).max():.0%}"
    )


if __name__ == "__main__":
    main()
