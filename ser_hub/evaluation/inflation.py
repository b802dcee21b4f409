"""How much of a published number is the protocol: the same recipe under splits that leak and splits that do not."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ser_hub.cache import write_json, written_aside
from ser_hub.evaluation import figures
from ser_hub.evaluation.crossval import command, counted, evaluate, interval_text
from ser_hub.evaluation.record import environment, without_folder
from ser_hub.evaluation.tracking import log_summary
from ser_hub.protocols import Fold

NO_COPIES = "--data.augmentation.copies=[]"
BEFORE = "--data.augmentation.before_split=true"
COPIES = (
    '--data.augmentation.copies=[[{"class_path": "ser_hub.training.WhiteNoise"}], '
    '[{"class_path": "ser_hub.training.PitchShift"}]]'
)
"""A noisy copy and one at another pitch, for a recipe that makes none."""


class Variant(NamedTuple):
    """One way to split.

    Attributes:
        name: Name of its folder.
        title: What it does.
        settings: What it changes of the recipe.
    """

    name: str
    title: str
    settings: tuple[str, ...]


def variants(folds: Sequence[Fold], copies: Sequence[str] = ()) -> list[Variant]:
    """Return the ways to split, the honest ones first.

    Args:
        folds: Folds of the recipe's protocol: the by-clip split has as many, and trains on as many clips.
        copies: Settings that make altered copies, for a recipe that has none.
    """
    seen = sum(len(fold.train) + len(fold.validation) for fold in folds)
    share = sum(len(fold.validation) for fold in folds) / seen
    by_clip = f"--data.protocol=clip-kfold:k={len(folds)},validation={share:.3f}"
    made = tuple(copies)
    return [
        Variant("by-speaker", "speakers apart", (NO_COPIES,)),
        Variant("by-speaker-augmented", "speakers apart, augmented after the split", made),
        Variant("by-clip", "by clip: speakers on both sides", (by_clip, NO_COPIES)),
        Variant("by-clip-augmented", "by clip, augmented after the split", (by_clip, *made)),
        Variant("by-clip-augmented-before", "by clip, augmented BEFORE the split", (by_clip, *made, BEFORE)),
    ]


def inflation(
    settings: Sequence[str],
    ways: Mapping[Variant, Mapping[str, Any]],
    folds: int,
    seeds: int,
    dest: str | Path,
    workers: int | None = None,
) -> Path:
    """Evaluate a recipe under each way to split; stopped, it goes on.

    Args:
        settings: Arguments of `ser-hub fit`: the recipe and what is overridden.
        ways: The ways to split, as `variants` gives them, each with the recipe that its settings come to; the first
            is what the others are compared with.
        folds: Number of folds of each.
        seeds: Number of seeds of each.
        dest: Folder for the report, and in it a folder for each evaluation.
        workers: Processes at once; None means one per core.

    Returns:
        The report, `inflation.md`; beside it the record, `inflation.json`, and the picture, `inflation.png`.
    """
    dest = Path(dest)
    rows: list[dict[str, Any]] = []
    for way, recipe in ways.items():
        path = evaluate([*settings, *way.settings], recipe, folds, seeds, dest / way.name, workers)
        record = json.loads(path.read_text())
        rows.append(
            {"name": way.name, "title": way.title, "metrics": record["scores"]["metrics"], "data": record["data"]}
            | {"git_of_runs": record["git_of_runs"], "recipe": record["recipe"]}
        )
    name = f"{record['model']['class']}, {record['data']['corpus']}, {counted(len(record['seeds']), 'seed')}"
    summary = environment() | {
        "settings": without_folder(settings),
        "seeds": seeds,
        "folds": folds,
        "ways": rows,
    }
    write_json(dest / "inflation.json", summary)
    figures.intervals({row["title"]: row["metrics"]["uar"] for row in rows}, name, dest / "inflation.png")
    with written_aside(dest / "inflation.md") as partial:
        partial.write_text(_report(rows, name, without_folder(settings), seeds))
    log_summary(dest, dest.name, {f"{row['name']}/uar": row["metrics"]["uar"]["mean"] for row in rows})
    return dest / "inflation.md"


def _report(rows: Sequence[dict[str, Any]], name: str, settings: Sequence[str], seeds: int) -> str:
    honest = rows[0]["metrics"]["uar"]["mean"]
    table = "\n".join(
        f"| {row['title']} | {uar['mean']:.4f} | {interval_text(uar)} | {row['metrics']['war']['mean']:.4f} | "
        f"{uar['mean'] - honest:+.4f} |"
        for row in rows
        if (uar := row["metrics"]["uar"])
    )
    return f"""# How much is the protocol: {name}

The same recipe, trained and tested under each split; only the first two say how it does on a speaker that it has not
heard. The interval is a bootstrap over speakers; the test clips are the same originals in every row.

| split | UAR | 95 % interval | WAR | UAR beyond the honest one |
|---|---|---|---|---|
{table}

![UAR by split](inflation.png)

Made by `{command("inflation", settings, seeds)}`.
"""
