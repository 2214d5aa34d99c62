"""Muslin: design small convolutional networks, train them fast on a CPU, and measure every choice.

    >>> import muslin
    >>> design = muslin.load_design("custom_cnn")
    >>> muslin.analyze(design).parameters
    93962

Names are imported when they are first used, so that functions that need no framework do not load one.
"""

import os

import lazy_loader

# Threads that wait for each other sleep instead of spinning. A spinning thread takes the core from the one it waits for
# as soon as anything else runs on the machine: with one other busy process, a training step on two cores took 380 ms
# instead of 55. It is set here because GNU's OpenMP library reads it when torch loads it; a value set outside stays.
os.environ.setdefault("GOMP_SPINCOUNT", "0")

_lazy, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib.metadata import version  # noqa: PLC0415  (slow to import, and rarely asked for)

        return version("muslin")
    return _lazy(name)
