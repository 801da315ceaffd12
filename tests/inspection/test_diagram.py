"""The drawn network: what is left out of it and told, and what SVG, HTML and DOT make of it."""

import re
from xml.etree import ElementTree

import dot
import numpy as np
import pytest
from cases import examples
from hypothesis import given
from hypothesis import strategies as st

import pynn
from pynn.inspection.colours import palette
from pynn.inspection.diagram import Diagram, shown
from pynn.inspection.markup import svg

SVG = "{http://www.w3.org/2000/svg}"
SIZES = st.lists(st.integers(1, 40), min_size=2, max_size=15)


def zeros(sizes, **parameters):
    return pynn.Network(sizes, initializer="zeros", **parameters)


def drawn(net):
    """Return the parsed SVG of a network's HTML."""
    return ElementTree.fromstring(re.search(r"<svg.*</svg>", net._repr_html_(), re.S)[0])


def paths(net):
    """Attributes of each line by its text."""
    return {path[0].text: path.attrib for path in drawn(net).iter(f"{SVG}path")}


def graph(text):
    """Nodes and visible arrows of a graph in DOT, with their attributes."""
    nodes, arrows = dot.parse(text)
    return nodes, {pair: look for pair, look in arrows.items() if look.get("style") != "invis"}


# ---- Which circles and lines ---------------------------------------------------------------------


@given(n=st.integers(1, 300), most=st.integers(3, 50))
def test_the_middle_is_left_out_and_no_more_than_needed(n, most):
    kept = shown(n, most)
    assert len(kept) == (n if n <= most else most - 1)
    jumps = np.diff(kept)
    assert (jumps > 1).sum() == (n > most)
    if n > most:
        gap = int(np.argmax(jumps))
        assert kept[: gap + 1] == tuple(range(gap + 1))
        assert kept[gap + 1 :] == tuple(range(n - len(kept) + gap + 1, n))
        assert abs((gap + 1) - (len(kept) - gap - 1)) <= 1


@examples(50)
@given(sizes=SIZES, max_units=st.integers(3, 12), max_layers=st.integers(3, 12))
def test_every_unit_and_layer_is_drawn_or_counted(sizes, max_units, max_layers):
    diagram = Diagram.of(zeros(sizes), max_units, max_layers)
    columns = diagram.columns
    assert len(columns) + diagram.n_layers_left_out == len(sizes)
    assert (columns[0].layer, columns[-1].layer) == (0, len(sizes) - 1)
    assert (diagram.gap is None) == (diagram.n_layers_left_out == 0)
    for column in columns:
        assert column.size == sizes[column.layer]
        assert column.n_left_out + len(column.units) == column.size
        assert len(column.units) <= max_units
        assert (column.gap is None) == (column.n_left_out == 0)
        assert sum(column.y) == pytest.approx(0, abs=1 + len(column.y) % 2 * 2)
        assert (np.diff(column.y) >= 1).all()
        assert column.y[-1] - column.y[0] < diagram.height
        assert len(column.biases) == (len(column.units) if column.layer else 0)
    places = [column.x for column in columns] + ([] if diagram.gap is None else [diagram.gap])
    assert sorted(places) == list(range(len(places)))


@examples(50)
@given(sizes=SIZES, seed=st.integers(0, 9))
def test_lines_are_the_weights_between_what_is_drawn(sizes, seed):
    net = pynn.Network(sizes, random_state=seed)
    diagram = Diagram.of(net, 5, 6)
    for line in diagram.lines():
        source, target = line.links.source, line.links.target
        assert target.layer == source.layer + 1
        weight = net.weights[source.layer][source.units[line.i], target.units[line.j]]
        assert line.weight == weight
        assert line.strength == abs(weight) / diagram.scale
    n = sum(
        len(a.units) * len(b.units)
        for a, b in zip(diagram.columns, diagram.columns[1:], strict=False)
        if b.layer == a.layer + 1
    )
    assert len(list(diagram.lines())) == n


def test_the_stronger_lines_are_drawn_over_the_weaker():
    (links,) = Diagram.of(pynn.Network([5, 5], random_state=0)).links
    lines = list(Diagram.of(pynn.Network([5, 5], random_state=0)).lines())
    assert [line.strength for line in lines] == sorted(line.strength for line in lines)
    assert lines[-1].weight == links.weights.flat[abs(links.weights).argmax()]


