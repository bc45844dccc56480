"""A learner's first minutes, in a real browser: wrong, then right, and both are said."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from typing import Any

import pytest
from attempts import WRONG, Attempt, module_with
from browser import Lab, Notebook, chromium, page

from autograder.learner.folder import ready

pytestmark = [
    pytest.mark.slow,
    pytest.mark.lasts(30),
    pytest.mark.skipif(chromium() is None, reason="there is no Chromium on this machine"),
    pytest.mark.skipif(
        any(importlib.util.find_spec(name) is None for name in ("playwright", "jupyterlab")),
        reason="playwright or JupyterLab is not installed",
    ),
]


def plain(text: str) -> str:
    """A message as it reads in the page, where `code` has no backticks."""
    return " ".join(text.replace("`", "").split())


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """One JupyterLab for all tests: each has a module of its own in it."""
    with Lab(tmp_path_factory.mktemp("lab"), "00_start_here") as opened:
        yield opened


@pytest.fixture
def browser_page() -> Iterator[Any]:
    """An empty page, in a browser of its own: one that stays would keep the event loop."""
    with page() as opened:
        yield opened


@pytest.mark.parametrize("exercise_id", list(WRONG))
def test_wrong_then_right(exercise_id: str, lab: Lab, browser_page: Any) -> None:
    module = module_with(exercise_id)
    if module not in ready():
        pytest.skip(f"{module.id} is not built yet")
    lab.open(module.id)
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


def test_a_slider_draws_the_picture_again(lab: Lab, browser_page: Any) -> None:
    lab.open("01a_moving_space")
    notebook = Notebook(browser_page, lab)
    kinds = [cell["cell_type"] for cell in lab.cells()]
    sources = ["".join(cell["source"]) for cell in lab.cells()]
    notebook.run(kinds.index("code"))
    place = next(at for at, text in enumerate(sources) if "\nsliders(\n" in text)
    notebook.run(place)
    picture = notebook.cell(place).locator("img")
    handle = notebook.cell(place).locator(".noUi-handle").first
    handle.wait_for(timeout=60_000)  # JupyterLab loads the widgets' code at their first use
    assert "first column (1, 0.5)" in picture.get_attribute("alt")
    handle.click()
    browser_page.keyboard.press("ArrowRight")
    notebook.cell(place).get_by_alt_text("first column (1.25, 0.5)").wait_for(timeout=20_000)
    assert picture.count() == 1
