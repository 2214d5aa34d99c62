"""Weights on disk: what comes back is what went in, or a clear refusal."""

from __future__ import annotations

import contextlib
import json
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file

from helpers.small_designs import DESIGNS, design, random_network, weights_of
from muslin.design import load_design
from muslin.errors import ExportError, MuslinError, RunError
from muslin.exports import export
from muslin.exports.safetensors import load_weights, read_card

DESIGN = DESIGNS["flatten after conv"]
WEIGHTS = weights_of(random_network(DESIGN))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return export(DESIGN, WEIGHTS, tmp_path / "model.safetensors", "safetensors", class_names=("a", "b", "c", "d"))


def test_weights_come_back_bit_for_bit(path: Path) -> None:
    again = load_weights(path, DESIGN)
    assert again.keys() == WEIGHTS.keys()
    for name, values in WEIGHTS.items():
        assert again[name].dtype == np.float32
        np.testing.assert_array_equal(again[name], values)


def test_the_file_says_what_it_is_without_its_folder(path: Path) -> None:
    card = read_card(path)
    assert card.design == DESIGN
    assert card.class_names == ("a", "b", "c", "d")


def test_any_reader_of_safetensors_gets_the_state_dict(path: Path) -> None:
    assert {name: values.shape for name, values in load_file(path).items()} == {
        "conv.weight": (3, 2, 3, 3),
        "conv.bias": (3,),
        "output.weight": (4, 9 * 7 * 3),
        "output.bias": (4,),
    }


def test_equal_weights_make_equal_files(path: Path, tmp_path: Path) -> None:
    again = export(DESIGN, WEIGHTS, tmp_path / "again.safetensors", "safetensors", class_names=("a", "b", "c", "d"))
    assert again.read_bytes() == path.read_bytes()


def test_weights_in_another_memory_order_are_written_rightly(tmp_path: Path) -> None:
    fortran = {name: np.asfortranarray(values) for name, values in WEIGHTS.items()}
    path = export(DESIGN, fortran, tmp_path / "model.safetensors", "safetensors")
    np.testing.assert_array_equal(load_weights(path, DESIGN)["conv.weight"], WEIGHTS["conv.weight"])


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_cut_or_a_flipped_byte_leads_to_nothing_worse_than_a_clear_error(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("damaged") / "model.safetensors"
    content = bytearray(export(DESIGN, WEIGHTS, path, "safetensors").read_bytes())
    if data.draw(st.booleans(), label="cut"):
        content = content[: data.draw(st.integers(0, len(content) - 1))]
    else:
        table = struct.unpack("<Q", content[:8])[0]
        content[data.draw(st.integers(0, 8 + table - 1))] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    for read in (lambda: load_weights(path, DESIGN), lambda: read_card(path)):
        with contextlib.suppress(RunError):
            read()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"<!DOCTYPE html><title>Log in</title>", "damaged, truncated, or not a safetensors file"),
        (b"PK\x03\x04" + bytes(100), "damaged, truncated, or not a safetensors file"),
        (b"\x80\x04\x95pickle.", "damaged, truncated, or not a safetensors file"),
    ],
    ids=["empty", "web page", "zip", "pickle"],
)
def test_what_is_no_safetensors_file_is_called_so(content: bytes, says: str, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    with pytest.raises(RunError, match=says):
        load_weights(path, DESIGN)


def test_a_missing_file_and_a_folder_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="does not exist"):
        load_weights(tmp_path / "nowhere.safetensors", DESIGN)
    with pytest.raises(RunError, match=r"cannot be read|damaged"):
        load_weights(tmp_path, DESIGN)


