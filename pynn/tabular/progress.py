"""Progress: a line for each trained network, with an estimate of the time left."""

from __future__ import annotations

import threading
from collections.abc import Callable
from time import monotonic

from pynn.tabular.training import Member, best_epoch
from pynn.training.workers import n_workers_of


class Progress:
    """Prints lines from the threads that train networks.

    Parameters
    ----------
    n : int
        Number of networks.
    score : function
        Returns the metric of a member.
    metric : str
        Its name.
    deadline : float
        Time of `time.monotonic` when training ends at the latest.
    n_threads : int or None
    """

    def __init__(
        self,
        n: int,
        score: Callable[[Member], float],
        metric: str,
        deadline: float,
        n_threads: int | None,
    ) -> None:
        self.n, self.score, self.metric, self.deadline = n, score, metric, deadline
        self.n_workers = min(n, n_workers_of(n_threads))
        self.begun, self.n_done, self.lock = monotonic(), 0, threading.Lock()

    def __call__(self, k: int, member: Member) -> None:
        """Print the line of a member; k counts from 0."""
        score, network = self.score(member), member.network
        with self.lock:
            self.n_done += 1
            epochs = f"best epoch {best_epoch(network)} of {len(network.history['cost'])}"
            left = self._left()
            print(
                f"network {k + 1} of {self.n}: {epochs}, {self.metric} {score:.4g}{left}",
                flush=True,
            )

    def _left(self) -> str:
        if self.n_done == self.n:
            return ""
        now = monotonic()
        # Until all threads have trained a network, each of them has trained for the whole time.
        each = (now - self.begun) * self.n_workers / max(self.n_done, self.n_workers)
        seconds = each * max(1.0, (self.n - self.n_done) / self.n_workers)
        return f", {max(0.0, min(seconds, self.deadline - now)):.0f} s left"
