"""Estimators for tables in other formats: what they predict of every kind of column."""

import csv
import json
import re

import numpy as np
import pytest
from exported import Compiled, error
from mixed import NAMES, as_numbers, mixed, strange
from tabular_cases import assert_same_bits, brief, predicted

import pynn
from pynn import export
from pynn.__main__ import main
from pynn.commands import models
from pynn.export import table_formulas
from pynn.tabular import numeric

SMALL = {"epochs": 3, "hidden_layer_sizes": (8,)}
ROWS, KINDS = mixed()
LATER = strange()


def fitted(Estimator, rows=ROWS, y=KINDS, **parameters):
    expert = SMALL | parameters.pop("expert", {})
    return brief(Estimator, expert=expert, **parameters).fit(rows, y)


MODELS = {
    "classifier": fitted(
        pynn.TabularClassifier, y=np.array(["a", "b", "c"])[KINDS], categorical_features=[4]
    ),
    # Large numbers of small variance, which float32 could not tell apart.
    "regressor": fitted(
        pynn.TabularRegressor, y=KINDS + 1e8, categorical_features=[4], n_members=1
    ),
    "several": fitted(
        pynn.TabularRegressor,
        y=np.column_stack([KINDS, -KINDS]),
        expert={"n_bins": 0, "one_hot": 9, "min_count": 37},
    ),
}
EACH = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)


def spread(model):
    """The unit of predictions: probabilities, or the deviation of targets."""
    return getattr(model, "_scale", np.ones(1))


def compiled(folder, model, **options):
    n_out = model.networks_[0].layer_sizes[-1]
    return Compiled(folder, export.to_c(model, **options), "model", 10, n_out, "float64")


def onnx_outputs(content, rows, x, names):
    """Return the outputs by name for rows, and for the same rows as numbers x."""
    runtime = pytest.importorskip("onnxruntime")
    session = runtime.InferenceSession(content, providers=["CPUExecutionProvider"])
    feed = {}
    for given in session.get_inputs():
        j = names.index(given.name)
        if given.type == "tensor(string)":
            feed[given.name] = np.array([[row[j] or ""] for row in rows], dtype=object)
        else:
            feed[given.name] = x[:, [j]]
    outputs = [output.name for output in session.get_outputs()]
    return dict(zip(outputs, session.run(None, feed), strict=True))


# ---- The same predictions ------------------------------------------------------------------------


@EACH
def test_numpy_source_predicts_the_same_for_the_same_rows(model):
    names = {}
    exec(export.to_numpy(model), names)
    assert (names["prepare"](LATER) == model.preparation_.apply(LATER)).all()
    found = names.get("predict_proba", names["predict"])(LATER)
    assert found.dtype == np.float64
    assert found.shape == predicted(model, LATER).shape
    assert (np.abs(found - predicted(model, LATER)) < 1e-6 * spread(model)).all()
    if hasattr(model, "classes_"):
        assert (names["predict"](LATER) == model.predict(LATER)).all()


@EACH
def test_c_predicts_the_same_for_codes_days_and_nan(model, tmp_path):
    program = compiled(tmp_path, model)
    x = as_numbers(model, LATER, program.code)
    expected = predicted(model, LATER).reshape(len(LATER), -1)
    assert (np.abs(program.outputs(x) - expected) < 1e-6 * spread(model)).all()
    if hasattr(model, "classes_"):
        assert (model.classes_[program.classes(x)] == model.predict(LATER)).all()


@EACH
def test_onnx_predicts_the_same_for_columns(model):
    pytest.importorskip("onnx")
    x = as_numbers(model, LATER, lambda column, text: 0)
    content = export.to_onnx(model).SerializeToString()
    found = onnx_outputs(content, LATER, x, [f"x{j}" for j in range(10)])
    expected = predicted(model, LATER).reshape(len(LATER), -1)
    numbers = found.get("output_probability", found.get("variable"))
    assert numbers.dtype == np.float64
    assert (np.abs(numbers - expected) < 1e-5 * spread(model)).all()
    if hasattr(model, "classes_"):
        assert (found["output_label"] == model.predict(LATER)).all()


