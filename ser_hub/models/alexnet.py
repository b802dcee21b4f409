"""AlexNet on spectrograms (Krizhevsky 2014, https://arxiv.org/abs/1404.5997, as torchvision has it).

    log-mel as an image of three equal channels, 224 x 224 > [Conv2d > ReLU (> MaxPool)] x 5 > pooling to 6 x 6 >
    [dropout > Linear > ReLU] x 2 > Linear

Trainable parameters: 61,100,840 with ImageNet's 1,000 classes, 57,036,616 with 8. Published weights, trained on
ImageNet: https://download.pytorch.org/models/alexnet-owt-7be5be79.pth (BSD-3-Clause); `weights` in the configuration
names the file. Modules are named as there, so that its state dict fits but for the last layer. Clips are of one length;
the spectrogram is standardised by mel band and stretched bilinearly.
"""

from typing import Any

from torch import Tensor, nn
from transformers.modeling_outputs import SequenceClassifierOutput

from ser_hub.models.cnn14 import load_file
from ser_hub.models.published import PublishedConfig, PublishedModel

IMAGE = 224


class AlexNetConfig(PublishedConfig):
    """Configuration of AlexNet.

    Args:
        input_size: Number of mel bands.
        base_channels: Channels of the first convolution; the others follow in AlexNet's proportions.
        hidden_size: Width of the two linear layers.
        dropout: Dropout probability before either of them.
        weights: The published file, on this machine.
        labels: Class names in the order of the logits.
        label_smoothing: As `torch.nn.CrossEntropyLoss` has it.
        **kwargs: As `transformers.PreTrainedConfig` takes them.
    """

    model_type = "alexnet"

    def __init__(
        self,
        input_size: int = 128,
        base_channels: int = 64,
        hidden_size: int = 4096,
        dropout: float = 0.5,
        weights: str | None = None,
        labels: list[str] | None = None,
        label_smoothing: float = 0.0,
        **kwargs: Any,
    ) -> None:
        self.base_channels = base_channels
        self.hidden_size = hidden_size
        self.dropout = dropout
        super().__init__(
            weights=weights, input_size=input_size, labels=labels, label_smoothing=label_smoothing, **kwargs
        )


class AlexNet(PublishedModel):
    """AlexNet over a log-mel spectrogram.

    Args:
        config: Its configuration.
    """

    config: AlexNetConfig
    config_class = AlexNetConfig

    def __init__(self, config: AlexNetConfig) -> None:
        super().__init__(config)
        base, hidden = self.config.base_channels, self.config.hidden_size
        self.features = nn.Sequential(
            nn.Conv2d(3, base, 11, stride=4, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(3, 2),
            nn.Conv2d(base, 3 * base, 5, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(3, 2),
            nn.Conv2d(3 * base, 6 * base, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(6 * base, 4 * base, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(4 * base, 4 * base, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(3, 2),
        )
        self.avgpool = nn.AdaptiveAvgPool2d(6)
        self.classifier = nn.Sequential(
            nn.Dropout(self.config.dropout),
            nn.Linear(4 * base * 36, hidden),
            nn.ReLU(),
            nn.Dropout(self.config.dropout),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
            nn.Linear(hidden, self.config.num_labels),
        )
        self.post_init()

    def forward(
        self, input_features: Tensor, attention_mask: Tensor | None = None, labels: Tensor | None = None
    ) -> SequenceClassifierOutput:
        """Classify clips of one length.

        Args:
            input_features: (batch, time, input_size).
            attention_mask: Taken for the contract's sake; clips are of one length.
            labels: Class indices (batch,); with them the output has a loss.

        Returns:
            logits (batch, num_labels), hidden_states ((batch, hidden_size),).
        """
        image = input_features.transpose(1, 2).unsqueeze(1)  # (B, 1, bands, T)
        image = nn.functional.interpolate(image, (IMAGE, IMAGE), mode="bilinear", align_corners=False)
        seen = self.avgpool(self.features(image.expand(-1, 3, -1, -1))).flatten(1)
        embedding = self.classifier[:-1](seen)
        return self.output(self.classifier[-1](embedding), labels, hidden_states=(embedding,))

    def load_published(self, weights: str) -> None:
        """Load the published file but for its last layer.

        Raises:
            InputError: The file is not there, or not that of AlexNet.
        """
        load_file(self, weights, "classifier.6.", ("classifier.6.",))
