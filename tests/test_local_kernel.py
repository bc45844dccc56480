"""Kernels that the course starts: nothing that runs beside them may make a message go astray."""

from __future__ import annotations

import os
from pathlib import Path

import nbformat
import pytest

from autograder.local_kernel import LocalClient

ADDRESS = """\
import json
from ipykernel.kernelapp import IPKernelApp
print(json.dumps([IPKernelApp.instance().transport, IPKernelApp.instance().ip]))
"""
OUTPUT = """\
import ipywidgets
with ipywidgets.Output():
    print("seen")
"""


def run(tmp_path: Path, *sources: str) -> tuple[LocalClient, Path]:
    """Run the cells in a kernel; the client, and the folder of the kernel's sockets."""
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    client = LocalClient(
        nbformat.v4.new_notebook(cells=cells),
        kernel_name="python3",
        resources={"metadata": {"path": str(tmp_path)}},
    )
    client.create_kernel_manager()
    folder = Path(client.km.connection_file).parent
    assert folder.stat().st_mode & 0o077 == 0  # nobody else can open its sockets
    client.execute()
    return client, folder


@pytest.mark.skipif(os.name != "posix", reason="ZeroMQ has no Unix sockets on Windows")
def test_a_kernel_is_reached_by_files_and_leaves_none(tmp_path: Path) -> None:
    client, folder = run(tmp_path, ADDRESS)
    assert client.nb.cells[0].outputs[0].text == f'["ipc", "{folder}/k-ipc"]\n'
    assert list(tmp_path.iterdir()) == []  # the folder in which the kernel runs
    assert list(folder.iterdir()) == []


def test_nothing_is_sent_while_a_cell_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ipywidgets")
    from jupyter_client.session import Session

    sent: list[str] = []
    send = Session.send

    def noted(session: Session, stream: object, message: object, *rest: object, **more: object):
        kind = message if isinstance(message, str) else message["header"]["msg_type"]
        sent.append(kind)
        return send(session, stream, message, *rest, **more)

    monkeypatch.setattr(Session, "send", noted)
    client, _ = run(tmp_path, OUTPUT)
    assert "execute_request" in sent and "comm_msg" not in sent
    assert client.nb.cells[0].outputs[0].text == "seen\n"
