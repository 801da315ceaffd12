"""The page with a network and data from Python, as a file and in a notebook's cell."""

import browsing
import numpy as np
import pytest

import pynn
from pynn import playing


@pytest.fixture(autouse=True)
def newest(monkeypatch, page_file):
    """Use the page as it is joined now, not that of the last installation."""
    monkeypatch.setattr(playing, "page", lambda: page_file.read_text(encoding="utf-8"))


@pytest.fixture
def show(browser, tmp_path):
    """Return a function that opens HTML in a tab; all of them must have no errors in the end."""
    tabs = []

    def open_tab(html):
        file = tmp_path / f"{len(tabs)}.html"
        file.write_text(html, encoding="utf-8")
        # frames out of sight are not drawn
        tabs.append(browsing.Page(browser, file, viewport={"width": 1280, "height": 1900}))
        return tabs[-1]

    yield open_tab
    for tab in tabs:
        tab.close()


def rows(n_in, n=60):
    rng = np.random.default_rng(1)
    return rng.normal(size=(n, n_in)).astype(np.float32)


def mean_cost(tab, n_training, n):
    """Return the cost of all rows from the costs of training and test rows."""
    training, test = map(float, tab.figures()[:2])
    return (n_training * training + (n - n_training) * test) / n


CASES = {
    "sigmoid": (1, "sigmoid", None, lambda X: (X[:, 0] > 0).astype(int)),
    "sigmoid, squared error": (1, "sigmoid", "squared_error", lambda X: (X[:, 0] > 0).astype(int)),
    "softmax": (4, "softmax", None, lambda X: np.digitize(X[:, 0], [-0.5, 0, 0.5])),
    "identity": (1, "identity", None, lambda X: 20 * X[:, 0] - 7),
}


@pytest.mark.parametrize("case", CASES)
def test_a_network_has_the_cost_that_python_computes(show, case):
    n_out, output, cost, target = CASES[case]
    X = rows(5)
    X[:, 3] = 2  # a column that is the same in all rows stays an input
    y = target(X)
    net = pynn.Network([5, 6, 3, n_out], activation=["selu", "tanh"], output_activation=output,
                       cost=cost, random_state=1)  # fmt: skip
    tab = show(pynn.playground(net, X, y)._html)
    tab.open()
    assert tab.text("shape").startswith(f"5–6–3–{n_out}")
    assert mean_cost(tab, 30, 60) == pytest.approx(net.cost(X, y), rel=1e-6)


def test_a_network_without_rows_is_on_the_plane(show):
    net = pynn.Network([2, 3, 1], activation="tanh", output_activation="sigmoid", random_state=1)
    tab = show(pynn.playground(net)._html)
    tab.open()
    assert tab.text("shape").startswith("2–3–1")
    assert "data=circle" in tab.hash()


def test_rows_without_a_network_start_with_an_untrained_one(show):
    X = [["red", 1.5], ["blue", None], ["green", 3], [None, 2]] * 10
    tab = show(pynn.playground(X=X, y=["yes", "no", "no", "yes"] * 10)._html)
    tab.open()
    assert tab.text("shape").startswith("4–")
    assert tab.text("legend").split() == ["no", "yes"]
    tab.tab.click("#epoch")
    tab.until("document.getElementById('epochs').textContent === '1'")


def test_a_link_of_the_page_leads_back_to_its_state(show):
    net = pynn.Network([3, 2, 1], output_activation="sigmoid", random_state=1)
    X = rows(3)
    tab = show(pynn.playground(net, X, (X[:, 1] > 0).astype(int))._html)
    tab.open()
    tab.tab.click("#epoch")
    tab.until("location.hash.includes('steps=3')")
    link, figures = tab.hash(), tab.figures()
    tab.open(link[1:])
    tab.until("document.getElementById('epochs').textContent === '1'")
    assert tab.figures() == figures
    assert tab.tab.is_hidden("#notice")


def test_two_cells_of_a_notebook_show_pages_that_work(show):
    net = pynn.Network([2, 3, 1], activation="tanh", output_activation="sigmoid", random_state=1)
    cells = [pynn.playground(), pynn.playground(net)]
    tab = show("<!doctype html>" + "".join(cell._repr_html_() for cell in cells))
    tab.follow()
    first, second = tab.tab.frames[1:]
    for frame, shape in ((first, "2–4–2–1"), (second, "2–3–1")):
        frame.wait_for_function("() => document.getElementById('training-cost').title !== ''")
        assert frame.inner_text("#shape").startswith(shape)
        frame.click("#epoch")
        frame.wait_for_function("() => location.hash.includes('steps=20')")
        frame.click("#tours")
        frame.click("text=One neuron")
        frame.wait_for_function("() => document.getElementById('shape').textContent === '2–1'")
    assert first.evaluate("origin") == "null"  # no access to the notebook
