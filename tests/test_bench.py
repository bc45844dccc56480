"""The benchmark's own arithmetic, the baseline's shape, and how it finds the notebook's cells."""

from __future__ import annotations

import itertools
import math
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn import functional
from typer.testing import CliRunner

from autograder import course
from autograder.errors import SpeedrunError
from tools.bench import __main__ as command
from tools.bench import baseline, gpt, latency, recipes
from tools.bench.measure import Run, interleaved, ratio, time_to, validation_loss


def run(loss: float, cpu: float, wall: float = 0.0) -> Run:
    return Run("some", cpu, wall, loss)


def test_every_round_has_every_recipe_and_none_is_always_first() -> None:
    order = list(interleaved(["a", "b", "c"], 3))
    assert [turn for turn, _ in order] == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    by_round = [[name for turn, name in order if turn == number] for number in range(3)]
    assert all(sorted(names) == ["a", "b", "c"] for names in by_round)
    assert {names[0] for names in by_round} == {"a", "b", "c"}


def test_the_ratio_is_of_median_times() -> None:
    yardstick = [run(1.90, 100), run(1.92, 80), run(1.91, 500)]
    assert ratio(yardstick, [run(1.89, 10), run(1.91, 30), run(1.90, 20)]) == 5.0
    assert ratio(yardstick, yardstick) is not None


def test_a_run_that_ends_above_the_loss_never_gets_there() -> None:
    yardstick = [run(1.90, 100)]
    assert time_to(1.90, [run(1.91, 1)]) == math.inf
    assert ratio(yardstick, [run(1.91, 1), run(1.91, 1), run(1.80, 10)]) is None
    assert ratio(yardstick, [run(1.91, 1), run(1.89, 20), run(1.80, 10)]) == 5.0


def test_the_clock_counts_where_it_is_asked_for() -> None:
    assert ratio([run(1.9, 9, 100)], [run(1.9, 9, 50)], on_the_clock=True) == 2.0


def test_the_validation_loss_equals_a_loop_by_hand() -> None:
    torch.manual_seed(3)
    vocab_size, block_size = 7, 5
    data = torch.randint(vocab_size, (64,))  # 12 windows of 5, and a rest
    embed, head = nn.Embedding(vocab_size, 4), nn.Linear(4, vocab_size)

    def logits_of(ids: torch.Tensor) -> torch.Tensor:
        return head(embed(ids).cumsum(1))  # what a window has read so far

    losses = []
    for start in range(0, 12 * block_size, block_size):
        for place in range(start, start + block_size):
            logits = logits_of(data[start : place + 1][None])[0, -1]
            losses.append(-functional.log_softmax(logits, 0)[data[place + 1]].item())
    expected = sum(losses) / len(losses)
    for at_once in (1, 5, 64):
        found = validation_loss(logits_of, data, block_size, at_once)
        assert found == pytest.approx(expected, abs=1e-5)
    flat = validation_loss(lambda ids: logits_of(ids).flatten(0, 1), data, block_size)
    assert flat == pytest.approx(expected, abs=1e-5)


def test_the_baseline_has_the_published_shape() -> None:
    settings = baseline.Settings()
    model = baseline.Baseline(65, settings)
    width = settings.n_embd
    a_block = 12 * width * width + 2 * width  # four, and two of four times the width; two norms
    parameters = sum(weight.numel() for weight in model.parameters())
    assert parameters == 65 * width + 64 * width + 4 * a_block + width == 804_096
    assert model(torch.randint(65, (3, 17))).shape == (3, 17, 65)
    assert not any(name.endswith("bias") for name, _ in model.named_parameters())


def test_the_baseline_does_not_see_the_future() -> None:
    torch.manual_seed(0)
    model = baseline.Baseline(11, baseline.Settings(n_embd=16, n_layer=2))
    ids = torch.randint(11, (2, 12))
    later = ids.clone()
    later[:, 7:] = (later[:, 7:] + 1) % 11
    assert torch.allclose(model(ids)[:, :7], model(later)[:, :7], atol=1e-6)
    assert not torch.allclose(model(ids)[:, 7:], model(later)[:, 7:], atol=1e-3)


