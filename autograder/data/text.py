"""The text for language models: Tiny Shakespeare, or else text that ships with Python."""

from __future__ import annotations

import functools
import hashlib
import os
import sys
import tempfile
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from autograder.errors import SpeedrunError
from autograder.kernel import is_graded

ADDRESS = (
    "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt"
)
SHA256 = "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"
FILE = "tinyshakespeare.txt"
SECONDS_TO_WAIT = 10
TOO_LARGE = 2_000_000  # bytes; the file has 1,115,394


@dataclass(frozen=True)
class Corpus:
    """A text and where it came from."""

    name: str
    text: str
    note: str  # one sentence about its source, for the reader


@functools.cache
def load_corpus() -> Corpus:
    """Load Tiny Shakespeare, or the embedded text if it can't be fetched.

    This looks in `SPEEDRUN_DATA` (a folder, or the file itself), then in the user's cache, then at
    the public address. A file with the wrong checksum is never used. Raises `SpeedrunError` only if
    `SPEEDRUN_DATA` names such a file.
    """
    given = os.environ.get("SPEEDRUN_DATA")
    if given:
        path = Path(given).expanduser()
        path = path / FILE if path.is_dir() else path
        if path.is_file():
            text = _read(path)
            if text is None:
                raise SpeedrunError(
                    f"SPEEDRUN_DATA: {path} is not Tiny Shakespeare (its checksum is another). "
                    "Fetch it again, or unset SPEEDRUN_DATA."
                )
            return _shakespeare(text, "read from the folder in SPEEDRUN_DATA")
    cached = cache_folder() / FILE
    if cached.is_file() and (text := _read(cached)) is not None:
        return _shakespeare(text, "read from this computer's cache")
    if not is_graded() and (content := _fetch()) is not None:
        _keep(content, cached)
        return _shakespeare(content.decode(), "fetched from its public address, and kept")
    return embedded_corpus()


@functools.cache
def embedded_corpus() -> Corpus:
    """Text that ships with every Python: its own help pages, in plain ASCII.

    About half a million characters. The exact words depend on the version of Python.
    """
    from pydoc_data import topics

    pages = (topics.topics[name] for name in sorted(topics.topics))
    text = "\n".join(pages).encode("ascii", "ignore").decode()
    return Corpus(
        name="Python's help pages",
        text=text,
        note=(
            "Tiny Shakespeare could not be fetched, so this uses Python's own help pages. "
            "Everything works the same; the losses differ. To use Shakespeare, set SPEEDRUN_DATA "
            f"to a folder with {FILE}."
        ),
    )


def cache_folder() -> Path:
    """Where fetched data is kept between runs."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or "~/AppData/Local"
    elif sys.platform == "darwin":
        base = "~/Library/Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "ml-speedrun"


def _shakespeare(text: str, how: str) -> Corpus:
    return Corpus("Tiny Shakespeare", text, f"Tiny Shakespeare, {how}.")


def _read(path: Path) -> str | None:
    """The file's text, or None if it is a different file or can't be read."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    return content.decode() if _is_it(content) else None


def _fetch() -> bytes | None:
    try:
        with urllib.request.urlopen(ADDRESS, timeout=SECONDS_TO_WAIT) as answer:
            content = answer.read(TOO_LARGE)
    except (OSError, ValueError):
        return None
    return content if _is_it(content) else None


def _keep(content: bytes, path: Path) -> None:
    """Write the cache whole or not at all; ignore a cache that can't be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            file.write(content)
        Path(file.name).replace(path)
    except OSError:
        return


def _is_it(content: bytes) -> bool:
    return hashlib.sha256(content).hexdigest() == SHA256
