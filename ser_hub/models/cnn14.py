"""CNN14 (PANNs, Kong et al. 2020, IEEE/ACM TASLP 28, 2880-2894).

    log-mel > BatchNorm > [[Conv2d > BatchNorm > ReLU] x 2 > average pooling > dropout] x 6 > mean over bands >
    maximum + mean over time > dropout > Linear > ReLU > dropout > Linear

Trainable parameters: 80,753,615 with AudioSet's 527 classes, 79,690,184 with 8. Published weights, trained on AudioSet:
Cnn14_mAP=0.431.pth, https://zenodo.org/records/3987831 (CC BY 4.0); `weights` in the configuration names the file.
Modules are named as there, so that its state dict fits but for the front end and the last layer.

Departure: padded frames are zero before every convolution and left out of both pools, so that a clip's logits do not
depend on its batch. The original works on clips of one length; for those nothing differs. Batch normalisation's
statistics are taken over padded frames too while it trains: `data.group_by_length` leaves few.
"""

import pickle
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import initialization as init
from transformers.modeling_outputs import SequenceClassifierOutput

from ser_hub.errors import InputError
from ser_hub.models.layers import full_mask
from ser_hub.models.published import PublishedConfig, PublishedModel

BLOCKS = 6
FRONT_END = ("spectrogram_extractor.", "logmel_extractor.", "fc_audioset.")
"""Prefixes of the published state dict that have no counterpart here."""


class CNN14Config(PublishedConfig):
    """Configuration of CNN14.

    Args:
        input_size: Number of mel bands; at least 32, which five poolings halve to one.
        base_channels: Channels of the first block; each further one doubles them.
        weights: The published file, on this machine.
        labels: Class names in the order of the logits.
        label_smoothing: As `torch.nn.CrossEntropyLoss` has it.
        **kwargs: As `transformers.PreTrainedConfig` takes them.
    """

    model_type = "cnn14"

    def __init__(
        self,
        input_size: int = 64,
        base_channels: int = 64,
        weights: str | None = None,
        labels: list[str] | None = None,
        label_smoothing: float = 0.0,
        **kwargs: Any,
    ) -> None:
        self.base_channels = base_channels
        super().__init__(
            weights=weights, input_size=input_size, labels=labels, label_smoothing=label_smoothing, **kwargs
        )


class ConvBlock(nn.Module):
    """Two convolutions of a spectrogram (batch, channels, time, bands).

    Args:
        in_channels: Channels that come in.
        out_channels: Channels that go out.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.bn2 = nn.BatchNorm2d(out_channels)

    def forward(self, image: Tensor, real: Tensor) -> Tensor:
        """Convolve; `real` (batch, 1, time, 1) is 1 where the frame is."""
        hidden = self.bn1(self.conv1(image * real)).relu()
        convolved: Tensor = self.bn2(self.conv2(hidden * real)).relu()
        return convolved


class CNN14(PublishedModel):
    """Six blocks of convolutions over a log-mel spectrogram.

    Args:
        config: Its configuration.
    """

    config: CNN14Config
    config_class = CNN14Config

    def __init__(self, config: CNN14Config) -> None:
        super().__init__(config)
        self.bn0 = nn.BatchNorm2d(self.config.input_size)
        channels = [1, *(self.config.base_channels * 2**block for block in range(BLOCKS))]
        for block in range(BLOCKS):
            setattr(self, f"conv_block{block + 1}", ConvBlock(channels[block], channels[block + 1]))
        self.dropout, self.last_dropout = nn.Dropout(0.2), nn.Dropout(0.5)
        self.fc1 = nn.Linear(channels[-1], channels[-1])
        self.classifier = nn.Linear(channels[-1], self.config.num_labels)
        self.post_init()

    def forward(
        self, input_features: Tensor, attention_mask: Tensor | None = None, labels: Tensor | None = None
    ) -> SequenceClassifierOutput:
        """Classify padded clips.

        Args:
            input_features: (batch, time, input_size), at least 32 frames a clip.
            attention_mask: (batch, time), 1 where the frame is real; None where all are. Padding is at the end.
            labels: Class indices (batch,); with them the output has a loss.

        Returns:
            logits (batch, num_labels), hidden_states ((batch, 32 base_channels),).
        """
        mask = full_mask(input_features) if attention_mask is None else attention_mask
        image = self.bn0(input_features.transpose(1, 2).unsqueeze(-1)).permute(0, 3, 2, 1)  # (B, 1, T, bands)
        real = mask.to(image.dtype)[:, None, :, None]  # (B, 1, T, 1)
        for block in range(1, BLOCKS + 1):
            image = getattr(self, f"conv_block{block}")(image, real)
            if block < BLOCKS:
                image = nn.functional.avg_pool2d(image, 2)
                real = real[:, :, 1::2]  # a pooled frame is real where both of its frames are
            image = self.dropout(image)
        frames, real = image.mean(dim=3), real.squeeze(-1)  # (B, channels, T // 32), (B, 1, T // 32)
        loudest = frames.masked_fill(real == 0, -torch.inf).amax(dim=2)
        pooled = loudest + (frames * real).sum(dim=2) / real.sum(dim=2)
        embedding = self.fc1(self.last_dropout(pooled)).relu()
        return self.output(self.classifier(self.last_dropout(embedding)), labels, hidden_states=(embedding,))

    def load_published(self, weights: str) -> None:
        """Load the published file but for its front end and its last layer.

        Raises:
            InputError: The file is not there, or not that of CNN14.
        """
        load_file(self, weights, "classifier.", FRONT_END, key="model")

    def _init_weights(self, module: nn.Module) -> None:
        """Xavier uniform weights and zero biases, as in PANNs."""
        super()._init_weights(module)
        if isinstance(module, nn.Conv2d | nn.Linear):
            init.xavier_uniform_(module.weight)
            if module.bias is not None:
                init.zeros_(module.bias)


def load_file(
    model: PublishedModel, path: str, last_layer: str, left_out: tuple[str, ...], key: str | None = None
) -> None:
    """Load a published state dict into all of a model but its last layer.

    Args:
        model: The model.
        path: The file.
        last_layer: Prefix of the model's parameters that stay as they are.
        left_out: Prefixes of keys that have no counterpart in the model.
        key: Where in the file the state dict is; None where it is the file's whole content.

    Raises:
        InputError: The file is not there, or not of this architecture.
    """
    if not Path(path).is_file():
        raise InputError(f"the published weights {path} are not there; download them (see {type(model).__name__})")
    try:
        stored = torch.load(path, map_location="cpu", weights_only=True)
        state = {k: v for k, v in (stored[key] if key else stored).items() if not k.startswith(left_out)}
        missing, unexpected = model.load_state_dict(state, strict=False)
    except (pickle.UnpicklingError, RuntimeError, KeyError, AttributeError, OSError, ValueError) as error:
        raise InputError(f"{path} does not hold weights of {type(model).__name__}; give the published file") from error
    absent = [name for name in missing if not name.startswith((last_layer, "started"))]
    if absent or unexpected:
        raise InputError(
            f"{path} does not hold weights of {type(model).__name__} ({len(absent)} are missing, {len(unexpected)} are "
            f"unknown); give the published file"
        )