def test_the_baselines_learning_rate_rises_and_falls() -> None:
    settings = baseline.Settings()
    rates = [baseline.learning_rate(step, settings) for step in range(settings.steps)]
    assert max(rates) == rates[settings.warmup] == settings.lr
    assert all(a < b for a, b in itertools.pairwise(rates[: settings.warmup + 1]))
    assert all(a > b for a, b in itertools.pairwise(rates[settings.warmup :]))
    assert rates[-1] == pytest.approx(settings.lr_end, abs=1e-8)


def test_the_baseline_learns_and_repeats_itself() -> None:
    settings = baseline.Settings(steps=20, warmup=2, n_layer=1, n_embd=16, n_head=2, lr=1e-2)
    data = torch.arange(500) % 5
    losses = []
    for _ in range(2):
        torch.manual_seed(1)
        steps: list[int] = []
        model = baseline.train(data, 5, settings, lambda steps=steps: steps.append(1))
        assert len(steps) == 20
        losses.append(validation_loss(model, data, 16))
    assert losses[0] == losses[1] < math.log(5) / 2


def notebook(*cells: tuple[str, list[str]]) -> dict:
    return {
        "cells": [
            {"cell_type": "code", "source": [source], "metadata": {"tags": tags}}
            for source, tags in cells
        ]
    }


NOTEBOOK = notebook(
    ("import torch\ntrain_data = torch.arange(9)", []),
    ("raise RuntimeError('a cell without a tag is not run')", []),
    ("def estimate_loss():\n    spin(0.2)", ["bench"]),
    ("model = torch.nn.Linear(2, 3)\nestimate_loss()\nspin(0.05)", ["bench-first", "other"]),
    ("size = 5", ["bench"]),
    ("fast_model = size", ["bench-fast"]),
)
SPIN = "import time\ndef spin(s):\n    end = time.process_time() + s\n"
SPIN += "    while time.process_time() < end: pass\n"
NOTEBOOK["cells"][0]["source"].insert(0, SPIN)


def test_the_cells_before_a_recipe_are_the_tagged_ones() -> None:
    before, training = recipes.cells_of(NOTEBOOK, "bench-first")
    assert len(before) == 2
    assert training[1].startswith("model = torch")
    assert len(recipes.cells_of(NOTEBOOK, "bench-fast")[0]) == 3
    with pytest.raises(SpeedrunError, match="no cell is tagged bench-last"):
        recipes.cells_of(NOTEBOOK, "bench-last")


def test_evaluation_is_not_on_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recipes, "_notebook", lambda: NOTEBOOK)
    text = recipes.Text(torch.arange(9), torch.arange(9), 9)
    clock = recipes.Clock()
    model = recipes.train_notebooks("first GPT", text, clock, seed=1)
    assert isinstance(model, nn.Linear)
    assert 0.03 < clock.cpu < 0.2  # the 0.05 seconds of training, without the 0.2 of evaluation
    with pytest.raises(SpeedrunError, match="leaves no `fast_model`"):
        recipes.train_notebooks("fast GPT", text, recipes.Clock(), seed=1)
    other = recipes.Text(torch.arange(8), torch.arange(9), 9)
    with pytest.raises(SpeedrunError, match="train_data"):
        recipes.train_notebooks("first GPT", other, recipes.Clock(), seed=1)


def test_the_text_is_split_as_nanogpt_splits_it() -> None:
    text = recipes.Text.of("banana" * 5)
    assert (len(text.train), len(text.validation), text.vocab_size) == (27, 3, 3)
    assert text.train[:6].tolist() == [1, 0, 2, 0, 2, 0]


def test_without_shakespeare_the_benchmark_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpt.corpus, "load_corpus", gpt.corpus.embedded_corpus)
    result = CliRunner().invoke(command.app(), ["--only", "gpt"])
    assert result.exit_code == 1
    assert "needs Tiny Shakespeare" in result.output


