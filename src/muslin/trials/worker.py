"""A worker process: reads one message per line from standard input and answers on standard output.

    python -m muslin.trials.worker FOLDER

FOLDER holds the data that `muslin.trials.shared` wrote. A line is an answer ("=" and its text), a heartbeat (".") or an
error ("!" and its message as JSON). "#" reports that memory ran out; the job may succeed when more is free. The process
ends when its input ends or its output is closed.
"""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
from pathlib import Path

BEAT_SECONDS = 1.0  # between heartbeats


def main(folder: Path) -> None:
    """Work until the input ends."""
    # Answers go through a copy of standard output; everything that libraries print goes to standard error.
    lines = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)
    import torch  # noqa: PLC0415  (after standard output was replaced)

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
        except Exception as error:  # whatever it is, the study continues without this trial
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
        os._exit(1)  # the output is closed; a flush at exit would raise again
