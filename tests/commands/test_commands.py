"""The commands for tables: what they print and write, their exit codes and errors."""

import gzip
import io
import re
import signal
import subprocess
import sys
import warnings

import numpy as np
import pytest

import pynn
from pynn.__main__ import COMMANDS, main
from pynn.commands import models
from pynn.tabular.reading import Table

pytest.importorskip("safetensors")

PYNN = [sys.executable, "-P", "-m", "pynn"]  # -P: not from the folder that tests run in
QUICK = ["--fast", "--max-iter", "6", "-q"]


def customers(n=200):
    """Return lines of CSV: who left, which depends on age and plan; how much each one spent."""
    rng = np.random.default_rng(0)
    yield "id,age,plan,joined,left,spent"
    for i in range(n):
        age, plan = rng.integers(18, 80), rng.choice(["basic", "pro", ""])
        left = "yes" if (age > 45) ^ (plan == "pro") else "no"
        joined = np.datetime64("2024-01-01") + rng.integers(500)
        known, spent = age if i % 10 else "", age / 10 + (plan == "pro")
        yield f"c{i},{known},{plan},{joined},{left},{spent:.2f}"


LINES = list(customers())
TEXT = "\n".join(LINES) + "\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A table, and two models."""
    folder = tmp_path_factory.mktemp("commands")
    (folder / "data.csv").write_text(TEXT)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for target, name in (("left", "classes"), ("spent", "numbers")):
            other = "spent" if target == "left" else "left"
            data, model = str(folder / "data.csv"), str(folder / f"{name}.model")
            arguments = ["--target", target, "--drop", other, "-o", model, *QUICK]
            assert main(["train", data, *arguments]) == 0
    return folder


@pytest.fixture
def paths(folder):
    return {path.name.split(".")[0]: str(path) for path in folder.iterdir()}


def error_of(capsys, *arguments):
    """Return what a command that fails prints on stderr; nothing else is on stdout."""
    capsys.readouterr()
    assert main([*arguments]) == 1
    errors = capsys.readouterr().err
    assert "Traceback" not in errors
    return errors.splitlines()[-1]


def predicted(path):
    return [line.split(",") for line in path.read_text().splitlines()]


# ---- train ----


