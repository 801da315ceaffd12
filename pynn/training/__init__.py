"""How a model learns: update rules, schedules, callbacks, checkpoints."""
