"""The private parts of scikit-learn that the estimators need, with their uses."""

from collections.abc import Callable
from functools import partial
from typing import Any

from sklearn import config_context
from sklearn.base import _fit_context  # validates parameters before a fit
from sklearn.utils._param_validation import (  # parameter constraints, in scikit-learn's words
    Interval,
    InvalidParameterError,
    Options,
    StrOptions,
)
from sklearn.utils._set_output import _wrap_data_with_container  # transform's set_output
from sklearn.utils.multiclass import _check_partial_fit_first_call  # the classes of partial_fit
from sklearn.utils.optimize import _check_optimize_result  # warns where L-BFGS fails
from sklearn.utils.validation import (
    _check_feature_names_in,  # checks the names given to get_feature_names_out
    _check_sample_weight,  # checks sample weights, in scikit-learn's words
)

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:  # scikit-learn before 1.9

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Nothing: this scikit-learn has no callbacks."""

    def with_callbacks(method: Callable[..., Any]) -> Callable[..., Any]:
        """Return the method as it is: this scikit-learn has no callbacks."""
        return method


__all__ = [
    "CallbackSupportMixin",
    "Interval",
    "InvalidParameterError",
    "Options",
    "StrOptions",
    "_check_feature_names_in",
    "_check_optimize_result",
    "_check_partial_fit_first_call",
    "_check_sample_weight",
    "_fit_context",
    "_wrap_data_with_container",
    "with_callbacks",
    "without_filters",
]


def without_filters(call: Any) -> Callable[..., Any]:
    """Return a delayed call of scikit-learn's `Parallel` that leaves the filters of warnings alone.

    Its own call would replace them, in the middle of the other threads' calls.
    """
    return partial(_configured, call.config, call.function)


def _configured(config: dict[str, Any], call: Callable[..., Any], *args: Any, **named: Any) -> Any:
    with config_context(**config):
        return call(*args, **named)


# Private methods of scikit-learn's perceptrons that subclasses override, and what replaces them.
_WEIGHTS = "set coefs_ and intercepts_, and fit with warm_start=True"
_FORWARD, _GRADIENT = "use network_.predict or trace", "use network_.gradient"
HOOKS = {
    "_init_coef": _WEIGHTS,
    "_initialize": _WEIGHTS,
    "_forward_pass": _FORWARD,
    "_forward_pass_fast": _FORWARD,
    "_backprop": _GRADIENT,
    "_compute_loss_grad": _GRADIENT,
    "_loss_grad_lbfgs": _GRADIENT,
    "_fit_stochastic": "use callbacks, or Network.fit",
    "_fit_lbfgs": "use callbacks, or Network.fit",
    "_update_no_improvement_count": "use the EarlyStopping callback",
    "_score_with_function": "use the parameter scoring",
}
