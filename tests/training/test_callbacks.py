"""Callbacks: training with channels last, batch normalisation beside dropout."""

import copy

import pytest
import torch
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from torch import Tensor
from torch.utils.data import DataLoader

from ser_hub.models import CNNLSTM
from ser_hub.models.cnn_lstm import CNNLSTMConfig
from ser_hub.training import BatchNormWithoutDropout, ChannelsLast


class Watch(Callback):
    """Note how the second convolution's weight lies in memory while it is trained."""

    def __init__(self) -> None:
        self.channels_last: list[bool] = []

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *_: object) -> None:
        weight = pl_module.get_parameter("cnn.5.weight")
        self.channels_last.append(weight.is_contiguous(memory_format=torch.channels_last))


def small(dropout: float) -> CNNLSTM:
    """Return a small CNN-LSTM with two convolution blocks."""
    torch.manual_seed(0)
    shape = {"input_size": 16, "chunk_length": 16, "chunk_hop": 8, "channels": [4, 8], "kernels": [3, 3]}
    return CNNLSTM(CNNLSTMConfig(**shape, pools=[2, 2], dropout=dropout, recurrent_dropout=0.0))  # type: ignore[arg-type]


def random_batches(count: int) -> list[dict[str, Tensor]]:
    """Return batches of six random clips."""
    return [{"input_features": torch.randn(6, 32, 16), "labels": torch.randint(0, 8, (6,))} for _ in range(count)]


def trained(start: CNNLSTM, batches: list[dict[str, Tensor]], *callbacks: Callback) -> CNNLSTM:
    """Train a copy of a model on the batches once."""
    model = copy.deepcopy(start)
    # Not Adam, which makes whole steps of the rounding errors that are a bias's gradient before batch normalisation.
    model.configure_optimizers = lambda: torch.optim.SGD(model.parameters(), lr=0.1)  # type: ignore[method-assign]
    trainer = Trainer(
        max_epochs=1,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        callbacks=list(callbacks),
    )
    loader = DataLoader(batches, batch_size=None)  # type: ignore[arg-type, var-annotated]  # a list is a dataset
    trainer.fit(model, loader, loader)
    return model.eval()


def test_channels_last_trains_the_same_model_and_leaves_torchs_own_layout() -> None:
    start, batches = small(dropout=0.0), random_batches(3)
    watch = Watch()
    plain, faster = trained(start, batches), trained(start, batches, ChannelsLast(), watch)

    assert watch.channels_last == [True] * 3
    assert all(parameter.is_contiguous() for parameter in faster.parameters())
    features = batches[0]["input_features"]
    torch.testing.assert_close(faster(features).logits, plain(features).logits, atol=1e-4, rtol=0)
    assert not torch.allclose(faster(features).logits, start.eval()(features).logits, atol=1e-2)


def test_running_statistics_are_of_what_the_model_sees_without_dropout() -> None:
    start, batches = small(dropout=0.5), random_batches(8)

    def narrowed(*callbacks: Callback) -> float:
        """Return the variance that reaches the second batch normalisation, as a share of its running variance."""
        model = trained(start, batches, *callbacks)
        norm = model.get_submodule("cnn.6")
        seen: list[Tensor] = []
        norm.register_forward_pre_hook(lambda _module, inputs: seen.append(inputs[0]))
        with torch.no_grad():
            for batch in batches:
                model(batch["input_features"])
        assert norm.momentum == 0.1
        return float((torch.cat(seen).var(dim=(0, 2, 3)) / norm.get_buffer("running_var")).mean())

    assert narrowed(BatchNormWithoutDropout(batches=8)) == pytest.approx(1.0, abs=0.01)
    assert narrowed() < 0.8
