import json

import numpy as np
import pandas as pd
import pyarrow.parquet
import pytest
import torch
from matplotlib.image import imread
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support, recall_score

from ser_hub.evaluation import figures
from ser_hub.evaluation.scores import scores, table


def test_scores_equal_scikit_learn():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 4, 200)
    probabilities = torch.tensor(rng.dirichlet(np.ones(4), 200) + 0.5 * np.eye(4)[labels])
    guesses = probabilities.argmax(dim=1).numpy()
    result = scores(labels.tolist(), probabilities, ["a", "b", "c", "d"])
    precision, recall, f1, support = precision_recall_fscore_support(labels, guesses)
    assert result["uar"] == pytest.approx(recall_score(labels, guesses, average="macro"), abs=1e-6)
    assert result["war"] == pytest.approx((labels == guesses).mean(), abs=1e-6)
    assert result["f1"] == pytest.approx(f1.mean(), abs=1e-6)
    for index, row in enumerate(result["per_class"].values()):
        assert [row["precision"], row["recall"], row["f1"]] == pytest.approx(
            [precision[index], recall[index], f1[index]], abs=1e-6
        )
        assert row["support"] == support[index]
    assert result["confusion_matrix"] == confusion_matrix(labels, guesses).tolist()
    assert f"UAR {result['uar']:.4f}" in table(result)


def test_record_can_be_judged_again_from_its_predictions(tested, checkpoint):
    record = json.loads((tested / "record.json").read_text())
    predictions = pyarrow.parquet.read_table(tested / record["predictions"]).to_pydict()
    assert record["scores"]["uar"] == pytest.approx(
        recall_score(predictions["label"], predictions["prediction"], average="macro"), abs=1e-6
    )
    assert len(predictions["clip_id"]) == record["data"]["clips"]["test"]
    assert record["checkpoint"] == str(checkpoint) and record["data"]["contamination"] is None
    assert record["data"]["corpus"] == "synthetic"
    assert record["data"]["speaker_independent"] is True
    assert record["seed"] == record["trained_on"]["seed"] == 0
    assert record["trained_on"]["manifest_sha256"] == record["data"]["manifest_sha256"]
    manifest = json.loads((tested / "manifest.json").read_text())
    assert manifest["sha256"] == record["data"]["manifest_sha256"]
    assert sorted(manifest["folds"][0]["test"]) == sorted(predictions["clip_id"])
    rows = zip(*(predictions[f"p_{name}"] for name in record["scores"]["per_class"]), strict=True)
    assert np.allclose([sum(row) for row in rows], 1.0, atol=1e-5)


@pytest.fixture
def drawn(monkeypatch):
    """What was drawn, instead of a file."""
    pictures = []
    monkeypatch.setattr(figures, "save", lambda figure, _: pictures.append(figure))
    return pictures


def test_the_mean_learning_curve_ends_with_the_first_run_that_stops(drawn):
    runs = {
        "long": pd.DataFrame({"epoch": range(4), "val/uar": [0.1, 0.3, 0.8, 0.9], "val/loss": [4.0, 3.0, 2.0, 1.0]}),
        "short": pd.DataFrame({"epoch": range(2), "val/uar": [0.3, 0.5], "val/loss": [2.0, 1.0]}),
    }
    figures.learning_curves(runs, "title", "x.png")
    recall = drawn[0].axes[1]
    (mean,) = [line for line in recall.lines if "mean" in line.get_label()]
    values = mean.get_ydata()
    assert values[:2] == pytest.approx([0.2, 0.4]) and np.isnan(values[2:]).all()


def test_calibration_error_weighs_bins_by_their_clips(drawn):
    """Three clips at 0.95, two of them right, and one at 0.55, right: 3/4 |2/3 - 0.95| + 1/4 |1 - 0.55|."""
    table = pd.DataFrame({"label": ["a"] * 4, "p_a": [0.95, 0.95, 0.05, 0.55]})
    table["p_b"] = 1 - table["p_a"]
    table["prediction"] = ["a", "a", "b", "a"]
    figures.calibration(table, ["a", "b"], "title", "x.png")
    expected = 0.75 * abs(2 / 3 - 0.95) + 0.25 * abs(1 - 0.55)
    assert f"expected calibration error {expected:.3f}" in drawn[0].axes[0].get_legend_handles_labels()[1]


def test_confusion_matrix_picture(tested, tmp_path):
    picture = imread(tested / "confusion_matrix.png")
    assert picture.shape[0] > 500 and picture.std() > 0.05  # not blank
    for name, matrix in {"diagonal": np.eye(3, dtype=int) * 9, "column": np.ones((3, 3), dtype=int)}.items():
        figures.confusion_matrix(matrix.tolist(), ["a", "b", "c"], "title", tmp_path / f"{name}.png")
    assert not np.array_equal(imread(tmp_path / "diagonal.png"), imread(tmp_path / "column.png"))
