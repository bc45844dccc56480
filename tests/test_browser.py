"""A learner's first minutes, in a real browser: wrong, then right, and both are said."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from attempts import WRONG, Attempt, module_with
from browser import Lab, Notebook, chromium, page

from autograder.learner.folder import ready

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(chromium() is None, reason="there is no Chromium on this machine"),
    pytest.mark.skipif(
        any(importlib.util.find_spec(name) is None for name in ("playwright", "jupyterlab")),
        reason="playwright or JupyterLab is not installed",
    ),
]


def plain(text: str) -> str:
    """A message as it reads in the page, where `code` has no backticks."""
    return " ".join(text.replace("`", "").split())


@pytest.mark.parametrize("exercise_id", list(WRONG))
def test_wrong_then_right(exercise_id: str, tmp_path: Path) -> None:
    module = module_with(exercise_id)
    if module not in ready():
        pytest.skip(f"{module.id} is not built yet")
    with Lab(tmp_path, module.id) as lab, page() as browser_page:
        attempt = Attempt(lab, Notebook(browser_page, lab), exercise_id)
        attempt.prepare()
        attempt.notebook.run(attempt.answer)
        untouched = attempt.notebook.run(attempt.check)
        assert "Not attempted" in untouched
        wrong = attempt.make(attempt.wrong)
        assert "Not right yet" in wrong
        assert plain(attempt.message) in plain(wrong)
        right = attempt.make(attempt.right)
        assert "Passed" in right
        assert "Not right yet" not in right
        assert browser_page.locator("[data-mime-type*=error]").count() == 0
        assert browser_page.get_by_text("official Jupyter news").count() == 0
