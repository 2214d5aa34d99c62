import functools
import gzip
import http.server
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from helpers import release
from muslin.data.places import mirrors
from muslin.data.places.official import OfficialFile
from muslin.data.places.progress import silent
from muslin.data.places.published import wanted
from muslin.errors import DataError

TRAIN_IMAGES = "train-images-idx3-ubyte.gz"


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        self.server.asked.append(self.path)  # type: ignore[attr-defined]


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def served(tmp_path: Path) -> Path:
    folder = tmp_path / "served"
    folder.mkdir()
    return folder


@pytest.fixture
def server(served: Path) -> Iterator[http.server.ThreadingHTTPServer]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=served)) as server:
        server.asked = []  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def base(server: http.server.ThreadingHTTPServer) -> str:
    return f"http://127.0.0.1:{server.server_address[1]}"


@pytest.fixture
def files(served: Path) -> tuple[OfficialFile, ...]:
    return release.write(served)


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    folder = tmp_path / "cache"
    folder.mkdir()
    return folder


def test_every_mirror_is_reached_over_https():
    assert all(base.startswith("https://") for base in mirrors.MIRRORS)


def test_all_files_arrive_verified(base: str, files: tuple[OfficialFile, ...], served: Path, cache: Path):
    mirrors.fetch(cache, silent, base=base, files=files)
    for file in files:
        name = f"{file.name}.gz"
        assert (cache / name).read_bytes() == (served / name).read_bytes()
    assert len(list(cache.iterdir())) == 4


def test_an_address_may_end_in_a_slash(server: http.server.ThreadingHTTPServer, base: str, served: Path, cache: Path):
    (served / "release").mkdir()
    files = release.write(served / "release")
    mirrors.fetch(cache, silent, base=f"{base}/release/", files=files)
    assert sorted(server.asked) == sorted(f"/release/{file.name}.gz" for file in files)


def test_progress_counts_up_to_the_size_of_each_file(
    base: str, files: tuple[OfficialFile, ...], served: Path, cache: Path
):
    calls: list[tuple[str, int, int | None]] = []
    mirrors.fetch(cache, lambda *call: calls.append(call), base=base, files=files)
    size = (served / TRAIN_IMAGES).stat().st_size
    of_images = [call for call in calls if call[0] == "Fetching train-images-idx3-ubyte"]
    assert of_images[0] == ("Fetching train-images-idx3-ubyte", 0, size)
    assert of_images[-1] == ("Fetching train-images-idx3-ubyte", size, size)


def test_only_missing_and_damaged_files_are_fetched(
    base: str, files: tuple[OfficialFile, ...], cache: Path, server: http.server.ThreadingHTTPServer
):
    mirrors.fetch(cache, silent, base=base, files=files)
    server.asked.clear()  # type: ignore[attr-defined]
    (cache / TRAIN_IMAGES).write_bytes(b"damaged")
    (cache / "t10k-labels-idx1-ubyte.gz").unlink()
    mirrors.fetch(cache, silent, base=base, files=files)
    assert server.asked == ["/t10k-labels-idx1-ubyte.gz", f"/{TRAIN_IMAGES}"]  # type: ignore[attr-defined]
    assert wanted(cache, files) == []


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (gzip.compress(b"\0\0\x08\x03 something else"), "is not the official file"),
        (b"<!doctype html><title>Log in to the hotel's network</title>", "is a web page"),
        (b"PK\x03\x04", "is a ZIP archive"),
        (b"", "is empty"),
        (bytes(10_000), "serves more than"),
        (gzip.compress(bytes(2**26))[:1500], "is not the official file"),
    ],
    ids=["other content", "web page", "ZIP", "empty", "over-long", "bomb"],  # gzip writes the time: no name for a test
)
def test_what_is_not_the_official_file_never_gets_its_name(
    base: str, files: tuple[OfficialFile, ...], served: Path, cache: Path, content: bytes, reason: str
):
    (served / TRAIN_IMAGES).write_bytes(content)
    with pytest.raises(DataError, match=reason):
        mirrors.fetch(cache, silent, base=base, files=files)
    assert TRAIN_IMAGES not in [path.name for path in cache.iterdir()]
    assert not list(cache.glob(".*"))


def test_a_missing_file_is_told_by_its_status(base: str, files: tuple[OfficialFile, ...], served: Path, cache: Path):
    (served / TRAIN_IMAGES).unlink()
    with pytest.raises(DataError, match=f"answered 404 for {TRAIN_IMAGES}"):
        mirrors.fetch(cache, silent, base=base, files=files)


def test_a_mirror_that_nobody_answers_for_is_a_missing_connection(cache: Path):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        base = f"http://127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(DataError, match="no connection"):
            mirrors.fetch(cache, silent, base=base)
    assert not list(cache.iterdir())


def test_a_mirror_that_hangs_is_given_up(cache: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(mirrors, "STALL_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as deaf, pytest.raises(DataError, match="no answer in time"):
        mirrors.fetch(cache, silent, base=f"http://127.0.0.1:{deaf.getsockname()[1]}")


def test_a_proxy_setting_that_makes_no_sense_is_told(cache: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ALL_PROXY", "gopher://127.0.0.1")
    with pytest.raises(DataError, match="the proxy settings cannot be used"):
        mirrors.fetch(cache, silent, base="http://127.0.0.1:1")