@EACH
def test_json_has_the_same_bits_again(model, tmp_path):
    text = export.to_json(model, tmp_path / "model.json")
    again = export.from_json(tmp_path / "model.json")
    assert_same_bits(again, model, LATER)
    assert export.to_json(again) == text
    assert again.get_params() == model.get_params()
    assert (again.feature_importances_ == model.feature_importances_).all()
    if hasattr(model, "predict_interval"):
        assert np.array_equal(again.predict_interval(LATER), model.predict_interval(LATER))


def test_every_day_has_its_place_in_the_year_and_the_week():
    starts = np.arange("-0220", "3065", dtype="M8[Y]").astype("M8[D]").astype(np.float64)
    days = np.add.outer(starts, [-0.75, -0.25, 0, 0.25, 1, 59, 200.5]).ravel()
    turns = numeric._turns(days, True)
    expected = [wave(2 * np.pi * turn) for turn in turns for wave in (np.sin, np.cos)]
    assert np.abs(table_formulas.cycles(days, 3) - np.column_stack(expected)).max() < 1e-9


def test_single_precision_and_double_are_both_possible_in_c(tmp_path):
    model = MODELS["classifier"]
    program = compiled(tmp_path, model, dtype="float64")
    found = program.outputs(as_numbers(model, LATER, program.code))
    assert error(found, model.predict_proba(LATER)) < 1e-6


def test_int8_weights_differ_by_what_the_header_states(tmp_path):
    model = MODELS["classifier"]
    options = {"weights": "int8", "X": LATER}
    program = compiled(tmp_path, model, **options)
    (stated,) = re.findall(r"#define MODEL_LARGEST_DIFFERENCE (\S+)", export.to_c(model, **options))
    found = program.outputs(as_numbers(model, LATER, program.code))
    assert np.abs(found - model.predict_proba(LATER)).max() == pytest.approx(
        float(stated), rel=0.01
    )
    assert "on 178 rows of data" in re.sub(r"\s+(\* )?", " ", export.to_c(model, **options))


# ---- Names ---------------------------------------------------------------------------------------


def test_columns_keep_their_names(tmp_path):
    pandas = pytest.importorskip("pandas")
    names = ["variable", "output_label", "pynn/n0", "*/ size", "größe", "", "Size", "size"]
    values = np.random.default_rng(0).normal(size=(40, 8))
    frame = pandas.DataFrame(values, columns=names)
    model = fitted(pynn.TabularClassifier, frame, np.where(values[:, 0] > 0, "column size", "n"))
    header = export.to_c(model)
    Compiled(tmp_path, header, "model", 8, 2, "float64")
    constants = re.findall(r"MODEL_(COLUMN\w*) = (\d)", header)
    assert constants[0] == ("COLUMN_SIZE", "0")  # the class
    assert len(dict(constants)) == 9
    pytest.importorskip("onnx")
    inputs = [one.name for one in export.to_onnx(model).graph.input]
    assert inputs == ["variable_", "output_label_", "x2", *names[3:5], "x5", *names[6:]]


def test_columns_that_the_model_does_not_read_are_no_inputs():
    pytest.importorskip("onnx")
    inputs = [one.name for one in export.to_onnx(MODELS["regressor"]).graph.input]
    assert inputs == ["x0", "x1", "x2", "x3", "x4", "x5", "x7", "x8"]


# ---- What cannot be written ----------------------------------------------------------------------


def with_categories(values):
    rows = [[value, float(k % 7)] for k, value in enumerate(values * 10)]
    return fitted(pynn.TabularRegressor, rows, np.arange(len(rows)), categorical_features=[0])


@pytest.mark.parametrize(
    ("write", "values", "message"),
    [
        (export.to_c, [1, "a", 2], "'x0', whose categories are numbers and texts; train on texts"),
        (export.to_onnx, [1, "a", 2], "to_onnx .* whose categories are numbers and texts"),
        (export.to_c, [2**53 + 1, None, 2], "integers beyond"),
        (export.to_c, ["a\0b", "b"], r"category 'a\\x00b' of the column 'x0': a NUL"),
        (export.to_onnx, ["", None, "b"], "both the category '' and missing values"),
    ],
)
def test_categories_that_a_format_cannot_hold_are_refused(write, values, message, tmp_path):
    pytest.importorskip("onnx")
    path = tmp_path / "model"
    with pytest.raises(ValueError, match=message):
        write(with_categories(values), path)
    assert not path.exists()


