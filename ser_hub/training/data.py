"""The data module: corpus, protocol and features together, from clips on disk to padded batches."""

import copy
import logging
import math
import os
from collections.abc import Iterable
from itertools import chain
from typing import Any

import torch
from datasets import Dataset
from lightning.pytorch import LightningDataModule
from torch.utils.data import DataLoader, Sampler
from transformers.trainer_pt_utils import DistributedLengthGroupedSampler, LengthGroupedSampler

from ser_hub.corpora import load_corpus
from ser_hub.corpora.base import content_hashes, corpus_hash
from ser_hub.corpora.mixture import Classes
from ser_hub.errors import InputError
from ser_hub.features.base import Array, SERFeatureExtractor
from ser_hub.features.cache import extract_all
from ser_hub.models.base import provenance, refuse_other
from ser_hub.models.speech_text import text_ids
from ser_hub.protocols import Fold, LeakError, Manifest, Protocol, audit, clips_of, get_protocol, speakers_of
from ser_hub.training.augmentation import Augmentation

log = logging.getLogger(__name__)

Item = tuple[Array, int, str]

COPY = " copy "
"""What stands between a clip's id and the number of its altered copy."""


def original(clip_id: str) -> str:
    """Return the id of the clip of which this is a copy, or its own."""
    return clip_id.partition(COPY)[0]


