"""What roofline.py measured, as Markdown tables and as a picture."""

import platform
from datetime import UTC, datetime
from importlib import metadata

import native
import numpy as np
from script import n_processors, processor

FLOAT64_GOAL = 0.45  # of the throughput in float32


def heading():
    """Return who was measured, where and when: a line of Markdown each, and an empty one."""
    from pynn import _core

    pynn = f"pynn {metadata.version('pynn-learn')} with the kernels for {_core.isa_in_use()}"
    return [
        f"{datetime.now(UTC):%Y-%m-%d %H:%M UTC}, {processor()}, {n_processors()} processors  ",
        f"Python {platform.python_version()}, {pynn}, {native.compiler_version()}",
        "",
    ]


def markdown(machine, peak_64, steps, timed, doubles):
    """Return all tables."""
    parts = [
        "\n".join(heading()),
        _machine_table(machine, peak_64),
        "Whole steps of training (`Network.fit`, the best of several calls)\n\n"
        + _steps_table(machine, steps),
        "Products by themselves, float32\n\n" + _products_table(machine, timed),
    ]
    if doubles:
        parts.append("float64 beside float32, samples a second\n\n" + _doubles_table(doubles))
    return "\n\n".join(part.rstrip("\n") for part in parts)


def table(head, rows, n_texts=1):
    """Return a table whose first n_texts columns stand to the left."""
    aligned = ["---"] * n_texts + ["---:"] * (len(head) - n_texts)
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, aligned, *rows))


def _machine_table(machine, peak_64):
    head = ["threads", "float32 FMA, GFLOP/s", "float64 FMA"]
    for level in machine.levels:
        size = f" ({_size(level.size)})" if level.size else ""
        head.append(f"reads of {level.name}{size}, GB/s")
    rows = [
        [str(n), f"{machine.peak[n]:.0f}", f"{peak_64[n]:.0f}"]
        + [f"{machine.bandwidth[level.name, n]:.0f}" for level in machine.levels]
        for n in machine.peak
    ]
    return table(head, rows)


def _size(n_bytes):
    return f"{n_bytes >> 20} MB" if n_bytes >= 1 << 20 else f"{n_bytes >> 10} KB"


def _steps_table(machine, steps):
    head = ["case", "threads", "samples/s", "% of FMA peak", "limit, samples/s", "% of limit",
            "limit set by", "input columns used"]  # fmt: skip
    rows = [
        [
            step.case,
            str(step.n_threads),
            f"{step.rate:,.0f}",
            _percent(step.gflops / machine.peak[step.n_threads]),
            f"{step.limit:,.0f}",
            _percent(step.rate / step.limit),
            step.limited_by,
            _percent(step.columns_used),
        ]
        for step in steps
    ]
    return table(head, rows)


def _products_table(machine, timed):
    """One row for each product of each layer, the thread counts side by side."""
    counts = list(machine.peak)
    head = ["case", "product", "rows × n_in × n_out", "input columns used"]
    for n in counts:
        head += [f"{n}t: GFLOP/s", "% of FMA peak", "FLOP/byte", "data in", "% of roofline"]
    rows = {}
    for p in timed:
        row = rows.setdefault(
            (p.case, p.layer, p.kind),
            [p.case, f"{p.kind} {p.layer + 1}", " × ".join(map(str, p.shape)),
             _percent(p.columns_used)],
        )  # fmt: skip
        level = machine.level_of(p.footprint, p.n_threads)
        row += [
            f"{p.gflops:.3g}",
            _percent(p.gflops / machine.peak[p.n_threads]),
            f"{p.intensity:.3g}",
            level.name,
            _percent(p.gflops / machine.limit(p.flop, p.traffic, level, p.n_threads)),
        ]
    return table(head, rows.values(), n_texts=3)


def _doubles_table(doubles):
    head = ["case", "threads", "float32", "float64", "ratio", f"at least {FLOAT64_GOAL}"]
    rows = [
        [name, str(n), f"{single:,.0f}", f"{double:,.0f}", f"{double / single:.2f}",
         "yes" if double / single >= FLOAT64_GOAL else "**no**"]
        for name, n, single, double in doubles
    ]  # fmt: skip
    return table(head, rows)


def _percent(part):
    return f"{part:.0%}" if part >= 0.01 else "<1%"


_MARKERS = {"forward": "o", "backward": "^", "gradient": "s"}
_INK = "#555555"
_ROOFS = ("#08519c", "#3182bd", "#6baed6", "#9ecae1")  # from the nearest level to memory


