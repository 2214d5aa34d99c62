"""The package route, with an `apt-get` and a `dpkg-deb` of our own on the PATH."""

import io
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from helpers import release
from muslin.data.places import apt
from muslin.data.places.official import OfficialFile
from muslin.data.places.progress import silent
from muslin.data.places.published import wanted
from muslin.errors import DataError

MakePackage = Callable[..., None]
TRAIN_IMAGES = "train-images-idx3-ubyte.gz"


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    folder = tmp_path / "cache"
    folder.mkdir()
    return folder


@pytest.fixture
def files(tmp_path: Path) -> tuple[OfficialFile, ...]:
    return release.write(tmp_path / "release")


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder on the PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    tool(folder, "dpkg-deb", 'exec /bin/cat "$2"')  # our package is a bare tar
    return folder


def tool(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f'#!/bin/sh\necho "$@" >> {folder}/../calls\n{script}\n')
    path.chmod(0o755)


def calls(cache: Path) -> list[str]:
    return (cache.parent / "calls").read_text().splitlines()


@pytest.fixture
def make_package(tmp_path: Path) -> MakePackage:
    def make(contents: dict[str, bytes], *, kind: bytes = tarfile.REGTYPE, more: tuple[str, ...] = ()) -> None:
        with tarfile.open(tmp_path / "package.tar", "w") as archive:
            for name, content in contents.items():
                member = tarfile.TarInfo(f"./{apt.INSIDE}/{name}")
                member.size, member.type, member.linkname = len(content), kind, "/etc/passwd"
                archive.addfile(member, io.BytesIO(content))
            for name in more:
                member = tarfile.TarInfo(name)
                member.size = 4
                archive.addfile(member, io.BytesIO(b"evil"))

    return make


@pytest.fixture
def contents(tmp_path: Path, files: tuple[OfficialFile, ...]) -> dict[str, bytes]:
    return {f"{file.name}.gz": (tmp_path / "release" / f"{file.name}.gz").read_bytes() for file in files}


DOWNLOAD = f'case "$*" in *download*) /bin/cp "{{package}}" {apt.PACKAGE}_0.0_all.deb;; esac'


@pytest.fixture
def working(tools: Path, tmp_path: Path) -> None:
    tool(tools, "apt-get", DOWNLOAD.format(package=tmp_path / "package.tar"))


@pytest.mark.usefixtures("working")
def test_exactly_the_four_files_are_taken_and_nothing_else_is_left(
    files: tuple[OfficialFile, ...], cache: Path, contents: dict[str, bytes], make_package: MakePackage
):
    make_package(contents, more=("../../evil", "/tmp/muslin-evil", f"./{apt.INSIDE}/../evil"))  # noqa: S108
    apt.fetch(cache, silent, files=files)
    assert {path.name: path.read_bytes() for path in cache.iterdir()} == contents
    assert not list(cache.parent.glob("evil")) + list(Path("/tmp").glob("muslin-evil"))  # noqa: S108
    assert calls(cache)[0] == f"-q download {apt.PACKAGE}"


def test_lists_of_its_own_are_fetched_where_the_system_has_none(
    tools: Path,
    tmp_path: Path,
    files: tuple[OfficialFile, ...],
    cache: Path,
    contents: dict[str, bytes],
    make_package: MakePackage,
):
    make_package(contents)
    unless_private = 'case "$*" in *config-file*) ;; *) echo "E: Unable to locate package" >&2; exit 100;; esac\n'
    tool(tools, "apt-get", unless_private + DOWNLOAD.format(package=tmp_path / "package.tar"))
    said: list[str] = []
    apt.fetch(cache, lambda what, _done, _total: said.append(what), files=files)
    assert wanted(cache, files) == []
    assert said == [f"Fetching the package {apt.PACKAGE}", "Fetching package lists"]
    first, update, download = (line for line in calls(cache) if "tarfile" not in line)
    assert "config-file" not in first
    assert "update" in update
    assert "config-file" in update
    assert "config-file" in download
    assert len(list(cache.iterdir())) == 4  # the lists are gone


