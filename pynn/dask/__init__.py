"""Training on a Dask cluster, for rows that one machine cannot hold.

The package needs Dask: ``pip install pynn-learn[dask]``.
"""

try:
    import dask.array  # noqa: F401
    import distributed  # noqa: F401
except ImportError as error:
    raise ImportError(
        f"pynn.dask needs Dask ({error}); install it with: pip install 'pynn-learn[dask]'"
    ) from error

from pynn.dask.estimators import MLPClassifier, MLPRegressor

__all__ = ["MLPClassifier", "MLPRegressor"]
