"""POST /api/explain and /api/photo: an image as the network sees it."""

from __future__ import annotations

from typing import Any, get_args

import numpy as np
from fastapi import APIRouter, Request

from muslin.interpret import feature_layer, occlusion_map
from muslin.pictures.photo import STEPS, Step, prepare_photo
from muslin.server.background import Sight
from muslin.server.problems import Refusal
from muslin.server.rooms import Room
from muslin.server.routes.predicting import FORMATS, run_of, to_prediction, uploads
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

_NEIGHBOURS = 8  # shown
_MOST_FIELDS = 16

router = APIRouter()


@router.post("/api/explain", summary="Look into the network while it sees an image")
async def explain(request: Request, asked: ExplainRequest) -> Explanation:
    """Probabilities, what every layer puts out, the evidence for a class, and what in training is like the image."""
    service = Service.of(request)
    room = await service.room(asked.run)
    sight = service.background.sight(room)
    return await service.work(lambda: _explain(room, sight, asked))


def _explain(room: Room, sight: Sight, asked: ExplainRequest) -> Explanation:
    image, label = _image(room, sight, asked)
    number = asked.number
    if number is not None and number >= len(room.class_names):
        raise Refusal(422, f"number: {number} is no class; the network knows 0–{len(room.class_names) - 1}.")
    outputs = room.inside.activations(image[None])
    probabilities = room.predictor.probabilities(image[None])[0]
    prediction = to_prediction(probabilities, room)
    number = prediction.number if number is None else number
    evidence = room.evidence(image, outputs, number)
    return Explanation(
        run=room.id,
        image=Values.of_image(image),
        label=label,
        prediction=prediction,
        number=number,
        layers=[LayerOutput(name=name, values=Values.of(values[0])) for name, values in outputs.items()],
        evidence=Evidence(method=evidence[0], layer=evidence[1], values=Values.of(evidence[2])) if evidence else None,
        occlusion=Values.of(occlusion_map(room.predictor.probabilities, image, number)) if asked.occlusion else None,
        likeness=_likeness(sight, outputs[feature_layer(room.design)]),
    )


def _image(room: Room, sight: Sight, asked: ExplainRequest) -> tuple[np.ndarray, int | None]:
    if asked.pixels is not None:
        return to_image(asked.pixels, room, "pixels"), None
    assert asked.example is not None  # noqa: S101  (the model's validator saw to it)
    return example(sight, asked.example)


def example(sight: Sight, wanted: Example) -> tuple[np.ndarray, int]:
    """An image of the data set and its class.

    Raises:
        Refusal: the images are not here, or not that many.
    """
    if sight.data is None:
        if sight.guide.images == "coming":
            raise Refusal(409, "The images of this run are still being read. Try again in a moment.")
        raise Refusal(409, f"The images of this run are not here: {sight.guide.reason}")
    split = sight.data.splits[wanted.split]
    if wanted.index >= len(split):
        raise Refusal(404, f"There is no image {wanted.index:,}; {wanted.split} has 0–{len(split) - 1:,}.")
    return split.images[wanted.index], int(split.labels[wanted.index])


def _likeness(sight: Sight, features: np.ndarray) -> Likeness | None:
    neighbours, novelty, data = sight.neighbours, sight.novelty, sight.data
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
            "description": f"Those to do, separated by commas: {', '.join(STEPS)}. All, if left out.",
        },
        "run": {"type": "string", "description": "Whose network it is for; the server's own choice if left out."},
    },
}


@router.post(
    "/api/photo",
    summary="Take a photo through the data set's own recipe",
    openapi_extra={"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": _PHOTO_FORM}}}},
)
async def photo(request: Request) -> PhotoAnswer:
    """Every stage, from the photo as it came to what the network takes."""
    service = Service.of(request)
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "multipart/form-data":
        raise Refusal(415, "Send multipart/form-data with the photo as 'image'.")
    async with request.form(max_files=1, max_fields=_MOST_FIELDS) as form:
        (file,) = uploads(form, _PHOTO_FORM["properties"])
        steps = _steps(form.get("steps"))
        room = await service.room(run_of(form))
        content = await file.read()
    stages = await service.alone(
        lambda: prepare_photo(
            content, room.design.input_shape, steps, formats=FORMATS, most_pixels=service.settings.most_pixels
        )
    )
    return PhotoAnswer(
        run=room.id,
        stages=[
            StageAnswer(step=stage.step, done=stage.done, note=stage.note, image=Values.of_image(stage.pixels))
            for stage in stages
        ],
    )


def _steps(text: object) -> tuple[Step, ...]:
    if text is None:
        return STEPS
    words = [word.strip() for word in text.split(",") if word.strip()] if isinstance(text, str) else [""]
    known: tuple[Step, ...] = tuple(step for step in get_args(Step) if step in words)
    if len(known) != len(words):
        raise Refusal(422, f"steps: give some of {', '.join(STEPS)}, each once, separated by commas.")
    return known
