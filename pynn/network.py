"""Network: a model that can be trained and saved."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from pynn import checks, fit_arguments
from pynn.callbacks import scorings
from pynn.data.samples import Samples
from pynn.inspection import markup, tables
from pynn.inspection.inspected import Inspected
from pynn.model import members as members_of
from pynn.model.activations import Activation
from pynn.model.architecture import Architecture
from pynn.model.costs import Cost
from pynn.model.embeddings import Embedding
from pynn.model.initializers import INITIALIZERS, Random, random_source
from pynn.model.model import Model
from pynn.training import fitting, optimizers
from pynn.training.averages import Average
from pynn.training.descent import Descent
from pynn.training.history import History
from pynn.training.learners import answered
from pynn.training.schedules import Schedule, Scheduled


class Network(Inspected, Model):
    """A fully-connected neural network.

    Layer ``l`` computes ``a = f(x @ weights[l] + biases[l])`` from the activations ``x`` of the
    layer before it. All parameters lie in one flat vector; weights and biases are views of it.

    Parameters
    ----------
    layer_sizes : sequence of int
        Units of the input, of each hidden layer and of the output; at least two numbers.
    activation : str, LeakyReLU, Parametric, or sequence of these, default="relu"
        Activation of the hidden layers, or one for each of them: "identity", "sigmoid" (or
        "logistic"), "tanh", "relu", "leaky_relu" (slope 0.01) or `LeakyReLU`, "elu", "selu",
        "gelu" (with erf), "silu", "mish", "softplus", or `Parametric` of one of these.
    output_activation : str or LeakyReLU, optional
        One of the above, "softmax" or "exp". The default is the one that the cost requires, else
        "identity".
    cost : str, Huber or Quantile, optional
        Cost to minimise: a sum over the outputs, averaged over the rows. The estimators call it the
        loss. The default is the cost that matches the output "softmax", "sigmoid" or "exp", else
        "squared_error".

        - "squared_error" (or "mse"), ½ Σ (a − y)²
        - "absolute_error" (or "mae"), Σ abs(a − y)
        - "huber" or `Huber`, in between
        - "quantile" or `Quantile`, Σ q (y − a) for targets above the output, Σ (1 − q) (a − y)
          below
        - "cross_entropy" (or "ce"), −Σ y log a, with the output "softmax"
        - "binary_cross_entropy" (or "bce"), −Σ (y log a + (1 − y) log(1 − a)), with the output
          "sigmoid"
        - "poisson", Σ (y log(y / a) − y + a), half the Poisson deviance, with the output "exp"
    classes : array-like, optional
        Labels of the outputs, of any type, or of 0 and 1 for a single output. `fit` and `score`
        then take labels, and `predict_classes` returns them.
    bias : bool, default=True
        Whether weighted sums have a bias.
    embeddings : dict of int to PiecewiseLinear, Periodic or Categories, optional
        Advanced: embeddings of inputs, by column from 0. The first layer reads the numbers of an
        embedding in place of its column. They have no penalty or weight decay; X must be dense.
    input_scale : bool, default=False
        Advanced: multiply each input by a trained factor before the first layer. Factors start at
        1, without penalty or limit; X must be dense.
    residual : bool or sequence of bool, default=False
        Add the input of hidden layers to their activations (He et al. 2016). True chooses those
        with as many units as the hidden layer before them; a sequence has one value for each.
    norm : None, "layer", "batch" or sequence of these, default=None
        Normalise ``u = x @ W`` of hidden layers to ``gains * (u - mean) / sqrt(variance + 1e-5) +
        biases``, over the units of each row (layer normalisation, Ba et al. 2016) or the rows of a
        mini-batch (batch normalisation, Ioffe & Szegedy 2015; predictions use running averages).
    members : int, optional
        Number of networks to train in one. They share the weights W of hidden layers, where member
        k computes ``s[k] * ((r[k] * x) @ W) + b[k]``, and each has its own output layer (Wen et al.
        2020). `predict` returns the mean of their outputs; the cost is the mean of their costs. X
        must be dense; no `norm`, no `Parametric`. r and s have the penalty and rate of biases.
    member_signs : "first" or "all", default="first"
        With `members`, which r and s start as random signs instead of 1: r of the first layer
        (TabM, Gorishniy et al. 2024), or all (BatchEnsemble, Wen et al.).
    initializer : str, default="auto"
        Distribution of the initial weights and biases of a layer with ``n_in`` inputs and ``n_out``
        outputs:

        - "glorot_uniform", both uniform within √(6 / (n_in + n_out)), or √(2 / …) before a
          sigmoid, as scikit-learn does
        - "he_uniform", "he_normal", weights of variance 2 / n_in, biases 0
        - "lecun_normal", weights normal / √n_in, biases 0
        - "normal", weights normal / √n_in, biases normal; "zeros"
        - "auto", "he_uniform" for relu, leaky_relu, elu, gelu, silu, mish and softplus,
          "lecun_normal" for selu, "glorot_uniform" for the others
    dtype : "float32" or "float64", default="float32"
        Precision of the parameters and of all computations.
    n_threads : int or None, default=None
        Number of threads, at most 256. None chooses it by the work per step, up to the number of
        processors that affinity and the container's quota allow; ``OMP_NUM_THREADS`` and
        threadpoolctl also limit it. Results are the same for any number.
    random_state : int, RandomState, Generator or None, default=None
        Source of the initial parameters and of the order of rows. The same int gives the same bits
        on the same machine; None gives different results each time.

    Attributes
    ----------
    parameters : ndarray of shape (n_parameters,)
        Those of `embeddings` come first, then `scale`, W0, b0, W1, b1, …; gains, alphas, r, s,
        means and variances follow the biases of their layer. Writing changes the network.
    weights, biases : tuples of ndarray
        Views of parameters, of shapes (n_in, n_out) and (n_out,). With `members`, they are the
        first axis of biases and of the output layer's weights.
    gains, alphas, means, variances : tuples of ndarray or None
        Views of parameters, of shape (n_out,) for each layer, None where there are none: gains of
        `norm`, alphas of `Parametric`, running means and variances of batch normalisation.
    scale : ndarray of shape (n_inputs,) or None
        View of parameters: the factors of the inputs, or of embedded rows, with `input_scale`.
    r, s : tuples of ndarray
        Views of parameters, (members, n_in) and (members, n_out) for each hidden layer.
    embedding_parameters : dict of str to ndarray
        Views of the parameters of embeddings, by name and column, such as "table.5".
    history : dict of lists
        Figures of each epoch trained so far; see `fit`.
    best_epoch : int or None
        The epoch, from 1, whose parameters early stopping restored.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described, or the cost does not accept the output activation.

    Examples
    --------
    >>> import numpy as np, pynn
    >>> X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    >>> y = np.array([[0], [1], [1], [0]])
    >>> net = pynn.Network([2, 8, 1], activation="tanh", output_activation="sigmoid",
    ...                    random_state=0)
    >>> net.fit(X, y, epochs=200, batch_size=4, optimizer=pynn.Adam(0.05)).predict(X).round()
    array([[0.],
           [1.],
           [1.],
           [0.]], dtype=float32)
    >>> net.predict_classes(X), net.score(X, y)
    (array([0, 1, 1, 0]), 1.0)
    """

    def __init__(
        self,
        layer_sizes: Sequence[int],
        *,
        activation: str | Activation | Sequence[str | Activation] = "relu",
        output_activation: str | Activation | None = None,
        cost: str | Cost | None = None,
        classes: ArrayLike | None = None,
        bias: bool = True,
        embeddings: Mapping[int, Embedding] | None = None,
        input_scale: bool = False,
        residual: bool | Sequence[bool] = False,
        norm: str | Sequence[str | None] | None = None,
        members: int | None = None,
        member_signs: str = "first",
        initializer: str = "auto",
        dtype: DTypeLike = "float32",
        n_threads: int | None = None,
        random_state: int | Random | None = None,
    ) -> None:
        architecture = Architecture.checked(
            layer_sizes, activation, output_activation, cost, bias, dtype, classes, input_scale,
            residual, norm, members, embeddings,
        )  # fmt: skip
        signs = members_of.checked_signs(member_signs, members)
        initializer = checks.choice("initializer", initializer, ["auto", *INITIALIZERS])
        super().__init__(architecture, n_threads)
        self._random, self._history = random_source(random_state), History()
        self._descent: Descent | None = None
        members_of.draw(self, initializer, signs, self._random)

    @property
    def history(self) -> dict[str, list[float]]:
        """Figures of each epoch trained so far; see `fit`."""
        return self._history.figures

    @property
    def best_epoch(self) -> int | None:
        """The epoch, counted from 1 in the history, whose parameters early stopping restored."""
        return self._history.best_epoch

    # ---- Training --------------------------------------------------------------------------------

    def fit(
        self,
        X: Any,
        y: ArrayLike | None = None,
        *,
        epochs: int = 1,
        batch_size: int = 32,
        optimizer: str | optimizers.Optimizer | None = None,
        schedule: Schedule | None = None,
        alpha: float | Scheduled | Sequence[float | Scheduled] = 0.0,
        l1: float | Scheduled | Sequence[float | Scheduled] = 0.0,
        dropout: float | Scheduled | Sequence[float | Scheduled] = 0.0,
        max_norm: float | None = None,
        clip_norm: float | None = None,
        trainable: bool | Sequence[bool] = True,
        learning_rate_factors: Mapping[str, float | Sequence[float]] | None = None,
        average: Average | None = None,
        sample_weight: ArrayLike | None = None,
        shuffle: bool = True,
        validation_data: tuple[ArrayLike, ...] | None = None,
        validation_split: float = 0.0,
        early_stopping: bool = False,
        metrics: Sequence[str | Callable[..., float]] = (),
        callbacks: Iterable[Callable[[Any], Any]] = (),
        verbose: bool | int = False,
    ) -> Network:
        """Train in mini-batches, starting from the current parameters.

        Each epoch appends its figures to the lists of `history`:

        - "cost", the mean over the rows, computed before the update of each mini-batch, penalty
          included; "penalty", the part of it due to penalties, if there are any
        - "val_cost" and "val_score" after the epoch, with validation data: the cost without
          penalty, comparable with "cost" minus "penalty", and accuracy or R² as in `score`
        - "learning_rate" at the start of the epoch
        - each of the metrics, and with validation data also under its name with the prefix ``val_``

        If an epoch lacks a figure, its entry is NaN.

        Parameters
        ----------
        X, y, sample_weight, alpha, l1
            See `cost`; `alpha` and `l1` also take a `Scheduled` as a number. X of the network's
            dtype, dense or CSR, is read in place. Without y, X is a source of blocks (X, y) or
            (X, y, sample_weight) that can be iterated again in each epoch: a list, `NpyBlocks` or
            `ParquetBlocks`; rows are shuffled within a block.
        epochs : int, default=1
            Number of passes over all rows.
        batch_size : int, default=32
            Rows for each update; the last mini-batch of an epoch has the remaining rows.
        optimizer : SGD, Adam, AdamW, RMSprop, Rprop or one of these names, optional
            Update rule, with fresh state. None continues with the rule and state of the last fit;
            the first fit then uses ``Adam()``.
        schedule : Schedule, optional
            Multiplies the optimizer's learning rate, such as `OneCycle`. Not for Rprop.
        dropout : float, Scheduled or sequence of these, default=0.0
            Probability of dropping an activation in an update, for all hidden layers or for each,
            from 0 up to but not including 1; the others are divided by 1 − dropout (Srivastava et
            al. 2014). Predictions drop nothing.
        max_norm : float, optional
            Positive; maximum Euclidean norm of a unit's incoming weights, biases excluded (ibid.).
        clip_norm : float, optional
            Positive; maximum Euclidean norm of the gradient over all parameters, penalty included;
            larger gradients are scaled down (Pascanu, Mikolov & Bengio 2013).
        trainable : bool or sequence of bool, default=True
            Whether to train a layer's parameters, and to move its running means and variances; one
            value for each layer of weights freezes some of them.
        learning_rate_factors : dict, optional
            Advanced: factors of the learning rate in this fit, from 0, for all layers or for each:
            ``{"weights": [1, 0.1], "biases": 2}``. "biases" includes gains, alphas, r and s;
            "scale" and "embeddings" take one number. Missing groups have the factor 1.
        average : EMA or SWA, optional
            Average of the parameters over this fit. The network has the average for validation,
            for callbacks, and when the fit ends; "cost" is that of the parameters in training.
        shuffle : bool, default=True
            Use another order of the rows in each epoch.
        validation_data : tuple (X, y) or (X, y, sample_weight), optional
            Validation rows.
        validation_split : float, default=0.0
            Fraction of the rows to set aside for validation, drawn at random.
        early_stopping : bool, default=False
            Stop when "val_cost" has not improved by 1e-4 for 10 epochs, and restore the best
            parameters. Without validation data, set a tenth of the rows aside. See `EarlyStopping`.
        metrics : sequence of str or function, default=()
            Names of scikit-learn's scorers, or functions ``metric(y, prediction)`` such as those
            of `sklearn.metrics`, of predicted classes or numbers.
        callbacks : sequence of functions, default=()
            Called after each epoch with the fit's `pynn.training.state.State`; `pynn.callbacks`
            provides common ones.
        verbose : bool or int, default=False
            1 prints a table with a line for each epoch; 2 shows a live bar, which needs the
            package rich.

        Returns
        -------
        Network
            self

        Raises
        ------
        TypeError, ValueError
            If an argument is not as described; the network is unchanged.
        FloatingPointError
            If the cost or a parameter becomes infinite or NaN; the network is unchanged.
        MemoryError
            If there is not enough memory for a mini-batch; the network is unchanged.
        KeyboardInterrupt
            On Ctrl-C. The network then has the parameters after its last finished mini-batch, their
            average with `average`, or the best ones with early stopping.

        Examples
        --------
        >>> import numpy as np, pynn
        >>> X = np.linspace(-1, 1, 200).reshape(-1, 1)
        >>> net = pynn.Network([1, 20, 1], activation="tanh", random_state=0)
        >>> net = net.fit(X, np.sin(3 * X), epochs=500, early_stopping=True)
        >>> net.best_epoch < 500
        True
        """
        given = {name: value for name, value in locals().items() if name not in ("self", "X")}
        error = answered(fit_arguments.prepared(self, X, **given)())
        if error is not None:
            try:
                raise error
            finally:
                del error  # this frame is in its traceback: the cycle would keep X alive
        return self

    def evaluate(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        metrics: Sequence[str | Callable[..., float]] = (),
    ) -> dict[str, float]:
        """Compute cost, score and metrics of these rows.

        Parameters
        ----------
        X, y, sample_weight
            See `cost`.
        metrics : sequence of str or function, default=()
            See `fit`.

        Returns
        -------
        dict of float
            "cost", "score" and each of the metrics.

        Raises
        ------
        TypeError, ValueError
            As for `cost`, or if a metric does not exist.
        """
        figures = {
            "cost": self.cost(X, y, sample_weight),
            "score": self.score(X, y, sample_weight),
        }
        samples = fitting.samples_of(self, X, y, sample_weight)
        for callback in scorings(metrics, True, False):
            figures[str(callback.name)] = self._judged_by(callback.scoring, samples)
        return figures

    def _judged_by(self, scoring: Any, samples: Samples) -> float:
        """Return the score of this network."""
        from pynn.training import scoring as scorers

        return scorers.judge(self, scoring, samples)

    # ---- Display ---------------------------------------------------------------------------------

    def _repr_html_(self, word: str = "cost", step: str = "epoch") -> str:
        """Circles and lines, the cost by epoch and a table of the layers, for notebooks."""
        layers = tables.summary(self, self._optimizer_at_work())
        return markup.html(self, layers, self.history, self.best_epoch, word, step)

    def _inside(self, X: Any = None, y: Any = None) -> tuple[Model, Any, Any]:
        encoded = None if y is None else self._architecture.encoded(y)
        return self._of_encoded_targets(), X, encoded

    def _optimizer_at_work(self) -> tuple[str, int] | None:
        if self._descent is None or self._descent.memory is None:
            return None
        return type(self._descent.optimizer).__name__, len(self._descent.memory[0])

    # ---- Copies and pickles ----------------------------------------------------------------------

    def __getstate__(self) -> dict[str, Any]:
        left_out = ("_lock", "_core", "_parameters", "_weights", "_biases")
        state = {name: value for name, value in vars(self).items() if name not in left_out}
        state["_architecture"] = vars(self._architecture) | {"dtype": self.dtype.name}
        state["_random"] = copy.deepcopy(self._random)
        state["_history"] = copy.deepcopy(self._history)
        state["_descent"] = self._descent and self._descent.copy()
        return state | {"parameters": self._parameters}

    def __setstate__(self, state: dict[str, Any]) -> None:
        parameters, facts = state.pop("parameters"), state.pop("_architecture")
        vars(self).update(state)
        self._architecture = Architecture(**facts | {"dtype": np.dtype(facts["dtype"])})
        self._random = random_source(None) if self._random is None else self._random
        self._set_parameters(parameters)
        if not isinstance(parameters, np.memmap):  # of joblib: read in place until a fit
            self._own_parameters()
