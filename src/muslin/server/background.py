"""What is worked out from a run's images while the page is already there: neighbours, novelty, strongest units."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from muslin.data import Dataset, load_data
from muslin.data.sources import SAMPLE, given_place
from muslin.errors import MuslinError
from muslin.interpret import Neighbours, Novelty, StrongestUnits, feature_layer
from muslin.runs.record import DataRecord
from muslin.server.problems import without_place
from muslin.server.rooms import MOST_ROOMS, Room, settle
from muslin.server.schemas.run_answers import Guide

_TOGETHER = 100  # images at a time: a few megabytes of feature maps
_WAY_OUT = "`muslin serve … --data PATH` shows them, PATH being where they are."
_log = logging.getLogger(__name__)  # without a handler, warnings go to standard error as they are


class Sight:
    """What is known of one run's images; filled in by a thread, read by others."""

    def __init__(self) -> None:
        self.guide = Guide(images="coming")
        self.data: Dataset | None = None
        self.neighbours: Neighbours | None = None
        self.novelty: Novelty | None = None
        self.units: dict[str, StrongestUnits] = {}


class Background:
    """One thread that reads the images of runs that people look at.

    Args:
        data: where the images are; None for where each run was trained on them, or the usual places. Nothing is
            downloaded.
    """

    def __init__(self, data: Path | None) -> None:
        self._where = data
        self._datasets: dict[Path | None, Dataset | str] = {}  # by place; a text says why there is none
        self._sights: dict[tuple[str, int], Sight] = {}
        self._told: set[str] = set()  # runs whose missing images were spoken of
        self._lock = threading.Lock()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="muslin-background")
        self._stopping = threading.Event()

    def sight(self, room: Room) -> Sight:
        """What is known so far; the first call starts the work."""
        key = (room.id, id(room))
        with self._lock:
            if key not in self._sights:
                while len(self._sights) >= MOST_ROOMS:
                    self._sights.pop(next(iter(self._sights)))
                self._sights[key] = Sight()
                self._thread.submit(self._look, room, self._sights[key])
            return self._sights[key]

    def stop(self) -> None:
        """Leave the work where it is."""
        self._stopping.set()
        self._thread.shutdown(wait=True, cancel_futures=True)

    def _look(self, room: Room, sight: Sight) -> None:
        record = room.folder.record.data
        data = self._dataset(self._place(record))
        if isinstance(data, str):
            self._miss(room, sight, "The server could not read any.", data)
            return
        if data.fingerprint != record.fingerprint:
            others = f"Those from {data.source} are others."
            self._miss(room, sight, "The run was trained on other images than the server found.", others)
            return
        sight.data = data
        sizes = {name: len(split) for name, split in data.splits.items()}
        sight.guide = Guide(images="here", sizes=sizes)
        try:
            self._work_out(room, sight, data)
        except (MuslinError, MemoryError) as error:
            sight.guide = sight.guide.model_copy(
                update={
                    "likeness": "missing",
                    "units": "missing",
                    "reason": without_place(error, room.folder.path.parent),
                }
            )

    def _miss(self, room: Room, sight: Sight, reason: str, details: str) -> None:
        """Say that a run's images are not here: all of it on the terminal, no places of this machine to others."""
        way_out = "" if room.folder.record.data.sample else f" {_WAY_OUT}"
        if room.id not in self._told:
            self._told.add(room.id)
            text = (
                f"The images of the run {room.id} were not found. It was trained on those from "
                f"{room.folder.record.data.source}. {details}{way_out}"
            )
            _log.warning("%s", "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text))
        sight.guide = Guide(images="missing", reason=f"{reason}{way_out}", likeness="missing", units="missing")

    def _place(self, record: DataRecord) -> Path | None:
        """Where a run's images should be; None for the usual places."""
        if record.sample:
            return SAMPLE
        place = given_place(record.source)
        return self._where or (place if place is not None and place.exists() else None)

    def _dataset(self, place: Path | None) -> Dataset | str:
        if place not in self._datasets:
            while len(self._datasets) >= MOST_ROOMS:
                self._datasets.pop(next(iter(self._datasets)))
            try:
                # Images that leak were accepted when the run was trained; the fingerprint says whether these are they.
                self._datasets[place] = load_data(place, allow_leak=True, download=False)
            except MuslinError as error:
                self._datasets[place] = str(error)
        return self._datasets[place]

    def _work_out(self, room: Room, sight: Sight, data: Dataset) -> None:
        layer = feature_layer(room.design)
        whole = sum(len(split) for split in data.splits.values())
        units = {name: StrongestUnits() for name in room.design.names}
        # In this order: the test images are few, and what excites the filters is asked for first.
        features: dict[str, list[np.ndarray]] = {"test": [], "validation": [], "train": []}
        done = 0
        for name, rows in features.items():
            images = data.splits[name].images
            for start in range(0, len(images), _TOGETHER):
                if self._stopping.is_set():
                    raise MuslinError("The server is stopping.")
                outputs = room.inside.activations(images[start : start + _TOGETHER])
                rows.append(outputs[layer].reshape(len(outputs[layer]), -1).astype(np.float32))
                if name == "test":
                    for each, values in outputs.items():
                        units[each].add(values)
                done += len(outputs[layer])
                sight.guide = sight.guide.model_copy(update={"progress": done / whole})
            if name == "test":
                sight.units = units
                sight.guide = sight.guide.model_copy(update={"units": "here"})
        neighbours = Neighbours(np.concatenate(features["train"]))
        alone = {name: neighbours.loneliness(np.concatenate(features[name])) for name in ("validation", "test")}
        sight.novelty, sight.neighbours = Novelty.calibrate(alone["validation"], alone["test"]), neighbours
        sight.guide = sight.guide.model_copy(
            update={
                "likeness": "here",
                "progress": 1.0,
                "false_alarms": sight.novelty.measured,
                "meant": sight.novelty.meant,
            }
        )
        settle()
