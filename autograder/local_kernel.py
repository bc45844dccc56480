"""Kernels that the course starts itself, spoken to in ways that never lose a message."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from traitlets import default

STARTUP_TIMEOUT = 300  # seconds by the clock until a kernel has to answer, on a busy machine, too


class LocalKernelManager(AsyncKernelManager):
    """A kernel on this machine, reached by Unix sockets in a folder of its own.

    Over TCP the client picks five free ports, and the kernel binds them a second later. In
    between, whatever connects anywhere on the machine may be given one of them, the client's own
    attempts to reach the kernel included. The kernel then dies, or runs on without a heartbeat
    until a time-out. On Windows ZeroMQ has no Unix sockets; there it stays with TCP.
    """

    @default("transport")
    def _default_transport(self) -> str:
        return "ipc" if os.name == "posix" else "tcp"

    @default("connection_file")
    def _default_connection_file(self) -> str:
        self._folder = tempfile.TemporaryDirectory(prefix="kernel-", ignore_cleanup_errors=True)
        return str(Path(self._folder.name) / "k.json")


class WithoutWidgets:
    """For a NotebookClient: it plays no widget's front end.

    nbclient plays that of ipywidgets' `Output`: while it waits for a cell's reply, it sends on the
    same socket. On a busy machine it then misses the reply in about one cell of twenty, and waits
    until the cell's time-out (https://github.com/jupyter/nbclient/issues/312). Without that, what
    is printed into an `Output` stands below the cell, as without widgets.
    """

    def on_comm_open_jupyter_widget(self, msg: dict[str, Any]) -> None:
        """Leave a widget to itself."""


class LocalClient(WithoutWidgets, NotebookClient):
    """Runs a notebook in a local kernel."""

    @default("kernel_manager_class")
    def _default_kernel_manager_class(self) -> type[AsyncKernelManager]:
        return LocalKernelManager

    @default("startup_timeout")
    def _default_startup_timeout(self) -> int:
        return STARTUP_TIMEOUT
