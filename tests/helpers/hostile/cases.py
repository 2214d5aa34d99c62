"""Files made to do harm: each with the reader that is handed it, and made anew for each test."""

from __future__ import annotations

import gzip
import io
import json
import os
import pickle
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import onnx
import polars as pl
from numpy.lib import format as npy
from onnx import TensorProto, helper
from safetensors.numpy import save

from helpers import tiny
from helpers.hostile.readers import DESIGN, RECIPE, TEST, TRAIN, weights
from muslin.design import format_design
from muslin.exports._card import Card
from muslin.exports.onnx import build_onnx

CANARY = "MUSLIN_CANARY"  # an environment variable with the name of a file that harm would make


@dataclass(frozen=True)
class Case:
    """A hostile file.

    Attributes:
        reader: its name in `READERS`.
        make: the file's content.
        harmless: whether it may be read, as long as nothing happens.
    """

    reader: str
    make: Callable[[], bytes]
    harmless: bool = False


class _Trap:
    """Unpickled, it writes the canary."""

    def __reduce__(self) -> tuple[object, ...]:
        return (os.system, (f'touch "${CANARY}"',))


def _pickle() -> bytes:
    return pickle.dumps(_Trap())


def _torch_zip() -> bytes:
    return _zip({"archive/data.pkl": _pickle(), "archive/version": b"3\n"})


def _zip(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def _npy(values: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    npy.write_array(buffer, values, allow_pickle=True)
    return buffer.getvalue()


def _npz(**changes: bytes) -> bytes:
    whole = {"x_train": TRAIN.images, "y_train": TRAIN.labels, "x_test": TEST.images, "y_test": TEST.labels}
    return _zip({f"{name}.npy": _npy(values) for name, values in whole.items()} | changes)


def _npy_claims(shape: str, body: int = 64) -> bytes:
    header = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}}}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + bytes(body)


def _npz_that_lies() -> bytes:
    """The archive says that a member is short; its stream goes on for 100 MB."""
    content = bytearray(_npz(**{"x_train.npy": _npy_claims("(6, 6, 5)", 10**8)}))
    for magic, at in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        place = content.index(magic + content[content.index(magic) + 4 : content.index(magic) + 6])
        place = content.index(b"x_train.npy", place) - (30 if magic == b"PK\x03\x04" else 46)
        content[place + at : place + at + 4] = struct.pack("<I", 500)
    return bytes(content)


def _mat(packed: bytes) -> bytes:
    return b"MATLAB 5.0".ljust(124) + b"\x00\x01IM" + struct.pack("<II", 15, len(packed)) + packed


def _mat_that_claims() -> bytes:
    """An array whose values claim to be longer than the file."""
    flags, sides = struct.pack("<IIII", 6, 8, 9, 0), struct.pack("<IIII", 5, 8, 2**16, 2**16 - 1)
    body = flags + sides + struct.pack("<HH4s", 1, 1, b"X") + struct.pack("<II", 2, 2**32 - 2**16) + bytes(64)
    return b"MATLAB 5.0".ljust(124) + b"\x00\x01IM" + struct.pack("<II", 14, len(body)) + body


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _png(width: int, height: int, *more: bytes) -> bytes:
    size = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = _chunk(b"IDAT", zlib.compress(bytes(100_000)))
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", size) + b"".join(more) + body + _chunk(b"IEND", b"")


def _text_bomb() -> bytes:
    return _chunk(b"zTXt", b"note\x00\x00" + zlib.compress(bytes(10**8), 1))


def _tiff_bomb() -> bytes:
    """A TIFF that claims width × height bytes in one strip, packed to few."""
    tags = [(256, 4, 60_000), (257, 4, 60_000), (258, 3, 8), (259, 3, 8), (262, 3, 1), (273, 4, 200), (278, 4, 60_000)]
    tags += [(279, 4, 100)]
    directory = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
    return (b"II*\x00" + struct.pack("<IH", 8, len(tags)) + directory + bytes(4)).ljust(200, b"\0") + bytes(100)


def _zip_of_names() -> bytes:
    """A directory of 92 MB, of members without content."""
    entry = b"PK\x01\x02" + bytes(24) + struct.pack("<H", 1) + bytes(16) + b"a"
    directory = entry * 2_000_000
    end = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, len(directory), 0, 0)
    return directory + end


def _parquet(rows: int) -> bytes:
    picture = tiny.png_bytes(TRAIN.images[0])
    one = pl.DataFrame({"image": [picture], "label": [0]})
    buffer = io.BytesIO()
    pl.concat([one]).select(pl.all().repeat_by(rows).explode()).write_parquet(buffer)
    return buffer.getvalue()


