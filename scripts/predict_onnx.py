"""Tell the emotion in a clip with onnxruntime and numpy alone: a sample for programs that cannot carry torch.

    ser-hub export CHECKPOINT DEST --onnx
    python scripts/predict_onnx.py DEST/model.onnx clip.wav

For the LSTM-SA family, whose features (34 MFCC and 12 chroma, librosa's definitions) are computed here from their
formulas. The clip is 16-bit PCM at the model's sampling rate.
"""

import json
import sys
import wave

import numpy as np
import onnxruntime

BINS = 12

Array = np.ndarray


def read(path: str, sampling_rate: int) -> Array:
    """Return the samples of a WAV file, (num_samples,), channels averaged, in -1 to 1."""
    with wave.open(path) as file:
        if file.getsampwidth() != 2 or file.getframerate() != sampling_rate:
            sys.exit(f"{path} is not 16-bit PCM at {sampling_rate} Hz; convert it first")
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, file.getnchannels())
    return samples.mean(axis=1) / 32768


def power_spectrogram(samples: Array, n_fft: int, hop_length: int) -> Array:
    """Return |STFT|^2, (time, 1 + n_fft // 2): centred frames, zeros at the edges, periodic Hann window."""
    padded = np.pad(samples, n_fft // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, n_fft)[::hop_length]
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n_fft) / n_fft)
    return np.abs(np.fft.rfft(frames * window)) ** 2


def mel_bank(sampling_rate: int, n_fft: int, n_mels: int = 128) -> Array:
    """Return Slaney's mel filters, (1 + n_fft // 2, n_mels), each of unit area."""

    def hz(mel: Array) -> Array:
        return np.where(mel < 15, mel * 200 / 3, 1000 * 6.4 ** ((mel - 15) / 27))

    top = 15 + 27 * np.log(sampling_rate / 2 / 1000) / np.log(6.4)
    corners = hz(np.linspace(0, top, n_mels + 2))
    bins = np.linspace(0, sampling_rate / 2, 1 + n_fft // 2)[:, None]
    low, middle, high = corners[:-2], corners[1:-1], corners[2:]
    triangles = np.minimum((bins - low) / (middle - low), (high - bins) / (high - middle))
    return np.maximum(0, triangles) * 2 / (high - low)


def mfcc(mel: Array, count: int) -> Array:
    """Return the first coefficients of the orthonormal DCT-II of the mel spectrum in dB, (time, count)."""
    decibels = 10 * np.log10(np.maximum(1e-10, mel))
    decibels = np.maximum(decibels, decibels.max() - 80)
    n = mel.shape[1]
    basis = np.cos(np.pi / n * np.outer(np.arange(n) + 0.5, np.arange(count))) * np.sqrt(2 / n)
    basis[:, 0] /= np.sqrt(2)
    return decibels @ basis


def tuning(power: Array, sampling_rate: int) -> float:
    """Return how far the clip's spectral peaks (150 Hz to 4 kHz) lie from the tempered scale, in semitones."""
    hz = sampling_rate / 2 / (power.shape[1] - 1)
    low, high = int(np.ceil(150 / hz)), int(np.ceil(4000 / hz))
    band = power[:, low - 1 : high + 1]
    loud = band * (band > 0.1 * power.max(axis=1, keepdims=True))
    row, column = np.nonzero((loud[:, 1:-1] > loud[:, :-2]) & (loud[:, 1:-1] >= loud[:, 2:]))
    if not len(row):
        return 0.0
    before, peak, after = (band[row, column + step] for step in range(3))
    curvature, slope = after + before - 2 * peak, (after - before) / 2
    inside = np.abs(slope) < np.abs(curvature)
    shift = np.where(inside, -slope / np.where(inside, curvature, 1), 0)
    height = peak + slope * shift / 2
    chosen = height >= np.median(height)
    deviation = np.mod(BINS * np.log2((low + column + shift)[chosen] * hz / 27.5), 1)
    counts, edges = np.histogram(np.where(deviation >= 0.5, deviation - 1, deviation), np.linspace(-0.5, 0.5, 101))
    return float(edges[np.argmax(counts)])


def chroma(power: Array, sampling_rate: int) -> Array:
    """Return the share of each semitone class in a power spectrogram, (time, 12), each frame's maximum 1."""
    n_fft = 2 * (power.shape[1] - 1)
    hz = np.arange(1, n_fft) * sampling_rate / n_fft
    places = BINS * np.log2(hz / (27.5 * 2 ** (tuning(power, sampling_rate) / BINS)))
    places = np.concatenate([[places[0] - 1.5 * BINS], places])
    widths = np.append(np.maximum(np.diff(places), 1), 1)
    distance = np.remainder(np.subtract.outer(places, np.arange(BINS)) + BINS / 2, BINS) - BINS / 2
    weights = np.exp(-0.5 * (2 * distance / widths[:, None]) ** 2)
    weights /= np.linalg.norm(weights, axis=1, keepdims=True)
    weights *= np.exp(-0.5 * ((places / BINS - 5) / 2) ** 2)[:, None]
    raw = power @ np.roll(weights, -3, axis=1)[: power.shape[1]]
    peak = raw.max(axis=1, keepdims=True)
    return raw / np.where(peak < 1e-38, 1, peak)


def main() -> None:
    """Predict one clip."""
    if len(sys.argv) != 3:
        sys.exit("usage: python scripts/predict_onnx.py MODEL.onnx CLIP.wav")
    session = onnxruntime.InferenceSession(sys.argv[1])
    about = session.get_modelmeta().custom_metadata_map
    labels, settings = json.loads(about["labels"]), json.loads(about["preprocessor"])
    if settings["feature_extractor_type"] != "MfccChromaFeatureExtractor":
        sys.exit(f"this sample computes MFCC and chroma; {sys.argv[1]} takes {settings['feature_extractor_type']}")
    rate, n_fft = settings["sampling_rate"], settings["n_fft"]
    power = power_spectrogram(read(sys.argv[2], rate), n_fft, settings["hop_length"])
    features = np.hstack([mfcc(power @ mel_bank(rate, n_fft), settings["n_mfcc"]), chroma(power, rate)])
    features = (features - settings["mean"]) / settings["std"]
    inputs = {
        "input_features": features[None].astype(np.float32),
        "attention_mask": np.ones((1, len(features)), np.int32),
    }
    (logits,) = session.run(["logits"], inputs)[0]
    shares = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
    for place in np.argsort(-shares):
        print(f"{labels[place]:<10} {shares[place]:.4f}")


if __name__ == "__main__":
    main()
