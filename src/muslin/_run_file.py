"""Reading a file of a run folder: what is wrong with it is told as a `RunError`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError
from safetensors import SafetensorError

from muslin.errors import RunError

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
