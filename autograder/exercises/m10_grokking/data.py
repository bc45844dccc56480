"""The exercises about the task: a table of sums with missing cells."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograder.core.exercise import Case, Exercise, Mistake
from autograder.probes import m10_grokking as probes


def pairs(p: int) -> tuple[np.ndarray, np.ndarray]:
    """All pairs of numbers below p with "=", and their sums modulo p: (p², 3) and (p²,)."""
    rows = [[a, b, p] for a in range(p) for b in range(p)]
    sums = [(a + b) - p * (a + b >= p) for a in range(p) for b in range(p)]
    return np.array(rows), np.array(sums)


# --- All pairs -----------------------------------------------------------------------------------


def _pair_cases(rng: np.random.Generator) -> list[Case]:
    return [{"p": int(p)} for p in (3, *rng.choice([5, 6, 7, 8, 9, 11], size=2, replace=False))]


def _pair_reference(case: Case) -> dict[str, Any]:
    tokens, answers = pairs(case["p"])
    return {"tokens": tokens, "answers": answers, "whole numbers": True}


def _wrong_pairs(change: str) -> Any:
    """`all_pairs` with one mistake."""

    def all_pairs(p: int) -> Any:
        import torch

        tokens, answers = (torch.tensor(part) for part in pairs(p))
        a, b = tokens[:, 0], tokens[:, 1]
        match change:
            case "no modulo":
                return tokens, a + b
            case "modulo p + 1":
                return tokens, (a + b) % (p + 1)
            case "product":
                return tokens, a * b % p
            case "difference":
                return tokens, (a - b) % p
            case "no equals":
                return tokens[:, :2], answers
            case "equals is 0":
                return torch.stack([a, b, 0 * a], 1), answers
            case "equals is p - 1":
                return torch.stack([a, b, 0 * a + p - 1], 1), answers
            case "order":
                return torch.stack([b, a, 0 * a + p], 1), answers
            case "half":
                return tokens[a <= b], answers[a <= b]
            case "strict half":
                return tokens[a < b], answers[a < b]
            case "from 1":
                return torch.stack([a + 1, b + 1, 0 * a + p], 1), (a + b + 2) % p
            case "transposed":
                return tokens.T, answers
            case "answer in tokens":
                return torch.stack([a, b, answers], 1), answers
            case "column":
                return tokens, answers[:, None]
            case "floats":
                return tokens.float(), answers.float()
        raise AssertionError(change)

    return all_pairs


def _explain_pairs(case: Case, seen: Any, expected: Any) -> str | None:
    p = case["p"]
    for name in ("tokens", "answers"):
        if np.shape(seen[name]) != expected[name].shape:
            return f"`{name}` has the shape {np.shape(seen[name])}, expected {expected[name].shape}"
        if not np.array_equal(seen[name], expected[name]):
            row = int(np.argwhere(seen[name] != expected[name])[0][0])
            a, b = divmod(row, p)
            return (
                f"With p = {p}, row {row} of `{name}` is {np.asarray(seen[name][row]).tolist()}. "
                f"It belongs to a = {a}, b = {b}: expected {expected[name][row].tolist()}"
            )
    return None


all_pairs = Exercise(
    id="all_pairs",
    title="The whole table",
    takes={"all_pairs": "function"},
    points=1,
    minutes=5,
    difficulty=1,
    cases=_pair_cases,
    probe=probes.pairs,
    reference=_pair_reference,
    explain=_explain_pairs,
    show=lambda case: f"all_pairs({case['p']})",
    mistakes=(
        Mistake(
            id="no_modulo",
            message="The answers are plain sums. Sums from p on start again at 0: `% p`.",
            answer=_wrong_pairs("no modulo"),
        ),
        Mistake(
            id="modulo_p_plus_1",
            message="The sums start again at p + 1. There are p numbers, 0 to p - 1: take the "
            "remainder by p. Only the table of tokens has p + 1 entries, because of =.",
            answer=_wrong_pairs("modulo p + 1"),
        ),
        Mistake(
            id="product",
            message="The answers are products modulo p. The task is addition.",
            answer=_wrong_pairs("product"),
        ),
        Mistake(
            id="difference",
            message="The answers are differences modulo p. The task is addition.",
            answer=_wrong_pairs("difference"),
        ),
        Mistake(
            id="no_equals",
            message="Each row has two tokens. The third is =, the number p: there the model has to "
            "answer.",
            answer=_wrong_pairs("no equals"),
        ),
        Mistake(
            id="equals_is_0",
            message="The third token is 0, which is one of the numbers. The sign = needs a number "
            "of its own: p, the first that is free.",
            answer=_wrong_pairs("equals is 0"),
        ),
        Mistake(
            id="equals_is_last",
            message="The third token is p - 1, which is one of the numbers. The sign = needs a "
            "number of its own: p, the first that is free.",
            answer=_wrong_pairs("equals is p - 1"),
        ),
        Mistake(
            id="answer_in_tokens",
            message="The third token is the answer itself, so the model would only have to copy "
            "it. It should be =, the number p.",
            answer=_wrong_pairs("answer in tokens"),
        ),
        Mistake(
            id="order",
            message="Here a changes fastest. Row a · p + b should hold a, then b: b runs through "
            "all its values before a takes the next one.",
            answer=_wrong_pairs("order"),
        ),
        Mistake(
            id="half",
            message="Pairs with a > b are missing. The model does not know that a + b is b + a: to "
            "it, each order is a cell of its own.",
            answer=_wrong_pairs("half"),
        ),
        Mistake(
            id="strict_half",
            message="Only pairs with a < b are there. All p · p cells of the table belong to it.",
            answer=_wrong_pairs("strict half"),
        ),
        Mistake(
            id="from_1",
            message="The numbers run from 1 to p. They should run from 0 to p - 1; p itself stands "
            "for =.",
            answer=_wrong_pairs("from 1"),
        ),
        Mistake(
            id="transposed",
            message="The tokens lie on their side: one row for each pair, shape (p², 3). "
            "`torch.stack(..., dim=1)` puts columns side by side.",
            answer=_wrong_pairs("transposed"),
        ),
        Mistake(
            id="column",
            message="The answers are a column of shape (p², 1). They should be one row of p² "
            "numbers: `cross_entropy` wants it so.",
            answer=_wrong_pairs("column"),
        ),
        Mistake(
            id="floats",
            message="These are numbers with a decimal point. Tokens choose rows of a table and "
            "must be whole numbers: make the tensors of integers.",
            answer=_wrong_pairs("floats"),
            recognise=lambda case, seen, expected: (
                not seen["whole numbers"]
                and np.array_equal(seen["tokens"], expected["tokens"])
                and np.array_equal(seen["answers"], expected["answers"])
            ),
        ),
    ),
    hints=(
        "Two loops, one inside the other, give the pairs in the right order.",
        "Collect rows [a, b, p] and sums (a + b) % p in lists, and make tensors of them at the "
        "end. Or look up [torch.cartesian_prod]"
        "(https://pytorch.org/docs/stable/generated/torch.cartesian_prod.html).",
        "```python\nrows = [[a, b, ...] for a in range(p) for b in range(p)]\n"
        "tokens = torch.tensor(rows)\nanswers = (tokens[:, 0] + ...) % ...\n```",
    ),
)

# --- The split -----------------------------------------------------------------------------------


def _split_cases(rng: np.random.Generator) -> list[Case]:
    return [
        {"count": count, "fraction": fraction, "seed": int(rng.integers(2**31))}
        for count, fraction in (
            (int(rng.integers(60, 90)), 0.3),
            (int(rng.integers(200, 300)), 0.6),
            (121, 0.8),
        )
    ]


def split_facts(case: Case, seen: Any) -> dict[str, Any]:
    """What is checked of a split."""
    train, test = np.asarray(seen["train"]), np.asarray(seen["test"])
    count = case["count"]
    if train.dtype.kind == "b" or train.ndim != 1 or test.ndim != 1:
        return {"two rows of indices": False}
    both = np.concatenate([train, test])
    gaps = np.diff(np.sort(train))
    return {
        "two rows of indices": True,
        "in range": bool(((both >= 0) & (both < count)).all()),
        "none in both": not np.intersect1d(train, test).size,
        "none twice": len(np.unique(train)) == len(train) and len(np.unique(test)) == len(test),
        "all used": len(np.unique(both)) == count,
        "size": abs(len(train) - case["fraction"] * count) <= 1,
        "at random": _mixed(gaps),
    }


def _mixed(gaps: np.ndarray) -> bool:
    """Whether the distances between neighbours of the training set are those of a random one."""
    return len(gaps) > 1 and len(np.unique(gaps)) >= 2 and np.mean(gaps == np.median(gaps)) < 0.95


GOOD_SPLIT = {
    "two rows of indices": True,
    "in range": True,
    "none in both": True,
    "none twice": True,
    "all used": True,
    "size": True,
    "at random": True,
}


def _wrong_split(change: str) -> Any:
    def split_pairs(count: int, fraction: float) -> Any:
        import torch

        order = torch.randperm(count)
        n = round(fraction * count)
        match change:
            case "leak":
                return order[:n], torch.arange(count)
            case "drawn twice":
                return order[:n], torch.randperm(count)[n:]
            case "with replacement":
                return torch.randint(count, (n,)), torch.randint(count, (count - n,))
            case "in order":
                return torch.arange(n), torch.arange(n, count)
            case "swapped":
                return order[n:], order[:n]
            case "half":
                return order[: count // 2], order[count // 2 :]
            case "lost":
                return order[:n], order[n + 1 :]
            case "overlap":
                return order[:n], order[n - 1 :]
            case "same":
                return order[:n], order[:n]
            case "mask":
                return torch.rand(count) < fraction, torch.rand(count) >= fraction
        raise AssertionError(change)

    return split_pairs


def _facts_are(**wanted: bool) -> Any:
    def recognise(case: Case, seen: Any, expected: Any) -> bool:
        facts = split_facts(case, seen)
        return all(facts.get(name.replace("_", " ")) == value for name, value in wanted.items())

    return recognise


def _overlap(case: Case, seen: Any) -> np.ndarray:
    return np.intersect1d(seen["train"], seen["test"])


split_pairs = Exercise(
    id="split_pairs",
    title="Cells to learn, cells to guess",
    takes={"split_pairs": "function"},
    points=2,
    minutes=6,
    difficulty=2,
    cases=_split_cases,
    probe=probes.split,
    measure=split_facts,
    reference=lambda case: GOOD_SPLIT,
    show=lambda case: f"split_pairs({case['count']}, {case['fraction']})",
    explain=lambda case, seen, expected: (
        f"Of {case['count']} indices, {len(np.unique(seen['train']))} different ones are for "
        f"training and {len(np.unique(seen['test']))} for testing, {len(_overlap(case, seen))} "
        f"are in both. Expected {case['fraction'] * case['count']:.0f} for training, the rest for "
        "testing, none in both"
    ),
    mistakes=(
        Mistake(
            id="mask",
            message="These are not two rows of indices. Return the numbers of the chosen pairs: "
            "`torch.randperm(count)` shuffles the numbers from 0 to count - 1.",
            answer=_wrong_split("mask"),
            recognise=_facts_are(two_rows_of_indices=False),
        ),
        Mistake(
            id="with_replacement",
            message="Some indices come twice within a set: they were drawn with replacement. "
            "Shuffle all of them once, and cut.",
            answer=_wrong_split("with replacement"),
            recognise=_facts_are(none_twice=False),
        ),
        Mistake(
            id="same",
            message="Both sets are the same. The test set should hold the indices that training "
            "never sees.",
            answer=_wrong_split("same"),
            recognise=lambda case, seen, expected: np.array_equal(
                np.sort(seen["train"]), np.sort(seen["test"])
            ),
        ),
        Mistake(
            id="leak",
            message="The test set holds all indices, those for training as well. A model that only "
            "remembers would look as if it understood something.",
            answer=_wrong_split("leak"),
            recognise=lambda case, seen, expected: (
                len(np.unique(seen["test"])) == case["count"]
                and split_facts(case, seen)["none twice"]
            ),
        ),
        Mistake(
            id="overlap",
            message="One index is in both sets: the cut is off by one. If training ends before "
            "place n, testing begins at place n.",
            answer=_wrong_split("overlap"),
            recognise=lambda case, seen, expected: len(_overlap(case, seen)) == 1,
        ),
        Mistake(
            id="drawn_twice",
            message="Many indices are in both sets, as where each set comes from a shuffle of its "
            "own. Shuffle once: the first part is for training, the rest for testing.",
            answer=_wrong_split("drawn twice"),
            recognise=lambda case, seen, expected: (
                len(_overlap(case, seen)) > 1 and split_facts(case, seen)["size"]
            ),
        ),
        Mistake(
            id="in_order",
            message="The training set is no random choice: its indices follow a pattern, as where "
            "nothing is shuffled. Whole rows of the table would be missing from it.",
            answer=_wrong_split("in order"),
            recognise=_facts_are(at_random=False, none_in_both=True, size=True),
        ),
        Mistake(
            id="swapped",
            message="The sizes are the wrong way round: the fraction is the part for training, "
            "and the training set comes first.",
            answer=_wrong_split("swapped"),
            recognise=lambda case, seen, expected: (
                abs(len(seen["test"]) - case["fraction"] * case["count"]) <= 1
                and not len(_overlap(case, seen))
            ),
        ),
        Mistake(
            id="half",
            message="Half of the indices are for training, whatever the fraction. Take "
            "`round(fraction * count)` of them.",
            answer=_wrong_split("half"),
            recognise=lambda case, seen, expected: (
                abs(len(seen["train"]) - case["count"] / 2) <= 0.5
                and not split_facts(case, seen)["size"]
            ),
        ),
        Mistake(
            id="lost",
            message="An index is in neither set. Every pair is either for training or for testing: "
            "where the one part ends, the other begins.",
            answer=_wrong_split("lost"),
            recognise=_facts_are(none_in_both=True, size=True, all_used=False),
        ),
    ),
    hints=(
        "Shuffle the numbers of all pairs once, like a deck of cards, and cut.",
        "`torch.randperm(count)` is the shuffled deck: "
        "[randperm](https://pytorch.org/docs/stable/generated/torch.randperm.html). The first "
        "`round(fraction * count)` are for training.",
        "```python\norder = torch.randperm(count)\nn = round(...)\nreturn order[:n], ...\n```",
    ),
)