@pytest.mark.parametrize("wrong", [{"max_units": 2}, {"max_layers": 0}, {"max_units": 3.5}])
def test_too_few_to_leave_out_the_middle(wrong):
    with pytest.raises((TypeError, ValueError), match=f"{next(iter(wrong))} must be"):
        Diagram.of(zeros([2, 1]), **wrong)


# ---- SVG and HTML --------------------------------------------------------------------------------


def test_a_small_network_as_svg():
    net = pynn.Network([2, 3, 1], random_state=0)
    net.weights[0][:] = [[0.5, -1, 0], [2, -0.25, 1]]
    net.weights[1][:] = [[-2], [1], [1]]
    lines = paths(net)
    net.biases[0][:], net.biases[1][:] = [0, 0.5, -1], 0
    circles = [circle[0].text for circle in drawn(net).iter(f"{SVG}circle")]
    assert circles == [
        "input 1",
        "input 2",
        "neuron 1 of layer 1, relu, bias 0",
        "neuron 2 of layer 1, relu, bias 0.5",
        "neuron 3 of layer 1, relu, bias -1",
        "neuron 1 of output, identity, bias 0",
    ]
    assert len(lines) == 9
    assert lines["input 2 to neuron 1 of layer 1: 2"]["stroke"] == palette().positive
    assert lines["neuron 1 of layer 1 to neuron 1 of output: -2"]["stroke"] == palette().negative
    assert "stroke" not in lines["input 1 to neuron 3 of layer 1: 0"]
    order = [
        "input 1 to neuron 3 of layer 1: 0",
        "input 2 to neuron 2 of layer 1: -0.25",
        "input 1 to neuron 1 of layer 1: 0.5",
        "input 2 to neuron 1 of layer 1: 2",
    ]
    for figure in ("stroke-width", "stroke-opacity"):
        values = [float(lines[text][figure]) for text in order]
        assert values == sorted(values)
        assert len(set(values)) == 4
        assert values[0] > 0
    assert lines[order[-1]]["stroke-opacity"] == "1.00"


def test_svg_suits_any_background_and_is_read_out():
    root = drawn(pynn.Network([2, 40, 3], random_state=0))
    assert (root.attrib["role"], root.attrib["stroke"]) == ("img", "currentColor")
    assert {text.attrib["fill"] for text in root.iter(f"{SVG}text")} == {"currentColor"}
    assert root[0].tag == f"{SVG}title"
    assert root[0].text == "Network 2-40-3"
    assert "layer 1 with 40 units (relu)" in root[1].text


def test_nothing_is_drawn_outside():
    for sizes in ([1, 1], [3, 2], [784, 16, 16, 10], [5] * 30):
        root = drawn(pynn.Network(sizes, random_state=0))
        width, height = (float(root.attrib[name]) for name in ("width", "height"))
        for text in root.iter(f"{SVG}text"):
            half = 3.5 * len(text.text)
            assert half <= float(text.attrib["x"]) <= width - half
            assert 11 <= float(text.attrib["y"]) < height - 3
        for circle in root.iter(f"{SVG}circle"):
            assert 10 <= float(circle.attrib["cx"]) <= width - 10
            assert 10 <= float(circle.attrib["cy"]) <= height - 10


def test_the_caption_says_what_the_network_is():
    caption = re.search(r"<figcaption>(.*?)<br/>", zeros([4, 3, 2], bias=False)._repr_html_())[1]
    assert caption.split(" · ") == [
        "Network 4-3-2",
        "relu, identity",
        "squared_error",
        "18 parameters (float32)",
        "no biases",
    ]
    deep = zeros([4] * 50, cost=pynn.Huber(2.0))._repr_html_()
    assert "Network 4-4-4-4-4-4 … 4-4-4-4-4 · relu ×48, identity · Huber(delta=2.0)" in deep
    assert ">43 layers<" in deep
    assert ">+31<" in zeros([40, 1])._repr_html_()


def test_html_is_well_formed():
    for sizes in ([1, 1], [50, 20, 10], [3] * 12):
        ElementTree.fromstring(zeros(sizes)._repr_html_())


def test_text_is_escaped():
    root = ElementTree.fromstring(svg(Diagram.of(zeros([1, 1])), '<script> & "co"'))
    assert root[0].text == '<script> & "co"'


