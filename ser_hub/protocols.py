"""Who is in training, validation and test: declared, stored as a manifest with a hash, and audited for leaks."""

import hashlib
import json
import random
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from datasets import Dataset

from ser_hub.cache import written_aside
from ser_hub.errors import InputError


class LeakError(InputError):
    """A speaker, a clip or a byte-identical copy of one stands on two sides of a split."""


@dataclass(frozen=True)
class Fold:
    """The clip ids of one split's three parts."""

    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]

    def parts(self) -> dict[str, tuple[str, ...]]:
        """Return the three parts by name."""
        return {"train": self.train, "validation": self.validation, "test": self.test}


@dataclass(frozen=True)
class Manifest:
    """A protocol applied to a corpus: which clip is where, and whether speakers are kept apart.

    Attributes:
        protocol: Name of the protocol.
        speaker_independent: Whether it claims that no speaker stands in two parts of a fold.
        folds: The folds, in order.
    """

    protocol: str
    speaker_independent: bool
    folds: tuple[Fold, ...]

    @cached_property
    def sha256(self) -> str:
        """SHA-256 (hexadecimal) of the manifest: equal where, and only where, every clip stands in the same place."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()

    def fold(self, index: int) -> Fold:
        """Return one fold.

        Raises:
            InputError: There is no fold of that number.
        """
        if not 0 <= index < len(self.folds):
            raise InputError(
                f"there is no fold {index}: protocol '{self.protocol}' has {len(self.folds)}, "
                f"numbered 0 to {len(self.folds) - 1}"
            )
        return self.folds[index]

    def save(self, path: str | Path) -> None:
        """Write the manifest with its hash as JSON."""
        with written_aside(path) as partial:
            partial.write_text(json.dumps(asdict(self) | {"sha256": self.sha256}, indent=1) + "\n")

    @classmethod
    def load(cls, path: str | Path) -> "Manifest":
        """Read a manifest that `save` wrote.

        Raises:
            InputError: The file is no manifest, or its hash does not fit its content.
        """
        try:
            stored = json.loads(Path(path).read_text())
            sha256 = stored.pop("sha256")
            folds = tuple(Fold(**{part: tuple(clips) for part, clips in fold.items()}) for fold in stored.pop("folds"))
            manifest = cls(folds=folds, **stored)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"{path} cannot be read as a protocol manifest ({error}); write it again") from error
        if manifest.sha256 != sha256:
            raise InputError(f"{path} was changed after it was written (its SHA-256 differs); write it again")
        return manifest


class Protocol(ABC):
    """A rule that splits a corpus by its rows' metadata alone.

    Attributes:
        name: Its name, as the registry and every record have it.
        speaker_independent: Whether it keeps each speaker in one part of a fold.
    """

    name: ClassVar[str]
    speaker_independent: ClassVar[bool]

    @abstractmethod
    def folds(self, rows: Dataset) -> list[Fold]:
        """Split the rows.

        Raises:
            InputError: The rows cannot be split by this rule.
        """

    def manifest(self, rows: Dataset) -> Manifest:
        """Apply the protocol to a corpus and return who is where."""
        return Manifest(self.name, self.speaker_independent, tuple(self.folds(rows)))


@dataclass(frozen=True)
class RavdessFiveFold(Protocol):
    """The five speaker-independent folds of Krasnoproshin and Vashkevich (DSPA 2026, arXiv 2606.03359).

    Every actor is tested once; the validation actors are two of the next fold's test actors.
    """

    name: ClassVar[str] = "ravdess-5fold"
    speaker_independent: ClassVar[bool] = True
    test_actors: ClassVar[tuple[tuple[int, ...], ...]] = (
        (2, 5, 14, 15, 16),
        (3, 6, 7, 13, 18),
        (10, 11, 12, 19, 20),
        (8, 17, 21, 23, 24),
        (1, 4, 9, 22),
    )
    validation_actors: ClassVar[tuple[tuple[int, ...], ...]] = ((3, 6), (10, 11), (8, 17), (1, 14), (2, 5))

    def folds(self, rows: Dataset) -> list[Fold]:
        """Split by actor number; all 24 actors must be there, as a partial corpus gives another number.

        Raises:
            InputError: An actor is missing, or a speaker is not one of the 24.
        """
        actors = {speaker: speaker.rpartition("-")[2] for speaker in set(rows["speaker"])}
        wanted = {f"{number:02d}" for number in range(1, 25)}
        if missing := sorted(wanted - set(actors.values())):
            raise InputError(
                f"protocol '{self.name}' needs RAVDESS's 24 actors, and {len(missing)} are missing "
                f"({', '.join(missing[:5])}); complete the corpus or choose speaker-holdout"
            )
        if foreign := sorted(speaker for speaker, actor in actors.items() if actor not in wanted):
            raise InputError(f"protocol '{self.name}' knows RAVDESS's 24 actors alone, not {foreign[0]}")
        by_actor: dict[int, str] = {int(actor): speaker for speaker, actor in actors.items()}
        return [
            split_by_speaker(rows, validation=[by_actor[a] for a in validation], test=[by_actor[a] for a in test])
            for test, validation in zip(self.test_actors, self.validation_actors, strict=True)
        ]


@dataclass(frozen=True)
class SpeakerHoldout(Protocol):
    """One split with speakers held out at random, as many of each gender as the corpus's balance gives.

    Attributes:
        test: Share of the speakers that are tested.
        validation: Share of the speakers on which the best epoch is chosen.
        seed: Seed of the draw.
    """

    name: ClassVar[str] = "speaker-holdout"
    speaker_independent: ClassVar[bool] = True
    test: float = 0.2
    validation: float = 0.1
    seed: int = 0

    def folds(self, rows: Dataset) -> list[Fold]:
        """Hold out speakers; each part gets at least one.

        Raises:
            InputError: There are fewer than three speakers, or the shares leave none for training.
        """
        speakers = interleaved_by_gender(rows, random.Random(self.seed))
        num_test = max(1, round(self.test * len(speakers)))
        num_validation = max(1, round(self.validation * len(speakers)))
        if num_test + num_validation >= len(speakers):
            raise InputError(
                f"protocol '{self.name}' leaves none of the {len(speakers)} speakers for training "
                f"({num_test} for test, {num_validation} for validation); it needs three speakers or smaller shares"
            )
        held_out = speakers[: num_test + num_validation]
        return [split_by_speaker(rows, validation=held_out[num_test:], test=held_out[:num_test])]


PROTOCOLS: dict[str, Protocol] = {
    protocol.name: protocol
    for protocol in (
        RavdessFiveFold(),
        SpeakerHoldout(),
    )
}
"""Every protocol by its name, with its default settings; adding one is one line here."""


def get_protocol(name: str) -> Protocol:
    """Return the protocol of that name.

    Raises:
        InputError: There is none; the message lists those that there are.
    """
    if name not in PROTOCOLS:
        raise InputError(f"there is no protocol '{name}'; known are {', '.join(PROTOCOLS)}")
    return PROTOCOLS[name]


def split_by_speaker(rows: Dataset, *, validation: Sequence[str], test: Sequence[str]) -> Fold:
    """Put the named speakers' clips into validation and test, and everyone else's into training."""
    part_of = dict.fromkeys(validation, "validation") | dict.fromkeys(test, "test")
    parts: dict[str, list[str]] = {"train": [], "validation": [], "test": []}
    for clip_id, speaker in zip(rows["clip_id"], rows["speaker"], strict=True):
        parts[part_of.get(speaker, "train")].append(clip_id)
    return Fold(**{part: tuple(sorted(clips)) for part, clips in parts.items()})


def interleaved_by_gender(rows: Dataset, rng: random.Random) -> list[str]:
    """Return the speakers in random order such that any first n of them have about the corpus's gender balance."""
    by_gender: dict[str, list[str]] = defaultdict(list)
    for speaker, gender in sorted(set(zip(rows["speaker"], rows["gender"], strict=True)), key=str):
        by_gender[str(gender)].append(speaker)
    ranked = []
    for speakers in by_gender.values():
        rng.shuffle(speakers)
        ranked += [((index + 0.5) / len(speakers), speaker) for index, speaker in enumerate(speakers)]
    return [speaker for _, speaker in sorted(ranked)]


