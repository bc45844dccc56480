"""The soft look-up on paper: three words, one query."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograder.core.exercise import Case, Exercise, Mistake
from autograder.probes import m06_illustrated_transformer as probes

KEYS = {"robot": (2.0, 0.0), "apple": (0.0, 1.0), "it": (1.0, 1.0)}
VALUES = {"robot": (10.0, 0.0), "apple": (0.0, 10.0), "it": (5.0, 5.0)}
QUERY = (1.0, 0.0)


def _shares(scores: list[float]) -> list[float]:
    raised = [math.exp(score) for score in scores]
    return [value / sum(raised) for value in raised]


def _on_paper(case: Case) -> dict[str, list[float]]:
    scores = [sum(a * b for a, b in zip(QUERY, key, strict=True)) for key in KEYS.values()]
    weights = _shares(scores)
    out = [sum(w * v[i] for w, v in zip(weights, VALUES.values(), strict=True)) for i in (0, 1)]
    return {"scores": scores, "weights": weights, "out": out}


_PAPER = _on_paper({})


def _explain_paper(case: Case, seen: Any, expected: Any) -> str:
    told = []
    for name, want in expected.items():
        got = np.asarray(seen[name], dtype=float)
        if got.shape != np.shape(want):
            return f"`{name}` should hold {len(want)} numbers"
        fine = np.allclose(got, want, rtol=0.01, atol=0.015)
        told.append(f"`{name}`: {'right' if fine else 'not right yet'}")
    return (
        "; ".join(told) + ". Mend the first that is not right: the ones after it are made from it"
    )


def _paper_slip(id: str, message: str, part: str, wrong: list[float]) -> Mistake:
    """A wrong list in one place of the table, with what follows from it."""
    answer = dict(_PAPER) | {part: wrong}
    if part == "weights":
        answer["out"] = [
            sum(w * v[i] for w, v in zip(wrong, VALUES.values(), strict=True)) for i in (0, 1)
        ]
    return Mistake(
        id=id,
        message=message,
        answer=answer,
        recognise=lambda case, seen, expected: (
            np.shape(seen[part]) == np.shape(wrong)
            and np.allclose(np.asarray(seen[part], dtype=float), wrong, rtol=0.01, atol=0.015)
        ),
    )


def _in_quotes(case: Case, seen: Any, expected: Any) -> bool:
    return any(isinstance(number, str) for part in seen.values() for number in part)


def _near(seen: Any, wanted: Any) -> bool:
    return bool(np.allclose(np.asarray(seen, dtype=float), wanted, rtol=0.01, atol=0.015))


def _scaled(case: Case, seen: Any, expected: Any) -> bool:
    scores = [score / math.sqrt(2) for score in _PAPER["scores"]]
    return _near(seen["scores"], scores) or _near(seen["weights"], _shares(scores))


def _by_three(case: Case, seen: Any, expected: Any) -> bool:
    return any(_near(seen["out"], [a / 3, b / 3]) for a, b in (_PAPER["out"], (5.0, 5.0)))


look_up_by_hand = Exercise(
    id="look_up_by_hand",
    title="Three words on paper",
    takes={"look_up_by_hand": "value"},
    points=2,
    minutes=8,
    difficulty=2,
    cases=lambda rng: [{"entries": ["scores", "weights", "out"]}],
    probe=probes.filled_in,
    reference=_on_paper,
    show=lambda case: "scores, weights and out for the query (1, 0)",
    explain=_explain_paper,
    reveals=False,
    rtol=0.01,
    atol=0.015,
    mistakes=(
        Mistake(
            id="paper_in_quotes",
            message='Some of these are texts, in quotes. Write them as numbers: 0.67, not "0.67".',
            answer={name: [f"{number:.2f}" for number in part] for name, part in _PAPER.items()},
            recognise=_in_quotes,
        ),
        Mistake(
            id="paper_scaled",
            message="The scores are divided by the root of 2. By hand the scale is left out: it "
            "comes in the next section.",
            answer=_PAPER | {"weights": _shares([score / math.sqrt(2) for score in (2, 0, 1)])},
            recognise=_scaled,
        ),
        _paper_slip(
            "paper_percent",
            "These weights are in percent. Give shares of 1: they add up to 1.",
            "weights",
            [100 * weight for weight in _PAPER["weights"]],
        ),
        _paper_slip(
            "paper_out_swapped",
            "The two numbers of `out` are swapped: the first one is mixed from the first numbers "
            "of the values.",
            "out",
            _PAPER["out"][::-1],
        ),
        Mistake(
            id="paper_by_three",
            message="In `out`, there is a division by 3 too many. The weights add up to 1 already: "
            "multiply each value by its weight, and add up.",
            answer=_PAPER | {"out": [part / 3 for part in _PAPER["out"]]},
            recognise=_by_three,
        ),
        _paper_slip(
            "paper_own_key",
            'These scores come from the key of "it", (1, 1). The query is what "it" asks with: '
            "(1, 0).",
            "scores",
            [2.0, 1.0, 2.0],
        ),
        _paper_slip(
            "paper_from_values",
            "These scores come from the values. The query is compared with the **keys**; values "
            "come in only at the end.",
            "scores",
            [10.0, 0.0, 5.0],
        ),
        _paper_slip(
            "paper_plain_shares",
            "These weights are the scores divided by their sum. Raise e to each score first, then "
            "divide by the sum of those.",
            "weights",
            [2 / 3, 0.0, 1 / 3],
        ),
        _paper_slip(
            "paper_not_divided",
            "These are e to the scores. Divide each by their sum, so that the weights add up to 1.",
            "weights",
            [math.exp(2), 1.0, math.e],
        ),
        _paper_slip(
            "paper_winner",
            "This takes the best key and nothing else, as a plain dictionary would. Here the "
            "others count a little as well.",
            "weights",
            [1.0, 0.0, 0.0],
        ),
        _paper_slip(
            "paper_mixed_keys",
            "In `out`, the keys are mixed. Keys are for finding; what is mixed are the values.",
            "out",
            [
                sum(w * k[i] for w, k in zip(_PAPER["weights"], KEYS.values(), strict=True))
                for i in (0, 1)
            ],
        ),
        _paper_slip(
            "paper_mean",
            "In `out`, all values count the same. Multiply each value by its weight, then add up.",
            "out",
            [5.0, 5.0],
        ),
        _paper_slip(
            "paper_one_decimal",
            "These weights are rounded to one decimal, which is too rough to go on with. Give two.",
            "weights",
            [0.7, 0.1, 0.2],
        ),
        _paper_slip(
            "paper_without_it",
            'In `out` the value of "it" is missing. A word may look at itself, too: add 0.245 '
            "times (5, 5).",
            "out",
            [10 * _PAPER["weights"][0], 10 * _PAPER["weights"][1]],
        ),
        _paper_slip(
            "paper_only_best",
            "In `out` only robot's value is left, times its weight. Add the values of apple and of "
            "it, each times its own weight.",
            "out",
            [10 * _PAPER["weights"][0], 0.0],
        ),
    ),
    hints=(
        "Three steps, each from the one before: three scores, three weights, then two numbers.",
        "The score of apple: 1 times 0 plus 0 times 1. From the scores to the weights: e to each "
        "score, then divide by the sum of the three.",
        "```python\nscores = [1 * 2 + 0 * 0, ..., ...]\nweights = [7.39 / (7.39 + 1 + 2.72), ..., "
        "...]\nout = [weights[0] * 10 + weights[1] * 0 + weights[2] * 5, ...]\n```",
    ),
)
