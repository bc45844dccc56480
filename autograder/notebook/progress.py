"""A learner's progress: one plain JSON file beside their notebooks, written atomically."""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from autograder.errors import SpeedrunError
from autograder.files import write_atomically
from autograder.kernel import in_notebook
from autograder.notebook.cards import note_card, show

FILE_NAME = "speedrun-progress.json"
DAMAGED = "speedrun-progress.damaged"
DRIVE = Path("/content/drive/MyDrive")
TRIES_BEFORE_SOLUTION = 3
LOCK_SECONDS = 10


def home() -> Path:
    """The folder of the learner's notebooks, where the progress file is.

    This is `SPEEDRUN_HOME` if it is set. Runs by nbgrader leave no progress behind. In a clone of
    the course it is `work/`; in Colab, the mounted Google Drive, which also receives the progress
    from before it was mounted. Otherwise it is the nearest folder, from here upward, that already
    has a progress file, or else the current folder.
    """
    chosen = os.environ.get("SPEEDRUN_HOME")
    if chosen:
        return Path(chosen)
    if os.environ.get("NBGRADER_EXECUTION"):
        return Path(tempfile.gettempdir()) / "ml-speedrun-validated"
    here = Path.cwd()
    begun = _in_clone(here) or next(
        (folder for folder in (here, *here.parents) if (folder / FILE_NAME).is_file()), None
    )
    if DRIVE.is_dir() and not (begun and begun.is_relative_to(DRIVE.parent)):
        kept = DRIVE / "ml-speedrun"
        if begun and (begun / FILE_NAME).is_file() and not (kept / FILE_NAME).exists():
            with contextlib.suppress(OSError):
                write_atomically(kept / FILE_NAME, (begun / FILE_NAME).read_bytes())
        return kept
    return begun or here


def _in_clone(here: Path) -> Path | None:
    for folder in (here, *here.parents):
        if (folder / "solutions" / "course.toml").is_file():
            return folder / "work"  # never among the course's own notebooks
    return None


def is_temporary() -> bool:
    """Whether progress disappears with the runtime: in Colab, without a mounted Drive."""
    return "google.colab" in sys.modules and not home().is_relative_to(DRIVE.parent)


def load(folder: Path | None = None, *, tell: bool = True) -> dict[str, Any]:
    """Read the progress file; an empty record if there is none yet.

    A file that can't be read is kept under another name, never overwritten. The learner is told
    so right away, unless the caller does that itself (`tell=False`).
    """
    path = (folder or home()) / FILE_NAME
    empty: dict[str, Any] = {"version": 1, "exercises": {}}
    try:
        stored = json.loads(path.read_text(encoding="utf-8-sig"))
        if not _is_record(stored):
            raise ValueError("not a progress file")
    except FileNotFoundError:
        return empty
    except (ValueError, RecursionError):
        kept = _set_aside(path)
        if kept and tell:
            _tell(kept)
        return empty
    except OSError as error:
        raise SpeedrunError(f"Your progress can't be read: {error}.") from None
    return {**empty, **stored}


def _is_record(stored: Any) -> bool:
    exercises = stored.get("exercises") if isinstance(stored, dict) else None
    return isinstance(exercises, dict) and all(isinstance(e, dict) for e in exercises.values())


def _set_aside(path: Path) -> Path | None:
    """Keep a damaged file under an unused name; None if the file is already gone."""
    stamp = datetime.datetime.now().strftime("%Y%m%d-%H%M%S-%f")
    kept = path.with_name(f"{DAMAGED}-{stamp}.json")
    try:
        path.rename(kept)
    except FileNotFoundError:
        return None  # another process was faster
    except OSError as error:
        raise SpeedrunError(
            f"{path} is damaged and can't be moved away ({error.strerror}): rename it yourself."
        ) from None
    return kept


def set_aside(folder: Path | None = None) -> list[Path]:
    """The damaged progress files kept in a folder, newest first."""
    return sorted((folder or home()).glob(f"{DAMAGED}-*.json"), reverse=True)


