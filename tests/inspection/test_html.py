"""HTML for notebooks: well formed, escaped, and with the numbers of the objects."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
import sklearn
from mlp_cases import BOTH, DATA, few_epochs_are_meant, small  # noqa: F401 (a fixture)
from scipy.sparse import csr_array
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import pynn
from pynn.inspection import gradient_check
from pynn.inspection.colours import palette
from pynn.inspection.tables import Table

CLASSES = {pynn.MLPClassifier: {"classes": range(3)}, pynn.MLPRegressor: {}}
VOID = {"br", "input"}
X = np.random.default_rng(0).normal(size=(30, 4))
Y = np.arange(30) % 3


class Page(HTMLParser):
    """The tags of HTML that is balanced, and the text of its cells."""

    def __init__(self, html):
        super().__init__()
        self.open, self.tags, self.rows, self.text = [], [], [], ""
        self.feed(html)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data
        if {"td", "th"} & {*self.open}:
            self.rows[-1][-1] += data

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


def network(**more):
    return pynn.Network([4, 5, 3], output_activation="softmax", random_state=0, **more)


def page(shown):
    return Page(shown._repr_html_())


def numbers(cells):
    return [float(re.sub("−", "-", cell).replace("∞", "inf").removesuffix(" %")) for cell in cells]


def bars(shown):
    return [float(span["style"].split("width:")[1].removesuffix("em")) for span in shown]


SHOWN = {
    "network": lambda net: net,
    "untrained": lambda net: network(),
    "large": lambda net: pynn.Network([1024, 4096, *[64] * 98], initializer="zeros"),
    "trace": lambda net: net.trace(X, Y),
    "sparse trace": lambda net: net.trace(csr_array(X), Y),
    "deep trace": lambda net: pynn.Network([4] * 100).trace(X, X),
    "blame": lambda net: net.blame(X[:1], Y[:1], 1),
    "neuron": lambda net: net.neuron_inputs(1, 0),
    "neuron of rows": lambda net: net.neuron_inputs(1, 0, csr_array(X)),
    "check": lambda net: gradient_check(net, X[:3], Y[:3]),
    "classifier": lambda net: small(pynn.MLPClassifier).fit(X, Y),
}


@pytest.mark.parametrize("of", SHOWN.values(), ids=SHOWN)
def test_html_is_balanced_small_and_loads_nothing(of):
    html = of(network(dtype="float64").fit(X, Y, epochs=3, validation_split=0.2))._repr_html_()
    assert Page(html).tags
    own = html[max(0, html.rfind("<figure")) :]  # without scikit-learn's diagram
    assert len(own) < 80_000
    assert not re.search(r"src=|href=|url\(|@import|<script|#000|#fff|black|white", own)


def test_text_is_escaped():
    rows = [["<th>", "&amp;"], ['"a" & <b>', "</td>"]]
    shown = Page(Table("<b>x</b>", rows, left=[], notes=["<i>"]).html())
    assert shown.rows == rows
    assert shown.text.strip().startswith("<b>x</b>")
    assert shown.text.strip().endswith("<i>")
    assert not shown.all("b") + shown.all("i")
    neuron = replace(network().neuron_inputs(1, 0, X), activation="<b>")
    assert "<b> →" in page(neuron).text
    assert not page(neuron).all("b")


@pytest.mark.parametrize(
    ("limit", "first", "last"), [(None, 30, 0), (30, 30, 0), (29, 14, 14), (20, 10, 9)]
)
def test_the_middle_of_a_long_table_is_left_out_and_counted(limit, first, last):
    rows = [["row"], *([str(i)] for i in range(30))]
    table = Table("", rows, left=[], bars=np.arange(30) / 30)
    cells = [row[0] for row in Page(table.html(limit)).rows[1:]]
    n = 30 - first - last
    gap = [f"⋮ {n} more"] if n else []
    assert cells == [*map(str, range(first)), *gap, *map(str, range(30 - last, 30))]
    assert limit is None or len(cells) <= limit


def test_blame_shows_its_weights_gradients_and_shares():
    blame = network().fit(X, Y).blame(X[:1], Y[:1])
    shown = page(blame)
    heading, *rows = shown.rows
    assert heading == ["from", "to", "weight", "∂C/∂w", "share", ""]
    assert [row[:2] for row in rows] == [
        [f"neuron {i + 1} of layer 1", f"neuron {j + 1} of layer 2"]
        for i, j in zip(blame.sources[:10], blame.targets[:10], strict=True)
    ]
    found = np.array([numbers(row[2:5]) for row in rows]).T
    np.testing.assert_allclose(found[0], blame.weights[:10], rtol=1e-3)
    np.testing.assert_allclose(found[1], blame.gradients[:10], rtol=1e-3)
    np.testing.assert_allclose(found[2], 100 * blame.shares[:10], atol=0.051)
    lengths = 8 * blame.shares[:10] / blame.shares[0]
    np.testing.assert_allclose(bars(shown.all("span")), lengths, atol=0.006)


def test_neuron_inputs_shows_its_products():
    neuron = network().neuron_inputs(1, 2, X)
    shown = page(neuron)
    products = neuron.products[0]
    order = np.argsort(-abs(products))
    assert [row[0] for row in shown.rows[1:]] == [f"input {i + 1}" for i in order]
    found = np.array([numbers(row[1:4]) for row in shown.rows[1:]]).T
    np.testing.assert_allclose(
        found, [X[0, order], neuron.weights[order], products[order]], rtol=1e-3
    )
    lengths = 8 * abs(products[order]) / abs(products).max()
    np.testing.assert_allclose(bars(shown.all("span")), lengths, atol=0.006)


def test_numbers_that_are_not_finite_have_no_bar():
    net = network()
    net.weights[0][:, 0] = [np.nan, np.inf, -2, 1]
    shown = page(net.neuron_inputs(1, 0))
    lengths = dict(zip((row[1] for row in shown.rows[1:]), bars(shown.all("span")), strict=True))
    assert lengths == {"nan": 0, "∞": 0, "−2": 8, "1": 4}


def test_a_trace_shows_the_range_of_each_array():
    trace = network().fit(X, Y).trace(X, Y)
    shown = page(trace)
    assert f"mean cost {trace.costs.mean():.4g}" in shown.text
    for name, shape, smallest, largest, _ in shown.rows[1:]:
        array = eval(f"trace.{name}", {"trace": trace})
        assert shape == str(array.shape)
        np.testing.assert_allclose(
            numbers([smallest, largest]), [array.min(), array.max()], rtol=1e-3, err_msg=name
        )
    assert len(shown.rows) == len(str(trace).splitlines()) - 1


def test_a_gradient_check_passes_or_fails_in_words_and_colours():
    check = gradient_check(network(), X[:3], Y[:3])
    failed = replace(check, errors=np.array([1e-12, 0.5]))
    for result, words in ((check, ["ok", "ok"]), (failed, ["ok", "WRONG"])):
        shown = page(result)
        assert [row[-1] for row in shown.rows[1:]] == words
        colours = {"ok": palette().positive, "WRONG": palette().negative}
        assert shown.all("b") == [{"style": f"color:{colours[word]}"} for word in words]
        errors = [numbers([row[4]])[0] for row in shown.rows[1:]]
        np.testing.assert_allclose(errors, result.errors, rtol=0.06)
        assert ("is NOT the slope" in shown.text) == (not result.passed)


def test_a_network_shows_its_layers():
    rows = page(network()).rows
    assert [row[0] for row in rows] == ["layer", "input", "layer 1", "output", "total"]
    assert [row[5] for row in rows[2:]] == ["25", "18", "43"]


# ---- The cost by epoch ---------------------------------------------------------------------------


def drawn(net):
    """Return the points of the two curves, by pieces without a gap, and the ring."""
    last = net._repr_html_().split("<svg")[-1]
    shown = Page(f"<svg{last.split('</svg>')[0]}</svg>")
    curves = [
        [
            np.array(re.findall(r"([\d.]+) ([\d.]+)", piece), float)
            for piece in path["d"].split("M")[1:]
        ]
        for path in shown.all("path")
    ]
    return curves, shown.all("circle")


def heights(values, low, high):
    return 12 + 60 * (high - np.array(values)) / (high - low)


def test_the_curves_are_those_of_the_history():
    net = network().fit(X, Y, epochs=40, optimizer=pynn.Adam(0.1), early_stopping=True)
    (training,), (validation,) = drawn(net)[0]
    costs, validated = net.history["cost"], net.history["val_cost"]
    low, high = min(costs + validated), max(costs + validated)
    np.testing.assert_allclose(training[:, 1], heights(costs, low, high), atol=0.051)
    np.testing.assert_allclose(validation[:, 1], heights(validated, low, high), atol=0.051)
    np.testing.assert_allclose(training[:, 0], np.linspace(64, 304, len(costs)), atol=0.051)
    (ring,) = drawn(net)[1]
    assert [float(ring["cx"]), float(ring["cy"])] == validation[net.best_epoch - 1].tolist()
    assert f"cost {costs[-1]:.4g} in epoch {len(costs)} ·" in page(net).text
    assert (
        f"validation {validated[-1]:.4g} (dashed) · parameters of epoch {net.best_epoch} (ring)"
        in page(net).text
    )


def test_epochs_without_validation_are_a_gap():
    net = network().fit(X, Y, epochs=3)
    for epochs in (1, 2):
        net.fit(X, Y, epochs=epochs, validation_split=0.2).fit(X, Y)
    (training,), validation = drawn(net)[0]
    assert len(training) == 8
    assert [piece[:, 0].tolist() for piece in validation] == [
        [training[3, 0]],
        training[5:7, 0].tolist(),
    ]


def test_a_single_epoch_is_a_dot_and_none_is_nothing():
    assert "by epoch" not in network()._repr_html_()
    ((piece,),), _ = drawn(network().fit(X, Y))
    assert piece.tolist() == [[64, 42]]


def test_long_histories_are_thinned():
    net = network().fit(X, Y, epochs=5000, batch_size=30)
    ((piece,),), _ = drawn(net)
    assert len(piece) == 200
    assert piece[[0, -1], 0].tolist() == [64, 304]
    costs = net.history["cost"]
    ends = heights([costs[0], costs[-1]], min(costs), max(costs))
    np.testing.assert_allclose(piece[[0, -1], 1], ends, atol=0.051)


# ---- Estimators ----------------------------------------------------------------------------------


@BOTH
def test_an_estimator_shows_its_network_below_scikit_learn_s_diagram(Estimator):
    model = small(Estimator, max_iter=5)
    before = model._repr_html_()
    assert "sk-top-container" in before
    assert "<figure" not in before
    model.fit(*DATA[Estimator])
    shown = page(model)
    assert "Network " in shown.text
    assert f"loss {model.loss_curve_[-1]:.4g} in epoch 5" in shown.text
    assert model._repr_mimebundle_()["text/html"].count("<figure") == 1
    with sklearn.config_context(display="text"):
        assert "text/html" not in model._repr_mimebundle_()


@BOTH
def test_an_estimator_in_any_state_can_be_shown(Estimator):
    data = DATA[Estimator]
    model = small(Estimator, max_iter=2, early_stopping=True, warm_start=True)
    for _ in range(2):
        assert "<figure" in model.fit(*data)._repr_html_()
    assert "<figure" in model.set_params(activation="tanh", warm_start=False)._repr_html_()
    assert "<figure" in small(Estimator).partial_fit(*data, **CLASSES[Estimator])._repr_html_()
    assert "in iteration 5" in small(Estimator, solver="lbfgs").fit(*data)._repr_html_()
    pipeline = make_pipeline(StandardScaler(), small(Estimator, max_iter=2)).fit(*data)
    assert "sk-top-container" in pipeline._repr_html_()
    given = small(Estimator)
    given.coefs_ = [np.zeros((2, 3)), np.zeros((3, 1))]
    assert "sk-top-container" in given._repr_html_()
