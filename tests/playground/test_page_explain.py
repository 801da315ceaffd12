"""The panel "Explain this step" has the lines of `trace().text()`, and asks for their numbers."""

import re

import numpy as np
import pytest
from page_files import saved

import pynn

EXPLAINED = {
    "two classes, cross-entropy": "steps=200&explain=3",
    "squared error, sigmoid, SGD": (
        "cost=squared_error&layers=4.sigmoid-3.silu&rule=sgd&learningRate=0.1&steps=200&explain=8"
    ),
    "three classes, no hidden layer": "data=three&layers=&explain=2&steps=40",
    "three classes, squared error": "data=three&cost=squared_error&layers=3.elu&explain=5&steps=40",
    "regression, many neurons": "data=hills&layers=9.relu-6.gelu&explain=400&steps=40",
    "saturated": "data=gaussians&layers=2.tanh&learningRate=1&rule=adam&steps=2000&explain=1",
    "softplus, mish, selu": "layers=2.softplus-3.mish-2.selu-2.leaky_relu&steps=20&explain=7",
}

LINES = """() => Array.from(document.querySelectorAll("#explain-text .part"), (part) => [
  part.querySelector("h3").textContent,
  ...Array.from(part.querySelectorAll(".rule"), (rule) => rule.textContent),
  ...Array.from(part.querySelectorAll(".label"), (label) => (
    `${label.textContent} ${label.nextElementSibling.textContent}`.trim())),
])"""


def lines(page):
    """Return the lines of each part."""
    page.until("document.querySelector('#explain-text .part')")
    return page.tab.evaluate(LINES)


def traced(net, page, **options):
    """Return the lines of Python for the example of the page, whose numbers its script holds."""
    row = int(page.tab.input_value("#example")) - 1
    page.tab.click("#code-open")
    page.tab.wait_for_selector("#code[open]")
    script = page.tab.input_value("#code-text")
    page.tab.click("#code-close")
    data, found = script[script.index("import numpy") : script.index("net = ")], {}
    exec(data, found)
    X, y = (found[name][row : row + 1].astype(np.float32) for name in ("X", "targets"))
    text = net.trace(X, y).text(**options)
    return [[re.sub(" +", " ", line.strip()) for line in part.split("\n")]
            for part in text.split("\n\n")]  # fmt: skip


def stopped(page):
    page.until("document.getElementById('play-label').textContent === 'Play'")


def step_to(page, steps):
    page.until(f"document.getElementById('steps').textContent === '{steps}'")


@pytest.mark.parametrize("case", EXPLAINED)
def test_the_lines_are_those_of_python_to_the_letter(page, tmp_path, case):
    link = EXPLAINED[case]
    page.open(link)
    step_to(page, f"{int(re.search('steps=([0-9]+)', link)[1]):,}")
    stopped(page)
    rate = 0.1 if "rule=sgd" in link else None
    net = pynn.Network.load(saved(page, tmp_path))
    for limit in ("4", "32"):
        page.tab.select_option("#explain-terms", limit)
        n = int(limit)
        expected = traced(net, page, max_neurons=n, max_terms=n, learning_rate=rate)
        assert lines(page) == expected


def test_the_example_is_chosen_by_buttons_by_its_number_and_by_a_click_on_its_point(page):
    page.open("explain=3")
    page.tab.click("#example-after")
    page.until("document.getElementById('example').value === '4'")
    page.tab.click("#example-before")
    page.tab.click("#example-before")
    page.until("document.getElementById('example').value === '2'")
    page.tab.fill("#example", "400")
    page.until("document.getElementById('explain-of').textContent === 'of 400 (test)'")
    assert page.tab.is_disabled("#example-after")
    assert "explain=400&" in page.hash()
    first = lines(page)[0]
    box = page.tab.locator("#surface").bounding_box()
    page.tab.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.until("document.getElementById('example').value !== '400'")
    page.until(f"document.querySelector('.part').innerText.indexOf('{first[1][9:]}') < 0")


def test_arrow_keys_go_from_number_to_number_and_say_where_each_one_is(page):
    page.open("explain=1")
    lines(page)
    page.tab.focus("#explain-text")
    said = []
    for key in ("ArrowDown", "ArrowDown", "ArrowDown", "ArrowRight", "ArrowLeft", "ArrowUp", "End"):
        page.tab.keyboard.press(key)
        said.append(page.text("explain-term").split(":")[0])
    assert said == [
        "x of input 1", "x of input 2", "x of input 1",
        "weight from input 1 to neuron 1 of layer 1", "x of input 1", "x of input 2",
        "∂C/∂b of the bias of neuron 4 of layer 1",
    ]  # fmt: skip
    page.tab.keyboard.press("Escape")
    assert page.text("explain-term").startswith("Arrow keys")


