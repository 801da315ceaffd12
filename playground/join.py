"""Join the page and the core into one file: python playground/join.py [FILE [CORE]].

Writes build/playground/index.html by default, which needs no server and no network. The core is
playground/pynn.wasm, as playground/build.py writes it. The same sources give the same bytes.
"""

import base64
import gzip
import hashlib
import re
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
PAGE = HERE / "page"
LIMIT = 400_000  # bytes

IMPORT = re.compile(r'^import (\{[^}]*\}) from "(\.\.?/[\w./]+)";\n', re.M)
EXPORT = re.compile(r"^export ((?:async )?(?:function|class|const) ([\w$]+))", re.M)
END_OF_SHARED = "/* The worker has all modules above. */"  # embedded.mjs looks for it
STYLE = re.compile(r'<link rel="stylesheet" href="([\w./]+)">\n')


def imported(module: Path) -> list[tuple[str, Path]]:
    """Return what a module imports: names in braces, and the module they are from."""
    found = IMPORT.findall(module.read_text())
    return [(names, (module.parent / other).resolve()) for names, other in found]


def modules(module: Path, seen: list[Path]) -> list[Path]:
    """Append a module to `seen`; those that it imports come before it."""
    if module not in seen:
        for _, other in imported(module):
            modules(other, seen)
        seen.append(module)
    return seen


def scope_of(module: Path) -> str:
    """Return the name of the object that holds what a module exports."""
    return "_".join(module.relative_to(PAGE).with_suffix("").parts)


def joined(files: list[Path]) -> str:
    """Return modules as one script; each becomes a function, and so keeps its scope."""
    parts = []
    for module in files:
        text = module.read_text()
        exports = ", ".join(declared for _, declared in EXPORT.findall(text))
        text = EXPORT.sub(r"\1", IMPORT.sub("", text))
        if left := re.search(r"^(import|export)\b.*", text, re.M):
            raise ValueError(f"{module}: {left[0]!r} is no import or export that join.py knows")
        if "</script" in text:
            raise ValueError(f"{module} would end the script of the page")
        needs = [f"const {names} = {scope_of(other)};\n" for names, other in imported(module)]
        head = f"const {scope_of(module)} = (() => {{\n"
        parts += [head, *needs, text, f"return {{{exports}}};\n}})();\n"]
    return "".join(parts)


def scripts() -> tuple[str, str]:
    """Return the page's script, and what the worker has besides the part of it before the mark."""
    of_page, of_worker = (modules(PAGE / name, []) for name in ("main.mjs", "plane/worker.mjs"))
    shared = [module for module in of_worker if module in of_page]
    of_page = [module for module in of_page if module not in shared]
    of_worker = [module for module in of_worker if module not in shared]
    page = f"\n{joined(shared)}{END_OF_SHARED}\n{joined(of_page)}"
    return page, f"\n{joined(of_worker)}"


def source_of(content: str) -> str:
    """Return the hash of an inline script or style for the policy."""
    digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
    return f"'sha256-{digest}'"


def embedded(name: str, content: bytes) -> str:
    """Return the element that holds a file, which common/embedded.mjs reads."""
    packed = base64.b64encode(gzip.compress(content, 9, mtime=0)).decode()
    return f'<script type="application/octet-stream" id="embedded-{name}">{packed}</script>\n'


def page(core: bytes) -> str:
    """Return the page with this core in it."""
    main, worker = scripts()
    boot = f"\n{(PAGE / 'boot.js').read_text()}"
    text = (PAGE / "index.html").read_text()
    style = "\n" + "".join((PAGE / name).read_text() for name in STYLE.findall(text))
    text = STYLE.sub("", text)
    policy = {
        "default-src": "'none'",
        # boot.js, the script that it adds, and WebAssembly, but no eval
        "script-src": f"{source_of(boot)} {source_of(main)} 'wasm-unsafe-eval'",
        "style-src": source_of(style),
        "worker-src": "blob:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    written = "; ".join(f"{name} {value}" for name, value in policy.items())
    digits = PAGE / "digits"
    files = {
        "script": main.encode(),
        "core": core,
        "digits": (digits / "network.bin").read_bytes(),
        "examples": (digits / "examples.bin").read_bytes(),
    }
    replacements = {
        '<meta charset="utf-8">\n': '<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{written}">\n',
        "</head>": f"<style>{style}</style>\n</head>",
        '<script type="module" src="main.mjs"></script>': (
            f"{''.join(embedded(name, content) for name, content in files.items())}"
            f'<script type="text/plain" id="embedded-worker">{worker}</script>\n'
            f'<script type="module">{boot}</script>'
        ),
    }
    for old, new in replacements.items():
        if text.count(old) != 1:
            raise ValueError(f"index.html must have {old!r} once")
        text = text.replace(old, new)
    return text


def join(target: Path, core: Path) -> None:
    """Write the page to this file."""
    content = page(core.read_bytes()).encode()
    if len(content) > LIMIT:
        raise ValueError(f"the page has {len(content):,} bytes, more than {LIMIT:,}")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)


if __name__ == "__main__":
    default = HERE.parent / "build" / "playground" / "index.html"
    file = Path(sys.argv[1]) if len(sys.argv) > 1 else default
    join(file, Path(sys.argv[2]) if len(sys.argv) > 2 else HERE / "pynn.wasm")
    print(f"{file}: {file.stat().st_size:,} bytes")
