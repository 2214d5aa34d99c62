"""POST /api/explain and /api/photo: what the network sees in an image."""

from __future__ import annotations

from typing import Any, get_args

import numpy as np
from fastapi import APIRouter, Request

from muslin.interpret import feature_layer, occlusion_map
from muslin.pictures.photo import STEPS, Stage, Step, prepare_photo
from muslin.pictures.prepare import fit_photo
from muslin.server.background import KnownImages
from muslin.server.loaded_runs import LoadedRun
from muslin.server.problems import Refusal
from muslin.server.routes.predicting import FORMATS, MOST_FIELDS, run_of, to_prediction, uploads
from muslin.server.schemas.answers import (
    Evidence,
    Explanation,
    LayerOutput,
    Likeness,
    Neighbour,
    PhotoAnswer,
    StageAnswer,
    Values,
)
from muslin.server.schemas.requests import Example, ExplainRequest
from muslin.server.service import Service, to_image
from muslin.workflow.pictures import target_of

_NEIGHBOURS = 8  # number of nearest training images in an answer

router = APIRouter()


@router.post("/api/explain", summary="Explain the prediction for an image")
async def explain(request: Request, asked: ExplainRequest) -> Explanation:
    """Probabilities, outputs of every layer, the class activation map of a class, and similar training images."""
    service = Service.of(request)
    loaded = await service.loaded_run(asked.run)
    known = service.background.known(loaded)
    return await service.work(lambda: _explain(loaded, known, asked))


def _explain(loaded: LoadedRun, known: KnownImages, asked: ExplainRequest) -> Explanation:
    image, label = _image(loaded, known, asked)
    number = asked.number
    if number is not None and number >= len(loaded.class_names):
        raise Refusal(422, f"number: class {number} does not exist; classes are 0–{len(loaded.class_names) - 1}.")
    outputs = loaded.inside.activations(image[None])
    probabilities = loaded.predictor.probabilities(image[None])[0]
    prediction = to_prediction(probabilities, loaded)
    number = prediction.number if number is None else number
    evidence = loaded.evidence(image, outputs, number)
    return Explanation(
        run=loaded.id,
        image=Values.of_image(image),
        label=label,
        prediction=prediction,
        number=number,
        layers=[LayerOutput(name=name, values=Values.of(values[0])) for name, values in outputs.items()],
        evidence=Evidence(method=evidence[0], layer=evidence[1], values=Values.of(evidence[2])) if evidence else None,
        occlusion=Values.of(occlusion_map(loaded.predictor.probabilities, image, number)) if asked.occlusion else None,
        likeness=_likeness(known, outputs[feature_layer(loaded.design)]),
    )


def _image(loaded: LoadedRun, known: KnownImages, asked: ExplainRequest) -> tuple[np.ndarray, int | None]:
    if asked.pixels is not None:
        return to_image(asked.pixels, loaded, "pixels"), None
    assert asked.example is not None  # noqa: S101  (the model's validator ensures it)
    return example(known, asked.example)


def example(known: KnownImages, wanted: Example) -> tuple[np.ndarray, int]:
    """Return an image of the data set and its class.

    Raises:
        Refusal: the images are not available, or the index is too large.
    """
    if known.data is None:
        if known.guide.images == "coming":
            raise Refusal(409, "The images of this run are still being read. Try again in a moment.")
        raise Refusal(409, f"The images of this run are not available. {known.guide.reason}")
    split = known.data.splits[wanted.split]
    if wanted.index >= len(split):
        raise Refusal(404, f"Image {wanted.index:,} does not exist; {wanted.split} has 0–{len(split) - 1:,}.")
    return split.images[wanted.index], int(split.labels[wanted.index])


def _likeness(known: KnownImages, features: np.ndarray) -> Likeness | None:
    neighbours, novelty, data = known.neighbours, known.novelty, known.data
    if neighbours is None or novelty is None or data is None:
        return None
    distances, numbers = neighbours.find(features.reshape(1, -1))
    return Likeness(
        neighbours=[
            Neighbour(index=int(index), number=int(data.train.labels[index]), distance=float(distance))
            for distance, index in zip(distances[0, :_NEIGHBOURS], numbers[0, :_NEIGHBOURS], strict=True)
        ],
        loneliness=float(distances[0, -1]),
        threshold=novelty.threshold,
        unlike=bool(novelty.unlike(distances[0, -1:])[0]),
        false_alarms=novelty.measured,
        test_images=novelty.images,
    )


_PHOTO_FORM: dict[str, Any] = {
    "type": "object",
    "required": ["image"],
    "properties": {
        "image": {"type": "string", "format": "binary", "description": "A PNG, JPEG, WebP or BMP file."},
        "steps": {
            "type": "string",
            "description": f"Steps to apply, separated by commas: {', '.join(STEPS)}. By default all, for networks "
            "trained on Fashion-MNIST, and none for any other: the photo is resized as the training images were.",
        },
        "run": {"type": "string", "description": "Name of the run; the server's default run if omitted."},
    },
}


@router.post(
    "/api/photo",
    summary="Prepare a photo as the training images were",
    openapi_extra={"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": _PHOTO_FORM}}}},
)
async def photo(request: Request) -> PhotoAnswer:
    """Every stage, from the original photo to the network's input.

    Networks trained on Fashion-MNIST get its photo preparation, step by step. For any other, the photo is resized as
    the training images were, unless `steps` asks for more.
    """
    service = Service.of(request)
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "multipart/form-data":
        raise Refusal(415, "Send multipart/form-data with the photo in the field 'image'.")
    async with request.form(max_files=1, max_fields=MOST_FIELDS) as form:
        (file,) = uploads(form, _PHOTO_FORM["properties"])
        steps = _steps(form.get("steps"))
        loaded = await service.loaded_run(run_of(form))
        content = await file.read()
    most, target = service.settings.most_pixels, target_of(loaded.data)

    def prepare() -> tuple[Stage, ...]:
        if steps is None and not target.made_from_photos:
            return fit_photo(content, target, formats=FORMATS, most_pixels=most)
        return prepare_photo(
            content, target.input_shape, STEPS if steps is None else steps, formats=FORMATS, most_pixels=most
        )

    stages = await service.alone(prepare)
    return PhotoAnswer(
        run=loaded.id,
        stages=[
            StageAnswer(step=stage.step, done=stage.done, note=stage.note, image=Values.of_image(stage.pixels))
            for stage in stages
        ],
    )


def _steps(text: object) -> tuple[Step, ...] | None:
    if text is None:
        return None
    words = [word.strip() for word in text.split(",") if word.strip()] if isinstance(text, str) else [""]
    known: tuple[Step, ...] = tuple(step for step in get_args(Step) if step in words)
    if len(known) != len(words):
        raise Refusal(422, f"steps: give any of {', '.join(STEPS)}, each at most once, separated by commas.")
    return known
