"""Fetch the official files from a Debian-like system's package mirrors, without root.

`apt-get download` fetches the package `dataset-fashion-mnist`; `dpkg-deb` unpacks it to a stream, from which only the
four expected files are taken. Nothing is installed, and nothing outside the given folder is written.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from muslin._disk.files import replacing
from muslin.data.places.official import FILES, OfficialFile
from muslin.data.places.progress import Progress
from muslin.data.places.published import Published, wanted
from muslin.errors import DataError

PACKAGE = "dataset-fashion-mnist"
INSIDE = "usr/share/datasets/fashion-mnist"

# Over a slow connection, downloading the package lists takes minutes.
_PATIENCE_SECONDS = 600
# Settings for private package lists. `#clear` removes the system's hooks, which need root.
_PRIVATE = """\
Dir::State::Lists "{folder}/lists";
Dir::Cache "{folder}/cache";
Acquire::http::Timeout "15";
Acquire::https::Timeout "15";
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
"""


def fetch(folder: Path, progress: Progress, *, files: Sequence[OfficialFile] = FILES) -> None:
    """Fetch the missing files into `folder`; each is verified before it gets its name.

    If the system's package lists do not have the package, private lists are downloaded to a temporary folder.

    Args:
        folder: destination folder.
        progress: progress callback.
        files: the files to fetch if missing (default all four).

    Raises:
        DataError: this is not a Debian-like system, no mirror has the package, or its files are not the official ones.
    """
    missing = [tool for tool in ("apt-get", "dpkg-deb") if shutil.which(tool) is None]
    if missing:
        raise DataError(f"not a Debian-like system (no {missing[0]})")
    with tempfile.TemporaryDirectory(prefix=".apt-", dir=folder) as name:
        work = Path(name)
        progress(f"Fetching the package {PACKAGE}", 0, None)
        try:
            _apt_get("download", PACKAGE, work=work)
        except DataError:
            settings = _private_lists(work)
            progress("Fetching package lists", 0, None)
            _apt_get("update", work=work, settings=settings)
            _apt_get("download", PACKAGE, work=work, settings=settings)
        packages = list(work.glob(f"{PACKAGE}_*.deb"))
        if not packages:
            raise DataError(f"apt-get download {PACKAGE} left no package")
        _unpack(packages[0], folder, files)


def _private_lists(work: Path) -> Path:
    for needed in ("lists/partial", "cache/archives/partial"):
        (work / needed).mkdir(parents=True)
    settings = work / "apt.conf"
    settings.write_text(_PRIVATE.format(folder=work), encoding="utf-8")
    return settings


def _apt_get(*arguments: str, work: Path, settings: Path | None = None) -> None:
    options = [] if settings is None else [f"--config-file={settings}"]
    try:
        done = subprocess.run(  # noqa: S603  (fixed arguments and our own folder)
            ["apt-get", "-q", *options, *arguments],  # noqa: S607
            cwd=work,
            env=os.environ | {"LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PATIENCE_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise DataError(f"apt-get {arguments[0]} took more than {_PATIENCE_SECONDS} seconds") from error
    except OSError as error:
        raise DataError(f"apt-get cannot be run ({error.strerror or error})") from error
    if done.returncode:
        lines = done.stderr.decode(errors="replace").splitlines()
        reasons = [line[2:].strip() for line in lines if line.startswith("E:")]
        raise DataError(f"apt-get {arguments[0]} failed: {reasons[0] if reasons else f'status {done.returncode}'}")


def _unpack(package: Path, folder: Path, files: Sequence[OfficialFile]) -> None:
    """Extract the missing files from the package."""
    expected = {f"{INSIDE}/{file.stored}": file for file in wanted(folder, files)}
    with subprocess.Popen(  # noqa: S603
        ["dpkg-deb", "--fsys-tarfile", package],  # noqa: S607
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
    ) as unpacking:
        assert unpacking.stdout is not None  # noqa: S101  (PIPE gives one)
        try:
            _take(unpacking.stdout, expected, folder)
        except tarfile.TarError as error:
            raise DataError(f"the package cannot be unpacked ({error})") from error
        finally:
            unpacking.stdout.close()
    if expected:
        raise DataError(f"the package lacks {next(iter(expected.values())).name}")


def _take(stream: IO[bytes], expected: dict[str, Published], folder: Path) -> None:
    """Copy the expected files from a tar stream and remove each from `expected`."""
    with tarfile.open(fileobj=stream, mode="r|") as archive:
        for member in archive:
            file = expected.get(member.name.removeprefix("./"))
            if file is None or not member.isfile() or member.size > file.most:
                continue
            content = archive.extractfile(member)
            assert content is not None  # noqa: S101  (a regular file has content)
            with replacing(folder / file.stored) as temporary:
                with temporary.open("wb") as out:
                    shutil.copyfileobj(content, out)
                file.verify(temporary)
            del expected[member.name.removeprefix("./")]
