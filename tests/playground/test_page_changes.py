"""What is changed while a network trains is part of the link, which replays it."""


def step_to(page, steps):
    page.until(f"document.getElementById('steps').textContent === '{steps}'")


def stopped_at(page, steps):
    step_to(page, steps)
    page.until("document.getElementById('play-label').textContent === 'Play'")


def choose(page, name, value):
    page.tab.select_option(f"[data-field={name}]", value)


def change_on_the_way(page):
    """Change the settings of training after 20, 21 and 41 steps."""
    page.tab.click("#epoch")
    step_to(page, 20)
    choose(page, "learningRate", "0.1")
    page.tab.click("#step")
    step_to(page, 21)
    choose(page, "rule", "rprop")
    choose(page, "batchSize", "20")
    choose(page, "dropout", "0.1")
    page.tab.click("#epoch")
    page.tab.click("#epoch")
    step_to(page, 41)
    choose(page, "learningRate", "0.03")
    page.tab.click("#step")
    step_to(page, 42)


def test_a_link_replays_settings_that_changed_on_the_way(page):
    page.open()
    change_on_the_way(page)
    link, figures = page.hash(), page.figures()
    assert "steps=42&" in link
    changes = link.split("changes=")[1].split("_")
    assert "20*learningRate*0.1" in changes
    assert "41*learningRate*0.03" in changes
    assert "0*learningRate*0.01" in changes  # as it was at the start
    page.open(link[1:])
    stopped_at(page, 42)
    assert (page.hash(), page.figures()) == (link, figures)
    assert page.tab.input_value("[data-field=learningRate]") == "0.03"


def test_undo_of_a_setting_trains_again_without_it(page):
    page.open()
    for _ in range(2):
        page.tab.click("#epoch")
    step_to(page, 40)
    link, figures = page.hash(), page.figures()
    page.tab.click("#rewind")
    step_to(page, 0)
    page.tab.click("#epoch")
    step_to(page, 20)
    choose(page, "learningRate", "0.1")
    page.tab.click("#epoch")
    step_to(page, 40)
    changed = page.hash(), page.figures()
    assert changed[1] != figures
    page.tab.click("#undo")
    page.until(f"document.getElementById('training-cost').title === '{figures[0]}'")
    stopped_at(page, 40)
    assert (page.hash(), page.figures()) == (link, figures)
    page.tab.click("#redo")
    page.until(f"document.getElementById('training-cost').title === '{changed[1][0]}'")
    stopped_at(page, 40)
    assert (page.hash(), page.figures()) == changed


def test_rewind_keeps_the_settings_and_forgets_what_they_were(page):
    page.open()
    page.tab.click("#epoch")
    step_to(page, 20)
    choose(page, "learningRate", "0.1")
    page.tab.click("#rewind")
    step_to(page, 0)
    assert "learningRate=0.1&" in page.hash()
    assert "changes" not in page.hash()


def test_a_weight_of_a_link_has_its_value_at_its_step(page):
    page.open("layers=&features=x&changes=0*0*2.5_0*1*-0.5")
    page.tab.focus("#diagram")
    page.tab.keyboard.press("ArrowRight")
    assert page.text("neuron") == "Output: bias −0.50; weights x 2.50"
    assert "changes=0*0*2.5_0*1*-0.5" in page.hash()


def test_a_pause_on_the_way_of_a_link_shows_the_settings_that_are_in_force(page):
    changes = "0*learningRate*0.01_900000*learningRate*0.1"
    page.open(f"layers=16.tanh-16.tanh&steps=900000&changes={changes}")
    page.until("Number(document.getElementById('steps').textContent.replace(',', '')) > 0")
    page.tab.click("#play")
    page.until("document.getElementById('play-label').textContent === 'Play'")
    page.until("!location.hash.includes('steps=900000')")
    assert "learningRate=0.01&" in page.hash()
    assert "900000" not in page.hash()
    assert page.tab.input_value("[data-field=learningRate]") == "0.01"


BAD_CHANGES = [
    "5*rule*sgd", "0*rule*best", "0*0*1e9", "0*0*NaN", "0*0", "0*0*1*2", "2*0*1_1*0*1",
    "_".join(["0*0*1"] * 201), "0*seed*3", "0*__proto__*3", "x*0*1", "0*-1*1", "0*0*.5",
]  # fmt: skip


def test_changes_that_are_not_valid_are_named_and_left_out(page):
    page.open()
    for changes in BAD_CHANGES:
        page.go(f"steps=3&changes={changes}")
        stopped_at(page, 3)
        assert "changes" in page.text("notice"), changes
        assert "changes" not in page.tab.evaluate("location.hash"), changes


def test_a_change_of_a_weight_that_the_network_does_not_have_is_named(page):
    page.open("changes=0*25*1")
    page.until("!document.getElementById('notice').hidden")
    assert "parameter 25" in page.text("notice")
    assert "changes" not in page.hash()


