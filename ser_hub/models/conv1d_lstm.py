"""Conv1D-LSTM on 162 averaged features (the notebook behind the CNN-LSTM comparison paper).

    (162, 1) > [Conv1d > ReLU > MaxPool > BatchNorm > dropout] x 3 > LSTM x 3 > [Linear > ReLU > dropout] x 3 > Linear

3,776,232 trainable parameters with 8 classes. Keras counts 3,774,696, for its LSTM has one bias where torch's has two.
Kernel 5 and 1024, 512, 256 channels; pooling by 2 with padding at the end (162 > 81 > 41 > 21 steps, Keras's "same");
three LSTMs of 128, of which the last gives its last state; 128, 64 and 32 units. Initialised as Keras does by default.
The vector is one of a whole clip, so that there is nothing to mask.

Departure in the recipe: the source cuts 2.5 s out of a clip and then alters them; here the clip is altered before it is
cut, so that its stretched copy holds 2.0 s of speech.
"""

from typing import Any

from torch import Tensor, nn
from transformers.modeling_outputs import SequenceClassifierOutput

from ser_hub.models.base import SERConfig, SERModel
from ser_hub.models.layers import initialise_as_keras

KERNEL = 5


class Conv1dLSTMConfig(SERConfig):
    """Configuration of Conv1D-LSTM.

    Args:
        input_size: Number of channels of the sequence.
        channels: Channels of each convolution.
        hidden_size: Width of the three LSTMs.
        dense_sizes: Widths of the linear layers before the last.
        dropout: Dropout probability after every layer.
        labels: Class names in the order of the logits.
        label_smoothing: As `torch.nn.CrossEntropyLoss` has it.
        **kwargs: As `transformers.PreTrainedConfig` takes them.
    """

    model_type = "conv1d_lstm"

    def __init__(
        self,
        input_size: int = 1,
        channels: tuple[int, ...] = (1024, 512, 256),
        hidden_size: int = 128,
        dense_sizes: tuple[int, ...] = (128, 64, 32),
        dropout: float = 0.3,
        labels: list[str] | None = None,
        label_smoothing: float = 0.0,
        **kwargs: Any,
    ) -> None:
        self.channels = list(channels)
        self.hidden_size = hidden_size
        self.dense_sizes = list(dense_sizes)
        self.dropout = dropout
        super().__init__(input_size=input_size, labels=labels, label_smoothing=label_smoothing, **kwargs)


class Conv1dLSTM(SERModel):
    """Convolutions along the vector of features, then LSTMs.

    Args:
        config: Its configuration.
    """

    config: Conv1dLSTMConfig
    config_class = Conv1dLSTMConfig

    def __init__(self, config: Conv1dLSTMConfig) -> None:
        super().__init__(config)
        config = self.config
        blocks: list[nn.Module] = []
        for inside, out in zip([config.input_size, *config.channels[:-1]], config.channels, strict=True):
            blocks += [
                nn.Conv1d(inside, out, KERNEL, padding="same"),
                nn.ReLU(),
                nn.MaxPool1d(2, ceil_mode=True),
                nn.BatchNorm1d(out, eps=1e-3, momentum=0.01),  # Keras's own, whose momentum counts the other way
                nn.Dropout(config.dropout),
            ]
        self.cnn = nn.Sequential(*blocks)
        # torch's own dropout between the layers; after the last one it is the head's.
        self.lstm = nn.LSTM(
            config.channels[-1], config.hidden_size, num_layers=3, dropout=config.dropout, batch_first=True
        )
        head: list[nn.Module] = [nn.Dropout(config.dropout)]
        for inside, out in zip([config.hidden_size, *config.dense_sizes[:-1]], config.dense_sizes, strict=True):
            head += [nn.Linear(inside, out), nn.ReLU(), nn.Dropout(config.dropout)]
        self.head = nn.Sequential(*head)
        self.classifier = nn.Linear(config.dense_sizes[-1], config.num_labels)
        self.post_init()

    def forward(
        self, input_features: Tensor, attention_mask: Tensor | None = None, labels: Tensor | None = None
    ) -> SequenceClassifierOutput:
        """Classify clips.

        Args:
            input_features: (batch, steps, input_size).
            attention_mask: Taken for the contract's sake; a vector of features has no padding.
            labels: Class indices (batch,); with them the output has a loss.

        Returns:
            logits (batch, num_labels), hidden_states ((batch, dense_sizes[-1]),).
        """
        steps = self.cnn(input_features.transpose(1, 2)).transpose(1, 2)  # (B, 21, 256)
        states, _ = self.lstm(steps)  # (B, 21, hidden)
        embedding = self.head(states[:, -1])
        return self.output(self.classifier(embedding), labels, hidden_states=(embedding,))

    def _init_weights(self, module: nn.Module) -> None:
        """Initialise as Keras does by default."""
        if isinstance(module, nn.Linear | nn.LSTM | nn.Conv1d):
            initialise_as_keras(module)
        else:
            super()._init_weights(module)
