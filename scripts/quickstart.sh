#!/usr/bin/env bash
# From nothing to a prediction: set up, train ResLSTM-SA, test on unseen speakers, export, load, predict one clip.
#
#   bash scripts/quickstart.sh                    on the embedded synthetic corpus
#   bash scripts/quickstart.sh --data-dir PATH    on RAVDESS, in the folder PATH
set -euo pipefail

usage="usage: bash scripts/quickstart.sh [--data-dir PATH_TO_RAVDESS]"
case "${1:-}" in
    "") corpus=synthetic data=(--data.corpus synthetic) epochs=12 ;;
    --data-dir)
        [ -n "${2:-}" ] || { echo "$usage" >&2; exit 2; }
        [ -d "$2" ] || { echo "$2 is not a folder; give the folder that holds RAVDESS" >&2; exit 2; }
        corpus=ravdess folder=$(cd "$2" && pwd) data=(--data.corpus ravdess --data.data_dir "$folder") epochs=30
        ;;
    -h | --help) echo "$usage"; exit 0 ;;
    *) echo "$usage" >&2; exit 2 ;;
esac

cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/setup.sh
set_up
export PATH="$PWD/.venv/bin:$PATH"

recipe=configs/reslstm-sa-h64.yaml
run=runs/quickstart/$(date +%Y%m%d-%H%M%S)
step() { printf '\n== %s\n' "$*"; }

step "train on $corpus, $epochs epochs; the best epoch is chosen on the validation speakers"
ser-hub fit --config "$recipe" "${data[@]}" --trainer.max_epochs "$epochs" --trainer.default_root_dir "$run/fit"

checkpoint=$run/fit/version_0/checkpoints/best.ckpt
step "test on speakers that were never seen"
ser-hub test --config "$run/fit/version_0/config.yaml" --ckpt_path "$checkpoint" \
    --trainer.default_root_dir "$run/test" --trainer.logger false
evidence=$run/test/version_0

step "export as a Hub folder"
ser-hub export "$checkpoint" "$run/reslstm-sa-h64" --record "$evidence/record.json"

step "load it with AutoModel.from_pretrained"
python - "$run/reslstm-sa-h64" <<'PY'
import sys

import ser_hub
from transformers import AutoModel

model = AutoModel.from_pretrained(sys.argv[1])
print(type(model).__name__, f"{model.num_parameters():,} parameters, classes:", ", ".join(model.config.class_names))
PY

step "predict one clip of a test speaker"
clip=$(HF_DATASETS_DISABLE_PROGRESS_BARS=1 python - "$corpus" ${folder:+"$folder"} <<'PY'
import sys

from ser_hub import load_corpus

rows = load_corpus(*sys.argv[1:])
print(next(row["audio"]["path"] for row in rows if row["speaker"].endswith("-02") and row["label"] == 4))
PY
)
ser-hub predict "$run/reslstm-sa-h64" "$clip"

step "what was written"
printf '%-18s%s\n' \
    checkpoint "$checkpoint" \
    "Hub folder" "$run/reslstm-sa-h64" \
    "confusion matrix" "$evidence/confusion_matrix.png" \
    "evidence record" "$evidence/record.json"
[ "$corpus" != synthetic ] || echo "The synthetic corpus is a test bed: these numbers say nothing about real speech."
