"""Each module has ``measure(plan, say)``, which returns tables, and often ``Child``, which works.

``measure`` runs in the parent, ``Child`` in processes of its own (worker.py). ``training`` is
the child of compare.py and of every subject that trains the peers.
"""

SUBJECTS = (
    "fits", "predict", "accuracy", "memory", "scaling", "steps", "growth", "population", "members",
    "search",
)  # fmt: skip