def test_apts_own_reason_is_given(tools: Path, cache: Path):
    tool(tools, "apt-get", 'echo "W: hm" >&2; echo "E: Unable to fetch some archives" >&2; exit 100')
    with pytest.raises(DataError, match="apt-get update failed: Unable to fetch some archives"):
        apt.fetch(cache, silent)
    assert not list(cache.iterdir())


def test_a_status_stands_in_for_a_reason(tools: Path, cache: Path):
    tool(tools, "apt-get", "exit 3")
    with pytest.raises(DataError, match="apt-get update failed: status 3"):
        apt.fetch(cache, silent)


def test_apt_that_hangs_is_given_up(tools: Path, cache: Path, monkeypatch: pytest.MonkeyPatch):
    tool(tools, "apt-get", "exec /bin/sleep 60")
    monkeypatch.setattr(apt, "_PATIENCE_SECONDS", 0.2)
    with pytest.raises(DataError, match=r"^.*apt-get update took more than 0\.2 seconds"):
        apt.fetch(cache, silent)


def test_success_without_a_package_is_a_failure(tools: Path, cache: Path):
    tool(tools, "apt-get", "exit 0")
    with pytest.raises(DataError, match="left no package"):
        apt.fetch(cache, silent)


def test_other_systems_are_told_so(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DataError, match=r"not a Debian-like system \(no apt-get\)"):
        apt.fetch(cache, silent)


@pytest.mark.usefixtures("working")
def test_a_package_that_is_no_package_is_refused(tmp_path: Path, cache: Path):
    (tmp_path / "package.tar").write_bytes(b"!<arch>\n" * 200)
    with pytest.raises(DataError, match="the package cannot be unpacked"):
        apt.fetch(cache, silent)
    assert not list(cache.iterdir())


@pytest.mark.usefixtures("working")
def test_a_link_in_the_place_of_a_file_is_not_followed(
    files: tuple[OfficialFile, ...], cache: Path, contents: dict[str, bytes], make_package: MakePackage
):
    make_package(dict.fromkeys(contents, b""), kind=tarfile.SYMTYPE)
    with pytest.raises(DataError, match="the package lacks t10k-labels-idx1-ubyte"):
        apt.fetch(cache, silent, files=files)


@pytest.mark.usefixtures("working")
def test_a_file_of_another_content_or_size_is_not_taken(
    files: tuple[OfficialFile, ...], cache: Path, contents: dict[str, bytes], make_package: MakePackage
):
    make_package(contents | {TRAIN_IMAGES: contents["t10k-images-idx3-ubyte.gz"]})
    with pytest.raises(DataError, match="train-images-idx3-ubyte is not the official file"):
        apt.fetch(cache, silent, files=files)
    make_package(contents | {TRAIN_IMAGES: bytes(10_000)})
    with pytest.raises(DataError, match="lacks train-images-idx3-ubyte"):
        apt.fetch(cache, silent, files=files)
    assert not (cache / TRAIN_IMAGES).exists()


@pytest.mark.skipif(sys.platform != "linux" or not os.access("/usr/bin/dpkg-deb", os.X_OK), reason="needs dpkg-deb")
def test_a_real_package_is_unpacked(
    tmp_path: Path,
    files: tuple[OfficialFile, ...],
    cache: Path,
    contents: dict[str, bytes],
    monkeypatch: pytest.MonkeyPatch,
):
    tree = tmp_path / "tree"
    (tree / "DEBIAN").mkdir(parents=True)
    control = f"Package: {apt.PACKAGE}\nVersion: 1\nArchitecture: all\nMaintainer: A <a@b.c>\nDescription: d\n"
    (tree / "DEBIAN" / "control").write_text(control)
    (tree / apt.INSIDE).mkdir(parents=True)
    for name, content in contents.items():
        (tree / apt.INSIDE / name).write_bytes(content)
    package = tmp_path / "package.deb"
    build = ["/usr/bin/dpkg-deb", "--root-owner-group", "-b", tree, package]
    subprocess.run(build, check=True, stdout=subprocess.DEVNULL)
    tools = tmp_path / "bin"
    tools.mkdir()
    tool(tools, "apt-get", DOWNLOAD.format(package=package))
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    apt.fetch(cache, silent, files=files)
    assert wanted(cache, files) == []
