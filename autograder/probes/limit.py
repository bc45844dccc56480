"""A time limit for a learner's code that it can't swallow, with or without POSIX signals."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

AGAIN = 0.2  # seconds until the next interruption, where one was not enough


class TimedOut(BaseException):
    """A learner's code ran past its limit. Not an Exception: ``except Exception`` lets it by."""


def limited(seconds: float, function: Callable[..., Any], *args: Any) -> Any:
    """Call `function`; raise `TimedOut` in it once `seconds` are over.

    The interruption is a signal, so sleeping ends too, and it comes again and again. From the
    first one on, every line that the code goes on to run raises as well: a loop around a bare
    ``except:`` ends there. One long call into C code ends only when that call does.

    Outside the main thread, where Python handles no signals, there is no limit.
    """
    if threading.current_thread() is not threading.main_thread():
        return function(*args)
    before, traced = signal.getsignal(signal.SIGINT), sys.gettrace()
    finished, lock, fired = threading.Event(), threading.Lock(), False

    def watch() -> None:
        nonlocal fired
        wait = max(seconds, 0.001)
        while not finished.wait(wait):
            with lock:
                if finished.is_set():
                    return
                fired = True
                _interrupt()
            wait = AGAIN

    def interrupted(number: int, frame: FrameType | None) -> None:
        if not fired:  # the learner pressed stop
            if callable(before):
                before(number, frame)
                return
            raise KeyboardInterrupt
        if _inside(frame):
            sys.settrace(trace)
            while frame is not None and frame.f_code is not _call.__code__:
                frame.f_trace = trace
                frame = frame.f_back
            raise TimedOut

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        if not _inside(frame):
            return None
        if event in ("call", "line"):
            raise TimedOut
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
    if fired:
        raise TimedOut
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
