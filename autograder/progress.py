"""A learner's progress: one plain JSON file beside their notebooks, written atomically."""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from autograder.errors import SpeedrunError

FILE_NAME = "speedrun-progress.json"
DRIVE = Path("/content/drive/MyDrive")
TRIES_BEFORE_SOLUTION = 3
LOCK_SECONDS = 10


def home() -> Path:
    """The folder of the learner's notebooks, where the progress file is.

    `SPEEDRUN_HOME` decides where it is set; nbgrader's own runs leave nobody's progress, and in a
    clone of the course it is `work/`. Otherwise it is the nearest folder upwards that
    already has a progress file, a mounted Google Drive in Colab, or the current folder.
    """
    chosen = os.environ.get("SPEEDRUN_HOME")
    if chosen:
        return Path(chosen)
    if os.environ.get("NBGRADER_EXECUTION"):
        return Path(tempfile.gettempdir()) / "ml-speedrun-validated"
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "solutions" / "course.toml").is_file():
            return folder / "work"  # never among the course's own notebooks
    for folder in (here, *here.parents):
        if (folder / FILE_NAME).is_file():
            return folder
    if DRIVE.is_dir():
        return DRIVE / "ml-speedrun"
    return here


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write a file so that, whenever the process is killed, the old or the new one is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    data = content.encode("utf-8") if isinstance(content, str) else content
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            temporary.chmod(path.stat().st_mode)
        else:
            temporary.chmod(0o644)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def load(folder: Path | None = None) -> dict[str, Any]:
    """Read the progress file; an empty record where there is none yet.

    A file that can't be read is kept under another name, never overwritten.
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
        _set_aside(path)
        return empty
    except OSError as error:
        raise SpeedrunError(f"Your progress can't be read: {error}.") from None
    return {**empty, **stored}


def _is_record(stored: Any) -> bool:
    exercises = stored.get("exercises") if isinstance(stored, dict) else None
    return isinstance(exercises, dict) and all(isinstance(e, dict) for e in exercises.values())


def _set_aside(path: Path) -> None:
    """Keep a damaged file under a name that no other file has."""
    stamp = datetime.datetime.now().strftime("%Y%m%d-%H%M%S-%f")
    kept = path.with_name(f"speedrun-progress.damaged-{stamp}.json")
    try:
        path.rename(kept)
    except FileNotFoundError:
        return  # another process was quicker
    except OSError as error:
        raise SpeedrunError(
            f"{path} is damaged and can't be moved away ({error.strerror}): rename it yourself."
        ) from None


@contextlib.contextmanager
def updating(folder: Path | None = None) -> Iterator[dict[str, Any]]:
    """Load the progress, let the caller change it, and write it back under a lock.

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
    """The record of one exercise, made where there is none."""
    known = record["exercises"].setdefault(exercise_id, {})
    known.setdefault("outcome", "not attempted")
    for count in ("tries", "hints"):
        if type(known.get(count)) is not int:
            known[count] = 0
    return known


def note_check(record: dict[str, Any], exercise_id: str, outcome: str, answer: str) -> None:
    """Record the outcome of a check.

    A pass stays a pass. A try is real, and counts towards opening the solution, where the answer
    is another than at the last check: `answer` is a fingerprint of it, empty where the check got
    nothing that it could run.
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
    """Record what `speedrun grade` gave for an exercise."""
    known = entry(record, exercise_id)
    known["graded"] = {"outcome": outcome, "points": points, "at": now()}
    if outcome in ("passed", "noted"):
        known.setdefault("passed_at", now())
        known["outcome"] = "passed"


def now() -> str:
    """The current time in UTC, to the second, in ISO 8601."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
