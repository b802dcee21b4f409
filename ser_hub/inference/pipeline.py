"""`pipeline("audio-classification")` for our models, without ffmpeg."""

from typing import Any

from transformers import AudioClassificationPipeline
from transformers.pipelines import PIPELINE_REGISTRY

from ser_hub import audio
from ser_hub.features.base import as_float
from ser_hub.models.base import SERModel


class SERPipeline(AudioClassificationPipeline):  # type: ignore[misc]
    """transformers' pipeline, but a SERModel's clips are decoded and resampled by `ser_hub.audio`.

    transformers decodes files with the ffmpeg program and resamples with another filter than our features were trained
    with; other models' clips go its way.
    """

    def preprocess(self, inputs: Any) -> Any:
        """Turn a path, file content, array (at the model's rate) or {"array", "sampling_rate"} into model inputs."""
        if isinstance(self.model, SERModel):
            inputs = self._waveform(inputs)
        return super().preprocess(inputs)

    def _waveform(self, inputs: Any) -> Any:
        rate = self.feature_extractor.sampling_rate
        if isinstance(inputs, str | bytes) and not str(inputs).startswith(("http://", "https://")):
            return audio.decode(inputs, rate)[0]
        samples = None
        if isinstance(inputs, dict) and "sampling_rate" in inputs:
            samples = inputs.get("raw", inputs.get("array"))
        if samples is None:
            return inputs  # an array at the model's rate, or what transformers refuses in its own words
        return audio.resample(as_float(samples), int(inputs["sampling_rate"]), rate)


def register() -> None:
    """Make `pipeline("audio-classification")` use `SERPipeline`."""
    PIPELINE_REGISTRY.supported_tasks["audio-classification"]["impl"] = SERPipeline
