"""Drive a notebook in JupyterLab, in a headless Chromium: what the browser test and the
screenshots share."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SELECT_ALL = "Meta+A" if sys.platform == "darwin" else "Control+A"
# Every cell stays in the page, so that it can be found by its place in the notebook.
TRACKER = {"windowingMode": "none"}


def chromium() -> str | None:
    """Where Chromium is; None where there is none."""
    return next((path for path in map(shutil.which, BROWSERS) if path), None)


class Lab:
    """A learner's folder with JupyterLab on it, started by `speedrun lab` with fresh settings.

    Use it with ``with``; `url` is then the address of the module's notebook. `open` goes on to
    another module.
    """

    def __init__(self, folder: Path, module: str) -> None:
        self.home, self.module, self.url = folder / "home", module, ""
        self.settings = folder / "settings" / "@jupyterlab"
        self.environment = {
            **os.environ,
            "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"),
            "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces"),
            "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
        }
        self.set("notebook-extension/tracker", TRACKER)

    def set(self, plugin: str, values: dict[str, Any]) -> None:
        """Write a setting of JupyterLab's; a page that is opened afterwards reads it."""
        path = self.settings / f"{plugin}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values), encoding="utf-8")

    def __enter__(self) -> Lab:
        command = [sys.executable, "-m", "autograder.cli", "lab", self.module, "--headless"]
        self.process = subprocess.Popen(
            [*command, "--folder", str(self.home)],
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env=self.environment,
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
        said = []
        for line in self.process.stdout:
            said.append(line)
            if found := re.search(r"http://\S+", line):
                self.url = found[0]
                return self
        raise AssertionError(f"speedrun lab said no address: {said}")

    def __exit__(self, *_: object) -> None:
        self.process.send_signal(signal.CTRL_BREAK_EVENT if os.name == "nt" else signal.SIGINT)
        self.process.wait(timeout=30)
        self.process.stdout.close()

    def open(self, module: str) -> None:
        """Turn to another module's notebook, in a workspace where no other one is open."""
        self.url, found = re.subn(
            r"/lab(/workspaces/\w+)?/tree/\w+/\w+\.ipynb",
            f"/lab/workspaces/{module}/tree/{module}/{module}.ipynb",
            self.url,
        )
        assert found == 1, self.url
        self.module = module

    def cells(self) -> list[dict[str, Any]]:
        """The cells of the saved notebook."""
        path = self.home / self.module / f"{self.module}.ipynb"
        return json.loads(path.read_text(encoding="utf-8"))["cells"]

    def place_of(self, grade_id: str) -> int:
        """Where in the notebook the cell with this `grade_id` is."""
        names = [cell["metadata"].get("nbgrader", {}).get("grade_id") for cell in self.cells()]
        return names.index(grade_id)


@contextlib.contextmanager
def page(size: tuple[int, int] = (1100, 800)) -> Iterator[Any]:
    """A page in headless Chromium, of `size` CSS pixels."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        try:
            shape = {"width": size[0], "height": size[1]}
            yield browser.new_page(viewport=shape, device_scale_factor=2)
        finally:
            browser.close()


class Notebook:
    """A notebook that is open in a page; a cell is named by its place."""

    def __init__(self, page: Any, lab: Lab) -> None:
        from playwright.sync_api import expect

        self.page = page
        page.goto(lab.url)
        cells = page.locator(".jp-Notebook .jp-Cell")
        expect(cells).to_have_count(len(lab.cells()), timeout=60_000)
        page.get_by_text(re.compile(r"\| Idle")).first.wait_for(timeout=60_000)

    def cell(self, place: int) -> Any:
        """The cell at a place."""
        return self.page.locator(".jp-Notebook .jp-Cell").nth(place)

    def run(self, place: int) -> str:
        """Run a code cell, and wait for its end; the text of its output."""
        from playwright.sync_api import expect

        cell = self.cell(place)
        cell.scroll_into_view_if_needed()
        prompt = cell.locator(".jp-InputPrompt").first
        before = prompt.inner_text()
        for _ in range(4):  # JupyterLab may still be busy with itself, and drop a key
            prompt.click()
            self.page.keyboard.press("Control+Enter")
            with contextlib.suppress(AssertionError):
                expect(prompt).not_to_have_text(before, timeout=5_000)
                break
        expect(prompt).to_have_text(re.compile(r"\[\d+\]"), timeout=60_000)
        self.page.wait_for_timeout(200)
        return "\n".join(cell.locator(".jp-OutputArea-output").all_inner_texts())

    def type(self, place: int, text: str) -> None:
        """Replace the source of a code cell, as a person would who pastes it."""
        editor = self.cell(place).locator(".cm-content")
        editor.scroll_into_view_if_needed()
        editor.click()
        self.page.keyboard.press(SELECT_ALL)
        self.page.keyboard.insert_text(text)

    def show_end_of(self, place: int) -> None:
        """Scroll so that the end of a cell, with its output, is at the bottom of the page."""
        self.cell(place).evaluate("cell => cell.scrollIntoView({block: 'end'})")
        self.page.mouse.move(5, 400)
        self.page.wait_for_timeout(400)
