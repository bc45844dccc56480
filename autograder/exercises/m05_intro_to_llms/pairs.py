"""Counting pairs of tokens, and merging them."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

from autograder.core.exercise import Case, Exercise, Mistake, Option, question

predict_bytes = question(
    "predict_bytes",
    "How long is a smile?",
    minutes=3,
    options={
        "a": Option(
            text="1",
            why="One on the screen. But a byte has 256 values, and there are far more than 256 "
            "signs in the world.",
        ),
        "b": Option(
            text="2",
            why="Two bytes tell 65,536 signs apart, which is not enough for all scripts and "
            "emoji. Signs like é take two.",
        ),
        "c": Option(
            text="4",
            why="UTF-8 spends one byte on the letters of English, two or three on most other "
            "scripts, and four on an emoji. What text costs depends on the language that it is in.",
        ),
        "d": Option(
            text="none: it is a picture",
            why="It is drawn as a picture, and stored as a number like every other sign.",
        ),
    },
    right="c",
    hints=(
        "A byte is a number from 0 to 255. Could one byte be enough?",
        "Unicode has over 140,000 signs, and the common ones take the short codes.",
        "An emoji is among the latest to come. It takes as many bytes as UTF-8 ever uses.",
    ),
)


def _stats_cases(rng: np.random.Generator) -> list[Case]:
    some = [int(i) for i in rng.integers(3, 7, 23)]
    a, b, c = (int(i) for i in rng.choice(np.arange(10, 400), 3, replace=False))
    return [
        {"args": [[a, b, c, b, c, b]]},
        {"args": [some]},
        {"args": [[b, b, b, a]]},
        {"args": [[max(a, c), min(a, c)]]},
        {"args": [[c]]},
        {"args": [[]]},
    ]


def stats(ids: list[int]) -> dict[tuple[int, int], int]:
    found: dict[tuple[int, int], int] = {}
    for place in range(len(ids) - 1):
        pair = (ids[place], ids[place + 1])
        found[pair] = found.get(pair, 0) + 1
    return found


def _tally(pairs: Any) -> dict:
    found: dict = {}
    for pair in pairs:
        found[pair] = found.get(pair, 0) + 1
    return found


get_stats = Exercise(
    id="get_stats",
    title="Count the pairs",
    takes={"get_stats": "function"},
    points=1,
    minutes=4,
    difficulty=1,
    cases=_stats_cases,
    reference=lambda case: stats(case["args"][0]),
    mistakes=(
        Mistake(
            id="stats_single",
            message="These are counts of single ids. The keys are pairs of neighbours, (a, b).",
            answer=_tally,
        ),
        Mistake(
            id="stats_disjoint",
            message="Some neighbours are left out. Every id but the last begins a pair: the pairs "
            "overlap, as in zip(ids, ids[1:]).",
            answer=lambda ids: _tally(zip(ids[::2], ids[1::2], strict=False)),
        ),
        Mistake(
            id="stats_unordered",
            message="A pair and its reverse are counted as one. (5, 9) and (9, 5) are two pairs.",
            answer=lambda ids: _tally(tuple(sorted(p)) for p in itertools.pairwise(ids)),
        ),
        Mistake(
            id="stats_distinct",
            message="Every pair has the count 1. Where a pair comes again, add 1 to its count.",
            answer=lambda ids: dict.fromkeys(stats(ids), 1),
        ),
        Mistake(
            id="stats_from_zero",
            message="Every count is one too low: the first time that a pair is met counts as 1.",
            answer=lambda ids: {pair: n - 1 for pair, n in stats(ids).items()},
        ),
        Mistake(
            id="stats_last",
            message="The last pair is not counted. n ids have n - 1 pairs.",
            answer=lambda ids: stats(ids[:-1]),
        ),
        Mistake(
            id="stats_first",
            message="The first pair is not counted. It begins at place 0.",
            answer=lambda ids: stats(ids[1:]),
        ),
        Mistake(
            id="stats_round",
            message="The last id and the first are counted as a pair. They are no neighbours.",
            answer=lambda ids: _tally(zip(ids, [*ids[1:], *ids[:1]], strict=False)),
        ),
        Mistake(
            id="stats_share",
            message="These are shares of all pairs. Give the counts themselves.",
            answer=lambda ids: {pair: n / (len(ids) - 1) for pair, n in stats(ids).items()},
        ),
        Mistake(
            id="stats_reversed",
            message="The pairs are the wrong way round: the id on the left comes first in its key.",
            answer=lambda ids: _tally(zip(ids[1:], ids, strict=False)),
        ),
    ),
    hints=(
        "Walk along the list and look at each id together with the one after it.",
        "`zip(ids, ids[1:])` gives the pairs of neighbours, and `counts.get(pair, 0)` the count so "
        "far, 0 for a new pair. [dict.get](https://docs.python.org/3/library/stdtypes.html"
        "#dict.get).",
        "```python\ncounts = {}\nfor pair in zip(ids, ids[1:]):\n    counts[pair] = ...\n"
        "return counts\n```",
    ),
)


def _merge_cases(rng: np.random.Generator) -> list[Case]:
    a, b, c = (int(i) for i in rng.choice(np.arange(1, 250), 3, replace=False))
    new = int(rng.integers(256, 400))
    pool = [int(i) for i in rng.choice([a, b, c], 29)]
    return [
        {"name": "twice", "args": [[c, a, b, c, a, b, b], (a, b), new]},
        {"name": "at the ends", "args": [[a, b, c, b, a, b], (a, b), new]},
        {"name": "three alike", "args": [[a, a, a], (a, a), new]},
        {"name": "five alike", "args": [[a, a, a, a, a, c], (a, a), new]},
        {"name": "many", "args": [pool, (b, c), new]},
        {"name": "absent", "args": [[b, a, c, a], (a, b), new]},
        {"name": "one id", "args": [[a], (a, b), new]},
        {"name": "no ids", "args": [[], (a, b), new]},
    ]


def merged(ids: list[int], pair: tuple[int, int], idx: int) -> list[int]:
    """The reference: replacement in a text in which every id is one character."""
    place = chr(0xF0000)
    letters = "".join(chr(0x1000 + i) for i in ids)
    both = "".join(chr(0x1000 + i) for i in pair)
    replaced = letters.replace(both, place)
    return [idx if letter == place else ord(letter) - 0x1000 for letter in replaced]


def _walk(
    step: int = 2,
    keep_second: bool = False,
    first_only: bool = False,
    either: bool = False,
    once: bool = False,
    last: bool = True,
    beside: bool = False,
) -> Callable[[list[int], tuple[int, int], int], list[int]]:
    """Right merging by a walk, with knobs for mistakes."""

    def merge(ids: list[int], pair: tuple[int, int], idx: int) -> list[int]:
        found, i, done = [], 0, False
        while i < len(ids):
            here = tuple(ids[i : i + 2])
            hit = here == tuple(pair) or (either and here[::-1] == tuple(pair))
            hit = hit or (first_only and ids[i] == pair[0])
            if hit and not (once and done):
                found += [idx, ids[i + 1]] if keep_second and len(here) == 2 else [idx]
                found += list(pair) if beside else []
                i += 1 if first_only else step
                done = True
            elif i < len(ids) - 1 or last:
                found.append(ids[i])
                i += 1
            else:
                i += 1
        return found

    return merge


def _overlapping(ids: list[int], pair: tuple[int, int], idx: int) -> list[int]:
    found, i = [], 0
    while i < len(ids):
        if tuple(ids[i : i + 2]) == tuple(pair):
            found.append(idx)
            i += 1
            if tuple(ids[i : i + 2]) != tuple(pair):
                i += 1
        else:
            found.append(ids[i])
            i += 1
    return found


def _from_the_right(ids: list[int], pair: tuple[int, int], idx: int) -> list[int]:
    return merged(ids[::-1], pair[::-1], idx)[::-1]


merge = Exercise(
    id="merge",
    title="Replace a pair",
    takes={"merge": "function"},
    points=2,
    minutes=6,
    difficulty=2,
    cases=_merge_cases,
    reference=lambda case: merged(*case["args"]),
    mistakes=(
        Mistake(
            id="merge_overlaps",
            message="One id is used for two merges. In [1, 1, 1] the pair (1, 1) can be replaced "
            "once: after a merge, go on two places further.",
            answer=_overlapping,
        ),
        Mistake(
            id="merge_step",
            message="The pair's second id is still there after a merge: go on two places further, "
            "not one.",
            answer=_walk(step=1),
        ),
        Mistake(
            id="merge_keeps_second",
            message="The pair's second id stays in the list, beside the new one. The new id "
            "replaces both.",
            answer=_walk(keep_second=True),
        ),
        Mistake(
            id="merge_first_only",
            message="The new id replaces every id that is equal to the pair's first. Compare both: "
            "the id here, and the one after it.",
            answer=_walk(first_only=True),
        ),
        Mistake(
            id="merge_either",
            message="The reverse of the pair is merged as well. Only `pair` itself, in its order.",
            answer=_walk(either=True),
        ),
        Mistake(
            id="merge_once",
            message="Only the first place is merged. Go on to the end of the list.",
            answer=_walk(once=True),
        ),
        Mistake(
            id="merge_loses_last",
            message="The last id gets lost where it is not part of a merge. Every place has to be "
            "visited, the last one, too.",
            answer=_walk(last=False),
        ),
        Mistake(
            id="merge_beside",
            message="The pair is still there, beside the new id. The new id stands in its place.",
            answer=_walk(beside=True),
        ),
        Mistake(
            id="merge_nothing",
            message="The list comes back as it was: nothing is merged. Look at how you compare: a "
            "list is never equal to a tuple, so a slice needs list(pair).",
            answer=lambda ids, pair, idx: list(ids),
        ),
        Mistake(
            id="merge_from_the_right",
            message="Where pairs overlap, the one on the right is merged. Walk from left to right.",
            answer=_from_the_right,
        ),
        Mistake(
            id="merge_skips",
            message="A walk in steps of two misses the pairs that begin at odd places. Go on two "
            "places after a merge, and one otherwise.",
            answer=lambda ids, pair, idx: [
                i
                for start in range(0, len(ids), 2)
                for i in (
                    [idx] if tuple(ids[start : start + 2]) == pair else ids[start : start + 2]
                )
            ],
        ),
    ),
    hints=(
        "Walk with an index of your own: it moves on by two after a merge, and by one otherwise.",
        "A `for` can't skip a place; `while i < len(ids)` can. Ask `i < len(ids) - 1` before you "
        "look at `ids[i + 1]`: the last id has no neighbour. "
        "[while](https://docs.python.org/3/reference/compound_stmts.html#while).",
        "```python\nmerged, i = [], 0\nwhile i < len(ids):\n"
        "    if i < len(ids) - 1 and ids[i] == pair[0] and ...:\n        merged.append(idx)\n"
        "        i += ...\n    else:\n        merged.append(ids[i])\n        i += ...\n"
        "return merged\n```",
    ),
)
