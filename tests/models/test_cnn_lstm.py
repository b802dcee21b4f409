import pytest
import torch

from ser_hub.errors import InputError
from ser_hub.models import CNNLSTM, CNNLSTMConfig, CNNParallel, CNNParallelConfig
from ser_hub.models.layers import conv_stack

SMALL = {
    "input_size": 8, "chunk_length": 8, "chunk_hop": 4, "channels": [2, 4], "kernels": [5, 3], "pools": [2, 4],
    "hidden_size": 6, "labels": ["a", "b"],
}  # fmt: skip


def images(network, clip, starts):
    """The CNN's embedding of each chunk of a clip (time, mel), cut out by hand."""
    cut = [clip[start : start + 8].T for start in starts]
    return torch.stack([network.cnn(image[None, None]).flatten() for image in cut])


@pytest.mark.parametrize("pool", [2, 4])
def test_a_block_is_what_the_sources_have_with_relu_before_the_pooling(pool):
    torch.manual_seed(0)
    block = conv_stack([3], [5], [pool], dropout=0.0)
    convolution, norm = block[0], block[1]
    pictures = torch.randn(2, 1, 16, 16, requires_grad=True)
    found = block(pictures)
    expected = torch.max_pool2d(norm(convolution(pictures)).relu(), pool)
    torch.testing.assert_close(found, expected, atol=0, rtol=0)
    gradients = [torch.autograd.grad((values**2).sum(), pictures)[0] for values in (found, expected)]
    torch.testing.assert_close(*gradients, atol=0, rtol=0)


@pytest.mark.parametrize("recurrent", ["lstm", "bilstm", "none"])
def test_forward_by_hand(recurrent):
    torch.manual_seed(0)
    network = CNNLSTM(CNNLSTMConfig(**SMALL, recurrent=recurrent, attention=True)).eval()
    clip = torch.randn(23, 8)  # chunks from 0, 4, 8 and 12; three frames are left over
    states = images(network, clip, (0, 4, 8, 12))
    if recurrent != "none":
        states = network.lstm(states[None])[0][0]
    weights = torch.softmax(network.energy(states)[:, 0], dim=0)
    output = network(clip[None])
    frames = torch.zeros(23)
    for start, weight in zip((0, 4, 8, 12), weights, strict=True):
        frames[start : start + 8] += weight / 8
    assert torch.allclose(output.attentions[0], frames, atol=1e-6) and not frames[20:].any()
    assert torch.allclose(output.logits[0], network.classifier(weights @ states), atol=1e-5)


def test_without_attention_the_last_step_is_taken():
    torch.manual_seed(0)
    network = CNNLSTM(CNNLSTMConfig(**SMALL)).eval()
    clip = torch.randn(20, 8)
    states = network.lstm(images(network, clip, (0, 4, 8, 12))[None])[0][0]
    assert torch.allclose(network(clip[None]).logits[0], network.classifier(states[-1]), atol=1e-5)


def test_563_frames_are_seven_chunks():
    network = CNNLSTM(CNNLSTMConfig(attention=True)).eval()
    with torch.no_grad():
        weights = network(torch.randn(1, 563, 128)).attentions
    assert weights.shape == (1, 563)
    assert weights[0, : 6 * 64 + 128].all() and not weights[0, 6 * 64 + 128 :].any()


def test_settings_that_are_refused():
    with pytest.raises(InputError, match="recurrent 'gru' is not known; choose lstm, bilstm, none"):
        CNNLSTMConfig(recurrent="gru")
    with pytest.raises(InputError, match="2 channels, 1 kernels and 2 pools"):
        CNNLSTMConfig(channels=[1, 2], kernels=[3], pools=[2, 2])


def test_parallel_by_hand():
    torch.manual_seed(0)
    network = CNNParallel(CNNParallelConfig(frames=130, hidden_size=6, labels=["a", "b"])).eval()
    clip = torch.randn(130, 128)
    seen = network.cnn(clip.T[None, None]).flatten()
    reduced = torch.stack([clip[4 * t : 4 * t + 4].reshape(4, 64, 2).amax(dim=(0, 2)) for t in range(32)])
    states = network.lstm(reduced[None])[0][0]
    weights = torch.softmax(network.energy(states)[:, 0], dim=0)
    expected = network.classifier(torch.cat([seen, weights @ states]))
    assert torch.allclose(network(clip[None]).logits[0], expected, atol=1e-5)
