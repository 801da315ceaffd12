"""examples/: each script runs by itself, without a warning, and prints its source's figures."""

import ast
import functools
import re
import runpy
import sys
from pathlib import Path

import matplotlib.font_manager  # noqa: F401 - it tells stderr when it looks for fonts the first time
import numpy as np
import pytest
from long import only_long
from places import ROOT

EXAMPLES = ROOT / "examples"
SCRIPTS = sorted(path.name for path in EXAMPLES.glob("*.py"))

slow = pytest.mark.slow
close = functools.partial(np.testing.assert_allclose, rtol=0)


@pytest.fixture
def printed(tmp_path, monkeypatch, capsys):
    """What a script prints, with these arguments, and nothing else comes of it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYNN_MNIST", raising=False)

    def run(name, *arguments):
        monkeypatch.setattr(sys, "argv", [name, *map(str, arguments)])
        runpy.run_path(str(EXAMPLES / name), run_name="__main__")
        out, error = capsys.readouterr()
        assert error == ""
        assert not list(tmp_path.iterdir())
        return out

    return run


@pytest.fixture(params=["bundled digits", pytest.param("MNIST", marks=only_long)])
def mnist_or_not(request):
    """Arguments of scripts that read digits."""
    return () if request.param == "bundled digits" else (request.getfixturevalue("mnist_path"),)


def rows(pattern, text):
    """Return the numbers in each line that the pattern matches as a whole, one row for each."""
    found = [match.groups() for match in re.finditer(rf"^{pattern}$", text, re.M)]
    assert found, text
    return np.array([[float(figure.replace(",", "")) for figure in row] for row in found])


# ---- Their form ----


def test_each_is_run():
    tests = Path(__file__).read_text(encoding="utf-8")
    assert sorted(re.findall(r'printed\("(\w+\.py)"', tests)) == SCRIPTS


@pytest.mark.parametrize("name", SCRIPTS)
def test_it_is_short_and_says_what_it_shows(name):
    source = (EXAMPLES / name).read_text(encoding="utf-8")
    assert 30 <= len(source.splitlines()) <= (210 if name.startswith("0_") else 120)
    text = ast.get_docstring(ast.parse(source))
    title, line, rest = text.split("\n", 2)
    assert line == "=" * len(title)
    assert len(rest) > 100
    assert "\n# %%\n" in source


def test_the_index_names_them():
    """In the order in which the gallery shows them."""
    index = (EXAMPLES / "README.rst").read_text(encoding="utf-8")
    assert re.findall(r"^- ``(\w+\.py)``", index, re.M) == SCRIPTS


def test_the_readme_links_to_the_index():
    assert "(examples/README.rst)" in (EXAMPLES.parent / "README.md").read_text(encoding="utf-8")


@slow
def test_what_a_neural_network_is(printed):
    """What the text between the numbers says of them."""
    out = printed("0_what_a_neural_network_is.py")
    sums = rows(r"(\d)·10 \+ (\d)·10 − 5 = +(-?\d+), sigmoid → (0\.\d+|1\.0000)", out)
    assert (sums[:, 3].round() == sums[:, :2].any(axis=1)).all()
    first, *learned = re.findall(r"^(?:says +)?\[(0\.\d+ +.*)\]$", out, re.M)
    (untaught, taught) = (np.fromstring(line, sep=" ") for line in learned)
    assert (np.fromstring(first, sep=" ").round() == [0, 1, 1, 0]).all()
    assert (untaught > 0.5).all()
    assert (taught.round() == [0, 1, 1, 0]).all()
    for line in ("two layers without a bend are one", "the mean step is the negative gradient"):
        assert f"{line}: True\n" in out
    one_by_one, at_once = re.findall(r"^(?:tried one by one|all at once +) (\[.*\])$", out, re.M)
    assert one_by_one == at_once
    assert "neuron 1 of layer 2: ∂C/∂a = 0.97 − 1 = −0.0299" in out
    assert rows(r"unseen digits read correctly: ([\d.]+)%", out)[0] > 95


@slow
def test_what_backpropagation_does(printed):
    """The answers to its exercises are computed here without pynn."""
    out = printed("0_what_backpropagation_does.py")
    by_product, by_trace = rows(r"chain rule (\S+), trace (\S+)", out)[0]
    assert by_product == by_trace > 0
    before, after = rows(r"cost (\S+) before, (\S+) after one step", out)[0]
    assert after < 0.6 * before
    ratios = rows(r"(?:sigmoid|relu) +gradient of layer 1 / layer 7: (\S+)", out)[:, 0]
    assert ratios[0] < 1e-4
    assert 0.1 < ratios[1] < 10
    squared, entropy = rows(r"\w+ +output (\S+), after 50 steps (\S+)", out)
    assert squared[0] == entropy[0] > 0.97
    assert squared[1] > 0.95
    assert entropy[1] < 0.15
    small, good, large = rows(r"(?:too small|good|too large) +\S+: cost (\S+)", out)[:, 0]
    assert good < 0.001
    assert min(small, large) > 0.12
    answers = re.findall(r"^\d\. (?:.* = (?=-))?(-?[\d.,]*\d)\b", out, re.M)
    a = 1 / (1 + np.exp(-5.0))
    z = 0.8 / (1 + np.exp(-1.0)) - 0.8 / (1 + np.exp(0.1)) - 0.4
    said = 1 / (1 + np.exp(-z))
    parameters = sum((n_in + 1) * n_out for n_in, n_out in [(784, 16), (16, 16), (16, 10)])
    expected = [a, 0, (said - 1) * said * (1 - said), 0.25, parameters, np.log(10)]
    close([float(answer.replace(",", "")) for answer in answers], expected, atol=5.1e-5)


# ---- The classic texts ----


@slow
def test_one_neuron(printed):
    """Borgen 2015: a weighted sum of 5, whose sigmoid is 1, rounded; 0.9933 with more digits."""
    out = printed("1_one_neuron.py")
    assert "1 * 7 + 0 * 3 - 2 = 5, sigmoid(5) = 0.9933, rounded 1\n" in out
    assert "products and bias −2 sum to 5, sigmoid → 0.9933\n" in out
    mails = rows(r"\w+ +(\d) +(\d) +([-\d]+)  (\d\.\d+)  (?:no )?spam", out)
    assert mails.tolist() == [
        [0, 0, -2, 0.1192],
        [0, 1, 1, 0.7311],
        [1, 0, 5, 0.9933],
        [1, 1, 8, 0.9997],
    ]
    assert re.findall(r"\d  (no spam|spam)$", out, re.M) == ["no spam", "spam", "spam", "spam"]
    learned = rows(r"learned: weights ([\d.]+) and ([\d.]+), bias (-[\d.]+)", out)
    close(learned, [[7, 3, -2]], atol=0.01)


@slow
def test_logistic_regression(printed):
    """LogisticRegression's own coefficients, intercepts and probabilities, to 1e-4."""
    out = printed("2_logistic_regression.py")
    assert re.findall(r"^\w+, ([\w-]+ \w+):", out, re.M) == ["30-1 sigmoid", "4-3 softmax"]
    names = re.findall(r"^  (\w+) +\d", out, re.M)
    assert names == ["coefficients", "intercepts", "probabilities"] * 2
    assert rows(r"  \w+ +(\S+e-\d+)", out).max() <= 1e-4


