"""A corpus to a Hub dataset repository: Parquet with the audio inside, a card, pictures; and the way up."""

import json
import math
import shutil
import tempfile
from collections import defaultdict
from pathlib import Path

import soundfile
from datasets import Dataset
from datasets.info import DatasetInfosDict
from datasets.table import embed_table_storage
from huggingface_hub import DatasetCard, DatasetCardData
from tqdm import tqdm

from ser_hub import audio
from ser_hub.corpora import DataDir, get_corpus, load_corpus
from ser_hub.corpora.base import duration
from ser_hub.corpora.repository import FILES, LABEL_MAP, SPLIT
from ser_hub.corpora.summary import class_counts
from ser_hub.errors import InputError
from ser_hub.evaluation import figures
from ser_hub.hub.licences import licence_for_card

SHARD_BYTES = 400_000_000
"""Audio per Parquet file; the Hub advises some hundred megabytes."""

TEMPLATE = """---
{card_data}
---

# {title}

{clips:,} clips, {hours:.2f} hours, {speakers}, {sampling_rates} Hz. Exported by ser_hub from the corpus that
its makers publish at {url}.

```python
from datasets import Audio, load_dataset

rows = load_dataset("path/to/{repository}", split="{split}")  # this folder, or its repository's name
rows = rows.cast_column("audio", Audio())  # to decode; undecoded, a row holds the audio file's bytes
```

| class | harmonised emotion | clips | speakers |
|---|---|---|---|
{table}
{label_map}
![Clips per class and speaker, and lengths of the clips](statistics.png)

Licence: {licence}. Columns: `audio`, `label` (the corpus's own classes), `emotion` (harmonised name), `speaker`
(unique across corpora), `gender`, `sentence`, `intensity`, `corpus`, `clip_id`. There is one split, because who trains
on what is a protocol's to say: keep the clips of a speaker on one side.

The emotions are acted or elicited: a label says what a speaker was asked to express, not what anybody felt.

## Citation

{citation}
"""


def export_corpus(name: str, dest: str | Path, data_dir: DataDir | None = None) -> Path:
    """Write a corpus, or a mixture, as a dataset repository that `datasets.load_dataset` reads without ser_hub.

    Args:
        name: As `load_corpus` takes it.
        dest: Folder to make; it must not exist.
        data_dir: As `load_corpus` takes it.

    Returns:
        The folder.

    Raises:
        InputError: The folder exists, or the corpus cannot be loaded.
    """
    dest = Path(dest)
    if dest.exists():
        raise InputError(f"{dest} exists already; remove it or name another folder")
    rows = load_corpus(name, data_dir)
    dest.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=dest.parent, prefix=f".{dest.name}.") as temporary:
        folder = Path(temporary) / "repository"
        _write_parquet(rows, folder)
        lengths = [duration(source) for source in rows["audio"]]
        figures.corpus_statistics(rows, lengths, folder / "statistics.png")
        (folder / "README.md").write_text(_card(rows, lengths, dest.name, folder), encoding="utf-8")
        # datasets does not keep a description with the Parquet files, and this one says what the classes mean.
        about = {"description": rows.info.description}
        (folder / LABEL_MAP).write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
        shutil.move(folder, dest)
    return dest


def _write_parquet(rows: Dataset, folder: Path) -> None:
    size = sum(len(audio.open_source(source).getbuffer()) for source in rows["audio"])
    count = max(1, math.ceil(size / SHARD_BYTES))
    (folder / "data").mkdir(parents=True)
    for index in tqdm(range(count), desc="write", unit="file", leave=False):
        shard = rows.shard(count, index, contiguous=True).with_format("arrow")
        # Only the name of a file goes with its bytes, not where it lay on this machine.
        shard = shard.map(embed_table_storage, batched=True, batch_size=100)
        shard.with_format(None).to_parquet(folder / "data" / f"{SPLIT}-{index:05d}-of-{count:05d}.parquet")


def _card(rows: Dataset, lengths: list[float], name: str, folder: Path) -> str:
    corpora = [get_corpus(corpus) for corpus in sorted(set(rows["corpus"]))]
    titles = ", ".join(corpus.title for corpus in corpora)
    licence, licence_name = licence_for_card(corpora)
    card_data = DatasetCardData(
        pretty_name=titles,
        task_categories=["audio-classification"],
        tags=["speech-emotion-recognition"],
        configs=[{"config_name": "default", "data_files": [{"split": SPLIT, "path": FILES}]}],
        license=licence,
        license_name=licence_name,
    )
    info = rows.info.copy()
    files = sorted(folder.glob(FILES))
    info.download_size = sum(path.stat().st_size for path in files)
    info.dataset_size = None
    info.features = rows.features
    info.splits = None
    DatasetInfosDict({"default": info}).to_dataset_card_data(card_data)
    speakers: dict[int, set[str]] = defaultdict(set)
    emotions: dict[int, set[str]] = defaultdict(set)
    for label, speaker, emotion in zip(rows["label"], rows["speaker"], rows["emotion"], strict=True):
        if speaker is not None:
            speakers[label].add(speaker)
        emotions[label].add(emotion)
    rates = {soundfile.info(audio.open_source(source)).samplerate for source in rows["audio"]}
    text = TEMPLATE.format(
        card_data=card_data.to_yaml(),
        title=titles,
        clips=len(rows),
        hours=sum(lengths) / 3600,
        speakers=f"{named} speakers" if (named := len(set(rows["speaker"]) - {None})) else "speakers unknown",
        sampling_rates=", ".join(f"{rate:,}" for rate in sorted(rates)),
        url=", ".join(corpus.url for corpus in corpora if corpus.url),
        repository=name,
        split=SPLIT,
        table="\n".join(
            f"| {label} | {', '.join(emotions[index])} | {count} | {len(speakers[index])} |"
            for index, (label, count) in enumerate(class_counts(rows).items())
        ),
        label_map=f"\n```\n{rows.info.description}\n```\n" if len(corpora) > 1 else "",
        licence="; ".join(f"{corpus.licence} ({corpus.title})" for corpus in corpora),
        citation="\n\n".join(corpus.citation for corpus in corpora if corpus.citation),
    )
    return str(DatasetCard(text))
