"""Options that make layers of other kinds: each question for all, from copies to checkpoints.

What the kinds compute is tested in core/test_kinds_of_layers.py.
"""

import copy
import json
import pickle

import numpy as np
import pytest
from cases import digits_like

import pynn
from pynn.callbacks import Checkpoint
from pynn.inspection import gradient_check, tables
from pynn.inspection.diagram import Diagram

OPTIONS = {  # with how a summary names the second hidden layer
    "layer norm": ({"norm": "layer"}, "layer norm tanh"),
    "batch norm": ({"norm": [None, "batch"]}, "batch norm tanh"),
    "residual": ({"residual": True}, "tanh + input"),
    "input scale": ({"input_scale": True}, "tanh"),
    "parametric": ({"activation": pynn.Parametric("tanh")}, "parametric tanh"),
    "parametric leaky": (
        {"activation": ["tanh", pynn.Parametric(pynn.LeakyReLU(0.25))]},
        "parametric LeakyReLU(slope=0.25)",
    ),
    "embeddings": (
        {"embeddings": {1: pynn.PiecewiseLinear([-1, 0, 2], size=3), 4: pynn.Periodic(3, 5)}},
        "tanh",
    ),
    "members": ({"members": 3, "member_signs": "all", "residual": True}, "tanh + input"),
    "all": (
        {
            "norm": ["layer", "batch"],
            "residual": [False, True],
            "input_scale": True,
            "activation": pynn.Parametric("tanh"),
        },
        "batch norm parametric tanh + input",
    ),
}
FIELDS = {
    "norm": "norms",
    **{name: name for name in ("residual", "input_scale", "members", "embeddings")},
}


@pytest.fixture(params=OPTIONS)
def options(request):
    return OPTIONS[request.param][0]


def network(options, random_state=0, **others):
    options = {"activation": "tanh", "dtype": "float64"} | options | others
    return pynn.Network([5, 8, 8, 3], random_state=random_state, **options)


def data(rng):
    X, y = digits_like(rng)
    return X, np.eye(3)[y]


def moved(net, rng):
    """The network with parameters that are no initial ones; variances stay above 0."""
    net.parameters[:] += rng.uniform(0, 0.5, net.n_parameters)
    return net


def bits(net, X):
    return net.parameters.tobytes(), net.predict(X).tobytes()


@pytest.mark.parametrize("bias", [True, False])
def test_its_gradient_agrees_with_finite_differences(options, bias, rng):
    net = moved(network(options, bias=bias), rng)
    X, y = rng.normal(size=(9, 5)), rng.normal(size=(9, 3))
    check = gradient_check(net, X, y)
    assert check.passed
    statistics = [group for group in (*net.means, *net.variances) if group is not None]
    assert check.n_parameters.sum() == net.n_parameters - sum(map(len, statistics))
    net.weights[0][...] *= 0.01  # sums that are normalised become 100 times more sensitive
    assert gradient_check(net, X, y).passed


@pytest.mark.parametrize("twin", [copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net))])
def test_copies_and_pickles_learn_on(options, twin, rng):
    X, y = data(rng)
    net = network(options).fit(X, y, optimizer="adam")
    again = twin(net)
    assert bits(again.fit(X, y), X) == bits(net.fit(X, y), X)


def test_pickles_of_versions_without_it_load():
    net = pynn.Network([5, 8, 8, 3], random_state=0)
    state = net.__getstate__()
    for field in FIELDS.values():
        del state["_architecture"][field]
    old = object.__new__(pynn.Network)
    old.__setstate__(state)
    assert (repr(old), bits(old, np.eye(5))) == (repr(net), bits(net, np.eye(5)))


def test_files_keep_it(options, tmp_path, rng):
    pytest.importorskip("safetensors")
    net = moved(network(options), rng)
    net.save(tmp_path / "net.safetensors")
    loaded = pynn.Network.load(tmp_path / "net.safetensors")
    assert loaded._architecture == net._architecture
    assert (repr(loaded), bits(loaded, np.eye(5))) == (repr(net), bits(net, np.eye(5)))


def test_files_of_other_networks_do_not_mention_it(options, tmp_path):
    safetensors = pytest.importorskip("safetensors")
    names, arguments = [], []
    for chosen in ({}, options):
        network(chosen).save(tmp_path / "net.safetensors")
        with safetensors.safe_open(tmp_path / "net.safetensors", framework="numpy") as file:
            names.append(set(file.keys()))
            arguments.append(json.loads(file.metadata()["pynn.Network"]))
    assert not arguments[0].keys() & FIELDS.keys()
    assert arguments[1].keys() - arguments[0].keys() == options.keys() & FIELDS.keys()
    own = network(options)._architecture.split(np.arange(network(options).n_parameters))
    assert names[1] == own.keys()
    assert len(names[0]) == 6


