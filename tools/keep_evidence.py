"""Copy a finished study into the project: files that reports and the page show into the package, the rest to docs.

python tools/keep_evidence.py studies/20260131-174512-custom_cnn-fast
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from muslin.ablation.justification import FILE, FOREST, LIBRARY, load_justification

ROOT = Path(__file__).resolve().parent.parent
SHOWN = (FILE, FOREST, "table.csv")
KEPT = ("table.md", "table.tex", "trials.csv", "shifts.csv", "forest.png", "study.sqlite")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", type=Path)
    study: Path = parser.parse_args().study
    name = load_justification(study).design
    shipped, kept = ROOT / "src" / "muslin" / "designs" / LIBRARY / name, ROOT / "docs" / "evidence" / name
    for names, folder in ((SHOWN, shipped), (KEPT, kept)):
        folder.mkdir(parents=True, exist_ok=True)
        for file in names:
            if study.resolve() != folder:  # a kept study that was resumed is already there
                shutil.copyfile(study / file, folder / file)
        print(f"{folder.relative_to(ROOT)}: {', '.join(names)}")


if __name__ == "__main__":
    main()
