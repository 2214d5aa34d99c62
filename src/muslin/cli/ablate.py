"""`muslin ablate`: measure the decisions of a design."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from muslin.cli._complete import decisions, studies
from muslin.cli._options import data_options, design_argument, json_option, output_options, recipe_options
from muslin.cli._output import Output


def _pairs(
    _context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]
) -> tuple[tuple[str, str], ...]:
    found = []
    for value in values:
        first, comma, second = value.partition(",")
        if not comma:
            raise click.BadParameter(f"'{value}' has no comma. Give two decisions, as in pooling,activation.")
        found.append((first.strip(), second.strip()))
    return tuple(found)


@click.command()
@design_argument
@click.option(
    "--decision",
    "decisions",
    multiple=True,
    metavar="NAME[/ALTERNATIVE]",
    help="Measure this decision or alternative; may be given several times.  [default: all]",
    shell_complete=decisions,
)
@click.option("--all", "everything", is_flag=True, help="Measure every decision beside --pairs.")
@click.option(
    "--pairs",
    "pairs",
    multiple=True,
    callback=_pairs,
    metavar="NAME,NAME",
    help="Measure two decisions together: do their effects add up? Only these, unless --decision or --all is given.",
)
@click.option("--seeds", type=click.IntRange(1, 1000), help="Trials of each alternative.  [default: 5]")
@click.option(
    "--until-decided",
    is_flag=True,
    help="Continue where the verdict is open, with intervals that allow for repeated looks.",
)
@click.option(
    "--max-seeds",
    type=click.IntRange(2, 1000),
    help="With --until-decided: most trials of each alternative.  [default: 20]",
)
@recipe_options
@click.option(
    "--match",
    type=click.Choice(["parameters", "macs", "none"]),
    help="Size-matched twins for every alternative, or for none.  [default: for those that ask for one]",
)
@click.option(
    "--margin",
    type=click.FloatRange(0, 100, min_open=True),
    help="Difference in points of accuracy below which arms count as equal.  [default: 0.2]",
)
@click.option("--vary-split", is_flag=True, default=None, help="Draw the validation images anew with each seed.")
@click.option(
    "--precision",
    type=click.Choice(["float32", "bfloat16"]),
    help="Precision of matrix products; [default: bfloat16 where the processor multiplies it natively]",
)
@click.option("--workers", type=click.IntRange(1, 1024), help="Trials at a time.  [default: one per processor]")
@click.option(
    "--executor",
    type=click.Choice(["local", "ray"]),
    default="local",
    show_default=True,
    help='Where trials run: this machine, or a Ray cluster (pip install "muslin[ray]").',
)
@click.option("--address", help="Address of the Ray cluster.  [default: a new one on this machine]")
@click.option("--dry-run", is_flag=True, help="Forecast cost and power; train nothing.")
@click.option("--resume", metavar="STUDY", help="Resume this study: its folder, or 'latest'.", shell_complete=studies)
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("studies"),
    show_default=True,
    help="Folder in which the study's folder is made.",
)
@data_options
@json_option
@output_options
def command(as_json: bool, output: Output, **options: Any) -> None:
    """Measure what each decision of DESIGN is worth (a name from the library or a TOML file; custom_cnn by default).

    Every alternative that the design states is trained beside the choice with the same seeds. The answer is a table:
    the difference in validation accuracy with its interval, what each costs, and a verdict. The test split stays
    closed. A study that was killed resumes where it stopped, with --resume.
    """
    if options["everything"] and options["decisions"]:
        raise click.UsageError("--all and --decision exclude each other; give one of them.")
    if options["max_seeds"] is not None and not options["until_decided"]:
        raise click.UsageError("--max-seeds needs --until-decided; without it --seeds is the number of seeds.")
    if options["address"] is not None and options["executor"] != "ray":
        raise click.UsageError("--address is the address of a Ray cluster; it needs --executor ray.")
    from muslin.ablation.forecast import Forecast  # noqa: PLC0415  (--help does without torch)
    from muslin.cli._ablation import answer_forecast, answer_study, study_as_dict, watching  # noqa: PLC0415
    from muslin.workflow.ablate import ablate  # noqa: PLC0415

    with watching(output) as watcher:
        found = ablate(**options, watch=watcher, progress=output.observer)
    if isinstance(found, Forecast):
        if as_json:
            output.answer_json(found.to_dict())
        else:
            answer_forecast(found, output)
        return
    if as_json:
        output.answer_json(study_as_dict(found))
    else:
        answer_study(found, output)
    found.close()
