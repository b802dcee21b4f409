"""Every recipe in configs/, from training to use, on the synthetic corpus; and the table that lists them."""

import pytest
from transformers import AutoModel, pipeline

from ser_hub import load_corpus
from ser_hub.cli import main
from ser_hub.corpora.synthesis import synthesise
from ser_hub.inference import Predictor
from ser_hub.models import ARCHITECTURES
from ser_hub.recipes import recipe_files, recipes

TINY_ENCODER = ["--model.config.weights=", "--model.config.encoder_config=tiny"]
SMALL = {
    **dict.fromkeys(
        ["wav2vec2-probe", "hubert-probe", "wavlm-probe", "wav2vec2-finetune", "xlsr53-finetune"], TINY_ENCODER
    ),
    "cnn14": ["--model.config.base_channels=4"],
    "alexnet": ["--model.config.base_channels=8", "--model.config.hidden_size=64"],
}
"""Settings that make a recipe small enough for a test, where it is not."""

PUBLISHED = {
    "lstm-sa-h32": 10_600,
    "lstm-sa-h64": 29_384,
    "lstm-sa-h128": 91_528,
    "reslstm-sa-h32": 27_988,
    "reslstm-sa-h64": 46_772,
    "reslstm-sa-h128": 108_916,
    "emocatcher": 166_729,
    "cnn-lstm": 147_816,
    "cnn-bilstm-attention": 582_761,
    "cnn-bilstm-parallel": 263_593,
    "conv1d-lstm": 3_776_232,
    "wav2vec2-finetune": 94_371_712 + 256 * (768 + 1) + 8 * (256 + 1),
    "xlsr53-finetune": 315_438_720 + 256 * (1024 + 1) + 8 * (256 + 1),
    "cnn14": 80_753_615 - 527 * 2049 + 8 * 2049,
    "alexnet": 61_100_840 - 1_000 * 4097 + 8 * 4097,
    "egemaps-svm": 712,
}
"""Trainable parameters with eight classes, as the sources count them."""


@pytest.fixture(scope="module")
def small_corpus(tmp_path_factory):
    """Three speakers x eight emotions x two sentences: one speaker to train on, one to validate, one to test."""
    return synthesise(tmp_path_factory.mktemp("small"), speakers=3, repetitions=1)


@pytest.mark.parametrize("path", recipe_files(), ids=lambda path: path.stem)
def test_one_epoch_export_and_use(path, small_corpus, tmp_path):
    settings = [
        f"--config={path}",
        "--data.corpus=synthetic",
        f"--data.data_dir={small_corpus}",
        "--data.protocol=speaker-holdout",
        "--trainer.max_epochs=1",
        "--trainer.logger=false",
        "--trainer.enable_progress_bar=false",
        "--trainer.accelerator=cpu",
        f"--trainer.default_root_dir={tmp_path}",
        *SMALL.get(path.stem, []),
    ]
    assert main(["fit", *settings]) == 0
    checkpoint = tmp_path / "version_0" / "checkpoints" / "best.ckpt"
    assert main(["export", str(checkpoint), str(tmp_path / "hub")]) == 0
    assert type(AutoModel.from_pretrained(tmp_path / "hub")) in {line.model for line in ARCHITECTURES.values()}
    clip = load_corpus("synthetic", small_corpus)[0]["audio"]["path"]
    said = pipeline("audio-classification", model=str(tmp_path / "hub"))(clip)
    expected = Predictor(tmp_path / "hub")(clip).probabilities
    assert all(line["score"] == pytest.approx(expected[line["label"]], abs=1e-5) for line in said)
    assert said[0]["label"] == next(iter(expected))


def test_every_architecture_has_a_recipe_and_every_recipe_a_line():
    table = recipes()
    assert {line.name for line in table} == {path.stem for path in recipe_files()}
    assert {line.model for line in table} == {line.model.__name__ for line in ARCHITECTURES.values()}


def test_published_parameter_counts():
    counts = {line.name: line.parameters for line in recipes()}
    assert {name: counts[name] for name in PUBLISHED} == PUBLISHED


def test_listing(capsys):
    assert main(["models"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 + len(recipe_files())
    assert any(
        line.split()[:6] == ["reslstm-sa-h64", "ResLSTMSA", "46,772", "46", "MfccChroma", "48,000"] for line in lines
    )
