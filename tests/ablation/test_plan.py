"""From decisions to arms: edits, twins, what is left out."""

from __future__ import annotations

import pytest

from muslin.ablation.matching import TOLERANCE, match_widths, matches, size
from muslin.ablation.plan import make_plan
from muslin.analysis import analyze
from muslin.design import Conv2d, Design, Edit, format_design, load_design, parse_design
from muslin.errors import DesignError, RecipeError
from muslin.recipe import Recipe, load_recipe, recipes

EVERY_DECISION = {
    "depth": {"2 convolutions", "4 convolutions"},
    "filters": {"half: 16, 32, 64", "double: 64, 128, 256", "constant: 64, 64, 64"},
    "kernels": {"1 × 1", "5 × 5", "7 × 7"},
    "stride": {"stride 2, no pooling"},
    "padding": {"valid"},
    "activation": {"ELU", "GELU", "SiLU", "tanh", "sigmoid"},
    "pooling": {"average", "none"},
    "head": {"flatten", "global max"},
    "dropout": {"none", "0.25", "0.75"},
    "normalization": {"batch"},
    "input": {"0 to 255", "standardized"},
    "learning_rate": {"a third", "three times"},
}


def test_custom_cnn_states_its_decisions_and_alternatives() -> None:
    design = load_design("custom_cnn")
    stated = {decision.name: {one.name for one in decision.alternatives} for decision in design.decisions}
    assert {name: stated[name] for name in EVERY_DECISION} == EVERY_DECISION
    assert all(decision.because for decision in design.decisions)


@pytest.mark.parametrize("name", recipes())
def test_every_alternative_of_custom_cnn_can_be_trained_with_every_recipe_of_the_library(name: str) -> None:
    plan = make_plan(load_design("custom_cnn"), load_recipe(name))
    assert not plan.notes
    assert len(plan.arms) > 35


def test_twins_have_the_size_of_the_choice_within_two_per_cent() -> None:
    twins = [one for one in make_plan(load_design("custom_cnn"), load_recipe("fast")).contrasts if one.matched]
    assert len(twins) >= 8
    for twin in twins:
        assert twin.matched is not None
        target = size(twin.chosen.design, twin.matched)
        assert abs(size(twin.other.design, twin.matched) - target) <= TOLERANCE * target


@pytest.mark.parametrize("what", ["parameters", "macs"])
@pytest.mark.parametrize("factor", [0.1, 0.7, 3.0])
def test_widths_are_solved_for_any_size(what: str, factor: float) -> None:
    design = load_design("custom_cnn")
    target = round(getattr(analyze(design), what) * factor)
    found = match_widths(design, target, what)  # type: ignore[arg-type]
    assert abs(getattr(analyze(found), what) - target) <= TOLERANCE * target
    assert [layer.kind for layer in found.layers] == [layer.kind for layer in design.layers]


def test_a_size_out_of_reach_is_explained() -> None:
    with pytest.raises(DesignError, match=r"no widths give design 'custom_cnn' 5 parameters within 2%; the nearest"):
        match_widths(load_design("custom_cnn"), 5)
    flat = load_design("dense_baseline").edited([Edit(layers="hidden", drop=True)])
    with pytest.raises(DesignError, match="no hidden layer"):
        match_widths(flat, 5)


def test_match_asks_for_twins_of_all_or_of_none(tiny: Design, recipe: Recipe) -> None:
    assert not any(one.matched for one in make_plan(tiny, recipe, match="none").contrasts)
    kernels = make_plan(load_design("custom_cnn"), recipe, ["kernels"], match="macs").contrasts
    assert [one.matched for one in kernels] == [None, "macs"] * 3


def test_a_twin_that_no_widths_give_is_left_out_and_said(tiny: Design, recipe: Recipe) -> None:
    plan = make_plan(tiny, recipe, ["filters/5 × 5"], match="macs")
    assert [one.matched for one in plan.contrasts] == [None]
    assert "no size-matched twin: no widths give" in plan.notes[0]


def test_a_twin_that_would_be_the_choice_itself_is_left_out(tiny: Design, recipe: Recipe) -> None:
    contrasts = make_plan(tiny, recipe, ["filters/8"], match="parameters").contrasts
    assert [one.matched for one in contrasts] == [None]


