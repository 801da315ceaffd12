"""Plots of networks and of their training, drawn with matplotlib.

The displays follow scikit-learn's convention. ``SomeDisplay.from_estimator(estimator, ...)``
computes the data and draws them. ``SomeDisplay(...)`` takes data that you already have;
``plot(ax=...)`` draws them, stores the artists in attributes with a trailing underscore and returns
the display. Only drawing needs matplotlib: ``pip install matplotlib``.
"""

from pynn.displays.activations import ActivationsDisplay
from pynn.displays.boundary import decision_boundary
from pynn.displays.cost_landscape import CostLandscapeDisplay
from pynn.displays.gradient_flow import GradientFlowDisplay
from pynn.displays.loss_curve import LossCurveDisplay
from pynn.displays.network import NetworkDisplay
from pynn.displays.passes import TraceDisplay
from pynn.displays.weights import WeightsDisplay
from pynn.inspection.colours import use_colors

__all__ = [
    "ActivationsDisplay",
    "CostLandscapeDisplay",
    "GradientFlowDisplay",
    "LossCurveDisplay",
    "NetworkDisplay",
    "TraceDisplay",
    "WeightsDisplay",
    "decision_boundary",
    "use_colors",
]
