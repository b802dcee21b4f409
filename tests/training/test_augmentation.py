"""Augmentation: each alteration against a closed form or librosa, and that it never leaves the training part."""

import json
from dataclasses import replace

import librosa
import numpy as np
import pytest
import soundfile
import torch

from ser_hub.cli import main
from ser_hub.errors import InputError
from ser_hub.features import MfccChromaFeatureExtractor
from ser_hub.training import (
    Augmentation,
    Gain,
    PeakNoise,
    PitchShift,
    Reverberation,
    SERDataModule,
    Shift,
    SpecAugment,
    Speed,
    TimeStretch,
    UniformNoise,
    WhiteNoise,
)
from ser_hub.training.augmentation import EVERY_WAVEFORM_AUGMENTATION

RATE = 16_000
TONE = (0.5 * np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE)).astype(np.float32)


def rng(seed=0):
    return np.random.default_rng(seed)


def snr(clean, noisy):
    return 10 * np.log10(np.sum(clean**2) / np.sum((noisy - clean) ** 2))


def frequency(samples):
    return np.argmax(np.abs(np.fft.rfft(samples))) * RATE / len(samples)


@pytest.mark.parametrize("noise", [WhiteNoise, UniformNoise])
def test_noise_has_the_ratio_that_is_asked_for(noise):
    noisy = noise(12.0, 12.0)(TONE, RATE, rng())
    assert snr(TONE, noisy) == pytest.approx(12.0, abs=0.01)
    ratios = [snr(TONE, noise()(TONE, RATE, rng(seed))) for seed in range(40)]
    assert 15 <= min(ratios) < 18 and 27 < max(ratios) <= 30


def test_uniform_noise_is_bounded_and_white_noise_is_not():
    """Peak over root mean square: sqrt(3) for a uniform distribution."""
    for noise, bounded in ((UniformNoise(10, 10), True), (WhiteNoise(10, 10), False)):
        added = noise(TONE, RATE, rng()) - TONE
        crest = np.abs(added).max() / added.std()
        assert (crest == pytest.approx(3**0.5, rel=0.02)) == bounded


def test_noise_on_silence_is_refused():
    with pytest.raises(InputError, match="silent"):
        WhiteNoise()(np.zeros(100, dtype=np.float32), RATE, rng())


def test_peak_noise():
    deviations = [(PeakNoise(0.1)(TONE, RATE, rng(seed)) - TONE).std() for seed in range(60)]
    assert max(deviations) < 0.1 * 0.5 and np.mean(deviations) == pytest.approx(0.1 * 0.5 / 2, rel=0.25)


def test_time_stretch_keeps_the_pitch_and_speed_does_not():
    stretched = TimeStretch(0.8, 0.8)(TONE, RATE, rng())
    assert len(stretched) == RATE / 0.8 and frequency(stretched) == pytest.approx(440, rel=0.01)
    assert np.array_equal(stretched, librosa.effects.time_stretch(TONE, rate=0.8))
    faster = Speed(1.25, 1.25)(TONE, RATE, rng())
    assert len(faster) == pytest.approx(RATE / 1.25, abs=1) and frequency(faster) == pytest.approx(550, rel=0.01)


def test_pitch_shift_keeps_the_length():
    shifted = PitchShift(12, 12)(TONE, RATE, rng())
    assert len(shifted) == RATE and frequency(shifted) == pytest.approx(880, rel=0.01)


def test_gain():
    assert np.allclose(Gain(6, 6)(TONE, RATE, rng()), TONE * 10**0.3, atol=1e-6)


def test_shift_moves_and_fills_with_silence():
    seen = set()
    for seed in range(20):
        moved = Shift(0.1)(TONE, RATE, rng(seed))
        steps = next(
            s for s in range(-1_600, 1_601) if np.array_equal(np.roll(TONE, s)[1_600:-1_600], moved[1_600:-1_600])
        )
        assert not (moved[:steps] if steps > 0 else moved[len(moved) + steps :]).any() or steps == 0
        seen.add(np.sign(steps))
    assert seen >= {-1, 1}


