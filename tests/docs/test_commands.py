"""Every command in the documentation runs, and prints what the page shows."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from docs.pages import ROOT, Fence, fences, name, pages, prose
from docs.session import Session, alike, write_images
from muslin.cli import VERBS, muslin

RUN = ("console", "python")
SHOWN = ("toml", "text", "html")  # what is not run: content of files, and sketches
WITH_COMMANDS = [page for page in pages() if any(fence.language in RUN for fence in fences(page))]
SERVED = ROOT / "docs" / "reference" / "serve.md"  # its requests need a server: tests/server/test_documented.py
CODE = ("src", "tests", "benchmarks", "fuzz", "tools")  # folders that name pages of the documentation


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_images(tmp_path_factory.mktemp("images") / "fashion-mnist")


@pytest.fixture
def session(tmp_path: Path, images: Path) -> Iterator[Session]:
    session = Session(tmp_path, images)
    yield session
    session.close()


@pytest.mark.timeout(1200)
@pytest.mark.skipif(shutil.which("bash") is None, reason="the commands are for a shell")
@pytest.mark.parametrize("page", WITH_COMMANDS, ids=name)
def test_every_command_runs_and_prints_what_the_page_shows(page: Path, session: Session) -> None:
    wrong = []
    for fence in fences(page):
        if fence.title is not None:
            session.save(fence.title, fence.text)
        elif fence.not_run is not None or fence.language not in RUN:
            continue
        elif fence.language == "python":
            status, printed = session.python(fence.text)
            if status:
                pytest.fail(f"{name(page)}:{fence.line}\n{printed}")
        else:
            for command, expected in fence.commands():
                if page == SERVED and command.startswith("curl "):
                    continue
                status, printed = session.console(command)
                if status:
                    pytest.fail(f"{name(page)}:{fence.line}\n$ {command}\n{printed}")
                if expected and not alike(expected, printed):
                    wrong.append(f"{name(page)}:{fence.line}\n$ {command}\n{printed}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("page", pages(), ids=name)
def test_a_fence_says_what_it_is_and_why_it_is_not_run(page: Path) -> None:
    for fence in fences(page):
        where = f"{name(page)}:{fence.line}"
        assert fence.language in (*RUN, *SHOWN), where
        if fence.language == "console":
            assert fence.text.startswith("$ "), f"{where}: a console begins with a command"
        else:
            assert not re.search(r"^\$ ", fence.text, re.MULTILINE), f"{where}: a command belongs in a console"


@pytest.mark.parametrize("page", pages(), ids=name)
def test_code_stands_in_fences(page: Path) -> None:
    """A block that is only indented would be run by no test."""
    owner, blank = "", False  # the last line without indentation; whether an empty one is right before
    for number, line in prose(page):
        if line.startswith("    ") and blank:
            assert re.match(r"- |\d+\. |:   |\?\?\?", owner), f"{name(page)}:{number}"
        blank = not line.strip()
        if line.strip() and not line.startswith(" "):
            owner = line


def _inline(page: Path) -> Iterator[tuple[int, str]]:
    for number, line in prose(page):
        for code in re.findall(r"(?<!`)`([^`]+)`(?!`)", line):
            yield number, code


@pytest.mark.parametrize("page", pages(), ids=name)
def test_commands_within_sentences_have_the_verbs_and_options_that_there_are(page: Path) -> None:
    for number, code in _inline(page):
        words = code.split()
        if words[0] != "muslin" or len(words) < 2 or words[1].startswith(("-", "/")) or words[1] == "VERB":
            continue
        verb = words[1]
        assert verb in VERBS, f"{name(page)}:{number}: {code}"
        command = muslin.get_command(click.Context(muslin), verb)
        assert command is not None
        known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
        used = {word.partition("=")[0] for word in words[2:] if word.startswith("-") and word != "-"}
        assert used <= known | {"-h", "--help"}, f"{name(page)}:{number}: {code}"


@pytest.mark.parametrize("page", pages(), ids=name)
def test_files_that_measured_or_test_something_are_there(page: Path) -> None:
    for number, code in _inline(page):
        for path in re.findall(r"\b(?:benchmarks|tests|tools|fuzz|docs|src)/[\w./-]+", code):
            placeholder = re.search(r"[A-Z]{4,}", path) and not path.endswith(".md")
            assert placeholder or (ROOT / path).exists(), f"{name(page)}:{number}: {path}"


def test_pages_that_the_code_names_are_there() -> None:
    files = [path for folder in CODE for path in sorted((ROOT / folder).rglob("*")) if path.suffix in {".py", ".toml"}]
    missing = [
        f"{path.relative_to(ROOT)}: {found}"
        for path in (*files, ROOT / "Makefile", ROOT / "mkdocs.yml")
        for found in re.findall(r"(?<![\w./-])docs/[\w/-]+\.\w+", path.read_text(encoding="utf-8"))
        if not (ROOT / found).exists()
    ]
    assert not missing, "\n".join(missing)


@pytest.mark.parametrize("page", pages(), ids=name)
def test_links_lead_to_something(page: Path) -> None:
    for number, line in prose(page):
        for target in re.findall(r"\]\(([^)\s]+)\)", line) + re.findall(r'src="([^"]+)"', line):
            if target.startswith(("http://", "https://")):
                continue
            path, _, anchor = target.partition("#")
            file = (page.parent / path).resolve() if path else page
            assert file.exists(), f"{name(page)}:{number}: {target}"
            if anchor:
                assert anchor in _anchors(file), f"{name(page)}:{number}: {target}"


def test_every_page_stands_in_the_contents_of_the_site() -> None:
    contents = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    for page in pages():
        if ROOT / "docs" in page.parents:
            assert page.relative_to(ROOT / "docs").as_posix() in contents, name(page)


def _anchors(page: Path) -> set[str]:
    headings = [line.lstrip("#").strip() for _, line in prose(page) if re.match(r"#+ ", line)]
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def test_the_front_page_names_the_two_commands() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "make run" in readme
    assert "make test" in readme


def test_a_fence_in_a_page_is_found_with_its_commands(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("<!-- not run: why -->\n```console\n$ a << END\n> b\nc\n…\n$ d\n```\n", encoding="utf-8")
    assert fences(page) == [Fence(2, "console", None, "$ a << END\n> b\nc\n…\n$ d", "why")]
    assert list(fences(page)[0].commands()) == [("a << END\nb", ["c", "…"]), ("d", [])]


def test_what_is_printed_is_compared_but_for_numbers_and_spaces() -> None:
    assert alike(["a  12.5%", "…", "z −3"], f"a 99%{os.linesep}b\nc\nz +4\n")
    assert alike(["a", "…"], "a\n")
    assert alike(["begins…"], "begins like this\n")
    assert not alike(["a", "z"], "a\nb\nz\n")
    assert not alike(["…", "z"], "a\n")
