"""`ser-hub inflation` on the synthetic corpus, in real processes."""

import json

import pytest

from ser_hub.cli import main
from ser_hub.evaluation.inflation import COPIES, variants
from ser_hub.protocols import Fold


@pytest.fixture
def arguments(settings):
    kept = [word for word in settings if not word.startswith(("--data.protocol", "--trainer.logger"))]
    return ["inflation", *kept, "--trainer.max_epochs=1"]


def test_same_clips_under_every_split(arguments, tmp_path, capsys):
    dest = tmp_path / "inflated"
    assert main([*arguments, "--data.protocol=speaker-kfold:k=3", f"--dest={dest}"]) == 0
    assert "by clip, augmented BEFORE the split" in capsys.readouterr().out
    rows = {way["name"]: way for way in json.loads((dest / "inflation.json").read_text())["ways"]}
    records = {name: json.loads((dest / name / "evaluation.json").read_text()) for name in rows}
    assert {name: record["data"]["speaker_independent"] for name, record in records.items()} == {
        "by-speaker": True,
        "by-speaker-augmented": True,
        "by-clip": False,
        "by-clip-augmented": False,
        "by-clip-augmented-before": False,
    }
    assert {record["data"]["clips"] for record in records.values()} == {96}
    for name, row in rows.items():
        assert row["metrics"]["uar"]["mean"] == records[name]["scores"]["metrics"]["uar"]["mean"]
    assert (dest / "inflation.png").read_bytes().startswith(b"\x89PNG")
    text = (dest / "inflation.md").read_text()
    assert "| by clip: speakers on both sides |" in text
    assert "--data.data_dir=PATH" in text and "--data.data_dir=PATH" in (dest / "inflation.json").read_text()


def test_a_recipe_with_copies_keeps_its_own():
    folds = [Fold(train=("a", "b", "c"), validation=("d",), test=("e",))] * 5
    assert all(COPIES not in way.settings for way in variants(folds))
    assert sum(COPIES in way.settings for way in variants(folds, [COPIES])) == 3
    assert "--data.protocol=clip-kfold:k=5,validation=0.250" in variants(folds)[2].settings


def test_what_is_augmented_and_when():
    folds = [Fold(train=("a", "b", "c"), validation=("d",), test=("e",))] * 5
    ways = {way.name: way.settings for way in variants(folds, [COPIES])}
    plain = {name for name, settings in ways.items() if "--data.augmentation.copies=[]" in settings}
    before = {name for name, settings in ways.items() if "--data.augmentation.before_split=true" in settings}
    assert plain == {"by-speaker", "by-clip"} and before == {"by-clip-augmented-before"}


def test_a_protocol_by_clip_is_no_start(arguments, refused, tmp_path):
    said = refused(*arguments, "--data.protocol=clip-kfold", f"--dest={tmp_path / 'x'}")
    assert "keeps speakers apart" in said and not (tmp_path / "x").exists()
