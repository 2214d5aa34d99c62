"""The page in a real browser: what a person does, and what they then see."""

from __future__ import annotations

import io
import re
import shutil
import time
from dataclasses import replace
from graphlib import TopologicalSorter
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from helpers.browser import eventually, require
from helpers.studies import study
from muslin.ablation.justification import load_justification, save_justification
from muslin.data import Dataset
from muslin.runs.folder import RunFolder
from muslin.training.history import History
from server.conftest import Open, Running, Start, wait_until

pytestmark = pytest.mark.timeout(400)  # the first test waits for a training and for the browser as well
STATIC = resources.files("muslin.server").joinpath("static")
PHONE = {"width": 390, "height": 844}


@pytest.fixture
def known(served: Running, cnn: RunFolder) -> Running:
    """The server, once it has looked through the images."""
    wait_until(lambda: served.http.get(f"/api/runs/{cnn.name}/guide").json()["likeness"] == "here")
    return served


def stroke(page: Any, *points: tuple[float, float]) -> None:
    """Draw along points given in pixels of the 28×28 image."""
    box = page.locator(".board").bounding_box()
    at = [(box["x"] + x * box["width"] / 28, box["y"] + y * box["height"] / 28) for x, y in points]
    page.mouse.move(*at[0])
    page.mouse.down()
    for point in at[1:]:
        page.mouse.move(*point, steps=6)
    page.mouse.up()


def draw_trousers(page: Any) -> None:
    for x in (10.5, 12.0):
        stroke(page, (x, 3), (x - 0.5, 25))
    for x in (16.0, 17.5):
        stroke(page, (x, 3), (x + 0.5, 25))
    for y in (3.0, 4.5, 6.0, 7.0):
        stroke(page, (10, y), (18, y))


def says(page: Any, name: str) -> None:
    eventually(page.locator(".called")).to_have_text(name)


def milliseconds(page: Any, *points: tuple[float, float]) -> float:
    """From a stroke to its answer, as the page says."""
    main = page.locator("main")
    page.evaluate("delete document.getElementById('main').dataset.milliseconds")
    stroke(page, *points)
    eventually(main).to_have_attribute("data-milliseconds", re.compile("."))
    return float(main.get_attribute("data-milliseconds"))


def slowness() -> float:
    """How many times longer anything takes because the machine is busy with other things; 1 if it is not."""
    began, used = time.perf_counter(), time.process_time()
    while time.process_time() - used < 0.05:
        pass
    return max((time.perf_counter() - began) / (time.process_time() - used), 1)


def photo_of_trousers() -> bytes:
    image = Image.new("RGB", (400, 600), (244, 243, 240))
    pen = ImageDraw.Draw(image)
    pen.polygon([(120, 60), (280, 60), (300, 540), (225, 540), (200, 180), (175, 540), (100, 540)], fill=(60, 62, 80))
    content = io.BytesIO()
    image.save(content, "PNG")
    return content.getvalue()


def test_drawing_trousers_makes_trouser_lead_within_a_tenth_of_a_second(known: Running, visit: Open) -> None:
    page = visit(known.url)
    draw_trousers(page)
    says(page, "Trouser")
    # What the page needs is its quickest answer: a machine that is busy with other things only adds to it.
    strokes = (milliseconds(page, (10.5, y), (10.5, y + 1)) / slowness() for y in range(8, 24))
    assert any(each < 100 for each in strokes)
    assert page.locator(".bars .first .name").inner_text() == "Trouser"
    assert page.locator(".likeness img").count() == 8
    page.get_by_role("button", name="Clear").click()
    eventually(page.locator(".called")).not_to_have_text("Trouser")


def test_an_empty_image_is_said_to_be_empty(known: Running, visit: Open) -> None:
    page = visit(known.url)
    note = page.locator(".answer").get_by_text("The image is empty")
    note.wait_for()
    draw_trousers(page)
    eventually(note).to_have_count(0)
    page.get_by_role("button", name="Clear").click()
    note.wait_for()


def test_noise_is_called_out_of_distribution(known: Running, visit: Open) -> None:
    page = visit(known.url)
    content = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (28, 28)).astype(np.uint8)).save(content, "PNG")
    page.get_by_role("button", name="Photo").click()
    page.set_input_files("#file", {"name": "noise.png", "mimeType": "image/png", "buffer": content.getvalue()})
    page.locator(".unlike").get_by_text("Out of distribution.").wait_for()


