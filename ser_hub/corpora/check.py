"""Is a corpus on disk what its makers published? What is missing, damaged, silent or twice."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
import soundfile
from datasets import Dataset
from tqdm import tqdm

from ser_hub import audio
from ser_hub.corpora import DataDir, get_corpus, load_corpus
from ser_hub.corpora.base import Corpus
from ser_hub.corpora.mixture import by_corpus
from ser_hub.errors import InputError

SILENT_DB = -60.0
"""A clip whose loudest sample lies below this, in dB of full scale, counts as silent."""

CLIPPED = 3
"""A clip with at least this many samples in a row at full scale counts as clipped."""


@dataclass
class Findings:
    """What `check` found.

    Attributes:
        defects: What makes a number on this copy another number than on the published corpus.
        remarks: What is worth knowing.
    """

    defects: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        """Return one line each, and the verdict."""
        lines = [f"defect   {line}" for line in self.defects] + [f"remark   {line}" for line in self.remarks]
        return "\n".join([*lines, f"{len(self.defects)} defects, {len(self.remarks)} remarks"])


@dataclass(frozen=True)
class _Clip:
    """What one file turned out to be."""

    error: str | None = None
    rate: int = 0
    channels: int = 0
    peak: float = 0.0
    clipped: bool = False


def check(name: str, data_dir: DataDir | None = None) -> Findings:
    """Compare a corpus, or each of a mixture's, with its published inventory, and look into every clip.

    Args:
        name: As `load_corpus` takes it.
        data_dir: As `load_corpus` takes it.

    Returns:
        Defects: missing clips, clips that are unreadable, cut short, empty, not finite, silent or of another sampling
        rate than published, byte-identical copies that disagree. Remarks: copies that agree (RAVDESS as published holds
        a pair), stereo, clipping, class and speaker balance.

    Raises:
        InputError: The corpus cannot be loaded.
    """
    rows = load_corpus(name, data_dir)
    corpora = [(get_corpus(corpus), part) for corpus, part in by_corpus(rows).items()]
    findings = Findings()
    for corpus, part in corpora:
        findings.defects += _missing(corpus, part)
    clips, contents = _inspect(rows)
    findings.defects += [f"{clip_id}: {clip.error}" for clip_id, clip in clips.items() if clip.error]
    sound = {clip_id: clip for clip_id, clip in clips.items() if not clip.error}
    silent = [clip_id for clip_id, clip in sound.items() if clip.peak < 10 ** (SILENT_DB / 20)]
    findings.defects += _listed("silent", silent)
    for corpus, part in corpora:
        mine = [clip_id for clip_id in part["clip_id"] if clip_id in sound]
        other_rate = [clip_id for clip_id in mine if corpus.sampling_rate not in (0, sound[clip_id].rate)]
        findings.defects += _listed(f"not at the published {corpus.sampling_rate} Hz", other_rate)
    meaning = dict(zip(rows["clip_id"], zip(rows["speaker"], rows["label"], strict=True), strict=True))
    for same in (clip_ids for clip_ids in contents.values() if len(clip_ids) > 1):
        agree = len({meaning[clip_id] for clip_id in same}) == 1
        line = f"byte-identical copies of {'one speaker and class' if agree else 'DIFFERENT speakers or classes'}"
        (findings.remarks if agree else findings.defects).append(f"{line}: {' = '.join(same)}")
    findings.remarks += _listed(
        "not mono (mixed down)", [clip_id for clip_id, clip in sound.items() if clip.channels > 1]
    )
    findings.remarks += _listed("clipped", [clip_id for clip_id, clip in sound.items() if clip.clipped])
    findings.remarks += _balance(rows)
    return findings


def _missing(corpus: Corpus, rows: Dataset) -> Iterator[str]:
    if corpus.inventory:
        yield from _listed("missing", sorted(corpus.inventory - set(rows["clip_id"])))
        yield from _listed("not published", sorted(set(rows["clip_id"]) - corpus.inventory))
    elif corpus.clips and len(rows) != corpus.clips:
        yield f"{corpus.name} has {len(rows)} clips instead of the published {corpus.clips}"
    if corpus.speakers and (found := len(set(rows["speaker"]) - {None})) != corpus.speakers:
        yield f"{corpus.name} has {found} speakers instead of the published {corpus.speakers}"


def _inspect(rows: Dataset) -> tuple[dict[str, _Clip], dict[str, list[str]]]:
    """Return what each clip is, by clip id, and the clip ids of each content."""

    def one(source: audio.AudioSource) -> tuple[_Clip, str]:
        return _look_into(source), audio.content_hash(source)

    contents = defaultdict(list)
    clips = {}
    with ThreadPoolExecutor() as pool:
        looked = tqdm(pool.map(one, rows["audio"]), total=len(rows), desc="check", unit="clip", leave=False)
        for clip_id, (clip, content) in zip(rows["clip_id"], looked, strict=True):
            clips[clip_id] = clip
            contents[content].append(clip_id)
    return clips, contents


def _look_into(source: audio.AudioSource) -> _Clip:
    try:
        samples, rate = audio.decode(source)
    except InputError as error:
        return _Clip(error=str(error))
    full = np.abs(samples) >= 0.9999
    # A run of full-scale samples: the waveform was cut off, and not just once as loud as it can be.
    run = np.convolve(full, np.ones(CLIPPED), mode="valid") if len(full) >= CLIPPED else np.zeros(1)
    return _Clip(
        rate=rate,
        channels=soundfile.info(audio.open_source(source)).channels,
        peak=float(np.abs(samples).max()),
        clipped=bool((run >= CLIPPED).any()),
    )


def _balance(rows: Dataset) -> Iterator[str]:
    """Name classes and speakers that have less than half as many clips as the largest."""
    labels = rows.features["label"].int2str(rows["label"][:])
    for kind, values in (("class", labels), ("speaker", rows["speaker"][:])):
        counts = Counter(value for value in values if value is not None)
        most = max(counts.values(), default=0)
        few = [f"{name} {count}" for name, count in sorted(counts.items()) if 2 * count <= most]
        yield from _listed(f"of half the clips of the largest {kind} ({most}) or fewer", few)


def _listed(what: str, which: list[str]) -> list[str]:
    """Return one line with the count and the first names, or none."""
    if not which:
        return []
    return [f"{len(which)} {what}: {', '.join(which[:5])}{', ...' if len(which) > 5 else ''}"]
