"""Large pretrained encoders through transformers: wav2vec 2.0 and XLSR, HuBERT, WavLM.

    samples > encoder > learned mix of its layers (frozen) or its last (fine-tuned) >
    Linear > ReLU > mean over time > dropout > Linear

The probe is SUPERB's (Yang et al. 2021). Weights come from the Hub when a training begins; `encoder_config` says what
they fit, so that a checkpoint of ours loads by itself. Without a network, `weights: ""` and `encoder_config: tiny` give
a tiny encoder with random weights, which runs and means nothing.

Fine-tuning is by AdamW with a lower learning rate for the encoder than for the head (Howard and Ruder 2018), set in the
configuration, as the command line's `optimizer` knows one rate.

Padding does not change a clip's logits where the encoder normalises every frame by itself (`feat_extract_norm: layer`,
as XLSR's). The base encoders normalise their first layer over time, padding included, as they were trained.
"""

from typing import Any, Literal

import torch
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, PreTrainedModel
from transformers import initialization as init
from transformers.modeling_outputs import SequenceClassifierOutput

from ser_hub.errors import InputError
from ser_hub.models.layers import full_mask
from ser_hub.models.published import PublishedConfig, PublishedModel

TINY = {
    "model_type": "wav2vec2",
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "conv_dim": (16, 16, 16),
    "conv_stride": (10, 8, 4),
    "conv_kernel": (10, 8, 4),
    "num_feat_extract_layers": 3,
    "num_conv_pos_embeddings": 8,
    "num_conv_pos_embedding_groups": 2,
    "feat_extract_norm": "layer",
    "mask_time_prob": 0.0,
}
"""An encoder of 25 k parameters, for machines without a network."""


class PretrainedEncoderConfig(PublishedConfig):
    """Configuration of a pretrained encoder with a classifier.

    Args:
        input_size: Always 1: a waveform has one value per sample.
        weights: Repository on the Hub, or folder, that holds the encoder's weights.
        encoder_config: The encoder's configuration, `model_type` among it; what is left out is as transformers has it.
            "tiny" is one of 25 k parameters.
        freeze: Whether the encoder stays as it is, with a learned mix of its layers; else it is fine-tuned.
        projection_size: Width of the layer before the mean over time.
        dropout: Dropout probability before the last layer.
        lr: Learning rate of the head.
        encoder_lr: Learning rate of the encoder where it is fine-tuned.
        weight_decay: Of both.
        labels: Class names in the order of the logits.
        label_smoothing: As `torch.nn.CrossEntropyLoss` has it.
        **kwargs: As `transformers.PreTrainedConfig` takes them.
    """

    model_type = "pretrained_encoder"

    def __init__(
        self,
        input_size: int = 1,
        weights: str | None = None,
        encoder_config: dict[str, Any] | Literal["tiny"] = "tiny",
        freeze: bool = True,
        projection_size: int = 256,
        dropout: float = 0.1,
        lr: float = 1e-3,
        encoder_lr: float = 1e-5,
        weight_decay: float = 0.01,
        labels: list[str] | None = None,
        label_smoothing: float = 0.0,
        **kwargs: Any,
    ) -> None:
        self.encoder_config = encoder_config
        self.freeze = freeze
        self.projection_size = projection_size
        self.dropout = dropout
        self.lr = lr
        self.encoder_lr = encoder_lr
        self.weight_decay = weight_decay
        super().__init__(
            weights=weights, input_size=input_size, labels=labels, label_smoothing=label_smoothing, **kwargs
        )


