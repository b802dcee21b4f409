import json
import shutil

import pytest
import torch
from huggingface_hub import ModelCard
from transformers import AutoConfig, AutoFeatureExtractor, AutoModel, AutoModelForAudioClassification

from ser_hub.errors import InputError
from ser_hub.features import MfccChromaFeatureExtractor
from ser_hub.hub import export
from ser_hub.hub.export import build_model, read_checkpoint
from ser_hub.models import ResLSTMSA

CODE = [
    "emotions",
    "errors",
    "features_base",
    "features_mfcc_chroma",
    "features_spectral",
    "models_base",
    "models_layers",
    "models_lstm_sa",
]


def test_folder(exported):
    assert sorted(path.name for path in exported.iterdir()) == [
        "README.md",
        "attention.png",
        "config.json",
        "confusion_matrix.png",
        "embeddings.png",
        "model.safetensors",
        "predictions.parquet",
        "preprocessor_config.json",
        "record.json",
        *(f"ser_hub_{name}.py" for name in CODE),
    ]


def test_anybody_may_read_it(exported):
    assert all(path.stat().st_mode & 0o444 == 0o444 for path in exported.iterdir())


def test_logits_equal_the_trained_models_bit_for_bit(exported, checkpoint):
    trained = build_model(read_checkpoint(checkpoint))
    raw = torch.load(checkpoint, weights_only=True)["state_dict"]
    torch.manual_seed(0)
    features, mask = torch.randn(4, 60, 46), torch.ones(4, 60)
    mask[2, 30:] = 0
    with torch.no_grad():
        expected = trained(features, mask).logits
        for auto in (AutoModel, AutoModelForAudioClassification):
            loaded = auto.from_pretrained(exported)
            assert torch.equal(loaded(features, mask).logits, expected)
    assert raw.keys() == loaded.state_dict().keys()
    assert all(torch.equal(raw[name], value) for name, value in loaded.state_dict().items())


def test_preprocessor_has_the_statistics_of_the_checkpoint(exported, checkpoint):
    extractor = AutoFeatureExtractor.from_pretrained(exported)
    assert type(extractor) is MfccChromaFeatureExtractor
    saved = torch.load(checkpoint, weights_only=True)["SERDataModule"]["feature_extractor"]
    assert extractor.mean == saved["mean"] and len(extractor.mean) == 46
    assert extractor.std == saved["std"]


def test_config(exported):
    config = AutoConfig.from_pretrained(exported)
    assert config.architectures == ["ResLSTMSA"]
    assert config.label2id["surprised"] == 7


def test_card(exported, tested):
    card = ModelCard.load(exported / "README.md")
    record = json.loads((tested / "record.json").read_text())
    results = {result.metric_name: result.metric_value for result in card.data.eval_results}
    assert results == {
        name: round(record["scores"][key], 4) for name, key in (("UAR", "uar"), ("WAR", "war"), ("macro F1", "f1"))
    }
    assert card.data.pipeline_tag == "audio-classification"
    for text in ("speaker-independent", "synthetic, a test bed", record["data"]["manifest_sha256"], "| angry |"):
        assert text in card.text


def test_card_gives_every_speaker(exported, tested):
    record = json.loads((tested / "record.json").read_text())
    text = (exported / "README.md").read_text()
    assert len(record["per_speaker"]) == 1 and record["intervals"] == {}  # one test speaker can be resampled one way
    assert "not known, for want of speakers" in text
    for name, row in (record["per_speaker"] | record["per_gender"]).items():
        assert f"| {name} | {row['uar']:.3f} | {row['war']:.3f} | {row['clips']} |" in text
    assert json.loads((exported / "record.json").read_text())["scores"] == record["scores"]


def test_card_with_the_recipes_evaluation(checkpoint, tmp_path):
    model = build_model(read_checkpoint(checkpoint))
    metric = {"mean": 0.5, "deviation": 0.01, "minimum": 0.48, "maximum": 0.52, "interval": [0.4, 0.6]}
    evaluation = {
        "model": {"class": "ResLSTMSA", "trainable_parameters": sum(p.numel() for p in model.parameters())},
        "data": {"folds": 5, "protocol": "speaker-kfold", "speaker_independent": True},
        "seeds": [0, 1, 2],
        "settings": ["--config=configs/x.yaml"],
        "scores": {"metrics": {"uar": metric, "f1": metric | {"interval": None}}},
    }
    (tmp_path / "evaluation.json").write_text(json.dumps(evaluation))
    text = (export(checkpoint, tmp_path / "hub", evaluation=tmp_path) / "README.md").read_text()
    assert "trained 15 times" in text and "| UAR | 0.5000 | 0.0100 | 0.4800 | 0.5200 | 0.4000 | 0.6000 |" in text
    evaluation["model"]["trainable_parameters"] += 1
    (tmp_path / "evaluation.json").write_text(json.dumps(evaluation))
    with pytest.raises(InputError, match="of another size"):
        export(checkpoint, tmp_path / "other", evaluation=tmp_path)
    with pytest.raises(InputError, match="is no evaluation"):
        export(checkpoint, tmp_path / "other", evaluation=tmp_path / "nowhere")


def test_card_without_a_record_claims_nothing(checkpoint, tmp_path):
    card = ModelCard.load(export(checkpoint, tmp_path / "hub") / "README.md")
    assert not card.data.eval_results
    assert "Not tested" in card.text


def test_record_of_another_checkpoint_is_refused(checkpoint, tested, tmp_path):
    record = json.loads((tested / "record.json").read_text())
    record["trained_on"]["seed"] = 99
    (tmp_path / "record.json").write_text(json.dumps(record))
    with pytest.raises(InputError, match="record of another checkpoint"):
        export(checkpoint, tmp_path / "hub", tmp_path / "record.json")


def test_taken_destination_is_left_alone(checkpoint, tmp_path):
    (tmp_path / "hub").mkdir()
    (tmp_path / "hub" / "mine.txt").write_text("keep")
    with pytest.raises(InputError, match="exists already"):
        export(checkpoint, tmp_path / "hub")
    assert [path.name for path in tmp_path.rglob("*")] == ["hub", "mine.txt"]


def test_nothing_half_written(checkpoint, tmp_path, monkeypatch):
    def fail(*_args, **_kwargs):
        raise RuntimeError("disk full")

    monkeypatch.setattr(ResLSTMSA, "save_pretrained", fail)
    with pytest.raises(RuntimeError, match="disk full"):
        export(checkpoint, tmp_path / "hub")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("content", "message"), [(b"", "cannot be read"), (b"PK junk", "cannot be read")])
def test_unreadable_checkpoint(tmp_path, content, message):
    (tmp_path / "x.ckpt").write_bytes(content)
    with pytest.raises(InputError, match=message):
        export(tmp_path / "x.ckpt", tmp_path / "hub")


def test_checkpoint_that_would_run_code_is_refused(checkpoint, tmp_path):
    state = torch.load(checkpoint, weights_only=True)
    torch.save(state | {"callbacks": {"x": shutil.rmtree}}, tmp_path / "evil.ckpt")
    with pytest.raises(InputError, match="cannot be read"):
        export(tmp_path / "evil.ckpt", tmp_path / "hub")


def test_checkpoint_of_something_else(tmp_path):
    torch.save({"state_dict": {}}, tmp_path / "other.ckpt")
    with pytest.raises(InputError, match="not one of a ser_hub model"):
        export(tmp_path / "other.ckpt", tmp_path / "hub")
