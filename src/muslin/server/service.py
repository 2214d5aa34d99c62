"""What all routes share."""

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
from muslin.server.metrics import Metrics
from muslin.server.middleware.door import Door
from muslin.server.middleware.slots import Slots
from muslin.server.problems import Refusal
from muslin.server.rooms import Room, Rooms, batchers
from muslin.server.schemas.requests import Pixels
from muslin.server.schemas.run_answers import Runs
from muslin.server.settings import Settings

_Answer = TypeVar("_Answer")


class Service:
    """The parts of a running server.

    Args:
        settings: how it is set up.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.metrics = Metrics()
        self.slots = Slots(settings.most_computing)
        self.door = Door(self.slots, self.metrics)
        self._predicting = ThreadPoolExecutor(1, thread_name_prefix="muslin-predict")
        self._working = ThreadPoolExecutor(2, thread_name_prefix="muslin-work")
        self.rooms = Rooms(settings.runs, settings.run, batchers(self._predicting, self.metrics))
        self.background = Background(settings.data)
        self.live = Live(settings.runs, self.runs)
        self._decoding = asyncio.Lock()
        self._room: Room | None = None

    @classmethod
    def of(cls, request: Request) -> Service:
        """The one that this request reached."""
        service: Service = request.app.state.service
        return service

    def runs(self) -> Runs:
        """All runs, and the one that answers by itself."""
        return Runs(chosen=self.rooms.chosen, runs=self.rooms.summaries())

    async def work(self, job: Callable[[], _Answer]) -> _Answer:
        """Do something that takes a while in another thread, holding a place."""
        with self.slots.place():
            return await asyncio.get_running_loop().run_in_executor(self._working, job)

    async def alone(self, job: Callable[[], _Answer]) -> _Answer:
        """Do something that takes much memory, such as decoding a picture: one at a time."""
        async with self._decoding:
            return await asyncio.get_running_loop().run_in_executor(self._working, job)

    async def room(self, name: str | None) -> Room:
        """A run's network.

        Raises:
            Refusal: there is no such run, or it isn't trained yet.
        """
        # The server's own choice is asked for thousands of times a second: it is kept, and looked up on disk only when
        # a request names a run.
        if name is None and self._room is not None:
            return self._room
        room = await asyncio.get_running_loop().run_in_executor(self._working, lambda: self.rooms.room(name))
        if name is None:
            self._room = room
        return room

    def forget(self) -> None:
        """Look again at which run is the newest that is trained."""
        self._room = None

    def close(self) -> None:
        """End what runs in the background."""
        self.live.stop()
        self.background.stop()
        for pool in (self._predicting, self._working):
            pool.shutdown(wait=True, cancel_futures=True)


def to_image(pixels: Pixels, room: Room, where: str) -> np.ndarray:
    """Pixels from a request as (height, width, channel) bytes of the size that the network takes.

    Raises:
        Refusal: they are of another size, or their rows are not equally long.
    """
    wanted = room.design.input_shape
    try:
        image = np.array(pixels, np.uint8)
    except ValueError as error:  # ragged
        raise Refusal(422, f"{where}: the rows are not equally long.") from error
    if image.ndim == 2:
        image = image[..., None]
    if image.shape != wanted:
        raise Refusal(
            422,
            f"{where} has {describe_shape(image.shape)} values; the network takes {describe_shape(wanted)} "
            "(height × width × channels). A picture file of any size may be sent as a form: POST /api/predict fits and "
            "classifies it, POST /api/photo only fits it.",
        )
    return image
