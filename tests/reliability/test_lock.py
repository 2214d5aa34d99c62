"""The lock on a folder: who may enter, what a message names, and what is left behind."""

from __future__ import annotations

import json
import os
import platform
import threading
from pathlib import Path

import pytest

from muslin._disk import files
from muslin._disk.lock import NAME, at_work
from muslin.errors import MuslinError, RunError


def test_one_thread_may_enter_twice_and_the_lock_ends_with_the_outer_block(tmp_path: Path) -> None:
    with at_work(tmp_path):
        with at_work(tmp_path):
            assert (tmp_path / NAME).exists()
        assert (tmp_path / NAME).exists()
    assert not (tmp_path / NAME).exists()


def test_two_threads_exclude_each_other(tmp_path: Path) -> None:
    refused: list[str] = []

    def enter() -> None:
        try:
            with at_work(tmp_path):
                pass
        except RunError as error:
            refused.append(str(error))

    with at_work(tmp_path):
        thread = threading.Thread(target=enter)
        thread.start()
        thread.join()
    assert refused == [f"{tmp_path} is locked by another thread of this process. Wait for it to finish."]
    enter()
    assert len(refused) == 1


def test_the_file_names_its_owner(tmp_path: Path) -> None:
    with at_work(tmp_path):
        owner = json.loads((tmp_path / NAME).read_text())
    assert (owner["pid"], owner["host"]) == (os.getpid(), platform.node())


@pytest.mark.parametrize("content", [b"", b"rubbish", b' {"pid": 999999999, "host": "elsewhere"}', b" []" * 1000])
def test_a_lock_file_that_nobody_holds_is_no_lock(tmp_path: Path, content: bytes) -> None:
    (tmp_path / NAME).write_bytes(content)
    with at_work(tmp_path):
        assert json.loads((tmp_path / NAME).read_text())["pid"] == os.getpid()
    assert not (tmp_path / NAME).exists()


def test_an_error_inside_releases_the_lock(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), at_work(tmp_path):
        raise KeyboardInterrupt
    with at_work(tmp_path):
        pass


def test_a_place_that_is_no_folder_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(MuslinError, match=r"file cannot be locked: .*Choose a folder on a local disk"):
        at_work(tmp_path / "file").__enter__()


def test_windows_flushes_no_directory_and_files_open_for_writing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed: list[int] = []
    opened: list[tuple[str, int]] = []
    plain = os.open
    monkeypatch.setattr(files, "_WINDOWS", True)
    monkeypatch.setattr(os, "fsync", flushed.append)

    def watched(path: str, flags: int, *rest: int) -> int:
        opened.append((str(path), flags))
        return plain(path, flags, *rest)

    monkeypatch.setattr(os, "open", watched)
    files.write_text(tmp_path / "one" / "file.txt", "text")
    assert (tmp_path / "one" / "file.txt").read_text() == "text"
    assert len(flushed) == 1
    assert opened[-1][1] & os.O_RDWR
    assert not any(Path(path).is_dir() for path, _ in opened)
