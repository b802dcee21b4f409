"""Models as ONNX files, for programs without torch: dynamic batch and time, named inputs, labels in the metadata.

torch.export unrolls a recurrent layer over time, which fixes the length of the clip. Here each recurrent layer is
exported as one operator, which becomes ONNX's own LSTM, GRU or RNN.
"""

import contextlib
import io
import json
import logging
import math
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from ser_hub.cache import written_aside
from ser_hub.errors import InputError
from ser_hub.features.base import SERFeatureExtractor
from ser_hub.models.base import SERModel
from ser_hub.models.baselines import ReluLSTM
from ser_hub.models.speech_text import reads_text

OPSET = 18
TOLERANCE = 1e-4
"""Largest deviation of a logit from torch's that an exported file may have; logits beyond 1 count relatively."""

KINDS: dict[type[nn.RNNBase], str] = {nn.LSTM: "LSTM", ReluLSTM: "ReluLSTM", nn.GRU: "GRU", nn.RNN: "RNN"}

Batch = dict[str, Tensor]


def export_onnx(model: SERModel, extractor: SERFeatureExtractor, path: str | Path, *, int8: bool = False) -> Path:
    """Write a model as an ONNX file, and check it against torch.

    Inputs are those of `forward` without the labels (`input_features` (batch, time, feature_size) float32,
    `attention_mask` (batch, time) int32), already normalised; the output is `logits` (batch, classes). The metadata has
    `labels` and the feature extractor's settings (`preprocessor`) as JSON.

    Args:
        model: The model.
        extractor: Its feature extractor, which says whether the length of a clip is fixed.
        path: File to write.
        int8: Whether weights are stored as int8 and activations quantised as they come (dynamic quantisation).

    Returns:
        The file.

    Raises:
        InputError: onnx, onnxscript or onnxruntime is missing, or the file does not give torch's logits (with `int8`:
            not even finite ones).
    """
    try:
        import onnx
        import onnxscript  # noqa: F401  # torch's exporter needs it
        from onnxruntime.quantization import QuantType, quantize_dynamic
    except ImportError as error:
        raise InputError(f"{error.name} is not installed; pip install 'ser-hub[onnx]'") from error
    model = model.eval().cpu()
    example, other = _example(model, extractor, clips=3, seed=0), _example(model, extractor, clips=5, seed=1)
    names = list(example)
    time_is_free = example["input_features"].shape[1] != other["input_features"].shape[1]
    dynamic = torch.export.Dim.DYNAMIC
    free, fixed = {0: dynamic, 1: dynamic}, {0: dynamic}
    shapes = tuple(free if time_is_free or name == "input_ids" else fixed for name in names)
    with _quietly(), _layers_of_any_length():
        program = torch.onnx.export(
            _Logits(model, names),
            tuple(example.values()),
            input_names=names,
            output_names=["logits"],
            dynamic_shapes=(shapes,),
            opset_version=OPSET,
            dynamo=True,
            custom_translation_table={torch.ops.ser_hub.recurrent.default: _translate},
        )
    assert program is not None
    proto = program.model_proto
    about = {"labels": json.dumps(model.config.class_names), "preprocessor": json.dumps(extractor.to_dict())}
    with written_aside(path) as partial:
        onnx.save(proto, partial)
        _fold(partial)
        if int8:
            proto = onnx.load(partial)
            proto.graph.ClearField("value_info")  # shapes of weights that were transposed since
            onnx.save(proto, partial)
            quantize_dynamic(partial, partial, weight_type=QuantType.QInt8)
        proto = onnx.load(partial)
        onnx.helper.set_model_props(proto, about)
        onnx.save(proto, partial)
        difference = deviation(model, partial, other)
        if not difference < (math.inf if int8 else TOLERANCE):  # NaN is neither
            raise InputError(
                f"the ONNX file of {type(model).__name__} differs from torch by {difference:.1e}; it was not written"
            )
    return Path(path)


def deviation(model: SERModel, path: str | Path, inputs: Batch) -> float:
    """Return the largest difference between a model's logits and its ONNX file's, relative to logits beyond 1."""
    with torch.inference_mode():
        expected = model(**inputs).logits.numpy()
    return float(np.abs(run(path, inputs) - expected).max() / max(1.0, np.abs(expected).max()))


