"""Every fold and seed of a recipe, side by side in a few processes; then one evidence record over all of them.

A process imports the libraries once and trains one fold and seed after the other, for a small model trains in less time
than torch takes to load. A fold and seed that is done is a folder that was renamed into place, so that a run that was
killed goes on where it stopped. Predictions of all folds are pooled before they are scored.
"""

import json
import os
import shlex
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

import pandas as pd
from filelock import FileLock, Timeout
from tqdm import tqdm

from ser_hub.cache import write_json, written_aside
from ser_hub.errors import InputError
from ser_hub.evaluation import figures
from ser_hub.evaluation.record import environment, without_folder, write_record
from ser_hub.evaluation.statistics import by_group, by_speaker_and_gender, class_names, summary
from ser_hub.evaluation.tracking import log_summary
from ser_hub.evaluation.workers import CHECKPOINT, fit_logged, run_all, test_logged
from ser_hub.protocols import independence

KEPT_PICTURES = ("confusion_matrix.png", "embeddings.png", "attention.png")
"""What a test draws that its run's folder keeps, for the card of its checkpoint."""

OF_ONE_RUN = {"embeddings.png": "Embeddings of the test clips", "attention.png": "Attention over one test clip"}
"""Pictures of a single test, of which the report shows the first fold's with the first seed."""


@dataclass(frozen=True)
class Job:
    """One fold with one seed.

    Attributes:
        fold: Number of the fold.
        seed: Seed of the run.
        folder: Where its results lie when it is done.
    """

    fold: int
    seed: int
    folder: Path


def evaluate(
    settings: Sequence[str],
    recipe: Mapping[str, Any],
    folds: int,
    seeds: int,
    dest: str | Path,
    workers: int | None = None,
) -> Path:
    """Train and test every fold with every seed, and write the evidence over all of them.

    Args:
        settings: Arguments of `ser-hub fit`: the recipe and what is overridden.
        recipe: What these settings come to, for the record; runs of a recipe that was edited since are not reused.
        folds: Number of folds of the recipe's protocol.
        seeds: Number of seeds, from 0.
        dest: Folder for the results; what lies there of an earlier, stopped run of the same settings is kept.
        workers: Processes at once, each with its share of the cores; None means one per core.

    Returns:
        The record, `evaluation.json`.

    Raises:
        InputError: The folder holds another evaluation, another process is at work in it, or a run failed; the message
            names its log.
    """
    dest = Path(dest)
    dest.mkdir(parents=True, exist_ok=True)
    jobs = [Job(fold, seed, dest / f"fold{fold}-seed{seed}") for seed in range(seeds) for fold in range(folds)]
    with _alone(dest):
        _claim(dest / "plan.json", {"settings": without_folder(settings), "folds": folds, "recipe": recipe})
        _run([job for job in jobs if not job.folder.is_dir()], settings, workers or os.cpu_count() or 1)
        return collect(jobs, dest)


