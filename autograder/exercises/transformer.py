"""The exercises of 06_illustrated_transformer: attention, from three words on paper to a block."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from autograder.exercise import Case, Exercise, Mistake, Option, question
from autograder.probes import transformer as probes

MODULE = "06_illustrated_transformer"


def _softmax(z: np.ndarray, axis: int = -1) -> np.ndarray:
    raised = np.exp(z - z.max(axis=axis, keepdims=True))
    return raised / raised.sum(axis=axis, keepdims=True)


def _same(a: Any, b: Any) -> bool:
    try:
        a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    except (TypeError, ValueError):
        return False
    return a.shape == b.shape and bool(np.allclose(a, b, rtol=1e-4, atol=1e-6))


# --- A soft look-up, on paper ------------------------------------------------------------------

KEYS = {"robot": (2.0, 0.0), "apple": (0.0, 1.0), "it": (1.0, 1.0)}
VALUES = {"robot": (10.0, 0.0), "apple": (0.0, 10.0), "it": (5.0, 5.0)}
QUERY = (1.0, 0.0)


def _on_paper(case: Case) -> dict[str, list[float]]:
    scores = [sum(a * b for a, b in zip(QUERY, key, strict=True)) for key in KEYS.values()]
    raised = [math.exp(score) for score in scores]
    weights = [value / sum(raised) for value in raised]
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


look_up_by_hand = Exercise(
    id="look_up_by_hand",
    title="Three words on paper",
    takes={"look_up_by_hand": "value"},
    points=2,
    minutes=7,
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
        _paper_slip(
            "paper_own_key",
            'These scores come from it\'s key, (1, 1). The query is what "it" asks with: (1, 0).',
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

predict_scale = question(
    "predict_scale",
    "How large is a dot product?",
    minutes=2,
    difficulty=2,
    right="b",
    options={
        "a": Option(
            text="about 1, whatever the length",
            why="That is the size of each single product. You add 64 of them, and their sum is "
            "larger than any one of them.",
        ),
        "b": Option(
            text="about 8",
            why="The 64 products have random signs and mostly cancel. What is left grows with "
            "the root of their number, and the root of 64 is 8.",
        ),
        "c": Option(
            text="about 64",
            why="That would be so if all 64 products had the same sign. Their signs are random, "
            "so most of them cancel.",
        ),
        "d": Option(
            text="about 0, as they cancel",
            why="On average it is 0, as often above as below. Asked for is how far it typically is "
            "from 0: the signs never cancel completely.",
        ),
    },
    hints=(
        "Think of 64 steps of length 1, each to the left or to the right by the toss of a coin. "
        "How far from the start do you end?",
        "Variances add up: the sum of 64 independent numbers of variance 1 has a variance of 64.",
        "The typical size is the root of the variance.",
    ),
)


# --- Attention ---------------------------------------------------------------------------------


def _attend(
    q: np.ndarray, k: np.ndarray, v: np.ndarray, mask: Any = None
) -> tuple[np.ndarray, np.ndarray]:
    """The look-up by loops, number by number: the reference."""
    lead = q.shape[:-2]
    rows, columns = q.shape[-2], k.shape[-2]
    allowed = np.ones((rows, columns), bool) if mask is None else np.asarray(mask, dtype=bool)
    allowed = np.broadcast_to(allowed, (*lead, rows, columns))
    weights = np.zeros((*lead, rows, columns))
    out = np.zeros((*lead, rows, v.shape[-1]))
    for index in np.ndindex(*lead, rows):
        at = index[:-1]
        seen = [j for j in range(columns) if allowed[index][j]]
        scores = [
            math.fsum(float(a) * float(b) for a, b in zip(q[index], k[at][j], strict=True))
            / math.sqrt(q.shape[-1])
            for j in seen
        ]
        raised = [math.exp(score - max(scores)) for score in scores]
        for j, value in zip(seen, raised, strict=True):
            weights[index][j] = value / math.fsum(raised)
            out[index] += weights[index][j] * v[at][j]
    return out, weights


def _some_mask(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """A mask with both a True and a False in every row."""
    mask = rng.random(shape) < 0.5
    first = rng.permuted(np.broadcast_to(np.arange(shape[-1]), shape), axis=-1)
    mask[first == 0], mask[first == 1] = True, False
    return mask


PLAIN = ("2-D", "3-D", "4-D")
MASKED = ("masked", "masked 4-D", "a mask for each")


def _attention_cases(rng: np.random.Generator) -> list[Case]:
    def qkv(lead: tuple, rows: int, columns: int, d: int, d_v: int) -> list[np.ndarray]:
        shapes = ((*lead, rows, d), (*lead, columns, d), (*lead, columns, d_v))
        return [rng.normal(0, 1.5, shape) for shape in shapes]

    q, k, v = qkv((), 4, 6, 7, 3)
    none = _some_mask(rng, 4, 6)
    none[int(rng.integers(4))] = False
    return [
        {"name": "2-D", "args": qkv((), 3, 5, 6, 2)},
        {"name": "3-D", "args": qkv((2,), 3, 4, 5, 6)},
        {"name": "4-D", "args": qkv((2, 3), 4, 5, 3, 6)},
        {"name": "masked", "args": [*qkv((), 3, 5, 6, 4), _some_mask(rng, 3, 5)]},
        {"name": "masked 4-D", "args": [*qkv((2, 3), 4, 5, 6, 2), _some_mask(rng, 4, 5)]},
        {
            "name": "a mask for each",
            "args": [*qkv((2, 3), 4, 5, 6, 7), _some_mask(rng, 2, 1, 4, 5)],
        },
        {"name": "nothing allowed", "args": [q, k, v, none]},
        {
            "name": "large",
            "args": [array * s for array, s in zip(qkv((), 3, 4, 5, 2), (90, 90, 1), strict=True)],
        },
        {
            "name": "whole numbers",
            "args": [rng.integers(-3, 4, s) for s in ((3, 5), (4, 5), (4, 2))],
        },
    ]


def _attention_reference(case: Case) -> dict[str, np.ndarray]:
    out, weights = _attend(*case["args"])
    return {"out": out, "weights": weights}


def _attention_with(
    scale: Callable = lambda q, k, v: math.sqrt(q.shape[-1]),
    axis: int = -1,
    masked: Callable = lambda scores, mask: np.where(mask, scores, -1e9),
    after: Callable = lambda weights, mask: np.where(mask, weights, 0),
    late: float = 1.0,
    mixed: Callable = lambda k, v: v,
    soft: Callable = _softmax,
) -> Callable:
    def wrong(q: Any, k: Any, v: Any, mask: Any = None) -> tuple:
        scores = q @ np.swapaxes(k, -1, -2) / scale(q, k, v)
        if mask is not None:
            scores = masked(scores, mask)
        weights = soft(scores, axis)
        if mask is not None:
            weights = after(weights, mask)
        weights = weights / (math.sqrt(q.shape[-1]) if late != 1.0 else 1)
        return weights @ mixed(k, v), weights

    return wrong


def _over_everything(scores: np.ndarray, axis: int) -> np.ndarray:
    raised = np.exp(scores - scores.max())
    return raised / raised.sum()


def _mixed_before(q: Any, k: Any, v: Any, mask: Any = None) -> tuple:
    out, weights = _attention_with(after=_as_it_is)(q, k, v, mask)
    return out, weights if mask is None else np.where(mask, weights, 0)


def _as_it_is(first: Any, mask: Any) -> Any:
    return first


def _all_zero_rows(case: Case) -> np.ndarray:
    return ~np.asarray(case["args"][3]).any(axis=-1)


def _nan_row(case: Case, seen: Any, expected: Any) -> bool:
    return case["name"] == "nothing allowed" and bool(
        np.isnan(np.asarray(seen["weights"], dtype=float)[_all_zero_rows(case)]).all()
    )


def _filled_row(case: Case, seen: Any, expected: Any) -> bool:
    if case["name"] != "nothing allowed":
        return False
    none, weights = _all_zero_rows(case), np.asarray(seen["weights"], dtype=float)
    return bool(
        np.allclose(weights[none].sum(axis=-1), 1)
        and np.allclose(weights[~none], expected["weights"][~none])
    )


def _weights_stay(case: Case, seen: Any, expected: Any) -> bool:
    return _same(seen["weights"], expected["weights"]) and case["name"] in PLAIN


def _rows_short(case: Case, seen: Any, expected: Any) -> bool:
    """Weights of 0 where they should be, and rows that no longer add up to 1."""
    if case["name"] not in MASKED:
        return False
    wanted = _attend(*case["args"][:3])[1] * np.asarray(case["args"][3])
    return _same(seen["weights"], wanted)


def _explain_attention(case: Case, seen: Any, expected: Any) -> str | None:
    weights = np.asarray(seen["weights"], dtype=float)
    name, want = case["name"], expected["weights"]
    if weights.shape != want.shape:
        if weights.shape == expected["out"].shape and np.shape(seen["out"]) == want.shape:
            return "The two results are swapped: return `out, weights`, in this order"
        return (
            f"The weights have shape {weights.shape}, expected {want.shape}: one row for each "
            "query, one column for each key"
        )
    if np.isnan(weights).any():
        if name == "large":
            return (
                "NaN for large scores: e to a large number is infinite. Use the `softmax` of this "
                "notebook, which subtracts the maximum first"
            )
        return "The weights contain NaN"
    if _same(weights, want):
        return "The weights are right, `out` is not: it is the weights times the values"
    if name in MASKED and not weights.any():
        return (
            "All weights are 0: the mask is read one way before the softmax and the other way "
            "after it. True means that a key may be attended, both times"
        )
    if name in MASKED and np.any(weights.sum(-1) < 0.99999):
        return (
            "With a mask, some rows no longer add up to 1: the hidden keys must lose their share "
            "before the softmax, by scores as low as -1e9"
        )
    if not np.allclose(weights.sum(-1), want.sum(-1)):
        return "The weights of a row don't add up to 1 (a row without a True: to 0)"
    if name in MASKED:
        hidden = np.broadcast_to(~np.asarray(case["args"][3]), weights.shape)
        if np.any(np.abs(weights[hidden]) > 1e-6):
            return "Some keys get a weight although the mask says False there"
    return None


scaled_dot_product_attention = Exercise(
    id="scaled_dot_product_attention",
    title="All look-ups at once",
    takes={"scaled_dot_product_attention": "function"},
    points=4,
    minutes=10,
    difficulty=3,
    cases=_attention_cases,
    probe=probes.attention,
    reference=_attention_reference,
    explain=_explain_attention,
    show=lambda case: (
        "scaled_dot_product_attention(q, k, v"
        + (", mask" if len(case["args"]) > 3 else "")
        + ") with "
        + ", ".join(
            f"{name} {np.shape(array)}"
            for name, array in zip(("q", "k", "v", "mask"), case["args"], strict=False)
        )
        + (", one row all False" if case["name"] == "nothing allowed" else "")
    ),
    mistakes=(
        Mistake(
            id="attention_no_scale",
            message="The scores are not scaled: divide them by the root of d_k, the length of a "
            "query, before the softmax.",
            answer=_attention_with(scale=lambda q, k, v: 1),
            on=PLAIN,
        ),
        Mistake(
            id="attention_scale_whole",
            message="The scores are divided by d_k itself. It is the root of d_k: "
            "`np.sqrt(q.shape[-1])`.",
            answer=_attention_with(scale=lambda q, k, v: q.shape[-1]),
            on=PLAIN,
        ),
        Mistake(
            id="attention_scale_up",
            message="The scores are multiplied by the root of d_k. Divide: they should get "
            "smaller.",
            answer=_attention_with(scale=lambda q, k, v: 1 / math.sqrt(q.shape[-1])),
            on=PLAIN,
        ),
        Mistake(
            id="attention_scale_keys",
            message="The scores are divided by the root of the number of keys. It is the root of "
            "the length of a query, `q.shape[-1]`.",
            answer=_attention_with(scale=lambda q, k, v: math.sqrt(k.shape[-2])),
            on=PLAIN,
        ),
        Mistake(
            id="attention_scale_values",
            message="The scores are divided by the root of the length of a *value*. It is the root "
            "of the length of a query, `q.shape[-1]`.",
            answer=_attention_with(scale=lambda q, k, v: math.sqrt(v.shape[-1])),
            on=PLAIN,
        ),
        Mistake(
            id="attention_scale_queries",
            message="The scores are divided by the root of the number of queries. It is the root "
            "of the length of a query, `q.shape[-1]`.",
            answer=_attention_with(scale=lambda q, k, v: math.sqrt(q.shape[-2])),
            on=PLAIN,
        ),
        Mistake(
            id="attention_scale_late",
            message="The scale comes after the softmax: then the rows don't add up to 1. Divide "
            "the scores, before it.",
            answer=_attention_with(scale=lambda q, k, v: 1, late=2.0),
            on=PLAIN,
        ),
        Mistake(
            id="attention_over_queries",
            message="The softmax goes over the queries: each *column* adds up to 1. Each row "
            "should, as a query shares its attention among the keys: `axis=-1`.",
            answer=_attention_with(axis=-2),
            on=PLAIN,
        ),
        Mistake(
            id="attention_scores",
            message="There is no softmax: these weights are the scaled scores themselves.",
            answer=_attention_with(soft=lambda scores, axis: scores, masked=_as_it_is),
            on=PLAIN,
        ),
        Mistake(
            id="attention_not_mixed",
            message="The weights are right. `out` is made from the keys: mix the values, "
            "`weights @ v`.",
            answer=_attention_with(mixed=lambda k, v: k),
            recognise=lambda case, seen, expected: (
                _weights_stay(case, seen, expected)
                and _same(seen["out"], expected["weights"] @ case["args"][1])
            ),
        ),
        Mistake(
            id="attention_mask_ignored",
            message="The mask changes nothing: where it is False, a key must get no weight at all.",
            answer=_attention_with(masked=_as_it_is, after=_as_it_is),
            on=MASKED,
        ),
        Mistake(
            id="attention_mask_inverted",
            message="The mask is read the wrong way round. Here **True** means that a key may be "
            "attended, and False hides it.",
            answer=_attention_with(
                masked=lambda scores, mask: np.where(mask, -1e9, scores), after=_as_it_is
            ),
            on=MASKED,
        ),
        Mistake(
            id="attention_mask_late",
            message="The mask comes after the softmax: the hidden keys have taken their share "
            "already, and the rest of a row no longer adds up to 1. Mask the scores, before it.",
            answer=_attention_with(masked=_as_it_is),
            recognise=_rows_short,
        ),
        Mistake(
            id="attention_mask_zero",
            message="The hidden scores become 0, and e to the 0 is 1: the hidden keys still get a "
            "weight. Their scores should be minus infinity, or a huge negative number.",
            answer=_attention_with(
                masked=lambda scores, mask: np.where(mask, scores, 0), after=_as_it_is
            ),
            on=MASKED,
        ),
        Mistake(
            id="attention_mask_added",
            message="The mask is added to the scores as it is, so a True counts as 1. Where it is "
            "False, the score should become minus infinity, or a huge negative number.",
            answer=_attention_with(masked=lambda scores, mask: scores + mask, after=_as_it_is),
            on=MASKED,
        ),
        Mistake(
            id="attention_whole",
            message="The weights of the whole table add up to 1. Each row should by itself: "
            "softmax over the last axis.",
            answer=_attention_with(soft=_over_everything),
            on=("2-D",),
        ),
        Mistake(
            id="attention_row_out",
            message="The weights are right, also in the row without a single True. `out` of that "
            "row should be 0 as well: set the weights to 0 before you mix the values with them.",
            answer=_mixed_before,
            recognise=lambda case, seen, expected: (
                case["name"] == "nothing allowed"
                and _same(seen["weights"], expected["weights"])
                and not _same(seen["out"], expected["out"])
            ),
        ),
        Mistake(
            id="attention_row_nan",
            message="A row of the mask without a single True gives NaN: 0 divided by 0. The "
            "convention here: such a row looks nothing up, its weights and its output are 0.",
            answer=_attention_with(
                masked=lambda scores, mask: np.where(mask, scores, -np.inf), after=_as_it_is
            ),
            recognise=_nan_row,
        ),
        Mistake(
            id="attention_row_filled",
            message="A row of the mask without a single True still gets weights that add up to 1, "
            "and nobody would notice: equal huge negative scores make equal weights. The "
            "convention here: such a row's weights and output are 0.",
            answer=_attention_with(after=_as_it_is),
            recognise=_filled_row,
        ),
    ),
    hints=(
        "Follow the four comments in the stub, one line of code each. First get it right without a "
        "mask.",
        "The scores are `q @ np.swapaxes(k, -1, -2)`, scaled. `np.where(mask, scores, -1e9)` hides "
        "keys. After the softmax, "
        "[np.where](https://numpy.org/doc/stable/reference/generated/numpy.where.html) once more "
        "makes hidden weights exactly 0, also in a row without a True.",
        "```python\nscores = q @ np.swapaxes(k, -1, -2) / np.sqrt(...)\nif mask is not None:\n"
        "    scores = np.where(mask, scores, -1e9)\nweights = softmax(...)\n"
        "if mask is not None:\n    weights = np.where(mask, weights, 0)\nreturn ..., weights\n```",
    ),
)


def _as_booleans(case: Case, seen: Any) -> Any:
    """Ones and zeros count as True and False."""
    array = np.asarray(seen)
    if array.dtype.kind in "iuf" and np.isin(array, (0, 1)).all():
        return array.astype(bool)
    return seen


def _triangle(keep: Callable[[int, int], bool]) -> Callable[[int], np.ndarray]:
    return lambda T: np.array([[keep(i, j) for j in range(T)] for i in range(T)], dtype=bool)


causal_mask = Exercise(
    id="causal_mask",
    title="No looking ahead",
    takes={"causal_mask": "function"},
    points=1,
    minutes=4,
    difficulty=2,
    cases=lambda rng: [{"args": [int(T)]} for T in (*rng.permutation([4, 5, 6, 7])[:3], 1, 9)],
    measure=_as_booleans,
    reference=lambda case: _triangle(lambda i, j: j <= i)(case["args"][0]),
    mistakes=(
        Mistake(
            id="causal_strict",
            message="No word may look at itself here. The diagonal is allowed: word i sees words 0 "
            "to i, itself included.",
            answer=_triangle(lambda i, j: j < i),
        ),
        Mistake(
            id="causal_future",
            message="It is the wrong way round: each word sees itself and the *later* words. Row i "
            "is True in columns 0 to i.",
            answer=_triangle(lambda i, j: j >= i),
        ),
        Mistake(
            id="causal_inverted",
            message="True and False are swapped: this marks what is hidden, and here True means "
            "that a word may be attended.",
            answer=_triangle(lambda i, j: j > i),
        ),
        Mistake(
            id="causal_ahead",
            message="Each word also sees the one right after it. Row i is True in columns 0 to i.",
            answer=_triangle(lambda i, j: j <= i + 1),
        ),
        Mistake(
            id="causal_self",
            message="Each word sees itself alone. The earlier ones are allowed as well.",
            answer=_triangle(lambda i, j: i == j),
        ),
        Mistake(
            id="causal_all",
            message="Everything is allowed. Row i is True in columns 0 to i only.",
            answer=_triangle(lambda i, j: True),
        ),
        Mistake(
            id="causal_additive",
            message="This is a mask to be *added* to the scores, with minus infinity or a huge "
            "negative number. Here a mask is of True and False.",
            answer=lambda T: np.where(np.tril(np.ones((T, T))) == 1, 0.0, -np.inf),
            recognise=lambda case, seen, expected: bool(
                np.asarray(seen, dtype=float).min() < -1e3
                and np.asarray(seen).shape == expected.shape
            ),
        ),
    ),
    hints=(
        "Draw it for T = 4: in row 0 one True, in row 3 four.",
        "`i = np.arange(T)` are the numbers of the words. `i[:, None]` is a column of them and "
        "`i[None, :]` a row; comparing the two gives a table. Or "
        "[np.tril](https://numpy.org/doc/stable/reference/generated/numpy.tril.html).",
        "```python\ni = np.arange(T)\nreturn i[None, :] <= ...\n```",
    ),
)


# --- Heads -------------------------------------------------------------------------------------

SHAPES = {
    "q": (2, 5, 12),
    "q in heads": (2, 3, 5, 4),
    "scores": (2, 3, 5, 5),
    "out in heads": (2, 3, 5, 4),
    "merged": (2, 5, 12),
    "causal mask": (5, 5),
}


def _numbers(value: Any) -> tuple:
    return tuple(int(n) for n in np.ravel(value))


def _explain_shapes(case: Case, seen: Any, expected: Any) -> str:
    wrong = [name for name, want in SHAPES.items() if _numbers(seen[name]) != want]
    right = [name for name in SHAPES if name not in wrong]
    return f"Not right: {', '.join(wrong)}" + (f". Right: {', '.join(right)}" if right else "")


def _shape_slip(id: str, entry: str, wrong: tuple, message: str) -> Mistake:
    return Mistake(
        id=id,
        message=message,
        answer={**SHAPES, entry: wrong},
        recognise=lambda case, seen, expected: _numbers(seen[entry]) == wrong,
    )


shape_table = Exercise(
    id="shape_table",
    title="The shape table",
    takes={"shape_table": "value"},
    points=2,
    minutes=5,
    difficulty=2,
    cases=lambda rng: [{"entries": list(SHAPES)}],
    probe=probes.filled_in,
    reference=lambda case: {name: list(shape) for name, shape in SHAPES.items()},
    show=lambda case: "the shapes for B = 2, T = 5, C = 12 and 3 heads",
    explain=_explain_shapes,
    reveals=False,
    mistakes=(
        _shape_slip(
            "shapes_q_heads",
            "q",
            (2, 5, 4),
            "`q` is x @ W_q, before it is cut: W_q is (12, 12), so all 12 numbers are still there.",
        ),
        _shape_slip(
            "shapes_q_weights",
            "q",
            (12, 12),
            "(12, 12) is the shape of W_q. `q` is x @ W_q: what is left of (2, 5, 12) times (12, "
            "12)?",
        ),
        _shape_slip(
            "shapes_heads_first",
            "q in heads",
            (3, 2, 5, 4),
            "In `q in heads`, the heads stand in front of the batch. The order is (B, H, T, D).",
        ),
        _shape_slip(
            "shapes_not_divided",
            "q in heads",
            (2, 3, 5, 12),
            "In `q in heads`, each head has all 12 numbers. The 12 are shared among the 3 heads: "
            "nothing is copied.",
        ),
        _shape_slip(
            "shapes_heads_late",
            "q in heads",
            (2, 5, 3, 4),
            "In `q in heads`, the axis of the heads stands after that of the words. It comes "
            "before it, beside the batch: then each head is a (T, D) table of its own.",
        ),
        _shape_slip(
            "shapes_three_each",
            "q in heads",
            (2, 4, 5, 3),
            "In `q in heads` there are 4 heads of 3 numbers. It is 3 heads, so 12 / 3 = 4 numbers "
            "for each.",
        ),
        _shape_slip(
            "shapes_scores_features",
            "scores",
            (2, 3, 4, 4),
            "`scores` has a number for each pair of features. It is a number for each pair of "
            "words: a query with a key.",
        ),
        _shape_slip(
            "shapes_scores_mixed",
            "scores",
            (2, 3, 5, 4),
            "`scores` has as many columns as there are features. Each query is compared with each "
            "of the 5 words' keys.",
        ),
        _shape_slip(
            "shapes_scores_one",
            "scores",
            (2, 5, 5),
            "`scores` has one map for each sentence. Every head makes its own.",
        ),
        _shape_slip(
            "shapes_out_scores",
            "out in heads",
            (2, 3, 5, 5),
            "`out in heads` still has a column for each word. (5, 5) weights times (5, 4) values: "
            "what shape is left?",
        ),
        _shape_slip(
            "shapes_out_merged",
            "out in heads",
            (2, 5, 12),
            "`out in heads` is merged already. It still has an axis for the heads.",
        ),
        _shape_slip(
            "shapes_merged_one",
            "merged",
            (2, 5, 4),
            "`merged` has the width of one head. The heads are put side by side: 3 times 4 "
            "numbers.",
        ),
        _shape_slip(
            "shapes_mask_each",
            "causal mask",
            (2, 5, 5),
            "`causal mask` has a table for each sentence. It is made by `causal_mask(5)`, which "
            "knows no sentences: one table serves them all.",
        ),
        _shape_slip(
            "shapes_mask_full",
            "causal mask",
            (2, 3, 5, 5),
            "`causal mask` is made by `causal_mask(5)`, which knows neither sentences nor heads: "
            "one table serves them all.",
        ),
    ),
    hints=(
        "Take C = 12 apart: 3 heads, so D = 4 numbers in each. Go down the table in order.",
        "Scores: (5, 4) queries times (4, 5) turned keys, for each of 2 sentences and 3 heads. The "
        "axes in front stay as they are.",
        "`scores` is (2, 3, 5, 5). Weights have the same shape; times values of (5, 4) they give "
        "...",
    ),
)


def _split(x: np.ndarray, num_heads: int) -> np.ndarray:
    """The reference: head h takes the columns from h * D on."""
    width = x.shape[-1] // num_heads
    return np.stack([x[..., h * width : (h + 1) * width] for h in range(num_heads)], axis=1)


def _merge(x: np.ndarray) -> np.ndarray:
    return np.concatenate([x[:, h] for h in range(x.shape[1])], axis=-1)


def _heads_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for B, T, C, H in ((2, 5, 12, 3), (3, 4, 10, 2), (1, 6, 8, 4), (4, 2, 5, 1)):
        x, heads = rng.normal(size=(B, T, C)), rng.normal(size=(B, H, T, C // H))
        cases.append({"args": [x, H], "heads": heads})
    return cases


def _heads_slip(id: str, message: str, **wrong: Callable) -> Mistake:
    """A wrong `split` or a wrong `merged`, with the other one right."""
    ((part, function),) = wrong.items()

    def recognise(case: Case, seen: Any, expected: Any) -> bool:
        given = case["args"] if part == "split" else [case["heads"]]
        found = function(*given)
        return not _same(found, expected[part]) and _same(seen[part], found)

    return Mistake(
        id=id,
        message=message,
        answer=(wrong.get("split", _split), wrong.get("merged", _merge)),
        recognise=recognise,
    )


def _explain_heads(case: Case, seen: Any, expected: Any) -> str | None:
    for part, name in (("split", "split_heads"), ("merged", "merge_heads")):
        if not _same(seen[part], expected[part]):
            got, want = np.shape(seen[part]), np.shape(expected[part])
            if seen[part] is None:
                return f"`{name}` returns None: is a return missing?"
            if got != want:
                return f"`{name}` gives shape {got}, expected {want}"
            return f"`{name}` has the right shape, with numbers in the wrong places"
    return None


split_heads = Exercise(
    id="split_heads",
    title="Split into heads, and merge",
    takes={"split_heads": "function", "merge_heads": "function"},
    points=3,
    minutes=6,
    difficulty=3,
    cases=_heads_cases,
    probe=probes.heads,
    reference=lambda case: {"split": _split(*case["args"]), "merged": _merge(case["heads"])},
    explain=_explain_heads,
    show=lambda case: (
        f"split_heads(x, {case['args'][1]}) with x {case['args'][0].shape}, and merge_heads of an "
        f"array {case['heads'].shape}"
    ),
    mistakes=(
        _heads_slip(
            "split_reshape_only",
            "`split_heads` has the right shape and mixes up the words: one reshape to (B, H, T, D) "
            "cuts across them. First reshape to (B, T, H, D), then swap the axes 1 and 2.",
            split=lambda x, h: x.reshape(len(x), h, x.shape[1], -1),
        ),
        _heads_slip(
            "split_not_swapped",
            "`split_heads` gives (B, T, H, D). Swap the axes 1 and 2, so that the heads stand "
            "beside the batch: (B, H, T, D).",
            split=lambda x, h: x.reshape(len(x), x.shape[1], h, -1),
        ),
        _heads_slip(
            "split_interleaved",
            "`split_heads` deals the columns out in turn, like cards. A head takes neighbours: "
            "reshape to (B, T, **H, D)**, not (B, T, D, H).",
            split=lambda x, h: x.reshape(len(x), x.shape[1], -1, h).transpose(0, 3, 1, 2),
        ),
        _heads_slip(
            "split_heads_first",
            "`split_heads` puts the heads in front of the batch. The order is (B, H, T, D).",
            split=lambda x, h: x.reshape(len(x), x.shape[1], h, -1).transpose(2, 0, 1, 3),
        ),
        _heads_slip(
            "split_reversed_axes",
            "`split_heads` also turns each head's table on its side. Only the axes 1 and 2 are "
            "swapped: (B, H, T, D).",
            split=lambda x, h: x.reshape(len(x), x.shape[1], h, -1).transpose(0, 2, 3, 1),
        ),
        _heads_slip(
            "merge_reshape_only",
            "`merge_heads` has the right shape and mixes up the words: before the reshape, swap "
            "the axes 1 and 2 back.",
            merged=lambda x: x.reshape(len(x), x.shape[2], -1),
        ),
        _heads_slip(
            "merge_interleaved",
            "`merge_heads` deals the heads' numbers out in turn. Put each head's numbers side by "
            "side: swap to (B, T, **H, D)** before the reshape.",
            merged=lambda x: x.transpose(0, 2, 3, 1).reshape(len(x), x.shape[2], -1),
        ),
        _heads_slip(
            "merge_not_joined",
            "`merge_heads` swaps the axes and keeps four of them. Reshape to three, (B, T, C).",
            merged=lambda x: x.transpose(0, 2, 1, 3),
        ),
        _heads_slip(
            "merge_summed",
            "`merge_heads` adds the heads up. They stand side by side: H times D numbers a word.",
            merged=lambda x: x.sum(axis=1),
        ),
        _heads_slip(
            "merge_averaged",
            "`merge_heads` averages the heads. They stand side by side: H times D numbers a word.",
            merged=lambda x: x.mean(axis=1),
        ),
    ),
    hints=(
        "Each of the two is a reshape and a swap of axes, in opposite orders.",
        "`x.reshape(B, T, num_heads, D)` cuts each word's numbers into neighbours. Then "
        "[np.swapaxes](https://numpy.org/doc/stable/reference/generated/numpy.swapaxes.html) of 1 "
        "and 2. To merge: swap first, then `reshape(B, T, -1)`.",
        "```python\nreturn x.reshape(B, T, num_heads, D).swapaxes(..., ...)\n```\nand to merge\n"
        "```python\nreturn x.swapaxes(1, 2).reshape(B, T, ...)\n```",
    ),
)


def _multi_head(
    x: np.ndarray,
    W_q: np.ndarray,
    W_k: np.ndarray,
    W_v: np.ndarray,
    W_o: np.ndarray,
    num_heads: int,
    mask: Any = None,
) -> np.ndarray:
    """The reference: one head after the other, each by loops."""
    width = x.shape[-1] // num_heads
    result = np.zeros(x.shape)
    for h in range(num_heads):
        of_head = slice(h * width, (h + 1) * width)
        out, _ = _attend(x @ W_q[:, of_head], x @ W_k[:, of_head], x @ W_v[:, of_head], mask)
        result += out @ W_o[of_head]
    return result


def _matrices(rng: np.random.Generator, C: int, count: int = 4) -> list[np.ndarray]:
    return [rng.normal(0, 1.6 / math.sqrt(C), (C, C)) for _ in range(count)]


def _multi_head_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for name, B, T, C, H, masked in (
        ("open", 2, 5, 12, 3, False),
        ("open 2", 3, 4, 10, 2, False),
        ("masked", 2, 4, 6, 3, True),
        ("masked 2", 1, 6, 8, 2, True),
        ("one head", 2, 3, 5, 1, False),
    ):
        mask = [np.tril(np.ones((T, T), bool))] if name == "masked" else []
        mask = mask or ([_some_mask(rng, T, T)] if masked else [])
        x = rng.normal(size=(B, T, C))
        cases.append({"name": name, "args": [x, *_matrices(rng, C), H, *mask]})
    return cases


def _multi_head_with(
    split: Callable = _split,
    merge: Callable = _merge,
    weights: Callable = lambda *w: w,
    attend: Callable = lambda q, k, v, mask: _attention_with()(q, k, v, mask)[0],
    last: Callable = lambda out, W_o: out @ W_o,
    heads: Callable = lambda h: h,
) -> Callable:
    def wrong(x: Any, W_q: Any, W_k: Any, W_v: Any, W_o: Any, num_heads: int, mask: Any = None):
        W_q, W_k, W_v, W_o = weights(W_q, W_k, W_v, W_o)
        q, k, v = (split(x @ W, heads(num_heads)) for W in (W_q, W_k, W_v))
        return last(merge(attend(q, k, v, mask)), W_o)

    return wrong


def _scaled_by(scale: Callable) -> Callable:
    """Attention with another scale, that of all heads together."""
    return lambda q, k, v, mask: _attention_with(scale=scale)(q, k, v, mask)[0]


OPEN = ("open", "open 2", "one head")

multi_head_attention = Exercise(
    id="multi_head_attention",
    title="Several heads side by side",
    takes={"multi_head_attention": "function"},
    points=3,
    minutes=5,
    difficulty=2,
    cases=_multi_head_cases,
    probe=probes.one_array,
    reference=lambda case: _multi_head(*case["args"]),
    show=lambda case: (
        f"multi_head_attention with x {case['args'][0].shape}, num_heads = {case['args'][5]}"
        + (" and a mask" if len(case["args"]) > 6 else "")
    ),
    mistakes=(
        Mistake(
            id="heads_no_output",
            message="The last step is missing: the merged heads go through W_o.",
            answer=_multi_head_with(last=lambda out, W_o: out),
            on=OPEN,
        ),
        Mistake(
            id="heads_ignored",
            message="It works as one single head: `num_heads` changes nothing. Split q, k and v "
            "before the look-up.",
            answer=_multi_head_with(heads=lambda h: 1),
            on=OPEN,
        ),
        Mistake(
            id="heads_transposed",
            message="The weights are turned on their side. Words are rows here: `x @ W_q`, not "
            "`x @ W_q.T`.",
            answer=_multi_head_with(weights=lambda *w: [W.T for W in w]),
            on=OPEN,
        ),
        Mistake(
            id="heads_output_transposed",
            message="W_o is turned on its side: `merged @ W_o`.",
            answer=_multi_head_with(weights=lambda q, k, v, o: (q, k, v, o.T)),
            on=OPEN,
        ),
        Mistake(
            id="heads_keys_from_queries",
            message="The keys are made with W_q. Each of the three has its own matrix: W_q for "
            "queries, W_k for keys, W_v for values.",
            answer=_multi_head_with(weights=lambda q, k, v, o: (q, q, v, o)),
            on=OPEN,
        ),
        Mistake(
            id="heads_swapped",
            message="Queries and keys are swapped: queries come from W_q and keys from W_k, and "
            "the query goes first into the look-up.",
            answer=_multi_head_with(weights=lambda q, k, v, o: (k, q, v, o)),
            on=OPEN,
        ),
        Mistake(
            id="heads_values_are_x",
            message="The words themselves are mixed. The values are `x @ W_v`.",
            answer=_multi_head_with(weights=lambda q, k, v, o: (q, k, np.eye(len(v)), o)),
            on=OPEN,
        ),
        Mistake(
            id="heads_values_from_keys",
            message="The values are made with W_k. Each of the three has its own matrix: W_v for "
            "values.",
            answer=_multi_head_with(weights=lambda q, k, v, o: (q, k, k, o)),
            on=OPEN,
        ),
        Mistake(
            id="heads_no_projection",
            message="The words are looked up as they are, without W_q, W_k and W_v.",
            answer=_multi_head_with(weights=lambda q, k, v, o: (*[np.eye(len(o))] * 3, o)),
            on=OPEN,
        ),
        Mistake(
            id="heads_split_before",
            message="The heads are cut out and put together by a reshape alone, which mixes up the "
            "words. Use your `split_heads` and `merge_heads`.",
            answer=_multi_head_with(
                split=lambda x, h: x.reshape(len(x), h, x.shape[1], -1),
                merge=lambda x: x.reshape(len(x), x.shape[2], -1),
            ),
            on=OPEN,
        ),
        Mistake(
            id="heads_not_swapped",
            message="The heads are merged by a reshape alone, which mixes up the words. Use your "
            "`merge_heads`.",
            answer=_multi_head_with(merge=lambda x: x.reshape(len(x), x.shape[2], -1)),
            on=OPEN,
        ),
        Mistake(
            id="heads_words_swapped",
            message="The look-up happens among the heads of one word, not among the words: the "
            "axis of the heads must stand before that of the words, (B, H, T, D).",
            answer=_multi_head_with(
                split=lambda x, h: x.reshape(*x.shape[:2], h, -1),
                merge=lambda x: x.reshape(*x.shape[:2], -1),
                attend=lambda q, k, v, mask: _attention_with()(q, k, v)[0],
            ),
            on=OPEN,
        ),
        Mistake(
            id="heads_scale_model",
            message="The scores are divided by the root of C. Each head divides by the root of its "
            "own width, C / num_heads, as your `scaled_dot_product_attention` does.",
            answer=_multi_head_with(
                attend=_scaled_by(lambda q, k, v: math.sqrt(q.shape[-1] * q.shape[1]))
            ),
            on=OPEN,
        ),
        Mistake(
            id="heads_mask_lost",
            message="Right without a mask; with one, it changes nothing. Pass `mask` on.",
            answer=_multi_head_with(attend=lambda q, k, v, mask: _attention_with()(q, k, v)[0]),
            on=("masked", "masked 2"),
        ),
        Mistake(
            id="heads_mask_inverted",
            message="The mask is read the wrong way round: True means that a word may be attended.",
            answer=_multi_head_with(
                attend=lambda q, k, v, mask: _attention_with()(
                    q, k, v, None if mask is None else ~mask
                )[0]
            ),
            on=("masked", "masked 2"),
        ),
    ),
    hints=(
        "Nothing new has to be written: the stub's comments name the functions that you have.",
        "`q = split_heads(x @ W_q, num_heads)`, and the same for k and v. The look-up returns two "
        "things; take the first. Pass `mask` on to it.",
        "```python\nout, _ = scaled_dot_product_attention(q, k, v, mask)\n"
        "return merge_heads(out) @ ...\n```",
    ),
)


# --- Positions ---------------------------------------------------------------------------------

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


positional_encoding = Exercise(
    id="positional_encoding",
    title="A clock for every place",
    takes={"positional_encoding": "function"},
    points=2,
    minutes=6,
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
            id="position_angles",
            message="These are the angles themselves: take their sine or cosine.",
            answer=lambda T, C: _encoding(T, C, float, float),
        ),
    ),
    hints=(
        "First the table of angles, one row a place and one column a pair. Then its sines go to "
        "the even columns, its cosines to the odd ones.",
        "`encoding[:, 0::2] = np.sin(angles)` fills every second column, from column 0 on. There "
        "is one cosine less where d_model is odd: `angles[:, : d_model // 2]`.",
        "```python\nangles = place / 10000 ** (np.arange(0, d_model, 2) / d_model)\n"
        "encoding[:, 0::2] = np.sin(angles)\nencoding[:, 1::2] = np.cos(angles[:, : d_model // "
        "2])\n"
        "```",
    ),
)


# --- The residual stream -----------------------------------------------------------------------


def _norm(x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, eps: float = 1e-5) -> np.ndarray:
    """The norm, row by row and number by number: the reference."""
    result = np.zeros(x.shape)
    for index in np.ndindex(x.shape[:-1]):
        row = [float(value) for value in x[index]]
        mean = math.fsum(row) / len(row)
        variance = math.fsum((value - mean) ** 2 for value in row) / len(row)
        for i, value in enumerate(row):
            result[index][i] = (value - mean) / math.sqrt(variance + eps) * gamma[i] + beta[i]
    return result


def _norm_cases(rng: np.random.Generator) -> list[Case]:
    def given(*shape: int, size: float = 3.0) -> list[np.ndarray]:
        C = shape[-1]
        gamma, beta = rng.uniform(0.5, 2, C), rng.choice([-1, 1], C) * rng.uniform(0.3, 1, C)
        return [rng.normal(2, size, shape), gamma, beta]

    whole = given(3, 4)
    whole[0] = np.array([rng.permutation([-2, 1, 3, 6]) for _ in range(3)])
    same = given(2, 5)
    same[0] = np.repeat(rng.normal(0, 1, (2, 1)), 5, axis=1)
    return [
        {"name": "rows", "args": given(3, 6)},
        {"name": "sentences", "args": given(2, 4, 5)},
        {"name": "nearly equal", "args": given(4, 7, size=0.004)},
        {"name": "another eps", "args": [*given(2, 3), 0.7]},
        {"name": "whole numbers", "args": whole},
        {"name": "equal", "args": same},
    ]


def _norm_with(
    axis: Any = -1,
    ddof: int = 0,
    below: Callable = lambda variance, eps: np.sqrt(variance + eps),
    after: Callable = lambda n, gamma, beta: gamma * n + beta,
    mean: float = 1.0,
    eps_is: Callable = lambda eps: eps,
) -> Callable:
    def wrong(x: Any, gamma: Any, beta: Any, eps: float = 1e-5) -> np.ndarray:
        centred = x - mean * x.mean(axis=axis, keepdims=True)
        variance = x.var(axis=axis, ddof=ddof, keepdims=True)
        return after(centred / below(variance, eps_is(eps)), gamma, beta)

    return wrong


WIDE = ("rows", "sentences", "whole numbers")

layer_norm = Exercise(
    id="layer_norm",
    title="Keep the numbers at one size",
    takes={"layer_norm": "function"},
    points=2,
    minutes=4,
    difficulty=2,
    cases=_norm_cases,
    reference=lambda case: _norm(*case["args"]),
    mistakes=(
        Mistake(
            id="norm_words",
            message="It averages over the words. Each word is normalised by itself, over its own "
            "numbers: `axis=-1, keepdims=True`.",
            answer=_norm_with(axis=-2),
            on=WIDE,
        ),
        Mistake(
            id="norm_first_axis",
            message="It averages over the first axis. Each word is normalised by itself, over its "
            "own numbers: `axis=-1, keepdims=True`.",
            answer=_norm_with(axis=0),
            on=WIDE,
        ),
        Mistake(
            id="norm_all",
            message="It takes one mean and one variance of everything. Each word has its own: "
            "`axis=-1, keepdims=True`.",
            answer=_norm_with(axis=None),
            on=WIDE,
        ),
        Mistake(
            id="norm_unbiased",
            message="The variance is divided by C - 1. Here it is the plain mean of the squares, "
            "divided by C (numpy's default, `ddof=0`).",
            answer=_norm_with(ddof=1),
            on=WIDE,
        ),
        Mistake(
            id="norm_no_root",
            message="It is divided by the variance. Divide by its root.",
            answer=_norm_with(below=lambda variance, eps: variance + eps),
            on=WIDE,
        ),
        Mistake(
            id="norm_not_divided",
            message="The mean is gone, and the size is as before: divide by the root of the "
            "variance.",
            answer=_norm_with(below=lambda variance, eps: 1.0),
            on=WIDE,
        ),
        Mistake(
            id="norm_no_mean",
            message="The mean is still in it: subtract it before you divide.",
            answer=_norm_with(mean=0.0),
            on=WIDE,
        ),
        Mistake(
            id="norm_no_dials",
            message="`gamma` and `beta` do nothing: at the end multiply by gamma, and add beta.",
            answer=_norm_with(after=lambda n, gamma, beta: n),
            on=WIDE,
        ),
        Mistake(
            id="norm_no_beta",
            message="`beta` is not added.",
            answer=_norm_with(after=lambda n, gamma, beta: gamma * n),
            on=WIDE,
        ),
        Mistake(
            id="norm_no_gamma",
            message="`gamma` is left out: multiply by it before you add beta.",
            answer=_norm_with(after=lambda n, gamma, beta: n + beta),
            on=WIDE,
        ),
        Mistake(
            id="norm_swapped",
            message="`gamma` and `beta` are swapped: multiply by gamma, add beta.",
            answer=_norm_with(after=lambda n, gamma, beta: beta * n + gamma),
            on=WIDE,
        ),
        Mistake(
            id="norm_dials_first",
            message="`beta` is added before gamma multiplies. It is gamma times the normalised "
            "numbers, and then plus beta.",
            answer=_norm_with(after=lambda n, gamma, beta: gamma * (n + beta)),
            on=WIDE,
        ),
        Mistake(
            id="norm_eps_outside",
            message="`eps` is added to the root. It belongs inside: the root of (variance + eps).",
            answer=_norm_with(below=lambda variance, eps: np.sqrt(variance) + eps),
            on=("nearly equal", "another eps"),
        ),
        Mistake(
            id="norm_no_eps",
            message="`eps` is left out: it is added to the variance, inside the root, so that "
            "nothing is divided by 0.",
            answer=_norm_with(eps_is=lambda eps: 0.0),
            on=("nearly equal", "another eps"),
        ),
        Mistake(
            id="norm_fixed_eps",
            message="It always uses 0.00001. Use the `eps` that is passed.",
            answer=_norm_with(eps_is=lambda eps: 1e-5),
            on=("nearly equal", "another eps"),
        ),
    ),
    hints=(
        "Four steps: mean, variance, divide, then gamma and beta.",
        "`x.mean(axis=-1, keepdims=True)` has one mean for each word, in a shape that can be "
        "subtracted from x. `x.var` takes the same arguments.",
        "```python\nmean = x.mean(axis=-1, keepdims=True)\n"
        "variance = x.var(axis=-1, keepdims=True)\n"
        "return gamma * (x - mean) / np.sqrt(...) + beta\n```",
    ),
)


def _params(rng: np.random.Generator, C: int, hidden: int) -> dict[str, np.ndarray]:
    """Weights of a block, all of them large enough to matter."""

    def dials(size: int) -> np.ndarray:
        return rng.choice([-1, 1], size) * rng.uniform(0.3, 0.9, size)

    W_q, W_k, W_v, W_o = _matrices(rng, C)
    return {
        "gamma1": rng.uniform(0.5, 2, C), "beta1": dials(C),
        "W_q": W_q, "W_k": W_k, "W_v": W_v, "W_o": W_o,
        "gamma2": rng.uniform(0.5, 2, C), "beta2": dials(C),
        "W1": rng.normal(0, 1.4 / math.sqrt(C), (C, hidden)), "b1": dials(hidden),
        "W2": rng.normal(0, 1.4 / math.sqrt(hidden), (hidden, C)), "b2": dials(C),
    }  # fmt: skip


def _block_cases(rng: np.random.Generator) -> list[Case]:
    return [
        {"args": [rng.normal(0, 2, (B, T, C)), _params(rng, C, hidden), H]}
        for B, T, C, hidden, H in ((2, 5, 6, 9, 3), (1, 4, 10, 7, 2), (3, 2, 8, 5, 4))
    ]


_quick_norm, _quick_heads = _norm_with(), _multi_head_with()  # by arrays, to replay mistakes


def _block(x: np.ndarray, p: dict[str, np.ndarray], num_heads: int) -> np.ndarray:
    """The reference: by loops, but for the small network."""
    h = _norm(x, p["gamma1"], p["beta1"])
    x = x + _multi_head(h, p["W_q"], p["W_k"], p["W_v"], p["W_o"], num_heads)
    h = _norm(x, p["gamma2"], p["beta2"])
    return x + np.maximum(h @ p["W1"] + p["b1"], 0) @ p["W2"] + p["b2"]


def _block_with(
    norms: Callable = lambda p: (("gamma1", "beta1"), ("gamma2", "beta2")),
    bend: Callable = lambda h: np.maximum(h, 0),
    stream: tuple[float, float] = (1.0, 1.0),
    normed: tuple[bool, bool] = (True, True),
    biases: tuple[float, float] = (1.0, 1.0),
    attended: float = 1.0,
    mlp: float = 1.0,
    mask: Callable = lambda T: None,
    heads: Callable = lambda h: h,
    from_start: bool = False,
    onto_normed: bool = False,
) -> Callable:
    """A pre-norm block with slips to switch on."""

    def block(x: np.ndarray, p: dict[str, np.ndarray], num_heads: int) -> np.ndarray:
        first, second = (tuple(p[name] for name in names) for names in norms(p))
        start = x
        h = _quick_norm(x, *first) if normed[0] else x
        weights = (p["W_q"], p["W_k"], p["W_v"], p["W_o"])
        attention = _quick_heads(h, *weights, heads(num_heads), mask(x.shape[1]))
        x = stream[0] * (h if onto_normed else x) + attended * attention
        given = start if from_start else x
        h = _quick_norm(given, *second) if normed[1] else given
        inner = bend(h @ p["W1"] + biases[0] * p["b1"])
        return stream[1] * (h if onto_normed else x) + mlp * (inner @ p["W2"] + biases[1] * p["b2"])

    return block


def _post_norm(x: np.ndarray, p: dict[str, np.ndarray], num_heads: int) -> np.ndarray:
    attention = _quick_heads(x, p["W_q"], p["W_k"], p["W_v"], p["W_o"], num_heads)
    x = _quick_norm(x + attention, p["gamma1"], p["beta1"])
    h = np.maximum(x @ p["W1"] + p["b1"], 0) @ p["W2"] + p["b2"]
    return _quick_norm(x + h, p["gamma2"], p["beta2"])


def _gelu(h: np.ndarray) -> np.ndarray:
    return 0.5 * h * (1 + np.tanh(math.sqrt(2 / math.pi) * (h + 0.044715 * h**3)))


transformer_block = Exercise(
    id="transformer_block",
    title="One block",
    takes={"transformer_block": "function"},
    points=3,
    minutes=6,
    difficulty=3,
    cases=_block_cases,
    probe=probes.one_array,
    reference=lambda case: _block(*case["args"]),
    show=lambda case: (
        f"transformer_block(x, params, num_heads = {case['args'][2]}) with x "
        f"{case['args'][0].shape} and W1 {case['args'][1]['W1'].shape}"
    ),
    mistakes=(
        Mistake(
            id="block_post_norm",
            message="The norms come after the additions, as in the original paper. Here they come "
            "before: what goes into attention and into the network is normalised, the stream is "
            "not.",
            answer=_post_norm,
        ),
        Mistake(
            id="block_no_stream",
            message="Neither result is added to x: the stream is replaced twice. Both times it is "
            "`x = x + ...`.",
            answer=_block_with(stream=(0.0, 0.0)),
        ),
        Mistake(
            id="block_no_first_stream",
            message="Attention's result replaces x. Add it: `x = x + ...`.",
            answer=_block_with(stream=(0.0, 1.0)),
        ),
        Mistake(
            id="block_no_second_stream",
            message="The network's result replaces x. Add it: `x = x + ...`.",
            answer=_block_with(stream=(1.0, 0.0)),
        ),
        Mistake(
            id="block_onto_normed",
            message="The results are added to the *normalised* x. The stream itself stays as it "
            "is: keep the normalised one under another name, such as h.",
            answer=_block_with(onto_normed=True),
        ),
        Mistake(
            id="block_no_norms",
            message="Nothing is normalised: what goes into attention, and what goes into the "
            "network, passes a `layer_norm` first.",
            answer=_block_with(normed=(False, False)),
        ),
        Mistake(
            id="block_no_first_norm",
            message="What goes into attention is not normalised.",
            answer=_block_with(normed=(False, True)),
        ),
        Mistake(
            id="block_no_second_norm",
            message="What goes into the network is not normalised: it has a norm of its own, "
            "gamma2 and beta2.",
            answer=_block_with(normed=(True, False)),
        ),
        Mistake(
            id="block_one_norm",
            message="Both norms use gamma1 and beta1. The second one has its own: gamma2 and "
            "beta2.",
            answer=_block_with(norms=lambda p: (("gamma1", "beta1"),) * 2),
        ),
        Mistake(
            id="block_side_by_side",
            message="The network reads the x from before attention. It should read the stream "
            "after attention has been added.",
            answer=_block_with(from_start=True),
        ),
        Mistake(
            id="block_no_bend",
            message="There is no relu between W1 and W2: without it the two are one matrix.",
            answer=_block_with(bend=lambda h: h),
        ),
        Mistake(
            id="block_gelu",
            message="The bend is gelu, as in GPT-2. Here it is relu.",
            answer=_block_with(bend=_gelu),
        ),
        Mistake(
            id="block_no_biases",
            message="`b1` and `b2` are left out: the network is relu(h @ W1 + b1) @ W2 + b2.",
            answer=_block_with(biases=(0.0, 0.0)),
        ),
        Mistake(
            id="block_no_b1",
            message="`b1` is left out: it is added before the relu.",
            answer=_block_with(biases=(0.0, 1.0)),
        ),
        Mistake(
            id="block_no_b2",
            message="`b2` is left out: it is added at the end of the network.",
            answer=_block_with(biases=(1.0, 0.0)),
        ),
        Mistake(
            id="block_no_network",
            message="It ends after attention. The second half is missing: the small network.",
            answer=_block_with(mlp=0.0),
        ),
        Mistake(
            id="block_no_attention",
            message="Attention is missing: the words don't look at each other.",
            answer=_block_with(attended=0.0),
        ),
        Mistake(
            id="block_causal",
            message="It uses a causal mask. In this block every word may look at every other one: "
            "no mask.",
            answer=_block_with(mask=lambda T: np.tril(np.ones((T, T), bool))),
        ),
        Mistake(
            id="block_one_head",
            message="It works with a single head: pass `num_heads` on.",
            answer=_block_with(heads=lambda h: 1),
        ),
    ),
    hints=(
        "Two halves of the same form: normalise, do something, add to the stream.",
        "Keep `x` for the stream and use another name, `h`, for what is normalised. In the second "
        "half h is made from the new x, with gamma2 and beta2. `np.maximum(h, 0)` is relu.",
        "```python\nh = layer_norm(x, p['gamma1'], p['beta1'])\n"
        "x = x + multi_head_attention(h, p['W_q'], ...)\nh = layer_norm(x, ...)\n"
        "return x + np.maximum(h @ p['W1'] + p['b1'], 0) @ ...\n```",
    ),
)

predict_it = question(
    "predict_it",
    "Another last word",
    minutes=3,
    difficulty=2,
    right="b",
    options={
        "a": Option(
            text="animal, as before",
            why='Then the row of "it" would not depend on the last word. But the query of block 2 '
            'is made from what block 1 has added to "it", and block 1 could look at that word.',
        ),
        "b": Option(
            text="street",
            why='The query of "it" in block 2 is made from the stream, to which block 1 has added '
            "what it found. So another last word can mean another look-up.",
        ),
        "c": Option(
            text="wide, the word that is new",
            why="The last word says what kind of thing is meant. What the model has to name is the "
            "noun, and the noun's own vector is where to get it.",
        ),
        "d": Option(
            text="it, the word itself",
            why="Its own vector doesn't say which noun is meant, and the stream hands it on "
            "anyway. What is missing stands elsewhere.",
        ),
    },
    hints=(
        'What does the model have to name at "it", and where does that stand?',
        'Animals get tired, streets are wide. Block 1 can bring the last word to "it"; block 2 '
        "asks with what is then known.",
        'For "tired" it was the animal. Which noun is meant when it is too wide?',
    ),
)

EXERCISES = [
    look_up_by_hand,
    predict_scale,
    scaled_dot_product_attention,
    causal_mask,
    shape_table,
    split_heads,
    multi_head_attention,
    predict_shuffle,
    positional_encoding,
    layer_norm,
    transformer_block,
    predict_it,
]