def test_a_photo_goes_through_the_recipe_step_by_step(known: Running, visit: Open) -> None:
    page = visit(known.url)
    page.get_by_role("button", name="Photo").click()
    page.set_input_files("#file", {"name": "jeans.png", "mimeType": "image/png", "buffer": photo_of_trousers()})
    says(page, "Trouser")
    assert page.locator(".stages li").count() == 7
    before = page.locator(".called + .sure").inner_text()
    page.get_by_label("Invert").uncheck()
    eventually(page.locator(".sure")).not_to_have_text(before)
    assert "Invert" in page.locator(".stages .idle").inner_text()


def test_a_file_that_is_no_picture_is_explained(known: Running, visit: Open) -> None:
    page = visit(known.url, refusals=True)
    page.get_by_role("button", name="Photo").click()
    page.set_input_files("#file", {"name": "x.png", "mimeType": "image/png", "buffer": b"GIF89a no"})
    eventually(page.locator(".photo").get_by_role("alert")).to_contain_text("PNG")


def test_stepping_through_test_images(known: Running, visit: Open, sample: Dataset) -> None:
    page = visit(known.url)
    page.get_by_role("button", name="Test images").click()
    for index in range(3):
        eventually(page.locator(".index")).to_have_value(str(index))
        name = sample.class_names[sample.test.labels[index]]
        eventually(page.locator(".answer")).to_contain_text(f"label is {name}.")
        page.get_by_label("Next test image").click()
    page.get_by_label("Number of the test image").fill("499")
    page.get_by_label("Number of the test image").press("Enter")
    last = sample.class_names[sample.test.labels[499]]
    eventually(page.locator(".answer")).to_contain_text(f"label is {last}.")


def test_hovering_a_unit_frames_what_it_sees_and_a_press_opens_its_filter(known: Running, visit: Open) -> None:
    page = visit(known.url)
    draw_trousers(page)
    says(page, "Trouser")
    strip = page.locator("[data-layer=conv3]")
    strip.scroll_into_view_if_needed()
    box = strip.bounding_box()
    tile = box["width"] * 8 / (32 * 8 - 1)  # 32 maps of 7 pixels in a row, a pixel apart
    page.mouse.move(box["x"] + 5 * tile + tile * 3.5 / 8, box["y"] + tile * 3.5 / 8)
    page.get_by_text("map 5, row 3, column 3").wait_for()
    field = page.locator(".board .field")
    assert [float(field.get_attribute(name)) for name in ("x", "y", "width", "height")] == [5, 5, 18, 18]
    page.mouse.down()
    page.mouse.up()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("heading", name="conv3, map 5").wait_for()
    dialog.get_by_role("heading", name="Filter").wait_for()
    assert dialog.locator(".kernels canvas").count() == 32
    page.keyboard.press("Escape")
    assert not dialog.is_visible()


def test_evidence_and_occlusion_lie_over_the_image(known: Running, visit: Open) -> None:
    page = visit(known.url)
    draw_trousers(page)
    says(page, "Trouser")
    page.get_by_role("button", name="Evidence").click()
    page.get_by_text("evidence for Trouser").wait_for()
    assert page.locator(".board .above").is_visible()
    page.locator(".bars button", has_text="Dress").click()
    page.get_by_text("evidence for Dress").wait_for()
    page.get_by_role("button", name="Occlusion").click()
    page.get_by_text("lowers the probability of Dress").wait_for()


def test_a_confusion_cell_opens_its_images(known: Running, visit: Open, cnn: RunFolder) -> None:
    page = visit(f"{known.url}/#results", wait=".confusion")
    evaluation = cnn.evaluation
    assert evaluation is not None
    worst = evaluation.top_confusions(1)[0]
    page.get_by_label(f"{worst.true} predicted as {worst.predicted}: {worst.images}").click()
    opened = page.locator(".opened")
    opened.get_by_role("heading", name=f"{worst.true} predicted as {worst.predicted}").wait_for()
    assert opened.locator("img").count() == min(worst.images, 120)
    for image in opened.locator("img").all()[:5]:
        eventually(image).to_have_js_property("naturalWidth", 28)


