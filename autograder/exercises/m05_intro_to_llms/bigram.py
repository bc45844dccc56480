"""A bigram model, and its perplexity."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from autograder.core.exercise import Case, Exercise, Mistake


def _bigram_cases(rng: np.random.Generator) -> list[Case]:
    def case(size: int, length: int, smoothing: float, used: int, *, as_array: bool) -> Case:
        ids = rng.integers(0, used, length)
        ids[:6] = [1, 0, 1, 0, 1, 2]  # some pairs come more than once
        return {"args": [ids if as_array else ids.tolist(), size, smoothing]}

    return [
        case(5, 40, 0.5, 5, as_array=False),
        case(7, 23, 0.1, 4, as_array=True),
        case(4, 61, 2, 4, as_array=True),
        case(9, 7, 1, 3, as_array=False),
    ]


def _bigrams(
    ids: Any,
    vocab_size: int,
    smoothing: float,
    *,
    weight: float | None = None,
    axis: int | None = 1,
    once: bool = False,
    turned: bool = False,
    share: bool = True,
) -> np.ndarray:
    """Right probabilities, with knobs for mistakes."""
    counts = np.zeros((vocab_size, vocab_size))
    for a, b in itertools.pairwise(ids):
        a, b = (b, a) if turned else (a, b)
        counts[a, b] = 1 if once else counts[a, b] + 1
    counts += smoothing if weight is None else weight
    return counts / counts.sum(axis=axis, keepdims=True) if share else counts


def _bigram_reference(case: Case) -> np.ndarray:
    """Row by row, entry by entry, from the definition."""
    ids, size, smoothing = case["args"]
    ids = [int(i) for i in ids]
    table = np.zeros((size, size))
    for now in range(size):
        after = [b for a, b in itertools.pairwise(ids) if a == now]
        for then in range(size):
            table[now, then] = (after.count(then) + smoothing) / (len(after) + size * smoothing)
    return table


def _smoothed_once(ids: Any, vocab_size: int, smoothing: float) -> np.ndarray:
    counts = _bigrams(ids, vocab_size, 0, share=False)
    return (counts + smoothing) / (counts.sum(axis=1, keepdims=True) + smoothing)


def _smoothed_late(ids: Any, vocab_size: int, smoothing: float) -> np.ndarray:
    counts = _bigrams(ids, vocab_size, 0, share=False)
    return counts / np.maximum(counts.sum(axis=1, keepdims=True), 1) + smoothing


def _unsmoothed(ids: Any, vocab_size: int, smoothing: float) -> np.ndarray:
    counts = _bigrams(ids, vocab_size, 0, share=False)
    return counts / counts.sum(axis=1, keepdims=True)


def _sums_before(ids: Any, vocab_size: int, smoothing: float) -> np.ndarray:
    counts = _bigrams(ids, vocab_size, 0, share=False)
    return (counts + smoothing) / counts.sum(axis=1, keepdims=True)


def _zeros_only(ids: Any, vocab_size: int, smoothing: float) -> np.ndarray:
    counts = _bigrams(ids, vocab_size, 0, share=False)
    counts[counts == 0] = smoothing
    return counts / counts.sum(axis=1, keepdims=True)


def _on_used_rows(wrong: Callable[..., np.ndarray]) -> Callable[[Case, Any, Any], bool]:
    """Recognise a mistake by the rows of ids that occur: the others may divide by 0."""

    def recognise(case: Case, seen: Any, expected: Any) -> bool:
        used = sorted({int(i) for i in case["args"][0][:-1]})
        return bool(np.allclose(np.asarray(seen)[used], wrong(*case["args"])[used]))

    return recognise


def _flat_rows(ids: Any, vocab_size: int, smoothing: float) -> np.ndarray:
    counts = _bigrams(ids, vocab_size, smoothing, share=False)
    return counts / counts.sum(axis=1)


bigram_probabilities = Exercise(
    id="bigram_probabilities",
    title="What comes after what",
    takes={"bigram_probabilities": "function"},
    points=2,
    minutes=7,
    difficulty=2,
    cases=_bigram_cases,
    reference=_bigram_reference,
    show=lambda case: (
        f"bigram_probabilities({len(case['args'][0])} ids, vocab_size={case['args'][1]}, "
        f"smoothing={case['args'][2]})"
    ),
    mistakes=(
        Mistake(
            id="bigram_once",
            message="A pair that comes several times is counted once. `counts[rows, columns] += 1` "
            "with lists of places does that: use np.add.at, or a loop.",
            answer=functools.partial(_bigrams, once=True),
        ),
        Mistake(
            id="bigram_turned",
            message="Rows and columns are the wrong way round: row i holds what comes after i.",
            answer=functools.partial(_bigrams, turned=True),
        ),
        Mistake(
            id="bigram_columns",
            message="The columns add up to 1. It is the rows that should: divide by "
            "counts.sum(axis=1, keepdims=True).",
            answer=functools.partial(_bigrams, axis=0),
        ),
        Mistake(
            id="bigram_transposed",
            message="Right numbers, transposed: row i holds what comes after i, column j.",
            answer=lambda ids, size, smoothing: _bigrams(ids, size, smoothing).T,
        ),
        Mistake(
            id="bigram_whole",
            message="All entries together add up to 1. Each row should, on its own: divide by the "
            "row's sum.",
            answer=functools.partial(_bigrams, axis=None),
        ),
        Mistake(
            id="bigram_counts",
            message="These are counts, smoothing included. Divide each row by its sum.",
            answer=functools.partial(_bigrams, share=False),
        ),
        Mistake(
            id="bigram_row_sums",
            message="Each column is divided by another row's sum. Keep the sums as a column, with "
            "keepdims=True, so that each row is divided by its own.",
            answer=_flat_rows,
        ),
        Mistake(
            id="bigram_zeros_only",
            message="Only the counts that are 0 are smoothed. Add `smoothing` to every count.",
            answer=_zeros_only,
        ),
        Mistake(
            id="bigram_unsmoothed",
            message="`smoothing` is missing: add it to every count before you divide, those that "
            "are 0, too.",
            answer=_unsmoothed,
            recognise=_on_used_rows(_unsmoothed),
        ),
        Mistake(
            id="bigram_one",
            message="It always smooths by 1. Add the argument `smoothing` instead.",
            answer=functools.partial(_bigrams, weight=1),
        ),
        Mistake(
            id="bigram_denominator",
            message="The rows add up to more than 1: smoothing went into every count of a row, so "
            "take the row's sum after it has been added.",
            answer=_smoothed_once,
        ),
        Mistake(
            id="bigram_sums_before",
            message="Each row is divided by its sum from before smoothing, and so adds up to more "
            "than 1. Add smoothing to the table first, then take its row sums.",
            answer=_sums_before,
            recognise=_on_used_rows(_sums_before),
        ),
        Mistake(
            id="bigram_late",
            message="Smoothing is added to the probabilities. Add it to the counts, then divide.",
            answer=_smoothed_late,
        ),
    ),
    hints=(
        "First a table of counts, then smoothing on all of it, then each row divided by its sum.",
        "`np.add.at(counts, (ids[:-1], ids[1:]), 1)` counts pairs, repeated ones, too; a loop over "
        "zip(ids, ids[1:]) does the same. `counts.sum(axis=1, keepdims=True)` is a column of sums. "
        "[np.add.at](https://numpy.org/doc/stable/reference/generated/numpy.ufunc.at.html).",
        "```python\ncounts = np.zeros((vocab_size, vocab_size))\n"
        "for a, b in zip(ids, ids[1:]):\n    counts[a, b] += 1\ncounts = counts + ...\n"
        "return counts / ...\n```",
    ),
)


def _perplexity_cases(rng: np.random.Generator) -> list[Case]:
    some = np.log(rng.uniform(0.02, 0.6, 7))
    return [
        {"args": [some]},
        {"args": [np.log(rng.uniform(0.001, 0.9, 23))]},
        {"args": [np.log([0.25, 0.25, 0.25, 0.25, 0.01])]},
        {"args": [np.log(rng.uniform(0.1, 0.4, 1))]},
    ]


def _perplexity_reference(case: Case) -> float:
    """The geometric mean of 1 / p."""
    inverse = [1 / math.exp(v) for v in case["args"][0]]
    return math.prod(inverse) ** (1 / len(inverse))


perplexity = Exercise(
    id="perplexity",
    title="How many ways to go on",
    takes={"perplexity": "function"},
    points=1,
    minutes=4,
    difficulty=1,
    cases=_perplexity_cases,
    reference=_perplexity_reference,
    mistakes=(
        Mistake(
            id="perplexity_sum",
            message="It is computed from the sum: a longer text then looks worse. Take the mean "
            "over the tokens.",
            answer=lambda log_probs: float(np.exp(-np.sum(log_probs))),
        ),
        Mistake(
            id="perplexity_loss",
            message="This is the mean of -log p, the loss. Perplexity is exp of it.",
            answer=lambda log_probs: float(-np.mean(log_probs)),
        ),
        Mistake(
            id="perplexity_sign",
            message="The minus is missing: log probabilities are negative, and perplexity is 1 or "
            "more.",
            answer=lambda log_probs: float(np.exp(np.mean(log_probs))),
        ),
        Mistake(
            id="perplexity_base",
            message="The logarithms are natural ones, so the power is of e (np.exp), not of 2.",
            answer=lambda log_probs: float(2 ** -np.mean(log_probs)),
        ),
        Mistake(
            id="perplexity_mean_p",
            message="The probabilities are averaged, not their logarithms. Take the mean of "
            "log_probs as they are; exp comes last.",
            answer=lambda log_probs: float(1 / np.mean(np.exp(log_probs))),
        ),
        Mistake(
            id="perplexity_mean_inverse",
            message="The numbers 1/p are averaged, and one rare token then outweighs all others. "
            "Take the mean of log_probs as they are; exp comes last.",
            answer=lambda log_probs: float(np.mean(np.exp(-np.asarray(log_probs)))),
        ),
        Mistake(
            id="perplexity_nan",
            message="It is NaN, not a number: that is what the logarithm of a negative number "
            "gives. log_probs are logarithms already, so take no other.",
            answer=lambda log_probs: float(np.exp(-np.mean(np.log(log_probs)))),
            recognise=lambda case, seen, expected: bool(np.isnan(seen)),
        ),
        Mistake(
            id="perplexity_log_again",
            message="Another logarithm is taken: what comes in are logarithms already.",
            answer=lambda log_probs: float(np.exp(-np.mean(np.log(-np.asarray(log_probs))))),
        ),
    ),
    hints=(
        "Three steps: mean, minus, exp.",
        "`np.mean(log_probs)` is negative; its negative is the loss, the cross-entropy in nats. "
        "[Perplexity](https://en.wikipedia.org/wiki/Perplexity).",
        "```python\nreturn np.exp(...)\n```",
    ),
)
