"""What a test leaves behind: the per-class table, the confusion matrix, the evidence record."""

import os
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import torch
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.loggers import WandbLogger
from torch import Tensor

from ser_hub.audio import AudioSource, decode
from ser_hub.evaluation import figures
from ser_hub.evaluation.record import environment, weights_sha256, write_record
from ser_hub.evaluation.scores import scores, table
from ser_hub.evaluation.statistics import by_speaker_and_gender, intervals
from ser_hub.features.base import SERFeatureExtractor
from ser_hub.features.cache import extract_clip
from ser_hub.models.base import SERModel
from ser_hub.models.speech_text import reads_text
from ser_hub.protocols import independence
from ser_hub.training.data import SERDataModule


class TestReport(Callback):
    """At the end of `Trainer.test`, print a per-class table and write the evidence to the run's folder.

    The folder is the logger's (`trainer.log_dir`): `record.json`, `predictions.parquet`, `manifest.json` and pictures:
    `confusion_matrix.png`, `embeddings.png` and, where the model has attention, `attention.png` of the clip of whose
    class it is surest. The pictures go to W&B too where that logs.
    """

    __test__ = False  # not a test case, for pytest

    def __init__(self) -> None:
        self._judged: list[tuple[str, Judged]] = []

    def on_test_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin anew."""
        self._judged = []

    def on_test_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Keep each clip's probabilities, its embedding, and the mean of its frames."""
        probabilities = outputs["logits"].float().softmax(dim=-1).cpu()
        real = batch["attention_mask"].unsqueeze(-1)
        means = (batch["input_features"] * real).sum(dim=1).cpu() / real.sum(dim=1).cpu()
        judged = map(Judged, probabilities, outputs["embedding"].float().cpu(), means)
        self._judged += zip(batch["clip_id"], judged, strict=True)

    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Gather what every process judged, and report."""
        judged = dict(self._judged)
        if trainer.world_size > 1:
            # A distributed sampler repeats clips to even out the processes; a clip counts once.
            parts: list[Any] = [None] * trainer.world_size
            torch.distributed.all_gather_object(parts, judged)
            judged = {clip_id: row for part in parts for clip_id, row in part.items()}
        log_dir = trainer.log_dir  # asked for by every process: it is broadcast
        data = getattr(trainer, "datamodule", None)
        if trainer.is_global_zero and isinstance(data, SERDataModule) and isinstance(pl_module, SERModel):
            self._report(trainer, pl_module, data, judged, Path(log_dir or trainer.default_root_dir))

    def _report(
        self, trainer: Trainer, model: SERModel, data: SERDataModule, judged: dict[str, "Judged"], folder: Path
    ) -> None:
        rows = [row for row in data.rows.remove_columns("audio") if row["clip_id"] in judged]
        names = data.labels
        probabilities = torch.stack([judged[row["clip_id"]].probabilities for row in rows])
        result = scores([row["label"] for row in rows], probabilities, names)
        predictions = {
            "clip_id": [row["clip_id"] for row in rows],
            "speaker": [row["speaker"] for row in rows],
            "gender": [row["gender"] for row in rows],
            "label": [names[row["label"]] for row in rows],
            "prediction": [names[index] for index in probabilities.argmax(dim=-1)],
            **{f"p_{name}": probabilities[:, index].tolist() for index, name in enumerate(names)},
        }
        record = environment() | {
            "model": {
                "class": type(model).__name__,
                "trainable_parameters": model.num_parameters(only_trainable=True),
                "config": {key: value for key, value in model.config.to_diff_dict().items() if key != "trained_on"},
                "weights_sha256": weights_sha256(model),
            },
            "feature_extractor": data.feature_extractor.settings(),
            "data": {
                "corpus": data.corpora,
                "corpus_sha256": data.corpus_sha256,
                "classes": data.rows.info.description,
                "protocol": data.manifest.protocol,
                "speaker_independent": data.speaker_independent,
                "manifest_sha256": data.manifest.sha256,
                "fold": data.fold_index,
                "contamination": data.contamination(),
                "clips": {part: len(clips) for part, clips in data.fold.parts().items()},
            },
            "checkpoint": str(trainer.ckpt_path) if trainer.ckpt_path else None,
            "trained_on": data.seen
            and {k: v for k, v in data.seen.items() if k not in ("train", "validation", "speakers")},
            "seed": data.seen.get("seed") if data.seen else _seed(),
            # Sums are rounded by the number of threads: a run that is made again needs the same.
            "trainer": {
                "precision": trainer.precision,
                "devices": trainer.num_devices,
                "threads": torch.get_num_threads(),
            },
            "scores": result,
            **by_speaker(predictions, names),
        }
        title = (
            f"{type(model).__name__}, {data.corpora}, {data.manifest.protocol} fold {data.fold_index} "
            f"({independence(data.speaker_independent)})\n"
            f"UAR {result['uar']:.3f}, WAR {result['war']:.3f}, {len(rows)} clips"
        )
        pictures = {"confusion_matrix": folder / "confusion_matrix.png"}
        figures.confusion_matrix(result["confusion_matrix"], names, title, pictures["confusion_matrix"])
        spaces = {
            "embeddings": torch.stack([judged[row["clip_id"]].embedding for row in rows]).numpy(),
            "mean of the features": torch.stack([judged[row["clip_id"]].mean for row in rows]).numpy(),
        }
        drawn = {name: vectors for name, vectors in spaces.items() if min(vectors.shape) >= 4}
        if drawn:
            pictures["embeddings"] = folder / "embeddings.png"
            figures.embeddings(drawn, predictions["label"], title, pictures["embeddings"])
        right = probabilities[range(len(rows)), [row["label"] for row in rows]]
        surest = rows[int(right.argmax())]
        clip = data.rows[data.rows["clip_id"][:].index(surest["clip_id"])]["audio"]
        if draw_attention(
            model,
            data.feature_extractor,
            clip,
            f"{type(model).__name__}: {surest['clip_id']}, {surest['emotion']} ({right.max():.1%})",
            folder / "attention.png",
        ):
            pictures["attention"] = folder / "attention.png"
        data.manifest.save(folder / "manifest.json")
        write_record(folder / "record.json", record, predictions)
        for logger in trainer.loggers:
            if isinstance(logger, WandbLogger):
                for name, picture in pictures.items():
                    logger.log_image(f"test/{name}", [str(picture)])
        print(table(result))
        for name, picture in pictures.items():
            print(f"{name.replace('_', ' '):<17} {picture}")
        print(f"evidence record   {folder / 'record.json'}")


def by_speaker(predictions: dict[str, list[Any]], names: list[str]) -> dict[str, Any]:
    """Return a test's 95 % intervals from a bootstrap over speakers, and its scores per speaker and per gender."""
    frame = pd.DataFrame(predictions).assign(seed=0)
    return {"intervals": intervals(frame, names), **by_speaker_and_gender(frame, names)}


