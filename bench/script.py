"""What the scripts of this folder share: options, progress, what the machine is called."""

import argparse
import os
import platform
import sys
from pathlib import Path


def names(known):
    """Return a type of option: some of the known names, apart by commas, in their known order."""

    def parse(text):
        given = text.split(",")
        unknown = sorted(set(given) - set(known))
        if unknown:
            message = f"unknown: {', '.join(unknown)}; known are {', '.join(known)}"
            raise argparse.ArgumentTypeError(message)
        return [name for name in known if name in given]

    return parse


def numbers(text):
    """Return thread counts, apart by commas, in order."""
    found = sorted({int(part) for part in text.split(",")})
    if found[0] < 1:
        raise argparse.ArgumentTypeError(f"thread counts are at least 1, not {found[0]}")
    return found


def say(text, end="\n"):
    """Progress, on standard error; a line that ends in a carriage return is overwritten."""
    if end == "\n" or sys.stderr.isatty():
        print(f"{text:79}" if sys.stderr.isatty() else text, end=end, file=sys.stderr, flush=True)


def n_processors():
    """Return how many processors this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def processor():
    """Return the processor's name."""
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()
