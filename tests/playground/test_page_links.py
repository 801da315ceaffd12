"""Links of the documentation to states of the page name states that exist."""

import re

import pytest
from places import ROOT

LINKS = [
    (page.name, link)
    for page in sorted((ROOT / "docs").glob("*.md"))
    for link in re.findall(r"\]\(playground\.md\?([^)\s]*)\)", page.read_text(encoding="utf-8"))
]


def test_there_are_links():
    assert len(LINKS) > 5


@pytest.mark.parametrize(("place", "link"), LINKS)
def test_a_link_opens_without_a_message(page, place, link):
    page.follow(link)
    page.until("document.body.dataset.room")
    assert page.tab.is_hidden("#notice"), place
    if "lesson=" in link:
        assert page.tab.is_visible("#tour")
