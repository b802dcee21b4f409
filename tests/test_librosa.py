"""librosa's compiled functions on an environment that has not compiled them yet."""

import os
import subprocess
import sys

PROGRAM = """
import ser_hub, librosa, numpy
samples = numpy.sin(numpy.arange(4096) * 0.3)
for kind in (numpy.float32, numpy.float64):
    crossings = librosa.zero_crossings(samples.astype(kind)).sum()
    peaks = librosa.util.localmax(samples.astype(kind)).sum()
    assert (crossings, peaks) == (392, 196), (kind, crossings, peaks)
"""


def test_two_processes_compile_at_once(tmp_path):
    # Closed form: 4095 * 0.3 rad = 391.04 half periods hold 391 sign changes, and the first sample counts as one;
    # 195.52 periods hold 196 maxima, the last after 195.25 periods.
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-c", PROGRAM]
    runs = [subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    errors = [run.communicate()[1] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], errors
