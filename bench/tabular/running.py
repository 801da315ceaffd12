"""The fits that a results file lacks, each in a process of its own, some at a time."""

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from datetime import UTC, datetime

from worker import Worker, WorkerError


@dataclass
class Job:
    """A fit; `variant` has the base, preset and expert settings if the method is a variant."""

    table: str
    method: str
    repeat: int
    variant: Mapping = field(default_factory=dict)


def run(jobs, data, file, n_processes, say):
    """Add a line for each job to the file; return {method: why} of absent packages.

    A fit that fails leaves a line that says why.
    """
    absent = {}

    def fit(job):
        if job.method in absent:
            return {"absent": absent[job.method]}
        request = {key: job.variant[key] for key in ("preset", "expert") if key in job.variant}
        try:
            with Worker("tabular.measuring", job.method, 1) as worker:
                worker.greet()
                return worker.ask(
                    do="fit", data=data, table=job.table, repeat=job.repeat, **request
                )
        except (ImportError, WorkerError) as error:
            return {"line": {"failed": str(error)}}

    pool = ThreadPoolExecutor(n_processes)
    try:
        running = {pool.submit(fit, job): job for job in jobs}
        for n_done, future in enumerate(as_completed(running), start=1):
            job, reply = running[future], future.result()
            if "absent" in reply:
                absent[job.method] = reply["absent"]
                continue
            result = reply["line"]
            line = {"table": job.table, "method": job.method, "repeat": job.repeat}
            line |= job.variant | result | {"date": f"{datetime.now(UTC):%Y-%m-%d}"}
            with file.open("a", encoding="utf-8") as out:
                out.write(json.dumps(line) + "\n")
            told = result.get("failed") or f"{result['fit_cpu']:.1f} s"
            say(f"{n_done} / {len(running)}  {job.table}, {job.method}, {job.repeat}: {told}")
    finally:
        pool.shutdown(cancel_futures=True)
    return absent
