import hashlib
import json
import shutil

import pytest
import torch
from huggingface_hub import ModelCard
from transformers import AutoConfig, AutoFeatureExtractor, AutoModel, AutoModelForAudioClassification

from ser_hub.errors import InputError
from ser_hub.features import FunctionalsFeatureExtractor, MfccChromaFeatureExtractor
from ser_hub.hub import export
from ser_hub.hub.card import render_card
from ser_hub.hub.export import build_feature_extractor, build_model, read_checkpoint
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
    model, trained_on = build_model(read_checkpoint(checkpoint)), read_checkpoint(checkpoint)["trained_on"]
    metric = {"mean": 0.5, "deviation": 0.01, "minimum": 0.48, "maximum": 0.52, "interval": [0.4, 0.6]}
    evaluation = {
        "model": {"class": "ResLSTMSA", "trainable_parameters": sum(p.numel() for p in model.parameters())},
        "data": {
            "folds": 5,
            "protocol": trained_on["protocol"],
            "speaker_independent": True,
            "manifest_sha256": trained_on["manifest_sha256"],
        },
        "seeds": [0, 1, 2],
        "settings": ["--config=configs/x.yaml"],
        "scores": {"metrics": {"uar": metric, "f1": metric | {"interval": None}}},
    }

    def exported_with(name, **changes):
        (tmp_path / "evaluation.json").write_text(json.dumps(evaluation | changes))
        return (export(checkpoint, tmp_path / name, evaluation=tmp_path) / "README.md").read_text()

    text = exported_with("hub")
    assert "trained 15 times" in text and "| UAR | 0.5000 | 0.0100 | 0.4800 | 0.5200 | 0.4000 | 0.6000 |" in text
    assert "| F1 | 0.5000 | 0.0100 | 0.4800 | 0.5200 | too few speakers | too few speakers |" in text
    assert "thread" not in text  # nobody wrote it down
    text = exported_with("single", seeds=[0], data=evaluation["data"] | {"folds": 1})
    assert "over all folds" not in text and "Made by `ser-hub evaluate --config=configs/x.yaml" in text  # the same run
    assert "--dest DEST`, each run on 1 thread (" in exported_with("one", threads=[1])
    assert "--dest DEST`, each run on 1 or 2 threads (" in exported_with("two", threads=[1, 2])
    for part, change in {
        "model": {"trainable_parameters": evaluation["model"]["trainable_parameters"] + 1},
        "data": {"protocol": "clip-holdout"},
    }.items():
        with pytest.raises(InputError, match="evaluates ResLSTMSA with .* give the evaluation of the recipe"):
            exported_with("other", **{part: evaluation[part] | change})
    with pytest.raises(InputError, match="of other clips or folds"):
        exported_with("other", data=evaluation["data"] | {"manifest_sha256": "0" * 64})
    with pytest.raises(InputError, match="is no evaluation"):
        exported_with("other", model={})
    with pytest.raises(InputError, match="is no evaluation"):
        export(checkpoint, tmp_path / "other", evaluation=tmp_path / "nowhere")


def test_card_without_a_record_claims_nothing(checkpoint, tmp_path):
    card = ModelCard.load(export(checkpoint, tmp_path / "hub") / "README.md")
    assert not card.data.eval_results
    assert "Not tested" in card.text


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("trained_on", {"seed": 99}),
        ("trained_on", {"augmentation": {"mixup": 0.5}}),
        ("model", {"class": "LSTMSA"}),
        ("model", {"config": {"hidden_size": 16}}),
        ("model", {"weights_sha256": "0" * 64}),
    ],
)
def test_record_of_another_checkpoint_is_refused(checkpoint, tested, tmp_path, part, change):
    record = json.loads((tested / "record.json").read_text())
    record[part] |= {key: record[part][key] | new if isinstance(new, dict) else new for key, new in change.items()}
    (tmp_path / "record.json").write_text(json.dumps(record))
    with pytest.raises(InputError, match="record of another checkpoint"):
        export(checkpoint, tmp_path / "hub", tmp_path / "record.json")


