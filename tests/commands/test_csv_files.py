"""CSV files as the commands read them: delimiters, encodings, and errors that name the line."""

import codecs
import gzip
import io
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pynn.commands import csv_files, lines
from pynn.commands.csv_files import CsvFile

GOOD = b"age,plan,left\n31,basic,yes\n47,plus,no\n,pro,yes\n"


def opened(content, **options):
    return CsvFile(io.BufferedReader(io.BytesIO(content)), "data.csv", **options)


def rows(content, n_rows=None, **options):
    file = opened(content, **options)
    found = []
    for block in file.blocks(n_rows):
        texts = [[column.labels[k] for k in column.codes] for column in block]
        found += map(list, zip(*texts, strict=True))
    return [file.names, *found]


EXPECTED = [line.split(",") for line in GOOD.decode().splitlines()]


@pytest.mark.parametrize("delimiter", csv_files.DELIMITERS)
def test_the_delimiter_is_recognised(delimiter):
    assert rows(GOOD.replace(b",", delimiter.encode())) == EXPECTED


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_all_line_ends_are_fine_and_blank_lines_are_no_rows(end):
    assert rows(GOOD.replace(b"\n", end) + end) == EXPECTED


@pytest.mark.parametrize("n_rows", [1, 2, 3, 4, None])
def test_blocks_have_all_rows_in_order(n_rows):
    assert rows(GOOD, n_rows) == EXPECTED


@pytest.mark.parametrize(
    "content",
    [codecs.BOM_UTF8 + GOOD, *(GOOD.decode().encode(name) for name in ("utf-16", "utf-8"))],
)
def test_a_byte_order_mark_tells_the_encoding(content):
    assert rows(content) == EXPECTED


def test_other_encodings_can_be_named():
    assert rows("naïve,a\n1,é\n".encode("latin-1"), encoding="latin-1")[1] == ["1", "é"]


def test_quotes_hold_delimiters_quotes_and_line_ends():
    assert rows(b'a,b\n"1,2","say ""no""\nor yes"\n')[1] == ["1,2", 'say "no"\nor yes']


def test_lines_are_counted_beyond_quoted_line_ends():
    (block,) = opened(b'a,b\n"1\n2",3\n\n4,5\n').blocks()
    assert block[0].lines.tolist() == [2, 5]


def test_spaces_after_a_delimiter_do_not_count():
    assert rows(b'a, b\n1, "x, y"\n') == [["a", "b"], ["1", "x, y"]]


def test_a_first_line_of_excel_says_the_delimiter():
    (block,) = opened(b"sep=;\r\na,b;c\r\n1,5;2\r\n").blocks()
    assert (block[0].name, block[0].labels, block[0].lines.tolist()) == ("a,b", ["1,5"], [3])


def test_a_column_without_a_name_is_called_by_its_place():
    assert opened(b",a,\n0,1,2\n").names == ["column 1", "a", "column 3"]


def test_a_blank_line_in_a_file_of_one_column_is_a_missing_value():
    assert rows(b"a\n1\n\n2\n") == [["a"], ["1"], [""], ["2"]]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "data.csv is empty"),
        (b"\n\n", "data.csv is empty"),
        (b"1,2\n3,4\n", "line 1 holds numbers, such as '1', instead of names"),
        (b"a,b,a\n1,2,3\n", "different names; repeated: 'a'"),
        (GOOD + b"1,2,3,4\n", "line 5: 4 fields, but the header has 3"),
        (GOOD + b"1\n", "line 5: 1 field, but the header has 3"),
        (GOOD + b'1,"2,3\n4,5,6\n', "line 5: a quote that opens in this row is never closed"),
        (GOOD + b'1,"2"2,3\n', "line 5: .*quotes inside a quoted text must be doubled"),
        (GOOD + b"1,2," + b"x" * 200_000, "line 5: a field has more than 131,072 characters"),
        (GOOD + b"1,\0,3\n", "line 5 holds a NUL byte"),
        (GOOD + b"1,\xe9t\xe9,3\n", "line 5: byte 0xe9 is not utf-8; .* --encoding latin-1"),
        (GOOD.decode().encode("utf-16") + b"x", "is not utf-16"),
        ("naïve,y\n".encode("utf-16-le"), "line 1 holds a NUL byte.*--encoding utf-16-le"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(content, message):
    with pytest.raises(ValueError, match=message):
        rows(content)


def test_a_file_without_line_ends_does_not_fill_the_memory(monkeypatch):
    monkeypatch.setattr(lines, "LONGEST", 100)
    with pytest.raises(ValueError, match="line 1 has more than 100 characters"):
        opened(b"x" * 1000)


def test_a_damaged_archive_says_after_which_line():
    content = gzip.compress(b"a,b\n" + np.random.default_rng(0).bytes(5000).hex().encode())[:-900]
    file = lines.uncompressed(io.BufferedReader(io.BytesIO(content)))
    with pytest.raises(ValueError, match=r"data\.csv is damaged after line"):
        list(lines.lines_of(file, "data.csv"))


@given(seed=st.integers(0, 2**32))
def test_mutated_bytes_are_read_or_refused_with_the_name_of_the_file(seed):
    rng = np.random.default_rng(seed)
    content = bytearray(GOOD * 3)
    odd = [b'"', b",", b"\n", b"\r", b"\0", b"\xff", b"\xef\xbb\xbf", b"\xff\xfe", b"", b";;"]
    for _ in range(rng.integers(1, 6)):
        place = rng.integers(len(content))
        content[place : place + rng.integers(0, 4)] = odd[rng.integers(len(odd))]
    try:
        found = rows(bytes(content), n_rows=2)
    except ValueError as error:
        assert re.match(r"data\.csv", str(error))  # noqa: PT017
    else:
        assert len({*map(len, found)}) == 1