def audit(fold: Fold, speakers: Mapping[str, str], hashes: Mapping[str, str], *, speaker_independent: bool) -> None:
    """Stop where anything stands in two parts of a fold.

    Args:
        fold: The split.
        speakers: Speaker of each clip id.
        hashes: SHA-256 of each clip id's file content.
        speaker_independent: Whether the protocol claims that speakers are kept apart.

    Raises:
        LeakError: A clip, a byte-identical copy or (where independence is claimed) a speaker stands on two sides.
        InputError: A part is empty.
    """
    for name, clips in fold.parts().items():
        if not clips:
            raise InputError(f"the split leaves no clip for {name}; choose another protocol or add clips")
    _refuse_shared("clip", {part: dict(zip(clips, clips, strict=True)) for part, clips in fold.parts().items()})
    _refuse_shared("byte-identical copy", _keyed(fold, hashes))
    if speaker_independent:
        _refuse_shared("speaker", _keyed(fold, speakers), name_key=True)


def _keyed(fold: Fold, key_of: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Return, for each part, one clip id for every key that occurs in it."""
    return {part: {key_of[clip]: clip for clip in clips} for part, clips in fold.parts().items()}


def _refuse_shared(kind: str, parts: Mapping[str, Mapping[str, str]], *, name_key: bool = False) -> None:
    names = list(parts)
    for position, one in enumerate(names):
        for other in names[position + 1 :]:
            if shared := sorted(parts[one].keys() & parts[other].keys()):
                pairs = [key if name_key else f"{parts[one][key]} = {parts[other][key]}" for key in shared[:3]]
                raise LeakError(
                    f"{len(shared)} x the same {kind} in {one} and {other}: {', '.join(pairs)}; "
                    f"remove the copies or choose a protocol that keeps them together"
                )


def clips_of(rows: Dataset, column: str) -> dict[str, str]:
    """Return one column of the rows by clip id."""
    return dict(zip(rows["clip_id"], rows[column], strict=True))


def speakers_of(clip_ids: Iterable[str], speakers: Mapping[str, str]) -> list[str]:
    """Return the speakers of some clips, sorted."""
    return sorted({speakers[clip_id] for clip_id in clip_ids})
