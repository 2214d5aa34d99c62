"""A run: a trained network with everything that belongs to it, in a folder."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
from muslin.evaluation.corruptions import measure_robustness
from muslin.evaluation.temperature import fit_temperature, tempered
from muslin.exports import FormatName
from muslin.exports.safetensors import load_weights
from muslin.network import Network, predict
from muslin.reports import build_report
from muslin.runs.claims import check_claims
from muslin.runs.files import require_free
from muslin.runs.folder import RunFolder
from muslin.runs.record import RunRecord
from muslin.training.forward import predict_fast
from muslin.training.history import History

if TYPE_CHECKING:
    from jaxtyping import Float, UInt8

_TRAINING_IMAGES_MEASURED = 10_000  # for the overfitting gap; its standard error at 90% accuracy is then 0.3 points


class Run:
    """A trained network and its folder.

    Args:
        folder: folder of the run.
    """

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder

    @classmethod
    def open(cls, path: str | Path = "latest") -> Run:
        """Open an existing run.

        Args:
            path: folder of the run, or "latest" (the default).

        Raises:
            RunError: there is no such run, or its folder is incomplete.
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
        """The design of the network."""
        return self.folder.design

    @property
    def record(self) -> RunRecord:
        """The recipe, seed, data, environment and outcome."""
        return self.folder.record

    @property
    def history(self) -> History:
        """Loss and accuracy of every epoch."""
        return self.folder.history

    @property
    def baseline(self) -> Run | None:
        """The run of the baseline that was trained with this run, or None."""
        return Run(self.folder.baseline) if self.folder.baseline else None

    @cached_property
    def network(self) -> Network:
        """The trained network, on the CPU, ready to predict.

        Raises:
            RunError: the weights are missing or damaged, or belong to another design.
        """
        network = Network(self.design)
        weights = load_weights(self.folder.weights_path, self.design)
        network.load_state_dict({name: torch.from_numpy(array) for name, array in weights.items()})
        return network.to(memory_format=torch.channels_last).eval()  # type: ignore[call-overload, no-any-return]

    @property
    def weights(self) -> dict[str, Float[np.ndarray, "..."]]:
        """The weights by name, as stored on disk."""
        return load_weights(self.folder.weights_path, self.design)

    @property
    def analysis(self) -> Analysis:
        """The static analysis of the design, compared with the baseline if one was trained."""
        return analyze(self.design, self.baseline.design if self.baseline else None)

    def predict(self, images: UInt8[np.ndarray, "image height width channel"]) -> Float[np.ndarray, "image classes"]:
        """Compute class probabilities.

        Args:
            images: pixels as bytes, 0–255.

        Returns:
            Probabilities as float32.
        """
        return predict(self.network, images)

    def evaluate(self, split: Split) -> Evaluation:
        """Evaluate the network on a split, without writing anything."""
        return Evaluation(split.labels, self.predict(split.images), self.record.data.class_names)

    def open_test(self, data: Dataset) -> Evaluation:
        """Evaluate the network on the test split the first time, and read the results from the folder after that.

        The first time, accuracy and loss on training and validation images, without dropout, are saved as well; the
        overfitting gap is computed from them.

        Args:
            data: data set that the run was trained on.

        Raises:
            RunError: the run was trained on other images.
        """
        if self.folder.evaluation is not None and self.folder.measured is not None:
            return self.folder.evaluation
        self.require_same(data)
        seen = data.train.subset(np.arange(min(len(data.train), _TRAINING_IMAGES_MEASURED)))
        train, validation = self.evaluate(seen), self.evaluate(data.validation)
        test = self.evaluate(data.test)
        measured: dict[str, Any] = {
            "test": test.summary(),
            "train": {"accuracy": train.accuracy, "loss": train.loss, "images": len(seen)},
            "validation": {"accuracy": validation.accuracy, "loss": validation.loss, "images": len(data.validation)},
            "overfitting_gap": 100 * (train.accuracy - validation.accuracy),
            "temperature": _temperature(validation, test),
        }
        fast = partial(predict_fast, self.network)
        robustness = measure_robustness(fast, data.test.images, data.test.labels)
        if robustness is not None:
            measured["robustness"] = robustness.to_dict()
        self.folder.save_evaluation(test, measured)
        return test

    def require_same(self, data: Dataset) -> None:
        """Check that the run was trained on `data`.

        Raises:
            RunError: the run was trained on other images.
        """
        if data.fingerprint != self.record.data.fingerprint:
            raise RunError(
                f"run {self.folder.name} was trained on other images ({self.record.data.source}) than these "
                f"({data.source}): the fingerprints differ ({self.record.data.fingerprint[:12]}… and "
                f"{data.fingerprint[:12]}…). Pass the run's own images with `path=` or `sample=True`."
            )

    def claims(self, baseline: Run | None = None) -> CheckedClaims:
        """Check the design's claims against the measurements of this run.

        Args:
            baseline: run of the baseline (default: the one that was trained with this run, if any).
        """
        return check_claims(self.folder, baseline.folder if baseline else None)

    def export(
        self,
        to: FormatName,
        path: str | Path | None = None,
        *,
        calibrated: bool = False,
        images: UInt8[np.ndarray, "image height width channel"] | None = None,
        say: Callable[[str], None] = lambda _text: None,
    ) -> Path:
        """Write the network as one file, which is reloaded and compared with the network before it replaces another.

        Args:
            to: "onnx", "keras", "h5" or "safetensors".
            path: path of the file, with the suffix of the format (default: in the run folder).
            calibrated: whether the logits are divided by the temperature that was fitted on the validation images when
                the test split was opened, so that the probabilities are calibrated (default False).
            images: images to compare the two on (default: test images of the sample if they fit the design, otherwise
                noise).
            say: function that receives a note on the comparison and the agreement (default: discard it).

        Returns:
            Path of the file.

        Raises:
            ExportError: the format is unknown or cannot express the design, the suffix is another format's, or the
                reloaded file disagrees with the network. An existing file at `path` is kept.
            MuslinError: a run keeps another file at `path`, or the file cannot be written.
        """
        from muslin.exports.verify import export_verified  # noqa: PLC0415  (ONNX Runtime: only for exports)

        own = self.folder.export_path(to)
        place = Path(path) if path else own.with_stem(f"{own.stem}_calibrated") if calibrated else own
        require_free(place, own)
        data = self.record.data
        network = self._calibrated() if calibrated else self.network
        return export_verified(
            network, place, to, class_names=data.class_names, scaling=data.scaling, images=images, say=say
        )

    def _calibrated(self) -> Network:
        """Return a copy of the network whose last layer is divided by the fitted temperature."""
        temperature = (self.folder.measured or {}).get("temperature")
        if temperature is None:
            raise RunError(
                f"run {self.folder.name} has no temperature: it is fitted on the validation images when the test split "
                "is opened. Evaluate the run first, or, if it was evaluated by Muslin 0.1, train it again."
            )
        network = copy.deepcopy(self.network)
        for name, array in network.state_dict().items():  # which shares its memory with the network
            if name.startswith(f"{self.design.output_layer.name}."):
                array.div_(temperature["value"])
        return network

    def report(self, study: str | Path | None = None) -> Path:
        """Build report.html from the files of the run folder, and return its path.

        Args:
            study: folder of a study of the design's decisions, whose findings the report shows (default: the findings
                that the run folder holds already, if any).

        Raises:
            RunError: the study has no table yet.
        """
        if study is not None:
            copy_evidence(Path(study), self.folder.evidence_path)
        return build_report(self.folder)


def _temperature(validation: Evaluation, test: Evaluation) -> dict[str, Any]:
    """Fit the temperature on the validation images, and measure what it does for the test images."""
    value = fit_temperature(validation.probabilities, validation.labels)
    after = Evaluation(test.labels, tempered(test.probabilities, value), test.class_names)
    return {
        "value": value,
        "calibration_error": after.calibration.error,
        "loss": after.loss,
        "calibration_error_before": test.calibration.error,
        "loss_before": test.loss,
    }
