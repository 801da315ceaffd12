"""One library at one kind of task, in a process of its own: both ends of the pipe.

``python task_worker.py SUBJECT/LIBRARY N_THREADS`` is the child's end: it answers with the methods
of ``tasks.SUBJECT.Child(LIBRARY, N_THREADS)``. `TaskWorker` is the parent's.
"""

import sys
import warnings
from importlib import import_module
from pathlib import Path

from worker import Worker, WorkerError, answer, open_channel


class TaskWorker(Worker):
    """The parent's end. ``version`` is the library's; ImportError where it is missing."""

    script = Path(__file__)

    def __init__(self, subject, library, n_threads):
        super().__init__(f"{subject}/{library}", n_threads)
        try:
            greeting = self.greeting()
        except WorkerError:
            self.close()
            raise
        if "absent" in greeting:
            self.close()
            raise ImportError(greeting["absent"])
        self.version = greeting["version"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def _serve(task, n_threads):
    say = open_channel()
    subject, library = task.split("/")
    warnings.simplefilter("ignore")  # scikit-learn's ConvergenceWarning, and ours, alike
    try:
        child = import_module(f"tasks.{subject}").Child(library, n_threads)
    except ImportError as error:
        say(absent=str(error))
        return
    say(version=child.version)
    answer(child, say)


if __name__ == "__main__":
    _serve(sys.argv[1], int(sys.argv[2]))
