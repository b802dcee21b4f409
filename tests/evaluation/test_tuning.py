"""`ser-hub tune` on the synthetic corpus, in real processes."""

import json
import os
import sqlite3
from pathlib import Path

import optuna
import pandas as pd
import pytest
import yaml

from ser_hub.cli import main
from ser_hub.evaluation import tuning
from ser_hub.evaluation.tuning import _has, open_storage

SPACE = {
    "optimizer.init_args.lr": {"low": 1e-6, "high": 3e-2, "log": True},
    "data.batch_size": {"choices": [16, 32]},
}


@pytest.fixture(scope="module")
def recipe(tmp_path_factory):
    tree = yaml.safe_load(open("configs/reslstm-sa-h64.yaml"))
    path = tmp_path_factory.mktemp("recipe") / "small.yaml"
    path.write_text(yaml.safe_dump(tree | {"search": SPACE}))
    return path


@pytest.fixture(scope="module")
def arguments(settings, recipe):
    kept = [word for word in settings if not word.startswith(("--config", "--trainer.logger"))]
    return ["tune", f"--config={recipe}", *kept, "--trainer.max_epochs=1"]


@pytest.fixture(scope="module")
def tuned(arguments, tmp_path_factory):
    dest = tmp_path_factory.mktemp("tuned") / "one"
    assert main([*arguments, "--trials=2", f"--dest={dest}"]) == 0
    return dest


def test_best_recipe_gives_the_best_value_again(tuned, settings, tmp_path):
    record = json.loads((tuned / "tuning.json").read_text())
    complete = [trial for trial in record["trials"] if trial["state"] == "complete"]
    assert len(record["trials"]) == 2 and record["best"]["value"] == max(trial["value"] for trial in complete)
    for trial in record["trials"]:
        assert 1e-6 <= trial["settings"]["optimizer.init_args.lr"] <= 3e-2
        assert trial["settings"]["data.batch_size"] in (16, 32)
    first = next(trial for trial in record["trials"] if trial["number"] == 0)
    assert first["settings"] == {"optimizer.init_args.lr": 6e-3, "data.batch_size": 32}  # the recipe's own
    assert "--data.data_dir=PATH" in record["settings"]  # and not this machine's folder
    best = yaml.safe_load((tuned / "best.yaml").read_text())
    assert best["optimizer"]["init_args"]["lr"] == record["best"]["settings"]["optimizer.init_args.lr"]
    assert best["model"]["class_path"] == "ser_hub.models.ResLSTMSA"
    chosen = [f"--config={tuned / 'best.yaml'}", *settings[1:], "--trainer.max_epochs=1"]
    assert main(["fit", *chosen, f"--trainer.default_root_dir={tmp_path}"]) == 0
    found = pd.read_csv(tmp_path / "version_0" / "metrics.csv")["val/uar"].max()
    assert found == pytest.approx(record["best"]["value"])
    assert (tuned / "tuning.png").read_bytes().startswith(b"\x89PNG")
    assert not list(tuned.glob("trial*"))


def test_goes_on_with_the_study(tuned, arguments):
    before = json.loads((tuned / "tuning.json").read_text())["trials"]
    assert main([*arguments, "--trials=3", f"--dest={tuned}"]) == 0
    after = json.loads((tuned / "tuning.json").read_text())["trials"]
    assert after[:2] == before and len(after) == 3


def test_test_folds_are_another_study_and_labelled(arguments, tmp_path, capsys):
    storage = f"sqlite:///{tmp_path / 'study.db'}"
    chosen = [*arguments, "--trials=1", f"--storage={storage}", "--objective=test-folds"]
    assert main([*chosen, f"--dest={tmp_path / 'leaky'}"]) == 0
    assert "it leaks" in capsys.readouterr().out
    record = json.loads((tmp_path / "leaky" / "tuning.json").read_text())
    assert "TEST" in record["objective"] and "TEST" in (tmp_path / "leaky" / "best.yaml").read_text()
    assert (tmp_path / "study.db").exists()


