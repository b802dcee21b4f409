"""Who is in training, validation and test: declared, stored as a manifest with a hash, and audited for leaks."""

import hashlib
import json
import random
from abc import ABC, abstractmethod
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from datasets import Dataset
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold, train_test_split

from ser_hub.cache import write_json
from ser_hub.corpora.base import content_hashes
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
        write_json(path, asdict(self) | {"sha256": self.sha256})

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

    @property
    def spec(self) -> str:
        """Its name with the settings that differ from the usual, as `get_protocol` takes it."""
        changed = [
            f"{field.name}={value}"
            for field in fields(self)  # type: ignore[arg-type]  # every protocol is a dataclass
            if (value := getattr(self, field.name)) != field.default
        ]
        return f"{self.name}:{','.join(changed)}" if changed else self.name

    @abstractmethod
    def folds(self, rows: Dataset) -> list[Fold]:
        """Split the rows.

        Raises:
            InputError: The rows cannot be split by this rule.
        """

    def manifest(self, rows: Dataset, contents: Mapping[str, str] | None = None) -> Manifest:
        """Apply the protocol to a corpus and return who is where.

        Args:
            rows: The corpus.
            contents: SHA-256 of each clip id's file content. A protocol that splits by clip needs it to keep
                byte-identical copies together (RAVDESS holds a pair); one that splits by speaker does not use it.

        Raises:
            InputError: The rows cannot be split by this rule; among others, speakers are to be kept apart and a clip
                has none.
        """
        nameless = [clip for clip, speaker in clips_of(rows, "speaker").items() if not speaker]
        if self.speaker_independent and nameless:
            raise InputError(
                f"protocol '{self.name}' keeps speakers apart, but {len(nameless)} clips have none "
                f"({nameless[0]}, ...); name them, or choose a protocol by clip and call its numbers speaker-dependent"
            )
        folds = self.folds(rows)
        if not self.speaker_independent and contents is not None:
            folds = [_keep_copies_together(fold, contents) for fold in folds]
        return Manifest(self.spec, self.speaker_independent, tuple(folds))


