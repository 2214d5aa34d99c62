"""GET /api/runs…: runs, their designs, results, images and channels."""

from __future__ import annotations

import io
from dataclasses import asdict
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Path, Query, Request
from PIL import Image
from starlette.responses import Response, StreamingResponse

from muslin.analysis import analyze, describe_field
from muslin.design import Conv2d, describe_shape
from muslin.evaluation import Evaluation, compare
from muslin.interpret import describe_filter, unit_regions
from muslin.runs.claims import check_claims
from muslin.runs.folder import RunFolder
from muslin.server.loaded_runs import LoadedRun
from muslin.server.problems import Refusal
from muslin.server.routes.explaining import example
from muslin.server.schemas.answers import Values
from muslin.server.schemas.requests import Example, SplitName
from muslin.server.schemas.run_answers import (
    Cell,
    Channel,
    ClaimAnswer,
    Guide,
    Results,
    RunDetail,
    Runs,
    StrongUnit,
    Tested,
)
from muslin.server.service import Service
from muslin.server.studies import StudyAnswer, newest_study

_CONFIDENTLY_WRONG = 24
_EVENTS = "text/event-stream"

RunName = Annotated[str, Path(max_length=200, description="Name of a run, from GET /api/runs.")]
ClassNumber = Annotated[int, Query(ge=0, le=65_536)]

router = APIRouter()


@router.get("/api/runs", summary="All runs")
async def runs(request: Request) -> Runs:
    """All runs, newest first, with their training histories."""
    service = Service.of(request)
    service.forget()
    return await service.work(service.runs)


@router.get(
    "/api/events",
    summary="Live updates of runs",
    response_class=StreamingResponse,
    responses={200: {"content": {_EVENTS: {"schema": {"type": "string"}}}, "description": "Server-sent events"}},
)
async def events(request: Request) -> StreamingResponse:
    """Server-sent events: 'all' with every run, then 'changed' with the runs that changed."""
    live = Service.of(request).live
    live.admit()
    return StreamingResponse(live.stream(), media_type=_EVENTS, headers={"Cache-Control": "no-store"})


@router.get("/api/runs/{run}", summary="A run's design and static analysis")
async def run(request: Request, run: RunName) -> RunDetail:
    """Layers with shapes, parameters, operations, receptive fields, and the design's reasons."""
    service = Service.of(request)
    return await service.work(lambda: _detail(service, service.loaded_runs.folder(run)))


def _detail(service: Service, folder: RunFolder) -> RunDetail:
    record, design = folder.record, folder.design
    analysis = analyze(design, folder.baseline.design if folder.baseline else None)
    regions = unit_regions(design)
    layers: list[dict[str, Any]] = []
    for row, layer in zip(analysis.layers, design.layers, strict=True):
        region = regions[row.name]
        layers.append(
            asdict(row)
            | {
                "settings": layer.model_dump(mode="json", exclude={"name", "because", "kind"}),
                "output": describe_shape(row.output_shape),
                "sees": describe_field(row.receptive_field),
                "region": {"start": region.start, "size": region.size, "stride": region.stride},
            }
        )
    return RunDetail(
        run=service.loaded_runs.summary(folder),
        because=design.because,
        input_shape=design.input_shape,
        classes=list(record.data.class_names),
        layers=layers,
        parameters=analysis.parameters,
        macs=analysis.macs,
        comparison=asdict(analysis.comparison) if analysis.comparison else None,
        environment=record.environment.model_dump(),
        source=record.data.source.label,  # without the path: clients need not know it
    )


@router.get("/api/runs/{run}/study", summary="Results of an ablation study of the run's design")
async def study(request: Request, run: RunName) -> StudyAnswer | None:
    """The newest study of the design, by decision; null if there is none."""
    service = Service.of(request)
    return await service.work(lambda: newest_study(service.settings.runs, service.loaded_runs.folder(run).design))


@router.get("/api/runs/{run}/results", summary="Results on the test split")
async def results(request: Request, run: RunName) -> Results:
    """Accuracy, confusions, calibration, confident mistakes, and the verdicts on the design's claims."""
    service = Service.of(request)
    return await service.work(lambda: _results(service.loaded_runs.folder(run)))