def test_the_baselines_name_stands_where_no_curve_ends(
    start: Start, visit: Open, cnn: RunFolder, tmp_path: Path
) -> None:
    run = tmp_path / "runs" / cnn.name
    shutil.copytree(cnn.path, run)
    shutil.copytree(cnn.path, run / "baseline")
    page = visit(f"{start(runs=run.parent, run=None).url}/#results", wait=".confusion")
    chart = page.locator(".chart").first
    name = float(chart.get_by_text("baseline, test:").get_attribute("y") or "nan")
    line = float(chart.locator(".base").get_attribute("y1") or "nan")
    last, evaluation = cnn.history.last, cnn.evaluation
    assert evaluation is not None
    beaten = max(last.accuracy, last.validation_accuracy) > evaluation.accuracy
    assert (name > line) == beaten  # below the line where a curve ends above it


def test_a_live_run_is_followed(start: Start, visit: Open, cnn: RunFolder, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    shutil.copytree(cnn.path, runs / cnn.name)
    up = start(runs=runs, run=None)
    page = visit(f"{up.url}/#runs", wait="[data-run]")
    record = cnn.record.model_copy(update={"outcome": None, "seed": 7})
    live = RunFolder.create(record, cnn.design, runs)
    row = page.locator(f"[data-run='{live.name}']")
    row.get_by_text("in training").wait_for()
    for epochs in (1, 2):
        live.save_history(History(cnn.history.epochs[:epochs]))
        row.get_by_text(f"{epochs} of 4").wait_for()
    eventually(page.locator(".chart").first.locator("polyline")).to_have_count(2)


def test_the_evidence_of_a_study_stands_below_the_reasons(
    start: Start, visit: Open, cnn: RunFolder, tmp_path: Path
) -> None:
    shutil.copytree(cnn.path, tmp_path / "runs" / cnn.name)
    folder = study(tmp_path / "studies" / "one", cnn.design)
    told = load_justification(folder)
    alternatives = ("flatten", "flatten, same parameters", "none at all", "5 by 5")
    rows = tuple(told.rows[0]._replace(alternative=alternative) for alternative in alternatives)
    save_justification(replace(told, rows=rows), folder)
    (folder / "table.csv").write_text(
        "decision,chosen,alternative,matched,seeds,difference,low,high,verdict,verdict_text\n"
        "pooling,global average,flatten,,5,0.51,0.2,0.82,supported,supported by accuracy\n"
        "pooling,global average,flatten,parameters,5,0.41,0.1,0.72,supported,supported by accuracy\n"
        "pooling,global average,none at all,,5,31.5,30.0,33.0,supported,supported by accuracy\n"
        "kernel,3 by 3,5 by 5,,0,,,,not measured,not measured\n"
    )
    page = visit(f"{start(runs=tmp_path / 'runs', run=None).url}/#design", wait=".part")
    page.get_by_role("heading", name="Measured decisions").wait_for()
    found = page.locator(".forest tbody tr")
    names = [name.split("vs. ")[1] for name in found.locator("th").all_inner_texts()]
    assert names == list(alternatives)
    assert "supported by accuracy" in found.first.inner_text()
    assert [row.locator(".interval").count() for row in found.all()] == [1, 1, 1, 0]
    assert [row.locator("circle").count() for row in found.all()] == [1, 1, 0, 0]
    assert found.nth(2).locator("path").count() == 1  # an arrow: it must not squeeze all others


def test_everything_can_be_reached_by_keyboard(known: Running, visit: Open) -> None:
    page = visit(known.url)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    reached = []
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate("(e => e.dataset.layer || e.id || e.dataset.value || e.className)(document.activeElement)")
        )
    assert {
        "run",
        "tab-predict",
        "draw",
        "photo",
        "examples",
        "board",
        "image",
        "evidence",
        "conv1",
        "conv3",
        "output",
    } <= set(reached)
    board = page.locator(".board")
    board.focus()
    page.keyboard.down("Space")
    for _ in range(6):
        page.keyboard.press("ArrowDown")
    page.keyboard.up("Space")
    lit = (
        "(() => { const pen = document.createElement('canvas').getContext('2d', { willReadFrequently: true });"
        "pen.drawImage(document.querySelector('.board .base'), 0, 0);"
        "return [...pen.getImageData(0, 0, 28, 28).data].filter((value, i) => i % 4 === 0 && value > 100).length })()"
    )
    assert page.evaluate(lit) > 10
    page.keyboard.press("Delete")
    assert page.evaluate(lit) == 0
    strip = page.locator("[data-layer=conv2]")
    strip.focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    assert strip.get_attribute("aria-valuenow") == "3"
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="conv2, map 3").wait_for()
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.dataset.layer") == "conv2"
    page.locator("#tab-predict").focus()
    for view in ("design", "results", "runs"):
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Enter")
        eventually(page.locator(f"#tab-{view}")).to_have_attribute("aria-selected", "true")
    page.locator("#tab-results").click()
    page.wait_for_selector(".cell")
    page.locator(".cell").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.locator(".opened h3").wait_for()


