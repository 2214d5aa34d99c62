"""The files of a run folder: their names, and reading one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError
from safetensors import SafetensorError

from muslin.errors import MuslinError, RunError

# Drawn of weights, of their answers or of the course of training; other figures are of the design or the images.
FIGURES_OF_WEIGHTS = (
    "accuracy",
    "class_activation_maps",
    "confidently_wrong",
    "confusion_matrix",
    "evidence",
    "feature_maps",
    "filter_responses",
    "filters",
    "occlusion",
    "per_class",
    "reliability",
    "strongest_patches",
    "training_curves",
)

_FILES = (
    "run.json",
    "design.toml",
    "history.csv",
    "model.safetensors",
    "evaluation.json",
    "predictions.safetensors",
    "report.html",
    "model.onnx",
    "model.keras",
    "model.h5",
    "fashion_mnist_cnn_custom.h5",
)
_LARGEST_TEXT = 64_000_000  # bytes of a JSON, TOML or CSV file; a long history takes a thousandth
_Read = TypeVar("_Read")


def read(path: Path, parse: Callable[[bytes], _Read], way_out: str = "") -> _Read:
    """What `parse` makes of a file's bytes.

    Args:
        path: the file.
        parse: raises ValidationError, ValueError, RecursionError or SafetensorError if they are something else.
        way_out: what to do about a damaged file, a sentence.

    Raises:
        RunError: the file is missing, can't be read, or is damaged.
    """
    try:
        if path.stat().st_size > _LARGEST_TEXT:
            raise RunError(f"{path} is over {_LARGEST_TEXT:,} bytes long; Muslin did not write it.")
        return parse(path.read_bytes())
    except FileNotFoundError as error:
        raise missing(path) from error
    except OSError as error:
        raise RunError(f"{path} can't be read: {error.strerror}.") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise RunError(
            f"{path} is damaged or from another version of Muslin: {where or 'content':.200}: {first['msg']:.300}."
        ) from error
    except (ValueError, RecursionError, SafetensorError) as error:
        raise RunError(f"{path} is damaged: {str(error).rstrip('.'):.300}. {way_out}".rstrip()) from error


def missing(path: Path) -> RunError:
    """The error of a run folder without this file."""
    return RunError(
        f"the run folder {path.parent} lacks {path.name}: it is no run, or training did not get that far. "
        "Choose another run, or train again."
    )


def require_free(path: Path, own: Path) -> None:
    """See that a file to be written replaces none of a run's, this one's or another's, but for `own`.

    Raises:
        MuslinError: it would.
    """
    folder = path.parent.resolve()
    is_own = folder / path.name == own.parent.resolve() / own.name
    if not is_own and path.name.casefold() in _FILES and (folder / "run.json").exists():
        raise MuslinError(
            f"{path} is kept by the run {folder.name} and would be lost. Choose another name, or another folder."
        )
