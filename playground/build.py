"""Compile the core for the playground: python playground/build.py [FILE].

Writes WebAssembly to FILE, playground/pynn.wasm by default. Commit it with each change in csrc/
that changes its bytes: wheels are built without this compiler. The extra playground-build has
all that it needs: cmake, ninja and a pinned clang (ziglang). The same sources give the same bytes.
"""

import gzip
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import ziglang

ROOT = Path(__file__).resolve().parents[1]
DEFAULT = ROOT / "playground" / "pynn.wasm"
COMPILER = Path(ziglang.__file__).with_name("zig")


def build(target: Path) -> None:
    """Compile the core to this file."""
    with tempfile.TemporaryDirectory() as folder:
        settings = {
            "PYNN_WASM": "ON",
            "PYNN_THREADS": "OFF",
            "CMAKE_BUILD_TYPE": "Release",
            "CMAKE_SYSTEM_NAME": "WASI",
            "CMAKE_SYSTEM_PROCESSOR": "wasm32",
            "CMAKE_C_COMPILER": f"{COMPILER};cc",
            "CMAKE_C_COMPILER_TARGET": "wasm32-wasi",
            "CMAKE_C_COMPILER_WORKS": "ON",
            "CMAKE_C_FLAGS": "-msimd128 -g0",  # these and the next in place of the environment's
            "CMAKE_EXE_LINKER_FLAGS": "",
            "CMAKE_C_COMPILER_LAUNCHER": "",
        }
        given = [f"-D{name}={value}" for name, value in settings.items()]
        configure = ["cmake", "-S", str(ROOT), "-B", folder, "-G", "Ninja", "--log-level=WARNING"]
        subprocess.run([*configure, *given], check=True, stdout=subprocess.DEVNULL)
        subprocess.run(["cmake", "--build", folder, "--", "--quiet"], check=True)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(Path(folder) / "pynn.wasm", target)


if __name__ == "__main__":
    file = Path(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT
    build(file)
    content = file.read_bytes()
    print(f"{file}: {len(content):,} bytes, {len(gzip.compress(content, 9)):,} compressed")
