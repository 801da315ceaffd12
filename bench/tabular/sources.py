"""Tables: scikit-learn's own, and those of a folder with tables.py and baselines.py.

tables.py has TABLES, a list of objects with a `name` and a `task` ("regression", "binary" or
"multiclass"), and ``load(name)``, which returns X, y and the task. baselines.py has METHODS, whose
values are functions (is_regression, seed) that return a model.
"""

import sys
from importlib import import_module

OWN = {"breast_cancer": "binary", "digits": "multiclass", "wine": "multiclass",
       "iris": "multiclass", "diabetes": "regression"}  # fmt: skip


def module(data, name):
    """Return a module of the folder."""
    if str(data) not in sys.path:
        sys.path.insert(0, str(data))  # first, as it has a tables.py too
    return import_module(name)


def tasks(data):
    """Return {name: task} of all tables, those of the folder first."""
    of_folder = module(data, "tables").TABLES if data else []
    return {table.name: table.task for table in of_folder} | OWN


def chosen(data, given):
    """Return the names of tables that a text stands for.

    It has names, and these words: all, odd, even (of the folder; the first is odd), sklearn.
    """
    names = list(tasks(data))
    of_folder = [table.name for table in module(data, "tables").TABLES] if data else names
    words = {"all": of_folder, "odd": of_folder[::2], "even": of_folder[1::2], "sklearn": [*OWN]}
    found = [name for part in given.split(",") for name in words.get(part, [part])]
    if unknown := sorted(set(found) - set(names)):
        raise SystemExit(f"no such table: {', '.join(unknown)}; "
                         f"there are {', '.join([*words, *names])}")  # fmt: skip
    return list(dict.fromkeys(found))


def load(data, name):
    """Return X, y and the task of a table; a table of the folder hides scikit-learn's."""
    if data and name in {table.name for table in module(data, "tables").TABLES}:
        return module(data, "tables").load(name)
    from sklearn import datasets

    return *getattr(datasets, f"load_{name}")(return_X_y=True), OWN[name]
