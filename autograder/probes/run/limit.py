"""A time limit for a learner's code that it can't swallow, with or without POSIX signals.

What counts is the CPU time of the main thread, so that a busy machine fails no right answer. The
wall clock is only a backstop, for code that waits and uses none.
"""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

AGAIN = 0.2  # seconds until the next interruption, where one was not enough
PATIENCE = 10  # how many times its limit of CPU time an answer may take by the wall clock


class TimedOut(BaseException):
    """A learner's code ran past its limit. Not an Exception: ``except Exception`` lets it by.

    `waited` is True where the wall clock ran out, and not the CPU time.
    """

    def __init__(self, waited: bool = False) -> None:
        super().__init__()
        self.waited = waited


class Budget:
    """Seconds of the main thread's CPU time, and `PATIENCE` times as many by the wall clock."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._cpu, self._wall = time.thread_time(), time.monotonic()

    def left(self) -> float:
        """Seconds until it can be spent at the earliest. In the main thread only."""
        return min(
            self.seconds - (time.thread_time() - self._cpu),
            PATIENCE * self.seconds - (time.monotonic() - self._wall),
        )

    def waited(self) -> bool:
        """Whether the wall clock ran out first. In the main thread only."""
        return time.thread_time() - self._cpu < self.seconds


def limited(budget: Budget, function: Callable[..., Any], *args: Any) -> Any:
    """Call `function`; raise `TimedOut` in it once the budget is spent.

    A second thread interrupts the main one as soon as the budget can be spent; the main thread
    then looks at its own CPU time, and goes on where some is left. The interruption is a signal,
    so sleeping ends too, and it comes again and again. From the first one on that finds nothing
    left, every line that the code goes on to run raises as well: a loop around a bare ``except:``
    ends there. One long call into C code ends only when that call does.

    Outside the main thread, where Python handles no signals, there is no limit.
    """
    if threading.current_thread() is not threading.main_thread():
        return function(*args)
    before, traced = signal.getsignal(signal.SIGINT), sys.gettrace()
    finished, lock = threading.Event(), threading.Lock()
    looking, spent, waited, left = False, False, False, budget.left()

    def watch() -> None:
        nonlocal looking
        wait = max(left, 0.001)
        while not finished.wait(wait):
            with lock:
                if finished.is_set():
                    return
                looking = True
                _interrupt()
            wait = AGAIN if spent else max(left, AGAIN)

    def interrupted(number: int, frame: FrameType | None) -> None:
        nonlocal looking, spent, waited, left
        if not looking and not spent:  # the learner pressed stop
            if callable(before):
                before(number, frame)
                return
            raise KeyboardInterrupt
        looking = False
        if not spent:
            left = budget.left()
            spent, waited = left <= 0, budget.waited()
        if spent and _inside(frame):
            sys.settrace(trace)
            while frame is not None and frame.f_code is not _call.__code__:
                frame.f_trace = trace
                frame = frame.f_back
            raise TimedOut(waited)

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        if not _inside(frame):
            return None
        if event in ("call", "line"):
            raise TimedOut(waited)
        return trace

    signal.signal(signal.SIGINT, interrupted)
    threading.Thread(target=watch, daemon=True, name="speedrun-time-limit").start()
    try:
        result = _call(function, args)
    finally:
        with lock:
            finished.set()
        sys.settrace(traced)
        # Before it changes the handler, signal.signal lets one that is under way arrive.
        signal.signal(signal.SIGINT, before if before is not None else signal.default_int_handler)
    if spent:
        raise TimedOut(waited)
    return result


def _call(function: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    return function(*args)


def _inside(frame: FrameType | None) -> bool:
    """Whether a frame is below `_call`: only there may an interruption raise."""
    while frame is not None:
        if frame.f_code is _call.__code__:
            return True
        frame = frame.f_back
    return False


def _interrupt() -> None:
    """As if the learner had pressed stop: a real signal, so a sleep in the main thread ends too."""
    main = threading.main_thread().ident
    if hasattr(signal, "pthread_kill") and main is not None:
        signal.pthread_kill(main, signal.SIGINT)
    else:
        signal.raise_signal(signal.SIGINT)
