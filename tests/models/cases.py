"""Tiny settings of every architecture, for the tests that sweep them all. Adding one is one line here."""

from typing import Any, NamedTuple

import torch


class Case(NamedTuple):
    """How to make a small model and a small batch for it.

    Attributes:
        config: Keyword arguments of its Config.
        shape: (time, input_size) of a clip.
        masks: Whether the architecture masks padding, so that padded frames must not matter.
    """

    config: dict[str, Any]
    shape: tuple[int, int]
    masks: bool = True


CASES = {
    "linear_svm": Case({"input_size": 5}, (1, 5)),
    "lstm_sa": Case({"input_size": 5, "hidden_size": 8}, (12, 5)),
    "reslstm_sa": Case({"input_size": 5, "hidden_size": 8}, (12, 5)),
    "blstm_local_attention": Case({"input_size": 5, "dense_size": 16, "hidden_size": 8, "dropout": 0.1}, (12, 5)),
    "speech_text": Case({"input_size": 5, "hidden_size": 8, "embedding_size": 4}, (12, 5)),
    "emocatcher": Case({"input_size": 5, "hidden_size": 16}, (13, 5)),
    "cnn_lstm": Case(
        {"input_size": 8, "chunk_length": 8, "chunk_hop": 4, "channels": [2, 4], "kernels": [5, 3], "pools": [2, 4]}
        | {"hidden_size": 8, "dropout": 0.1},
        (22, 8),
        masks=False,
    ),
    "cnn_parallel": Case({"input_size": 128, "frames": 130, "hidden_size": 8}, (130, 128), masks=False),
    "conv1d_lstm": Case(
        {"input_size": 1, "channels": [8, 8, 4], "hidden_size": 8, "dropout": 0.1}, (22, 1), masks=False
    ),
    "stacked_rnn": Case({"input_size": 5, "hidden_sizes": [8, 6]}, (12, 5)),
    "cnn_mfcc": Case({"input_size": 5, "channels": [8, 6], "dense_size": 6}, (13, 5)),
    "pretrained_encoder": Case({"projection_size": 8, "lr": 1e-2}, (4000, 1)),
    "cnn14": Case({"input_size": 32, "base_channels": 2}, (35, 32)),
    "alexnet": Case({"input_size": 8, "base_channels": 2, "hidden_size": 8}, (20, 8), masks=False),
    "attention_blstm": Case({"input_size": 5, "hidden_size": 8}, (12, 5)),
}


def batch(case: Case, clips: int = 6, classes: int = 3, seed: int = 0) -> dict[str, torch.Tensor]:
    """Return a random batch of whole clips, labelled so that the mean of a clip's features tells its class."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(clips) % classes
    features = torch.randn(clips, *case.shape, generator=generator) + labels[:, None, None].float() - 1.0
    return {
        "input_features": features,
        "attention_mask": torch.ones(clips, case.shape[0], dtype=torch.long),
        "labels": labels,
    }
