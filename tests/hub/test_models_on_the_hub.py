"""Models pushed to a Hub on loopback by the real client, and loaded back by name in processes of their own."""

import json

import numpy as np
import pytest
import torch
from httpx2 import ProxyError, ReadError
from transformers import AutoFeatureExtractor, AutoModel

from ser_hub.cli import main
from ser_hub.errors import InputError
from ser_hub.hub import fetch

from .conftest import CLI

LOAD_BY_NAME = """
import json, sys
import numpy, torch
import ser_hub
from transformers import AutoConfig, AutoFeatureExtractor, AutoModel, AutoModelForAudioClassification, pipeline
name, revision = sys.argv[1:]
where = {"revision": revision} if revision else {}
extractor = AutoFeatureExtractor.from_pretrained(name, **where)
samples = numpy.sin(numpy.arange(48_000) / 20).astype("float32")
inputs = extractor(samples, sampling_rate=48_000, return_tensors="pt")
for auto in (AutoModel, AutoModelForAudioClassification):
    model = auto.from_pretrained(name, **where)
    with torch.no_grad():
        logits = model(**inputs).logits[0]
classify = pipeline("audio-classification", model=name, **where)
best = classify({"array": samples, "sampling_rate": 48_000})[0]
assert best["label"] == model.config.id2label[int(logits.argmax())]
print(json.dumps({"class": type(model).__name__, "config": AutoConfig.from_pretrained(name, **where).model_type,
                  "logits": logits.tolist()}))
"""

PUSH_AS_METHODS = """
import sys
import ser_hub
from transformers import AutoFeatureExtractor, AutoModel
folder, name = sys.argv[1:]
AutoModel.from_pretrained(folder).push_to_hub(name)
AutoFeatureExtractor.from_pretrained(folder).push_to_hub(name)
"""


FETCH = """
import sys
from ser_hub.errors import InputError
from ser_hub.hub.fetch import model_folder
for name in sys.argv[1:]:
    try:
        print(model_folder(name))
    except InputError as error:
        print(error)
"""


def loaded(client, name, revision="", **environment):
    return json.loads(client(LOAD_BY_NAME, name, revision, **environment).splitlines()[-1])


@pytest.fixture(scope="module")
def here(exported):
    """What LOAD_BY_NAME finds in the folder itself."""
    samples = np.sin(np.arange(48_000) / 20).astype("float32")
    model, extractor = AutoModel.from_pretrained(exported), AutoFeatureExtractor.from_pretrained(exported)
    with torch.no_grad():
        logits = model(**extractor(samples, sampling_rate=48_000, return_tensors="pt")).logits[0]
    return {"class": "ResLSTMSA", "config": "reslstm_sa", "logits": pytest.approx(logits.tolist(), rel=1e-5)}


def test_push_and_load_by_name(exported, here, hub, client):
    said = client(CLI, "push", exported, "org/reslstm", "--private")
    assert "/commit/" in said and "org/reslstm loads as a ResLSTMSA" in said
    files = hub.repositories["model", "org/reslstm"]["main"]
    assert set(files) == {path.name for path in exported.iterdir()} and hub.private == {"org/reslstm"}
    assert files["model.safetensors"] == (exported / "model.safetensors").read_bytes()

    assert loaded(client, "org/reslstm") == here
    fetched = len(hub.served("GET", "model.safetensors"))
    assert loaded(client, "org/reslstm", HF_HUB_OFFLINE="1") == here
    assert len(hub.served("GET", "model.safetensors")) == fetched

    sent = len(hub.served("PUT", ""))
    client(CLI, "push", exported, "org/reslstm", "--revision", "v2")
    assert len(hub.served("PUT", "")) == sent  # the weights are there already
    del hub.repositories["model", "org/reslstm"]["main"]["config.json"]
    assert loaded(client, "org/reslstm", "v2") == here


def test_push_to_hub_as_methods(exported, here, hub, client):
    client(PUSH_AS_METHODS, exported, "org/methods")
    files = hub.repositories["model", "org/methods"]["main"]
    assert {"config.json", "model.safetensors", "preprocessor_config.json"} <= set(files)
    assert loaded(client, "org/methods") == here


def test_of_a_foreign_model_the_weights_are_not_fetched(hub, client):
    config = {"model_type": "bert", "auto_map": {"AutoModel": "evil.Model"}}
    files = {
        "config.json": json.dumps(config).encode(),
        "model.safetensors": b"x" * 100,
        "evil.py": b"raise SystemExit",
    }
    hub.repositories["model", "org/foreign"] = {"main": files}
    hub.repositories["model", "org/odd"] = {"main": {"config.json": b"[]", "model.safetensors": b"x"}}
    said = client(FETCH, "org/foreign", "org/odd").splitlines()
    assert "'org/foreign' holds no model of ser_hub (its type is bert)" in said[0]
    assert "'org/odd' holds no model of ser_hub (its type is unknown)" in said[1]
    assert not hub.served("GET", "model.safetensors") and not hub.served("GET", "evil.py")


@pytest.mark.parametrize("error", [ProxyError("503"), ReadError("")])
def test_a_network_that_fails_is_said_in_one_sentence(monkeypatch, error):
    def fail(*_args, **_kwargs):
        raise error

    monkeypatch.setattr(fetch, "snapshot_download", fail)
    with pytest.raises(InputError, match="nor a repository on the Hub that can be reached"):
        fetch.model_folder("org/x")


def test_dry_run_lists_and_sends_nothing(exported, capsys):
    assert main(["push", str(exported), "org/reslstm", "--dry-run"]) == 0
    listing = capsys.readouterr().out
    assert all(path.name in listing for path in exported.iterdir()) and "would go to org/reslstm" in listing


def test_refusals(exported, tmp_path, refused):
    assert "cannot be pushed to 'no good name'" in refused("push", exported, "no good name")
    assert "nowhere holds no README.md" in refused("push", tmp_path / "nowhere", "org/x")
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "README.md").touch()
    assert "no config.json" in refused("push", tmp_path / "empty", "org/x")
