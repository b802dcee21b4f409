"""The README of a Hub folder, generated from the checkpoint and the evidence record; no number is typed."""

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from huggingface_hub import EvalResult, ModelCard, ModelCardData

from ser_hub.corpora import get_corpus
from ser_hub.evaluation.crossval import command, counted, threads_text
from ser_hub.features import FunctionalsFeatureExtractor, SERFeatureExtractor
from ser_hub.hub.licences import licence_for_card
from ser_hub.models import ARCHITECTURES, SERModel

METRICS = (("uar", "recall", "UAR"), ("war", "accuracy", "WAR"), ("f1", "f1", "macro F1"))
"""Key in a record's scores, and what the Hub and the field call it."""

TEMPLATE = """---
{card_data}
---

# {name}

{architecture} ({source}) for speech emotion recognition: {parameters:,} trainable parameters, {classes} classes
({class_names}).

## Use

```python
import ser_hub  # pip install {package}
from transformers import pipeline

classify = pipeline("audio-classification", model="path/to/{name}")  # this folder, or its repository's name
classify("clip.wav")
```

Without ser_hub, `AutoModel.from_pretrained(..., trust_remote_code=True)` and the same for `AutoFeatureExtractor` run
the code in this repository; they need what it imports (lightning, torchmetrics, librosa and their like).
{rights}
Meant for research on emotion in acted and elicited speech, and as a baseline to beat. Not meant for decisions about
people: hiring, policing, education, health, insurance, border control or the detection of lies.

## Training

Corpus: {corpus_title}. Protocol: {protocol}, fold {fold} ({independence}; manifest SHA-256 `{manifest}`).
Seed {seed}. Features: {features} at {sampling_rate} Hz{normalised}.
Of a clip it reads {reads}.
These are the weights after epoch {epoch}{validation}{seconds}.
It has seen {speakers}{untested}.

## Results

{results}
{recipe}
## Limits

{limits}The classes are acted or elicited emotions of one corpus, in its language and recording conditions; expect lower
figures anywhere else, and for speakers of another age, culture or language. An emotion label is a listener's
impression, not what a person feels: do not use it to judge truthfulness, health or character, nor on people who have
not agreed to it.

## Citation

{citation}
"""


OPENSMILE = """
Its features are computed by openSMILE, which is for non-commercial use.
"""


def render_card(
    name: str,
    model: SERModel,
    extractor: SERFeatureExtractor,
    state: dict[str, Any],
    record: dict[str, Any] | None,
    evaluation: dict[str, Any] | None = None,
    pictures: Sequence[str] = (),
) -> str:
    """Return the card of an exported checkpoint.

    Args:
        name: Name of the folder, and of the repository.
        model: The trained model.
        extractor: Its feature extractor.
        state: The checkpoint, as `ser_hub.hub.export.read_checkpoint` gives it.
        record: Evidence record of its test; without one the card says that it was not tested.
        evaluation: Record of `ser-hub evaluate` for its recipe, over all folds and seeds.
        pictures: PNG files of the test that lie beside the card.
    """
    trained_on = state["trained_on"]
    corpora = [get_corpus(corpus) for corpus in trained_on["corpus"].split("+")]
    corpus_title = "; ".join(f"{corpus.title} ({corpus.licence})" for corpus in corpora)
    licence, licence_name = licence_for_card(corpora)
    score = state["validation_uar"]
    speakers = [speaker for speaker in trained_on["speakers"] if speaker is not None]
    is_opensmile = isinstance(extractor, FunctionalsFeatureExtractor)
    card_data = ModelCardData(
        library_name="ser_hub",
        pipeline_tag="audio-classification",
        license=licence,
        license_name=licence_name,
        tags=["speech-emotion-recognition", "audio-classification"],
        model_name=name,
        eval_results=[] if record is None else _eval_results(record, ", ".join(corpus.title for corpus in corpora)),
    )
    text = TEMPLATE.format(
        card_data=card_data.to_yaml(),
        name=name,
        package='"ser-hub[opensmile]"' if is_opensmile else "ser-hub",
        rights=OPENSMILE if is_opensmile else "",
        architecture=type(model).__name__,
        source=ARCHITECTURES[model.config.model_type].source,
        parameters=model.num_parameters(only_trainable=True),
        classes=model.config.num_labels,
        class_names=", ".join(model.config.class_names),
        corpus_title=corpus_title,
        protocol=trained_on["protocol"],
        fold=trained_on["fold"],
        independence=_independence(trained_on["speaker_independent"]),
        manifest=trained_on["manifest_sha256"],
        seed=trained_on["seed"],
        features=type(extractor).__name__,
        sampling_rate=extractor.sampling_rate,
        reads=extractor.reads,
        normalised="" if extractor.mean is None else ", normalised with statistics of the training part",
        epoch=state["epoch"] + 1,
        validation="" if score is None else f", the best by validation UAR ({score:.4f})",
        speakers=f"{len(speakers)} speakers" if speakers else "speakers whom nobody named",
        untested=", on none of whom `ser-hub test` tests it" if trained_on["speaker_independent"] else "",
        seconds="" if state["seconds"] is None else f", after {state['seconds']:.0f} s of training",
        results=_results(record, pictures),
        recipe=_recipe(evaluation, trained_on),
        limits="The training corpus is synthetic, a test bed: the model knows nothing of real speech. "
        if trained_on["corpus"] == "synthetic"
        else "",
        citation="\n\n".join(corpus.citation for corpus in corpora if corpus.citation),
    )
    return str(ModelCard(text))


