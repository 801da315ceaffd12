"""Own data in the room Plane: points that are drawn, and tables."""

import random

import pytest

IRIS_IS_LEARNED = "document.getElementById('test-score').textContent.replace(' %', '') > 90"
GIVE = """([kind, text, name]) => {
  const dataTransfer = new DataTransfer();
  if (name) dataTransfer.items.add(new File([text], name));
  else dataTransfer.setData("text/plain", text);
  const options = {bubbles: true, cancelable: true, dataTransfer, clipboardData: dataTransfer};
  document.body.dispatchEvent(kind === "paste" ? new ClipboardEvent(kind, options)
    : new DragEvent(kind, options));
}"""


def passengers(n, seed=3):
    rng = random.Random(seed)
    lines = ["name,age,fare,class,sex,port,survived"]
    for i in range(n):
        age = rng.choice(["", rng.randrange(1, 80)])
        sex = rng.choice(["male", "female"])
        port = rng.choice(["Cherbourg", "Queenstown", "", "Hull"])
        survived = "yes" if rng.random() < (0.8 if sex == "female" else 0.2) else "no"
        lines.append(f'"No. {i}",{age},{rng.randrange(5, 90)},{i % 3 + 1},{sex},{port},{survived}')
    return "\n".join(lines)


def give(page, kind, text, name=""):
    page.tab.evaluate(GIVE, [kind, text, name])


def at(page, x, y):
    """Return the place of a point of the plane on the screen."""
    box = page.tab.locator("#surface").bounding_box()
    return box["x"] + box["width"] * (x + 3) / 6, box["y"] + box["height"] * (3 - y) / 6


def click(page, x, y, **options):
    page.tab.mouse.click(*at(page, x, y), **options)


def drag(page, *places):
    page.tab.mouse.move(*at(page, *places[0]))
    page.tab.mouse.down()
    for place in places[1:]:
        page.tab.mouse.move(*at(page, *place), steps=8)
    page.tab.mouse.up()


def n_points(page):
    return int(page.text("drawn-count").split(" of at most")[0])


def notes(page):
    return page.tab.locator("#table-notes").inner_text()


# ---- Points --------------------------------------------------------------------------------------


def drawing(page, link=""):
    page.follow(f"data=drawn&{link}")
    page.tab.wait_for_selector("#own-points:not([hidden])")


def test_points_of_three_classes_are_drawn_and_learned(page):
    drawing(page, "learningRate=0.1&speed=fast&share=90")
    for label, x in enumerate([-2, 0, 2]):
        page.tab.keyboard.press(str(label + 1))
        drag(page, (x, -2), (x + 0.3, 0), (x, 2))
    assert n_points(page) > 30
    assert page.text("shape") == "2–4–2–3"
    assert page.text("legend").split() == ["class", "0", "class", "1", "class", "2"]
    page.tab.click("#play")
    page.until("Number(document.getElementById('training-cost').title) < 0.05")


def test_a_stroke_is_undone_as_a_whole_and_the_link_holds_the_points(page):
    drawing(page)
    click(page, 1, 1)
    drag(page, (-2, 0), (2, 0))
    n = n_points(page)
    assert n > 8
    link = page.hash()
    page.tab.click("#undo")
    assert n_points(page) == 1
    page.tab.click("#redo")
    assert page.hash() == link
    page.tab.click("#epoch")
    page.until("document.getElementById('epochs').textContent === '1'")
    link, figures = page.hash(), page.figures()
    page.open(link[1:])
    page.until("document.getElementById('epochs').textContent === '1'")
    assert (page.hash(), page.figures(), n_points(page)) == (link, figures, n)


def test_points_are_erased_by_the_right_button_and_the_eraser(page):
    drawing(page)
    for x in (-2, 0, 2):
        click(page, x, 1)
    click(page, 0.05, 1.05, button="right")
    assert n_points(page) == 2
    page.tab.keyboard.press("x")
    drag(page, (-2.5, 1), (2.5, 1))
    assert page.text("drawn-count") == "Click or drag on the plane."
    page.tab.click("#undo")
    assert n_points(page) == 2
    page.tab.click("#clear-points")
    assert page.tab.is_disabled("#clear-points")


def test_the_keyboard_draws_and_erases(page):
    drawing(page)
    page.tab.focus("#surface")
    for key in ("ArrowRight", "Enter", "2", "ArrowUp", "ArrowUp", " "):
        page.tab.keyboard.press(key)
    assert n_points(page) == 2
    assert page.text("play-label") == "Play"
    assert "points=c8w8c08w9g1" in page.hash()
    page.tab.keyboard.press("Delete")
    page.tab.keyboard.press("Delete")
    assert n_points(page) == 1


