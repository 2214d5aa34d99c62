"""The voice: plain technical English in American spelling, in source, docs and messages, as far as a test can check."""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]
# Files and folders whose text is checked.
ROOTS = (
    ".github",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "README.md",
    "SECURITY.md",
    "benchmarks",
    "docs",
    "fuzz",
    "src",
    "tests/golden",
    "tools",
)
SUFFIXES = (".html", ".js", ".md", ".py", ".pyi", ".toml", ".txt", ".yml")
LONGEST_LINE = 120  # characters of a Markdown line

BANNED = (
    r"held against",
    r"hold(?:s|ing)? \S+ against",
    r"by turns",
    r"goes? the plain way",
    r"must be given",
    r"the luck of",
    r"a twin undefined is allowed",
    r"is not believed",
    r"for want of",
    r"gone? on with",
    r"see that (?:every|each|some|all|no|the)\b",
    r"in four studies of five",
    r"what is (?:asked|said|taken|given)\b",
    r"there is no (?:newest|name for)",
    r"someone who",
    r"of so many",
    r"so many (?:seeds|images|steps|threads|points|epochs|times)\b(?! that)",
    r"nothing is worth",
    r"the yardstick",
    r"\w+: (?:Adam|Muon|a teacher)'s\.",
    r"\w+: that (?:trains|is|was|has)\b",
    r"plain way",
    r"luck of the",
    r"makes up and prints",
    r"twin of equal size",
    r"do it again",
    r"what is taken for what",
    r"known before training",
    r"the course of training",
    r"four studies of five",
    r"per cent",
    r"in a thread each",
    r"fitting room",
    r"would again",
    r"half trained",
)
BRITISH = (
    r"\w*colour\w*",
    r"grey\w*",
    r"(?:de)?centre[ds]?",
    r"neighbour\w*",
    r"(?:mis)?behaviour\w*",
    r"favour\w*",
    r"honour\w*",
    r"labelled|labelling|modelled|modelling|cancelled|travelled",
    r"licence\w*",
    r"\w*(?:normal|initial|regular|optim|recogn|general|visual|special|summar|categor|organ|minim|maxim|quant|"
    r"orthogonal|serial|util|emphas|penal|random|standard|synchron)is(?:e[ds]?|ing|ations?|er|ers)",
    r"analys(?:ed?|ing)",
    r"catalogue\w*",
    r"judgement|artefacts?|grammes?|metres?|millimetres?",
    r"learnt|spelt|misspelt|burnt",
    r"towards",
)
CONTRACTIONS = r"\w+n't|(?:it|that|there|what|who|here|let)'s|(?:you|we|they)'(?:re|ll|ve|d)|i'm"
ONE_MANY = (
    "thread|image|epoch|seed|step|run|point|worker|study|studies|classe|label|pixel|layer|parameter|second|minute|"
    "hour|byte|trial|file|alternative|decision|claim|network|teacher|row|column|value|name|filter|unit|problem"
)
RULES = {
    "a phrase to replace": re.compile(rf"\b(?:{'|'.join(BANNED)})", re.IGNORECASE),
    "British spelling": re.compile(rf"\b(?:{'|'.join(BRITISH)})\b", re.IGNORECASE),
    "a space before %": re.compile(r"(?:^|[\d}]) %(?![\w(}])"),
    "a contraction": re.compile(rf"\b(?:{CONTRACTIONS})\b", re.IGNORECASE),
    "a plural after 1": re.compile(rf"(?<![\w.,–×-])(?<!\+ )1 (?:{ONE_MANY})s\b"),
}
# Public names, whose spelling is fixed, and text of others or of earlier versions.
CODE = re.compile(
    r"``[^`]*``|`[^`]*`|(?:sharpen|resize), ?centre, ?invert|\"centre\"|(?:neighbours|centre)(?=:)|"
    r"can't allocate memory|\"−40 %\""
)
FOREIGN = re.compile(r"/work/|/root/|\bissue #?\d+|TODO|FIXME|lorem ipsum", re.IGNORECASE)
NAME = re.compile(r"\w+")


