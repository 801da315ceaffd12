"""The results as a Markdown table, a list of goals reached, and a picture."""

import numpy as np
import peers

_UNDISTURBED = 0.95  # processors kept busy by a peer that had at least one to itself


def markdown(results):
    """Return the table: one row a case, one column a peer, and the paired ratios of pynn."""
    shown = [name for name in peers.PEERS if name in results["peers"]]
    footnotes = []
    head = ["case", *map(peers.label, shown), "pynn / NumPy", "pynn / best other"]
    head.append("input columns used")
    rows = [head, ["---", *["---:"] * (len(head) - 1)]]
    for name, case in results["cases"].items():
        cells = [_rate_cell(case, peer, results["peak"], footnotes) for peer in shown]
        best = case["best_other"]
        ratios = [_ratio_cell(case, "numpy"), _ratio_cell(case, best, True)]
        rows.append([name, *cells, *ratios, f"{case['columns_used']:.0%}"])
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    notes = [f"[{number}] {note}" for number, note in enumerate(footnotes, 1)]
    return "\n".join([*_heading(results), "", *lines, "", *_legend(results), *notes])


def _heading(results):
    machine, versions = results["machine"], results["versions"]
    peak = ", ".join(f"{n}: {value:.0f}" for n, value in results["peak"]["gflops"].items())
    absent = [f"{peers.label(n)} ({why})" for n, why in results["absent"].items()]
    lines = [
        f"{results['date']}, {machine['processor']}, {machine['n_processors']} processors",
        ", ".join(f"{name} {version}" for name, version in versions.items()),
        f"fp32 FMA peak in GFLOP/s by threads: {peak} ({results['peak']['method']})",
    ]
    return lines + (["absent: " + ", ".join(absent)] if absent else [])


def _legend(results):
    sources, disturbed = {}, []
    for name, case in results["cases"].items():
        sources.setdefault(case["data"], []).append(name)
        busy = [result["processors_busy"] or 1 for result in case["peers"].values()]
        if min(busy) < _UNDISTURBED:
            disturbed.append(name)
    lines = [
        "Samples a second in training (t: threads, %: arithmetic of dense products, or of the "
        "entries of sparse rows, as part of the FMA peak of those threads). "
        "–: the library has no means for the case.",
        "Input columns used: those in which a mini-batch has a number other than 0, on average. "
        "Whoever leaves the others out of the first layer's products does that much less of them.",
        f"Ratios: median of at most {results['settings']['n_rounds']} paired rounds (quartiles).",
        "Data: " + "; ".join(f"{', '.join(names)}: {data}" for data, names in sources.items()),
    ]
    if disturbed:
        lines.append(f"DISTURBED by other processes, measure again: {', '.join(disturbed)}")
    return lines


def _rate_cell(case, peer, peak, footnotes):
    result = case["peers"].get(peer)
    if result is None:
        return "–"
    notes = [f"{peers.label(peer)}: {result['problem']}"] if result["problem"] else []
    notes += [result["footnote"]] if result["footnote"] else []
    marks = "".join(f" [{_number(footnotes, note)}]" for note in notes)
    rate = result["samples_per_second"]
    if rate is None:
        return f"✗{marks}"
    n_threads = result["n_threads"]
    percent = _percent_of_peak(case, result, peak)
    form = f" {result['form']}" if result["form"] else ""
    share = f"{percent:.0f}%" if percent >= 1 else "<1%"
    return f"{_metric(rate)}{form} {n_threads}t {share}{marks}"


def _percent_of_peak(case, result, peak):
    """Arithmetic of dense products as part of the FMA peak of the threads used."""
    flop = result["samples_per_second"] * case["flop_per_sample"]
    return 100 * flop / (peak["gflops"][str(result["n_threads"])] * 1e9)


def _number(footnotes, note):
    if note not in footnotes:
        footnotes.append(note)
    return footnotes.index(note) + 1


def _ratio_cell(case, peer, named=False):
    ratio = case["pynn_to"].get(peer)
    if ratio is None:
        return "–"
    who = f" {peers.label(peer)}" if named else ""
    return f"**{ratio['median']:.3g}** ({ratio['q1']:.3g}–{ratio['q3']:.3g}){who}"


def _metric(value):
    for unit, size in (("M", 1e6), ("k", 1e3)):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value:.3g}"


