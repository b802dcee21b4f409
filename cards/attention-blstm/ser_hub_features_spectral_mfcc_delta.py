"""Six spectral descriptors, 20 MFCC and their derivatives per frame, the input of Attention_BLSTM (Cantini, 2020).

    samples > 5 s > |STFT| > centroid, contrast (first band), bandwidth, roll-off, zero crossings, RMS  (157, 6)
                           > mel > dB > DCT  = MFCC  > delta                                            (157, 20 + 20)

The values are librosa's with its defaults (n_fft 2048); the RMS is that of the spectrum, which is windowed. A shorter
clip is filled up with silence at its front, as in the public code; a longer one is cut.

Departures from the source: it standardises each of the 157 x 46 values by itself and over all clips, those for testing
included, and balances the classes by interpolated clips (SMOTE); here each dimension is standardised by the training
part, and no clip is made up.
"""

from collections.abc import Sequence
from typing import Any

import librosa
import numpy as np

from . import ser_hub_features_spectral as spectral
from .ser_hub_features_spectral import __doc__ as _spectral
from .ser_hub_features_base import Array, SERFeatureExtractor

N_FFT, HOP_LENGTH = 2048, 512
N_MELS, N_MFCC = 128, 20


class SpectralMfccDeltaFeatureExtractor(SERFeatureExtractor):
    """Spectral descriptors, MFCC and delta MFCC per frame, (157, 46) for clips of 5 s at 16 kHz.

    Args:
        sampling_rate: In Hz.
        duration: Seconds to which every clip is padded or cut.
        mean: Per-dimension mean of the training part.
        std: Per-dimension standard deviation of the training part.
        **kwargs: As `SERFeatureExtractor` takes them.
    """

    def __init__(
        self,
        sampling_rate: int = 16_000,
        duration: float = 5.0,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
        **kwargs: Any,
    ) -> None:
        kwargs.pop("feature_size", None)  # saved with the rest, but it is fixed
        super().__init__(feature_size=6 + 2 * N_MFCC, sampling_rate=sampling_rate, mean=mean, std=std, **kwargs)
        self.duration = duration

    @property
    def min_samples(self) -> int:
        """One frame."""
        return N_FFT

    @property
    def reads(self) -> str:
        """What of a clip it reads, as a card says it."""
        return f"the first {self.duration:g} s, filled up with silence before them"

    def extract(self, waveform: Array) -> Array:
        """Compute the features of one clip (num_samples,), shape (1 + samples of the duration // 512, 46)."""
        length = round(self.duration * self.sampling_rate)
        samples = np.pad(waveform[:length], (max(length - len(waveform), 0), 0))
        power = spectral.power_spectrogram(samples, N_FFT, HOP_LENGTH)
        magnitude = np.sqrt(power).T  # librosa's (frequency, time)
        given = {"S": magnitude, "sr": self.sampling_rate}
        centroid = librosa.feature.spectral_centroid(**given)
        mel = power @ spectral.mel_filter_bank(self.sampling_rate, N_FFT, N_MELS)
        mfcc = spectral.mfcc(mel, N_MFCC).T
        features = [
            centroid,
            librosa.feature.spectral_contrast(**given)[:1],
            librosa.feature.spectral_bandwidth(**given, centroid=centroid),
            librosa.feature.spectral_rolloff(**given),
            librosa.feature.zero_crossing_rate(samples, frame_length=N_FFT, hop_length=HOP_LENGTH),
            librosa.feature.rms(S=magnitude, frame_length=N_FFT),
            mfcc,
            librosa.feature.delta(mfcc),
        ]
        return np.concatenate(features).T.astype(np.float32)
