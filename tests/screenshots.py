"""Save pictures of a module's first exercise, failing and passing, light and dark.

python tests/screenshots.py 00_start_here pictures/
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from browser import Lab, Notebook, page
from first_exercise import FirstExercise

THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}


def save(module: str, folder: Path) -> list[Path]:
    """Write the four PNG files into `folder`; their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    saved = []
    with tempfile.TemporaryDirectory() as home, Lab(Path(home), module) as lab:
        for name, theme in THEMES.items():
            lab.set("apputils-extension/themes", {"theme": theme})
            with page() as browser_page:
                first = FirstExercise(lab, Notebook(browser_page, lab.url))
                first.prepare()
                for word, answer in (("failing", first.wrong), ("passing", first.right)):
                    first.try_answer(answer)
                    first.notebook.cell(first.answer).scroll_into_view_if_needed()
                    browser_page.wait_for_timeout(500)
                    saved.append(folder / f"{module}-{word}-{name}.png")
                    browser_page.screenshot(path=saved[-1])
    return saved


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("Usage: python tests/screenshots.py MODULE FOLDER")
    for path in save(sys.argv[1], Path(sys.argv[2])):
        print(path)
