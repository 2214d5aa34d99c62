"""How objects show themselves: in a line, as HTML, as a picture, while training, and to tab completion."""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from IPython.core.completer import IPCompleter, provisionalcompleter
from IPython.core.formatters import DisplayFormatter
from PIL import Image
from rich.console import Console

import muslin
from muslin import figures
from muslin._display import LONGEST, described, line, table
from muslin.ablation.run import ablate
from muslin.data import Dataset
from muslin.design import Design
from muslin.evaluation import Evaluation
from muslin.recipe import Recipe
from muslin.training.callbacks import StopEarly
from muslin.training.fit import fit
from muslin.training.history import Epoch, History
from muslin.training.progress import ShowProgress, epoch_line

HOSTILE = '<script>alert("1")</script><img src=x onerror=alert(2)> & $5'
WIDTHS = (60, 80, 100, 120)


@pytest.fixture(scope="module")
def run(tiny: Design, few: Dataset, recipe: Recipe, tmp_path_factory: pytest.TempPathFactory) -> muslin.Run:
    """A run on images whose first class has a hostile name, with the test split opened."""
    hostile = replace(few, class_names=(HOSTILE, *few.class_names[1:]))
    trained = muslin.train(tiny, hostile, recipe, out=tmp_path_factory.mktemp("runs"), progress=False)
    trained.open_test(hostile)
    return trained