def _parquet_bomb() -> bytes:
    frame = pl.DataFrame({"image": [bytes(10**8)], "label": [0]})
    buffer = io.BytesIO()
    frame.write_parquet(buffer, compression="zstd")
    return buffer.getvalue()


def _parquet_of_paths() -> bytes:
    frame = pl.DataFrame({"image": [{"bytes": None, "path": "/etc/passwd"}] * 2, "label": [0, 1]})
    buffer = io.BytesIO()
    frame.cast({"image": pl.Struct({"bytes": pl.Binary, "path": pl.String})}).write_parquet(buffer)
    return buffer.getvalue()


def _table(header: object, body: bytes = b"") -> bytes:
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + body


def _overlapping() -> bytes:
    """All arrays of the design in the same few bytes."""
    shapes = {name: values.shape for name, values in weights().items()}
    longest = max(int(np.prod(shape)) * 4 for shape in shapes.values())
    table = {
        name: {"dtype": "F32", "shape": list(shape), "data_offsets": [0, int(np.prod(shape)) * 4]}
        for name, shape in shapes.items()
    }
    return _table(table, bytes(longest))


def _model(*nodes: onnx.NodeProto, constants: tuple[onnx.TensorProto, ...] = ()) -> bytes:
    """A graph of its own that carries the design's card and has the interface of the real one."""
    model = build_onnx(Card.of(DESIGN), weights())
    model.graph.node.extend(nodes)
    model.graph.initializer.extend(constants)
    return bytes(model.SerializeToString())


def _fills_memory() -> bytes:
    shape = helper.make_tensor("shape", TensorProto.INT64, [4], [100_000, 1000, 1000, 1000])
    return _model(helper.make_node("ConstantOfShape", ["shape"], ["filled"]), constants=(shape,))


def _loops() -> bytes:
    body = helper.make_graph(
        [helper.make_node("Identity", ["go_on"], ["still"])],
        "body",
        [
            helper.make_tensor_value_info("round", TensorProto.INT64, []),
            helper.make_tensor_value_info("go_on", TensorProto.BOOL, []),
        ],
        [helper.make_tensor_value_info("still", TensorProto.BOOL, [])],
    )
    rounds = helper.make_tensor("rounds", TensorProto.INT64, [], [2**62])
    yes = helper.make_tensor("yes", TensorProto.BOOL, [], [True])
    return _model(helper.make_node("Loop", ["rounds", "yes"], [], body=body), constants=(rounds, yes))


def _another_domain() -> bytes:
    return _model(helper.make_node("PyOp", ["image"], ["out"], domain="ai.onnx.contrib", code="import os"))


def _other_file() -> bytes:
    model = build_onnx(Card.of(DESIGN), weights())
    array = model.graph.initializer[0]
    array.ClearField("raw_data")
    array.data_location = TensorProto.EXTERNAL
    for key, value in (("location", "../../../../etc/passwd"), ("length", "100")):
        array.external_data.add(key=key, value=value)
    return bytes(model.SerializeToString())


def _absurd_padding() -> bytes:
    model = build_onnx(Card.of(DESIGN), weights())
    convolution = next(node for node in model.graph.node if node.op_type == "Conv")
    pads = next(attribute for attribute in convolution.attribute if attribute.name == "pads")
    pads.ints[:] = [2**30] * 4
    return bytes(model.SerializeToString())


def _absurd_shape() -> bytes:
    model = build_onnx(Card.of(DESIGN), weights())
    model.graph.initializer[0].dims[:] = [2**40, 2**40]
    return bytes(model.SerializeToString())


def _another_design() -> bytes:
    model = build_onnx(Card.of(DESIGN), weights())
    text = format_design(DESIGN).replace("filters = 2", "filters = 65536")
    helper.set_model_props(model, Card.of(DESIGN).to_metadata() | {"muslin.design": text})
    return bytes(model.SerializeToString())


def _deep(opening: str, closing: str, depth: int, text: str) -> bytes:
    return text.replace("?", opening * depth + closing * depth).encode()


def _laughs() -> bytes:
    """As many layers as fit, each with a text: the nearest that TOML comes to a billion laughs."""
    layer = '{kind = "conv2d", name = "a%d", filters = 65536, because = "' + "ha" * 40 + '"}'
    return f'name = "x"\ninput_shape = [4096, 4096, 4]\nlayers = [{",".join(layer % n for n in range(1400))}]'.encode()