def how_to_restore(kept: Path) -> str:
    """Where a damaged progress file went, and how to recover what was in it."""
    return (
        f"Your progress file was damaged. It is kept as `{kept}`, and a new record begins. "
        "To bring the old one back, repair its JSON in a text editor and rename it to "
        f"`{FILE_NAME}`, in place of the new file. Or run the checks in your notebooks again: each "
        "one that passes is recorded again."
    )


def _tell(kept: Path) -> None:
    if "IPython" in sys.modules and in_notebook():
        show(note_card("A new progress file", "progress", how_to_restore(kept), "!", "#d55e00"))
    else:
        print(f"speedrun: {how_to_restore(kept).replace('`', '')}", file=sys.stderr)


@contextlib.contextmanager
def updating(folder: Path | None = None) -> Iterator[dict[str, Any]]:
    """Load the progress, let the caller change it, and write it back, under a lock.

    ::

        with progress.updating() as record:
            record["exercises"]["backward"] = {"outcome": "passed"}
    """
    with _locked(folder) as path:
        record = load(path.parent)
        before = json.dumps(record, sort_keys=True)
        yield record
        if json.dumps(record, sort_keys=True) != before or not path.exists():
            try:
                write_atomically(path, json.dumps(record, indent=2, sort_keys=True) + "\n")
            except OSError as error:
                raise _unwritable(path.parent, error) from None


@contextlib.contextmanager
def _locked(folder: Path | None) -> Iterator[Path]:
    """Hold the lock of a progress file, and hand over the file's path."""
    import filelock

    try:
        folder = folder or home()
        folder.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(folder / f".{FILE_NAME}.lock", timeout=LOCK_SECONDS)
        lock.acquire()
    except filelock.Timeout:
        raise SpeedrunError(
            f"Another process has held your progress in {folder} for {LOCK_SECONDS} seconds: "
            "try again."
        ) from None
    except OSError as error:
        raise _unwritable(folder, error) from None
    try:
        yield folder / FILE_NAME
    finally:
        lock.release()


def _unwritable(folder: Path | None, error: OSError) -> SpeedrunError:
    return SpeedrunError(
        f"Your progress can't be saved in {folder or 'this folder'} ({error.strerror}): "
        "set SPEEDRUN_HOME to a folder that you can write to."
    )


def entry(record: dict[str, Any], exercise_id: str) -> dict[str, Any]:
    """The record of one exercise, created if there is none."""
    known: dict[str, Any] = record["exercises"].setdefault(exercise_id, {})
    known.setdefault("outcome", "not attempted")
    for count in ("tries", "hints"):
        if type(known.get(count)) is not int:
            known[count] = 0
    return known


def is_done(record: dict[str, Any], exercise_id: str) -> bool:
    """Whether the exercise has been passed, in the notebook or in a grade."""
    outcome = record["exercises"].get(exercise_id, {}).get("outcome")
    return bool(outcome == "passed")


def note_check(record: dict[str, Any], exercise_id: str, outcome: str, answer: str) -> None:
    """Record the outcome of a check.

    A pass stays a pass. A try counts toward opening the solution if the answer has changed since
    the last check: `answer` is a fingerprint of it, empty if the check had nothing to run.
    """
    known = entry(record, exercise_id)
    if outcome == "passed":
        known.setdefault("passed_at", now())
        known["outcome"] = "passed"
    elif known["outcome"] != "passed":
        known["outcome"] = outcome
    tried = answer and outcome not in ("passed", "not attempted")
    if tried and known.get("last_answer") != answer:
        known["tries"] += 1
        known["last_answer"] = answer


def note_grade(record: dict[str, Any], exercise_id: str, outcome: str, points: float) -> None:
    """Record the outcome and the points of an exercise from `speedrun grade`."""
    known = entry(record, exercise_id)
    known["graded"] = {"outcome": outcome, "points": points, "at": now()}
    if outcome in ("passed", "noted"):
        known.setdefault("passed_at", now())
        known["outcome"] = "passed"


def now() -> str:
    """The current time in UTC, to the second, in ISO 8601."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
