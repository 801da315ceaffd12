"""Predicts the throughput of training on a cluster, and draws cluster.png for ../dask.md.

A round has three steps that wait for each other: the shards train; one worker receives all their
results and averages them; the average goes to all workers, from each one that has it to the next.
Each step also takes the latency of a task: scheduling, and turning arrays into messages.
"""

import math
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot as plt

LATENCY = 0.005  # seconds of a step; bench/cluster.py measures three of them as the overhead
FAN_IN = 8  # results that one task averages
ROWS_PER_SECOND = {"784-100-10": 100_000, "784-512-512-10": 12_000}  # of one worker, in the core
PARAMETERS = {"784-100-10": 79_510, "784-512-512-10": 669_706}
N_NUMBERS, N_BYTES = 3, 4  # a parameter and Adam's two, in float32


def seconds_of_round(n_workers, compute, n_bytes, bandwidth):
    """Return the seconds of a round.

    compute : seconds of the core on each worker
    n_bytes : of parameters and optimizer state
    bandwidth : bytes a second of each machine
    """
    levels = max(1, math.ceil(math.log(n_workers, FAN_IN))) if n_workers > 1 else 1
    received = levels * (min(FAN_IN, n_workers) - 1)
    passed_on = math.ceil(math.log2(n_workers)) if n_workers > 1 else 0
    moved = n_bytes * (received + passed_on) / bandwidth
    return compute + (2 + levels) * LATENCY + moved


def throughput(network, n_workers, rows_of_round, gigabits):
    """Return rows a second of all workers together."""
    compute = rows_of_round / ROWS_PER_SECOND[network]
    n_bytes = PARAMETERS[network] * N_NUMBERS * N_BYTES
    return (
        n_workers * rows_of_round / seconds_of_round(n_workers, compute, n_bytes, gigabits / 8e-9)
    )


def main():
    """Draw the picture."""
    machines = [1, 2, 4, 8, 16, 32, 64]
    figure, panels = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    for axes, network in zip(panels, PARAMETERS, strict=True):
        rows_of_round = ROWS_PER_SECOND[network] // 2  # rounds of half a second
        for gigabits in (1, 10, 25):
            rates = [throughput(network, n, rows_of_round, gigabits) for n in machines]
            axes.plot(machines, rates, marker="o", label=f"{gigabits} Gbit/s")
        ideal = [n * ROWS_PER_SECOND[network] for n in machines]
        axes.plot(machines, ideal, color="gray", linestyle=":", label="the core alone")
        axes.set(xscale="log", yscale="log", title=network, xlabel="machines, one worker each")
        axes.set_xticks(machines, [str(n) for n in machines])
        axes.minorticks_off()
    panels[0].set_ylabel("rows per second")
    panels[1].legend()
    figure.savefig(Path(__file__).with_suffix(".png"), dpi=120)


if __name__ == "__main__":
    main()
