"""POST /api/predict: classify images."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Any

import numpy as np
from fastapi import APIRouter, Request
from pydantic import ValidationError
from starlette.datastructures import FormData, UploadFile
from starlette.responses import Response

from muslin.pictures.prepare import PREPARATIONS, prepare_picture
from muslin.server.loaded_runs import LoadedRun
from muslin.server.problems import Refusal, named, refuse_invalid
from muslin.server.schemas.answers import Prediction, Predictions
from muslin.server.schemas.requests import MOST_IMAGES, PredictRequest
from muslin.server.service import Service, to_image
from muslin.workflow.pictures import target_of

# No GIF or TIFF, unlike `muslin predict`: every decoder adds attack surface.
FORMATS = ("PNG", "JPEG", "WEBP", "BMP")
MOST_FIELDS = 16  # form fields that are not files; the routes know fewer
MODELS = (PredictRequest,)  # models that must be added to the API's description

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
            "description": "'photo': trim, resize, sharpen, center, invert, grayscale, as Fashion-MNIST was made. "
            "'fit': scale to fit, on black. 'auto' (default): 'photo' for pictures of another size than the "
            "network's input, if its classes are Fashion-MNIST's; otherwise 'fit'.",
        },
        "run": {"type": "string", "description": "Name of the run; the server's default run if omitted."},
    },
}


@router.post(
    "/api/predict",
    response_model=Predictions,
    summary=f"Classify up to {MOST_IMAGES} images",
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
    """Pixels as JSON, or picture files as a form. The predictions are in the order of the images."""
    service = Service.of(request)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    with service.slots.hold():
        if kind == "application/json":
            loaded, images = await _from_json(await request.body(), service)
        elif kind == "multipart/form-data":
            loaded, images = await _from_form(request, service)
        else:
            raise Refusal(415, "Send application/json or multipart/form-data.")
        if len(images) == 1:
            rows = (await loaded.batcher(images[0]))[None]
        else:
            rows = await asyncio.get_running_loop().run_in_executor(
                loaded.batcher.executor, loaded.predictor.probabilities, np.stack(images)
            )
    answer = Predictions(run=loaded.id, predictions=[to_prediction(row, loaded) for row in rows])
    return Response(answer.model_dump_json(), media_type="application/json")


def to_prediction(row: np.ndarray, loaded: LoadedRun) -> Prediction:
    """Return one row of probabilities as a prediction."""
    number = int(row.argmax())
    values = row.tolist()
    return Prediction(number=number, name=loaded.class_names[number], probability=values[number], probabilities=values)


async def _from_json(body: bytes, service: Service) -> tuple[LoadedRun, list[np.ndarray]]:
    try:
        asked = PredictRequest.model_validate_json(body)
    except ValidationError as error:
        raise refuse_invalid(error, PredictRequest) from error
    loaded = await service.loaded_run(asked.run)
    return loaded, [to_image(pixels, loaded, f"images.{number}") for number, pixels in enumerate(asked.images)]


async def _from_form(request: Request, service: Service) -> tuple[LoadedRun, list[np.ndarray]]:
    async with request.form(max_files=MOST_IMAGES, max_fields=MOST_FIELDS) as form:
        files = uploads(form, _IMAGES_FORM["properties"])
        how = next((known for known in PREPARATIONS if known == form.get("recipe", "auto")), None)
        if how is None:
            raise Refusal(422, f"recipe: give one of {', '.join(PREPARATIONS)}, or omit it.")
        loaded = await service.loaded_run(run_of(form))
        contents = [await file.read() for file in files]
    most = service.settings.most_pixels
    target = target_of(loaded.data)

    def decode() -> list[np.ndarray]:
        return [
            prepare_picture(content, target, how, name=f"image {number}", formats=FORMATS, most_pixels=most).pixels
            for number, content in enumerate(contents, 1)
        ]

    return loaded, await service.alone(decode)


def uploads(form: FormData, fields: Collection[str]) -> list[UploadFile]:
    """Return the files of a form, all in the field "image".

    Raises:
        Refusal: there are no files, or the form has unknown fields.
    """
    strange = sorted(set(form) - set(fields))
    if strange:
        plural = "s" if len(strange) > 1 else ""
        raise Refusal(422, f"Unknown form field{plural}: {named(strange)}; known fields: {', '.join(fields)}.")
    files = [value for value in form.getlist("image") if isinstance(value, UploadFile)]
    if not files or len(files) != len(form.getlist("image")):
        raise Refusal(422, "The form needs at least one file in the field 'image', which must contain only files.")
    return files


def run_of(form: FormData) -> str | None:
    """Return the name of the run in a form; None if it names none.

    Raises:
        Refusal: the field is a file or empty.
    """
    run = form.get("run")
    if run is not None and (not isinstance(run, str) or not run):
        raise Refusal(422, "run: give the name of a run, or omit it.")
    return run
