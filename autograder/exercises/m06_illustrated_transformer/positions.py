"""Where a word stands: shuffled words, and the clocks that tell them apart."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from autograder.core.exercise import Exercise, Mistake, Option, question

predict_shuffle = question(
    "predict_shuffle",
    "The same words in another order",
    minutes=2,
    difficulty=2,
    right="b",
    options={
        "a": Option(
            text="it changes, as its neighbours are others now",
            why="Nothing in your code asks who stands next to whom. The scores compare what the "
            "words are, and a sum doesn't mind the order of its terms.",
        ),
        "b": Option(
            text="it stays the same, in its new place",
            why="A query meets the same keys and values as before, in another order, and a sum "
            'doesn\'t mind the order. So "dog bites man" and "man bites dog" are the same to it.',
        ),
        "c": Option(
            text="it changes for the words that moved, and for no others",
            why="A word that moves takes its query, key and value along. The same pairs are "
            "compared as before.",
        ),
    },
    hints=(
        "Does the row number of a word appear anywhere in your code?",
        "Swap two keys, and swap their values as well. What happens to the sum of weights times "
        "values?",
        "The terms of the sum are the same, in another order.",
    ),
)


def _encoding(
    seq_len: int,
    d_model: int,
    first: Callable = math.sin,
    second: Callable = math.cos,
    power: Callable = lambda column, d: 2 * (column // 2) / d,
    start: int = 0,
    base: float = 10000.0,
) -> np.ndarray:
    """The encoding, number by number."""
    return np.array(
        [
            [
                (second if column % 2 else first)(
                    (position + start) / base ** power(column, d_model)
                )
                for column in range(d_model)
            ]
            for position in range(seq_len)
        ]
    )


def _concatenated(seq_len: int, d_model: int) -> np.ndarray:
    found = _encoding(seq_len, d_model)
    return np.concatenate([found[:, 0::2], found[:, 1::2]], axis=1)


def _no_last_sine(seq_len: int, d_model: int) -> np.ndarray:
    found = _encoding(seq_len, d_model)
    found[:, d_model - d_model % 2 :] = 0
    return found


def _of_angles(angles: Callable) -> Callable:
    """The encoding made of other angles, from places and doubled numbers of pairs, as floats."""

    def encoding(seq_len: int, d_model: int) -> np.ndarray:
        place, two_i = np.arange(seq_len)[:, None] * 1.0, np.arange(0, d_model, 2) * 1.0
        found = np.zeros((seq_len, d_model))
        turned = angles(place, two_i, seq_len, d_model)
        found[:, 0::2] = np.sin(turned)
        found[:, 1::2] = np.cos(turned[:, : d_model // 2])
        return found

    return encoding


positional_encoding = Exercise(
    id="positional_encoding",
    title="A clock for every place",
    takes={"positional_encoding": "function"},
    points=2,
    minutes=5,
    difficulty=3,
    cases=lambda rng: [
        {"args": [int(rng.integers(5, 8)), 8]},
        {"args": [4, 6]},
        {"args": [int(rng.integers(30, 40)), 12]},
        {"args": [1, 4]},
        {"args": [6, 5]},
    ],
    reference=lambda case: _encoding(*case["args"]),
    mistakes=(
        Mistake(
            id="position_concatenated",
            message="All sines stand on the left and all cosines on the right. Here they take "
            "turns: sines in columns 0, 2, 4, cosines in columns 1, 3, 5.",
            answer=_concatenated,
        ),
        Mistake(
            id="position_swapped",
            message="Sine and cosine are swapped: even columns are sines, odd ones cosines.",
            answer=lambda T, C: _encoding(T, C, math.cos, math.sin),
        ),
        Mistake(
            id="position_all_sines",
            message="All columns are sines. The odd ones are cosines.",
            answer=lambda T, C: _encoding(T, C, math.sin, math.sin),
        ),
        Mistake(
            id="position_own_speed",
            message="Every column has a speed of its own. A sine and the cosine to the right of it "
            "share theirs: both have the exponent 2i / d_model with the same i.",
            answer=lambda T, C: _encoding(T, C, power=lambda column, d: column / d),
        ),
        Mistake(
            id="position_doubled",
            message="The exponent grows too fast: `np.arange(0, d_model, 2)` is 2i already, so "
            "don't double it again.",
            answer=lambda T, C: _encoding(T, C, power=lambda column, d: 4 * (column // 2) / d),
        ),
        Mistake(
            id="position_half",
            message="The exponent grows too slowly: it is **2i** / d_model, where i counts the "
            "pairs.",
            answer=lambda T, C: _encoding(T, C, power=lambda column, d: (column // 2) / d),
        ),
        Mistake(
            id="position_fast",
            message="The angles are multiplied by 10000^(2i / d_model). Divide by it: later "
            "columns should turn more slowly.",
            answer=lambda T, C: _encoding(T, C, power=lambda column, d: -2 * (column // 2) / d),
        ),
        Mistake(
            id="position_one_speed",
            message="All pairs turn equally fast. Divide the place by 10000^(2i / d_model), which "
            "is another number for each pair of columns.",
            answer=lambda T, C: _encoding(T, C, power=lambda column, d: 0),
        ),
        Mistake(
            id="position_from_one",
            message="The places are counted from 1. The first word stands at place 0, so its row "
            "is 0, 1, 0, 1, ...",
            answer=lambda T, C: _encoding(T, C, start=1),
        ),
        Mistake(
            id="position_base",
            message="The base is 1000. It is 10000.",
            answer=lambda T, C: _encoding(T, C, base=1000.0),
        ),
        Mistake(
            id="position_not_divided",
            message="The exponent is 2i alone. It is 2i **/ d_model**.",
            answer=_of_angles(lambda place, two_i, T, C: place / 10000**two_i),
        ),
        Mistake(
            id="position_brackets",
            message="Brackets are missing: `10000 ** two_i / d_model` raises first and divides "
            "then. Write `10000 ** (two_i / d_model)`.",
            answer=_of_angles(lambda place, two_i, T, C: place / 10000**two_i / C),
        ),
        Mistake(
            id="position_brackets_below",
            message="Brackets are missing in the exponent: `(10000 ** two_i / d_model)` raises "
            "first and divides then. Write `10000 ** (two_i / d_model)`.",
            answer=_of_angles(lambda place, two_i, T, C: place / (10000**two_i / C)),
        ),
        Mistake(
            id="position_length",
            message="The exponent is divided by `seq_len`. Divide by `d_model`, the number of "
            "columns.",
            answer=_of_angles(lambda place, two_i, T, C: place / 10000 ** (two_i / T)),
        ),
        Mistake(
            id="position_no_last_sine",
            message="For an odd `d_model` the last column is empty. It is a sine: only its cosine "
            "is left out.",
            answer=_no_last_sine,
        ),
        Mistake(
            id="position_column_lost",
            message="For an odd `d_model` there is one column too few. The last one is a sine "
            "without its cosine.",
            answer=lambda T, C: _encoding(T, C)[:, : C - C % 2],
        ),
        Mistake(
            id="position_angles",
            message="These are the angles themselves: take their sine or cosine.",
            answer=lambda T, C: _encoding(T, C, float, float),
        ),
    ),
    hints=(
        "Two lines: the sines of the angles go to the even columns, their cosines to the odd ones.",
        "`encoding[:, 0::2] = np.sin(angles)` fills every second column, from column 0 on. There "
        "is one cosine less where d_model is odd: `angles[:, : d_model // 2]`.",
        "```python\n"
        "encoding[:, 0::2] = np.sin(angles)\nencoding[:, 1::2] = np.cos(angles[:, : d_model // "
        "2])\n"
        "```",
    ),
)
