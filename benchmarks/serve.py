"""Throughput and latency of the server for single-image predictions, including the client's work.

    python benchmarks/serve.py RUN [--seconds 10] [--connections 1,8,32,128] [--flood] [--images N]
    python benchmarks/serve.py RUN --all

--all makes all measurements of docs/reference/serve.md in sequence; this takes about 12 minutes on an idle machine.

Starts the server in a separate process and opens the given number of HTTP/1.1 connections, each of which sends its next
request when it has the previous response. Every 16th response is compared with the network's offline prediction.
--flood sends more requests than the server has slots and measures how fast the 503 responses arrive. --images N
continues until N images were classified and records the server's memory.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import numpy as np
import psutil
import uvloop

from muslin._words import count
from muslin.exports.predictor import Predictor
from muslin.runs.folder import RunFolder

DIFFERENT = 64  # number of different images, requested in turn
TOLERANCE = 1e-5
LARGEST, PLACES = 32, 128  # batch size and slots, the defaults of muslin serve
CROWD, FEW_PLACES = 256, 32
A_MILLION = 1_000_000
WARM_SECONDS = 2.0
HEADER = "connections  requests/s    p50 ms    p99 ms    max ms   503   errors  wrong  server CPU"
HEAD = "POST /api/predict HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
_LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)


@dataclass
class Tally:
    times: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    errors: int = 0
    wrong: int = 0


class Client(asyncio.Protocol):
    """One connection; does as little work per request as possible, because the client's work is measured too."""

    def __init__(self, requests: list[bytes], answers: np.ndarray, tally: Tally, until: float, start: int) -> None:
        self.requests, self.answers, self.tally, self.until = requests, answers, tally, until
        self.number = start
        self.buffer = b""
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.send()

    def send(self) -> None:
        self.number = (self.number + 1) % len(self.requests)
        self.began = time.perf_counter()
        self.transport.write(self.requests[self.number])

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, found, rest = self.buffer.partition(b"\r\n\r\n")
        if not found:
            return
        length = _LENGTH.search(head)
        if length is None or len(rest) < int(length[1]):
            return
        now = time.perf_counter()
        self.count(head[9:12], rest, now - self.began)
        self.buffer = b""
        if now < self.until and head[9:12] == b"503":
            asyncio.get_running_loop().call_later(1, self.send)  # the time in Retry-After
        elif now < self.until:
            self.send()
        else:
            self.transport.close()

    def count(self, status: bytes, body: bytes, seconds: float) -> None:
        if status == b"200":
            self.tally.times.append(seconds)
            if len(self.tally.times) % 16 == 0:  # only a sample, or the client would be slower than the server
                given = json.loads(body)["predictions"][0]["probabilities"]
                self.tally.wrong += bool(np.abs(np.array(given) - self.answers[self.number]).max() > TOLERANCE)
        elif status == b"503":
            self.tally.refused.append(seconds)
        else:
            self.tally.errors += 1

    def connection_lost(self, _error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(None)


async def drive(port: int, connections: int, seconds: float, requests: list[bytes], answers: np.ndarray) -> Tally:
    loop, tally = asyncio.get_running_loop(), Tally()
    until = time.perf_counter() + seconds

    async def one(start: int) -> None:
        while time.perf_counter() < until:
            try:
                _, client = await loop.create_connection(
                    lambda: Client(requests, answers, tally, until, start), "127.0.0.1", port
                )
            except OSError:
                tally.errors += 1
                return
            await client.done

    gc.disable()
    await asyncio.gather(*(one(number) for number in range(connections)))
    gc.enable()
    return tally


SERVER = """
import sys
from pathlib import Path
from muslin.server import Settings, batching
from muslin.server.server import listen, make_server
run, largest, places = Path(sys.argv[1]).resolve(), int(sys.argv[2]), int(sys.argv[3])
batching.LARGEST = largest
server = make_server(Settings(runs=run.parent, run=run.name, most_computing=places))
with listen("127.0.0.1", 0) as sock:
    print(sock.getsockname()[1], flush=True)
    server.run(sockets=[sock])
"""


def start(run: Path, largest: int, places: int) -> tuple[subprocess.Popen[str], int]:
    command = [sys.executable, "-c", SERVER, str(run), str(largest), str(places)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    port = int(process.stdout.readline())
    for _ in range(200):
        try:
            httpx.get(f"http://127.0.0.1:{port}/healthz")
            break
        except httpx.TransportError:
            time.sleep(0.05)
    return process, port


def prepare(run: Path) -> tuple[list[bytes], np.ndarray]:
    predictor = Predictor.from_run(RunFolder.open(run))
    shape = predictor.design.input_shape
    images = np.random.default_rng(0).integers(0, 256, (DIFFERENT, *shape)).astype(np.uint8)
    requests = []
    for image in images:
        body = json.dumps({"images": [(image[..., 0] if shape[2] == 1 else image).tolist()]}).encode()
        head = f"{HEAD}content-length: {len(body)}\r\n\r\n"
        requests.append(head.encode() + body)
    return requests, predictor.probabilities(images)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--connections", default="1,8,32,128")
    parser.add_argument("--flood", action="store_true")
    parser.add_argument("--images", type=int, default=0)
    parser.add_argument("--largest", type=int, default=LARGEST, help="maximum batch size; 1 for no batching")
    parser.add_argument("--all", action="store_true")
    chosen = parser.parse_args()
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    print(f"{os.cpu_count()} cores, load average before the start: {load} (1, 5, 15 minutes)")
    bench = Bench(chosen.run, chosen.seconds)
    connections = [int(each) for each in chosen.connections.split(",")]
    if chosen.flood or chosen.all:
        bench.flood()
    if chosen.all or not (chosen.flood or chosen.images):
        bench.loads(connections, chosen.largest)
    if chosen.all:
        bench.loads([32], 1)
    if chosen.images or chosen.all:
        bench.endure(chosen.images or A_MILLION)


class Bench:
    """Measurements of one run's network, each on a new server."""

    def __init__(self, run: Path, seconds: float) -> None:
        self.run, self.seconds = run, seconds
        self.requests, self.answers = prepare(run)

    @contextmanager
    def serving(self, largest: int = LARGEST, places: int = PLACES) -> Iterator[tuple[int, psutil.Process]]:
        """Yield the port and process of a warmed-up server."""
        process, port = start(self.run, largest, places)
        try:
            self.drive(port, 4, WARM_SECONDS)
            yield port, psutil.Process(process.pid)
        finally:
            process.terminate()
            process.communicate()

    def drive(self, port: int, connections: int, seconds: float) -> Tally:
        return uvloop.run(drive(port, connections, seconds, self.requests, self.answers))

    def measure(self, port: int, server: psutil.Process, connections: int) -> Tally:
        began, used = time.perf_counter(), sum(server.cpu_times()[:2])
        tally = self.drive(port, connections, self.seconds)
        report(connections, tally, time.perf_counter() - began, sum(server.cpu_times()[:2]) - used)
        return tally

    def loads(self, connections: list[int], largest: int) -> None:
        print(f"\nBatches of up to {count(largest, 'image')}")
        print(HEADER)
        with self.serving(largest) as (port, server):
            for number in connections:
                self.measure(port, server, number)
            images, batches = (
                float(re.search(rf"^muslin_batch_images_{name} (.+)$", metrics(port), re.MULTILINE)[1])  # type: ignore[index]
                for name in ("sum", "count")
            )
            print(f"{images / batches:.1f} images per batch")

    def flood(self) -> None:
        print(f"\n{CROWD} connections for {FEW_PLACES} slots; rejected requests retry after the 1 s in Retry-After")
        print(HEADER)
        with self.serving(places=FEW_PLACES) as (port, server):
            refused = 1000 * np.array(self.measure(port, server, CROWD).refused)
        p50, p99 = np.percentile(refused, [50, 99])
        print(
            f"503 after {p50:.1f} ms (p50), {p99:.1f} ms (p99), {refused.max():.1f} ms (max); {len(refused):,} of them"
        )

    def endure(self, images: int) -> None:
        print(f"\nMemory over {images:,} predictions")
        with self.serving() as (port, server):
            done, before = 0, server.memory_info().rss
            while done < images:
                tally = self.drive(port, 16, min(20.0, self.seconds * 2))
                assert tally.errors == tally.wrong == 0
                done += len(tally.times)
                now = server.memory_info().rss
                print(f"{done:10,} predictions: {now / 1e6:.1f} MB ({now / before - 1:+.1%})", flush=True)


def metrics(port: int) -> str:
    return httpx.get(f"http://127.0.0.1:{port}/metrics").text


def report(connections: int, tally: Tally, seconds: float, used: float) -> None:
    times = 1000 * np.array(tally.times or [np.nan])
    p50, p99 = np.percentile(times, [50, 99])
    print(
        f"{connections:11}  {len(tally.times) / seconds:10,.0f}  {p50:8.1f}  {p99:8.1f}  {times.max():8.1f}  "
        f"{len(tally.refused):4}  {tally.errors:7}  {tally.wrong:5}  "
        f"{1000 * used / max(len(tally.times) + len(tally.refused), 1):7.2f} ms"
    )


if __name__ == "__main__":
    main()