def test_the_report_compares_with_other_models_and_fits_a_terminal(paths, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    assert main(["train", paths["data"], "--target", "left", "--drop", "spent", *QUICK]) == 0
    out, errors = capsys.readouterr()
    assert max(map(len, out.splitlines())) <= 80
    assert "200 rows, 40 of them set aside" in out
    assert "1 number, 1 category, 1 date" in out
    assert re.search(r"Left out +spent, id", out)
    for model in ("pynn", "linear model", "class shares"):
        assert re.search(rf"^{model} +[\d.]+% +[\d.]+ to [\d.]+%", out, re.M)
    assert re.search(r"^no +\S+ +\S+$", out, re.M)
    assert "column 'id' is left out: 200 different texts" in errors


def test_the_report_of_numbers_has_a_histogram(paths, capsys):
    assert main(["train", paths["data"], "--target", "spent", *QUICK]) == 0
    out = capsys.readouterr().out
    assert "a number from" in out
    assert len(re.findall(r"^ *-?[\d.]+ to -?[\d.]+ +\d+( +[█#]+)?$", out, re.M)) >= 5


def test_progress_goes_to_stderr(paths, capsys):
    assert main(["train", paths["data"], "--target", "spent", *QUICK[:-1]]) == 0
    out, errors = capsys.readouterr()
    assert "network 1 of 2" in errors
    assert "network 1 of 2" not in out


def test_arguments_reach_the_networks(folder, paths, capsys):
    path = str(folder / "small.model")
    arguments = ["--hidden", "5,4", "--max-iter", "3", "--fast", "--seed", "7", "--test-size", "0"]
    assert main(["train", paths["data"], "--target", "left", "-q", "-o", path, *arguments]) == 0
    assert "No rows set aside" in capsys.readouterr().out
    model, _ = models.load(path)
    assert model.networks_[0].layer_sizes[1:-1] == (5, 4)
    assert max(model.best_epochs_) <= 3
    assert (model.random_state, len(model.networks_), model.verbose) == (7, 2, False)


def test_a_seed_gives_the_same_model(folder, paths):
    contents = []
    for k in range(2):
        path = folder / f"again{k}.model"
        arguments = ["--target", "left", "--drop", "spent", "-o", str(path), *QUICK]
        assert main(["train", paths["data"], *arguments]) == 0
        contents.append(models.load(str(path))[0].networks_[0].parameters)
    np.testing.assert_array_equal(*contents)


def test_python_loads_the_model_for_tables_of_pandas(folder, paths):
    pandas = pytest.importorskip("pandas")
    model = pynn.TabularClassifier.load(folder / "classes.model")
    assert model.feature_names_in_.tolist() == ["age", "plan", "joined"]
    table = pandas.read_csv(paths["data"], parse_dates=["joined"])[model.feature_names_in_]
    expected = model.predict(table).tolist()
    assert main(["predict", paths["classes"], paths["data"], "-o", str(folder / "out.csv")]) == 0
    assert predicted(folder / "out.csv") == [["left"], *([one] for one in expected)]


def test_columns_of_codes_and_more_missing_texts(folder, capsys):
    lines = [f"{i % 3},{'?' if i % 20 == 0 else i},{'ab'[i % 2]}" for i in range(80)]
    path, model = folder / "codes.csv", str(folder / "codes.model")
    path.write_text("\n".join(["code,x,y", *lines]))
    assert "--missing '?'" in error_of(capsys, "train", str(path), "--target", "y", *QUICK)
    arguments = ["--categorical", "code", "--missing", "?", "-o", model, *QUICK]
    assert main(["train", str(path), "--target", "y", *arguments]) == 0
    assert "1 category, 1 number" in capsys.readouterr().out
    assert main(["predict", model, str(path), "-o", str(folder / "out.csv")]) == 0
    assert len(predicted(folder / "out.csv")) == 81


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["absent.csv", "--target", "x"], "absent.csv: No such file or directory"),
        (["DATA", "--target", "lft"], "no column 'lft' to predict; did you mean 'left'?"),
        (["DATA", "--target", "left", "--drop", "x"], "no column 'x' for --drop; it has 'id'"),
        (["DATA", "--target", "left", "--drop", "left"], "both target and dropped"),
        (["DATA", "--target", "id"], "column 'id' has 200 different values in 200 rows"),
        (["DATA", "--target", "left", "-o", "no/x"], "no: No such folder"),
        (["DATA", "--target", "left", "-o", "DATA"], "would replace a file that is read"),
        (["DATA", "--target", "left", "-o", "-"], "-o - is not accepted"),
        (["DATA", "--target", "left", "-o", "/dev/null"], "/dev/null is a device"),
        (["DATA", "--target", "left", "--task", "regression"], "holds text, such as"),
        (["DATA", "--target", "left", "--drop", "id,age,plan,joined,spent"], "has no columns to"),
    ],
)
def test_what_is_wrong_is_one_line(arguments, message, paths, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments = [paths["data"] if one == "DATA" else one for one in arguments]
    error = error_of(capsys, "train", *arguments, *QUICK)
    assert error.startswith("pynn: error: ")
    assert message in error
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["x.csv"], "the following arguments are required: --target"),
        (["x.csv", "--target", "y", "--hidden", "3,x"], "integer from 1 to 65536, got 'x'"),
        (["x.csv", "--target", "y", "--test-size", "1"], "must be a number in [0, 1), got '1'"),
        (["x.csv", "--target", "y", "--encoding", "foo"], "must be an encoding such as utf-8"),
        (["x.csv", "--target", "y", "--encoding", "zlib"], "must be an encoding such as utf-8"),
    ],
)
def test_wrong_usage_has_code_2(arguments, message, capsys):
    with pytest.raises(SystemExit) as exit_:
        main(["train", *arguments])
    assert exit_.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a,y\n", "has names of columns, but no rows"),
        (b"PK\x03\x04xx", "Excel file: save the table as CSV"),
        (b"\x1f\x8bxxxxxxxxxxxxxxx", "is damaged"),
        (b"a,y\n1,b\n", "only one class, 'b'"),
        (b"a,y\n1,1.5\n2,1.5\n", "only one value, 1.5"),
        (b'[{"a": 1, "y": "b"}]', "JSON: write the table as CSV"),
        (b"<!DOCTYPE html>", "a web page"),
        (b"y\nb\nc\n", "has no columns to predict 'y' from"),
        (b"a,y\n1,b\n2,c\n", "too few to set 20% of them aside"),
    ],
)
def test_a_file_that_is_no_table_for_it_is_refused(content, message, tmp_path, capsys):
    (tmp_path / "bad.csv").write_bytes(content)
    assert message in error_of(capsys, "train", str(tmp_path / "bad.csv"), "--target", "y", *QUICK)


