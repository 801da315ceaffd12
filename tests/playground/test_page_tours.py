"""The lessons of the page: links to their steps, and what their sentences say about each state."""

import re

import pytest

LOG_2 = 0.6931


def lesson(page, step, steps=0):
    """Open a step of a lesson, and train its network until it has made this number of steps."""
    page.open(f"lesson={step}")
    if steps:
        page.until("location.hash.includes('steps=')")
        page.tab.evaluate(f"location.hash = location.hash.replace(/steps=\\d+/, 'steps={steps}')")
        page.until(f"document.getElementById('steps').textContent === '{steps:,}'")
    return page


def figures(page):
    """Return cost and accuracy (or R²) of the training points, and those of the others."""
    training_cost, test_cost, training_score, test_score = map(float, page.figures())
    return (training_cost, training_score), (test_cost, test_score)


def test_one_neuron_parts_two_clouds_by_a_line(page):
    (cost, accuracy), _ = figures(lesson(page, "neuron.1", 400))
    assert page.text("shape") == "2–1"
    assert cost < 0.1
    assert accuracy == 1


def test_one_neuron_only_guesses_on_a_circle(page):
    (cost, _), _ = figures(lesson(page, "neuron.2", 4000))
    assert cost == pytest.approx(LOG_2, abs=0.01)


def test_one_neuron_learns_a_circle_from_squares(page):
    (_, accuracy), _ = figures(lesson(page, "neuron.3", 400))
    assert accuracy == 1


def test_one_neuron_does_not_learn_xor(page):
    (cost, accuracy), (_, test_accuracy) = figures(lesson(page, "xor.1", 4000))
    assert cost == pytest.approx(LOG_2, abs=0.01)
    assert max(accuracy, test_accuracy) < 0.55


def test_one_hidden_neuron_classifies_7_of_10_points_of_xor(page):
    (_, accuracy), _ = figures(lesson(page, "xor.2", 4000))
    assert 0.68 < accuracy < 0.75


def test_four_hidden_neurons_classify_nearly_all_points_of_xor(page):
    (_, accuracy), _ = figures(lesson(page, "xor.3", 1000))
    assert accuracy > 0.95


def test_one_neuron_learns_xor_from_the_product(page):
    (_, accuracy), _ = figures(lesson(page, "xor.4", 1000))
    assert page.text("shape") == "1–1"
    assert accuracy > 0.98


def test_learning_rates_differ_after_100_epochs_as_the_lesson_says(page):
    costs = [figures(lesson(page, f"rate.{i}", 2000))[0] for i in (1, 2, 4)]
    assert page.text("epochs") == "100"
    (slow, r2), (good, _), (adam, _) = costs
    assert r2 < 0.5
    assert adam < good < slow / 3


def test_a_large_learning_rate_diverges_within_a_few_epochs(page):
    lesson(page, "rate.3").tab.click("#play")
    page.until("!document.getElementById('notice').hidden")
    assert page.text("notice").startswith("training diverged")
    assert int(page.text("epochs")) < 10


def test_a_large_network_learns_few_noisy_points_by_heart_without_remedies(page):
    _, (early, _) = figures(lesson(page, "overfitting.1", 400))
    (cost, accuracy), (late, _) = figures(lesson(page, "overfitting.1", 4000))
    _, (untrained, _) = figures(lesson(page, "overfitting.1"))
    assert page.text("shape") == "2–16–16–1"  # 48 + 272 + 17 = 337 weights and biases
    assert cost < 0.01
    assert accuracy == 1
    assert early < untrained
    assert late > 3 * early

    # a penalty, dropout and more data keep the test cost low
    (penalised, _), (with_penalty, _) = figures(lesson(page, "overfitting.2", 4000))
    (dropped, _), (with_dropout, _) = figures(lesson(page, "overfitting.3", 4000))
    (much, _), (with_data, _) = figures(lesson(page, "overfitting.4", 3600))
    assert min(penalised, dropped, much) > 0.1
    assert max(with_penalty, with_dropout, with_data) < late / 3


