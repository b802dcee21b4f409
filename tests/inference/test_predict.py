import json
import re
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from transformers import AutoFeatureExtractor, AutoModelForAudioClassification, pipeline

from ser_hub import load_corpus
from ser_hub.audio import decode
from ser_hub.cli import main
from ser_hub.errors import InputError
from ser_hub.inference import Predictor

from ..hub.loopback import serving


@pytest.fixture(scope="module")
def clips(corpus_dir):
    return [row["audio"]["path"] for row in load_corpus("synthetic", corpus_dir).select(range(3))]


@pytest.fixture(scope="module")
def expected(exported, clips):
    """Probabilities computed with the parts alone."""
    extractor = AutoFeatureExtractor.from_pretrained(exported)
    model = AutoModelForAudioClassification.from_pretrained(exported)
    results = []
    for clip in clips:
        inputs = extractor(decode(clip)[0], sampling_rate=48_000, return_tensors="pt")
        with torch.no_grad():
            values = model(**inputs).logits[0].softmax(dim=0)
        results.append({model.config.id2label[index]: float(value) for index, value in enumerate(values)})
    return results


def test_predictor(exported, clips, expected):
    predictor = Predictor(exported)
    for clip, probabilities in zip(clips, expected, strict=True):
        prediction = predictor(clip)
        assert prediction.probabilities == pytest.approx(probabilities, abs=1e-6)
        assert list(prediction.probabilities.values()) == sorted(probabilities.values(), reverse=True)
        assert prediction.emotion == max(probabilities, key=probabilities.get)


def as_dict(answer):
    return {item["label"]: item["score"] for item in answer}


def test_pipeline_takes_path_bytes_array_dict_and_list(exported, clips, expected):
    classify = pipeline("audio-classification", model=str(exported))
    samples = decode(clips[0])[0]
    with open(clips[0], "rb") as file:
        content = file.read()
    for given in (clips[0], content, samples, {"array": samples, "sampling_rate": 48_000}):
        assert as_dict(classify(given)) == pytest.approx(expected[0], abs=1e-6)
    for answer, probabilities in zip(classify(clips), expected, strict=True):
        assert as_dict(answer) == pytest.approx(probabilities, abs=1e-6)
    assert len(classify(clips[0], top_k=2)) == 2


def test_pipeline_takes_a_path_object_and_an_undecoded_row(exported, clips, expected, tmp_path):
    classify = pipeline("audio-classification", model=str(exported))
    content = Path(clips[0]).read_bytes()
    rows = [{"path": clips[0], "bytes": None}, {"path": "gone.wav", "bytes": content}, {"path": None, "bytes": content}]
    for given in (Path(clips[0]), *rows):
        assert as_dict(classify(given)) == pytest.approx(expected[0], abs=1e-6)
    with pytest.raises(InputError, match=r"gone.wav does not exist"):
        classify({"path": str(tmp_path / "gone.wav"), "bytes": None})


def test_pipeline_fetches_an_address_and_decodes_it_itself(exported, clips, expected, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)  # meant for the Hub, not for any address
    monkeypatch.setenv("PATH", "")  # no ffmpeg
    classify = pipeline("audio-classification", model=str(exported))
    with serving() as server:
        server.archives |= {"clip.wav": Path(clips[0]).read_bytes(), "text.wav": b"no audio"}
        address = f"{server.url}/archives"
        assert as_dict(classify(f"{address}/clip.wav")) == pytest.approx(expected[0], abs=1e-6)
        with pytest.raises(InputError, match=rf"{address}/text.wav cannot be decoded"):
            classify(f"{address}/text.wav")
        with pytest.raises(InputError, match=rf"{address}/gone.wav cannot be fetched \(.*404"):
            classify(f"{address}/gone.wav")
        server.break_after = 1_000
        with pytest.raises(InputError, match=r"clip.wav cannot be fetched"):
            classify(f"{address}/clip.wav")
    with pytest.raises(InputError, match=r"clip.wav cannot be fetched .*; check the address, or give a file"):
        classify(f"{address}/clip.wav")  # nobody listens there any more


@pytest.mark.parametrize("shape", [(48_000, 2), (2, 48_000), (1, 48_000), ()])
def test_pipeline_refuses_what_is_not_one_channel(exported, shape):
    classify = pipeline("audio-classification", model=str(exported))
    samples = np.zeros(shape, dtype=np.float32)
    said = rf"a waveform has shape {re.escape(str(shape))}, but one channel is expected"
    for given in (samples, torch.from_numpy(samples), {"array": samples, "sampling_rate": 16_000}):
        with pytest.raises(InputError, match=said):
            classify(given)


def test_pipeline_resamples_like_the_predictor(exported, clips, tmp_path):
    samples = decode(clips[0], 16_000)[0]
    soundfile.write(tmp_path / "low.wav", samples, 16_000, subtype="FLOAT")
    classify = pipeline("audio-classification", model=str(exported))
    prediction = Predictor(exported)(tmp_path / "low.wav").probabilities
    assert as_dict(classify({"array": samples, "sampling_rate": 16_000})) == pytest.approx(prediction, abs=1e-5)
    assert as_dict(classify(str(tmp_path / "low.wav"))) == pytest.approx(prediction, abs=1e-5)


