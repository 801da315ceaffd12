"""The pictures: throughput beside NumPy's, growth, methods for tables, the roofline."""

import numpy as np
from peers import PEERS, label

COLOURS = {"pynn": "#d1495b", "numpy": "#8d99ae", "sklearn": "#edae49", "torch": "#7a5195",
           "jax": "#30638e"}  # fmt: skip
_INK = "#555555"


def _plain_ticks(axis, unit="", subs=(1, 2, 5)):
    """Write the numbers of a logarithmic axis as they are."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axis.set_major_locator(LogLocator(subs=subs))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}{unit}"))
    axis.set_minor_formatter(NullFormatter())


def _save(figure, file):
    from matplotlib import pyplot as plt

    figure.savefig(file, dpi=150)
    plt.close(figure)


def throughput(results, file):
    """Draw the throughput of pynn and the other libraries over NumPy's, by case."""
    from matplotlib import pyplot as plt

    shown = [peer for peer in PEERS if peer != "numpy" and any(peer in r.chosen for r in results)]
    figure, axes = plt.subplots(figsize=(max(8, 2 + 1.2 * len(results)), 5), layout="constrained")
    width = 0.8 / len(shown)
    for index, peer in enumerate(shown):
        ratios = [result.ratio(peer, "numpy") for result in results]
        places = np.arange(len(results)) + (index - (len(shown) - 1) / 2) * width
        middle, low, high = np.array([found or [np.nan] * 3 for found in ratios]).T
        bars = axes.bar(places, middle - 1, width, bottom=1, label=label(peer),
                        yerr=(middle - low, high - middle), color=COLOURS[peer],
                        error_kw={"elinewidth": 0.8})  # fmt: skip
        if peer == "pynn":
            axes.bar_label(bars, [f"{value:.3g}×" for value in middle], padding=3, fontsize=8)
    axes.axhline(1, color="black", linewidth=1)
    axes.set_yscale("log")
    _plain_ticks(axes.yaxis, "×")
    ticks = [f"{r.case.name}, {r.case.describe()}".replace(", ", "\n", 2) for r in results]
    axes.set_xticks(range(len(results)), ticks, fontsize=8)
    axes.set_ylabel("training throughput ÷ NumPy's")
    axes.set_title("Training throughput over that of NumPy by hand (= 1), float32; "
                   "median and quartiles of paired rounds", fontsize=10)  # fmt: skip
    axes.grid(axis="y", which="major", alpha=0.3)
    axes.set_axisbelow(True)
    axes.legend(fontsize=8)
    _save(figure, file)


def growth(curves, titles, file):
    """Draw microseconds a sample over each size, a panel each.

    curves: {panel: {(library, dtype): [(size, seconds a sample), …]}}, titles: {panel: its x axis}
    """
    from matplotlib import pyplot as plt

    figure, panels = plt.subplots(2, 2, figsize=(11, 8), layout="constrained")
    for axes, (panel, lines) in zip(panels.flat, curves.items(), strict=False):
        for (library, dtype), points in lines.items():
            sizes, taken = np.array(points).T
            style = "-o" if dtype == "float32" else "--^"
            axes.plot(sizes, taken * 1e6, style, color=COLOURS[library], markersize=3.5,
                      linewidth=1.3, label=f"{label(library)}, {dtype}")  # fmt: skip
        axes.set(xscale="log", yscale="log", xlabel=titles[panel])
        _plain_ticks(axes.xaxis, subs=(1,))
        _plain_ticks(axes.yaxis)
        axes.grid(which="major", alpha=0.25)
    for axes in panels[:, 0]:
        axes.set_ylabel("time in µs for each sample")
    figure.suptitle("Training time for each sample")
    handles, labels = panels.flat[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=6, frameon=False, fontsize=9)
    _save(figure, file)


_OURS = ("pynn", "pynn_fast")


def tradeoff(points, name_of, file):
    """Draw how far methods are from the best over their CPU time: [(method, time, distance)]."""
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(9, 5.5), layout="constrained")
    for method, seconds, distance in points:
        ours = method in _OURS
        axes.plot(seconds, 100 * distance, "o", markersize=9 if ours else 6,
                  color=COLOURS["pynn" if ours else "jax"])  # fmt: skip
    times = [seconds for _, seconds, _ in points]
    axes.set(xscale="log", xlim=(min(times) / 2, max(times) * 4))
    axes.set_xlabel("CPU seconds for 1,000 training rows, one thread (median over tables)")
    axes.set_ylabel("score above the best method's (median over tables)")
    axes.set_title("Log-loss or RMSE above the best, and the time of a fit: lower left is better",
                   fontsize=10)  # fmt: skip
    axes.margins(y=0.1)
    _plain_ticks(axes.xaxis)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}%")
    axes.grid(which="major", alpha=0.25)
    axes.set_axisbelow(True)
    _label(axes, [((seconds, 100 * distance), name_of(method), method in _OURS)
                  for method, seconds, distance in points])  # fmt: skip
    _save(figure, file)


# Of a label beside its point, in points: right, left, above, below, then farther off.
_PLACES = [(9, 0, "left"), (-9, 0, "right"), (0, 12, "center"), (0, -12, "center"),
           *((9 * right, up, side) for up in (9, -9, 16, -16, 24, -24)
             for right, side in ((1, "left"), (-1, "right")))]  # fmt: skip


