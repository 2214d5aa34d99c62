"""Data sets by name, from a publisher on this machine."""

import functools
import gzip
import hashlib
import http.server
import io
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from helpers import tiny
from helpers.tiny import WriteData
from muslin.data import load_data
from muslin.data.places import catalog
from muslin.data.places.catalog import CATALOG, Entry, named, near
from muslin.data.places.published import PublishedArchive, PublishedFile, kept
from muslin.data.source import Source
from muslin.errors import DataError

LOGIN = b"<!doctype html><title>Log in to the hotel's network</title>"


class _Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        self.server.asked.append(self.path)  # type: ignore[attr-defined]

    def do_GET(self) -> None:
        if self.server.trick == "login" and not self.path.startswith("/login"):  # type: ignore[attr-defined]
            self.send_response(302)
            self.send_header("Location", "/login")
            self.end_headers()
        elif self.path.startswith("/login"):
            self._answer(LOGIN, len(LOGIN))
        elif self.server.trick == "cut":  # type: ignore[attr-defined]
            self._answer(b"only the beginning", 1000)
        elif self.server.trick == "long":  # type: ignore[attr-defined]
            self._answer(bytes(10**6), 10**6)
        else:
            super().do_GET()

    def _answer(self, body: bytes, length: int) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The publisher's folder; the cache and the working directory are empty."""
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("MUSLIN_CACHE", str(tmp_path / "cache"))
    for name in ("served", "here"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "served"


@pytest.fixture
def server(served: Path) -> Iterator[http.server.ThreadingHTTPServer]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Handler, directory=served)) as server:
        server.asked, server.trick = [], ""  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def images(labels: np.ndarray, channels: int = 1) -> np.ndarray:
    rng = np.random.default_rng(len(labels))
    return rng.integers(0, 256, (len(labels), 32, 32, channels), dtype=np.uint8)


LABELS = {"train": np.arange(40) % 4, "test": np.arange(12) % 4}


def published(name: str, content: bytes, *, kind: str = "sha256", inside: str = "") -> PublishedFile:
    return PublishedFile(name, hashlib.new(kind, content).hexdigest(), len(content), inside)


def idx_files(prefix: str, first: int) -> dict[str, bytes]:
    found = {}
    for split, labels in LABELS.items():
        own = "t10k" if split == "test" and not prefix else split
        found[f"{prefix}{own}-images-idx3-ubyte.gz"] = gzip.compress(tiny.idx_bytes(images(labels)[..., 0]), mtime=0)
        found[f"{prefix}{own}-labels-idx1-ubyte.gz"] = gzip.compress(tiny.idx_bytes(labels + first), mtime=0)
    return found