def test_classes_of_parquet_keep_their_type(tmp_path, capsys):
    pa, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    data, model = str(tmp_path / "data.parquet"), str(tmp_path / "x.model")
    left = [None if i % 10 == 0 else i % 3 == 0 for i in range(60)]
    parquet.write_table(pa.table({"x": list(range(60)), "left": left}), data)
    assert main(["train", data, "--target", "left", "-o", model, *QUICK]) == 0
    assert "2 classes: False 36, True 18" in capsys.readouterr().out
    assert main(["predict", model, data, "-o", str(tmp_path / "out.csv")]) == 0
    assert {row[0] for row in predicted(tmp_path / "out.csv")[1:]} <= {"True", "False"}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([1.0, float("inf")] * 40, "column 'x' must be finite, but row 1 holds inf"),
        ([[1, 2]] * 80, "column 'x' must hold numbers, .* but row 0 holds .1, 2."),
    ],
)
def test_values_of_parquet_that_are_none_of_a_table_are_named(values, message, tmp_path, capsys):
    pa, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    data = str(tmp_path / "data.parquet")
    parquet.write_table(pa.table({"x": values, "z": list(range(80)), "y": ["a", "b"] * 40}), data)
    error = error_of(capsys, "train", data, "--target", "y", *QUICK)
    assert re.search(f"data.parquet: {message}.* --drop", error)
    assert main(["train", data, "--target", "y", "--drop", "x", *QUICK]) == 0


def test_columns_of_parquet_with_one_name_are_refused(tmp_path, capsys):
    pa, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    data = str(tmp_path / "data.parquet")
    parquet.write_table(pa.Table.from_arrays([pa.array([1])] * 2, ["x", "x"]), data)
    error = error_of(capsys, "train", data, "--target", "x", *QUICK)
    assert error.endswith("data.parquet: columns must have different names; repeated: 'x'")


def test_huge_numbers_end_in_a_report(tmp_path, capsys):
    rows = [f"{i - 50}e300,{(i % 7) - 3}.5e200" for i in range(100)]
    (tmp_path / "data.csv").write_text("\n".join(["x,y", *rows]))
    assert main(["train", str(tmp_path / "data.csv"), "--target", "y", *QUICK]) == 0
    out, errors = capsys.readouterr()
    assert re.search(r"^mean +[\d.]+e\+200 ", out, re.M)
    assert errors == ""


def test_dates_of_other_formats_are_named(tmp_path, capsys):
    rows = [f"{i % 28 + 1}.{i % 3 + 1}.2026,{'ab'[i % 2]}" for i in range(60)]
    (tmp_path / "data.csv").write_text("\n".join(["d,y", *rows]))
    assert main(["train", str(tmp_path / "data.csv"), "--target", "y", "--categorical", "d"]) == 0
    assert "recognised" not in capsys.readouterr().err
    main(["train", str(tmp_path / "data.csv"), "--target", "y", *QUICK])
    assert "column 'd' holds text such as '1.1.2026'; dates are rec" in capsys.readouterr().err