def picture(machine, steps, timed, file):
    """Draw a roofline for each number of threads, side by side."""
    from matplotlib import pyplot as plt

    counts = list(machine.peak)
    figure, panels = plt.subplots(
        1, len(counts), figsize=(1.5 + 6.5 * len(counts), 7.4), sharey=True, squeeze=False,
        layout="constrained",
    )  # fmt: skip
    names = list(dict.fromkeys(p.case for p in timed))
    colours = dict(zip(names, plt.get_cmap("tab10").colors, strict=False))
    # Room for the names of the roofs on the left, of the peak on the right.
    x_range = min(p.intensity for p in timed) / 4, max(p.intensity for p in timed) * 3
    peak = max(machine.peak.values())
    slowest = min(p.gflops for p in (*timed, *steps))
    y_range = max(slowest / 1.6, peak / 2000), 2 * peak
    for axes, n in zip(panels[0], counts, strict=True):
        axes.set(xscale="log", yscale="log", xlim=x_range, ylim=y_range)
        axes.set_title(f"{n} thread{'s' * (n > 1)}", fontsize=11)
        axes.set_xlabel("arithmetic intensity: FLOP for each byte read or written")
        _plain_ticks(axes)
        axes.grid(which="major", alpha=0.2)
        _draw_roofs(axes, machine, n, np.geomspace(*x_range, 400))
        for p in timed:
            if p.n_threads == n:
                axes.plot(p.intensity, p.gflops, _MARKERS[p.kind], color=colours[p.case],
                          alpha=0.75, markersize=6, markeredgewidth=0, zorder=3)  # fmt: skip
        _draw_steps(axes, [step for step in steps if step.n_threads == n], colours)
    panels[0][0].set_ylabel("GFLOP/s of dense products, float32")
    _draw_legend(figure, names, colours, steps)
    figure.suptitle("Whole training steps and the products they consist of, against the roofline "
                    "of this machine")  # fmt: skip
    figure.savefig(file, dpi=150)
    plt.close(figure)


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
    highest = machine.bandwidth[machine.levels[0].name, n]
    axes.fill_between(x, np.minimum(x * highest, peak), axes.get_ylim()[1], color="#f2f2f2",
                      zorder=0)  # fmt: skip
    axes.annotate(f"FMA peak {peak:.0f} GFLOP/s", (x[-1], peak), (-4, 4), ha="right",
                  textcoords="offset points", fontsize=8.5, color=_INK)  # fmt: skip


# Where a name may stand beside its star, in points: right, left, and each higher and lower.
_PLACES = [(side * 10, up) for up in (-3, 6, -12, 14, -20, 22, -28) for side in (1, -1)]


def _draw_steps(axes, steps, colours):
    """Draw a star for each whole step, its name where no other name is."""
    taken = []
    for step in sorted(steps, key=lambda step: step.gflops):
        star = step.intensity, step.gflops
        axes.plot(*star, "*", color=colours[step.case], markersize=15, markeredgecolor="black",
                  markeredgewidth=0.7, zorder=4)  # fmt: skip
        x, y = axes.transData.transform(star) * 72 / axes.figure.dpi
        width = 5.4 * len(step.case)
        for right, up in _PLACES:
            left = x + right - (width if right < 0 else 0)
            if all(
                abs(y + up - other_y) > 10
                or left > other_left + other_width
                or other_left > left + width
                for other_left, other_y, other_width in taken
            ):
                break  # fmt: skip
        taken += [(left, y + up, width), (x - 6, y - 3, 12)]
        axes.annotate(step.case, star, (right, up), textcoords="offset points", fontsize=8.5,
                      ha="left" if right > 0 else "right", zorder=5,
                      bbox={"color": "white", "alpha": 0.5, "pad": 0.3})  # fmt: skip


def _plain_ticks(axes):
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_minor_formatter(NullFormatter())


def _draw_legend(figure, names, colours, steps):
    from matplotlib.lines import Line2D

    used = {step.case: step.columns_used for step in steps}

    def entry(marker, colour, label, size=7):
        return Line2D([], [], marker=marker, linestyle="", color=colour, label=label,
                      markersize=size)  # fmt: skip

    handles = [entry("o", colours[name], f"{name} ({used[name]:.0%})") for name in names]
    handles.append(entry("*", "white", "whole step", 12))
    handles[-1].set_markeredgecolor("black")
    handles += [entry(marker, _INK, label) for label, marker in _MARKERS.items()]
    figure.legend(
        handles=handles, loc="outside lower center", ncols=7, frameon=False, fontsize=8.5,
        title="in brackets: input columns used, the others being zero in a whole mini-batch",
        title_fontsize=8.5,
    )  # fmt: skip
