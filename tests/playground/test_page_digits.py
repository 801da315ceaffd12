"""The room Digits of the playground, in Chromium: drawing, reading and teaching."""

import base64
import random

import numpy as np
import pytest
from browsing import Page
from long import IS_LONG
from places import ROOT
from strokes import DIGITS, slanted

import pynn

FOLDER = ROOT / "playground" / "page" / "digits"
SIZES = [784, 16, 16, 10]


def shipped():
    """Return the network that ships with the page."""
    net = pynn.Network(
        SIZES, activation="sigmoid", output_activation="softmax", classes=range(10), random_state=0
    )
    net.parameters[:] = np.fromfile(FOLDER / "network.bin", "<f2")
    return net


class Digits(Page):
    """A tab that shows the room."""

    def open(self, link=""):
        """Open a link of the room, and wait until its drawing is read."""
        self.follow(f"room=digits&{link}")
        self.until("document.getElementById('digit-answer').textContent !== '…'")

    def draw(self, strokes):
        """Draw with the mouse on an empty pad."""
        if not self.tab.is_disabled("#digit-clear"):
            self.tab.click("#digit-clear")
        for points in strokes:
            self.stroke(points)

    def stroke(self, points):
        pad, mouse = self.tab.locator("#digit-pad"), self.tab.mouse
        pad.scroll_into_view_if_needed()
        box = pad.bounding_box()
        (first, *others) = [(box["x"] + x * box["width"], box["y"] + y * box["height"])
                            for x, y in points]  # fmt: skip
        mouse.move(*first)
        mouse.down()
        for place in others:
            mouse.move(*place)
        mouse.up()

    def pixels(self):
        """Return what the network gets."""
        script = """() => {
          const copy = new OffscreenCanvas(28, 28).getContext("2d");
          copy.drawImage(document.getElementById("digit-pixels"), 0, 0);
          return [...copy.getImageData(0, 0, 28, 28).data].filter((_, i) => i % 4 === 3);
        }"""
        return np.array(self.tab.evaluate(script), dtype=np.float32) / np.float32(255)

    def shares(self):
        script = """(bars) => bars.map((bar) => Number(bar.lastChild.title))"""
        return self.tab.eval_on_selector_all("#digit-bars li", script)

    def answer(self):
        return self.text("digit-answer")

    def costs(self):
        return [float(self.tab.get_attribute(f"#digit-cost-{when}", "title"))
                for when in ("before", "after")]  # fmt: skip


@pytest.fixture
def room(window, page_file):
    found = Digits(window, page_file)
    yield found
    found.close()


def test_the_shipped_network_reads_95_5_percent_of_mnist(mnist):
    _, _, X, y = mnist
    assert (FOLDER / "network.bin").stat().st_size == 26_004
    assert shipped().score(X, y) >= 0.955


def test_examples_are_read_but_for_the_last_four():
    levels = np.fromfile(FOLDER / "examples.bin", np.uint8)
    images = np.stack([levels >> 4, levels & 15], axis=1).reshape(-1, 784) / np.float32(15)
    found = shipped().predict_classes(images)
    assert found[:10].tolist() == list(range(10))
    assert len(found) == 14


def test_digits_drawn_with_the_mouse_are_read(room):
    room.open()
    for digit in range(10) if IS_LONG else (2, 5, 8):
        strokes = DIGITS[digit]
        room.draw(slanted(strokes, 0.2 * (digit % 2)))
        assert room.answer().startswith(f"It is a {digit},"), room.answer()


def test_outputs_are_those_of_python(room):
    room.open()
    room.draw(DIGITS[5])
    expected = shipped().predict(room.pixels()[None])[0]
    np.testing.assert_allclose(room.shares(), expected, rtol=1e-5, atol=1e-7)


def test_a_drawing_is_scaled_and_centred_as_in_mnist(room):
    room.open()
    room.draw([[(0.1 + x / 5, 0.75 + y / 5) for x, y in stroke] for stroke in DIGITS[3]])
    image = room.pixels().reshape(28, 28)
    rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
    assert 19 <= max(np.ptp(rows), np.ptp(columns)) + 1 <= 21
    middle = np.average(np.indices(image.shape), axis=(1, 2), weights=np.stack([image, image]))
    np.testing.assert_allclose(middle, 14, atol=0.6)
    assert room.answer().startswith("It is a 3,")


