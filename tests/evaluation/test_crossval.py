"""`ser-hub evaluate` and `compare` on the synthetic corpus, in real processes."""

import json
import re
import shlex
import shutil
from pathlib import Path

import pandas as pd
import pytest
from filelock import FileLock
from sklearn.metrics import balanced_accuracy_score

from ser_hub.cli import main
from ser_hub.evaluation.crossval import report
from ser_hub.evaluation.record import without_folder


@pytest.fixture(scope="module")
def arguments(settings):
    chosen = [word for word in settings if not word.startswith(("--data.protocol", "--trainer.logger"))]
    return ["evaluate", *chosen, "--protocol=speaker-kfold:k=3", "--trainer.max_epochs=1"]


@pytest.fixture(scope="module")
def evaluated(arguments, tmp_path_factory):
    dest = tmp_path_factory.mktemp("evaluated") / "one"
    assert main([*arguments, "--seeds=2", f"--dest={dest}"]) == 0
    return dest


def test_pools_every_fold_of_every_seed(evaluated):
    record = json.loads((evaluated / "evaluation.json").read_text())
    predictions = pd.read_parquet(evaluated / "predictions.parquet")
    assert record["seeds"] == [0, 1] and record["data"]["folds"] == 3 and record["data"]["clips"] == 96
    assert predictions.groupby("seed")["clip_id"].nunique().tolist() == [96, 96]
    per_seed = [balanced_accuracy_score(part["label"], part["prediction"]) for _, part in predictions.groupby("seed")]
    uar = record["scores"]["metrics"]["uar"]
    assert uar["mean"] == pytest.approx(sum(per_seed) / 2)
    assert uar["interval"][0] < uar["mean"] < uar["interval"][1]
    for fold, scores in record["per_fold"].items():
        part = predictions[predictions["fold"] == int(fold)]
        labels, recalls = part["label"], (part["label"] == part["prediction"]).groupby(part["label"]).mean()
        assert scores["uar"] == pytest.approx(recalls.mean()) and labels.size == 64
    assert record["threads"] == [1]  # one process per core
    curves = [pd.read_csv(evaluated / f"fold{fold}-seed1" / "metrics.csv") for fold in range(3)]
    best = sum(curve["val/uar"].max() for curve in curves) / 3
    assert record["best_validation_uar"]["1"] == pytest.approx(best)
    assert set(record["per_gender"]) == {"female", "male"} and len(record["per_speaker"]) == 6
    assert "--data.data_dir=PATH" in record["settings"] and str(evaluated.parent) not in json.dumps(record)
    assert record["data"]["protocol"] == "speaker-kfold:k=3" and len(record["data"]["manifest_sha256"]) == 64


def test_report_and_pictures(evaluated):
    text = (evaluated / "report.md").read_text()
    assert "speaker-independent" in text and "| UAR |" in text and "| synthetic-01 |" in text
    for name in ("confusion_matrix", "learning_curves", "calibration", "embeddings", "attention"):
        assert f"({name}.png)" in text
        assert (evaluated / f"{name}.png").read_bytes().startswith(b"\x89PNG")


def test_pictures_go_to_wandb(evaluated):
    (sent,) = (evaluated / "wandb").glob("offline-run-*/files/media/images/confusion_matrix_*.png")
    assert sent.read_bytes() == (evaluated / "confusion_matrix.png").read_bytes()


def test_goes_on_where_it_stopped(evaluated, arguments, capsys):
    stamp = (evaluated / "fold1-seed0" / "best.ckpt").stat().st_mtime_ns
    before = json.loads((evaluated / "evaluation.json").read_text())["scores"]
    (evaluated / "fold0-seed1").rename(evaluated / "fold0-seed1.part")  # as a killed run leaves it
    assert main([*arguments, "--seeds=2", f"--dest={evaluated}"]) == 0
    assert (evaluated / "fold1-seed0" / "best.ckpt").stat().st_mtime_ns == stamp
    assert not (evaluated / "fold0-seed1.part").exists()
    assert (
        json.loads((evaluated / "evaluation.json").read_text())["scores"] == before
    )  # the same number comes out again
    assert "UAR" in capsys.readouterr().out


def test_other_settings_are_refused(evaluated, arguments, refused):
    assert "other settings" in refused(*arguments, "--trainer.gradient_clip_val=1", f"--dest={evaluated}")


def test_bad_settings_are_refused_before_any_run(arguments, refused, tmp_path):
    assert "no protocol 'x'" in refused(*arguments, "--protocol=x", f"--dest={tmp_path / 'x'}")
    assert "hiden_size" in refused(*arguments, "--model.config.hiden_size=3", f"--dest={tmp_path / 'x'}")
    assert not (tmp_path / "x").exists()


def test_compare(evaluated, capsys, refused, tmp_path):
    assert main(["compare", str(evaluated), str(evaluated)]) == 0
    out = capsys.readouterr().out
    assert "paired over 96 clips of 6 speakers" in out and "B - A +0.0000" in out and "p 1.0000" in out
    assert "is no evaluation" in refused("compare", evaluated, tmp_path)


def test_compare_refuses_other_classes_labels_and_nameless_speakers(evaluated, refused, tmp_path):
    """The manifest names clips and not classes, so two evaluations may agree in it and still not be comparable."""
    changes = {
        "other classes": lambda table: table.drop(columns="p_calm"),
        "or labels": lambda table: table.assign(label=table["label"].replace("calm", "neutral")),
        "clips that name none": lambda table: table.assign(speaker=table["speaker"].where(table["gender"] == "male")),
        "clips of 3 speakers": lambda table: table.assign(speaker="s" + (table.index % 3).astype(str)),
        "tested different clips": lambda table: table.assign(clip_id="x" + table["clip_id"]),
        "is no evaluation": lambda table: table.drop(columns="seed"),
    }
    for said, change in changes.items():
        other = tmp_path / said
        other.mkdir()
        (other / "evaluation.json").write_bytes((evaluated / "evaluation.json").read_bytes())
        change(pd.read_parquet(evaluated / "predictions.parquet")).to_parquet(other / "predictions.parquet")
        assert said in refused("compare", other, evaluated)


