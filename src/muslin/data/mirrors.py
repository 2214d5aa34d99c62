"""Download the official files from the publisher's mirrors over HTTPS."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from muslin._disk.files import replacing
from muslin.data.official import FILES, OfficialFile
from muslin.data.progress import Progress
from muslin.data.verify import verify, wanted, zipped
from muslin.errors import DataError

if TYPE_CHECKING:
    import httpx

# The publisher's bucket and repository. The bucket's better-known website address does not support HTTPS.
MIRRORS = (
    "https://fashion-mnist.s3.eu-central-1.amazonaws.com",
    "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion",
)
# Short, because a firewall that drops packets would otherwise cost a minute per mirror.
CONNECT_SECONDS = 4.0
STALL_SECONDS = 20.0
# Room for gzip's header: beyond it, a zipped file is no longer than the original.
_HEADER_BYTES = 2**10


def fetch(folder: Path, progress: Progress, *, base: str, files: Sequence[OfficialFile] = FILES) -> None:
    """Download the missing files into `folder`; each is verified before it gets its name.

    Args:
        folder: destination folder.
        progress: progress callback, called for every chunk.
        base: URL that the file names are appended to.
        files: the files to download if missing (default all four).

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
                with replacing(zipped(folder, file)) as temporary:
                    _download(client, f"{base.rstrip('/')}/{file.name}.gz", temporary, file, progress)
                    verify(temporary, file)
    except httpx.HTTPStatusError as error:
        raise DataError(
            f"answered {error.response.status_code} for {error.request.url.path.rpartition('/')[2]}"
        ) from error
    except httpx.TimeoutException as error:
        raise DataError("no answer in time") from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise DataError(f"no connection ({error})") from error
    except (ImportError, ValueError) as error:  # raised by httpx for invalid proxy settings
        raise DataError(f"the proxy settings cannot be used ({error})") from error


def _download(client: httpx.Client, url: str, path: Path, file: OfficialFile, progress: Progress) -> None:
    most = file.size + _HEADER_BYTES
    with client.stream("GET", url) as response, path.open("wb") as out:
        response.raise_for_status()
        length = response.headers.get("Content-Length", "")
        total = int(length) if length.isdecimal() else None
        done = 0
        progress(f"Fetching {file.name}", done, total)
        for chunk in response.iter_raw():
            done += len(chunk)
            if done > most:
                raise DataError(f"serves more than {most:,} bytes as {file.name}.gz")
            out.write(chunk)
            progress(f"Fetching {file.name}", done, total)
