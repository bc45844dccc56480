"""The only code that writes a judged notebook into the gradebook, by way of nbgrader itself.

The work is done on a copy of the gradebook, under a lock, and the copy replaces it atomically: if
this is killed at any moment, the old gradebook or the new one is whole.
"""

from __future__ import annotations

import contextlib
import datetime
import getpass
import logging
import re
import shutil
import sqlite3
import tempfile
import warnings
from pathlib import Path
from typing import Any

import filelock
import nbformat
from nbformat import NotebookNode
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.apps import NbGraderAPI
from nbgrader.preprocessors import AssignLatePenalties, SaveAutoGrades

from autograder import course
from autograder.build.release import configuration, generate
from autograder.errors import SpeedrunError
from autograder.files import write_atomically

LOCK_WAIT = 120.0  # seconds


def gradebook_path(folder: Path) -> Path:
    """The path of a learner's gradebook."""
    return folder / ".speedrun" / "gradebook.db"


def feedback_path(folder: Path, module: course.Module) -> Path:
    """The path of a module's feedback page."""
    return folder / ".speedrun" / "feedback" / module.id / f"{module.id}.html"


def student() -> str:
    """The learner's name in the gradebook: the user's, or "me"."""
    try:
        name = getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "me"
    return re.sub(r"[^A-Za-z0-9_-]+", "_", name).strip("_") or "me"


def record(judged: NotebookNode, module: course.Module, folder: Path) -> tuple[Path, list[str]]:
    """Write the row and the feedback page; return its path, and notes on anything unusual."""
    path = gradebook_path(folder)
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(path.with_name(".gradebook.lock"), timeout=LOCK_WAIT)
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as temporary,
        warnings.catch_warnings(),
        _held(lock),
    ):
        warnings.simplefilter("ignore")  # from nbgrader's use of SQLAlchemy
        root = Path(temporary).resolve()
        notes = _copy_in(path, root / "gradebook.db")
        page = _with_nbgrader(judged, module, root)
        _put(root / "gradebook.db", path)
        write_atomically(feedback_path(folder, module), page)
    return feedback_path(folder, module), notes


@contextlib.contextmanager
def _held(lock: filelock.BaseFileLock) -> Any:
    try:
        with lock:
            yield
    except filelock.Timeout:
        raise SpeedrunError(
            "Another `speedrun grade` is writing the gradebook: run this again when it is done."
        ) from None


def _copy_in(path: Path, copy: Path) -> list[str]:
    """Copy the gradebook through SQLite; a damaged one is set aside, never overwritten."""
    if not path.exists():
        return []
    try:
        with (
            contextlib.closing(sqlite3.connect(path)) as old,
            contextlib.closing(sqlite3.connect(copy)) as new,
        ):
            old.backup(new)
            if new.execute("PRAGMA quick_check").fetchone() != ("ok",):
                raise sqlite3.DatabaseError("damaged")
    except sqlite3.DatabaseError:
        copy.unlink(missing_ok=True)
        aside = path.with_name(f"gradebook.damaged-{_stamp()}.db")
        path.rename(aside)
        return [f"The gradebook could not be read: kept as {aside.name}, a new one was begun."]
    return []


def _put(copy: Path, path: Path) -> None:
    try:
        write_atomically(path, copy.read_bytes())
    except PermissionError:
        raise SpeedrunError(
            f"{path.name} is open in another program: close it (formgrader?) and grade again."
        ) from None


def _with_nbgrader(judged: NotebookNode, module: course.Module, root: Path) -> str:
    """Make assignment, row and feedback in a course folder for nbgrader; return the page's HTML."""
    who, name = student(), module.id
    config = configuration(root)
    config.Autograde.sanitize_preprocessors = []
    config.Autograde.autograde_preprocessors = [SaveAutoGrades, AssignLatePenalties]
    source, submitted = root / "source" / name, root / "submitted" / who / name
    source.mkdir(parents=True)
    submitted.mkdir(parents=True)
    shutil.copy(module.source_path, source)
    nbformat.write(judged, submitted / f"{name}.ipynb")
    now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    (submitted / "timestamp.txt").write_text(now, encoding="utf-8")
    _set_aside_if_changed(config.CourseDirectory.db_url, module)
    generate(config, name)
    api = NbGraderAPI(config=config)
    api.log = logging.getLogger("speedrun.nbgrader")
    for step in (api.autograde, api.generate_feedback):
        done = step(name, who)
        if not done["success"]:
            lines = (done.get("error") or done.get("log") or "no reason given").strip()
            raise SpeedrunError(f"nbgrader could not record {name}: {lines.splitlines()[-1]}")
    page = root / "feedback" / who / name / f"{name}.html"
    return page.read_text(encoding="utf-8")


def _set_aside_if_changed(db_url: str, module: course.Module) -> None:
    """Rename an assignment whose cells have changed in the course since then.

    nbgrader refuses to add or remove cells once there are submissions. Under another name the old
    rows stay as they are, and the new ones get an assignment of their own.
    """
    master = nbformat.read(module.release_path, as_version=4)
    cells = {c.id for c in master.cells if "nbgrader" in c.metadata}
    with Gradebook(db_url, "ml_speedrun") as gradebook:
        try:
            known = gradebook.find_notebook(module.id, module.id)
        except MissingEntry:
            return
        if known.submissions and {cell.name for cell in known.source_cells} != cells:
            known.assignment.name = f"{module.id}_until_{_stamp()}"
            gradebook.db.commit()


def _stamp() -> str:
    return datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
