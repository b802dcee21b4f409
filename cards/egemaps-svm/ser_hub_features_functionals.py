"""eGeMAPS and ComParE: functionals of a whole clip, by openSMILE (the extra `ser-hub[opensmile]`).

    samples > openSMILE low-level descriptors > functionals = (1, 62, 88 or 6,373)

Sources: GeMAPS and eGeMAPS, Eyben et al. 2016 (IEEE Transactions on Affective Computing 7(2), 190-202); ComParE,
Schuller et al. 2013 and 2016 (Interspeech). openSMILE's licence allows private, research and educational use, not
products.
"""

from collections.abc import Sequence
from typing import Any, Literal, get_args

import numpy as np

from .ser_hub_errors import InputError
from .ser_hub_features_base import Array, SERFeatureExtractor

FeatureSet = Literal["eGeMAPSv02", "GeMAPSv01b", "ComParE_2016"]
SIZES: dict[FeatureSet, int] = {"eGeMAPSv02": 88, "GeMAPSv01b": 62, "ComParE_2016": 6_373}
"""Number of functionals of each set."""


class FunctionalsFeatureExtractor(SERFeatureExtractor):
    """One vector of functionals per clip, (1, 88) for eGeMAPS.

    Args:
        sampling_rate: In Hz.
        feature_set: openSMILE's name of the set.
        mean: Per-dimension mean of the training part.
        std: Per-dimension standard deviation of the training part.
        **kwargs: As `SERFeatureExtractor` takes them.

    Raises:
        InputError: There is no such set.
    """

    def __init__(
        self,
        sampling_rate: int = 16_000,
        feature_set: FeatureSet = "eGeMAPSv02",
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
        **kwargs: Any,
    ) -> None:
        if feature_set not in get_args(FeatureSet):
            raise InputError(f"feature_set '{feature_set}' is not known; choose {', '.join(get_args(FeatureSet))}")
        kwargs.pop("feature_size", None)  # saved with the rest, but it follows from the set
        super().__init__(feature_size=SIZES[feature_set], sampling_rate=sampling_rate, mean=mean, std=std, **kwargs)
        self.feature_set = feature_set

    @property
    def min_samples(self) -> int:
        """A tenth of a second: openSMILE's longest window is 60 ms."""
        return int(self.sampling_rate) // 10

    def extract(self, waveform: Array) -> Array:
        """Compute the functionals of one clip (num_samples,), shape (1, feature_size).

        Raises:
            InputError: openSMILE is not installed.
        """
        try:
            import opensmile
        except ImportError as error:
            raise InputError("functionals need openSMILE; install it with `pip install ser-hub[opensmile]`") from error
        smile = opensmile.Smile(opensmile.FeatureSet[self.feature_set], opensmile.FeatureLevel.Functionals)
        values = smile.process_signal(waveform, self.sampling_rate).to_numpy(np.float32)
        # Where a clip has no voiced frame, some statistics of pitch are undefined; 0 is what openSMILE gives the rest.
        return np.asarray(np.nan_to_num(values))
