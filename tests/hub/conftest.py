"""The loopback Hub, and processes that know no other."""

import os
import subprocess
import sys

import pytest

from .loopback import serving


@pytest.fixture
def hub():
    with serving() as server:
        yield server


@pytest.fixture
def client(hub, tmp_path):
    """Run Python code in a process of its own whose Hub is the loopback server; returns what it printed."""

    def run(code, *argv, status=0, cwd=None, **environment):
        settings = {
            "HF_ENDPOINT": hub.url,
            "HF_HOME": str(tmp_path / "hf"),
            "HF_TOKEN": "hf_of_the_test",
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_OFFLINE": "0",
            "HF_HUB_DISABLE_TELEMETRY": "1",
        }
        command = [sys.executable, "-c", code, *map(str, argv)]
        done = subprocess.run(
            command, env=os.environ | settings | environment, capture_output=True, text=True, cwd=cwd, timeout=300
        )
        assert done.returncode == status, done.stderr[-3000:]
        assert "hf_of_the_test" not in done.stdout + done.stderr
        return done.stdout if status == 0 else done.stderr

    return run


CLI = "import sys; from ser_hub.cli import main; sys.exit(main(sys.argv[1:]))"
"""The command line, for `client`."""