@dataclass(frozen=True)
class RavdessFiveFold(Protocol):
    """The five speaker-independent folds of Krasnoproshin and Vashkevich (DSPA 2026, arXiv 2606.03359).

    Every actor is tested once; the validation actors are two test actors of other folds.
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
        foreign = sorted(speaker for speaker, actor in actors.items() if actor not in wanted)
        corpora = sorted({speaker.rpartition("-")[0] for speaker in actors})
        if foreign or len(corpora) > 1:
            others = f"the speakers of {' and '.join(corpora)}" if len(corpora) > 1 else foreign[0]
            raise InputError(
                f"protocol '{self.name}' knows RAVDESS's 24 actors alone, not {others}; choose speaker-kfold"
            )
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


@dataclass(frozen=True)
class LeaveOneSpeakerOut(Protocol):
    """One fold per speaker, who is tested; the best epoch is chosen on the next speakers.

    Attributes:
        validation: Number of validation speakers.
    """

    name: ClassVar[str] = "leave-one-speaker-out"
    speaker_independent: ClassVar[bool] = True
    validation: int = 2

    def folds(self, rows: Dataset) -> list[Fold]:
        """Test every speaker once.

        Raises:
            InputError: There are too few speakers.
        """
        speakers = sorted(set(rows["speaker"]))
        if len(speakers) < self.validation + 2:
            raise InputError(
                f"protocol '{self.spec}' needs {self.validation + 2} speakers, and the corpus has {len(speakers)}; "
                f"choose fewer validation speakers or a protocol by clip"
            )
        return [
            split_by_speaker(
                rows,
                test=[speaker],
                validation=[speakers[(index + step) % len(speakers)] for step in range(1, self.validation + 1)],
            )
            for index, speaker in enumerate(speakers)
        ]


@dataclass(frozen=True)
class SpeakerKFold(Protocol):
    """Every speaker is tested once, in folds balanced over gender and class; validation is the next fold's test part.

    Attributes:
        k: Number of folds.
        seed: Seed of the draw.
    """

    name: ClassVar[str] = "speaker-kfold"
    speaker_independent: ClassVar[bool] = True
    k: int = 5
    seed: int = 0

    def folds(self, rows: Dataset) -> list[Fold]:
        """Split the speakers.

        Raises:
            InputError: There are fewer speakers than folds, or fewer than three folds.
        """
        count = len(set(rows["speaker"]))
        if not 3 <= self.k <= count:
            raise InputError(
                f"protocol '{self.spec}' needs 3 to {count} folds, as the corpus has {count} speakers; set k between"
            )
        columns = (rows["clip_id"], rows["speaker"], map(str, rows["gender"]), rows["label"])
        clips = sorted(zip(*columns, strict=True))
        speakers = np.asarray([speaker for _, speaker, _, _ in clips])
        strata = [f"{gender}/{label}" for _, _, gender, label in clips]
        splitter = StratifiedGroupKFold(self.k, shuffle=True, random_state=self.seed)
        tested = [sorted(set(speakers[test])) for _, test in splitter.split(strata, strata, speakers)]
        return [
            split_by_speaker(rows, test=test, validation=tested[(index + 1) % self.k])
            for index, test in enumerate(tested)
        ]


@dataclass(frozen=True)
class ClipHoldout(Protocol):
    """One split by clip, stratified by class: a speaker stands on both sides, so its numbers are speaker-dependent.

    EmoCatcher's hold-out is this with 80/20; here a tenth of all clips is kept from its training part for validation,
    where the source chooses the best epoch on the test part.

    Attributes:
        test: Share of the clips that are tested.
        validation: Share of the clips on which the best epoch is chosen.
        seed: Seed of the draw.
    """

    name: ClassVar[str] = "clip-holdout"
    speaker_independent: ClassVar[bool] = False
    test: float = 0.2
    validation: float = 0.1
    seed: int = 0

    def folds(self, rows: Dataset) -> list[Fold]:
        """Draw the clips.

        Raises:
            InputError: A class has too few clips.
        """
        clips, labels = _clips_and_labels(rows)
        rest, test = _stratified(self, labels, self.test, self.seed)
        train, validation = _stratified(self, labels[rest], self.validation / (1 - self.test), self.seed)
        return [_fold(clips, rest[train], rest[validation], test)]


@dataclass(frozen=True)
class ClipKFold(Protocol):
    """Every clip is tested once, in folds stratified by class: speaker-dependent, as `clip-holdout`.

    Attributes:
        k: Number of folds.
        validation: Share of each training part on which the best epoch is chosen.
        seed: Seed of the draw.
    """

    name: ClassVar[str] = "clip-kfold"
    speaker_independent: ClassVar[bool] = False
    k: int = 5
    validation: float = 0.1
    seed: int = 0

    def folds(self, rows: Dataset) -> list[Fold]:
        """Draw the clips.

        Raises:
            InputError: A class has fewer clips than there are folds, or there are fewer than two folds.
        """
        clips, labels = _clips_and_labels(rows)
        fewest = int(np.unique(labels, return_counts=True)[1].min())
        if not 2 <= self.k <= fewest:
            raise InputError(
                f"protocol '{self.spec}' needs 2 to {fewest} folds, as the smallest class has {fewest} clips; "
                f"set k between"
            )
        folds = []
        for rest, test in StratifiedKFold(self.k, shuffle=True, random_state=self.seed).split(labels, labels):
            train, validation = _stratified(self, labels[rest], self.validation, self.seed)
            folds.append(_fold(clips, rest[train], rest[validation], test))
        return folds


@dataclass(frozen=True)
class Ordered(Protocol):
    """The first 80 % of each class train, the next 10 % validate, the last 10 % are tested: speaker-dependent.

    The CNN-LSTM comparison paper (2025) trains on earlier recordings and tests on later ones. Clip names hold no date:
    the order is that of the speakers and, for each, of the clip ids, so only the speakers at the two borders stand on
    two sides.
    """

    name: ClassVar[str] = "ordered-80-10-10"
    speaker_independent: ClassVar[bool] = False

    def folds(self, rows: Dataset) -> list[Fold]:
        """Cut each class's clips in order."""
        by_class: dict[int, list[tuple[str, str]]] = defaultdict(list)
        for label, speaker, clip_id in zip(rows["label"], rows["speaker"], rows["clip_id"], strict=True):
            by_class[label].append((str(speaker), clip_id))
        parts: dict[str, list[str]] = {"train": [], "validation": [], "test": []}
        for found in by_class.values():
            clips = [clip_id for _, clip_id in sorted(found)]
            first, second = round(0.8 * len(clips)), round(0.9 * len(clips))
            parts["train"] += clips[:first]
            parts["validation"] += clips[first:second]
            parts["test"] += clips[second:]
        return [Fold(**{part: tuple(sorted(clips)) for part, clips in parts.items()})]