@pytest.mark.parametrize("view", ["predict", "design", "results", "runs"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_fault(known: Running, visit: Open, view: str, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
    ready = {"predict": ".board", "design": ".part", "results": ".cell", "runs": "[data-run]"}[view]
    page = visit(f"{known.url}/#{view}", wait=ready, color_scheme=scheme)
    if view == "predict":
        draw_trousers(page)
        page.wait_for_selector(".likeness img")
    faults = [
        (fault["id"], [node["target"] for node in fault["nodes"]][:3])
        for fault in axe.Axe().run(page).response["violations"]
        if fault["impact"] in ("serious", "critical")
    ]
    assert faults == []


@pytest.mark.parametrize("view", ["predict", "design", "results", "runs"])
def test_nothing_is_wider_than_a_telephone(known: Running, visit: Open, view: str) -> None:
    ready = {"predict": ".likeness img", "design": ".part", "results": ".cell", "runs": "[data-run]"}[view]
    page = visit(f"{known.url}/#{view}", wait=ready, viewport=PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_the_first_paint_is_quick_and_the_page_is_light(known: Running, visit: Open) -> None:
    page = visit(known.url)
    assert any(first_paint(visit(known.url)) / slowness() < 300 for _ in range(5))
    sizes = page.evaluate(
        "performance.getEntriesByType('resource').filter(r => r.name.includes('/assets')).map(r => r.decodedBodySize)"
    )
    assert sum(sizes) < 300_000


def first_paint(page: Any) -> float:
    """Milliseconds from asking for the page to its first contents."""
    look = "performance.getEntriesByName('first-contentful-paint').map(p => p.startTime)"
    wait_until(lambda: page.evaluate(look))
    (paint,) = page.evaluate(look)
    return float(paint)


def test_strokes_move_nothing_on_the_page(known: Running, visit: Open) -> None:
    page = visit(known.url)
    page.wait_for_selector(".likeness img")
    page.evaluate(
        "() => { window.shifts = 0; const add = list => list.getEntries().forEach(e => { window.shifts += e.value; });"
        "new PerformanceObserver(add).observe({ type: 'layout-shift' }); }"
    )
    draw_trousers(page)
    page.wait_for_timeout(300)
    assert page.evaluate("window.shifts") < 0.02


def test_the_api_is_described_for_people(known: Running, visit: Open) -> None:
    page = visit(f"{known.url}/docs", wait=".place")
    assert page.get_by_text("/api/predict", exact=True).count() == 1
    assert page.locator(".place").count() >= 10


def test_the_token_opens_the_page(start: Start, visit: Open) -> None:
    up = start(token="let me in")  # noqa: S106
    page = visit(f"{up.url}/?token=let%20me%20in")
    assert page.url == f"{up.url}/"
    page.locator("#tab-design").click()
    page.wait_for_selector(".part")


def test_the_modules_of_the_page_import_one_another_in_one_direction() -> None:
    sources = {entry.name: entry.read_text("utf-8") for entry in STATIC.iterdir() if entry.name.endswith(".js")}
    imports = {name: set(re.findall(r'from "\./([\w.]+)"', source)) for name, source in sources.items()}
    assert set(TopologicalSorter(imports).static_order()) == set(imports)  # a circle raises CycleError


def test_no_browser_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("helpers.browser.CHROMIUM", None)
    with pytest.raises(pytest.skip.Exception, match="no Chromium"):
        require()
