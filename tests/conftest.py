"""Fixtures that several rooms share: a small synthetic corpus, runs of the command line on it, and the scripts."""

import importlib.util
import os
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")  # a test that would reach for the network fails at once
os.environ["WANDB_MODE"] = "offline"

import pytest  # noqa: E402

from ser_hub.cli import main  # noqa: E402
from ser_hub.corpora.synthesis import synthesise  # noqa: E402


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory):
    """Keep the tests' cache apart from the user's."""
    os.environ["SER_HUB_CACHE"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def corpus_dir(tmp_path_factory):
    """Six speakers x eight emotions x two sentences, at 48 kHz."""
    return synthesise(tmp_path_factory.mktemp("synthetic"), speakers=6, repetitions=1)


@pytest.fixture(scope="session")
def load_script():
    """What returns a module of scripts/, by its name; it is no package."""

    def load(name):
        path = Path(__file__).resolve().parents[1] / "scripts" / f"{name}.py"
        spec = importlib.util.spec_from_file_location(name, path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load


@pytest.fixture(scope="session")
def settings(corpus_dir):
    """Command-line settings of a run that takes seconds."""
    return [
        "--config=configs/reslstm-sa-h64.yaml",
        "--data.corpus=synthetic",
        f"--data.data_dir={corpus_dir}",
        "--data.protocol=speaker-holdout",
        "--model.config.hidden_size=8",
        "--trainer.logger=false",
        "--trainer.enable_progress_bar=false",
        "--trainer.accelerator=cpu",
    ]


@pytest.fixture(scope="session")
def trained(settings, tmp_path_factory):
    """Folder of a short training run."""
    root = tmp_path_factory.mktemp("trained")
    assert main(["fit", *settings, "--trainer.max_epochs=2", f"--trainer.default_root_dir={root}"]) == 0
    return root / "version_0"


@pytest.fixture(scope="session")
def checkpoint(trained):
    """The best checkpoint of that run."""
    return trained / "checkpoints" / "best.ckpt"


@pytest.fixture(scope="session")
def tested(trained, checkpoint, tmp_path_factory):
    """Folder of that checkpoint's test."""
    root = tmp_path_factory.mktemp("tested")
    config = [f"--config={trained / 'config.yaml'}", f"--ckpt_path={checkpoint}"]
    assert main(["test", *config, f"--trainer.default_root_dir={root}"]) == 0
    return root / "version_0"


@pytest.fixture(scope="session")
def exported(checkpoint, tested, tmp_path_factory):
    """Hub folder of that checkpoint."""
    dest = tmp_path_factory.mktemp("hub") / "reslstm-sa-h8"
    assert main(["export", str(checkpoint), str(dest), "--record", str(tested / "record.json")]) == 0
    return dest


@pytest.fixture
def refused(capsys):
    """Run a command that must be refused; return its one sentence."""

    def run(*argv):
        capsys.readouterr()
        assert main([str(word) for word in argv]) == 2
        lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("ser-hub: ")]
        assert len(lines) == 1
        return lines[0]

    return run