def test_numpy_and_json_hold_any_categories():
    model = with_categories([1, "a\0b", "", None, 2.5])
    rows = [[value, 1.0] for value in (1.0, "a\0b", "", None, 2.5, "1", "other")]
    names = {}
    exec(export.to_numpy(model), names)
    assert (names["prepare"](rows) == model.preparation_.apply(rows)).all()
    assert_same_bits(export.from_json(export.to_json(model)), model, rows)


@pytest.mark.parametrize("write", [export.to_c, export.to_numpy, export.to_onnx])
def test_a_model_that_reads_no_column_is_refused(write):
    pytest.importorskip("onnx")
    model = fitted(pynn.TabularRegressor, [[1.0]] * 20, np.arange(20))
    with pytest.raises(ValueError, match="the model reads no column, as all are constant"):
        write(model)


@pytest.mark.parametrize("write", [export.to_sklearn, export.to_torch, export.to_keras])
def test_formats_of_networks_alone_name_those_of_tables(write):
    with pytest.raises(TypeError, match="columns of a table, which to_onnx, to_c, to_numpy and"):
        write(MODELS["regressor"])


@pytest.mark.parametrize(
    "changes",
    [
        {"dtype": "object"},
        {"dtype": "int8"},
        {"shape": [10**12, 10**12]},
        {"shape": [True]},
        {"shape": -1},
        {"values": [None]},
        {"values": "1"},
        {"more": 1},
    ],
    ids=str,
)
def test_damaged_arrays_in_json_are_refused(changes):
    content = json.loads(export.to_json(MODELS["regressor"]))
    content["arrays"]["_mean"] |= changes
    with pytest.raises(ValueError, match="is not a model in pynn's JSON"):
        export.from_json(json.dumps(content))


# ---- From the command line to a program ----------------------------------------------------------


def test_a_table_is_trained_on_exported_and_predicted_in_each_format(tmp_path, capsys):
    pytest.importorskip("safetensors")
    later = mixed(1)[0]
    for name, given in (("data", ROWS), ("later", later)):
        with open(tmp_path / f"{name}.csv", "w", newline="") as file:
            table = csv.writer(file)
            table.writerow([*NAMES, "kind"])
            table.writerows([*row, f"k{kind}"] for row, kind in zip(given, KINDS, strict=True))
    model, predictions = str(tmp_path / "wine.model"), tmp_path / "predictions.csv"
    settings = ["--fast", "--hidden", "8", "--max-iter", "5", "--categorical", "grade", "-q"]
    data = str(tmp_path / "data.csv")
    assert main(["train", data, "--target", "kind", "-o", model, *settings]) == 0
    later_csv = str(tmp_path / "later.csv")
    assert main(["predict", model, later_csv, "--proba", "-o", str(predictions)]) == 0
    head, *lines = csv.reader(predictions.read_text().splitlines())
    assert len(head) == 4
    labels, expected = [line[0] for line in lines], np.array([line[1:] for line in lines], float)

    def exported(to):
        path = tmp_path / f"wine.{to}"
        assert main(["export", model, "--to", to, "-o", str(path)]) == 0
        return path.read_bytes() if to == "onnx" else path.read_text()

    names = {}
    exec(exported("numpy"), names)
    assert error(names["predict_proba"](later), expected) < 1e-6
    assert names["predict"](later).tolist() == labels

    loaded, _ = models.load(model)
    assert exported("json") == export.to_json(loaded)

    program = Compiled(tmp_path, exported("c"), "model", 10, 3, "float64")
    x = as_numbers(loaded, later, program.code)
    assert error(program.outputs(x), expected) < 1e-6
    assert loaded.classes_[program.classes(x)].tolist() == labels

    pytest.importorskip("onnx")
    found = onnx_outputs(exported("onnx"), later, x, NAMES)
    assert error(found["output_probability"], expected) < 1e-5
    assert found["output_label"].tolist() == labels
