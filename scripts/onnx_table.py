"""What ONNX and int8 cost: the checkpoints under cards/ on the test clips of their own fold.

    python scripts/onnx_table.py --data-dir PATH_TO_RAVDESS

Writes results/onnx.json, and the table into the README.
"""

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np
import torch
from _readme import write_table
from transformers import AutoFeatureExtractor, AutoModel

import ser_hub
from ser_hub.cache import write_json
from ser_hub.corpora.base import content_hashes
from ser_hub.evaluation.record import environment
from ser_hub.evaluation.scores import scores
from ser_hub.features.cache import extract_all
from ser_hub.hub.onnx import export_onnx, run
from ser_hub.hub.zoo import trained
from ser_hub.protocols import get_protocol

ROOT = Path(__file__).resolve().parents[1]
BEGIN, END = "<!-- onnx: written by scripts/onnx_table.py -->", "<!-- /onnx -->"


def measure(name: str, data_dir: str) -> dict[str, object]:
    """Return sizes, UAR and the largest deviation of a checkpoint's files on its test clips."""
    folder = ser_hub.checkpoint(name)
    record = json.loads((folder / "record.json").read_text())
    model, extractor = AutoModel.from_pretrained(folder), AutoFeatureExtractor.from_pretrained(folder)
    rows = ser_hub.load_corpus(record["data"]["corpus"], data_dir)
    manifest = get_protocol(record["data"]["protocol"]).manifest(rows)
    assert manifest.sha256 == record["data"]["manifest_sha256"], f"{name}: another split than the card's"
    test = set(manifest.fold(record["data"]["fold"]).test)
    rows = rows.select([place for place, clip in enumerate(rows["clip_id"]) if clip in test])
    clips = extract_all(rows["audio"], content_hashes(rows), extractor)
    batches = [dict(extractor.collate(clips[start : start + 16])) for start in range(0, len(clips), 16)]
    with torch.inference_mode():
        logits = {"torch": np.concatenate([model(**batch).logits.numpy() for batch in batches])}
    sizes = {"torch": (folder / "model.safetensors").stat().st_size}
    with tempfile.TemporaryDirectory() as place:
        for kind in ("onnx", "int8"):
            path = export_onnx(model, extractor, Path(place, f"{kind}.onnx"), int8=kind == "int8")
            sizes[kind] = path.stat().st_size
            logits[kind] = np.concatenate([run(path, batch) for batch in batches])
    uar = {
        kind: scores(rows["label"], torch.from_numpy(values).softmax(dim=-1), model.config.class_names)["uar"]
        for kind, values in logits.items()
    }
    assert abs(uar["torch"] - record["scores"]["uar"]) < 1e-6, f"{name}: another UAR than its record's"
    return {
        "name": name,
        "clips": len(rows),
        "bytes": sizes,
        "uar": uar,
        "deviation": {kind: float(np.abs(logits[kind] - logits["torch"]).max()) for kind in ("onnx", "int8")},
    }


def main() -> None:
    """Measure every checkpoint and write record and table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data-dir", required=True, help="folder of RAVDESS")
    data_dir = parser.parse_args().data_dir
    measured = [measure(one.name, data_dir) for one in trained()]
    record = environment() | {"checkpoints": measured}
    write_json(ROOT / "results" / "onnx.json", record)
    lines = [
        "| checkpoint | file | KiB | largest deviation of a logit | UAR on its test clips |",
        "|---|---|---|---|---|",
    ]
    for row in measured:
        for kind, label in (("torch", "safetensors"), ("onnx", "ONNX"), ("int8", "ONNX int8")):
            deviation = f"{row['deviation'][kind]:.1e}" if kind != "torch" else ""
            size = row["bytes"][kind] / 1024
            lines.append(f"| {row['name']} | {label} | {size:.0f} | {deviation} | {row['uar'][kind]:.4f} |")
    write_table(BEGIN, END, "\n".join(lines))


if __name__ == "__main__":
    main()
