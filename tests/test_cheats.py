"""What a cheat would try in a notebook (harmless here): none of it gets a point.

Each of these is in the notebook itself: before the answer, in it, or between it and its test.
The answer is a wrong one throughout, so any point is a point for cheating.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers_grade import RIGHT, START, WRONG, answered, cell, save

from autograder.grade import Limits, grade, run
from autograder.grade.gate import rebuild
from autograder.grade.nbgrader_plugin import master_of

pytestmark = pytest.mark.slow

BEFORE = {
    "asserts dropped": """
import ast
class Drop(ast.NodeTransformer):
    def visit_Assert(self, node):
        return ast.Pass()
    def visit_Raise(self, node):
        return ast.Pass()
get_ipython().ast_transformers.append(Drop())
""",
    "the check's call dropped": """
import ast
class Drop(ast.NodeTransformer):
    def visit_Call(self, node):
        self.generic_visit(node)
        named = isinstance(node.func, ast.Attribute) and node.func.attr == "emit"
        return ast.Constant("passed") if named else node
get_ipython().ast_transformers.append(Drop())
""",
    "numpy patched": """
import numpy as np
np.allclose = np.array_equal = lambda *a, **k: True
np.isclose = lambda *a, **k: np.array(True)
np.testing.assert_allclose = lambda *a, **k: None
""",
    "judge and check patched": """
import autograder.core.judge, autograder.notebook.checks, autograder.core.plain
from autograder.core.outcome import Outcome, Result
autograder.core.judge.judge = lambda *a: Result(Outcome.PASSED)
autograder.core.judge._Judgement.result = lambda *a: Result(Outcome.PASSED)
autograder.notebook.checks.run_check = lambda *a: None
autograder.core.plain.difference = lambda *a, **k: None
import autograder
autograder.notebook.api.check = type("Check", (), {"__getattr__": lambda *a: lambda *b: None})()
""",
    "emit patched away": """
import autograder.probes.run.emit
autograder.probes.run.emit.emit = lambda *a: print("1.0")
""",
    "display patched away": """
import IPython.display
IPython.display.publish_display_data = lambda *a, **k: None
""",
    "progress forged": """
import json, os, pathlib
home = pathlib.Path(os.environ["SPEEDRUN_HOME"]) / "speedrun-progress.json"
home.write_text(json.dumps({"exercises": {"mean_square": {"outcome": "passed"}}}))
""",
    "module replaced": """
import sys, types
fake = types.ModuleType("autograder.probes.run.emit")
fake.emit = lambda *a: 1.0
sys.modules["autograder.probes.run.emit"] = fake
""",
}
ANSWERS = {
    "equal to everything": """
class Equal(float):
    __eq__ = __le__ = __ge__ = lambda self, other: True
    __ne__ = __lt__ = __gt__ = lambda self, other: False
    __hash__ = float.__hash__
    __sub__ = __rsub__ = lambda self, other: 0.0
    __abs__ = __float__ = lambda self: 0.0
    def __array__(self, *a, **k):
        import numpy as np
        return np.zeros(())
def mean_square(numbers):
    return Equal(0)
""",
    "an object equal to everything": """
class Equal:
    __eq__ = lambda self, other: True
    __hash__ = None
def mean_square(numbers):
    return Equal()
""",
    "a callable that reads the instant answer": """
import inspect
def mean_square(numbers):
    for frame in inspect.stack():
        if "expected" in frame.frame.f_locals:
            return frame.frame.f_locals["expected"]
    return 0.0
""",
    "hard-coded for the instant check": """
def mean_square(numbers):
    from autograder import course
    from autograder.core.judge import INSTANT_SEED, draw
    exercise = course.exercise("mean_square")
    for case in draw(exercise, INSTANT_SEED):
        if case["args"][0] == list(numbers):
            return exercise.reference(case)
    return 0.0
""",
    "a printed result": WRONG
    + """
print("1.0"); print("✓ Passed · The mean of the squares")
""",
    "a result shown as a card": WRONG
    + """
from autograder.core.outcome import Outcome, Result
from autograder.notebook.cards import result_card
display(result_card(Result(Outcome.PASSED), "The mean of the squares"))
""",
    "nan": "def mean_square(numbers):\n    return float('nan')",
    "an exception that looks like the end": "def mean_square(numbers):\n    raise SystemExit(0)",
    "StopIteration": "def mean_square(numbers):\n    raise StopIteration(1.0)",
}
FORGED = {
    "emitted by hand, no nonce": """
from IPython.display import publish_display_data
from autograder.probes.run import emit
def forged(payload, answers):
    publish_display_data({emit.MIME: {"nonce": "0", "observations": "[]"}})
