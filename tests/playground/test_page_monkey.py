"""A monkey at the page: whatever it does, nothing fails, and the page works and has a good link.

PYNN_LONG=1 lets 40 monkeys act for longer.
"""

import pytest
from browsing import Page
from long import IS_LONG
from monkey import Monkey

SEEDS, N_ACTS = (range(1, 41), 250) if IS_LONG else ([1, 2], 30)
STOPPED = "document.getElementById('play-label').textContent === 'Play'"


def undone(page, button):
    """Undo all changes."""
    while not page.tab.is_disabled(button):
        page.tab.evaluate(f"document.querySelector('{button}').click()")


@pytest.mark.parametrize("seed", SEEDS)
def test_a_monkey_does_no_harm(window, page_file, seed):
    page = Page(window, page_file)
    page.follow("room=plane" if seed % 2 else "room=digits")
    monkey = Monkey(page.tab, seed)
    for _ in range(N_ACTS):
        monkey.act()
        assert page.errors == [], monkey.done
        assert not page.scrolls_sideways(), monkey.done
    page.tab.keyboard.press("Escape")  # a dialog
    in_plane = page.tab.evaluate("document.body.dataset.room") == "plane"
    if in_plane:
        page.tab.evaluate(f"{STOPPED} || document.getElementById('play').click()")
        page.until(STOPPED)
    link = page.hash()
    undone(page, "#undo" if in_plane else "#digit-undo")

    page.follow(link[1:])
    if "table=%7E" not in link:  # a link does not hold a large table
        assert page.tab.is_hidden("#notice"), (link, monkey.done)
        assert page.hash() == link, monkey.done
    page.open("data=xor")
    page.tab.click("#epoch")
    page.until("document.getElementById('epochs').textContent === '1'")
    page.close()
