"""Results: lines of fits, and the figures that compare methods.

The score is nrmse or log-loss; lower is better. Two methods are compared by their means over the
repeats that both have. A variant is a method with expert settings; its lines name its base.
"""

import json
from statistics import fmean


def read(file):
    """Return the lines of a file, none if there is no file."""
    if not file.exists():
        return []
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


class Results:
    """Lines by table, method and repeat; of several lines of a fit the last one counts."""

    def __init__(self, lines):
        self.failed, self._of = {}, {}
        for line in lines:
            cell = line["table"], line["method"], line["repeat"]
            if "failed" in line:
                self.failed[cell] = line["failed"]
            elif "skipped" not in line:
                score = line["nrmse"] if line["task"] == "regression" else line["logloss"]
                more = {"score": score, "cpu": line["fit_cpu"] / (0.7 * line["n_rows"] / 1000)}
                if "error" in line:
                    more["accuracy"] = 1 - line["error"]
                self._of.setdefault(cell[:2], {})[line["repeat"]] = line | more
                self.failed.pop(cell, None)
        self.tables = list(dict.fromkeys(table for table, _ in self._of))
        every = dict.fromkeys(method for _, method in self._of)
        self.variants = {method: line for method in every if "base" in (line := self._any(method))}
        self.methods = [method for method in every if method not in self.variants]

    def _any(self, method):
        of_method = next(lines for (_, name), lines in self._of.items() if name == method)
        return next(iter(of_method.values()))

    def lines(self, table, method):
        """Return {repeat: line}."""
        return self._of.get((table, method), {})

    def tables_of(self, *methods):
        """Return the tables on which the methods have a repeat in common."""
        return [table for table in self.tables if self.repeats(table, *methods)]

    def repeats(self, table, *methods):
        """Return the repeats that all of the methods have."""
        return set.intersection(*(set(self.lines(table, method)) for method in methods))

    def mean(self, table, method, figure="score", repeats=None):
        """Return the mean of a figure over repeats; None if a line does not have it."""
        lines = self.lines(table, method)
        found = [lines[n].get(figure) for n in (lines if repeats is None else repeats)]
        return None if not found or None in found else fmean(found)

    def best(self, table, repeats):
        """Return the least mean score over repeats, of methods (no variants) that have them."""
        return min(
            self.mean(table, method, "score", repeats)
            for method in self.methods
            if repeats <= set(self.lines(table, method))
        )

    def distance(self, table, method, repeats=None):
        """Return score / best - 1."""
        repeats = repeats or self.repeats(table, method)
        return self.mean(table, method, "score", repeats) / self.best(table, repeats) - 1

    def gap(self, table, method, repeats=None):
        """Return (score - best) / (dummy - best), at most 1; None if no dummy is worse."""
        repeats = repeats or self.repeats(table, method)
        if not repeats <= set(self.lines(table, "dummy")):
            return None
        best = self.best(table, repeats)
        scale = self.mean(table, "dummy", "score", repeats) - best
        above = self.mean(table, method, "score", repeats) - best
        return min(1, above / scale) if scale > 0 else None

    def wins(self, method, rival):
        """Return on how many tables the method is better, on how many worse, and of how many."""
        both = [
            [self.mean(table, name, "score", self.repeats(table, method, rival))
             for name in (method, rival)]
            for table in self.tables_of(method, rival)
        ]  # fmt: skip
        return sum(a < b for a, b in both), sum(a > b for a, b in both), len(both)

    def difference(self, method, reference, figure):
        """Return the mean over tables of a figure less the reference's, None if none has both."""
        found = []
        for table in self.tables_of(method, reference):
            repeats = self.repeats(table, method, reference)
            both = [self.mean(table, name, figure, repeats) for name in (method, reference)]
            if None not in both:
                found.append(both[0] - both[1])
        return fmean(found) if found else None

    def each(self, function, method):
        """Return function(table, method) for each table, without None."""
        found = (function(table, method) for table in self.tables_of(method))
        return [figure for figure in found if figure is not None]

    def rows_a_second(self, method):
        """Return predicted rows over processor time, of all fits."""
        lines = [line for table in self.tables for line in self.lines(table, method).values()]
        seconds = sum(line["predict_cpu"] for line in lines)
        return sum(0.3 * line["n_rows"] for line in lines) / seconds if seconds else None