def test_texts_of_a_table_do_not_control_the_terminal(folder, tmp_path, capsys):
    (tmp_path / "data.csv").write_text(TEXT.replace("yes", "\x1b[31myes").replace("age", "a\x1b"))
    data, model = str(tmp_path / "data.csv"), str(tmp_path / "x.model")
    assert main(["train", data, "--target", "left", "-o", model, *QUICK]) == 0
    assert main(["info", model]) == 0
    main(["train", data, "--target", "x"])
    assert all("\x1b" not in text for text in capsys.readouterr())


# ---- predict ----


def test_probabilities_and_copied_columns(folder, paths):
    out = folder / "out.csv"
    options = ["--proba", "--with", "id,age", "-o", str(out)]
    assert main(["predict", paths["classes"], paths["data"], *options]) == 0
    head, *rows = predicted(out)
    assert head == ["id", "age", "left", "left=no", "left=yes"]
    assert [row[0] for row in rows] == [f"c{i}" for i in range(200)]
    assert rows[0][1] == ""
    for row in rows:
        assert float(row[3]) + float(row[4]) == pytest.approx(1)
        assert row[2] == ("yes" if float(row[4]) > 0.5 else "no")


def test_intervals_contain_the_prediction(folder, paths):
    out = folder / "out.csv"
    assert (
        main(["predict", paths["numbers"], paths["data"], "--interval", "0.8", "-o", str(out)]) == 0
    )
    head, *rows = predicted(out)
    assert head == ["spent", "spent low", "spent high"]
    assert all(float(low) <= float(x) <= float(high) for x, low, high in rows)


@pytest.mark.parametrize("n_rows", [1, 7, 1000])
def test_blocks_do_not_change_predictions(n_rows, folder, paths, monkeypatch):
    whole, out = folder / "whole.csv", folder / "out.csv"
    assert main(["predict", paths["numbers"], paths["data"], "-o", str(whole)]) == 0
    monkeypatch.setattr("pynn.commands.predict._MOST_ROWS", n_rows)
    assert main(["predict", paths["numbers"], paths["data"], "-o", str(out)]) == 0
    expected = [float(row[0]) for row in predicted(whole)[1:]]
    assert [float(row[0]) for row in predicted(out)[1:]] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("format_", ["parquet", "feather"])
def test_files_of_arrow_give_the_predictions_of_csv(format_, folder, paths, capsys):
    csv = pytest.importorskip("pyarrow.csv")
    feather = pytest.importorskip("pyarrow.feather")
    parquet = pytest.importorskip("pyarrow.parquet")
    path, out = folder / f"table.{format_}", folder / "out.csv"
    strings = csv.ConvertOptions(strings_can_be_null=True)
    write = parquet.write_table if format_ == "parquet" else feather.write_feather
    write(csv.read_csv(paths["data"], convert_options=strings), str(path))
    both = []
    for data in (str(path), paths["data"]):
        assert main(["predict", paths["classes"], data, "--with", "id", "-o", str(out)]) == 0
        both.append(out.read_text())
    assert both[0] == both[1]
    assert main(["train", str(path), "--target", "left", "--drop", "spent", *QUICK]) == 0
    assert "1 number, 1 category, 1 date" in capsys.readouterr().out
    path.write_bytes(path.read_bytes()[:-20])
    assert "damaged" in error_of(capsys, "predict", paths["classes"], str(path))


def test_a_compressed_table_and_compressed_predictions(folder, paths):
    data, out = folder / "data.csv.gz", folder / "out.csv.gz"
    data.write_bytes(gzip.compress(TEXT.encode()))
    assert main(["predict", paths["classes"], str(data), "-o", str(out)]) == 0
    data.unlink()
    assert gzip.decompress(out.read_bytes()).decode().count("\n") == 201
    out.unlink()


def test_columns_may_come_in_any_order_and_others_are_named(folder, paths, tmp_path, capsys):
    rows = [line.split(",") for line in LINES]
    turned = "\n".join(",".join([*row[:4][::-1], "1"]) for row in rows).replace(
        "id,1", "id,more", 1
    )
    (tmp_path / "turned.csv").write_text(turned)
    outs = [tmp_path / "1.csv", tmp_path / "2.csv"]
    data = [paths["data"], str(tmp_path / "turned.csv")]
    for one, out in zip(data, outs, strict=True):
        assert main(["predict", paths["classes"], one, "-o", str(out)]) == 0
    assert outs[0].read_text() == outs[1].read_text()
    assert (
        capsys.readouterr().err == "pynn: columns that the model does not know are not used: more\n"
    )


