"""Real tables: TabularClassifier and TabularRegressor beside gradient boosting and other networks.

    python bench/tables.py --out results.jsonl                # scikit-learn's own tables
    python bench/tables.py --out results.jsonl --data FOLDER  # those of a folder
    python bench/tables.py --out results.jsonl --data FOLDER --tables even \
        --name no_bins --expert '{"n_bins": 0}'               # an ablation

A fit that has a line in the results file is not done again. The report compares the results with
the baselines that the folder has. bench/README.md explains the folder and the report.
"""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # python -P omits it

import pictures
import report
from report import say
from tabular import comparison, methods, sources
from tabular.results import Results, read
from tabular.running import Job, run

_PACKAGES = ("pynn-learn", "numpy", "scikit-learn", "pandas", "catboost", "lightgbm")


def main():
    """Do the fits that the command line asks for, then report; return the exit status."""
    options = _options()
    data = str(options.data.resolve()) if options.data else None
    tables = sources.chosen(data, options.tables or ("all" if data else "sklearn"))
    absent = {}
    if not options.report:
        done = Results(read(options.out))
        _check_variant(options, done.variants)
        jobs = [job for job in _jobs(options, data, tables)
                if job.repeat not in done.lines(job.table, job.method)]  # fmt: skip
        absent = run(jobs, data, options.out, options.processes, say)
    lines = read(options.out)
    if data:
        reported = {(line["table"], line["repeat"]) for line in lines}
        lines = [line for line in read(Path(data) / "baselines.jsonl")
                 if (line["table"], line["repeat"]) in reported] + lines  # fmt: skip
    if options.tables or data:
        lines = [line for line in lines if line["table"] in tables]
    return _report(Results(lines), lines, absent, options)


def _options():
    parser = report.parser(__doc__, timed=False, draws=True)
    parser.add_argument("--out", type=Path, required=True, metavar="FILE",
                        help="results, a line of JSON for each fit")  # fmt: skip
    parser.add_argument("--data", type=Path, metavar="FOLDER",
                        help="has tables.py, baselines.py, baselines.jsonl")  # fmt: skip
    parser.add_argument("--tables", metavar="A,B",
                        help="names, odd, even or all of the folder, sklearn")  # fmt: skip
    parser.add_argument("--repeats", type=_numbers, default=[0, 1, 2], metavar="0,1,2",
                        help="the random states of the splits")  # fmt: skip
    parser.add_argument("--methods", type=lambda text: text.split(","), metavar="A,B",
                        help="default: pynn,pynn_fast; with --name: the base, pynn")  # fmt: skip
    parser.add_argument("--name", help="the name of a variant, for --expert")
    parser.add_argument("--expert", type=json.loads, metavar="JSON", help="its expert settings")
    parser.add_argument("--processes", type=int, default=1, help="fits at a time")
    parser.add_argument("--report", action="store_true", help="no fits, only the report")
    options = parser.parse_args()
    if (options.name is None) != (options.expert is None):
        parser.error("--name and --expert belong together")
    return options


def _numbers(text):
    return [int(part) for part in text.split(",")]


def _check_variant(options, variants):
    """Refuse the name of a variant that has other settings."""
    settings = variants.get(options.name, {}).get("expert", options.expert)
    if settings != options.expert:
        raise SystemExit(f"{options.out} has {options.name} with other settings: {settings}")


def _jobs(options, data, tables):
    """Return a job for each repeat, method and table."""
    known, tasks = methods.known(data), sources.tasks(data)
    given = options.methods or (["pynn"] if options.name else list(methods.PRESETS))
    if options.name:
        if options.name in known:
            raise SystemExit(f"--name {options.name} is the name of a method")
        if len(given) > 1 or given[0] not in methods.PRESETS:
            raise SystemExit("--methods of a variant is its base: " + " or ".join(methods.PRESETS))
        (base,) = given
        variant = {"base": base, "preset": methods.PRESETS[base], "expert": options.expert}
        return [Job(table, options.name, repeat, variant)
                for repeat in options.repeats for table in tables]  # fmt: skip
    if unknown := sorted(set(given) - set(known)):
        raise SystemExit(f"no such method: {', '.join(unknown)}; there are {', '.join(known)}")
    return [
        Job(table, method, repeat)
        for repeat in options.repeats
        for method in given
        for table in tables
        if tasks[table] != "regression" or not getattr(known[method], "classes_only", False)
    ]


def _report(results, lines, absent, options):
    """Print the report, and put it where the options say; return the exit status."""
    missing = report.absent(absent)
    if not results.tables:
        why = "; ".join([*missing, *_failures(results)]) or "nothing to report"
        raise SystemExit(f"{options.out} has no results for these tables: {why}")
    sections = {}
    if results.methods:
        first = comparison.of_methods(results)
        first.notes += [*missing, *_failures(results), _origin(lines)]
        if picture := report.picture("tables", options):
            pictures.tradeoff(comparison.points(results), comparison.name_of, picture)
            if options.readme:
                first.notes.append(f"\n![Distance to the best over CPU time]({picture.name})")
        sections["tables"] = [first, *comparison.scores(results)]
    if "pynn" in results.methods:
        sections["tables"].append(comparison.details(results))
    if results.variants:
        sections["ablation"] = [comparison.ablation(results)]
    head = report.heading(packages=_PACKAGES)
    return report.publish(sections, options, head, len(results.failed))


def _failures(results):
    return [
        f"FAILED: {table}, {method}, {repeat}: {why}"
        for (table, method, repeat), why in results.failed.items()
    ]


def _origin(lines):
    """Say when fits were made, and how many are stored baselines."""
    lines = [line for line in lines if "failed" not in line]
    dates = sorted(line["date"] for line in lines if "date" in line)
    made = f"{len(dates)} made from {dates[0]} to {dates[-1]}" if dates else "none made here"
    return f"Fits: {made}, {len(lines) - len(dates)} stored"


if __name__ == "__main__":
    sys.exit(main())
