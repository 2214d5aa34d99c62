"""`muslin.new`: a design to start from, fitted to the images."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from muslin._disk.files import write_text
from muslin.design import load_design, parse_design
from muslin.design.explain import plain
from muslin.design.template import format_commented, start_design
from muslin.errors import DesignError
from muslin.workflow.observer import Observer

if TYPE_CHECKING:
    from muslin.data import ReadingOptions

FASHION_MNIST = (28, 28, 1), 10  # input shape and classes of a design if no data are given
LONGEST_NAME = 64
LONGEST_PATH = 4096  # a command with a shortened path would not work


def new(
    file: str | Path,
    data: str | Path | None = None,
    *,
    sample: bool = False,
    classes: str | Path | None = None,
    like: str | Path | None = None,
    force: bool = False,
    **reading: Unpack[ReadingOptions],
) -> Path:
    """Write a design to start from, with comments that explain every field; return its path.

    The design is valid and fits the images. Its reasons are left for the author to write.

    Args:
        file: TOML file to write; the ending is added if it is missing.
        data: images to fit, a path that `muslin.load_data` reads (default: 28×28 gray pixels in 10 classes).
        sample: whether to fit the sample that ships with Muslin.
        classes: names of the classes, as in `muslin.load_data`.
        like: design whose layers and reasons are copied (default: a small convolutional network).
        force: whether to replace an existing file.
        **reading: how the files are read, as in `muslin.load_data`: ``size="48x48"``, ``test_fraction=0.15`` and so on.

    Raises:
        DesignError: the file exists already, is a folder or has no name, or `like` cannot be read or fitted.
        DataError: the images cannot be read.
    """
    path = _place(Path(file))
    if path.exists() and not force:
        raise DesignError(f"{path} exists already. Choose another name, or pass `force=True` to replace it.")
    shape, count = _fitting(data, sample, classes, reading)
    name = _name(path)
    if like is None:
        design = start_design(name, shape, count)
    else:
        model = load_design(like).fitted_to(shape, count)
        # The claims of the design are about other images.
        design = model.model_copy(
            update={"name": name, "title": f"{model.title} (from {model.name})".strip(), "claims": ()}
        )
    images = f" --data {shlex.quote(str(data))}{as_arguments(classes=classes, **reading)}" if data else ""
    images = " --sample" if sample else images
    text = format_commented(design, plain(typed(Path(path.name)), LONGEST_PATH), plain(images, LONGEST_PATH))
    parse_design(text, str(path))
    write_text(path, text)
    return path


def as_arguments(**options: Any) -> str:
    """Return options as they are typed, each behind a blank; those without a value are left out.

    >>> as_arguments(size="48x48", color=None, transpose=True)
    ' --size 48x48 --transpose'
    """
    written = ""
    for name, value in options.items():
        if value is not None and value is not False:
            written += f" --{name.replace('_', '-')}" + ("" if value is True else f" {shlex.quote(str(value))}")
    return written


def typed(path: Path) -> str:
    """Return the path as typed in a shell, with ./ before a name that would otherwise be read as an option."""
    return shlex.quote(f"./{path}" if str(path).startswith("-") else str(path))


def _fitting(
    data: str | Path | None, sample: bool, classes: str | Path | None, reading: ReadingOptions
) -> tuple[tuple[int, int, int], int]:
    """Return the input shape and the number of classes of the images."""
    if data is None and not sample:
        return FASHION_MNIST
    from muslin.workflow.inputs import Named, open_data  # noqa: PLC0415  (NumPy: only where there are images)

    # Training refuses a leak; it does not change the shape.
    named = Named(data, sample=sample, classes=classes, allow_leak=True, reading=reading)
    dataset = open_data(named, Observer(), download=False)
    return dataset.input_shape, dataset.classes


def _place(file: Path) -> Path:
    """Return the path of the file to write, with its suffix.

    Raises:
        DesignError: the path is a folder, or has no name before the suffix.
    """
    if file.is_dir():
        raise DesignError(f"{file} is a folder. Pass the name of a file to write.")
    if file.name.lower() in (".toml", ".."):
        raise DesignError(f"{file} has no name before its suffix. Choose a name such as mine.toml.")
    path = file if file.suffix.lower() == ".toml" else file.with_name(f"{file.name}.toml")
    if path.is_dir():
        raise DesignError(f"{path} is a folder. Pass the name of a file to write.")
    return path


def _name(path: Path) -> str:
    """Return a design name from a file name, with an underscore for each character that is not allowed."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", path.stem).lstrip("._-")[:LONGEST_NAME] or "design"
