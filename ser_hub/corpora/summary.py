"""A corpus in a few lines: clips, hours, speakers, classes."""

from collections import Counter

from datasets import Dataset

from ser_hub.corpora import DataDir, get_corpus, load_corpus
from ser_hub.corpora.base import duration
from ser_hub.corpora.mixture import Classes


def summary(name: str, data_dir: DataDir | None = None, *, classes: Classes = "union", merge_calm: bool = False) -> str:
    """Return a short summary of a corpus, or of a mixture, as text. Arguments as for `load_corpus`.

    Raises:
        InputError: The corpus cannot be loaded, or a clip cannot be read.
    """
    rows = load_corpus(name, data_dir, classes=classes, merge_calm=merge_calm)
    corpora = [get_corpus(corpus) for corpus in sorted(set(rows["corpus"]))]
    speakers = {speaker: gender for speaker, gender in zip(rows["speaker"], rows["gender"], strict=True) if speaker}
    return "\n".join(
        [
            *(f"{corpus.title}, {corpus.licence}" for corpus in corpora),
            f"clips     {len(rows)} of {sum(corpus.clips for corpus in corpora) or '?'} published",
            f"hours     {hours(rows):.2f}",
            f"speakers  {len(speakers)} ({listed(Counter(speakers.values()))})" if speakers else "speakers  unknown",
            f"classes   {', '.join(f'{label} {count}' for label, count in class_counts(rows).items())}",
            *([rows.info.description] if rows.info.description and (len(corpora) > 1 or merge_calm) else []),
        ]
    )


def hours(rows: Dataset) -> float:
    """Return how long all clips together are, in hours."""
    return sum(duration(source) for source in rows["audio"]) / 3600


def class_counts(rows: Dataset) -> dict[str, int]:
    """Return the number of clips of each class, in the order of the classes."""
    counts = Counter(rows["label"][:])
    return {name: counts[index] for index, name in enumerate(rows.features["label"].names)}


def listed(counts: Counter[str | None]) -> str:
    """Return counts as text, in the order of their names."""
    return ", ".join(f"{count} {name or 'unknown'}" for name, count in sorted(counts.items(), key=str))
