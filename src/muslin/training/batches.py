"""Training batches: shuffled every epoch, augmented, and converted from bytes to float32."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from muslin.data import Split
from muslin.engine import ops
from muslin.engine.build import library
from muslin.network import PIXEL_MAXIMUM
from muslin.recipe import Recipe

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int64, UInt8

_EPOCHS_PER_SEED = 1_000_003  # prime, larger than any epoch count: every (seed, epoch) pair gets its own generator


class Batch(NamedTuple):
    """The input of one training step.

    Attributes:
        images: images, float32 in 0–1, shape (batch, channel, height, width).
        labels: class indices, shape (batch,).
        taught: soft targets: the teachers' probabilities for these images, shape (batch, class); None without teachers.
    """

    images: Float[Tensor, "batch channel height width"]
    labels: Int64[Tensor, " batch"]
    taught: Float[Tensor, "batch class"] | None = None


class Batches:
    """The training images in batches; pixels stay uint8 on the device until their batch is made.

    The order and the augmentation of an epoch depend only on the seed and the epoch number.

    Args:
        split: training images and labels.
        recipe: recipe whose batch size and augmentation are used.
        seed: seed of the order and the augmentation.
        device: device on which batches are made.
        taught: soft targets for all images, shape (image, class); None (default) without teachers.
    """

    def __init__(
        self,
        split: Split,
        recipe: Recipe,
        seed: int,
        device: torch.device,
        taught: Float[Tensor, "image class"] | None = None,
    ) -> None:
        self.images = torch.from_numpy(split.images).to(device).contiguous()
        self.labels = torch.from_numpy(split.labels).to(device)
        self.taught = None if taught is None else taught.to(device)
        self.recipe = recipe
        self.seed = seed
        self._threads = torch.get_num_threads()
        self._in_one_pass = device.type == "cpu" and library("float32") is not None
        # Images to mirror in odd epochs; even epochs mirror the others.
        self.mirrored = torch.rand(len(split), generator=self._generator(0)) < 0.5

    @property
    def size(self) -> int:
        """Images per step: the recipe's batch size, or the number of images if that is smaller."""
        return min(self.recipe.batch_size, len(self.labels))

    @property
    def steps(self) -> int:
        """Steps per epoch."""
        return self.recipe.steps(len(self.labels))

    def epoch(self, number: int, first: int = 0) -> Iterator[Batch]:
        """Yield the batches of one epoch.

        Args:
            number: epoch number, counted from 1.
            first: index of the first batch to yield, counted from 0 (default 0); earlier batches are skipped.
        """
        generator = self._generator(number)
        order = torch.randperm(len(self.labels), generator=generator)
        how = self.recipe.augmentation
        moves = torch.randint(-how.shift, how.shift + 1, (len(order), 2), generator=generator)
        for step in range(first, self.steps):
            chosen = order[step * self.size : (step + 1) * self.size]
            here = chosen.to(self.images.device)
            mirrored = self.mirrored[chosen] ^ (number % 2 == 0) if how.flip is True else None
            images = self._images(here, mirrored, moves[chosen] if how.shift else None)
            yield Batch(images, self.labels[here], None if self.taught is None else self.taught[here])

    def _images(self, chosen: Tensor, mirrored: Tensor | None, moves: Tensor | None) -> Tensor:
        if self._in_one_pass:
            return ops.batch(self.images, chosen, mirrored, moves, self._threads)
        images = self.images[chosen]
        if mirrored is not None:
            images = flip(images, mirrored)
        if moves is not None:
            images = shift(images, moves)
        return images.permute(0, 3, 1, 2).float().div_(PIXEL_MAXIMUM)

    def _generator(self, epoch: int) -> torch.Generator:
        return torch.Generator().manual_seed(self.seed * _EPOCHS_PER_SEED + epoch)


def class_weights(
    labels: Int64[np.ndarray, " image"], classes: int, recipe: Recipe, device: torch.device
) -> Float[Tensor, " class"] | None:
    """Return the weight of each class in the loss, or None if every image counts the same.

    Args:
        labels: class numbers of the training images.
        classes: number of classes.
        recipe: recipe that says whether classes are balanced.
        device: device of the result.
    """
    if recipe.class_weights == "none":
        return None
    counts = np.bincount(labels, minlength=classes)
    return torch.from_numpy(len(labels) / (classes * np.maximum(counts, 1))).float().to(device)


def flip(
    images: UInt8[Tensor, "image height width channel"], mirrored: Bool[Tensor, " image"]
) -> UInt8[Tensor, "image height width channel"]:
    """Mirror the images for which `mirrored` is true, left to right."""
    return torch.where(mirrored.to(images.device).view(-1, 1, 1, 1), images.flip(2), images)


def shift(
    images: UInt8[Tensor, "image height width channel"], moves: Int64[Tensor, "image 2"]
) -> UInt8[Tensor, "image height width channel"]:
    """Move image i down by ``moves[i, 0]`` and right by ``moves[i, 1]`` pixels, and fill with black.

    Runs as one gather: a view of all windows of the padded batch is indexed by image, row and column.
    """
    _, height, width, _ = images.shape
    most = int(moves.abs().max())
    windows = functional.pad(images, (0, 0, most, most, most, most)).unfold(1, height, 1).unfold(2, width, 1)
    down, right = (most - moves).to(images.device).unbind(1)
    return windows[torch.arange(len(images), device=images.device), down, right].permute(0, 2, 3, 1)
