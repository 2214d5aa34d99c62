"""POST /api/predict: classes for images."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Any

import numpy as np
from fastapi import APIRouter, Request
from pydantic import ValidationError
from starlette.datastructures import FormData, UploadFile
from starlette.responses import Response

from muslin.data.official import made_from_photos
from muslin.pictures.prepare import PREPARATIONS, prepare_picture
from muslin.server.problems import Refusal, named, refuse_invalid
from muslin.server.rooms import Room
from muslin.server.schemas.answers import Prediction, Predictions
from muslin.server.schemas.requests import MOST_IMAGES, PredictRequest
from muslin.server.service import Service, to_image

# No GIF, unlike `muslin predict`: each decoder is one more for strangers to try.
FORMATS = ("PNG", "JPEG", "WEBP", "BMP")
_MOST_FIELDS = 16
MODELS = (PredictRequest,)  # that the API's description has to be told of

router = APIRouter()

_IMAGES_FORM: dict[str, Any] = {
    "type": "object",
    "required": ["image"],
    "properties": {
        "image": {
            "type": "array",
            "items": {"type": "string", "format": "binary"},
            "minItems": 1,
            "maxItems": MOST_IMAGES,
            "description": "PNG, JPEG, WebP or BMP files.",
        },
        "recipe": {
            "type": "string",
            "enum": list(PREPARATIONS),
            "description": "'photo': trim, resize, sharpen, centre, invert, grayscale, as Fashion-MNIST was made. "
            "'fit': scale to fit, on black. 'auto', or left out: 'photo' for pictures of another size than the "
            "network's, if its classes are Fashion-MNIST's; else 'fit'.",
        },
        "run": {"type": "string", "description": "Whose network; the server's own choice if left out."},
    },
}


@router.post(
    "/api/predict",
    response_model=Predictions,
    summary="Classify one image or up to 256",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": {"$ref": "#/components/schemas/PredictRequest"}},
                "multipart/form-data": {"schema": _IMAGES_FORM},
            },
        }
    },
)
async def predict(request: Request) -> Response:
    """Pixels as JSON, or picture files as a form. The answers come in the order of the images."""
    service = Service.of(request)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    with service.slots.place():
        if kind == "application/json":
            room, images = await _from_json(await request.body(), service)
        elif kind == "multipart/form-data":
            room, images = await _from_form(request, service)
        else:
            raise Refusal(415, "Send application/json or multipart/form-data.")
        if len(images) == 1:
            rows = (await room.batcher(images[0]))[None]
        else:
            rows = await asyncio.get_running_loop().run_in_executor(
                room.batcher.executor, room.predictor.probabilities, np.stack(images)
            )
    answer = Predictions(run=room.id, predictions=[to_prediction(row, room) for row in rows])
    return Response(answer.model_dump_json(), media_type="application/json")


def to_prediction(row: np.ndarray, room: Room) -> Prediction:
    """One row of probabilities as an answer."""
    number = int(row.argmax())
    values = row.tolist()
    return Prediction(number=number, name=room.class_names[number], probability=values[number], probabilities=values)


async def _from_json(body: bytes, service: Service) -> tuple[Room, list[np.ndarray]]:
    try:
        asked = PredictRequest.model_validate_json(body)
    except ValidationError as error:
        raise refuse_invalid(error, PredictRequest) from error
    room = await service.room(asked.run)
    return room, [to_image(pixels, room, f"images.{number}") for number, pixels in enumerate(asked.images)]


async def _from_form(request: Request, service: Service) -> tuple[Room, list[np.ndarray]]:
    async with request.form(max_files=MOST_IMAGES, max_fields=_MOST_FIELDS) as form:
        files = uploads(form, _IMAGES_FORM["properties"])
        how = next((known for known in PREPARATIONS if known == form.get("recipe", "auto")), None)
        if how is None:
            raise Refusal(422, f"recipe: give one of {', '.join(PREPARATIONS)}, or leave it out.")
        room = await service.room(run_of(form))
        contents = [await file.read() for file in files]
    most = service.settings.most_pixels
    shape, own = room.design.input_shape, made_from_photos(room.class_names)

    def decode() -> list[np.ndarray]:
        return [
            prepare_picture(content, shape, own, how, name=f"image {number}", formats=FORMATS, most_pixels=most).pixels
            for number, content in enumerate(contents, 1)
        ]

    return room, await service.alone(decode)


def uploads(form: FormData, fields: Collection[str]) -> list[UploadFile]:
    """The files of a form, all under the name "image".

    Raises:
        Refusal: there are none, or the form has other fields than it may have.
    """
    strange = sorted(set(form) - set(fields))
    if strange:
        raise Refusal(422, f"There is no field {named(strange)} in this form; there are {', '.join(fields)}.")
    files = [value for value in form.getlist("image") if isinstance(value, UploadFile)]
    if not files or len(files) != len(form.getlist("image")):
        raise Refusal(422, "The form needs at least one file as 'image', and nothing but files under that name.")
    return files


def run_of(form: FormData) -> str | None:
    """The run that a form names, if it does.

    Raises:
        Refusal: it names it in a file.
    """
    run = form.get("run")
    if run is not None and (not isinstance(run, str) or not run):
        raise Refusal(422, "run: give the name of a run, or leave it out.")
    return run
