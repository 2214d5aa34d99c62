"""Configuration of a server."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True)
class Settings:
    """Configuration of a server.

    Attributes:
        runs: path of the folder of runs to show.
        run: name of the default run, used if a request names none; None (default) for the newest trained run.
        data: path of the runs' images, as for `muslin.load_data`; None (default) for the default folders.
        host: address to which the server is bound (default 127.0.0.1).
        token: access token that clients must send; None (default) for no token, allowed on loopback only.
        most_bytes: maximum size of a request's body in bytes (default 5,000,000).
        most_pixels: maximum number of pixels of a decoded picture (default 20,000,000).
        most_computing: maximum number of requests that compute at the same time; others are rejected (default 128).
        most_buffered: maximum total size of all bodies in memory, in bytes (default 32,000,000).
        body_seconds: time limit for receiving a request's body, in seconds (default 10).
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
        """Whether the server is reachable from this machine only."""
        return self.host in LOOPBACK
