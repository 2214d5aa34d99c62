import io
import json
from contextlib import redirect_stderr

import pytest
from rich.console import Console

from muslin.cli._output import Output


def test_notes_go_to_standard_error_and_answers_to_standard_output(capsys: pytest.CaptureFixture[str]):
    output = Output()
    output.note("looking")
    output.detail("only for the curious")
    output.answer("42")
    captured = capsys.readouterr()
    assert captured.err == "looking\n"
    assert captured.out == "42\n"


def test_verbose_says_more_and_quiet_says_nothing_but_the_answer(capsys: pytest.CaptureFixture[str]):
    Output(verbose=True).detail("for the curious")
    quiet = Output(quiet=True)
    quiet.note("looking")
    quiet.answer("42")
    captured = capsys.readouterr()
    assert captured.err == "for the curious\n"
    assert captured.out == "42\n"


def test_json_keeps_its_letters_and_refuses_what_is_not_json(capsys: pytest.CaptureFixture[str]):
    Output().answer_json({"name": "28×28", "values": [1, None]})
    text = capsys.readouterr().out
    assert json.loads(text) == {"name": "28×28", "values": [1, None]}
    assert "28×28" in text
    with pytest.raises(ValueError, match="not JSON compliant"):
        Output().answer_json(float("nan"))


def test_without_a_terminal_each_thing_that_is_fetched_is_one_line(capsys: pytest.CaptureFixture[str]):
    with Output().progress() as progress:
        for done in range(0, 101, 10):
            progress("Fetching a", done, 100)
        progress("Fetching b", 0, None)
    assert capsys.readouterr().err == "Fetching a …\nFetching b …\n"


def test_on_a_terminal_there_is_a_bar_with_the_amount():
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    screen = Terminal()
    with redirect_stderr(screen):
        output = Output()
        output.__dict__["notes"] = Console(stderr=True, force_terminal=True, width=100)
        with output.progress() as progress:
            progress("Fetching a", 1_500_000, 26_400_000)
    assert "1.5 of 26.4 MB" in screen.getvalue()
