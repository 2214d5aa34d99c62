"""Snapshots: the complete state of a training between two steps, from which it resumes bit for bit."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, ValidationError
from torch import Tensor

from muslin.errors import RunError
from muslin.training.callbacks import Callback, Scalar, restore_states, states
from muslin.training.history import Epoch, History
from muslin.training.outcome import End
from muslin.training.state import Identity, Tally, Training

FORMAT = 1
MOST_DIFFERENCES = 6  # lines of a design's difference that a message shows


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class State(_Part):
    """The part of a snapshot that is not arrays."""

    identity: Identity
    step: int
    factor: float
    tally: Tally
    history: tuple[Epoch, ...]
    ended: tuple[End, str] | None
    seconds: float
    numbers: dict[str, Scalar]
    callbacks: tuple[tuple[str, dict[str, Scalar]], ...]


@dataclass(frozen=True)
class Snapshot:
    """The state of a training between two steps.

    Attributes:
        state: position, history and states of the callbacks.
        arrays: weights, best weights and states of the optimizers and random generators, by name.
    """

    state: State
    arrays: dict[str, np.ndarray] = field(repr=False)

    def to_json(self) -> str:
        """Return the state as JSON text; floats round-trip exactly."""
        return json.dumps(self.state.model_dump(mode="python") | {"history": [asdict(e) for e in self.state.history]})

    @classmethod
    def from_json(cls, text: str, arrays: dict[str, np.ndarray]) -> Snapshot:
        """Parse the text that `to_json` returned.

        Raises:
            RunError: the text is not a valid state.
        """
        try:
            return cls(State.model_validate(json.loads(text)), arrays)
        except (ValidationError, ValueError, RecursionError) as error:
            raise RunError(
                f"checkpoint state is not a valid Muslin state: {str(error).splitlines()[0]:.200}"
            ) from error


def capture(training: Training, callbacks: Sequence[Callback], seconds: float) -> Snapshot:
    """Copy the state of a training, without changing it.

    Args:
        training: training between two steps.
        callbacks: its callbacks.
        seconds: training time so far, in seconds.
    """
    arrays = {name: _array(values) for name, values in _tensors(training)}
    # An interruption is the reason for the snapshot; the resumed training must not start as interrupted.
    ended = training.ended if training.ended and training.ended[0] == "early" else None
    return Snapshot(
        State(
            identity=training.identity,
            step=training.step,
            factor=training.factor,
            tally=Tally(**asdict(training.tally)),
            history=training.history.epochs,
            ended=ended,
            seconds=seconds,
            numbers=dict(_numbers(training)),
            callbacks=states(callbacks),
        ),
        arrays,
    )


def restore(training: Training, snapshot: Snapshot, callbacks: Sequence[Callback]) -> None:
    """Restore a state into a training that has just been constructed.

    Raises:
        RunError: the snapshot belongs to another training; the message shows the differences.
    """
    state = snapshot.state
    require_same(state.identity, training.identity)
    training.history = History(state.history)
    if state.history:
        training.best = {name: values.detach().clone() for name, values in training.network.state_dict().items()}
    _make_optimizer_states(training, snapshot)
    wanted = dict(_tensors(training))
    if wanted.keys() != snapshot.arrays.keys():
        odd = sorted(wanted.keys() ^ snapshot.arrays.keys())
        raise RunError(f"checkpoint has missing or extra arrays: {', '.join(odd)[:200]}. Start a new run.")
    with torch.no_grad():
        for name, values in wanted.items():
            array = snapshot.arrays[name]
            if array.shape != tuple(values.shape) or str(array.dtype) != str(values.dtype).removeprefix("torch."):
                raise RunError(
                    f"checkpoint array '{name}' is {array.dtype} of shape {array.shape}, but this training needs "
                    f"{str(values.dtype).removeprefix('torch.')} of shape {tuple(values.shape)}. Start a new run."
                )
            if not name.startswith("random/"):
                values.copy_(torch.from_numpy(array))
    torch.set_rng_state(torch.from_numpy(snapshot.arrays["random/cpu"]))
    if training.device.type == "cuda":
        torch.cuda.set_rng_state(torch.from_numpy(snapshot.arrays["random/cuda"]), training.device)
    if training.device.type == "mps":
        torch.mps.set_rng_state(torch.from_numpy(snapshot.arrays["random/mps"]))
    training.step, training.factor = state.step, state.factor
    training.ended = training.ended or state.ended  # an interrupted teacher ends the training before it starts
    training.tally = Tally(**asdict(state.tally))
    restore_states(state.callbacks, callbacks)


def require_same(there: Identity, here: Identity) -> None:
    """Check that a checkpoint belongs to the training that resumes from it.

    Raises:
        RunError: they differ; the message shows how.
    """
    different = list(differences(there, here))
    if different:
        raise RunError(
            f"cannot resume: settings differ from those the run was started with. {' '.join(different)} "
            "Omit the settings that differ, or start a new run."
        )


def differences(there: Identity, here: Identity) -> Iterator[str]:
    """Yield the differences between two trainings, one sentence each."""
    if there.design != here.design:
        lines = difflib.unified_diff(there.design.splitlines(), here.design.splitlines(), lineterm="", n=0)
        changed = [f"{line[0]} {line[1:]}" for line in lines if line[0] in "+-" and not line.startswith(("+++", "---"))]
        more = " …" if len(changed) > MOST_DIFFERENCES else ""
        yield f"The design differs (- run, + now): {' | '.join(changed[:MOST_DIFFERENCES])}{more}."
    for name in sorted(there.recipe.keys() | here.recipe.keys()):
        before, now = there.recipe.get(name), here.recipe.get(name)
        if before != now:
            yield f"The recipe's {name} was {before!s:.120}, but is {now!s:.120} now."
    if there.data != here.data:
        yield f"The images differ: fingerprint {there.data[:12]}… in the run, {here.data[:12]}… now."
    for name in ("seed", "device", "precision"):
        before, now = getattr(there, name), getattr(here, name)
        if before != now:
            yield f"The {name} was {before}, but is {now} now."


def _tensors(training: Training) -> Iterator[tuple[str, Tensor]]:
    """Yield every tensor of a training's state with its name in a snapshot."""
    for name, values in training.network.state_dict().items():
        yield f"weights/{name}", values
    for name, values in training.best.items():
        yield f"best/{name}", values
    for name, _, state, key in _optimizer_states(training):
        if isinstance(state[key], Tensor):
            yield f"{name}/{key}", state[key]
    yield "random/cpu", torch.get_rng_state()
    if training.device.type == "cuda":
        yield "random/cuda", torch.cuda.get_rng_state(training.device)
    if training.device.type == "mps":
        yield "random/mps", torch.mps.get_rng_state()