def _independence(independent: bool) -> str:
    return "speaker-independent" if independent else "speaker-dependent: speakers stand on both sides of the split"


def _results(record: dict[str, Any] | None, pictures: Sequence[str]) -> str:
    if record is None:
        return "Not tested: no evidence record was given at the export."
    scores, data = record["scores"], record["data"]
    shown = "\n".join(f"![{name.removesuffix('.png').replace('_', ' ')}]({name})" for name in pictures)
    intervals = record["intervals"]
    spread = "; ".join(f"{key.upper()} {low:.3f} to {high:.3f}" for key, (low, high) in intervals.items())
    return f"""Measured on the {data["clips"]["test"]} test clips of {data["corpus"]}, \
{data["protocol"]} fold {data["fold"]} ({_independence(data["speaker_independent"])}), one seed: \
UAR {scores["uar"]:.4f}, WAR {scores["war"]:.4f}, macro F1 {scores["f1"]:.4f}.
95 % intervals from a bootstrap over speakers: {spread or "not known, for want of speakers"}.

{_table("class", scores["per_class"], {"recall": 3, "precision": 3, "f1": 3, "support": 0})}

{_table("speaker or gender", record["per_gender"] | record["per_speaker"], {"uar": 3, "war": 3, "clips": 0})}

{shown}
"""


def _recipe(evaluation: dict[str, Any] | None, trained_on: Mapping[str, Any]) -> str:
    if evaluation is None:
        return ""
    data, metrics = evaluation["data"], evaluation["scores"]["metrics"]
    unknown = ("too few speakers",) * 2
    rows = {
        name.upper(): score | dict(zip(("low", "high"), score["interval"] or unknown, strict=True))
        for name, score in metrics.items()
    }
    seeds, settings = len(evaluation["seeds"]), evaluation["settings"]
    one = [f"--data.fold={trained_on['fold']}", f"--seed_everything={trained_on['seed']}"]
    made = f"""Made by `{command("evaluate", settings, seeds)}`{threads_text(evaluation)}; this checkpoint by \
`{shlex.join(["ser-hub", "fit", *settings, *one])}`.
"""
    if data["folds"] * seeds == 1:  # its numbers are those above
        return f"\n{made}"
    over_seeds = ("deviation", "minimum", "maximum") if seeds > 1 else ()
    return f"""
### The recipe, over all folds

One checkpoint is one draw; the recipe itself was trained {data["folds"] * seeds} times \
({counted(data["folds"], "fold")} of {data["protocol"]}, {_independence(data["speaker_independent"])}; \
{counted(seeds, "seed")}), and the predictions of all folds were pooled. \
{"Deviation over seeds; " if over_seeds else ""}95 % interval from a bootstrap over speakers.

{_table("metric", rows, dict.fromkeys(("mean", *over_seeds, "low", "high"), 4))}

{made}"""


def _table(kind: str, rows: Mapping[str, Mapping[str, Any]], columns: Mapping[str, int]) -> str:
    """Return a Markdown table: one line per row, each column with so many decimals; text stands as it is."""

    def cell(value: Any, places: int) -> str:
        return value if isinstance(value, str) else f"{value:.{places}f}"

    lines = [f"| {kind} | {' | '.join(columns)} |", f"|---{'|---' * len(columns)}|"]
    lines += [
        f"| {name} | {' | '.join(cell(row[column], places) for column, places in columns.items())} |"
        for name, row in rows.items()
    ]
    return "\n".join(lines)


def _eval_results(record: dict[str, Any], corpus_title: str) -> list[EvalResult]:
    data = record["data"]
    return [
        EvalResult(
            task_type="audio-classification",
            task_name="Speech emotion recognition",
            dataset_type=data["corpus"],
            dataset_name=corpus_title,
            dataset_config=f"{data['protocol']}, fold {data['fold']}",
            dataset_split="test",
            metric_type=metric_type,
            metric_name=metric_name,
            metric_value=round(record["scores"][key], 4),
        )
        for key, metric_type, metric_name in METRICS
    ]
