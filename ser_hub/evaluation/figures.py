"""Pictures of results, written as PNG files."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import librosa
import numpy as np
import numpy.typing as npt
import pandas as pd
from datasets import Dataset
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE

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


def corpus_statistics(rows: Dataset, lengths: Sequence[float], path: str | Path) -> None:
    """Draw what a corpus holds: clips per class by gender, clips per speaker, and how long the clips are.

    Args:
        rows: The corpus.
        lengths: Length of each clip in seconds.
        path: PNG file to write.
    """
    names = rows.features["label"].names
    genders = sorted({str(gender or "unknown") for gender in rows["gender"]})
    counts = np.zeros((len(genders), len(names)), dtype=int)
    for label, gender in zip(rows["label"], rows["gender"], strict=True):
        counts[genders.index(str(gender or "unknown")), label] += 1
    figure = Figure(figsize=(13, 3.8), layout="constrained")
    classes, speakers, seconds = figure.subplots(1, 3)
    below = np.zeros(len(names), dtype=int)
    for gender, row in zip(genders, counts, strict=True):
        classes.bar(names, row, bottom=below, label=gender)
        below += row
    classes.tick_params(axis="x", rotation=40)
    classes.legend()
    classes.set(title="clips per class", ylabel="clips")
    per_speaker = sorted(Counter(speaker for speaker in rows["speaker"] if speaker).values(), reverse=True)
    speakers.bar(range(1, len(per_speaker) + 1), per_speaker, color="tab:green")
    speakers.set(title="clips per speaker", xlabel="speaker, by number of clips", ylabel="clips")
    seconds.hist(lengths, bins=40, color="tab:gray")
    seconds.set(title="length of the clips", xlabel="seconds", ylabel="clips")
    save(figure, path)


def waveforms(clips: Mapping[str, npt.NDArray[np.float32]], sampling_rate: int, path: str | Path) -> None:
    """Draw clips below one another, each as its waveform and its log-mel spectrogram.

    Args:
        clips: Samples (num_samples,) by title.
        sampling_rate: In Hz.
        path: PNG file to write.
    """
    figure = Figure(figsize=(12, 1.7 * len(clips)), layout="constrained")
    axes = figure.subplots(len(clips), 2, squeeze=False)
    longest = max(len(samples) for samples in clips.values()) / sampling_rate
    loudest = max(float(np.abs(samples).max()) for samples in clips.values())
    for (left, right), (title, samples) in zip(axes, clips.items(), strict=True):
        left.plot(np.arange(len(samples)) / sampling_rate, samples, linewidth=0.4)
        left.set(title=title, xlim=(0, longest), ylim=(-loudest, loudest))
        seconds = len(samples) / sampling_rate
        decibels = _log_mel(samples, sampling_rate)
        right.imshow(decibels, origin="lower", aspect="auto", extent=(0, seconds, 0, 80), cmap="magma")
        right.set(title=f"{title}: log-mel", xlim=(0, longest), ylabel="mel band")
    for axis in axes[-1]:
        axis.set_xlabel("seconds")
    save(figure, path)


def learning_curves(runs: Mapping[str, pd.DataFrame], title: str, path: str | Path) -> None:
    """Draw training and validation loss, and validation UAR, over the epochs of several runs.

    Args:
        runs: `metrics.csv` of each run, as Lightning's CSVLogger writes it.
        title: What was trained.
        path: PNG file to write.
    """
    figure = Figure(figsize=(11, 4), layout="constrained")
    losses, recall = figure.subplots(1, 2)
    together: dict[str, list[pd.Series[float]]] = {}
    for run in runs.values():
        by_epoch = run.groupby("epoch").mean(numeric_only=True)
        for axes, column, colour in (
            (losses, "train/loss", "tab:blue"),
            (losses, "val/loss", "tab:orange"),
            (recall, "val/uar", "tab:orange"),
        ):
            if column in by_epoch:
                axes.plot(by_epoch.index, by_epoch[column], color=colour, alpha=0.25, linewidth=0.8)
                together.setdefault(column, []).append(by_epoch[column])
    of_runs = f", mean of {len(runs)} runs" if len(runs) > 1 else ""
    for column, axes, colour in (
        ("train/loss", losses, "tab:blue"),
        ("val/loss", losses, "tab:orange"),
        ("val/uar", recall, "tab:orange"),
    ):
        if column in together:
            # Where early stopping has ended a run, the mean of the others would be that of other folds.
            mean = pd.concat(together[column], axis=1).mean(axis=1, skipna=False)
            axes.plot(mean.index, mean, color=colour, label=f"{column}{of_runs}")
            axes.legend()
    losses.set(xlabel="epoch", ylabel="loss")
    recall.set(xlabel="epoch", ylabel="UAR on the validation part")
    for axes in (losses, recall):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    figure.suptitle(title)
    save(figure, path)


def calibration(predictions: pd.DataFrame, names: Sequence[str], title: str, path: str | Path) -> None:
    """Draw how often a prediction is right against how sure the model is of it.

    Args:
        predictions: One row per clip: label, prediction and p_<class>.
        names: Class names in order.
        title: What was measured.
        path: PNG file to write.
    """
    confidence = predictions[[f"p_{name}" for name in names]].max(axis=1).to_numpy()
    right = (predictions["label"] == predictions["prediction"]).to_numpy()
    bins = np.minimum((confidence * 10).astype(int), 9)
    filled = [index for index in range(10) if (bins == index).any()]
    sure = [confidence[bins == index].mean() for index in filled]
    correct = [right[bins == index].mean() for index in filled]
    shares = [(bins == index).mean() for index in filled]
    error = sum(share * abs(a - b) for share, a, b in zip(shares, sure, correct, strict=True))
    figure = Figure(figsize=(5, 5), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="gray", linestyle=":")
    axes.plot(sure, correct, marker="o", label=f"expected calibration error {error:.3f}")
    axes.bar([index / 10 + 0.05 for index in filled], shares, width=0.09, alpha=0.25, label="share of predictions")
    axes.set(xlabel="probability of the predicted class", ylabel="share that is right", xlim=(0, 1), ylim=(0, 1))
    axes.set_title(title, fontsize=9)
    axes.legend()
    save(figure, path)


def intervals(scores: Mapping[str, Mapping[str, Any]], title: str, path: str | Path) -> None:
    """Draw a score for each of several ways to measure, with its 95 % interval.

    Args:
        scores: mean and interval by name.
        title: What was measured.
        path: PNG file to write.
    """
    figure = Figure(figsize=(9, 1.2 + 0.5 * len(scores)), layout="constrained")
    axes = figure.subplots()
    for place, score in enumerate(scores.values()):
        low, high = score["interval"] or (score["mean"], score["mean"])
        axes.barh(place, score["mean"], color="tab:blue", alpha=0.6)
        axes.hlines(place, low, high, color="black", linewidth=2)
        axes.text(high + 0.01, place, f"{score['mean']:.3f}", va="center")
    axes.set(xlabel="UAR, and its 95 % interval", xlim=(0, 1.08), xticks=np.linspace(0, 1, 6), title=title)
    axes.set_yticks(range(len(scores)), list(scores))
    axes.invert_yaxis()
    save(figure, path)


def attention(
    samples: npt.NDArray[np.float32],
    sampling_rate: int,
    features: npt.NDArray[np.float32],
    weights: npt.NDArray[np.float32],
    title: str,
    path: str | Path,
) -> None:
    """Draw a clip's log-mel spectrogram, below it what the model reads of it, and how it weighs that over time.

    Args:
        samples: The clip, (num_samples,).
        sampling_rate: In Hz.
        features: The model's input, (time, feature_size).
        weights: Its attention (steps,); the steps share the input's time evenly.
        title: Which clip, which model.
        path: PNG file to write.
    """
    figure = Figure(figsize=(10, 7), layout="constrained")
    spectrum, reads, weighs = figure.subplots(3, 1, height_ratios=[2, 2, 1])
    seconds = len(samples) / sampling_rate
    spectrum.imshow(_log_mel(samples, sampling_rate), origin="lower", aspect="auto", extent=(0, seconds, 0, 80))
    spectrum.set(title=title, xlabel="seconds", ylabel="mel band")
    limit = float(np.abs(features).max())
    shown = {"origin": "lower", "aspect": "auto", "cmap": "RdBu_r", "vmin": -limit, "vmax": limit}
    reads.imshow(features.T, extent=(0, len(features), 0, features.shape[1]), **shown)
    reads.set(ylabel="feature, normalised", xlim=(0, len(features)))
    edges = np.linspace(0, len(features), len(weights) + 1)
    weighs.stairs(weights, edges, fill=True, color="tab:orange")
    weighs.set(xlabel="frame", ylabel="attention", xlim=(0, len(features)), ylim=(0, None))
    save(figure, path)


def embeddings(
    spaces: Mapping[str, npt.NDArray[np.float32]], labels: Sequence[str], title: str, path: str | Path
) -> None:
    """Draw clips by class in two dimensions, by PCA and by t-SNE, for each of several spaces.

    Args:
        spaces: Vectors (clips, dim) by name.
        labels: Class of each clip.
        title: What was embedded.
        path: PNG file to write.
    """
    figure = Figure(figsize=(11, 4.6 * len(spaces)), layout="constrained")
    names = sorted(set(labels))
    for row, (space, vectors) in zip(figure.subplots(len(spaces), 2, squeeze=False), spaces.items(), strict=True):
        pca = PCA(2, random_state=0)
        flat = {"PCA": pca.fit_transform(vectors)}
        perplexity = min(30.0, (len(vectors) - 1) / 3)
        flat["t-SNE"] = TSNE(perplexity=perplexity, random_state=0, init="pca").fit_transform(vectors)
        for axes, (method, points) in zip(row, flat.items(), strict=True):
            for colour, name in enumerate(names):
                chosen = np.array([label == name for label in labels])
                axes.scatter(*points[chosen].T, s=12, alpha=0.7, label=name, color=f"C{colour}")
            axes.set(title=f"{space}, {method}", xticks=[], yticks=[])
        share = pca.explained_variance_ratio_.sum()
        row[0].set_xlabel(f"{share:.0%} of the variance")
        row[1].legend(loc="center left", bbox_to_anchor=(1, 0.5))
    figure.suptitle(title)
    save(figure, path)


def search(trials: Sequence[tuple[int, float]], importance: Mapping[str, float], title: str, path: str | Path) -> None:
    """Draw what each trial of a search reached, the best so far, and which settings mattered.

    Args:
        trials: Number and value of each trial, in order.
        importance: Share of the values' variance that a setting explains.
        title: What was searched.
        path: PNG file to write.
    """
    figure = Figure(figsize=(11, 4), layout="constrained")
    history, bars = figure.subplots(1, 2)
    numbers, values = zip(*trials, strict=True)
    history.scatter(numbers, values, s=14, alpha=0.6, label="trial")
    history.step(numbers, np.maximum.accumulate(values), where="post", color="tab:orange", label="best so far")
    history.set(xlabel="trial", ylabel="UAR")
    history.xaxis.get_major_locator().set_params(integer=True)
    history.legend()
    names = list(importance)[::-1]
    bars.barh([name.rpartition(".")[2] for name in names], [importance[name] for name in names])
    bars.set(xlabel="importance", xlim=(0, 1))
    figure.suptitle(title)
    save(figure, path)


def _log_mel(samples: npt.NDArray[np.float32], sampling_rate: int) -> npt.NDArray[np.float32]:
    """Return 80 mel bands (80, time) in dB below the loudest."""
    mel = librosa.feature.melspectrogram(y=samples, sr=sampling_rate, n_fft=2048, hop_length=512, n_mels=80)
    return np.asarray(librosa.power_to_db(mel, ref=np.max))


def save(figure: Figure, path: str | Path) -> None:
    """Write a figure as PNG, beside and renamed."""
    with written_aside(path) as partial:
        figure.savefig(partial, dpi=150, format="png")
