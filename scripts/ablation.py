"""Why a claimed number and ours differ: one suspicion a row, each measured on the same folds, into results/ablation/.

    python scripts/ablation.py --data-dir PATH --recipe lstm-sa-h64 --seeds 3
    python scripts/ablation.py --data-dir PATH --recipe reslstm-sa-h64 --rows as-committed as-published

Every row trains a recipe on the five speaker-independent folds with one thing changed, and judges the test clips after
every epoch, which an honest run never does: so that one training says what the epoch chosen on the validation speakers,
the last epoch, and the epoch chosen on the test clips themselves would have been reported as. A fold and seed that is
done is kept in runs/ablation/; a stopped run goes on.
"""

import argparse
import hashlib
import itertools
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from sklearn.metrics import recall_score
from tqdm import tqdm

from ser_hub.cache import write_json, written_aside
from ser_hub.cli import lightning
from ser_hub.evaluation.record import COMMIT, environment
from ser_hub.evaluation.workers import run_all
from ser_hub.training import SERDataModule

ROOT = Path(__file__).resolve().parents[1]
CLAIMED = {"lstm-sa-h64": "0.5751 ± 0.0108", "reslstm-sa-h64": "0.6232 ± 0.0119"}
"""UAR over ten runs, by recipe."""
FOLDS = 5


def all_clips(data: SERDataModule) -> None:
    """Fit the normalisation on every clip, test clips among them."""
    _, clips = data._load()
    data.feature_extractor.fit(iter(clips))


def each_speaker(data: SERDataModule) -> None:
    """Standardise each speaker by its own clips, without labels: no leak, but it needs to know who speaks."""
    hashes, clips = data._load()
    speakers = np.array(data.rows["speaker"])
    standardised = list(clips)
    for speaker in np.unique(speakers):
        places = np.flatnonzero(speakers == speaker)
        frames = np.concatenate([clips[place] for place in places])
        mean, std = frames.mean(axis=0), frames.std(axis=0)
        for place in places:
            standardised[place] = (clips[place] - mean) / std
    data._clips = hashes, standardised


def no_mask(data: SERDataModule) -> None:
    """Say that every frame is real: attention and batch normalisation run over the padding too."""
    masked = data.collate

    def collate(items: list[Any]) -> dict[str, Any]:
        batch = masked(items)
        return batch | {"attention_mask": torch.ones_like(batch["attention_mask"])}

    data.collate = collate  # type: ignore[method-assign]


class AnnealWithinEpochs(Callback):
    """Move the learning rate along its cosine at every batch, not once an epoch: each cycle then ends at its floor."""

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        """Set the rate of this batch."""
        for config in trainer.lr_scheduler_configs:
            config.scheduler.step(trainer.current_epoch + batch_idx / trainer.num_training_batches)


class Row(NamedTuple):
    """One suspicion.

    Attributes:
        title: What is changed.
        settings: What it changes of the recipe.
        changes: What it changes of the data.
        callbacks: What it changes of the training.
    """

    title: str
    settings: tuple[str, ...] = ()
    changes: tuple[Callable[[SERDataModule], None], ...] = ()
    callbacks: tuple[type[Callback], ...] = ()


FEATURES = "--data.feature_extractor.init_args"
RANDOM = "--data.group_by_length=false"
SPEC_AUGMENT = '--data.augmentation.features=[{"class_path": "ser_hub.training.SpecAugment"}]'
ROWS = {
    "as-committed": Row("the recipe as committed"),
    "all-clips": Row("normalisation fitted on all clips, test clips among them", changes=(all_clips,)),
    "random-batches": Row("batches at random, not of clips of about the same length", (RANDOM,)),
    "no-mask": Row("random batches, and attention (and batch normalisation) over their padding", (RANDOM,), (no_mask,)),
    "as-published": Row(
        "as the published code: random batches, attention over their padding, normalisation fitted on all clips",
        (RANDOM,),
        (all_clips, no_mask),
    ),
    "lr-of-paper": Row("lr 2e-4, the largest that the paper names", ("--optimizer.init_args.lr=2e-4",)),
    "lr-within-epochs": Row(
        "learning rate annealed batch by batch, not epoch by epoch", callbacks=(AnnealWithinEpochs,)
    ),
    "22050-hz": Row(
        "features at 22,050 Hz, n_fft 2048, hop 1024",
        (f"{FEATURES}.sampling_rate=22050", f"{FEATURES}.n_fft=2048", f"{FEATURES}.hop_length=1024"),
    ),
    "spec-augment": Row("SpecAugment on the features", (SPEC_AUGMENT,)),
    "each-speaker": Row("each speaker standardised by its own clips", changes=(each_speaker,)),
    "each-speaker-spec-augment": Row("each speaker standardised, and SpecAugment", (SPEC_AUGMENT,), (each_speaker,)),
}


