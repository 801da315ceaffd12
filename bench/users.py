"""What users do, beside other libraries: fits, prediction, accuracy, memory, threads, growth.

    python bench/users.py [--quick] [--only fits,predict] [--check] [--readme]

compare.py measures training throughput; this measures the rest. bench/README.md explains the
tables.
"""

import sys
import time
from dataclasses import replace
from importlib import import_module
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # python -P omits it

import report
from report import say
from tasks import SUBJECTS
from turns import plan_of


def main():
    """Measure what the command line asks for; return the exit status."""
    parser = report.parser(__doc__, draws=True)
    parser.add_argument("--only", type=report.some_of(SUBJECTS), default=SUBJECTS, metavar="A,B",
                        help=f"of {', '.join(SUBJECTS)}")  # fmt: skip
    options = parser.parse_args()
    plan = replace(plan_of(options), picture=report.picture("growth", options))
    head = report.heading()
    sections, n_problems = {}, 0
    print(head, flush=True)
    for subject in options.only:
        begun = time.perf_counter()
        say(subject)
        try:
            sections[subject] = import_module(f"tasks.{subject}").measure(plan, say)
            for table in sections[subject]:
                print("", table.markdown(), sep="\n", flush=True)
        except Exception as error:  # the other subjects' figures are worth having
            n_problems += 1
            print(f"\n{subject} was not measured: {type(error).__name__}: {error}", flush=True)
        say(f"  {time.perf_counter() - begun:.0f} s")
    return report.publish(sections, options, head, n_problems, shown=False)


if __name__ == "__main__":
    sys.exit(main())
