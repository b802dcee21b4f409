"""Write a Hub folder from a Lightning checkpoint: config, safetensors, preprocessor, README card."""

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import torch

from ser_hub.errors import InputError
from ser_hub.features import FEATURE_EXTRACTORS, SERFeatureExtractor
from ser_hub.hub.card import render_card
from ser_hub.hub.onnx import export_onnx
from ser_hub.hub.remote_code import flat, remote_code
from ser_hub.models import ARCHITECTURES, SERModel
from ser_hub.training.data import provenance


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
        int8: Whether `model-int8.onnx` does: four times smaller, and less exact.

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
    evidence = None if record is None else _read_record(record, state)
    recipe = None if evaluation is None else _read_evaluation(evaluation, model)
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
            (partial / "record.json").write_text(json.dumps(evidence | {"checkpoint": None}, indent=1) + "\n")
            for name in ("predictions.parquet", "confusion_matrix.png", "embeddings.png", "attention.png"):
                if (path := Path(record).with_name(name)).exists():
                    shutil.copyfile(path, partial / name)
        pictures = sorted(path.name for path in partial.glob("*.png"))
        card = render_card(dest.name, model, extractor, state, evidence, recipe, pictures)
        (partial / "README.md").write_text(card)
        (partial / "model.safetensors").chmod(0o644)  # transformers writes it for its owner alone, and mkdtemp too
        partial.chmod(0o755)
        partial.rename(dest)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return dest


def add_code(folder: Path, model: SERModel, extractor: SERFeatureExtractor) -> None:
    """Write the modules that load the folder where ser_hub is not installed, and name them in its configurations."""
    for name, text in remote_code(type(model).__module__, type(extractor).__module__).items():
        (folder / name).write_text(text)
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
        path.write_text(json.dumps(json.loads(path.read_text()) | {"auto_map": classes}, indent=2) + "\n")


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


def _read_evaluation(folder: str | Path, model: SERModel) -> dict[str, Any]:
    try:
        evaluation: dict[str, Any] = json.loads((Path(folder) / "evaluation.json").read_text())
    except (OSError, ValueError) as error:
        raise InputError(f"{folder} is no evaluation; give a folder that `ser-hub evaluate` wrote") from error
    trained = evaluation["model"]
    parameters = model.num_parameters(only_trainable=True)
    if (trained["class"], trained["trainable_parameters"]) != (type(model).__name__, parameters):
        raise InputError(f"{folder} evaluates a {trained['class']} of another size; give the one of this recipe")
    return evaluation


def _best_score(state: dict[str, Any], filename: str) -> float | None:
    """Return the validation UAR of a checkpoint that was saved as the best so far, else None."""
    for name, callback in state.get("callbacks", {}).items():
        is_best = Path(callback.get("best_model_path", "")).name == filename
        if name.startswith("ModelCheckpoint") and callback.get("monitor") == "val/uar" and is_best:
            score = callback.get("current_score")
            return None if score is None else float(score)
    return None


def _read_record(path: str | Path, state: dict[str, Any]) -> dict[str, Any]:
    try:
        record: dict[str, Any] = json.loads(Path(path).read_text())
        tested, trained = record["trained_on"] or {}, state["trained_on"]
        same = all(tested.get(key) == trained[key] for key in ("manifest_sha256", "fold", "seed"))
        _ = record["scores"], record["intervals"], record["per_speaker"], record["per_gender"]  # what the card shows
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{path} cannot be read as an evidence record; give the record.json of a test") from error
    if not same:
        raise InputError(f"{path} is the record of another checkpoint; test this one first")
    return record
