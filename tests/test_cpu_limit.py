"""The limit on a kernel's CPU time: it stops what computes or waits too long, and nothing else."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from autograder.grade.cpu_limit import CpuLimit

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no signals to send")
SWALLOWS = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass"
STARVED = "import time\nwhile True:\n  time.sleep(0.1); sum(range(400_000))"


@contextmanager
def running(code: str) -> Iterator[subprocess.Popen[str]]:
    """A Python process that runs `code`, after it has said that it began."""
    command = [sys.executable, "-c", f"print('begun', flush=True)\n{code}"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        assert process.stdout is not None and process.stdout.readline() == "begun\n"
        yield process
    finally:
        process.kill()
        process.wait()


def test_a_process_that_computes_too_long_is_interrupted() -> None:
    with running("while True: pass") as process, CpuLimit(process.pid, 0.3) as limit:
        assert process.wait(30) != 0
    assert limit.fired


def test_one_that_waits_too_long_is_interrupted() -> None:
    with running("import time; time.sleep(60)") as process, CpuLimit(process.pid, 1.0) as limit:
        assert process.wait(30) != 0
    assert limit.fired


def test_one_that_swallows_interruptions_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autograder.grade.cpu_limit.GRACE", 0.5)
    with running(SWALLOWS) as process, CpuLimit(process.pid, 0.3) as limit:
        assert process.wait(30) == -9
    assert limit.fired


def test_one_that_gets_little_of_the_processor_goes_on() -> None:
    """Three times the limit goes by on the clock; of CPU time it has used a part of it."""
    with running(STARVED) as process, CpuLimit(process.pid, 0.6) as limit:
        time.sleep(1.8)
        assert process.poll() is None
    assert not limit.fired


def test_a_process_that_is_gone_is_no_error() -> None:
    with running("pass") as process:
        process.wait(30)
        with CpuLimit(process.pid, 0.1) as limit:
            time.sleep(0.5)
    assert not limit.fired
    with CpuLimit(None, 0.1) as limit:
        time.sleep(0.3)
    assert not limit.fired
