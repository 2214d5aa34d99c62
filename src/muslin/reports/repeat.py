"""The commands that reproduce a run and its study, and the files in the run folder."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import NamedTuple

from muslin.ablation.justification import Justification
from muslin.data.source import Source
from muslin.design import Design, library, load_design
from muslin.recipe import Recipe, load_recipe, recipes
from muslin.reports.words import size
from muslin.runs.folder import RunFolder
from muslin.training.outcome import Outcome

RECIPE_FILE = "recipe.toml"
PARTS = {  # file name: (content, what reads it)
    "run.json": ("recipe, seed, data, environment and outcome", "any JSON reader"),
    "design.toml": ("design with its reasons and claims", "a text editor; muslin run design.toml"),
    "history.csv": ("metrics of each epoch", "a spreadsheet, pandas, Polars"),
    "model.safetensors": ("weights, float32, output axis first", "muslin; safetensors in Python, Rust, JavaScript"),
    "evaluation.json": ("metrics on the test split", "any JSON reader"),
    "predictions.safetensors": ("class probabilities of the test images", "muslin; safetensors"),
    "model.onnx": ("network in ONNX format", "ONNX Runtime; Netron to inspect it"),
    "model.keras": ("network in Keras 3 format", "keras.models.load_model"),
    "*.h5": ("network in legacy Keras HDF5 format", "keras.models.load_model in Keras 3"),
    "figures": ("figures as SVG and PNG (the architecture diagram as SVG only)", "a browser, slides"),
    "baseline": ("the baseline's run folder", "muslin"),
}


class Repetition(NamedTuple):
    """The command that reproduces a run or a study.

    Attributes:
        command: shell command.
        recipe: recipe as TOML, to be saved as recipe.toml first; None if Muslin ships the recipe.
        from_folder: whether the command reads files of the run folder and must be run there.
    """

    command: str
    recipe: str | None
    from_folder: bool


class Part(NamedTuple):
    """A file or folder in a run folder.

    Attributes:
        name: file name.
        size: size in words.
        holds: content.
        read_by: programs that read it.
    """

    name: str
    size: str
    holds: str
    read_by: str


def repetition(folder: RunFolder) -> Repetition:
    """Return the command that reproduces a run."""
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
    """Return the command that reproduces the study whose results the run folder holds.

    Returns None if the run folder does not determine the command: its design states other decisions, or the study's
    recipe is neither shipped with Muslin nor the run's own.
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
    """Return the files and folders in the run folder, in the order of `PARTS`."""
    return tuple(
        Part(path.name + "/" * path.is_dir(), size(_size(path)), *PARTS[pattern])
        for pattern in PARTS
        for path in sorted(folder.path.glob(pattern))
    )


def ships(design: Design) -> bool:
    """Return whether a design is one that ships with Muslin, unchanged."""
    return design.name in library() and load_design(design.name) == design


def _design_argument(design: Design) -> str:
    return design.name if ships(design) else "design.toml"


def _decision_arguments(design: Design, study: Justification) -> list[str]:
    """Return the options that name the measured alternatives; none if the design does not state all of them."""
    # The table names a size-matched twin after its alternative, with what is equal appended.
    measured = {(row.decision, re.sub(r", same (parameters|MACs)$", "", row.alternative)) for row in study.rows}
    stated = {(decision.name, one.name) for decision in design.decisions for one in decision.alternatives}
    if not measured <= stated:
        return []
    # A note tells which alternative the study left out.
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
    """Return the options that select `recipe`, and its TOML text if they name a file."""
    if recipe.name in recipes():
        known = load_recipe(recipe.name)
        if known == recipe:
            return ["--recipe", recipe.name], None
        if known.with_(epochs=recipe.epochs) == recipe:
            return ["--recipe", recipe.name, "--epochs", str(recipe.epochs)], None
    import tomlkit  # noqa: PLC0415  (25 ms that a shipped recipe does not need)

    return ["--recipe", RECIPE_FILE], tomlkit.dumps(recipe.model_dump(mode="json", exclude_none=True))


def _data_arguments(source: Source) -> list[str]:
    """Return the option that names the data, if the run was given one."""
    place = source.given
    # The command may run in another folder, so the path must be absolute.
    return ["--data", str(place.absolute() if place.exists() else place)] if place else []


def _machine_arguments(outcome: Outcome) -> list[str]:
    return ["--device", outcome.device, "--precision", outcome.precision]


def _size(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())