def test_a_step_lowers_the_cost_and_moves_numbers_as_the_gradient_of_python_says(room):
    room.open("rate=0.1")
    room.draw(DIGITS[1])
    room.tab.click("[aria-label='This is a 7']")
    net, x, y = shipped(), room.pixels()[None], [7]
    before, after = room.costs()
    assert after < before
    assert before == pytest.approx(net.cost(x, y), rel=1e-5)
    gradient = net.gradient(x, y)
    rows = room.tab.eval_on_selector_all(
        "#digit-moved-rows tr",
        "(rows) => rows.map((row) => [Number(row.dataset.index), row.title])",
    )
    sizes = np.sort(np.abs(gradient))[::-1]
    for (index, title), size in zip(rows, sizes, strict=False):
        nudge = float(title.split(",")[0].removeprefix("nudge "))
        assert nudge == pytest.approx(-gradient[index], rel=1e-4)
        assert abs(nudge) == pytest.approx(size, rel=1e-4)
    net.parameters[:] -= np.float32(0.1) * gradient
    assert after == pytest.approx(net.cost(x, y), rel=1e-4)
    np.testing.assert_allclose(room.shares(), net.predict(x)[0], rtol=1e-4, atol=1e-7)
    assert room.text("digit-taught") == "Changed by 1 step of yours."
    room.tab.click("#digit-forget")
    np.testing.assert_allclose(room.shares(), shipped().predict(x)[0], rtol=1e-5, atol=1e-7)


def test_nudges_are_the_negative_slopes_of_python(room):
    room.open("drawing=example.13&neuron=2.3")
    room.tab.click("[aria-label='This is a 7']")
    net, x = shipped(), room.pixels()[None]
    trace = net.trace(x, [7])
    nudge = -trace.deltas[1][0, 3]
    lists = room.tab.eval_on_selector_all(
        "#digit-nudges table",
        "(tables) => tables.map((of) => [...of.rows].map((row) => [...row.cells].map((cell) =>"
        " cell.textContent.replaceAll('−', '-'))))",
    )
    assert float(lists[0][0][1]) == pytest.approx(nudge, abs=6e-4)
    weights = np.sort(np.abs(nudge * trace.a[0][0]))[::-1]
    assert [abs(float(row[1])) for row in lists[1]] == pytest.approx(weights[:5], abs=6e-4)
    before = np.sort(np.abs(nudge * net.weights[1][:, 3]))[::-1]
    assert [abs(float(row[1])) for row in lists[2]] == pytest.approx(before[:5], abs=6e-4)
    room.tab.locator("#digit-diagram").press("ArrowRight")
    assert room.text("digit-neuron-title") == "Output 3"
    assert "should be 0" in room.text("digit-nudges")


def test_a_neuron_is_chosen_by_a_click_and_shows_its_sum(room):
    room.open("drawing=example.4")
    assert room.text("digit-neuron-title") == "Layer 1, neuron 1"
    trace = shipped().trace(room.pixels()[None], [4])
    assert f"a = sigmoid(z) = {trace.a[0][0, 0]:.3f}" in room.text("digit-sum")
    canvas = room.tab.locator("#digit-diagram")
    box = canvas.bounding_box()
    canvas.click(position={"x": box["width"] - 38, "y": box["height"] / 2 + 0.5 * 34})
    assert room.text("digit-neuron-title") == "Output 5"
    assert room.tab.locator("#digit-weight-rows tr").count() == 16


def test_a_link_holds_the_drawing_the_neuron_and_what_was_taught(room):
    room.open("neuron=2.5")
    room.draw(DIGITS[4])
    room.tab.click("[aria-label='This is a 9']")
    room.tab.click("[aria-label='This is a 9']")
    link, shares, costs = room.hash(), room.shares(), room.costs()
    assert len(link) < 2000
    room.open(link[1:].replace("room=digits&", ""))
    assert (room.hash(), room.shares(), room.costs()) == (link, shares, costs)
    assert room.text("digit-neuron-title") == "Layer 2, neuron 6"


def test_strokes_and_steps_are_undone_and_redone(room):
    room.open("drawing=")
    room.draw(DIGITS[4])
    both = room.pixels()
    room.tab.click("#digit-undo")
    one = room.pixels()
    assert 0 < one.sum() < both.sum() * 2
    assert not np.array_equal(one, both)
    room.tab.keyboard.press("Control+Shift+Z")
    np.testing.assert_array_equal(room.pixels(), both)
    shares = room.shares()
    room.tab.click("[aria-label='This is a 1']")
    assert room.shares() != shares
    room.tab.keyboard.press("Control+Z")
    assert room.shares() == shares
    assert room.text("digit-taught") == "The network is as it was trained."
    for _ in range(2):
        room.tab.keyboard.press("Control+Z")
    assert room.answer() == "Nothing is drawn yet."
    assert room.tab.is_disabled("[aria-label='This is a 1']")


