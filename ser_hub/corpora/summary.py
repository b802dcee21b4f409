"""A corpus in a few lines: clips, hours, speakers, classes."""

from collections import Counter
from pathlib import Path

from ser_hub.corpora import get_corpus, load_corpus
from ser_hub.corpora.base import duration


def summary(name: str, data_dir: str | Path | None = None) -> str:
    """Return a short summary of a corpus on disk, as text.

    Raises:
        InputError: The corpus cannot be loaded, or a clip cannot be read.
    """
    corpus, rows = get_corpus(name), load_corpus(name, data_dir)
    hours = sum(duration(source) for source in rows["audio"]) / 3600
    genders = Counter(dict(zip(rows["speaker"], rows["gender"], strict=True)).values())
    classes = Counter(rows.features["label"].int2str(rows["label"]))
    return "\n".join(
        [
            f"{corpus.title}, {corpus.licence}",
            f"folder    {_common_folder(rows['audio'])}",
            f"clips     {len(rows)} of {corpus.clips} published",
            f"hours     {hours:.2f}",
            f"speakers  {sum(genders.values())} ({_listed(genders)})",
            f"classes   {', '.join(f'{label} {classes[label]}' for label in corpus.classes)}",
        ]
    )


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))


def _common_folder(sources: list[dict[str, str]]) -> Path:
    folders = [Path(source["path"]).parent for source in sources]
    common = folders[0]
    while not all(folder.is_relative_to(common) for folder in folders):
        common = common.parent
    return common
