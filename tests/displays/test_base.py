"""What all displays share: matplotlib only where something is drawn, one scale of colours."""

import subprocess
import sys

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib import pyplot as plt
from matplotlib.colors import to_rgb
from mlp_cases import BOTH, DATA, few_epochs_are_meant, flat, small  # noqa: F401 (a fixture)
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import pynn
from pynn.displays import base, use_colors
from pynn.inspection import colours
from pynn.inspection.colours import largest, palette, strengths


def test_matplotlib_is_imported_by_drawing_alone_which_says_what_to_install():
    code = """import sys, pynn, pynn.displays
print([name for name in sys.modules if "matplotlib" in name])
sys.modules["matplotlib"] = None
from pynn.displays import base
try:
    base.axes()
except ImportError as error:
    print(error)"""
    command = [sys.executable, "-P", "-c", code]
    result = subprocess.run(command, check=True, capture_output=True, text=True)
    imported, message = result.stdout.split("\n", 1)
    assert imported == "[]"
    assert "pip install matplotlib" in message


def test_axes_are_those_given_or_new():
    figure, ax = plt.subplots()
    assert base.axes(ax) == (figure, ax)
    new_figure, new_ax = base.axes(figsize=(2, 1))
    assert new_figure is not figure
    assert new_ax.figure is new_figure
    assert new_figure.get_size_inches().tolist() == [2, 1]


@BOTH
def test_the_network_inside(Estimator):
    net = pynn.Network([2, 1])
    assert base.network_of(net) is net
    model = small(Estimator)
    with pytest.raises(NotFittedError):
        base.network_of(model)
    model.fit(*DATA[Estimator])
    inside = base.network_of(model)
    assert all(a is b for a, b in zip(inside.weights, model.coefs_, strict=True))
    np.testing.assert_array_equal(
        base.network_of(make_pipeline(model)).parameters, inside.parameters
    )
    with pytest.raises(TypeError, match="a pipeline that ends in one; got StandardScaler"):
        base.network_of(make_pipeline(StandardScaler()))


def test_positive_is_blue_negative_orange_and_zero_what_lies_behind():
    plus, minus, words = palette()
    assert words == "blue above 0, orange below"
    colormap, norm = base.signed_colormap(), base.signed_norm(2.0)
    shades = colormap(norm([-2.0, -1.0, 0.0, 1.0, 2.0]))
    np.testing.assert_allclose(shades[:2, :3], [to_rgb(minus)] * 2, atol=1e-6)
    np.testing.assert_allclose(shades[3:, :3], [to_rgb(plus)] * 2, atol=1e-6)
    np.testing.assert_allclose(shades[:, 3], [1, 0.5, 0, 0.5, 1], atol=0.01)
    np.testing.assert_allclose(
        base.signed_colours([-2, -1, 1, 2], 2.0), shades[[0, 1, 3, 4]], atol=0.01
    )


@given(values=st.lists(st.floats(allow_nan=True), max_size=5))
def test_strengths_are_parts_of_the_largest(values):
    finite = [abs(v) for v in values if np.isfinite(v)]
    scale = largest(values)
    assert scale == max(finite, default=0)
    parts = strengths(values, scale)
    assert parts[np.isfinite(values)] == pytest.approx([v / (scale or 1) for v in finite])
    assert not np.isfinite(parts[~np.isfinite(values)]).any()
    drawn = base.signed_colours(np.nan_to_num(values, posinf=0, neginf=0), scale, faintest=0.2)
    assert ((drawn[:, 3] >= 0.2) & (drawn[:, 3] <= 1)).all()


def linear(colour):
    parts = np.array(to_rgb(colour))
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


@pytest.mark.parametrize("colors", ["default", "classic"])
@pytest.mark.parametrize("style", ["default", "dark_background"])
def test_both_colours_stand_out_from_the_background(style, colors, monkeypatch):
    """Contrast as WCAG 2 has it, whose least for graphics is 3."""

    def luminance(colour):
        return linear(colour) @ [0.2126, 0.7152, 0.0722] + 0.05

    monkeypatch.setattr(colours, "_chosen", colors)
    with mpl.style.context(style):
        back = luminance(plt.rcParams["axes.facecolor"])
    for colour in palette()[:2]:
        front = luminance(colour)
        assert max(front / back, back / front) > 3.7


# G. M. Machado, M. M. Oliveira and L. A. F. Fernandes, "A Physiologically-based Model for
# Simulation of Color Vision Deficiency", 2009, at severity 1.0
SEEN_BY = {
    "protanope": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranope": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
}
XYZ = [
    [0.4124564, 0.3575761, 0.1804375],
    [0.2126729, 0.7151522, 0.0721750],
    [0.0193339, 0.1191920, 0.9503041],
]


def lab(colour):
    """CIELAB of linear RGB, in which a distance of 2.3 can just be seen."""
    x, y, z = np.cbrt(np.matmul(XYZ, colour) / np.sum(XYZ, axis=1))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("eyes", SEEN_BY)
def test_the_default_colours_differ_for_colour_blind_readers(eyes, monkeypatch):
    def hues_apart(colors):
        """The distance of both colours beyond that of their lightness."""
        monkeypatch.setattr(colours, "_chosen", colors)
        plus, minus = (np.clip(SEEN_BY[eyes] @ linear(c), 0, 1) for c in palette()[:2])
        return np.linalg.norm((lab(plus) - lab(minus))[1:])

    assert hues_apart("default") > 80
    assert hues_apart("classic") < 40


def test_colors_are_chosen_for_everything_that_is_drawn(monkeypatch):
    monkeypatch.setattr(colours, "_chosen", "default")  # undone after the test
    net = pynn.Network([2, 1], initializer="zeros")
    net.parameters[:] = [1, -1, 0]
    pictures = [net._repr_html_, net.to_dot, lambda: str(base.signed_colours([1, -1], 1.0))]
    before = [draw() for draw in pictures]
    use_colors("classic")
    assert all(draw() != text for draw, text in zip(pictures, before, strict=True))
    assert "green above 0, red below" in net._repr_html_()
    use_colors("default")
    assert [draw() for draw in pictures] == before
    with pytest.raises(ValueError, match="one of default, classic; got 'pink'"):
        use_colors("pink")