def collect(jobs: Sequence[Job], dest: Path) -> Path:
    """Pool the jobs' predictions, score them, and write record, pictures and report; returns the record.

    Raises:
        InputError: The jobs did not split the same clips in the same way.
    """
    records = [json.loads((job.folder / "record.json").read_text()) for job in jobs]
    for name in ("corpus_sha256", "manifest_sha256"):
        if len({record["data"][name] for record in records}) > 1:
            raise InputError(
                f"{dest}: the runs differ in {name}, for the corpus or the code changed between them; "
                f"evaluate into another folder"
            )
    plan = json.loads((dest / "plan.json").read_text())
    parts = [pd.read_parquet(job.folder / "predictions.parquet").assign(seed=job.seed, fold=job.fold) for job in jobs]
    predictions = pd.concat(parts, ignore_index=True)
    names = class_names(predictions)
    first = records[0]
    told = all("threads" in one["trainer"] for one in records)
    overall = summary(predictions, names)
    curves = {job.folder.name: pd.read_csv(job.folder / "metrics.csv") for job in jobs}
    best = pd.Series({(job.seed, job.fold): curves[job.folder.name]["val/uar"].max() for job in jobs})
    record = environment() | {
        "git_of_runs": sorted({str(one["git"]) for one in records}),
        "model": {key: value for key, value in first["model"].items() if key != "weights_sha256"},
        "feature_extractor": first["feature_extractor"],
        "data": {key: value for key, value in first["data"].items() if key not in ("fold", "clips")}
        | {"folds": len({job.fold for job in jobs}), "clips": int((predictions["seed"] == jobs[0].seed).sum())},
        "trainer": {key: value for key, value in first["trainer"].items() if key != "threads"},
        # Runs of before do not say, and what some say is not true of all.
        "threads": sorted({one["trainer"]["threads"] for one in records}) if told else [],
        "seeds": sorted({job.seed for job in jobs}),
        "settings": plan["settings"],
        "recipe": plan["recipe"],
        "scores": overall,
        "best_validation_uar": {str(seed): float(value) for seed, value in best.groupby(level=0).mean().items()},
        "per_fold": {
            str(fold): {name: by_group(part, names)[name] for name in ("uar", "war")}
            for fold, part in predictions.groupby("fold")
        },
        **by_speaker_and_gender(predictions, names),
    }
    title = _title(record)
    figures.confusion_matrix(overall["confusion_matrix"], names, title, dest / "confusion_matrix.png")
    figures.learning_curves(curves, title, dest / "learning_curves.png")
    figures.calibration(predictions, names, title, dest / "calibration.png")
    examples = [name for name in OF_ONE_RUN if (jobs[0].folder / name).exists()]
    for name in examples:
        with written_aside(dest / name) as partial:
            shutil.copyfile(jobs[0].folder / name, partial)
    path = dest / "evaluation.json"
    write_record(path, record, predictions.to_dict(orient="list"))
    with written_aside(dest / "report.md") as partial:
        partial.write_text(report(record, examples))
    log_summary(dest, dest.name, {f"test/{metric}": score["mean"] for metric, score in overall["metrics"].items()})
    return path


def report(record: dict[str, Any], examples: Sequence[str]) -> str:
    """Return an evaluation's record as a Markdown page; its pictures, and the `examples` of one run, lie beside it."""
    scores, data = record["scores"], record["data"]
    over_seeds = ("deviation", "minimum", "maximum")
    rows = "\n".join(
        f"| {metric.upper()} | {s['mean']:.4f} | "
        + "".join(f"{s[name]:.4f} | " if len(record["seeds"]) > 1 else "| " for name in over_seeds)
        + f"{interval_text(s)} |"
        for metric, s in scores["metrics"].items()
    )
    if ensemble := scores["ensemble"]:
        rows += "".join(
            f"\n| {metric.upper()} of the seeds' mean probabilities | {s['value']:.4f} | | | | {interval_text(s)} |"
            for metric, s in ensemble.items()
        )
    classes = "\n".join(
        f"| {name} | {row['recall']:.3f} | {row['precision']:.3f} | {row['f1']:.3f} | {row['support']} |"
        for name, row in scores["per_class"].items()
    )
    groups = "\n".join(
        f"| {name} | {row['uar']:.3f} | {row['war']:.3f} | {row['clips']} |"
        for kind in ("per_gender", "per_speaker")
        for name, row in record[kind].items()
    )
    shown = "\n".join(f"![{OF_ONE_RUN[name]}]({name})" for name in examples)
    return f"""# {_title(record).replace(chr(10), ": ")}

{counted(len(record["seeds"]), "seed")}, {counted(data["folds"], "fold")}, {data["clips"]} clips tested with each seed.
Predictions of all folds are pooled before they are scored; deviation, minimum and maximum are over seeds; the interval
is a bootstrap over the {len(record["per_speaker"])} speakers that were tested.
The best epochs on the validation part have a UAR of {mean(record["best_validation_uar"].values()):.4f} there, the mean
over folds and seeds.
Manifest SHA-256 `{data["manifest_sha256"]}`, corpus SHA-256 `{data["corpus_sha256"]}`,
code `{"`, `".join(record["git_of_runs"])}`.

| metric | mean | deviation | minimum | maximum | 95 % interval |
|---|---|---|---|---|---|
{rows}

| class | recall | precision | F1 | clips |
|---|---|---|---|---|
{classes}

![Confusion matrix](confusion_matrix.png)
![Learning curves](learning_curves.png)
![Calibration](calibration.png)
{shown}

| gender or speaker | UAR | WAR | clips |
|---|---|---|---|
{groups}

Made by `{command("evaluate", record["settings"], len(record["seeds"]))}`{threads_text(record)}.
"""