class Judged(NamedTuple):
    """What a test keeps of a clip.

    Attributes:
        probabilities: (num_labels,).
        embedding: What the model's head classifies, (dim,).
        mean: Mean of its normalised frames, (feature_size,).
    """

    probabilities: Tensor
    embedding: Tensor
    mean: Tensor


@torch.inference_mode()
def draw_attention(model: SERModel, extractor: SERFeatureExtractor, clip: AudioSource, title: str, path: Path) -> bool:
    """Draw the attention of a model over a clip; False, and no picture, where the model has none.

    Args:
        model: The model, in evaluation mode.
        extractor: Its feature extractor.
        clip: The clip.
        title: Title of the picture.
        path: PNG file to write.

    Raises:
        InputError: The clip cannot be used.
    """
    if reads_text(model):  # words are heard here, not read
        return False
    batch = extractor.collate([extract_clip(clip, extractor)])
    weights = model(**{name: value.to(model.device) for name, value in batch.items()}).attentions
    if weights is None:
        return False
    samples, rate = decode(clip, extractor.sampling_rate)
    figures.attention(samples, rate, batch["input_features"][0].numpy(), weights[0].float().cpu().numpy(), title, path)
    return True


def _seed() -> int | None:
    seed = os.environ.get("PL_GLOBAL_SEED")
    return int(seed) if seed else None