def test_a_digit_is_drawn_with_the_keyboard(room):
    room.open()
    room.tab.focus("#digit-pad")
    keys = ["Shift+ArrowUp"] * 3 + [" "] + ["Shift+ArrowDown"] * 6 + [" "]
    for key in keys:
        room.tab.keyboard.press(key)
    assert room.answer().startswith("It is a 1,")


def test_a_digit_is_drawn_with_a_finger(browser, page_file):
    room = Digits(browser, page_file, has_touch=True, viewport={"width": 360, "height": 740})
    room.open("drawing=")
    box = room.tab.locator("#digit-pad").bounding_box()
    session = room.tab.context.new_cdp_session(room.tab)
    x = box["x"] + box["width"] / 2
    touch = lambda kind, *points: session.send(  # noqa: E731
        "Input.dispatchTouchEvent", {"type": kind, "touchPoints": list(points)}
    )
    touch("touchStart", {"x": x, "y": box["y"] + 40})
    for y in range(50, 260, 10):
        touch("touchMove", {"x": x, "y": box["y"] + y})
    touch("touchEnd")
    assert room.answer().startswith("It is a 1,")
    assert room.tab.evaluate("scrollY") == 0
    room.close()


def test_a_drawing_with_too_many_points_takes_no_more(room):
    points = bytes([1, *divmod(2000, 256)]) + bytes(range(0, 200)) * 20
    link = base64.urlsafe_b64encode(points).decode().rstrip("=")
    room.open(f"drawing={link}")
    full = room.pixels()
    room.stroke(DIGITS[1][0])
    assert room.text("notice").startswith("A drawing has at most 2,000 points")
    np.testing.assert_array_equal(room.pixels(), full)
    room.tab.click("#digit-clear")
    room.stroke(DIGITS[1][0])
    assert room.answer().startswith("It is a 1,")


def test_what_is_not_valid_in_a_link_is_named_and_has_its_default(room):
    room.open("drawing=AAAA&neuron=3.12&rate=7&taught=1.2&pen=1")
    message = room.text("notice")
    assert "drawing=AAAA, neuron=3.12, rate=7" in message
    assert room.answer().startswith("It is a 3,")


def test_links_of_any_content_leave_a_room_that_works(room):
    room.open()
    rng = random.Random(1)
    parts = [*"=&.-%#*_", "drawing=", "taught=", "neuron=", "example", "AAEBAQ", "9" * 300, "%00",
             "é", "__proto__", "3.1", "7.2.example.4", "<b>", "1e3", "AAAB"]  # fmt: skip
    links = ["room=digits&" + "".join(rng.choices(parts, k=rng.randrange(1, 12)))
             for _ in range(1000 if IS_LONG else 60)]  # fmt: skip
    room.go_through(links)
    room.draw(DIGITS[0])
    assert room.answer().startswith("It is a 0,")


def test_rooms_keep_their_state_while_the_other_is_shown(room):
    room.open("drawing=example.6")
    room.tab.click("[data-tab=plane]")
    room.until("document.getElementById('training-cost').title !== ''")
    assert room.tab.is_hidden("#digit-pad")
    room.tab.click("[data-tab=digits]")
    assert "drawing=example.6" in room.hash()
    assert room.answer().startswith("It is a 6,")


def test_the_colours_are_switched_in_both_rooms(room):
    room.open("drawing=example.2")
    picture = "document.getElementById('digit-weight-grid').toDataURL()"
    before = room.tab.evaluate(picture)
    room.tab.select_option("#digit-palette", "green-red")
    assert room.tab.evaluate(picture) != before
    assert "palette=green-red" in room.hash()
    room.tab.click("[data-tab=plane]")
    room.until("document.getElementById('training-cost').title !== ''")
    assert room.tab.input_value("[data-field=palette]") in room.hash()


def test_nothing_scrolls_sideways_in_the_room(room):
    room.open("drawing=example.13&neuron=2.3&taught=7.1.example.13")
    for neuron in ("1.0", "2.3", "3.7"):
        room.tab.evaluate(f"location.hash = location.hash.replace(/neuron=.../, 'neuron={neuron}')")
        for width in (360, 500, 640, 1121, 1920):
            room.tab.set_viewport_size({"width": width, "height": 800})
            assert not room.scrolls_sideways(), (neuron, width)
