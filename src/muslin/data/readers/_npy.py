"""One array in NumPy's `.npy` format, whose header is checked before memory of its size is allocated."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager
from tokenize import TokenError
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy

from muslin.data.readers._arrays import check_type
from muslin.errors import DataError

MAGIC = npy.MAGIC_PREFIX


def read_array(
    opened: Callable[[], AbstractContextManager[IO[bytes]]], stored: int, name: str, *, labels: bool = False
) -> np.ndarray[Any, Any]:
    """Read an array. Objects (pickles) are never loaded.

    Args:
        opened: opens the array's stream.
        stored: number of bytes in the stream.
        name: name of the array in messages.
        labels: whether text is allowed (default False).

    Raises:
        DataError: the array is damaged, empty, of another type, or longer than its stream.
    """
    try:
        with opened() as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # NumPy warns of headers written by Python 2
            shape, dtype = _header(file)
            check_type(dtype, name, labels=labels)
            declared = math.prod(shape) * dtype.itemsize
            if not shape or not declared:
                raise DataError(f"{name} is empty (shape {shape}). Write the file again.")
            if declared > stored:
                raise DataError(
                    f"{name} declares the shape {shape}, which is {declared:,} bytes, but contains {stored:,} bytes. "
                    "The file is damaged; write it again."
                )
        with opened() as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            values: np.ndarray[Any, Any] = npy.read_array(file, allow_pickle=False)
            return values
    # NumPy parses headers as Python text, with the errors of its parser.
    except (ValueError, TypeError, OverflowError, MemoryError, RecursionError, SyntaxError, TokenError) as error:
        raise DataError(f"{name} is not a valid NumPy array: {error!s:.200}. Write the file again.") from error


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[Any]]:
    version = npy.read_magic(file)
    read_header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, _, dtype = read_header(file)
    if any(side < 0 for side in shape):
        raise ValueError(f"negative shape {shape}")
    return shape, dtype
