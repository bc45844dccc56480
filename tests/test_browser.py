"""A learner's first minutes, in a real browser: wrong, then right, and both are said."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from browser import Lab, Notebook, chromium, page
from first_exercise import WRONG, FirstExercise

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


@pytest.mark.parametrize("module", list(WRONG))
def test_the_first_exercise_wrong_then_right(module: str, tmp_path: Path) -> None:
    with Lab(tmp_path, module) as lab, page() as browser_page:
        first = FirstExercise(lab, Notebook(browser_page, lab.url))
        first.prepare()
        first.notebook.run(first.answer)
        untouched = first.notebook.run(first.check)
        assert "Not attempted" in untouched
        wrong = first.try_answer(first.wrong)
        assert "Not right yet" in wrong
        assert plain(first.message) in plain(wrong)
        right = first.try_answer(first.right)
        assert "Passed" in right
        assert "Not right yet" not in right
        assert browser_page.locator(".jp-RenderedText[data-mime-type*=error]").count() == 0
        assert browser_page.get_by_text("official Jupyter news").count() == 0
