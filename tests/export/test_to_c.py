"""C headers: they compile without a warning and compute what the model predicts."""

import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
from exported import (
    KINDS,
    OUTPUTS,
    SCALERS,
    STRICT,
    Compiled,
    briefly,
    compiler,
    error,
    network,
    of_kind,
)
from sklearn.pipeline import make_pipeline

import pynn
from pynn.export import to_c

ULP = np.finfo(float).eps
CROSS = {  # a compiler and its flags
    "arm-none-eabi-gcc": ["-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"],
    "riscv64-linux-gnu-gcc": [],
}


def compiled(folder, net, dtype="float64", name="model", cc="gcc", flags=("-O1",), **options):
    header = to_c(net, name=name, **options)
    return Compiled(folder, header, name, net.layer_sizes[0], net.layer_sizes[-1], dtype, cc, flags)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_layer_is_the_same_to_few_roundings(kind, rng, tmp_path):
    net, X = of_kind(rng, kind)
    assert error(compiled(tmp_path, net).outputs(X), net.predict(X)) < 20 * ULP


@pytest.mark.parametrize(("output", "cost"), OUTPUTS)
def test_every_activation_is_the_same_to_few_roundings(output, cost, rng, tmp_path):
    hidden = output if cost == "squared_error" else "relu"
    net, X = network(rng, hidden=hidden, output=output, cost=cost)
    assert error(compiled(tmp_path, net).outputs(X), net.predict(X)) < 8 * ULP


@pytest.mark.parametrize("hidden", ["relu", "identity"])
def test_sums_have_the_bits_of_pynn_where_the_processor_fuses(hidden, rng, tmp_path):
    if "fma" not in Path("/proc/cpuinfo").read_text():
        pytest.skip("this processor has no fused multiply-add")
    net, X = network(rng, hidden=hidden, sizes=[33, 17, 12, 3])
    program = compiled(tmp_path, net, flags=["-O2", "-march=native", "-mno-avx512f"])
    assert (program.outputs(X) == net.predict(X)).all()


@pytest.mark.parametrize("cc", ["gcc", "clang-19"])
def test_both_compilers_agree_to_its_outputs_in_float32(cc, rng, tmp_path):
    net, X = network(rng, "float32", hidden="gelu", output="softmax", cost="cross_entropy")
    program = compiled(tmp_path, net, "float32", cc=cc, flags=["-O3"])
    assert error(program.outputs(X), net.predict(X)) < 1e-6


def test_a_network_of_float32_can_be_written_in_double(rng, tmp_path):
    net, X = network(rng, "float32")
    program = Compiled(tmp_path, to_c(net, dtype="float64"), "model", 6, 4, "float64")
    assert error(program.outputs(X), net._in_double().predict(X)) < 8 * ULP


@pytest.mark.parametrize("scaler", SCALERS, ids=str)
def test_scalers_in_front_are_part_of_the_function(scaler, rng, tmp_path):
    X = rng.normal(100, 3, size=(60, 4))
    mlp = pynn.MLPRegressor(hidden_layer_sizes=6, activation="tanh", max_iter=3, random_state=0)
    model = briefly(make_pipeline(scaler, mlp), X, X[:, :2] - 100)
    program = Compiled(tmp_path, to_c(model), "model", 4, 2, "float64")
    outside = X + rng.normal(0, 5, X.shape)
    assert error(program.outputs(outside), model.predict(outside)) < 1e-13


@pytest.mark.parametrize("labels", [["no", "yes"], ["a", "b c", "b_c"], [-1, 0, 7]], ids=str)
def test_classes_are_an_enum(labels, rng, tmp_path):
    X = rng.normal(size=(60, 3))
    y = np.array(labels)[rng.integers(0, len(labels), 60)]
    mlp = pynn.MLPClassifier((4,), solver="lbfgs", max_iter=20, random_state=0)
    briefly(mlp, X, y)
    header = to_c(mlp, name="iris")
    program = Compiled(tmp_path, header, "iris", 3, mlp.n_outputs_, "float64")
    assert (mlp.classes_[program.classes(X)] == mlp.predict(X)).all()
    names = re.findall(r"IRIS_(\w+) = \d", header)
    assert names == {2: ["NO", "YES"], 3: ["A", "B_C", "B_C_2"]}[len(labels)] or names == [
        "MINUS_1", "0", "7"
    ]  # fmt: skip


