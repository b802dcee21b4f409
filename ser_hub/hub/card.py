"""The README of a Hub folder, generated from the checkpoint and the evidence record; no number is typed."""

from typing import Any

from huggingface_hub import EvalResult, ModelCard, ModelCardData

from ser_hub.corpora import get_corpus
from ser_hub.features.base import SERFeatureExtractor
from ser_hub.models.base import SERModel

METRICS = (("uar", "recall", "UAR"), ("war", "accuracy", "WAR"), ("f1", "f1", "macro F1"))
"""Key in a record's scores, and what the Hub and the field call it."""

TEMPLATE = """---
{card_data}
---

# {name}

{architecture} for speech emotion recognition: {parameters:,} trainable parameters, {classes} classes
({class_names}).

```python
import ser_hub
from transformers import pipeline

classify = pipeline("audio-classification", model="{name}")
classify("clip.wav")
```

## Training

Corpus: {corpus_title}. Protocol: {protocol}, fold {fold} ({independence}; manifest SHA-256 `{manifest}`).
Seed {seed}. Features: {features} at {sampling_rate} Hz, normalised with statistics of the training part.
These are the weights after epoch {epoch}{validation}.

## Results

{results}

## Limits

{limits}The classes are acted or elicited emotions of one corpus, in its language and recording conditions; expect lower
figures anywhere else. An emotion label is a listener's impression, not what a person feels: do not use it to judge
truthfulness, health or character, nor on people who have not agreed to it.

## Citation

{citation}
"""


def render_card(
    name: str,
    model: SERModel,
    extractor: SERFeatureExtractor,
    state: dict[str, Any],
    record: dict[str, Any] | None,
) -> str:
    """Return the card of an exported checkpoint.

    Args:
        name: Name of the folder, and of the repository.
        model: The trained model.
        extractor: Its feature extractor.
        state: The checkpoint, as `ser_hub.hub.export.read_checkpoint` gives it.
        record: Evidence record of its test; without one the card says that it was not tested.
    """
    trained_on = state["trained_on"]
    corpora = [get_corpus(corpus) for corpus in trained_on["corpus"].split("+")]
    corpus_title = "; ".join(f"{corpus.title} ({corpus.licence})" for corpus in corpora)
    score = state["validation_uar"]
    card_data = ModelCardData(
        library_name="ser_hub",
        pipeline_tag="audio-classification",
        tags=["speech-emotion-recognition", "audio-classification"],
        model_name=name,
        eval_results=[] if record is None else _eval_results(record, ", ".join(corpus.title for corpus in corpora)),
    )
    text = TEMPLATE.format(
        card_data=card_data.to_yaml(),
        name=name,
        architecture=type(model).__name__,
        parameters=sum(p.numel() for p in model.parameters() if p.requires_grad),
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
        epoch=state["epoch"] + 1,
        validation="" if score is None else f", the best by validation UAR ({score:.4f})",
        results=_results(record),
        limits="The training corpus is synthetic, a test bed: the model knows nothing of real speech. "
        if trained_on["corpus"] == "synthetic"
        else "",
        citation="\n\n".join(corpus.citation for corpus in corpora if corpus.citation),
    )
    return str(ModelCard(text))


def _independence(independent: bool) -> str:
    return "speaker-independent" if independent else "speaker-dependent: speakers stand on both sides of the split"


def _results(record: dict[str, Any] | None) -> str:
    if record is None:
        return "Not tested: no evidence record was given at the export."
    scores, data = record["scores"], record["data"]
    lines = [
        f"Measured on the {data['clips']['test']} test clips of {data['corpus']}, "
        f"{data['protocol']} fold {data['fold']} ({_independence(data['speaker_independent'])}), one seed: "
        f"UAR {scores['uar']:.4f}, WAR {scores['war']:.4f}, macro F1 {scores['f1']:.4f}.",
        "",
        "| class | recall | precision | F1 | clips |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {name} | {row['recall']:.3f} | {row['precision']:.3f} | {row['f1']:.3f} | {row['support']} |"
        for name, row in scores["per_class"].items()
    ]
    return "\n".join([*lines, "", "![Confusion matrix](confusion_matrix.png)"])


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
