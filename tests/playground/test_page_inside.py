"""Where training stops, and what the page shows of the inside of a network."""

import itertools
import json
import shutil
import subprocess

import pytest
from places import ROOT


def stopped(page):
    page.until("document.getElementById('play-label').textContent === 'Play'")


def confusion(page):
    cells = page.tab.locator("#confusion td[data-cell]").all_inner_texts()
    side = round(len(cells) ** 0.5)
    return [[int(cell) for cell in cells[i * side : (i + 1) * side]] for i in range(side)]


@pytest.mark.parametrize("speed", ["medium", "fast"])
def test_training_stops_at_an_epoch_and_goes_on_from_there(page, speed):
    page.open(f"speed={speed}")
    page.tab.fill("[data-field=stopEpoch]", "7")
    page.tab.click("#play")
    page.until("document.getElementById('epochs').textContent === '7'")
    stopped(page)
    assert page.text("steps") == "140"
    page.tab.click("#play")
    page.until("Number(document.getElementById('epochs').textContent) > 7")


def test_training_stops_after_the_first_epoch_whose_cost_is_low_enough(page):
    page.open("speed=fast&stopCost=0.1")
    page.tab.click("#play")
    page.until("Number(document.getElementById('training-cost').title) <= 0.1")
    stopped(page)
    epochs = int(page.text("epochs"))
    assert page.text("steps") == str(20 * epochs)
    page.open(f"steps={20 * (epochs - 1)}")
    page.until(f"document.getElementById('epochs').textContent === '{epochs - 1}'")
    assert page.cost() > 0.1


def test_an_empty_field_stops_at_no_epoch(page):
    page.open("stopEpoch=5")
    page.tab.fill("[data-field=stopEpoch]", "")
    assert "stopEpoch=0&" in page.hash()
    assert page.tab.input_value("[data-field=stopEpoch]") == ""


def test_a_link_is_followed_beyond_the_epoch_to_stop_at(page):
    page.open("stopEpoch=2&steps=100")
    page.until("document.getElementById('steps').textContent === '100'")


def test_the_confusion_matrix_counts_all_points_of_each_class(page):
    page.open("data=three&noise=50&steps=200&layers=4.tanh")
    page.until("document.getElementById('steps').textContent === '200'")
    stopped(page)
    for which, name in (("0", "training-score"), ("1", "test-score")):
        page.tab.select_option("#confusion-of", which)
        counts = confusion(page)
        assert len(counts) == 3
        assert sum(map(sum, counts)) == 200
        right = sum(counts[i][i] for i in range(3))
        assert float(page.tab.get_attribute(f"#{name}", "title")) == right / 200


def test_regression_has_no_confusion_matrix(page):
    page.open("data=hills")
    assert page.tab.is_hidden("#confusion")
    page.tab.check("[name=data][value=moons]")
    page.until("!document.getElementById('confusion').hidden")
    assert len(confusion(page)) == 2


def advice(page):
    return page.tab.inner_text("#advice")


def test_a_network_that_is_fine_gets_no_advice(page):
    page.open()
    assert advice(page) == "No unit is dead or saturated, and gradients reach all layers."


def test_dead_units_are_named(page):
    changes = "_".join(f"0*{place}*{value}" for place, value in ((0, 0), (3, 0), (6, -1)))
    page.open(f"layers=3.relu&changes={changes}")
    page.until("document.getElementById('advice').textContent.includes('dead')")
    assert advice(page).startswith("Layer 1: neuron 1 is dead: 0 for all points")
    assert "leaky relu" in advice(page)


def test_saturated_units_are_named(page):
    changes = "_".join(f"0*{place}*900" for place in range(6))
    page.open(f"layers=3.sigmoid&changes={changes}")
    page.until("document.getElementById('advice').textContent.includes('saturated')")
    assert advice(page).startswith("Layer 1: all 3 neurons are saturated: nearly flat")


def test_vanishing_gradients_are_named(page):
    page.open("layers=" + "-".join(["4.sigmoid"] * 8))
    assert "Gradients vanish: those of layer 1 are" in advice(page)


def test_costs_stay_few_and_evenly_apart():
    program = shutil.which("node")
    if program is None:
        pytest.skip("there is no node")
    script = f"""
      import {{Costs}} from "{(ROOT / "playground/page/plane/costs.mjs").as_uri()}";
      const costs = new Costs();
      for (let epoch = 0; epoch <= 5000; epoch++) {{
        if (epoch === costs.next) costs.add(epoch, -epoch);
      }}
      console.log(JSON.stringify([...costs.until(5000.5, 1, 2)]));
    """
    command = [program, "--input-type=module", "-e", script]
    rows = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    epochs = rows[::3]
    assert len(epochs) < 502
    assert epochs[-1] == 5000.5
    assert {b - a for a, b in itertools.pairwise(epochs[:-1])} == {16}
    assert rows[1:-3:3] == epochs[:-1]


def test_a_replay_draws_the_chart_of_the_training_it_repeats(page):
    page.open("speed=medium&stopEpoch=30")
    page.tab.click("#play")
    page.until("document.getElementById('epochs').textContent === '30'")
    stopped(page)
    picture = "document.getElementById('chart').toDataURL()"
    page.tab.wait_for_timeout(100)
    link, drawn = page.hash(), page.tab.evaluate(picture)
    page.open(link[1:])
    page.until("document.getElementById('epochs').textContent === '30'")
    stopped(page)
    page.tab.wait_for_timeout(100)
    assert page.tab.evaluate(picture) == drawn


def test_colours_are_chosen_and_kept(page):
    page.open()
    first = page.tab.evaluate("document.getElementById('surface').toDataURL()")
    assert page.text("neuron").startswith("Blue is positive, orange negative")
    page.tab.select_option("[data-field=palette]", "purple-green")
    assert page.text("neuron").startswith("Purple is positive, green negative")
    assert page.tab.evaluate("document.getElementById('surface').toDataURL()") != first
    assert "palette=purple-green" in page.hash()
    page.tab.evaluate("location.hash = 'data=xor'")  # a link that names none
    page.until("location.hash.includes('data=xor&')")
    assert "palette=purple-green" in page.hash()
    page.tab.click("#restart")
    assert "palette=purple-green" in page.hash()