ONE_WRONG = {
    "missing": ({name: values for name, values in WEIGHTS.items() if name != "conv.bias"}, "'conv.bias' is missing"),
    "surplus": ({**WEIGHTS, "spy.weight": np.zeros(1, np.float32)}, "'spy.weight' is not part of the design"),
    "shape": (
        {**WEIGHTS, "conv.weight": np.zeros((3, 2, 5, 5), np.float32)},
        "'conv.weight' has shape 3×2×5×5, but the design needs 3×2×3×3",
    ),
    "type": ({**WEIGHTS, "conv.bias": np.zeros(3, np.float64)}, "'conv.bias' has type float64"),
    "not a number": (
        {**WEIGHTS, "output.bias": np.array([1, np.nan, np.inf, 0], np.float32)},
        "'output.bias' has 2 values that are infinite or NaN",
    ),
}


@pytest.mark.parametrize(("weights", "says"), ONE_WRONG.values(), ids=ONE_WRONG)
def test_weights_that_do_not_fit_are_neither_read_nor_written(
    weights: dict[str, np.ndarray], says: str, tmp_path: Path
) -> None:
    path = tmp_path / "model.safetensors"
    save_file(weights, path)
    with pytest.raises(RunError, match=says):
        load_weights(path, DESIGN)
    for to in ("safetensors", "onnx", "keras"):
        with pytest.raises(ExportError, match=says):
            export(DESIGN, weights, tmp_path / f"new.{to}", to)  # type: ignore[arg-type]
    assert [file.name for file in tmp_path.iterdir()] == ["model.safetensors"]


def test_weights_of_another_design_are_refused(path: Path) -> None:
    with pytest.raises(RunError, match="does not contain the weights of design 'custom_cnn'"):
        load_weights(path, load_design("custom_cnn"))


def _with_metadata(path: Path, **metadata: str) -> Path:
    save_file(WEIGHTS, path, metadata)
    return path


@pytest.mark.parametrize(
    ("metadata", "says"),
    [
        ({}, "contains no design"),
        ({"muslin": "{"}, "contains damaged metadata"),
        ({"muslin": "[" * 100_000}, "contains damaged metadata"),
        ({"muslin": "[]"}, "contains no design"),
        ({"muslin": json.dumps({"muslin.design": "name = 1", "muslin.classes": "[]"})}, "contains damaged metadata"),
    ],
    ids=["none", "no JSON", "deep", "no mapping", "no design"],
)
def test_metadata_of_others_are_refused(metadata: dict[str, str], says: str, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=says):
        read_card(_with_metadata(tmp_path / "model.safetensors", **metadata))


def test_class_names_must_be_as_many_as_classes(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="'tried-on' has 4 classes, but 2 class names given"):
        export(DESIGN, WEIGHTS, tmp_path / "model.safetensors", "safetensors", class_names=("a", "b"))


def test_without_names_classes_are_called_by_their_numbers(tmp_path: Path) -> None:
    path = export(DESIGN, WEIGHTS, tmp_path / "model.safetensors", "safetensors")
    assert read_card(path).class_names == ("0", "1", "2", "3")


def test_an_unknown_format_is_named_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"format 'tflite' is unknown\. Choose onnx, keras, h5, safetensors"):
        export(DESIGN, WEIGHTS, tmp_path / "model.tflite", "tflite")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "to"),
    [
        ("model.hdf5", "h5"),
        ("model.h5", "keras"),
        ("model", "keras"),
        ("run.json", "safetensors"),
        ("design.toml", "onnx"),
        ("model.safetensors", "onnx"),
    ],
)
def test_a_name_that_is_no_name_for_the_format_is_refused(name: str, to: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("of value")
    with pytest.raises(ExportError, match=f"'{to}' needs a file name ending in .{to} .*{name}"):
        export(DESIGN, WEIGHTS, tmp_path / name, to)  # type: ignore[arg-type]
    assert (tmp_path / name).read_text() == "of value"


def test_a_place_that_can_t_be_written_to_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    small = design({"kind": "flatten", "name": "flatten"}, input_shape=(1, 1, 1))
    with pytest.raises(MuslinError, match="cannot be written"):
        export(small, weights_of(random_network(small)), tmp_path / "file" / "model.onnx", "onnx")
