"""The text for language models: what is used when, and what is never used."""

import io
import os
import subprocess
import sys
import urllib.request

import pytest

from autograder.data import text as corpus
from autograder.errors import SpeedrunError

OFFLINE = OSError("no way out")


@pytest.fixture(autouse=True)
def _alone(tmp_path, monkeypatch):
    monkeypatch.delenv("SPEEDRUN_DATA", raising=False)
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)
    monkeypatch.setattr(corpus, "cache_folder", lambda: tmp_path / "cache")
    corpus.load_corpus.cache_clear()
    yield
    corpus.load_corpus.cache_clear()


def _answer_with(monkeypatch, content, asked=None):
    def urlopen(address, timeout):
        if asked is not None:
            asked.append(address)
        if isinstance(content, Exception):
            raise content
        return io.BytesIO(content)

    monkeypatch.setattr(urllib.request, "urlopen", urlopen)


def _pretend(monkeypatch, content):
    """Let `content` stand for Tiny Shakespeare."""
    monkeypatch.setattr(corpus, "_is_it", lambda other: other == content)


def test_offline_it_says_so_and_uses_the_embedded_text(monkeypatch):
    _answer_with(monkeypatch, OFFLINE)
    found = corpus.load_corpus()
    assert found == corpus.embedded_corpus()
    assert "could not be fetched" in found.note
    assert len(found.text) > 300_000
    assert found.text.isascii()


def test_what_was_fetched_is_kept(monkeypatch):
    _pretend(monkeypatch, b"to be")
    asked = []
    _answer_with(monkeypatch, b"to be", asked)
    assert corpus.load_corpus().text == "to be"
    corpus.load_corpus.cache_clear()
    assert "cache" in corpus.load_corpus().note
    assert len(asked) == 1


def test_another_file_is_never_used(monkeypatch):
    _answer_with(monkeypatch, b"something else")
    (corpus.cache_folder()).mkdir()
    (corpus.cache_folder() / corpus.FILE).write_bytes(b"half of it")
    assert corpus.load_corpus() == corpus.embedded_corpus()


@pytest.mark.parametrize("folder", [True, False])
def test_speedrun_data_comes_first(monkeypatch, tmp_path, folder):
    _pretend(monkeypatch, b"or not")
    _answer_with(monkeypatch, AssertionError("nothing should be fetched"))
    (tmp_path / corpus.FILE).write_bytes(b"or not")
    monkeypatch.setenv("SPEEDRUN_DATA", str(tmp_path if folder else tmp_path / corpus.FILE))
    assert corpus.load_corpus().text == "or not"


def test_a_wrong_file_in_speedrun_data_is_named(monkeypatch, tmp_path):
    (tmp_path / corpus.FILE).write_bytes(b"a translation")
    monkeypatch.setenv("SPEEDRUN_DATA", str(tmp_path))
    with pytest.raises(SpeedrunError, match="checksum"):
        corpus.load_corpus()


def test_nothing_is_fetched_while_grading(monkeypatch):
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    _answer_with(monkeypatch, AssertionError("nothing should be fetched"))
    assert corpus.load_corpus() == corpus.embedded_corpus()


def test_a_cache_that_cannot_be_written_is_no_trouble(monkeypatch, tmp_path):
    _pretend(monkeypatch, b"to be")
    _answer_with(monkeypatch, b"to be")
    (tmp_path / "cache").write_text("a file where the folder should be")
    assert corpus.load_corpus().text == "to be"


@pytest.mark.parametrize(
    "words",
    [
        ["-c", "from autograder.data.text import load_corpus; load_corpus()"],
        ["-W", "ignore", "-m", "autograder.exercises.m07_build_gpt.passages"],
        ["-m", "tools.bench", "--only", "gpt"],
    ],
    ids=["script", "module", "command"],
)
def test_outside_a_notebook_a_wrong_file_is_one_line(tmp_path, words):
    (tmp_path / corpus.FILE).write_text("To be, or not to be", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, *words],
        env={**os.environ, "SPEEDRUN_DATA": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert f"{tmp_path / corpus.FILE} is not Tiny Shakespeare" in line


def test_other_errors_of_a_script_keep_their_traceback():
    code = "import autograder.errors; 1 / 0"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("Traceback")
    assert done.stderr.splitlines()[-1] == "ZeroDivisionError: division by zero"
