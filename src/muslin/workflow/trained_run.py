"""A run: a trained network with everything that belongs to it, in a folder."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from muslin.ablation.justification import copy_evidence
from muslin.analysis import Analysis, analyze
from muslin.data import Dataset, Split
from muslin.design import Design
from muslin.errors import RunError
from muslin.evaluation import Evaluation
from muslin.evaluation.claims import Checked
from muslin.exports import FormatName
from muslin.exports.safetensors import load_weights
from muslin.network import Network, predict
from muslin.reports import build_report
from muslin.runs.claims import check_claims
from muslin.runs.files import require_free
from muslin.runs.folder import RunFolder
from muslin.runs.record import RunRecord
from muslin.training.history import History

if TYPE_CHECKING:
    from jaxtyping import Float, UInt8

_TRAINING_IMAGES_MEASURED = 10_000  # of the training split, for the overfitting gap: its error is then 0.3 points


class Run:
    """A trained network and its folder.

    Args:
        folder: where it is kept.
    """

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder

    @classmethod
    def open(cls, path: str | Path = "latest") -> Run:
        """An existing run: its folder, or "latest".

        Raises:
            RunError: there is no run, or it lacks something.
        """
        return cls(RunFolder.open(path))

    def __repr__(self) -> str:
        return f"Run('{self.folder.path}')"

    @property
    def design(self) -> Design:
        """What was trained."""
        return self.folder.design

    @property
    def record(self) -> RunRecord:
        """Recipe, seed, data, environment and outcome."""
        return self.folder.record

    @property
    def history(self) -> History:
        """What happened, epoch by epoch."""
        return self.folder.history

    @property
    def baseline(self) -> Run | None:
        """The run of the baseline trained beside this one, if there is one."""
        return Run(self.folder.baseline) if self.folder.baseline else None

    @cached_property
    def network(self) -> Network:
        """The trained network, on the CPU, ready to predict.

        Raises:
            RunError: the weights are missing, damaged, or another design's.
        """
        network = Network(self.design)
        weights = load_weights(self.folder.weights_path, self.design)
        network.load_state_dict({name: torch.from_numpy(array) for name, array in weights.items()})
        return network.to(memory_format=torch.channels_last).eval()  # type: ignore[call-overload, no-any-return]

    @property
    def weights(self) -> dict[str, Float[np.ndarray, "..."]]:
        """The weights by name, as on disk."""
        return load_weights(self.folder.weights_path, self.design)

    @property
    def analysis(self) -> Analysis:
        """The design's static figures, against the baseline's if one was trained."""
        return analyze(self.design, self.baseline.design if self.baseline else None)

    def predict(self, images: UInt8[np.ndarray, "image height width channel"]) -> Float[np.ndarray, "image classes"]:
        """Class probabilities for bytes 0–255, as float32."""
        return predict(self.network, images)

    def evaluate(self, split: Split) -> Evaluation:
        """The network's answers on a split; nothing is written."""
        return Evaluation(split.labels, self.predict(split.images), self.record.data.class_names)

    def open_test(self, data: Dataset) -> Evaluation:
        """The network's answers on the test split: computed and kept the first time, read from the folder after that.

        Accuracy and loss on the training and validation split are kept beside them, dropout off, for the overfitting
        gap.

        Raises:
            RunError: `data` is not what the run was trained on.
        """
        if self.folder.evaluation is not None and self.folder.measured is not None:
            return self.folder.evaluation
        self.require_same(data)
        seen = data.train.subset(np.arange(min(len(data.train), _TRAINING_IMAGES_MEASURED)))
        train, validation = self.evaluate(seen), self.evaluate(data.validation)
        test = self.evaluate(data.test)
        measured = {
            "test": test.summary(),
            "train": {"accuracy": train.accuracy, "loss": train.loss, "images": len(seen)},
            "validation": {"accuracy": validation.accuracy, "loss": validation.loss, "images": len(data.validation)},
            "overfitting_gap": 100 * (train.accuracy - validation.accuracy),
        }
        self.folder.save_evaluation(test, measured)
        return test

    def require_same(self, data: Dataset) -> None:
        """See that `data` is what the run was trained on.

        Raises:
            RunError: it isn't.
        """
        if data.fingerprint != self.record.data.fingerprint:
            raise RunError(
                f"the run {self.folder.name} was trained on other images ({self.record.data.source}) than these "
                f"({data.source}): the fingerprints differ ({self.record.data.fingerprint[:12]}… and "
                f"{data.fingerprint[:12]}…). Give the run's own data with --data or --sample."
            )

    def claims(self) -> tuple[Checked, ...]:
        """What the design says of itself, held against what this run measured."""
        return check_claims(self.folder)

    def export(
        self,
        to: FormatName,
        path: str | Path | None = None,
        *,
        images: UInt8[np.ndarray, "image height width channel"] | None = None,
        say: Callable[[str], None] = lambda _text: None,
    ) -> Path:
        """Write the network as one file, read back and held against it before the file gets its name.

        Args:
            to: "onnx", "keras", "h5" or "safetensors".
            path: where to, ending as the format's files do; by default into the run folder.
            images: to compare on; by default the sample's test images where the design takes such, else noise.
            say: told on what the two were compared, and how well they agree.

        Returns:
            The path.

        Raises:
            ExportError: the format is unknown or can't express the design, the name doesn't end as its files' do, or
                what was read back is not the network. What was at `path` is still there.
            MuslinError: a run keeps another file there, or it can't be written.
        """
        from muslin.exports.verify import export_verified  # noqa: PLC0415  (ONNX Runtime: only for exports)

        own = self.folder.export_path(to)
        place = Path(path) if path else own
        require_free(place, own)
        names = self.record.data.class_names
        return export_verified(self.network, place, to, class_names=names, images=images, say=say)

    def report(self, study: str | Path | None = None) -> Path:
        """Build report.html from what is in the folder; returns its path.

        Args:
            study: the folder of a study whose findings about the design's decisions the report shall show; by default
                those that the run folder holds already, if any.

        Raises:
            RunError: the study has no table yet.
        """
        if study is not None:
            copy_evidence(Path(study), self.folder.evidence_path)
        return build_report(self.folder)