@dataclass(frozen=True)
class CrossCorpus(Protocol):
    """Train on every corpus of a mixture but one, and test on that one, over the classes that all have.

    Attributes:
        test: The corpus that is tested.
        validation: Share of the training corpora's speakers on which the best epoch is chosen.
        seed: Seed of the draw of validation speakers.
    """

    name: ClassVar[str] = "cross-corpus"
    speaker_independent: ClassVar[bool] = True
    test: str = ""
    validation: float = 0.1
    seed: int = 0

    def folds(self, rows: Dataset) -> list[Fold]:
        """Put one corpus apart.

        Raises:
            InputError: The corpus is not in the mixture or alone in it, classes differ, or speakers are shared.
        """
        corpora = sorted(set(rows["corpus"]))
        if self.test not in corpora or len(corpora) < 2:
            raise InputError(
                f"protocol '{self.spec}' tests one of several corpora, and here are {', '.join(corpora)}; "
                f"load a mixture (ravdess+emodb) and name the corpus that is tested ({self.name}:test=emodb)"
            )
        classes: dict[str, set[str]] = {corpus: set() for corpus in corpora}
        for corpus, emotion in zip(rows["corpus"], rows["emotion"], strict=True):
            classes[corpus].add(emotion)
        if len({frozenset(found) for found in classes.values()}) > 1:
            raise InputError(
                f"protocol '{self.spec}' judges over classes that all corpora have, and theirs differ; "
                f"load the mixture with classes=shared"
            )
        inside = rows.select([index for index, corpus in enumerate(rows["corpus"]) if corpus != self.test])
        speakers = interleaved_by_gender(inside, random.Random(self.seed))
        held_out = speakers[: max(1, round(self.validation * len(speakers)))]
        tested = {
            speaker for speaker, corpus in zip(rows["speaker"], rows["corpus"], strict=True) if corpus == self.test
        }
        if shared := sorted(tested & set(speakers)):
            raise InputError(
                f"protocol '{self.spec}' keeps speakers apart, but {len(shared)} of {self.test} speak in another "
                f"corpus too ({', '.join(shared[:3])}); test a corpus whose speakers are its own"
            )
        return [split_by_speaker(rows, validation=held_out, test=sorted(tested))]


PROTOCOLS: dict[str, type[Protocol]] = {
    protocol.name: protocol
    for protocol in (
        RavdessFiveFold,
        SpeakerHoldout,
        SpeakerKFold,
        LeaveOneSpeakerOut,
        CrossCorpus,
        ClipHoldout,
        ClipKFold,
        Ordered,
    )
}
"""Every protocol by its name; adding one is one line here."""


def get_protocol(spec: str) -> Protocol:
    """Return a protocol by its name, with its settings where they differ from the usual.

    Args:
        spec: As `speaker-kfold` or `speaker-kfold:k=10,seed=1`.

    Raises:
        InputError: There is no such protocol or setting; the message lists those that there are.
    """
    name, _, settings = spec.partition(":")
    if name not in PROTOCOLS:
        raise InputError(f"there is no protocol '{name}'; known are {', '.join(PROTOCOLS)}")
    protocol = PROTOCOLS[name]
    types: dict[str, Any] = {field.name: type(field.default) for field in fields(protocol)}  # type: ignore[arg-type]
    chosen: dict[str, Any] = {}
    for setting in filter(None, settings.split(",")):
        key, _, value = setting.partition("=")
        if key not in types:
            known = ", ".join(types) or "none"
            raise InputError(f"protocol '{name}' has no setting '{key}'; its settings are {known}")
        try:
            chosen[key] = types[key](value)
        except ValueError as error:
            raise InputError(f"protocol '{name}': {key} cannot be '{value}'; give a {types[key].__name__}") from error
    return protocol(**chosen)