class EveryEpoch(Callback):
    """Keep what the model says of the test clips after every epoch, and its UAR on the validation speakers."""

    def __init__(self) -> None:
        self.predictions: list[list[int]] = []
        self.validation: list[float] = []

    @torch.no_grad()
    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Judge the test clips; the model is in evaluation mode."""
        if trainer.sanity_checking:
            return
        data: Any = getattr(trainer, "datamodule")  # noqa: B009  # Lightning attaches it, its types do not say so
        found: list[int] = []
        with torch.random.fork_rng():  # a loader draws from it, and training must not feel that it is watched
            for batch in data.test_dataloader():
                moved = trainer.strategy.batch_to_device(batch)
                output = pl_module(moved["input_features"], moved["attention_mask"])
                found += output.logits.argmax(dim=-1).tolist()
        self.predictions.append(found)
        self.validation.append(float(trainer.callback_metrics["val/uar"]))


def train(recipe: str, name: str, fold: int, seed: int, data_dir: str, path: Path) -> None:
    """Train one fold with one seed, and keep every epoch's predictions."""
    row, watch = ROWS[name], EveryEpoch()
    arguments = [
        f"--config=configs/{recipe}.yaml",
        f"--data.data_dir={data_dir}",
        f"--data.fold={fold}",
        f"--seed_everything={seed}",
    ]
    quiet = [
        "--trainer.logger=false",
        "--trainer.enable_progress_bar=false",
        "--trainer.enable_model_summary=false",
    ]
    cli = lightning(
        [*arguments, *row.settings, *quiet, f"--trainer.default_root_dir={path.parent / path.stem}"], run=False
    )
    data = cli.datamodule
    assert isinstance(data, SERDataModule)  # what the parser was built for
    for change in row.changes:
        change(data)
    cli.trainer.callbacks = [watch, *(callback() for callback in row.callbacks)]  # type: ignore[attr-defined]  # no checkpoint is kept
    cli.trainer.fit(cli.model, data)
    labels = dict(zip(data.rows["clip_id"], data.rows["label"], strict=True))
    kept = {
        "labels": [labels[clip_id] for clip_id in data.fold.test],
        "validation": watch.validation,
        "predictions": watch.predictions,
        "git": COMMIT,
    }
    with written_aside(path) as partial:
        partial.write_text(json.dumps(kept))


def uar(labels: Any, predictions: Any) -> float:
    """Return the unweighted average recall."""
    return float(recall_score(labels, predictions, average="macro"))


def choices(run: dict[str, Any]) -> dict[str, int]:
    """Return the epoch of one fold that each way to choose takes."""
    on_test = [uar(run["labels"], predictions) for predictions in run["predictions"]]
    return {
        "validation": int(np.argmax(run["validation"])),
        "last": len(on_test) - 1,
        "test": int(np.argmax(on_test)),
    }


def summarise(name: str, runs: dict[int, list[dict[str, Any]]]) -> dict[str, Any]:
    """Return a row's UAR for each way to choose the epoch, the folds of a seed pooled; one value a seed."""
    found: dict[str, list[float]] = {"validation": [], "last": [], "test": []}
    validation: list[float] = []
    for folds in runs.values():
        labels = [label for run in folds for label in run["labels"]]
        chosen = [choices(run) for run in folds]
        for way, values in found.items():
            picked = zip(folds, chosen, strict=True)
            values.append(uar(labels, [one for run, epoch in picked for one in run["predictions"][epoch[way]]]))
        validation.append(float(np.mean([max(run["validation"]) for run in folds])))
    row = ROWS[name]
    return {
        "name": name,
        "title": row.title,
        "seeds": sorted(runs),
        "uar": found,
        "best_validation_uar": validation,
        "git_of_runs": sorted({str(run["git"]) for folds in runs.values() for run in folds}),
    }


