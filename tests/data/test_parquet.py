import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from helpers import tiny
from helpers.tiny import WriteData
from muslin.data.readers import formats, npz, parquet
from muslin.data.reading import Reading
from muslin.errors import DataError

TRAIN = "train-00000-of-00001.parquet"


@pytest.fixture
def folder(write_data: WriteData) -> Path:
    return write_data("parquet", classes=2)


def rewrite(folder: Path, change: pl.Expr, **options: object) -> None:
    path = folder / TRAIN
    pl.read_parquet(path).with_columns(change).write_parquet(path, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("channels", [1, 3])
def test_the_images_are_those_that_were_encoded(write_data: WriteData, channels: int):
    read = parquet.read(write_data("parquet", channels=channels))
    expected = npz.read(write_data("npz", channels=channels))
    np.testing.assert_array_equal(read.train.images, expected.train.images)
    np.testing.assert_array_equal(read.test.labels, expected.test.labels)


def test_plain_binary_images_are_read_too(folder: Path):
    before = parquet.read(folder).train.images
    rewrite(folder, pl.col("image").struct.field("bytes").alias("image"))
    np.testing.assert_array_equal(parquet.read(folder).train.images, before)


def test_shards_are_joined_in_order(folder: Path):
    before = parquet.read(folder).train
    table = pl.read_parquet(folder / TRAIN)
    (folder / TRAIN).unlink()
    table[:15].write_parquet(folder / "train-00000-of-00002.parquet")
    table[15:].write_parquet(folder / "train-00001-of-00002.parquet")
    after = parquet.read(folder).train
    np.testing.assert_array_equal(after.images, before.images)
    np.testing.assert_array_equal(after.labels, before.labels)


def test_shards_of_different_image_sizes_are_refused(folder: Path, write_data: WriteData):
    other = write_data("parquet", classes=2, height=4, width=4)
    (other / TRAIN).rename(folder / "train-00001-of-00002.parquet")
    with pytest.raises(DataError, match=r"40 of 90 images are not 8×8 .*train-00001-of-00002.parquet, row 1 .4×4"):
        parquet.read(folder)


def test_class_names_come_from_the_metadata(folder: Path):
    features = {"label": {"names": ["cat", "dog"], "_type": "ClassLabel"}}
    rewrite(folder, pl.col("label"), metadata={"huggingface": json.dumps({"info": {"features": features}})})
    assert parquet.read(folder).class_names == ("cat", "dog")


@pytest.mark.parametrize("metadata", ["{", "[]", '{"info": null}', '{"info": {"features": {"label": {"names": [1]}}}}'])
def test_metadata_that_make_no_sense_are_left_alone(folder: Path, metadata: str):
    rewrite(folder, pl.col("label"), metadata={"huggingface": metadata})
    assert parquet.read(folder).class_names is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (pl.lit(1.5).alias("label"), "column 'label' has the type Float64"),
        (pl.lit([1, 0]).alias("label"), "column 'label' has lists: multi-label data"),
        (pl.lit(" ").alias("label"), "row 1 has an empty label"),
        (pl.lit(2**63, pl.UInt64).alias("label"), "labels that are too large"),
        (pl.lit(None, pl.Int64).alias("label"), "40 rows have no label"),
        (pl.lit("a.png").alias("image"), "column 'image' has the type String"),
        (pl.lit(None, pl.Binary).alias("image"), "row 1 has no image bytes"),
        (pl.lit(b"not an image").alias("image"), "train-00000-of-00001.parquet, row 1 .not a picture"),
    ],
)
def test_a_column_that_is_not_as_it_must_be_is_named(folder: Path, change: pl.Expr, message: str):
    rewrite(folder, change)
    with pytest.raises(DataError, match=message):
        parquet.read(folder)


def test_a_missing_column_is_named(folder: Path):
    pl.read_parquet(folder / TRAIN).drop("label").write_parquet(folder / TRAIN)
    with pytest.raises(DataError, match="has no column 'label'; it has 'image'"):
        parquet.read(folder)


def test_a_file_without_rows_is_refused(folder: Path):
    pl.read_parquet(folder / TRAIN)[:0].write_parquet(folder / TRAIN)
    with pytest.raises(DataError, match="has no rows"):
        parquet.read(folder)


@pytest.mark.parametrize("keep", [10, 500, -30])
def test_a_truncated_file_is_refused(folder: Path, keep: int):
    path = folder / TRAIN
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(DataError, match="cannot be read as Parquet"):
        parquet.read(folder)


def test_a_missing_split_is_named(folder: Path):
    (folder / TRAIN).unlink()
    with pytest.raises(DataError, match="has no train file"):
        parquet.read(folder)


def test_images_of_another_size_within_a_file_are_refused(folder: Path):
    table = pl.read_parquet(folder / TRAIN)
    images = [row["bytes"] for row in table["image"]]
    images[7] = tiny.png_bytes(np.zeros((9, 8, 1), np.uint8))
    table.with_columns(image=pl.Series(images, dtype=pl.Binary)).write_parquet(folder / TRAIN)
    with pytest.raises(DataError, match=r"not 8×8 .*row 8 .9×8"):
        parquet.read(folder)


def test_the_size_that_the_message_offers_is_used(folder: Path, write_data: WriteData):
    other = write_data("parquet", classes=2, height=4, width=4)
    (other / TRAIN).rename(folder / "train-00001-of-00002.parquet")
    contents = parquet.read(folder, Reading(size="8x8"))  # type: ignore[arg-type]
    assert contents.train.images.shape == (80, 8, 8, 1)
    assert any("40 of" in note and "brought to 8×8" in note for note in contents.notes)


# ── Columns and folders that people have ──────────────────────────────────────────────────────────────────────────────


