"""`speedrun build`: write the generated files, or list those that are out of date."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from autograder import course
from autograder.build.execute import execute
from autograder.build.readme import readme_text
from autograder.build.release import release_bytes
from autograder.build.text import source_notebook, write
from autograder.files import write_atomically


def build(
    modules: Iterable[course.Module], say: Callable[[str], None] = lambda line: None
) -> list[Path]:
    """Build modules (execute and release their source) and the README's map; return the files."""
    written = []
    for module in modules:
        say(f"{module.id}: running the solutions")
        write(execute(source_notebook(module), module.id), module.source_path)
        say(f"{module.id}: releasing")
        write_atomically(module.release_path, release_bytes(module))
        written += [module.source_path, module.release_path]
    readme = course.root() / "README.md"
    if readme.is_file():
        write_atomically(readme, readme_text(readme.read_text(encoding="utf-8")))
    return written


def out_of_date(modules: Iterable[course.Module]) -> list[str]:
    """One line for each generated file that differs from what a build would write."""
    stale = []
    for module in modules:
        if not module.source_path.is_file():
            stale.append(f"{_name(module.source_path)}: not built yet")
            continue
        stored = nbformat.read(module.source_path, as_version=4)
        if _content(stored) != _content(source_notebook(module)):
            stale.append(f"{_name(module.source_path)}: differs from {module.text_path.name}")
        elif any(c.cell_type == "code" and c.execution_count is None for c in stored.cells):
            stale.append(f"{_name(module.source_path)}: has cells that were not executed")
        if not module.release_path.is_file():
            stale.append(f"{_name(module.release_path)}: not released yet")
        elif module.release_path.read_bytes() != release_bytes(module):
            stale.append(f"{_name(module.release_path)}: differs from {_name(module.source_path)}")
    readme = course.root() / "README.md"
    if readme.is_file():
        text = readme.read_text(encoding="utf-8")
        if text != readme_text(text):
            stale.append("README.md: its 12-hour map differs from course.toml")
    return stale


def _name(path: Path) -> str:
    return path.relative_to(course.root()).as_posix()


def _content(notebook: NotebookNode) -> list[tuple[Any, ...]]:
    """Everything that follows from the text: all but outputs and execution counts."""
    return [
        (cell.cell_type, cell.id, cell.source, dict(cell.metadata)) for cell in notebook.cells
    ] + [("metadata", dict(notebook.metadata))]