def test_record_is_of_the_weights_and_not_of_a_name(checkpoint, tested, tmp_path):
    record = json.loads((tested / "record.json").read_text())
    state = torch.load(checkpoint, weights_only=True)
    renamed = tmp_path / "mine.ckpt"
    torch.save(state, renamed)
    # What the digest is of, written down a second time.
    digest = hashlib.sha256()
    for name in sorted(state["state_dict"]):
        digest.update(name.encode() + state["state_dict"][name].numpy().tobytes())
    record["model"]["weights_sha256"] = digest.hexdigest()
    (tmp_path / "record.json").write_text(json.dumps(record))
    assert export(renamed, tmp_path / "hub", tmp_path / "record.json")
    next(iter(state["state_dict"].values())).add_(1e-3)
    torch.save(state, renamed)
    with pytest.raises(InputError, match="record of another checkpoint"):
        export(renamed, tmp_path / "other", tmp_path / "record.json")


def test_the_last_epoch_is_not_the_best(checkpoint, tested, tmp_path):
    last = checkpoint.with_name("last.ckpt")
    record = json.loads((tested / "record.json").read_text())
    record["model"].pop("weights_sha256", None)  # as in the records of before
    (tmp_path / "record.json").write_text(json.dumps(record))
    with pytest.raises(InputError, match="record of another checkpoint"):
        export(last, tmp_path / "hub", tmp_path / "record.json")
    for path, says in ((last, False), (checkpoint, True)):
        text = (export(path, tmp_path / path.stem) / "README.md").read_text()
        assert ("the best by validation UAR" in text) == says


@pytest.mark.parametrize("content", ["[]", '{"trained_on": 1}', "{}"])
def test_what_is_no_record_is_refused(checkpoint, tmp_path, content):
    (tmp_path / "record.json").write_text(content)
    with pytest.raises(InputError, match="cannot be read as an evidence record"):
        export(checkpoint, tmp_path / "hub", tmp_path / "record.json")


def test_card_says_of_its_features_what_is_so(checkpoint):
    state = read_checkpoint(checkpoint)
    state["trained_on"]["speakers"] = ["a", "b", None]
    model, extractor = build_model(state), build_feature_extractor(state)
    text = render_card("x", model, extractor, state, None)
    assert "Hz, normalised with statistics of the training part." in text and "It has seen 2 speakers" in text
    assert "# pip install ser-hub\n" in text and "openSMILE" not in text
    state["trained_on"]["speakers"] = [None]
    extractor.mean = extractor.std = None
    text = render_card("x", model, extractor, state, None)
    assert "normalised" not in text and "It has seen speakers whom nobody named" in text
    text = render_card("x", model, FunctionalsFeatureExtractor(), state, None)
    assert '# pip install "ser-hub[opensmile]"\n' in text and "openSMILE, which is for non-commercial use" in text


@pytest.mark.parametrize(
    ("corpus", "licence", "names"),
    [
        ("ravdess", "cc-by-nc-sa-4.0", []),
        ("ravdess+ravdess-song", "cc-by-nc-sa-4.0", []),
        ("emodb", "cc-by-4.0", []),
        ("tess", "cc-by-nc-nd-4.0", []),
        ("crema-d", "odbl", []),
        ("shemo", "other", ["free for academic use (ShEMO"]),
        ("emodb+crema-d", "other", ["CC BY 4.0 (EMO-DB", "ODbL 1.0 (CREMA-D"]),
    ],
)
def test_card_has_the_hubs_name_of_the_licence(checkpoint, corpus, licence, names):
    state = read_checkpoint(checkpoint)
    model, extractor = build_model(state), build_feature_extractor(state)
    state["trained_on"]["corpus"] = corpus
    card = ModelCard(render_card("x", model, extractor, state, None))
    said = card.data.to_dict().get("license_name", "")
    assert card.data.license == licence and bool(said) == bool(names) and all(name in said for name in names)


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
