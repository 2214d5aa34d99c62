from __future__ import annotations

import numpy as np
import pytest
import torch

from muslin.data import Dataset, Split
from muslin.recipe import Augmentation, Recipe
from muslin.training.batches import Batches, augment

CPU = torch.device("cpu")


def numbered(count: int) -> Split:
    """Images that carry their own number."""
    images = np.broadcast_to(np.arange(count, dtype=np.uint8)[:, None, None, None], (count, 4, 4, 1)).copy()
    return Split(images, np.arange(count) % 3)


def seen(batches: Batches, epoch: int) -> list[int]:
    return [round(float(image[0, 0, 0]) * 255) for images, _ in batches.epoch(epoch) for image in images]


def test_every_image_is_seen_once_an_epoch_in_another_order_each_time() -> None:
    batches = Batches(numbered(50), Recipe(name="r", epochs=1, batch_size=16), 0, CPU)
    assert batches.steps == 4
    first, second = seen(batches, 1), seen(batches, 2)
    assert sorted(first) == sorted(second) == list(range(50))
    assert first != second
    assert seen(batches, 1) == first


def test_the_last_smaller_batch_can_be_left_out() -> None:
    batches = Batches(numbered(50), Recipe(name="r", epochs=1, batch_size=16, drop_last=True), 0, CPU)
    assert [len(labels) for _, labels in batches.epoch(1)] == [16, 16, 16] == [16] * batches.steps


def test_fewer_images_than_a_batch_make_one_smaller_batch() -> None:
    batches = Batches(numbered(5), Recipe(name="r", epochs=1, batch_size=16, drop_last=True), 0, CPU)
    assert [len(labels) for _, labels in batches.epoch(1)] == [5]


def test_labels_stay_with_their_images() -> None:
    batches = Batches(numbered(50), Recipe(name="r", epochs=1, batch_size=7), 3, CPU)
    for images, labels in batches.epoch(1):
        assert torch.equal((images[:, 0, 0, 0] * 255).round().long() % 3, labels)


def test_batches_are_channels_first_in_shape_and_last_in_memory() -> None:
    images = np.zeros((9, 4, 6, 3), np.uint8)
    images[..., 1] = 255
    batches = Batches(Split(images, np.zeros(9, np.int64)), Recipe(name="r", epochs=1, batch_size=9), 0, CPU)
    ((batch, _),) = batches.epoch(1)
    assert batch.shape == (9, 3, 4, 6)
    assert batch.is_contiguous(memory_format=torch.channels_last)
    assert batch[:, 1].eq(1).all()
    assert batch[:, (0, 2)].eq(0).all()


@pytest.mark.parametrize("how", [Augmentation(flip=True), Augmentation(shift=2), Augmentation(flip=True, shift=1)])
def test_an_augmented_image_is_one_of_the_possible_ones(sample: Dataset, how: Augmentation) -> None:
    images = torch.from_numpy(sample.train.images[:40])
    changed = augment(images, how, torch.Generator().manual_seed(0))
    kinds = set()
    for before, after in zip(images, changed, strict=True):
        possible = {
            (flip, down, across): shifted(before.flip(1) if flip else before, down, across)
            for flip in ((False, True) if how.flip else (False,))
            for down in range(-how.shift, how.shift + 1)
            for across in range(-how.shift, how.shift + 1)
        }
        matches = [key for key, image in possible.items() if torch.equal(image, after)]
        assert matches
        kinds.add(matches[0])
    assert len(kinds) > 1  # not always the same change


def shifted(image: torch.Tensor, down: int, across: int) -> torch.Tensor:
    """The image moved pixel by pixel, black coming in."""
    result = torch.zeros_like(image)
    height, width, _ = image.shape
    for row in range(height):
        for column in range(width):
            if 0 <= row - down < height and 0 <= column - across < width:
                result[row, column] = image[row - down, column - across]
    return result


def test_without_augmentation_bytes_pass_untouched(sample: Dataset) -> None:
    images = torch.from_numpy(sample.train.images[:4])
    assert torch.equal(augment(images, Augmentation(), torch.Generator()), images)
