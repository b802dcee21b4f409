"""CNN14 and AlexNet: their published sizes, their arithmetic, and how their published weights are carried over."""

import librosa
import pytest
import torch

from ser_hub.errors import InputError
from ser_hub.features import PannsLogMelFeatureExtractor
from ser_hub.models import CNN14, AlexNet, AlexNetConfig, CNN14Config

from ..features.signals import noise, relative_error, voiced


def count(model, labels):
    with torch.device("meta"):
        network = model(model.config_class(labels=[str(index) for index in range(labels)]))
    return sum(p.numel() for p in network.parameters())


def test_published_parameter_counts():
    assert count(CNN14, 527) == 80_753_615  # Kong et al. 2020, table IV: 80.8 M
    assert count(AlexNet, 1_000) == 61_100_840


@pytest.mark.parametrize("samples", [voiced(32_000), noise(32_000)])
def test_log_mel_equals_librosa(samples):
    mel = librosa.feature.melspectrogram(
        y=samples, sr=32_000, n_fft=1024, hop_length=320, n_mels=64, fmin=50, fmax=14_000, pad_mode="reflect"
    )
    expected = librosa.power_to_db(mel, top_db=None).T
    features = PannsLogMelFeatureExtractor().extract(samples)
    assert features.shape == expected.shape and relative_error(features, expected) < 1e-4


def test_cnn14_of_one_clip_is_the_plain_network():
    """Without padding the masks change nothing: against torch's own layers in a row."""
    torch.manual_seed(0)
    network = CNN14(CNN14Config(input_size=32, base_channels=2, labels=["a", "b"]))
    network.train()(torch.randn(4, 40, 32))
    network.eval()
    clip = torch.randn(1, 45, 32)
    x = network.bn0(clip.transpose(1, 2)[..., None])[..., 0].transpose(1, 2)[:, None]
    for number in range(1, 7):
        block = getattr(network, f"conv_block{number}")
        x = block.bn2(block.conv2(block.bn1(block.conv1(x)).relu())).relu()
        x = torch.nn.functional.avg_pool2d(x, 2) if number < 6 else x
    x = x.mean(dim=3)
    x = x.amax(dim=2) + x.mean(dim=2)
    expected = network.classifier(network.fc1(x).relu())
    assert torch.allclose(network(clip).logits, expected, atol=1e-5)


def test_published_file_of_cnn14_is_carried_over(tmp_path):
    torch.manual_seed(0)
    source = CNN14(CNN14Config(input_size=32, base_channels=2))
    state = {k: v for k, v in source.state_dict().items() if not k.startswith(("classifier", "started"))}
    front = {"spectrogram_extractor.stft.conv_real.weight": torch.zeros(3), "logmel_extractor.melW": torch.zeros(3)}
    head = {"fc_audioset.weight": torch.zeros(527, 64), "fc_audioset.bias": torch.zeros(527)}
    torch.save({"model": state | front | head, "iteration": 1}, tmp_path / "cnn14.pth")
    network = CNN14(CNN14Config(input_size=32, base_channels=2))
    network.load_published(str(tmp_path / "cnn14.pth"))
    assert all(torch.equal(network.state_dict()[key], value) for key, value in state.items())
    with pytest.raises(InputError, match="does not hold weights of AlexNet"):
        AlexNet(AlexNetConfig(base_channels=2, hidden_size=8)).load_published(str(tmp_path / "cnn14.pth"))
    with pytest.raises(InputError, match="are not there; download them"):
        network.load_published(str(tmp_path / "gone.pth"))


def test_published_file_of_alexnet_is_carried_over_but_for_the_last_layer(tmp_path):
    source = AlexNet(AlexNetConfig(base_channels=2, hidden_size=8, labels=[str(index) for index in range(10)]))
    state = {k: v for k, v in source.state_dict().items() if k != "started"}
    torch.save(state, tmp_path / "alexnet.pth")
    network = AlexNet(AlexNetConfig(base_channels=2, hidden_size=8))
    network.load_published(str(tmp_path / "alexnet.pth"))
    kept = {key for key, value in state.items() if torch.equal(network.state_dict().get(key, torch.empty(0)), value)}
    assert set(state) - kept == {"classifier.6.weight", "classifier.6.bias"}
    torch.save({k: v for k, v in state.items() if k.startswith("features.")}, tmp_path / "features.pth")
    with pytest.raises(InputError, match="4 are missing"):
        network.load_published(str(tmp_path / "features.pth"))


def test_code_in_a_file_of_weights_is_not_run(tmp_path):
    class Evil:
        def __reduce__(self):
            return (open, (str(tmp_path / "evil"), "w"))

    torch.save({"model": Evil()}, tmp_path / "evil.pth")
    with pytest.raises(InputError, match="does not hold weights"):
        CNN14(CNN14Config(input_size=32, base_channels=2)).load_published(str(tmp_path / "evil.pth"))
    assert not (tmp_path / "evil").exists()
