"""Results as tables: methods compared, scores table by table, pynn's own figures, an ablation."""

from statistics import fmean, median

from report import Goal, Table, metric

NAMES = {
    "pynn": "pynn",
    "pynn_fast": "pynn, fast",
    "catboost": "CatBoost",
    "lightgbm": "LightGBM",
    "hgb": "HistGradientBoosting",
    "forest": "random forest",
    "tabm": "TabM",
    "realmlp_td": "RealMLP-TD",
    "realmlp_td_ce": "RealMLP-TD, log-loss",
    "realmlp_td_s": "RealMLP-TD-S",
    "realmlp_td_s_ce": "RealMLP-TD-S, log-loss",
    "sklearn_mlp": "scikit-learn's MLP",
    "pynn_mlp": "pynn's MLP",
    "pynn_mlp_es": "pynn's MLP, stopped early",
    "pynn_mlp_es_loss": "pynn's MLP, stopped early by loss",
    "linear": "linear",
    "dummy": "constant",
}
_RIVALS = {"catboost": 50, "lightgbm": 75, "hgb": 75, "realmlp_td_s": 75}  # % of tables to win
_SHOWN = ("pynn", "pynn_fast", "catboost", "lightgbm", "hgb", "realmlp_td_s", "sklearn_mlp",
          "linear")  # fmt: skip
_LARGE = 1000  # rows, from which intervals must hold their coverage
_NOTE = (
    "Score: log-loss, or RMSE over the standard deviation of the targets, mean of the repeats. "
    "Wins: tables with a lower score, among those with results of both. Distance: score / best "
    "− 1, median over tables. Gap: (score − best) / (constant's − best), at most 1, mean over "
    "tables. Δ: accuracy and AUC less pynn's on the same tables, in points. CPU: seconds for "
    "1,000 training rows, one thread, median over tables. ECE: calibration error of the "
    "likeliest class, mean over tables. In the picture: methods that half of the tables have, "
    "at least."
)


def name_of(method):
    return NAMES.get(method, method)


def points(results):
    """Return (method, CPU seconds for 1,000 rows, median distance) of methods.

    Those that less than half of the tables have are left out: their medians do not compare.
    """
    return [
        (m, median(_each(results, "cpu", m)), median(results.each(results.distance, m)))
        for m in results.methods
        if m != "dummy" and 2 * len(results.tables_of(m)) >= len(results.tables)
    ]


def of_methods(results):
    """Return the table that compares methods, with the goals of pynn."""
    rivals = [rival for rival in _RIVALS if rival in results.methods]
    table = Table(
        f"Methods compared; tables: {len(results.tables)}",
        ["method", "tables", *(f"wins against {name_of(rival)}" for rival in rivals), "distance",
         "gap", "Δ accuracy", "Δ AUC", "CPU s", "rows predicted a second", "coverage", "ECE"],
        notes=[_NOTE],
        overall=_goals(results),
    )  # fmt: skip
    distances = {m: results.each(results.distance, m) for m in results.methods}
    for method in sorted(results.methods, key=lambda m: (m == "dummy", median(distances[m]))):
        wins = [results.wins(method, rival) for rival in rivals]
        table.add(
            name_of(method),
            str(len(distances[method])),
            *("–" if method == rival or not n else f"{better} / {n}"
              for rival, (better, _, n) in zip(rivals, wins, strict=True)),
            _percent(median(distances[method])),
            _percent(_mean(results.each(results.gap, method))),
            _points(results.difference(method, "pynn", "accuracy")),
            _points(results.difference(method, "pynn", "auc")),
            _number(median(_each(results, "cpu", method)), 2),
            _metric(results.rows_a_second(method)),
            _percent(_mean(_each(results, "coverage", method))),
            _number(_mean(_each(results, "ece", method))),
        )  # fmt: skip
    return table


def _goals(results):
    """Return the goals, with the figures of pynn."""
    goals = {
        f"Tables won against {name_of(rival)}": Goal(part, _won(results, "pynn", rival), "%")
        for rival, part in _RIVALS.items()
    }
    slow, fast = (_each(results, "cpu", method) for method in ("pynn", "pynn_fast"))
    distances = results.each(results.distance, "pynn")
    coverages = [
        results.mean(table, "pynn", "coverage")
        for table in results.tables_of("pynn")
        if results.mean(table, "pynn", "n_rows") > _LARGE
    ]
    speed = results.rows_a_second("pynn")
    farthest = [abs(100 * found - 90) for found in coverages if found is not None]
    calibration = _calibration(results)
    return goals | {
        "Median distance": Goal(2, 100 * median(distances) if distances else None, "%", False),
        "CPU": Goal(2, median(slow) if slow else None, " s", False),
        "Rows predicted a second": Goal(200, speed and speed / 1000, " k"),
        f"Coverage of 90% intervals, farthest on a table of more than {_LARGE} rows": Goal(
            2, max(farthest, default=None), " points", False
        ),
        "Calibration error over CatBoost's": Goal(1, calibration, at_least=False),
        "fast: tables won against HistGradientBoosting": Goal(
            50, _won(results, "pynn_fast", "hgb"), "%"
        ),
        "fast: CPU": Goal(0.3, median(fast) if fast else None, " s", False),
    }


