"""What users do, subject by subject.

Each module has ``measure(plan, say)``, which runs in the parent and returns tables, and ``Child``,
which does the work in processes of its own (`task_worker`).
"""

SUBJECTS = ("fits", "predict", "accuracy", "memory", "scaling")
