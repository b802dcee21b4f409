"""scripts/cards.py: which run becomes the checkpoint that comes along."""

import pytest


@pytest.fixture(scope="module")
def best_run(load_script):
    return load_script("cards").best_run


@pytest.mark.parametrize(
    ("values", "best"),
    [
        # Fold 1 has easier validation speakers; what counts is the distance to the other seeds of the same fold.
        ({"fold0-seed0": 0.50, "fold0-seed1": 0.60, "fold1-seed0": 0.70, "fold1-seed1": 0.72}, "fold0-seed1"),
        ({"fold0-seed0": 0.50, "fold1-seed0": 0.70, "fold2-seed0": 0.60}, "fold1-seed0"),
        ({"fold0-seed0": 0.50, "fold0-seed1": 0.50, "fold1-seed0": 0.70, "fold1-seed1": 0.70}, "fold1-seed0"),
    ],
)
def test_the_run_is_judged_among_the_seeds_of_its_fold(best_run, tmp_path, values, best):
    for name, uar in values.items():
        run = tmp_path / name
        run.mkdir()
        # The best epoch stands for the run, not the last; empty rows are those of training steps.
        (run / "metrics.csv").write_text(f"epoch,val/uar\n0,{uar}\n0,\n1,{uar - 0.3}\n")
    assert best_run([tmp_path / name for name in values]).name == best
