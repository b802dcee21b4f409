"""Predict the emotion of clips with an exported model."""

from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import AutoFeatureExtractor, AutoModelForAudioClassification

from ser_hub.audio import AudioSource, describe
from ser_hub.errors import InputError
from ser_hub.features.cache import extract_clip


@dataclass(frozen=True)
class Prediction:
    """What a model says of one clip: every class with its probability, the most probable first."""

    file: str
    probabilities: dict[str, float]

    @property
    def emotion(self) -> str:
        """The most probable class."""
        return next(iter(self.probabilities))


class Predictor:
    """A model and its feature extractor, loaded once.

    Args:
        model: Folder that `ser-hub export` wrote, or the name of a Hub repository.

    Raises:
        InputError: There is no such model, or its files do not fit together.
    """

    def __init__(self, model: str | Path) -> None:
        if Path(model).is_dir() and not (Path(model) / "config.json").is_file():
            raise InputError(f"{model} holds no config.json; give a folder that `ser-hub export` wrote")
        try:
            self.feature_extractor = AutoFeatureExtractor.from_pretrained(model)
            self.model = AutoModelForAudioClassification.from_pretrained(model)
        except InputError:
            raise
        except (OSError, ValueError) as error:
            raise InputError(
                f"the model '{model}' cannot be loaded: it is neither a folder that `ser-hub export` wrote nor a "
                f"repository on the Hub that can be reached from here"
            ) from error

    @torch.inference_mode()
    def __call__(self, clip: AudioSource) -> Prediction:
        """Predict one clip, at any sampling rate.

        Raises:
            InputError: The clip cannot be decoded, or is shorter than one frame.
        """
        features = extract_clip(clip, self.feature_extractor)
        logits = self.model(**self.feature_extractor.collate([features])).logits[0]
        ranked = logits.softmax(dim=-1).sort(descending=True)
        names = self.model.config.id2label
        return Prediction(
            file=describe(clip),
            probabilities={
                names[int(index)]: float(value) for value, index in zip(ranked.values, ranked.indices, strict=True)
            },
        )
