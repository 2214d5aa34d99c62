from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.utils.class_weight import compute_class_weight  # type: ignore[import-untyped]

from muslin.data import Dataset, Split
from muslin.engine import build
from muslin.recipe import Augmentation, Recipe
from muslin.training.batches import Batches, class_weights, flip, shift

CPU = torch.device("cpu")


def numbered(count: int) -> Split:
    """Images that carry their own number."""
    images = np.broadcast_to(np.arange(count, dtype=np.uint8)[:, None, None, None], (count, 4, 4, 1)).copy()
    return Split(images, np.arange(count) % 3)


def seen(batches: Batches, epoch: int) -> list[int]:
    return [round(float(image[0, 0, 0]) * 255) for batch in batches.epoch(epoch) for image in batch.images]


def test_every_image_is_seen_once_an_epoch_in_another_order_each_time() -> None:
    batches = Batches(numbered(50), Recipe(name="r", epochs=1, batch_size=16), 0, CPU)
    assert batches.steps == 4
    first, second = seen(batches, 1), seen(batches, 2)
    assert sorted(first) == sorted(second) == list(range(50))
    assert first != second
    assert seen(batches, 1) == first


def test_the_last_smaller_batch_can_be_left_out() -> None:
    batches = Batches(numbered(50), Recipe(name="r", epochs=1, batch_size=16, drop_last=True), 0, CPU)
    assert [len(batch.labels) for batch in batches.epoch(1)] == [16, 16, 16] == [16] * batches.steps


def test_fewer_images_than_a_batch_make_one_smaller_batch() -> None:
    batches = Batches(numbered(5), Recipe(name="r", epochs=1, batch_size=16, drop_last=True), 0, CPU)
    assert [len(batch.labels) for batch in batches.epoch(1)] == [5]


def test_labels_stay_with_their_images() -> None:
    batches = Batches(numbered(50), Recipe(name="r", epochs=1, batch_size=7), 3, CPU)
    for images, labels, _ in batches.epoch(1):
        assert torch.equal((images[:, 0, 0, 0] * 255).round().long() % 3, labels)


def test_batches_are_channels_first_in_shape_and_last_in_memory() -> None:
    images = np.zeros((9, 4, 6, 3), np.uint8)
    images[..., 1] = 255
    batches = Batches(Split(images, np.zeros(9, np.int64)), Recipe(name="r", epochs=1, batch_size=9), 0, CPU)
    ((batch, _, _),) = batches.epoch(1)
    assert batch.shape == (9, 3, 4, 6)
    assert batch.is_contiguous(memory_format=torch.channels_last)
    assert batch[:, 1].eq(1).all()
    assert batch[:, (0, 2)].eq(0).all()


def test_every_image_is_mirrored_in_every_other_epoch() -> None:
    images = np.zeros((40, 2, 3, 1), np.uint8)
    images[:, :, 0, 0] = np.arange(40, dtype=np.uint8)[:, None] + 1
    recipe = Recipe(name="r", epochs=1, batch_size=40, augmentation=Augmentation(flip=True))
    batches = Batches(Split(images, np.arange(40) % 3), recipe, 0, CPU)

    def mirrored(epoch: int) -> set[int]:
        ((found, _, _),) = batches.epoch(epoch)
        return {round(float(image[0, 0, 2]) * 255) for image in found if image[0, 0, 0] == 0}

    first, second, third = (mirrored(epoch) for epoch in (1, 2, 3))
    assert first | second == set(range(1, 41))
    assert not first & second
    assert first == third
    assert 10 < len(first) < 30  # a fair coin


def test_flipping_mirrors_the_chosen_images_only(sample: Dataset) -> None:
    images = torch.from_numpy(sample.train.images[:4])
    found = flip(images, torch.tensor([True, False, True, False]))
    for number, image in enumerate(images):
        assert torch.equal(found[number], image.flip(1) if number % 2 == 0 else image)


def test_shifting_moves_each_image_by_its_own_step(sample: Dataset) -> None:
    images = torch.from_numpy(sample.train.images[:6])
    moves = torch.tensor([[0, 0], [1, 0], [0, -2], [2, 2], [-1, 1], [-2, -2]])
    found = shift(images, moves)
    for image, after, (down, right) in zip(images, found, moves.tolist(), strict=True):
        assert torch.equal(after, shifted(image, down, right))


def test_shifts_stay_within_the_recipes_bound_and_vary(sample: Dataset) -> None:
    few = Split(sample.train.images[:1].repeat(64, 0), sample.train.labels[:1].repeat(64))
    recipe = Recipe(name="r", epochs=1, batch_size=64, augmentation=Augmentation(shift=1))
    ((found, _, _),) = Batches(few, recipe, 0, CPU).epoch(1)
    image = torch.from_numpy(few.images[0])
    possible = [shifted(image, down, right) for down in (-1, 0, 1) for right in (-1, 0, 1)]
    kinds = {
        [torch.equal(candidate, (after.permute(1, 2, 0) * 255).round().byte()) for candidate in possible].index(True)
        for after in found
    }
    assert len(kinds) > 5


@pytest.mark.parametrize("shape", [(28, 28, 1), (5, 3, 3), (1, 1, 1), (2, 9, 2)])
@pytest.mark.parametrize("augmentation", [{}, {"flip": True}, {"shift": 2}, {"flip": True, "shift": 4}])
def test_made_in_one_pass_or_by_torch_they_are_the_same_to_the_bit(
    shape: tuple[int, int, int], augmentation: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    split = Split(rng.integers(0, 256, (70, *shape), np.uint8), rng.integers(0, 3, 70))
    recipe = Recipe(name="r", epochs=1, batch_size=32, augmentation=Augmentation.model_validate(augmentation))
    epochs = [[batch for number in (1, 2) for batch in Batches(split, recipe, 0, CPU).epoch(number)]]
    monkeypatch.setenv(build.SWITCH, "0")
    epochs += [[batch for number in (1, 2) for batch in Batches(split, recipe, 0, CPU).epoch(number)]]
    for (ours, labels, _), (theirs, same, _) in zip(*epochs, strict=True):
        assert torch.equal(ours, theirs)
        assert torch.equal(labels, same)


def shifted(image: torch.Tensor, down: int, across: int) -> torch.Tensor:
    """The image moved pixel by pixel, black coming in."""
    result = torch.zeros_like(image)
    height, width, _ = image.shape
    for row in range(height):
        for column in range(width):
            if 0 <= row - down < height and 0 <= column - across < width:
                result[row, column] = image[row - down, column - across]
    return result


def test_balanced_class_weights_are_scikit_learns() -> None:
    labels = np.repeat([0, 1, 2], [50, 10, 5])
    recipe = Recipe(name="r", epochs=1, class_weights="balanced")
    found = class_weights(labels, 3, recipe, CPU)
    assert found is not None
    expected = compute_class_weight("balanced", classes=np.arange(3), y=labels)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-6)
    assert class_weights(labels, 3, Recipe(name="r", epochs=1), CPU) is None
