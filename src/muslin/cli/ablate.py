"""`muslin ablate`: measure the decisions of a design."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from muslin._words import count
from muslin.cli._options import DataChoice, data_options, json_option, output_options
from muslin.cli._output import Output
from muslin.errors import RunError

if TYPE_CHECKING:
    from muslin.ablation import Settings, Study
    from muslin.data import Dataset
    from muslin.design import Design
    from muslin.recipe import Recipe
    from muslin.trials.executor import Executor

MOST_SEEDS = 20  # of a study that goes on until all is decided, unless --max-seeds says otherwise


@click.command()
@click.argument("design", default="custom_cnn")
@click.option(
    "--decision",
    "decisions",
    multiple=True,
    metavar="NAME[/ALTERNATIVE]",
    help="Measure this one; may be given several times.",
)
@click.option("--all", "everything", is_flag=True, help="Measure every decision: what happens without --decision.")
@click.option(
    "--pairs",
    "pairs",
    multiple=True,
    metavar="NAME,NAME",
    help="Measure two decisions together: do their effects add up? Only these, unless --decision or --all is given.",
)
@click.option("--seeds", type=click.IntRange(1, 1000), default=5, show_default=True, help="Trials of each alternative.")
@click.option(
    "--until-decided",
    is_flag=True,
    help="Go on where the verdict is still open, with intervals that allow for looking again and again.",
)
@click.option(
    "--max-seeds", type=click.IntRange(2, 1000), help="With --until-decided: at most so many seeds; 20 by default."
)
@click.option(
    "--recipe", "recipe_name", default="fast", show_default=True, help="best, fast, notebook, or a TOML file."
)
@click.option("--epochs", type=int, help="At most this many epochs, instead of the recipe's own number.")
@click.option(
    "--match",
    type=click.Choice(["parameters", "macs", "none"]),
    help="Twins of equal size for every alternative, or for none; by default for those that ask for one.",
)
@click.option(
    "--margin",
    type=click.FloatRange(0, 100, min_open=True),
    default=0.2,
    show_default=True,
    help="Points of accuracy below which a difference doesn't matter.",
)
@click.option("--vary-split", is_flag=True, help="Draw the validation images anew with each seed.")
@click.option(
    "--precision",
    type=click.Choice(["float32", "bfloat16"]),
    help="Precision of matrix products; bfloat16 by default where the processor multiplies it natively.",
)
@click.option("--workers", type=click.IntRange(1, 1024), help="Trials at a time; one a processor by default.")
@click.option(
    "--executor",
    "place",
    type=click.Choice(["local", "ray"]),
    default="local",
    show_default=True,
    help="Where trials run: this machine, or a Ray cluster (pip install ray).",
)
@click.option("--address", help="Address of the Ray cluster; a new one on this machine by default.")
@click.option("--dry-run", is_flag=True, help="Say what would be trained, how long it takes, and what it can show.")
@click.option("--resume", "resumed", metavar="STUDY", type=click.Path(path_type=Path), help="Go on with this study.")
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("studies"),
    show_default=True,
    help="The folder that the study's folder is made in.",
)
@data_options
@json_option
@output_options
@click.pass_context
def command(
    context: click.Context, /, design: str, data: DataChoice, as_json: bool, output: Output, **options: Any
) -> None:
    """Measure what each decision of DESIGN is worth (a name from the library or a TOML file; custom_cnn by default).

    Every alternative that the design states is trained beside the choice with the same seeds. The answer is a table:
    the difference in validation accuracy with its interval, what each costs, and a verdict. The test split stays
    closed. Killed at any moment, a study goes on with --resume where it stopped.
    """
    settings = _settings(options)
    if options["resumed"] is not None:
        changes = {name: value for name, value in settings.items() if _given(context, name)}
        own = {name: value for name, value in (options | {"design": design}).items() if _given(context, name)}
        _resume(options, own, changes, data, output, as_json=as_json)
        return
    from muslin.design import load_design  # noqa: PLC0415  (--help does without)
    from muslin.recipe import load_recipe  # noqa: PLC0415

    chosen, recipe = load_design(design), load_recipe(options["recipe_name"])
    if options["epochs"] is not None:
        recipe = recipe.with_(epochs=options["epochs"])
    dataset = data.load(output)
    from muslin import ablation  # noqa: PLC0415  (torch: after everything that may be wrong with the arguments)
    from muslin.training.fit import check_fit  # noqa: PLC0415

    check_fit(chosen, dataset, recipe)
    wanted = ablation.make_settings(**settings)
    if options["dry_run"]:
        executor = functools.partial(_executor, options, dataset)
        _forecast(chosen, recipe, dataset, wanted, executor, output, as_json=as_json)
        return
    folder = ablation.new_folder(options["out"], chosen, recipe)
    _conduct(ablation.Study.create(folder, chosen, recipe, dataset, wanted), dataset, options, output, as_json=as_json)


def _settings(options: dict[str, Any]) -> dict[str, Any]:
    """What the options say of the study, as `muslin.ablation.make_settings` takes it."""
    if options["everything"] and options["decisions"]:
        raise click.UsageError("--all and --decision exclude each other; give one of them.")
    pairs = []
    for pair in options["pairs"]:
        first, comma, second = pair.partition(",")
        if not comma:
            raise click.UsageError(f"--pairs takes two decisions with a comma between them, not '{pair}'.")
        pairs.append((first.strip(), second.strip()))
    most = options["max_seeds"]
    if options["until_decided"]:
        most = most or max(MOST_SEEDS, options["seeds"])
    elif most is not None:
        raise click.UsageError("--max-seeds goes with --until-decided; without it --seeds says how many.")
    return {
        "decisions": ("*",) if options["everything"] else options["decisions"],
        "pairs": tuple(pairs),
        "seeds": options["seeds"],
        "max_seeds": most,
        "match": options["match"],
        "margin": options["margin"],
        "vary_split": options["vary_split"],
        "precision": options["precision"],
    }


def _given(context: click.Context, setting: str) -> bool:
    """Whether the person said something about a setting, so that it changes when a study goes on."""
    names = {"decisions": ("decisions", "everything"), "max_seeds": ("max_seeds", "until_decided")}
    return any(
        context.get_parameter_source(name) is not ParameterSource.DEFAULT for name in names.get(setting, (setting,))
    )


def _resume(
    options: dict[str, Any],
    own: dict[str, Any],
    changes: dict[str, Any],
    data: DataChoice,
    output: Output,
    *,
    as_json: bool,
) -> None:
    from muslin import ablation  # noqa: PLC0415  (--help does without)

    study = ablation.Study.open(options["resumed"])
    _require_own(study, own)
    dataset = data.or_else(study.source, sample=study.sample).load(output)
    study.require_same(dataset)
    if changes:
        study = study.changed(ablation.make_settings(**study.settings.model_dump() | changes))
    if options["dry_run"]:
        executor = functools.partial(_executor, options, dataset)
        _forecast(study.design, study.recipe, dataset, study.settings, executor, output, as_json=as_json, begun=study)
        return
    _conduct(study, dataset, options, output, as_json=as_json)


def _require_own(study: Study, given: dict[str, Any]) -> None:
    """See that design, recipe and epochs, where the person names them, are the study's."""
    from muslin.design import load_design  # noqa: PLC0415
    from muslin.recipe import load_recipe  # noqa: PLC0415
    from muslin.trials.arm import design_key  # noqa: PLC0415  (--help does without)

    recipe = load_recipe(given["recipe_name"]) if "recipe_name" in given else study.recipe
    recipe = recipe.with_(epochs=given.get("epochs", study.recipe.epochs))
    same = "design" not in given or design_key(load_design(given["design"])) == design_key(study.design)
    if not same or recipe != study.recipe:
        raise RunError(
            f"the study {study.path} is of the design '{study.design.name}', trained by the recipe "
            f"'{study.recipe.name}' in {count(study.recipe.epochs, 'epoch')}, and goes on with these. Leave them out, "
            "or begin a new study: without --resume."
        )


