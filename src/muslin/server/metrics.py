"""Metrics of the server, in Prometheus' text format."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import Counter

from starlette.types import ASGIApp, Message, Receive, Scope, Send

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)
_IMAGES = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class Histogram:
    """Cumulative counts of values, for Prometheus.

    Args:
        bounds: upper bounds of the buckets.
    """

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def add(self, value: float) -> None:
        """Count one value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value

    def lines(self, name: str) -> list[str]:
        """Return the histogram in Prometheus' text format, whose counts are cumulative."""
        lines, total = [], 0
        for bound, count in zip((*self.bounds, "+Inf"), self.counts, strict=True):
            total += count
            lines.append(f'{name}_bucket{{le="{bound}"}} {total}')
        return [*lines, f"{name}_sum {self.sum:.6f}", f"{name}_count {total}"]


class Metrics:
    """The server's metrics."""

    def __init__(self) -> None:
        self.requests: Counter[tuple[str, int]] = Counter()
        self.seconds = Histogram(_SECONDS)
        self.batches = Histogram(_IMAGES)

    def answered(self, path: str, status: int, seconds: float) -> None:
        """Count a response and the time until it started, in seconds."""
        self.requests[_place(path), status] += 1
        self.seconds.add(seconds)

    def text(self, computing: int) -> str:
        """Return all metrics as text; `computing` is the number of requests being computed."""
        return "\n".join(
            [
                "# HELP muslin_requests_total Requests answered, by kind of path and status.",
                "# TYPE muslin_requests_total counter",
                *(
                    f'muslin_requests_total{{place="{place}",status="{status}"}} {count}'
                    for (place, status), count in sorted(self.requests.items())
                ),
                "# HELP muslin_request_seconds Time from a request's first line to the start of its response.",
                "# TYPE muslin_request_seconds histogram",
                *self.seconds.lines("muslin_request_seconds"),
                "# HELP muslin_batch_images Images that were computed together.",
                "# TYPE muslin_batch_images histogram",
                *self.batches.lines("muslin_batch_images"),
                "# HELP muslin_computing Requests that are being computed.",
                "# TYPE muslin_computing gauge",
                f"muslin_computing {computing}",
                "",
            ]
        )


class Measure:
    """Middleware that counts responses and measures their time."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Forward the request and record when its response starts."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = time.perf_counter()

        async def watch(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.metrics.answered(scope["path"], message["status"], time.perf_counter() - began)
            await send(message)

        await self.app(scope, receive, watch)


def _place(path: str) -> str:
    """Map a path to one of a few labels: with paths as labels, clients could fill the memory with counters."""
    match path.partition("?")[0].split("/", 3)[1:3]:
        case ["api", "predict" | "explain" | "photo" | "runs" | "events" as name]:
            return name
        case ["healthz" | "metrics" as name]:
            return name
        case ["" | "assets" | "docs" | "openapi.json", *_]:
            return "page"
    return "other"
