"""pynn.playground and the command: what the page gets, what is refused, and where the page lies."""

import base64
import json
import re

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

import pynn
from pynn import playing
from pynn.__main__ import main

PLANE = [[0.0, 0.1], [1.5, -2.0], [3.0, 0.25]]


def given(*arguments, **named):
    """Return what the page gets, as it reads it."""
    html = pynn.playground(*arguments, **named)._html
    (text,) = re.findall(r'<script type="application/json" id="given">(.*?)</script>', html)
    return json.loads(text)


def network(sizes=(2, 4, 1), **options):
    options = {"output_activation": "sigmoid", "random_state": 0} | options
    return pynn.Network(sizes, **options)


# ---- What the page gets ----


def test_without_arguments_the_page_is_the_one_of_the_package():
    assert pynn.playground()._html == playing.page()
    assert len(playing.page().encode()) <= 400_000
    assert 'id="given"' not in playing.page()


def test_a_network_is_given_with_its_parameters():
    net = network(activation=["leaky_relu"])
    found = given(net)["network"]
    assert found["sizes"] == [2, 4, 1]
    assert found["activations"] == ["leaky_relu", "sigmoid"]
    assert found["cost"] == "binary_cross_entropy"
    parameters = np.frombuffer(base64.b64decode(found["parameters"]), "<f4")
    np.testing.assert_array_equal(parameters, net.parameters)


def test_rows_are_given_by_column_as_float32():
    found = given(X=[[0.1, "a"], [np.pi, "b"], [None, None]], y=["u", "v", "u"])
    assert found["columns"] == [
        {"name": "x1", "values": [0.1, 3.1415927, None]},
        {"name": "x2", "values": ["a", "b", None]},
    ]
    assert found["target"] == {"name": "y", "classes": ["u", "v"], "values": [0, 1, 0]}


def test_tables_keep_the_names_of_their_columns():
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame({"height": [1.5, 2.5], "colour": ["red", "blue"]})
    found = given(X=table, y=pandas.Series([1.5, 2], name="price"))
    assert [column["name"] for column in found["columns"]] == ["height", "colour"]
    assert found["target"] == {"name": "price", "classes": None, "values": [1.5, 2.0]}


@pytest.mark.parametrize(
    ("y", "classes"),
    [
        ([0, 1, 1], ["0", "1"]),
        ([0.0, 2.0, 2.0], ["0", "2"]),
        ([True, False, True], ["False", "True"]),
        ([0.5, 1.0, 2.0], None),
    ],
)
def test_few_whole_numbers_are_classes(y, classes):
    assert given(X=PLANE, y=y)["target"]["classes"] == classes


def test_many_whole_numbers_are_numbers():
    assert given(X=np.eye(9), y=np.arange(9))["target"]["classes"] is None


def test_the_network_decides_between_classes_and_numbers():
    numbers = network(output_activation="identity")
    assert given(numbers, PLANE, [0, 1, 1])["target"]["classes"] is None
    named = network(classes=["no", "yes"])
    assert given(named, PLANE, ["yes", "no", "no"])["target"] == {
        "name": "y", "classes": ["no", "yes"], "values": [1, 0, 0],
    }  # fmt: skip


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
def test_fitted_estimators_give_their_network_and_classes():
    model = pynn.MLPClassifier((3,), max_iter=2, random_state=0).fit(PLANE, ["b", "a", "b"])
    found = given(model, PLANE, ["a", "b", "b"])
    assert found["network"]["sizes"] == [2, 3, 1]
    assert found["target"]["classes"] == ["a", "b"]


def test_no_text_can_end_the_script_of_the_page():
    html = pynn.playground(X=[["</script><script>"], ["<!--"]], y=["<b>", "&"])._html
    assert html.count("</script") == playing.page().count("</script") + 1
    assert given(X=[["</script>"], ["<!--"]], y=["<b>", "&"])["target"]["classes"] == ["&", "<b>"]


