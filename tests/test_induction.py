"""09: references agree with torch, and what checks and text count on was measured."""

from __future__ import annotations

import numpy as np
import play
import pytest
import torch
from torch.nn import functional

from autograder.core.judge import draw
from autograder.core.outcome import Outcome
from autograder.data import induction_table
from autograder.exercises import by_id
from autograder.exercises.m09_induction_heads import training
from autograder.exercises.m09_induction_heads.model import _runs
from autograder.exercises.m09_induction_heads.opened import matches, scores_of
from autograder.exercises.m09_induction_heads.task import accuracy
from tools.measure import induction as measured

SEEDS = range(3)
TABLE = induction_table()
ONE = [row for row in TABLE["models"] if row["layers"] == 1]
TWO = [row for row in TABLE["models"] if row["layers"] == 2]
FIXED = TABLE["fixed"]


def best(row: dict) -> float:
    return max(max(scores) for scores in row["induction"])


@pytest.mark.parametrize("seed", SEEDS)
def test_the_pattern_and_the_loss_are_those_of_torch(seed: int) -> None:
    exercise = by_id()["attention_pattern"]
    for case in draw(exercise, seed):
        q, k = (torch.tensor(a).double() for a in case["args"])
        eye = torch.eye(q.shape[2], dtype=torch.float64).expand(*q.shape[:3], -1)
        theirs = functional.scaled_dot_product_attention(q, k, eye, is_causal=True)
        np.testing.assert_allclose(exercise.reference(case), theirs, rtol=1e-6, atol=1e-9)
    exercise = by_id()["next_token_loss"]
    for case in draw(exercise, seed):
        logits, idx = (torch.tensor(a) for a in case["args"])
        theirs = functional.cross_entropy(logits[:, :-1].double().mT, idx[:, 1:])
        assert exercise.reference(case) == pytest.approx(theirs.item(), rel=1e-6)


@pytest.mark.parametrize("seed", SEEDS)
def test_accuracy_and_scores_are_those_of_the_measurements(seed: int) -> None:
    for case in draw(by_id()["repeat_accuracy"], seed):
        theirs = measured.repeat_accuracy(*(torch.tensor(a) for a in case["args"]))
        assert accuracy(*case["args"]) == pytest.approx(theirs)
    for case in draw(by_id()["induction_score"], seed):
        pattern, idx = case["args"]
        theirs = measured.follows_match(torch.tensor(pattern), torch.tensor(idx))
        np.testing.assert_allclose(scores_of(pattern, matches(idx)), theirs, rtol=1e-5)
    for case in draw(by_id()["previous_token_score"], seed):
        theirs = measured.previous_token(torch.tensor(case["args"][0]))
        ours = by_id()["previous_token_score"].reference(case)
        np.testing.assert_allclose(ours, theirs, rtol=1e-5)


def test_the_model_is_that_of_the_measurements() -> None:
    torch.manual_seed(0)
    model = measured.attention_only(2)
    linear = [p for layer in model.layers for p in layer.parameters()] + [model.scores.weight]
    found = [{"kind": "embedding", "weight": t.weight} for t in (model.token, model.place)]
    found += [{"kind": "linear", "weight": p, "bias": None} for p in linear]
    seen = {"leaves": [leaf | {"weight": leaf["weight"].detach().numpy()} for leaf in found]}
    idx, _ = measured.sequences(3, 4, 16)
    keep = torch.tensor([[1.0, 0.0], [0.5, 1.0]])
    make = {"n_layer": 2, "vocab_size": measured.VOCABULARY, "n_head": measured.HEADS}
    # The table of scores has as many rows as the width: tell it by its place, the last.
    seen["leaves"][-1]["weight"] = seen["leaves"][-1]["weight"][:-1]
    make["vocab_size"] -= 1
    (ours,) = _runs({"make": make, "runs": [{"idx": idx.numpy(), "keep": keep.numpy()}]}, seen)
    with torch.no_grad():
        logits, patterns = model(idx, keep)
    np.testing.assert_allclose(ours["logits"], logits[..., :-1], rtol=1e-3, atol=1e-4)
    for mine, theirs in zip(ours["patterns"], patterns, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-3, atol=1e-4)


