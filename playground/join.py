"""Join the page and the core into one file: python playground/join.py [FILE [CORE]].

Writes build/playground/index.html by default, which needs no server and no network. The core is
build/playground/pynn.wasm, as playground/build.py writes it. The same sources give the same bytes.
"""

import base64
import gzip
import hashlib
import re
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
PAGE = HERE / "page"
BUILD = HERE.parent / "build" / "playground"
LIMIT = 400_000  # bytes

IMPORT = re.compile(r'^import \{[^}]*\} from "\./([\w.]+)";\n', re.M)
EXPORT = re.compile(r"^export (?=(?:async )?function |class |const )", re.M)
DECLARED = re.compile(r"^(?:async )?(?:function|class|const|let) ([\w$]+)", re.M)


def modules(name: str, seen: list[str]) -> list[str]:
    """Append a module to `seen`, after those that it imports."""
    if name not in seen:
        for other in IMPORT.findall((PAGE / name).read_text()):
            modules(other, seen)
        seen.append(name)
    return seen


def script(name: str) -> str:
    """Join a module with all that it imports into one scope."""
    parts, home = [], {}
    for module in modules(name, []):
        text = EXPORT.sub("", IMPORT.sub("", (PAGE / module).read_text()))
        if left := re.search(r"^(import|export)\b.*", text, re.M):
            raise ValueError(f"{module}: {left[0]!r} is no import or export that join.py knows")
        if "</script" in text:
            raise ValueError(f"{module} would end the script of the page")
        for declared in DECLARED.findall(text):
            if other := home.get(declared):
                raise ValueError(f"{declared} is declared in {other} and in {module}")
            home[declared] = module
        parts.append(text)
    return "\n" + "".join(parts)


def source_of(content: str) -> str:
    """Return the hash of an inline script or style for the policy."""
    digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
    return f"'sha256-{digest}'"


def page(core: bytes) -> str:
    """Return the page with this core in it."""
    main, worker = script("main.mjs"), script("worker.mjs")
    style = "\n" + (PAGE / "style.css").read_text()
    policy = {
        "default-src": "'none'",
        "script-src": f"{source_of(main)} 'wasm-unsafe-eval'",  # WebAssembly, but no eval
        "style-src": source_of(style),
        "worker-src": "blob:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    written = "; ".join(f"{name} {value}" for name, value in policy.items())
    packed = base64.b64encode(gzip.compress(core, 9, mtime=0)).decode()
    replacements = {
        '<meta charset="utf-8">\n': '<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{written}">\n',
        '<link rel="stylesheet" href="style.css">': f"<style>{style}</style>",
        '<script type="module" src="main.mjs"></script>': (
            f'<script type="application/octet-stream" id="embedded-core">{packed}</script>\n'
            f'<script type="text/plain" id="embedded-worker">{worker}</script>\n'
            f'<script type="module">{main}</script>'
        ),
    }
    text = (PAGE / "index.html").read_text()
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
    file = Path(sys.argv[1]) if len(sys.argv) > 1 else BUILD / "index.html"
    join(file, Path(sys.argv[2]) if len(sys.argv) > 2 else BUILD / "pynn.wasm")
    print(f"{file}: {file.stat().st_size:,} bytes")