def _csv(*rows: str) -> bytes:
    return "\n".join(["label,pixel1,pixel2,pixel3,pixel4", *rows, ""]).encode()


SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(1)</script></svg>'

CASES: dict[str, Case] = {
    # Pickles in disguise
    "pickle as npz": Case("npz", _pickle),
    "pickle inside an npz": Case("npz", lambda: _npz(**{"y_test.npy": _npy(np.array([_Trap()] * 6, dtype=object))})),
    "pickle as safetensors": Case("safetensors", _pickle),
    "torch archive as safetensors": Case("safetensors", _torch_zip),
    "pickle as predictions": Case("predictions", _pickle),
    "pickle as onnx": Case("onnx", _pickle),
    "torch archive as onnx": Case("onnx", _torch_zip),
    "pickle as npy": Case("npy", _pickle),
    "pickle inside an npy": Case("npy", lambda: _npy(np.array([_Trap()] * 6, dtype=object))),
    "pickle as mat": Case("mat", _pickle),
    "pickle as cifar": Case("cifar", _pickle),
    "pickle as csv": Case("csv", _pickle),
    "pickle as parquet": Case("parquet", _pickle),
    "pickle as an image": Case("image folder", _pickle),
    "pickle as a design": Case("design", _pickle),
    "pickle as run.json": Case("run.json", _pickle),
    "pickle as a checkpoint": Case("checkpoint", _pickle),
    "sealed pickle as a checkpoint": Case("sealed checkpoint", _pickle),
    "sealed table of 2^63 bytes": Case("sealed checkpoint", lambda: struct.pack("<Q", 2**63) + b"{}"),
    "sealed state nested 100,000 deep": Case(
        "sealed checkpoint", lambda: save({"a": np.zeros(1)}, {"state": "[" * 100_000})
    ),
    # Bombs
    "gzip of 100 MB": Case("gzip", lambda: gzip.compress(tiny.idx_bytes(TRAIN.images[..., 0]) + bytes(10**8), 1)),
    "gzip that claims 4 GB": Case("gzip", lambda: gzip.compress(struct.pack(">4B3I", 0, 0, 8, 3, 2**16, 256, 256))),
    "idx of 2^96 pixels": Case("idx", lambda: struct.pack(">4B3I", 0, 0, 8, 3, *[2**32 - 1] * 3) + bytes(99)),
    "npz of 100 MB": Case("npz", lambda: _npz(**{"x_train.npy": _npy_claims("(6, 1000, 16000)", 10**8)})),
    "npz that lies about its size": Case("npz", _npz_that_lies),
    "npz of 10^15 pixels": Case("npz", lambda: _npz(**{"x_train.npy": _npy_claims("(1000000, 1000000, 1000)")})),
    "npz with a shape that is a call": Case("npz", lambda: _npz(**{"x_train.npy": _npy_claims("__import__('os')")})),
    "png of 2^62 pixels": Case("picture", lambda: _png(2**31 - 1, 2**31 - 1)),
    "png of 60,000×60,000 in a folder": Case("image folder", lambda: _png(60_000, 60_000)),
    "png with 100 MB of text": Case("picture", lambda: _png(100, 100, _text_bomb())),
    "gif of 65,535×65,535": Case("photo", lambda: b"GIF89a" + struct.pack("<HHBBB", 65535, 65535, 0, 0, 0) + b";"),
    "parquet of one image 30,000,000 times": Case("parquet", lambda: _parquet(30_000_000)),
    "parquet page of 100 MB": Case("parquet", _parquet_bomb),
    "csv of 500,000 columns": Case("csv", lambda: b"label" + b"".join(b",p%d" % n for n in range(500_000)) + b"\n"),
    "csv of one endless cell": Case("csv", lambda: b"label,a,b,c,d\n" + b'"' + b"1" * 10**7),
    "csv of an endless label": Case("csv", lambda: _csv("x" * 10**7 + ",1,2,3,4")),
    "csv.gz of 200 MB": Case("csv.gz", lambda: gzip.compress(b"0,1,2,3,4\n" * (2 * 10**7))),
    "csv of digits without end": Case("csv", lambda: _csv("1" * 10**6 + ",1,2,3," + "9" * 10**6)),
    "tiff of 60,000×60,000": Case("picture", _tiff_bomb),
    "zip of 100 MB": Case("zip of images", lambda: _zip({"train/cat/0.png": bytes(10**8)})),
    "zip of 2,000,000 names": Case("zip of images", _zip_of_names),
    "npy of 10^15 pixels": Case("npy", lambda: _npy_claims("(1000000, 1000000, 1000)")),
    "npy with a shape that is a call": Case("npy", lambda: _npy_claims("__import__('os')")),
    "mat of 100 MB": Case("mat", lambda: _mat(zlib.compress(bytes(10**8), 9))),
    "mat with an array of 4 GB": Case("plain mat", _mat_that_claims),
    "idx of 2^96 floats": Case("idx floats", lambda: struct.pack(">4B3I", 0, 0, 14, 3, *[2**32 - 1] * 3) + bytes(99)),
    # Names and paths
    "zip members that climb": Case(
        "zip of images",
        lambda: _zip({"../../climbed.png": b"x", "/tmp/climbed.png": b"x"}),  # noqa: S108
    ),
    "npz members that climb": Case("npz", lambda: _npz(**{"../../climbed.npy": b"x", "/tmp/climbed": b"x"}), True),  # noqa: S108
    "parquet of paths": Case("parquet", _parquet_of_paths),
    "onnx that loads /etc/passwd": Case("onnx", _other_file),
    "design with a baseline that climbs": Case(
        "design", lambda: b'baseline = "../../../etc/passwd"\n' + format_design(DESIGN).encode(), True
    ),
    # Tables of arrays
    "safetensors with a header of 2^63 bytes": Case("safetensors", lambda: struct.pack("<Q", 2**63) + b"{}"),
    "safetensors nested 10,000 deep": Case(
        "safetensors", lambda: struct.pack("<Q", 20_000) + b"[" * 10_000 + b"]" * 10_000
    ),
    "safetensors that overlap": Case("safetensors", _overlapping),
    "safetensors of 2^80 numbers": Case(
        "safetensors", lambda: _table({"a": {"dtype": "F32", "shape": [2**40, 2**40], "data_offsets": [0, 4]}}, b"abcd")
    ),
    "safetensors with NaN": Case("safetensors", lambda: save({name: v * np.nan for name, v in weights().items()})),
    # Graphs that compute
    "onnx that fills memory": Case("onnx", _fills_memory),
    "onnx that loops": Case("onnx", _loops),
    "onnx that calls Python": Case("onnx", _another_domain),
    "onnx with absurd padding": Case("onnx", _absurd_padding),
    "onnx with an absurd shape": Case("onnx", _absurd_shape),
    "onnx with a larger design": Case("onnx", _another_design),
    # Texts
    "design nested 50,000 deep": Case("design", lambda: _deep("[", "]", 50_000, "name = ?")),
    "design with 50,000 dotted keys": Case("design", lambda: b"a" + b".a" * 50_000 + b" = 1"),
    "design of a number with 5,000 digits": Case("design", lambda: b"name = " + b"9" * 5000),
    "design of a hexadecimal number with 90,000 digits": Case("design", lambda: b"name = 0x" + b"f" * 90_000),
    "design of dates": Case("design", lambda: b"name = 1979-05-27T07:32:00Z\ninput_shape = [1979-05-27]"),
    "design that laughs a billion times": Case("design", _laughs),
    "recipe nested 40,000 deep": Case("recipe", lambda: _deep("[", "]", 40_000, "epochs = ?")),
    "recipe of a hexadecimal number": Case("recipe", lambda: RECIPE + b"because = 0x" + b"f" * 90_000),
    "run.json nested 100,000 deep": Case("run.json", lambda: b"[" * 100_000),
    "run.json of a number with 10,000 digits": Case("run.json", lambda: b'{"seed": ' + b"9" * 10_000 + b"}"),
    "evaluation.json nested 100,000 deep": Case("evaluation.json", lambda: b'{"a":' * 100_000),
    "history.csv of one endless cell": Case("history.csv", lambda: b'epoch,"' + b"x" * 10**6),
    "history.csv of an infinite epoch": Case(
        "history.csv",
        lambda: (
            b"epoch,learning_rate,loss,accuracy,validation_loss,validation_accuracy,seconds,images_per_second\n"
            b"1e999,1,1,1,1,1,1,1\n"
        ),
    ),
    # What a browser or a spreadsheet would run
    "svg as an image": Case("image folder", lambda: SVG),
    "svg as a picture": Case("picture", lambda: SVG),
    "web page as csv": Case("csv", lambda: b"<!DOCTYPE html><script>alert(1)</script>"),
    "formula cells in csv": Case("csv", lambda: _csv("=cmd|'/c calc'!A0,1,2,3,4"), harmless=True),
}
