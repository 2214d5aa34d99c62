"""`muslin serve`: a page to try a network on, and the API behind it."""

from __future__ import annotations

import functools
import logging
import secrets
import webbrowser
from pathlib import Path
from typing import Any

import click

from muslin.cli._options import Verb, output_options
from muslin.cli._output import Output

PORT = 8000
_MEGA = 1_000_000


def limit_options(verb: Verb) -> Verb:
    """Add --max-upload, --max-pixels and --concurrency; the verb gets them as `limits`, for `Settings`."""

    @click.option(
        "--max-upload",
        default=5.0,
        show_default=True,
        type=click.FloatRange(0.001, 1000),
        help="Megabytes of a request.",
    )
    @click.option(
        "--max-pixels",
        default=20.0,
        show_default=True,
        type=click.FloatRange(0.001, 1000),
        help="Megapixels of a picture.",
    )
    @click.option(
        "--concurrency",
        default=128,
        show_default=True,
        type=click.IntRange(1, 10_000),
        help="Requests that compute at the same time; one more is told to come back.",
    )
    @functools.wraps(verb)
    def with_limits(*arguments: Any, max_upload: float, max_pixels: float, concurrency: int, **options: Any) -> Any:
        limits = {
            "most_bytes": int(max_upload * _MEGA),
            "most_pixels": int(max_pixels * _MEGA),
            "most_computing": concurrency,
        }
        return verb(*arguments, limits=limits, **options)

    return with_limits


@click.command()
@click.argument("run", metavar="[RUN]", default="latest")
@click.option(
    "--data",
    metavar="PATH",
    type=click.Path(path_type=Path),
    help="The images that the runs were trained on, for examples and neighbours. Without it: the environment variable "
    "MUSLIN_DATA, your cache, the system's copy. Nothing is downloaded.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port", default=PORT, show_default=True, type=click.IntRange(0, 65_535), help="The port; 0 for one that is free."
)
@click.option(
    "--token",
    metavar="TEXT",
    help="What requests must show. Beyond loopback there is always one; without this option it is made up and printed.",
)
@limit_options
@click.option("--open", "open_page", is_flag=True, help="Open the page in the browser.")
@output_options
def command(
    run: str,
    data: Path | None,
    host: str,
    port: int,
    token: str | None,
    limits: dict[str, int],
    *,
    open_page: bool,
    output: Output,
) -> None:
    """Open the fitting room: draw, drop a photo or step through test images, and watch the network look.

    RUN is a run folder, a folder of runs, or 'latest'. All runs beside it are shown; a run in training appears as it
    grows. The same server answers POST /api/predict; the API is described at /docs. Ctrl-C ends it.
    """
    from muslin.server.server import listen, make_server  # noqa: PLC0415  (--help does without)
    from muslin.server.settings import Settings  # noqa: PLC0415

    if output.quiet:
        logging.getLogger("muslin.server").setLevel(logging.ERROR)
    runs, chosen = _find(run)
    settings = Settings(
        runs=runs,
        run=chosen,
        data=data,
        host=host,
        token=token,
        **limits,
    )
    if token is not None and not token.strip():
        raise click.UsageError("--token is empty; leave it out to have one made up.")
    if token is None and not settings.loopback:
        token = secrets.token_urlsafe(24)
        settings = Settings(**{**vars(settings), "token": token})
    server = make_server(settings)
    with listen(host, port) as sock, server.capture_signals():  # before Ctrl-C is spoken of
        shown = f"[{host}]" if ":" in host else host
        address = f"http://{shown}:{sock.getsockname()[1]}/" + (f"?token={token}" if token else "")
        output.answers.print(f"The fitting room is open at {address}", markup=False, highlight=False, soft_wrap=True)
        output.note("Ctrl-C closes it.")
        if open_page:
            webbrowser.open(address)
        server.run(sockets=[sock])


def _find(run: str) -> tuple[Path, str | None]:
    """The folder of runs, and which of them was asked for; None for the newest that is trained."""
    from muslin.runs.folder import LATEST, RUNS, RunFolder  # noqa: PLC0415  (--help does without)

    if run == LATEST and not Path(run).exists():
        RunFolder.open(LATEST)  # says what to do if there is none
        return RUNS.resolve(), None
    path = Path(run)
    if path.is_dir() and not (path / "run.json").exists() and any(path.glob("*/run.json")):
        return path.resolve(), None
    folder = RunFolder.open(run)
    return folder.path.parent, folder.name
