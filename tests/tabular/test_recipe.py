"""The recipe: batches and epochs by the number of rows, waves of the learning rate, pages."""

import ast
import re
from dataclasses import fields

import numpy as np
import pytest
from places import ROOT

from pynn.tabular.features import Settings
from pynn.tabular.recipe import PRESETS, Recipe, Waves, chosen


@pytest.mark.parametrize(
    ("n_rows", "batch_size"),
    [(2, 32), (1_000, 32), (1_920, 64), (3_840, 128), (7_680, 256), (10**7, 256)],
)
def test_an_epoch_has_at_least_30_updates_if_batches_can_be_that_small(n_rows, batch_size):
    assert Recipe().fit_arguments(n_rows)["batch_size"] == batch_size


def test_batches_are_never_smaller_than_the_smallest():
    assert Recipe(batch_size=100, min_batch_size=40).fit_arguments(50)["batch_size"] == 40
    assert Recipe(batch_size=20, min_batch_size=40).fit_arguments(50)["batch_size"] == 20


@pytest.mark.parametrize(("n_rows", "epochs"), [(10_000, 60), (128_000, 20), (10**7, 8)])
def test_large_tables_get_fewer_epochs_and_a_schedule_of_these(n_rows, epochs):
    arguments = Recipe().fit_arguments(n_rows)
    assert arguments["epochs"] == epochs
    assert arguments["schedule"] == Waves(epochs)


def test_more_epochs_than_asked_for_are_never_made():
    assert Recipe(epochs=3).fit_arguments(10**7)["epochs"] == 3


def test_the_learning_rate_has_four_waves_each_twice_as_long():
    t = np.arange(16) / 15  # each wave ends at 2**k - 1 fifteenths
    factors = Waves(1).factors(t, [])
    np.testing.assert_allclose(factors[[0, 1, 3, 7, 15]], 0, atol=1e-12)
    tops = (2 ** np.array([0.5, 1.5, 2.5, 3.5]) - 1) / 15
    np.testing.assert_allclose(Waves(1).factors(tops, []), 1)
    assert Waves(10).factors(np.array([20.0]), []) == 0  # and stays at its end


def test_ingredients_can_be_left_out():
    arguments = Recipe(waves=False, average=0, input_scale=False).fit_arguments(100)
    assert {name for name, value in arguments.items() if value is None} == {
        "schedule",
        "average",
        "learning_rate_factors",
    }


def test_the_settings_of_an_expert_replace_those_of_the_preset():
    recipe = chosen("fast", {"epochs": 5, "n_folds": 3}, {"n_members": 4, "n_folds": None})
    assert (recipe.epochs, recipe.n_folds, recipe.n_members) == (5, 3, 4)
    assert recipe.hidden_layer_sizes == PRESETS["fast"].hidden_layer_sizes


@pytest.mark.parametrize("kind", [Recipe, Settings])
def test_the_documented_defaults_are_the_real_ones(kind):
    given = dict(re.findall(r"^    (\w+) : .*, default=(.+)$", kind.__doc__, re.MULTILINE))
    assert {name: ast.literal_eval(text) for name, text in given.items()} == vars(kind())


def test_the_page_of_tables_lists_all_settings_of_experts():
    page = (ROOT / "docs" / "tabular.md").read_text(encoding="utf-8")
    table = page.partition("| key | meaning |\n")[2].partition("\n\n")[0]
    keys = [row.partition(" | ")[0] for row in table.splitlines()]
    listed = [name for key in keys for name in re.findall(r"`(\w+)`", key)]
    assert sorted(listed) == sorted(field.name for field in fields(Recipe))