def test_without_points_there_are_no_figures_and_training_says_why(page):
    drawing(page)
    assert page.text("training-cost") == page.text("training-score") == "–"
    page.tab.click("#play")
    page.until("!document.getElementById('notice').hidden")
    assert page.text("notice") == "There are no points to learn from: draw some."
    click(page, 0, 0)
    page.until("document.getElementById('training-cost').textContent !== '–'")
    assert page.text("test-cost") == "–"
    page.tab.keyboard.press("e")
    page.until("document.getElementById('epochs').textContent === '1'")


def test_points_have_numbers_for_regression(page):
    drawing(page)
    page.tab.select_option("#drawn-kind", "n")
    page.tab.focus("#drawn-value")
    page.tab.keyboard.press("Home")
    click(page, -1, 0)
    page.tab.focus("#drawn-value")
    page.tab.keyboard.press("End")
    click(page, 1, 0)
    page.until("document.getElementById('score-name').textContent === 'R²'")
    assert page.hash().endswith("&points=n5k8cdwb48cjg")
    page.tab.select_option("#drawn-kind", "c")
    assert page.text("legend").split() == ["class", "0", "class", "1"]


def test_a_data_set_is_copied_and_400_points_are_the_limit(page):
    drawing(page)
    for name in ("three", "moons", "hills"):
        page.tab.select_option("#drawn-from", name)
        assert n_points(page) == 200
    points = page.hash().split("points=n")[1]
    page.open(f"data=drawn&points=n{points}{points}")
    click(page, 0, 0)
    assert "There are 400 points, which is the limit" in page.text("notice")
    assert n_points(page) == 400


BAD_POINTS = ["", "c0", "cgpgp0", "c00008", "c8c8c9", "x", "n8c8c", "c" + "8c8c0" * 401]


def test_points_of_a_link_that_are_none_are_refused(page):
    page.open()
    for points in BAD_POINTS:
        page.go(f"data=drawn&points={points}")
        assert "points=" in page.text("notice"), points
        assert page.text("drawn-count") == "Click or drag on the plane.", points


# ---- Tables --------------------------------------------------------------------------------------


def test_the_first_table_is_learned(page):
    page.open("data=table&speed=fast")
    assert (page.text("table-name"), page.text("shape")) == ("Irises", "4–4–2–3")
    assert page.text("legend").split() == ["setosa", "versicolor", "virginica"]
    page.tab.click("#play")
    page.until(IRIS_IS_LEARNED)


@pytest.mark.parametrize("way", ["paste", "drop", "drop file", "file", "box"])
def test_a_table_is_pasted_dropped_or_opened(page, way, tmp_path):
    page.open("data=table")
    text = passengers(30)
    if way == "file":
        file = tmp_path / "passengers.csv"
        file.write_text(text)
        page.tab.set_input_files("#file", file)
    elif way == "box":
        page.tab.fill("#paste", text)
        page.tab.keyboard.press("Tab")
    else:
        give(page, way.split()[0], text, "passengers.csv" if "file" in way else "")
    page.until("document.getElementById('table-name').textContent !== 'Irises'")
    assert page.text("table-size") == "30 rows, 6 columns"
    assert page.text("shape") == "7–4–2–1"
    assert page.text("legend").split() == ["no", "yes"]
    assert "Left out: name (30 different words in 30 rows)." in notes(page)
    assert "Missing numbers are the mean of their column." in notes(page)
    assert "Where a word is missing, its inputs are all 0." in notes(page)


def test_columns_are_chosen_and_the_choices_are_undone(page):
    page.open("data=table")
    give(page, "paste", passengers(60))
    page.tab.uncheck("text=port (3)")
    assert page.text("shape") == "4–4–2–1"
    page.tab.select_option("#target", label="age")
    page.until("document.getElementById('score-name').textContent === 'R²'")
    assert "The target is scaled to −1 to 1" in notes(page)
    assert "Rows without a target are left out" in notes(page)
    page.tab.select_option("#x-column", label="class")
    page.tab.select_option("#y-column", label="class")  # the axes change places
    assert page.tab.locator("#x-column option:checked").inner_text() == "fare"
    page.tab.select_option("#use", "two")
    page.tab.check("text=xy")
    assert page.text("shape") == "3–4–2–1"
    link = page.hash()
    for _ in range(6):
        page.tab.click("#undo")
    assert page.text("shape") == "7–4–2–1"
    assert page.text("legend").split() == ["no", "yes"]
    for _ in range(6):
        page.tab.click("#redo")
    assert page.hash() == link


def test_few_whole_numbers_are_classes_or_numbers(page):
    page.open("data=table")
    give(page, "paste", "a,b\n" + "\n".join(f"{i}.5,{i % 3}" for i in range(40)))
    assert page.text("shape") == "2–4–2–3"
    assert page.text("legend").split() == ["0", "1", "2"]
    page.tab.select_option("#task", "numbers")
    assert page.text("shape") == "2–4–2–1"
    assert page.text("legend").split() == ["0", "2"]


