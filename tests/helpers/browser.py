"""The system's Chromium, driven by Playwright. Nothing is downloaded."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE = 30_000  # milliseconds that a page has to come to what is expected: machines may be busy


@dataclass
class Watched:
    """What a page did besides what it was asked to."""

    messages: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)


def require() -> None:
    """Skip where there is no browser."""
    pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install --group dev")
    if CHROMIUM is None:
        pytest.skip("there is no Chromium on this machine: apt-get install chromium")


def eventually(thing: Any) -> Any:
    """Playwright's assertions, which look again until they hold.

    Not `page.wait_for_function`: it evaluates a text inside the page whenever the first look fails, and the page's own
    Content-Security-Policy refuses that.
    """
    from playwright.sync_api import expect  # noqa: PLC0415  (may not be installed)

    expect.set_options(timeout=PATIENCE)
    return expect(thing)


@pytest.fixture(scope="session")
def browser() -> Iterator[object]:
    require()
    from playwright.sync_api import sync_playwright  # noqa: PLC0415  (may not be installed)

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()