def _clips_and_labels(rows: Dataset) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Return the clip ids, sorted, and their labels: a draw must not depend on the order of the rows."""
    pairs = sorted(zip(rows["clip_id"], rows["label"], strict=True))
    return np.asarray([clip for clip, _ in pairs]), np.asarray([label for _, label in pairs])


def _stratified(
    protocol: Protocol, labels: npt.NDArray[Any], share: float, seed: int
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Draw a share of the indices of `labels`, class by class; return the rest and the drawn ones."""
    try:
        rest, drawn = train_test_split(np.arange(len(labels)), test_size=share, stratify=labels, random_state=seed)
    except ValueError as error:
        raise InputError(f"protocol '{protocol.spec}' cannot split the corpus by class ({error})") from error
    return rest, drawn


def _fold(clips: npt.NDArray[Any], train: Any, validation: Any, test: Any) -> Fold:
    """Return the fold of these indices, each part sorted."""
    return Fold(*(tuple(sorted(clips[indices].tolist())) for indices in (train, validation, test)))


def _keep_copies_together(fold: Fold, contents: Mapping[str, str]) -> Fold:
    """Move byte-identical copies to the part in which the first of them, by clip id, stands."""
    part_of = {clip: part for part, clips in fold.parts().items() for clip in clips}
    first: dict[str, str] = {}
    for clip in sorted(part_of):
        part_of[clip] = part_of[first.setdefault(contents[clip], clip)]
    return Fold(**{part: tuple(clip for clip in sorted(part_of) if part_of[clip] == part) for part in fold.parts()})


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


def independence(speaker_independent: bool) -> str:
    """Return how a split stands to speakers, as every title says it: what leaks is in capitals."""
    return "speaker-independent" if speaker_independent else "speaker-DEPENDENT"


def clips_of(rows: Dataset, column: str) -> dict[str, str]:
    """Return one column of the rows by clip id."""
    return dict(zip(rows["clip_id"], rows[column], strict=True))


def speakers_of(clip_ids: Iterable[str], speakers: Mapping[str, str]) -> list[str]:
    """Return the speakers of some clips, sorted; those that are not known are left out."""
    return sorted({speaker for clip_id in clip_ids if (speaker := speakers[clip_id])})


def describe(spec: str, rows: Dataset, save: str | Path | None = None) -> str:
    """Apply a protocol to a corpus, audit every fold, and return as text who is where.

    Args:
        spec: As `get_protocol` takes it.
        rows: The corpus.
        save: JSON file to write the manifest to.

    Raises:
        InputError: There is no such protocol, or it cannot split the corpus.
        LeakError: Something stands on two sides.
    """
    protocol, speakers = get_protocol(spec), clips_of(rows, "speaker")
    contents = dict(zip(rows["clip_id"], content_hashes(rows), strict=True))
    manifest = protocol.manifest(rows, contents)
    names = rows.features["label"].names
    label_of = dict(zip(rows["clip_id"], rows["label"], strict=True))
    apart = independence(protocol.speaker_independent)
    lines = [f"{manifest.protocol}, {apart}, {len(manifest.folds)} folds, SHA-256 {manifest.sha256}"]
    for index, fold in enumerate(manifest.folds):
        audit(fold, speakers, contents, speaker_independent=protocol.speaker_independent)
        lines.append(f"fold {index}")
        for part, clips in fold.parts().items():
            counts = Counter(label_of[clip] for clip in clips)
            classes = ", ".join(f"{name} {counts[label]}" for label, name in enumerate(names))
            who = sorted({str(speakers[clip]) for clip in clips})
            lines.append(f"  {part:<11}{len(clips):>6} clips: {classes}")
            lines.append(f"  {'':<11}{len(who):>6} speakers: {', '.join(who)}")
    lines.append(
        "audit: no speaker, clip or byte-identical copy on two sides"
        if protocol.speaker_independent
        else "audit: no clip or byte-identical copy on two sides; speakers are"
    )
    if save:
        manifest.save(save)
        lines.append(f"manifest: {save}")
    return "\n".join(lines)
