"""Time of the notebook's complete `fit` in Keras on TensorFlow and of a Muslin recipe on the same data.

python benchmarks/notebook_fit.py                        # recipe fast; 15–30 minutes
python benchmarks/notebook_fit.py --seeds 0 1 2 3 4 5    # half of them before Keras, half of them after

Keras trains on the same 54,000 images and validates on the same 6,000, for at most 50 epochs, in float32, its default;
the recipe trains in the processor's preferred precision. Everything runs on the CPU, each turn in a separate process,
timed around the whole call of `fit`. The test split is only reported; nothing is chosen by it.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from _peers import BATCH, keras_model, machine, write

HERE = Path(__file__)
KERAS = "keras"
SPLITS = ("train", "validation", "test")


def keras_fit(arrays: str) -> dict[str, Any]:
    """Train as the notebook does, in an environment with TensorFlow, and return the results."""
    import keras  # noqa: PLC0415
    import numpy as np  # noqa: PLC0415

    with np.load(arrays, allow_pickle=False) as given:
        splits = {name: (given[name].astype("float32") / 255, given[f"{name}_labels"]) for name in SPLITS}
    keras.utils.set_random_seed(0)
    model: Any = keras_model()
    ends: list[float] = []
    callbacks = [
        keras.callbacks.EarlyStopping(monitor="val_loss", patience=10, restore_best_weights=True),
        keras.callbacks.ReduceLROnPlateau(monitor="val_loss", factor=0.5, patience=5, min_lr=1e-7),
        keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: ends.append(time.perf_counter())),
    ]
    started = time.perf_counter()
    model.fit(
        *splits["train"],
        epochs=50,
        batch_size=BATCH,
        validation_data=splits["validation"],
        callbacks=callbacks,
        verbose=0,
    )
    seconds = time.perf_counter() - started
    return {
        "keras": keras.__version__,
        "seconds": seconds,
        "epoch_seconds": [round(end - begin, 2) for begin, end in zip([started, *ends], ends, strict=False)],
        **{f"{name}_accuracy": model.evaluate(*splits[name], verbose=0)[1] for name in ("validation", "test")},
    }


def keras_turn(data: Path | None, python: Path) -> dict[str, Any]:
    """Train with Keras on Muslin's splits."""
    import numpy as np  # noqa: PLC0415

    from muslin.data import load_data  # noqa: PLC0415

    splits = load_data(data).splits
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "", "KERAS_BACKEND": "tensorflow"}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "splits.npz"
        arrays = {name: split.images for name, split in splits.items()}
        np.savez(file, **arrays, **{f"{name}_labels": split.labels for name, split in splits.items()})
        done = subprocess.run([python, HERE, KERAS, file], env=environment, stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def our_turns(data: Path | None, recipe: str, seeds: list[int]) -> dict[str, Any]:
    """Train with a Muslin recipe, one seed after the other."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "runs.json"
        command = [
            sys.executable,
            HERE.with_name("time_to_accuracy.py"),
            "--recipe",
            recipe,
            "--device",
            "cpu",
            "-o",
            out,
        ]
        given = ["--data", data] if data else []
        subprocess.run([*command, *given, "--seeds", *map(str, seeds)], check=True)
        return json.loads(out.read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def main() -> None:
    from keras_agreement import tensorflow_python  # noqa: PLC0415

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", default="fast")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3], help="the recipe's seeds; Keras has one")
    parser.add_argument("--python", type=Path, help="Python with TensorFlow (default: set up in the cache)")
    parser.add_argument("--data", type=Path)
    parser.add_argument("-o", "--out", type=Path)
    chosen = parser.parse_args()
    python, there, half = chosen.python or tensorflow_python(), machine(), -(-len(chosen.seeds) // 2)
    first = our_turns(chosen.data, chosen.recipe, chosen.seeds[:half])
    keras = keras_turn(chosen.data, python)
    last = our_turns(chosen.data, chosen.recipe, chosen.seeds[half:]) if chosen.seeds[half:] else {"runs": []}
    ours = [*first["runs"], *last["runs"]]
    seconds = statistics.median(run["with_preparations"] for run in ours)
    accuracy = statistics.mean(run["test_accuracy"] for run in ours)
    result = {
        "machine": there,
        "recipe": chosen.recipe,
        "precision": first["precision"],
        "before_keras": len(first["runs"]),
        "runs": ours,
        "keras": keras,
        "ratio": keras["seconds"] / seconds,
    }
    print(
        f"  Keras {keras['keras']}: {keras['seconds']:,.0f} s for {len(keras['epoch_seconds'])} epochs, "
        f"test {keras['test_accuracy']:.2%}\n"
        f"  recipe {chosen.recipe}: median {seconds:.1f} s, mean test {accuracy:.2%} over {len(ours)} seeds; "
        f"Keras took {result['ratio']:.1f} times as long"
    )
    write("notebook_fit", result, chosen.out)


if __name__ == "__main__":
    if sys.argv[1:2] == [KERAS]:
        print(json.dumps(keras_fit(sys.argv[2])))
    else:
        main()
