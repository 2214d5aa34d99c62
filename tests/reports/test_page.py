"""The page itself: valid, whole, safe."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from matplotlib.figure import Figure

from helpers.page import Page
from helpers.studies import study
from muslin.cli import muslin
from muslin.data.source import Source
from muslin.design import Design, parse_design
from muslin.errors import MuslinError, RunError
from muslin.reports import build_report
from muslin.reports.build import render
from muslin.runs.folder import RunFolder
from muslin.runs.record import RunRecord
from muslin.training.history import History
from muslin.workflow.report import report

from .conftest import CNN, MakeRun

FIGURES = (
    "sample_grid",
    "architecture",
    "training_curves",
    "confusion_matrix",
    "per_class",
    "reliability",
    "confidently_wrong",
    "accuracy",
    "filters",
    "filter_responses",
    "feature_maps",
    "class_activation_maps",
)
HOSTILE = '</title></style><script>alert("1")</script><img src=x onerror=alert(2)> {{ 7 * 7 }} ]]>'
WHOLE_PAGE_LIMIT = 6_000_000  # bytes


def draw(folder: RunFolder, title: str = "") -> None:
    """Twelve figures that use the same ids, clip paths and glyphs, and an image each."""
    folder.figures_path.mkdir()
    for name in FIGURES:
        figure = Figure((8, 4))
        axes = figure.subplots(1, 2)
        axes[0].plot([1, 3, 2], marker="o")
        axes[1].imshow([[0, 1], [1, 0]])
        figure.suptitle(title or name)
        for suffix in ("svg", "png"):
            figure.savefig(folder.figures_path / f"{name}.{suffix}")


@pytest.mark.long
def test_the_page_is_valid_with_every_figure_and_without_any(make_run: MakeRun) -> None:
    folder = make_run()
    assert Page(render(folder)).wrong == []
    assert Page(render(folder)).all("figure") == []
    draw(folder)
    page = Page(render(folder))
    assert page.wrong == []
    assert [figure["id"] for figure in page.all("figure")] == [
        f"figure-{name}" for name in sorted(FIGURES, key=lambda name: page.html.index(f'id="figure-{name}"'))
    ]
    assert {figure["id"] for figure in page.all("figure")} == {f"figure-{name}" for name in FIGURES}
    assert page.all("html") == [{"lang": "en"}]
    pictures = page.all("img")
    assert len(pictures) == len(FIGURES)
    assert all(picture["alt"] for picture in pictures)


@pytest.mark.long
def test_the_page_asks_nothing_of_the_network_and_runs_no_code(make_run: MakeRun) -> None:
    folder = make_run()
    draw(folder)
    page = Page(build_report(folder).read_text(encoding="utf-8"))
    assert "default-src 'none'" in str(page.all("meta"))
    assert page.all("script") == []
    for tag, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on")], tag
        for name in ("src", "href", "xlink:href", "srcset", "action", "data"):
            assert re.match(r"#|data:|$", attributes.get(name) or ""), (tag, attributes)
    assert not re.search(r"@import|url\((?!#)", page.html)
    assert len(page.html.encode()) < WHOLE_PAGE_LIMIT


def test_the_story_comes_in_order(make_run: MakeRun) -> None:
    page = Page(render(make_run()))
    sections = [section["id"] for section in page.all("section")]
    contents = [str(link["href"]) for link in page.all("a") if str(link.get("href", "")).startswith("#")]
    assert sections == [
        "data", "rationale", "layers", "architecture", "analysis", "setup", "training", "results", "test", "inside",
        "summary", "repeat",
    ]  # fmt: skip
    assert {f"#{name}" for name in sections} <= set(contents)


@pytest.mark.long
def test_words_from_files_stay_words(make_run: MakeRun) -> None:
    content = CNN.model_dump(mode="json")
    content |= {"title": HOSTILE, "because": HOSTILE}
    content["layers"] = [layer | {"because": HOSTILE} for layer in content["layers"]]
    content["claims"] = [claim | {"says": HOSTILE} for claim in content["claims"]]

    def change(record: RunRecord) -> RunRecord:
        names = (HOSTILE, *record.data.class_names[1:])
        data = record.data.model_copy(
            update={
                "class_names": names,
                "source": Source(kind="other", name=HOSTILE),
                "audit": record.data.audit.model_copy(update={"leak": HOSTILE}),
            }
        )
        environment = record.environment.model_copy(update={"processor": HOSTILE, "system": HOSTILE})
        recipe = record.recipe.model_copy(update={"because": HOSTILE})
        return record.model_copy(update={"data": data, "environment": environment, "recipe": recipe})

    folder = make_run(Design.model_validate(content), change=change)
    draw(folder, HOSTILE)
    page = Page(render(folder))
    assert page.wrong == []
    assert page.all("script") == []
    assert [image for image in page.all("img") if image.get("src") == "x"] == []
    assert page.words.count("alert(2)") > 20
    assert "{{ 7 * 7 }}" in page.words


def test_what_a_run_lacks_is_left_out_with_its_paragraphs(make_run: MakeRun) -> None:
    bare = parse_design("""
        name = "bare"
        input_shape = [28, 28, 1]
        layers = [{ kind = "flatten", name = "flat" }, { kind = "dense", name = "out", units = 10 }]
    """)
    folder = make_run(bare, evaluated=False, baseline=None, outcome=None)
    page = Page(render(folder))
    assert page.wrong == []
    ids = {attributes.get("id") for _, attributes in page.elements}
    assert not {"comparison", "claims", "evidence"} & ids
    assert {"comparison", "claims"} <= {attributes.get("id") for _, attributes in Page(render(make_run())).elements}
    assert "muslin evaluate" in page.words
    assert "no convolution" in page.words
    assert "Training is incomplete" in page.words


def test_a_run_without_an_epoch_has_no_report_and_leaves_no_file(make_run: MakeRun) -> None:
    folder = make_run(history=History())
    with pytest.raises(RunError, match="no finished epoch"):
        build_report(folder)
    assert not folder.report_path.exists()


def test_the_verb_writes_where_it_is_told_and_says_where(make_run: MakeRun, tmp_path: Path) -> None:
    folder = make_run()
    out = tmp_path / "elsewhere" / "a [b].html"
    result = CliRunner().invoke(muslin, ["report", str(folder.path), "-o", str(out)])
    assert result.exit_code == 0
    assert result.output == f"{out}\n"
    assert out.read_text(encoding="utf-8") == render(folder)
    assert CliRunner().invoke(muslin, ["report", str(folder.path)]).output == f"{folder.report_path}\n"
    no_run = CliRunner().invoke(muslin, ["report", str(tmp_path / "nothing")])
    assert isinstance(no_run.exception, RunError)


@pytest.mark.parametrize("place", ["model.safetensors", "run.json", "mine.toml", "baseline/report.html"])
def test_a_report_takes_the_place_of_nothing_else(make_run: MakeRun, tmp_path: Path, place: str) -> None:
    folder = make_run()
    kept = folder.path / place
    kept.touch()
    before = kept.read_bytes()
    done = CliRunner().invoke(muslin, ["report", str(folder.path), "-o", str(kept), "--study", str(tmp_path)])
    assert isinstance(done.exception, MuslinError)
    named = "baseline" if place.endswith(".html") else place
    assert named in str(done.exception)
    assert place.endswith(".html") or ".htm" in str(done.exception)
    assert kept.read_bytes() == before


def test_a_report_that_cannot_be_written_is_explained(make_run: MakeRun, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(MuslinError, match=r"report\.html"):
        build_report(make_run(), tmp_path / "file" / "report.html")


def test_building_a_report_imports_neither_torch_nor_matplotlib(make_run: MakeRun) -> None:
    folder = make_run(baseline=None)
    code = (
        "import sys; from muslin.runs.folder import RunFolder; from muslin.reports import build_report\n"
        "build_report(RunFolder.open(sys.argv[1]))\n"
        "print([name for name in ('torch', 'matplotlib', 'polars', 'sklearn', 'keras') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code, str(folder.path)], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_decisions_are_shown_with_what_a_study_found_out(make_run: MakeRun, tmp_path: Path) -> None:
    folder = make_run()
    assert "Measured decisions" not in Page(render(folder)).words
    found = study(tmp_path / "studies" / "one", CNN)
    shown = CliRunner().invoke(muslin, ["report", str(folder.path), "--study", str(found)], catch_exceptions=False)
    assert shown.exit_code == 0
    page = Page(folder.report_path.read_text(encoding="utf-8"))
    assert page.wrong == []
    for words in ("Measured decisions", "pooling: max", "average", "+0.31 [+0.10, +0.52]", "supported", "80.0"):
        assert words in page.words
    assert "recipe fast, 2 epochs, float32" in page.words
    assert any(attributes.get("id") == "figure-forest" for attributes in page.all("figure"))


def test_a_report_finds_the_study_beside_the_runs_and_keeps_the_one_it_has(make_run: MakeRun, tmp_path: Path) -> None:
    decided = CNN.model_copy(update={"name": "mine"})
    folder = make_run(decided)
    assert "which this report has no measurement of" in Page(render(folder)).words
    study(tmp_path / "studies" / "one", decided)
    report(folder)
    said = Page(folder.report_path.read_text(encoding="utf-8")).words
    assert "Measured decisions" in said
    assert "which this report has no measurement of" not in said
    kept = (folder.evidence_path / "justification.json").read_bytes()
    study(tmp_path / "studies" / "two", decided)
    report(folder)
    assert (folder.evidence_path / "justification.json").read_bytes() == kept


def test_a_folder_that_is_no_study_changes_nothing(make_run: MakeRun, tmp_path: Path) -> None:
    folder = make_run()
    with pytest.raises(RunError, match=r"justification\.json cannot be read"):
        CliRunner().invoke(muslin, ["report", str(folder.path), "--study", str(tmp_path)], catch_exceptions=False)
    assert not folder.report_path.exists()
