"""`muslin.ablate`: what each decision of a design is worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Literal, Unpack, cast

from muslin import ablation
from muslin._words import count
from muslin.ablation import STUDIES, Study, Watcher
from muslin.ablation.results import write_evidence
from muslin.data import Dataset, ReadingOptions
from muslin.design import Design
from muslin.errors import RunError, TrainingError
from muslin.recipe import Recipe
from muslin.training.fit import check_fit
from muslin.trials.arm import design_key
from muslin.trials.local import LocalExecutor
from muslin.trials.store import FILE
from muslin.workflow.inputs import Named, open_data, open_design, open_recipe
from muslin.workflow.observer import Observer, Watched, observer_of
from muslin.workflow.run_training import settle

if TYPE_CHECKING:
    from muslin.ablation.forecast import Forecast
    from muslin.trials.executor import Executor

MOST_SEEDS = 20  # seeds of a study that continues until all is decided, unless `max_seeds` says otherwise
Place = Literal["local", "ray"]


def ablate(  # noqa: PLR0913  (the command's options)
    design: Design | str | Path | None = None,
    data: Dataset | str | Path | None = None,
    recipe: Recipe | str | Path | None = None,
    *,
    decisions: Sequence[str] = (),
    everything: bool = False,
    pairs: Sequence[tuple[str, str]] = (),
    seeds: int | None = None,
    until_decided: bool = False,
    max_seeds: int | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    learning_rate: float | None = None,
    flip: bool | None = None,
    overrides: Mapping[str, Any] | None = None,
    match: Literal["parameters", "macs", "none"] | None = None,
    margin: float | None = None,
    vary_split: bool | None = None,
    precision: str | None = None,
    workers: int | None = None,
    executor: Place = "local",
    address: str | None = None,
    dry_run: bool = False,
    resume: str | Path | None = None,
    out: str | Path = STUDIES,
    sample: bool = False,
    classes: str | Path | Sequence[str] | None = None,
    allow_leak: bool = False,
    watch: Watcher | None = None,
    progress: Watched = None,
    **reading: Unpack[ReadingOptions],
) -> Study | Forecast:
    """Measure what each decision of a design is worth, and write the study's tables and its forest plot.

    Every alternative that the design states is trained beside the choice with the same seeds. The test split stays
    closed. A study that was killed resumes where it stopped.

    Args:
        design: a design with decisions, a name from the library, or a TOML file (default "custom_cnn").
        data: a data set, or a path that `muslin.load_data` reads (default: Fashion-MNIST where it is found).
        recipe: recipe that trains every arm: a recipe, a name, or a TOML file (default "fast").
        decisions: decisions to measure, by name or as "decision/alternative" (default: all).
        everything: whether to measure every decision beside `pairs`.
        pairs: pairs of decisions to measure together: do their effects add up?
        seeds: trials of each alternative (default 5).
        until_decided: whether to continue where the verdict is open, with intervals that allow for repeated looks.
        max_seeds: with `until_decided`, the most trials of each alternative (default 20).
        epochs: as in `muslin.train`.
        batch_size: as in `muslin.train`.
        learning_rate: as in `muslin.train`.
        flip: as in `muslin.train`.
        overrides: as in `muslin.train`.
        match: size-matched twins for every alternative ("parameters" or "macs") or for none ("none") (default: for
            those that ask for one).
        margin: difference in percentage points of accuracy below which arms count as equal (default 0.2).
        vary_split: whether the validation images are drawn anew with each seed (default False).
        precision: "float32" or "bfloat16" (default: bfloat16 where the processor multiplies it natively).
        workers: trials at a time (default: one per processor).
        executor: where trials run: "local" or "ray" (default "local").
        address: address of the Ray cluster (default: a new one on this machine).
        dry_run: whether to return a forecast of cost and power and train nothing.
        resume: study to resume: its folder, or "latest". Its own design, recipe and settings are the defaults.
        out: folder in which the study's folder is made (default "studies").
        sample: as in `muslin.train`.
        classes: as in `muslin.train`.
        allow_leak: as in `muslin.train`.
        watch: hears of every trial (default: nobody).
        progress: whether to show notes (default: in a terminal and in a notebook), or an `Observer`.
        **reading: as in `muslin.train`.

    Returns:
        The study with its tables; a `Forecast` for a dry run.

    Raises:
        DesignError, RecipeError: a decision does not fit the design, the data or the recipe.
        TrainingError: a setting is out of range, or options contradict each other.
        RunError: there is no study to resume, or it was started with another design, recipe or data.
    """
    observer = observer_of(progress)
    changes = _settings(decisions, pairs, seeds, max_seeds, everything=everything, until_decided=until_decided) | {
        name: value
        for name, value in (("match", match), ("margin", margin), ("vary_split", vary_split), ("precision", precision))
        if value is not None
    }
    begun = Study.open(latest_study() if str(resume) == "latest" else resume) if resume is not None else None
    chosen = open_design(design, begun.design if begun else None)
    trained = open_recipe(
        recipe,
        begun.recipe if begun else None,
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        flip=flip,
        overrides=overrides,
    )
    if begun is not None:
        _require_own(begun, chosen, trained)
        if data is None and not sample:
            data = begun.source.given
            sample = begun.sample and data is None
        classes = begun.class_names if classes is None and not sample else classes
        asked = {name: value for name, value in reading.items() if value is not None}
        reading = cast("ReadingOptions", begun.reading.model_dump() | asked)
    named = Named(data, sample=sample, classes=classes, allow_leak=allow_leak, reading=reading)
    dataset = open_data(named, observer)
    trained = settle(trained, dataset, observer, free_epochs=False)
    check_fit(chosen, dataset, trained)
    settings = ablation.make_settings(**((begun.settings.model_dump() if begun else {}) | changes))
    study = begun
    if begun is not None:
        begun.require_same(dataset)
        study = begun.changed(settings) if changes else begun
    if dry_run:
        from muslin.ablation.forecast import forecast  # noqa: PLC0415  (only for a dry run)

        observer.note("Timing a few steps of each arm …")
        with TemporaryDirectory(prefix="muslin-") as folder:
            place = _executor(executor, dataset, Path(folder), workers, address)
            return forecast(chosen, trained, dataset, settings, place, study)
    if study is None:
        folder_of = ablation.new_folder(Path(out), chosen, trained)
        study = Study.create(folder_of, chosen, trained, dataset, settings)
    _conduct(study, dataset, _executor(executor, dataset, study.path, workers, address), watch, observer)
    return study


def latest_study(parent: Path = STUDIES) -> Path:
    """Return the folder of the study that was started last.

    Raises:
        RunError: there is none.
    """
    found = sorted(parent.glob(f"*/{FILE}"))  # their names begin with the time
    if not found:
        raise RunError(f"no studies yet in {parent.resolve()}. Start with `muslin ablate --sample --epochs 1`.")
    return found[-1].parent


def _conduct(study: Study, dataset: Dataset, executor: Executor, watch: Watcher | None, observer: Observer) -> None:
    from muslin.figures import forest_plot, save  # noqa: PLC0415  (matplotlib: after what may be wrong)

    for note in study.plan.notes:
        observer.note(note)
    observer.note(f"The study is in {study.path}. If it is interrupted: muslin ablate --resume {study.path}")
    ablation.conduct(study, dataset, executor, watch)
    write_evidence(study)
    if study.plan.contrasts:
        save(forest_plot(study.evidence(bootstrap=False), study.settings.margin), study.path / "forest")


def _settings(
    decisions: Sequence[str],
    pairs: Sequence[tuple[str, str]],
    seeds: int | None,
    max_seeds: int | None,
    *,
    everything: bool,
    until_decided: bool,
) -> dict[str, Any]:
    """What the options say of the study, as `muslin.ablation.make_settings` takes it."""
    if everything and decisions:
        raise TrainingError("`everything=True` and `decisions=` exclude each other. Give one of them.")
    if max_seeds is not None and not until_decided:
        raise TrainingError("`max_seeds=` needs `until_decided=True`; without it `seeds=` is the number of seeds.")
    if until_decided and max_seeds is None:
        max_seeds = max(MOST_SEEDS, seeds or 0)
    given = {
        "decisions": ("*",) if everything else tuple(decisions),
        "pairs": tuple(pairs),
        "seeds": seeds,
        "max_seeds": max_seeds,
    }
    return {name: value for name, value in given.items() if value is not None and value != ()}


def _require_own(study: Study, design: Design, recipe: Recipe) -> None:
    """Check that design and recipe are those of the study that is resumed."""
    if design_key(design) != design_key(study.design) or recipe != study.recipe:
        raise RunError(
            f"cannot resume: the study {study.path} is of the design '{study.design.name}', trained by the recipe "
            f"'{study.recipe.name}' in {count(study.recipe.epochs, 'epoch')}. Leave design and recipe out, or start a "
            "new study by leaving out `resume=`."
        )


def _executor(place: Place, dataset: Dataset, folder: Path, workers: int | None, address: str | None) -> Executor:
    if place == "ray":
        from muslin.trials.ray import RayExecutor  # noqa: PLC0415  (an extra that few install)

        return RayExecutor(dataset, address, workers=workers)
    if address is not None:
        raise TrainingError("`address=` is the address of a Ray cluster. Pass `executor=ray` as well.")
    return LocalExecutor(dataset, folder, workers)
