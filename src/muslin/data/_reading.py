"""What every reader does before it believes a file: see what it really is, and bound what it may take."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from muslin.errors import DataError

# Pixels of one file, at most. Fashion-MNIST's training images are 47 MB; beyond 2 GiB Muslin is the wrong tool.
MOST_BYTES = 2 * 2**30
# A file may unzip to this many times its size, or to the floor if that is more. Images shrink 2- to 20-fold, never
# 200-fold; deflate can do 1,000-fold, as a bomb does. The floor leaves room for labels, which may shrink as much.
MOST_EXPANSION = 200
EXPANSION_FLOOR = 64 * 2**20

_GZIP = b"\x1f\x8b"


def head(path: Path, size: int = 64) -> bytes:
    """The first bytes of a file.

    Raises:
        DataError: the file is missing, can't be read, is empty, or is a web page, a ZIP or a stand-in for a large file.
    """
    try:
        with path.open("rb") as file:
            start = file.read(size)
    except OSError as error:
        raise DataError(f"{path} can't be read: {error.strerror or error}.") from error
    if not start:
        raise DataError(f"{path} is empty. It was probably cut off while downloading; fetch it again.")
    return start


def refuse_impostor(path: Path) -> bytes:
    """Like `head`, but refuses what is often saved under a data file's name by mistake.

    Raises:
        DataError: as `head`, or the file is a web page, a ZIP archive or a Git LFS pointer.
    """
    start = head(path)
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<!doctype", b"<html", b"<?xml", b"<head")):
        what = "a web page (HTML); the download probably led to a log-in or error page. Fetch the file itself"
    elif start.startswith(b"PK\x03\x04"):
        what = "a ZIP archive. Unpack it, and point --data at the folder it unpacks to"
    elif start.startswith(b"version https://git-lfs"):
        what = "a Git LFS pointer, which stands for the file. Fetch the file itself with `git lfs pull`"
    else:
        return start
    raise DataError(f"{path} is {what}.")


def may_unzip_to(path: Path, declared: int, packed: int | None = None) -> None:
    """Check the size that a file claims to unzip to, before any of it is allocated.

    Args:
        path: the file, for the message.
        declared: bytes it claims.
        packed: bytes it takes packed; the file's size by default.

    Raises:
        DataError: it claims more than `MOST_BYTES`, or so much that it must be a decompression bomb.
    """
    if declared > MOST_BYTES:
        raise DataError(
            f"{path} claims to hold {declared:,} bytes; Muslin reads at most {MOST_BYTES:,} from one file. "
            "Is it damaged? If it is not, take fewer or smaller images."
        )
    packed = path.stat().st_size if packed is None else packed
    if declared > max(EXPANSION_FLOOR, MOST_EXPANSION * packed):
        raise DataError(
            f"{path} claims to unpack from {packed:,} to {declared:,} bytes, more than {MOST_EXPANSION} times its "
            "size. Images don't shrink like that; this looks like a decompression bomb and was not unpacked."
        )


def refuse_oversize(path: Path) -> None:
    """Refuse a file that is larger than anything Muslin would hold.

    Raises:
        DataError: it is larger than `MOST_BYTES`.
    """
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise DataError(f"{path} has {size:,} bytes; Muslin reads files of at most {MOST_BYTES:,}. Take fewer images.")


@contextmanager
def unzipped(path: Path) -> Iterator[BinaryIO]:
    """Open a file for reading, through gzip if its content (whatever its name) is gzip.

    Raises:
        DataError: as `refuse_impostor`, or the gzip stream is damaged or cut off.
    """
    zipped = refuse_impostor(path).startswith(_GZIP)
    try:
        with gzip.open(path, "rb") if zipped else path.open("rb") as file:
            yield cast("BinaryIO", file)
    except EOFError as error:
        raise DataError(f"{path} is cut off: its gzip stream has no end. Fetch it again.") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{path} is damaged: {error}. Fetch it again.") from error
    except OSError as error:
        raise DataError(f"{path} can't be read: {error.strerror or error}.") from error
