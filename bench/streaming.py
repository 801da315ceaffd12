"""Memory and throughput of an epoch over files that are larger than memory.

    python bench/streaming.py [--gigabytes 10] [--parquet-gigabytes 2.5] [--folder /tmp]

writes files of 1000 float32 features, has each estimator learn one epoch from each in a process of
its own, and deletes them.
"""

import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # python -P omits it

import numpy as np
import report
from numpy.lib.format import open_memmap
from report import Table, say
from turns import n_processors
from worker import Workers, status_bytes

N_FEATURES, N_CLASSES = 1000, 10
ROWS = 10_000  # written at once
TASKS = {
    "class": "classifier, classes given",
    "class search": "classifier, classes searched",
    "number": "regressor",
}


def blocks(n_rows):
    """Normal features; the class is the largest of the first ten, the number their sum."""
    rng = np.random.default_rng(4)
    for start in range(0, n_rows, ROWS):
        X = rng.standard_normal((min(ROWS, n_rows - start), N_FEATURES), dtype=np.float32)
        yield start, X, X[:, :N_CLASSES].argmax(axis=1), X[:, :N_CLASSES].sum(axis=1)


def write_npy(folder, n_rows):
    files = [
        open_memmap(folder / "X.npy", "w+", np.float32, (n_rows, N_FEATURES)),
        open_memmap(folder / "class.npy", "w+", np.int64, (n_rows,)),
        open_memmap(folder / "number.npy", "w+", np.float32, (n_rows,)),
    ]
    for start, *parts in blocks(n_rows):
        for file, part in zip(files, parts, strict=True):
            file[start : start + len(part)] = part


def write_parquet(folder, n_rows):
    import pyarrow
    import pyarrow.parquet

    writer = None
    for _, X, classes, numbers in blocks(n_rows):
        columns = {f"x{i}": X[:, i] for i in range(N_FEATURES)}
        table = pyarrow.table(columns | {"class": classes, "number": numbers})
        writer = writer or pyarrow.parquet.ParquetWriter(folder / "table.parquet", table.schema)
        writer.write_table(table)
    writer.close()


def main():
    """Measure what the command line asks for; return the exit status."""
    parser = report.parser(__doc__, paired=False, readme=False)
    parser.add_argument("--gigabytes", type=float, default=10)
    parser.add_argument("--parquet-gigabytes", type=float, default=2.5)
    parser.add_argument("--folder", default=tempfile.gettempdir())
    options = parser.parse_args()
    less = 0.01 if options.quick else 1
    files = [("npy", write_npy, less * options.gigabytes),
             ("parquet", write_parquet, less * options.parquet_gigabytes)]  # fmt: skip
    table = Table(
        "One epoch over a file",
        ["file", "estimator", "seconds", "MB/s", "peak", "before", "anonymous", "file pages"],
        notes=["Resident memory in MB: the peak, that before the fit, and the peaks of memory that "
               "is no page of a file and that is (sampled)."],
        n_texts=2,
    )  # fmt: skip
    for kind, write, size in files:
        if n_rows := int(size * 1e9) // (4 * N_FEATURES):
            with tempfile.TemporaryDirectory(dir=options.folder) as folder:
                say(f"writing {kind}, {size:g} GB")
                write(Path(folder), n_rows)
                table.lines += [_line(kind, size, folder, task) for task in TASKS]
    return report.publish({"streaming": [table]}, options, report.heading())


def _line(kind, size, folder, task):
    say(f"  {TASKS[task]}")
    with Workers("streaming", ["pynn"], [n_processors()]) as workers:
        (worker,) = workers
        found = worker.ask(do="epoch", kind=kind, folder=folder, task=task)
    memory = [f"{found[key]:.0f}" for key in ("peak", "before", "anonymous", "file")]
    seconds = [f"{found['seconds']:.1f}", f"{size * 1000 / found['seconds']:.0f}"]
    return [f"{kind}, {size:g} GB", TASKS[task], *seconds, *memory], ()


class Child:
    """Learns one epoch from a file and watches its memory."""

    def __init__(self, library, n_threads):
        pass

    def epoch(self, kind, folder, task):
        """Return seconds, the loss, and MB of resident memory."""
        import pynn

        estimator = pynn.MLPRegressor if task == "number" else pynn.MLPClassifier
        model = estimator(max_iter=1, random_state=0)
        given = {"classes": range(N_CLASSES)} if task == "class" else {}
        folder, target = Path(folder), task.split()[0]
        if kind == "npy":
            source = pynn.NpyBlocks(folder / "X.npy", folder / f"{target}.npy")
        else:
            names = [f"x{i}" for i in range(N_FEATURES)]
            source = pynn.ParquetBlocks(folder / "table.parquet", target=target, features=names)
        before = status_bytes("VmRSS") / 1e6
        peak, done = {"anonymous": 0.0, "file": 0.0}, threading.Event()

        def watch():
            while not done.wait(0.02):
                peak["anonymous"] = max(peak["anonymous"], status_bytes("RssAnon") / 1e6)
                peak["file"] = max(peak["file"], status_bytes("RssFile") / 1e6)

        watcher = threading.Thread(target=watch)
        watcher.start()
        start = time.perf_counter()
        model.fit_batches(source, **given)
        seconds = time.perf_counter() - start
        done.set()
        watcher.join()
        highest = status_bytes("VmHWM") / 1e6
        return {"before": before, "peak": highest, **peak, "seconds": seconds, "loss": model.loss_}


if __name__ == "__main__":
    sys.exit(main())
