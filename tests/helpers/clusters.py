"""Clusters of Dask for tests."""

import subprocess
import sys
from contextlib import contextmanager
from functools import partial

import dask
from distributed import Client, LocalCluster


@contextmanager
def cluster(n_workers, processes=False, protocol="tcp://", **options):
    """A client of so many workers, of one thread each; it is closed when the block ends."""
    quiet = {"distributed.comm.timeouts.connect": "20s", "distributed.admin.tick.limit": "1h"}
    with (
        dask.config.set(quiet),
        LocalCluster(
            n_workers=n_workers,
            threads_per_worker=1,
            processes=processes,
            host="127.0.0.1",
            protocol=protocol,
            dashboard_address=":0",
            silence_logs=50,
            **options,
        ) as started,
        Client(started) as client,
    ):
        yield client


@contextmanager
def separate(n_workers, folder):
    """A client of processes that the command dask starts.

    With it come functions that add a worker, and that kill the scheduler.

    Each worker has a nanny, which starts it again if it is killed.
    """
    place, started = f"--scheduler-file={folder / 'scheduler.json'}", []

    def start(kind, *options):
        command = [sys.executable, "-P", "-m", f"distributed.cli.dask_{kind}", place, *options]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder}
        started.append(subprocess.Popen([*command, "--host=127.0.0.1", "--no-dashboard"], **quiet))

    start("scheduler", "--port=0")
    add = partial(start, "worker", "--nthreads=1")
    try:
        for _ in range(n_workers):
            add()
        with Client(scheduler_file=folder / "scheduler.json", timeout=60) as client:
            client.wait_for_workers(n_workers, timeout=60)
            yield client, add, started[0].kill
    finally:
        for process in reversed(started):  # nannies end their workers
            process.terminate()
            process.wait(30)
