"""Copy the notebooks that are missing from the learner's folder."""

from __future__ import annotations

from pathlib import Path

from autograder import course
from autograder.files import write_atomically
from autograder.learner.folder import Folder, ready, released
from autograder.notebook.progress import updating


def copy_missing(folder: Folder) -> list[course.Module]:
    """Copy each written module that is missing, create the progress file; return what was copied.

    An existing file is never written to. The pristine original is copied first, so that the next
    call can finish what an interrupted one began.
    """
    with updating(folder.path):
        pass
    copied = [module for module in ready() if not _exists(folder.notebook(module))]
    for module in copied:
        copy_one(folder, module)
    return copied


def copy_one(folder: Folder, module: course.Module) -> None:
    """Write a module's newest release as the learner's notebook, and as its pristine original."""
    data = released(module)
    write_atomically(folder.pristine(module), data)
    write_atomically(folder.notebook(module), data)


def newer_versions(folder: Folder) -> list[course.Module]:
    """The modules that have a newer release than the learner's."""
    found = []
    for module in ready():
        original = folder.pristine(module)
        if _exists(folder.notebook(module)) and original.is_file():
            found += [module] if original.read_bytes() != released(module) else []
    return found


def _exists(path: Path) -> bool:
    return path.exists() or path.is_symlink()
