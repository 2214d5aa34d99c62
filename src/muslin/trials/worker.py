"""A worker process: reads messages from standard input, a line each, and answers on standard output.

    python -m muslin.trials.worker FOLDER

FOLDER holds the data as `muslin.trials.shared` wrote them. An answer begins with "=", a sign of life is ".", an
error "!", and "#" says that memory ran out: with more of it, or less beside it, the job may go well. The process ends
with its input, or when nobody reads its signs of life any more.
"""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
from pathlib import Path

BEAT_SECONDS = 1.0  # between signs of life


def main(folder: Path) -> None:
    """Work until the input ends."""
    # Lines go through a copy of standard output; whatever libraries print goes to standard error.
    lines = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)
    import torch  # noqa: PLC0415  (after standard output was put out of reach)

    from muslin.trials.shared import open_shared  # noqa: PLC0415
    from muslin.trials.trial import work  # noqa: PLC0415

    torch.set_num_threads(1)
    data = open_shared(folder)
    last = 0.0

    def beat() -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= BEAT_SECONDS:
            last = now
            lines.write(".\n")

    beat()
    for message in sys.stdin:
        try:
            lines.write(f"={work(message, data, beat)}\n")
        except BrokenPipeError:
            raise
        except Exception as error:  # whatever it is, the study goes on without this trial
            traceback.print_exc()
            said = json.dumps(f"{type(error).__name__}: {error}")
            lines.write("#\n" if _is_out_of_memory(error) else f"!{said}\n")


def _is_out_of_memory(error: Exception) -> bool:
    import torch  # noqa: PLC0415  (loaded by now)

    # On the CPU, torch raises a plain RuntimeError.
    return isinstance(error, MemoryError | torch.cuda.OutOfMemoryError) or "can't allocate memory" in str(error)


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]))
    except (BrokenPipeError, KeyboardInterrupt):
        os._exit(1)  # nobody listens; a flush at exit would only complain