def test_a_notebook_that_does_not_fit_is_found_before_training(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shakespeare = gpt.corpus.Corpus("Tiny Shakespeare", "To be, or not", "")
    monkeypatch.setattr(gpt.corpus, "load_corpus", lambda: shakespeare)
    monkeypatch.setattr(recipes, "_notebook", lambda: notebook(("x = 1", [])))
    monkeypatch.setattr(gpt, "_train_all", lambda *_: pytest.fail("it trains"))
    result = CliRunner().invoke(command.app(), ["--only", "gpt"])
    assert result.exit_code == 1
    assert "no cell is tagged bench-first" in result.output


def test_wrong_usage_is_two() -> None:
    assert CliRunner().invoke(command.app(), ["--only", "what"]).exit_code == 2
    assert CliRunner().invoke(command.app(), ["--rounds", "0"]).exit_code == 2
    wrong = CliRunner().invoke(command.app(), ["--only", "latency", "--module", "99"])
    assert wrong.exit_code == 1
    assert "No module is called '99'" in wrong.output


def quickly(tmp_path: Path, *arguments: str) -> str:
    """What a quick run prints, in a process of its own that finds no Tiny Shakespeare."""
    code = (
        "from autograder.data import text\n"
        "text.load_corpus = text.embedded_corpus\n"
        "from tools.bench.__main__ import app\n"
        "app()()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments, "--quick"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={**os.environ, "COLUMNS": "160", "PYTHONIOENCODING": "utf-8"},
        timeout=900,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


# Functions and questions, classes that grow from cell to cell, and texts for a person to grade.
OF_EVERY_KIND = [
    "02a_neural_networks",
    "04_micrograd",
    pytest.param("08_paper_replication", marks=pytest.mark.long),  # three minutes
]


@pytest.mark.slow
@pytest.mark.parametrize("module_id", OF_EVERY_KIND)
def test_the_latency_of_every_kind_of_module_can_be_measured(
    module_id: str, tmp_path: Path
) -> None:
    module = course.module(module_id)
    said = quickly(tmp_path, "--only", "latency", "--module", module.id)
    measured = set(re.findall(r"^│ (\w+) +│ +[\d.]+ s", said, re.MULTILINE))
    assert measured == {exercise.id for exercise in module.exercises if not exercise.trains}


def test_a_check_of_words_is_measured_like_any_other(home: Path) -> None:
    """In the cells of 08 before its first training."""
    module = course.module("08_paper_replication")
    measured = set()
    for exercise, answers in itertools.islice(latency.solved(module), 6):
        (seconds,) = latency.check_times(exercise, answers, repeats=1)
        assert seconds > 0
        measured.add(exercise.id)
    assert {"read_claim", "preregister"} <= measured


@pytest.mark.slow
def test_the_gpts_can_be_trained_for_a_few_steps(tmp_path: Path) -> None:
    said = quickly(tmp_path, "--only", "gpt")
    for recipe in (recipes.BASELINE, *recipes.CELLS):
        (loss,) = re.findall(
            rf"^│ {recipe} +│ [\d.]+ s +│ [\d.]+ s +│ ([\d.]+)", said, re.MULTILINE
        )
        assert 1.0 < float(loss) < 10.0
    assert f"{recipes.FEW} steps of each" in said


@pytest.mark.parametrize(("faster", "met"), [(3.5, True), (2.5, False), (None, False)])
def test_a_missed_target_is_no(faster: float | None, met: bool) -> None:
    from rich.console import Console

    ours = run(1.95, 1) if faster is None else run(1.90, 100 / faster)
    runs = {"baseline": [run(1.91, 100)], "first GPT": [ours], "fast GPT": [run(1.9, 5)]}
    console = Console(record=True, width=120)
    assert gpt.show(runs, console, threads=1) is met
    shown = console.export_text()
    assert ("met" if met else "missed") in shown
    assert ("no ratio" in shown) == (faster is None)
