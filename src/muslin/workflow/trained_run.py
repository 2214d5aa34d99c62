"""A run: a trained network with everything that belongs to it, in a folder."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from muslin._display import line, near, panel, paragraph, public_names, quoted, table
from muslin._words import between, count, duration, number, percent
from muslin.ablation.justification import copy_evidence
from muslin.analysis import Analysis, analyze
from muslin.data import Dataset, Split
from muslin.design import Design
from muslin.errors import MuslinError, RunError
from muslin.evaluation import Evaluation
from muslin.evaluation.claims import CheckedClaims
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
        place = near(self.folder.path)
        try:
            record, history = self.record, self.history
        except MuslinError:  # the folder was damaged or removed: a run can always be printed
            return line("Run", place)
        reached = ""
        if len(history):
            kept = history.kept(record.outcome.restored_epoch if record.outcome else None)
            reached = f"validation accuracy {percent(kept.validation_accuracy, 2)}"
        how = f"recipe {record.recipe.name}, seed {record.seed}"
        return line("Run", quoted(record.design), how, reached, place)

    def __dir__(self) -> list[str]:
        return public_names(self)

    def _repr_html_(self) -> str:
        record, outcome = self.record, self.record.outcome
        rows = [
            ("design", f"{self.design.name}, {count(self.analysis.parameters, 'parameter')}"),
            ("recipe", f"{record.recipe.name}, seed {record.seed}"),
            ("data", str(record.data.source)),
        ]
        if outcome is None:
            rows.append(("training", "not finished"))
        else:
            time = f"{count(outcome.epochs, 'epoch')} in {duration(outcome.seconds)}"
            speed = f"{number(outcome.images_per_second)} images/s"
            where = f"{outcome.device}, {outcome.precision}, {count(outcome.threads, 'thread')}"
            rows.append(("training", f"{outcome.end}: {time}, {speed} ({where})"))
        if len(self.history):
            kept = self.history.kept(outcome.restored_epoch if outcome else None)
            accuracy, loss = percent(kept.validation_accuracy, 2), number(kept.validation_loss, 4)
            rows.append(("validation", f"accuracy {accuracy}, loss {loss}"))
        test = self.folder.evaluation
        if test is None:
            rows.append(("test", "not opened yet"))
        else:
            low, high = test.accuracy_interval
            interval = f"95% interval {between(100 * low, 100 * high, 2, '%')}"
            rows.append(("test", f"accuracy {percent(test.accuracy, 2)} ({interval}), loss {number(test.loss, 4)}"))
        return panel(
            self.folder.name,
            "",
            table(("part", "result"), rows, text=(0, 1)),
            paragraph(f"Folder: {near(self.folder.path)}"),
        )

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

    def claims(self, baseline: Run | None = None) -> CheckedClaims:
        """Check the design's claims against the measurements of this run.

        Args:
            baseline: run of the baseline (default: the one that was trained beside this run, if any).
        """
        return check_claims(self.folder, baseline.folder if baseline else None)

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
