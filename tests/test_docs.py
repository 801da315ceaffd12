"""docs/: what is written there runs, and its links lead somewhere."""

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"
PAGES = pytest.mark.parametrize("page", sorted(DOCS.glob("*.md")), ids=lambda page: page.name)


def blocks_of(page):
    return re.findall(r"^```python\n(.*?)^```$", page.read_text(encoding="utf-8"), re.M | re.S)


@pytest.mark.slow
@PAGES
def test_its_python_runs(page, tmp_path, monkeypatch):
    """In order, with the names of the blocks before; warnings are errors."""
    monkeypatch.chdir(tmp_path)
    blocks = blocks_of(page)
    assert blocks
    names = {}
    for number, block in enumerate(blocks):
        exec(compile(block, f"{page.name}, block {number}", "exec"), names)
    assert not list(tmp_path.iterdir())


@PAGES
def test_its_links_lead_somewhere(page):
    text = page.read_text(encoding="utf-8")
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", text)
    assert [target for target in targets if not (DOCS / target).exists()] == []
    issues = re.findall(
        r"\[#(\d+)\]\(https://github.com/scikit-learn/scikit-learn/issues/(\d+)\)", text
    )
    assert issues
    assert all(said == meant for said, meant in issues)
    assert len(issues) == len(re.findall(r"#\d{4,}", text))
