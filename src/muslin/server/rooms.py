"""The runs of a folder, and the networks of those that were asked for."""

from __future__ import annotations

import gc
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from muslin.analysis import analyze
from muslin.errors import MuslinError
from muslin.exports.predictor import Predictor
from muslin.exports.safetensors import load_weights
from muslin.interpret import exact_cam, pooled_layer, unit_regions
from muslin.runs.folder import RunFolder, list_runs, runs_by_name
from muslin.server.batching import Batcher
from muslin.server.metrics import Metrics
from muslin.server.problems import Refusal
from muslin.server.schemas.run_answers import RunSummary
from muslin.training.history import History

if TYPE_CHECKING:
    from jaxtyping import Float, UInt8

    from muslin.network import Network

MOST_ROOMS = 4  # networks kept in memory
_STILL_TRAINING = 15 * 60  # seconds without a sign of life, after which a run without an outcome counts as abandoned


class Room:
    """Everything that one run's network needs to answer.

    Args:
        folder: the run.
        batcher: makes what gathers single images for a network.
    """

    def __init__(self, folder: RunFolder, batcher: Callable[[Callable[[np.ndarray], np.ndarray]], Batcher]) -> None:
        self.folder = folder
        self.id = folder.name
        self.design = folder.design
        self.class_names = folder.record.data.class_names
        self.predictor = Predictor.from_run(folder)
        self.batcher = batcher(self.predictor.probabilities)
        self.regions = unit_regions(folder.design)
        self._making = threading.Lock()

    @cached_property
    def weights(self) -> dict[str, Float[np.ndarray, "..."]]:
        """The weights by name."""
        return load_weights(self.folder.weights_path, self.design)

    @cached_property
    def inside(self) -> Predictor:
        """The same network, whose layers can be looked at."""
        return Predictor.from_weights(self.design, self.weights, self.class_names, layers=True)

    @cached_property
    def _network(self) -> Network:
        # Only Grad-CAM needs gradients, and only designs without global average pooling need Grad-CAM: torch takes
        # two seconds and 200 MB.
        from muslin.workflow.trained_run import Run  # noqa: PLC0415

        return Run(self.folder).network

    def evidence(
        self, image: UInt8[np.ndarray, "height width channel"], outputs: dict[str, np.ndarray], number: int
    ) -> tuple[Literal["exact", "Grad-CAM"], str, np.ndarray] | None:
        """(method, layer, map) for one class; None for a design without feature maps."""
        layer = pooled_layer(self.design)
        if layer is not None:
            return "exact", layer, exact_cam(self.design, self.weights, outputs[layer][0], number)
        if not any(part.kind == "conv2d" for part in self.design.layers):
            return None
        with self._making:  # torch's modules are not to be used by two threads while they switch modes
            from muslin.interpret import class_activation_maps  # noqa: PLC0415  (see `_network`)

            found = class_activation_maps(self._network, image[None], np.array([number]))
        return found.method, found.layer, found.maps[0]


