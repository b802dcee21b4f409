"""Scores of a set of predictions, as the record keeps them."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torchmetrics.functional.classification import (
    multiclass_confusion_matrix,
    multiclass_f1_score,
    multiclass_precision,
    multiclass_recall,
)

from ser_hub.models.base import ser_metrics


def scores(labels: Sequence[int], probabilities: Tensor, class_names: Sequence[str]) -> dict[str, Any]:
    """Score predictions.

    Args:
        labels: True class index of each clip.
        probabilities: (clips, classes).
        class_names: Class names in the order of the columns.

    Returns:
        uar, war, f1; per_class (recall, precision, f1, support by class name); confusion_matrix (rows: true class).
    """
    target, num_classes = torch.tensor(labels), len(class_names)
    per_class = {
        "recall": multiclass_recall(probabilities, target, num_classes, average="none"),
        "precision": multiclass_precision(probabilities, target, num_classes, average="none"),
        "f1": multiclass_f1_score(probabilities, target, num_classes, average="none"),
        "support": torch.bincount(target, minlength=num_classes),
    }
    return {
        **{name: metric(probabilities, target).item() for name, metric in ser_metrics(num_classes).items()},
        "per_class": {
            class_name: {measure: values[index].item() for measure, values in per_class.items()}
            for index, class_name in enumerate(class_names)
        },
        "confusion_matrix": multiclass_confusion_matrix(probabilities, target, num_classes).tolist(),
    }


def table(result: dict[str, Any]) -> str:
    """Return the scores as a text table: one line per class, then UAR, WAR and macro F1."""
    lines = [f"{'class':<12}{'recall':>8}{'precision':>11}{'F1':>8}{'clips':>7}"]
    lines += [
        f"{name:<12}{row['recall']:>8.3f}{row['precision']:>11.3f}{row['f1']:>8.3f}{row['support']:>7d}"
        for name, row in result["per_class"].items()
    ]
    lines.append(f"UAR {result['uar']:.4f}   WAR {result['war']:.4f}   macro F1 {result['f1']:.4f}")
    return "\n".join(lines)
