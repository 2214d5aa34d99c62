"""Optional packages, by the extra that installs them: `pip install "muslin[serve]"`."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import Literal, TypeAlias

from muslin.errors import MuslinError

ExtraName: TypeAlias = Literal["serve", "keras", "ray"]


@dataclass(frozen=True)
class _Extra:
    """What an extra is for, and the modules that its packages provide."""

    purpose: str
    modules: tuple[str, ...]


_EXTRAS: dict[ExtraName, _Extra] = {
    "serve": _Extra("serving", ("fastapi", "httptools", "python_multipart", "starlette", "uvicorn")),
    "keras": _Extra("writing .keras and .h5 files", ("h5py", "keras")),
    "ray": _Extra("running trials on Ray", ("ray",)),
}


def require(extra: ExtraName, error: type[MuslinError] = MuslinError) -> None:
    """Check that the packages of an extra are installed, without importing them.

    Args:
        extra: name of the extra.
        error: class of the error to raise (default `MuslinError`).

    Raises:
        MuslinError: a package is missing; of class `error`.
    """
    found = _EXTRAS[extra]
    if not all(_is_installed(module) for module in found.modules):
        raise error(
            f"{found.purpose} needs packages that are not installed here. "
            f'Install them with: pip install "muslin[{extra}]"'
        )


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):  # ValueError: it is loaded, but has no specification
        return False
