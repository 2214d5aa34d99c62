"""Every kind of invalid design: the message names the place, the field, its value, the rule and the remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from helpers import golden
from muslin.cli import main
from muslin.design import parse_design
from muslin.errors import DesignError

HEAD = 'name = "tried"\ninput_shape = [8, 8, 1]\n'
OUTPUT = '[[layers]]\nkind = "dense"\nname = "output"\nunits = 3\n'
FLATTEN = '[[layers]]\nkind = "flatten"\nname = "flatten"\n'
WHOLE = HEAD + FLATTEN + OUTPUT


def conv(fields: str) -> str:
    return f'{HEAD}[[layers]]\nkind = "conv2d"\nname = "conv1"\n{fields}\n{FLATTEN}{OUTPUT}'


def dropout(fields: str) -> str:
    return f'{HEAD}{FLATTEN}[[layers]]\nkind = "dropout"\n{fields}\n{OUTPUT}'


def claim(fields: str) -> str:
    return f'{WHOLE}[[claims]]\nsays = "It is small."\n{fields}\n'


def decision(edits: str) -> str:
    return f'{WHOLE}[[decisions]]\nname = "d"\nchosen = "c"\nalternatives = [{{name = "a", edits = {edits}}}]\n'


# Problem → the design, and what the message must name: place, field, value or remedy.
BAD: dict[str, tuple[str, str]] = {
    # Decisions
    "an edit without brackets": (
        decision('{layers = "output", set = {units = 4}}'),
        "decision 1 'd': alternative 1 'a': edits = a table must be a list, in square brackets.",
    ),
    "an edit that no recipe takes": (
        decision("[{recipe = {epoch = 3}}]"),
        "recipe 'best': unknown field 'epoch'; did you mean 'epochs'?",
    ),
    # The whole file
    "an empty file": ("", 'field name is missing, e.g. name = "my_name". (2 more problems after this one.)'),
    "no layers": (HEAD, "[[layers]] in double brackets."),
    "an empty list of layers": (f"{HEAD}layers = []", "[[layers]] in double brackets."),
    "single brackets": (f'{HEAD}[layers]\nkind = "conv2d"', "[[layers]] in double brackets."),
    "layers that are text": (f'{HEAD}layers = "conv"', "[[layers]] in double brackets."),
    "layers that are numbers": (f"{HEAD}layers = [1]", "layer 1: not a table; "),
    "too many layers": (HEAD + FLATTEN * 257, "at most 256 layers."),
    "text without quotes": (
        "name = tried",
        "(at line 1, column 8): name = tried. Text needs quotes;",
    ),
    "a field given twice": ('name = "a"\nname = "b"', "cannot overwrite a value (at end of document)."),
    "nested brackets": (f"name = {'[' * 100_000}", "brackets are nested too deeply."),
    "nested tables": (f"{'a.' * 500}a = 1\n{WHOLE}", "a key has more than 64 parts"),
    "a number of 5,000 digits": (f"name = {'9' * 5_000}", "more than 4,300 digits."),
    "a hexadecimal number too long to print": (
        WHOLE.replace('"tried"', f"0x{'f' * 5_000}"),
        "name = a number with too many digits must be text in quotes.",
    ),
    # The design's own fields
    "an unknown field": (
        f"depth = 3\n{WHOLE}",
        "unknown field depth = 3; known fields: name, title, because,",
    ),
    "a layer's field at the top": (
        f"kind = [1]\n{WHOLE}",
        "unknown field kind = [1]; known fields: name, title,",
    ),
    "a misspelled field": (f'titel = "x"\n{WHOLE}', 'unknown field titel = "x"; did you mean title?'),
    "a name with a space": (
        WHOLE.replace("tried", "my design"),
        'name = "my design" must start with a letter or digit',
    ),
    "a name that is a date": (WHOLE.replace('"tried"', "2024-02-29"), "name = 2024-02-29 must be text in quotes."),
    "a reason that is a number": (f"because = 3\n{WHOLE}", "because = 3 must be text in quotes."),
    "an empty baseline": (f'baseline = ""\n{WHOLE}', 'baseline = "" must not be empty.'),
    "a shape without channels": (
        WHOLE.replace("[8, 8, 1]", "[8, 8]"),
        "input_shape = [8, 8] must be three whole numbers, [height, width, channels].",
    ),
    "a shape in words": (WHOLE.replace("[8, 8, 1]", '"8x8x1"'), 'input_shape = "8x8x1" must be three whole numbers,'),
    "a shape with a fraction": (WHOLE.replace("[8,", "[8.5,"), "input_shape = [8.5, 8, 1] must be three whole numbers"),
    "a height of zero": (WHOLE.replace("[8,", "[0,"), "input_shape = [0, 8, 1]: the height must be at least 1."),
    "an absurd width": (WHOLE.replace("8, 1]", "9999, 1]"), "the width must be at most 4,096."),
    "five channels": (WHOLE.replace("8, 1]", "8, 5]"), "input_shape = [8, 8, 5]: the channels must be at most 4."),
    # A layer's fields
    "a layer without a kind": (
        f'{HEAD}[[layers]]\nname = "x"\n',
        "layer 1 'x': required field kind is missing; it must be one of conv2d",
    ),
    "an unknown kind": (
        WHOLE.replace('"flatten"\n', '"MaxPooling2D"\n', 1),
        'layer 1 \'flatten\': kind = "MaxPooling2D" is not a kind of layer; did you mean "max_pool2d"? The kinds are',
    ),
    "a kind that is a list": (WHOLE.replace('"flatten"\n', "[1, 2]\n", 1), "kind = [1, 2] is not a kind of layer; the"),
    "an unknown field of a layer": (
        conv("filters = 2\nbias = false"),
        "layer 1 'conv1': unknown field bias = false; known fields: kind, name, because,",
    ),
    "a misspelled field of a layer": (
        conv("filter = 2"),
        "'conv1': unknown field filter = 2; did you mean filters?",
    ),
    "a missing field": (conv(""), "layer 1 'conv1': required field filters is missing (the number"),
    "text for a number": (conv('filters = "2"'), 'filters = "2" must be a whole number, without quotes.'),
    "true for a number": (conv("filters = true"), "filters = true must be a whole number."),
    "half a filter": (conv("filters = 2.5"), "filters = 2.5 must be a whole number."),
    "no filters": (conv("filters = 0"), "filters = 0 must be at least 1."),
    "negative filters": (conv("filters = -2"), "layer 1 'conv1': filters = -2 must be at least 1."),
    "absurdly many filters": (
        conv(f"filters = {10**30}"),
        "a number with too many digits must be at most 65,536.",
    ),
    "a kernel of zero": (conv("filters = 2\nkernel = 0"), "kernel = 0 must be at least 1."),
    "a kernel without width": (conv("filters = 2\nkernel = [3, 0]"), "kernel = [3, 0]: the width must be at least 1."),
    "a kernel of one number in brackets": (
        conv("filters = 2\nkernel = [3]"),
        "kernel = [3] must be a whole number, or two of them, [height, width].",
    ),
    "a kernel in three dimensions": (
        conv("filters = 2\nkernel = [3, 3, 3]"),
        "kernel = [3, 3, 3] must be a whole",
    ),
    "a kernel in words": (
        conv('filters = 2\nkernel = "3x3"'),
        'kernel = "3x3" must be a whole number, or two',
    ),
    "a kernel of true": (conv("filters = 2\nkernel = true"), "kernel = true must be a whole number, or two of them,"),
    "half true": (
        conv("filters = 2\nkernel = [true, 3]"),
        "kernel = [true, 3] must be a whole number, or two",
    ),
    "a negative stride": (conv("filters = 2\nstride = -1"), "stride = -1 must be at least 1."),
    "an unknown padding": (conv('filters = 2\npadding = "full"'), 'padding = "full" must be one of same, valid.'),
    "an unknown activation": (
        conv('filters = 2\nactivation = "ReLU"'),
        'activation = "ReLU" must be one of none, relu, elu, gelu, tanh, sigmoid, silu, softmax; did you mean "relu"?',
    ),
    "a rate that is not a number": (
        dropout('name = "drop"\nrate = nan'),
        "'drop': rate = nan must be a finite number.",
    ),
    "a rate in quotes": (dropout('name = "drop"\nrate = "0.5"'), 'rate = "0.5" must be a number, without quotes.'),
    "a rate of false": (dropout('name = "drop"\nrate = false'), "rate = false must be a number."),
    "a rate of one": (dropout('name = "drop"\nrate = 1'), "rate = 1 must be less than 1."),
    "a negative rate": (dropout('name = "drop"\nrate = -0.1'), "rate = -0.1 must be at least 0."),
    "a layer's name with a space": (
        dropout('name = "my layer"'),
        "layer 2 'my layer': name = \"my layer\" must start with a letter",
    ),
    "a name that would color the terminal": (dropout(r'name = "\u001b[31m\n"'), r"layer 2 '\x1b[31m\n': name ="),
    "an endless name": (dropout(f'name = "{"a" * 5_000}"'), "aaa…': name = "),
    # Layers that do not fit together
    "two layers of one name": (
        dropout('name = "flatten"'),
        "layer 2 'flatten' (dropout): layer 1 already has this name;",
    ),
    "a kernel larger than its input": (
        conv('filters = 2\nkernel = 9\npadding = "valid"'),
        "layer 1 'conv1' (conv2d): kernel = 9 covers 9 pixels, but the height of its input is only 8;",
    ),
    "a dilated kernel larger than its input": (
        conv('filters = 2\nkernel = [1, 3]\ndilation = 4\npadding = "valid"'),
        "kernel = 3 covers 9 pixels, but the width of its input is only 8;",
    ),
    "a dense layer on an image": (
        HEAD + OUTPUT,
        "layer 1 'output' (dense): a dense layer needs a vector of features, but its input is an image of 8×8×1.",
    ),
    "a convolution after flatten": (
        WHOLE.replace(OUTPUT, '[[layers]]\nkind = "conv2d"\nname = "late"\nfilters = 1\n' + OUTPUT),
        "layer 2 'late' (conv2d): the layer needs an image (height × width × channels)",
    ),
    "a second flatten": (
        HEAD + FLATTEN + FLATTEN.replace('name = "flatten"', 'name = "again"') + OUTPUT,
        "layer 2 'again' (flatten): the layer needs an image",
    ),
    "no dense output": (
        HEAD + FLATTEN,
        "layer 1 'flatten' (flatten): the last layer must be dense, with one unit per class; add a [[layers]] with",
    ),
    "an output that is neither probabilities nor logits": (
        f'{WHOLE}activation = "relu"\n',
        'layer 2 \'output\' (dense): activation = "relu" is not valid for the output layer; use "softmax"',
    ),
    "one class": (
        WHOLE.replace("units = 3", "units = 1"),
        "units = 1 is too small;",
    ),
    "softmax in the middle": (
        HEAD + FLATTEN + '[[layers]]\nkind = "dense"\nname = "hidden"\nunits = 4\nactivation = "softmax"\n' + OUTPUT,
        "layer 2 'hidden' (dense): activation = \"softmax\" is valid on the output layer only",
    ),
    "a layer too large for any memory": (
        conv("filters = 65536").replace("[8, 8, 1]", "[4096, 4096, 1]"),
        "layer 1 'conv1' (conv2d): output with 1,099,511,627,776 values; at most 2,147,483,648",
    ),
    # Claims
    "a claim about a missing layer": (
        claim('measure = "parameters"\nlayer = "conv9"\nequals = 3'),
        'claim 1: layer = "conv9" is not a layer of this design; its layers are flatten, output.',
    ),
    "a claim that expects nothing": (
        claim('measure = "parameters"'),
        "claim 1 'It is small.': a claim needs an expected value: add equals,",
    ),
    "about without within": (
        claim('measure = "parameters"\nabout = 3'),
        "about and within are only valid together",
    ),
    "a claim in words": (
        claim('measure = "parameters"\nequals = "few"'),
        'equals = "few" must be a number, or whole numbers in brackets such as [7, 7, 64].',
    ),
    "a claim of nan": (claim('measure = "parameters"\nat_least = nan'), "at_least = nan must be a finite number."),
    "a claim of true": (claim('measure = "parameters"\nequals = true'), "equals = true must be a number, or whole"),
    "a misspelled field of a claim": (
        claim('measur = "parameters"\nequals = 1'),
        '"parameters"; did you mean measure?',
    ),
    "claims in single brackets": (
        f'{WHOLE}[claims]\nsays = "x"',
        "[[claims]] in double brackets",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_design_is_explained(case: str) -> None:
    text, expected = BAD[case]
    with pytest.raises(DesignError) as caught:
        parse_design(text, "mine.toml")
    message = str(caught.value)
    assert message.startswith("mine.toml: ")
    assert expected in message
    assert "\n" not in message
    assert message.isprintable()
    assert len(message) < 400


def test_the_wording_of_design_errors() -> None:
    messages = {}
    for case, (text, _) in BAD.items():
        with pytest.raises(DesignError) as caught:
            parse_design(text, "mine.toml")
        messages[case] = str(caught.value)
    golden.compare("design", messages)


@pytest.mark.parametrize("case", BAD)
def test_the_command_line_prints_the_error_as_one_line(
    case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(BAD[case][0], encoding="utf-8")
    assert_explained(["analyze", str(path)], f"muslin: {path}: ", capsys)


def assert_explained(arguments: list[str], start: str, capsys: pytest.CaptureFixture[str]) -> str:
    """Run the command line: it must fail with one line on standard error and nothing on standard output."""
    with pytest.raises(SystemExit) as exit_:
        main(arguments)
    out, err = capsys.readouterr()
    assert exit_.value.code == 1
    assert out == ""
    assert err.startswith(start)
    assert err.count("\n") == 1
    assert "Traceback" not in err
    return err


def test_the_designs_above_are_one_step_from_a_valid_one() -> None:
    assert parse_design(WHOLE).classes == 3
    assert parse_design(conv("filters = 2")).names == ("conv1", "flatten", "output")
    assert parse_design(dropout('name = "drop"\nrate = 0')).names == ("flatten", "drop", "output")
    assert parse_design(claim('measure = "parameters"\nat_most = 1000')).claims[0].at_most == 1000


def test_a_missing_file_names_the_library_and_the_nearest_design(capsys: pytest.CaptureFixture[str]) -> None:
    message = assert_explained(["analyze", "custom_cn"], "muslin: no design 'custom_cn'", capsys)
    assert "(custom_cnn, dense_baseline)" in message
    assert "Did you mean 'custom_cnn'?" in message
    message = assert_explained(["analyze", "zebra.toml"], "muslin: no design 'zebra.toml'", capsys)
    assert "`muslin new NAME.toml`" in message


def test_a_missing_baseline_is_explained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert_explained(["analyze", "--baseline", "nothing"], "muslin: no design 'nothing'", capsys)
    path = tmp_path / "mine.toml"
    path.write_text(f'baseline = "gone.toml"\n{WHOLE}')
    assert_explained(["analyze", str(path)], "muslin: no design 'gone.toml'", capsys)


def test_a_folder_is_not_a_design(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    message = assert_explained(
        ["analyze", str(tmp_path)], f"muslin: {tmp_path} cannot be read: is a directory.", capsys
    )
    assert "a TOML file or the name of a library design" in message


def test_an_unreadable_path_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    assert_explained(["analyze", "a" * 5_000], "muslin: aaa", capsys)
    assert_explained(["analyze", "a\0b"], "muslin: a", capsys)


def test_a_file_that_is_not_text_is_explained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "picture.toml"
    path.write_bytes(b"name\xff")
    assert_explained(["analyze", str(path)], f"muslin: {path}: byte 5 is not UTF-8;", capsys)


def test_a_huge_file_is_refused_before_it_is_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "huge.toml"
    with path.open("wb") as file:
        file.truncate(10**12)  # a terabyte that takes no room on disk
    assert_explained(
        ["analyze", str(path)], f"muslin: {path}: too large for a design (more than 200,000 bytes).", capsys
    )


def test_a_file_without_end_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert_explained(
        ["analyze", "/dev/zero"], "muslin: /dev/zero: too large for a design (more than 200,000 bytes).", capsys
    )


def test_the_longest_file_allowed_is_refused_quickly(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "long.toml"
    path.write_text(HEAD + "[[layers]]\nkind=1\n" * 10_000)
    assert_explained(["analyze", str(path)], f"muslin: {path}: ", capsys)