class Rooms:
    """The runs under a folder, by name. A request names a run; it never names a path.

    Args:
        runs: the folder.
        chosen: the run that answers where none is named; None for the newest that is trained.
        batcher: see `Room`.
    """

    def __init__(
        self, runs: Path, chosen: str | None, batcher: Callable[[Callable[[np.ndarray], np.ndarray]], Batcher]
    ) -> None:
        self.runs = runs
        self._chosen = chosen
        self._batcher = batcher
        self._rooms: OrderedDict[tuple[str, int], Room] = OrderedDict()
        self._opening = threading.Lock()
        self._analyses: dict[str, tuple[int, int]] = {}

    def folders(self) -> tuple[RunFolder, ...]:
        """All runs, newest first."""
        return list_runs(self.runs)[::-1]

    @property
    def chosen(self) -> str | None:
        """The run that answers where none is named; None if no run is trained."""
        if self._chosen is not None:
            return self._chosen
        return next((folder.name for folder in self.folders() if _readable(folder)), None)

    def folder(self, name: str) -> RunFolder:
        """The run called `name`.

        Raises:
            Refusal: there is none.
        """
        found = runs_by_name(self.runs).get(name)
        if found is None:
            raise Refusal(404, f"There is no run '{name[:100]}' here. GET /api/runs lists those that there are.")
        return found

    def room(self, name: str | None = None) -> Room:
        """The network of a run, loaded if it isn't yet. Takes a moment: not for the event loop.

        Raises:
            Refusal: there is no such run, or it isn't trained yet.
            RunError: it is damaged.
        """
        name = name or self.chosen
        if name is None:
            raise Refusal(409, "No run is trained yet. `muslin train` makes one; it appears here by itself.")
        folder = self.folder(name)
        try:
            key = (name, folder.weights_path.stat().st_mtime_ns)
        except FileNotFoundError as error:
            raise Refusal(409, f"The run '{name[:100]}' has no weights yet: it is still in training.") from error
        with self._opening:
            if key not in self._rooms:
                self._rooms[key] = Room(folder, self._batcher)
                settle()
                while len(self._rooms) > MOST_ROOMS:
                    self._rooms.popitem(last=False)
            self._rooms.move_to_end(key)
            return self._rooms[key]

    def summaries(self) -> list[RunSummary]:
        """All runs, newest first. Those that can't be read are left out: another version of Muslin wrote them."""
        found = []
        for folder in self.folders():
            with suppress(MuslinError):
                found.append(self.summary(folder))
        return found

    def summary(self, folder: RunFolder) -> RunSummary:
        """One run in a row.

        Raises:
            RunError: it is damaged.
        """
        record, design, measured = folder.record, folder.design, folder.measured
        history = _history(folder)
        if folder.name not in self._analyses:
            analysis = analyze(design)
            self._analyses[folder.name] = (analysis.parameters, analysis.macs)
        parameters, macs = self._analyses[folder.name]
        test: dict[str, Any] = (measured or {}).get("test", {})
        baseline = folder.baseline.measured if folder.baseline else None
        outcome = record.outcome
        interval = test.get("accuracy_interval")
        return RunSummary(
            id=folder.name,
            design=record.design,
            title=design.title,
            recipe=record.recipe.name,
            seed=record.seed,
            created=record.created.isoformat(),
            sample=record.data.sample,
            state=outcome.end if outcome else "training" if _alive(folder) else "unfinished",
            ready=folder.weights_path.exists(),
            epochs=len(history),
            planned=record.recipe.epochs,
            parameters=parameters,
            macs=macs,
            seconds=outcome.seconds if outcome else None,
            validation_accuracy=history.best.validation_accuracy if len(history) else None,
            accuracy=test.get("accuracy"),
            interval=(interval[0], interval[1]) if interval else None,
            loss=test.get("loss"),
            baseline_accuracy=(baseline or {}).get("test", {}).get("accuracy"),
            history=[vars(epoch) for epoch in history],
        )


def settle() -> None:
    """Take everything that is loaded out of the garbage collector's sight.

    Each of its full rounds would look at all of it, 76,000 objects for one network, and answer nobody meanwhile: on a
    busy machine for 120 ms. What is loaded stays loaded; what isn't any more is freed by its count of references.
    """
    gc.collect()
    gc.freeze()


def batchers(executor: Executor, metrics: Metrics) -> Callable[[Callable[[np.ndarray], np.ndarray]], Batcher]:
    """Makes batchers that share a thread."""
    return lambda predict: Batcher(predict, executor, metrics)


def _readable(folder: RunFolder) -> bool:
    """Whether it is trained, and written by a version of Muslin that speaks as this one does."""
    with suppress(MuslinError):
        _ = folder.record, folder.design
        return folder.weights_path.exists()
    return False


def _history(folder: RunFolder) -> History:
    return folder.history if (folder.path / "history.csv").exists() else History()


def _alive(folder: RunFolder) -> bool:
    newest = 0.0
    for name in ("history.csv", "run.json"):
        with suppress(OSError):
            newest = max(newest, (folder.path / name).stat().st_mtime)
    return time.time() - newest < _STILL_TRAINING