def _results(folder: RunFolder) -> Results:
    evaluation = folder.evaluation
    baseline = folder.baseline.evaluation if folder.baseline else None
    measured = folder.measured or {}
    return Results(
        run=folder.name,
        classes=list(folder.record.data.class_names),
        test=evaluation.summary() if evaluation else None,
        splits={name: measured[name] for name in ("train", "validation", "overfitting_gap") if name in measured},
        baseline=baseline.summary() if baseline else None,
        improvement=compare(evaluation, baseline).summary() if evaluation and baseline else None,
        confidently_wrong=_tested(evaluation, evaluation.confidently_wrong(_CONFIDENTLY_WRONG)) if evaluation else [],
        claims=[
            ClaimAnswer(says=row.claim.says, expected=row.expected, found=row.found, verdict=row.verdict)
            for row in check_claims(folder)
        ],
    )


def _tested(evaluation: Evaluation, indices: np.ndarray) -> list[Tested]:
    return [
        Tested(
            index=index,
            label=int(evaluation.labels[index]),
            predicted=int(evaluation.predictions[index]),
            probability=float(evaluation.confidences[index]),
        )
        for index in indices.tolist()
    ]


@router.get("/api/runs/{run}/confusion", summary="The images in a cell of the confusion matrix")
async def confusion(
    request: Request,
    run: RunName,
    true: ClassNumber,
    predicted: ClassNumber,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> Cell:
    """Test images of class `true` predicted as `predicted`, the most confident first."""
    service = Service.of(request)

    def look() -> Cell:
        evaluation = service.loaded_runs.folder(run).evaluation
        if evaluation is None:
            raise Refusal(409, "The run was not evaluated on the test split. `muslin evaluate` evaluates it.")
        inside = (evaluation.labels == true) & (evaluation.predictions == predicted)
        indices = np.flatnonzero(inside)
        surest = indices[np.argsort(-evaluation.confidences[indices], kind="stable")]
        return Cell(true=true, predicted=predicted, images=len(indices), tested=_tested(evaluation, surest[:limit]))

    return await service.work(look)


@router.get("/api/runs/{run}/guide", summary="State of the run's images")
async def guide(request: Request, run: RunName) -> Guide:
    """Whether the images are available, and the progress of their analysis."""
    service = Service.of(request)
    return service.background.known(await service.loaded_run(run)).guide


@router.get(
    "/api/runs/{run}/images/{split}/{index}",
    summary="An image of the run's data set",
    response_class=Response,
    responses={200: {"content": {"image/png": {"schema": {"type": "string", "format": "binary"}}}}},
)
async def image(
    request: Request, run: RunName, split: SplitName, index: Annotated[int, Path(ge=0, le=2**31)]
) -> Response:
    """The image as PNG."""
    service = Service.of(request)
    known = service.background.known(await service.loaded_run(run))
    pixels, _ = example(known, Example(split=split, index=index))
    content = io.BytesIO()
    Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels).save(content, "PNG", compress_level=1)
    return Response(content.getvalue(), media_type="image/png", headers={"Cache-Control": "private, max-age=3600"})


@router.get("/api/runs/{run}/layers/{layer}/channels/{channel}", summary="A channel's kernel and strongest activations")
async def channel(
    request: Request,
    run: RunName,
    layer: Annotated[str, Path(max_length=64)],
    channel: Annotated[int, Path(ge=0, le=65_536)],
) -> Channel:
    """The kernel of a convolution, and the test images with the strongest activations of the channel."""
    service = Service.of(request)
    loaded = await service.loaded_run(run)
    known = service.background.known(loaded)
    leaving = {placed.layer.name: placed.output_shape for placed in loaded.design.placed}
    if layer not in leaving:
        raise Refusal(404, f"The design has no layer '{layer}'; its layers are {', '.join(leaving)}.")
    if channel >= leaving[layer][-1]:
        raise Refusal(404, f"Layer '{layer}' has no channel {channel}; its channels are 0–{leaving[layer][-1] - 1}.")
    units = known.units[layer].of(channel) if layer in known.units else ()
    kernel, describes = _kernel(loaded, layer, channel)
    return Channel(
        layer=layer,
        channel=channel,
        kernel=kernel,
        describes=describes,
        units=[
            StrongUnit(index=unit.image, value=unit.value, region=loaded.regions[layer].of(unit.row, unit.column))
            for unit in units
        ],
    )


def _kernel(loaded: LoadedRun, layer: str, channel: int) -> tuple[Values | None, str]:
    part = loaded.design.layer(layer)
    if not isinstance(part, Conv2d):
        return None, ""
    weights = loaded.weights[f"{layer}.weight"][channel]
    words = str(describe_filter(np.moveaxis(weights, 0, -1))) if min(part.kernel) >= 2 else ""
    return Values.of(weights), words
