import shutil
from pathlib import Path

import pytest

from helpers import release
from helpers.tiny import WriteData
from muslin._disk.cache import cache_folder
from muslin.data.places.official import OfficialFile
from muslin.data.places.progress import Progress
from muslin.data.places.sources import Fetcher, Found, find
from muslin.data.source import Source
from muslin.errors import DataError, MuslinError


class Machine:
    """Places to look in, all empty, and a publisher to fetch from."""

    def __init__(self, folder: Path) -> None:
        self.cache = folder / "cache"
        self.system = folder / "system"
        self.published = folder / "published"
        self.files: tuple[OfficialFile, ...] = release.write(self.published)
        self.asked: list[str] = []

    def publisher(self, folder: Path, progress: Progress) -> None:
        progress("Fetching", 0, None)
        self.asked.append("publisher")
        shutil.copytree(self.published, folder, dirs_exist_ok=True)

    def broken(self, _folder: Path, _progress: Progress) -> None:
        self.asked.append("broken")
        raise DataError("answered 503")

    def full_disk(self, _folder: Path, _progress: Progress) -> None:
        raise MuslinError("the disk is full")

    def find(self, *fetchers: str, path: Path | None = None, download: bool = True) -> Found:
        return find(
            path,
            download=download,
            cache=self.cache,
            system=self.system,
            fetchers=[Fetcher("download", name, getattr(self, name)) for name in fetchers],
            official=self.files,
        )


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def outcomes(found: Found) -> list[str]:
    return [place.outcome for place in found.lookup]