@slow
def test_mazur(printed):
    """Every figure of his page, from the text's order of updates or from the program's."""
    out = printed("3_mazur_step_by_step.py")
    assert "neuron 1 of layer 1: 0.05·0.15 + 0.1·0.2 + 0.35 = 0.3775, sigmoid → 0.5933\n" in out
    figures = dict(re.findall(r"^(\w[^:\n]+?) +(?:[\d.]{11}) +([\d.]{11})$", out, re.M))
    his = {
        "weighted sum of h1": 0.3775,
        "output of h1": 0.593269992,
        "output of h2": 0.596884378,
        "output of o1": 0.75136507,
        "output of o2": 0.772928465,
        "total error": 0.298371109,
        "error's slope by o1": 0.74136507,
        "delta of o1": 0.138498562,
        "gradient of w5": 0.082167041,
        "error's slope by h1": 0.036350306,
        "gradient of w1": 0.000438568,
    }
    assert list(figures) == list(his)
    close([float(figure) for figure in figures.values()], list(his.values()), atol=2e-9)
    hidden, output = rows(r"w\d to w\d: (\S+) (\S+) (\S+) (\S+)", out)
    close(hidden, [0.149780716, 0.19956143, 0.24975114, 0.29950229], atol=1e-8)
    close(output, [0.35891648, 0.408666186, 0.511301270, 0.561370121], atol=1e-8)
    text, program = rows(
        r".+'s order: error ([\d.]+) after one update,\n"
        r" +([\d.]+) after 10,000, outputs ([\d.]+) and ([\d.]+)",
        out,
    )
    close(text[0], 0.291027774, atol=2e-9)
    close(program[[0, 2, 3]], [0.291027924, 0.015912196, 0.984065734], atol=2e-9)
    close([text[1], program[1]], 3.51e-5, atol=2e-8)


