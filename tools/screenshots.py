"""Take the screenshots of the documentation again: the page and the report of a run.

python tools/screenshots.py [RUN] [PHOTO]

RUN is the newest one by default, and must have been made by `muslin run` on Fashion-MNIST. PHOTO shows a garment on a
light ground (default: docs/images/shoe.png).
"""

from __future__ import annotations

import argparse
import shutil
import threading
import time
from pathlib import Path
from typing import Literal

import httpx
from playwright.sync_api import Browser, Page, sync_playwright

from muslin.runs.folder import RunFolder
from muslin.server.server import listen, make_server
from muslin.server.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"
WIDTH = 1280
TROUSERS = (
    *(((x, 3), (x - 0.5, 25)) for x in (10.5, 12.0)),
    *(((x, 3), (x + 0.5, 25)) for x in (16.0, 17.5)),
    *(((10, y), (18, y)) for y in (3.0, 4.5, 6.0, 7.0)),
)


class Camera:
    """A browser that takes the screenshots.

    Args:
        browser: Chromium.
        url: address of the page.
        folder: run that it shows.
    """

    def __init__(self, browser: Browser, url: str, folder: RunFolder) -> None:
        self.browser, self.url, self.folder = browser, url, folder

    def opened(self, address: str, height: int, scheme: Literal["light", "dark"]) -> Page:
        page = self.browser.new_page(viewport={"width": WIDTH, "height": height}, color_scheme=scheme)
        page.goto(address)
        return page

    def take(self, page: Page, name: str, *, whole: bool = False) -> None:
        page.wait_for_timeout(1500)  # until what moves has come to rest
        page.screenshot(path=IMAGES / f"{name}.png", full_page=whole)

    def drawing(self) -> None:
        page = self.opened(self.url, 900, "light")
        box = page.locator(".board").bounding_box() or {}
        for stroke in TROUSERS:
            first, *rest = [(box["x"] + x * box["width"] / 28, box["y"] + y * box["height"] / 28) for x, y in stroke]
            page.mouse.move(*first)
            page.mouse.down()
            for point in rest:
                page.mouse.move(*point, steps=6)
            page.mouse.up()
        page.locator(".called", has_text="Trouser").wait_for()
        page.mouse.move(WIDTH - 5, 5)
        page.get_by_text("Nearest training images").wait_for()
        self.take(page, "serve-light", whole=True)

    def photo_and_filter(self, photo: Path) -> None:
        page = self.opened(self.url, 900, "dark")
        page.get_by_role("button", name="Photo").click()
        page.set_input_files("#file", photo)
        page.get_by_role("button", name="Occlusion").click()
        page.get_by_text("lowers the probability").wait_for()
        page.mouse.wheel(0, -10_000)
        self.take(page, "serve-dark")
        page.get_by_role("button", name="Test images").click()
        strip = page.locator("[data-layer=conv3]")
        strip.scroll_into_view_if_needed()
        page.wait_for_timeout(1500)
        box = strip.bounding_box() or {}
        tile = box["width"] * 8 / (32 * 8 - 1)  # 32 maps of 7 pixels in a row, a pixel apart
        page.mouse.click(box["x"] + 3 * tile + tile / 2, box["y"] + tile / 2)
        page.get_by_role("dialog").get_by_role("heading", name="Filter").wait_for()
        self.take(page, "serve-unit")

    def confusion(self) -> None:
        page = self.opened(f"{self.url}/#results", 1100, "dark")
        worst = self.folder.evaluation.top_confusions(1)[0] if self.folder.evaluation else None
        if worst is not None:
            page.get_by_label(f"{worst.true} predicted as {worst.predicted}: {worst.images}").click()
            page.locator(".opened").scroll_into_view_if_needed()
        self.take(page, "serve-results-dark")

    def report(self) -> None:
        self.take(self.opened(self.folder.report_path.resolve().as_uri(), 1180, "light"), "report")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", nargs="?", default="latest")
    parser.add_argument("photo", nargs="?", type=Path, default=IMAGES / "shoe.png")
    asked = parser.parse_args()
    folder = RunFolder.open(asked.run)
    server, sock = make_server(Settings(runs=folder.path.parent, run=folder.name)), listen("127.0.0.1", 0)
    threading.Thread(target=server.run, kwargs={"sockets": [sock]}, daemon=True).start()
    url = f"http://127.0.0.1:{sock.getsockname()[1]}"
    while not server.started:
        time.sleep(0.05)
    guide = f"{url}/api/runs/{folder.name}/guide"
    while {httpx.get(guide).json()[part] for part in ("likeness", "units")} != {"here"}:
        time.sleep(1)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        camera = Camera(chromium, url, folder)
        camera.drawing()
        camera.photo_and_filter(asked.photo)
        camera.confusion()
        camera.report()
        chromium.close()
    server.should_exit = True


if __name__ == "__main__":
    main()
