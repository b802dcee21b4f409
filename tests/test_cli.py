import argparse
import csv
import errno
import subprocess
import sys

import pytest
import soundfile
import torch
import yaml

from ser_hub.cli import build_parser, main


def test_help_lists_every_verb(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["--help"])
    assert stopped.value.code == 0
    text = capsys.readouterr().out
    for verb in ("fit", "validate", "test", "corpus", "export", "predict"):
        assert f"\n    {verb} " in text


def test_run_as_a_program():
    done = subprocess.run([sys.executable, "-m", "ser_hub.cli", "--version"], capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.startswith("ser-hub ")


def test_training_lowers_the_loss_and_logs_the_metrics(trained):
    with (trained / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    losses = [float(row["train/loss"]) for row in rows if row["train/loss"]]
    assert len(losses) == 2 and losses[1] < losses[0]
    assert {"val/uar", "val/war", "val/loss"} <= rows[0].keys()


def test_run_folder(trained, tested):
    assert (trained / "checkpoints" / "best.ckpt").is_file()
    assert (trained / "checkpoints" / "last.ckpt").is_file()
    config = yaml.safe_load((trained / "config.yaml").read_text())
    assert config["model"]["init_args"]["config"]["init_args"]["hidden_size"] == 8
    assert {path.name for path in tested.iterdir()} >= {
        "record.json",
        "predictions.parquet",
        "manifest.json",
        "confusion_matrix.png",
    }


def test_same_seed_same_weights(settings, trained, tmp_path):
    assert main(["fit", *settings, "--trainer.max_epochs=2", f"--trainer.default_root_dir={tmp_path}"]) == 0
    one, other = [
        torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
        for folder in (trained, tmp_path / "version_0")
    ]
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_resume(settings, trained, tmp_path):
    last = trained / "checkpoints" / "last.ckpt"
    options = ["--trainer.max_epochs=3", f"--trainer.default_root_dir={tmp_path}", f"--ckpt_path={last}"]
    assert main(["fit", *settings, *options]) == 0
    state = torch.load(tmp_path / "version_0" / "checkpoints" / "last.ckpt", weights_only=True)
    assert state["epoch"] == 2
    assert state["lr_schedulers"][0]["last_epoch"] == 3  # as after three epochs at a stretch
    with (tmp_path / "version_0" / "metrics.csv").open() as file:
        epochs = {row["epoch"] for row in csv.DictReader(file) if row["train/loss"]}
    assert epochs == {"2"}  # the first two were not trained again


def test_validate(trained, checkpoint, tmp_path, capsys):
    options = [f"--config={trained / 'config.yaml'}", f"--ckpt_path={checkpoint}"]
    assert main(["validate", *options, f"--trainer.default_root_dir={tmp_path}"]) == 0
    assert "val/uar" in capsys.readouterr().out


def test_print_config(settings, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["fit", *settings, "--print_config"])
    assert stopped.value.code == 0
    config = yaml.safe_load(capsys.readouterr().out)
    assert config["data"]["protocol"] == "speaker-holdout"
    assert config["optimizer"]["init_args"]["lr"] == 6e-3


def test_mixed_precision_devices_and_wandb_offline(settings, tmp_path):
    options = [word for word in settings if "logger" not in word]
    options += ["--trainer.precision=bf16-mixed", "--trainer.devices=1", "--trainer.max_epochs=1"]
    assert main(["fit", *options, f"--trainer.default_root_dir={tmp_path}"]) == 0
    assert list(tmp_path.glob("wandb/offline-run-*/run-*.wandb"))
    assert (tmp_path / "version_0" / "metrics.csv").is_file()


def test_two_processes(settings, tmp_path):
    """Two devices by DDP: the ranks share one run folder, and each test clip counts once in the evidence."""
    options = [*settings, "--trainer.devices=2", "--trainer.strategy=ddp", f"--trainer.default_root_dir={tmp_path}"]
    words = [sys.executable, "-m", "ser_hub.cli"]
    done = subprocess.run([*words, "fit", *options, "--trainer.max_epochs=1"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    checkpoint = tmp_path / "version_0" / "checkpoints" / "best.ckpt"
    done = subprocess.run([*words, "test", *options, f"--ckpt_path={checkpoint}"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("UAR ") == 1
    support = [int(line.split()[-1]) for line in done.stdout.splitlines() if line.startswith(("angry", "neutral"))]
    assert support == [2, 2]


def test_corpus_show(corpus_dir, capsys):
    assert main(["corpus", "show", "synthetic", "--data-dir", str(corpus_dir)]) == 0
    text = capsys.readouterr().out
    assert "clips     96 of 768 published" in text
    assert "speakers  6 (3 female, 3 male)" in text
    assert "neutral 12, calm 12" in text
    hours = sum(soundfile.info(path).duration for path in corpus_dir.rglob("*.wav")) / 3600
    assert f"hours     {hours:.2f}" in text


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--data.data_dir=/nowhere"], "/nowhere is not a folder"),
        (["--data.fold=1"], "there is no fold 1"),
        (["--data.corpus=nope"], "no corpus 'nope'"),
        (["--data.protocol=nope"], "no protocol 'nope'"),
        (["--data.protocol=ravdess-5fold"], "18 are missing"),
        (["--model.config.hiden_size=3"], "model.config has no option 'hiden_size'"),
        (["--data.bach_size=3"], "there is no option --data.bach_size=3"),
        (["--data.batch_size=many"], "data.batch_size cannot be many"),
        (["--trainer.precision=8"], "trainer.precision cannot be 8"),
        (["--model=Perceptron"], "model cannot be Perceptron"),
        (["--ckpt_path=gone.ckpt"], "gone.ckpt does not exist"),
    ],
)
def test_fit_refuses_in_one_sentence(settings, refused, tmp_path, monkeypatch, options, reason):
    assert reason in refused("fit", *settings, f"--trainer.default_root_dir={tmp_path}", *options)


def test_config_file_with_a_typo(refused, tmp_path):
    assert "nope.yaml" in refused("fit", "--config=nope.yaml")
    (tmp_path / "broken.yaml").write_text("model: [unclosed")
    assert "broken.yaml" in refused("fit", f"--config={tmp_path / 'broken.yaml'}")
    (tmp_path / "typo.yaml").write_text("trainer:\n  max_epoch: 3\n")
    assert "max_epoch" in refused("fit", f"--config={tmp_path / 'typo.yaml'}")


def test_checkpoint_of_another_size(trained, checkpoint, refused, tmp_path):
    sentence = refused(
        "test",
        f"--config={trained / 'config.yaml'}",
        f"--ckpt_path={checkpoint}",
        f"--trainer.default_root_dir={tmp_path}",
        "--model.config.hidden_size=16",
    )
    assert "hidden_size 8, but the recipe says 16" in sentence


def test_unusable_clip_in_the_corpus_is_named(settings, refused, corpus_dir, tmp_path):
    folder = tmp_path / "corpus"
    for path in corpus_dir.rglob("*.wav"):
        target = folder / path.relative_to(corpus_dir)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(path)
    target.unlink()
    soundfile.write(target, [0.0] * 100, 48_000)
    sentence = refused("fit", *settings, f"--data.data_dir={folder}", f"--trainer.default_root_dir={tmp_path / 'run'}")
    assert target.name in sentence and "fewer than one frame" in sentence
    assert not list((tmp_path / "run").rglob("*.ckpt"))


def test_every_verb_explains_itself():
    waiting, verbs = [build_parser()], 0
    while waiting:
        parser = waiting.pop()
        assert "usage: ser-hub" in parser.format_help()
        for action in parser._actions:
            if isinstance(action, argparse._SubParsersAction):
                waiting += action.choices.values()
                verbs += len(action.choices)
    assert verbs > 15


def test_a_reader_that_has_had_enough_is_no_error():
    lister = subprocess.Popen(
        [sys.executable, "-m", "ser_hub.cli", "models"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    lister.stdout.close()
    assert "Traceback" not in lister.communicate()[1]


def test_a_full_disk_is_a_sentence_a_defect_a_traceback_and_ctrl_c_neither(monkeypatch, refused, capsys):
    def raising(error):
        def run(_arguments):
            raise error

        monkeypatch.setattr("ser_hub.cli.models", run)

    raising(OSError(errno.ENOSPC, "No space left on device", "clip.png"))
    assert "clip.png cannot be used: No space left on device" in refused("models")
    raising(OSError(errno.EBADF, "Bad file descriptor"))
    with pytest.raises(OSError, match="Bad file descriptor"):
        main(["models"])
    raising(KeyboardInterrupt())
    assert main(["models"]) == 130 and capsys.readouterr().err == "ser-hub: stopped\n"