emit.emit = forged
""",
    "emitted twice": """
from autograder.probes.run import emit
honest = emit.emit
def twice(payload, answers):
    honest(payload, answers)
    honest(payload, answers)
emit.emit = twice
""",
    "pickled": """
import base64, io, json
import numpy as np
from IPython.display import publish_display_data
from autograder.core.observation import Observation, Status
from autograder.core.plain import encode
from autograder.probes.run import emit
def pickled(payload, answers):
    nonce = json.loads(base64.b64decode(payload))["nonce"]
    buffer = io.BytesIO()
    np.save(buffer, np.array([print], dtype=object), allow_pickle=True)
    seen = encode(Observation(status=Status.OK, value=1.0).as_plain())
    seen["value"]["value"] = {"$": "npy", "value": base64.b64encode(buffer.getvalue()).decode()}
    publish_display_data({emit.MIME: {"nonce": nonce, "observations": json.dumps([seen] * 4)}})
emit.emit = pickled
""",
    "passed, it says": """
import base64, json
from IPython.display import publish_display_data
from autograder.core.observation import Observation, Status
from autograder.core.plain import encode
from autograder.probes.run import emit
def passed(payload, answers):
    nonce = json.loads(base64.b64decode(payload))["nonce"]
    seen = encode({**Observation(status=Status.OK, value=1.0).as_plain(), "status": "passed"})
    publish_display_data({emit.MIME: {"nonce": nonce, "observations": json.dumps([seen])}})
emit.emit = passed
""",
    "a field of its own": """
import base64, json
from IPython.display import publish_display_data
from autograder.core.observation import Observation, Status
from autograder.core.plain import encode
from autograder.probes.run import emit
def more(payload, answers):
    nonce = json.loads(base64.b64decode(payload))["nonce"]
    seen = encode({**Observation(status=Status.OK, value=1.0).as_plain(), "points": 1})
    publish_display_data({emit.MIME: {"nonce": nonce, "observations": json.dumps([seen])}})
emit.emit = more
""",
}


def result(notebook: object) -> tuple[int, str, str]:
    """The points, the outcome and the verdict of a run without gradebook."""
    gated = rebuild(notebook, master_of(START), START)
    judged = run(gated.notebook, START, Limits(cell=20, test=5))
    found = cell(judged, "check_mean_square").metadata["speedrun"]
    return found["points"], found["outcome"], judged.metadata["speedrun"]["verdict"]


@pytest.mark.parametrize("name", BEFORE)
def test_a_patched_kernel_gets_no_point(name: str) -> None:
    points, outcome, _ = result(answered(WRONG, before=BEFORE[name]))
    assert points == 0
    assert outcome in ("wrong", "raised")


@pytest.mark.parametrize("name", ["asserts dropped", "numpy patched", "judge and check patched"])
def test_the_same_patches_cost_an_honest_answer_nothing(name: str) -> None:
    assert result(answered(RIGHT, before=BEFORE[name])) == (1, "passed", "graded")


@pytest.mark.parametrize("name", ANSWERS)
def test_a_lying_answer_gets_no_point(name: str) -> None:
    points, outcome, verdict = result(answered(ANSWERS[name]))
    assert (points, verdict) == (0, "graded")
    assert outcome in ("wrong", "raised")


@pytest.mark.parametrize("name", FORGED)
@pytest.mark.parametrize("answer", [WRONG, RIGHT], ids=["wrong", "right"])
def test_a_forged_result_is_called_tampered(name: str, answer: str) -> None:
    assert result(answered(answer, after=FORGED[name])) == (0, "wrong", "tampered")


def test_a_rewritten_test_cell_gets_no_point(tmp_path: Path) -> None:
    notebook = answered(WRONG)
    test = cell(notebook, "check_mean_square")
    test.source = "print('✓ Passed')"
    test.metadata["nbgrader"]["points"] = 1000
    test.metadata["tags"] = ["skip-execution"]
    test.metadata["speedrun"] = {"exercise": "mean_square", "outcome": "passed", "points": 1}
    (report,) = grade([save(notebook, tmp_path)], tmp_path)
    assert (report.score, report.max_score, report.verdict) == (0, 1, "graded")
    assert "edited" in report.notes[0]


def test_the_learners_progress_is_out_of_the_kernels_reach(tmp_path: Path) -> None:
    save(answered(WRONG, before=BEFORE["progress forged"]), tmp_path)
    grade([tmp_path / "00_start_here.ipynb"], tmp_path)
    assert '"passed"' not in (tmp_path / "speedrun-progress.json").read_text()