def test_a_resumed_fit_ends_with_the_same_bits(options, rng, tmp_path):
    X, y = data(rng)

    def fitted(epochs, *callbacks, chosen=options):
        return network(chosen).fit(X, y, epochs=epochs, optimizer="adam", callbacks=callbacks)

    keep = Checkpoint(tmp_path / "net.npz", resume=True)
    fitted(2, keep)
    assert bits(fitted(5, keep), X) == bits(fitted(5), X)
    with pytest.raises(ValueError, match="is from a fit with network"):
        fitted(9, keep, chosen={})


def test_members_of_a_population_learn_as_alone(options, rng):
    X, y = data(rng)
    members = [network(chosen, random_state=i) for i, chosen in enumerate((options, {}))]
    alone = [copy.deepcopy(net).fit(X, y, epochs=2) for net in members]
    pynn.Population(members).fit(X, y, epochs=2)
    for one, other in zip(members, alone, strict=True):
        assert bits(one, X) == bits(other, X)


def test_early_stopping_restores_all_parameters(options, rng):
    X, y = data(rng)
    rule = pynn.Adam(0.05)
    net = network(options).fit(X, y, epochs=200, optimizer=rule, early_stopping=True)
    assert net.best_epoch < len(net.history["cost"]) < 200
    twin = network(options).fit(X, y, epochs=net.best_epoch, optimizer=rule, validation_split=0.1)
    assert bits(twin, X) == bits(net, X)


@pytest.mark.parametrize("name", OPTIONS)
def test_descriptions_name_it(name):
    options, described = OPTIONS[name]
    net = network(options)
    assert described in repr(net)
    assert tables.summary(net, None).rows[-3][2] == described
    assert sum(int(row[5]) for row in tables.summary(net, None).rows[2:-1]) == net.n_parameters
    assert net.members or Diagram.of(net).columns[2].activation == described
    assert described in net._repr_html_()


def test_factors_of_biases_count_for_gains_and_alphas_without_biases(rng):
    X, y = data(rng)
    net = network({"norm": "layer", "activation": pynn.Parametric("tanh")}, bias=False)
    net.fit(X, y, learning_rate_factors={"biases": 0})
    for group in (*net.gains[:2], *net.alphas[:2]):
        assert group.tolist() == [1] * 8


def test_groups_start_where_they_change_nothing_and_lie_in_their_order():
    for initializer in ("zeros", "auto", "normal"):
        options = {"norm": [None, "batch"], "activation": pynn.Parametric("relu")}
        net = network(options, initializer=initializer)
        assert (net.gains[0], net.means[0], net.alphas[2]) == (None, None, None)
        starts = net.gains[1], net.alphas[1], net.means[1], net.variances[1]
        assert [group.tolist() for group in starts] == [[1] * 8, [1] * 8, [0] * 8, [1] * 8]
    for i, group in enumerate(starts):
        group[...] = i + 2
    before = 5 * 8 + 8 + 8 + 8 * 8 + 8
    assert net.parameters[before : before + 32].tolist() == [2] * 8 + [3] * 8 + [4] * 8 + [5] * 8
    assert net.n_parameters == before + 32 + 8 * 3 + 3
    assert net.group_of("alphas", 2 * net.parameters)[1].tolist() == [6] * 8
    with pytest.raises(ValueError, match="name must be one of weights, biases, gains"):
        net.group_of("alpha", net.parameters)


@pytest.mark.parametrize("norm", [["layer"], ["layer", "x"], ["layer", 1], "group", [True, None]])
def test_other_norms_are_refused(norm):
    with pytest.raises(ValueError, match='norm must be None, "layer", "batch" or 2 of them'):
        network({"norm": norm})


@pytest.mark.parametrize("wrong", [1, True, 0.5])
def test_a_norm_of_another_type_is_refused(wrong):
    with pytest.raises(TypeError, match='norm must be None, "layer", "batch" or a sequence'):
        network({"norm": wrong})


@pytest.mark.parametrize("norm", ["layer", "batch"])
def test_a_network_without_hidden_layers_has_nothing_to_normalise(norm):
    with pytest.raises(ValueError, match=f"norm='{norm}' needs a hidden layer"):
        pynn.Network([4, 2], norm=norm)
    assert pynn.Network([4, 6, 2], norm=[None]).gains == (None, None)
