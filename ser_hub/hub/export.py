"""Write a Hub folder from a Lightning checkpoint: config, safetensors, preprocessor, README card."""

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import torch

from ser_hub.errors import InputError
from ser_hub.evaluation.record import weights_sha256
from ser_hub.features import FEATURE_EXTRACTORS, SERFeatureExtractor
from ser_hub.hub.card import render_card
from ser_hub.hub.onnx import export_onnx
from ser_hub.hub.remote_code import flat, remote_code
from ser_hub.models import ARCHITECTURES, SERModel
from ser_hub.models.base import provenance

UNCOMPARED = ("_name_or_path", "architectures", "dtype", "trained_on", "transformers_version")
"""Entries of a model's configuration that may differ between its test and its export."""


def export(
    checkpoint: str | Path,
    dest: str | Path,
    record: str | Path | None = None,
    evaluation: str | Path | None = None,
    *,
    onnx: bool = False,
    int8: bool = False,
) -> Path:
    """Write the folder that `from_pretrained` loads and the Hub stores.

    Args:
        checkpoint: A checkpoint that `ser-hub fit` (or a Trainer with a `SERDataModule`) wrote.
        dest: The folder to make; it must not exist, or be empty. It appears whole or not at all.
        record: The evidence record (`record.json`) of a test of this very checkpoint; its scores go on the card, and
            it lies in the folder with the pictures beside it.
        evaluation: Folder of a `ser-hub evaluate` of its recipe, for the card.
        onnx: Whether `model.onnx` lies in the folder too.
        int8: Whether `model-int8.onnx` does: the weights of its linear and recurrent layers take a quarter of the
            bytes, at the price of exactness. A model of few weights, or of convolutions, gains little.

    Returns:
        The folder.

    Raises:
        InputError: The checkpoint cannot be used, the record is of another checkpoint, the evaluation of another
            model, or `dest` is taken.
    """
    dest = Path(dest)
    if dest.exists() and (not dest.is_dir() or any(dest.iterdir())):
        raise InputError(f"{dest} exists already and is not an empty folder; name another, or remove it")
    state = read_checkpoint(checkpoint)
    model, extractor = build_model(state), build_feature_extractor(state)
    evidence = None if record is None else _read_record(record, Path(checkpoint), model, state)
    recipe = None if evaluation is None else _read_evaluation(evaluation, model, state)
    dest.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(dir=dest.parent, prefix=f".{dest.name}."))
    try:
        model.save_pretrained(partial)
        extractor.save_pretrained(partial)
        add_code(partial, model, extractor)
        if onnx:
            export_onnx(model, extractor, partial / "model.onnx")
        if int8:
            export_onnx(model, extractor, partial / "model-int8.onnx", int8=True)
        if evidence is not None and record is not None:
            # Where the checkpoint lay says nothing to whoever reads the record in the folder.
            (partial / "record.json").write_text(
                json.dumps(evidence | {"checkpoint": None}, indent=1) + "\n", encoding="utf-8"
            )
            for name in ("predictions.parquet", "confusion_matrix.png", "embeddings.png", "attention.png"):
                if (path := Path(record).with_name(name)).exists():
                    shutil.copyfile(path, partial / name)
        pictures = sorted(path.name for path in partial.glob("*.png"))
        card = render_card(dest.name, model, extractor, state, evidence, recipe, pictures)
        (partial / "README.md").write_text(card, encoding="utf-8")
        (partial / "model.safetensors").chmod(0o644)  # transformers writes it for its owner alone, and mkdtemp too
        partial.chmod(0o755)
        partial.rename(dest)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return dest


def add_code(folder: Path, model: SERModel, extractor: SERFeatureExtractor) -> None:
    """Write the modules that load the folder where ser_hub is not installed, and name them in its configurations."""
    for name, text in remote_code(type(model).__module__, type(extractor).__module__).items():
        (folder / name).write_text(text, encoding="utf-8")
    model_class, module = type(model).__name__, flat(type(model).__module__)
    auto_model = f"{module}.{model_class}"
    named = {
        "config.json": {
            "AutoConfig": f"{module}.{type(model.config).__name__}",
            "AutoModel": auto_model,
            "AutoModelForAudioClassification": auto_model,
        },
        "preprocessor_config.json": {
            "AutoFeatureExtractor": f"{flat(type(extractor).__module__)}.{type(extractor).__name__}"
        },
    }
    for name, classes in named.items():
        path = folder / name
        settings = json.loads(path.read_text(encoding="utf-8")) | {"auto_map": classes}
        path.write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")


