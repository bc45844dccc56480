"""Copy the course's notebooks into the learner's folder, where they are missing."""

from __future__ import annotations

from pathlib import Path

from autograder import course
from autograder.files import write_atomically
from autograder.learner.folder import Folder, ready, released
from autograder.notebook.progress import updating


def copy_missing(folder: Folder) -> list[course.Module]:
    """Copy every written module that is missing, and make the progress file; what was copied.

    A file that exists is never written to. The pristine original goes first, so that wherever
    this is stopped the next call completes it.
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
    """The modules of which a newer release is there than the one that the learner has."""
    found = []
    for module in ready():
        original = folder.pristine(module)
        if _exists(folder.notebook(module)) and original.is_file():
            found += [module] if original.read_bytes() != released(module) else []
    return found


def _exists(path: Path) -> bool:
    return path.exists() or path.is_symlink()
