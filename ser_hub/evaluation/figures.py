"""Pictures of results, written as PNG files."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from ser_hub.cache import written_aside


def confusion_matrix(matrix: Sequence[Sequence[int]], class_names: Sequence[str], title: str, path: str | Path) -> None:
    """Draw a confusion matrix: colour is the share of the true class (row), the text its clips.

    Args:
        matrix: Clips by true class (rows) and predicted class (columns).
        class_names: Class names in that order.
        title: What was measured, on what.
        path: PNG file to write.
    """
    counts = np.asarray(matrix)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    # Figure and not pyplot: no global state, no window system.
    figure = Figure(figsize=(1.8 + 0.75 * len(counts), 1.6 + 0.7 * len(counts)), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(shares, cmap="Blues", vmin=0.0, vmax=1.0)
    for (row, column), share in np.ndenumerate(shares):
        axes.text(
            column,
            row,
            f"{share:.2f}\n({counts[row, column]})",
            ha="center",
            va="center",
            fontsize=8,
            color="white" if share > 0.5 else "black",
        )
    axes.set_xticks(range(len(class_names)), class_names, rotation=40, ha="right")
    axes.set_yticks(range(len(class_names)), class_names)
    axes.set(xlabel="predicted", ylabel="true", title=title)
    figure.colorbar(image, ax=axes, label="share of the true class (recall on the diagonal)", shrink=0.8)
    save(figure, path)


def save(figure: Figure, path: str | Path) -> None:
    """Write a figure as PNG, beside and renamed."""
    with written_aside(path) as partial:
        figure.savefig(partial, dpi=150, format="png")
