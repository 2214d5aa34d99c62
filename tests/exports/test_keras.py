"""The Keras files as Keras sees them."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from helpers.small_designs import DESIGNS, random_images, random_network, weights_of
from muslin.analysis import analyze
from muslin.design import Design, load_design
from muslin.errors import ExportError, MuslinError
from muslin.exports import export
from muslin.exports.keras import import_keras, write_keras
from muslin.exports.verify import verify_keras
from muslin.network import Network

SMALL = DESIGNS["dense relu"]


@pytest.mark.parametrize("name", ["custom_cnn", "dense_baseline"])
@pytest.mark.parametrize("suffix", ["keras", "h5"])
def test_keras_counts_the_parameters_and_shapes_of_the_analysis(name: str, suffix: str, tmp_path: Path) -> None:
    described = load_design(name)
    path = export(described, weights_of(Network(described)), tmp_path / f"model.{suffix}", suffix)  # type: ignore[arg-type]
    model = import_keras().saving.load_model(path, compile=False)
    analysis = analyze(described)
    assert model.name == name
    assert [layer.name for layer in model.layers] == list(described.names)
    assert model.count_params() == analysis.parameters
    assert [layer.count_params() for layer in model.layers] == [row.parameters for row in analysis.layers]
    assert [layer.output.shape[1:] for layer in model.layers] == [row.output_shape for row in analysis.layers]
    assert model.input_shape == (None, 28, 28, 1)


@pytest.mark.parametrize("described", [SMALL, DESIGNS["logits"]], ids=["softmax", "none"])
def test_the_last_activation_is_the_design_s(described: Design, tmp_path: Path) -> None:
    path = export(described, weights_of(random_network(described)), tmp_path / "model.keras", "keras")
    sums = import_keras().saving.load_model(path)(random_images(described) / 255.0).sum(-1)
    assert bool((abs(sums - 1) < 1e-5).all()) == (described.output_layer.activation == "softmax")


def test_without_the_front_door_the_suffix_is_checked_too(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"ending in \.keras or \.h5"):
        write_keras(SMALL, weights_of(random_network(SMALL)), tmp_path / "model.pt")


@pytest.fixture
def full_disk() -> Iterator[None]:
    """No file of this process gets longer than 1,000 bytes: the system itself refuses to write on."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("to", ["keras", "h5"])
def test_a_failed_write_leaves_the_old_file_alone(
    to: str, tmp_path: Path, full_disk: None, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / f"model.{to}"
    path.write_bytes(b"old")
    with pytest.raises(MuslinError) as raised:
        export(SMALL, weights_of(random_network(SMALL)), path, to)  # type: ignore[arg-type]
    said = "cannot be written: File too large. Free some space, or choose a folder that you may write to."
    assert str(raised.value) == f"{path} {said}"
    assert capfd.readouterr().err == ""
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    assert path.read_bytes() == b"old"


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut off", b"<html>"])
@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_damaged_file_does_not_verify(suffix: str, content: bytes, tmp_path: Path) -> None:
    path = tmp_path / f"model{suffix}"
    path.write_bytes(content)
    with pytest.raises(ExportError, match="cannot be loaded by Keras"):
        verify_keras(path, random_network(SMALL), random_images(SMALL))


IN_A_FRESH_PROCESS = """
import sys
from collections.abc import Iterator
from pathlib import Path
from muslin.design import load_design
from muslin.errors import ExportError
from muslin.exports import export
from muslin.exports._weights import expected_shapes
import numpy as np

design = load_design("dense_baseline")
weights = {name: np.zeros(shape, np.float32) for name, shape in expected_shapes(design).items()}
try:
    for to in ("h5", "keras"):
        export(design, weights, Path(sys.argv[1]) / f"model.{to}", to)
except ExportError as error:
    sys.exit(f"explained: {error}")
"""


def fresh_process(folder: Path, backend: str | None) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "KERAS_BACKEND"}
    environment |= {"KERAS_BACKEND": backend} if backend else {}
    # A Keras of its own: its configuration says "tensorflow", as one that Keras writes by itself does.
    (folder / "home").mkdir()
    environment["KERAS_HOME"] = str(folder / "home")
    (folder / "home" / "keras.json").write_text(
        '{"floatx": "float16", "epsilon": 1e-07, "backend": "tensorflow", "image_data_format": "channels_first"}'
    )
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", IN_A_FRESH_PROCESS, folder],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.long
def test_keras_is_silent_and_a_person_s_configuration_changes_nothing(tmp_path: Path) -> None:
    done = fresh_process(tmp_path, backend=None)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    model = import_keras().saving.load_model(tmp_path / "model.keras")
    assert {layer.dtype for layer in model.layers} == {"float32"}
    assert model.get_layer("flatten").data_format == "channels_last"


def test_a_backend_that_is_not_installed_is_explained(tmp_path: Path) -> None:
    done = fresh_process(tmp_path, backend="abacus")
    assert done.returncode == 1
    assert done.stderr.startswith("explained: Keras cannot start with KERAS_BACKEND='abacus'")
    assert not list(tmp_path.glob("model*"))
