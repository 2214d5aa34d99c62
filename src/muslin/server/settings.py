"""How a server is set up."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True)
class Settings:
    """Everything that a server may be told.

    Attributes:
        runs: the folder whose runs are shown.
        run: the one that answers where a request names none; the newest that is trained, if None.
        data: where the images of the runs are, as `muslin.load_data` takes it; None for the usual places.
        host: the address that the server is bound to.
        token: what a request must show; None for none, which is for loopback only.
        most_bytes: that a request's body may have, as they come in.
        most_pixels: that a picture may have, decoded.
        most_computing: requests that compute at the same time; one more is told to come back.
        most_buffered: bytes of bodies that are held at the same time, over all requests.
        body_seconds: that a request may take to send its body.
    """

    runs: Path
    run: str | None = None
    data: Path | None = None
    host: str = LOOPBACK[0]
    token: str | None = None
    most_bytes: int = 5_000_000
    most_pixels: int = 20_000_000
    most_computing: int = 128
    most_buffered: int = 32_000_000
    body_seconds: float = 10.0

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach the server."""
        return self.host in LOOPBACK
