"""Training on a Dask cluster of worker processes on this machine, one thread each.

    python bench/cluster.py [--quick] [--only speed,memory] [--rows 2500000] [--folder /tmp]

`--rows` is the size of the table in Parquet of the part "memory": 1,000 columns of float64, so
2,500,000 rows are 20 GB. It is written first, and deleted at the end.
"""

import os
import sys
import tempfile
import time
import warnings
from collections import defaultdict
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parent))  # python -P omits it

import dask.array as da
import numpy as np
import report
from cases import MNIST_PLACE
from dask import delayed
from dask.distributed import Client, LocalCluster, wait
from report import Goal, Table, say

import pynn
from pynn.dask import MLPClassifier

SEED, N_COLUMNS, ROWS_OF_FILE = 19, 1000, 10_000
SHARDS = 2, 4, 8  # of a round whose overhead is measured
CASES = {  # hidden layers and batch size of bench/cases.py
    "sklearn100": ((100,), 200),
    "mid": ((512, 512), 128),
}
warnings.filterwarnings("ignore", "Stochastic Optimizer")
warnings.filterwarnings("ignore", "Sending large graph")  # MNIST, which the client has


@contextmanager
def cluster(n_workers, set_as_default=True, **options):
    """A client of so many processes."""
    where = {"host": "127.0.0.1", "dashboard_address": ":0"}
    with (
        LocalCluster(n_workers=n_workers, threads_per_worker=1, **where, **options) as started,
        Client(started, set_as_default=set_as_default) as client,
    ):
        yield client


def mnist():
    with np.load(MNIST_PLACE) as file:
        X, X_test = ((file[f"x_{k}"].reshape(-1, 784) / 255).astype("f") for k in ("train", "test"))
        return X, file["y_train"].astype(np.int64), X_test, file["y_test"]