def test_a_bad_row_leaves_the_output_file_as_it_was(paths, tmp_path, capsys):
    (tmp_path / "bad.csv").write_text(TEXT.replace("c150,", "c150,old", 1))
    out = tmp_path / "out.csv"
    out.write_text("before")
    arguments = ["predict", paths["classes"], str(tmp_path / "bad.csv"), "-o", str(out)]
    assert re.search(r"column 'age' must hold numbers.*line 152", error_of(capsys, *arguments))
    assert out.read_text() == "before"
    assert {path.name for path in tmp_path.iterdir()} == {"bad.csv", "out.csv"}


def test_no_rows_are_no_predictions(paths, tmp_path):
    (tmp_path / "head.csv").write_text(LINES[0])
    out = tmp_path / "out.csv"
    assert main(["predict", paths["classes"], str(tmp_path / "head.csv"), "-o", str(out)]) == 0
    assert out.read_text() == "left\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["numbers", "data", "--proba"], "predicts numbers: use --interval 0.9"),
        (["classes", "data", "--interval", "0.9"], "predicts classes: use --proba"),
        (["data", "data"], "data.csv' is not a network saved by pynn"),
        (["classes", "data", "-o", "classes"], "would replace a file that is read"),
        (["classes", "data", "-o", "x.parquet"], "written as CSV"),
        (["classes", "data", "--with", "ID"], "no column 'ID' for --with; did you mean 'id'?"),
        (["classes", "other"], "no column 'age' of the model; it has 'a', 'b'"),
    ],
)
def test_predictions_that_cannot_be_made_are_one_line(arguments, message, folder, paths, capsys):
    (folder / "other.csv").write_text("a,b\nx,y\n")
    paths["other"] = str(folder / "other.csv")
    error = error_of(capsys, "predict", *(paths.get(one, one) for one in arguments))
    assert message in error


# ---- info, export ----


def test_info_shows_the_report_and_the_columns(paths, capsys):
    assert main(["info", paths["classes"]]) == 0
    out = capsys.readouterr().out
    for text in ("TabularClassifier", "linear model", "Classes: no, yes", "joined", "one-hot"):
        assert text in out


def test_info_and_export_take_any_model(tmp_path, capsys, monkeypatch):
    path, header = str(tmp_path / "net.model"), str(tmp_path / "net.h")
    pynn.Network([2, 3, 1], random_state=0).save(path)
    assert main(["info", path]) == 0
    out = capsys.readouterr().out
    assert "2 × 3" in out
    assert "None" not in out
    assert "takes prepared numbers" in error_of(capsys, "predict", path, path)

    class Exports:
        @staticmethod
        def to_c(model, path):
            print(model.layer_sizes, path)

        @staticmethod
        def to_sklearn(model):
            return model.layer_sizes

    monkeypatch.setitem(sys.modules, "pynn.export", Exports)
    assert main(["export", path, "--to", "c", "-o", header]) == 0
    assert capsys.readouterr().out.startswith(f"(2, 3, 1) {header}\n")
    assert main(["export", path, "--to", "sklearn", "-o", header]) == 0


@pytest.mark.parametrize("to", ["c", "json", "numpy", "onnx"])
def test_a_model_for_tables_is_exported(to, paths, capsys, tmp_path):
    if to == "onnx":
        pytest.importorskip("onnx")
    path = tmp_path / "model"
    assert main(["export", paths["classes"], "--to", to, "-o", str(path)]) == 0
    assert b"basic" in path.read_bytes()


def test_scikit_learn_has_no_place_for_the_preparation_of_a_table(paths, capsys, tmp_path):
    path = tmp_path / "model.pkl"
    error = error_of(capsys, "export", paths["numbers"], "--to", "sklearn", "-o", str(path))
    assert "got TabularRegressor; it prepares columns of a table" in error
    assert not path.exists()


