"""Every reader of files, each as one call on bytes; and whole files to start from, which fuzzers then damage."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import numpy as np

from helpers import tiny
from muslin.data.readers import csv_files, formats, idx
from muslin.data.reading import Reading
from muslin.data.source import Source
from muslin.design import Design, format_design, load_design, parse_design
from muslin.evaluation import Evaluation
from muslin.exports import export
from muslin.exports.predictor import Predictor
from muslin.exports.safetensors import load_weights, read_card
from muslin.pictures.photo import prepare_photo
from muslin.pictures.picture import read_picture
from muslin.pictures.target import Target
from muslin.recipe import load_recipe
from muslin.runs.folder import RunFolder
from muslin.training.history import Epoch, History

DESIGN = parse_design(
    """
    name = "small"
    input_shape = [6, 5, 1]
    layers = [
      {kind = "conv2d", name = "conv1", filters = 2, activation = "gelu"},
      {kind = "max_pool2d", name = "pool1"},
      {kind = "flatten", name = "flatten"},
      {kind = "dense", name = "output", units = 3, activation = "softmax"},
    ]
    """
)
RECIPE = b'name = "mine"\nepochs = 3\n[optimizer]\nkind = "muon"\n[schedule]\nkind = "linear"\nwarmup = 0.2\n'
CLASSES = ("shoe", "bag", "=SUM(1)")
TRAIN, TEST = (tiny.split(np.random.default_rng(seed), 2, 6, 5, 1, 3) for seed in (0, 1))


@dataclass(frozen=True)
class Reader:
    """A way into Muslin.

    Attributes:
        file: the file's name, within a folder of its own.
        make: gives files that are read without an error.
        read: reads the file, and uses what it says.
    """

    file: str
    make: Callable[[], tuple[bytes, ...]]
    read: Callable[[Path], object]

    @cached_property
    def whole(self) -> tuple[bytes, ...]:
        return self.make()

    def __call__(self, content: bytes, folder: Path) -> object:
        """Write `content` into the folder and read it."""
        path = folder / self.file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return self.read(path)


def weights() -> dict[str, np.ndarray]:
    from muslin.exports._weights import expected_shapes  # noqa: PLC0415  (fuzzers that need no weights go without)

    rng = np.random.default_rng(0)
    return {name: rng.normal(size=shape).astype(np.float32) for name, shape in expected_shapes(DESIGN).items()}


@cache
def _exported(to: str) -> tuple[bytes, ...]:
    import tempfile  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as folder:
        return (export(DESIGN, weights(), Path(folder) / f"model.{to}", to, class_names=CLASSES).read_bytes(),)


@cache
def _written(kind: str) -> dict[str, bytes]:
    import tempfile  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as folder:
        place = tiny.WRITERS[kind](Path(folder) / "data", TRAIN, TEST)
        files = [place] if place.is_file() else [path for path in place.rglob("*") if path.is_file()]
        return {path.name if place.is_file() else str(path.relative_to(place)): path.read_bytes() for path in files}


def _beside(kind: str, name: str) -> Callable[[Path], object]:
    """Read a data set of which one file is the damaged one."""

    def read(path: Path) -> object:
        root = path.parents[len(Path(name).parts) - 1]
        for other, content in _written(kind).items():
            if other != name and not (root / other).exists():
                (root / other).parent.mkdir(parents=True, exist_ok=True)
                (root / other).write_bytes(content)
        return formats.read(root)

    return read


def _data(kind: str, name: str) -> Reader:
    return Reader(name, lambda: (_written(kind)[name],), _beside(kind, name))


def _zipped(kind: str) -> tuple[bytes, ...]:
    import zipfile  # noqa: PLC0415

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in _written(kind).items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return (buffer.getvalue(),)


def _idx_floats() -> tuple[bytes, ...]:
    images = np.linspace(0, 1, 36, dtype=">f4")
    head = b"\0\0\x0d\x04" + np.array([2, 3, 2, 3], ">u4").tobytes()
    return (head + images.tobytes(),)


def _one_mat() -> tuple[bytes, ...]:
    from scipy.io import savemat  # noqa: PLC0415  (slow to import)

    arrays = {"images": TRAIN.images[..., 0].reshape(len(TRAIN), -1)[:, :25], "labels": TRAIN.labels[:, None]}
    files = []
    for content in (arrays, {"dataset": {"train": arrays, "mapping": np.eye(2)}, "names": ["a", "b"]}):
        buffer = io.BytesIO()
        savemat(buffer, content)
        files.append(buffer.getvalue())
    return tuple(files)


def _predict(path: Path) -> object:
    predictor = Predictor(path)
    return predictor.probabilities(np.zeros((1, *predictor.design.input_shape), np.uint8))


def _pictures() -> tuple[bytes, ...]:
    from PIL import Image  # noqa: PLC0415

    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (9, 7, 3), np.uint8))
    files = []
    for name in ("PNG", "JPEG", "BMP", "WEBP", "GIF", "TIFF"):
        buffer = io.BytesIO()
        image.save(buffer, name)
        files.append(buffer.getvalue())
    return tuple(files)


def _record() -> tuple[bytes, ...]:
    from datetime import UTC, datetime  # noqa: PLC0415

    from muslin.data.audit import audit  # noqa: PLC0415
    from muslin.data.files import Files  # noqa: PLC0415
    from muslin.runs.record import DataRecord, Environment, RunRecord  # noqa: PLC0415
    from muslin.training.outcome import Outcome  # noqa: PLC0415

    splits = {"train": TRAIN, "validation": TEST, "test": TEST}
    looked_over = audit(Files(TRAIN, TEST, "train", "test"), splits, classes=3, allow_leak=True)
    record = RunRecord(
        created=datetime(2026, 1, 31, tzinfo=UTC),
        design="small",
        recipe=load_recipe("fast"),
        seed=1,
        data=DataRecord(
            source=Source(kind="other", name="a test"),
            sample=False,
            fingerprint="0" * 64,
            input_shape=(6, 5, 1),
            class_names=CLASSES,
            audit=looked_over,
        ),
        environment=Environment(muslin="0", python="3", torch="2", system="Linux", processor="one"),
        outcome=Outcome(1.0, 1.0, 1, "finished", "all done", None, "cpu", "float32", 1),
    )
    return (record.model_dump_json(indent=2).encode(),)


def _history() -> tuple[bytes, ...]:
    epochs = [Epoch(number, 1e-3, 0.5, 0.8, 0.4, 0.85, 1.25, 1e4) for number in (1, 2)]
    return (History(epochs).to_csv().encode(),)


def _evaluation() -> Evaluation:
    return Evaluation(np.array([0, 1, 2]), np.eye(3, dtype=np.float32), CLASSES)


def _predictions() -> tuple[bytes, ...]:
    from safetensors.numpy import save  # noqa: PLC0415

    found = _evaluation()
    return (save({"labels": found.labels, "probabilities": found.probabilities}),)


def _read_predictions(path: Path) -> object:
    (path.parent / "run.json").write_bytes(_record()[0])
    evaluation = RunFolder(path.parent).evaluation
    return evaluation and evaluation.summary()


def _read_weights(path: Path) -> object:
    return load_weights(path, DESIGN), read_card(path)


def _designs() -> tuple[bytes, ...]:
    return tuple(format_design(each).encode() for each in (DESIGN, load_design("custom_cnn")))


def _read_design(path: Path) -> Design:
    design = load_design(path)
    assert parse_design(format_design(design)) == design
    return design


def _csv_variants() -> tuple[bytes, ...]:
    """Return commas; no header and text; an index, semicolons and decimal commas; tabs and numbers of 16 bits."""
    return (
        _square_csv(),
        b"shoe,9,2,3,4\nbag,5,6,7,255\n",
        b'"";"class";"1x1";"1x2";"2x1";"2x2"\n0;1;0,5;0,25;1;0\n1;0;0,125;1;0;0\n',
        b"pixel2\tpixel1\tpixel0\tpixel3\ttarget\n1\t2\t3\t400\t1.0\n5\t6\t7\t8\t0.0\n",
    )


def _square_csv() -> bytes:
    header = "label," + ",".join(f"pixel{number}" for number in range(1, 5))
    return f"{header}\n0,1,2,3,4\n1,5,6,7,255\n".encode()


def _read_csv(path: Path) -> object:
    (path.parent / "fashion-mnist_test.csv").write_bytes(_square_csv())
    return formats.read(path.parent)


_SEAL = len(b"muslin checkpoint") + 1 + 32


def _checkpoint() -> bytes:
    from muslin.training.checkpoint import to_bytes  # noqa: PLC0415  (torch)
    from muslin.training.snapshot import Snapshot, State  # noqa: PLC0415
    from muslin.training.state import Identity, Tally  # noqa: PLC0415

    same = Identity(design=format_design(DESIGN), recipe=load_recipe("fast").model_dump(mode="json"), data="0", seed=1)
    epochs = (Epoch(1, 1e-3, 0.5, 0.8, 0.4, 0.85, 1.25, 1e4),)
    state = State(
        identity=same,
        step=3,
        factor=0.5,
        tally=Tally(1, 1e-3, 2.5, 1, 2, 0.1),
        history=epochs,
        ended=None,
        seconds=1.5,
        numbers={"optimizer/0/0/step": 3},
        callbacks=(("StopEarly", {"best": 0.4, "waited": 0}),),
    )
    return to_bytes(Snapshot(state, {f"weights/{name}": values for name, values in weights().items()}))


def _read_checkpoint(path: Path) -> object:
    from muslin.training.checkpoint import from_bytes  # noqa: PLC0415

    return from_bytes(path.read_bytes(), path.name)


def _read_sealed(path: Path) -> object:
    """A checkpoint by somebody who gives it the right SHA-256."""
    import hashlib  # noqa: PLC0415

    body = path.read_bytes()
    path.write_bytes(b"muslin checkpoint\x01" + hashlib.sha256(body).digest() + body)
    return _read_checkpoint(path)


READERS: dict[str, Reader] = {
    "idx": Reader(
        "images",
        lambda: (tiny.idx_bytes(TRAIN.images[..., 0]),),
        lambda path: idx.read_values(path, 3),
    ),
    "gzip": Reader(
        "images.gz",
        lambda: (gzip.compress(tiny.idx_bytes(TRAIN.images[..., 0]), mtime=0),),
        lambda path: idx.read_values(path, 3),
    ),
    "idx labels": _data("idx", "train-labels-idx1-ubyte"),
    "csv": Reader("fashion-mnist_train.csv", _csv_variants, _read_csv),
    "csv.gz": Reader(
        "fashion-mnist_train.csv.gz",
        lambda: tuple(gzip.compress(content, mtime=0) for content in _csv_variants()),
        formats.read,
    ),
    "csv to predict": Reader(
        "test.csv", _csv_variants, lambda path: csv_files.read_unlabeled(path, Reading(), (2, 2, 1))
    ),
    "parquet": _data("parquet", "train-00000-of-00001.parquet"),
    "npz": _data("npz", "data.npz"),
    "npy": _data("npy", "x_train.npy"),
    "npy labels": _data("npy", "y_train.npy"),
    "idx floats": Reader("images", _idx_floats, lambda path: idx.read_values(path, 3, 4)),
    "cifar": _data("cifar", "data_batch_1.bin"),
    "mat": _data("mat", "train_32x32.mat"),
    "plain mat": _data("plain mat", "train_32x32.mat"),
    "one mat": Reader("data.mat", _one_mat, formats.read),
    "image folder": _data("folder", min(name for name in _written("folder") if name.startswith("train"))),
    "zip of images": Reader("data.zip", lambda: _zipped("folder"), formats.read),
    "zip of tables": Reader("data.zip", lambda: _zipped("idx"), formats.read),
    "picture": Reader("picture", _pictures, lambda path: read_picture(path, Target((6, 5, 1)))),
    "photo": Reader("photo", _pictures, lambda path: prepare_photo(path.read_bytes(), (6, 5, 1))),
    "design": Reader("design.toml", _designs, _read_design),
    "recipe": Reader("recipe.toml", lambda: (RECIPE,), load_recipe),
    "run.json": Reader("run.json", _record, lambda path: RunFolder(path.parent).record),
    "history.csv": Reader("history.csv", _history, lambda path: RunFolder(path.parent).history),
    "evaluation.json": Reader(
        "evaluation.json",
        lambda: (json.dumps({"test": _evaluation().summary()}).encode(),),
        lambda path: RunFolder(path.parent).measured,
    ),
    "predictions": Reader("predictions.safetensors", _predictions, _read_predictions),
    "safetensors": Reader("model.safetensors", lambda: _exported("safetensors"), _read_weights),
    "checkpoint": Reader("step.checkpoint", lambda: (_checkpoint(),), _read_checkpoint),
    "sealed checkpoint": Reader("step.checkpoint", lambda: (_checkpoint()[_SEAL:],), _read_sealed),
    "onnx": Reader("model.onnx", lambda: _exported("onnx"), _predict),
}