def _won(results, method, rival):
    better, _, n = results.wins(method, rival)
    return 100 * better / n if n else None


def _calibration(results):
    """Return pynn's calibration error over CatBoost's, means over the tables that both have."""
    both = [
        (results.mean(table, "pynn", "ece"), results.mean(table, "catboost", "ece"))
        for table in results.tables_of("pynn", "catboost")
    ]
    ours, theirs = zip(*[pair for pair in both if None not in pair] or [(0, 0)], strict=True)
    return sum(ours) / sum(theirs) if sum(theirs) else None


def scores(results):
    """Return two tables: the score of some methods on each table, and accuracy / AUC."""
    shown = [method for method in _SHOWN if method in results.methods]
    head = ["table", *map(name_of, shown)]
    first = Table("Log-loss, or RMSE over standard deviation", head)
    second = Table("Accuracy in %; AUC of two classes", head)
    for table in results.tables:
        found = {method: results.mean(table, method) for method in shown}
        best = min((score for score in found.values() if score is not None), default=None)
        cells = [_number(score) for score in found.values()]
        first.add(table, *(f"**{cell}**" if cell == _number(best) != "–" else cell
                           for cell in cells))  # fmt: skip
        right = [results.mean(table, method, "accuracy") for method in shown]
        auc = [results.mean(table, method, "auc") for method in shown]
        if any(part is not None for part in right):
            second.add(table, *("–" if part is None else f"{100 * part:.1f}" +
                                (f"; {area:.3f}" if area is not None else "")
                                for part, area in zip(right, auc, strict=True)))  # fmt: skip
    return [first, second] if second.lines else [first]


def details(results, method="pynn"):
    """Return the figures of one method on each table."""
    table = Table(
        f"{name_of(method)}, table by table",
        ["table", "rows", "columns", "distance", "CPU s", "temperature", "ECE", "coverage",
         "width"],
        notes=["Width of 90% intervals, mean, over the standard deviation of the targets."],
    )  # fmt: skip
    for name in results.tables_of(method):
        figure = {key: results.mean(name, method, key)
                  for key in ("n_rows", "n_columns", "cpu", "temperature", "ece", "coverage",
                              "width")}  # fmt: skip
        table.add(
            name, f"{figure['n_rows']:.0f}", f"{figure['n_columns']:.0f}",
            _percent(results.distance(name, method)), _number(figure["cpu"], 2),
            _number(figure["temperature"]), _number(figure["ece"]),
            _percent(figure["coverage"]), _number(figure["width"]),
        )  # fmt: skip
    return table


def ablation(results):
    """Return a table that compares each variant with its base, on the repeats that both have."""
    table = Table(
        "Variants, each beside its base",
        ["variant", "expert settings", "base", "tables", "gap", "base's", "distance", "base's",
         "better", "worse", "CPU s over base's"],
        notes=["Gap and distance are to the best of the methods, without variants, and negative "
               "where a variant is better. Means and medians over the tables that variant and "
               "base have."],
        n_texts=3,
    )  # fmt: skip
    for variant, line in results.variants.items():
        base = line["base"]
        shared = results.tables_of(variant, base)
        repeats = {name: results.repeats(name, variant, base) for name in shared}
        if not shared:
            table.notes.append(f"{variant} has no fit in common with {base}")
            continue
        gaps, distances = (
            [[of(name, method, repeats[name]) for name in shared] for method in (variant, base)]
            for of in (results.gap, results.distance)
        )  # fmt: skip
        better, worse, n = results.wins(variant, base)
        costs = [results.mean(name, variant, "cpu", repeats[name])
                 / results.mean(name, base, "cpu", repeats[name]) for name in shared]  # fmt: skip
        table.add(
            variant, f"`{line['expert']}`", base, str(n),
            *(_percent(_mean([gap for gap in of if gap is not None])) for of in gaps),
            *(_percent(median(of)) for of in distances),
            str(better), str(worse), f"{median(costs):.2g}×",
        )  # fmt: skip
    return table


def _each(results, figure, method):
    return results.each(lambda table, method: results.mean(table, method, figure), method)


def _mean(found):
    return fmean(found) if found else None


def _percent(part):
    return "–" if part is None else f"{100 * part:.1f}%"


def _points(difference):
    return "–" if difference is None else f"{100 * difference:+.2f}"


def _number(value, digits=4):
    """Write so many digits, and all of those before the point."""
    if value is None:
        return "–"
    return f"{value:.0f}" if value >= 10**digits else f"{value:.{digits}g}"


def _metric(value):
    return "–" if value is None else metric(value)
