"""The layout of a learner's folder.

::

    <folder>/speedrun-progress.json
    <folder>/04_micrograd/04_micrograd.ipynb             what they work in
    <folder>/.speedrun/pristine/04_micrograd.ipynb       the release that it was copied from
    <folder>/.speedrun/backups/04_micrograd-<time>.ipynb what it was before a reset or an update
"""

from __future__ import annotations

import datetime
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from autograder import course
from autograder.errors import SpeedrunError
from autograder.files import write_atomically

HIDDEN = ".speedrun"


@dataclass(frozen=True)
class Folder:
    """A learner's folder; nothing is read or created until it is needed."""

    path: Path

    def notebook(self, module: course.Module) -> Path:
        """The learner's notebook of a module."""
        return self.path / module.id / f"{module.id}.ipynb"

    def pristine(self, module: course.Module) -> Path:
        """The release that the learner's notebook was copied from."""
        return self.hidden / "pristine" / f"{module.id}.ipynb"

    @property
    def hidden(self) -> Path:
        """The folder for the course's own files."""
        return self.path / HIDDEN

    def back_up(self, module: course.Module) -> Path:
        """Copy the learner's notebook, byte for byte, to a new file among the backups.

        If a backup already holds the same bytes, that one is returned.
        """
        data = self.notebook(module).read_bytes()
        backups = self.hidden / "backups"
        for path in sorted(backups.glob(f"{module.id}-*.ipynb")):
            if path.read_bytes() == data:
                return path
        stamp = datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
        path, number = backups / f"{module.id}-{stamp}.ipynb", 1
        while path.exists():
            number += 1
            path = backups / f"{module.id}-{stamp}-{number}.ipynb"
        write_atomically(path, data)
        return path

    def shown(self, path: Path) -> str:
        """A path as a person would type it: relative if it is below the current folder."""
        here = Path.cwd()
        return str(path.relative_to(here) if path.is_relative_to(here) else path)


def learner_folder(chosen: Path | None = None) -> Folder:
    """The learner's folder.

    This is the one that was asked for, else `SPEEDRUN_HOME`, else the nearest one from here upward,
    else the default: `work` in a clone of the course, `ml-speedrun-work` here if it was installed.
    """
    if chosen is None and os.environ.get("SPEEDRUN_HOME"):
        chosen = Path(os.environ["SPEEDRUN_HOME"])
    if chosen is None:
        here = Path.cwd()
        above = (f for f in (here, *here.parents) if (f / HIDDEN / "pristine").is_dir())
        chosen = next(above, None) or _default()
    chosen = chosen.expanduser().resolve()
    if chosen.exists() and not chosen.is_dir():
        raise SpeedrunError(f"{chosen} is a file: name a folder with --folder.")
    return Folder(chosen)


def _default() -> Path:
    root = course.root()
    cloned = (root / "pyproject.toml").is_file() and (root / ".git").exists()
    return root / "work" if cloned else Path.cwd() / "ml-speedrun-work"


def released(module: course.Module) -> bytes:
    """The newest release of a module; a `SpeedrunError` if it isn't written or built yet."""
    if not module.text_path.is_file():
        raise SpeedrunError(
            f"{module.id} is announced and not written yet. `speedrun status` lists what there is."
        )
    try:
        return module.release_path.read_bytes()
    except FileNotFoundError:
        raise SpeedrunError(
            f"{module.id} is not built yet: run `speedrun build {module.id}`."
        ) from None


def ready() -> list[course.Module]:
    """The modules that are written and released."""
    return [module for module in course.written() if module.release_path.is_file()]


def must_be_writable(path: Path) -> None:
    """Raise a `SpeedrunError` if the file's owner has made it read-only."""
    if path.exists() and not path.stat().st_mode & stat.S_IWUSR:
        raise SpeedrunError(f"{path} is read-only: make it writable, then try again.")
