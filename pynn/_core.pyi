"""Types of the extension module; _core.pyx says what everything is."""

from collections.abc import Callable, Generator, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")

VERSION: str
MOST_THREADS: int
ACTIVATION_CODES: dict[str, int]
COST_CODES: dict[str, int]
RULE_CODES: dict[str, int]
ISAS: dict[str, int]
ACTIVATIONS: dict[str, bool]
COSTS: dict[str, str | None]
EMBEDDING_KINDS: dict[str, int]
RULES: dict[str, int]

def available_isas() -> list[str]: ...
def isa_in_use() -> str: ...
def isa_is_tuned() -> bool: ...
def use_isa(name: str, blas: bool = False) -> None: ...
def all_finite(vector: NDArray[Any]) -> bool: ...
def narrow(out: NDArray[Any], numbers: NDArray[Any]) -> NDArray[Any]: ...
def thread_limit() -> int: ...
def set_processors(n: int) -> None: ...
def fail_allocation(n: int) -> None: ...
def blocks_in_use() -> int: ...

class Stop:
    @staticmethod
    def check() -> None: ...
    def __enter__(self) -> Stop: ...
    def __exit__(self, *_: object) -> None: ...
    def set(self) -> None: ...
    @property
    def is_set(self) -> bool: ...

class SparseRows:
    def __init__(
        self,
        starts: NDArray[np.int64],
        columns: NDArray[np.int32],
        values: NDArray[Any],
        n_in: int,
    ) -> None: ...
    def __len__(self) -> int: ...
    @property
    def columns(self) -> NDArray[np.int32]: ...
    @property
    def values(self) -> NDArray[Any]: ...
    @property
    def n_in(self) -> int: ...

class Data:
    def __init__(
        self,
        x: NDArray[Any] | SparseRows,
        y: NDArray[Any] | None = None,
        row_weights: NDArray[np.float64] | None = None,
        checked: bool = False,
    ) -> None: ...
    @property
    def n_rows(self) -> int: ...
    @property
    def n_missing(self) -> int: ...
    @property
    def has_labels(self) -> bool: ...

class State:
    def __init__(
        self, rule: str, slots: list[NDArray[Any]], n_updates: int = 0, **coefficients: float
    ) -> None: ...
    def set_coefficients(self, **coefficients: float) -> None: ...
    @property
    def rule(self) -> str: ...
    @property
    def slots(self) -> list[NDArray[Any]]: ...
    @property
    def n_updates(self) -> int: ...

class Regularisation:
    def __init__(
        self,
        l2: tuple[float, ...],
        l1: tuple[float, ...],
        by_row: bool,
        dropout: tuple[float, ...],
        max_norm: float,
        clip_norm: float,
        frozen: tuple[bool, ...],
    ) -> None: ...

class Undo:
    def __init__(self, function: Callable[[], object], always: bool = False) -> None: ...
    def __enter__(self) -> Undo: ...
    def __exit__(self, *args: object) -> None: ...

class Session:
    def __enter__(self) -> Session: ...
    def __exit__(self, *args: object) -> None: ...

class Core:
    def __init__(
        self,
        sizes: tuple[int, ...],
        activations: tuple[str, ...],
        activation_parameters: tuple[float, ...],
        bias: bool,
        input_scale: bool,
        residual: tuple[bool, ...],
        norms: tuple[str | None, ...],
        cost: str,
        cost_parameter: float,
        dtype: str,
        members: int = 0,
        embeddings: tuple[tuple[str, int, int, int, bool, tuple[float, ...]], ...] = (),
        parametric: Sequence[bool] = (),
    ) -> None: ...
    @property
    def n_embedded(self) -> int: ...
    @property
    def n_parameters(self) -> int: ...
    @property
    def cost_parameter(self) -> float: ...
    def predict(
        self, out: NDArray[Any], parameters: NDArray[Any], data: Data, n_threads: int = 1
    ) -> None: ...
    def cost(
        self,
        parameters: NDArray[Any],
        data: Data,
        regularisation: Regularisation,
        gradient: NDArray[Any] | None = None,
        n_threads: int = 1,
    ) -> tuple[float, float]: ...
    def trace(
        self,
        parameters: NDArray[Any],
        data: Data,
        *,
        z: NDArray[Any] | None = None,
        a: NDArray[Any] | None = None,
        da: NDArray[Any] | None = None,
        delta: NDArray[Any] | None = None,
        normed: NDArray[Any] | None = None,
        dz: NDArray[Any] | None = None,
        dx: NDArray[Any] | None = None,
        costs: NDArray[np.float64] | None = None,
        embedded: NDArray[Any] | None = None,
        n_threads: int = 1,
    ) -> None: ...
    @property
    def n_together(self) -> int: ...
    def train(self, *arguments: Any, **options: Any) -> tuple[int, BaseException | None]: ...

class Training:
    def __init__(
        self,
        core: Core,
        parameters: NDArray[Any],
        state: State,
        costs: NDArray[np.float64],
        data: Data,
        order: NDArray[np.int64],
        bit_generator: np.random.BitGenerator | None,
        *,
        n_epochs: int,
        batch_size: int,
        regularisation: Regularisation,
        rates: NDArray[np.float64] | None = None,
        rate_factors: NDArray[np.float64] | None = None,
        scale_rate_factor: float = 1.0,
        embedding_rate_factor: float = 1.0,
        dropout_seed: int = 0,
        strengths: NDArray[np.float64] | None = None,
        n_threads: int = 1,
        patience: Any = None,
        divisor: float = 1.0,
        average: NDArray[Any] | None = None,
        decay: float = 0.0,
        averaged_since: int = 0,
        session: Session | None = None,
        lock: Any = None,
    ) -> None: ...
    def run(self) -> tuple[int, BaseException | None]: ...

def train_together(trainings: list[Training]) -> list[tuple[int, BaseException | None]]: ...
def answered(requests: Generator[Training, Any, T]) -> T: ...
def as_raised(error: BaseException) -> BaseException: ...
