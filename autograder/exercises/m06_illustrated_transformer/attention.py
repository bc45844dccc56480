"""All look-ups at once: attention, its scale and what a mask does to it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from autograder.core.exercise import Case, Exercise, Mistake, Option, question
from autograder.core.plain import STUMBLED
from autograder.probes import m06_illustrated_transformer as probes


def _softmax(z: np.ndarray, axis: int = -1) -> np.ndarray:
    raised = np.exp(z - z.max(axis=axis, keepdims=True))
    return raised / raised.sum(axis=axis, keepdims=True)


def same(a: Any, b: Any) -> bool:
    try:
        a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    except (TypeError, ValueError):
        return False
    return a.shape == b.shape and bool(np.allclose(a, b, rtol=1e-4, atol=1e-6))


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
            why="64 is the variance of the sum, the size squared. A typical size is its root. "
            "(64 itself would be the size if all products had the same sign.)",
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


def attend(
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


def some_mask(rng: np.random.Generator, *shape: int) -> np.ndarray:
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
    none = some_mask(rng, 4, 6)
    none[int(rng.integers(4))] = False
    return [
        {"name": "2-D", "args": qkv((), 3, 5, 6, 2)},
        {"name": "3-D", "args": qkv((2,), 3, 4, 5, 6)},
        {"name": "4-D", "args": qkv((2, 3), 4, 5, 3, 6)},
        {"name": "masked", "args": [*qkv((), 3, 5, 6, 4), some_mask(rng, 3, 5)]},
        {"name": "masked 4-D", "args": [*qkv((2, 3), 4, 5, 6, 2), some_mask(rng, 4, 5)]},
        {
            "name": "a mask for each",
            "args": [*qkv((2, 3), 4, 5, 6, 7), some_mask(rng, 2, 1, 4, 5)],
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
    out, weights = attend(*case["args"])
    return {"out": out, "weights": weights}


def attention_with(
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
    out, weights = attention_with(after=_as_it_is)(q, k, v, mask)
    return out, weights if mask is None else np.where(mask, weights, 0)


def _swapped(q: Any, k: Any, v: Any, mask: Any = None) -> tuple:
    weights = _softmax(k @ np.swapaxes(q, -1, -2) / math.sqrt(q.shape[-1]))
    weights = weights if mask is None else np.where(mask, weights, 0)
    return weights @ v, weights


def _by_index(q: Any, k: Any, v: Any, mask: Any = None) -> tuple:
    scores = q @ np.swapaxes(k, -1, -2) / math.sqrt(q.shape[-1])
    if mask is not None:
        scores[~mask] = -1e9
    weights = _softmax(scores)
    return weights @ v, weights


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
    return same(seen["weights"], expected["weights"]) and case["name"] in PLAIN


def _rows_short(case: Case, seen: Any, expected: Any) -> bool:
    """Weights of 0 where they should be, and rows that no longer add up to 1."""
    if case["name"] not in MASKED:
        return False
    wanted = attend(*case["args"][:3])[1] * np.asarray(case["args"][3])
    return same(seen["weights"], wanted)


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
    if same(weights, want):
        return "The weights are right, `out` is not: it is the weights times the values"
    if name in MASKED and not weights.any():
        return (
            "With a mask all weights are 0, also where it is True. Is it read one way before the "
            "softmax and the other way after it? True means that a key may be attended, both times"
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
            id="attention_swapped",
            message="Queries and keys are swapped: the queries come first, `q` times `k` turned. "
            "Then each row is a query.",
            answer=_swapped,
            recognise=lambda case, seen, expected: seen.get(STUMBLED) == "swapped",
        ),
        Mistake(
            id="attention_mask_as_index",
            message="The mask may have fewer axes than the scores, and then it can't be used in "
            "square brackets. `masked_softmax` takes it as it is, and so does "
            "`np.where(mask, scores, -1e9)`.",
            answer=_by_index,
            recognise=lambda case, seen, expected: seen.get(STUMBLED) == "indexed",
        ),
        Mistake(
            id="attention_scale_len",
            message="With three and more axes, the scores are divided by the root of the length of "
            "the *first* axis, which is what `len` counts. It is the root of the length of a "
            "query, `q.shape[-1]`.",
            answer=attention_with(scale=lambda q, k, v: math.sqrt(len(q))),
            on=("3-D", "4-D"),
        ),
        Mistake(
            id="attention_no_scale",
            message="The scores are not scaled: divide them by the root of d_k, the length of a "
            "query, before the softmax.",
            answer=attention_with(scale=lambda q, k, v: 1),
            on=PLAIN,
        ),
        Mistake(
            id="attention_scale_whole",
            message="The scores are divided by d_k itself. It is the root of d_k: "
            "`np.sqrt(q.shape[-1])`.",
            answer=attention_with(scale=lambda q, k, v: q.shape[-1]),
            on=PLAIN,
        ),
        Mistake(
            id="attention_scale_up",
            message="The scores are multiplied by the root of d_k. Divide: they should get "
            "smaller.",
            answer=attention_with(scale=lambda q, k, v: 1 / math.sqrt(q.shape[-1])),
            on=PLAIN,
        ),
        Mistake(
            id="attention_scale_keys",
            message="The scores are divided by the root of the number of keys. It is the root of "
            "the length of a query, `q.shape[-1]`.",
            answer=attention_with(scale=lambda q, k, v: math.sqrt(k.shape[-2])),
            on=PLAIN,
        ),
        Mistake(
            id="attention_scale_values",
            message="The scores are divided by the root of the length of a *value*. It is the root "
            "of the length of a query, `q.shape[-1]`.",
            answer=attention_with(scale=lambda q, k, v: math.sqrt(v.shape[-1])),
            on=PLAIN,
        ),
        Mistake(
            id="attention_scale_queries",
            message="The scores are divided by the root of the number of queries. It is the root "
            "of the length of a query, `q.shape[-1]`.",
            answer=attention_with(scale=lambda q, k, v: math.sqrt(q.shape[-2])),
            on=PLAIN,
        ),
        Mistake(
            id="attention_scale_late",
            message="The scale comes after the softmax: then the rows don't add up to 1. Divide "
            "the scores, before it.",
            answer=attention_with(scale=lambda q, k, v: 1, late=2.0),
            on=PLAIN,
        ),
        Mistake(
            id="attention_over_queries",
            message="The softmax goes over the queries: each *column* adds up to 1. Each row "
            "should, as a query shares its attention among the keys: `axis=-1`.",
            answer=attention_with(axis=-2),
            on=PLAIN,
        ),
        Mistake(
            id="attention_scores",
            message="There is no softmax: these weights are the scaled scores themselves.",
            answer=attention_with(soft=lambda scores, axis: scores, masked=_as_it_is),
            on=PLAIN,
        ),
        Mistake(
            id="attention_not_mixed",
            message="The weights are right. `out` is made from the keys: mix the values, "
            "`weights @ v`.",
            answer=attention_with(mixed=lambda k, v: k),
            recognise=lambda case, seen, expected: (
                _weights_stay(case, seen, expected)
                and same(seen["out"], expected["weights"] @ case["args"][1])
            ),
        ),
        Mistake(
            id="attention_mask_ignored",
            message="The mask changes nothing: where it is False, a key must get no weight at all.",
            answer=attention_with(masked=_as_it_is, after=_as_it_is),
            on=MASKED,
        ),
        Mistake(
            id="attention_mask_inverted",
            message="The mask is read the wrong way round. Here **True** means that a key may be "
            "attended, and False hides it.",
            answer=attention_with(
                masked=lambda scores, mask: np.where(mask, -1e9, scores), after=_as_it_is
            ),
            on=MASKED,
        ),
        Mistake(
            id="attention_mask_late",
            message="The mask comes after the softmax: the hidden keys have taken their share "
            "already, and the rest of a row no longer adds up to 1. Mask the scores, before it.",
            answer=attention_with(masked=_as_it_is),
            recognise=_rows_short,
        ),
        Mistake(
            id="attention_mask_zero",
            message="The hidden scores become 0, and e to the 0 is 1: the hidden keys still get a "
            "weight. Their scores should be minus infinity, or a huge negative number.",
            answer=attention_with(
                masked=lambda scores, mask: np.where(mask, scores, 0), after=_as_it_is
            ),
            on=MASKED,
        ),
        Mistake(
            id="attention_mask_added",
            message="The mask is added to the scores as it is, so a True counts as 1. Where it is "
            "False, the score should become minus infinity, or a huge negative number.",
            answer=attention_with(masked=lambda scores, mask: scores + mask, after=_as_it_is),
            on=MASKED,
        ),
        Mistake(
            id="attention_whole",
            message="The weights of the whole table add up to 1. Each row should by itself: "
            "softmax over the last axis.",
            answer=attention_with(soft=_over_everything),
            on=("2-D",),
        ),
        Mistake(
            id="attention_row_out",
            message="The weights are right, also in the row without a single True. `out` of that "
            "row should be 0 as well: set the weights to 0 before you mix the values with them.",
            answer=_mixed_before,
            recognise=lambda case, seen, expected: (
                case["name"] == "nothing allowed"
                and same(seen["weights"], expected["weights"])
                and not same(seen["out"], expected["out"])
            ),
        ),
        Mistake(
            id="attention_row_nan",
            message="A row of the mask without a single True gives NaN: 0 divided by 0. The "
            "convention here: such a row looks nothing up, its weights and its output are 0.",
            answer=attention_with(
                masked=lambda scores, mask: np.where(mask, scores, -np.inf), after=_as_it_is
            ),
            recognise=_nan_row,
        ),
        Mistake(
            id="attention_row_filled",
            message="A row of the mask without a single True still gets weights that add up to 1, "
            "and nobody would notice: equal huge negative scores make equal weights. The "
            "convention here: such a row's weights and output are 0.",
            answer=attention_with(after=_as_it_is),
            recognise=_filled_row,
        ),
    ),
    hints=(
        "Follow the three comments in the stub, one line of code each.",
        "The scores are `q @ np.swapaxes(k, -1, -2)`, divided by "
        "[np.sqrt](https://numpy.org/doc/stable/reference/generated/numpy.sqrt.html) of d_k, which "
        "is `q.shape[-1]`. The weights are `masked_softmax(scores, mask)`.",
        "```python\nscores = q @ np.swapaxes(k, -1, -2) / np.sqrt(...)\n"
        "weights = masked_softmax(..., mask)\nreturn ..., weights\n```",
    ),
)
