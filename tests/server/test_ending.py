"""How a server ends, told by real signals to a real process."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest

from server.conftest import wait_until

pytestmark = pytest.mark.timeout(400)  # a busy machine needs minutes for the fixtures' training
BODY = json.dumps({"images": [np.zeros((28, 28), int).tolist()]}).encode()
HEAD = (
    b"POST /api/predict HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
    b"expect: 100-continue\r\ncontent-length: %d\r\n\r\n" % len(BODY)
)
Process = subprocess.Popen[str]
Begin = Callable[[], tuple[Process, tuple[str, int]]]


@pytest.fixture
def begin(runs: Path) -> Iterator[Begin]:
    """Start `muslin serve`; (process, address), as soon as the address is printed."""
    begun: list[Process] = []

    def start() -> tuple[Process, tuple[str, int]]:
        arguments = [sys.executable, "-m", "muslin", "serve", str(runs), "--port", "0"]
        process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        begun.append(process)
        assert process.stdout is not None
        place = urlsplit(process.stdout.readline().split()[-1])
        return process, (str(place.hostname), int(place.port or 0))

    yield start
    for process in begun:
        process.kill()
        process.communicate()


def under_way(address: tuple[str, int]) -> socket.socket:
    """A request that the server has begun to read."""
    sock = socket.create_connection(address, timeout=60)
    sock.sendall(HEAD)
    assert sock.recv(1000).startswith(b"HTTP/1.1 100")
    return sock


def closed(address: tuple[str, int]) -> bool:
    with suppress(ConnectionRefusedError):
        socket.create_connection(address, timeout=60).close()
        return False
    return True


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_lets_requests_finish_and_is_no_failure(begin: Begin, number: signal.Signals) -> None:
    process, address = begin()
    with under_way(address) as sock:
        process.send_signal(number)
        wait_until(lambda: closed(address))
        sock.sendall(BODY)
        assert sock.recv(1000).startswith(b"HTTP/1.1 200")
    _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (0, "Press Ctrl-C to stop.\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_before_the_server_answers_is_no_failure_either(begin: Begin, number: signal.Signals) -> None:
    process, _ = begin()
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (0, "Press Ctrl-C to stop.\n")


def test_ctrl_c_again_waits_for_nobody(begin: Begin) -> None:
    process, address = begin()
    with under_way(address):
        process.send_signal(signal.SIGINT)
        wait_until(lambda: closed(address))
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert (process.returncode, said.splitlines()[-1]) == (130, "muslin: interrupted.")
