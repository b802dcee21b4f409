import torch

from ser_hub.models import SpeechText, SpeechTextConfig
from ser_hub.models.speech_text import text_ids
from ser_hub.training import SERDataModule


def small(**settings):
    torch.manual_seed(0)
    return SpeechText(SpeechTextConfig(input_size=5, hidden_size=8, embedding_size=4, labels=["a", "b"], **settings))


def test_text_as_bytes():
    ids = text_ids(["Hé", None, "abc"])
    assert ids.tolist() == [[73, 196, 170], [0, 0, 0], [98, 99, 100]]
    assert text_ids([None, ""]).shape == (2, 1)


def test_parameter_count():
    """By hand: two BiLSTMs of two directions, each with two biases; three vectors; the embedding; two linear layers."""
    lstm = lambda inputs, width: 2 * 4 * width * (inputs + width + 2)  # noqa: E731
    expected = lstm(46, 64) + lstm(32, 64) + 3 * 128 + 257 * 32 + (256 * 128 + 128) + (128 * 8 + 8)
    assert sum(p.numel() for p in SpeechText(SpeechTextConfig()).parameters()) == expected


def test_learns_from_the_text_alone():
    model = small(dropout=0.0)
    noise, words = torch.randn(16, 6, 5), ["yes", "no"] * 8
    labels, ids = torch.tensor([0, 1] * 8), text_ids(words)
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-2)
    for _ in range(60):
        optimizer.zero_grad()
        model(noise, labels=labels, input_ids=ids).loss.backward()
        optimizer.step()
    fresh = torch.randn(16, 6, 5)
    assert torch.equal(model(fresh, input_ids=ids).logits.argmax(dim=-1), labels)
    assert torch.equal(model(fresh, input_ids=text_ids(words[::-1])).logits.argmax(dim=-1), labels.flip(0))


def test_neither_padding_of_the_text_nor_its_neighbours_matter():
    model, clip = small().eval(), torch.randn(1, 6, 5)
    alone = model(clip, input_ids=text_ids(["hi"])).logits
    together = model(clip.expand(3, 6, 5), input_ids=text_ids(["hi", "a much longer sentence", None])).logits
    assert torch.allclose(together[0], alone[0], atol=1e-6)
    assert torch.allclose(together[2], model(clip).logits[0], atol=1e-6)
    assert not torch.allclose(together[1], alone[0], atol=1e-3)
    assert torch.isfinite(together).all()


def test_transcripts_reach_the_model(corpus_dir, tmp_path):
    import shutil

    from ser_hub.features import MfccChromaFeatureExtractor

    for path in corpus_dir.rglob("*.wav"):  # the RAVDESS parser gives the synthetic clips RAVDESS's sentences
        shutil.copy(path, tmp_path)
    data = SERDataModule(
        MfccChromaFeatureExtractor(), "ravdess", str(tmp_path), protocol="speaker-holdout", text=True, batch_size=4
    )
    data.setup()
    batch = next(iter(data.test_dataloader()))
    said = ["".join(chr(i - 1) for i in row if i) for row in batch["input_ids"].tolist()]
    assert said == [
        {"01": "Kids", "02": "Dogs"}[c.split("-")[4]] + s[4:] for c, s in zip(batch["clip_id"], said, strict=True)
    ]