def test_arms_that_train_the_same_are_one_arm() -> None:
    plan = make_plan(load_design("custom_cnn"), load_recipe("fast"), ["depth", "pooling", "padding"])
    assert len({one.chosen.key for one in plan.contrasts}) == 1
    assert len(plan.arms) == 1 + len({one.other.key for one in plan.contrasts})


def test_dropout_is_measured_with_the_designs_own_rate_though_the_recipe_replaces_it() -> None:
    plan = make_plan(load_design("custom_cnn"), load_recipe("fast").with_(dropout=0.0), ["dropout"])
    assert plan.contrasts[0].chosen.recipe.dropout is None
    assert len({arm.key for arm in plan.arms}) == 4


def test_an_alternative_that_the_recipe_makes_equal_to_the_choice_is_left_out_and_said(tiny: Design) -> None:
    text = """
[[decisions]]
name = "dropout"
chosen = "0.5"
alternatives = [{name = "0.1", edits = [{layers = "dropout", set = {rate = 0.1}}]}]
"""
    plain = load_design("custom_cnn").edited([])
    design = parse_design(format_design(plain) + text)
    with pytest.raises(DesignError, match="trains it exactly like the choice"):
        make_plan(design, load_recipe("fast").with_(dropout=0.0))
    assert make_plan(design, load_recipe("notebook")).contrasts


def test_one_alternative_can_be_picked(tiny: Design, recipe: Recipe) -> None:
    (only,) = make_plan(tiny, recipe, ["pooling/none"]).contrasts
    assert only.alternative == "none"
    assert only.other.design.names == ("conv1", "average", "output")


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["poling"], r"states no decision 'poling'\. Did you mean 'pooling'\?"),
        (["pooling/maximum"], r"has no alternative 'maximum'; it has 'average', 'none'\."),
    ],
)
def test_an_unknown_decision_is_explained(tiny: Design, recipe: Recipe, names: list[str], message: str) -> None:
    with pytest.raises(DesignError, match=message):
        make_plan(tiny, recipe, names)


def test_a_design_without_decisions_has_nothing_to_measure(recipe: Recipe) -> None:
    with pytest.raises(DesignError, match="states no decisions"):
        make_plan(load_design("dense_baseline"), recipe)


def test_pairs_are_measured_alone_and_together(tiny: Design, recipe: Recipe) -> None:
    plan = make_plan(tiny, recipe, pairs=[("pooling", "activation")])
    assert not plan.contrasts
    assert [pair.both.design.layer("conv1").activation for pair in plan.interactions] == ["tanh", "tanh"]
    assert "pool1" not in plan.interactions[1].both.design.names
    assert len(plan.arms) == 1 + 2 + 1 + 2
    with pytest.raises(DesignError, match="names one decision twice"):
        make_plan(tiny, recipe, pairs=[("pooling", "pooling")])


def test_a_recipe_edit_out_of_range_for_this_recipe_is_an_error_before_anything_is_trained(tiny: Design) -> None:
    with pytest.raises(RecipeError, match="'name' is not a number"):
        make_plan(
            load_design("custom_cnn").model_copy(
                update={
                    "decisions": (
                        tiny.decisions[0].model_copy(
                            update={"given": (Edit.model_validate({"scale_recipe": {"name": 2}}),)}
                        ),
                    )
                }
            ),
            load_recipe("fast"),
        )


def test_a_twins_widths_are_multiples_of_eight_where_those_reach_the_size() -> None:
    design = load_design("custom_cnn")
    target = size(design, "parameters")
    shallow = design.edited([Edit(layers="conv3", drop=True)])
    twin = match_widths(shallow, target)
    assert matches(twin, target, "parameters")
    assert [layer.filters % 8 for layer in twin.layers if isinstance(layer, Conv2d)] == [0, 0]
    tiny = match_widths(design, 3_000)  # too small for steps of eight: within 2 % all the same
    assert matches(tiny, 3_000, "parameters")
    assert any(layer.filters % 8 for layer in tiny.layers if isinstance(layer, Conv2d))