def test_the_thresholds_of_the_claims_have_room() -> None:
    assert len(ONE) == len(TWO) >= 20
    assert min(row["accuracy"] for row in TWO) >= training.LEAST_TWO + 0.05
    assert max(row["accuracy"] for row in ONE) <= training.MOST_ONE - 0.1
    assert min(row["accuracy"] for row in ONE) >= training.TRAINED + 0.1
    assert min(map(best, TWO)) >= training.LEAST_INDUCTION + 0.2
    assert max(map(best, ONE)) <= training.MOST_INDUCTION - 0.1
    for row in ONE + TWO:  # none looks as if it was trained on one period
        some = [a for p, a in row["by period"].items() if training.LOW < int(p) <= training.HIGH]
        assert max(some) < 0.8 or row["accuracy"] > 0.8


def test_what_the_text_says_was_measured() -> None:
    for row in FIXED:
        at = {int(p): a for p, a in row["by period"].items()}
        assert at[8] > 0.99
        assert at[4] > 0.8
        assert max(at[p] for p in (5, 7, 9, 10, 11, 13, 14, 15)) < 0.1
        assert all(0.1 < at[p] < 0.7 for p in (3, 6, 12, 16))
    trap = [row for row in FIXED if row["layers"] == 1]
    assert min(map(best, trap)) > 0.8  # a score is fooled on the model's own period
    for row in TWO:
        assert row["half at step"] < 200
        assert min(row["by period"][str(p)] for p in range(3, 25)) > 0.75
        assert max(row["previous"][0]) > 0.4
        assert sum(score >= 0.2 for score in row["previous"][0]) == 1
        assert min(row["induction"][1]) > 0.8
        assert row["without previous"] < 0.4
        assert row["without others"] > 0.9
        assert min(row["without"]["1 0"], row["without"]["1 1"]) > 0.9
        assert row["without last layer"] < 0.1
    assert all(row["half at step"] is None for row in ONE)
    assert max(max(map(max, row["previous"])) for row in ONE) < 0.1


def test_the_look_up_by_hand_gets_less_than_two_layers() -> None:
    idx, periods = measured.sequences(2000, 4, 16, torch.Generator().manual_seed(0))
    right = []
    for row, period in zip(idx.tolist(), periods.tolist(), strict=True):
        for t in range(period, len(row) - 1):
            last = max(s for s in range(t) if row[s] == row[t])
            right.append(row[last + 1] == row[t + 1])
    assert 0.85 < np.mean(right) < min(row["accuracy"] for row in TWO) - 0.02


@pytest.mark.parametrize(
    ("name", "layers", "low", "high", "mistake"),
    [
        ("one_layer", 1, 8, 8, "one_period"),
        ("two_layers", 2, 8, 8, "one_period"),
        ("one_layer", 2, 4, 16, "other_depth"),
        ("two_layers", 1, 4, 16, "other_depth"),
    ],
)
def test_a_real_training_of_another_kind_is_named(
    name: str, layers: int, low: int, high: int, mistake: str
) -> None:
    exercise = by_id()[name]
    torch.manual_seed(0)
    model = measured.attention_only(layers)
    measured._train(model, low, high, 60)
    cases = draw(exercise, 1)
    result = play.judged(exercise, (model,), cases)
    assert result.outcome is Outcome.WRONG
    assert result.mistake == mistake, result


def test_a_training_that_stopped_before_the_jump_is_named() -> None:
    exercise = by_id()["two_layers"]
    torch.manual_seed(0)
    model = measured.attention_only(2)
    measured._train(model, 4, 16, 70)
    names = {"two_layers": model}
    result = play.verdict(exercise, names, 1)
    assert result.mistake == "before_the_jump", result
