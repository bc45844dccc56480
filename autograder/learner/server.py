"""JupyterLab for a learner's folder: find the one that is running, or start one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from autograder.errors import SpeedrunError
from autograder.files import write_atomically
from autograder.learner.folder import Folder

START_LIMIT = 90.0  # seconds that a new server has until it must answer
STOP_LIMIT = 15.0  # seconds that it has to stop on its own
# Added to the learner's own configuration, which stays as it is: no question about news, and no
# nbgrader panels, which are for people who create and grade assignments.
PAGE_CONFIG = {
    "disabledExtensions": {
        "@jupyterlab/apputils-extension:announcements": True,
        "@jupyter/nbgrader": True,
    }
}
# Written answers are in code cells, so wrap their long lines.
SETTINGS = {"@jupyterlab/notebook-extension:tracker": {"codeCellConfig": {"lineWrap": True}}}


@dataclass(frozen=True)
class Server:
    """A Jupyter server that responds: its address, which ends in a slash, and its token."""

    address: str
    token: str

    def url(self, path: str = "") -> str:
        """JupyterLab's address with the notebook at `path` open, and the token in it."""
        place = f"lab/tree/{path}" if path else "lab"
        return f"{self.address}{place}" + (f"?token={self.token}" if self.token else "")

    def ask(self, what: str, method: str = "GET", limit: float = 3.0) -> bool:
        """Whether the server answers a request to `api/<what>`."""
        request = urllib.request.Request(f"{self.address}api/{what}", method=method)
        if self.token:
            request.add_header("Authorization", f"token {self.token}")
        # Never through a proxy: it is on this machine.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=limit):
                return True
        except urllib.error.HTTPError as error:
            return error.code == 403  # it is there, and wants a password
        except (OSError, ValueError):
            return False


def running(folder: Folder) -> Server | None:
    """The server that is running in this folder and responds, or None."""
    for server in _known(folder):
        if server.ask("status"):
            return server
    return None


def _known(folder: Folder) -> Iterator[Server]:
    from jupyter_server.serverapp import list_running_servers

    try:
        for info in list_running_servers():
            if _same(Path(info.get("root_dir", "")), folder.path):
                yield Server(info["url"], info.get("token", ""))
    except (OSError, ValueError, KeyError):
        return


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False


class Process:
    """A JupyterLab that we started. Use it in a ``with`` block, which stops it at the end."""

    def __init__(self, folder: Folder, open_path: str, browser: bool, port: int | None) -> None:
        self.folder, self.port = folder, port
        self.log = folder.hidden / "jupyterlab.log"
        config = folder.hidden / "jupyter"
        lab = config / "labconfig"
        write_atomically(lab / "page_config.json", json.dumps(PAGE_CONFIG))
        write_atomically(lab / "default_setting_overrides.json", json.dumps(SETTINGS))
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                _command(folder, open_path, browser, port),
                cwd=folder.path,
                env=_environment(folder, config),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # Ctrl-C is for us: we stop the server, without its question.
                start_new_session=os.name == "posix",
                creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
            )
        self.server: Server | None = None

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def wait_until_ready(self) -> Server:
        """The server, once it responds; a `SpeedrunError` with its last output if it ends first."""
        deadline = time.monotonic() + START_LIMIT
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                where = f"on port {self.port}" if self.port else "here"
                raise SpeedrunError(
                    f"JupyterLab could not start {where}: {self._last_words()} "
                    f"Its log is {self.log}."
                )
            self.server = running(self.folder)
            if self.server is not None:
                return self.server
            time.sleep(0.1)
        raise SpeedrunError(
            f"JupyterLab did not answer in {START_LIMIT:.0f} s. Its log is {self.log}."
        )

    def _last_words(self) -> str:
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        said = [line.rpartition("] ")[2].strip() for line in lines if line.strip()]
        errors = [line for line in said if "error" in line.lower()]
        return (errors or said or ["it said nothing."])[-1]

    def wait(self) -> int:
        """Wait until the server ends on its own."""
        while True:
            try:
                return self.process.wait(timeout=1)  # in steps, so that Windows notices Ctrl-C
            except subprocess.TimeoutExpired:
                continue

    def stop(self) -> None:
        """Ask the server and its kernels to stop; end it if it doesn't."""
        if self.process.poll() is not None:
            return
        asked = self.server is not None and self.server.ask("shutdown", "POST")
        if not asked:
            self.process.terminate()
        try:
            self.process.wait(timeout=STOP_LIMIT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def _command(folder: Folder, open_path: str, browser: bool, port: int | None) -> list[str]:
    command = [
        sys.executable,
        "-m",
        "jupyterlab",
        f"--ServerApp.root_dir={folder.path}",
        f"--LabApp.default_url=/lab/tree/{open_path}",
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]
    if port is not None:
        command += [f"--ServerApp.port={port}", "--ServerApp.port_retries=0"]
    if not browser:
        command.append("--no-browser")
    if getattr(os, "geteuid", lambda: 1)() == 0:
        command.append("--allow-root")
    return command


def _environment(folder: Folder, config: Path) -> dict[str, str]:
    """An environment in which kernels find the progress file and use this Python's packages."""
    paths = [str(config), os.environ.get("JUPYTER_CONFIG_PATH", "")]
    return {
        **os.environ,
        "SPEEDRUN_HOME": str(folder.path),
        "JUPYTER_PREFER_ENV_PATH": "1",
        "JUPYTER_CONFIG_PATH": os.pathsep.join(filter(None, paths)),
    }
