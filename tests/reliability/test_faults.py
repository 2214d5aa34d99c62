"""Whatever call fails while a run is written, the error is explained, the last checkpoint is whole, nothing is left."""

from __future__ import annotations

import errno
import os
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from helpers.reliability.disk import Disk, watched
from helpers.reliability.scale import report, times
from muslin._disk import files
from muslin.data import Dataset
from muslin.design import Design
from muslin.errors import MuslinError
from muslin.recipe import Recipe
from muslin.runs.folder import RunFolder
from muslin.runs.record import RunRecord
from muslin.training.checkpoint import Checkpoints
from muslin.training.history import History
from muslin.training.snapshot import Snapshot
from muslin.workflow.run_training import new_record

FAULTS = {"disk full": errno.ENOSPC, "read-only": errno.EROFS, "I/O error": errno.EIO}


@pytest.fixture
def record(tiny_design: Design, hundred: Dataset, recipe: Recipe) -> RunRecord:
    return new_record(tiny_design, hundred, recipe, 0)


class Life:
    """A run from its folder to its last file, as far as the disk is concerned."""

    def __init__(self, root: Path, record: RunRecord, design: Design, snapshots: list[Snapshot]) -> None:
        self.root, self.record, self.design, self.snapshots = root, record, design, snapshots
        self.folder: RunFolder | None = None
        self.began: int | None = None
        self.saved: int | None = None

    def live(self) -> None:
        self.folder = folder = RunFolder.create(self.record, self.design, self.root / "runs")
        with folder.at_work():
            checkpoints = Checkpoints(folder.checkpoints_path)
            for snapshot in self.snapshots[:5]:
                folder.save_history(History(snapshot.state.history))
                self.began = snapshot.state.step
                checkpoints.save(snapshot)
                self.saved = snapshot.state.step
            folder.save_record(self.record.model_copy(update={"seed": 1}))
            checkpoints.drop()


def next_start(root: Path) -> None:
    """What the next start of Muslin does first."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "alive", lambda _pid: False)
        for folder in (root / "runs").glob("*/run.json"):
            with RunFolder(folder.parent).at_work():
                pass
        if (root / "runs").is_dir():
            files.sweep(root / "runs", deep=False)


def attempt(life: Life) -> str:
    """What the person is told; nothing if all went well."""
    try:
        life.live()
    except MuslinError as error:
        return str(error)
    return ""


def leftovers(root: Path) -> list[str]:
    return [str(path) for path in root.rglob("*") if ".torn" in path.name or path.name == ".lock"]


def test_every_call_may_fail(record: RunRecord, tiny_design: Design, snapshots: list[Snapshot], tmp_path: Path) -> None:
    calls: list[str] = []
    with watched(tmp_path, lambda name, _arguments: calls.append(name)):
        Life(tmp_path, record, tiny_design, snapshots).live()
    table: Counter[tuple[str, str, str]] = Counter()
    for kind, (fault, number) in enumerate(FAULTS.items()):
        for which in range(times(kind, 0), len(calls), times(len(FAULTS), 1)):  # shortly: each call fails once
            name = calls[which]
            root = tmp_path / f"{number}-{which}"
            root.mkdir()
            life = Life(root, record, tiny_design, snapshots)
            left = [which + 1]

            def fail(_name: str, arguments: tuple[Any, ...], left: list[int] = left, number: int = number) -> None:
                left[0] -= 1
                if left[0] == 0:
                    raise OSError(number, os.strerror(number), arguments[0])

            with watched(root, fail):
                said = attempt(life)
            assert not said or os.strerror(number) in said
            table[fault, name, "named error" if said else "went on"] += 1
            next_start(root)
            assert not leftovers(root), (fault, which, name)
            for run in (root / "runs").glob("2*"):
                folder = RunFolder.open(run)
                assert folder.design == tiny_design
                found = Checkpoints(folder.checkpoints_path).load()
                finished = folder.record.seed == 1
                assert finished or (found.state.step if found else None) in (life.saved, life.began)
            shutil.rmtree(root)
    rows = [f"{fault:10} {name:10} {outcome:12} {count:3}" for (fault, name, outcome), count in sorted(table.items())]
    report("\n".join([f"faults: {table.total()} in {len(calls)} calls; leftovers: 0", *rows]))


def test_power_may_fail_between_any_two_calls(
    record: RunRecord, tiny_design: Design, snapshots: list[Snapshot], tmp_path: Path
) -> None:
    root = tmp_path / "root"
    root.mkdir()
    trace: list[tuple[str, tuple[Any, ...], int | None, int | None, bool]] = []
    life = Life(root, record, tiny_design, snapshots)
    done = [False]
    with watched(root, lambda *call: trace.append((*call, life.saved, life.began, life.folder is not None))):
        life.live()
        done[0] = True
    disk, states = Disk(), 0
    for moment, (name, arguments, saved, began, created) in enumerate(trace):
        half = {number: text[: len(text) // 2] for number, text in disk.contents.items()}
        unsaved = {number: disk.saved_contents[number] or half[number] for number in half}
        survivors = {
            "only what was flushed": (disk.saved_names, disk.saved_contents),
            "names, but only flushed contents": (disk.names, disk.saved_contents),
            "names, and half of what wasn't flushed": (disk.names, unsaved),
            "contents, but only flushed names": (disk.saved_names, disk.contents),
            "everything": (disk.names, disk.contents),
        }
        for kind, (names, contents) in survivors.items():
            place = tmp_path / "after"
            disk.lay_out(root, place, names, contents)
            next_start(place)
            assert not leftovers(place)
            runs = [*(place / "runs").glob("2*")]
            assert runs or not created, f"the run is lost: {kind}, before call {moment} ({name})"
            for run in runs:
                folder = RunFolder.open(run)
                assert folder.design == tiny_design
                found = Checkpoints(folder.checkpoints_path).load()
                step = found.state.step if found else None
                expected = {saved, began} if folder.record.seed == 0 else {saved, began, saved and saved - 1, None}
                assert step in expected, f"step {step}: {kind}, before call {moment} ({name} {arguments[0]})"
            shutil.rmtree(place)
            states += 1
        disk.do(name, arguments)
    report(
        f"power loss: {len(trace)} moments, {states} states of the disk, all of them with the old or the new checkpoint"
    )


def test_the_folder_of_a_full_disk_can_be_resumed(record: RunRecord, tiny_design: Design, tmp_path: Path) -> None:
    folder = RunFolder.create(record, tiny_design, tmp_path)
    leftover = folder.path / ".run-99999999-abcdefgh.torn.json"
    leftover.write_text("torn")
    stranger = folder.path / ".notes.torn.txt"
    stranger.write_text("a person's own file")
    with folder.at_work():
        assert not leftover.exists()
        assert stranger.exists()
