"""`pipeline("audio-classification")` for our models, without ffmpeg."""

import os
from collections.abc import Mapping
from typing import Any

import httpx2
from transformers import AudioClassificationPipeline
from transformers.pipelines import PIPELINE_REGISTRY

from ser_hub import audio
from ser_hub.errors import InputError, first_line
from ser_hub.features.base import as_float
from ser_hub.models.base import SERModel

FETCH_SECONDS = 30
"""How long a server may keep silent."""


class SERPipeline(AudioClassificationPipeline):  # type: ignore[misc]
    """transformers' pipeline, but a SERModel's clips are decoded and resampled by `ser_hub.audio`.

    transformers decodes files with the ffmpeg program and resamples with another filter than our features were trained
    with; other models' clips go its way.
    """

    def preprocess(self, inputs: Any) -> Any:
        """Turn a clip into model inputs.

        Args:
            inputs: A path, URL or file content; a row's undecoded audio `{"path": ..., "bytes": ...}`; samples of shape
                (num_samples,) at the model's rate; or such as `{"array": ..., "sampling_rate": ...}` at any rate in Hz.

        Raises:
            InputError: The clip cannot be fetched or decoded, or is not mono.
        """
        if isinstance(self.model, SERModel):
            inputs = self._waveform(inputs)
        return super().preprocess(inputs)

    def _waveform(self, inputs: Any) -> Any:
        rate = self.feature_extractor.sampling_rate
        if isinstance(inputs, str) and inputs.startswith(("http://", "https://")):
            inputs = {"path": inputs, "bytes": _fetched(inputs)}
        if isinstance(inputs, str | bytes | os.PathLike) or _is_undecoded(inputs):
            return audio.decode(inputs, rate)[0]
        samples = None
        if isinstance(inputs, Mapping) and "sampling_rate" in inputs:
            samples = inputs.get("raw", inputs.get("array"))
        if samples is None:
            return _mono(inputs)  # at the model's rate, or what transformers refuses in its own words
        return audio.resample(_mono(as_float(samples)), int(inputs["sampling_rate"]), rate)


def _is_undecoded(inputs: Any) -> bool:
    return (
        isinstance(inputs, Mapping)
        and "sampling_rate" not in inputs
        and bool(inputs.get("path") or inputs.get("bytes"))
    )


def _mono(samples: Any) -> Any:
    if getattr(samples, "ndim", 1) != 1:
        raise InputError(
            f"a waveform has shape {tuple(samples.shape)}, but one channel is expected; mix it down to mono"
        )
    return samples


def _fetched(url: str) -> bytes:
    try:
        # Not by the Hub's session, whose offline switch is meant for the Hub.
        answer = httpx2.get(url, timeout=FETCH_SECONDS, follow_redirects=True)
        answer.raise_for_status()
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
        raise InputError(f"{url} cannot be fetched ({first_line(error)}); check the address, or give a file") from error
    return bytes(answer.content)


def register() -> None:
    """Make `pipeline("audio-classification")` use `SERPipeline`."""
    PIPELINE_REGISTRY.supported_tasks["audio-classification"]["impl"] = SERPipeline
