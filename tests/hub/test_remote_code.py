"""A repository's own code, in processes that cannot import ser_hub."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoFeatureExtractor, AutoModel

import ser_hub
from ser_hub.features import FEATURE_EXTRACTORS
from ser_hub.hub.remote_code import remote_code
from ser_hub.models import ARCHITECTURES

WITHOUT_SER_HUB = """
import json, runpy, sys
sys.modules["ser_hub"] = None  # importing it raises ImportError
# A machine whose torch and torchaudio do not match cannot import transformers' audio modules at all.
runpy.run_path(sys.argv[3])["ensure_importable"]()
import numpy, torch
from transformers import AutoConfig, AutoFeatureExtractor, AutoModel, AutoModelForAudioClassification
folder = sys.argv[1]
samples = numpy.load(sys.argv[2])
extractor = AutoFeatureExtractor.from_pretrained(folder, trust_remote_code=True)
inputs = extractor(samples, sampling_rate=extractor.sampling_rate, return_tensors="pt")
answers = []
for auto in (AutoModel, AutoModelForAudioClassification):
    model = auto.from_pretrained(folder, trust_remote_code=True)
    with torch.no_grad():
        answers.append(model(**inputs).logits.tolist())
assert AutoConfig.from_pretrained(folder, trust_remote_code=True).label2id == model.config.label2id
assert not [name for name in sys.modules if name.startswith("ser_hub.")]
print(json.dumps({"module": type(model).__module__, "answers": answers}))
"""


def test_equal_logits_without_ser_hub(exported, client, tmp_path):
    torchaudio = Path(ser_hub.__file__).with_name("_torchaudio.py")
    samples = np.random.default_rng(0).normal(0, 0.1, 48_000).astype(np.float32)
    np.save(tmp_path / "samples.npy", samples)
    extractor, model = AutoFeatureExtractor.from_pretrained(exported), AutoModel.from_pretrained(exported)
    with torch.no_grad():
        expected = model(**extractor(samples, sampling_rate=48_000, return_tensors="pt")).logits.tolist()
    said = json.loads(client(WITHOUT_SER_HUB, exported, tmp_path / "samples.npy", torchaudio).splitlines()[-1])
    assert said["module"].startswith("transformers_modules.")
    for answer in said["answers"]:
        np.testing.assert_allclose(answer, expected, rtol=1e-5)


def test_with_ser_hub_its_own_classes_load(exported, tmp_path):
    model = AutoModel.from_pretrained(exported)
    assert type(model).__module__ == "ser_hub.models.lstm_sa"
    model.save_pretrained(tmp_path)  # without the code that it would name
    AutoFeatureExtractor.from_pretrained(exported).save_pretrained(tmp_path)
    for name in ("config.json", "preprocessor_config.json"):
        assert "auto_map" not in json.loads((tmp_path / name).read_text())


MODULES = [architecture.model.__module__ for architecture in ARCHITECTURES.values()]
MODULES += [extractor.__module__ for extractor in FEATURE_EXTRACTORS]


@pytest.mark.parametrize("module", sorted(set(MODULES)))
def test_every_module_is_complete(module):
    files = remote_code(module)
    for text in files.values():
        compile(text, module, "exec")
        assert "from ser_hub" not in text and "import ser_hub" not in text.replace("from . import ser_hub", "")
        for line in text.splitlines():
            if line.startswith("from .ser_hub"):
                assert f"{line.split()[1][1:]}.py" in files
    assert len(files) < 8  # the corpora, the trainer and the command line stay behind
