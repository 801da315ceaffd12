"""Prose is plain English: none of the phrases that readers stumbled over."""

import re

import pytest
from places import ROOT

# Phrases that sound translated. "Again" or "always" says more than "anew" or "for ever".
PHRASES = re.compile(
    r"\banew\b|\bfor ever\b|(?<!each )\bof which\b|\bby which\b|borne with|is told|are told|"
    r"what is done|at the most\b|the more they|may be had|to be had|has to do with|"
    r"one behind the other|\bcomes by\b|\bsees? to it\b|\b(?:most|least) that\b|is taken for",
    re.IGNORECASE,
)
FOLDERS = ["csrc", "docs", "examples", "pynn", "tests/core"]
SUFFIXES = {".c", ".h", ".md", ".py", ".pyx", ".pyi", ".rst"}
FILES = [
    path
    for folder in FOLDERS
    for path in sorted((ROOT / folder).rglob("*"))
    if path.suffix in SUFFIXES and not {"auto_examples", "generated", "_build"} & {*path.parts}
] + sorted(ROOT.glob("*.md"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_it_has_none_of_the_phrases_that_readers_stumbled_over(path):
    text = re.sub(r"\s+(?:#|\*|//)?\s*", " ", path.read_text(encoding="utf-8"))
    found = [text[max(m.start() - 30, 0) : m.end() + 20] for m in PHRASES.finditer(text)]
    assert not found
