"""Predict the emotion of clips with an exported model."""

from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from transformers import AutoFeatureExtractor, AutoModelForAudioClassification

from ser_hub.audio import AudioSource, describe
from ser_hub.errors import InputError, first_line
from ser_hub.evaluation.report import draw_attention
from ser_hub.features.base import SERFeatureExtractor
from ser_hub.features.cache import extract_clip
from ser_hub.hub.fetch import model_folder
from ser_hub.models.base import SERModel


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
        model: Folder that `ser-hub export` wrote, or the name of a Hub repository or of a checkpoint that comes along.

    Raises:
        InputError: There is no such model, or its files do not fit together.
    """

    def __init__(self, model: str | Path) -> None:
        folder = model_folder(model)
        try:
            # Our classes are registered here. Without the word, a repository with code of its own makes transformers
            # ask, at the terminal, whether to run it.
            own = {"trust_remote_code": False}
            self.feature_extractor = AutoFeatureExtractor.from_pretrained(folder, **own)
            self.model = AutoModelForAudioClassification.from_pretrained(folder, **own)
        except InputError:
            raise
        # What transformers raises where a file holds something else than it should depends on what that is.
        except (OSError, ValueError, TypeError, AttributeError, RuntimeError, SafetensorError) as error:
            raise InputError(
                f"{folder} cannot be loaded as a model of ser_hub ({first_line(error)}); export or download it again"
            ) from error
        if not isinstance(self.model, SERModel) or not isinstance(self.feature_extractor, SERFeatureExtractor):
            raise InputError(
                f"{folder} holds a {type(self.model).__name__} with a {type(self.feature_extractor).__name__}, which "
                f"is no model of ser_hub; load it with transformers' own pipeline"
            )
        if self.feature_extractor.feature_size != self.model.config.input_size:
            raise InputError(
                f"{folder}: its features have {self.feature_extractor.feature_size} dimensions and its model takes "
                f"{self.model.config.input_size}; export or download it again"
            )

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


def draw(predictor: Predictor, clip: AudioSource, prediction: Prediction, path: Path) -> None:
    """Draw how the model weighs a clip over time, as PNG.

    Raises:
        InputError: The model has no attention over time.
    """
    title = f"{prediction.file}: {prediction.emotion} ({prediction.probabilities[prediction.emotion]:.1%})"
    if not draw_attention(predictor.model, predictor.feature_extractor, clip, title, path):
        raise InputError(f"{type(predictor.model).__name__} has no attention over time to draw; leave --attention out")
