"""Help: for every verb, by both flags, and for those who mistype."""

from __future__ import annotations

import importlib.metadata

import click
import pytest

from muslin.cli import VERBS, main, muslin


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as exit_:
        main(list(arguments))
    out, err = capsys.readouterr()
    assert isinstance(exit_.value.code, int)
    return exit_.value.code, out, err


def verb(name: str) -> click.Command:
    command = muslin.get_command(click.Context(muslin), name)
    assert command is not None
    return command


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_lists_every_verb_with_its_purpose(flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, flag)
    assert (status, err) == (0, "")
    words = " ".join(out.split())
    for name, purpose in VERBS.items():
        assert f"{name} {purpose}" in words


@pytest.mark.parametrize("flag", ["-h", "--help"])
@pytest.mark.parametrize("name", VERBS)
def test_every_verb_has_help(name: str, flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, name, flag)
    assert (status, err) == (0, "")
    assert out.startswith(f"Usage: muslin {name} ")
    assert "-h, --help" in out


@pytest.mark.parametrize("name", VERBS)
def test_every_option_is_explained(name: str) -> None:
    command = verb(name)
    assert command.help
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, f"{name} {parameter.opts}"


@pytest.mark.parametrize("name", VERBS)
def test_an_unknown_option_is_wrong_usage(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, name, "--no-such-option")
    assert (status, out) == (2, "")
    assert "No such option" in err


@pytest.mark.parametrize(("typed", "meant"), [("analyse", "analyze"), ("trian", "train"), ("exprot", "export")])
def test_a_mistyped_verb_is_answered_with_the_one_meant(
    typed: str, meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, err = run(capsys, typed)
    assert (status, out) == (2, "")
    assert f"Did you mean '{meant}'?" in err


def test_a_verb_like_no_other_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    status, _, err = run(capsys, "xyzzy")
    assert status == 2
    assert "No such command 'xyzzy'" in err


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "--version") == (0, f"muslin {importlib.metadata.version('muslin')}\n", "")
