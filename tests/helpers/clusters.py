"""Clusters of Dask for tests."""

from contextlib import contextmanager

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
