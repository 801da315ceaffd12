"""The command `pynn`: the demo's output, its errors, and what it says of itself."""

import os
import re
import signal
import subprocess
import sys

import numpy as np
import pytest
from long import IS_LONG, only_long

import pynn
from pynn import demo
from pynn.__main__ import main

ACCURACY = re.compile(r"Test: ([\d,]+) of ([\d,]+) digits read correctly, ([\d.]+)%")


@pytest.fixture
def tiny_mnist(rng):
    """Arrays that are laid out as MNIST: ten pictures of noise to learn from, five to test."""
    return {
        "x_train": rng.integers(0, 256, (10, 28, 28), np.uint8),
        "y_train": np.arange(10, dtype=np.uint8),
        "x_test": rng.integers(0, 256, (5, 28, 28), np.uint8),
        "y_test": np.arange(5, dtype=np.uint8),
    }


def output_of(capsys, *arguments):
    assert main(["demo", *arguments]) == 0
    return capsys.readouterr().out


def best_accuracy(text):
    return max(float(figure) for figure in re.findall(r"([\d.]+)%", text))


def epochs_shown(text):
    return [line.split()[0] for line in text.splitlines() if re.match(r" *\d+/\d+ ", line)]


# ---- What it shows ----


def test_bundled_digits_are_learned_in_thirty_epochs(capsys):
    text = output_of(capsys)
    assert "64-16-16-10: 1,482 weights and biases" in text
    assert epochs_shown(text) == [f"{i}/30" for i in range(1, 31)]
    right, tested, percent = ACCURACY.search(text).groups()
    assert int(tested) == 450
    assert float(percent) == round(100 * int(right) / 450, 2)
    assert float(percent) >= 94
    costs = [float(line.split()[2]) for line in text.splitlines() if "/30 " in line]
    best = int(re.search(r"weights of epoch (\d+), the best on the validation set", text)[1])
    assert costs[best - 1] == min(costs)
    assert re.search(r"^  [\d.]+ s, [\d,]+ rows/s$", text, re.M)


def test_it_fits_a_terminal_of_eighty_columns(capsys):
    assert max(len(line) for line in output_of(capsys, "--epochs", "2").splitlines()) <= 80


def test_a_seed_gives_the_same_network_each_time_and_another_gives_another(capsys):
    def figures(seed):
        text = output_of(capsys, "--epochs", "2", "--seed", seed)
        return [line.split()[1:4] for line in text.splitlines() if "/2 " in line]

    first, again, other = figures("1"), figures("1"), figures("2")
    assert first == again
    assert first != other


@pytest.mark.slow
def test_mnist_is_learned(mnist, mnist_path, capsys):
    digits = demo.mnist_digits(mnist_path)
    for array, expected in zip(
        (digits.X_train, digits.y_train, digits.X_test, digits.y_test), mnist, strict=True
    ):
        np.testing.assert_array_equal(array, expected)
    text = output_of(capsys, "--mnist", str(mnist_path), "--epochs", "30" if IS_LONG else "5")
    assert "784-16-16-10: 13,002 weights and biases" in text
    assert "60,000 for training, 10,000 for testing" in text
    assert best_accuracy(text) >= (94 if IS_LONG else 90)


# ---- Pictures of MNIST's size ----


def test_bundled_digits_are_enlarged_to_the_size_of_mnist(monkeypatch):
    monkeypatch.delenv("PYNN_MNIST", raising=False)
    small, large = demo.bundled_digits(), demo.digits_28x28()
    assert large.name == f"{small.name}, enlarged to 28 x 28"
    np.testing.assert_array_equal(large.y_train, small.y_train)
    np.testing.assert_array_equal(large.y_test, small.y_test)
    for before, after in ((small.X_train, large.X_train), (small.X_test, large.X_test)):
        pictures = after.reshape(-1, 28, 28)
        assert after.dtype == np.float32
        assert (after.min(), after.max()) == (0, 1)
        ink = pictures[:, 4:24, 4:24]
        assert np.count_nonzero(ink) == np.count_nonzero(pictures)  # nothing in the margin
        np.testing.assert_array_equal(  # the corners stay where they are
            ink[:, ::19, ::19], before.reshape(-1, 8, 8)[:, ::7, ::7]
        )


def test_the_environment_or_the_argument_names_a_file_of_mnist(monkeypatch, tmp_path, tiny_mnist):
    np.savez(tmp_path / "tiny.npz", **tiny_mnist)
    assert demo.digits_28x28(tmp_path / "tiny.npz").name == "MNIST"
    monkeypatch.setenv("PYNN_MNIST", str(tmp_path / "tiny.npz"))
    assert demo.digits_28x28().name == "MNIST"
    with pytest.raises(FileNotFoundError):
        demo.digits_28x28("absent.npz")


# ---- Drawing ----


def digits_of(pictures, margin=0):
    X = np.array(pictures, np.float32)
    y = np.arange(len(X))
    return demo.Digits("made up", X.reshape(len(X), -1), y, X.reshape(len(X), -1), y, margin)


def test_a_pixel_is_two_characters_wide_and_as_dark_as_its_ink():
    digits = digits_of([[[0, 0.5], [1, 0]]])
    lines = demo.drawn(digits, np.array([0]), np.eye(10)[:1], " .#")
    assert lines[:2] == ["  ..", "##"]


def test_a_margin_is_not_drawn_and_large_pictures_are_averaged():
    picture = np.zeros((40, 40))
    picture[2:38, 2:20] = 1  # the left half of what the margin leaves
    picture[0] = 1
    lines = demo.drawn(digits_of([picture], margin=2), np.array([0]), np.eye(10)[:1], " .#")
    assert lines[:9] == ["#" * 9] * 9


