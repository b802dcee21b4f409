"""Several corpora as one: one harmonised label map that is versioned and says what it merged and dropped."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from datasets import ClassLabel, Dataset, concatenate_datasets

from ser_hub.corpora.base import rank
from ser_hub.errors import InputError

VERSION = 1
"""Version of the harmonised label map; it rises when a corpus's class comes to mean another emotion."""

Classes = Literal["union", "shared"]


@dataclass(frozen=True)
class LabelMap:
    """How the corpora's own classes became one set.

    Attributes:
        classes: The classes of the mixture, in the order of `EMOTIONS`.
        renamed: For each corpus, the emotion of each of its own classes; None where its clips were dropped.
        dropped: For each corpus, the number of clips dropped.
    """

    classes: tuple[str, ...]
    renamed: Mapping[str, Mapping[str, str | None]]
    dropped: Mapping[str, int]

    def __str__(self) -> str:
        """Return one line per corpus, with what was renamed, merged and dropped."""
        lines = [f"harmonised label map, version {VERSION}: {', '.join(self.classes)}"]
        for corpus, names in self.renamed.items():
            changes = [f"{own} > {emotion or 'dropped'}" for own, emotion in names.items() if own != emotion]
            lines.append(f"  {corpus}: {', '.join(changes) or 'as it is'}; {self.dropped[corpus]} clips dropped")
        return "\n".join(lines)


def mix(corpora: Mapping[str, Dataset], classes: Classes, *, merge_calm: bool) -> Dataset:
    """Join corpora under one label map, which stays with the rows as `rows.info.description`.

    Args:
        corpora: Rows of each corpus by its name.
        classes: "union" keeps every emotion that any of them has; "shared" drops the clips of those that not all have.
        merge_calm: Whether calm counts as neutral.

    Raises:
        InputError: The corpora share no emotion.
    """
    merged = {"calm": "neutral"} if merge_calm else {}
    emotions = {
        name: {
            own: merged.get(emotion, emotion)
            for own, emotion in sorted(set(zip(_names(rows), rows["emotion"], strict=True)))
        }
        for name, rows in corpora.items()
    }
    sets = [set(renamed.values()) for renamed in emotions.values()]
    kept = set.union(*sets) if classes == "union" else set.intersection(*sets)
    if not kept:
        raise InputError(f"{' and '.join(corpora)} share no emotion; ask for the union of their classes")
    order = tuple(sorted(kept, key=rank))
    parts, dropped = [], Counter[str]()
    for name, rows in corpora.items():
        found = [merged.get(emotion, emotion) for emotion in rows["emotion"]]
        chosen = [index for index, emotion in enumerate(found) if emotion in kept]
        dropped[name] = len(rows) - len(chosen)
        part = rows.select(chosen).remove_columns(["label", "emotion"])
        part = part.add_column("label", [order.index(found[index]) for index in chosen])
        part = part.add_column("emotion", [found[index] for index in chosen])
        parts.append(part.cast_column("label", ClassLabel(names=list(order))).select_columns(rows.column_names))
    label_map = LabelMap(
        order,
        {
            name: {own: emotion if emotion in kept else None for own, emotion in renamed.items()}
            for name, renamed in emotions.items()
        },
        dropped,
    )
    mixture = concatenate_datasets(parts)
    mixture.info.description = str(label_map)
    return mixture


def by_corpus(rows: Dataset) -> dict[str, Dataset]:
    """Return the rows of each corpus that is among them, in the order in which they come."""
    indices: dict[str, list[int]] = {}
    for index, corpus in enumerate(rows["corpus"]):
        indices.setdefault(corpus, []).append(index)
    return {corpus: rows.select(chosen) for corpus, chosen in indices.items()}


def _names(rows: Dataset) -> list[str]:
    names: list[str] = rows.features["label"].int2str(rows["label"][:])
    return names
