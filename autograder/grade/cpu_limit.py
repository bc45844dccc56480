"""Stop a cell that has used up its CPU time, from outside its kernel.

What counts is the main thread's CPU time, not the wall clock: on a busy machine a right answer
takes longer, and is still right.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from types import TracebackType

import psutil

LOOK = 0.2  # seconds between checks
GRACE = 5.0  # seconds that an interrupted cell has to end, before its kernel is killed
IDLE = 0.02  # of one core: a cell that uses less than this share is waiting for something


class CpuLimit:
    """``with CpuLimit(pid, seconds) as limit: ...`` watches a kernel while it runs one cell.

    Once the main thread has used `seconds` of CPU time, the cell is interrupted repeatedly; a
    kernel that keeps going is killed. A cell that only waits, and uses next to no CPU time, is
    stopped after the same number of seconds of wall-clock time. `fired` says whether either
    happened.
    """

    def __init__(self, pid: int | None, seconds: float) -> None:
        self.seconds, self.fired = seconds, False
        self._done = threading.Event()
        self._kernel: psutil.Process | None = None
        if pid is not None:
            try:
                self._kernel = psutil.Process(pid)
                self._began = _used(self._kernel)
            except psutil.Error:
                self._kernel = None  # it is gone: whoever runs the cells will notice
        self._thread = threading.Thread(target=self._watch, daemon=True, name="cpu-limit")

    def __enter__(self) -> CpuLimit:
        if self._kernel is not None:
            self._start = time.monotonic()
            self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._done.set()
        if self._kernel is not None:
            self._thread.join()

    def _watch(self) -> None:
        assert self._kernel is not None
        kill_at = None
        while not self._done.wait(LOOK):
            try:
                if kill_at is None and not self._is_over():
                    continue
                self.fired = True
                kill_at = kill_at or time.monotonic() + GRACE
                if time.monotonic() > kill_at:
                    self._kernel.kill()
                    return
                _interrupt(self._kernel)
            except psutil.Error:
                return

    def _is_over(self) -> bool:
        assert self._kernel is not None
        used, wall = _used(self._kernel) - self._began, time.monotonic() - self._start
        return used > self.seconds or (wall > self.seconds and used < IDLE * wall)


def _used(kernel: psutil.Process) -> float:
    """CPU seconds of the main thread, or of the process if threads can't be told apart."""
    if sys.platform == "linux":
        for thread in kernel.threads():
            if thread.id == kernel.pid:
                return thread.user_time + thread.system_time
    times = kernel.cpu_times()
    return times.user + times.system


def _interrupt(kernel: psutil.Process) -> None:
    """Interrupt the kernel as the stop button does; without such a signal, kill it."""
    if os.name == "nt":
        kernel.kill()
    else:
        kernel.send_signal(signal.SIGINT)
