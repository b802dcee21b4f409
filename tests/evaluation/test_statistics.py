"""Statistics of predictions, against scikit-learn and closed forms."""

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest
from sklearn.metrics import accuracy_score, balanced_accuracy_score, confusion_matrix, f1_score

from ser_hub.evaluation.statistics import (
    bootstrap_interval,
    by_group,
    by_speaker_and_gender,
    compare,
    confusion_by_speaker,
    metrics,
    summary,
)

NAMES = ["a", "b", "c"]


def predictions(speakers=12, clips=30, seeds=2, skill=0.6, seed=0):
    """Predictions that are right with a probability that differs by speaker."""
    rng = np.random.default_rng(seed)
    rows = []
    for run in range(seeds):
        for speaker in range(speakers):
            own = np.clip(skill + 0.25 * np.sin(speaker), 0, 1)
            for clip in range(clips):
                label = clip % 3
                guess = label if rng.uniform() < own else int(rng.integers(3))
                shares = np.full(3, 0.2) + 0.4 * (np.arange(3) == guess)
                rows.append(
                    {
                        "seed": run,
                        "clip_id": f"{speaker}-{clip}",
                        "speaker": f"s{speaker}",
                        "label": NAMES[label],
                        "prediction": NAMES[guess],
                        **{f"p_{name}": shares[index] for index, name in enumerate(NAMES)},
                    }
                )
    return pd.DataFrame(rows)


def test_summary_against_scikit_learn():
    table = predictions()
    result = summary(table, NAMES)
    per_seed = [part for _, part in table.groupby("seed")]
    for metric, reference in (
        ("uar", balanced_accuracy_score),
        ("war", accuracy_score),
        ("f1", lambda true, guess: f1_score(true, guess, average="macro")),
    ):
        values = [reference(part["label"], part["prediction"]) for part in per_seed]
        score = result["metrics"][metric]
        assert score["mean"] == pytest.approx(np.mean(values), abs=1e-6)
        assert score["deviation"] == pytest.approx(np.std(values, ddof=1), abs=1e-6)
        assert (score["minimum"], score["maximum"]) == pytest.approx((min(values), max(values)))
    assert result["confusion_matrix"] == confusion_matrix(table["label"], table["prediction"], labels=NAMES).tolist()
    assert result["per_class"]["a"]["support"] == 120


def test_seeds_together_are_judged_by_their_mean_probabilities():
    """Seeds that are right more often than not, and wrong in different clips, are better together."""
    table = predictions(seeds=7)
    columns = [f"p_{name}" for name in NAMES]
    guesses = table.groupby("clip_id", sort=False)[columns].mean().idxmax(axis=1).str.removeprefix("p_")
    labels = table.groupby("clip_id", sort=False)["label"].first()
    result = summary(table, NAMES)
    together = result["ensemble"]
    assert together["uar"]["value"] == pytest.approx(balanced_accuracy_score(labels, guesses), abs=1e-6)
    assert together["war"]["value"] == pytest.approx(accuracy_score(labels, guesses), abs=1e-6)
    assert together["uar"]["value"] > result["metrics"]["uar"]["maximum"]
    assert together["uar"]["interval"][0] < together["uar"]["value"] < together["uar"]["interval"][1]
    assert summary(predictions(seeds=1), NAMES)["ensemble"] is None


def test_counts_by_speaker():
    table = predictions(seeds=1)
    counts = confusion_by_speaker(table, NAMES)
    assert counts.shape == (1, 12, 3, 3)
    one = table[table["speaker"] == "s3"]
    assert (
        counts[0, sorted(table["speaker"].unique()).index("s3")] == confusion_matrix(one["label"], one["prediction"])
    ).all()
    found = metrics(counts.sum(axis=1))
    assert found["uar"][0] == pytest.approx(balanced_accuracy_score(table["label"], table["prediction"]))
    assert found["f1"][0] == pytest.approx(f1_score(table["label"], table["prediction"], average="macro"))


def test_a_group_without_a_class_is_judged_over_the_classes_that_it_has():
    table = predictions(seeds=1)
    table = table[table["label"] != "c"]
    assert (table["prediction"] == "c").any()
    reference = balanced_accuracy_score(table["label"], table["prediction"])
    assert by_group(table, NAMES)["uar"] == pytest.approx(reference)
    assert metrics(confusion_by_speaker(table, NAMES).sum(axis=1))["uar"][0] == pytest.approx(reference)