# ---- Together ----


def test_help_fits_a_screen(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    for command in ["", *(module.__name__.split(".")[-1] for module in COMMANDS)]:
        with pytest.raises(SystemExit) as exit_:
            main([*command.split(), "--help"])
        assert exit_.value.code == 0
        lines = capsys.readouterr().out.splitlines()
        assert len(lines) <= 24
        assert max(map(len, lines)) <= 80


def test_bench_prints_a_ratio_for_each_network(capsys, monkeypatch):
    monkeypatch.setattr("pynn.commands.bench._SECONDS", 0.001)
    monkeypatch.setattr("pynn.commands.bench._REPEATS", 1)
    monkeypatch.setattr("pynn.commands.bench._CASES", [((2, 8, 1), 4), ((5, 4, 3), 100)])
    assert main(["bench"]) == 0
    rows = capsys.readouterr().out.splitlines()[-2:]
    assert all(float(row.split()[-1]) > 0 for row in rows)


def run(*arguments, **options):
    return subprocess.run([*PYNN, *arguments], capture_output=True, timeout=120, **options)


def test_pipes_carry_tables_and_predictions(paths):
    done = run("predict", paths["classes"], "-", input=TEXT.encode())
    assert (done.returncode, done.stderr) == (0, b"")
    assert {*done.stdout.split()} == {b"left", b"yes", b"no"}
    assert done.stdout.count(b"\n") == 201


def test_a_reader_that_leaves_ends_it_without_a_traceback(paths, tmp_path):
    (tmp_path / "long.csv").write_text("\n".join(LINES + LINES[1:] * 300))
    command = [*PYNN, "predict", paths["classes"], str(tmp_path / "long.csv"), "--proba"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, **pipes) as process:
        assert process.stdout.readline() == b"left,left=no,left=yes\n"
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(timeout=60) == 1


def test_ctrl_c_writes_no_model(paths, tmp_path, ctrl_c_raises):
    path = tmp_path / "x.model"
    options = ["--target", "left", "-o", str(path), "--max-iter", "1000000", "--hidden", "500,500"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen([*PYNN, "train", paths["data"], *options], **pipes) as process:
        assert b"left out" in process.stderr.readline()
        assert b"network" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        out, errors = process.communicate(timeout=60)
    assert errors.endswith(b"\npynn: interrupted\n")
    assert (process.returncode, out) == (130, b"")
    assert not list(tmp_path.iterdir())


def test_estimators_take_tables_as_the_commands_read_them(rng, monkeypatch):
    monkeypatch.setattr("pynn.tabular.predictions.BLOCK", 100)
    x = rng.normal(size=250)
    table = Table(["x"], (len(x), 1), lambda j: (x,))
    model = pynn.TabularRegressor(preset="fast", random_state=0, expert={"epochs": 1})
    model.fit(table, x)
    assert model.feature_names_in_.tolist() == ["x"]
    np.testing.assert_allclose(
        model.predict(table)[:50],
        model.predict(Table(["x"], (50, 1), lambda j: (x[:50],))),
        rtol=1e-5,
    )
    other = Table(["z"], (len(x), 1), lambda j: (x,))
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(other)


@pytest.mark.parametrize("stream", ["stdin", "stdout"])
def test_a_closed_stream_is_an_error(stream, paths, monkeypatch, capsys):
    monkeypatch.setattr(sys, stream, None)
    assert main(["predict", paths["classes"], "-"]) == 1
    word = {"stdin": "input", "stdout": "output"}[stream]
    assert f"error: the standard {word} is closed" in capsys.readouterr().err


def test_standard_input_must_be_csv(paths, monkeypatch, capsys):
    standard = io.TextIOWrapper(io.BufferedReader(io.BytesIO(b"PAR1xxxxPAR1")))
    monkeypatch.setattr("sys.stdin", standard)
    assert "standard input must be CSV" in error_of(capsys, "predict", paths["classes"], "-")
