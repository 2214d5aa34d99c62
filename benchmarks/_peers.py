"""custom_cnn in other frameworks: worker processes that train on command.

    python benchmarks/_peers.py keras-tensorflow 13568

trains a quarter of an epoch per line on standard input and prints images per second. The worker's half of this file
needs only numpy and the framework, so that it runs in a separate environment; the other half alternates between
workers.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

BATCH = 128
CLASSES = 10
Turn = Callable[[], None]


# ---- worker


def images_and_labels(count: int):  # type: ignore[no-untyped-def]
    import numpy as np  # noqa: PLC0415

    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (count, 28, 28, 1), np.uint8), rng.integers(0, CLASSES, count)


def keras_model():  # type: ignore[no-untyped-def]
    import keras  # noqa: PLC0415
    from keras import layers  # noqa: PLC0415

    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(128, 3, padding="same", activation="relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dropout(0.5),
            layers.Dense(CLASSES, activation="softmax"),
        ]
    )
    model.compile(keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def keras_turn(count: int) -> Turn:
    """Train with the notebook's `fit`: float32, Adam, dropout, no augmentation."""
    model = keras_model()
    images, labels = images_and_labels(count)
    pixels = images.astype("float32") / 255
    return lambda: model.fit(pixels, labels, batch_size=BATCH, verbose=0)


def torch_turn(count: int) -> Turn:
    """Train as PyTorch tutorials do: a module, a DataLoader, Adam, float32."""
    import torch  # noqa: PLC0415
    from torch import nn  # noqa: PLC0415
    from torch.utils.data import DataLoader, TensorDataset  # noqa: PLC0415

    model = nn.Sequential(
        *(nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(64, 128, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
        *(nn.Dropout(0.5), nn.Linear(128, CLASSES)),
    )
    images, labels = images_and_labels(count)
    pixels = torch.from_numpy(images).permute(0, 3, 1, 2).float().div(255).contiguous()
    loader = DataLoader(TensorDataset(pixels, torch.from_numpy(labels)), batch_size=BATCH, shuffle=True)
    optimizer, loss_of = torch.optim.Adam(model.parameters(), 1e-3), nn.CrossEntropyLoss()

    def turn() -> None:
        for batch, truth in loader:
            optimizer.zero_grad()
            loss = loss_of(model(batch), truth)
            loss.backward()
            optimizer.step()

    return turn


def jax_turn(count: int) -> Turn:
    """Train with jax.lax convolutions, hand-written Adam and one compiled step; float32."""
    import jax  # noqa: PLC0415
    import jax.numpy as jnp  # noqa: PLC0415
    import numpy as np  # noqa: PLC0415

    rng = np.random.default_rng(0)
    shapes = [(3, 3, 1, 32), (3, 3, 32, 64), (3, 3, 64, 128), (128, CLASSES)]
    weights = [
        (jnp.asarray(rng.normal(0, np.prod(shape[:-1]) ** -0.5, shape), jnp.float32), jnp.zeros(shape[-1]))
        for shape in shapes
    ]

    def loss_of(weights, pixels, labels):  # type: ignore[no-untyped-def]
        values = pixels
        for number, (kernel, bias) in enumerate(weights[:-1]):
            values = jax.lax.conv_general_dilated(
                values, kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
            )
            values = jax.nn.relu(values + bias)
            if number < 2:
                values = jax.lax.reduce_window(values, -jnp.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
        kernel, bias = weights[-1]
        logits = values.mean((1, 2)) @ kernel + bias
        return -jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], 1).mean()

    @jax.jit
    def step(weights, first, second, number, pixels, labels):  # type: ignore[no-untyped-def]
        gradient = jax.grad(loss_of)(weights, pixels, labels)
        first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, first, gradient)
        second = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, second, gradient)
        rate = 1e-3 * jnp.sqrt(1 - 0.999**number) / (1 - 0.9**number)
        weights = jax.tree.map(lambda w, m, v: w - rate * m / (jnp.sqrt(v) + 1e-7), weights, first, second)
        return weights, first, second

    images, labels = images_and_labels(count)
    pixels = images.astype(np.float32) / 255
    zeros = jax.tree.map(jnp.zeros_like, weights)
    state = [weights, zeros, zeros, 0]

    def turn() -> None:
        order = rng.permutation(count)
        for start in range(0, count, BATCH):
            chosen = order[start : start + BATCH]
            state[3] += 1
            state[:3] = step(*state[:3], float(state[3]), pixels[chosen], labels[chosen])
        jax.block_until_ready(state[0])

    return turn


def muslin_turns(count: int, precision: str) -> Iterator[float]:
    """Train with recipe `fast` in Muslin's training loop, one epoch per turn, including augmentation."""
    from dataclasses import replace  # noqa: PLC0415

    import numpy as np  # noqa: PLC0415

    from muslin.data import Split, load_data  # noqa: PLC0415
    from muslin.design import load_design  # noqa: PLC0415
    from muslin.recipe import load_recipe  # noqa: PLC0415
    from muslin.training.callbacks import Callback  # noqa: PLC0415
    from muslin.training.fit import fit  # noqa: PLC0415
    from muslin.training.history import Epoch  # noqa: PLC0415
    from muslin.training.state import Training  # noqa: PLC0415

    class TakeTurns(Callback):
        def on_epoch(self, training: Training, epoch: Epoch) -> None:
            answer(epoch.images_per_second)
            if not sys.stdin.readline():
                training.stop("no more turns")

    sample = load_data(sample=True)
    data = replace(sample, train=Split(*images_and_labels(count)), validation=sample.validation.subset(np.arange(10)))
    recipe = load_recipe("fast").with_(epochs=10_000)
    sys.stdin.readline()
    fit(load_design("custom_cnn"), data, recipe, precision=precision, callbacks=[TakeTurns()])
    return iter(())


