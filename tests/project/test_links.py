"""Links of the Markdown files lead to a file, to a heading, or to an https address."""

import re
from urllib.parse import unquote

import pytest
from places import ROOT

DOCS = ROOT / "docs"
PAGES = [
    *(ROOT / f"{name}.md" for name in ("README", "CONTRIBUTING", "CHANGELOG", "SECURITY")),
    ROOT / "bench" / "README.md",
    *sorted(DOCS.glob("*.md")),
    *sorted((DOCS / "api").glob("*.md")),
]
FENCED = re.compile(r"^ *(`{3,}|~{3,}).*?^ *\1", re.M | re.S)
CODE = re.compile(r"(?<!`)(`+)(?!`)(?:(?!\n\n).)+?(?<!`)\1(?!`)", re.S)
# [text](target "title"), [label]: target, <scheme:target>; targets may have (parentheses).
LINK = re.compile(
    r"""\]\(\s*<?((?:[^()\s<>]|\([^()\s]*\))*)>?(?:\s+(?:"[^"]*"|'[^']*'))?\s*\)"""
    r"|^\[[^]\n]+\]:\s*<?([^\s>]+)|<([a-zA-Z]+:[^\s>]+)>",
    re.M,
)
ADDRESS = re.compile(r"""https://[\w-]+(\.[\w-]+)+(:\d+)?([/?#][^\s<>"\\^`{|}]*)?""")


def targets_of(text):
    """Return the targets of all links outside code."""
    return ["".join(groups) for groups in LINK.findall(CODE.sub("", FENCED.sub("", text)))]


def anchors_of(text):
    """Return the anchors of headings to depth 3, which GitHub and MyST name alike."""
    names = []
    for title in re.findall(r"^#{1,3} +(.+?) *#*$", FENCED.sub("", text), re.M):
        shown = re.sub(r"!?\[([^]]*)\]\([^)]*\)", r"\1", title).lower()
        names.append(re.sub(r"[^\w\- ]", "", shown).replace(" ", "-"))
    earlier = [names[:i].count(name) for i, name in enumerate(names)]
    return [f"{name}-{n}" if n else name for name, n in zip(names, earlier, strict=True)]


def leads_somewhere(target, page, text):
    """Whether a target leads somewhere from a page with this text."""
    if re.match(r"\w+:", target):
        return bool(ADDRESS.fullmatch(target))
    if target.startswith("playground.md?"):  # tests/playground/test_page_links.py opens these links
        target = "playground.md"
    name, _, anchor = unquote(target).partition("#")
    path = (page.parent / name).resolve() if name else page
    if name and not (path.exists() and path.is_relative_to(ROOT)):
        return False
    if name and anchor:
        text = path.read_text(encoding="utf-8") if path.suffix == ".md" else ""
    return anchor in anchors_of(text) if anchor else bool(name)


def broken(page, text):
    return [target for target in targets_of(text) if not leads_somewhere(target, page, text)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_of_a_page_leads_somewhere(page):
    assert broken(page, page.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("text", "targets"),
    [
        ("[a](training.md#freeze-layers) [b](../README.md) ![c](images/reading.png)", []),
        ("[a](trainings.md) and ![b](images/none.png)", ["trainings.md", "images/none.png"]),
        ("[a](../docs)", []),
        ("[a](../../outside.md) [b](../../../../etc)", ["../../outside.md", "../../../../etc"]),
        ("[a\nb](training.md#freeze-networks)", ["training.md#freeze-networks"]),
        ("[a](../LICENSE#terms)", ["../LICENSE#terms"]),
        ("[a](Training.md)", ["Training.md"]),
        ("[a]()", [""]),
        ("# A `b_c`, d-e: *f*?\n[a](#a-b_c-d-e-f) [b](#a-b-c)", ["#a-b-c"]),
        ("# A\n## A\n[a](#a) [b](#a-1) [c](#a-2)", ["#a-2"]),
        ("#### A\n[a](#a)", ["#a"]),
        ("```\n# A\n```\n[a](#a)", ["#a"]),
        ("# [A](https://a.org) b\n[a](#a-b)", []),
        ('[a](no.md "title") [b](<no1.md>)', ["no.md", "no1.md"]),
        ("[a][b]\n\n[b]: no.md", ["no.md"]),
        ("`[a](no.md)` and ``[`](no.md)``\n\n    ```\n    [a](no.md)\n    ```\n", []),
        ("`a [b](no.md)\n\nc`", ["no.md"]),
        ("[a](https://en.wikipedia.org/wiki/A_(b)#c) <https://a.org>", []),
        ("[a](http://a.org) <http://b.org> [c](mailto:a@b.org)", None),
        ("[a](https://) [b](https:/a.org) [c](https://a) [d](https://a.org{b})", None),
    ],
)
def test_what_leads_nowhere_is_found(text, targets):
    """As in a page of docs/; None: all of its links are broken."""
    assert broken(DOCS / "page.md", text) == (targets_of(text) if targets is None else targets)