def files(roots: tuple[str, ...] = ROOTS) -> list[Path]:
    """The files under the roots that have text to check."""
    found: list[Path] = []
    for root in roots:
        path = PROJECT / root
        assert path.exists(), root
        found += sorted(path.rglob("*")) if path.is_dir() else [path]
    return [path for path in found if path.suffix in SUFFIXES and "evidence" not in path.parts]


def passages(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a file that people read, with their numbers: of Python, comments and strings other than names."""
    text = path.read_text(encoding="utf-8")
    if path.suffix not in (".py", ".pyi"):
        yield from enumerate(text.splitlines(), start=1)
        return
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if tokenize.tok_name[token.type] not in ("STRING", "FSTRING_MIDDLE", "COMMENT"):
            continue
        if token.type == tokenize.STRING and NAME.fullmatch(token.string.strip("rbuf\"'")):
            continue
        yield from enumerate(token.string.splitlines(), start=token.start[0])


def breaches(text: str) -> list[str]:
    """What is wrong with a line, as "a contraction: don't"."""
    prose = CODE.sub("``", text)
    return [f"{rule}: {found[0].strip()}" for rule, pattern in RULES.items() if (found := pattern.search(prose))]


@pytest.mark.parametrize("root", ROOTS)
def test_the_text_is_plain_technical_english_in_american_spelling(root: str) -> None:
    found = [
        f"{path.relative_to(PROJECT)}:{number}: {breach}"
        for path in files((root,))
        for number, line in passages(path)
        for breach in breaches(line)
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("root", ROOTS)
def test_no_phrase_to_replace_runs_over_a_line_break(root: str) -> None:
    pattern, found = RULES["a phrase to replace"], []
    for path in files((root,)):
        text = " ".join(CODE.sub("``", line).strip(" #*") for _, line in passages(path))
        found += [f"{path.relative_to(PROJECT)}: {phrase[0]}" for phrase in pattern.finditer(text)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("root", ROOTS)
def test_the_project_speaks_of_itself_alone(root: str) -> None:
    found = [
        f"{path.relative_to(PROJECT)}:{number}: {foreign[0]}"
        for path in files((root,))
        for number, line in passages(path)
        if (foreign := FOREIGN.search(line))
    ]
    assert not found, "\n".join(found)


def test_markdown_lines_are_short() -> None:
    found = []
    for path in files():
        if path.suffix != ".md":
            continue
        found += [
            f"{path.relative_to(PROJECT)}:{number}: {len(line)} characters"
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
            if len(line) > LONGEST_LINE
        ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("line", "breach"),
    [
        ("Claims are held against measurements.", "a phrase to replace: held against"),
        ("beta1: Adam's.", "a phrase to replace: beta1: Adam's."),
        ("recipe: that trains.", "a phrase to replace: recipe: that trains"),
        ("The intervals cover the luck of the draw.", "a phrase to replace: the luck of"),
        ("a grey image", "British spelling: grey"),
        ("two neighbouring pixels", "British spelling: neighbouring"),
        ("batch normalisation", "British spelling: normalisation"),
        ("accuracy 92.3 %", "a space before %: 3 %"),
        ('f"{share} %"', "a space before %: } %"),
        ("It doesn't exist.", "a contraction: doesn't"),
        ("trained on 1 threads", "a plural after 1: 1 threads"),
        ("took 1 epochs", "a plural after 1: 1 epochs"),
    ],
)
def test_a_breach_is_found(line: str, breach: str) -> None:
    assert breaches(line) == [breach]


@pytest.mark.parametrize(
    "line",
    [
        "the centers of gray patches, in 92.3% of 1 epoch",
        "`Neighbours` and `centre` are names",
        "0–1 values, 1.1 points, the design's layers",
        "cannot, does not, will not",
        'f"{count:%Y}" % name',
    ],
)
def test_plain_english_passes(line: str) -> None:
    assert breaches(line) == []