MARKS = "document.querySelector('#diagram + .overlay').toDataURL()"


def test_a_number_is_marked_in_the_diagram_while_it_is_looked_at(page):
    page.open("explain=1")
    lines(page)
    blank = page.tab.evaluate(MARKS)
    page.tab.hover(".term >> nth=4")
    weight = page.tab.evaluate(MARKS)
    page.tab.hover(".term >> nth=5")
    neuron = page.tab.evaluate(MARKS)
    page.tab.hover("h1")
    assert page.tab.evaluate(MARKS) == blank
    assert len({blank, weight, neuron}) == 3


def test_a_step_of_training_gives_new_numbers_and_play_dims_the_old_ones(page):
    page.open("explain=1")
    before = lines(page)
    page.tab.focus("#explain-text")
    page.tab.keyboard.press("s")
    step_to(page, 1)
    page.until("document.querySelectorAll('#explain-text .term').length > 0")
    assert lines(page) != before
    page.tab.click("#play")
    page.until("document.getElementById('explain').className === 'stale'")
    page.tab.click("#play")
    stopped(page)
    page.until("document.getElementById('explain').className === ''")


def test_numbers_are_asked_for_before_they_are_shown(page):
    page.open("explain=1&ask=yes")
    assert page.text("quiz-question") == "What is z of neuron 1 of layer 1?"
    shown = lines(page)
    assert shown[-1][-1].endswith("= ?")
    assert len(shown) == 2
    page.tab.fill("#quiz-answer", "12345")
    page.tab.keyboard.press("Enter")
    assert page.text("quiz-result").startswith("Not 12345: z = ")
    z = re.search("z = (.*)[.] 0 of 1", page.text("quiz-result"))[1].replace("−", "-")
    assert page.text("quiz-question") == "What is a of neuron 1 of layer 1?"
    page.tab.fill("#quiz-answer", f"{np.tanh(float(z)):.3g}".replace(".", ","))
    page.tab.keyboard.press("Enter")
    assert page.text("quiz-result").startswith("Right: a = ")
    assert page.text("quiz-result").endswith("1 of 2 right.")
    page.tab.fill("#quiz-answer", "a lot")
    page.tab.keyboard.press("Enter")
    assert page.text("quiz-result").startswith("Type a number")
    page.tab.click("#quiz-show")
    assert page.text("quiz-result").startswith("It is z = ")
    page.tab.select_option("#explain-part", label="Back to the inputs")
    assert page.text("quiz-question") == "What is ∂C/∂x of input 1?"
    page.tab.click("#quiz-end")
    page.until("document.getElementById('quiz').hidden")
    assert "ask=no&" in page.hash()
    assert len(lines(page)) == 12  # inputs, 3 × forward, cost, 3 × back, inputs, 3 × gradient


def test_the_last_number_ends_the_questions(page):
    page.open("layers=&features=x&explain=1&ask=yes")
    for _ in range(20):
        if page.text("quiz-question") == "That was the last number.":
            break
        page.tab.click("#quiz-show")
    assert page.text("quiz-question") == "That was the last number."
    assert lines(page)[-1][-1].startswith("bias of neuron 1 of layer 1: ∂C/∂b = ")


def test_the_panel_opens_and_closes_and_is_part_of_the_link(page):
    page.open()
    assert not page.tab.is_visible("#explain")
    page.tab.click("#explain-open")
    page.until("location.hash.includes('explain=1&')")
    assert page.tab.is_visible("#explain")
    page.tab.click("#explain-close")
    page.until("location.hash.includes('explain=0&')")
    assert not page.tab.is_visible("#explain")
    page.open("explain=20000")
    page.until("document.getElementById('example').value === '400'")


@pytest.mark.parametrize("link", ["explain=1", "explain=1&ask=yes&layers=16.relu-16.tanh"])
def test_the_panel_does_not_scroll_the_page_sideways(page, link):
    page.open(link)
    for width in (360, 500, 800, 1280, 1920):
        page.tab.set_viewport_size({"width": width, "height": 740})
        assert not page.scrolls_sideways(), width
        wide = page.tab.evaluate(
            "document.getElementById('explain-text').scrollWidth"
            " > document.getElementById('explain-text').clientWidth"
        )
        assert not wide, width
