"""Make cards/ from the runs of scripts/table.py: of each family's best row the checkpoint that its validation chose.

    python scripts/cards.py --data-dir PATH
    python scripts/cards.py        # only the code that the cards carry, after a change to ser_hub's models or features

UAR on validation speakers chooses a family's row, by the mean over folds and seeds, and then the run: the one that is
furthest above the other seeds of its fold, for some folds have easier validation speakers than others; of one seed, the
highest. Test speakers choose nothing. The checkpoint is then tested once more, so that its card has the evidence and
the pictures of exactly this file.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from transformers import AutoFeatureExtractor, AutoModel

from ser_hub.hub.export import add_code

ROOT = Path(__file__).resolve().parents[1]
RUNS, CARDS = ROOT / "runs" / "table", ROOT / "cards"
FAMILIES = (
    ("lstm-sa-h32", "lstm-sa-h64", "lstm-sa-h128"),
    ("reslstm-sa-h64",),  # what the paper claims most for
    ("reslstm-sa-h32", "reslstm-sa-h128"),
    ("egemaps-svm",),
    ("attention-blstm",),
    ("emocatcher",),
    ("td-cnn-lstm@speaker-holdout", "td-cnn-bilstm-attention@speaker-holdout"),
    ("blstm-local-attention",),
    ("stacked-lstm", "stacked-lstm-relu", "stacked-gru", "simple-rnn", "cnn-mfcc"),
)


def validation_uar(run: Path) -> float:
    """Return the best validation UAR of a run's epochs."""
    return float(pd.read_csv(run / "metrics.csv")["val/uar"].max())


def best_run(runs: Sequence[Path]) -> Path:
    """Return the run that is furthest above its fold's mean on validation speakers; of equals the highest."""
    values = pd.DataFrame({"fold": [run.name.partition("-")[0] for run in runs], "uar": map(validation_uar, runs)})
    values["lead"] = (values["uar"] - values.groupby("fold")["uar"].transform("mean")).round(9)
    return runs[values.sort_values(["lead", "uar"], ascending=False).index[0]]


def ser_hub(*arguments: str) -> None:
    """Run a command line, and stop where it fails."""
    subprocess.run([sys.executable, "-m", "ser_hub.cli", *arguments], cwd=ROOT, check=True)


def make(row: str, run: Path, data_dir: str) -> None:
    """Test a run's checkpoint and write its Hub folder."""
    with tempfile.TemporaryDirectory() as folder:
        settings = [f"--config={run / 'config.yaml'}", f"--ckpt_path={run / 'best.ckpt'}"]
        settings += [f"--data.data_dir={data_dir}", "--trainer.precision=32-true"]  # what whoever loads it gets
        ser_hub("test", *settings, f"--trainer.default_root_dir={folder}")
        record = Path(folder, "version_0", "record.json")
        recipe = row.partition("@")[0]
        made = Path(folder, recipe)
        ser_hub("export", str(run / "best.ckpt"), str(made), f"--record={record}", f"--evaluation={RUNS / row}")
        beside = ROOT / f".{recipe}.card"  # renamed into place, so that a stop leaves no half a card
        shutil.rmtree(beside, ignore_errors=True)
        shutil.copytree(made, beside)
        shutil.rmtree(CARDS / recipe, ignore_errors=True)
        beside.rename(CARDS / recipe)


def main() -> None:
    """Make one card for each family that has been evaluated."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data-dir", help="folder of RAVDESS; without it only the code in the cards is written anew")
    arguments = parser.parse_args()
    if not arguments.data_dir:
        for folder in sorted(path.parent for path in CARDS.glob("*/config.json")):
            add_code(folder, AutoModel.from_pretrained(folder), AutoFeatureExtractor.from_pretrained(folder))
        return
    data_dir = str(Path(arguments.data_dir).resolve())
    for family in FAMILIES:
        rows = {row: sorted(RUNS.glob(f"{row}/fold*-seed*/best.ckpt")) for row in family}
        # A row is judged over all of its folds and seeds: one lucky run says little.
        means = {row: sum(validation_uar(p.parent) for p in found) / len(found) for row, found in rows.items() if found}
        if not means:
            print(f"== {family[0]}: not evaluated yet", flush=True)
            continue
        row = max(means, key=means.__getitem__)
        run = best_run([path.parent for path in rows[row]])
        print(f"== {row}: {run.name}, validation UAR {validation_uar(run):.4f}", flush=True)
        make(row, run, data_dir)


if __name__ == "__main__":
    main()
