"""`speedrun lab`: copy what is missing, then open JupyterLab on the notebook that comes next."""

from __future__ import annotations

import contextlib
import signal
import webbrowser
from collections.abc import Callable, Iterator
from types import FrameType

from autograder import course
from autograder.errors import SpeedrunError
from autograder.learner.copy import copy_missing, newer_versions
from autograder.learner.folder import Folder, ready, released
from autograder.learner.server import Process, running
from autograder.notebook import progress


def lab(
    folder: Folder,
    module: course.Module | None,
    *,
    browser: bool = True,
    port: int | None = None,
    exit_when_ready: bool = False,
    say: Callable[[str], None] = print,
) -> None:
    """Open JupyterLab in the learner's folder, and run until Ctrl-C.

    If it is already running there, print its address and start nothing.
    """
    if module is not None:
        released(module)
    copied = copy_missing(folder)
    if copied:
        say(f"Copied to {folder.path}: {', '.join(m.id for m in copied)}")
    for newer in newer_versions(folder):
        say(f"A newer version of {newer.id} is there: `speedrun update {newer.id}` brings it.")
    module = module or next_module(folder)
    path = folder.notebook(module).relative_to(folder.path).as_posix()
    found = running(folder)
    if found is not None:
        say(f"JupyterLab already runs in {folder.path}: {found.url(path)}")
        if browser:
            webbrowser.open(found.url(path))
        return
    with _stopped_by_signals(), Process(folder, path, browser, port) as process:
        try:
            server = process.wait_until_ready()
            say(f"JupyterLab runs in {folder.path}: {server.url(path)}")
            if exit_when_ready:
                return
            say("Ctrl-C stops it.")
            process.wait()
            say("JupyterLab was shut down.")
        except KeyboardInterrupt:
            say("Stopping JupyterLab.")


def next_module(folder: Folder) -> course.Module:
    """The first module with an exercise still to do, or the first of the course if all are done."""
    from autograder.notebook.status import standings

    there = ready()
    if not there:
        raise SpeedrunError("No notebook is built yet: run `speedrun build`.")
    found = standings(progress.load(folder.path))
    return next((item.module for item in found if item.next and item.module in there), there[0])


@contextlib.contextmanager
def _stopped_by_signals() -> Iterator[None]:
    """Treat a closed terminal and SIGTERM like Ctrl-C."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    names = [name for name in ("SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)]
    before = {name: signal.signal(getattr(signal, name), interrupt) for name in names}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(getattr(signal, name), handler)