# ---- What is refused ----


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"X": PLANE}, "X and y belong together"),
        ({"net": network((3, 1))}, "3 inputs and 1 outputs"),
        ({"net": network((33, 1)), "X": np.eye(33), "y": [0, 1, *[1] * 31]}, "32 inputs, got 33"),
        ({"net": network((2, *[1] * 9, 1))}, "8 hidden layers, got 9"),
        ({"net": network((2, 17, 1))}, "16 units in a hidden layer, got 17"),
        ({"net": network((2, 9), output_activation="softmax")}, "8 outputs, got 9"),
        ({"net": network((2, 2), output_activation="softmax")}, "at least 3 outputs"),
        ({"net": network((2, 2))}, "1 outputs, got 2"),
        ({"net": network(norm="batch")}, "no norm"),
        ({"net": network(bias=False)}, "no layers without biases"),
        ({"net": network(activation=pynn.LeakyReLU(0.2))}, r"no LeakyReLU\(slope=0.2\)"),
        ({"net": network(output_activation=None, cost="huber")}, "got identity with huber"),
        ({"net": network(), "X": np.eye(3), "y": [0, 1, 1]}, "2 inputs, X 3 columns"),
        ({"net": network(), "X": [["a", "b"]] * 2, "y": [0, 1]}, "must hold numbers"),
        ({"net": network(), "X": [[1, None], [2, 3]], "y": [0, 1]}, "missing values"),
        ({"net": network(), "X": PLANE, "y": [0, 1, 2]}, r"not classes of the network: \[2\]"),
        ({"X": np.zeros((20_001, 1)), "y": np.zeros(20_001)}, "20,000 rows, got 20,001"),
        ({"X": np.zeros((2, 33)), "y": [0, 1]}, "32 inputs, got 33"),
        ({"X": [["a" * i] for i in range(1, 34)], "y": [*"ab" * 16, "a"]}, "category, got 33"),
        ({"X": PLANE, "y": [1, 1, 1]}, "at least 2 classes, got 1"),
        ({"X": PLANE, "y": ["a", None, "b"]}, "none may be missing; got NoneType and str"),
        ({"X": np.eye(9), "y": list("abcdefghi")}, "8 classes, got 9"),
        ({"X": PLANE, "y": [0, 1]}, r"shape \(3,\), got \(2,\)"),
        ({"X": PLANE[:1], "y": [0.5]}, "at least 2 rows, got 1"),
        ({"X": [[1, None], [2, None]], "y": [0, 1]}, "'x2' has no values"),
        ({"X": [[1e300], [0]], "y": [0, 1]}, "finite as float32"),
        ({"X": PLANE, "y": [0.5, np.nan, 1]}, "y"),
        ({"net": network(output_activation="identity"), "X": PLANE, "y": [2, 2, 2]}, "all rows"),
        ({"X": np.array([["2026-01-01"], ["2026-01-02"]], "M8[D]"), "y": [0, 1]}, "got dates"),
    ],
)  # fmt: skip
def test_what_the_page_does_not_take_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        pynn.playground(**arguments)


def test_other_objects_are_no_networks():
    with pytest.raises(TypeError, match="got list"):
        pynn.playground([2, 4, 1])
    with pytest.raises(NotFittedError):
        pynn.playground(pynn.MLPClassifier())


def test_a_network_with_a_parameter_that_is_not_finite_is_refused():
    net = network(dtype="float64")
    net.parameters[3] = 1e300
    with pytest.raises(ValueError, match="parameters"):
        pynn.playground(net)


# ---- Files, browsers, the command ----


@pytest.fixture
def opened(monkeypatch, tmp_path):
    """Return the addresses that a browser is asked to open; temporary files are in tmp_path."""
    addresses = []
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("webbrowser.open", lambda address: addresses.append(address) or True)
    return addresses


def test_open_writes_a_new_file_and_shows_it(opened, tmp_path):
    page = pynn.playground(network())
    path = page.open()
    assert opened == [f"file://{path}"]
    assert path.startswith(str(tmp_path))
    assert page.open() != path


def test_save_writes_the_page(tmp_path):
    page = pynn.playground(network())
    page.save(tmp_path / "page.html")
    assert (tmp_path / "page.html").read_text() == page._html


def test_the_command_opens_the_page(opened, capsys):
    assert main(["playground"]) == 0
    path = capsys.readouterr().out.strip()
    assert opened == [f"file://{path}"]
    with open(path) as file:
        assert file.read() == playing.page()


def test_the_command_only_prints_the_path_without_browser(opened, capsys, tmp_path):
    target = str(tmp_path / "a b.html")
    assert main(["playground", "--no-browser", "--output", target]) == 0
    assert capsys.readouterr().out == f"{target}\n"
    assert opened == []
    with open(target) as file:
        assert file.read() == playing.page()


def test_the_command_says_where_there_is_no_browser(monkeypatch, opened, capsys):
    monkeypatch.setattr("webbrowser.open", lambda address: False)
    assert main(["playground"]) == 0
    assert "no browser" in capsys.readouterr().err


def test_a_file_that_cannot_be_written_ends_the_command_with_1(capsys, tmp_path):
    assert main(["playground", "--no-browser", "--output", str(tmp_path / "no" / "page.html")]) == 1
    assert "No such file" in capsys.readouterr().err


def test_a_page_that_is_not_installed_says_how_to_install_it(monkeypatch, tmp_path):
    monkeypatch.setattr(pynn, "__path__", [str(tmp_path)])
    with pytest.raises(FileNotFoundError, match="pip install"):
        pynn.playground()
