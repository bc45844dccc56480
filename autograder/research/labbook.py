"""The lab notebook: dated entries, one line of JSON each, with figures in files beside them."""

from __future__ import annotations

import datetime
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autograder.errors import SpeedrunError
from autograder.kernel import is_graded
from autograder.notebook import progress
from autograder.notebook.cards import note_card, show
from autograder.research.experiment import jsonable

FOLDER, ENTRIES = "lab-notebook", "entries.jsonl"


def experiments() -> Path:
    """The folder for your experiments and their runs, beside your progress; created if needed.

    `speedrun report` finds your sweeps in it.
    """
    folder = progress.home() / "experiments"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SpeedrunError(f"{folder} can't be made: {error.strerror}.") from None
    return folder


@dataclass(frozen=True)
class Entry:
    """One entry: its time, its text, a few values, and the file name of its figure."""

    at: str
    text: str
    values: dict[str, Any] = field(default_factory=dict)
    figure: str = ""


def log(text: str, figure: Any = None, **values: Any) -> None:
    """Add a dated entry to your lab notebook, with a few values and, if you like, a figure.

    `figure` is a matplotlib figure or axes. Entries are only ever added; `speedrun report` shows
    them. While a notebook is graded, nothing is written.

    ::

        log("Eight seeds at p = 0.05: a pentagon every time.", figure=ax, loss=0.0014)
    """
    if is_graded():
        return
    folder = progress.home() / FOLDER
    plain = {name: jsonable(name, value) for name, value in values.items()}
    now = datetime.datetime.now(datetime.UTC)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        name = _save(figure, folder, now) if figure is not None else ""
        entry: dict[str, Any] = {
            "at": now.isoformat(timespec="seconds"),
            "text": str(text),
            "values": plain,
        }
        _append(folder / ENTRIES, json.dumps({**entry, "figure": name}) + "\n")
    except OSError as error:
        raise SpeedrunError(f"The entry can't be saved in {folder}: {error.strerror}.") from None
    shown = ", ".join(f"{key} = {value}" for key, value in plain.items())
    show(note_card("Noted", entry["at"], f"{text}" + (f" ({shown})" if shown else "")))


def entries(home: Path) -> list[Entry]:
    """All entries in a learner's folder, in order, except a line cut off by a kill."""
    try:
        lines = (home / FOLDER / ENTRIES).read_text(encoding="utf-8", errors="replace").split("\n")
    except FileNotFoundError:
        return []
    found = []
    for line in lines:
        try:
            stored = json.loads(line)
            entry = Entry(**stored)
        except (ValueError, TypeError):
            continue
        texts = (entry.at, entry.text, entry.figure)
        if all(isinstance(item, str) for item in texts) and isinstance(entry.values, dict):
            found.append(entry)
    return found


def _append(path: Path, line: str) -> None:
    """Add a line in one write; if the last line was cut off, start a new one."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        size = os.fstat(handle).st_size
        if size:
            os.lseek(handle, size - 1, os.SEEK_SET)
            if os.read(handle, 1) != b"\n":
                line = "\n" + line
        os.write(handle, line.encode("utf-8"))
        os.fsync(handle)
    finally:
        os.close(handle)


def _save(figure: Any, folder: Path, now: datetime.datetime) -> str:
    drawn = getattr(figure, "figure", figure)
    if not hasattr(drawn, "savefig"):
        raise SpeedrunError("log: `figure` is a matplotlib figure or axes.")
    name = now.strftime("%Y%m%d-%H%M%S-%f.png")
    drawn.savefig(folder / name, dpi=120, bbox_inches="tight", facecolor="#fcfcfa")
    return name
