"""From source to release, through nbgrader's own GenerateAssignment."""

from __future__ import annotations

import logging
import os
import re
import shutil
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from nbgrader.apps import NbGraderAPI
from nbgrader.converters import GenerateAssignment
from nbgrader.preprocessors import ClearSolutions
from traitlets.config import Config

from autograder import course
from autograder.errors import SpeedrunError
from autograder.probes.texts import UNWRITTEN

STUB = "# YOUR CODE HERE\nraise NotImplementedError()"
TEXT_STUB = re.compile(
    r'(?<="""\n)# YOUR CODE HERE\nraise NotImplementedError\(\)(?=\n""")', re.MULTILINE
)
TOP_LEVEL_STUB = re.compile(r"^# YOUR CODE HERE\nraise NotImplementedError\(\)$", re.MULTILINE)


class ClearSolutionRegions(ClearSolutions):
    """nbgrader's ClearSolutions, with a stub that lets "Run All" reach the end.

    Inside a function the stub raises NotImplementedError, as nbgrader's does. At the top level of
    a cell, where raising would halt the notebook, it is a comment below the author's own first
    assignment (``answer = ...``). Between triple quotes it is an invitation to write.
    """

    def preprocess_cell(
        self, cell: NotebookNode, resources: Any, cell_index: int
    ) -> tuple[NotebookNode, Any]:
        """Clear one cell."""
        self.code_stub = {"python": STUB}
        cell, resources = super().preprocess_cell(cell, resources, cell_index)
        if cell.cell_type == "code":
            cell.source = TEXT_STUB.sub(UNWRITTEN, cell.source)
            cell.source = TOP_LEVEL_STUB.sub("# YOUR CODE HERE", cell.source)
        return cell, resources


def preprocessors() -> list[type]:
    """GenerateAssignment's own list, with our stub in place of nbgrader's."""
    default = GenerateAssignment.class_traits()["preprocessors"].default()
    return [ClearSolutionRegions if pp is ClearSolutions else pp for pp in default]


def configuration(root: Path, **directories: str) -> Config:
    """nbgrader's configuration for a course in `root`: quiet, with the gradebook in that folder."""
    _put_scripts_on_path()
    config = Config()
    config.CourseDirectory.root = str(root)
    config.CourseDirectory.db_url = f"sqlite:///{root / 'gradebook.db'}"
    config.CourseDirectory.course_id = "ml_speedrun"
    for name, folder in directories.items():
        config.CourseDirectory[f"{name}_directory"] = folder
    config.GenerateAssignment.preprocessors = preprocessors()
    config.Application.log_level = "CRITICAL"
    return config


def _put_scripts_on_path() -> None:
    """Let nbgrader find `alembic`, which it starts by its bare name, without an active venv."""
    scripts = sysconfig.get_path("scripts")
    folders = os.environ.get("PATH", "").split(os.pathsep)
    if scripts not in folders:
        os.environ["PATH"] = os.pathsep.join([scripts, *folders])


def release_bytes(module: course.Module) -> bytes:
    """The release of a module's built source notebook, byte for byte."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder).resolve()
        (root / "source" / module.id).mkdir(parents=True)
        shutil.copy(module.source_path, root / "source" / module.id)
        generate(configuration(root), module.id)
        return (root / "release" / module.id / module.source_path.name).read_bytes()


def generate(config: Config, module_id: str) -> None:
    """Run GenerateAssignment for one module; a `SpeedrunError` says why it failed."""
    api = NbGraderAPI(config=config)
    api.log = logging.getLogger("speedrun.nbgrader")
    done = api.generate_assignment(module_id, force=True)
    if not done["success"]:
        said = [*(done.get("log") or "").splitlines(), *(done.get("error") or "").splitlines()]
        errors = [line.strip() for line in said if re.match(r"\s*[\w.]*(Error|Exception): ", line)]
        reason = (errors or said or ["it gave no reason"])[0]
        raise SpeedrunError(f"nbgrader could not release {module_id}: {reason}")