def _conduct(study: Study, dataset: Dataset, options: dict[str, Any], output: Output, *, as_json: bool) -> None:
    from muslin import ablation  # noqa: PLC0415  (--help does without)
    from muslin.ablation.results import write_evidence  # noqa: PLC0415
    from muslin.cli._ablation import answer_study, study_as_dict, watching  # noqa: PLC0415
    from muslin.figures import forest_plot, save  # noqa: PLC0415

    for note in study.plan.notes:
        output.note(note)
    output.note(f"The study is in {study.path}; should it be interrupted: muslin ablate --resume {study.path}")
    with watching(output) as watcher:
        ablation.conduct(study, dataset, _executor(options, dataset, study.path), watcher)
    write_evidence(study)
    if study.plan.contrasts:
        save(forest_plot(study.evidence(bootstrap=False), study.settings.margin), study.path / "forest")
    if as_json:
        output.answer_json(study_as_dict(study))
    else:
        answer_study(study, output)
    study.close()


def _forecast(
    design: Design,
    recipe: Recipe,
    dataset: Dataset,
    settings: Settings,
    executor: Callable[[Path], Executor],
    output: Output,
    *,
    as_json: bool,
    begun: Study | None = None,
) -> None:
    from muslin.ablation.forecast import forecast  # noqa: PLC0415  (--help does without)
    from muslin.cli._ablation import answer_forecast  # noqa: PLC0415

    output.note("Timing a few steps of each arm …")
    with TemporaryDirectory(prefix="muslin-") as folder:
        found = forecast(design, recipe, dataset, settings, executor(Path(folder)), begun)
    if as_json:
        output.answer_json(found.to_dict())
    else:
        answer_forecast(found, output)


def _executor(options: dict[str, Any], dataset: Dataset, folder: Path) -> Executor:
    if options["place"] == "ray":
        from muslin.trials.ray import RayExecutor  # noqa: PLC0415  (an extra that few install)

        return RayExecutor(dataset, options["address"], workers=options["workers"])
    if options["address"] is not None:
        raise click.UsageError("--address is a Ray cluster's; it goes with --executor ray.")
    from muslin.trials.local import LocalExecutor  # noqa: PLC0415

    return LocalExecutor(dataset, folder, options["workers"])
