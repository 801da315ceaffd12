"""How much memory an epoch over a file takes that is larger than it.

    python bench/streaming.py [--gigabytes 10] [--folder /tmp] [--parquet-gigabytes 2.5]

writes files of 1000 float32 features, and has each estimator learn one epoch from each in a process
of its own. Of that it tells the seconds, the throughput and the peak of what was resident: all of
it; before the fit; and of what is no page of a file, and what is (sampled). The files are deleted.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap

N_FEATURES = 1000
ROWS = 10_000  # written at once
N_CLASSES = 10


def blocks(n_rows: int):
    """Normal features; the class is the greatest of the first ten, the number their sum."""
    rng = np.random.default_rng(4)
    for start in range(0, n_rows, ROWS):
        X = rng.standard_normal((min(ROWS, n_rows - start), N_FEATURES), dtype=np.float32)
        yield start, X, X[:, :N_CLASSES].argmax(axis=1), X[:, :N_CLASSES].sum(axis=1)


def write_npy(folder: Path, n_rows: int) -> None:
    files = {
        "X": open_memmap(folder / "X.npy", "w+", np.float32, (n_rows, N_FEATURES)),
        "class": open_memmap(folder / "class.npy", "w+", np.int64, (n_rows,)),
        "number": open_memmap(folder / "number.npy", "w+", np.float32, (n_rows,)),
    }
    for start, *parts in blocks(n_rows):
        for file, part in zip(files.values(), parts, strict=True):
            file[start : start + len(part)] = part


def write_parquet(folder: Path, n_rows: int) -> None:
    import pyarrow
    import pyarrow.parquet

    writer = None
    for _, X, classes, numbers in blocks(n_rows):
        columns = {f"x{i}": X[:, i] for i in range(N_FEATURES)}
        table = pyarrow.table(columns | {"class": classes, "number": numbers})
        writer = writer or pyarrow.parquet.ParquetWriter(folder / "table.parquet", table.schema)
        writer.write_table(table)
    if writer:
        writer.close()


def source_of(kind: str, folder: Path, target: str):
    import pynn

    if kind == "npy":
        return pynn.NpyBlocks(folder / "X.npy", folder / f"{target}.npy")
    names = [f"x{i}" for i in range(N_FEATURES)]
    return pynn.ParquetBlocks(folder / "table.parquet", target=target, features=names)


def status(*names: str) -> list[float]:
    """What Linux says of this process, in MB."""
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return [int(lines[name].split()[0]) / 1000 * 1.024 for name in names]


def watch(peak: dict[str, float], done: threading.Event) -> None:
    while not done.wait(0.02):
        anonymous, file = status("RssAnon", "RssFile")
        peak["anonymous"] = max(peak["anonymous"], anonymous)
        peak["file"] = max(peak["file"], file)


def measure(kind: str, folder: Path, task: str) -> None:
    """Learn one epoch; print the figures."""
    import pynn

    warnings.simplefilter("ignore")
    settings = {"max_iter": 1, "random_state": 0}
    model = pynn.MLPRegressor(**settings) if task == "number" else pynn.MLPClassifier(**settings)
    given = {"classes": range(N_CLASSES)} if task == "class" else {}
    source = source_of(kind, folder, "number" if task == "number" else "class")
    (before,) = status("VmRSS")
    peak, done = {"anonymous": 0.0, "file": 0.0}, threading.Event()
    watcher = threading.Thread(target=watch, args=(peak, done))
    watcher.start()
    start = time.perf_counter()
    model.fit_batches(source, **given)
    seconds = time.perf_counter() - start
    done.set()
    watcher.join()
    (highest,) = status("VmHWM")
    figures = {"before": before, "peak": highest, **peak, "seconds": seconds, "loss": model.loss_}
    print(json.dumps(figures))


TASKS = {
    "class": "classifier, classes given",
    "class search": "classifier, classes searched",
    "number": "regressor",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gigabytes", type=float, default=10)
    parser.add_argument("--parquet-gigabytes", type=float, default=2.5)
    parser.add_argument("--folder", default=tempfile.gettempdir())
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        kind, folder, task = options.one
        return measure(kind, Path(folder), task)
    kinds = {"npy": options.gigabytes, "parquet": options.parquet_gigabytes}
    writers = {"npy": write_npy, "parquet": write_parquet}
    print(f"{'':42} seconds    MB/s  peak MB  before  anonymous   file")
    for kind, gigabytes in kinds.items():
        n_rows = int(gigabytes * 1e9) // (4 * N_FEATURES)
        if not n_rows:
            continue
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            writers[kind](Path(folder), n_rows)
            for task, title in TASKS.items():
                command = [sys.executable, __file__, "--one", kind, folder, task]
                output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
                f = json.loads(output)
                print(
                    f"{f'{kind}, {gigabytes:g} GB, {title}':42} {f['seconds']:7.1f}"
                    f" {gigabytes * 1000 / f['seconds']:7.0f} {f['peak']:8.0f} {f['before']:7.0f}"
                    f" {f['anonymous']:10.0f} {f['file']:6.0f}",
                    flush=True,
                )
    return None


if __name__ == "__main__":
    main()
