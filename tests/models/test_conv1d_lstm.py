import torch

from ser_hub.models import Conv1dLSTM, Conv1dLSTMConfig


def test_162_steps_become_21():
    """162 > 81 > 41 > 21: Keras's "same" pooling pads an odd step at the end."""
    network = Conv1dLSTM(Conv1dLSTMConfig(channels=(8, 8, 4))).eval()
    assert network.cnn(torch.randn(2, 1, 162)).shape == (2, 4, 21)


def test_forward_by_hand():
    torch.manual_seed(0)
    network = Conv1dLSTM(Conv1dLSTMConfig(channels=(6, 5, 4), hidden_size=7, dense_sizes=(6, 5, 3), labels=["a", "b"]))
    network.train()(torch.randn(8, 11, 1))  # running statistics that are not the initial ones
    network.eval()
    clip = torch.randn(11, 1)
    x = clip.T[None]
    for index in range(0, 15, 5):
        convolution, norm = network.cnn[index], network.cnn[index + 3]
        x = torch.nn.functional.conv1d(x, convolution.weight, convolution.bias, padding=2).relu()
        if x.shape[2] % 2:
            x = torch.cat([x, torch.full_like(x[:, :, :1], -torch.inf)], dim=2)
        x = x.unflatten(2, (-1, 2)).amax(dim=3)
        scale = norm.weight / (norm.running_var + 1e-3).sqrt()
        x = (x - norm.running_mean[:, None]) * scale[:, None] + norm.bias[:, None]
    states, _ = network.lstm(x.transpose(1, 2))
    hidden = states[0, -1]
    for layer in (1, 4, 7):
        hidden = network.head[layer](hidden).relu()
    assert torch.allclose(network(clip[None]).logits[0], network.classifier(hidden), atol=1e-5)