def read_checkpoint(path: str | Path) -> dict[str, Any]:
    """Read a Lightning checkpoint of ours, without running any code that it may hold.

    Raises:
        InputError: The file is missing, no checkpoint, or was written without a `SERDataModule`.
    """
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        data = state["SERDataModule"]
        return {
            "weights": state["state_dict"],
            "config": state["hyper_parameters"]["config"],
            "feature_extractor": data["feature_extractor"],
            "trained_on": data["trained_on"],
            "epoch": state["epoch"],
            "validation_uar": _best_score(state, Path(path).name),
            "seconds": state["callbacks"].get("Timer", {}).get("time_elapsed", {}).get("train"),
        }
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist; give the checkpoint that `ser-hub fit` named") from error
    except KeyError as error:
        raise InputError(
            f"{path} is a checkpoint without {error}, so not one of a ser_hub model trained with its data module"
        ) from error
    except Exception as error:  # torch.load raises whatever the bytes lead it to
        raise InputError(f"{path} cannot be read as a checkpoint; give one that `ser-hub fit` wrote") from error


def build_model(state: dict[str, Any]) -> SERModel:
    """Return the trained model of a checkpoint, in evaluation mode.

    Raises:
        InputError: Its architecture is not one of ser_hub's.
    """
    model_type = state["config"].get("model_type")
    if model_type not in ARCHITECTURES:
        raise InputError(f"there is no architecture '{model_type}'; known are {', '.join(ARCHITECTURES)}")
    architecture = ARCHITECTURES[model_type]
    model = architecture.model(architecture.config.from_dict(state["config"]))
    model.load_state_dict(state["weights"])
    model.config.trained_on = provenance(state["trained_on"])
    return model.eval()  # type: ignore[no-any-return]


def build_feature_extractor(state: dict[str, Any]) -> SERFeatureExtractor:
    """Return the fitted feature extractor of a checkpoint.

    Raises:
        InputError: It is not one of ser_hub's.
    """
    saved = dict(state["feature_extractor"])
    name = saved.pop("feature_extractor_type")
    known = {extractor.__name__: extractor for extractor in FEATURE_EXTRACTORS}
    if name not in known:
        raise InputError(f"there is no feature extractor '{name}'; known are {', '.join(known)}")
    return known[name](**saved)


def _read_evaluation(folder: str | Path, model: SERModel, state: dict[str, Any]) -> dict[str, Any]:
    protocol, manifest = state["trained_on"]["protocol"], state["trained_on"]["manifest_sha256"]
    mine = _recipe(type(model).__name__, model.num_parameters(only_trainable=True), protocol)
    try:
        evaluation: dict[str, Any] = json.loads((Path(folder) / "evaluation.json").read_text(encoding="utf-8"))
        trained, data = evaluation["model"], evaluation["data"]
        theirs = _recipe(trained["class"], trained["trainable_parameters"], data["protocol"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{folder} is no evaluation; give a folder that `ser-hub evaluate` wrote") from error
    # Not the corpus's hash as well: the same samples as WAV and as FLAC are other bytes, and one split.
    if theirs != mine or data.get("manifest_sha256", manifest) != manifest:
        split = "" if theirs != mine else " of other clips or folds"
        raise InputError(f"{folder} evaluates {theirs}{split}; give the evaluation of the recipe, {mine}")
    return evaluation


def _recipe(model_class: str, parameters: int, protocol: str) -> str:
    return f"{model_class} with {parameters:,} parameters under {protocol}"


def _best_score(state: dict[str, Any], filename: str) -> float | None:
    """Return the validation UAR of a checkpoint that was saved as the best so far, else None."""
    for name, callback in state.get("callbacks", {}).items():
        is_best = Path(callback.get("best_model_path", "")).name == filename
        if name.startswith("ModelCheckpoint") and callback.get("monitor") == "val/uar" and is_best:
            score = callback.get("current_score")
            return None if score is None else float(score)
    return None


def _read_record(path: str | Path, checkpoint: Path, model: SERModel, state: dict[str, Any]) -> dict[str, Any]:
    try:
        record: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
        tested, trained_on = record["trained_on"] or {}, _as_json(state["trained_on"])
        same = (
            all(tested.get(key) == trained_on.get(key) for key in ("manifest_sha256", "fold", "seed", *tested))
            and record["model"]["class"] == type(model).__name__
            and _settings(record["model"]["config"]) == _settings(model.config.to_diff_dict())
        )
        if weights := record["model"].get("weights_sha256"):
            same = same and weights == weights_sha256(model)
        elif tested_file := record["checkpoint"]:  # an older record knows the weights by their file's name alone
            same = same and Path(tested_file).name == checkpoint.name
        _ = record["scores"], record["intervals"], record["per_speaker"], record["per_gender"]  # what the card shows
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path} cannot be read as an evidence record; give the record.json of a test") from error
    if not same:
        raise InputError(f"{path} is the record of another checkpoint; test this one first")
    return record


def _settings(config: dict[str, Any]) -> dict[str, Any]:
    """Return a model's configuration as a record has it, without what is written there for book-keeping."""
    return {name: value for name, value in _as_json(config).items() if name not in UNCOMPARED}


def _as_json(table: dict[str, Any]) -> dict[str, Any]:
    """Return a table as it comes back from JSON: with text for keys, and lists for tuples."""
    read: dict[str, Any] = json.loads(json.dumps(table))
    return read
