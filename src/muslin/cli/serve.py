"""`muslin serve`: the page and the HTTP API."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import click

from muslin.cli._complete import runs
from muslin.cli._options import output_options
from muslin.cli._output import Output


@click.command()
@click.argument("run", metavar="[RUN]", default="latest", shell_complete=runs)
@click.option(
    "--data",
    metavar="PATH",
    type=click.Path(path_type=Path),
    help="The images that the runs were trained on, for examples and neighbors. Default: where they were found then, "
    "MUSLIN_DATA, your cache, the system's copy. Nothing is downloaded.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    default=8000,
    show_default=True,
    type=click.IntRange(0, 65_535),
    help="Port to listen on; 0 for a free one.",
)
@click.option(
    "--token",
    metavar="TEXT",
    help="Access token that clients must send. Always required beyond localhost; generated and printed if omitted.",
)
@click.option(
    "--max-upload",
    default=5.0,
    show_default=True,
    type=click.FloatRange(0.001, 1000),
    help="Largest request body, in megabytes.",
)
@click.option(
    "--max-pixels",
    default=20.0,
    show_default=True,
    type=click.FloatRange(0.001, 1000),
    help="Largest picture, in megapixels.",
)
@click.option(
    "--concurrency",
    default=128,
    show_default=True,
    type=click.IntRange(1, 10_000),
    help="Requests that compute at the same time; more are refused with 503.",
)
@click.option("--open", "open_page", is_flag=True, help="Open the page in the browser.")
@output_options
def command(run: str, output: Output, **options: Any) -> None:
    """Serve a page to try the network on: draw, drop a photo or step through test images, and look inside.

    RUN is a run folder, a folder of runs, or 'latest'. All runs beside it are shown; a run in training appears as it
    grows. The same server answers POST /api/predict; the API is described at /docs. Ctrl-C stops it.
    """
    from muslin.server.serve import serve  # noqa: PLC0415  (--help does without)

    if output.quiet:
        logging.getLogger("muslin.server").setLevel(logging.ERROR)
    serve(run, **options, progress=output.observer)
