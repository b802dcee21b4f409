"""The checkpoints that come with ser_hub."""

import json
import tomllib
from pathlib import Path

import pyarrow.parquet
import pytest
import soundfile
from huggingface_hub import ModelCard
from sklearn.metrics import recall_score
from transformers import AutoFeatureExtractor, AutoModel

import ser_hub
from ser_hub.cli import main
from ser_hub.errors import InputError
from ser_hub.hub.remote_code import remote_code
from ser_hub.hub.zoo import DEFAULT, trained

from ..features.signals import voiced

CARDS = sorted(path for path in (Path(__file__).parents[2] / "cards").iterdir() if path.is_dir())


def test_pip_takes_every_card_along():
    settings = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    taken = set(settings["tool"]["setuptools"]["data-files"])
    assert {f"share/ser_hub/cards/{folder.name}" for folder in CARDS} <= taken
    assert [one.name for one in trained()] == [folder.name for folder in CARDS] and DEFAULT in taken.__str__()


@pytest.mark.parametrize("folder", CARDS, ids=lambda folder: folder.name)
def test_card_says_what_its_record_and_predictions_say(folder):
    record = json.loads((folder / "record.json").read_text())
    predictions = pyarrow.parquet.read_table(folder / "predictions.parquet").to_pydict()
    assert len(predictions["clip_id"]) == record["data"]["clips"]["test"]
    uar = recall_score(predictions["label"], predictions["prediction"], average="macro")
    assert record["scores"]["uar"] == pytest.approx(uar, abs=1e-6)
    card = ModelCard.load(folder / "README.md")
    results = {result.metric_name: result.metric_value for result in card.data.eval_results}
    assert results["UAR"] == round(record["scores"]["uar"], 4) and results["WAR"] == round(record["scores"]["war"], 4)
    assert record["data"]["speaker_independent"] and record["data"]["manifest_sha256"] in card.text
    assert "Made by `ser-hub evaluate --config=configs/" in card.text and card.data.license == "cc-by-nc-sa-4.0"


@pytest.mark.parametrize("folder", CARDS, ids=lambda folder: folder.name)
def test_loads_by_its_short_name_with_the_code_of_today(folder):
    model = AutoModel.from_pretrained(ser_hub.checkpoint(folder.name))
    extractor = AutoFeatureExtractor.from_pretrained(ser_hub.checkpoint(folder.name))
    for name, text in remote_code(type(model).__module__, type(extractor).__module__).items():
        assert (folder / name).read_text() == text, f"{name} is not today's; run scripts/cards.py"


def test_predicts_without_a_model_named(tmp_path, capsys):
    clip = tmp_path / "clip.wav"
    soundfile.write(clip, voiced(16_000, seconds=2.0), 16_000)
    assert main(["predict", str(clip), "--json"]) == 0
    by_default = json.loads(capsys.readouterr().out)
    assert main(["predict", DEFAULT, str(clip), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == by_default
    assert sum(by_default[0]["probabilities"].values()) == pytest.approx(1)


def test_lists_them(capsys):
    assert main(["models", "--trained"]) == 0
    out = capsys.readouterr().out
    for folder in CARDS:
        uar = json.loads((folder / "record.json").read_text())["scores"]["uar"]
        assert folder.name in out and f"{uar:.3f}" in out


def test_unknown_names(refused, tmp_path):
    with pytest.raises(InputError, match=f"neither a folder nor one that comes with ser_hub.*{DEFAULT}"):
        ser_hub.checkpoint("nothing")
    assert "taken for a model" in refused("predict", DEFAULT)
