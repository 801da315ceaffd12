"""docs/: what is written there runs."""

import re
from dataclasses import fields
from inspect import ismodule

import pytest
from places import ROOT

import pynn
from pynn import callbacks, displays, export, inspection
from pynn.tabular.recipe import Recipe

DOCS = ROOT / "docs"
PAGES = sorted(DOCS.glob("*.md"))
CITING = ("beyond_scikit_learn.md", "scikit_learn.md")  # issues of scikit-learn


def blocks_of(page):
    """Return ("python" or "text", content) of each: text is what the Python before it prints."""
    text = page.read_text(encoding="utf-8")
    return re.findall(r"^```(python|text)\n(.*?)^```$", text, re.M | re.S)


def pages(which):
    return pytest.mark.parametrize("page", which, ids=lambda page: page.name)


@pytest.mark.slow
@pages([page for page in PAGES if blocks_of(page)])
def test_its_python_runs_and_prints_what_it_says(page, tmp_path, monkeypatch, capsys):
    """In order, with the names of the blocks before; warnings are errors."""
    monkeypatch.chdir(tmp_path)
    names, printed = {}, ""
    for number, (kind, block) in enumerate(blocks_of(page)):
        if kind == "text":
            assert block in printed
        else:
            exec(compile(block, f"{page.name}, block {number}", "exec"), names)
            printed = capsys.readouterr().out
    assert not list(tmp_path.iterdir())


def test_the_reference_has_all_that_is_public():
    reference = (DOCS / "api" / "index.md").read_text(encoding="utf-8")
    listed = re.findall(r"^   (\w[\w.]*)$", reference, re.M)
    modules = [callbacks, displays, export, inspection]
    public = {f"{module.__name__[5:]}.{name}" for module in modules for name in module.__all__}
    public |= {name for name in pynn.__all__ if not ismodule(getattr(pynn, name))}
    assert sorted(public - set(listed)) == ["__version__"]  # a base class


def test_the_page_of_tables_lists_all_settings_of_expert():
    page = (DOCS / "tabular.md").read_text(encoding="utf-8")
    assert [field.name for field in fields(Recipe) if f"`{field.name}`" not in page] == []


@pages([DOCS / name for name in CITING])
def test_it_cites_issues_by_their_numbers(page):
    text = page.read_text(encoding="utf-8")
    issues = re.findall(
        r"\[#(\d+)\]\(https://github.com/scikit-learn/scikit-learn/issues/(\d+)\)", text
    )
    assert issues
    assert all(said == meant for said, meant in issues)
    assert len(issues) == len(re.findall(r"#\d{4,}", text))
