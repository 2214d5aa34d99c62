"""Fuzz the readers.

    python fuzz/fuzz.py                     test all readers with a million randomly damaged files
    python fuzz/fuzz.py --only npz,onnx     test some readers
    python fuzz/fuzz.py --atheris npz       test one reader, guided by coverage (needs `pip install atheris`)

Inputs that raise anything other than a `MuslinError`, or that take longer than a second, are saved in fuzz/found/. The
exit status is then 1.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import sys
import tempfile
import time
import warnings
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("POLARS_MAX_THREADS", "1")
os.environ["RUST_BACKTRACE"] = "0"  # one line for each panic of a Polars thread
ROOT = Path(__file__).parent
sys.path.insert(0, str(ROOT.parent / "tests"))

with contextlib.ExitStack() as stack:
    if "--atheris" in sys.argv:
        import atheris

        stack.enter_context(atheris.instrument_imports(include=["muslin"]))
    from helpers.hostile.mutate import mutated
    from helpers.hostile.readers import READERS, Reader
    from muslin.errors import MuslinError

SLOW_SECONDS = 1.0
MEMORY = Path("/dev/shm")  # noqa: S108  (a file system in memory spares the disk a million files)


def main() -> int:
    """Run the command line and return the exit status."""
    parser = argparse.ArgumentParser(description="Fuzz Muslin's readers.")
    parser.add_argument(
        "--inputs", type=int, default=1_000_000, help="total number of inputs over all readers (default 1,000,000)"
    )
    parser.add_argument("--seconds", type=float, help="time limit in seconds")
    parser.add_argument("--seed", type=int, default=0, help="seed of the damage (default 0)")
    parser.add_argument("--only", default=",".join(READERS), help="readers to test, separated by commas (default: all)")
    parser.add_argument("--atheris", metavar="READER", help="reader to test with atheris")
    arguments, rest = parser.parse_known_args()
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        if arguments.atheris:
            return guided(arguments.atheris, Path(folder), rest)
        names = arguments.only.split(",")
        return damaged(names, Path(folder), arguments.inputs, arguments.seconds, arguments.seed)


def damaged(names: list[str], folder: Path, inputs: int, seconds: float | None, seed: int) -> int:
    """Test readers with randomly damaged files. Readers alternate in time slices, so slow ones do not block others.

    Args:
        names: names of the readers.
        folder: folder for the files.
        inputs: total number of inputs.
        seconds: time limit in seconds, or None.
        seed: seed of the damage.

    Returns:
        Exit status: 1 if an input failed, otherwise 0.
    """
    rng = random.Random(seed)
    for name in names:  # import everything before the first measurement
        attempt(READERS[name], READERS[name].whole[0], folder / name)
    started, done, failures = time.perf_counter(), dict.fromkeys(names, 0), 0
    accepted, slowest = dict.fromkeys(names, 0), dict.fromkeys(names, 0.0)
    while sum(done.values()) < inputs and (seconds is None or time.perf_counter() - started < seconds):
        for name in names:
            until = time.perf_counter() + 0.25
            while time.perf_counter() < until and sum(done.values()) < inputs:
                content = mutated(READERS[name].whole, rng)
                before = time.process_time()  # CPU time, since a busy machine is not a hang
                reason, fine = attempt(READERS[name], content, folder / name)
                took = time.process_time() - before
                slowest[name] = max(slowest[name], took)
                done[name] += 1
                accepted[name] += fine
                if reason or took > SLOW_SECONDS:
                    failures += 1
                    keep(name, content, reason or f"{took:.1f} s")
    for name in names:
        print(f"{name:16} {done[name]:>9,} inputs  {accepted[name]:>8,} read  slowest {1000 * slowest[name]:6.0f} ms")
    took = time.perf_counter() - started
    print(f"{sum(done.values()):,} inputs in {took:.0f} s, seed {seed}: {failures} crashes, hangs or other exceptions")
    return 1 if failures else 0


def attempt(reader: Reader, content: bytes, folder: Path) -> tuple[str, bool]:
    """Read one input.

    Returns:
        The reason for a failure ("" if there is none), and whether the file was read.
    """
    try:
        reader(content, folder)
    except MuslinError:
        return "", False
    except BaseException as error:
        return f"{type(error).__module__}.{type(error).__name__}: {error}", False
    return "", True


def keep(name: str, content: bytes, reason: str) -> None:
    """Save an input that failed."""
    found = ROOT / "found"
    found.mkdir(exist_ok=True)
    path = found / f"{name.replace(' ', '-')}-{hash(content) & 0xFFFFFFFF:08x}"
    path.write_bytes(content)
    print(f"{name}: {reason[:300]}\n  kept as {path}", file=sys.stderr)


def guided(name: str, folder: Path, rest: list[str]) -> int:
    """Test one reader with atheris, which searches for inputs that reach new code."""
    reader = READERS[name]
    corpus = folder / "corpus"
    corpus.mkdir()
    for number, content in enumerate(reader.whole):
        (corpus / str(number)).write_bytes(content)

    def one_input(content: bytes) -> None:
        reason, _ = attempt(reader, content, folder / "work")
        if reason:
            keep(name, content, reason)
            raise AssertionError(reason)

    atheris.Setup([sys.argv[0], *rest, f"-timeout={SLOW_SECONDS:.0f}", str(corpus)], one_input)
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
