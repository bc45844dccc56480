"""Wrong answers that once were accepted, or told of a mistake that they don't make."""

from __future__ import annotations

from typing import Any

import play
import pytest

from autograder.core.judge import INSTANT_SEED
from autograder.core.outcome import Outcome, Result
from autograder.exercises import by_id

SPAN = """
def is_in_span(vectors, target):
    if len(vectors) == 0:
        return bool(np.all(target == 0))
    best = np.linalg.lstsq(vectors.T, target, rcond=None)[0]
    near = best @ vectors
    return bool({})
"""
RANK = """
def rank(A):
    U, r = np.array(A, dtype=float), 0
    tolerance = 1e-10 * np.abs(U).max()
    for column in range(U.shape[1]):
        if r == len(U):
            break
        p = r + int(np.argmax(np.abs(U[r:, column])))
        U[[r, p]] = U[[p, r]]
        if abs(U[r, {}]) <= tolerance:
            {}
        for i in range(r + 1, len(U)):
            U[i] -= U[i, column] / U[r, column] * U[r]
        r += 1
    return {}
"""
CHECK = """
def gradient_check(f, analytic, x, h=1e-5):
    worst = 0.0
    for i in np.ndindex(*x.shape):
        before = x[i]
        x[i] = before + h
        above = f(x)
        x[i] = before - h
        n, a = (above - f(x)) / (2 * h), analytic[i]
        x[i] = before
        worst = max(worst, {})
    return worst
"""
POWER = """
def power_iteration(A):
    v = np.random.default_rng(0).normal(size=len(A))
    for _ in range({}):
        v = A @ v
        v = v / np.linalg.norm(v)
    return v @ A @ v, v
"""
TRAIN = """
def train(params, X, y, lr, epochs, batch_size, rng):
    for epoch in range(epochs):
        order = rng.permutation(len(X))
        for first in range(0, len(X), batch_size):
            chosen = order[first : first + batch_size{}]
            gradients = mlp_gradients(params, X[chosen], y[chosen])
            params = [(W - {} * dW, b - {} * db) for (W, b), (dW, db) in zip(params, gradients)]
    return params
"""


def judged(name: str, source: str) -> Result:
    """The instant check's verdict on an answer in place of the solution."""
    exercise = by_id()[name]
    names: dict[str, Any] = dict(play.solved(exercise))
    play.run(source, names, name)
    return play.verdict(exercise, names, INSTANT_SEED)


@pytest.mark.parametrize(
    ("name", "source", "mistake"),
    [
        ("is_in_span", SPAN.format("np.isclose(near, target).any()"), "any_entry"),
        ("is_in_span", SPAN.format("np.isclose(near[0], target[0])"), "first_entry"),
        ("is_in_span", SPAN.format("np.isclose(near.sum(), target.sum())"), "sums"),
        ("rank", RANK.format("r", "continue", "r"), "stops"),
        ("rank", RANK.format("column", "break", "r"), "stops"),
        (
            "rank",
            RANK.format("column", "continue", "int(np.sum(np.abs(np.diag(U)) > tolerance))"),
            "stops",
        ),
        ("gradient_check", CHECK.format("abs(a - n) / max(1e-8, a + n)"), "no_sizes"),
        ("gradient_check", CHECK.format("(a - n) / max(1e-8, abs(a) + abs(n))"), "signed"),
        ("power_iteration", POWER.format(10), "too_few_steps"),
        ("train_digits", TRAIN.format(" + 1", "lr", "lr"), "train_overlap"),
        ("train_digits", TRAIN.format(" - 1", "lr", "lr"), "train_gaps"),
    ],
)
def test_it_is_refused_with_the_message_of_its_mistake(
    name: str, source: str, mistake: str
) -> None:
    result = judged(name, source)
    assert result.outcome is Outcome.WRONG
    assert result.mistake == mistake, result


@pytest.mark.parametrize(
    ("name", "source", "says"),
    [
        ("train_digits", TRAIN.format("", "10 * lr", "10 * lr"), "10 times as long"),
        ("train_digits", TRAIN.format("", "lr / 2", "lr / 2"), "0.5 times as long"),
        (
            "softmax_loss",
            "def softmax_loss(x, y):\n"
            "    p = np.exp(x - x.max(axis=1, keepdims=True))\n"
            "    p = p / p.sum(axis=1, keepdims=True)\n"
            "    true = np.eye(x.shape[1])[y]\n"
            "    return -np.mean(np.sum(true * np.log(p), axis=1)), (p - true) / len(x)",
            "0 times log 0",
        ),
    ],
)
def test_it_is_refused_in_words_that_are_true(name: str, source: str, says: str) -> None:
    result = judged(name, source)
    assert result.outcome is Outcome.WRONG
    assert says in result.message, result


@pytest.mark.parametrize("name", ["multi_head", "block", "gpt"])
def test_what_builds_on_an_unwritten_head_says_so(name: str) -> None:
    exercise = by_id()[name]
    stub = play.stub_source(by_id()["head"])
    instead = {**play.without_training(exercise), "head": stub}
    names = play.namespace("07_build_gpt", upto=name, **instead)
    result = play.verdict(exercise, names, INSTANT_SEED)
    assert result.outcome is Outcome.RAISED, result
    assert result.message.startswith("Your `Head` is still unwritten"), result
