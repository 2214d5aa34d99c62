"""Write the tables of docs/explanation/performance.md from benchmarks/results; a missing result has no table."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "explanation" / "performance.md"
BEGIN, END = "<!-- tables: begin (python benchmarks/tables.py) -->", "<!-- tables: end -->"


def result(name: str) -> Any:
    file = HERE / "results" / f"{name}.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else None


def table(head: list[str], rows: list[list[str]]) -> list[str]:
    lines = [head, ["---"] * len(head), *rows]
    return ["| " + " | ".join(cells) + " |" for cells in lines] + [""]


def where(there: Any, command: str, *, threads: bool = True) -> str:
    team = f"{there['threads']} threads, " if threads else ""
    what = f"{there['processor']}, {team}torch {there['torch']}, {there['date']}"
    return f"`python benchmarks/{command}`  \n{what}; load average at the start: {there['load_average'][0]:.1f}."


def paragraph(text: str) -> str:
    return textwrap.fill(text, 120)


def throughput(found: Any) -> list[str]:
    rows = [
        [
            name,
            row["precision"],
            f"{row['images_per_second']:,.0f}",
            f"{54_000 / row['images_per_second']:.1f}",
            f"{row['ratio']:.2f}",
            f"{row['share_of_peak']:.0%}",
        ]
        for name, row in found["rows"].items()
    ]
    head = ["", "precision", "images/s", "s per epoch", "× Keras on TensorFlow", "of the peak"]
    turns = len(next(iter(found["rows"].values()))["rounds"])
    command = f"throughput.py --images {found['images_a_turn']} --rounds {turns}"
    peaks = " and ".join(f"{peak:,.0f} GFLOP/s in {kind}" for kind, peak in found["peak_gflops"].items())
    how = paragraph(
        f"Medians of {turns} alternating runs of {found['images_a_turn']:,} images. Between them, matrix products "
        f"reached {peaks}."
    )
    return ["### Throughput", "", where(found["machine"], command), "", how, "", *table(head, rows)]


def accuracy(found: Any) -> list[str]:
    rows = [
        [
            str(row["seed"]),
            str(row.get("threads", found["machine"]["threads"])),
            f"{row['seconds']:.1f}",
            f"{row['images_per_second']:,.0f}",
            f"{row['validation_accuracy']:.2%}",
            f"{row['test_accuracy']:.2%}",
        ]
        for row in found["runs"]
    ]
    summary = paragraph(
        f"{len(rows)} seeds: mean test accuracy {found['mean_test_accuracy']:.2%}, lowest "
        f"{found['lowest_test_accuracy']:.2%}; median time {found['median_seconds']:.1f} s, validation included; peak "
        f"memory {found['peak_mib']:,.0f} MiB."
    )
    head = ["seed", "threads", "seconds", "images/s", "validation", "test"]
    name = found["recipe"]["name"]
    seeds = [row["seed"] for row in found["runs"]]
    command = "time_to_accuracy.py" + (f" --recipe {name}" if name != "fast" else "")
    command += "" if seeds == list(range(10)) else " --seeds " + " ".join(map(str, seeds))
    return [
        f"### Recipe {name} over seeds",
        "",
        where(found["machine"], command, threads=False),
        "",
        summary,
        "",
        *table(head, rows),
    ]


def notebook_fit(found: Any) -> list[str]:
    keras, ours = found["keras"], found["runs"]
    rows = [
        [
            f"Keras {keras['keras']} on TensorFlow, float32, recipe `notebook`",
            str(len(keras["epoch_seconds"])),
            f"{keras['seconds']:,.1f}",
            f"{keras['validation_accuracy']:.2%}",
            f"{keras['test_accuracy']:.2%}",
        ],
        *(
            [
                f"recipe {found['recipe']}, {found['precision']}, seed {run['seed']}",
                str(run["epochs"]),
                f"{run['with_preparations']:.1f}",
                f"{run['validation_accuracy']:.2%}",
                f"{run['test_accuracy']:.2%}",
            ]
            for run in ours
        ),
    ]
    epochs = keras["epoch_seconds"]
    at_its_best = found["ratio"] * min(epochs) * len(epochs) / keras["seconds"]
    summary = paragraph(
        f"One seed of Keras; {found['before_keras']} of our trainings ran before it and "
        f"{len(ours) - found['before_keras']} after it. Keras took {found['ratio']:.1f} times as long as our median. "
        f"Its epochs took {min(epochs):.1f} to {max(epochs):.1f} s; had each taken the fastest time, the factor would "
        f"be {at_its_best:.1f}."
    )
    head = ["", "epochs", "seconds", "validation", "test"]
    title = "### Trained to completion, beside Keras"
    return [title, "", where(found["machine"], "notebook_fit.py"), "", summary, "", *table(head, rows)]


def memory(found: Any) -> list[str]:
    rows = [[name, f"{peak:,.0f}"] for name, peak in found["peak_mib"].items()]
    there = where(found["machine"], "memory.py")
    return ["### Peak memory of one epoch on the full data", "", there, "", *table(["", "MiB"], rows)]


def latency(found: Any) -> list[str]:
    rows = [[name, f"{row['p50_ms']:.3f}", f"{row['p99_ms']:.3f}"] for name, row in found["rows"].items()]
    return ["### One image", "", where(found["machine"], "latency.py"), "", *table(["", "p50, ms", "p99, ms"], rows)]


def startup(found: Any) -> list[str]:
    rows = [[f"`{name}`", f"{seconds:.2f}"] for name, seconds in found["seconds"].items()]
    return ["### Start-up", "", where(found["machine"], "startup.py"), "", *table(["", "seconds"], rows)]


def scaling(found: Any) -> list[str]:
    rows = [
        [
            name,
            row["unit"],
            ", ".join(f"{size}: {time:.1f}" for size, time in zip(row["sizes"], row["milliseconds"], strict=True)),
            f"{row['exponent']:.2f}",
            f"{row['exponent_of_operations']:.2f}",
        ]
        for name, row in found["questions"].items()
    ]
    head = ["", "size", "ms per step of 128", "exponent", "exponent of the MACs"]
    return ["### How cost grows", "", where(found["machine"], "scaling.py"), "", *table(head, rows)]


TABLES = {
    "throughput": throughput,
    "time_to_accuracy_fast": accuracy,
    "time_to_accuracy_best": accuracy,
    "notebook_fit": notebook_fit,
    "memory": memory,
    "latency": latency,
    "startup": startup,
    "scaling": scaling,
}


def main() -> None:
    lines = [BEGIN, ""]
    for name, make in TABLES.items():
        found = result(name)
        if found is not None:
            lines += make(found)
    before, rest = PAGE.read_text(encoding="utf-8").split(BEGIN)
    after = rest.split(END)[1]
    PAGE.write_text(before + "\n".join([*lines, END]) + after, encoding="utf-8")
    print(f"wrote {PAGE.name}")


if __name__ == "__main__":
    main()
