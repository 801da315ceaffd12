"""Build the files of a release: python tools/wheels.py [--check] [NAME...].

Writes wheels for Linux and the sdist to build/dist/. For macOS and Windows, whose wheels need a
Python of that system, it compiles the core with tests/core/driver.c to build/wheels/ instead.
NAMEs are those of `TARGETS` and "sdist"; without NAME it builds all. --check runs what can run on
this machine. The extra `wheels` installs what this needs, including a pinned clang (ziglang) with
the headers and libraries of every system.
"""

import argparse
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import ziglang

ROOT = Path(__file__).resolve().parents[1]
WORK = ROOT / "build" / "wheels"
DIST = ROOT / "build" / "dist"
FLAGS = "-Werror -g0 -fomit-frame-pointer"  # zig keeps frame pointers, unlike gcc
ZIG = Path(ziglang.__file__).with_name("zig.exe" if os.name == "nt" else "zig")


@dataclass(frozen=True)
class Target:
    """A system to build for; `tag` is the platform tag of its wheel, or None: only the driver."""

    name: str
    triple: str  # zig's, with the oldest version of glibc or macOS
    system: str  # CMake's
    processor: str
    tag: str | None = None

    @property
    def driver(self) -> Path:
        """The compiled tests/core/driver.c."""
        suffix = ".exe" if self.system == "Windows" else ""
        return WORK / self.name / f"pynn_driver{suffix}"


TARGETS = {
    target.name: target
    for target in (
        Target("manylinux-x86_64", "x86_64-linux-gnu.2.28", "Linux", "x86_64", "manylinux_2_28"),
        Target("manylinux-aarch64", "aarch64-linux-gnu.2.28", "Linux", "aarch64", "manylinux_2_28"),
        Target("musllinux-x86_64", "x86_64-linux-musl", "Linux", "x86_64", "musllinux_1_2"),
        Target("musllinux-aarch64", "aarch64-linux-musl", "Linux", "aarch64", "musllinux_1_2"),
        Target("macos-x86_64", "x86_64-macos.11.0", "Darwin", "x86_64"),
        Target("macos-arm64", "aarch64-macos.11.0", "Darwin", "aarch64"),
        Target("windows-x86_64", "x86_64-windows-gnu", "Windows", "x86_64"),
    )
}


def run(*command: object, **environment: str) -> None:
    """Run a command, with its output if it fails."""
    given = [str(part) for part in command]
    done = subprocess.run(
        given, env={**os.environ, **environment}, cwd=ROOT, capture_output=True, text=True
    )
    if done.returncode:
        sys.exit(f"{' '.join(given)}\n{done.stdout}{done.stderr}")


def build_driver(target: Target) -> Path:
    """Compile the core with its driver; where the system allows it, without shared libraries."""
    is_static = "musl" in target.triple
    settings = {
        "PYNN_DRIVER": "ON",
        "CMAKE_BUILD_TYPE": "Release",
        "CMAKE_SYSTEM_NAME": target.system,
        "CMAKE_SYSTEM_PROCESSOR": target.processor,
        "CMAKE_C_COMPILER": f"{ZIG};cc",
        "CMAKE_C_COMPILER_TARGET": target.triple,
        "CMAKE_C_COMPILER_LAUNCHER": "",
        "CMAKE_C_FLAGS": FLAGS,
        "CMAKE_EXE_LINKER_FLAGS": "-static" if is_static else "",
    }
    given = [f"-D{name}={value}" for name, value in settings.items()]
    run("cmake", "-S", ROOT, "-B", target.driver.parent, "-G", "Ninja", *given)
    run("cmake", "--build", target.driver.parent)
    return target.driver


def build_wheel(target: Target) -> Path:
    """Compile the wheel for all versions of Python that pynn supports.

    CMake believes that it compiles for this machine: only the compiler knows the target. Of the
    running Python's headers, the stable ABI uses what is the same on both processors.
    """
    folder = WORK / f"{target.name}-wheel"
    shutil.rmtree(folder, ignore_errors=True)
    run(
        *(sys.executable, "-P", "-m", "pip", "wheel", "--no-deps", "--no-build-isolation"),
        *("-w", folder, "-C", f"build-dir={folder / 'build'}"),
        *("-C", "install.strip=false", ROOT),  # the linker strips: -s
        CC=f"{ZIG} cc -target {target.triple}",
        CFLAGS=FLAGS,
        LDFLAGS="-s",
        CMAKE_C_COMPILER_LAUNCHER="",
        _PYTHON_HOST_PLATFORM=f"linux-{target.processor}",
    )
    (built,) = folder.glob("*.whl")
    if "musl" in target.name:
        name_musl(built, target.processor)
    tag = f"{target.tag}_{target.processor}"
    run(sys.executable, "-m", "wheel", "tags", "--remove", "--platform-tag", tag, built)
    (tagged,) = folder.glob("*.whl")
    return Path(shutil.move(tagged, DIST / tagged.name))


def name_musl(wheel: Path, processor: str) -> None:
    """Let a wheel ask for musl by the name that all systems have, instead of zig's libc.so."""
    unpacked = wheel.parent / "unpacked"
    run(sys.executable, "-m", "wheel", "unpack", "-d", unpacked, wheel)
    (library,) = unpacked.rglob("_core*.so")
    run("patchelf", "--replace-needed", "libc.so", f"libc.musl-{processor}.so.1", library)
    wheel.unlink()
    run(sys.executable, "-m", "wheel", "pack", "-d", wheel.parent, *unpacked.iterdir())


def build_sdist() -> Path:
    """Pack the sources."""
    code = f"from scikit_build_core.build import build_sdist; print(build_sdist({str(DIST)!r}))"
    run(sys.executable, "-P", "-c", code)
    (built,) = DIST.glob("*.tar.gz")
    return built


def build(name: str) -> Path:
    """Build one target, or the sdist."""
    if name == "sdist":
        return build_sdist()
    target = TARGETS[name]
    return build_wheel(target) if target.tag else build_driver(target)


def main() -> None:
    """Build what the arguments name, and check it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="sdist, " + ", ".join(TARGETS))
    parser.add_argument("--check", action="store_true", help="run what can run on this machine")
    arguments = parser.parse_args()
    every = ["sdist", *TARGETS]
    names = arguments.names or every
    if unknown := sorted(set(names) - set(every)):
        parser.error(f"unknown: {', '.join(unknown)}; known: {', '.join(every)}")
    DIST.mkdir(parents=True, exist_ok=True)
    for name in names:
        built = build(name)
        print(f"{name}: {built.relative_to(ROOT)}, {built.stat().st_size:,} bytes", flush=True)
        if arguments.check:
            import wheel_checks  # which imports this module

            for line in wheel_checks.check(name, built):
                print(f"  {line}", flush=True)


if __name__ == "__main__":
    main()
