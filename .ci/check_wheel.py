"""Check a wheel: python check_wheel.py WHEEL_FROM_SDIST SITE_PACKAGES.

The wheel must contain the files that are installed from the tree. Needs readelf of GNU binutils.
"""

import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

LARGEST = 2_000_000  # bytes
SOURCES = (".c", ".h", ".pyx", ".pxd")
# The extension may link only the C libraries. SciPy provides BLAS as function pointers.
LIBRARIES = re.compile(r"(libc|libm|libpthread|libgcc_s|ld-linux[-\w]*)\.so\.\d+")


def main(wheel, site_packages):
    """Raise AssertionError if the wheel is not as expected."""
    contents, installed = contents_of(wheel), contents_of_package(site_packages)
    print(f"{wheel.name}: {wheel.stat().st_size:,} bytes, {len(contents)} files")
    assert wheel.stat().st_size < LARGEST
    assert re.search(r"-cp311-abi3-\w+\.whl$", wheel.name)
    package = {name: contents[name] for name in contents if name.startswith("pynn/")}
    differing = [n for n in package | installed if package.get(n) != installed.get(n)]
    assert not differing, f"the sdist builds another {differing}"
    stray = [name for name in contents if name.endswith(SOURCES) or not belongs(name)]
    assert not stray, f"does not belong in a wheel: {stray}"
    (extension,) = [name for name in contents if name.endswith(".so")]
    libraries = linked(contents[extension])
    print(f"{extension} links {', '.join(libraries)}")
    assert all(LIBRARIES.fullmatch(library) for library in libraries)


def contents_of(wheel):
    """Return the bytes of each file in a wheel, by name."""
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def contents_of_package(site_packages):
    """Return the bytes of each file of the installed package, by name."""
    return {
        path.relative_to(site_packages).as_posix(): path.read_bytes()
        for path in (site_packages / "pynn").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def belongs(name):
    """Return whether a file belongs to the package or its metadata."""
    return name.startswith("pynn/") or re.match(r"pynn_learn-[^/]+\.dist-info/", name)


def linked(shared_object):
    """Return the names of the libraries that a shared object links."""
    with tempfile.NamedTemporaryFile(suffix=".so") as file:
        file.write(shared_object)
        file.flush()
        command = ["readelf", "--dynamic", "--wide", file.name]
        text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return re.findall(r"\(NEEDED\).*\[(.+)\]", text)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
