"""Time `ser-hub evaluate` against the plain loop: one `fit` and one `test` command for each fold and seed.

    python scripts/benchmark_evaluate.py --data.data_dir PATH [--trainer.max_epochs 20 ...]

Both train the same runs of configs/reslstm-sa-h64.yaml. The loop gives each run every core, `evaluate` each core a run;
another number of threads sums in another order, so the share of equal predictions is printed and not demanded.
The record is results/benchmark_evaluate.json.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd

from ser_hub.cache import write_json
from ser_hub.evaluation.record import environment, without_folder

ROOT = Path(__file__).resolve().parents[1]
RECIPE, RECORD = ROOT / "configs" / "reslstm-sa-h64.yaml", ROOT / "results" / "benchmark_evaluate.json"
FOLDS = 5
QUIET = ["--trainer.logger=false", "--trainer.enable_progress_bar=false"]


def ser_hub(*arguments: str) -> None:
    """Run a command line in a process of its own."""
    subprocess.run([sys.executable, "-m", "ser_hub.cli", *arguments], check=True, stdout=subprocess.DEVNULL)


def main() -> int:
    """Time both, and write and print seconds and ratio."""
    settings = [f"--config={RECIPE}", *sys.argv[1:]]
    with tempfile.TemporaryDirectory() as folder:
        ser_hub("fit", *settings, *QUIET, "--trainer.max_epochs=1", f"--trainer.default_root_dir={folder}/warm")
        start = time.perf_counter()
        plain = []
        for fold in range(FOLDS):
            root = f"{folder}/plain{fold}"
            ser_hub("fit", *settings, *QUIET, f"--data.fold={fold}", f"--trainer.default_root_dir={root}/fit")
            fit = Path(root, "fit", "version_0")
            checkpoint = f"--ckpt_path={fit / 'checkpoints' / 'best.ckpt'}"
            ser_hub("test", f"--config={fit / 'config.yaml'}", checkpoint, f"--trainer.default_root_dir={root}/test")
            plain.append(pd.read_parquet(Path(root, "test", "version_0", "predictions.parquet")))
        loop = time.perf_counter() - start
        start = time.perf_counter()
        ser_hub("evaluate", *settings, "--dest", f"{folder}/evaluated")
        side_by_side = time.perf_counter() - start
        evaluated = pd.read_parquet(Path(folder, "evaluated", "predictions.parquet")).set_index("clip_id")
    looped = pd.concat(plain).set_index("clip_id").loc[evaluated.index]
    agree = (looped["prediction"] == evaluated["prediction"]).mean()
    record = environment() | {
        "settings": without_folder(sys.argv[1:]),
        "cores": os.cpu_count(),
        "folds": FOLDS,
        "seconds": {"plain loop": round(loop, 1), "side by side": round(side_by_side, 1)},
        "equal_predictions": float(agree),
    }
    write_json(RECORD, record)
    print(f"plain loop     {loop:7.1f} s for {FOLDS} folds")
    print(f"side by side   {side_by_side:7.1f} s")
    print(f"ratio          {loop / side_by_side:7.2f}")
    print(f"equal          {agree:7.1%} of the predictions")
    return 0


if __name__ == "__main__":
    sys.exit(main())
