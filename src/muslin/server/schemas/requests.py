"""Schemas of requests."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, model_validator

MOST_IMAGES = 256  # per request
Byte: TypeAlias = Annotated[int, Field(strict=True, ge=0, le=255)]
GreyImage: TypeAlias = list[list[Byte]]
ColourImage: TypeAlias = list[list[list[Byte]]]
Pixels: TypeAlias = GreyImage | ColourImage
RunId: TypeAlias = Annotated[str, Field(min_length=1, max_length=200)]
SplitName: TypeAlias = Literal["train", "validation", "test"]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid")


class PredictRequest(_Request):
    """Images to classify.

    Attributes:
        images: images of the network's input size, each a list of rows of pixels 0–255 (or of [red, green, blue]).
        run: name of the run; the server's default run if omitted.
    """

    images: Annotated[list[Pixels], Field(min_length=1, max_length=MOST_IMAGES)]
    run: RunId | None = None


class Example(_Request):
    """An image of the run's data set."""

    split: SplitName
    index: Annotated[int, Field(ge=0, le=2**31)]


class ExplainRequest(_Request):
    """An image to explain: `pixels`, or an `example` of the data set.

    Attributes:
        pixels: image of the network's input size, as in `PredictRequest`.
        example: image of the run's data set.
        number: class to explain; the predicted class if omitted.
        occlusion: whether to compute the occlusion map, which takes about ten times as long (default false).
        run: name of the run; the server's default run if omitted.
    """

    pixels: Pixels | None = None
    example: Example | None = None
    number: Annotated[int, Field(ge=0, le=65_536)] | None = None
    occlusion: bool = False
    run: RunId | None = None

    @model_validator(mode="after")
    def _one_image(self) -> ExplainRequest:
        if (self.pixels is None) == (self.example is None):
            raise ValueError("give exactly one of pixels and example")
        return self