def run(path: str | Path, inputs: Batch) -> npt.NDArray[np.float32]:
    """Return the logits (batch, classes) that an ONNX file gives."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    wanted = {put.name for put in session.get_inputs()}
    feed = {name: value.numpy() for name, value in inputs.items() if name in wanted}
    return np.asarray(session.run(["logits"], feed)[0])


class _Logits(nn.Module):
    def __init__(self, model: SERModel, names: list[str]) -> None:
        super().__init__()
        self.model = model
        self.names = names

    def forward(self, *inputs: Tensor) -> Tensor:
        logits: Tensor = self.model(**dict(zip(self.names, inputs, strict=True))).logits
        return logits


def _example(model: SERModel, extractor: SERFeatureExtractor, clips: int, seed: int) -> Batch:
    """Return a batch of noise of several lengths, so that whatever depends on a length shows."""
    rng = np.random.default_rng(seed)
    least = extractor.min_samples
    lengths = [4 * least + int(extractor.sampling_rate * (1.0 + 0.25 * seed + 0.1 * clip)) for clip in range(clips)]
    noise = [extractor.compute(rng.normal(0, 0.1, length).astype(np.float32)) for length in lengths]
    batch = dict(extractor.collate(noise))
    if reads_text(model):
        batch["input_ids"] = torch.from_numpy(rng.integers(1, 20, (clips, 12 + 5 * seed)))
    return batch


@torch.library.custom_op("ser_hub::recurrent", mutates_args=())
def _recurrent(
    frames: Tensor, weight_in: Tensor, weight_back: Tensor, bias_in: Tensor, bias_back: Tensor, kind: str, hidden: int
) -> Tensor:
    raise NotImplementedError("stands for a layer while it is exported; ONNX computes it")


@_recurrent.register_fake
def _(
    frames: Tensor, weight_in: Tensor, weight_back: Tensor, bias_in: Tensor, bias_back: Tensor, kind: str, hidden: int
) -> Tensor:
    return frames.new_empty(frames.shape[0], frames.shape[1], hidden)


@contextlib.contextmanager
def _layers_of_any_length() -> Iterator[None]:
    """Let no layer fix the clip's length while it is exported.

    A recurrent layer with one direction is one operator (those with two stand only in models of one clip length), and
    pooling over time is that of two dimensions, of which one is 1.
    """

    def pool(self: nn.MaxPool1d, frames: Tensor) -> Tensor:
        kernel, stride = ((1, int(size)) for size in (self.kernel_size, self.stride))  # type: ignore[arg-type]
        return nn.functional.max_pool2d(frames.unsqueeze(2), kernel, stride, ceil_mode=self.ceil_mode).squeeze(2)

    with contextlib.ExitStack() as stack:
        stack.enter_context(mock.patch.object(nn.MaxPool1d, "forward", pool))
        for layer, kind in KINDS.items():
            stack.enter_context(mock.patch.object(layer, "forward", _as_operator(layer.forward, kind)))
        yield


def _as_operator(forward: Any, kind: str) -> Any:
    def whole(self: nn.RNNBase, frames: Tensor) -> tuple[Tensor, Any]:
        if self.bidirectional or self.num_layers != 1 or not self.batch_first:
            return forward(self, frames)  # type: ignore[no-any-return]
        weights = (self.weight_ih_l0, self.weight_hh_l0, self.bias_ih_l0, self.bias_hh_l0)
        states: Tensor = torch.ops.ser_hub.recurrent(frames, *weights, kind, self.hidden_size)
        return states, None

    return whole


def _translate(
    frames: Any, weight_in: Any, weight_back: Any, bias_in: Any, bias_back: Any, kind: str, hidden: int
) -> Any:
    """Write the layer with ONNX's operators, which order the gates differently and take time first."""
    from onnxscript import opset18

    op: Any = opset18  # its types know no traced value
    gates = {"LSTM": (0, 3, 1, 2), "ReluLSTM": (0, 3, 1, 2), "GRU": (1, 0, 2), "RNN": (0,)}[kind]

    def ordered(weight: Any) -> Any:
        if len(gates) == 1:
            return weight
        parts = op.Split(weight, num_outputs=len(gates), axis=0)
        return op.Concat(*(parts[gate] for gate in gates), axis=0)

    zeroth = op.Constant(value_ints=[0])
    w, r = (op.Unsqueeze(ordered(weight), zeroth) for weight in (weight_in, weight_back))
    b = op.Unsqueeze(op.Concat(ordered(bias_in), ordered(bias_back), axis=0), zeroth)
    time_first = op.Transpose(frames, perm=[1, 0, 2])
    if kind == "GRU":
        states, _ = op.GRU(time_first, w, r, b, hidden_size=hidden, linear_before_reset=1)
    elif kind == "RNN":
        states, _ = op.RNN(time_first, w, r, b, hidden_size=hidden)
    elif kind == "ReluLSTM":
        activations = ["Sigmoid", "Relu", "Relu"]
        states, _, _ = op.LSTM(time_first, w, r, b, hidden_size=hidden, activations=activations)
    else:
        states, _, _ = op.LSTM(time_first, w, r, b, hidden_size=hidden)
    direction = op.Constant(value_ints=[1])  # (time, directions, batch, hidden)
    return op.Transpose(op.Squeeze(states, direction), perm=[1, 0, 2])


def _fold(path: Path) -> None:
    """Compute what follows from the weights alone, such as their order of gates, once and for all."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(path)
    onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Keep the exporter's account of its steps to itself; what goes wrong is raised."""
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(logging.NOTSET)
