from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binomtest

from muslin.analysis import analyze
from muslin.cli import main
from muslin.design import Claim, Design, format_design, load_design
from muslin.errors import DesignError
from muslin.evaluation import Evaluation
from muslin.evaluation.claims import check, require_measurable
from muslin.evaluation.measures import MEASURES, Facts

CNN = load_design("custom_cnn")


def answers(right: int, images: int = 200) -> Evaluation:
    """An evaluation with so many right answers."""
    labels = np.zeros(images, np.int64)
    probabilities = np.tile(np.array([0.9, 0.1], np.float32), (images, 1))
    probabilities[right:] = probabilities[right:, ::-1]
    return Evaluation(labels, probabilities, ("yes", "no"))


def claiming(**claim: object) -> Design:
    return CNN.model_copy(update={"claims": (Claim(says="So it is.", **claim),)})  # type: ignore[arg-type]


def verdict(facts: Facts | None = None, **claim: object) -> str:
    design = claiming(**claim)
    (row,) = check(design, facts or Facts(analyze(design, load_design("dense_baseline"))))
    return row.verdict


def test_the_librarys_design_has_its_arithmetic_checked() -> None:
    rows = check(CNN, Facts(analyze(CNN, load_design("dense_baseline")), training_images=54_000))
    found = {row.claim.says: (row.found, row.verdict) for row in rows}
    assert found["The network has about 75,000 parameters."] == ("93,962", "does not hold")
    assert found["The dense baseline has about 101,000 parameters."] == ("101,770", "holds")
    assert found["It has 26% fewer parameters than the dense baseline."] == ("7.67%", "does not hold")
    assert found["conv3 sees the entire image, 28 × 28 pixels."] == ("18×18", "does not hold")
    assert found["conv1 sees 3 × 3 pixels."] == ("3×3", "holds")
    assert found["Global average pooling takes 6,272 values …"] == ("6,272", "holds")
    assert found["It learns from 60,000 images."] == ("54,000", "does not hold")
    assert found["Test accuracy is 91% or better."] == ("", "not measured")


def test_accuracies_are_measured_against_the_baseline_of_the_same_run() -> None:
    facts = Facts(analyze(CNN), 100, evaluation=answers(184), baseline=answers(174))
    assert verdict(facts, measure="test_accuracy", at_least=92) == "holds"
    assert verdict(facts, measure="test_accuracy", at_least=92.1) == "does not hold"
    assert verdict(facts, measure="baseline_test_accuracy", about=87, within=0.5) == "holds"
    assert verdict(facts, measure="accuracy_gain", at_least=4, at_most=5) == "holds"
    assert verdict(facts, measure="accuracy_gain", at_least=5.5) == "does not hold"
    assert verdict(facts, measure="accuracy_gain", at_most=4.5) == "does not hold"
    (row,) = check(claiming(measure="test_accuracy", at_least=92), facts)
    low, high = binomtest(184, 200).proportion_ci(method="wilson")
    assert row.found == f"92.00% [{100 * low:.2f}%, {100 * high:.2f}%]"


@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        ({"measure": "parameters", "about": 75_000, "within": 1_000}, "75,000 ± 1,000"),
        ({"measure": "accuracy_gain", "at_least": 4, "at_most": 5}, "4 to 5 points"),
        ({"measure": "test_accuracy", "at_least": 91}, "at least 91%"),
        ({"measure": "macs", "at_most": 8e6}, "at most 8,000,000"),
        ({"measure": "output_shape", "layer": "conv1", "equals": (28, 28, 32)}, "28×28×32"),
    ],
)
def test_the_expectation_is_put_in_words(claim: dict[str, object], expected: str) -> None:
    (row,) = check(claiming(**claim), Facts(analyze(CNN)))
    assert row.expected == expected


def test_without_a_baseline_what_speaks_of_one_is_not_measured() -> None:
    facts = Facts(analyze(CNN))
    for name in ("baseline_parameters", "parameters_saved", "baseline_test_accuracy", "accuracy_gain"):
        assert verdict(facts, measure=name, at_least=0) == "not measured"


def test_a_claim_about_something_unknown_is_refused_before_training() -> None:
    with pytest.raises(DesignError, match=r"claim 1: unknown measure 'beauty'; .* parameters, macs"):
        require_measurable(claiming(measure="beauty", at_least=1))
    with pytest.raises(DesignError, match="'output_shape' needs a layer"):
        require_measurable(claiming(measure="output_shape", equals=(1, 2, 3)))
    with pytest.raises(DesignError, match="remove layer"):
        require_measurable(claiming(measure="parameters", layer="conv1", at_least=1))
    with pytest.raises(DesignError, match=r"'accuracy'\. Did you mean 'test_accuracy'\?"):
        require_measurable(claiming(measure="accuracy", at_least=91))
    with pytest.raises(DesignError, match=r"'receptive_field' is a shape, e\.g\. equals ="):
        require_measurable(claiming(measure="receptive_field", layer="conv1", equals=24))
    with pytest.raises(DesignError, match="'receptive_field' is a shape"):
        require_measurable(claiming(measure="receptive_field", layer="conv1", at_least=3))
    with pytest.raises(DesignError, match="'parameters' is a number, not a list"):
        require_measurable(claiming(measure="parameters", equals=(1, 2)))


def test_a_claim_that_cannot_be_measured_is_told_by_analyze(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "claiming.toml"
    file.write_text(format_design(claiming(measure="accuracy", at_least=91)))
    with pytest.raises(SystemExit) as exit_:
        main(["analyze", str(file)])
    assert exit_.value.code == 1
    assert "claim 1: unknown measure 'accuracy'" in " ".join(capsys.readouterr().err.split())


def test_every_measure_says_what_it_means() -> None:
    assert all(measure.meaning for measure in MEASURES.values())