class SERDataModule(LightningDataModule):
    """Padded batches of one corpus under one fold of one protocol.

    Normalisation statistics are fitted on the training part alone, unless the feature extractor brings its own, as one
    that was loaded with a trained model does. They travel in the checkpoint, with the clips that the model has seen.

    Args:
        feature_extractor: What turns a clip into frames; it is copied, so one instance serves many folds.
        corpus: Name of the corpus, of several joined by `+`, or of an exported corpus on the Hub.
        data_dir: Folder that holds its clips (of `manifest`, the list itself), or for a mixture the folder of each
            corpus by its name. Without one the embedded synthetic corpus stands in, and says so.
        classes: Which classes a mixture has: the union of its corpora's, or only the shared ones.
        merge_calm: Whether calm counts as neutral.
        protocol: Name of a protocol, with its settings where they differ from the usual
            (`speaker-kfold:k=10,seed=1`), or a protocol.
        fold: Which of the protocol's folds.
        augmentation: What is done to training clips.
        text: Whether batches carry the clips' transcripts (`input_ids`), for a model that reads them.
        batch_size: Clips per batch.
        group_by_length: Whether clips of about the same length share a training batch: less padding to compute on, and
            batches that are a little less random.
        allow_seen: Whether a checkpoint is tested on clips or speakers that it has seen, which the record then says.
        num_workers: Processes that collate batches; features lie in memory, so 0 is usually fastest.
        cache_dir: Folder for cached features; None means ser_hub's own.

    Raises:
        InputError: There is no such protocol, or mixup is asked for with transcripts.
    """

    def __init__(
        self,
        feature_extractor: SERFeatureExtractor,
        corpus: str = "ravdess",
        data_dir: str | dict[str, str] | None = None,
        classes: Classes = "union",
        merge_calm: bool = False,
        protocol: str | Protocol = "ravdess-5fold",
        fold: int = 0,
        augmentation: Augmentation | None = None,
        text: bool = False,
        batch_size: int = 32,
        group_by_length: bool = False,
        allow_seen: bool = False,
        num_workers: int = 0,
        cache_dir: str | None = None,
    ) -> None:
        super().__init__()
        self.feature_extractor = copy.deepcopy(feature_extractor)
        stands_in = data_dir is None and "/" not in corpus
        self.corpus = "synthetic" if stands_in else corpus
        self.data_dir = data_dir
        self.classes: Classes = classes
        self.merge_calm = merge_calm
        self.protocol = get_protocol(protocol) if isinstance(protocol, str) else protocol
        self.fold_index = fold
        self.augmentation = augmentation or Augmentation()
        if text and self.augmentation.mixup > 0:
            raise InputError(
                "mixup mixes sounds, not transcripts; leave data.augmentation.mixup at 0 where data.text is on"
            )
        self.text = text
        self.batch_size = batch_size
        self.group_by_length = group_by_length
        self.allow_seen = allow_seen
        self.num_workers = num_workers
        self.cache_dir = cache_dir
        self.seen: dict[str, Any] | None = None
        self._rows: Dataset | None = None
        self._clips: tuple[list[str], list[Array]] | None = None
        self._items: dict[str, Item] = {}
        if self.augmentation.before_split:
            log.warning("augmentation.before_split: copies of test clips are trained on; the numbers are inflated")
        if corpus != self.corpus:
            log.warning(
                "no data_dir: the embedded synthetic corpus stands in for '%s'; its numbers say nothing about speech",
                corpus,
            )

    @property
    def rows(self) -> Dataset:
        """The corpus, one row per clip; read once per process."""
        if self._rows is None:
            self._rows = load_corpus(self.corpus, self.data_dir, classes=self.classes, merge_calm=self.merge_calm)
        return self._rows

    @property
    def labels(self) -> list[str]:
        """Class names in the order of the logits."""
        return list(self.rows.features["label"].names)

    @property
    def speaker_independent(self) -> bool:
        """Whether nothing of a test speaker is trained on."""
        leaks = self.augmentation.before_split or self.contamination() is not None
        return self.protocol.speaker_independent and not leaks

    @property
    def feature_size(self) -> int:
        """Number of features per frame."""
        return int(self.feature_extractor.feature_size)

    def prepare_data(self) -> None:
        """Fill the feature cache, once per machine, before the other processes read it."""
        self._load()

    def setup(self, stage: str | None = None) -> None:
        """Load the corpus, split it, audit the split, and fit the normalisation where it is not given.

        Raises:
            InputError: The corpus, the protocol or a clip cannot be used.
            LeakError: Something stands in two parts of the split.
        """
        if self._items:
            return
        rows = self.rows
        hashes, features = self._load()
        contents = dict(zip(rows["clip_id"], hashes, strict=True))
        self.manifest: Manifest = self.protocol.manifest(rows, contents)
        self.fold: Fold = self.manifest.fold(self.fold_index)
        self.speakers = clips_of(rows, "speaker")
        audit(self.fold, self.speakers, contents, speaker_independent=self.protocol.speaker_independent)
        self._sentences = clips_of(rows, "sentence")
        self.corpora = "+".join(sorted(set(rows["corpus"])))
        self.corpus_sha256 = corpus_hash(rows["clip_id"], hashes)
        self._items = {
            clip_id: (clip, label, clip_id)
            for clip_id, clip, label in zip(rows["clip_id"], features, rows["label"], strict=True)
        }
        self._training = [self._items[clip_id] for clip_id in self.fold.train] + self._altered_copies()
        if self.feature_extractor.mean is None:
            self.feature_extractor.fit(clip for clip, _, _ in self._training)

    def train_dataloader(self) -> DataLoader[Item]:
        """Return shuffled training batches."""
        processes = self.trainer.world_size if self.trainer else 1
        # Batch normalisation cannot be trained on a single clip, which the last batch may be.
        lone_clip = math.ceil(len(self._training) / processes) % self.batch_size == 1
        grouped: Sampler[int] | None = None
        if self.group_by_length:
            lengths = [len(clip) for clip, _, _ in self._training]
            if self.trainer and processes > 1:  # Lightning would shuffle another sampler's order away
                place = {"num_replicas": processes, "rank": self.trainer.global_rank}
                grouped = DistributedLengthGroupedSampler(self.batch_size, lengths=lengths, **place)
            else:
                grouped = LengthGroupedSampler(self.batch_size, lengths=lengths)
        return DataLoader(
            self._training,  # type: ignore[arg-type]  # a list is a map-style dataset
            batch_size=self.batch_size,
            shuffle=grouped is None,
            sampler=grouped,
            drop_last=lone_clip and len(self._training) > 1,
            num_workers=self.num_workers,
            collate_fn=self.collate_altered,
        )

    def val_dataloader(self) -> DataLoader[Item]:
        """Return the validation batches."""
        return self._loader(self.fold.validation)

    def test_dataloader(self) -> DataLoader[Item]:
        """Return the test batches.

        Raises:
            LeakError: The checkpoint was trained, or its best epoch chosen, on a clip or (where the protocol keeps
                speakers apart) a speaker of the test part, and `allow_seen` is not set.
        """
        if contamination := self.contamination():
            if not self.allow_seen:
                raise LeakError(contamination)
            log.warning("%s; the numbers say nothing about new speakers", contamination)
        return self._loader(self.fold.test)

    def collate(self, items: list[Item]) -> dict[str, Any]:
        """Normalise and pad clips to one batch.

        Returns:
            input_features (batch, time, feature_size), attention_mask (batch, time), labels (batch,), the list of
            clip_id, and with `text` input_ids (batch, characters).
        """
        features, labels, clip_ids = zip(*items, strict=True)
        batch = dict(self.feature_extractor.collate(features))
        if self.text:
            batch["input_ids"] = text_ids([self._sentences[original(clip_id)] for clip_id in clip_ids])
        return batch | {"labels": torch.tensor(labels), "clip_id": list(clip_ids)}

    def collate_altered(self, items: list[Item]) -> dict[str, Any]:
        """Collate training clips, with the augmentation of their features."""
        return self.augmentation.alter_batch(self.collate(items), len(self.labels))

    def state_dict(self) -> dict[str, Any]:
        """Return what a checkpoint keeps: the fitted feature extractor, and what the model was trained on.

        That is also what the checkpoint was trained on from which training went on.
        """
        before: dict[str, Any] = self.seen or {}
        speakers = speakers_of(self.fold.train + self.fold.validation, self.speakers)
        return {
            "feature_extractor": self.feature_extractor.to_dict(),
            "trained_on": {
                "corpus": self.corpora,
                "corpus_sha256": self.corpus_sha256,
                "classes": self.rows.info.description,
                "protocol": self.manifest.protocol,
                "speaker_independent": self.speaker_independent,
                "fold": self.fold_index,
                "manifest_sha256": self.manifest.sha256,
                "augmentation": self.augmentation.settings(),
                "seed": int(seed) if (seed := os.environ.get("PL_GLOBAL_SEED")) else None,
                "train": _joined(before.get("train", ()), self.fold.train),
                "validation": _joined(before.get("validation", ()), self.fold.validation),
                "speakers": _joined(before.get("speakers", ()), speakers),
            },
        }

    def provenance(self) -> dict[str, Any]:
        """Return what the configuration of a model that was trained here keeps; all of it is remembered here."""
        self.seen = self.state_dict()["trained_on"]
        return provenance(self.seen)

    def remember(self, trained_on: dict[str, Any] | None) -> None:
        """Take what a model's configuration keeps of what it was trained on, unless more is known of just that."""
        if self.seen is None or provenance(self.seen) != trained_on:
            self.seen = trained_on

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take a checkpoint's normalisation statistics, and remember what it was trained on.

        Raises:
            InputError: It was trained on other features.
        """
        saved, own = state_dict["feature_extractor"], dict(sorted(self.feature_extractor.to_dict().items()))
        refuse_other(saved, own, "on features with", but=frozenset({"mean", "std"}))
        self.feature_extractor.mean, self.feature_extractor.std = saved["mean"], saved["std"]
        self.seen = state_dict["trained_on"]

    def _load(self) -> tuple[list[str], list[Array]]:
        """Return the hash of each clip and its features; read once per process."""
        if self._clips is None:
            hashes = content_hashes(self.rows)
            self._clips = hashes, extract_all(self.rows["audio"], hashes, self.feature_extractor, self.cache_dir)
        return self._clips

    def _altered_copies(self) -> list[Item]:
        """Return the further copies of the training clips: made here, after the split, from training clips alone.

        Unless `before_split` asks for the leak.
        """
        copies: list[Item] = []
        hashes = content_hashes(self.rows) if self.augmentation.copies else []
        chosen = self.augmentation.clips_to_copy(self.fold)
        for index, (alteration, clips) in enumerate(zip(self.augmentation.alterations(), chosen, strict=True), start=1):
            places = [place for place, clip_id in enumerate(self.rows["clip_id"]) if clip_id in clips]
            rows, contents = self.rows.select(places), [hashes[place] for place in places]
            altered = extract_all(rows["audio"], contents, self.feature_extractor, self.cache_dir, alteration)
            names = (f"{clip_id}{COPY}{index}" for clip_id in rows["clip_id"])
            copies += zip(altered, rows["label"], names, strict=True)
        return copies

    def _loader(self, clip_ids: tuple[str, ...]) -> DataLoader[Item]:
        return DataLoader(
            [self._items[clip_id] for clip_id in clip_ids],  # type: ignore[arg-type]  # a list is a map-style dataset
            batch_size=self.batch_size,
            num_workers=self.num_workers,
            collate_fn=self.collate,
        )

    def contamination(self) -> str | None:
        """Return what of the test part the loaded checkpoint has seen, in a sentence; None where nothing."""
        if self.seen is None:
            return None
        clips = [*self.seen.get("train", ()), *self.seen.get("validation", ())]
        way_out = f"test it on fold {self.seen['fold']} of '{self.seen['protocol']}', on which it was trained"
        if not clips and not self.protocol.speaker_independent:
            way_out += ", from its checkpoint, which knows its clips"
        if shared := sorted(set(clips) & set(self.fold.test)):
            return f"the checkpoint has seen {len(shared)} of the test clips ({shared[0]}, ...); {way_out}"
        if self.protocol.speaker_independent or not clips:  # a model from the Hub knows its speakers alone
            if shared := sorted(set(self.seen["speakers"]) & set(speakers_of(self.fold.test, self.speakers))):
                return f"the checkpoint has seen test speakers ({', '.join(shared[:3])}); {way_out}"
        return None


def _joined(*parts: Iterable[str]) -> list[str]:
    """Return the parts one after the other, each entry once."""
    return list(dict.fromkeys(chain(*parts)))