@slow
def test_trask(printed):
    """The errors that his page prints, from before the first update to after 50,000."""
    out = printed("4_trask_eleven_lines.py")
    errors = rows(r" *([\d,]+)  (0\.\d+)  .+", out)
    assert errors[:, 0].tolist() == list(range(0, 60_001, 10_000))
    his = [
        0.496410031903,
        0.00858452565325,
        0.00578945986251,
        0.00462917677677,
        0.00395876528027,
        0.00351012256786,
    ]
    close(errors[:6, 1], his, atol=1e-12)
    close(errors[6, 1], 0.0032, atol=5e-5)
    outputs = re.search(r"outputs: \[(.+)\] for \[0 1 1 0\]", out)[1]
    close([float(a) for a in outputs.split()], [0, 1, 1, 0], atol=0.004)


@slow
def test_lernmi(printed, mnist_or_not):
    """Gates that are learned, a sensitivity for each neuron and link, digits far above chance."""
    out = printed("5_lernmi_neurons_and_links.py", *mnist_or_not)
    gates = {"NOT": ([1, 0], 2, 2), "OR": ([0, 1, 1, 1], 3, 3), "XOR": ([0, 1, 1, 0], 6, 13)}
    for gate, (targets, n_neurons, n_links) in gates.items():
        part = re.search(rf"^{gate} .+?epochs[^\n]+", out, re.M | re.S)[0]
        figure = r" +(-?\d\.\d+)" * len(targets)
        neurons = rows(rf"  neuron \w\d {figure}", part)
        links = rows(rf"  link \w+ to \w\d {figure}", part)
        assert (len(neurons), len(links)) == (n_neurons, n_links)
        # The output's is the error itself: a - y.
        assert (np.sign(neurons[-1]) == 1 - 2 * np.array(targets)).all()
        (outputs,) = rows(rf"  after +[\d,]+ epochs{figure}", part)
        close(outputs, targets, atol=0.15)
    ((accuracy, n_tested),) = rows(r"784-15-10 reads ([\d.]+)% of ([\d,]+) others", out)
    assert n_tested == (10_000 if mnist_or_not else 450)
    assert accuracy > (80 if mnist_or_not else 65)


@slow
def test_digit_reader(printed, mnist_or_not):
    """13,002 weights and biases, as many nudges, and which of these are the largest."""
    out = printed("6_digit_reader.py", *mnist_or_not)
    ((total,),) = rows(r"total +([\d,]+) .+", out)
    assert total == 13_002
    ((accuracy, n_tested),) = rows(r".+: ([\d.]+)% of ([\d,]+) read correctly .+", out)
    assert n_tested == (10_000 if mnist_or_not else 450)
    assert accuracy >= 93
    ((n_nudges, n_not_0),) = rows(r"([\d,]+) nudges, ([\d,]+) of them not 0; the largest:", out)
    assert n_nudges == 13_002
    assert 0 < n_not_0 < 13_002
    largest = rows(r"  ([+-][\d.]+)  (?:weight from .+|bias of) neuron \d+ .*of layer \d", out)
    assert len(largest) == 10
    assert (np.diff(np.abs(largest[:, 0])) <= 0).all()
    shares = rows(r"neuron \d+ of layer 2 .+  ([\d.]+) %", out)
    assert (np.diff(shares[:, 0]) <= 0).all()
    ((apart,),) = rows(r"mean of 200 .+ cost: difference (\S+)", out)
    assert apart < 1e-7


@slow
def test_nielsen(printed):
    """Nearly as good on the bundled digits; test_mnist.py has the same networks on MNIST."""
    out = printed("7_nielsen_networks.py")
    assert "bundled digits" in out
    figures = rows(r"chapter (\d), 784-(\d+)-10 +([\d,]+) +([\d.]+)% +([\d.]+)%  .+", out)
    assert figures[:, :3].tolist() == [[1, 30, 23_860], [3, 100, 79_510]]
    assert re.findall(r"%  (\S.+)$", out, re.M) == ["95.42%", "about 98%"]
    assert (figures[:, 3] >= 94).all()


@slow
def test_britz(printed):
    """The losses that his page prints, and a boundary that follows the moons from 3 units on."""
    out = printed("8_britz_two_moons.py")
    losses = rows(r" *([\d,]+)  ( *0\.\d+)  (0\.\d+)", out)
    his = {1: 0.432387, 1001: 0.068947, 9001: 0.070758, 19_001: 0.070758}
    assert dict(losses[:, [0, 2]].tolist()) == his
    close(losses[:, 1], list(his.values()), atol=1e-6)
    right = rows(r" +(\d+) +(\d+) +(\d+)", out)
    assert right[:, 0].tolist() == [1, 2, 3, 4, 5, 20, 50]
    assert right[:, 1].tolist() == [5 * n + 2 for n in (1, 2, 3, 4, 5, 20, 50)]
    assert (right[:2, 2] >= 160).all()
    assert (right[2:, 2] >= 194).all()
    assert (right[3:, 2] > right[2, 2]).all()


