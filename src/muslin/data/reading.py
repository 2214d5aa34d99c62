"""How files are read: everything beside their path that decides which pixels and labels a data set has."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, TypeAlias, TypedDict, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from muslin._display import Described
from muslin.errors import DataError
from muslin.pictures.target import Color, Fitting

Nested: TypeAlias = Literal["top", "leaf"]
COLORS: tuple[Color, ...] = get_args(Color)
FITTINGS: tuple[Fitting, ...] = get_args(Fitting)
NESTED: tuple[Nested, ...] = get_args(Nested)
_GROUNDS = {"black": 0, "white": 255}
_LARGEST_SIDE = 1024


class Reading(Described, BaseModel):
    r"""How files are read; kept in run.json, so that the same files give the same data set again.

    Attributes:
        size: (height, width) in pixels that picture files are brought to (default None: all have one size already).
            Text may say it as "48x48".
        color: "gray" for one channel, "rgb" for three (default None: as the pictures are).
        fit: how a picture of other proportions becomes `size` (default "fit"). "fit": scaled to fit and extended with
            the ground. "crop": scaled to fill and cut on both sides. "stretch": each side scaled on its own.
        ground: gray value, 0–255, behind transparent pixels and beside a fitted picture (default None: white if the
            visible parts of the transparent training pictures are dark, otherwise black). Text may say "black" or
            "white".
        label: name of the column with the labels, in CSV and Parquet files (default None: found by its usual names).
        group: regular expression; training, validation and test images whose names match it with the same text stay
            together (default None: each image by itself). Its first group counts if it has one, as in "patient(\d+)".
        nested: which folder names the class where folders lie inside the folders of train/: "top" for the outer one,
            "leaf" for the inner one (default None: "leaf" if training and test have the same inner folders, each
            inside one outer folder; otherwise "top").
        transpose: whether rows and columns are exchanged, as EMNIST's files need (default False).
        pixel_range: (lowest, highest) value that the pixels can take in the files (default None: found on the training
            images). Text may say it as "0-16".
        test_fraction: share of the labeled images that become the test split, 0–1, stratified by class, where the
            files have none (default None: the files must have test images).
        validation_fraction: share of the training files held out for validation, 0–1, stratified by class, where the
            files have no validation images of their own (default 0.1).
        split_seed: seed of both draws; scikit-learn's `train_test_split` draws the same (default 42).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    size: tuple[Annotated[int, Field(ge=1, le=_LARGEST_SIDE)], Annotated[int, Field(ge=1, le=_LARGEST_SIDE)]] | None = (
        None
    )
    color: Color | None = None
    fit: Fitting = "fit"
    ground: Annotated[int, Field(ge=0, le=255)] | None = None
    label: str | None = None
    group: str | None = None
    nested: Nested | None = None
    transpose: bool = False
    pixel_range: tuple[float, float] | None = None
    test_fraction: float | None = None
    validation_fraction: float = 0.1
    split_seed: int = 42

    @field_validator("size", mode="before")
    @classmethod
    def _size(cls, given: Any) -> Any:
        if isinstance(given, str) and (found := re.fullmatch(r"\s*(\d{1,5})\s*[x×]\s*(\d{1,5})\s*", given.lower())):
            return int(found[1]), int(found[2])
        return given

    @field_validator("ground", mode="before")
    @classmethod
    def _ground(cls, given: Any) -> Any:
        return _GROUNDS.get(given.lower(), given) if isinstance(given, str) else given

    @field_validator("pixel_range", mode="before")
    @classmethod
    def _range(cls, given: Any) -> Any:
        number = r"(-?\d+(?:\.\d+)?)"
        if isinstance(given, str) and (found := re.fullmatch(rf"\s*{number}\s*(?:-|–|,|to)\s*{number}\s*", given)):
            return float(found[1]), float(found[2])
        return given

    @field_validator("pixel_range")
    @classmethod
    def _rising(cls, given: tuple[float, float] | None) -> tuple[float, float] | None:
        if given is not None and not given[0] < given[1]:
            raise ValueError("the lowest value must be below the highest")
        return given

    @field_validator("group")
    @classmethod
    def _pattern(cls, given: str | None) -> str | None:
        try:
            re.compile(given or "")
        except re.error as error:
            raise ValueError(f"not a regular expression: {error}") from error
        return given


AS_IS = Reading()


class ReadingOptions(TypedDict, total=False):
    """The fields of `Reading` as keyword arguments, each of which may be None or absent for its default."""

    size: tuple[int, int] | str | None
    color: str | None
    fit: str | None
    ground: int | str | None
    label: str | None
    group: str | None
    nested: str | None
    transpose: bool | None
    pixel_range: tuple[float, float] | str | None
    test_fraction: float | None
    validation_fraction: float | None
    split_seed: int | None


_EXPECTED = {
    "size": 'HEIGHTxWIDTH in pixels, such as "28x28", each side at most 1024',
    "color": '"gray" or "rgb"',
    "fit": '"fit", "crop" or "stretch"',
    "ground": '"black", "white" or a gray value from 0 to 255',
    "nested": '"top" or "leaf"',
    "pixel_range": 'LOWEST-HIGHEST, such as "0-16", the lowest first',
    "group": 'a regular expression, such as "patient(\\d+)"',
}


def reading_of(options: ReadingOptions, base: Reading | None = None) -> Reading:
    """Make a `Reading` of keyword arguments.

    Args:
        options: fields by name; those that are None keep their value of `base`.
        base: values of the other fields (default: the defaults).

    Raises:
        DataError: a value is not valid; the message names the option and what it takes.

    >>> reading_of({"size": "48x64", "ground": "white"}).size
    (48, 64)
    """
    given = {name: value for name, value in options.items() if value is not None}
    content = (base or Reading()).model_dump() | given
    unknown = sorted(given.keys() - Reading.model_fields.keys())
    if unknown:
        raise TypeError(f"unknown option {unknown[0]!r}; data are read with {', '.join(Reading.model_fields)}")
    try:
        return Reading.model_validate(content)
    except ValidationError as error:
        name = str(error.errors(include_url=False)[0]["loc"][0])
        takes = _EXPECTED.get(name, "another kind of value")
        raise DataError(f"`{name}={given.get(name)!r:.100}` is not valid. It takes {takes}.") from error