def command(verb: str, settings: Sequence[str], seeds: int) -> str:
    """Return the command line that makes an evaluation again, as a shell takes it."""
    return shlex.join(["ser-hub", verb, *settings, "--seeds", str(seeds), "--dest", "DEST"])


def threads_text(record: dict[str, Any]) -> str:
    """Return on how many threads an evaluation's runs were, as text; nothing where its record does not say."""
    if not (threads := record.get("threads")):
        return ""
    counts = " or ".join(map(str, threads))
    return f", each run on {counts} thread{'' if threads == [1] else 's'} (the last digits depend on it)"


def interval_text(score: dict[str, Any]) -> str:
    """Return a score's 95 % interval as text."""
    interval = score["interval"]
    return f"{interval[0]:.4f} to {interval[1]:.4f}" if interval else "too few speakers, or none named"


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, as `1 seed` or `2 seeds`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _title(record: dict[str, Any]) -> str:
    data, uar = record["data"], record["scores"]["metrics"]["uar"]
    apart = independence(data["speaker_independent"])
    return (
        f"{record['model']['class']}, {data['corpus']}, {data['protocol']} ({apart})\n"
        f"UAR {uar['mean']:.3f}, WAR {record['scores']['metrics']['war']['mean']:.3f}, "
        f"{counted(len(record['seeds']), 'seed')}"
    )


@contextmanager
def _alone(dest: Path) -> Iterator[None]:
    """Hold a folder against other processes, which would throw away this one's unfinished runs."""
    lock = FileLock(dest / ".lock", timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        raise InputError(
            f"another process evaluates into {dest} (it holds {dest / '.lock'}); wait for it, or name another folder"
        ) from error
    except (OSError, NotImplementedError):  # a file system without locks: go on without one
        pass
    try:
        yield
    finally:
        lock.release()


def _claim(plan: Path, wanted: dict[str, Any]) -> None:
    """Write down what is evaluated in a folder, or refuse a folder in which something else is."""
    if plan.exists():
        if json.loads(plan.read_text()) != wanted:
            raise InputError(
                f"{plan.parent} holds an evaluation of other settings or another recipe; name another folder"
            )
        return
    write_json(plan, wanted)


def _run(jobs: Sequence[Job], settings: Sequence[str], workers: int) -> None:
    done = run_all(_train_and_test, [(job, settings) for job in jobs], workers)
    for _ in tqdm(done, total=len(jobs), desc="folds x seeds", unit="run"):
        pass


def _train_and_test(job: Job, settings: Sequence[str]) -> None:
    partial = job.folder.with_name(f"{job.folder.name}.part")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    log, name = partial / "log.txt", f"fold {job.fold}, seed {job.seed}"
    chosen = [*settings, f"--data.fold={job.fold}", f"--seed_everything={job.seed}"]
    fit = fit_logged(chosen, partial / "fit", log, name)
    test = test_logged(fit, partial / "test", log, name)
    kept = [test / "record.json", test / "predictions.parquet", fit / "metrics.csv", fit / "config.yaml"]
    kept.append(fit / CHECKPOINT)
    for path in kept + [test / name for name in KEPT_PICTURES if (test / name).exists()]:
        path.rename(partial / path.name)
    shutil.rmtree(fit.parent)
    shutil.rmtree(test.parent)
    partial.rename(job.folder)
