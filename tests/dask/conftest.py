"""What the tests of `pynn.dask` share: a cluster in this process, for speed."""

from importlib.util import find_spec

import numpy as np
import pytest

if find_spec("distributed") is None:
    collect_ignore_glob = ["test_*.py"]  # the package is optional


@pytest.fixture(scope="session")
def client():
    from clusters import cluster

    with cluster(2) as started:
        yield started


@pytest.fixture(scope="session")
def rows():
    """Rows of three classes that are not linearly separable."""
    X = np.random.default_rng(0).normal(size=(600, 5))
    return X, (X[:, 0] * X[:, 1] > 0) + (X[:, 2] > 0.5).astype(int)


@pytest.fixture
def collections(client, rows):
    """The same rows as arrays of four unequal chunks."""
    import dask.array as da

    chunks = (150, 100, 250, 100)
    return da.from_array(rows[0], chunks=(chunks, -1)), da.from_array(rows[1], chunks=(chunks,))
