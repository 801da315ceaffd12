"""Bounds of the JSON in files: parsed, it needs little more memory than the file has bytes."""

from __future__ import annotations

__all__ = ["bounded"]

# A value takes up to 150 bytes as a Python object. A million names of features fit in.
_MOST_VALUES = 1_200_000


def bounded(text: str) -> str:
    """Return JSON as it is, unless it holds too many values.

    Raises
    ------
    ValueError
        If it does. Writers ask too, so that every file can be read.
    """
    n_values = sum(map(text.count, "[{,:"))  # at least: text between quotes counts too
    if n_values > _MOST_VALUES:
        raise ValueError(
            f"its description holds up to {n_values} values; a file takes {_MOST_VALUES}"
        )
    return text
