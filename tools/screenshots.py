"""Save screenshots of exercises, failing and passing, in JupyterLab light and dark.

python tools/screenshots.py pictures/ mean_square predict_nudge
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from attempts import WRONG, Attempt, module_with  # noqa: E402
from browser import Lab, Notebook, page  # noqa: E402

THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}


def save(exercise_id: str, folder: Path) -> list[Path]:
    """Write the four PNG files of an exercise to `folder`; return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    saved = []
    module = module_with(exercise_id)
    with tempfile.TemporaryDirectory() as home, Lab(Path(home), module.id) as lab:
        for name, theme in THEMES.items():
            lab.set("apputils-extension/themes", {"theme": theme})
            with page() as browser_page:
                attempt = Attempt(lab, Notebook(browser_page, lab), exercise_id)
                attempt.prepare()
                for word, answer in (("failing", attempt.wrong), ("passing", attempt.right)):
                    attempt.make(answer)
                    attempt.notebook.show_end_of(attempt.check)
                    saved.append(folder / f"{exercise_id}-{word}-{name}.png")
                    browser_page.screenshot(path=saved[-1])
    return saved


if __name__ == "__main__":
    if len(sys.argv) < 3 or not set(sys.argv[2:]) <= set(WRONG):
        sys.exit(f"Usage: python tools/screenshots.py FOLDER EXERCISE... ({', '.join(WRONG)})")
    for exercise_id in sys.argv[2:]:
        for path in save(exercise_id, Path(sys.argv[1])):
            print(path)