def _numbers(training: Training) -> Iterator[tuple[str, Scalar]]:
    """Yield the optimizer state that is not tensors."""
    for name, _, state, key in _optimizer_states(training):
        if not isinstance(state[key], Tensor):
            yield f"{name}/{key}", state[key]


def _optimizer_states(training: Training) -> Iterator[tuple[str, Tensor, dict[str, Any], str]]:
    for name, optimizer, parameter in _parameters(training):
        state = optimizer.state.get(parameter, {})
        for key in state:
            yield name, parameter, state, key


def _parameters(training: Training) -> Iterator[tuple[str, torch.optim.Optimizer, Tensor]]:
    for number, optimizer in enumerate(training.optimizers):
        parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
        for index, parameter in enumerate(parameters):
            yield f"optimizer/{number}/{index}", optimizer, parameter


def _make_optimizer_states(training: Training, snapshot: Snapshot) -> None:
    """Allocate the optimizers' states, which the first step would create, in the parameters' memory layout."""
    for prefix, optimizer, parameter in _parameters(training):
        state = optimizer.state[parameter]
        for name, array in snapshot.arrays.items():
            if name.startswith(f"{prefix}/"):
                alike = array.shape == tuple(parameter.shape) and array.ndim > 0
                values = torch.from_numpy(array).to(parameter.device)
                state[name.removeprefix(f"{prefix}/")] = torch.empty_like(parameter) if alike else values.clone()
        for name, number in snapshot.state.numbers.items():
            if name.startswith(f"{prefix}/"):
                state[name.removeprefix(f"{prefix}/")] = number
        if not state:
            del optimizer.state[parameter]


def _array(values: Tensor) -> np.ndarray:
    return np.array(values.detach().cpu().contiguous().numpy())
