"""How to do a run again, and what is in its folder."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import NamedTuple

from muslin.ablation.justification import Justification
from muslin.data.sources import given_place
from muslin.design import Design, library, load_design
from muslin.recipe import Recipe, load_recipe, recipes
from muslin.reports.words import size
from muslin.runs.folder import RunFolder
from muslin.training.outcome import Outcome

RECIPE_FILE = "recipe.toml"
PARTS = {  # what a run folder holds: what it is, and what reads it
    "run.json": ("recipe, seed, data, environment and outcome", "any JSON reader"),
    "design.toml": ("the design with its reasons and claims", "a text editor; muslin run design.toml"),
    "history.csv": ("one line an epoch", "a spreadsheet, pandas, Polars"),
    "model.safetensors": ("the weights, float32, output axis first", "muslin; safetensors in Python, Rust, JavaScript"),
    "evaluation.json": ("every figure of the test split", "any JSON reader"),
    "predictions.safetensors": ("the probabilities that those figures come from", "muslin; safetensors"),
    "model.onnx": ("the network for ONNX", "ONNX Runtime; Netron to look at it"),
    "model.keras": ("the network as Keras 3 saves it", "keras.models.load_model"),
    "*.h5": ("the network in Keras' older format", "keras.models.load_model in Keras 3"),
    "figures": ("every figure, as SVG and, but for the diagram, PNG", "a browser; a slide"),
    "baseline": ("the baseline's run, laid out in the same way", "muslin"),
}


class Repetition(NamedTuple):
    """How to do a run again.

    Attributes:
        command: what to type.
        recipe: the recipe as TOML, where the library lacks it and it has to be written to a file first; else None.
        from_folder: the command reads files of the run folder, so it is typed there.
    """

    command: str
    recipe: str | None
    from_folder: bool


class Part(NamedTuple):
    """A file or folder of a run."""

    name: str
    size: str
    holds: str
    read_by: str


def repetition(folder: RunFolder) -> Repetition:
    """The command that does the run in `folder` again."""
    record = folder.record
    design = _design_argument(folder.design)
    recipe, text = _recipe_arguments(record.recipe)
    words = ["muslin", "run", design, *_baseline_arguments(folder), *recipe, "--seed", str(record.seed)]
    if record.outcome is not None:
        words += _machine_arguments(record.outcome)
    if record.data.sample:
        words.append("--sample")
    elif not record.data.audit.verified:
        words += _data_arguments(record.data.source)
    if record.data.audit.leak_allowed:
        words.append("--allow-leak")
    return Repetition(shlex.join(words), text, from_folder=design not in library())


def study_repetition(folder: RunFolder, study: Justification) -> Repetition | None:
    """The command that does again the study whose results the run in `folder` shows.

    None if the run can't tell: its design states other decisions, or the study's recipe is neither the library's nor
    its own.
    """
    origin, record, design = study.origin, folder.record, folder.design
    decisions = _decision_arguments(design, study)
    known = load_recipe(study.recipe) if study.recipe in recipes() else record.recipe
    if not decisions or known.name != study.recipe:
        return None
    recipe, text = _recipe_arguments(known)
    epochs = ["--epochs", str(origin.epochs)] if origin.epochs != known.epochs else []
    argument = _design_argument(design)
    words = ["muslin", "ablate", argument, *decisions, "--seeds", str(origin.seeds)]
    if any(row.seeds.isdecimal() and int(row.seeds) > origin.seeds for row in study.rows):
        words.append("--until-decided")
    words += [*recipe, *epochs, "--margin", f"{study.margin:g}", "--precision", origin.precision]
    if origin.sample:
        words.append("--sample")
    else:
        words += _data_arguments(origin.data)
    return Repetition(shlex.join(words), text, from_folder=argument not in library())


def parts(folder: RunFolder) -> tuple[Part, ...]:
    """What is in the run folder, in the order of `PARTS`."""
    return tuple(
        Part(path.name + "/" * path.is_dir(), size(_size(path)), *PARTS[pattern])
        for pattern in PARTS
        for path in sorted(folder.path.glob(pattern))
    )


def _design_argument(design: Design) -> str:
    return design.name if design.name in library() and load_design(design.name) == design else "design.toml"


def _decision_arguments(design: Design, study: Justification) -> list[str]:
    """The options that name what was measured; none if the design doesn't state all of it."""
    # A twin of equal size stands in the table beside its alternative, under the same name with what is equal.
    measured = {(row.decision, re.sub(r", same (parameters|MACs)$", "", row.alternative)) for row in study.rows}
    stated = {(decision.name, one.name) for decision in design.decisions for one in decision.alternatives}
    if not measured <= stated:
        return []
    # What a note says of an alternative is why it was left out.
    measured |= {(name, one) for name, one in stated if any(f"{name}, '{one}': left out" in it for it in study.notes)}
    if measured == stated:
        return ["--all"]
    options = []
    for decision in design.decisions:
        taken = [one.name for one in decision.alternatives if (decision.name, one.name) in measured]
        whole = len(taken) == len(decision.alternatives)
        for name in [decision.name] if whole else [f"{decision.name}/{one}" for one in taken]:
            options += ["--decision", name]
    return options


def _baseline_arguments(folder: RunFolder) -> list[str]:
    baseline = folder.baseline
    if baseline is None:
        return ["--baseline", "none"]
    if baseline.design.name == folder.design.baseline:
        return []
    known = baseline.design.name in library()
    return ["--baseline", baseline.design.name if known else "baseline/design.toml"]


def _recipe_arguments(recipe: Recipe) -> tuple[list[str], str | None]:
    """The options that give `recipe`, and its text where they name a file."""
    if recipe.name in recipes():
        known = load_recipe(recipe.name)
        if known == recipe:
            return ["--recipe", recipe.name], None
        if known.with_(epochs=recipe.epochs) == recipe:
            return ["--recipe", recipe.name, "--epochs", str(recipe.epochs)], None
    import tomlkit  # noqa: PLC0415  (25 ms that a recipe of the library doesn't need)

    return ["--recipe", RECIPE_FILE], tomlkit.dumps(recipe.model_dump(mode="json", exclude_none=True))


def _data_arguments(source: str) -> list[str]:
    """The option that points at the data again, where a person did."""
    place = given_place(source)
    # The command may be typed elsewhere, and where it reads the run's design it has to be.
    return ["--data", str(place.absolute() if place.exists() else place)] if place else []


def _machine_arguments(outcome: Outcome) -> list[str]:
    return ["--device", outcome.device, "--precision", outcome.precision]


def _size(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())