def table(n: int = 6, **columns: object) -> pl.DataFrame:
    pixels = [tiny.png_bytes(np.full((4, 4, 1), 20 * k, np.uint8)) for k in range(n)]
    return pl.DataFrame({"image": pixels} | columns)


LABELS = [0, 1, 2, 0, 1, 2]


@pytest.mark.parametrize("image", ["img", "picture", "photo_bytes", "Image"])
@pytest.mark.parametrize("label", ["labels", "fine_label", "class", "target", "category", "Label", "digit"])
def test_columns_are_found_by_type_and_name(tmp_path: Path, image: str, label: str):
    frame = table(image_id=list(range(6)), path=["a"] * 6).rename({"image": image})
    frame.with_columns(pl.Series(label, LABELS)).write_parquet(tmp_path / "train.parquet")
    read = parquet.read(tmp_path)
    assert read.train.labels.tolist() == LABELS
    assert read.test is None


def test_the_fine_label_goes_before_the_coarse_one_and_one_may_be_named(tmp_path: Path):
    table(coarse_label=[0, 0, 1, 0, 0, 1], fine_label=LABELS).write_parquet(tmp_path / "train.parquet")
    read = parquet.read(tmp_path)
    assert read.train.labels.tolist() == LABELS
    assert read.notes == (
        'the labels are those of the column fine_label; `label="coarse_label"` reads those of coarse_label',
    )
    assert parquet.read(tmp_path, Reading(label="coarse_label")).train.labels.tolist() == [0, 0, 1, 0, 0, 1]
    with pytest.raises(DataError, match=r"`label='size'` names no column of .*'coarse_label' and 'fine_label'"):
        parquet.read(tmp_path, Reading(label="size"))


@pytest.mark.parametrize("dtype", [pl.String, pl.Categorical, pl.Enum(["a", "b", "c"])])
def test_labels_may_be_text(tmp_path: Path, dtype: pl.DataType):
    frame = table(label=pl.Series(["a", "b", "c"] * 2, dtype=dtype))
    frame.write_parquet(tmp_path / "train.parquet")
    assert parquet.read(tmp_path).train.labels.tolist() == ["a", "b", "c"] * 2


def test_names_of_text_labels_in_the_metadata_are_not_numbers(tmp_path: Path):
    features = {"label": {"names": ["x", "y"], "_type": "ClassLabel"}}
    frame = table(label=["a", "b", "c"] * 2)
    frame.write_parquet(
        tmp_path / "train.parquet", metadata={"huggingface": json.dumps({"info": {"features": features}})}
    )
    assert parquet.read(tmp_path).class_names is None


def test_two_columns_of_images_are_refused_unless_one_has_a_usual_name(tmp_path: Path):
    frame = table(label=LABELS).with_columns(pl.col("image").alias("mask"))
    frame.write_parquet(tmp_path / "train.parquet")
    assert len(parquet.read(tmp_path).train) == 6
    frame.rename({"image": "photo"}).write_parquet(tmp_path / "train.parquet")
    with pytest.raises(DataError, match=r"2 columns with encoded images: 'photo' and 'mask'"):
        parquet.read(tmp_path)


def test_no_column_of_labels_is_told_with_the_option(tmp_path: Path):
    table(a=LABELS, b=LABELS).write_parquet(tmp_path / "train.parquet")
    with pytest.raises(DataError, match=r"has 'image', 'a' and 'b'\. Name the column with the labels as `label=`"):
        parquet.read(tmp_path)
    assert parquet.read(tmp_path, Reading(label="b")).train.labels.tolist() == LABELS


@pytest.mark.parametrize(
    "names",
    [
        "plain_text/{}-00000-of-00001.parquet",
        "data/{}-00000-of-00001.parquet",
        "a/b/{}.parquet",
        "default/{}/0000.parquet",
        "{}/0000.parquet",
        "{}.parquet",
    ],
)
def test_the_data_may_lie_in_folders_below(tmp_path: Path, names: str):
    (tmp_path / ".git").mkdir()
    (tmp_path / "README.md").write_text("hello")
    for number, split in enumerate(("train", "validation", "test")):
        path = tmp_path / names.format(split)
        path.parent.mkdir(parents=True, exist_ok=True)
        table(label=np.roll(LABELS, number)).write_parquet(path)
    for place in (tmp_path, path):
        read = formats.read(place)
        assert [part.labels[0] for part in read.parts] == [0, 2, 1]
        assert len(read.parts) == 3


def test_several_configurations_are_refused_with_their_names(tmp_path: Path):
    for name in ("cropped_digits", "full_numbers"):
        (tmp_path / name).mkdir()
        table(label=LABELS).write_parquet(tmp_path / name / "train-00000-of-00001.parquet")
    with pytest.raises(DataError, match=r"several folders with data: cropped_digits and full_numbers\. Pass"):
        formats.read(tmp_path)
    assert len(formats.read(tmp_path / "cropped_digits").train) == 6


def test_files_of_no_split_are_left_out_and_a_test_split_without_labels_is_said(tmp_path: Path):
    table(label=LABELS).write_parquet(tmp_path / "train.parquet")
    table(label=LABELS).write_parquet(tmp_path / "extra.parquet")
    table(label=[-1] * 6).write_parquet(tmp_path / "test.parquet")
    read = parquet.read(tmp_path)
    assert (read.test, read.unlabeled) == (None, "test.parquet")
    assert read.notes == ("extra.parquet not used",)


def test_one_file_of_no_split_is_the_training_split(tmp_path: Path):
    table(label=LABELS).write_parquet(tmp_path / "animals.parquet")
    read = formats.read(tmp_path / "animals.parquet")
    assert (len(read.train), read.test) == (6, None)