def test_below_stand_the_answer_and_the_truth():
    digits = digits_of(np.zeros((2, 8, 8)))
    outputs = np.array([[0.75, 0.25], [0.5, 0.25]])
    *_, network, truth = demo.drawn(digits, np.array([0, 1]), outputs, demo.SHADES)
    assert network.split("  ") == ["network: 0 (0.75)", " network: 0 (0.50)"]
    assert truth.split() == ["truth:", "0", "truth:", "1", "wrong"]


@pytest.mark.parametrize("n_right", [0, 1, 2, 300, 450])
def test_four_are_drawn_a_wrong_one_among_them_where_there_is_one(n_right, capsys):
    digits = demo.bundled_digits()

    class Reader:
        best_epoch = 1

        def predict(self, X):
            said = digits.y_test + (np.arange(450) >= n_right)
            return np.eye(11)[said]

    demo._print_test(Reader(), digits)
    text = capsys.readouterr().out
    assert text.count("truth:") == 4
    assert text.count("wrong") == (0 if n_right == 450 else max(1, 4 - n_right))


# ---- As a process ----


PYNN = [sys.executable, "-P", "-m", "pynn"]  # -P: not from the folder that tests run in


def run(*arguments, **options):
    return subprocess.run([*PYNN, *arguments], capture_output=True, timeout=120, **options)


@pytest.fixture
def running_demo(ctrl_c_raises):
    """A demo that is far from its end, with a table of epochs coming out of it."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    command = [*PYNN, "demo", "--epochs", "1000000"]
    with subprocess.Popen(command, **pipes) as process:
        while process.stdout.readline().split()[:1] != [b"3/1000000"]:
            assert process.poll() is None
        yield process
        process.kill()


@pytest.mark.parametrize(
    ("encoding", "ink"),
    [pytest.param("ascii", b"@@", marks=only_long), ("utf-8", "██".encode())],
)
def test_it_draws_with_what_the_terminal_can_show(encoding, ink):
    environment = os.environ | {"PYTHONIOENCODING": encoding}
    done = run("demo", "--epochs", "1", env=environment)
    assert (done.returncode, done.stderr) == (0, b"")
    assert ink in done.stdout


def test_ctrl_c_ends_it_without_a_traceback(running_demo):
    running_demo.send_signal(signal.SIGINT)
    _, errors = running_demo.communicate(timeout=60)
    assert errors == b"\npynn: interrupted\n"
    assert running_demo.returncode == 130


def test_a_reader_that_leaves_ends_it_without_a_traceback(running_demo):
    running_demo.stdout.close()
    assert running_demo.stderr.read() == b""
    assert running_demo.wait(timeout=60) == 1


def test_config_prints_the_configuration():
    done = run("config")
    assert done.returncode == 0
    assert f"pynn             {pynn.__version__}" in done.stdout.decode()


# ---- Errors ----


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["dome"], "invalid choice: 'dome'"),
        (["demo", "--epochs", "0"], "must be an integer from 1 to 2147483647, got '0'"),
        (["demo", "--epochs", "ten"], "got 'ten'"),
        (["demo", "--seed", "-1"], "must be an integer from 0 to 4294967295, got '-1'"),
        (["demo", "--mnist", "absent.npz"], "No such file or directory: 'absent.npz'"),
    ],
)
def test_wrong_arguments_are_named(arguments, message, capsys):
    with pytest.raises(SystemExit) as exit_:
        main(arguments)
    assert exit_.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x_train": None}, "it has no x_train"),
        ({"x_test": np.zeros((5, 784), np.uint8)}, "x_test is uint8 (5, 784) instead of uint8"),
        ({"x_train": np.zeros((10, 28, 28))}, "x_train is float64 (10, 28, 28) instead of uint8"),
        ({"x_test": np.zeros((0, 28, 28), np.uint8)}, "x_test is uint8 (0, 28, 28) instead of"),
        ({"y_train": np.zeros(9, int)}, "y_train is int64 (9,) instead of integers (10,)"),
        ({"y_test": np.zeros(5)}, "y_test is float64 (5,) instead of integers (5,)"),
        ({"y_train": np.full(10, 10)}, "y_train goes from 10 to 10 instead of 0 to 9"),
        ({"y_test": np.array([None] * 5)}, "Object arrays cannot be loaded"),
    ],
)
def test_an_archive_that_is_not_mnist_is_refused(change, message, tmp_path, tiny_mnist, capsys):
    path = tmp_path / "wrong.npz"
    arrays = {name: array for name, array in (tiny_mnist | change).items() if array is not None}
    np.savez(path, **arrays)
    with pytest.raises(ValueError, match=re.escape(message)):
        demo.mnist_digits(path)
    with pytest.raises(SystemExit):
        main(["demo", "--mnist", str(path)])
    assert f"argument --mnist: {str(path)!r} is not MNIST" in capsys.readouterr().err


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 nothing more", b"some text", b"\x93NUMPY"])
def test_a_file_that_is_no_archive_is_refused(content, tmp_path):
    path = tmp_path / "wrong.npz"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"is not MNIST as an \.npz file"):
        demo.mnist_digits(path)


def test_a_single_array_is_refused(tmp_path):
    np.save(tmp_path / "one.npy", np.zeros(3))
    with pytest.raises(ValueError, match="it holds one array"):
        demo.mnist_digits(tmp_path / "one.npy")


def test_a_damaged_archive_is_refused(tmp_path, tiny_mnist):
    path = tmp_path / "damaged.npz"
    np.savez_compressed(path, **tiny_mnist)
    content = bytearray(path.read_bytes())
    content[200:900] = bytes(700)
    path.write_bytes(content)
    with pytest.raises(ValueError, match="is not MNIST"):
        demo.mnist_digits(path)
