"""A run that was trained for a moment, and a server on it, over real sockets."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from helpers.browser import PATIENCE, Watched, browser
from helpers.once import made_once
from muslin.data import Dataset
from muslin.design import load_design, parse_design
from muslin.recipe import load_recipe
from muslin.runs.folder import RunFolder
from muslin.server.server import Server, listen, make_server
from muslin.server.settings import Settings
from muslin.workflow.train import train

__all__ = ["browser"]
NORMAL = {"width": 1280, "height": 900}
FLAT = """
name = "flat"
title = "A network without global average pooling"
input_shape = [28, 28, 1]
layers = [
  { kind = "conv2d", name = "look", filters = 4, kernel = 5, stride = 2, activation = "relu" },
  { kind = "max_pool2d", name = "shrink" },
  { kind = "flatten", name = "flatten" },
  { kind = "dense", name = "think", units = 16, activation = "relu" },
  { kind = "dense", name = "answer", units = 10 },
]
"""


@dataclass(frozen=True)
class Running:
    """A server that is up."""

    url: str
    server: Server
    http: httpx.Client


Start = Callable[..., Running]
Open = Callable[..., Any]


@contextmanager
def running(settings: Settings) -> Iterator[Running]:
    server = make_server(settings)
    sock = listen("127.0.0.1", 0)
    port = sock.getsockname()[1]
    thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]}, daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{port}"
    until = time.monotonic() + 20
    while not server.started:
        assert thread.is_alive(), "the server ended while it was starting"
        assert time.monotonic() < until, "the server did not start"
        time.sleep(0.01)
    with httpx.Client(base_url=url, timeout=60) as http:
        yield Running(url, server, http)
    server.should_exit = True
    thread.join(20)
    assert not thread.is_alive(), "the server did not stop"


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory, sample: Dataset) -> Path:
    """Two runs: the library's CNN, tested and exported, and a network without global average pooling."""

    def make(place: Path) -> None:
        recipe = load_recipe("fast").model_copy(update={"epochs": 4})
        train(parse_design(FLAT), sample, recipe, out=place, seed=1)
        run = train(load_design("custom_cnn"), sample, recipe, out=place, seed=0)
        run.open_test(sample)
        run.export("onnx")

    made = made_once(tmp_path_factory, "served-runs", make)
    return Path(shutil.copytree(made, tmp_path_factory.mktemp("serve") / "runs", symlinks=True))


@pytest.fixture(scope="session")
def cnn(runs: Path) -> RunFolder:
    return next(RunFolder(path) for path in runs.glob("*custom_cnn*"))


@pytest.fixture(scope="session")
def flat(runs: Path) -> RunFolder:
    return next(RunFolder(path) for path in runs.glob("*flat*"))


@pytest.fixture(scope="session")
def settings(runs: Path, cnn: RunFolder) -> Settings:
    return Settings(runs=runs, run=cnn.name)


@pytest.fixture(scope="session")
def served(settings: Settings) -> Iterator[Running]:
    """One server for all tests that don't need one of their own."""
    with running(settings) as up:
        yield up


@pytest.fixture
def start(settings: Settings) -> Iterator[Start]:
    """Start a server with other settings: `start(token="…")`."""
    up = []

    def begin(**changes: object) -> Running:
        context = running(replace(settings, **changes))  # type: ignore[arg-type]
        up.append(context)
        return context.__enter__()

    yield begin
    for context in up:
        context.__exit__(None, None, None)


@pytest.fixture
def visit(browser: Any) -> Iterator[Open]:
    """Open a page; at the end nothing may have been logged, and no request may have left this machine."""
    watched, contexts = Watched(), []

    def go(url: str, *, wait: str = ".board", refusals: bool = False, **how: Any) -> Any:
        context = browser.new_context(**({"viewport": NORMAL} | how))
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        if not refusals:  # a browser logs every answer of 4xx
            page.on("console", lambda message: watched.messages.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: watched.messages.append(str(error)))
        page.on("request", lambda request: watched.hosts.add(urlsplit(request.url).hostname or request.url))
        page.goto(url)
        page.wait_for_selector(wait)
        return page

    yield go
    for context in contexts:
        context.close()
    assert watched.messages == []
    assert watched.hosts <= {"127.0.0.1"}


def wait_until(condition: Callable[[], bool], seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.05)
