"""A checkpoint that is damaged in any way is noticed, and the one before it is used."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from muslin.errors import RunError
from muslin.training.checkpoint import Checkpoints, from_bytes, to_bytes
from muslin.training.snapshot import FORMAT, Snapshot
from reliability.scale import report, times


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
        f"{newest} is damaged: its content does not have the SHA-256 that it was written with. "
        "Going on from the one before it, step 2."
    ]
    before.write_bytes(b"")
    with pytest.raises(RunError, match="No checkpoint before it is whole"):
        checkpoints.load()


def test_another_format_is_refused_by_name(snapshots: list[Snapshot]) -> None:
    content = bytearray(to_bytes(snapshots[0]))
    content[len(b"muslin checkpoint")] = FORMAT + 1
    with pytest.raises(RunError, match=f"checkpoint format {FORMAT + 1}.*reads format {FORMAT}"):
        from_bytes(bytes(content), "it")


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "[" * 100_000, '{"identity": 1}', "nonsense", '{"step": "9' + "9" * 5000 + '"}']
)
def test_a_forged_state_is_explained(snapshots: list[Snapshot], text: str) -> None:
    class Forged(Snapshot):
        def to_json(self) -> str:
            return text

    with pytest.raises(RunError, match="not as Muslin writes it"):
        from_bytes(to_bytes(Forged(snapshots[0].state, snapshots[0].arrays)), "it")
