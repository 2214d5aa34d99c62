"""Safetensors files: the format in which a run stores its weights.

A safetensors file is a table of names, types and shapes followed by the numbers, so that reading it runs no code
(https://huggingface.co/docs/safetensors). The arrays are those of the network's state_dict. The metadata contain the
design (as TOML), the class names and a description of the input, so that the file is self-contained.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from muslin.design import Design
from muslin.errors import RunError
from muslin.exports._card import Card
from muslin.exports._weights import Weights, mismatch, not_finite

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LARGEST_TABLE = 2**22  # bytes; the names and shapes of 256 layers and a design's text need a quarter of it
_TYPE_NAMES = {"F32": "float32", "F64": "float64", "F16": "float16", "BF16": "bfloat16"}
# safetensors writes metadata in arbitrary order; Muslin's are stored under a single key, so that equal weights give
# identical files.
_KEY = "muslin"


def write_safetensors(card: Card, weights: Weights, path: Path) -> None:
    """Write weights that fit the card's design.

    Raises:
        OSError: the file cannot be written.
    """
    arrays = {name: np.ascontiguousarray(values) for name, values in weights.items()}
    path.write_bytes(save(arrays, {_KEY: json.dumps(card.to_metadata(), ensure_ascii=False)}))


def load_weights(path: str | Path, design: Design) -> dict[str, NDArray[np.float32]]:
    """Read weights and check them against the design: names, shapes, type, and that every value is finite.

    No array is read before the file's table matches the design.

    Raises:
        RunError: the file is missing, damaged, truncated, or does not contain this design's weights.
    """
    path = Path(path)
    with _opened(path) as file:
        found = {}
        for name in file.keys():  # noqa: SIM118  (not a mapping)
            part = file.get_slice(name)
            found[name] = (_TYPE_NAMES.get(part.get_dtype(), part.get_dtype()), tuple(part.get_shape()))
        problem = mismatch(design, found)
        weights = {} if problem else {name: file.get_tensor(name) for name in found}
    problem = problem or not_finite(weights)
    if problem:
        raise RunError(
            f"{path} does not contain the weights of design '{design.name}': {problem}. "
            "Use the file that belongs to this design, or train again."
        )
    return weights


def read_card(path: str | Path) -> Card:
    """Return the design and class names stored in a file written by Muslin.

    Raises:
        RunError: the file is missing, damaged, truncated, or was not written by Muslin.
    """
    path = Path(path)
    with _opened(path) as file:
        metadata = file.metadata() or {}
    try:
        content = json.loads(metadata.get(_KEY, "{}"))
    except (ValueError, RecursionError) as error:
        raise RunError(f"{path} contains damaged metadata: {error}. Export it again with `muslin export`.") from error
    texts = (
        {key: value for key, value in content.items() if isinstance(value, str)} if isinstance(content, dict) else {}
    )
    return Card.from_metadata(texts, str(path))


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    try:
        if path.stat().st_size == 0:
            raise RunError(
                f"{path} is empty, because writing it was interrupted. Restore it from a copy, or train again."
            )
        with path.open("rb") as start:
            table = int.from_bytes(start.read(8), "little")
        if table > _LARGEST_TABLE:
            raise SafetensorError(f"its table would take {table:,} bytes, but Muslin writes at most {_LARGEST_TABLE:,}")
        with safe_open(path, framework="numpy") as file:
            yield file
    except FileNotFoundError as error:
        raise RunError(
            f"{path} does not exist. It contains the weights of a run; train again, or restore the file."
        ) from error
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror or error}.") from error
    except SafetensorError as error:
        raise RunError(
            f"{path} is damaged, truncated, or not a safetensors file ({str(error).rstrip('.')}). "
            "Restore it from a copy, or train again."
        ) from error
