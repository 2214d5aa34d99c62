"""Download published files from their publishers' mirrors over HTTPS."""

from __future__ import annotations

import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from muslin._disk.files import replacing
from muslin.data.places.official import FILES
from muslin.data.places.progress import Progress
from muslin.data.places.published import Published, PublishedArchive, PublishedFile, wanted
from muslin.errors import DataError

if TYPE_CHECKING:
    import httpx

# Fashion-MNIST's publisher's bucket and repository. The bucket's better-known website address does not support HTTPS.
MIRRORS = (
    "https://fashion-mnist.s3.eu-central-1.amazonaws.com",
    "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion",
)
# Short, because a firewall that drops packets would otherwise cost a minute per mirror.
CONNECT_SECONDS = 4.0
STALL_SECONDS = 20.0
_CHUNK = 2**20  # bytes


def fetch(folder: Path, progress: Progress, *, base: str, files: Sequence[Published] = FILES, query: str = "") -> None:
    """Download the missing files into `folder`; each is verified before it gets its name.

    Of an archive, the members that are kept are unpacked, and each of them is verified, too.

    Args:
        folder: destination folder.
        progress: progress callback, called for every chunk.
        base: URL that the file names are appended to.
        files: the files to download if missing (default the four of Fashion-MNIST).
        query: what follows the file names in their URLs (default: nothing).

    Raises:
        DataError: the mirror cannot be reached, lacks a file, or serves other content.
    """
    import httpx  # noqa: PLC0415  (0.1 s, and only needed to download)

    try:
        with httpx.Client(
            timeout=httpx.Timeout(STALL_SECONDS, connect=CONNECT_SECONDS),
            follow_redirects=True,
            headers={"Accept-Encoding": "identity"},  # the files are zipped already
        ) as client:
            for file in wanted(folder, files):
                with _place(folder, file) as temporary:
                    _download(client, f"{base.rstrip('/')}/{file.stored}{query}", temporary, file, progress)
                    file.verify(temporary)
                    if isinstance(file, PublishedArchive):
                        _unpack(temporary, file, folder)
    except httpx.HTTPStatusError as error:
        raise DataError(
            f"answered {error.response.status_code} for {error.request.url.path.rpartition('/')[2]}"
        ) from error
    except httpx.TimeoutException as error:
        raise DataError("no answer in time") from error
    except httpx.RemoteProtocolError as error:
        raise DataError(f"the transfer broke off ({error})") from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise DataError(f"no connection ({error})") from error
    except (ImportError, ValueError) as error:  # raised by httpx for invalid proxy settings
        raise DataError(f"the proxy settings cannot be used ({error})") from error


@contextmanager
def _place(folder: Path, file: Published) -> Iterator[Path]:
    """Yield the path to download to: one that is renamed into place, or for an archive one that is removed."""
    if isinstance(file, PublishedArchive):
        with tempfile.TemporaryDirectory(prefix=".archive-", dir=folder) as name:
            yield Path(name) / file.stored
    else:
        with replacing(folder / file.stored) as temporary:
            yield temporary


def _download(client: httpx.Client, url: str, path: Path, file: Published, progress: Progress) -> None:
    with client.stream("GET", url) as response, path.open("wb") as out:
        response.raise_for_status()
        length = response.headers.get("Content-Length", "")
        total = int(length) if length.isdecimal() else None
        done = 0
        progress(f"Fetching {file.name}", done, total)
        for chunk in response.iter_raw():
            done += len(chunk)
            if done > file.most:
                raise DataError(f"serves more than {file.most:,} bytes as {file.stored}")
            out.write(chunk)
            progress(f"Fetching {file.name}", done, total)


def _unpack(path: Path, archive: PublishedArchive, folder: Path) -> None:
    """Unpack the members that are kept, and no other.

    Raises:
        DataError: a member is missing or differs.
    """
    members = {member.inside or member.stored: member for member in archive.members}
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as zipped:
                for inside in sorted(members.keys() & set(zipped.namelist())):
                    with zipped.open(inside) as content:
                        _keep(content, members.pop(inside), folder)
        else:
            with tarfile.open(path, "r:*") as tar:
                for entry in tar:
                    tarred = tar.extractfile(entry) if entry.isfile() and entry.name in members else None
                    if tarred is not None:
                        _keep(tarred, members.pop(entry.name), folder)
    except (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, RuntimeError) as error:
        raise DataError(f"{archive.name} cannot be unpacked ({error})") from error
    if members:
        raise DataError(f"{archive.name} lacks {next(iter(members))}")


def _keep(content: IO[bytes], member: PublishedFile, folder: Path) -> None:
    with replacing(folder / member.stored) as temporary:
        left = member.most + 1
        with temporary.open("wb") as out:
            while left > 0 and (chunk := content.read(min(_CHUNK, left))):
                out.write(chunk)
                left -= len(chunk)
        member.verify(temporary)
