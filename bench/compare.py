"""Training throughput, side by side: pynn, NumPy by hand, scikit-learn, PyTorch, JAX.

    python bench/compare.py [--quick] [--cases xor,mid] [--peers sklearn,jax] [--check] [--png]

Every peer trains the same network on the same rows from the same weights, in its own warm
process; only one computes at a time, and they take turns. bench/README.md says how to read it.
"""

import argparse
import json
import platform
import sys
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import peak
import report
from cases import CASES, GOALS
from measure import Plan, measure
from peers import PEERS
from script import n_processors, names, numbers, processor, say
from worker import Worker, WorkerError

RESULTS = Path(__file__).with_name("results")
FULL = Plan(quick=False, n_rounds=12, n_scouts=3, piece=0.2, patience=300)
QUICK = Plan(quick=True, n_rounds=5, n_scouts=0, piece=0.05, patience=5)


def main():
    """Measure what the command line asks for; return the exit status."""
    options = _command_line()
    plan = QUICK if options.quick else FULL
    if options.rounds:
        plan = replace(plan, n_rounds=options.rounds)
    started = time.perf_counter()
    thread_counts = [n for n in options.threads if n <= n_processors()] or [1]
    gflops, method = peak.measure(thread_counts)

    say("starting the peers")
    workers, versions, absent = _start(options.peers, thread_counts)
    results = {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": {"processor": processor(), "n_processors": n_processors()},
        "versions": {"Python": platform.python_version()} | versions,
        "absent": absent,
        "settings": {**vars(plan), "thread_counts": thread_counts},
        "peak": {"gflops": {str(n): value for n, value in gflops.items()}, "method": method},
        "peers": [name for name in PEERS if name in versions],
        "cases": {},
    }
    try:
        with tempfile.TemporaryDirectory(prefix="pynn-bench-") as folder:
            for name in options.cases:
                begun = time.perf_counter()
                say(f"{name}: {CASES[name].describe()}")
                results["cases"][name] = measure(CASES[name], workers, plan, folder, say)
                say(f"  {time.perf_counter() - begun:.0f} s")
    finally:
        for worker in workers:
            worker.close()
    results["seconds"] = round(time.perf_counter() - started, 1)
    return _publish(results, options)


def _command_line():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--quick", action="store_true", help="fewer rows, rounds and forms: < 2 min"
    )
    parser.add_argument("--cases", type=names(CASES), default=list(CASES), metavar="A,B")
    parser.add_argument("--peers", type=names(PEERS), default=list(PEERS), metavar="A,B",
                        help=f"of {', '.join(PEERS)}; numpy always runs")  # fmt: skip
    parser.add_argument("--threads", type=numbers, default=[1, 2], metavar="1,2",
                        help="thread counts that each peer may choose from")  # fmt: skip
    parser.add_argument("--rounds", type=int, help=f"paired rounds (default {FULL.n_rounds}, "
                        f"--quick {QUICK.n_rounds})")  # fmt: skip
    parser.add_argument("--json", type=Path, default=RESULTS / "results.json", metavar="FILE")
    parser.add_argument("--png", type=Path, nargs="?", const=RESULTS / "results.png",
                        metavar="FILE", help="draw a chart (needs matplotlib)")  # fmt: skip
    parser.add_argument("--check", action="store_true", help="exit with 1 below the goals")
    options = parser.parse_args()
    if "numpy" not in options.peers:
        options.peers.append("numpy")
    return options


def _start(names, thread_counts):
    """Return [worker, …], {label: version}, {name: why it is absent}."""
    started = [Worker(name, n) for name in names for n in thread_counts]
    workers, versions, absent = [], {}, {}
    for worker in started:
        try:
            greeting = worker.greeting()
        except WorkerError as error:
            greeting = {"absent": str(error)}
        if "absent" in greeting:
            absent[worker.peer] = greeting["absent"]
            worker.close()
            continue
        versions[worker.peer] = greeting["version"]
        workers.append(worker)
    return workers, versions, absent


def _publish(results, options):
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(results, indent=1) + "\n")
    print(report.markdown(results))
    table, reached = report.goals_table(results, GOALS)
    if options.check:
        print(f"\n{table}")
    if options.png:
        options.png.parent.mkdir(parents=True, exist_ok=True)
        report.picture(results, GOALS, options.png)
    say(f"{results['seconds']:.0f} s in all; wrote {options.json}")
    return int(options.check and not reached)


if __name__ == "__main__":
    sys.exit(main())
