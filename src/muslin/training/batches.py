"""Batches: shuffled anew each epoch, augmented, turned from bytes into what the network takes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

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

_EPOCHS_PER_SEED = 1_000_003  # a prime beyond any epoch count, so that (seed, epoch) pairs never share a generator


class Batch(NamedTuple):
    """What a step learns from.

    Attributes:
        images: (batch, channel, height, width), float32, 0–1.
        labels: (batch,).
        taught: what teachers answered to these images, as probabilities (batch, class); None without teachers.
    """

    images: Float[Tensor, "batch channel height width"]
    labels: Int64[Tensor, " batch"]
    taught: Float[Tensor, "batch class"] | None = None


class Batches:
    """The training images as batches, epoch after epoch; pixels stay bytes on the device until their batch.

    The order and the augmentation of an epoch depend on the seed and the epoch's number alone.

    Args:
        split: the images and labels.
        recipe: batch size and augmentation.
        seed: of both.
        device: where batches are made.
        taught: what teachers answered to the images, as probabilities.
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
        # Which images are mirrored in the odd epochs; in the even ones the others are.
        self.mirrored = torch.rand(len(split), generator=self._generator(0)) < 0.5

    @property
    def size(self) -> int:
        """Images a step: the recipe's batch size, or all images where there are fewer."""
        return min(self.recipe.batch_size, len(self.labels))

    @property
    def steps(self) -> int:
        """Steps an epoch."""
        return self.recipe.steps(len(self.labels))

    def epoch(self, number: int, first: int = 0) -> Iterator[Batch]:
        """The batches of one epoch.

        Args:
            number: the epoch's, counted from 1.
            first: the batch to begin with, counted from 0; those before it are skipped.
        """
        generator = self._generator(number)
        order = torch.randperm(len(self.labels), generator=generator)
        how = self.recipe.augmentation
        moves = torch.randint(-how.shift, how.shift + 1, (len(order), 2), generator=generator)
        for step in range(first, self.steps):
            chosen = order[step * self.size : (step + 1) * self.size]
            here = chosen.to(self.images.device)
            mirrored = self.mirrored[chosen] ^ (number % 2 == 0) if how.flip else None
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


def flip(
    images: UInt8[Tensor, "image height width channel"], mirrored: Bool[Tensor, " image"]
) -> UInt8[Tensor, "image height width channel"]:
    """Mirror those images for which `mirrored` is true, left and right."""
    return torch.where(mirrored.to(images.device).view(-1, 1, 1, 1), images.flip(2), images)


def shift(
    images: UInt8[Tensor, "image height width channel"], moves: Int64[Tensor, "image 2"]
) -> UInt8[Tensor, "image height width channel"]:
    """Move image i down by ``moves[i, 0]`` pixels and right by ``moves[i, 1]``; what leaves is lost, black comes in.

    One gather: a view of all windows of the padded batch is indexed by image, row and column.
    """
    _, height, width, _ = images.shape
    most = int(moves.abs().max())
    windows = functional.pad(images, (0, 0, most, most, most, most)).unfold(1, height, 1).unfold(2, width, 1)
    down, right = (most - moves).to(images.device).unbind(1)
    return windows[torch.arange(len(images), device=images.device), down, right].permute(0, 2, 3, 1)
