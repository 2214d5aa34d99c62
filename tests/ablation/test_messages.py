"""The words of a study."""

from __future__ import annotations

from pathlib import Path

import pytest

from helpers import golden
from muslin.ablation.plan import make_plan
from muslin.ablation.settings import make_settings
from muslin.ablation.statistics import paired_effect
from muslin.ablation.verdict import Costs, judge, judge_failure, judge_together
from muslin.ablation.words import describe_effect, describe_ratio
from muslin.design import Design, load_design
from muslin.errors import MuslinError
from muslin.recipe import Recipe
from muslin.trials.store import Store

SMALL, LARGE = Costs(100, 1_000, 1.0, 0.001), Costs(200, 2_000, 2.0, 0.001)
MIXED = Costs(100, 3_000, 1.0, 0.001)


def test_verdicts_read_as_sentences() -> None:
    clear, none, open_, wide = [0.9, 1.1, 1.0], [0.0, 0.01, -0.01], [0.5, -0.4, 0.3], [9.0, -9.0, 0.0]
    texts = {
        "supported": judge(paired_effect(clear), SMALL, LARGE).text,
        "contradicted, one trial lost": judge(
            paired_effect([-value for value in clear]), SMALL, LARGE, failures=["diverged: at step 3"]
        ).text,
        "supported by cost": judge(paired_effect(none), SMALL, LARGE).text,
        "costs more for nothing": judge(paired_effect(none), LARGE, SMALL).text,
        "equivalent": judge(paired_effect(none), SMALL, SMALL).text,
        "equivalent, mixed costs": judge(paired_effect(none), MIXED, LARGE).text,
        "undecided": judge(paired_effect(open_), SMALL, LARGE).text,
        "undecided, out of reach": judge(paired_effect(wide), SMALL, LARGE).text,
        "the alternative fails": judge_failure([], ["diverged: at step 3", "diverged: at step 9"], 0).text,
        "the choice fails": judge_failure(["lost: its worker was killed"], [], 1).text,
        "not measured": judge_failure([], [], 1).text,
        "together, they add up": judge_together(paired_effect(none), 0.2),
        "together, better": judge_together(paired_effect(clear), 0.2),
        "together, worse": judge_together(paired_effect([-value for value in clear]), 0.2),
        "an effect": describe_effect(paired_effect(open_)),
        "costs": ", ".join(describe_ratio(ratio) for ratio in (0.5, 0.93, 1.0, 1.034, 1.5, 2.0, 250.0)),
    }
    golden.compare("verdicts", texts)


def test_refusals_of_a_study_name_the_way_out(tiny: Design, recipe: Recipe, tmp_path: Path) -> None:
    def refused(action: object, *arguments: object, **options: object) -> str:
        with pytest.raises(MuslinError) as caught:
            action(*arguments, **options)  # type: ignore[operator]
        return str(caught.value).replace(str(tmp_path), "FOLDER")

    (tmp_path / "text.sqlite").write_bytes(b"text that is long enough to be no header of a database file at all")
    golden.compare(
        "studies",
        {
            "no decisions": refused(make_plan, load_design("dense_baseline"), recipe),
            "an unknown decision": refused(make_plan, tiny, recipe, ["poling"]),
            "an unknown alternative": refused(make_plan, tiny, recipe, ["pooling/maximum"]),
            "a decision paired with itself": refused(make_plan, tiny, recipe, pairs=[("pooling", "pooling/average")]),
            "no seeds": refused(make_settings, seeds=0),
            "fewer seeds at most": refused(make_settings, seeds=5, max_seeds=3),
            "an unknown setting": refused(make_settings, sedes=5),
            "no study": refused(Store, tmp_path / "study.sqlite"),
            "not a study": refused(Store, tmp_path / "text.sqlite"),
        },
    )