def test_a_large_learning_rate_kills_relus_for_good(page):
    lesson(page, "relu.1")
    for _ in range(5):
        page.tab.click("#epoch")
    page.until("document.getElementById('epochs').textContent === '5'")
    assert figures(page)[0][0] == pytest.approx(LOG_2, abs=0.01)
    assert "all 8 neurons are dead" in page.text("advice")
    (cost, _), _ = figures(lesson(page, "relu.2", 8000))
    assert page.tab.input_value("[data-field=learningRate]") == "0.1"
    assert cost == pytest.approx(LOG_2, abs=0.01)


def test_leaky_relus_recover(page):
    (cost, _), _ = figures(lesson(page, "relu.3"))
    assert cost > LOG_2
    (cost, accuracy), _ = figures(lesson(page, "relu.3", 6000))
    assert cost < 0.2
    assert accuracy > 0.95


def test_relus_learn_with_a_small_learning_rate(page):
    (_, accuracy), _ = figures(lesson(page, "relu.4", 2000))
    assert accuracy == 1


def answer(page, step):
    """Open a step of the lesson about digits; return what the network says."""
    page.follow(f"lesson={step}")
    page.until("document.getElementById('digit-answer').textContent !== '…'")
    return page.text("digit-answer")


def test_a_3_is_read_and_a_5_is_misread_as_the_lesson_says(page):
    assert answer(page, "digits.1").startswith("It is a 3, 99.")
    assert page.tab.inner_text("#digit-neuron-title") == "Layer 1, neuron 1"
    assert answer(page, "digits.2").startswith("It is a 3, 99.")
    assert re.match(r"It is a 3, 9\d\.\d % sure", answer(page, "digits.3"))


def test_ten_steps_teach_a_5_and_each_lowers_its_cost(page):
    assert answer(page, "digits.4").startswith("It is a 3")
    for _ in range(10):
        page.tab.click("[aria-label='This is a 5']")
        before, after = (
            float(page.tab.get_attribute(f"#digit-cost-{when}", "title"))
            for when in ("before", "after")
        )
        assert after < before
    assert page.text("digit-answer").startswith("It is a 5")


# ---- The panel ----


def test_buttons_lead_through_a_lesson_and_to_the_next(page):
    page.open()
    page.tab.click("#tours")
    page.tab.click("text=Xor needs a hidden layer")
    assert page.text("tour-place") == "1 of 4"
    assert page.tab.is_disabled("#tour-back")
    for place in ("2 of 4", "3 of 4", "4 of 4"):
        page.tab.click("#tour-next")
        page.until(f"document.getElementById('tour-place').textContent === '{place}'")
    assert page.text("tour-next") == "Next lesson"
    page.tab.click("#tour-next")
    page.until("document.getElementById('tour-title').textContent === 'The learning rate'")
    assert page.hash().endswith("&lesson=rate.1")


def test_a_lesson_stays_while_the_state_changes_and_in_its_link(page):
    page.open("lesson=xor.3")
    page.tab.click("#add-layer")
    link = page.hash()
    assert "lesson=xor.3" in link
    page.open(link[1:])
    assert page.text("shape") == "2–4–4–1"
    assert page.text("tour-place") == "3 of 4"
    page.tab.click("#tour-close")
    assert "lesson" not in page.hash()
    assert page.tab.is_hidden("#tour")
    assert page.text("shape") == "2–4–4–1"


def test_links_to_lessons_that_do_not_exist_open_the_page(page):
    page.open("lesson=xor.9")
    for link in ("lesson=xor.1", "lesson=constructor.1", "lesson=", "lesson=xor.1.1"):
        page.go(link)
        assert page.tab.is_visible("#tour") == (link == "lesson=xor.1"), link
        assert page.tab.is_hidden("#notice"), link


def test_nothing_jumps_between_steps_and_nothing_scrolls_sideways(page):
    page.open("lesson=neuron.1")
    for width in (360, 1024, 1600):
        page.tab.set_viewport_size({"width": width, "height": 800})
        heights = set()
        for step in ("neuron.1", "rate.4", "overfitting.1", "relu.1", "relu.3", "digits.4"):
            page.tab.evaluate("(step) => { location.hash = `lesson=${step}`; }", step)
            page.until(f"location.hash.endsWith('&lesson={step}')")
            heights.add(page.tab.evaluate("document.getElementById('tour').offsetHeight"))
            assert not page.scrolls_sideways(), (width, step)
        assert len(heights) == 1, (width, heights)