def test_command_line(exported, clips, expected, capsys):
    assert main(["predict", str(exported), *clips]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    best = max(expected[0], key=expected[0].get)
    assert lines[0].startswith(f"{clips[0]}: {best} {expected[0][best]:.1%}, ")
    assert main(["predict", str(exported), clips[1], "--json"]) == 0
    (answer,) = json.loads(capsys.readouterr().out)
    assert answer["file"] == clips[1]
    assert answer["probabilities"] == pytest.approx(expected[1], abs=1e-6)
    assert answer["emotion"] == max(expected[1], key=expected[1].get)


def test_bad_files_in_one_sentence(exported, refused, tmp_path):
    soundfile.write(tmp_path / "short.wav", np.zeros(100), 48_000)
    soundfile.write(tmp_path / "empty.wav", np.zeros(0), 48_000)
    soundfile.write(tmp_path / "nan.wav", np.full(9_000, np.nan, dtype=np.float32), 48_000, subtype="FLOAT")
    (tmp_path / "text.wav").write_text("no audio")
    for name, reason in {
        "gone.wav": "does not exist",
        "short.wav": "fewer than one frame",
        "empty.wav": "holds no samples",
        "nan.wav": "NaN",
        "text.wav": "cannot be decoded",
    }.items():
        sentence = refused("predict", exported, tmp_path / name)
        assert name in sentence and reason in sentence


def test_bad_models_in_one_sentence(exported, refused, tmp_path, clips):
    assert "neither a folder" in refused("predict", tmp_path / "gone", clips[0])
    assert "neither a folder" in refused("predict", "org/does-not-exist", clips[0])
    assert "holds no config.json" in refused("predict", tmp_path, clips[0])
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "unheard_of"}))
    (tmp_path / "preprocessor_config.json").write_bytes((exported / "preprocessor_config.json").read_bytes())
    assert "cannot be loaded" in refused("predict", tmp_path, clips[0])
    (tmp_path / "config.json").write_bytes((exported / "config.json").read_bytes())
    (tmp_path / "model.safetensors").write_bytes(b"damaged")
    assert "cannot be loaded" in refused("predict", tmp_path, clips[0])
    (tmp_path / "model.safetensors").write_bytes((exported / "model.safetensors").read_bytes())
    config = json.loads((exported / "config.json").read_text())
    for wrong in (4, "abc"):  # the weights are of another size; it is no size at all
        (tmp_path / "config.json").write_text(json.dumps(config | {"hidden_size": wrong}))
        assert "cannot be loaded" in refused("predict", tmp_path, clips[0])
    (tmp_path / "config.json").write_text(json.dumps(config))
    extractor = json.loads((exported / "preprocessor_config.json").read_text())
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(extractor | {"n_mfcc": 20}))
    assert "its features have 32 dimensions and its model takes 46" in refused("predict", tmp_path, clips[0])
    (tmp_path / "preprocessor_config.json").write_text(
        json.dumps({"feature_extractor_type": "Wav2Vec2FeatureExtractor", "sampling_rate": 16_000})
    )
    assert "is no model of ser_hub" in refused("predict", tmp_path, clips[0])


def test_code_in_a_models_folder_is_not_run(refused, tmp_path, clips, monkeypatch):
    asked, marker = [], tmp_path / "has-run"
    monkeypatch.setattr("builtins.input", lambda question: asked.append(question) or "y")
    for base in ("PreTrainedConfig", "SequenceFeatureExtractor"):
        code = f"import transformers\nopen({str(marker)!r}, 'w')\nclass Foreign(transformers.{base}):\n    pass\n"
        (tmp_path / f"of_{base.lower()}.py").write_text(code)
    config = {"model_type": "foreign", "auto_map": {"AutoConfig": "of_pretrainedconfig.Foreign"}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    extractor = {"auto_map": {"AutoFeatureExtractor": "of_sequencefeatureextractor.Foreign"}}
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(extractor))
    assert "contains custom code" in refused("predict", tmp_path, clips[0])
    (tmp_path / "preprocessor_config.json").write_text(
        json.dumps({"feature_extractor_type": "WaveformFeatureExtractor"})
    )
    assert "contains custom code" in refused("predict", tmp_path, clips[0])
    assert not asked and not marker.exists()


def test_integers_are_scaled_as_files_are(exported, clips):
    """A 16-bit file decodes to value / 32768; what scipy.io.wavfile reads are the values."""
    classify = pipeline("audio-classification", model=str(exported))
    samples = (decode(clips[0])[0] * 32_768).round().clip(-32_768, 32_767)
    expected = as_dict(classify({"array": (samples / 32_768).astype(np.float32), "sampling_rate": 48_000}))
    for given in (samples.astype(np.int16), (samples * 65_536).astype(np.int32)):
        assert as_dict(classify({"array": given, "sampling_rate": 48_000})) == pytest.approx(expected, abs=1e-6)
    with pytest.raises(InputError, match="samples are int64"):
        classify({"array": samples.astype(np.int64), "sampling_rate": 48_000})


def test_wrong_rate_names_the_right_one(exported):
    extractor = AutoFeatureExtractor.from_pretrained(exported)
    with pytest.raises(InputError, match="16000 Hz, but .* 48000 Hz"):
        extractor(np.zeros(16_000, dtype=np.float32), sampling_rate=16_000)


def test_draws_the_attention(exported, clips, tmp_path, refused):
    picture = tmp_path / "attention.png"
    assert main(["predict", str(exported), clips[0], "--attention", str(picture)]) == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert "draws one clip, but 2" in refused("predict", exported, *clips[:2], "--attention", picture)


def test_a_model_without_attention_says_so(tmp_path, refused, clips):
    from ser_hub.features import MfccFeatureExtractor
    from ser_hub.models import ARCHITECTURES

    architecture = ARCHITECTURES["cnn_mfcc"]
    architecture.model(architecture.config(input_size=40)).save_pretrained(tmp_path / "cnn")
    MfccFeatureExtractor().save_pretrained(tmp_path / "cnn")
    said = refused("predict", tmp_path / "cnn", clips[0], "--attention", tmp_path / "a.png")
    assert "CNNMFCC has no attention" in said and not (tmp_path / "a.png").exists()
