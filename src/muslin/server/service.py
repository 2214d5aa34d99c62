"""Objects shared by all routes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
from starlette.requests import Request

from muslin.design import describe_shape
from muslin.server.background import Background
from muslin.server.live import Live
from muslin.server.loaded_runs import LoadedRun, LoadedRuns, batchers
from muslin.server.metrics import Metrics
from muslin.server.middleware.capacity import Capacity
from muslin.server.middleware.slots import Slots
from muslin.server.problems import Refusal
from muslin.server.schemas.requests import Pixels
from muslin.server.schemas.run_answers import Runs
from muslin.server.settings import Settings

_Answer = TypeVar("_Answer")


class Service:
    """The components of a running server.

    Args:
        settings: configuration of the server.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.metrics = Metrics()
        self.slots = Slots(settings.most_computing)
        self.capacity = Capacity(self.slots, self.metrics)
        self._predicting = ThreadPoolExecutor(1, thread_name_prefix="muslin-predict")
        self._working = ThreadPoolExecutor(2, thread_name_prefix="muslin-work")
        self.loaded_runs = LoadedRuns(settings.runs, settings.run, batchers(self._predicting, self.metrics))
        self.background = Background(settings.data)
        self.live = Live(settings.runs, self.runs)
        self._decoding = asyncio.Lock()
        self._default: LoadedRun | None = None

    @classmethod
    def of(cls, request: Request) -> Service:
        """Return the service of the application that received the request."""
        service: Service = request.app.state.service
        return service

    def runs(self) -> Runs:
        """Return all runs and the name of the default run."""
        return Runs(chosen=self.loaded_runs.chosen, runs=self.loaded_runs.summaries())

    async def work(self, job: Callable[[], _Answer]) -> _Answer:
        """Run a slow function in another thread while holding a slot."""
        with self.slots.hold():
            return await asyncio.get_running_loop().run_in_executor(self._working, job)

    async def alone(self, job: Callable[[], _Answer]) -> _Answer:
        """Run a function that needs much memory, such as decoding a picture, one at a time."""
        async with self._decoding:
            return await asyncio.get_running_loop().run_in_executor(self._working, job)

    async def loaded_run(self, name: str | None) -> LoadedRun:
        """Return a run with its network loaded; the default run if `name` is None.

        Raises:
            Refusal: there is no such run, or it is not trained yet.
        """
        # The default run is requested thousands of times a second: it is cached, and files are checked only when a
        # request names a run.
        if name is None and self._default is not None:
            return self._default
        loaded = await asyncio.get_running_loop().run_in_executor(self._working, lambda: self.loaded_runs.load(name))
        if name is None:
            self._default = loaded
        return loaded

    def forget(self) -> None:
        """Clear the cached default run, so that the newest trained run is determined again."""
        self._default = None

    def close(self) -> None:
        """Stop background work and shut down the thread pools."""
        self.live.stop()
        self.background.stop()
        for pool in (self._predicting, self._working):
            pool.shutdown(wait=True, cancel_futures=True)


def to_image(pixels: Pixels, loaded: LoadedRun, where: str) -> np.ndarray:
    """Return a request's pixels as uint8 (height, width, channel) in the network's input size.

    Raises:
        Refusal: the size is different, or the rows have different lengths.
    """
    wanted = loaded.design.input_shape
    try:
        image = np.array(pixels, np.uint8)
    except ValueError as error:  # ragged
        raise Refusal(422, f"{where}: the rows have different lengths.") from error
    if image.ndim == 2:
        image = image[..., None]
    if image.shape != wanted:
        raise Refusal(
            422,
            f"{where} has {describe_shape(image.shape)} values, but the network takes {describe_shape(wanted)} "
            "(height × width × channels). To send a picture file of any size, use a form: POST /api/predict prepares "
            "and classifies it, POST /api/photo only prepares it.",
        )
    return image