def test_the_interval_is_that_of_the_mean_over_speakers():
    """Of speakers of equal size and one class, WAR is a mean, whose error is known."""
    rng = np.random.default_rng(1)
    right = rng.binomial(50, rng.uniform(0.3, 0.9, 40))
    counts = np.zeros((1, 40, 2, 2))
    counts[0, :, 0, 0], counts[0, :, 0, 1] = right, 50 - right
    low, high = bootstrap_interval(counts)["war"]
    error = (right / 50).std() / 40**0.5
    assert (low, high) == pytest.approx(
        ((right / 50).mean() - 1.96 * error, (right / 50).mean() + 1.96 * error), abs=0.01
    )
    clip_error = ((right.sum() / 2000) * (1 - right.sum() / 2000) / 2000) ** 0.5
    assert high - low > 1.5 * 2 * 1.96 * clip_error  # resampling clips would promise too much
    assert bootstrap_interval(counts[:, :3]) == {}  # of so few it would be the worst and the best
    assert bootstrap_interval(counts[:, :4])
    perfect = np.zeros_like(counts)
    perfect[0, :, 0, 0] = 50
    both = bootstrap_interval(np.concatenate([perfect, counts]))["war"]  # of the mean over seeds: half way to 1
    assert both == pytest.approx(((1 + low) / 2, (1 + high) / 2))


def test_where_a_clip_names_no_speaker_there_is_no_interval():
    table = predictions()
    table.loc[table["speaker"] == "s3", "speaker"] = None
    score = summary(table, NAMES)["metrics"]["war"]
    assert score["interval"] is None
    assert score["mean"] == pytest.approx(accuracy_score(table["label"], table["prediction"]))


def test_each_speaker_and_gender_is_judged_by_its_own_clips():
    table = predictions(seeds=1)
    table["gender"] = np.where(table["speaker"].isin(["s1", "s2", "s3"]), "female", "male")
    found = by_speaker_and_gender(table, NAMES)
    for column in ("speaker", "gender"):
        for value, part in table.groupby(column):
            score = found[f"per_{column}"][value]
            assert score["uar"] == pytest.approx(balanced_accuracy_score(part["label"], part["prediction"]))
            assert score["clips"] == len(part)
    assert found["per_gender"]["female"]["uar"] != found["per_gender"]["male"]["uar"]


def test_compare():
    one, same, better = predictions(), predictions(seed=1), predictions(skill=0.9, seed=2)
    alike = compare(one, same, NAMES)
    assert alike["uar"]["p_value"] > 0.05 and alike["uar"]["interval"][0] < 0 < alike["uar"]["interval"][1]
    differ = compare(one, better, NAMES)
    assert differ["speakers"] == 12
    assert differ["uar"]["p_value"] < 0.01 and differ["uar"]["interval"][0] > 0
    means = [
        np.mean([balanced_accuracy_score(run["label"], run["prediction"]) for _, run in table.groupby("seed")])
        for table in (one, better)
    ]
    assert [differ["uar"]["one"], differ["uar"]["other"]] == pytest.approx(means)
    assert differ["uar"]["difference"] == pytest.approx(means[1] - means[0])
    itself = compare(one, one, NAMES)["war"]
    assert (itself["difference"], itself["interval"], itself["p_value"]) == (0.0, (0.0, 0.0), 1.0)


def test_the_p_value_is_the_share_of_all_swaps_that_differ_as_much_either_way():
    one, other = predictions(6, seeds=1), predictions(6, seeds=1, skill=0.68, seed=11)
    right = [(table["label"] == table["prediction"]).groupby(table["speaker"]).mean() for table in (one, other)]
    by_speaker = (right[1] - right[0]).to_numpy()
    swaps = [abs(np.mean(by_speaker * signs)) for signs in itertools.product([1, -1], repeat=6)]
    exact = np.mean(np.array(swaps) >= abs(by_speaker.mean()) - 1e-12)
    assert 0.05 < exact < 0.5
    assert compare(one, other, NAMES)["war"]["p_value"] == pytest.approx(exact, abs=0.015)
    assert compare(other, one, NAMES)["war"]["p_value"] == pytest.approx(exact, abs=0.015)


def drawn_for_each_speaker(seed):
    """Two models of which either is far better for some speakers; nothing says which is better for a new one."""
    rng = np.random.default_rng(seed)
    parts = []
    for skills in rng.permuted([[0.2] * 12, [0.9] * 12], axis=0):
        tables = [predictions(1, 30, 1, skill, int(rng.integers(1 << 30))) for skill in skills]
        parts.append(
            pd.concat(
                table.assign(speaker=f"s{number}", clip_id=[f"{number}-{clip}" for clip in range(30)])
                for number, table in enumerate(tables)
            )
        )
    return parts


def test_a_difference_that_comes_from_the_speakers_is_not_taken_for_the_models():
    """Under the null hypothesis p-values lie evenly; of clips taken one by one nearly all would be below 0.05."""
    by_speakers, by_clips = [], []
    for seed in range(30):
        tables = drawn_for_each_speaker(seed)
        by_speakers.append(compare(*tables, NAMES)["war"]["p_value"])
        right = [(table["label"] == table["prediction"]).to_numpy() for table in tables]
        only_one, only_other = (right[0] & ~right[1]).sum(), (right[1] & ~right[0]).sum()
        by_clips.append(binomtest(only_one, only_one + only_other).pvalue)  # McNemar's test
    assert 6 <= sum(value < 0.5 for value in by_speakers) <= 24
    assert sum(value < 0.05 for value in by_speakers) <= 5 < sum(value < 0.05 for value in by_clips)
