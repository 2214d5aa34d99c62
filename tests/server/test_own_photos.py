"""The page and the API for a network that learned from somebody's own color photos."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from helpers.browser import eventually
from helpers.tiny import split, write_folder
from muslin import load_data, predict
from muslin.design import parse_design
from muslin.errors import DataError
from muslin.recipe import load_recipe
from muslin.server.schemas.answers import Values
from muslin.server.serve import serve
from muslin.server.settings import Settings
from muslin.workflow.train import train
from server.conftest import Open, Running, running

pytestmark = pytest.mark.timeout(400)
DESIGN = parse_design("""
name = "own"
input_shape = [12, 12, 3]
layers = [
  { kind = "conv2d", name = "look", filters = 4, activation = "relu" },
  { kind = "global_avg_pool2d", name = "mean" },
  { kind = "dense", name = "output", units = 3, activation = "softmax" },
]
""")


def dark_on_light() -> bytes:
    """A photo that the preparation of Fashion-MNIST would trim and invert."""
    image = Image.new("RGB", (90, 60), (240, 235, 230))
    ImageDraw.Draw(image).ellipse([30, 15, 60, 45], fill=(60, 40, 50))
    content = io.BytesIO()
    image.save(content, "PNG")
    return content.getvalue()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("own")
    rng = np.random.default_rng(0)
    write_folder(place / "photos", *(split(rng, count, 12, 12, 3, 3) for count in (40, 10)))
    data = load_data(place / "photos")
    for _ in range(2):  # two runs of one name
        train(DESIGN, data, load_recipe("fast").with_(epochs=2), out=place / "runs").open_test(data)
    return place


@pytest.fixture(scope="module")
def own(folder: Path) -> Iterator[Running]:
    with running(Settings(runs=folder / "runs", data=folder / "photos")) as up:
        yield up


def test_a_photo_is_fitted_as_by_predict(own: Running, folder: Path) -> None:
    content = dark_on_light()
    stages = own.http.post("/api/photo", files={"image": content}).json()["stages"]
    assert [stage["step"] for stage in stages] == ["photo", "fit"]
    newest = own.http.get("/api/runs").json()["chosen"]
    picture = predict(folder / "runs" / newest, content)[0].picture
    assert stages[1]["image"] == _values(picture.pixels)
    asked = own.http.post("/api/photo", files={"image": content}, data={"steps": "trim,resize"}).json()["stages"]
    assert [stage["step"] for stage in asked] == ["photo", "trim", "resize", "sharpen", "centre", "invert"]


def test_a_photo_of_the_networks_size_is_kept(own: Running) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (12, 12, 3)).astype(np.uint8)
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "PNG")
    fit = own.http.post("/api/photo", files={"image": content.getvalue()}).json()["stages"][1]
    assert (fit["done"], fit["note"], fit["image"]) == (False, "already the network's size", _values(pixels))


def test_the_page_opens_on_a_test_image_and_leaves_a_photos_colors_alone(own: Running, visit: Open) -> None:
    page = visit(own.url)
    eventually(page.locator(".answer")).to_contain_text("the label is kind")
    page.get_by_role("button", name="Photo").click()
    page.set_input_files("#file", {"name": "own.png", "mimeType": "image/png", "buffer": dark_on_light()})
    eventually(page.locator(".stages li")).to_have_count(2)
    assert page.locator(".stages").get_by_role("checkbox").count() == 0
    assert "brought to 12×12 pixels" in page.locator(".stages").inner_text()


def test_the_runs_show_both_ends_of_an_interval_and_tell_equal_names_apart(own: Running, visit: Open) -> None:
    page = visit(f"{own.url}/#runs", wait="[data-run]")
    legend = page.locator(".charts .keys").first.inner_text()
    assert legend.count("own, fast, seed 0, ") == 2
    row = page.locator("[data-run]").first.inner_text()
    assert "±" not in row
    assert row.count("%") >= 4  # accuracy, both ends of its interval, validation accuracy


def test_images_that_do_not_exist_are_refused_before_the_server_starts(folder: Path) -> None:
    with pytest.raises(DataError, match="nowhere does not exist"):
        serve(folder / "runs", folder / "nowhere", port=0)


def _values(pixels: np.ndarray) -> dict[str, object]:
    return Values.of_image(pixels).model_dump()