def test_bad_input(arguments, refused, tuned, tmp_path):
    dest = f"--dest={tmp_path / 'x'}"
    assert "other settings" in refused(*arguments, "--trainer.gradient_clip_val=1", f"--dest={tuned}")
    assert "folds 0 to 0" in refused(*arguments, dest, "--folds", "3")
    assert "nowhere.yaml does not exist" in refused("tune", "--config=nowhere.yaml", dest)
    assert "has no search space" in refused("tune", "--config=configs/emocatcher.yaml", dest)
    bad = tmp_path / "bad.yaml"
    bad.write_text("search:\n  data.batch_size: [8, 16]\n")
    assert "choices" in refused("tune", f"--config={bad}", dest)
    for space in ("[1]", "{a: {low: 0, high: 1, log: true}}", "{a: {low: x, high: 1}}", "{a: {choices: 3}}"):
        bad.write_text(f"search: {space}\n")
        assert "search space" in refused("tune", f"--config={bad}", dest)
    bad.write_text("- 1\n")
    assert "has no search space" in refused("tune", f"--config={bad}", dest)
    assert not (tmp_path / "x").exists()
    other = tmp_path / "study.db"
    sqlite3.connect(other).execute("create table x (y)").connection.commit()
    for storage in ("nosuch://user:secret@host/x", str(tmp_path / "nowhere" / "study.journal"), str(other)):
        said = refused(*arguments, dest, f"--storage={storage}")
        assert "cannot be opened" in said and "secret" not in said
    assert sqlite3.connect(other).execute("select * from x").fetchall() == []  # nothing was written into it


def study_of(tmp_path, scores, monkeypatch):
    """A study of three folds whose scores are given, trial by trial; returns its trials and the folds trained."""
    where, trained = str(tmp_path / "study.journal"), []
    optuna.create_study(storage=open_storage(where), study_name="x", direction="maximize")

    def score(_command, root, _objective, number):
        trained.append((number, int(root.name)))
        return scores[number][int(root.name)]

    monkeypatch.setattr(tuning, "_score", score)
    for number in range(len(scores)):
        shared = (where, "x", {"lr": {"low": 0, "high": 1}}, [], range(3), "validation", tmp_path, len(scores))
        tuning._trial(*shared, number)
    return optuna.load_study(storage=open_storage(where), study_name="x").trials, trained


def test_a_trial_is_worth_the_mean_of_its_folds_and_a_poor_one_is_pruned(tmp_path, monkeypatch):
    good, poor = (0.2, 0.6, 0.7), (0.1, 0.9, 0.9)
    trials, trained = study_of(tmp_path, [good] * 5 + [poor], monkeypatch)
    assert [trial.value for trial in trials[:5]] == [pytest.approx(0.5)] * 5
    assert trials[5].state == optuna.trial.TrialState.PRUNED
    assert [fold for number, fold in trained if number == 5] == [0]  # its other folds are not trained


@pytest.mark.parametrize(("objective", "value"), [("validation", 0.8), ("test-folds", 0.3)])
def test_what_is_maximised(objective, value, tmp_path, monkeypatch):
    (tmp_path / "metrics.csv").write_text("epoch,val/uar\n0,0.4\n1,0.8\n2,0.6\n")
    (tmp_path / "record.json").write_text(json.dumps({"scores": {"uar": 0.3}}))
    monkeypatch.setattr(tuning, "fit_logged", lambda *_: tmp_path)
    monkeypatch.setattr(tuning, "test_logged", lambda *_: tmp_path)
    assert tuning._score([], tmp_path / "0", objective, 0) == value


def test_a_lock_links_to_the_journal_so_that_a_forgotten_one_can_be_broken(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("deep").mkdir()
    where = "deep/study.journal"
    optuna.create_study(storage=open_storage(where), study_name="x")
    backend = open_storage(where)._backend
    lock = backend._lock._lock_file
    assert lock != f"{where}.lock" and os.path.isabs(lock)
    assert backend._lock.acquire()  # and never released
    assert os.stat(lock)  # what it links to is there: Optuna tells by it how old a lock is, and breaks an old one
    backend._lock.release()


def test_a_killed_trial_of_the_recipes_own_settings_is_tried_again(tmp_path):
    storage = open_storage(str(tmp_path / "study.journal"))
    study = optuna.create_study(storage=storage, direction="maximize")
    study.enqueue_trial(own := {"lr": 0.1})
    assert _has(study, own)  # it waits
    trial = study.ask()
    trial.suggest_float("lr", 0, 1)
    assert not _has(study, own)  # it runs, or it was killed
    study.tell(trial, 1.0)
    assert _has(study, own)