def keras_predictions(count: int) -> None:
    """Time single-image calls in milliseconds: `predict`, and the model called directly."""
    import keras  # noqa: PLC0415
    import numpy as np  # noqa: PLC0415

    model: keras.Model = keras_model()
    image = np.random.default_rng(0).random((1, 28, 28, 1), np.float32)
    for _ in sys.stdin:
        times = timed(lambda: model.predict(image, verbose=0), count)
        print(json.dumps({"predict": times, "call": timed(lambda: np.asarray(model(image)), count)}), flush=True)


def timed(call: Callable[[], object], count: int) -> list[float]:
    """Return the milliseconds of each of `count` calls, after 20 warm-up calls."""
    for _ in range(20):
        call()
    times = []
    for _ in range(count):
        started = time.perf_counter()
        call()
        times.append((time.perf_counter() - started) * 1e3)
    return times


def answer(rate: float) -> None:
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"images_per_second": rate, "peak_mib": memory}), flush=True)


def work(name: str, count: int) -> None:
    if name.startswith("muslin"):
        os.environ["MUSLIN_FUSED"] = "0" if name.endswith("plain") else "1"
        muslin_turns(count, "float32" if "float32" in name else "bfloat16")
        return
    if name == "keras-predict":
        keras_predictions(count)
        return
    make = {"keras-tensorflow": keras_turn, "keras-torch": keras_turn, "torch-tutorial": torch_turn, "jax": jax_turn}
    turn = make[name](count)
    for _ in sys.stdin:
        started = time.perf_counter()
        turn()
        answer(count / (time.perf_counter() - started))


# ---- controlling process


class Peer:
    """A worker process; raises RuntimeError if its framework is missing."""

    def __init__(self, name: str, python: Path, count: int) -> None:
        self.name = name
        environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "", "JAX_PLATFORMS": "cpu"}
        environment["KERAS_BACKEND"] = "torch" if name == "keras-torch" else "tensorflow"
        self.process = subprocess.Popen(
            [python, __file__, name, str(count)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            text=True,
        )
        self.turns: list[dict[str, float]] = []

    def turn(self) -> dict[str, float]:
        """Run one turn."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            self.process.stdin.write("go\n")
            self.process.stdin.flush()
            return json.loads(self.process.stdout.readline())  # type: ignore[no-any-return]
        except (BrokenPipeError, ValueError) as error:
            problem = self.process.stderr.read() if self.process.stderr else ""
            raise RuntimeError(f"{self.name}: {problem.strip().splitlines()[-1:]}") from error

    def close(self) -> None:
        self.process.communicate()


def take_turns(
    names: list[str], pythons: dict[str, Path], count: int, rounds: int, between: Callable[[], None]
) -> dict[str, dict[str, object]]:
    """Alternate turns between workers (A B C A B C) after two warm-up turns each; return median images per second.

    Calls `between` before each round.
    """
    peers: list[Peer] = []
    for name in names:
        peer = Peer(name, pythons.get(name, Path(sys.executable)), count)
        try:
            for _ in range(2):
                peer.turn()
            peers.append(peer)
        except RuntimeError as problem:
            print(f"skipped: {problem}", file=sys.stderr)
    for _ in range(rounds):
        between()
        for peer in peers:
            peer.turns.append(peer.turn())
    for peer in peers:
        peer.close()
    return {
        peer.name: {
            "images_per_second": statistics.median(turn["images_per_second"] for turn in peer.turns),
            "rounds": [round(turn["images_per_second"], 1) for turn in peer.turns],
            "peak_mib": round(peer.turns[-1]["peak_mib"], 1),
        }
        for peer in peers
    }


def precisions() -> list[str]:
    """Return the precisions that this processor supports natively; emulation is a thousand times slower."""
    from muslin.engine.machine import pick_device, pick_precision  # noqa: PLC0415

    return ["float32"] + (["bfloat16"] if pick_precision(pick_device("cpu")) == "bfloat16" else [])


def machine() -> dict[str, object]:
    """Return the machine and versions of a measurement."""
    import torch  # noqa: PLC0415

    from muslin.engine.machine import processor  # noqa: PLC0415

    threads = torch.get_num_threads()
    return {
        "processor": processor(),
        "threads": threads,
        "load_average": os.getloadavg(),
        "date": time.strftime("%Y-%m-%d %H:%M"),
        "python": platform.python_version(),
        "torch": torch.__version__,
    }


def write(name: str, result: dict[str, object], out: Path | None = None) -> None:
    """Write results as JSON, by default to benchmarks/results."""
    file = out or Path(__file__).with_name("results") / f"{name}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(f"(written to {file.name})")


if __name__ == "__main__":
    work(sys.argv[1], int(sys.argv[2]))
