"""Do two evaluations of the same clips differ by more than chance?"""

import json
from pathlib import Path
from typing import Any

import pandas as pd

from ser_hub.errors import InputError
from ser_hub.evaluation.statistics import FEWEST_SPEAKERS, class_names, compare


def compare_evaluations(one: str | Path, other: str | Path) -> str:
    """Compare two evaluations, paired by clip and clustered by speaker, and return the outcome as text.

    Args:
        one: Folder that `ser-hub evaluate` wrote.
        other: Another, of the same clips.

    Raises:
        InputError: A folder is no evaluation, the two judged other clips or classes, or the clips name no speakers, or
            too few.
    """
    (first, a), (second, b) = _read(one), _read(other)
    if set(a["clip_id"]) != set(b["clip_id"]):
        raise InputError(f"{one} and {other} tested different clips; compare evaluations of one corpus and protocol")
    if first["data"]["manifest_sha256"] != second["data"]["manifest_sha256"]:
        raise InputError(f"{one} and {other} split the clips differently; compare evaluations of one protocol")
    names, others = class_names(a), class_names(b)
    labels = [dict(zip(table["clip_id"], table["label"], strict=True)) for table in (a, b)]
    if names != others or labels[0] != labels[1]:
        raise InputError(
            f"{one} and {other} judged other classes ({', '.join(names)}; {', '.join(others)}) or labels; compare "
            f"evaluations with the same --data.classes and --data.merge_calm"
        )
    if a["speaker"].isna().any() or a["speaker"].nunique() < FEWEST_SPEAKERS:
        raise InputError(
            f"{one} has clips of {a['speaker'].nunique()} speakers, or clips that name none; a comparison draws "
            f"speakers, and needs {FEWEST_SPEAKERS} of them"
        )
    result = compare(a, b, names)
    lines = [
        f"A  {one}: {first['model']['class']}, {len(first['seeds'])} seeds",
        f"B  {other}: {second['model']['class']}, {len(second['seeds'])} seeds",
        f"paired over {a['clip_id'].nunique()} clips of {result['speakers']} speakers",
    ]
    for metric in ("uar", "war", "f1"):
        score = result[metric]
        lines.append(
            f"{metric.upper():<3}  A {score['one']:.4f}  B {score['other']:.4f}  B - A {score['difference']:+.4f}  "
            f"95 % {score['interval'][0]:+.4f} to {score['interval'][1]:+.4f}  p {score['p_value']:.4f}"
        )
    return "\n".join(lines)


def _read(folder: str | Path) -> tuple[dict[str, Any], pd.DataFrame]:
    record, predictions = Path(folder) / "evaluation.json", Path(folder) / "predictions.parquet"
    try:
        found, table = json.loads(record.read_text()), pd.read_parquet(predictions)
        _ = found["data"]["manifest_sha256"], found["model"]["class"], found["seeds"]
        _ = table[["clip_id", "seed", "speaker", "label", "prediction"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{folder} is no evaluation; give a folder that `ser-hub evaluate` wrote") from error
    return found, table