def test_a_path_goes_before_everything(machine: Machine, write_data: WriteData, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MUSLIN_DATA", str(machine.published))
    path = write_data("csv")
    found = machine.find(path=path)
    assert (found.source.kind, found.source.path, found.source.given) == ("path", path, path)
    assert outcomes(found) == ["found"]


def test_the_variable_goes_before_the_cache(machine: Machine, write_data: WriteData, monkeypatch: pytest.MonkeyPatch):
    release.write(machine.cache)
    path = write_data("npz")
    monkeypatch.setenv("MUSLIN_DATA", str(path))
    found = machine.find()
    assert (found.source.kind, found.source.path, found.source.given) == ("environment", path, path)
    assert outcomes(found) == ["not given", "found"]


def test_what_a_person_points_at_is_read_or_refused_and_never_passed_over(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
):
    release.write(machine.cache)
    monkeypatch.setenv("MUSLIN_DATA", str(machine.cache.parent / "mistyped"))
    with pytest.raises(DataError, match="mistyped does not exist"):
        machine.find()


def test_the_cache_goes_before_the_system(machine: Machine):
    release.write(machine.cache)
    release.write(machine.system)
    found = machine.find("publisher")
    assert (found.source.kind, found.source.path, found.source.given) == ("cache", machine.cache, None)
    assert outcomes(found) == ["not given", "not set", "found, verified"]


def test_the_system_goes_before_fetching(machine: Machine):
    release.write(machine.system)
    found = machine.find("publisher")
    assert (found.source.kind, found.source.path) == ("system", machine.system)
    assert machine.asked == []


def test_what_is_nowhere_is_fetched_once_and_then_cached(machine: Machine):
    found = machine.find("broken", "publisher")
    assert found.source == Source(kind="download", path=machine.cache, name="publisher")
    assert outcomes(found) == ["not given", "not set", "not there", "not there", "answered 503", "found, verified"]
    machine.find("broken", "publisher")
    assert machine.asked == ["broken", "publisher"]


def test_a_changed_file_in_the_cache_is_not_trusted_but_fetched_again(machine: Machine):
    release.write(machine.cache)
    images = machine.cache / "t10k-images-idx3-ubyte.gz"
    images.write_bytes((machine.cache / "train-images-idx3-ubyte.gz").read_bytes())
    labels = machine.cache / "t10k-labels-idx1-ubyte.gz"
    labels.write_bytes((machine.cache / "train-labels-idx1-ubyte.gz").read_bytes())
    found = machine.find("publisher")
    assert found.lookup[2].outcome == "t10k-labels-idx1-ubyte is not the official file"
    assert machine.asked == ["publisher"]
    assert len(found.contents.test) == 10


def test_a_damaged_file_in_the_cache_is_fetched_again(machine: Machine):
    release.write(machine.cache)
    (machine.cache / "t10k-images-idx3-ubyte.gz").write_bytes(b"torn")
    found = machine.find("publisher")
    assert found.lookup[2].outcome.startswith("damaged: ")
    assert len(found.contents.test) == 10


def test_a_fetch_that_brings_something_else_is_not_trusted(machine: Machine):
    (machine.published / "t10k-images-idx3-ubyte.gz").write_bytes(b"something else")
    with pytest.raises(DataError, match=r"publisher: damaged: .*t10k-images"):
        machine.find("publisher")


def test_what_was_tried_and_why_it_failed_is_listed_with_the_way_out(machine: Machine):
    with pytest.raises(DataError) as caught:
        machine.find("broken", "full_disk")
    message = str(caught.value)
    assert "\n" not in message
    for part in (
        "--data: not given",
        "MUSLIN_DATA: not set",
        f"your cache ({machine.cache}): not there",
        f"the system's copy ({machine.system}): not there",
        "broken: answered 503",
        "full_disk: the disk is full",
        "Without a network, fetch",
        "train-images-idx3-ubyte.gz",
        "--sample",
    ):
        assert part in message


def test_nothing_is_fetched_unless_asked_for(machine: Machine):
    with pytest.raises(DataError, match="fetching: not asked for"):
        machine.find("publisher", download=False)
    assert machine.asked == []
    assert not machine.cache.exists()


def test_a_cache_that_can_not_be_written_is_told_with_the_variable_that_moves_it(machine: Machine):
    machine.cache.write_text("a file in its place")
    with pytest.raises(DataError, match=r"the cache .* cannot be written: File exists.*Set MUSLIN_CACHE"):
        machine.find("publisher")


def test_the_cache_is_where_the_variable_or_the_system_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("MUSLIN_CACHE", str(tmp_path))
    assert cache_folder("fashion-mnist") == tmp_path / "fashion-mnist"
    monkeypatch.delenv("MUSLIN_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder("fashion-mnist").name == "fashion-mnist"
    assert "muslin" in cache_folder("fashion-mnist").parts


# ── The value ─────────────────────────────────────────────────────────────────────────────────────────────────────────

SENTENCES = {
    "--data (/home/ada/my (new) shirts)": Source(kind="path", path=Path("/home/ada/my (new) shirts")),
    "MUSLIN_DATA (/shirts.npz)": Source(kind="environment", path=Path("/shirts.npz")),
    "the sample that ships with Muslin": Source(kind="sample"),
    "your cache (/home/ada/.cache/muslin)": Source(kind="cache", path=Path("/home/ada/.cache/muslin")),
    "the system's copy (/usr/share/datasets)": Source(kind="system", path=Path("/usr/share/datasets")),
    "https://example.org/f, kept in your cache (/c)": Source(
        kind="download", path=Path("/c"), name="https://example.org/f"
    ),
    "the package dataset-x, kept in your cache (/c)": Source(kind="package", path=Path("/c"), name="dataset-x"),
    "the official release of Fashion-MNIST, verified": Source(kind="official"),
    "a drawer (/home/ada)": Source(kind="other", name="a drawer (/home/ada)"),
    "": Source(kind="other"),
}


@pytest.mark.parametrize("sentence", SENTENCES)
def test_a_sentence_of_the_first_version_becomes_the_value(sentence: str):
    assert Source.model_validate(sentence) == SENTENCES[sentence]
    assert Source.parse(sentence) == SENTENCES[sentence]


@pytest.mark.parametrize("source", SENTENCES.values(), ids=lambda source: source.kind)
def test_the_value_survives_json_and_its_words_name_the_path_but_the_label_does_not(source: Source):
    assert Source.parse(source.model_dump_json()) == source
    assert str(source.path or "") in str(source)
    assert source.path is None or str(source.path) not in source.label
    assert "/home" not in source.label


def test_only_a_path_that_a_person_named_is_given():
    assert {source.kind for source in SENTENCES.values() if source.given} == {"path", "environment"}
