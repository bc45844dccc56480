"""Stock nbgrader commands work in this folder: source is solutions/, release is curriculum/.

Grading runs through the same preprocessors as `speedrun grade`: test cells are restored, run on
secret inputs in the notebook's kernel, and judged outside of it.
"""

from autograder.build.release import preprocessors
from autograder.grade.nbgrader_plugin import (
    RepairingExporter,
    autograde_preprocessors,
    sanitize_preprocessors,
)

c = get_config()  # noqa: F821

c.CourseDirectory.course_id = "ml_speedrun"
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "curriculum"
# A file of progress or its lock, left by running a notebook in place, is nobody's homework.
c.CourseDirectory.ignore = [
    ".ipynb_checkpoints",
    "*.pyc",
    "__pycache__",
    "feedback",
    "speedrun-progress.json",
    ".speedrun-progress.json.lock",
]
c.Execute.kernel_manager_class = "autograder.local_kernel.LocalKernelManager"
c.Execute.timeout = 300  # seconds a cell may take under `nbgrader validate`
c.GenerateAssignment.preprocessors = preprocessors()
# A clone comes with every release. nbgrader skips one that exists and then puts nothing in the
# gradebook, so that no submission can be graded: it is made again, the same to the byte.
c.GenerateAssignment.force = True
c.Autograde.exporter_class = RepairingExporter
c.Autograde.sanitize_preprocessors = sanitize_preprocessors()
c.Autograde.autograde_preprocessors = autograde_preprocessors()