def test_a_link_names_no_step_where_there_are_too_many_changes(page):
    page.open("steps=1&changes=" + "_".join(f"0*{i % 5}*{i}" for i in range(200)))
    stopped_at(page, 1)
    assert "steps=1&" in page.hash()
    choose(page, "learningRate", "0.1")
    page.tab.click("#step")
    step_to(page, 2)
    assert "steps=0&" in page.hash()
    assert "changes" not in page.hash()


def value_of(page):
    return float(page.tab.input_value("#edit-value"))


def test_a_clicked_link_is_edited_and_undone(page):
    page.open("layers=&features=x&seed=3")
    page.tab.click("#epoch")
    step_to(page, 20)
    figures = page.figures()
    assert page.tab.is_disabled("#edit-value")
    box = page.tab.locator("#diagram").bounding_box()
    page.tab.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2 + 2)
    assert page.tab.input_value("#edit-which") == "0"
    assert page.text("neuron").startswith("Weight from input x to output: ")
    page.tab.fill("#edit-value", "-2.25")
    page.tab.press("#edit-value", "Enter")
    page.until("document.getElementById('neuron').textContent.endsWith('−2.25')")
    assert page.figures() != figures
    assert "changes=20*0*-2.25" in page.hash()
    page.tab.click("#undo")
    page.until(f"document.getElementById('training-cost').title === '{figures[0]}'")
    assert "changes" not in page.hash()


def test_keys_edit_a_bias_and_a_weight(page):
    page.open()
    page.tab.focus("#diagram")
    for key in ("ArrowRight", "ArrowDown", "Enter"):
        page.tab.keyboard.press(key)
    assert page.tab.evaluate("document.activeElement.id") == "edit-value"
    page.tab.keyboard.type("0.5")
    page.tab.keyboard.press("Enter")
    page.until("document.getElementById('neuron').textContent.includes('bias 0.50')")
    page.tab.select_option("#edit-which", label="Weight from input y")
    page.tab.fill("#edit-value", "1e-3")
    page.tab.keyboard.press("Enter")
    page.until("document.getElementById('neuron').textContent.endsWith(': 0.00')")
    assert value_of(page) == 0.001
    assert "changes=0*9*0.5_0*5*0.001" in page.hash()
    page.tab.keyboard.press("Escape")
    page.tab.keyboard.press("Escape")
    assert page.tab.is_disabled("#edit-value")


def test_a_link_replays_edited_weights(page):
    page.open("layers=3.relu&rule=momentum&dropout=0.1")
    for steps, value in ((20, "0.75"), (40, "-1.5")):
        page.tab.click("#epoch")
        step_to(page, steps)
        page.tab.focus("#diagram")
        page.tab.keyboard.press("Escape")
        page.tab.keyboard.press("ArrowRight")
        page.tab.fill("#edit-value", value)
        page.tab.press("#edit-value", "Enter")
    page.tab.click("#step")
    step_to(page, 41)
    link, figures = page.hash(), page.figures()
    assert "changes=20*6*0.75_40*6*-1.5" in link
    page.open(link[1:])
    stopped_at(page, 41)
    assert (page.hash(), page.figures()) == (link, figures)


def test_a_weight_out_of_range_is_named_and_not_taken(page):
    page.open()
    page.tab.focus("#diagram")
    page.tab.keyboard.press("ArrowRight")
    before = value_of(page)
    for given, got in (("1001", "1001"), ("", "none")):
        page.tab.fill("#edit-value", given)
        page.tab.press("#edit-value", "Enter")
        assert page.text("notice").endswith(f"from −1000 to 1000; got {got}")
        assert value_of(page) == before
    assert "changes" not in page.hash()


def test_an_edit_while_training_is_part_of_the_link(page):
    page.open("layers=&features=x&speed=slow")
    page.tab.focus("#diagram")
    page.tab.keyboard.press("ArrowRight")
    page.tab.click("#play")
    page.until("Number(document.getElementById('steps').textContent) > 2")
    page.tab.fill("#edit-value", "3")
    page.tab.press("#edit-value", "Enter")
    choose(page, "learningRate", "0.3")
    page.tab.wait_for_timeout(300)
    page.tab.click("#play")
    page.until("document.getElementById('play-label').textContent === 'Play'")
    link, figures = page.hash(), page.figures()
    assert "*1*3" in link
    assert "*learningRate*0.3" in link
    page.open(link[1:])
    page.until(f"document.getElementById('training-cost').title === '{figures[0]}'")
    assert page.hash() == link


def test_epochs_are_counted_on_where_the_rule_changes(page):
    page.open()
    page.tab.click("#epoch")
    step_to(page, 20)
    choose(page, "rule", "sgd")
    page.tab.click("#epoch")
    step_to(page, 40)
    assert page.text("epochs") == "2"
