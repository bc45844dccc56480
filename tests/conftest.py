"""Fixtures that several test files share."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

if "PYTEST_XDIST_WORKER" in os.environ:
    # Side by side, one thread each: a second one of the same process only waits for the core.
    for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(threads, "1")
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # Shells start background jobs with Ctrl-C ignored, and every process below inherits that.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--long",
        action="store_true",
        help="run what `make test` leaves to the night, too: the tests marked long",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    # A long test that starts last leaves the other processes idle.
    items.sort(key=_lasts, reverse=True)
    if config.getoption("--long"):
        return
    left = [item for item in items if item.get_closest_marker("long")]
    if left:
        items[:] = [item for item in items if not item.get_closest_marker("long")]
        config.hook.pytest_deselected(items=left)


def _lasts(item: pytest.Item) -> float:
    """About how many seconds a test takes, where it says so; 0 for all others."""
    marker = item.get_closest_marker("lasts")
    return marker.args[0] if marker else 0


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A learner's folder that is empty, set as SPEEDRUN_HOME."""
    folder = tmp_path / "home"
    monkeypatch.setenv("SPEEDRUN_HOME", str(folder))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "runtime"))
    return folder


@pytest.fixture
def speedrun() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the command ``speedrun`` in a process of its own."""

    def run(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "autograder.cli", *arguments],
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=180,
            env={**os.environ, "PYTHONIOENCODING": "utf-8", "COLUMNS": "100"},
            **options,
        )

    return run
