"""Reads hostile files, each in a process of its own that notes what happens: time, memory, code run, files touched.

    python -m helpers.hostile.watched FOLDER     for each file FOLDER/<number>/file a line of JSON on standard output

The process imports everything once and forks for each file, before anything has started a thread.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import sys
import sysconfig
import time
from pathlib import Path
from types import CodeType
from typing import Any

from PIL import Image

SEEN = (
    "os.system",
    "subprocess.Popen",
    "os.exec",
    "os.posix_spawn",
    "pickle.find_class",
    "marshal.loads",
    "ctypes.dlopen",
)
TOUCHING = ("os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.chmod", "os.truncate")
MEMORY = 3 * 2**30  # bytes: a bomb that goes off must not take the machine with it
OURS = tuple(
    str(Path(place).resolve())
    for place in (sysconfig.get_path("stdlib"), sysconfig.get_path("purelib"), sys.prefix, Path(__file__).parents[3])
)


class Watch:
    """An audit hook that notes what a reader has no business doing."""

    def __init__(self, folder: Path) -> None:
        self.folder = str(folder)
        self.noted: list[str] = []

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        match event:
            case "open" if self._writes(arguments) and not self._inside(arguments[0]):
                self.noted.append(f"wrote {arguments[0]}")
            case "open" if str(arguments[0]) == "/etc/passwd":
                self.noted.append("read /etc/passwd")
            case "exec" if isinstance(arguments[0], CodeType) and not self._ours(arguments[0].co_filename):
                self.noted.append(f"ran {arguments[0].co_filename}")
            case _ if event in TOUCHING and not self._inside(arguments[0]):
                self.noted.append(f"{event} {arguments[0]}")
            case _ if (event in SEEN and not _importing()) or event.startswith("socket."):
                self.noted.append(f"{event} {arguments!r:.80}")

    def _writes(self, arguments: tuple[Any, ...]) -> bool:
        _, mode, flags = arguments
        writes = isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        return bool(writes) or (isinstance(mode, str) and any(letter in mode for letter in "wax+"))

    def _inside(self, path: object) -> bool:
        return isinstance(path, int) or str(path).startswith((self.folder, "/dev/null"))

    def _ours(self, name: str) -> bool:
        return name.startswith((*OURS, "<frozen")) or _importing()


def _importing() -> bool:
    frame = sys._getframe()
    while frame is not None:
        if "importlib._bootstrap" in frame.f_code.co_filename:
            return True
        frame = frame.f_back  # type: ignore[assignment]
    return False


def read(reader: str, folder: Path) -> dict[str, Any]:
    """Hand the file in `folder` to a reader, in this process, and say what happened."""
    from helpers.hostile.readers import READERS  # noqa: PLC0415
    from muslin.errors import MuslinError  # noqa: PLC0415

    path = folder / READERS[reader].file
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    _ = READERS[reader].whole  # the files that stand beside the hostile one
    watch = Watch(folder)
    sys.addaudithook(watch)
    before, started = peak_bytes(), time.perf_counter()
    try:
        READERS[reader].read(path)
        kind, message = "read", ""
    except MuslinError as error:
        kind, message = "refused", str(error)
    except BaseException as error:
        kind, message = f"{type(error).__module__}.{type(error).__name__}", str(error)
    return {
        "outcome": kind,
        "message": message,
        "seconds": time.perf_counter() - started,
        "bytes": peak_bytes() - before,
        "noted": watch.noted,
    }


def peak_bytes() -> int:
    """The most memory that this process has had, since it began."""
    fields = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(fields["VmHWM"].split()[0]) * 1024


def main() -> None:
    """Read every file that is listed in FOLDER/list.json."""
    for module in (
        "helpers.hostile.readers",
        "muslin.exports.onnx",
        "muslin.training.checkpoint",
        "polars",
    ):  # once, not in each child
        importlib.import_module(module)
    Image.init()
    root = Path(sys.argv[1])
    for number, reader in json.loads((root / "list.json").read_text()).items():
        out, into = os.pipe()
        child = os.fork()
        if not child:
            Path("/proc/self/clear_refs").write_text("5")  # the highest mark begins here
            os.write(into, json.dumps(read(reader, root / number)).encode())
            os._exit(0)
        os.close(into)
        with os.fdopen(out, "rb") as answer:
            text = answer.read()
        _, status = os.waitpid(child, 0)
        found = json.loads(text) if text else {"outcome": f"died of {status}", "message": "", "noted": []}
        print(json.dumps({"number": number, **found}), flush=True)


if __name__ == "__main__":
    main()