@pytest.fixture(scope="module")
def study(
    tiny: Design, few: Dataset, recipe: Recipe, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[muslin.Study]:
    place = tmp_path_factory.mktemp("studies")
    made = ablate(tiny, few, recipe, decisions=("activation",), seeds=2, out=place)
    yield made
    made.close()


@pytest.fixture(scope="module")
def shown(run: muslin.Run, study: muslin.Study, few: Dataset, recipe: Recipe) -> dict[str, object]:
    """One of each public class, by name."""
    evaluation = run.folder.evaluation
    assert evaluation is not None
    design = muslin.load_design("custom_cnn")
    return {
        "Analysis": muslin.analyze(design),
        "Audit": few.audit,
        "Callback": muslin.Callback(),
        "Catalog": muslin.list(runs=run.folder.path.parent),
        "Checked": run.claims()[0] if run.claims() else muslin.Checked(design.claims[0], None, "not measured"),
        "Comparison": muslin.compare(run, run),
        "Dataset": few,
        "Design": design,
        "Epoch": run.history.last,
        "Evaluation": evaluation,
        "History": run.history,
        "Improvement": muslin.compare(run, run).improvement,
        "Network": run.network,
        "Recipe": recipe,
        "Run": run,
        "ShowProgress": ShowProgress(),
        "Split": few.train,
        "Study": study,
        # not at the top of `muslin`, but attributes of what is
        "Claim": design.claims[0],
        "CheckedClaims": run.claims(),
        "Decision": design.decisions[0],
        "Edit": design.decisions[0].alternatives[0].edits[0],
        "Environment": run.record.environment,
        "Layer": design.layers[0],
        "LayerAnalysis": muslin.analyze(design).layers[0],
        "ClassReport": evaluation.per_class[0],
        "Outcome": run.record.outcome,
        "RunRecord": run.record,
        "Settings": study.settings,
        "StopEarly": StopEarly(muslin.load_recipe("notebook").early_stopping),
    }


class _Reader(HTMLParser):
    """Reads HTML as a browser does: its elements, its attributes, its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""
        self.feed(html)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_every_public_class_is_shown_in_one_line_of_limited_length(shown: dict[str, object]) -> None:
    instances = {name for name in muslin.__all__ if isinstance(getattr(muslin, name), type)}
    assert instances - shown.keys() <= {"MuslinError", "Observer", "Prediction", "Watcher"}
    for name, value in shown.items():
        text = repr(value)
        assert "\n" not in text, name
        assert len(text) <= LONGEST, name
        assert " object at 0x" not in text, name
        assert text.startswith(type(value).__name__), name


def test_a_line_stays_short_whatever_a_design_file_says() -> None:
    design = muslin.load_design("custom_cnn")
    long = design.model_copy(update={"title": "a\nb" * 500, "because": "c" * 5000, "name": "n" * 64})
    layer = design.layers[0].model_copy(update={"name": "l" * 64, "because": "d" * 5000})
    for value in (long, layer, design.decisions[0].model_copy(update={"chosen": "e" * 500})):
        assert len(repr(value)) <= LONGEST
        assert "\n" not in f"{value!r}{value}"


def test_a_line_names_the_essential_figures(shown: dict[str, object]) -> None:
    assert repr(shown["Design"]) == "Design('custom_cnn', 28×28×1 → 10 classes, 8 layers, 93,962 parameters)"
    assert repr(shown["Layer"]) == "Conv2d('conv1', kernel=3×3, filters=32, activation=relu)"
    assert repr(shown["Analysis"]).startswith("Analysis('custom_cnn', 8 layers, 93,962 parameters")
    assert repr(shown["Recipe"]).startswith("Recipe('quick', 1 epoch, batch size 50, adam")


def test_a_run_whose_folder_is_gone_can_still_be_printed(tmp_path: Path) -> None:
    from muslin.runs.folder import RunFolder  # noqa: PLC0415

    assert repr(muslin.Run(RunFolder(tmp_path / "gone"))) == f"Run({tmp_path / 'gone'})"


def test_a_model_is_described_by_what_differs_from_the_defaults() -> None:
    fast = muslin.load_recipe("fast")
    assert described(fast.augmentation) == "Augmentation(flip='auto')"
    assert line("A", *["word"] * 100).endswith("…)")


@pytest.mark.parametrize(
    "name",
    ["Analysis", "CheckedClaims", "Comparison", "Dataset", "Design", "Evaluation", "History", "Recipe", "Run", "Study"],
)
def test_the_html_is_small_and_has_no_scripts(name: str, shown: dict[str, object]) -> None:
    html = shown[name]._repr_html_()  # type: ignore[attr-defined]
    page = _Reader(html)
    assert page.tags <= {"div", "p", "strong", "table", "thead", "tbody", "tfoot", "tr", "th", "td"}
    assert page.attributes <= {"style", "scope", "colspan"}
    assert len(html) < 20_000
    assert not re.search(r"[^-]color:|background", html), "the page's own colors stay"


def test_the_html_escapes_hostile_names(run: muslin.Run, few: Dataset) -> None:
    evaluation = run.folder.evaluation
    assert evaluation is not None
    hostile = replace(few, class_names=(HOSTILE, *few.class_names[1:]), source=HOSTILE)
    design = muslin.load_design("custom_cnn").model_copy(update={"title": HOSTILE, "because": HOSTILE})
    for value in (evaluation, hostile, design, muslin.analyze(design)):
        page = _Reader(value._repr_html_())
        assert HOSTILE in page.text
        assert not {"script", "img"} & page.tags


def test_an_evaluation_in_html_has_the_figures_that_numpy_computes(run: muslin.Run) -> None:
    evaluation = run.folder.evaluation
    assert evaluation is not None
    page = _Reader(evaluation._repr_html_())
    accuracy = (evaluation.probabilities.argmax(axis=1) == evaluation.labels).mean()
    assert page.text.startswith(f"Accuracy {100 * accuracy:.2f}%")


def test_a_long_table_shows_its_beginning_and_its_end() -> None:
    history = History(Epoch(n, 0.1, 1.0, 0.5, 1.0, 0.5, 1.0, 100.0) for n in range(1, 81))
    html = history._repr_html_()
    assert html.count("<tr>") == 1 + 20 + 1
    assert "… 60 more rows …" in html
    assert '<th scope="row"' in table(("a", "b"), [("1", "2")])


def test_a_history_without_epochs_can_be_shown() -> None:
    assert repr(History()) == "History(0 epochs)"
    assert "0 epochs" in History()._repr_html_()


# ── Figures ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def bundle(value: object) -> tuple[dict[str, object], dict[str, dict[str, int]]]:
    """What IPython sends to a notebook."""
    data, metadata = DisplayFormatter().format(value)
    return data, metadata


def picture(data: dict[str, object]) -> Image.Image:
    encoded = data["image/png"]
    assert isinstance(encoded, str)
    json.dumps(data)
    return Image.open(io.BytesIO(base64.b64decode(encoded)))


def test_a_notebook_gets_a_figure_as_a_sharp_png_on_white(run: muslin.Run) -> None:
    data, metadata = bundle(figures.confusion_matrix(_plain(run)))
    assert set(data) == {"image/png", "text/plain"}
    image = picture(data)
    size = metadata["image/png"]
    assert image.size == (2 * size["width"], 2 * size["height"])
    assert image.convert("RGB").getpixel((0, 0)) == (255, 255, 255)


def test_the_png_of_a_notebook_looks_like_the_saved_one(run: muslin.Run, tmp_path: Path) -> None:
    figure = figures.per_class(_plain(run))
    [saved] = figures.save(figure, tmp_path / "figure", formats=("png",))
    expected = np.asarray(Image.open(saved).convert("RGB"), dtype=int)
    shown = np.asarray(picture(bundle(figure)[0]).convert("RGB"), dtype=int)
    assert np.abs(expected - shown).mean() < 1
    assert len(base64.b64decode(str(bundle(figure)[0]["image/png"]))) < saved.stat().st_size


def test_the_diagram_is_text_that_a_notebook_shows_as_a_drawing() -> None:
    svg = figures.architecture_svg(muslin.load_design("custom_cnn"))
    assert isinstance(svg, str)
    data, _ = bundle(svg)
    assert data["image/svg+xml"] == svg
    assert len(str(data["text/plain"])) < 80
    pixels = np.asarray(picture(data).convert("RGB"), dtype=int)
    height, width = (int(re.search(rf'{side}="(\d+)"', svg)[1]) for side in ("height", "width"))  # type: ignore[index]
    assert pixels.shape == (2 * (height + 24), 2 * (width + 24), 3)
    # The middle of the first convolution's face, which stands in the second column, has the convolution's blue.
    assert tuple(pixels[2 * 62, 2 * 235]) == pytest.approx((20, 125, 184), abs=8)


def _plain(run: muslin.Run) -> Evaluation:
    evaluation = run.folder.evaluation
    assert evaluation is not None
    return replace(evaluation, class_names=tuple(f"class {number}" for number in range(10)))


# ── Progress ──────────────────────────────────────────────────────────────────────────────────────────────────────────


EPOCHS = (
    Epoch(1, 0.08, 0.4599, 0.93772, 0.2301, 0.93033, 9.1, 5985.0),
    Epoch(70, 1e-5, 12.3456, 1.0, 12.3456, 1.0, 1234.5, 123_456.0),
)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("epoch", EPOCHS)
def test_the_line_of_an_epoch_fits_the_terminal_and_breaks_at_words(epoch: Epoch, width: int) -> None:
    whole, fitted = epoch_line(epoch, 70), epoch_line(epoch, 70, width)
    assert "\n" not in whole
    assert all(len(row) <= width for row in fitted.splitlines())
    words = fitted.split()
    assert whole.split()[: len(words)] == words, "nothing but the last value may be missing"
    assert len(whole.split()) - len(words) in (0, 2)
    assert f"accuracy {100 * epoch.validation_accuracy:.2f}%" in fitted


@pytest.mark.parametrize("width", WIDTHS)
def test_the_live_bar_fits_the_terminal(width: int, tiny: Design, few: Dataset, recipe: Recipe) -> None:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=width, color_system=None)
    fit(tiny, few, recipe.with_(epochs=2), callbacks=[ShowProgress(console, "teacher 2 of 3")])
    rows = [row for row in re.split(r"\x1b\[[0-9;?]*[A-Za-z]|[\r\n]", screen.getvalue()) if row.strip()]
    bars = [row for row in rows if row.startswith("teacher 2 of 3, epoch ")]
    assert bars
    assert all(len(row) <= width for row in rows)
    assert all(re.search(r"accuracy \d+\.\d% \S+$", row.rstrip()) or "images/s" in row for row in bars)


def test_training_is_silent_where_nobody_watches(
    tiny: Design, few: Dataset, recipe: Recipe, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    muslin.train(tiny, few, recipe, out=tmp_path)
    assert capsys.readouterr() == ("", "")
    muslin.train(tiny, few, recipe, out=tmp_path, progress=True)
    assert re.search(r"epoch 1/1 .*images/s\n", capsys.readouterr().err)


# ── Tab completion ────────────────────────────────────────────────────────────────────────────────────────────────────


def completed(text: str, **names: object) -> set[str]:
    """What IPython offers after `text`."""
    completer = IPCompleter(namespace=names)
    completer.use_jedi = True
    with provisionalcompleter():
        return {completion.text for completion in completer.completions(text, len(text))}


def test_completion_of_muslin_offers_the_public_names() -> None:
    import muslin.engine.machine  # noqa: PLC0415  (a package that was imported is an attribute, too)

    assert set(dir(muslin)) == set(muslin.__all__)
    assert completed("muslin.", muslin=muslin) == {name for name in muslin.__all__ if not name.startswith("_")}


@pytest.mark.parametrize("name", ["Design", "Recipe", "Run", "Study", "Layer", "Claim", "RunRecord"])
def test_completion_of_an_object_offers_its_own_public_names(name: str, shown: dict[str, object]) -> None:
    names = dir(shown[name])
    assert not [each for each in names if each.startswith(("_", "model_"))]
    assert not {"copy", "dict", "json", "parse_obj", "schema", "construct"} & set(names)
    assert all(hasattr(shown[name], each) for each in names)
    assert completed("value.", value=shown[name]) == set(names)


def test_completion_offers_the_fields_and_the_methods(run: muslin.Run) -> None:
    assert {"name", "layers", "because", "edited", "classes"} <= set(dir(muslin.load_design("custom_cnn")))
    assert {"epochs", "with_", "optimizer"} <= set(dir(muslin.load_recipe("fast")))
    assert {"network", "history", "predict", "folder", "open"} <= set(dir(run))
