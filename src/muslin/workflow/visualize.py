"""`muslin.visualize`: a run's filters, and what the network makes of one image."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from muslin.data import Dataset, ReadingOptions
from muslin.errors import DataError, MuslinError
from muslin.exports.predictor import Predictor
from muslin.runs.folder import RunFolder
from muslin.workflow.illustrate import illustrate_cams, illustrate_fields, illustrate_network, illustrate_patches
from muslin.workflow.inputs import Named, data_of_run, open_run
from muslin.workflow.observer import Observer, Watched, observer_of
from muslin.workflow.pictures import note_resized, prepared
from muslin.workflow.trained_run import Run

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import UInt8


def visualize(  # noqa: PLR0913  (the command's options)
    run: Run | RunFolder | str | Path = "latest",
    data: Dataset | str | Path | None = None,
    *,
    image: int | str | Path = 0,
    out: str | Path | None = None,
    photo: bool | None = None,
    sample: bool = False,
    classes: str | Path | Sequence[str] | None = None,
    allow_leak: bool = False,
    progress: Watched = None,
    **reading: Unpack[ReadingOptions],
) -> tuple[Path, ...]:
    """Draw a run's filters and what the network makes of one image; return the files' paths.

    Each figure is written as SVG and PNG: the filters of the first convolution, what they respond to, the image on its
    way through every layer, class activation maps of the three likeliest classes (exact where the design ends in global
    average pooling, Grad-CAM otherwise), occlusion maps, the patches of the test images that excite each filter most,
    and receptive fields, by gradient and by arithmetic.

    Args:
        run: a run, its folder, or "latest" (default).
        data: a data set, or a path that `muslin.load_data` reads (default: what the run was trained on).
        image: number of a test image, counted from 0 (default 0), or a picture file.
        out: folder to draw into (default: figures/ in the run folder, and a folder of its own in there for a file).
        photo: whether a picture file goes through the photo preparation (default: as `muslin.predict`).
        sample: whether to use the 2,500 images that ship with Muslin.
        classes: names of the classes, as in `muslin.load_data`.
        allow_leak: whether to continue although training and test files share images.
        progress: whether to show notes (default: in a terminal and in a notebook), or an `Observer`.
        **reading: how the files are read, as in `muslin.load_data`: ``size="48x48"``, ``test_fraction=0.15`` and so on.

    Raises:
        RunError: there is no such run, or it has no weights.
        DataError: there is no such test image, or the picture or the data cannot be read.
        DesignError: the design has no convolution.
    """
    observer, folder = observer_of(progress), open_run(run)
    opened, names = Run(folder), folder.record.data.class_names

    def test_images(*, download: bool = True) -> np.ndarray:
        named = Named(data, sample=sample, classes=classes, allow_leak=allow_leak, reading=reading)
        found = data_of_run(folder, named, observer, download=download).test.images
        if found.shape[1:] != folder.design.input_shape:
            raise DataError(
                f"the run {folder.name} takes images of {folder.design.input_shape}, but the test images are "
                f"{found.shape[1:]}. Pass the run's own data with `path=` or `sample=True`."
            )
        return found

    tests: np.ndarray | None
    if isinstance(image, int):
        if photo is not None:
            raise DataError("`photo=` is for picture files; a test image is used as it is. Leave it out.")
        tests = test_images()
        pixels, place = _one_of(tests, image), folder.figures_path
    else:
        picture = prepared(Path(image), folder.record.data, photo=photo)
        note_resized([picture], folder.design.input_shape, observer)
        pixels = picture.pixels.copy()  # Pillow's own memory is read-only, which torch warns of
        tests = _if_at_hand(test_images, observer)
        place = folder.figures_path / Path(image).stem
    place = Path(out) if out is not None else place
    paths = [*illustrate_network(place, opened.network, pixels, names)]
    paths += illustrate_cams(place, opened.network, pixels, names)
    if tests is not None:
        inside = Predictor.from_weights(folder.design, opened.weights, names, layers=True)
        paths += illustrate_patches(place, inside, tests)
    paths += illustrate_fields(place, folder.design)
    return tuple(paths)


def _if_at_hand(test_images: Callable[..., np.ndarray], observer: Observer) -> np.ndarray | None:
    """The test images if they are on this machine; a picture file can be drawn without them."""
    try:
        return test_images(download=False)
    except MuslinError as error:
        observer.note(f"Skipping maximally activating patches: no test images ({error})")
        return None


def _one_of(
    images: UInt8[np.ndarray, "image height width channel"], number: int
) -> UInt8[np.ndarray, "height width channel"]:
    if not 0 <= number < len(images):
        raise DataError(
            f"there is no test image {number}: the test split has {len(images):,}, numbered 0–{len(images) - 1}. "
            "Choose one of them, or give a picture file."
        )
    pixels: np.ndarray = images[number]
    return pixels
