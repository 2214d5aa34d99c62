"""Batches: shuffled anew each epoch, augmented, turned from bytes into what the network takes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from muslin.data import Split
from muslin.network import PIXEL_MAXIMUM
from muslin.recipe import Augmentation, Recipe

if TYPE_CHECKING:
    from jaxtyping import UInt8

_EPOCHS_PER_SEED = 1_000_003  # a prime beyond any epoch count, so that (seed, epoch) pairs never share a generator


class Batches:
    """The training images as batches, epoch after epoch; pixels stay bytes on the device until their batch.

    The order and the augmentation of an epoch depend on the seed and the epoch's number alone.
    """

    def __init__(self, split: Split, recipe: Recipe, seed: int, device: torch.device) -> None:
        self.images = torch.from_numpy(split.images).to(device)
        self.labels = torch.from_numpy(split.labels).to(device)
        self.recipe = recipe
        self.seed = seed

    @property
    def size(self) -> int:
        """Images a step: the recipe's batch size, or all images where there are fewer."""
        return min(self.recipe.batch_size, len(self.labels))

    @property
    def steps(self) -> int:
        """Steps an epoch."""
        whole, rest = divmod(len(self.labels), self.size)
        return whole + bool(rest and not self.recipe.drop_last)

    def epoch(self, number: int) -> Iterator[tuple[Tensor, Tensor]]:
        """The batches of one epoch: images (batch, channel, height, width) as float32 0–1, and labels (batch,)."""
        generator = torch.Generator().manual_seed(self.seed * _EPOCHS_PER_SEED + number)
        order = torch.randperm(len(self.labels), generator=generator).to(self.images.device)
        for step in range(self.steps):
            chosen = order[step * self.size : (step + 1) * self.size]
            images = augment(self.images[chosen], self.recipe.augmentation, generator)
            yield images.permute(0, 3, 1, 2).float().div_(PIXEL_MAXIMUM), self.labels[chosen]


def augment(
    images: UInt8[Tensor, "image height width channel"], how: Augmentation, generator: torch.Generator
) -> UInt8[Tensor, "image height width channel"]:
    """Apply the recipe's random changes to a batch of bytes."""
    count, height, width, _ = images.shape
    if not how.flip and not how.shift:
        return images
    # One gather does it all: for every image, which row and column each pixel comes from.
    rows = torch.arange(height).expand(count, height)
    columns = torch.arange(width).expand(count, width)
    if how.flip:
        mirrored = torch.rand(count, 1, generator=generator) < 0.5
        columns = torch.where(mirrored, width - 1 - columns, columns)
    if not how.shift:
        return images[torch.arange(count)[:, None], :, columns.to(images.device)].transpose(1, 2)
    padded = torch.nn.functional.pad(images, (0, 0, how.shift, how.shift, how.shift, how.shift))
    moves = torch.randint(0, 2 * how.shift + 1, (2, count, 1), generator=generator)
    rows, columns = (rows + moves[0]).to(images.device), (columns + moves[1]).to(images.device)
    return padded[torch.arange(count)[:, None, None], rows[:, :, None], columns[:, None, :]]
