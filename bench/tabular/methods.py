"""The methods: functions (is_regression, seed) that return a model of one thread.

A folder's baselines.py brings methods for its tables. Without a folder there are those below, which
take tables of numbers. Packages are imported where they are used.
"""

from tabular import sources

PRESETS = {"pynn": "default", "pynn_fast": "fast"}


def pynn(preset, expert=None):
    def make(regression, seed):
        import pynn

        model = pynn.TabularRegressor if regression else pynn.TabularClassifier
        return model(preset=preset, expert=expert, random_state=seed, n_threads=1)

    return make


def dummy(regression, seed):
    from sklearn.dummy import DummyClassifier, DummyRegressor

    return DummyRegressor() if regression else DummyClassifier()


def linear(regression, seed):
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(
        StandardScaler(), Ridge() if regression else LogisticRegression(max_iter=1000)
    )


def hgb(regression, seed):
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    model = HistGradientBoostingRegressor if regression else HistGradientBoostingClassifier
    return model(random_state=seed)


def lightgbm(regression, seed):
    from lightgbm import LGBMClassifier, LGBMRegressor

    model = LGBMRegressor if regression else LGBMClassifier
    return model(n_jobs=1, verbose=-1, random_state=seed)


def catboost(regression, seed):
    from catboost import CatBoostClassifier, CatBoostRegressor

    model = CatBoostRegressor if regression else CatBoostClassifier
    return model(thread_count=1, verbose=0, allow_writing_files=False, random_seed=seed)


_PEERS = {"dummy": dummy, "linear": linear, "hgb": hgb, "lightgbm": lightgbm, "catboost": catboost}


def known(data):
    """Return {name: function} of all methods."""
    peers = sources.module(data, "baselines").METHODS if data else _PEERS
    return {name: pynn(preset) for name, preset in PRESETS.items()} | peers