def _label(axes, labels):
    """Write [(point, text, bold)] beside the points, each where it covers nothing so far."""
    from matplotlib.transforms import Bbox

    axes.figure.canvas.draw()  # the layout is known from now on
    taken = [Bbox.from_bounds(x - 6, y - 6, 12, 12)
             for x, y in axes.transData.transform([point for point, _, _ in labels])]  # fmt: skip
    inside = axes.bbox
    for point, text, bold in labels:
        label = axes.annotate(text, point, (0, 0), textcoords="offset points", va="center",
                              fontsize=9, color="black" if bold else _INK,
                              weight="bold" if bold else "normal")  # fmt: skip
        for x, y, side in _PLACES:
            label.xyann = x, y
            label.set_ha(side)
            box = label.get_window_extent()
            free = not any(box.overlaps(other) for other in taken)
            if free and inside.contains(*box.p0) and inside.contains(*box.p1):
                break
        taken.append(box)


_ROOFS = ("#08519c", "#3182bd", "#6baed6", "#9ecae1")  # from the nearest level to memory


def roofline(machine, steps, layers, file):
    """Draw whole steps and layers alone under the roofline, a panel for each number of threads."""
    from matplotlib import pyplot as plt

    counts = list(machine.peak)
    size = 1.5 + 6.5 * len(counts), 7.4
    figure, panels = plt.subplots(1, len(counts), figsize=size, sharey=True, squeeze=False,
                                  layout="constrained")  # fmt: skip
    names = list(dict.fromkeys(step.name for step in steps))
    colours = dict(zip(names, plt.get_cmap("tab10").colors, strict=False))
    every = [*steps, *layers]
    x_range = min(s.intensity for s in every) / 4, max(s.intensity for s in every) * 3
    peak = max(machine.peak.values())
    y_range = max(min(s.gflops for s in every) / 1.6, peak / 2000), 2 * peak
    for axes, n in zip(panels[0], counts, strict=True):
        axes.set(xscale="log", yscale="log", xlim=x_range, ylim=y_range)
        axes.set_title(f"{n} thread{'s' * (n > 1)}", fontsize=11)
        axes.set_xlabel("arithmetic intensity: FLOP for each byte read or written")
        _plain_ticks(axes.xaxis)
        _plain_ticks(axes.yaxis)
        axes.grid(which="major", alpha=0.2)
        _draw_roofs(axes, machine, n, np.geomspace(*x_range, 400))
        for s in (layer for layer in layers if layer.n_threads == n):
            axes.plot(s.intensity, s.gflops, "o", color=colours[s.case.name], alpha=0.75,
                      markersize=6, markeredgewidth=0, zorder=3)  # fmt: skip
        _draw_steps(axes, [step for step in steps if step.n_threads == n], colours)
    panels[0][0].set_ylabel("GFLOP/s of dense products, float32")
    handles = [plt.Line2D([], [], marker="o", linestyle="", color=colours[name],
                          label=name) for name in names]  # fmt: skip
    handles += [plt.Line2D([], [], marker="*", linestyle="", markersize=12, color="white",
                           markeredgecolor="black", label="whole step"),
                plt.Line2D([], [], marker="o", linestyle="", color=_INK,
                           label="layer alone")]  # fmt: skip
    figure.legend(handles=handles, loc="outside lower center", ncols=6, frameon=False, fontsize=9)
    figure.suptitle("Whole training steps, and their layers alone, under this machine's roofline")
    _save(figure, file)


def _draw_roofs(axes, machine, n, x):
    """Draw the peak, and for each level the line that rises with its bandwidth up to the peak."""
    peak = machine.peak[n]
    for level, colour in zip(machine.levels, _ROOFS, strict=False):
        speed = machine.bandwidth[level.name, n]
        axes.plot(x, np.minimum(x * speed, peak), color=colour, linewidth=1.6, zorder=2)
        # Where the line enters the picture; a power law has slope y / x there.
        at = max(x[0], axes.get_ylim()[0] / speed) * 1.15
        axes.text(at, at * speed * 1.06, f"{level.name} {speed:.0f} GB/s", fontsize=8,
                  color=_INK, rotation=np.degrees(np.arctan2(speed, 1)), rotation_mode="anchor",
                  transform_rotates_text=True)  # fmt: skip
    axes.annotate(f"FMA peak {peak:.0f} GFLOP/s", (x[-1], peak), (-4, 4), ha="right",
                  textcoords="offset points", fontsize=8.5, color=_INK)  # fmt: skip


def _draw_steps(axes, steps, colours):
    """Draw a star for each whole step, names alternately on the right and on the left."""
    for number, step in enumerate(sorted(steps, key=lambda step: step.gflops)):
        star = step.intensity, step.gflops
        axes.plot(*star, "*", color=colours[step.name], markersize=15, markeredgecolor="black",
                  markeredgewidth=0.7, zorder=4)  # fmt: skip
        side = 1 if number % 2 else -1
        axes.annotate(step.name, star, (10 * side, -3), textcoords="offset points", fontsize=8.5,
                      ha="left" if side > 0 else "right", zorder=5,
                      bbox={"color": "white", "alpha": 0.5, "pad": 0.3})  # fmt: skip