def test_several_labels_and_ensembles(rng, tmp_path):
    X = rng.normal(size=(60, 3)).astype("f")
    mlp = pynn.MLPClassifier((4,), n_members=3, max_iter=2, random_state=0)
    briefly(mlp, X, (X > 0).astype(int))
    header = to_c(mlp)
    program = Compiled(tmp_path, header, "model", 3, 3, "float32")
    assert "enum" not in header
    assert error(program.outputs(X), mlp.predict_proba(X)) < 1e-6


def test_int8_weights_differ_by_what_the_header_states(rng, tmp_path):
    net, X = network(rng, "float32", norm="layer", sizes=[6, 20, 12, 4])
    header = to_c(net, weights="int8", X=X)
    program = Compiled(tmp_path, header, "model", 6, 4, "float32")
    (stated,) = re.findall(r"#define MODEL_LARGEST_DIFFERENCE (\S+)", header)
    found = np.abs(program.outputs(X) - net.predict(X)).max()
    assert found == pytest.approx(float(stated), rel=1e-3)
    assert 0 < found < 0.1
    assert "on 40 rows of data" in re.sub(r"\s+(\* )?", " ", header)
    assert "signed char" in header


def test_int8_without_rows_uses_random_ones(rng, tmp_path):
    net, _ = of_kind(rng, "embeddings", "float32")
    header = to_c(net, weights="int8")
    Compiled(tmp_path, header, "model", 6, 4, "float32")
    assert "1000 random rows" in re.sub(r"\s+(\* )?", " ", header)


@pytest.mark.parametrize("cc", CROSS)
@pytest.mark.parametrize("weights", [None, "int8"])
def test_it_compiles_for_devices(cc, weights, rng, tmp_path):
    net, _ = of_kind(rng, "everything", "float32")
    (tmp_path / "model.h").write_text(to_c(net, weights=weights))
    (tmp_path / "use.c").write_text(
        '#include "model.h"\nfloat use(const float *x);\n'
        "float use(const float *x) { float out[4]; model_outputs(x, out); return out[0]; }\n"
    )
    command = [compiler(cc), *STRICT, "-Os", *CROSS[cc], "-c", "use.c"]
    subprocess.run(command, cwd=tmp_path, check=True)


def test_nothing_in_a_name_ends_the_comment(rng, tmp_path):
    pandas = pytest.importorskip("pandas")
    X = pandas.DataFrame(rng.normal(size=(20, 2)), columns=["*/ int x;", "größe\n"])
    y = np.array(["*/", "/* \\"])[rng.integers(0, 2, 20)]
    mlp = pynn.MLPClassifier((2,), solver="lbfgs", random_state=0)
    briefly(mlp, X, y)
    Compiled(tmp_path, to_c(mlp), "model", 2, 1, "float64")


def test_it_writes_the_file(rng, tmp_path):
    net, _ = network(rng)
    text = to_c(net, tmp_path / "model.h")
    assert (tmp_path / "model.h").read_text() == text


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": "a b"}, "name must be a C identifier"),
        ({"dtype": "float16"}, "dtype must be one of float32, float64"),
        ({"weights": "int4"}, "weights must be one of int8"),
        ({"X": [[0.0] * 6]}, 'X is for weights="int8"'),
        ({"weights": "int8", "X": np.empty((0, 6))}, "at least one row"),
    ],
)
def test_wrong_options_say_so(options, message, rng):
    net, _ = network(rng)
    with pytest.raises(ValueError, match=message):
        to_c(net, **options)
