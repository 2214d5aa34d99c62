"""Figures show the results that they were given."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from muslin import figures, interpret
from muslin.data import Split
from muslin.evaluation import Evaluation, compare
from muslin.figures import style
from muslin.figures.canvas import shortened

from .conftest import NAMES, a_history, an_evaluation


def words(figure: Figure) -> list[str]:
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def pictures(figure: Figure) -> list[np.ndarray]:
    return [np.asarray(image.get_array()) for image in figure.axes[0].images]


def test_curves_are_the_historys_columns_with_the_baseline_and_the_restored_epoch() -> None:
    history = a_history(20)
    figure = figures.training_curves(history, baseline_accuracy=0.885, restored_epoch=15)
    accuracy, loss, rate = figure.axes
    by_color = {to_hex(line.get_color()): line for line in accuracy.lines if len(line.get_xdata()) == 20}
    expected = 100 * np.array(history.column("validation_accuracy"))
    np.testing.assert_allclose(by_color[style.VERMILLION].get_ydata(), expected)
    np.testing.assert_allclose(loss.lines[0].get_ydata(), history.column("loss"))
    np.testing.assert_allclose(rate.lines[0].get_ydata(), history.column("learning_rate"))
    assert any(np.allclose(line.get_ydata(), 88.5) for line in accuracy.lines)
    assert all(any(np.allclose(line.get_xdata(), 15) for line in axes.lines) for axes in figure.axes)
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["training", "validation", "baseline, test: 88.5%"]


def test_the_confusion_matrix_prints_every_count() -> None:
    evaluation = an_evaluation()
    printed = words(figures.confusion_matrix(evaluation))
    counts = [str(count) for count in evaluation.confusion.ravel() if count]
    assert sorted(text for text in printed if text.isdecimal()) == sorted(counts)
    shares = words(figures.confusion_matrix(evaluation, normalize=True))
    row = evaluation.confusion[0]
    assert f"{100 * row[0] / row.sum():.1f}" in shares


def test_the_confusion_matrix_leaves_only_the_room_that_its_names_need() -> None:
    def first_row(*names: str) -> float:
        (axes,) = figures.confusion_matrix(Evaluation(np.array([0, 1]), np.eye(2, dtype=np.float32), names)).axes
        return min(text.get_position()[1] for text in axes.texts if text.get_text() == "1")

    assert first_row("leaf", "shell") < first_row("leaf", "a longer shell") - 20
    assert first_row("leaf", "n" * 40) == first_row("leaf", "n" * 80)  # cut


def test_a_class_without_images_leaves_an_empty_row() -> None:
    evaluation = Evaluation(np.array([0, 0]), np.array([[1, 0], [1, 0]], np.float32), ("seen", "unseen"))
    assert "nan" not in " ".join(words(figures.confusion_matrix(evaluation, normalize=True)))
    figures.per_class(evaluation)


def test_classes_are_sorted_with_the_hardest_on_top() -> None:
    evaluation = an_evaluation()
    (axes,) = figures.per_class(evaluation).axes
    recalls = next(line for line in axes.lines if line.get_label().startswith("recall")).get_xdata()
    assert list(recalls) == sorted((100 * row.recall for row in evaluation.per_class), reverse=True)
    assert axes.get_ylim()[0] < axes.get_ylim()[1]


def test_the_reliability_diagram_puts_each_filled_bin_at_its_confidence_and_accuracy() -> None:
    evaluation = an_evaluation()
    answers, counts = figures.reliability(evaluation).axes
    filled = [part for part in evaluation.calibration.bins if part.images]
    np.testing.assert_allclose(answers.lines[-1].get_xdata(), [100 * part.confidence for part in filled])
    np.testing.assert_allclose(answers.lines[-1].get_ydata(), [100 * part.accuracy for part in filled])
    assert sum(bar.get_height() for bar in counts.patches) == 80


def test_the_comparison_prints_accuracies_and_the_paired_difference() -> None:
    one, two = an_evaluation(), an_evaluation(1)
    improvement = compare(two, one)
    printed = words(figures.accuracy_comparison({"b": two, "a": one}, improvement))
    assert f"{100 * one.accuracy:.2f}%" in printed
    assert f"{improvement.points:+.2f} points".replace("-", "−") in printed


def test_no_tick_speaks_of_more_than_all_images() -> None:
    labels = np.arange(30) % 2
    right = Evaluation(labels, np.eye(2, dtype=np.float32)[labels], ("a", "b"))
    (axes,) = figures.accuracy_comparison({"right": right}).axes
    assert axes.get_xlim()[1] > 100  # room for the dot
    assert max(axes.get_xticks()) == 100


def test_the_sample_grid_shows_images_of_the_class_they_stand_beside() -> None:
    labels = np.array([1, 0, 1, 1, 0])
    images = np.arange(5, dtype=np.uint8)[:, None, None, None].repeat(4, 1).repeat(4, 2)
    shown = pictures(figures.sample_grid(Split(images, labels), ("zero", "one"), per_class=2))
    assert [int(picture[0, 0]) for picture in shown] == [1, 4, 0, 2]


def test_the_confidently_wrong_come_in_order_with_truth_and_answer() -> None:
    evaluation = an_evaluation()
    images = np.arange(80, dtype=np.uint8)[:, None, None, None].repeat(4, 1).repeat(4, 2)
    figure = figures.confidently_wrong(images, evaluation, k=3)
    chosen = evaluation.confidently_wrong(3)
    assert [int(picture[0, 0]) for picture in pictures(figure)] == chosen.tolist()
    assert words(figure)[0] == NAMES[evaluation.labels[chosen[0]]][: len(words(figure)[0])] or "…" in words(figure)[0]
    right = Evaluation(np.array([0]), np.array([[1, 0]], np.float32), ("a", "b"))
    assert words(figures.confidently_wrong(images[:1], right)) == ["No errors."]


@pytest.mark.parametrize("count", [1, 5, 32, 33, 200])
def test_all_filters_are_drawn_however_many(count: int) -> None:
    kernels = np.random.default_rng(0).normal(size=(count, 3, 3, 1)).astype(np.float32)
    figure = figures.filters(kernels)
    shown = [picture for picture in pictures(figure) if picture.shape == (3, 3)]
    np.testing.assert_array_equal(shown, kernels[..., 0])
    scales = {image.get_clim() for image in figure.axes[0].images if image.get_array().shape == (3, 3)}
    limit = float(np.abs(kernels).max())
    assert scales == {(-limit, limit)}
    assert str(count - 1) in words(figure)


def test_filters_of_zeros_are_drawn_too() -> None:
    figures.filters(np.zeros((2, 3, 3, 1), np.float32))


def test_filters_of_three_channels_are_color_pictures_gray_at_zero() -> None:
    kernels = np.zeros((2, 3, 3, 3), np.float32)
    kernels[0, 0, 0] = (1, -1, 0)
    first, second = pictures(figures.filters(kernels))
    assert first[0, 0].tolist() == [1, 0, 0.5]
    assert (second == 0.5).all()


def test_filter_responses_are_sorted_by_kind_and_say_what_each_is() -> None:
    edge = np.array([[-1.0, 0, 1]] * 3)[..., None]
    spot = np.array([[-1.0, -1, -1], [-1, 8, -1], [-1, -1, -1]])[..., None]
    kernels = np.stack([spot, edge, 3 * edge])
    figure = figures.filter_responses(kernels, interpret.describe_filters(kernels), interpret.chance(3, 3, 1))
    printed = words(figure)
    assert [text for text in printed if text in ("0", "1", "2")] == ["2", "1", "0"]
    assert printed.count("edge, bright right") == 2
    assert "bright spot" in printed


def test_only_the_strongest_filters_are_shown_one_by_one_and_the_figure_says_so() -> None:
    kernels = np.random.default_rng(0).normal(size=(70, 3, 3, 1))
    figure = figures.filter_responses(kernels, interpret.describe_filters(kernels), interpret.chance(3, 3, 1))
    assert "The strongest 64 of 70 filters." in words(figure)


def test_feature_maps_show_the_input_the_first_channel_that_is_not_zero_and_the_strongest() -> None:
    maps = {
        "conv": np.stack([np.zeros((4, 4)), np.full((4, 4), 2.0), np.full((4, 4), 5.0)], axis=-1).astype(np.float32),
        "pooled": np.array([0, 2, 5], np.float32),
        "dropout": np.array([0, 2, 5], np.float32),
        "out": np.array([-1, 3], np.float32),
    }
    image = np.full((4, 4, 1), 7, np.uint8)
    figure = figures.feature_maps(image, maps, ("shoe", "shirt"))
    assert [float(picture[0, 0]) for picture in pictures(figure)] == [7, 2, 5, 2, 0]
    printed = words(figure)
    assert {"0: all zero", "pooled", "3 features", "2 logits", "shoe", "shirt", "−1.0", "3.0"} <= set(printed)
    assert "dropout" not in printed


def test_a_layer_of_zeros_shows_its_first_channel() -> None:
    figure = figures.feature_maps(np.full((4, 4, 1), 7, np.uint8), {"conv": np.zeros((4, 4, 2), np.float32)}, ())
    assert words(figure).count("0: all zero") == 2  # as the first, and among the strongest


def test_the_values_of_classes_stand_clear_of_the_layers_name() -> None:
    maps = {"conv": np.ones((4, 4, 1), np.float32), "out": np.array([4, 1], np.float32)}
    (axes,) = figures.feature_maps(np.full((4, 4, 1), 7, np.uint8), maps, ("shoe", "shirt")).axes
    height = {text.get_text(): text.get_position()[1] for text in axes.texts}
    assert height["4.0"] - height["2 logits"] > 14  # a line


def evidence_of(values: list[float]) -> interpret.ClassActivationMaps:
    count = len(values)
    return interpret.ClassActivationMaps(
        maps=np.array(values, np.float32)[:, None, None] * np.ones((1, 2, 2), np.float32),
        classes=np.array([0, 1][:count]),
        logits=np.array(values, np.float32),
        bias=np.zeros(count, np.float32),
        method="exact",
        layer="conv",
    )


def test_evidence_for_is_vermillion_and_against_is_blue() -> None:
    images = np.full((2, 4, 4, 1), 100, np.uint8)
    figure = figures.class_activation_maps(images, evidence_of([2.0, -2.0]), np.array([0, 0]), ("shoe", "shirt"))
    _, for_it, _, against, _ = pictures(figure)
    assert for_it[0, 0, 0] > for_it[0, 0, 2]
    assert against[0, 0, 0] < against[0, 0, 2]
    assert {"correct, logit 2.0", "predicted shirt"} <= set(words(figure))


@pytest.mark.parametrize("count", [1, 3, 5, 7])
def test_evidence_is_as_wide_as_its_images_and_the_scale_is_in_its_middle(count: int) -> None:
    evidence = interpret.ClassActivationMaps(
        np.ones((count, 2, 2), np.float32), np.zeros(count, np.int64), *np.ones((2, count), np.float32), "exact", "conv"
    )
    figure = figures.class_activation_maps(np.zeros((count, 4, 4, 1), np.uint8), evidence, None, ("shoe",))
    *tiles, scale = (image.get_extent() for image in figure.axes[0].images)
    width = figure.get_figwidth() * style.PIXELS_PER_INCH
    assert (scale[0] + scale[1]) / 2 == pytest.approx(width / 2)
    left, right = min(tile[0] for tile in tiles), width - max(tile[1] for tile in tiles)
    assert abs(left - right) < 12
    assert words(figure).count("1 logit or more") == 2


def test_evidence_for_an_image_of_unknown_class_names_what_is_explained() -> None:
    images = np.full((2, 4, 4, 1), 100, np.uint8)
    printed = words(figures.class_activation_maps(images, evidence_of([2.0, -2.0]), None, ("shoe", "shirt")))
    assert {"shoe", "logit 2.0", "shirt", "logit −2.0"} <= set(printed)


def test_small_numbers_keep_their_first_digits() -> None:
    images = np.full((2, 4, 4, 1), 100, np.uint8)
    evidence = words(figures.class_activation_maps(images, evidence_of([0.012, -0.031]), None, ("shoe", "shirt")))
    assert {"logit 0.012", "logit −0.031", "0", "0.031 logits or more"} <= set(evidence)
    maps = {"conv": np.ones((4, 4, 1), np.float32), "out": np.array([0.012, -0.0031], np.float32)}
    assert {"0.012", "−0.003"} <= set(words(figures.feature_maps(images[0], maps, ("shoe", "shirt"))))
    units = interpret.StrongestUnits()
    units.add(np.full((1, 1, 1, 1), 0.02, np.float32))
    region = interpret.Region((0, 0), (2, 2), (1, 1), (2, 2))
    assert "max 0.020" in words(figures.strongest_patches(images[:1], {"look": units}, {"look": region}))


def test_words_are_cut_only_where_they_need_to_be() -> None:
    assert shortened("Bag", 100) == "Bag"
    cut = shortened("A class whose name goes on and on", 100)
    assert cut.endswith("…")
    assert 8 < len(cut) < 20


def test_the_strongest_patches_are_what_their_units_see_and_black_beyond_the_image() -> None:
    images = np.random.default_rng(0).integers(1, 256, (2, 6, 5, 1), dtype=np.uint8)
    units = interpret.StrongestUnits()
    outputs = np.zeros((2, 2, 6, 5))
    outputs[1, 0, 3, 2], outputs[0, 0, 0, 4] = 5, 3  # the second channel never fires
    units.add(outputs)
    region = interpret.Region(start=(-1, -1), size=(3, 3), stride=(1, 1), image=(6, 5))
    figure = figures.strongest_patches(images, {"look": units}, {"look": region})
    inside, corner = pictures(figure)
    np.testing.assert_array_equal(inside, images[1, 2:5, 1:4, 0])
    np.testing.assert_array_equal(corner[1:, :2], images[0, :2, 3:, 0])
    assert (corner[0] == 0).all()
    assert (corner[:, 2] == 0).all()
    assert {"filter 0", "max 5.0", "filter 1", "always zero", "receptive field 3×3 pixels"} <= set(words(figure))


def test_of_many_filters_those_that_fire_strongest_are_shown_in_order() -> None:
    units = interpret.StrongestUnits()
    units.add(np.arange(1, 41, dtype=np.float32).reshape(1, 40, 1, 1))
    region = interpret.Region((0, 0), (2, 2), (1, 1), (2, 2))
    figure = figures.strongest_patches(np.zeros((1, 2, 2, 1), np.uint8), {"look": units}, {"look": region})
    shown = [each for each in words(figure) if each.startswith("filter ")]
    assert shown == [f"filter {channel}" for channel in range(28, 40)]
    assert any("2×2" in each and "12 of 40" in each for each in words(figure))


def test_occlusion_maps_share_a_scale_and_say_how_likely_each_class_was() -> None:
    image = np.full((6, 6, 1), 100, np.uint8)
    losses = np.array([[[0.4, -0.2]], [[0.1, 0.0]]])
    figure = figures.occlusion_maps(image, losses, np.array([0.9, 0.05]), ("Bag", "Coat"))
    assert {"image", "Bag", "90.0%", "Coat", "5.0%", "−40 points"} <= set(words(figure))
    _, first, second, _ = pictures(figure)
    assert first[3, 0, 0] > second[3, 0, 0] > 102  # vermillion: the more, the more it costs
    assert first[3, -1, 2] > 102  # blue: covering it helps


def test_receptive_fields_say_where_measure_and_arithmetic_part() -> None:
    support = np.zeros((8, 8), bool)
    support[2:5, 2:6] = True
    printed = words(figures.receptive_fields({"a": support, "b": support}, {"a": (2, 2, 5, 6), "b": (1, 1, 6, 6)}))
    assert "3×4" in printed
    assert "3×4, computed 5×5" in printed
