"""`muslin.serve`: the page and the HTTP API."""

from __future__ import annotations

import secrets
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING

from muslin._extras import require
from muslin.errors import DataError, MuslinError
from muslin.runs.folder import LATEST, RUNS, RunFolder
from muslin.server.settings import Settings
from muslin.workflow.inputs import open_run
from muslin.workflow.observer import Watched, observer_of

if TYPE_CHECKING:
    from muslin.workflow.trained_run import Run

HOST, PORT = "127.0.0.1", 8000
_MEGA = 1_000_000


def serve(  # noqa: PLR0913  (the command's options)
    run: Run | str | Path = LATEST,
    data: str | Path | None = None,
    *,
    host: str = HOST,
    port: int = PORT,
    token: str | None = None,
    max_upload: float = 5.0,
    max_pixels: float = 20.0,
    concurrency: int = 128,
    open_page: bool = False,
    progress: Watched = True,
) -> None:
    """Serve the page and the HTTP API until Ctrl-C or SIGTERM.

    Args:
        run: a run, its folder, a folder of runs, or "latest" (default). All runs beside it are shown.
        data: the images that the runs were trained on, for examples and neighbors (default: where they were found).
            Nothing is downloaded.
        host: address to listen on (default "127.0.0.1").
        port: port to listen on; 0 for one that is free (default 8000).
        token: access token that clients must send (default: none on localhost; elsewhere one is generated and shown).
        max_upload: largest request body, in megabytes (default 5).
        max_pixels: largest picture, in megapixels (default 20).
        concurrency: requests that compute at the same time; more are refused with 503 (default 128).
        open_page: whether to open the page in the browser.
        progress: whether to show the address (default True), or an `Observer`.

    Raises:
        RunError: there is no such run.
        MuslinError: the extra `serve` is not installed, the token is empty, or the address is in use.
        DataError: the path of the images does not exist.
    """
    require("serve")
    from muslin.server.server import listen, make_server  # noqa: PLC0415  (uvicorn and FastAPI: an extra)

    observer = observer_of(progress)
    if token is not None and not token.strip():
        raise MuslinError("`token=` is empty. Leave it out to have one generated.")
    runs, chosen = _find(run)
    place = Path(data) if data is not None else None
    if place is not None and not place.exists():
        raise DataError(f"{place} does not exist. Check `data=`, or leave it out.")
    limits = {
        "most_bytes": int(max_upload * _MEGA),
        "most_pixels": int(max_pixels * _MEGA),
        "most_computing": concurrency,
    }
    settings = Settings(runs=runs, run=chosen, data=place, host=host, token=token, **limits)
    if token is None and not settings.loopback:
        token = secrets.token_urlsafe(24)
        settings = Settings(runs=runs, run=chosen, data=place, host=host, token=token, **limits)
    server = make_server(settings)
    with listen(host, port) as sock, server.capture_signals():  # before Ctrl-C is spoken of
        shown = f"[{host}]" if ":" in host else host
        address = f"http://{shown}:{sock.getsockname()[1]}/" + (f"?token={token}" if token else "")
        observer.address(address)
        if open_page:
            webbrowser.open(address)
        server.run(sockets=[sock])


def _find(run: Run | str | Path) -> tuple[Path, str | None]:
    """The folder of runs, and which of them was asked for; None for the newest that is trained."""
    if str(run) == LATEST and not Path(LATEST).exists():
        RunFolder.open(LATEST)  # says what to do if there is none
        return RUNS.resolve(), None
    if isinstance(run, str | Path):
        path = Path(run)
        if path.is_dir() and not (path / "run.json").exists() and any(path.glob("*/run.json")):
            return path.resolve(), None
    folder = open_run(run)
    return folder.path.parent, folder.name
