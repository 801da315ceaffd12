"""Many networks at once: a population compared with single fits and with other libraries."""

from dataclasses import dataclass
from functools import partial

import numpy as np
import report
from report import Goal, Table
from turns import Contender, ratio, take_turns
from worker import Timed, Workers, timed

_LIBRARIES = ("pynn", "sklearn", "jax", "torch")
_NAMES = {"sklearn": "scikit-learn, joblib", "jax": "jax.vmap", "torch": "torch.func.vmap"}


@dataclass(frozen=True)
class Many:
    """Members of one architecture, all trained by Adam with the rate 0.001."""

    layers: tuple
    batch_size: int
    n_members: int
    n_epochs: int  # the peers may train fewer members or epochs; times are per member
    dtype: str = "float32"
    goals: tuple = ()  # of pairs: compared with, minimum ratio


_AGAINST_ALL = (("one after another", 10), ("sklearn", 20), ("jax", 3), ("torch", 3))
CASES = {
    "iris": Many((4, 100, 3), 38, 1000, 200, goals=_AGAINST_ALL),
    "iris, float64": Many((4, 100, 3), 38, 1000, 200, "float64", goals=_AGAINST_ALL),
    "diabetes": Many((10, 100, 1), 64, 1000, 100, goals=_AGAINST_ALL),
    "784-30-10": Many((784, 30, 10), 10, 100, 1, goals=(("one after another", 1.9),)),
    "mid": Many((784, 512, 512, 10), 128, 10, 1, goals=(("one after another", 0.98),)),
}
_FEWER = {"one after another": 20, "sklearn": 50}  # train one of so many members


def data_of(many):
    """Return X and y of a case; rows are repeated until whole mini-batches are full."""
    from sklearn import datasets

    if many.layers[0] == 784:
        rng = np.random.default_rng(0)
        return rng.random((2560, 784), np.float32), rng.integers(10, size=2560)
    X, y = (datasets.load_iris if many.layers[-1] == 3 else datasets.load_diabetes)(return_X_y=True)
    rows = np.resize(np.arange(len(X)), -(-len(X) // many.batch_size) * many.batch_size)
    X = ((X - X.mean(axis=0)) / X.std(axis=0)).astype(many.dtype)
    y = y if many.layers[-1] == 3 else ((y - y.mean()) / y.std()).astype(many.dtype)
    return X[rows], y[rows]


def measure(plan, say):
    """Return the tables of this subject."""
    table = Table(
        "Many networks on the same rows: Adam, seconds for each member",
        ["members", "population", "one after another", *_NAMES.values(), "compared with", "ratio"],
        notes=["Each member has its own parameters and order of rows. \"One after another\" calls "
               "Network.fit, which may use all threads; it and scikit-learn train only some of the "
               "members. jax.vmap and torch.func.vmap train 100 or all members in one call, "
               "whichever is faster per member."],
    )  # fmt: skip
    with Workers("tasks.population", _LIBRARIES, [plan.n_threads]) as workers:
        measured = []
        for name, many in CASES.items():
            say(f"  {name}")
            found = _contenders(name, many, workers)
            take_turns(list(found.values()), plan, calibrate=False)
            measured += found.values()
            columns = ("population", "one after another", *_NAMES)
            seconds = [
                report.metric(found[call].median, "s") if call in found else "–" for call in columns
            ]
            title = f"{name}, {many.n_members} × {'-'.join(map(str, many.layers))}"
            for of, least in many.goals:
                faster = ratio(found[of], found["population"]) if of in found else None
                cells = [_NAMES.get(of, of), report.times(faster) if faster else "–"]
                table.add(title, *seconds, *cells, goals=[Goal(least, faster and faster[0])])
                title, seconds = "", [""] * len(seconds)
    table.notes += [*report.absent(workers.absent), *report.disturbed(measured)]
    return [table]


def _contenders(name, many, workers):
    """Return the calls of a case that its goals compare."""
    worker_of = {library: group[0] for library, group in workers.of.items()}
    worker_of |= dict.fromkeys(("population", "one after another"), worker_of.pop("pynn"))
    wanted = ["population", *(of for of, _ in many.goals)]
    return {
        call: Contender(worker_of[call], f"{name}: {call}") for call in wanted if call in worker_of
    }


class Child(Timed):
    """Trains networks with one library; each call returns the number of networks it trained."""

    def __init__(self, library, n_threads):
        super().__init__()
        module = {"pynn": _pynn, "sklearn": _sklearn, "jax": _jax, "torch": _torch}[library]
        for name, many in CASES.items():
            for call, function in module(many, n_threads).items():
                self.calls[f"{name}: {call}"] = function

    def time(self, call, n_calls):
        """Return wall and processor time per member."""
        return timed(self.calls[call])


def _options(many):
    is_class = many.layers[-1] != 1
    return {"output_activation": "softmax"} if is_class else {}


def _pynn(many, n_threads):
    import pynn

    X, y = data_of(many)
    fit = {"epochs": many.n_epochs, "batch_size": many.batch_size, "optimizer": pynn.Adam()}

    def population():
        of = partial(pynn.Population.of, many.n_members, many.layers, random_state=0)
        of(dtype=many.dtype, n_threads=n_threads, **_options(many)).fit(X, y, **fit)
        return many.n_members

    def one_after_another():
        n = max(2, many.n_members // _FEWER["one after another"])
        for seed in range(n):
            net = pynn.Network(many.layers, random_state=seed, dtype=many.dtype, **_options(many))
            net.fit(X, y, **fit)
        return n

    return {"population": population, "one after another": one_after_another}


def _sklearn(many, n_threads):
    import joblib
    from sklearn import neural_network

    X, y = data_of(many)
    is_class = many.layers[-1] != 1
    kind = neural_network.MLPClassifier if is_class else neural_network.MLPRegressor

    def fits():
        n = max(2, many.n_members // _FEWER["sklearn"])
        models = [
            kind(hidden_layer_sizes=many.layers[1:-1], batch_size=many.batch_size,
                 max_iter=many.n_epochs, alpha=0.0, n_iter_no_change=10**6, random_state=seed)
            for seed in range(n)
        ]  # fmt: skip
        with joblib.parallel_config("loky", n_jobs=n_threads):
            joblib.Parallel()(joblib.delayed(model.fit)(X, y) for model in models)
        return n

    return {"sklearn": fits}


# ---- vmap over the members ----

_EPOCHS = 10  # in one call; as many as the other libraries train would take much longer


def _orders(many, n_members, rng):
    """Return the rows of each step of each member, (steps, members, batch)."""
    n = len(data_of(many)[0])
    drawn = rng.random((_EPOCHS, n_members, n)).argsort(axis=-1).astype(np.int32)
    steps = drawn.reshape(_EPOCHS, n_members, -1, many.batch_size).swapaxes(1, 2)
    return steps.reshape(-1, n_members, many.batch_size)


def _start(many, n_members, rng):
    return [
        (rng.normal(size=(n_members, n, m), scale=n**-0.5).astype(many.dtype),
         np.zeros((n_members, m), many.dtype))
        for n, m in zip(many.layers[:-1], many.layers[1:], strict=True)
    ]  # fmt: skip


def _jax(many, n_threads):
    import os

    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-n_threads:])
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", many.dtype == "float64")
    X, y = map(jnp.asarray, data_of(many))

    def loss(layers, rows):
        a = X[rows]
        for k, (W, b) in enumerate(layers):
            a = a @ W + b
            a = jax.nn.relu(a) if k < len(layers) - 1 else a
        if many.layers[-1] == 1:
            return 0.5 * jnp.mean((a[:, 0] - y[rows]) ** 2)
        chosen = jnp.take_along_axis(jax.nn.log_softmax(a), y[rows][:, None], axis=1)
        return -chosen.mean()

    def step(state, rows):
        layers, m, v, t = state
        g = jax.grad(loss)(layers, rows)
        m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, g)
        v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, g)
        rate = 0.001 * jnp.sqrt(1 - 0.999**t) / (1 - 0.9**t)
        layers = jax.tree.map(lambda p, m, v: p - rate * m / (jnp.sqrt(v) + 1e-8), layers, m, v)
        return (layers, m, v, t + 1), None

    run = jax.jit(jax.vmap(lambda state, rows: jax.lax.scan(step, state, rows)[0], (0, 1)))
    rng = np.random.default_rng(0)

    def fits(n):
        layers = _start(many, n, rng)
        zeros = jax.tree.map(jnp.zeros_like, layers)
        ones = jnp.ones(n, many.dtype)
        jax.block_until_ready(run((layers, zeros, zeros, ones), _orders(many, n, rng)))
        return n * _EPOCHS / many.n_epochs

    return {"jax": _faster(fits, many)}


