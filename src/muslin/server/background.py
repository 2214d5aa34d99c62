"""Background work on a run's images while the page is in use: nearest neighbors, novelty, strongest activations."""

from __future__ import annotations

import logging
import threading
from collections.abc import Hashable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from muslin.data import Dataset, load_data
from muslin.data.places.sources import SAMPLE
from muslin.errors import MuslinError
from muslin.interpret import Neighbours, Novelty, StrongestUnits, feature_layer
from muslin.runs.record import DataRecord
from muslin.server.loaded_runs import MOST_LOADED, LoadedRun, settle
from muslin.server.problems import without_folder
from muslin.server.schemas.run_answers import Guide

_TOGETHER = 100  # images per batch: a few megabytes of feature maps
_WAY_OUT = "Start the server with `muslin serve … --data PATH`, where PATH contains them."
_log = logging.getLogger(__name__)  # without a handler, warnings go to standard error unchanged


class KnownImages:
    """State of one run's images; written by the background thread, read by others."""

    def __init__(self) -> None:
        self.guide = Guide(images="coming")
        self.data: Dataset | None = None
        self.neighbours: Neighbours | None = None
        self.novelty: Novelty | None = None
        self.units: dict[str, StrongestUnits] = {}


class Background:
    """One thread that analyzes the images of the runs that users view.

    Args:
        data: path of the images; None for the path on which each run was trained, or the default folders. Nothing is
            downloaded.
    """

    def __init__(self, data: Path | None) -> None:
        self._data = data
        self._datasets: dict[
            Hashable, Dataset | str
        ] = {}  # by how they are read; a string is the reason why there is none
        self._known: dict[tuple[str, int], KnownImages] = {}
        self._warned: set[str] = set()  # runs for which a warning was logged
        self._lock = threading.Lock()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="muslin-background")
        self._stopping = threading.Event()

    def known(self, loaded: LoadedRun) -> KnownImages:
        """Return the current state of a run's images; the first call starts the work."""
        key = (loaded.id, id(loaded))
        with self._lock:
            if key not in self._known:
                while len(self._known) >= MOST_LOADED:
                    self._known.pop(next(iter(self._known)))
                self._known[key] = KnownImages()
                self._thread.submit(self._look, loaded, self._known[key])
            return self._known[key]

    def stop(self) -> None:
        """Stop background work and cancel what is queued."""
        self._stopping.set()
        self._thread.shutdown(wait=True, cancel_futures=True)

    def _look(self, loaded: LoadedRun, known: KnownImages) -> None:
        record = loaded.folder.record.data
        data = self._dataset(self._data_path(record), record)
        if isinstance(data, str):
            self._mark_missing(loaded, known, "The server could not read the images of this run.", data)
            return
        if data.fingerprint != record.fingerprint:
            others = f"The images from {data.source} are different."
            self._mark_missing(
                loaded, known, "The run was trained on other images than those the server found.", others
            )
            return
        known.data = data
        sizes = {name: len(split) for name, split in data.splits.items()}
        known.guide = Guide(images="here", sizes=sizes)
        try:
            self._work_out(loaded, known, data)
        except (MuslinError, MemoryError) as error:
            known.guide = known.guide.model_copy(
                update={
                    "likeness": "missing",
                    "units": "missing",
                    "reason": without_folder(error, loaded.folder.path.parent),
                }
            )

    def _mark_missing(self, loaded: LoadedRun, known: KnownImages, reason: str, details: str) -> None:
        """Record that a run's images are missing; log the details, but do not send paths of this machine to clients."""
        way_out = "" if loaded.folder.record.data.sample else f" {_WAY_OUT}"
        if loaded.id not in self._warned:
            self._warned.add(loaded.id)
            text = (
                f"images of run {loaded.id} not found. The run was trained on those from "
                f"{loaded.folder.record.data.source}. {details}{way_out}"
            )
            _log.warning("%s", "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text))
        known.guide = Guide(images="missing", reason=f"{reason}{way_out}", likeness="missing", units="missing")

    def _data_path(self, record: DataRecord) -> Path | None:
        """Return the path where a run's images should be; None for the default folders."""
        if record.sample:
            return SAMPLE
        path = record.source.given
        return self._data or (path if path is not None and (path.exists() or record.source.dataset) else None)

    def _dataset(self, path: Path | None, record: DataRecord) -> Dataset | str:
        classes = None if record.sample else record.class_names
        key = (path, classes, record.reading, record.scaling)
        if key not in self._datasets:
            while len(self._datasets) >= MOST_LOADED:
                self._datasets.pop(next(iter(self._datasets)))
            try:
                # Leaks were accepted when the run was trained; the fingerprint shows whether these are the same images.
                self._datasets[key] = load_data(
                    path, classes=classes, allow_leak=True, download=False, **record.as_read()
                )
            except MuslinError as error:
                self._datasets[key] = str(error)
        return self._datasets[key]

    def _work_out(self, loaded: LoadedRun, known: KnownImages, data: Dataset) -> None:
        layer = feature_layer(loaded.design)
        whole = sum(len(split) for split in data.splits.values())
        units = {name: StrongestUnits() for name in loaded.design.names}
        # Test images first: they are few, and users first ask for the strongest activations.
        features: dict[str, list[np.ndarray]] = {"test": [], "validation": [], "train": []}
        done = 0
        for name, rows in features.items():
            images = data.splits[name].images
            for start in range(0, len(images), _TOGETHER):
                if self._stopping.is_set():
                    raise MuslinError("the server is stopping.")
                outputs = loaded.inside.activations(images[start : start + _TOGETHER])
                rows.append(outputs[layer].reshape(len(outputs[layer]), -1).astype(np.float32))
                if name == "test":
                    for each, values in outputs.items():
                        units[each].add(values)
                done += len(outputs[layer])
                known.guide = known.guide.model_copy(update={"progress": done / whole})
            if name == "test":
                known.units = units
                known.guide = known.guide.model_copy(update={"units": "here"})
        neighbours = Neighbours(np.concatenate(features["train"]))
        alone = {name: neighbours.loneliness(np.concatenate(features[name])) for name in ("validation", "test")}
        known.novelty, known.neighbours = Novelty.calibrate(alone["validation"], alone["test"]), neighbours
        known.guide = known.guide.model_copy(
            update={
                "likeness": "here",
                "progress": 1.0,
                "false_alarms": known.novelty.measured,
                "meant": known.novelty.meant,
            }
        )
        settle()
