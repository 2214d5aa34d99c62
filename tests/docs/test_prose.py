"""How the documentation reads: short lines, one spelling, one style for percentages, the field's own words."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from docs.pages import ROOT, fences, name, pages, prose

LONGEST_LINE = 120
BRITISH = (
    r"grey|greys|greyscale|colour|colours|coloured|centre|centres|centred|behaviour|normalis\w*|initialis\w*|recognis\w*|"
    r"optimis\w*|neighbour\w*|favour\w*|honour\w*|analyse|analysed|analysing|labelled|modelling|licence|catalogue|"
    r"cancelled|travelled|metre|metres|summaris\w*|organis\w*|visualis\w*|generalis\w*|regularis\w*|penalis\w*"
)
# What the first version said, and what the field says.
BANNED = {
    "held against": "checked against, compared with",
    "holds against": "checks against",
    "hold against": "check against",
    "by turns": "alternating runs",
    "goes the plain way": "falls back to plain PyTorch",
    "plain way": "plain PyTorch",
    "luck of the": "seed-to-seed variation",
    "must be given": "required",
    "see that": "ensure",
    "makes up and prints": "generates and prints",
    "twin of equal size": "size-matched twin",
    "do it again": "reproduce this run",
    "what is taken for what": "most frequent confusions",
    "known before training": "static analysis",
    "the course of training": "training curves",
    "four studies of five": "80% power to detect",
    "goes on with": "resumes, continues",
    "per cent": "%",
    "in a thread each": "one thread each",
    "fitting room": "the page",
}
CONTRACTIONS = r"\b(?:\w+n't|it's|that's|there's|you're|we're|they're|you'll|it'll|let's)\b"


def _lines(page: Path) -> list[tuple[int, str]]:
    """Prose without its code."""
    return [(number, re.sub(r"`[^`]*`", "", line)) for number, line in prose(page)]


@pytest.mark.parametrize("page", pages(), ids=name)
def test_lines_are_short(page: Path) -> None:
    long = [number for number, line in enumerate(_text(page).splitlines(), 1) if len(line) > LONGEST_LINE]
    assert not long, f"{name(page)}: over {LONGEST_LINE} characters: {long}"


@pytest.mark.parametrize("page", pages(), ids=name)
def test_the_spelling_is_american(page: Path) -> None:
    found = [(n, *re.findall(rf"\b(?:{BRITISH})\b", line, re.IGNORECASE)) for n, line in _lines(page)]
    assert not [words for words in found if len(words) > 1], name(page)


@pytest.mark.parametrize("page", pages(), ids=name)
def test_the_field_s_words_are_used(page: Path) -> None:
    text = " ".join(line for _, line in _lines(page))
    found = {phrase: better for phrase, better in BANNED.items() if re.search(rf"\b{phrase}\b", text, re.IGNORECASE)}
    assert not found, f"{name(page)}: {found}"


@pytest.mark.parametrize("page", pages(), ids=name)
def test_there_are_no_contractions(page: Path) -> None:
    found = [(n, *re.findall(CONTRACTIONS, line, re.IGNORECASE)) for n, line in _lines(page)]
    assert not [words for words in found if len(words) > 1], name(page)


@pytest.mark.parametrize("page", pages(), ids=name)
def test_a_percentage_has_no_space(page: Path) -> None:
    outputs = {line for fence in fences(page) for line in fence.text.splitlines()}
    found = [line for line in _text(page).splitlines() if re.search(r"\d\s%", line) and line not in outputs]
    assert not found, name(page)


@pytest.mark.parametrize("page", pages(), ids=name)
def test_one_is_singular(page: Path) -> None:
    found = [
        line for _, line in _lines(page) if re.search(r"(?<![\d.,–-])1 (?:threads|seeds|epochs|images|runs)\b", line)
    ]
    assert not found, name(page)


@pytest.mark.parametrize("page", pages(), ids=name)
def test_the_project_speaks_of_itself_alone(page: Path) -> None:
    assert not re.search(r"/work/|/root/|\bissue #?\d+|TODO|FIXME|lorem ipsum", _text(page)), name(page)


def _text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def test_every_page_stands_in_the_site_s_contents() -> None:
    contents = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    for page in pages():
        if ROOT / "docs" in page.parents:
            assert page.relative_to(ROOT / "docs").as_posix() in contents, name(page)