def zip_of(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def tar_of(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def publish(served: Path, name: str) -> tuple[PublishedFile, ...]:
    """Write a small data set in the form of the named one, and return its files."""
    if name == "mnist":
        files = idx_files("", 0)
        for stored, content in files.items():
            (served / stored).write_bytes(content)
        return tuple(published(stored, content) for stored, content in files.items())
    if name == "medmnist:blood":
        arrays = {f"{split}_images": images(labels, 3) for split, labels in LABELS.items()}
        arrays |= {f"{split}_labels": labels[:, None] for split, labels in LABELS.items()}
        np.savez(served / "bloodmnist.npz", **arrays)
        return (published("bloodmnist.npz", (served / "bloodmnist.npz").read_bytes(), kind="md5"),)
    if name == "emnist-letters":
        files, folder, archive = idx_files("emnist-letters-", 1), "gzip", "gzip.zip"
        content = zip_of({f"gzip/{stored}": each for stored, each in files.items()} | {"gzip/other.gz": b"x"})
    else:
        files, folder, archive = {}, "cifar-10-batches-bin", "cifar-10-binary.tar.gz"
        for split, stored in (("train", "data_batch_1.bin"), ("test", "test_batch.bin")):
            pixels = images(LABELS[split], 3).transpose(0, 3, 1, 2).reshape(len(LABELS[split]), -1)
            files[stored] = np.column_stack([LABELS[split], pixels]).astype(np.uint8).tobytes()
        content = tar_of({f"{folder}/{stored}": each for stored, each in files.items()} | {"../readme": b"x"})
    (served / archive).write_bytes(content)
    members = tuple(published(stored, each, inside=f"{folder}/{stored}") for stored, each in files.items())
    return (PublishedArchive(archive, hashlib.sha256(content).hexdigest(), len(content), members=members),)


@pytest.fixture
def offer(served: Path, server: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Publish a small set under the name of a known one."""

    def of(name: str, **changes: Any) -> Entry:
        known = CATALOG[name]
        values = {
            "name": name,
            "title": known.title,
            "bases": (f"http://127.0.0.1:{server.server_address[1]}",),
            "files": publish(served, name),
            "class_names": ("a", "b", "c", "d"),
            "first_label": known.first_label,
            "transposed": known.transposed,
            "query": known.query,
        }
        entry = Entry(**(values | changes))
        monkeypatch.setattr(catalog, "CATALOG", {name: entry})
        return entry

    return of


@pytest.mark.parametrize("name", ["mnist", "medmnist:blood", "emnist-letters", "cifar10"])
def test_a_set_is_fetched_verified_and_kept(offer: Any, server: Any, tmp_path: Path, name: str):
    entry = offer(name)
    calls: list[tuple[str, int, int | None]] = []
    data = load_data(name, validation_fraction=0.1, progress=lambda *call: calls.append(call))
    expected = images(LABELS["test"], data.test.images.shape[-1])
    np.testing.assert_array_equal(data.test.images, expected.transpose(0, 2, 1, 3) if entry.transposed else expected)
    np.testing.assert_array_equal(data.test.labels, LABELS["test"])
    assert data.class_names == ("a", "b", "c", "d")
    cache = tmp_path / "cache" / name.replace(":", "-")
    assert data.source == Source(kind="download", path=cache, name=entry.bases[0], dataset=name)
    assert data.source.given == Path(name)
    assert sorted(path.name for path in cache.iterdir()) == sorted(
        each.stored for file in entry.files for each in kept(file)
    )
    assert calls[-1][1] == calls[-1][2]
    asked = len(server.asked)
    again = load_data(name)
    assert again.source.kind == "cache"
    assert again.fingerprint == data.fingerprint
    assert len(server.asked) == asked
    assert f"{name} from your cache" in str(again.source)


def test_transposing_by_hand_as_well_does_not_turn_twice(offer: Any):
    offer("emnist-letters")
    plain, asked = load_data("emnist-letters"), load_data("emnist-letters", transpose=True)
    np.testing.assert_array_equal(plain.test.images, asked.test.images)
    assert plain.notes[0] == "the rows and columns of all images were exchanged"


@pytest.mark.parametrize("name", ["mnist", "medmnist:blood", "emnist-letters", "cifar10"])
def test_a_damaged_file_in_the_cache_is_fetched_again(offer: Any, tmp_path: Path, name: str):
    offer(name)
    whole = load_data(name).fingerprint
    for path in (tmp_path / "cache" / name.replace(":", "-")).iterdir():
        path.write_bytes(path.read_bytes()[:-1] + b"?")
    data = load_data(name)
    assert data.fingerprint == whole
    assert data.source.kind == "download"
    assert "not the published file" in data.lookup[1].outcome


@pytest.mark.parametrize(
    ("trick", "reason"),
    [
        ("login", "is a web page"),
        ("cut", "the transfer broke off"),
        ("long", "serves more than"),
    ],
)
@pytest.mark.parametrize("name", ["mnist", "medmnist:blood", "emnist-letters", "cifar10"])
def test_what_is_served_instead_of_the_file_is_told_and_not_kept(
    offer: Any, server: Any, tmp_path: Path, name: str, trick: str, reason: str
):
    offer(name)
    server.trick = trick
    with pytest.raises(DataError, match=f"was found nowhere.*127.0.0.1.*{reason}.*Without a network, fetch"):
        load_data(name)
    assert not list((tmp_path / "cache").glob("*/*"))


@pytest.mark.parametrize("name", ["mnist", "medmnist:blood", "emnist-letters", "cifar10"])
def test_a_file_of_another_hash_is_told_and_not_kept(offer: Any, served: Path, tmp_path: Path, name: str):
    entry = offer(name)
    path = served / entry.files[0].stored
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    with pytest.raises(DataError, match=rf"{path.name} is not the published file: its (MD5|SHA-256) is"):
        load_data(name)
    assert not list((tmp_path / "cache").glob("*/*"))


def test_an_archive_without_a_member_or_with_another_is_refused(offer: Any, tmp_path: Path):
    entry = offer("cifar10")
    archive = entry.files[0]
    assert isinstance(archive, PublishedArchive)
    for member, reason in ((published("x.bin", b"x"), "lacks x.bin"), (published("x", b"x", inside="../readme"), "")):
        more = PublishedArchive(archive.stored, archive.digest, archive.most, members=(*archive.members[:1], member))
        offer("cifar10", files=(more,))
        with pytest.raises(DataError, match=reason or "has no data_batch_1|no test|found nowhere|labeled"):
            load_data("cifar10")
    assert not (tmp_path / "readme").exists()


def test_the_next_address_is_tried(offer: Any):
    entry = offer("mnist")
    offer("mnist", bases=(f"{entry.bases[0]}/moved", *entry.bases))
    outcomes = [place.outcome for place in load_data("mnist").lookup]
    assert outcomes[-2].startswith("answered 404 for ")
    assert outcomes[-1] == "found, verified"


def test_nothing_is_fetched_unless_asked_for(offer: Any, server: Any):
    offer("mnist")
    with pytest.raises(DataError, match=r"MNIST was found nowhere.*fetching: not asked for"):
        load_data("mnist", download=False)
    assert not server.asked


def test_a_path_that_exists_goes_before_a_name(offer: Any, write_data: WriteData):
    offer("mnist")
    write_data("idx").rename("mnist")
    data = load_data("mnist")
    assert (data.source.kind, data.source.dataset) == ("path", "")


def test_the_variable_may_hold_a_name(offer: Any, monkeypatch: pytest.MonkeyPatch):
    offer("mnist")
    monkeypatch.setenv("MUSLIN_DATA", "MNIST")
    assert load_data().source.dataset == "mnist"


def test_a_name_that_is_misspelled_gets_the_near_ones():
    with pytest.raises(DataError, match=r"mnits does not exist, and no data set .* Similar names are mnist"):
        load_data("mnits")
    assert near("medmnist:bood")[0] == "medmnist:blood"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("MNIST", "mnist"),
        ("fashion_mnist", "fashion-mnist"),
        ("FashionMNIST", "fashion-mnist"),
        ("CIFAR-10", "cifar10"),
        ("bloodmnist", "medmnist:blood"),
        ("medmnist:bloodmnist", "medmnist:blood"),
        ("EMNIST-letters", "emnist-letters"),
        ("mnist/raw", None),
        ("photos", None),
    ],
)
def test_spellings_of_a_name(text: str, name: str | None):
    assert named(text) == name


def test_every_address_is_https_and_every_hash_has_the_length_of_one():
    for entry in CATALOG.values():
        assert all(base.startswith("https://") for base in entry.bases)
        for file in (*entry.files, *(each for archive in entry.files for each in kept(archive))):
            assert len(bytes.fromhex(file.digest)) in (16, 32)
            assert file.most > 0
    digests = [each.digest for entry in CATALOG.values() for file in entry.files for each in kept(file)]
    assert len(set(digests)) == len(digests)