class PretrainedEncoder(PublishedModel):
    """A pretrained encoder, frozen or fine-tuned, with a small classifier.

    Args:
        config: Its configuration.
    """

    config: PretrainedEncoderConfig
    config_class = PretrainedEncoderConfig

    def __init__(self, config: PretrainedEncoderConfig) -> None:
        super().__init__(config)
        settings = TINY if self.config.encoder_config == "tiny" else dict(self.config.encoder_config)
        self.encoder: PreTrainedModel = AutoModel.from_config(AutoConfig.for_model(**settings))
        size, layers = self.encoder.config.hidden_size, self.encoder.config.num_hidden_layers + 1
        if self.config.freeze:
            self.mix = nn.Linear(layers, 1, bias=False)
        self.projection = nn.Linear(size, self.config.projection_size)
        self.dropout = nn.Dropout(self.config.dropout)
        self.classifier = nn.Linear(self.config.projection_size, self.config.num_labels)
        self.post_init()
        self.encoder.requires_grad_(not self.config.freeze)

    def setup(self, stage: str) -> None:
        """Fetch the published weights where a training begins; freeze again what `from_pretrained` has thawed."""
        super().setup(stage)
        self.encoder.requires_grad_(not self.config.freeze)

    def forward(
        self, input_features: Tensor, attention_mask: Tensor | None = None, labels: Tensor | None = None
    ) -> SequenceClassifierOutput:
        """Classify padded clips.

        Args:
            input_features: (batch, samples, 1), at 16 kHz, of zero mean and unit variance.
            attention_mask: (batch, samples), 1 where the sample is real; None where all are. Padding is at the end.
            labels: Class indices (batch,); with them the output has a loss.

        Returns:
            logits (batch, num_labels), hidden_states ((batch, projection_size),).
        """
        mask = (full_mask(input_features) if attention_mask is None else attention_mask).long()
        encoded = self.encoder(input_features.squeeze(-1), attention_mask=mask, output_hidden_states=self.config.freeze)
        frames = encoded.last_hidden_state  # (B, T, size)
        if self.config.freeze:
            shares = self.mix.weight.squeeze(0).softmax(dim=0)
            frames = torch.einsum("l,lbth->bth", shares, torch.stack(encoded.hidden_states))
        real = self.encoder._get_feature_vector_attention_mask(frames.shape[1], mask).to(frames.dtype)
        projected = self.projection(frames).relu()  # (B, T, projection)
        embedding = torch.einsum("bt,btp->bp", real / real.sum(dim=1, keepdim=True), projected)
        return self.output(self.classifier(self.dropout(embedding)), labels, hidden_states=(embedding,))

    def train(self, mode: bool = True) -> "PretrainedEncoder":
        """Enter or leave training mode; a frozen encoder stays in evaluation mode."""
        super().train(mode)
        if self.config.freeze:
            self.encoder.eval()
        return self

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return AdamW with the encoder's and the head's own learning rates."""
        encoder = [parameter for parameter in self.encoder.parameters() if parameter.requires_grad]
        own = [p for name, p in self.named_parameters() if not name.startswith("encoder.")]
        groups = [{"params": own, "lr": self.config.lr}]
        if encoder:
            groups.append({"params": encoder, "lr": self.config.encoder_lr})
        return torch.optim.AdamW(groups, weight_decay=self.config.weight_decay)

    def load_published(self, weights: str) -> None:
        """Load the encoder's weights from the Hub or a folder.

        Raises:
            InputError: They cannot be fetched, or do not fit `encoder_config`.
        """
        unfit = f"the encoder '{weights}' does not fit the recipe's encoder_config; give that encoder's configuration"
        try:
            published = AutoModel.from_pretrained(weights, trust_remote_code=False)
        except (OSError, ValueError) as error:
            raise InputError(
                f"the encoder '{weights}' cannot be fetched; go online, name a folder that holds it, or give "
                f"--model.config.weights '' --model.config.encoder_config tiny for a tiny random one"
            ) from error
        try:
            self.encoder.load_state_dict(published.state_dict())
        except RuntimeError as error:
            raise InputError(unfit) from error
        if not _computes_the_same(self.encoder, published):
            raise InputError(unfit)

    def _init_weights(self, module: nn.Module) -> None:
        super()._init_weights(module)
        if self.config.freeze and module is self.mix:
            init.zeros_(module.weight)  # every layer counts alike at first


@torch.no_grad()
def _computes_the_same(one: PreTrainedModel, other: PreTrainedModel) -> bool:
    """Whether two encoders of equal weights give equal features: of noise, as long as WavLM's distances reach.

    Their tensors do not tell: `do_stable_layer_norm`, `hidden_act` or the number of heads change no shape.
    """
    noise = torch.randn(1, 64_000, generator=torch.Generator().manual_seed(0)).to(one.device, one.dtype)
    training = one.training
    ours = one.eval()(noise).last_hidden_state
    one.train(training)
    theirs = other.eval().to(one.device, one.dtype)(noise).last_hidden_state
    return ours.shape == theirs.shape and torch.allclose(ours, theirs, atol=1e-5)
