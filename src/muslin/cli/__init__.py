"""The command line: one file per verb, each imported only when its verb is asked for."""

from __future__ import annotations

import importlib
import io
import shutil
import sys
import textwrap
from typing import Any

import click

from muslin._options import as_options
from muslin.errors import MuslinError

VERBS = {
    "run": "Everything in one go: train, evaluate, check claims, draw, export, report.",
    "data": "Find or fetch the data, verify them, describe them.",
    "analyze": "Shapes, parameters, MACs, memory and receptive fields; no training.",
    "new": "Start a design of your own, fitted to a data set.",
    "train": "Train a design.",
    "profile": "Where a training step's time goes.",
    "evaluate": "Evaluate a run on the test split.",
    "visualize": "Filters, feature maps and class activation maps.",
    "ablate": "Measure what each decision of a design is worth.",
    "compare": "Runs side by side.",
    "report": "Build a run's report again.",
    "export": "Write a run's network as .onnx, .keras, .h5 or .safetensors.",
    "predict": "Classify images with a run's network.",
    "serve": "A page to try a network on, and the HTTP API behind it.",
    "list": "The designs, recipes, runs and studies that there are.",
    "help": "Help for a verb.",
}
EXPLAINED_FAILURE = 1
INTERRUPTED = 130


class _Verbs(click.Group):
    """A group whose verbs are imported when asked for: `--help` stays fast, and torch stays out of `analyze`."""

    def list_commands(self, _context: click.Context) -> list[str]:
        return [*VERBS]

    def get_command(self, _context: click.Context, name: str) -> click.Command | None:
        if name not in VERBS:
            return None
        if name == "help":
            return _help
        command: click.Command = importlib.import_module(f"muslin.cli.{name}").command
        return command

    def resolve_command(
        self, context: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(context, args)
        except click.UsageError as error:
            from difflib import get_close_matches  # noqa: PLC0415  (only for a mistyped verb)

            close = get_close_matches(args[0], VERBS, n=1)
            if close:
                raise click.UsageError(f"{error.message} Did you mean '{close[0]}'?", context) from error
            raise

    def format_commands(self, _context: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Verbs"):
            formatter.write_dl([*VERBS.items()])


@click.command()
@click.argument("verb", required=False)
@click.pass_context
def _help(context: click.Context, verb: str | None) -> None:
    """Print the help of VERB, or of muslin."""
    group = context.parent
    if group is None or not isinstance(group.command, _Verbs):
        raise click.UsageError("help is a verb of muslin.")
    if verb is None:
        click.echo(group.command.get_help(group))
        return
    _, command, _ = group.command.resolve_command(group, [verb])
    if command is not None:
        click.echo(command.get_help(click.Context(command, info_name=verb, parent=group)))


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="muslin", message="muslin %(version)s")
def muslin() -> None:
    """Design small convolutional networks, train them in under a minute, measure every choice.

    Start with `muslin run`: it finds Fashion-MNIST, trains the network and a dense baseline, and writes a report.
    `muslin run --sample` does the same on 2,500 images in seconds.
    """


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 1 a failure that Muslin explains, 2 wrong usage, 130 interrupted."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # where a terminal has no ×, a question mark beats a traceback
    try:
        result: Any = muslin.main(args=arguments, prog_name="muslin", standalone_mode=False)
        sys.exit(result if isinstance(result, int) else 0)
    except MuslinError as error:
        _complain([f"muslin: {as_options(str(error))}", *_notes(error)])
        sys.exit(EXPLAINED_FAILURE)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt) as error:
        cause = error.__cause__ or error  # click wraps Ctrl-C
        _complain(["muslin: interrupted.", *_notes(cause)])
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(EXPLAINED_FAILURE)


def _complain(paragraphs: list[str]) -> None:
    """Print on standard error; in a terminal lines break at words."""
    if sys.stderr.isatty():
        width = shutil.get_terminal_size().columns
        paragraphs = [textwrap.fill(text, width, break_long_words=False, break_on_hyphens=False) for text in paragraphs]
    click.echo("\n".join(paragraphs), err=True)


def _notes(error: BaseException) -> list[str]:
    """What was added on the error's way up: how to go on."""
    return getattr(error, "__notes__", [])
