"""Statistics of predictions: over seeds, over speakers, and between two models."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from ser_hub.evaluation.scores import scores

RESAMPLES = 10_000
"""Bootstrap resamples, and random sign flips."""

FEWEST_SPEAKERS = 4
"""Of three, more than 2.5 % of the resamples are one speaker alone: the interval would be the worst and the best."""

Counts = npt.NDArray[np.float64]


def class_names(predictions: pd.DataFrame) -> list[str]:
    """Return the classes that predictions have a column p_<class> for, in order."""
    return [column.removeprefix("p_") for column in predictions if column.startswith("p_")]


def summary(predictions: pd.DataFrame, names: Sequence[str]) -> dict[str, Any]:
    """Score pooled predictions of several seeds.

    Args:
        predictions: One row per clip and seed: seed, speaker, label, prediction and p_<class>.
        names: Class names in order.

    Returns:
        metrics (uar, war, f1: mean, deviation (None of one seed), minimum and maximum over seeds, and the 95 % interval
        of the mean as `intervals` gives it), per_class (of all seeds together; support is one seed's),
        confusion_matrix (all seeds), ensemble (uar, war, f1 of the seeds' mean probabilities, and their intervals; None
        of one seed).
    """
    per_seed = [by_group(part, names) for _, part in predictions.groupby("seed")]
    pooled = _scores(predictions, names)
    for row in pooled["per_class"].values():
        row["support"] //= len(per_seed)
    found = intervals(predictions, names)
    return {
        "metrics": {
            metric: {
                "mean": float(np.mean(values := [result[metric] for result in per_seed])),
                "deviation": float(np.std(values, ddof=1)) if len(values) > 1 else None,
                "minimum": min(values),
                "maximum": max(values),
                "interval": found.get(metric),
            }
            for metric in ("uar", "war", "f1")
        },
        "per_class": pooled["per_class"],
        "confusion_matrix": pooled["confusion_matrix"],
        "ensemble": _ensemble(predictions, names) if len(per_seed) > 1 else None,
    }


def by_group(predictions: pd.DataFrame, names: Sequence[str]) -> dict[str, Any]:
    """Return uar, war, f1 and the number of clips of some predictions."""
    result = _scores(predictions, names)
    return {name: result[name] for name in ("uar", "war", "f1")} | {"clips": int(predictions["clip_id"].nunique())}


def by_speaker_and_gender(predictions: pd.DataFrame, names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return `per_speaker` and `per_gender`: what `by_group` says of each speaker's and each gender's predictions."""
    return {
        f"per_{column}": {str(value): by_group(part, names) for value, part in predictions.groupby(column)}
        for column in ("speaker", "gender")
    }


def intervals(predictions: pd.DataFrame, names: Sequence[str]) -> dict[str, tuple[float, float]]:
    """Return the 95 % intervals of UAR, WAR and F1 by `bootstrap_interval`; none where a clip names no speaker.

    The speakers that are known would give the interval of another number than that of all clips.
    """
    if predictions["speaker"].isna().any():
        return {}
    return bootstrap_interval(confusion_by_speaker(predictions, names))


def confusion_by_speaker(predictions: pd.DataFrame, names: Sequence[str]) -> Counts:
    """Count predictions, each of a clip that names its speaker: (seeds, speakers, true class, predicted class)."""
    index = {name: position for position, name in enumerate(names)}
    seeds = {seed: position for position, seed in enumerate(sorted(predictions["seed"].unique()))}
    speakers = {speaker: position for position, speaker in enumerate(sorted(predictions["speaker"].unique()))}
    counts = np.zeros((len(seeds), len(speakers), len(names), len(names)))
    np.add.at(
        counts,
        (
            predictions["seed"].map(seeds).to_numpy(),
            predictions["speaker"].map(speakers).to_numpy(),
            predictions["label"].map(index).to_numpy(),
            predictions["prediction"].map(index).to_numpy(),
        ),
        1,
    )
    return counts


def metrics(counts: Counts) -> dict[str, Counts]:
    """Return UAR, WAR and macro F1 of confusion matrices (..., true, predicted class).

    A class without clips does not count, and for F1 one that is not predicted either.
    """
    hits, clips, calls = np.diagonal(counts, axis1=-2, axis2=-1), counts.sum(axis=-1), counts.sum(axis=-2)
    return {
        "uar": np.nanmean(_divided(hits, clips), axis=-1),
        "war": hits.sum(axis=-1) / clips.sum(axis=-1),
        "f1": np.nanmean(_divided(2 * hits, clips + calls), axis=-1),
    }


def bootstrap_interval(counts: Counts, seed: int = 0) -> dict[str, tuple[float, float]]:
    """Return the 95 % percentile interval of UAR, WAR and F1, averaged over seeds, from resampled speakers.

    Clips of a speaker are alike, so that resampling clips would promise too much; speakers are what is drawn.

    Args:
        counts: (seeds, speakers, true class, predicted class).
        seed: Seed of the resampling.

    Returns:
        Lower and upper end by metric; empty where there are fewer than `FEWEST_SPEAKERS`.
    """
    if counts.shape[1] < FEWEST_SPEAKERS:
        return {}
    resampled = metrics(np.einsum("rs,nsij->rnij", _draws(counts.shape[1], seed), counts))
    return {
        metric: tuple(float(end) for end in np.quantile(values.mean(axis=1), [0.025, 0.975]))  # type: ignore[misc]
        for metric, values in resampled.items()
    }


def compare(one: pd.DataFrame, other: pd.DataFrame, names: Sequence[str], seed: int = 0) -> dict[str, Any]:
    """Compare two models on the same clips, by speaker.

    The interval of the difference is a paired bootstrap over speakers; the p-value is that of a permutation test which
    swaps the two models' predictions of whole speakers (its null hypothesis: the two are alike for every speaker).

    Args:
        one: Predictions of one model, one row per clip and seed.
        other: Predictions of the other, of the same clips.
        names: Class names in order.
        seed: Seed of the resampling.

    Returns:
        For uar, war and f1: one, other, difference (other - one), interval (95 %), p_value; and speakers.
    """
    counts = [confusion_by_speaker(predictions, names) for predictions in (one, other)]
    mean = [table.mean(axis=0)[None] for table in counts]  # seeds averaged: (1, speakers, true, predicted)
    draws = _draws(counts[0].shape[1], seed)
    drawn = [metrics(np.einsum("rs,nsij->rnij", draws, table)) for table in mean]
    swap = np.random.default_rng(seed).integers(0, 2, draws.shape)
    first = np.einsum("rs,nsij->rnij", 1.0 - swap, mean[0]) + np.einsum("rs,nsij->rnij", 1.0 * swap, mean[1])
    second = mean[0].sum(axis=1) + mean[1].sum(axis=1) - first
    swapped = [metrics(table) for table in (first, second)]
    whole = [metrics(table.sum(axis=1)) for table in mean]
    result: dict[str, Any] = {"speakers": int(counts[0].shape[1])}
    for metric in whole[0]:
        values = [float(scored[metric].item()) for scored in whole]
        difference = values[1] - values[0]
        as_far = np.abs(swapped[1][metric] - swapped[0][metric]) >= abs(difference) - 1e-12
        low, high = np.quantile(drawn[1][metric] - drawn[0][metric], [0.025, 0.975])
        result[metric] = {
            "one": values[0],
            "other": values[1],
            "difference": difference,
            "interval": (float(low), float(high)),
            "p_value": float((as_far.sum() + 1) / (as_far.size + 1)),
        }
    return result


def _divided(parts: Counts, wholes: Counts) -> Counts:
    """Divide, giving NaN where there is nothing to divide by."""
    return np.asarray(np.divide(parts, wholes, out=np.full(parts.shape, np.nan), where=wholes > 0))


def _draws(speakers: int, seed: int) -> Counts:
    """How often each speaker is drawn in each resample: (resamples, speakers)."""
    draws = np.random.default_rng(seed).multinomial(speakers, np.full(speakers, 1 / speakers), RESAMPLES)
    return np.asarray(draws, dtype=np.float64)


def _ensemble(predictions: pd.DataFrame, names: Sequence[str]) -> dict[str, Any]:
    """Return value and interval of each metric where a clip's probabilities are the mean over the seeds."""
    columns = [f"p_{name}" for name in names]
    clips = predictions.groupby("clip_id")
    together = clips[["clip_id", "speaker", "label"]].first().assign(seed=0)
    means = clips[columns].mean()
    together[columns] = means
    together["prediction"] = [names[index] for index in means.to_numpy().argmax(axis=1)]
    found = intervals(together, names)
    result = _scores(together, names)
    return {name: {"value": result[name], "interval": found.get(name)} for name in ("uar", "war", "f1")}


def _scores(predictions: pd.DataFrame, names: Sequence[str]) -> dict[str, Any]:
    labels = [names.index(label) for label in predictions["label"]]
    return scores(labels, torch.tensor(predictions[[f"p_{name}" for name in names]].to_numpy()), names)