@slow
def test_universal_approximation(printed):
    """The more units, the nearer."""
    errors = rows(r" +(\d+) +(\d+) +(0\.\d+) +(0\.\d+)", printed("9_universal_approximation.py"))
    assert errors[:, 0].tolist() == [1, 2, 5, 20, 100]
    assert errors[:, 1].tolist() == [4, 7, 16, 61, 301]
    assert (np.diff(errors[:, 2:], axis=0) < 0).all()
    assert errors[0, 2] > 0.05
    assert errors[-1, 2] < 1e-3


# ---- What pynn is used with, and for ----


@slow
def test_from_scikit_learn(printed):
    expected = r"""
 +seconds +CV accuracy +test accuracy +epochs +alpha +activation
scikit-learn +[\d.]+ +(?P<same>0\.9\d+ +0\.9\d+ +\d+ +[\d.]+ +\w+)
pynn +[\d.]+ +(?P=same)
greatest difference of a probability: \de-(0[7-9]|1\d)
"""
    assert re.fullmatch(expected.lstrip("\n"), printed("from_scikit_learn.py"))


@slow
def test_early_stopping_and_checkpoints(printed):
    expected = r"""
epoch +loss +val_loss +val_score +r2 +learning_rate +median error held out
( +\d+( +-?\d+\.\d+){5}  #+
){4,}stopped early: True; weights kept are those of epoch \d+
resumed after epoch 10: \d+ epochs, same weights: True
"""
    assert re.fullmatch(expected.lstrip("\n"), printed("early_stopping_and_checkpoints.py"))


@slow
def test_many_networks(printed):
    out = printed("many_networks.py")
    shares = rows(r"(\d) hidden units: ([\d.]+)% of the networks learn XOR", out)
    assert shares[:, 0].tolist() == [2, 3, 8]
    assert shares[0, 1] < 60 < shares[1, 1] < 95 < shares[2, 1]
    alone, spread, together = rows(r"alone ([\d.]+)% ± ([\d.]+)%, together ([\d.]+)%", out)[0]
    assert together > alone + spread


@slow
def test_imbalanced_classes(printed):
    out = printed("imbalanced_classes.py")
    expected = r"""
130 of 1347 training images are of the rare class
 +recall +precision +balanced accuracy
class_weight=None +\d\d% +\d\d% +0\.\d+
class_weight=\{True: 3\} +\d\d% +\d\d% +0\.\d+
class_weight="balanced" +\d\d% +\d\d% +0\.\d+
pixels -> neighbours +\d\d% +\d\d% +0\.\d+
hidden layer -> neighbours +\d\d% +\d\d% +0\.\d+
transform turns 32 pixels into 20 features
"""
    assert re.fullmatch(expected.lstrip("\n"), out)
    recall = rows(r".+  (\d+)% +(\d+)%  .+", out)[:, 0]
    assert recall[0] < recall[1] <= recall[2]
    assert recall[3] < recall[4]


@slow
def test_table_to_decision(printed):
    out = printed("table_to_decision.py")
    r2, error = rows(r"R² of the logarithm ([\d.]+), median error (\d+)%", out)[0]
    assert r2 > 0.8
    assert error < 20
    low, high = rows(r"predicted \d+, 90% within (\d+) to (\d+), paid \d+", out)[0]
    assert low < high
    assert 87 < rows(r"([\d.]+)% of the prices are within their intervals", out)[0] < 93
    assert rows(r"accuracy ([\d.]+)%, temperature [\d.]+", out)[0] > 68
    shares = rows(r".+: \d+ bicycles, predicted ([\d.]+)% unsold, observed ([\d.]+)%", out)
    assert shares.shape == (2, 2)
    assert np.abs(np.diff(shares)).max() < 6
    importances = dict(re.findall(r"^(\w+) +(-?\d\.\d{3} +-?\d\.\d{3})$", out, re.M))
    by_price, by_sale = np.array([line.split() for line in importances.values()], float).T
    names = np.array([*importances])
    assert set(names[by_price > 0.05]) == {"kind", "brand", "year", "kilometres"}
    assert set(names[by_sale > 0.05]) == {"advertised", "photos"}