def test_unscaled_columns_are_passed_as_they_are(page):
    page.open("data=table&layers=")
    give(page, "paste", "a,b,c\n" + "\n".join(f"{i}.5,{i % 7},{100 * i}" for i in range(40)))
    scaled = page.cost()
    page.tab.uncheck("#scale-columns")
    assert page.text("legend").split() == ["−3900", "3900"]
    page.until("Number(document.getElementById('training-cost').title) > 1000")
    assert scaled < 10


def test_a_network_has_at_most_32_inputs(page):
    page.open("data=table")
    rows = [",".join([f"a{i % 20}", f"b{i % 18}", str(i), "yn"[i % 2]]) for i in range(100)]
    give(page, "paste", "one,two,three,four\n" + "\n".join(rows))
    assert page.text("input-count") == "21 of at most 32 inputs"
    page.tab.locator("#column-list label", has_text="two").click()
    assert page.text("notice") == "These columns are 39 inputs; a network here has at most 32."
    assert page.text("shape") == "21–4–2–1"
    assert not page.tab.is_checked("#column-list label:nth-child(2) input")


def test_a_link_holds_a_small_table(page):
    page.open("data=table&layers=3.relu")
    give(page, "paste", passengers(80))
    page.tab.select_option("#target", label="fare")
    for _ in range(3):
        page.tab.click("#epoch")
    page.until("document.getElementById('epochs').textContent === '3'")
    link, figures = page.hash(), page.figures()
    page.open(link[1:])
    page.until("document.getElementById('epochs').textContent === '3'")
    page.until("document.getElementById('play-label').textContent === 'Play'")
    assert (page.hash(), page.figures()) == (link, figures)
    assert page.text("table-name") == "Table of a link"


def test_a_link_names_a_large_table_which_the_page_keeps(page):
    page.open("data=table")
    give(page, "drop", passengers(20_000), "many.csv")
    page.until("document.getElementById('table-name').textContent === 'many.csv'")
    assert notes(page).startswith("The link does not hold this table")
    assert "The plane shows the first 1,000 training and test points." in notes(page)
    page.tab.click("#epoch")
    page.until("document.getElementById('epochs').textContent === '1'")
    link = page.hash()
    assert len(link) < 1_000
    page.tab.evaluate("location.hash = 'data=circle'")
    page.until("document.getElementById('own-table').hidden")
    page.tab.evaluate("(link) => { location.hash = link; }", link)
    page.until("document.getElementById('table-name').textContent === 'many.csv'")
    page.open(link[1:])
    assert "which is too large for a link and must be opened again" in page.text("notice")
    assert page.tab.is_checked("[name=data][value=circle]")


def test_what_is_no_table_gives_a_message_and_changes_nothing(page, tmp_path):
    page.open("data=moons")
    link = page.hash()
    give(page, "paste", 'a,b\n1,"2\n')
    assert page.text("notice") == "In line 2, a quote is never closed."
    file = tmp_path / "large.csv"
    file.write_bytes(b"1,2\n" * 2_000_000)
    page.tab.set_input_files("#file", file)
    page.until("document.getElementById('notice').textContent.includes('8.0 MB; at most 5 MB')")
    file.write_bytes(bytes(range(256)) * 100)
    page.tab.set_input_files("#file", file)
    page.until("document.getElementById('notice').textContent.includes('no text in UTF-8')")
    give(page, "drop", "," * 1_000_000, "wide.csv")
    page.until("document.getElementById('notice').textContent.includes('more than 200 cells')")
    assert page.hash() == link


BAD_TABLES = [
    "table=x", "table=~0.0", "choices=1", "choices=4_classes_0_0_all_yes_",
    "choices=4_numbers_0_1_all_yes_0-1", "choices=0_numbers_1_2_all_yes_0-1",
    "choices=4_classes_-1_-1_two_yes_", "choices=9_numbers_0_1_two_yes_",
]  # fmt: skip


def test_tables_and_choices_of_a_link_that_are_none_are_refused(page):
    page.open()
    for link in BAD_TABLES:
        page.go(f"data=table&{link}")
        assert "Parts of the link are not valid" in page.text("notice"), link
        page.tab.click("#epoch")
        page.until("document.getElementById('epochs').textContent === '1'")


@pytest.mark.parametrize("data", ["drawn", "table"])
def test_own_data_does_not_scroll_sideways(page, data):
    page.open(f"data={data}")
    if data == "table":
        wide = ",".join(f"a column with the long name {i}" for i in range(30))
        rows = "\n".join(",".join(str(i * j % 11) for j in range(30)) for i in range(1, 40))
        give(page, "paste", f"{wide}\n{rows}")
    for width in (360, 500, 800, 1024, 1280, 1920):
        page.tab.set_viewport_size({"width": width, "height": 800})
        assert not page.scrolls_sideways(), width
