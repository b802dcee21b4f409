"""Measure the table of results on RAVDESS, and write it into the README from the records.

    python scripts/table.py --data-dir PATH                 # every row that is missing or was stopped; hours to days
    python scripts/table.py --data-dir PATH --rows lstm-sa-h64 egemaps-svm
    python scripts/table.py                                 # no training: README.md from results/ as it is

Each row is one `ser-hub evaluate`, whose runs lie in runs/table/; its record, report and pictures go to results/, which
is committed.
"""

import argparse
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from _readme import write_table

ROOT = Path(__file__).resolve().parents[1]
BEGIN, END = "<!-- results: written by scripts/table.py -->", "<!-- /results -->"
KEPT = ("evaluation.json", "predictions.parquet", "report.md", "*.png")


class Row(NamedTuple):
    """One row of the table.

    Attributes:
        recipe: Name of the recipe.
        seeds: Number of seeds.
        claimed: What the source claims, with its own protocol; empty where it claims nothing for RAVDESS.
        protocol: Another protocol than the recipe's.
        settings: What machine time made of the recipe; the table shows it.
    """

    recipe: str
    seeds: int
    claimed: str = ""
    protocol: str = ""
    settings: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Name of the row, and of its folder."""
        return f"{self.recipe}@{self.protocol}" if self.protocol else self.recipe


BF16 = "--trainer.precision=bf16-mixed"
GROUPED = "--data.group_by_length=true"

ROWS = (
    Row("lstm-sa-h32", 10, "UAR 0.535"),
    Row("lstm-sa-h64", 10, "UAR 0.575"),
    Row("lstm-sa-h128", 5, "UAR 0.590"),
    Row("reslstm-sa-h32", 10, "UAR 0.613"),
    Row("reslstm-sa-h64", 10, "UAR 0.623"),
    Row("reslstm-sa-h128", 3, "UAR 0.611"),
    Row("egemaps-svm", 3),
    Row("attention-blstm", 3, "WAR 0.575 (ShEMO)"),
    Row("emocatcher", 1),
    Row("emocatcher", 1, "WAR 0.872", "clip-holdout"),
    Row("emocatcher", 1, "WAR 0.842", "clip-kfold"),
    Row("conv1d-lstm", 1, "", "speaker-holdout", ("--trainer.max_epochs=40", BF16)),
    Row("conv1d-lstm", 1, "WAR 0.80 (four corpora)", "clip-holdout", ("--trainer.max_epochs=40", BF16)),
    Row("td-cnn-lstm", 1, "", "speaker-holdout", ("--trainer.max_epochs=10", BF16)),
    Row("td-cnn-lstm", 1, "WAR 0.965", "ordered-80-10-10", ("--trainer.max_epochs=10", BF16)),
    Row("td-cnn-bilstm-attention", 1, "", "speaker-holdout", ("--trainer.max_epochs=10", BF16)),
    Row("td-cnn-bilstm-attention", 1, "WAR 0.981", "ordered-80-10-10", ("--trainer.max_epochs=10", BF16)),
    Row("blstm-local-attention", 1, "WAR 0.686 (EMO-DB, by clip)", settings=("--trainer.max_epochs=20", BF16, GROUPED)),
    Row("stacked-lstm", 1),
    Row("stacked-lstm-relu", 1, settings=("--trainer.max_epochs=25", GROUPED)),
    Row("stacked-gru", 1, settings=("--trainer.max_epochs=25", GROUPED)),
    Row("simple-rnn", 1),
    Row("cnn-mfcc", 1),
)


def measure(row: Row, data_dir: str) -> None:
    """Run what is missing of a row, and keep its evidence."""
    runs, results = ROOT / "runs" / "table" / row.name, ROOT / "results" / row.name
    protocol = [f"--protocol={row.protocol}"] if row.protocol else []
    command = [sys.executable, "-m", "ser_hub.cli", "evaluate", f"--config=configs/{row.recipe}.yaml", *protocol]
    settings = [*row.settings, f"--data.data_dir={data_dir}", f"--seeds={row.seeds}", f"--dest={runs}"]
    subprocess.run([*command, *settings], cwd=ROOT, check=True)
    results.mkdir(parents=True, exist_ok=True)
    for pattern in KEPT:
        for path in runs.glob(pattern):
            shutil.copyfile(path, results / path.name)


def render() -> str:
    """Return the table of all rows that have a record."""
    lines = [
        "| recipe | parameters | protocol | claimed | UAR | 95 % interval (speakers) | WAR | seeds | "
        "other than the recipe |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in ROWS:
        path = ROOT / "results" / row.name / "evaluation.json"
        if not path.is_file():
            continue
        record = json.loads(path.read_text())
        data, metrics = record["data"], record["scores"]["metrics"]
        uar, war = metrics["uar"], metrics["war"]
        spread = f" ± {uar['deviation']:.3f}" if len(record["seeds"]) > 1 else ""
        apart = "" if data["speaker_independent"] else ", **by clip**"
        interval = f"{uar['interval'][0]:.3f} to {uar['interval'][1]:.3f}" if uar["interval"] else "too few"
        interval += f" ({len(record['per_speaker'])})"
        usual = ("--config", "--data.data_dir", "--data.protocol")
        changed = [setting.removeprefix("--") for setting in record["settings"] if not setting.startswith(usual)]
        lines.append(
            f"| [`{row.recipe}`](results/{row.name}/report.md) | {record['model']['trainable_parameters']:,} | "
            f"`{data['protocol']}`{apart} | {row.claimed} | {uar['mean']:.3f}{spread} | {interval} | "
            f"{war['mean']:.3f} | {len(record['seeds'])} | {' '.join(f'`{setting}`' for setting in changed)} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Measure the rows that were asked for, and write the README's table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data-dir", help="folder of RAVDESS; without it nothing is measured")
    parser.add_argument("--rows", nargs="+", choices=[row.name for row in ROWS], help="rows to measure (default: all)")
    arguments = parser.parse_args()
    for row in ROWS:
        if arguments.data_dir and row.name in (arguments.rows or [row.name]):
            print(f"== {row.name}", flush=True)
            measure(row, str(Path(arguments.data_dir).resolve()))
    write_table(BEGIN, END, render())


if __name__ == "__main__":
    main()