@pytest.mark.parametrize(
    ("weights", "legend"),
    [
        ([[0, 0]], "all that are drawn are 0"),
        ([[-3, -3]], "widest line ±3"),
        ([[3e38, -1e-40]], "widest line ±3e+38"),
        ([[1e-44, 1e-45]], "widest line"),
        ([[np.inf, np.nan]], "all that are drawn are 0, dashed: not finite"),
        ([[np.inf, 2]], "widest line ±2, dashed: not finite"),
    ],
)
def test_weights_of_any_size(weights, legend):
    net = zeros([1, 2])
    net.weights[0][:] = weights
    text = net._repr_html_()
    assert legend in text
    lines = paths(net)
    assert len(lines) == 2
    dashed = ["stroke-dasharray" in look for look in lines.values()]
    assert sum(dashed) == (~np.isfinite(weights)).sum()
    assert all(0.6 <= float(look.get("stroke-width", 1)) <= 3 for look in lines.values())


class Watched(np.ndarray):
    """An array that counts what is read of it by index."""

    n_read = 0

    def __getitem__(self, key):
        found = super().__getitem__(key)
        Watched.n_read += np.size(found)
        return np.asarray(found)


def test_of_a_huge_network_only_what_is_drawn_is_read():
    net = zeros([1024, 4096, 4096, 100])
    Watched.n_read = 0
    net._weights = tuple(W.view(Watched) for W in net.weights)
    text = net._repr_html_()
    assert Watched.n_read == 3 * 9 * 9
    assert len(text) < 60_000
    assert len(zeros([4] * 1000)._repr_html_()) < 60_000


def test_drawing_changes_nothing_and_is_the_same_each_time():
    net = pynn.Network([20, 5, 3], random_state=0)
    before = net.parameters.copy()
    assert net._repr_html_() == net._repr_html_()
    assert net.to_dot() == net.to_dot()
    np.testing.assert_array_equal(net.parameters, before)


# ---- Graphviz ------------------------------------------------------------------------------------


def test_a_small_network_as_dot():
    net = zeros([2, 2])
    net.weights[0][:] = [[2, -2], [1, 0]]
    nodes, edges = graph(net.to_dot())
    assert nodes["unit_0_1"] == {"tooltip": '"input 2"'}
    assert set(edges) == {(f"unit_0_{i}", f"unit_1_{j}") for i in range(2) for j in range(2)}
    assert edges["unit_0_0", "unit_1_0"]["color"] == f'"{palette().positive}ff"'
    assert edges["unit_0_0", "unit_1_1"]["color"] == f'"{palette().negative}ff"'
    widths = [float(look["penwidth"]) for _, look in sorted(edges.items())]
    assert widths[0] == widths[1] > widths[2] > widths[3] > 0
    assert "neuron 1 of output: 2" in edges["unit_0_0", "unit_1_0"]["tooltip"]


@examples(30)
@given(sizes=st.lists(st.integers(1, 30), min_size=2, max_size=10))
def test_dot_is_valid_and_has_the_lines_of_the_diagram(sizes):
    net = pynn.Network(sizes, random_state=0)
    net.weights[0][0, 0] = np.nan
    names, edges = graph(net.to_dot(max_units=4, max_layers=5))
    diagram = Diagram.of(net, 4, 5)
    assert len(edges) == len(list(diagram.lines()))
    left_out = {f"more_{c.layer}" for c in diagram.columns if c.n_left_out}
    assert {name for name in names if re.fullmatch(r"more_\d+", name)} == left_out
    assert ("more_layers" in names) == (len(sizes) > 5)
    assert {end for ends in edges for end in ends} <= set(names)
    assert edges["unit_0_0", "unit_1_0"]["style"] == "dashed"


def test_names_in_dot():
    names = ['say "hi"', "a\\b", "two\nlines", "<b>", "x -> y; }", "R&D"]
    nodes, _ = graph(zeros([6, 2]).to_dot(input_names=names, output_names=["no", "yes"]))
    labels = {name: look.get("label") for name, look in nodes.items()}
    assert labels["unit_0_0"] == r'"say \"hi\""'
    assert labels["unit_0_1"] == r'"a\\b"'
    assert labels["unit_0_2"] == r'"two\nlines"'
    assert labels["unit_0_4"] == '"x -> y; }"'
    assert labels["unit_0_5"] == '"R&amp;D"'
    assert labels["unit_1_1"] == '"yes"'


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"input_names": "ab"}, "input_names must be a sequence of 2 names, got 'ab'"),
        ({"output_names": ["a", "b"]}, "output_names must be 1 names, got 2"),
        ({"max_units": 1}, "max_units must be at least 3, got 1"),
    ],
)
def test_what_to_dot_refuses(wrong, message):
    with pytest.raises((TypeError, ValueError), match=message):
        zeros([2, 1]).to_dot(**wrong)
