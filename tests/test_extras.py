"""Without the extras, everything else works, and what is missing is named with the command that installs it.

A process in which the packages of all extras cannot be found stands in for an installation without them.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from helpers.small_designs import DESIGNS, random_network, weights_of
from muslin import _extras
from muslin.cli import VERBS
from muslin.data import Dataset
from muslin.design import Design
from muslin.errors import ExportError, MuslinError, TrainingError

PYPROJECT = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
EXTRAS = {name: needed for name, needed in PYPROJECT["optional-dependencies"].items() if name != "all"}
PRELUDE = """
import sys
LACKING = {
    "absl", "fastapi", "h5py", "httptools", "keras", "multipart", "namex", "python_multipart", "ray",
    "starlette", "uvicorn", "uvloop",
}

class Lacking:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in LACKING:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Lacking())
"""
TYPED = "from muslin.cli import main\nmain(sys.argv[1:])\n"
EVERYTHING = """
import importlib, pkgutil
import muslin
names = [found.name for found in pkgutil.walk_packages(muslin.__path__, "muslin.")]
for name in names:
    if not name.startswith("muslin.server.") and not name.endswith("__main__"):
        importlib.import_module(name)
for name in muslin.__all__:
    getattr(muslin, name)
import muslin.server.serve
assert not LACKING & set(sys.modules)
print(len(names))
"""
FROM_PYTHON = """
import muslin
from muslin.errors import MuslinError
for call in (lambda: muslin.serve("latest"), lambda: muslin.server.create_app):
    try:
        call()
    except MuslinError as error:
        print(error)
"""


def without_extras(program: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PRELUDE + program, *arguments],
        cwd=folder,
        env=os.environ | {"MUSLIN_CACHE": str(folder / "cache"), "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )


def typed(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return without_extras(TYPED, folder, *arguments)


def missing(purpose: str, extra: str) -> str:
    return f'{purpose} needs packages that are not installed here. Install them with: pip install "muslin[{extra}]"'


@pytest.mark.long
def test_every_module_outside_the_server_can_be_imported(tmp_path: Path) -> None:
    done = without_extras(EVERYTHING, tmp_path)
    assert not done.returncode, done.stderr
    assert int(done.stdout) > 150


def test_every_verb_explains_itself(tmp_path: Path) -> None:
    program = """
from muslin.cli import VERBS, main
for arguments in [["--help"], *([verb, "--help"] for verb in VERBS), ["list"], ["analyze"]]:
    try:
        main(arguments)
    except SystemExit as exit_:
        assert not exit_.code, (arguments, exit_.code)
"""
    done = without_extras(program, tmp_path)
    assert not done.returncode, done.stderr
    assert len(re.findall("^Usage: muslin", done.stdout, re.MULTILINE)) == len(VERBS) + 1


def test_serving_names_its_extra(tmp_path: Path) -> None:
    done = typed(tmp_path, "serve")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"muslin: {missing('serving', 'serve')}\n"
    done = without_extras(FROM_PYTHON, tmp_path)
    assert done.stdout.splitlines() == [missing("serving", "serve")] * 2, done.stderr


@pytest.mark.long
def test_a_ray_cluster_names_its_extra(tmp_path: Path) -> None:
    done = typed(tmp_path, "ablate", "--sample", "--decision", "pooling", "--executor", "ray", "--quiet")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"muslin: {missing('running trials on Ray', 'ray')}\n"


@pytest.mark.timeout(300)
@pytest.mark.trains
def test_a_run_skips_the_keras_files_and_an_export_that_names_them_fails(tmp_path: Path) -> None:
    done = typed(
        tmp_path, "run", "dense_baseline", "--baseline", "none", "--sample", "--epochs", "1", "--device", "cpu"
    )
    assert not done.returncode, done.stderr
    reason = missing("writing .keras and .h5 files", "keras")
    assert f"Skipping model.keras and model.h5: {reason}" in done.stderr
    (folder,) = (path for path in (tmp_path / "runs").iterdir() if not path.is_symlink())
    assert (folder / "report.html").exists()
    assert {path.name for path in folder.glob("model.*")} == {"model.onnx", "model.safetensors"}
    for to in ("keras", "h5"):
        done = typed(tmp_path, "export", str(folder), "--to", to, "--quiet")
        assert (done.returncode, done.stdout, done.stderr) == (1, "", f"muslin: {reason}\n")
    assert not [*folder.rglob("*.keras"), *folder.rglob("*.h5")]
    done = typed(tmp_path, "export", str(folder), "--to", "onnx", "--quiet")
    assert not done.returncode, done.stderr


@pytest.fixture
def lacking(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The modules that this process does not find."""
    names: set[str] = set()
    found = _extras.find_spec
    monkeypatch.setattr(_extras, "find_spec", lambda name: None if name in names else found(name))
    return names


@pytest.mark.parametrize("module", ["fastapi", "starlette", "uvicorn", "httptools", "python_multipart"])
def test_one_missing_package_is_enough(module: str, lacking: set[str]) -> None:
    _extras.require("serve")
    lacking.add(module)
    with pytest.raises(MuslinError, match=r"pip install \"muslin\[serve\]\"$"):
        _extras.require("serve")


def test_from_python_the_error_is_of_the_class_that_the_caller_expects(
    sample: Dataset, tmp_path: Path, lacking: set[str]
) -> None:
    from muslin.exports import export  # noqa: PLC0415
    from muslin.trials.ray import RayExecutor  # noqa: PLC0415

    lacking |= {"keras", "ray"}
    small: Design = DESIGNS["dense relu"]
    with pytest.raises(ExportError, match="keras"):
        export(small, weights_of(random_network(small)), tmp_path / "model.keras", "keras")
    assert not [*tmp_path.iterdir()]
    with pytest.raises(TrainingError, match="ray"):
        RayExecutor(sample)


def test_the_checked_modules_are_those_of_the_extras() -> None:
    """Extras that are declared are checked, and `all` installs each of them; no extra is required by the core."""
    assert set(EXTRAS) == set(_extras._EXTRAS)
    (everything,) = map(Requirement, PYPROJECT["optional-dependencies"]["all"])
    assert (everything.name, everything.extras) == (PYPROJECT["name"], set(EXTRAS))
    core = {Requirement(line).name for line in PYPROJECT["dependencies"]}
    for extra, lines in EXTRAS.items():
        names = {Requirement(line).name.replace("-", "_") for line in lines}
        assert not names & {name.replace("-", "_") for name in core}
        # uvloop is a choice of uvicorn's, and Windows has none; Starlette comes with FastAPI.
        assert names - {"uvloop"} == set(_extras._EXTRAS[extra].modules) - {"starlette"}