def report(recipe: str, rows: list[dict[str, Any]]) -> str:
    """Return the table as a Markdown page."""

    def shown(values: list[float]) -> str:
        spread = f" ± {np.std(values, ddof=1):.3f}" if len(values) > 1 else ""
        return f"{np.mean(values):.3f}{spread}"

    lines = "\n".join(
        f"| {row['title']} | {shown(row['uar']['validation'])} | {shown(row['uar']['last'])} | "
        f"{shown(row['uar']['test'])} | {shown(row['best_validation_uar'])} | {len(row['seeds'])} |"
        for row in rows
    )
    names = [row["name"] for row in rows]
    options = f"--recipe {recipe} --seeds {max(len(row['seeds']) for row in rows)}"
    if names != list(ROWS):
        options += f" --rows {' '.join(names)}"
    return f"""# Why the claimed number and ours differ: {recipe} on the five speaker-independent folds

Claimed: UAR {CLAIMED[recipe]} over ten runs. Each row changes `configs/{recipe}.yaml` as it says; the columns are
the UAR on the test clips, all folds pooled, that each way to choose the epoch would have reported. **Only the first is
honest**: the third chooses the epoch on the clips that it reports. The fourth is the UAR of the best epoch on the
validation speakers themselves, mean over folds: what a run looks like before it meets a test speaker. Mean ± deviation
over seeds.

| what is changed | epoch chosen on validation | last epoch | epoch chosen on TEST | best on validation | seeds |
|---|---|---|---|---|---|
{lines}

Made by `python scripts/ablation.py --data-dir PATH {options}`; the values of each seed are in `ablation.json`.
"""


def main() -> None:
    """Measure the rows that were asked for, and write what there is."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data-dir", required=True, help="folder of RAVDESS")
    parser.add_argument("--recipe", required=True, choices=list(CLAIMED), help="what is trained")
    parser.add_argument(
        "--rows", nargs="+", choices=list(ROWS), default=list(ROWS), help="rows to measure (default: all)"
    )
    parser.add_argument("--seeds", type=int, default=1, help="number of seeds, from 0 (default: 1)")
    parser.add_argument(
        "--workers", type=int, default=os.cpu_count() or 1, help="processes at once (default: one per core)"
    )
    arguments = parser.parse_args()
    recipe, data_dir = arguments.recipe, str(Path(arguments.data_dir).resolve())
    os.chdir(ROOT)
    # Runs of a recipe, or by a script, that was edited since are not reused.
    content = (ROOT / "configs" / f"{recipe}.yaml").read_bytes() + Path(__file__).read_bytes()
    folder = ROOT / "runs" / "ablation" / f"{recipe}-{hashlib.sha256(content).hexdigest()[:8]}"
    folder.mkdir(parents=True, exist_ok=True)

    def kept(name: str, seed: int, fold: int) -> Path:
        return folder / f"{name}-seed{seed}-fold{fold}.json"

    wanted = itertools.product(range(arguments.seeds), arguments.rows, range(FOLDS))
    tasks = [(recipe, name, fold, seed, data_dir, kept(name, seed, fold)) for seed, name, fold in wanted]
    missing = [task for task in tasks if not task[-1].exists()]
    for _ in tqdm(run_all(train, missing, arguments.workers), total=len(missing), desc="folds x seeds", unit="run"):
        pass
    rows = []
    for name in ROWS:
        runs: dict[int, list[dict[str, Any]]] = {}
        for seed in itertools.count():
            paths = [kept(name, seed, fold) for fold in range(FOLDS)]
            if not all(path.exists() for path in paths):
                break
            runs[seed] = [json.loads(path.read_text()) for path in paths]
        if runs:
            rows.append(summarise(name, runs))
    results = ROOT / "results" / "ablation" / recipe
    results.mkdir(parents=True, exist_ok=True)
    record = environment() | {"recipe": recipe, "rows": rows}
    write_json(results / "ablation.json", record)
    with written_aside(results / "ablation.md") as partial:
        partial.write_text(report(recipe, rows))
    print(report(recipe, rows))


if __name__ == "__main__":
    main()
