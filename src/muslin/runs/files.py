"""Names of the files in a run folder, and a function that reads one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError
from safetensors import SafetensorError

from muslin.errors import MuslinError, RunError

# Figures drawn from weights, predictions or training; other figures depend only on the design or the images.
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
_LARGEST_TEXT = 64_000_000  # limit of a JSON, TOML or CSV file, bytes; a long history needs a thousandth
_Read = TypeVar("_Read")


def read(path: Path, parse: Callable[[bytes], _Read], way_out: str = "") -> _Read:
    """Return what `parse` makes of a file's bytes.

    Args:
        path: path of the file.
        parse: parser; raises ValidationError, ValueError, RecursionError or SafetensorError for invalid content.
        way_out: sentence that tells how to replace a damaged file (default empty).

    Raises:
        RunError: the file is missing, unreadable or damaged.
    """
    try:
        if path.stat().st_size > _LARGEST_TEXT:
            raise RunError(f"{path} exceeds the limit of {_LARGEST_TEXT:,} bytes; Muslin did not write it.")
        return parse(path.read_bytes())
    except FileNotFoundError as error:
        raise missing(path) from error
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror}.") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise RunError(
            f"{path} is damaged or from another version of Muslin: {where or 'content':.200}: {first['msg']:.300}."
        ) from error
    except (ValueError, RecursionError, SafetensorError) as error:
        raise RunError(f"{path} is damaged: {str(error).rstrip('.'):.300}. {way_out}".rstrip()) from error


def missing(path: Path) -> RunError:
    """Return the error for a run folder that lacks this file."""
    return RunError(
        f"run folder {path.parent} has no {path.name}: it is not a run, or training did not get that far. "
        "Choose another run, or train again."
    )


def require_free(path: Path, own: Path) -> None:
    """Check that writing a file would not replace a file that belongs to a run, other than `own`.

    Raises:
        MuslinError: it would.
    """
    folder = path.parent.resolve()
    is_own = folder / path.name == own.parent.resolve() / own.name
    if not is_own and path.name.casefold() in _FILES and (folder / "run.json").exists():
        raise MuslinError(
            f"{path} belongs to run {folder.name} and would be overwritten. Choose another name or folder."
        )
