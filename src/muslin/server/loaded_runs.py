"""The runs of a folder, and the networks loaded for them."""

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

MOST_LOADED = 4  # maximum number of networks in memory
_STILL_TRAINING = 15 * 60  # seconds without changes after which a run without an outcome counts as unfinished


class LoadedRun:
    """A run with its network loaded.

    Args:
        folder: run folder.
        batcher: function that creates a batcher for a prediction function.
    """

    def __init__(self, folder: RunFolder, batcher: Callable[[Callable[[np.ndarray], np.ndarray]], Batcher]) -> None:
        self.folder = folder
        self.id = folder.name
        self.design = folder.design
        self.data = folder.record.data
        self.class_names = self.data.class_names
        self.predictor = Predictor.from_run(folder)
        self.batcher = batcher(self.predictor.probabilities)
        self.regions = unit_regions(folder.design)
        self._making = threading.Lock()

    @cached_property
    def weights(self) -> dict[str, Float[np.ndarray, "..."]]:
        """Weights by name."""
        return load_weights(self.folder.weights_path, self.design)

    @cached_property
    def inside(self) -> Predictor:
        """Predictor that also returns the layers' outputs."""
        return Predictor.from_weights(self.design, self.weights, self.class_names, layers=True)

    @cached_property
    def _network(self) -> Network:
        # Only Grad-CAM needs gradients, and only designs without global average pooling need Grad-CAM. Importing torch
        # takes 2 s and 200 MB.
        from muslin.workflow.trained_run import Run  # noqa: PLC0415

        return Run(self.folder).network

    def evidence(
        self, image: UInt8[np.ndarray, "height width channel"], outputs: dict[str, np.ndarray], number: int
    ) -> tuple[Literal["exact", "Grad-CAM"], str, np.ndarray] | None:
        """Return (method, layer, class activation map) for one class; None for a design without feature maps."""
        layer = pooled_layer(self.design)
        if layer is not None:
            return "exact", layer, exact_cam(self.design, self.weights, outputs[layer][0], number)
        if not any(part.kind == "conv2d" for part in self.design.layers):
            return None
        with self._making:  # torch modules must not switch modes in two threads at once
            from muslin.interpret import class_activation_maps  # noqa: PLC0415  (see `_network`)

            found = class_activation_maps(self._network, image[None], np.array([number]))
        return found.method, found.layer, found.maps[0]


class LoadedRuns:
    """The runs in a folder, by name. Requests name a run, never a path.

    Args:
        runs: path of the folder.
        chosen: name of the default run; None for the newest trained run.
        batcher: see `LoadedRun`.
    """

    def __init__(
        self, runs: Path, chosen: str | None, batcher: Callable[[Callable[[np.ndarray], np.ndarray]], Batcher]
    ) -> None:
        self.runs = runs
        self._chosen = chosen
        self._batcher = batcher
        self._loaded: OrderedDict[tuple[str, int], LoadedRun] = OrderedDict()
        self._opening = threading.Lock()
        self._analyses: dict[str, tuple[int, int]] = {}

    def folders(self) -> tuple[RunFolder, ...]:
        """Return all runs, newest first."""
        return list_runs(self.runs)[::-1]

    @property
    def chosen(self) -> str | None:
        """Name of the default run; None if no run is trained."""
        if self._chosen is not None:
            return self._chosen
        return next((folder.name for folder in self.folders() if _readable(folder)), None)

    def folder(self, name: str) -> RunFolder:
        """Return the run called `name`.

        Raises:
            Refusal: there is no such run.
        """
        found = runs_by_name(self.runs).get(name)
        if found is None:
            raise Refusal(404, f"There is no run '{name[:100]}'. GET /api/runs lists the runs.")
        return found

    def load(self, name: str | None = None) -> LoadedRun:
        """Return a run with its network, loading it if necessary. Slow: do not call in the event loop.

        Raises:
            Refusal: there is no such run, or it is not trained yet.
            RunError: the run is damaged.
        """
        name = name or self.chosen
        if name is None:
            raise Refusal(409, "No run is trained yet. `muslin train` creates one; it appears here automatically.")
        folder = self.folder(name)
        try:
            key = (name, folder.weights_path.stat().st_mtime_ns)
        except FileNotFoundError as error:
            raise Refusal(409, f"Run '{name[:100]}' has no weights yet: it is still in training.") from error
        with self._opening:
            if key not in self._loaded:
                self._loaded[key] = LoadedRun(folder, self._batcher)
                settle()
                while len(self._loaded) > MOST_LOADED:
                    self._loaded.popitem(last=False)
            self._loaded.move_to_end(key)
            return self._loaded[key]

    def summaries(self) -> list[RunSummary]:
        """Return all runs, newest first, except unreadable ones, which another version of Muslin wrote."""
        found = []
        for folder in self.folders():
            with suppress(MuslinError):
                found.append(self.summary(folder))
        return found

    def summary(self, folder: RunFolder) -> RunSummary:
        """Return the summary of one run.

        Raises:
            RunError: the run is damaged.
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
    """Exclude everything loaded so far from garbage collection.

    Every full collection would visit all of it, 76,000 objects for one network, and block the server meanwhile: 120 ms
    on a busy machine. Reference counting still frees objects that are no longer used.
    """
    gc.collect()
    gc.freeze()


def batchers(executor: Executor, metrics: Metrics) -> Callable[[Callable[[np.ndarray], np.ndarray]], Batcher]:
    """Return a function that creates batchers which share one thread."""
    return lambda predict: Batcher(predict, executor, metrics)


def _readable(folder: RunFolder) -> bool:
    """Return whether a run is trained and readable by this version of Muslin."""
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
