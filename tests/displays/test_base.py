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

import pynn
from pynn.displays import base
from pynn.inspection.colours import NEGATIVE, POSITIVE, largest, strengths


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
    with pytest.raises(TypeError, match=r"of a pipeline its last step\); got Pipeline"):
        base.network_of(make_pipeline(model))


def test_positive_is_green_negative_red_and_zero_what_lies_behind():
    colormap, norm = base.signed_colormap(), base.signed_norm(2.0)
    shades = colormap(norm([-2.0, -1.0, 0.0, 1.0, 2.0]))
    np.testing.assert_allclose(shades[:2, :3], [to_rgb(NEGATIVE)] * 2, atol=1e-6)
    np.testing.assert_allclose(shades[3:, :3], [to_rgb(POSITIVE)] * 2, atol=1e-6)
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
    colours = base.signed_colours(np.nan_to_num(values, posinf=0, neginf=0), scale, faintest=0.2)
    assert ((colours[:, 3] >= 0.2) & (colours[:, 3] <= 1)).all()


@pytest.mark.parametrize("style", ["default", "dark_background"])
def test_both_colours_stand_out_from_the_background(style):
    """Contrast as WCAG 2 has it, whose least for graphics is 3."""

    def luminance(colour):
        parts = np.array(to_rgb(colour))
        linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
        return linear @ [0.2126, 0.7152, 0.0722] + 0.05

    with mpl.style.context(style):
        back = luminance(plt.rcParams["axes.facecolor"])
    for colour in (POSITIVE, NEGATIVE):
        front = luminance(colour)
        assert max(front / back, back / front) > 3.7