def test_compare_refuses_another_split_and_damaged_records(evaluated, refused, tmp_path):
    shutil.copyfile(evaluated / "predictions.parquet", tmp_path / "predictions.parquet")
    record = json.loads((evaluated / "evaluation.json").read_text())
    other = record | {"data": record["data"] | {"manifest_sha256": "0" * 64}}
    for text, said in (
        (json.dumps(other), "split the clips differently"),
        ("{", "is no evaluation"),
        ("{}", "is no evaluation"),
        ("[]", "is no evaluation"),
    ):
        (tmp_path / "evaluation.json").write_text(text)
        assert said in refused("compare", evaluated, tmp_path)


def test_two_at_once_in_one_folder_are_refused(evaluated, arguments, refused):
    with FileLock(evaluated / ".lock"):
        assert "another process evaluates into" in refused(*arguments, "--seeds=2", f"--dest={evaluated}")


def test_several_devices_for_one_run_are_refused(arguments, refused, tmp_path):
    assert "each on one device" in refused(*arguments, "--trainer.devices=2", f"--dest={tmp_path / 'x'}")
    assert not (tmp_path / "x").exists()


def test_a_report_of_one_seed_has_no_deviation_and_a_command_that_can_be_pasted(evaluated):
    record = json.loads((evaluated / "evaluation.json").read_text())
    settings = ["--data.data_dir=PATH", '--data.augmentation.features=[{"class_path": "x"}]']
    text = report(record | {"seeds": [0], "threads": [2], "settings": settings}, [])
    uar = record["scores"]["metrics"]["uar"]
    assert f"| UAR | {uar['mean']:.4f} | | | | {uar['interval'][0]:.4f} to" in text
    command = re.search("Made by `(.+)`, each run on 2 threads", text)[1]
    assert shlex.split(command) == ["ser-hub", "evaluate", *settings, "--seeds", "1", "--dest", "DEST"]
    none = record["scores"] | {"metrics": {"uar": uar | {"interval": None}, "war": uar}}
    assert f"| {uar['maximum']:.4f} | too few speakers, or none named |" in report(record | {"scores": none}, [])
    ensemble = record["scores"]["ensemble"]["uar"]
    assert f"| UAR of the seeds' mean probabilities | {ensemble['value']:.4f} |" in report(record, [])


@pytest.mark.parametrize("settings", [["--data.data_dir", "/home/me"], ["--data.data_dir=/home/me"]])
def test_records_do_not_hold_the_folder(settings):
    kept = without_folder([*settings, "--data.fold", "1"])
    assert "PATH" in " ".join(kept) and "/home" not in " ".join(kept) and kept[-2:] == ["--data.fold", "1"]


def test_runs_of_an_edited_recipe_are_not_reused(evaluated, arguments, refused, tmp_path):
    recipe = json.loads((evaluated / "evaluation.json").read_text())["recipe"]
    assert recipe["optimizer"]["init_args"]["lr"] == 6e-3 and recipe["trainer"]["max_epochs"] == 1
    assert recipe["model"]["init_args"]["config"]["init_args"]["hidden_size"] == 8
    config, *rest = arguments[1:]
    edited, dest = tmp_path / "edited.yaml", f"--dest={tmp_path / 'edited'}"
    edited.write_text(Path(config.removeprefix("--config=")).read_text())
    command = ["evaluate", f"--config={edited}", *rest, "--protocol=speaker-holdout", dest]
    assert main(command) == 0
    edited.write_text(edited.read_text().replace("lr: 6.0e-3", "lr: 5.0e-3"))
    assert "another recipe" in refused(*command)


def test_threads_are_named_where_every_run_says_on_how_many_it_was(evaluated, arguments, tmp_path):
    dest = tmp_path / "older"
    shutil.copytree(evaluated, dest)
    path = dest / "fold1-seed0" / "record.json"
    record = json.loads(path.read_text())
    del record["trainer"]["threads"]  # as in the records of before
    path.write_text(json.dumps(record))
    assert main([*arguments, "--seeds=2", f"--dest={dest}"]) == 0
    assert json.loads((dest / "evaluation.json").read_text())["threads"] == []
    assert "thread" not in (dest / "report.md").read_text()


def test_runs_that_split_differently_are_not_pooled(evaluated, arguments, refused, tmp_path):
    dest = tmp_path / "mixed"
    shutil.copytree(evaluated, dest)
    path = dest / "fold1-seed0" / "record.json"
    record = json.loads(path.read_text())
    path.write_text(json.dumps(record | {"data": record["data"] | {"manifest_sha256": "0" * 64}}))
    assert "the runs differ in manifest_sha256" in refused(*arguments, "--seeds=2", f"--dest={dest}")


def test_bad_numbers_and_folders_are_refused(arguments, refused, tmp_path, capsys):
    for option in ("--seeds=0", "--workers=-1"):
        with pytest.raises(SystemExit):
            main([*arguments, option, f"--dest={tmp_path / 'x'}"])
        assert "no whole number from 1 up" in capsys.readouterr().err
    taken = tmp_path / "file"
    taken.write_text("")
    assert "file cannot be used" in refused(*arguments, f"--dest={taken}")