def test_reverberation_keeps_energy_and_decays():
    click = np.zeros(RATE, dtype=np.float32)
    click[0] = 1.0
    room = Reverberation(0.4, 0.4, wet=0.5)(click, RATE, rng())
    assert np.sum(room**2) == pytest.approx(1.0, rel=1e-4)
    levels = [10 * np.log10(np.mean(room[start : start + 400] ** 2)) for start in (400, 400 + RATE // 5)]
    assert levels[0] - levels[1] == pytest.approx(30, abs=3)  # 60 dB in 0.4 s


@pytest.mark.parametrize("kind", EVERY_WAVEFORM_AUGMENTATION)
def test_waveform_augmentations_follow_from_the_seed(kind):
    one, again, other = (kind()(TONE, RATE, rng(seed)) for seed in (1, 1, 2))
    assert one.dtype == np.float32 and np.isfinite(one).all()
    assert np.array_equal(one, again) and not np.array_equal(one, other)


def test_spec_augment_masks_whole_bands_within_their_widths():
    features = np.ones((100, 40), dtype=np.float32)
    widths = []
    for seed in range(10):
        masked = SpecAugment(time_masks=1, time_share=0.2, feature_masks=1, feature_width=5)(features, rng(seed))
        rows, columns = (masked == 0).all(axis=1), (masked == 0).all(axis=0)
        assert rows.sum() <= 20 and columns.sum() <= 5
        assert np.array_equal(masked == 0, rows[:, None] | columns[None, :])
        widths.append((rows.sum(), columns.sum()))
    assert np.min(np.max(widths, axis=0)) > 1  # over time and over the features
    assert features.all()


def test_spec_augment_never_masks_the_only_dimension():
    features = np.ones((100, 1), dtype=np.float32)
    assert all(SpecAugment()(features, rng(seed)).mean() >= 0.8 for seed in range(20))


def test_features_are_altered_within_the_clip_and_mixup_mixes_labels():
    batch = {
        "input_features": torch.ones(3, 30, 5),
        "attention_mask": torch.ones(3, 30, dtype=torch.long),
        "labels": torch.tensor([0, 1, 2]),
    }
    batch["attention_mask"][1, 10:] = 0
    batch["input_features"][1, 10:] = 7.0
    torch.manual_seed(0)
    masked = Augmentation(features=[SpecAugment(time_share=1.0)]).alter_batch(batch, 4)
    assert (masked["input_features"][1, 10:] == 7).all() and (masked["input_features"] == 0).any()
    assert torch.equal(masked["labels"], batch["labels"])
    mixed = Augmentation(mixup=1.0).alter_batch(batch, 4)
    assert mixed["labels"].shape == (3, 4)
    assert torch.allclose(mixed["labels"].sum(dim=1), torch.ones(3))
    assert (batch["input_features"][0] == 1).all()  # the batch that was given is untouched


def test_mixup_mixes_clips_labels_and_masks_alike():
    """Clip i holds i everywhere: what is mixed is then share * i + (1 - share) * j, as the labels say it is."""
    size = torch.arange(4)
    batch = {
        "input_features": size[:, None, None].expand(4, 5, 2).float(),
        "attention_mask": (torch.arange(5) <= size[:, None]).long(),  # clip i has i + 1 frames
        "labels": size,
    }
    torch.manual_seed(0)
    mixed = Augmentation(mixup=1.0).alter_batch(batch, 4)
    assert torch.allclose(mixed["input_features"], (mixed["labels"] @ size.float())[:, None, None].expand(4, 5, 2))
    longest = torch.where(mixed["labels"] > 0, size, 0).max(dim=1).values
    assert torch.equal(mixed["attention_mask"].sum(dim=1), longest + 1)
    assert ((mixed["labels"] > 0).sum(dim=1) == 2).any()


def test_transcripts_are_not_mixed():
    with pytest.raises(InputError, match=r"leave data.augmentation.mixup at 0 where data.text is on"):
        SERDataModule(MfccChromaFeatureExtractor(), augmentation=Augmentation(mixup=0.2), text=True)


@pytest.fixture
def build(corpus_dir):
    def build(augmentation, cls=MfccChromaFeatureExtractor):
        module = SERDataModule(
            cls(), "synthetic", str(corpus_dir), protocol="speaker-holdout", augmentation=augmentation
        )
        module.setup()
        return module

    return build


def test_copies_are_made_of_training_clips_alone(build):
    data = build(Augmentation(copies=[[Gain(6, 6)], [WhiteNoise()]]))
    seen = [clip for batch in data.train_dataloader() for clip in batch["clip_id"]]
    originals = [clip.split(" copy ")[0] for clip in seen]
    assert len(seen) == 3 * len(data.fold.train) and set(originals) == set(data.fold.train)
    for loader in (data.val_dataloader(), data.test_dataloader()):
        assert not any("copy" in clip for batch in loader for clip in batch["clip_id"])


def test_copies_made_before_the_split_leak_and_say_so(build):
    data = build(Augmentation(copies=[[Gain(6, 6)], [WhiteNoise()]], before_split=True))
    copied = [clip for _, _, clip in data._training if "copy" in clip]
    assert len(copied) == 2 * len(data.fold.train) == len(set(copied))
    of_test = {clip.split(" copy ")[0] for clip in copied} & set(data.fold.test)
    assert len(of_test) > len(data.fold.test) / 2  # the leak
    assert data.protocol.speaker_independent and not data.speaker_independent
    assert data.state_dict()["trained_on"]["speaker_independent"] is False


def test_copies_are_cached_by_what_made_them(build):
    features = {item[2]: item[0] for item in build(Augmentation(copies=[[Gain(6, 6)]]))._training}
    again = {item[2]: item[0] for item in build(Augmentation(copies=[[Gain(6, 6)]]))._training}
    other = {item[2]: item[0] for item in build(Augmentation(copies=[[Gain(3, 3)]]))._training}
    name = next(clip for clip in features if "copy" in clip)
    assert np.array_equal(features[name], again[name]) and not np.allclose(features[name], other[name])
    # 6 dB more are 6 sqrt(128) more in the first MFCC, whose DCT is orthonormal over 128 bands, and nothing elsewhere.
    gained = features[name] - features[name.split(" copy ")[0]]
    assert np.allclose(gained[:, 0], 6 * 128**0.5, rtol=1e-3) and np.abs(gained[:, 1:34]).max() < 1e-2


def test_the_seed_decides(build):
    augmentation = Augmentation(copies=[[WhiteNoise()]])
    clips = [build(replace(augmentation, seed=seed))._training[-1][0] for seed in (0, 0, 1)]
    assert np.array_equal(clips[0], clips[1]) and not np.array_equal(clips[0], clips[2])


def test_every_copy_and_every_clip_has_noise_of_its_own():
    first, second = Augmentation(copies=[[WhiteNoise()], [WhiteNoise()]]).alterations()
    contents = (f"{number:064x}" for number in (2**250, 2**251))
    one, other = (first.apply(TONE, RATE, content) for content in contents)
    again = second.apply(TONE, RATE, f"{2**250:064x}")
    assert not np.array_equal(one, other) and not np.array_equal(one, again)


CONFIG = """
data:
  augmentation:
    copies:
      - - class_path: ser_hub.training.TimeStretch
          init_args: {min_rate: 0.8, max_rate: 0.8}
        - class_path: ser_hub.training.PeakNoise
    features:
      - class_path: ser_hub.training.SpecAugment
    mixup: 0.2
"""


def test_named_in_the_recipe_trained_with_and_kept_in_the_checkpoint(settings, tmp_path):
    (tmp_path / "augmentation.yaml").write_text(CONFIG)
    configs = [settings[0], f"--config={tmp_path / 'augmentation.yaml'}", *settings[1:]]
    assert main(["fit", *configs, "--trainer.max_epochs=1", f"--trainer.default_root_dir={tmp_path}"]) == 0
    checkpoint = torch.load(tmp_path / "version_0" / "checkpoints" / "best.ckpt", weights_only=True)
    kept = checkpoint["SERDataModule"]["trained_on"]["augmentation"]
    assert [step["name"] for step in kept["copies"][0]] == ["TimeStretch", "PeakNoise"] and kept["mixup"] == 0.2
    json.dumps(kept)


def test_picture(tmp_path, refused):
    soundfile.write(tmp_path / "a.wav", TONE, RATE)
    (tmp_path / "augmentation.yaml").write_text(CONFIG)
    for extra in ([], ["--config", str(tmp_path / "augmentation.yaml")]):
        picture = tmp_path / f"{len(extra)}.png"
        assert main(["augment", str(tmp_path / "a.wav"), str(picture), *extra]) == 0
        assert picture.read_bytes().startswith(b"\x89PNG")
    assert "names no augmentation" in refused(
        "augment", tmp_path / "a.wav", tmp_path / "b.png", "--config", "configs/reslstm-sa-h64.yaml"
    )
    assert "does not exist" in refused("augment", tmp_path / "gone.wav", tmp_path / "b.png")
