"""Read every number of a network: traces, walkthroughs, blame, gradient checks, diagrams."""

from pynn.inspection.gradient_check import GradientCheck, gradient_check
from pynn.inspection.neurons import Blame, NeuronInputs
from pynn.inspection.tracing import Trace

__all__ = ["Blame", "GradientCheck", "NeuronInputs", "Trace", "gradient_check"]