def _torch(many, n_threads):
    import torch

    torch.set_num_threads(n_threads)
    X, y = map(torch.as_tensor, data_of(many))

    def loss(layers, rows):
        a = X[rows]
        for k, (W, b) in enumerate(layers):
            a = a @ W + b
            a = torch.relu(a) if k < len(layers) - 1 else a
        if many.layers[-1] == 1:
            return 0.5 * ((a[:, 0] - y[rows]) ** 2).mean()
        return torch.nn.functional.cross_entropy(a, y[rows])

    gradient = torch.func.vmap(torch.func.grad(loss))
    rng = np.random.default_rng(0)

    def fits(n):
        layers = [tuple(map(torch.as_tensor, layer)) for layer in _start(many, n, rng)]
        rule = torch.optim.Adam([p for layer in layers for p in layer], foreach=True)
        for rows in torch.as_tensor(_orders(many, n, rng).astype(np.int64)):
            for layer, slopes in zip(layers, gradient(layers, rows), strict=True):
                for p, slope in zip(layer, slopes, strict=True):
                    p.grad = slope
            rule.step()
        return n * _EPOCHS / many.n_epochs

    return {"torch": _faster(fits, many)}


def _faster(fits, many):
    """Return a call that trains 100 or all members, whichever takes less time per member."""
    best = []

    def call():
        if not best:
            sizes = (min(100, many.n_members), many.n_members)
            for n in sizes:
                fits(n)  # compiles
            found = {n: timed(partial(fits, n)) for n in sizes}
            best.append(min(sizes, key=lambda n: found[n]["seconds"] / found[n]["n_calls"]))
        return fits(best[0])

    return call
