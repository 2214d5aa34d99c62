"""Checks of every reader before it uses a file: its real format, and bounds on its size."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from muslin.errors import DataError

# Largest pixel data of one file. Fashion-MNIST's training images are 47 MB; more than 2 GiB needs another tool.
MOST_BYTES = 2 * 2**30
# A file may unzip to this multiple of its size, or to the floor if that is more. Images compress 2- to 20-fold; a
# decompression bomb uses deflate's limit of 1,000-fold. The floor admits labels, which compress further.
MOST_EXPANSION = 200
EXPANSION_FLOOR = 64 * 2**20

_GZIP = b"\x1f\x8b"


def head(path: Path, size: int = 64) -> bytes:
    """Return the first bytes of a file.

    Args:
        path: the file.
        size: number of bytes to read (default 64).

    Raises:
        DataError: the file is missing, empty or unreadable.
    """
    try:
        with path.open("rb") as file:
            start = file.read(size)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.") from error
    if not start:
        raise DataError(f"{path} is empty. The download was probably interrupted; download it again.")
    return start


def refuse_impostor(path: Path) -> bytes:
    """Like `head`, but refuse files that are often saved under a data file's name by mistake.

    Raises:
        DataError: as `head`, or the file is a web page, a ZIP archive or a Git LFS pointer.
    """
    start = head(path)
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<!doctype", b"<html", b"<?xml", b"<head")):
        what = "a web page (HTML); the download probably led to a login or error page. Download the file itself"
    elif start.startswith(b"PK\x03\x04"):
        what = "a ZIP archive under another name. Give it a name that ends in .zip, and pass that as `path=`"
    elif start.startswith(b"version https://git-lfs"):
        what = "a Git LFS pointer instead of the file. Download the file with `git lfs pull`"
    else:
        return start
    raise DataError(f"{path} is {what}.")


def may_unzip_to(path: Path, declared: int, packed: int | None = None) -> None:
    """Check a file's declared unzipped size before anything is allocated.

    Args:
        path: the file, for the message.
        declared: declared size in bytes.
        packed: packed size in bytes (default the size of the file).

    Raises:
        DataError: the declared size exceeds `MOST_BYTES` or is that of a decompression bomb.
    """
    if declared > MOST_BYTES:
        raise DataError(
            f"{path} declares {declared:,} bytes; Muslin reads at most {MOST_BYTES:,} from one file. "
            "Check that it is not damaged, or use fewer or smaller images."
        )
    packed = path.stat().st_size if packed is None else packed
    if declared > max(EXPANSION_FLOOR, MOST_EXPANSION * packed):
        raise DataError(
            f"{path} would unpack from {packed:,} to {declared:,} bytes, more than {MOST_EXPANSION} times its size. "
            "Images do not compress that far; it looks like a decompression bomb and was not unpacked."
        )


def refuse_oversize(path: Path) -> None:
    """Refuse a file larger than `MOST_BYTES`.

    Raises:
        DataError: the file is too large.
    """
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise DataError(f"{path} has {size:,} bytes; Muslin reads files of at most {MOST_BYTES:,}. Use fewer images.")


@contextmanager
def unzipped(path: Path) -> Iterator[BinaryIO]:
    """Open a file for reading; gzip, recognized by content, is unzipped.

    Raises:
        DataError: as `refuse_impostor`, or the gzip stream is damaged or cut off.
    """
    zipped = refuse_impostor(path).startswith(_GZIP)
    try:
        with gzip.open(path, "rb") if zipped else path.open("rb") as file:
            yield cast("BinaryIO", file)
    except EOFError as error:
        raise DataError(f"{path} is cut off: its gzip stream has no end. Download it again.") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{path} is damaged: {error}. Download it again.") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.") from error
