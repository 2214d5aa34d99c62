"""Names of picture files, and of what systems leave beside them."""

from __future__ import annotations

from pathlib import Path, PurePath

# Suffixes of the formats that `decode` reads.
SUFFIXES = (".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".gif", ".webp", ".tif", ".tiff")
# Files and folders that Windows, macOS and network drives create in folders of pictures, in lower case.
_LEFT_BEHIND = ("thumbs.db", "ehthumbs.db", "desktop.ini", "__macosx", "@eadir", "$recycle.bin")


def is_picture(name: str) -> bool:
    """Whether a file's name is that of a picture.

    >>> is_picture("cat.JPG"), is_picture("README.txt")
    (True, False)
    """
    return PurePath(name).suffix.lower() in SUFFIXES


def is_hidden(name: str) -> bool:
    """Whether the name of a file or folder is hidden, or one that systems leave behind.

    >>> is_hidden("._cat.png"), is_hidden("Thumbs.db"), is_hidden("cat.png"), is_hidden("..")
    (True, True, False, False)
    """
    return (name.startswith(".") and name != "..") or name.lower() in _LEFT_BEHIND


def pictures_in(folder: Path) -> list[Path]:
    """Return the picture files in a folder and the folders in it, in the order of their names."""
    found = (path for path in folder.rglob("*") if is_picture(path.name) and path.is_file())
    return sorted(path for path in found if not any(map(is_hidden, path.relative_to(folder).parts)))
