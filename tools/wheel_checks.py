"""What tools/wheels.py --check runs: drivers of the core, and wheels in clean environments.

Windows programs run in wine, those for aarch64 in qemu-aarch64, with a Python of Debian's packages.
The driver must print the same bits as one compiled by the system's gcc. Programs missing
on this machine are reported, with the package that contains them.
"""

import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from wheels import ROOT, TARGETS, WORK, Target, build_driver, run

LARGEST = 2_000_000  # bytes of a wheel
ISAS = {"x86_64": ("baseline", "x86-64-v3"), "aarch64": ("baseline",)}
EMULATED = ("tanh", "columns", "sparse classes", "deep", "scaled", "normed")  # others take minutes
GCC = {"x86_64": "gcc", "aarch64": "aarch64-linux-gnu-gcc"}
SYSROOT = WORK / "debian-arm64"

TRAINING = """
import numpy as np, pynn
from sklearn.datasets import load_iris
assert "site" in pynn.__file__, pynn.__file__
X, y = load_iris(return_X_y=True)
X = (X - X.mean(axis=0)) / X.std(axis=0)
net = pynn.Network([4, 8, 3], output_activation="softmax", random_state=0)
net.fit(X, y, epochs=50, batch_size=10, optimizer="adam")
model = pynn.MLPClassifier((8,), random_state=0, max_iter=400).fit(X, y)
cost = net.cost(X, y)
print(f"{cost:.5f} {net.score(X, y):.4f} {model.loss_:.5f} {model.score(X, y):.4f}")
"""
TRAINED = "0.39231 0.8267 0.36206 0.9200"  # what it prints on every processor


def check(name: str, built: Path) -> Iterator[str]:
    """Yield a line for each check; a check that fails exits."""
    if name == "sdist":
        yield "the wheels are built from the same files: see .ci/run for one built from the sdist"
        return
    target = TARGETS[name]
    if target.tag:
        yield size_and_tag(target, built)
        build_driver(target)
    yield from driver_runs(target)
    if target.tag and "musl" not in name:
        yield from wheel_trains(target, built)


def size_and_tag(target: Target, wheel: Path) -> str:
    """Return auditwheel's verdict: the oldest system that the wheel runs on."""
    size = wheel.stat().st_size
    if size >= LARGEST:
        sys.exit(f"{wheel.name} has {size:,} bytes, more than {LARGEST:,}")
    kind = target.name.partition("-")[0]
    with tempfile.TemporaryDirectory() as none:  # this machine's libraries are not those of musl
        options = ("--ldpaths", none) if kind == "musllinux" else ()
        shown = output("auditwheel", "show", *options, wheel)
    oldest = re.search(rf'platform\s+tag:\s+"({kind}_\w+)"', shown)
    if not oldest:
        sys.exit(shown)
    return f"auditwheel: {oldest[1]}"


def driver_runs(target: Target) -> Iterator[str]:
    """Run the driver, and compare its bits with those of gcc's."""
    prefix, missing = runner(target)
    if missing:
        yield f"the driver compiled and linked; not run: {missing}"
        return
    reference, missing = gcc_driver(target.processor)
    if missing:
        yield f"bits not compared: {missing}"
    cases = EMULATED if target.processor == "aarch64" else ()
    for isa in ISAS[target.processor]:
        arguments = (isa, "2", *cases)
        found = output(*prefix, target.driver, *arguments)
        if reference and found != output(*reference, *arguments):
            sys.exit(f"{target.name}, {isa}: bits differ from gcc's")
        yield f"driver, {isa}: {len(found.splitlines())} results" + ", gcc's bits" * bool(reference)


def runner(target: Target) -> tuple[tuple[str, ...], str]:
    """Return the command that runs programs of this system, or why there is none."""
    if target.system == "Darwin":
        return (), "nothing here runs programs of macOS"
    if target.system == "Windows":
        wine = shutil.which("wine64", path="/usr/bin:/usr/lib/wine") or shutil.which("wine")
        return (wine,) if wine else (), "" if wine else "no wine (Debian: wine64)"
    if target.processor == platform.machine():
        return (), ""
    root = "/usr/aarch64-linux-gnu"
    return ("qemu-aarch64", "-L", root), absent("qemu-aarch64", "qemu-user")


def absent(command: str, package: str) -> str:
    """Return which package is missing, or nothing."""
    return "" if shutil.which(command) else f"no {command} (Debian: {package})"


@cache
def gcc_driver(processor: str) -> tuple[tuple[str, ...], str]:
    """Return the command of gcc's driver for a processor, or why there is none."""
    compiler, folder = GCC[processor], WORK / f"gcc-{processor}"
    if missing := absent(compiler, f"gcc-{processor}-linux-gnu"):
        return (), missing
    settings = ("-DPYNN_DRIVER=ON", "-DCMAKE_BUILD_TYPE=Release", f"-DCMAKE_C_COMPILER={compiler}")
    run("cmake", "-S", ROOT, "-B", folder, "-G", "Ninja", *settings)
    run("cmake", "--build", folder)
    prefix = () if processor == platform.machine() else runner(TARGETS[f"manylinux-{processor}"])[0]
    return (*prefix, str(folder / "pynn_driver")), ""


def wheel_trains(target: Target, wheel: Path) -> Iterator[str]:
    """Train on iris from the wheel alone: on this machine in a new environment, or emulated."""
    with tempfile.TemporaryDirectory() as folder:
        if target.processor == platform.machine():
            found = natively(wheel, Path(folder))
        elif missing := absent("qemu-aarch64", "qemu-user") or absent("mmdebstrap", "mmdebstrap"):
            yield f"not trained with: {missing}"
            return
        else:
            found = emulated(wheel, Path(folder))
    if found.strip() != TRAINED:
        sys.exit(f"{wheel.name}: costs and accuracies {found.strip()}, not {TRAINED}")
    yield f"trained on iris, with the costs and accuracies {TRAINED}"


def natively(wheel: Path, folder: Path) -> str:
    """Install a wheel into a new environment and train there."""
    run(sys.executable, "-m", "venv", folder)
    python = folder / "bin" / "python"
    run(python, "-m", "pip", "install", "-q", wheel)
    return output(python, "-I", "-c", TRAINING)


def emulated(wheel: Path, folder: Path) -> str:
    """Train with an aarch64 wheel in Debian's Python for it, in qemu."""
    if not SYSROOT.exists():
        run(
            *("mmdebstrap", "--variant=extract", "--architectures=arm64"),
            *("--include=python3,libstdc++6", "bookworm", SYSROOT),
        )
    run(
        *(sys.executable, "-m", "pip", "install", "-q", "--target", folder / "site"),
        *("--platform", "manylinux_2_28_aarch64", "--platform", "manylinux_2_27_aarch64"),
        *("--platform", "manylinux2014_aarch64", "--python-version", "3.11"),
        *("--only-binary", ":all:", wheel),
    )
    code = f"import sys; sys.path.insert(0, {str(folder / 'site')!r})\n{TRAINING}"
    python = SYSROOT / "usr" / "bin" / "python3.11"
    return output("qemu-aarch64", "-L", SYSROOT, python, "-I", "-c", code)


def output(*command: object) -> str:
    """Return what a command prints; exit if it fails."""
    given = [str(part) for part in command]
    done = subprocess.run(given, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(given)}\n{done.stdout}{done.stderr}")
    return done.stdout
