"""Processes that train one small model after the other, and keep what each run prints in its log."""

import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process
from multiprocessing.queues import SimpleQueue
from pathlib import Path
from typing import Any

import torch

from ser_hub.errors import InputError

CHECKPOINT = Path("checkpoints", "best.ckpt")
"""Where the folder of a `fit` has the best epoch."""

ONE_DEVICE = "--trainer.devices=1"
"""Runs stand side by side; one that took several devices would start this very command again for each."""


def run_all(work: Callable[..., None], tasks: Sequence[tuple[Any, ...]], workers: int) -> Iterator[None]:
    """Call a function with each task's arguments, in several processes at once; yields as each is done.

    Raises:
        InputError: A call raised it, and the tasks that had not begun are dropped; or a process was killed.
    """
    with worker_pool(workers) as pool:
        running = [pool.submit(work, *task) for task in tasks]
        try:
            for done in as_completed(running):
                yield done.result()
        except BrokenProcessPool as error:
            raise InputError(
                "a process that trained was killed, by hand or for want of memory; run the same command again with "
                "fewer --workers, and it goes on where it stopped"
            ) from error
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def fit_logged(settings: Sequence[str], root: Path, log: Path, name: str) -> Path:
    """Run `ser-hub fit` in this worker; returns the folder with what it wrote. Log, name, errors as `run_logged`."""
    quiet = ["--trainer.logger=false", "--trainer.enable_progress_bar=false"]
    run_logged(["fit", *settings, *quiet, ONE_DEVICE, f"--trainer.default_root_dir={root}"], log, name)
    return root / "version_0"


def test_logged(fit: Path, root: Path, log: Path, name: str) -> Path:
    """Run `ser-hub test` on the best epoch of a fit in this worker; returns the folder with what it wrote."""
    trained = [f"--config={fit / 'config.yaml'}", f"--ckpt_path={fit / CHECKPOINT}"]
    run_logged(["test", *trained, ONE_DEVICE, f"--trainer.default_root_dir={root}"], log, name)
    return root / "version_0"


def worker_pool(workers: int) -> ProcessPoolExecutor:
    """Return a pool of fresh processes that share this machine's cores, and its GPUs in turn; they end with this one.

    How many threads a run has follows from `workers` alone, for sums are rounded by it: one that is made again alone
    gives the same numbers as beside others.
    """
    threads = max(1, (os.cpu_count() or 1) // workers)
    context = get_context("spawn")  # not forked: torch's threads do not survive a fork
    devices = context.SimpleQueue()
    if gpus := _gpus():
        for worker in range(workers):
            devices.put(gpus[worker % len(gpus)])
    return ProcessPoolExecutor(workers, context, _start_worker, (threads, devices if gpus else None))


def run_logged(argv: Sequence[str], log: Path, name: str) -> None:
    """Run a command of `ser-hub` in this worker, with everything that it prints added to a log file.

    Args:
        argv: The command's arguments.
        log: Text file.
        name: What runs, for the message.

    Raises:
        InputError: The command refused; the message holds its reason and names the log.
    """
    from ser_hub.cli import main  # the command line imports the rooms, and this one among them

    with log.open("a") as file:
        for stream in (1, 2):  # the descriptors, for loggers hold on to the streams that they first saw
            os.dup2(file.fileno(), stream)
    code = main(argv)
    sys.stdout.flush()  # to this run's log, not to the next one's
    if code:
        said = [line for line in log.read_text().splitlines() if line.startswith("ser-hub: ")]
        reason = said[-1].removeprefix("ser-hub: ") if said else f"exit code {code}"
        raise InputError(f"{name} failed ({reason}); its log is {log}")


def _gpus() -> list[str]:
    """Return this process's GPUs, as CUDA_VISIBLE_DEVICES names them."""
    count = torch.cuda.device_count()
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    return named.split(",")[:count] if named else [str(index) for index in range(count)]


def _start_worker(threads: int, devices: SimpleQueue[str] | None) -> None:
    torch.set_num_threads(threads)  # more threads than cores would wait for one another
    if devices is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = devices.get()  # before anything asks for CUDA
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """Stop when the process that made this one is gone: killed, it could not say so."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
