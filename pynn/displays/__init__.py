"""Pictures of networks and of how they learn, drawn by matplotlib.

They follow scikit-learn's convention: ``SomeDisplay.from_estimator(estimator, ...)`` computes what
is to be seen and draws it; ``SomeDisplay(...)`` takes data that are there, and ``plot(ax=...)``
draws them, keeps what it drew in attributes with a trailing underscore and returns the display.
matplotlib is needed for drawing only: ``pip install "pynn-learn[plots]"``.
"""

from pynn.displays.activations import ActivationsDisplay
from pynn.displays.boundary import decision_boundary
from pynn.displays.cost_landscape import CostLandscapeDisplay
from pynn.displays.gradient_flow import GradientFlowDisplay
from pynn.displays.loss_curve import LossCurveDisplay
from pynn.displays.network import NetworkDisplay
from pynn.displays.weights import WeightsDisplay

__all__ = [
    "ActivationsDisplay",
    "CostLandscapeDisplay",
    "GradientFlowDisplay",
    "LossCurveDisplay",
    "NetworkDisplay",
    "WeightsDisplay",
    "decision_boundary",
]
