"""The state of a training, part by part; that all of it together is the same bit for bit shows test_resume.py."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from muslin.data import Dataset
from muslin.design import Design
from muslin.errors import RunError
from muslin.recipe import load_recipe
from muslin.training.callbacks import Callback
from muslin.training.checkpoint import Checkpoints, from_bytes, to_bytes
from muslin.training.loop import TrainingLoop
from muslin.training.snapshot import Snapshot, capture, differences, require_same, restore
from muslin.training.state import Identity, Tally, Training

RECIPE = load_recipe("fast").with_(epochs=1)
HERE = Identity(design="a\nb\nc\n", recipe={"epochs": 3}, data="0123456789abcdef", seed=1, device="cpu")


class Counting(Callback):
    """Keeps a state, and finds some things in it unbearable."""

    def __init__(self, count: int = 0) -> None:
        self.count = count

    def state(self) -> dict[str, bool | int | float | str | None]:
        return {"count": self.count}

    def restore(self, state: dict[str, bool | int | float | str | None]) -> None:
        self.count = int(state["number" if self.count < 0 else "count"])  # type: ignore[arg-type]


class Other(Counting):
    """Goes by another name."""


@pytest.fixture
def trainings(small: Design, few: Dataset) -> Iterator[Iterator[Training]]:
    """Trainings that are set up and have done nothing yet."""

    def make() -> Iterator[Training]:
        while True:
            yield TrainingLoop(small, few, RECIPE, 0, torch.device("cpu"), "float32")

    with torch.random.fork_rng(devices=[]):
        yield make()


def through_a_file(snapshot: Snapshot) -> Snapshot:
    return from_bytes(to_bytes(snapshot), "it")


def states(training: Training) -> list[dict[str, Any]]:
    return [
        optimizer.state[parameter]
        for optimizer in training.optimizers
        for group in optimizer.param_groups
        for parameter in group["params"]
    ]


def test_what_optimizers_keep_comes_back_number_for_number_and_laid_out_alike(trainings: Iterator[Training]) -> None:
    training, after = next(trainings), next(trainings)
    for number, parameter in enumerate(training.network.parameters()):
        for optimizer in training.optimizers:
            if any(parameter is other for group in optimizer.param_groups for other in group["params"]):
                optimizer.state[parameter] = {
                    "moment": torch.full_like(parameter, number),
                    "count": number,
                    "share": 0.1 * number,
                    "steps": torch.tensor(float(number)),
                }
    restore(after, through_a_file(capture(training, [], 1.5)), [])
    for before, now in zip(states(training), states(after), strict=True):
        assert now.keys() == before.keys()
        assert (now["count"], now["share"]) == (before["count"], before["share"])
        assert torch.equal(now["moment"], before["moment"])
        assert now["moment"].stride() == before["moment"].stride()
        assert torch.equal(now["steps"], before["steps"])


def test_without_a_step_optimizers_keep_nothing(trainings: Iterator[Training]) -> None:
    training, after = next(trainings), next(trainings)
    restore(after, through_a_file(capture(training, [], 0.0)), [])
    assert not any(len(optimizer.state) for optimizer in after.optimizers)


def test_position_tally_and_factor_come_back(trainings: Iterator[Training]) -> None:
    training, after = next(trainings), next(trainings)
    training.step, training.factor, training.ended = 3, 0.25, ("early", "no better")
    training.tally = Tally(batches=2, rate=0.1, loss_sum=3.5, right=7, seen=10, seconds=1.25)
    snapshot = through_a_file(capture(training, [], 12.5))
    assert snapshot.state.seconds == 12.5
    restore(after, snapshot, [])
    assert (after.step, after.factor, after.ended) == (3, 0.25, ("early", "no better"))
    assert after.tally == training.tally
    assert after.tally is not training.tally


@pytest.mark.parametrize("ended", [("interrupted", "by a person"), None])
def test_an_interruption_does_not_outlast_it(trainings: Iterator[Training], ended: Any) -> None:
    training = next(trainings)
    training.ended = ended
    assert capture(training, [], 0.0).state.ended is None


def test_a_tally_counts_batches_by_their_images() -> None:
    tally = Tally()
    assert (tally.loss, tally.accuracy) == (0.0, 0.0)
    tally.add(1.0, 3, 4)
    tally.add(0.5, 1, 1)
    assert (tally.batches, tally.seen, tally.right) == (2, 5, 4)
    assert tally.loss == pytest.approx((4 * 1.0 + 0.5) / 5)
    assert tally.accuracy == pytest.approx(4 / 5)


@pytest.mark.parametrize(
    ("then", "now", "says"),
    [
        ([Counting()], [], "saved for Counting, but none given now"),
        ([], [Counting()], "saved for none, but Counting given now"),
        ([Counting(), Other()], [Other(), Counting()], "saved for Counting, Other, but Other, Counting given now"),
    ],
)
def test_other_callbacks_are_refused_with_their_names(
    trainings: Iterator[Training], then: list[Callback], now: list[Callback], says: str
) -> None:
    snapshot = through_a_file(capture(next(trainings), then, 0.0))
    with pytest.raises(RunError, match=f"{says}. Pass the same callbacks"):
        restore(next(trainings), snapshot, now)


def test_callbacks_get_back_what_each_of_them_kept(trainings: Iterator[Training]) -> None:
    then, now = [Counting(1), Callback(), Other(2)], [Counting(), Other(), Callback()]
    restore(next(trainings), through_a_file(capture(next(trainings), then, 0.0)), now)
    assert [now[0].state(), now[1].state()] == [{"count": 1}, {"count": 2}]


class Seen(Callback):
    """Has nothing to keep before it has seen something."""

    def __init__(self, **seen: int) -> None:
        self.seen = seen

    def state(self) -> dict[str, bool | int | float | str | None]:
        return dict(self.seen)

    def restore(self, state: dict[str, bool | int | float | str | None]) -> None:
        self.seen = {"steps": int(state["steps"])}  # type: ignore[arg-type]


@pytest.mark.parametrize("seen", [{"steps": 7}, {}], ids=["something", "nothing"])
def test_a_state_that_is_empty_before_the_first_step_is_kept_like_any_other(
    trainings: Iterator[Training], seen: dict[str, int]
) -> None:
    now = Seen()
    restore(next(trainings), through_a_file(capture(next(trainings), [Seen(**seen)], 0.0)), [now])
    assert now.seen == seen


def test_a_checkpoint_without_the_empty_states_is_read(trainings: Iterator[Training]) -> None:
    snapshot, now = capture(next(trainings), [Counting(1)], 0.0), Counting()
    restore(next(trainings), through_a_file(snapshot), [Seen(), now])
    assert now.count == 1


def test_a_state_that_a_callback_can_not_use_is_explained(trainings: Iterator[Training]) -> None:
    snapshot = capture(next(trainings), [Counting(1)], 0.0)
    with pytest.raises(RunError, match="callback Counting cannot restore its state from the checkpoint: KeyError"):
        restore(next(trainings), snapshot, [Counting(-1)])


def test_arrays_of_another_network_are_refused(trainings: Iterator[Training]) -> None:
    snapshot = capture(next(trainings), [], 0.0)
    arrays = snapshot.arrays
    lacking = {name: array for name, array in arrays.items() if name != "weights/conv1.bias"} | {
        "more": arrays["random/cpu"]
    }
    with pytest.raises(RunError, match=r"missing or extra arrays: more, weights/conv1\.bias\. Start a new run"):
        restore(next(trainings), replace(snapshot, arrays=lacking), [])
    for wrong in (np.zeros(9, np.float32), np.zeros(8, np.float64)):
        with pytest.raises(RunError, match=rf"array 'weights/conv1\.bias' is {wrong.dtype} of shape \({len(wrong)},\)"):
            restore(next(trainings), replace(snapshot, arrays=arrays | {"weights/conv1.bias": wrong}), [])


def test_of_many_arrays_too_many_the_first_are_named(trainings: Iterator[Training]) -> None:
    snapshot = capture(next(trainings), [], 0.0)
    more = {f"more/{number:03}": snapshot.arrays["random/cpu"] for number in range(100)}
    with pytest.raises(RunError) as raised:
        restore(next(trainings), replace(snapshot, arrays=snapshot.arrays | more), [])
    named = ", ".join(more)[:200]
    assert f": {named}. Start" in str(raised.value)


def test_a_copy_stays_as_it_is_when_training_goes_on(trainings: Iterator[Training]) -> None:
    training = next(trainings)
    snapshot = capture(training, [], 0.0)
    kept = snapshot.arrays["weights/conv1.bias"].copy()
    with torch.no_grad():
        training.network.get_parameter("conv1.bias").add_(1)
    np.testing.assert_array_equal(snapshot.arrays["weights/conv1.bias"], kept)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({}, []),
        ({"design": "a\nB\nc\n"}, ["The design differs (- run, + now): - b | + B."]),
        ({"design": "1\n2\n3\n"}, ["The design differs (- run, + now): - a | - b | - c | + 1 | + 2 | + 3."]),
        (
            {"design": "1\n2\n3\n4\n"},
            ["The design differs (- run, + now): - a | - b | - c | + 1 | + 2 | + 3 …."],
        ),
        (
            {"recipe": {"epochs": 4, "name": "x" * 200}},
            ["The recipe's epochs was 3, but is 4 now.", f"The recipe's name was None, but is {'x' * 120} now."],
        ),
        ({"recipe": {}}, ["The recipe's epochs was 3, but is None now."]),
        ({"data": "fedcba9876543210"}, ["The images differ: fingerprint 0123456789ab… in the run, fedcba987654… now."]),
        ({"seed": 2}, ["The seed was 1, but is 2 now."]),
        ({"device": "cuda"}, ["The device was cpu, but is cuda now."]),
        ({"precision": "bfloat16"}, ["The precision was , but is bfloat16 now."]),
    ],
)
def test_differences_are_told_in_a_sentence_each(changes: dict[str, Any], says: list[str]) -> None:
    now = HERE.model_copy(update=changes)
    assert list(differences(HERE, now)) == says
    if says:
        with pytest.raises(RunError) as raised:
            require_same(HERE, now)
        assert f" {' '.join(says)} Omit" in str(raised.value)
    else:
        require_same(HERE, now)


def test_a_checkpoint_is_due_after_so_many_seconds(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr("muslin.training.checkpoint.time.monotonic", lambda: clock[0])
    checkpoints = Checkpoints(tmp_path, seconds=5)
    found = []
    for now in (100.0, 104.9, 105.0, 110.0):
        clock[0] = now
        found.append(checkpoints.due)
    assert found == [False, False, True, True]
