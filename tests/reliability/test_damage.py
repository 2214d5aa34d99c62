"""A checkpoint that is damaged in any way is noticed, and the one before it is used."""

from __future__ import annotations

import hashlib
import random
from pathlib import Path

import numpy as np
import pytest

from helpers.reliability.scale import report, times
from muslin.errors import RunError
from muslin.training.checkpoint import Checkpoints, from_bytes, to_bytes
from muslin.training.snapshot import FORMAT, Snapshot


def same(first: Snapshot, second: Snapshot) -> bool:
    return (
        first.to_json() == second.to_json()
        and first.arrays.keys() == second.arrays.keys()
        and all(np.array_equal(values, second.arrays[name]) for name, values in first.arrays.items())
    )


def test_a_snapshot_comes_back_as_it_was(snapshots: list[Snapshot]) -> None:
    assert len(snapshots) == 6
    for snapshot in snapshots:
        assert same(from_bytes(to_bytes(snapshot), "it"), snapshot)


def test_every_length_it_may_be_cut_to_is_noticed(snapshots: list[Snapshot]) -> None:
    content = to_bytes(snapshots[4])
    lengths = range(0, len(content), times(41, 1))
    for length in lengths:
        with pytest.raises(RunError, match=r"damaged|not a checkpoint"):
            from_bytes(content[:length], "it")
    report(f"truncation: {len(lengths):,} lengths of a checkpoint of {len(content):,} bytes, all noticed")


def test_flipped_bits_are_noticed(snapshots: list[Snapshot]) -> None:
    content = bytearray(to_bytes(snapshots[4]))
    chance = random.Random(1)
    flips = times(1000, 10_000)
    for _ in range(flips):
        at, bit = chance.randrange(len(content)), 1 << chance.randrange(8)
        content[at] ^= bit
        with pytest.raises(RunError):
            from_bytes(bytes(content), "it")
        content[at] ^= bit
    report(f"bit flips: {flips:,} at random places of a checkpoint of {len(content):,} bytes, all noticed")


def test_the_generation_before_is_used_and_that_is_said(snapshots: list[Snapshot], tmp_path: Path) -> None:
    said: list[str] = []
    checkpoints = Checkpoints(tmp_path, say=said.append)
    for snapshot in snapshots[:3]:
        checkpoints.save(snapshot)
    newest, before = checkpoints.generations()
    newest.write_bytes(newest.read_bytes()[:-1])
    found = checkpoints.load()
    assert found is not None
    assert same(found, snapshots[1])
    assert said == [
        f"checkpoint {newest} is damaged: its SHA-256 does not match its content. "
        "Resuming from the previous checkpoint, step 2."
    ]
    before.write_bytes(b"")
    with pytest.raises(RunError, match="No earlier checkpoint is complete"):
        checkpoints.load()


def test_another_format_is_refused_by_name(snapshots: list[Snapshot]) -> None:
    content = bytearray(to_bytes(snapshots[0]))
    content[len(b"muslin checkpoint")] = FORMAT + 1
    with pytest.raises(RunError, match=f"has format {FORMAT + 1}.* reads format {FORMAT}"):
        from_bytes(bytes(content), "it")


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "[" * 100_000, '{"identity": 1}', "nonsense", '{"step": "9' + "9" * 5000 + '"}']
)
def test_a_forged_state_is_explained(snapshots: list[Snapshot], text: str) -> None:
    class Forged(Snapshot):
        def to_json(self) -> str:
            return text

    with pytest.raises(RunError, match="checkpoint state is not a valid Muslin state"):
        from_bytes(to_bytes(Forged(snapshots[0].state, snapshots[0].arrays)), "it")


@pytest.mark.parametrize("content", [b"", b"muslin", b"another file that begins in another way" * 9, b"head"])
def test_what_is_no_checkpoint_is_refused_by_name(snapshots: list[Snapshot], content: bytes) -> None:
    whole = to_bytes(snapshots[0])
    content = whole[: len(b"muslin checkpoint") + 1 + 32] if content == b"head" else content
    with pytest.raises(RunError) as raised:
        from_bytes(content, "it")
    assert str(raised.value) == "checkpoint it is damaged, truncated, or not a checkpoint."


def test_a_whole_file_that_holds_no_arrays_is_refused_with_the_reason(snapshots: list[Snapshot]) -> None:
    body = b"no safetensors at all"
    head = to_bytes(snapshots[0])[: len(b"muslin checkpoint") + 1]
    with pytest.raises(RunError, match=r"^checkpoint it is not a valid Muslin checkpoint: .*header.*\.$"):
        from_bytes(head + hashlib.sha256(body).digest() + body, "it")


def test_where_all_are_damaged_each_is_told_of(snapshots: list[Snapshot], tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path)
    for snapshot in snapshots[:2]:
        checkpoints.save(snapshot)
    for path in checkpoints.generations():
        path.write_bytes(b"")
    with pytest.raises(RunError) as raised:
        checkpoints.load()
    told = [f"checkpoint {path} is damaged, truncated, or not a checkpoint." for path in checkpoints.generations()]
    assert len(told) == 2
    assert str(raised.value) == f"{' '.join(told)} No earlier checkpoint is complete. Start a new run."


def test_checkpoints_within_others_say_what_those_say_and_go_with_them(
    snapshots: list[Snapshot], tmp_path: Path
) -> None:
    said: list[str] = []
    checkpoints = Checkpoints(tmp_path / "checkpoints", resume=True, say=said.append)
    within = checkpoints.within("teacher-1")
    for snapshot in snapshots[:2]:
        within.save(snapshot)
    within.generations()[0].write_bytes(b"")
    found = within.begin()
    assert found is not None
    assert same(found, snapshots[0])
    assert len(said) == 1
    checkpoints.drop()
    assert not (tmp_path / "checkpoints").exists()


def test_a_checkpoint_that_can_not_be_read_gives_the_systems_reason(tmp_path: Path) -> None:
    path = tmp_path / "step-0000000001.checkpoint"
    path.mkdir()
    with pytest.raises(RunError, match=r"step-0000000001\.checkpoint cannot be read: Is a directory\."):
        Checkpoints(tmp_path).load()


def test_only_what_is_called_a_checkpoint_is_one(snapshots: list[Snapshot], tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path)
    for snapshot in snapshots[:4]:
        kept = checkpoints.save(snapshot)
    for name in ("step-1.checkpoint", "step-00000000001.checkpoint", "step-0000000009.checkpoint.old", "notes"):
        (tmp_path / name).write_bytes(b"")
    assert [path.name for path in checkpoints.generations()] == [
        f"step-{snapshots[3].state.step:010}.checkpoint",
        f"step-{snapshots[2].state.step:010}.checkpoint",
    ]
    assert kept == checkpoints.generations()[0]
    checkpoints.drop()
    assert checkpoints.generations() == []
    assert (tmp_path / "notes").exists()
    checkpoints.drop()  # nothing is there any more, and nothing is said
