"""Processes that train."""

import os
import subprocess
import sys
import time
from multiprocessing import get_context

import pytest
import torch

from ser_hub.errors import InputError
from ser_hub.evaluation.workers import run_all, run_logged, worker_pool

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


def test_workers_share_the_cores_and_take_turns_on_the_devices(monkeypatch):
    cores = os.cpu_count()
    for workers in (cores, 2 * cores):
        with worker_pool(workers) as pool:
            assert pool.submit(torch.get_num_threads).result() == 1
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    for visible, expected in ((None, {"0", "1"}), ("3,5", {"3", "5"})):
        if visible:
            monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
        with get_context("spawn").Manager() as manager, worker_pool(2) as pool:
            meeting = manager.Barrier(2)  # so that each process has one
            asked = [pool.submit(device_of, meeting) for _ in range(2)]
            assert {one.result() for one in asked} == expected


def device_of(meeting):
    meeting.wait(120)
    return os.environ["CUDA_VISIBLE_DEVICES"]


def test_a_killed_worker_is_one_sentence():
    with pytest.raises(InputError, match="was killed, by hand or for want of memory"):
        list(run_all(os._exit, [(9,)], 1))


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
