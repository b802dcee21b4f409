"""Where recipes and checkpoints are found, in installations as the schemes of pip lay them out."""

import importlib.util
import shutil
from pathlib import Path

import pytest

from ser_hub import shipped

RECIPE = "share/ser_hub/configs/mine.yaml"


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Lay an installation out; returns its `folders`. A foreign `configs` lies beside the package, as it may."""

    def make(site, data, record=None):
        site, data = tmp_path / site, tmp_path / data
        package, about = site / "ser_hub", site / "ser_hub-0.1.0.dist-info"
        for folder in (package, about, site / "configs", (data / RECIPE).parent):
            folder.mkdir(parents=True)
        shutil.copy(shipped.__file__, package / "shipped.py")
        (site / "configs" / "foreign.yaml").touch()
        (data / RECIPE).touch()
        (about / "METADATA").write_text("Metadata-Version: 2.1\nName: ser-hub\nVersion: 0.1.0\n")
        if record is not None:
            (about / "RECORD").write_text(f"ser_hub/shipped.py,,\n{record},,\n")
        monkeypatch.syspath_prepend(str(site))
        spec = importlib.util.spec_from_file_location("installed_shipped", package / "shipped.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module.folders

    return make


@pytest.mark.parametrize(
    ("site", "data", "record"),
    [
        ("venv/lib/python3.11/site-packages", "venv", f"../../../{RECIPE}"),
        ("usr/local/lib/python3.11/dist-packages", "usr/local", f"../../../{RECIPE}"),  # Debian's own pip
        ("home/.local/lib/python3.11/site-packages", "home/.local", f"../../../{RECIPE}"),  # --user
        ("target", "target", f"../../{RECIPE}"),  # --target, whose record is of where pip built it
        ("target", "target", None),
    ],
)
def test_recipes_are_found_and_nobody_elses(installed, tmp_path, site, data, record):
    found = [path for folder in installed(site, data, record)("configs") for path in folder.glob("*.yaml")]
    assert found == [(tmp_path / data / RECIPE).resolve()]


def test_in_a_checkout_they_are_the_checkouts():
    root = Path(__file__).parents[1]
    assert shipped.folders("configs")[0] == root / "configs" and shipped.folders("cards")[0] == root / "cards"