def collections(X, y, n_parts):
    size = -(-len(X) // n_parts)
    return da.from_array(X, chunks=(size, -1)), da.from_array(y, chunks=size)


def lasting(epochs):
    """Return the parameters of an estimator that trains for so many epochs."""
    return {"max_iter": epochs, "tol": 0, "n_iter_no_change": epochs}


class Watch:
    """A callback that keeps when each epoch ended, and its share of time in the core.

    The last epoch is left out: alone it has no next epoch to share the workers with.
    """

    def __init__(self):
        self.ends, self.shares = [], []

    def __call__(self, state):
        self.ends.append(time.perf_counter())
        self.shares.append(state.figures.get("core_share", 1.0))

    @property
    def seconds(self):
        """Mean seconds of an epoch, without the first and the last."""
        return (self.ends[-2] - self.ends[0]) / (len(self.ends) - 2)

    @property
    def share(self):
        return float(np.mean(self.shares[1:-1]))


def seconds_of_epoch(X, y, epochs, settings):
    """Fit an estimator of one machine; return this process, and the seconds of an epoch: a task."""
    watch = Watch()
    rows = (np.require(array, requirements="A") for array in (X, y))
    given = lasting(epochs + 2) | settings
    pynn.MLPClassifier(**given, n_threads=1, callbacks=[watch]).fit(*rows)
    return os.getpid(), watch.seconds


class Workers:
    """A cluster, with rows of MNIST in shards."""

    def __init__(self, stack, n_workers, X, y, n_shards):
        self.client = stack.enter_context(cluster(n_workers, set_as_default=False))
        with self.client.as_current():
            self.rows = [array.persist() for array in collections(X, y, n_shards)]
            wait(self.rows)

    def fit(self, epochs, **settings):
        """Fit; return the watch of so many epochs, and two more."""
        watch = Watch()
        given = lasting(epochs + 2) | settings
        with self.client.as_current():
            MLPClassifier(**given, random_state=0, callbacks=[watch]).fit(*self.rows)
        return watch

    def seconds_alone(self, epochs, **settings):
        """Return the seconds of an epoch in which each shard trains without the others."""
        parts = zip(*(array.to_delayed().ravel() for array in self.rows), strict=True)
        tasks = [delayed(seconds_of_epoch)(*part, epochs, settings) for part in parts]
        with self.client.as_current():
            each = self.client.gather(self.client.compute(tasks))
        workers = defaultdict(float)
        for worker, seconds in each:
            workers[worker] += seconds
        return max(workers.values())


def speed(options):
    """Rows a second on one and two workers, of the same shards."""
    X, y, *_ = mnist()
    n = 10_000 if options.quick else 60_000
    columns = ["network", "rows", "shards", "1 worker", "2 workers", "processes alone", "ratio"]
    table = Table("Rows a second on one and two workers", columns)
    for copies, n_shards, epochs, n_pairs in ((1, 4, 5, 5), (1, 2, 5, 5), (8, 2, 2, 2)):
        rows = np.tile(X[:n], (copies, 1)), np.tile(y[:n], copies)
        with ExitStack() as stack:
            each = [Workers(stack, n_workers, *rows, n_shards) for n_workers in (1, 2)]
            for name, (hidden, batch_size) in CASES.items():
                given = {"hidden_layer_sizes": hidden, "batch_size": batch_size}
                found = []
                for i in range(n_pairs):
                    say(f"speed: {name}, {copies * n} rows in {n_shards} shards, turn {i + 1}")
                    one, two = (workers.fit(epochs, **given).seconds for workers in each)
                    alone = [workers.seconds_alone(epochs, **given) for workers in each]
                    found.append((one, two, alone[0] / alone[1], one / two))
                one, two, alone, ratio = map(median, zip(*found, strict=True))
                rates = (f"{copies * n / seconds:,.0f}" for seconds in (one, two))
                cells = [name, f"{copies * n:,}", str(n_shards), *rates]
                table.add(*cells, f"{alone:.2f}×", f"{ratio:.2f}×", goals=[Goal(1.7, ratio)])
    table.notes.append(
        "MNIST, once and 8 times; fits on each cluster in turns, medians of 5 (8 times: 2) and of "
        "their ratios; processes alone: the same ratio where shards train without exchange"
    )
    return [table]


def overhead(options):
    """The time of a round of one update beyond that in the core, on two workers."""
    X, y, *_ = mnist()
    n_rounds, n_fits = (10, 1) if options.quick else (20, 2)
    title = "A round on two workers: milliseconds beyond the core, by shards"
    table = Table(title, ["parameters", "with Adam's state", *map(str, SHARDS)])
    for n_hidden in (100, 330, 1000):
        found = []
        for n_shards in SHARDS:
            say(f"overhead: {n_hidden} hidden units, {n_shards} shards")
            n = n_shards * n_rounds * 100
            settings = {"hidden_layer_sizes": (n_hidden,), "batch_size": 100, "sync_every": 1}
            with ExitStack() as stack:
                workers = Workers(stack, 2, X[:n], y[:n], n_shards)
                watches = [workers.fit(2, **settings) for _ in range(n_fits)]
            each = [watch.seconds * (1 - watch.share) / n_rounds for watch in watches]
            found.append(1e3 * median(each))
        n_bytes = 4 * (785 * n_hidden + 10 * (n_hidden + 1))
        goals = [Goal(30, found[0], " ms", at_least=False)] if n_hidden == 330 else []
        sizes = f"{n_bytes / 1e6:.2f} MB", f"{3 * n_bytes / 1e6:.2f} MB"
        table.add(*sizes, *(f"{ms:.1f}" for ms in found), goals=goals)
    return [table]


def accuracy(options):
    """Test accuracy of 784-100-10 on MNIST by number of shards, after as many epochs."""
    X, y, X_test, y_test = mnist()
    epochs = 2 if options.quick else 10
    given = lasting(epochs) | {"random_state": 0}
    alone = pynn.MLPClassifier((100,), **given).fit(X, y).score(X_test, y_test)
    table = Table(f"MNIST, {epochs} epochs", ["shards", "test accuracy", "beyond one machine"])
    table.add("one machine", f"{alone:.2%}", "")
    with cluster(2):
        for n_shards in (4, 8, 16):
            say(f"accuracy: {n_shards} shards")
            mlp = MLPClassifier((100,), n_shards=n_shards, **given).fit(
                *collections(X, y, n_shards)
            )
            points = 100 * (mlp.score(X_test, y_test) - alone)
            cells = f"{points / 100 + alone:.2%}", f"{points:+.2f} points"
            table.add(str(n_shards), *cells, goals=[Goal(-0.3, points, " points")])
    return [table]


def write_parquet(folder, n_rows):
    """Write normally distributed features; the class says which of the first ten is largest."""
    import pyarrow
    import pyarrow.parquet

    random = np.random.default_rng(SEED)
    for start in range(0, n_rows, ROWS_OF_FILE):
        X = random.standard_normal((min(ROWS_OF_FILE, n_rows - start), N_COLUMNS))
        columns = {f"x{i}": X[:, i] for i in range(N_COLUMNS)}
        table = pyarrow.table(columns | {"class": X[:, :10].argmax(axis=1)})
        pyarrow.parquet.write_table(table, folder / f"{start:09}.parquet", compression="none")


def peak():
    """Return the largest memory of this process so far, in bytes: a task."""
    with open("/proc/self/status") as status:
        return next(1024 * int(line.split()[1]) for line in status if line.startswith("VmHWM"))


def memory(options):
    """Memory of two workers together that train on a table in Parquet."""
    n_rows = 30_000 if options.quick else options.rows
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        say(f"memory: {n_rows:,} rows of {N_COLUMNS} columns, {8e-9 * n_rows * N_COLUMNS:.1f} GB")
        write_parquet(Path(folder), n_rows)
        begun = time.perf_counter()
        with cluster(2, memory_limit="1.2GB", local_directory=folder) as client:
            given = {"max_iter": 2, "random_state": 0, "dtype": "float32"}
            MLPClassifier((100,), **given).fit(folder + "/*.parquet", "class")
            total = sum(client.run(peak).values())
        seconds = time.perf_counter() - begun
    size = f"{n_rows:,} rows, {8e-9 * n_rows * N_COLUMNS:.1f} GB, seed {SEED}"
    goal = Goal(3, total / 1e9, " GB", at_least=False)
    notes = [f"{size}: two epochs in {seconds:.0f} s"]
    return [Table("A table in Parquet", [], overall={"two workers together": goal}, notes=notes)]


def peers(options):
    """An epoch, or boosting round, of other libraries on the same partitions."""
    X, y, *_ = mnist()
    n = 10_000 if options.quick else 60_000
    table = Table("An epoch on two workers", ["library", "seconds of a fit", "of it an epoch"])
    epochs = 9
    with cluster(2) as client:
        arrays = [array.persist() for array in collections(X[:n], y[:n], 4)]
        fits = {"pynn.dask": lambda k: MLPClassifier((100,), max_iter=k).fit(*arrays)}
        if find_spec("dask_ml"):
            fits["dask-ml, Incremental"] = lambda k: incremental(arrays, k)
        if find_spec("xgboost"):
            fits["xgboost.dask, trees"] = lambda k: boosted(client, arrays, k)
        for name, fit in fits.items():
            say(f"peers: {name}")
            seconds = []
            for k in (1, epochs):
                begun = time.perf_counter()
                fit(k)
                seconds.append(time.perf_counter() - begun)
            each = (seconds[1] - seconds[0]) / (epochs - 1)
            table.add(name, f"{seconds[1]:.2f}", f"{each:.2f}")
    table.notes.append(
        "one after the other: dask-ml's Incremental trains on one partition at a time"
    )
    return [table]


def incremental(arrays, epochs):
    from dask_ml.wrappers import Incremental

    mlp = Incremental(pynn.MLPClassifier((100,)))
    for _ in range(epochs):
        mlp.partial_fit(*arrays, classes=list(range(10)))


def boosted(client, arrays, rounds):
    from xgboost import dask as boosting

    rows = boosting.DaskDMatrix(client, *arrays)
    given = {"objective": "multi:softmax", "num_class": 10, "tree_method": "hist"}
    boosting.train(client, given, rows, num_boost_round=rounds)


PARTS = {f.__name__: f for f in (speed, overhead, accuracy, memory, peers)}


def main():
    parser = report.parser(__doc__, timed=False, readme=False)
    parser.add_argument("--quick", action="store_true", help="a first look")
    parser.add_argument("--only", type=report.some_of(PARTS), default=list(PARTS))
    parser.add_argument("--rows", type=int, default=100_000, help="of the table in Parquet")
    parser.add_argument("--folder", type=Path, help="where to write it; default: a temporary one")
    options = parser.parse_args()
    tables = [table for name in options.only for table in PARTS[name](options)]
    packages = ("pynn-learn", "numpy", "dask", "distributed", "dask-ml", "xgboost")
    sys.exit(report.publish({"cluster": tables}, options, report.heading(packages=packages)))


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
