"""Speech with text: an audio and a text encoder, fused, trained end to end (the survey's cross-modal fusion).

    frames > BiLSTM > attention pooling                     |
                                                            | concatenated > Linear > ReLU > dropout > Linear
    bytes of the transcript > embedding > BiLSTM > pooling  |

150,056 trainable parameters for 46 features and 8 classes. Text is read as its UTF-8 bytes, so that any language works
and nothing has to be downloaded. A clip without a transcript (as in `pipeline` and `ser-hub predict`) gets a learned
vector in the text's place. A transcript helps only where it says something of the emotion: RAVDESS's two sentences are
the same in every class, on purpose.
"""

import inspect
from typing import Any

import torch
from torch import Tensor, nn
from transformers.modeling_outputs import SequenceClassifierOutput

from ser_hub.models.base import SERConfig, SERModel
from ser_hub.models.layers import AttentionPooling, Bidirectional, full_mask

VOCABULARY = 257
"""Padding (0) and the 256 values of a byte, each raised by 1."""


class SpeechTextConfig(SERConfig):
    """Configuration of the speech and text model.

    Args:
        input_size: Number of features per frame.
        hidden_size: Width of each direction of either encoder.
        embedding_size: Dimension of a byte's embedding.
        dropout: Dropout probability before the last layer.
        labels: Class names in the order of the logits.
        label_smoothing: As `torch.nn.CrossEntropyLoss` has it.
        **kwargs: As `transformers.PreTrainedConfig` takes them.
    """

    model_type = "speech_text"

    def __init__(
        self,
        input_size: int = 46,
        hidden_size: int = 64,
        embedding_size: int = 32,
        dropout: float = 0.3,
        labels: list[str] | None = None,
        label_smoothing: float = 0.0,
        **kwargs: Any,
    ) -> None:
        self.hidden_size = hidden_size
        self.embedding_size = embedding_size
        self.dropout = dropout
        super().__init__(input_size=input_size, labels=labels, label_smoothing=label_smoothing, **kwargs)


class SpeechText(SERModel):
    """Two recurrent encoders with attention pooling, fused by concatenation.

    Args:
        config: Its configuration.
    """

    config: SpeechTextConfig
    config_class = SpeechTextConfig

    def __init__(self, config: SpeechTextConfig) -> None:
        super().__init__(config)
        width = 2 * self.config.hidden_size
        self.audio_encoder = Bidirectional(nn.LSTM, self.config.input_size, self.config.hidden_size)
        self.audio_pooling = AttentionPooling(width)
        self.embedding = nn.Embedding(VOCABULARY, self.config.embedding_size)
        self.text_encoder = Bidirectional(nn.LSTM, self.config.embedding_size, self.config.hidden_size)
        self.text_pooling = AttentionPooling(width)
        self.no_text = nn.Embedding(1, width)
        self.fusion = nn.Linear(2 * width, width)
        self.dropout = nn.Dropout(self.config.dropout)
        self.classifier = nn.Linear(width, self.config.num_labels)
        self.post_init()

    def forward(
        self,
        input_features: Tensor,
        attention_mask: Tensor | None = None,
        labels: Tensor | None = None,
        input_ids: Tensor | None = None,
    ) -> SequenceClassifierOutput:
        """Classify padded clips with their transcripts.

        Args:
            input_features: (batch, time, input_size).
            attention_mask: (batch, time), 1 where the frame is real; None where all are. Padding is at the end.
            labels: Class indices (batch,); with them the output has a loss.
            input_ids: (batch, characters), bytes of the transcript raised by 1, 0 where it has ended; None, or a row
                of zeros, where there is none.

        Returns:
            logits (batch, num_labels), attentions (batch, time) of the audio, hidden_states ((batch, 2 hidden_size),).
        """
        mask = full_mask(input_features) if attention_mask is None else attention_mask
        frames, _ = self.audio_encoder(input_features, mask)  # (B, T, 2 hidden)
        audio, weights = self.audio_pooling(frames, mask)  # (B, 2 hidden), (B, T)
        text = self.no_text.weight.expand_as(audio) if input_ids is None else self._read(input_ids)  # (B, 2 hidden)
        embedding = self.fusion(torch.cat([audio, text], dim=-1)).relu()  # (B, 2 hidden)
        logits = self.classifier(self.dropout(embedding))  # (B, num_labels)
        return self.output(logits, labels, hidden_states=(embedding,), attentions=weights)

    def _read(self, input_ids: Tensor) -> Tensor:
        mask = input_ids > 0
        has_text = mask.any(dim=1, keepdim=True)
        readable = mask | ~has_text  # a row of nothing but padding has no softmax; its outcome is not used
        states, _ = self.text_encoder(self.embedding(input_ids), readable)
        text, _ = self.text_pooling(states, readable)
        return torch.where(has_text, text, self.no_text.weight)


def reads_text(model: SERModel) -> bool:
    """Whether a model takes transcripts (`input_ids`) beside the audio."""
    return "input_ids" in inspect.signature(model.forward).parameters


def text_ids(sentences: list[str | None]) -> Tensor:
    """Return the `input_ids` (batch, characters) of transcripts; None, or an empty one, is a row of zeros."""
    rows = [torch.tensor([byte + 1 for byte in (sentence or "").encode()], dtype=torch.long) for sentence in sentences]
    return nn.utils.rnn.pad_sequence([*rows, torch.zeros(1, dtype=torch.long)], batch_first=True)[:-1]
