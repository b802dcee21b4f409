"""Every recipe's model as ONNX, against torch; and the sample that needs neither torch nor ser_hub."""

import json
import subprocess
import sys

import numpy as np
import onnxruntime
import pytest
import soundfile
import torch
import yaml
from transformers import AutoFeatureExtractor, AutoModel

import ser_hub
from ser_hub.cli import main
from ser_hub.errors import InputError
from ser_hub.hub import onnx
from ser_hub.hub.onnx import TOLERANCE, export_onnx, run
from ser_hub.inference import Predictor
from ser_hub.recipes import _class, recipe_files

from ..features.signals import noise, voiced

SMALL = {
    "PretrainedEncoder": {"weights": "", "encoder_config": "tiny"},
    "CNN14": {"base_channels": 4},
    "AlexNet": {"base_channels": 4},
}
ONE_OF_EACH = [
    "alexnet",
    "attention-blstm",
    "blstm-local-attention",
    "cnn-bilstm-attention",
    "cnn-bilstm-parallel",
    "cnn-mfcc",
    "cnn14",
    "conv1d-lstm",
    "egemaps-svm",
    "emocatcher",
    "hubert-probe",
    "lstm-sa-h32",
    "reslstm-sa-h32",
    "simple-rnn",
    "speech-text",
    "stacked-gru",
    "stacked-lstm",
    "stacked-lstm-relu",
]


def test_every_architecture_is_among_them():
    classes = {yaml.safe_load(path.read_text())["model"]["class_path"] for path in recipe_files()}
    chosen = [path for path in recipe_files() if path.stem in ONE_OF_EACH]
    assert {yaml.safe_load(path.read_text())["model"]["class_path"] for path in chosen} == classes


@pytest.mark.parametrize("name", ONE_OF_EACH)
def test_equals_torch_at_other_batches_and_lengths(name, tmp_path):
    recipe = yaml.safe_load((recipe_files()[0].parent / f"{name}.yaml").read_text())
    settings = recipe["data"]["feature_extractor"]
    extractor = _class(settings["class_path"])(**settings.get("init_args", {}))
    model_class = _class(recipe["model"]["class_path"])
    config = (recipe["model"].get("init_args") or {}).get("config", {}) | SMALL.get(model_class.__name__, {})
    rate = extractor.sampling_rate
    clips = [extractor.compute(clip) for clip in (voiced(rate, 2.3), noise(rate, 1.4), voiced(rate, 1.1, f0=240))]
    extractor.fit(clips)
    torch.manual_seed(0)
    model = model_class(model_class.config_class(input_size=extractor.feature_size, **config)).eval()
    path = export_onnx(model, extractor, tmp_path / "model.onnx")

    for chosen in (clips, clips[:1], clips[1:]):
        inputs = dict(extractor.collate(chosen))
        if name == "speech-text":
            inputs["input_ids"] = torch.randint(1, 20, (len(chosen), 9))
        with torch.inference_mode():
            expected = model(**inputs).logits.numpy()
        assert np.abs(run(path, inputs) - expected).max() < TOLERANCE
    session = onnxruntime.InferenceSession(str(path))
    assert {put.name for put in session.get_inputs()} <= {"input_features", "attention_mask", "input_ids"}
    assert session.get_inputs()[0].shape[0] != 3  # a name, for any batch
    assert json.loads(session.get_modelmeta().custom_metadata_map["labels"]) == model.config.class_names


def test_a_file_that_differs_is_not_written(tmp_path, monkeypatch):
    folder = ser_hub.checkpoint("lstm-sa-h128")
    model, extractor = AutoModel.from_pretrained(folder), AutoFeatureExtractor.from_pretrained(folder)
    monkeypatch.setattr(onnx, "run", lambda path, inputs: np.ones((5, 8), np.float32))
    with pytest.raises(InputError, match="differs from torch"):
        export_onnx(model, extractor, tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


def test_int8_that_gives_nothing_finite_is_not_written(tmp_path, monkeypatch):
    folder = ser_hub.checkpoint("lstm-sa-h128")
    model, extractor = AutoModel.from_pretrained(folder), AutoFeatureExtractor.from_pretrained(folder)
    monkeypatch.setattr(onnx, "run", lambda path, inputs: np.full((5, 8), np.nan, np.float32))
    with pytest.raises(InputError, match="differs from torch by nan"):
        export_onnx(model, extractor, tmp_path / "model.onnx", int8=True)
    assert not list(tmp_path.iterdir())


def test_export_writes_both_and_int8_stays_close(checkpoint, tmp_path):
    assert main(["export", str(checkpoint), str(tmp_path / "hub"), "--onnx", "--int8"]) == 0
    model = AutoModel.from_pretrained(tmp_path / "hub")
    extractor = AutoFeatureExtractor.from_pretrained(tmp_path / "hub")
    inputs = dict(extractor([voiced(48_000, 2.0), voiced(48_000, 1.5, f0=260)], sampling_rate=48_000))
    with torch.inference_mode():
        expected = model(**extractor.collate([extractor.compute(voiced(48_000, 2.0))])).logits.numpy()
    batch = dict(extractor.collate([extractor.compute(voiced(48_000, 2.0))]))
    assert len(inputs["input_features"]) == 2
    exact, rough = (run(tmp_path / "hub" / name, batch) for name in ("model.onnx", "model-int8.onnx"))
    assert np.abs(exact - expected).max() < TOLERANCE
    assert 0 < np.abs(rough - expected).max() < 0.5


@pytest.mark.parametrize("name", ["lstm-sa-h128", "reslstm-sa-h64"])
def test_sample_with_numpy_alone(name, tmp_path):
    folder = ser_hub.checkpoint(name)
    model, extractor = AutoModel.from_pretrained(folder), AutoFeatureExtractor.from_pretrained(folder)
    export_onnx(model, extractor, tmp_path / "model.onnx")
    soundfile.write(tmp_path / "clip.wav", voiced(48_000, 2.0), 48_000)
    # -I and the blocked names: nothing but onnxruntime and numpy can be imported.
    blocked = (
        "import sys\nfor name in ('torch', 'ser_hub', 'librosa', 'scipy', 'transformers'): sys.modules[name] = None\n"
    )
    script = blocked + open("scripts/predict_onnx.py").read()
    command = [sys.executable, "-c", script, tmp_path / "model.onnx", tmp_path / "clip.wav"]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    said = {label: float(share) for label, share in (line.split() for line in out.splitlines())}
    expected = Predictor(folder)(tmp_path / "clip.wav").probabilities
    assert said == pytest.approx(expected, abs=2e-3)
