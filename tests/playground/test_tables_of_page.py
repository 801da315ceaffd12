"""Tables as the playground reads them: its modules, run in Chromium on texts of any kind."""

import random
import runpy

import pytest
from places import ROOT

JOIN = runpy.run_path(str(ROOT / "playground" / "join.py"))
MODULES = JOIN["joined"](JOIN["modules"](ROOT / "playground/page/plane/samples.mjs", []))
READ = """(text) => {
  try {
    const key = plane_tables.addTable(text, "a table"), table = plane_tables.tableOf(key);
    const columns = table.columns.map((column) => ({...column, values: [...column.values]}));
    return {key, n: table.n, columns, notes: table.notes};
  } catch (error) {
    if (error instanceof plane_csv.TableError) return {error: error.message};
    throw error;
  }
}"""


@pytest.fixture(scope="module")
def run(browser):
    """Return a function that calls a function of JavaScript, which sees the modules."""
    tab = browser.new_page()
    tab.add_script_tag(content=MODULES)
    yield tab.evaluate
    tab.close()


@pytest.fixture(scope="module")
def read(run):
    return lambda text: run(READ, text)


def names(table):
    return [column["name"] for column in table["columns"]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a,b\n1,2\n3,4\n", ["a", "b"]),
        ("1,2\n3,4\n", ["column 1", "column 2"]),
        ("colour,size\nred,big\nblue,small\n", ["colour", "size"]),
        ("red,big\nblue,small\nred,small\n", ["column 1", "column 2"]),
        ("RI,Na,Mg\n1.5,13.6,4.5\n1.6,13.8,3.6\n", ["RI", "Na", "Mg"]),
        (",b\n1,2\n3,4\n", ["column 1", "b"]),
    ],
)
def test_names_are_told_from_rows(read, text, expected):
    assert names(read(text)) == expected


@pytest.mark.parametrize("between", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_cells_are_between_any_of_four_signs_and_lines_end_in_any_way(read, between, end):
    lines = ["a|b", '"1"|"x ""y"""', "", "2.5|z", "3|z"]
    table = read(end.join(lines).replace("|", between))
    assert table["n"] == 3
    first, second = table["columns"]
    assert (first["kind"], first["values"]) == ("numbers", [1, 2.5, 3])
    assert (second["kind"], second["words"]) == ("words", ['x "y"', "z"])


def test_a_quoted_cell_may_hold_the_sign_and_the_end_of_a_line(read):
    table = read('a,b\n"x, or\ny",1\nz,2\nz,3,\n')
    assert table == {"error": "Line 5 has 3 cells, but the first row has 2."}
    assert read('a,b\n"x, or\ny",1\nz,2\n')["columns"][0]["words"] == ["x, or y", "z"]


def test_decimal_commas_are_read_where_cells_are_not_between_commas(read):
    table = read("a;b\n1,5;2\n-0,25;3\n")
    assert table["columns"][0]["values"] == [1.5, -0.25]
    assert read('a,b\n"1,5",2\n"2,5",3\n')["columns"][0]["kind"] == "words"


def test_a_column_has_its_figures_and_missing_cells(read):
    table = read("\ufeffa,b,c\n1,x,1e3\n?,,.5\n3,y,-2\nNA,null,+7.\n")
    a, b, c = table["columns"]
    assert (a["mean"], a["spread"], a["low"], a["high"], a["nMissing"]) == (2, 1, 1, 3, 2)
    assert (a["classes"], c["classes"]) == (["1", "3"], None)
    assert (b["words"], b["values"], b["nMissing"]) == (["x", "y"], [0, -1, 1, -1], 2)
    assert c["values"] == [1000, 0.5, -2, 7]


def test_columns_that_no_network_can_use_are_left_out_and_named(read):
    rows = "\n".join(f"person {i},{i},5,,{'x' if i == 7 else i}" for i in range(40))
    lines = f"who,n,same,empty,typo\n{rows}".split("\n")
    table = read("\n".join(f"{line},{'last' if i == 0 else i % 3}" for i, line in enumerate(lines)))
    assert table["notes"] == [
        "Left out: who (more than 32 different words).",
        "Left out: same (it is the same in all rows).",
        "Left out: empty (it is empty).",
        'Left out: typo (line 9 has "x", which is no number).',
    ]


HOSTILE = {
    "": "The table is empty.",
    "\n\n  \n": "The table is empty.",
    "a\n1\n2": "A table needs a target and an input",
    "a,b\n1,2": "The table has fewer than 2 rows",
    "a,b\n1,2\n3": "Line 3 has 1 cell, but the first row has 2.",
    'a,b\n1,"2\n3,4\n': "In line 2, a quote is never closed.",
    'a,b\n"1"x,2\n3,4\n': "In line 2, text follows a closing quote.",
    "a,b\n1,\x002\n": "This is no text in UTF-8",
    "\x89PNG\r\n\x1a\n": "This is no text in UTF-8",
    "a,b\n1,\ufffd\n": "This is no text in UTF-8",
    "," * 1_000_000: "Line 1 has more than 200 cells",
    "a,b\n" + "1,2\n" * 20_001: "The table has more than 20,000 rows",
    "1" * 5_000_001: "The table has 5.0 MB; at most 5 MB are read.",
    "\n".join(f"w{i % 10},v{i % 20}" for i in range(40)): "No column of the table can be a target",
    '"' * 400_001: "In line 1, a quote is never closed.",
    '="a",b\n': "The table has fewer than 2 rows",
}  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: repr(text[:20]))
def test_what_is_no_table_gives_a_message(read, text):
    assert read(text)["error"].startswith(HOSTILE[text])