def goals_table(results, goals):
    """Return (table of goals, whether every case that was asked for reached both of its)."""
    lines, reached_all = [], True
    for name, case in results["cases"].items():
        goal = goals[name]
        ratio = case["pynn_to"].get(goal.peer or case["best_other"])
        pynn = case["peers"].get("pynn")
        percent = None
        if pynn and not pynn["problem"] and pynn["samples_per_second"]:
            percent = _percent_of_peak(case, pynn, results["peak"])
        cells = [
            _goal_cells(goal.ratio, ratio and ratio["median"], "×", goal.peer),
            _goal_cells(goal.percent, percent, "%"),
        ]
        reached_all &= all(reached for *_, reached in cells)
        texts = [text for *pair, _ in cells for text in pair]
        lines.append("| " + " | ".join([name, *texts, f"{case['columns_used']:.0%}"]) + " |")
    title = "Goals: pynn against the fastest peer, or the one that is named, and % of the FMA peak "
    title += "of the threads used"
    head = "| case | ratio: goal | reached | % of peak: goal | reached | input columns used |"
    return "\n".join([title, "", head, "|---" + "|---:" * 5 + "|", *lines]), reached_all


def _goal_cells(goal, value, unit, peer=""):
    """Return the texts of a goal and of what was reached, and whether that is enough."""
    target = "–" if goal is None else f"{goal:g}{unit}" + (f" {peers.label(peer)}" if peer else "")
    if value is None:
        return target, "**not measured**", goal is None
    reached = goal is None or value >= goal
    mark = "" if goal is None else " yes" if reached else " **no**"
    return target, f"{value:.3g}{unit}{mark}", reached


def picture(results, goals, file):
    """Draw each peer's throughput relative to NumPy's, by case, on a logarithmic axis."""
    from matplotlib import pyplot as plt
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    names = list(results["cases"])
    shown = [name for name in peers.PEERS if name in results["peers"] and name != "numpy"]
    figure, axes = plt.subplots(figsize=(max(8, 2 + 1.2 * len(names)), 5), layout="constrained")
    width = 0.8 / max(1, len(shown))
    for index, peer in enumerate(shown):
        at, middle, low, high = [], [], [], []
        for place, name in enumerate(names):
            ratio = results["cases"][name]["to_numpy"].get(peer)
            if ratio:
                at.append(place + (index - (len(shown) - 1) / 2) * width)
                middle.append(ratio["median"])
                low.append(ratio["median"] - ratio["q1"])
                high.append(ratio["q3"] - ratio["median"])
        heights = np.subtract(middle, 1)
        axes.bar(at, heights, width, bottom=1, yerr=(low, high), label=peers.label(peer),
                 color=_COLOURS[peer], error_kw={"elinewidth": 0.8})  # fmt: skip
        if peer == "pynn":
            for x, value in zip(at, middle, strict=True):
                axes.annotate(f"{value:.3g}×", (x, max(value, 1)), (0, 3), ha="center",
                              textcoords="offset points", fontsize=8,
                              bbox={"color": "white", "pad": 0.5})  # fmt: skip
    _draw_goals(axes, results, goals, names)
    axes.axhline(1, color="black", linewidth=1)
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}×"))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_xticks(range(len(names)), [_tick(results, name) for name in names], fontsize=8)
    axes.set_ylabel("training throughput ÷ NumPy's\n(samples/s over samples/s, log scale)")
    axes.set_title(
        "Training throughput relative to NumPy by hand (= 1), fp32; "
        "median and quartiles of paired rounds",
        fontsize=10,
    )
    axes.grid(axis="y", which="major", alpha=0.3)
    axes.set_axisbelow(True)
    axes.legend(fontsize=8)
    figure.savefig(file, dpi=150)
    plt.close(figure)


_COLOURS = {"pynn": "#d1495b", "sklearn": "#edae49", "torch": "#7a5195", "jax": "#30638e"}


def _tick(results, name):
    sizes, rest = results["cases"][name]["description"].split(" ", 1)
    batch, rule, *more = rest[rest.index("batch") :].split(", ")
    return "\n".join([name, sizes, f"{batch}, {rule}", *more[:1]])


def _draw_goals(axes, results, goals, names):
    """Mark what pynn should reach, on the scale of the picture."""
    label = "goal for pynn: so many times the fastest peer (sparse: scikit-learn)"
    for place, name in enumerate(names):
        case = results["cases"][name]
        best = goals[name].peer or case["best_other"]
        if "pynn" in results["peers"] and best in case["to_numpy"] and goals[name].ratio:
            goal = goals[name].ratio * case["to_numpy"][best]["median"]
            axes.plot([place - 0.45, place + 0.45], [goal, goal], color="black", linestyle=":",
                      linewidth=1.2, label=label)  # fmt: skip
            label = None
