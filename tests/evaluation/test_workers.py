"""Processes that train."""

import os
import subprocess
import sys
import time

import pytest
import torch

from ser_hub.errors import InputError
from ser_hub.evaluation.workers import run_logged, worker_pool

KILLED = """
import os, signal
from ser_hub.evaluation.workers import worker_pool
if __name__ == "__main__":
    pool = worker_pool(1)
    print(pool.submit(os.getpid).result(), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_each_run_has_its_log_and_its_reason(tmp_path):
    logs = [tmp_path / "one.txt", tmp_path / "two.txt"]
    with worker_pool(1) as pool:
        assert pool.submit(torch.get_num_threads).result() == os.cpu_count()
        pool.submit(run_logged, ["models"], logs[0], "one").result()
        with pytest.raises(InputError, match=r"two failed \(nowhere does not exist.*its log is .*two.txt"):
            pool.submit(run_logged, ["export", "nowhere", str(tmp_path / "x")], logs[1], "two").result()
    assert "reslstm-sa-h64" in logs[0].read_text()
    assert "nowhere" in logs[1].read_text() and "reslstm" not in logs[1].read_text()


def test_workers_end_with_a_killed_parent(tmp_path):
    program = tmp_path / "killed.py"  # a file, for a spawned process imports the main module again
    program.write_text(KILLED)
    worker = int(subprocess.run([sys.executable, program], stdout=subprocess.PIPE, text=True, check=False).stdout)
    for _ in range(100):
        try:
            os.kill(worker, 0)
        except ProcessLookupError:
            return
        time.sleep(0.1)
    pytest.fail(f"process {worker} still runs")
