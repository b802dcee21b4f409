from types import SimpleNamespace

import numpy as np
import pytest
import torch
from lightning.pytorch import Trainer
from sklearn.svm import LinearSVC
from torch.utils.data import DataLoader

from ser_hub.errors import InputError
from ser_hub.models import LinearSVM, LinearSVMConfig


def clips(classes, count=60, size=5):
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(count) % classes
    return torch.randn(count, 1, size, generator=generator) + labels[:, None, None], labels


def fit(model, features, labels, tmp_path):
    batches = [
        {"input_features": x, "attention_mask": torch.ones(len(x), 1), "labels": y, "clip_id": ["a"] * len(x)}
        for x, y in zip(features.split(16), labels.split(16), strict=True)
    ]
    loader = DataLoader(batches, batch_size=None)
    trainer = Trainer(
        max_epochs=1, accelerator="cpu", logger=False, enable_progress_bar=False, default_root_dir=tmp_path
    )
    trainer.fit(model, loader, loader)
    return trainer


@pytest.mark.parametrize("classes", [2, 3])
def test_is_the_machine_that_scikit_learn_fits_to_all_clips(classes, tmp_path):
    features, labels = clips(classes)
    model = LinearSVM(LinearSVMConfig(input_size=5, C=0.5, labels=[f"c{index}" for index in range(classes)]))
    trainer = fit(model, features, labels, tmp_path)
    machine = LinearSVC(C=0.5, class_weight="balanced", random_state=0).fit(features[:, 0].numpy(), labels.numpy())
    expected = machine.decision_function(features[:, 0].numpy())
    logits = model(features).logits.detach().numpy()
    if classes == 2:
        assert np.allclose(logits[:, 1], expected, atol=1e-4) and np.allclose(logits[:, 0], -expected, atol=1e-4)
    else:
        assert np.allclose(logits, expected, atol=1e-4)
    assert (logits.argmax(axis=1) == machine.predict(features[:, 0].numpy())).all()
    assert trainer.checkpoint_callback.best_model_path  # written although no optimiser moved a weight


def test_mixed_labels_are_refused():
    features, labels = clips(2)
    model = LinearSVM(LinearSVMConfig(input_size=5, labels=["a", "b"]))
    batch = {"input_features": features, "labels": torch.nn.functional.one_hot(labels).float()}
    with pytest.raises(InputError, match="leave data.augmentation.mixup at 0"):
        model.training_step(batch, 0)


def test_several_processes_are_refused():
    model = LinearSVM(LinearSVMConfig(input_size=5, labels=["a", "b"]))
    model.trainer = SimpleNamespace(world_size=2)
    with pytest.raises(InputError, match="set --trainer.devices=1"):
        model.on_fit_start()


def test_a_missing_class_is_refused(tmp_path):
    features, labels = clips(2)
    model = LinearSVM(LinearSVMConfig(input_size=5, labels=["a", "b", "c"]))
    with pytest.raises(InputError, match="lacks a class"):
        fit(model, features, labels, tmp_path)
