"""Settings of knowledge distillation."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from muslin.recipe._part import Count, Part, Positive, Share


class Distillation(Part):
    """Knowledge distillation: the network learns from teacher networks as well as from the labels.

    A teacher is the design itself, optionally wider or deeper. The same run trains the teachers first, with the same
    recipe except for the fields below. The teachers' logits are averaged for each training image; if the recipe flips
    images, the average includes the mirror image. The loss is

        loss = weight · T² · H(softmax(teachers / T), softmax(logits / T)) + (1 − weight) · loss by the labels

    where H is cross-entropy (Hinton, Vinyals & Dean, "Distilling the Knowledge in a Neural Network", 2015, section 2).

    Attributes:
        teachers: number of teachers, each with its own seed (default 1).
        epochs: number of epochs to train each teacher (default 10).
        widen: factor by which a teacher has more filters and hidden units than the design (default 2).
        deepen: number of convolutions in a teacher for each convolution of the design (default 1). The added ones
            follow it, with stride 1 and the same map size.
        learning_rate: learning rate of the teachers (default: the optimizer's `learning_rate`). Deeper networks need
            smaller steps.
        dropout: dropout rate of the teachers (default: the recipe's `dropout`).
        weight: weight of the soft targets in the loss, above 0 to 1 (default 0.7).
        temperature: T, the divisor that softens the logits before they are compared (default 2).
    """

    teachers: Annotated[int, Field(strict=True, ge=1, le=16)] = 1
    epochs: Count = 10
    widen: Annotated[float, Field(gt=0, le=16)] = 2.0
    deepen: Annotated[int, Field(strict=True, ge=1, le=16)] = 1
    learning_rate: Positive | None = None
    dropout: Share | None = None
    weight: Annotated[float, Field(gt=0, le=1)] = 0.7
    temperature: Annotated[float, Field(gt=0, le=100)] = 2.0