def test_a_cell_of_millions_of_digits_is_a_word(read):
    table = read("a,b\n" + "1" * 4_000_000 + "x,2\n3,4")
    assert [len(word) for word in table["columns"][0]["words"]] == [60, 1]


def test_names_and_words_may_be_those_of_javascript_and_formulas_stay_text(read):
    table = read("__proto__,constructor,=1+1\n__proto__,1,=cmd()\ntoString,2,@x\n__proto__,3,@x\n")
    assert names(table) == ["__proto__", "constructor", "=1+1"]
    first, _, last = table["columns"]
    assert (first["words"], first["values"]) == (["__proto__", "toString"], [0, 1, 0])
    assert last["words"] == ["=cmd()", "@x"]


RANDOM = """(texts) => texts.map((text) => {
  let table;
  try {
    table = plane_table.readTable(plane_csv.parseCsv(text));
  } catch (error) {
    if (error instanceof plane_csv.TableError) return [error.message];
    throw error;
  }
  const key = plane_tables.addTable(text, "");
  const samples = plane_samples.samplesOf({
    data: "table", table: key, choices: "", share: 50, dataSeed: 1, features: ["x", "y"],
  });
  const all = [...samples.rows, ...samples.targets, ...samples.points];
  if (!all.every(Number.isFinite)) return ["not finite"];
  if (samples.rows.length !== samples.names.length * samples.labels.length) return ["sizes"];
  if (!plane_tables.isInLink(key)) return [];
  const rows = plane_tables.unpack(key);
  const again = plane_table.readTable({rows, lines: [], delimiter: ","}, true);
  const [before, after] = [table, again].map(({columns}) => JSON.stringify(columns));
  return before === after ? [] : ["unpacked otherwise"];
})"""


def test_tables_of_any_content_give_rows_or_a_message_and_links_hold_them(run):
    rng = random.Random(1)
    cells = ["1", "-2.5", "1e-7", "3e29", "x", "", "?", "a_b", "*", "%", "é", "__proto__", '"q"',
             "1,5", "😀", ".", "~", "0", "-0", "y z"]  # fmt: skip
    texts = []
    for _ in range(400):
        kinds = [rng.sample(cells, rng.randrange(1, 6)) for _ in range(rng.randrange(1, 6))]
        rows = [[rng.choice(kind) for kind in kinds] for _ in range(rng.randrange(1, 12))]
        if rng.random() < 0.7:
            rows.insert(0, [f"n{i}" for i in range(len(kinds))])
        between = rng.choice(",;")
        texts.append("\n".join(between.join(row) for row in rows))
    found = run(RANDOM, texts)
    assert sum(one == [] for one in found) > 40
    starts = ("A table needs", "The table has", "Line ", "In line ", "No column of")
    assert [one for one in found if one and not one[0].startswith(starts)] == []


@pytest.mark.parametrize(
    "key", ["a_1*b_1_2", "x", "a_%_1*b_1_2", "_" * 8000, "*" * 8000, "a_.9_.1*b_1_2"]
)
def test_a_packed_table_that_is_none_is_refused(run, key):
    assert run("(key) => plane_tables.keyOf(key) ?? null", key) is None
