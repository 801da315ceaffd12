"""Labels: the targets of a classifier, as columns and numbers of classes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import type_of_target, unique_labels

from pynn import checks
from pynn.data.blocks import targets_of
from pynn.data.samples import Samples
from pynn.estimators import messages, rows
from pynn.estimators.base import Perceptron
from pynn.model import judging
from pynn.model.activations import Activation
from pynn.model.costs import Cost
from pynn.network import Network

Array = NDArray[Any]


class ClassTargets(Perceptron):
    """A perceptron whose targets are classes, or several labels at once."""

    class_weight: Any
    label_smoothing: float

    def _learn_targets(self, labels: Array) -> None:
        self._label_binarizer = LabelBinarizer().fit(labels)
        self.classes_ = self._label_binarizer.classes_

    def _check_targets(self, labels: Array, incremental: bool) -> None:
        found = unique_labels(labels)
        if not incremental and set(found) != set(self.classes_):
            raise ValueError(
                "warm_start can only be used where `y` has the same classes as in the previous "
                f"call to fit. Previously got {self.classes_}, `y` has {found}"
            )
        if not set(found) <= set(self.classes_):
            raise ValueError(
                "`y` has classes not in `self.classes_`. "
                f"`self.classes_` has {self.classes_}. 'y' has {found}."
            )

    def _learn_classes(self, source: Iterable[Any], classes: ArrayLike | None) -> None:
        several = False
        if classes is None:
            found: set[Any] = set()
            for y in map(rows.labels_of, targets_of(source)):
                several = several or type_of_target(y).startswith("multilabel")
                found |= set(unique_labels(y).tolist())
            classes = sorted(found)
        if several:
            self._learn_targets(np.eye(len(found), dtype=int))
        else:
            self._learn_targets(np.asarray(classes))

    def _columns(self, labels: Array) -> Array:
        """Return known labels encoded by the label binarizer, which checks them again."""
        kind, classes = self._label_binarizer.y_type_, self._label_binarizer.classes_
        columns: Array
        if labels.ndim == 1 and labels.dtype == classes.dtype and len(classes) > 1:
            columns = labels[:, np.newaxis] == (classes if kind == "multiclass" else classes[1:])
        else:
            columns = self._label_binarizer.transform(labels).astype(bool)
        return columns

    def _class_weights(self, labels: Any, incremental: bool) -> Array | None:
        if self.class_weight is None:
            return None
        if incremental and isinstance(self.class_weight, str):
            raise ValueError(
                'class_weight="balanced" needs all of the data: with partial_fit and fit_batches '
                "pass a dict of class weights, for example from "
                "sklearn.utils.class_weight.compute_class_weight"
            )
        n_rows = labels.shape[0]
        if incremental:  # one block may have no sample of a class, which is known all the same
            labels = labels.toarray() if checks.is_sparse(labels) else labels
            each = self.classes_ if labels.ndim == 1 else np.repeat([[0], [1]], labels.shape[1], 1)
            labels = np.concatenate((labels, each))
        weights: Array = compute_sample_weight(self.class_weight, labels)
        return weights[:n_rows]

    def _labels(self, out: Array) -> Array:
        """Decode outputs like the label binarizer, whose checks take longer than a row."""
        binarizer, n_outputs = self._label_binarizer, out.shape[1]
        kind, classes, sparse = binarizer.y_type_, binarizer.classes_, binarizer.sparse_input_
        labels: Array
        if kind == "multiclass" and n_outputs == len(classes):
            labels = classes[out.argmax(axis=1)]
        elif kind == "binary" and n_outputs == 1 and len(classes) == 2:
            labels = classes[(out[:, 0] > 0.5).astype(np.intp)]
        elif kind == "multilabel-indicator" and n_outputs == len(classes) and not sparse:
            labels = (out > 0.5).astype(np.int64)
        else:
            labels = binarizer.inverse_transform(out.ravel() if n_outputs == 1 else out)
        return labels

    def _output(self) -> tuple[str | Activation, str | Cost]:
        """Return output activation and cost of a new network."""
        if self._label_binarizer.y_type_ == "multiclass":
            return "softmax", "cross_entropy"
        return "sigmoid", "binary_cross_entropy"

    def _labels_of_outputs(self, n_outputs: int) -> tuple[Any, ...] | None:
        binarizer = getattr(self, "_label_binarizer", None)
        if binarizer is None or binarizer.y_type_.startswith("multilabel"):
            return None
        classes = tuple(binarizer.classes_.tolist())
        return classes if len(classes) == max(2, n_outputs) else None

    def _encode(self, labels: Array) -> Array:
        """Return targets of the network: numbers of classes, or columns."""
        rest, classes = self.label_smoothing, self._label_binarizer.classes_
        is_multiclass = self._label_binarizer.y_type_ == "multiclass"
        if is_multiclass and not rest and labels.dtype.kind == classes.dtype.kind:
            return np.searchsorted(classes, labels)  # columns take rows times classes of memory
        columns = self._columns(labels)
        if rest:
            return columns * (1 - rest) + rest / (columns.shape[1] if is_multiclass else 2)
        numbers: Array = columns.argmax(axis=1) if is_multiclass else columns
        return numbers

    def _n_outputs(self, samples: Samples) -> int:
        if self._label_binarizer.y_type_ == "multiclass":
            return len(self.classes_)
        return int(samples.y.shape[1])

    def _split(self, samples: Samples, random: np.random.RandomState) -> tuple[Samples, Samples]:
        """Draw as scikit-learn does, but leave each class some training rows."""
        fraction, labels = self.validation_fraction, samples.labels
        if self._label_binarizer.y_type_ != "multiclass":
            if samples.y.shape[1] > 1:
                return samples.split(fraction, random)
            try:
                return samples.split(fraction, random, samples.y)
            except ValueError as error:  # scikit-learn's, of columns
                names = [repr(name) for name in self.classes_.tolist()]
                raise ValueError(f"{error} (False and True are {' and '.join(names)})") from None
        before = random.get_state(legacy=False)
        train, aside = samples.split(fraction, random)
        if len(unique_labels(train.labels)) == len(unique_labels(labels)) and (
            len(unique_labels(aside.labels)) > 1
        ):
            return train, aside
        random.set_state(before)
        messages.warn(messages.STRATIFIED)
        return samples.split(fraction, random, labels)

    def _is_constant(self, samples: Samples) -> bool:
        return False

    def _score_of(self, out: Array, y: Array, sample_weight: Array | None) -> float:
        if len(self.classes_) == 1:  # which `predict` then says whatever the output is
            return 1.0
        return judging.score(self.network_._architecture, out, y, sample_weight)

    def _targets_to_file(self) -> Any:
        binarizer = self._label_binarizer
        several = binarizer.y_type_.startswith("multilabel")
        return {"classes": self.classes_.tolist(), "several": several}

    def _targets_from_file(self, network: Network, kept: Any) -> None:
        kept = kept or {}
        classes = kept.get("classes", network._architecture.classes)
        if classes is None:
            classes = range(max(2, network.layer_sizes[-1]))
        several, n_out = kept.get("several", False), network.layer_sizes[-1]
        if len(classes) != n_out and (several or n_out != 1 or len(classes) != 2):
            raise ValueError(f"{len(classes)} classes do not match {n_out} outputs")
        self._learn_targets(np.eye(len(classes), dtype=int) if several else np.array([*classes]))
        kind, learned = self._label_binarizer.y_type_, self._targets_to_file()
        if learned != {"classes": [*classes], "several": several} or kind.startswith("continuous"):
            raise ValueError(f"{checks.listed([*classes])} are not classes in ascending order")
