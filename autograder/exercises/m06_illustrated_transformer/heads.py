"""Several heads: the shapes, the cut, and the whole."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from autograder.core.exercise import Case, Exercise, Mistake
from autograder.core.plain import STUMBLED, form
from autograder.exercises.m06_illustrated_transformer.attention import (
    attend,
    attention_with,
    same,
    some_mask,
)
from autograder.probes import m06_illustrated_transformer as probes

SHAPES = {
    "q": (2, 5, 12),
    "q in heads": (2, 3, 5, 4),
    "scores": (2, 3, 5, 5),
    "out in heads": (2, 3, 5, 4),
    "merged": (2, 5, 12),
    "causal mask": (5, 5),
}


def _numbers(value: Any) -> tuple:
    """The whole numbers of a shape; none of what is no shape."""
    return tuple(int(n) for n in np.ravel(value)) if form(value)[0] == "numbers" else ()


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
    minutes=6,
    difficulty=2,
    cases=lambda rng: [{"entries": list(SHAPES)}],
    probe=probes.filled_in,
    reference=lambda case: {name: list(shape) for name, shape in SHAPES.items()},
    show=lambda case: "the shapes for B = 2, T = 5, C = 12 and 3 heads",
    explain=_explain_shapes,
    reveals=False,
    mistakes=(
        Mistake(
            id="shapes_text",
            message="A shape is a tuple of whole numbers, in round brackets and without quotes, "
            "such as (2, 5, 12).",
            answer={name: ", ".join(map(str, shape)) for name, shape in SHAPES.items()},
            recognise=lambda case, seen, expected: any(
                isinstance(shape, str) for shape in seen.values()
            ),
        ),
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
            "`scores` has a row and a column for each of a head's 4 numbers. It is a number for "
            "each pair of words: a query with a key.",
        ),
        _shape_slip(
            "shapes_scores_mixed",
            "scores",
            (2, 3, 5, 4),
            "`scores` has a column for each of a head's 4 numbers. Each query is compared with "
            "each of the 5 words' keys.",
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
        return not same(found, expected[part]) and same(seen[part], found)

    return Mistake(
        id=id,
        message=message,
        answer=(wrong.get("split", _split), wrong.get("merged", _merge)),
        recognise=recognise,
    )


def _explain_heads(case: Case, seen: Any, expected: Any) -> str | None:
    for part, name in (("split", "split_heads"), ("merged", "merge_heads")):
        if not same(seen[part], expected[part]):
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
    minutes=7,
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


def multi_head(
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
        out, _ = attend(x @ W_q[:, of_head], x @ W_k[:, of_head], x @ W_v[:, of_head], mask)
        result += out @ W_o[of_head]
    return result


def matrices(rng: np.random.Generator, C: int, count: int = 4) -> list[np.ndarray]:
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
        mask = mask or ([some_mask(rng, T, T)] if masked else [])
        x = rng.normal(size=(B, T, C))
        cases.append({"name": name, "args": [x, *matrices(rng, C), H, *mask]})
    return cases


def _stumbled(seen: Any) -> str | None:
    """The word for the error that the answer raised; None where it gave numbers."""
    return seen.get(STUMBLED) if isinstance(seen, dict) else None


def multi_head_with(
    split: Callable = _split,
    merge: Callable = _merge,
    weights: Callable = lambda *w: w,
    attend: Callable = lambda q, k, v, mask: attention_with()(q, k, v, mask)[0],
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
    return lambda q, k, v, mask: attention_with(scale=scale)(q, k, v, mask)[0]


def _with_residual(x: Any, *rest: Any) -> np.ndarray:
    return x + multi_head_with()(x, *rest)


def _always_causal(q: Any, k: Any, v: Any, mask: Any) -> np.ndarray:
    causal = np.tril(np.ones((q.shape[-2], k.shape[-2]), bool))
    return attention_with()(q, k, v, causal if mask is None else mask)[0]


OPEN = ("open", "open 2", "one head")

multi_head_attention = Exercise(
    id="multi_head_attention",
    title="Several heads side by side",
    takes={"multi_head_attention": "function"},
    points=3,
    minutes=5,
    difficulty=2,
    cases=_multi_head_cases,
    probe=probes.several_heads,
    reference=lambda case: multi_head(*case["args"]),
    show=lambda case: (
        f"multi_head_attention with x {case['args'][0].shape}, num_heads = {case['args'][5]}"
        + (" and a mask" if len(case["args"]) > 6 else "")
    ),
    mistakes=(
        Mistake(
            id="heads_pair",
            message="`scaled_dot_product_attention` returns two things, and both go on as one "
            "tuple. Take the first: `out, _ = scaled_dot_product_attention(...)`.",
            answer=multi_head_with(attend=lambda q, k, v, mask: attention_with()(q, k, v, mask)),
            recognise=lambda case, seen, expected: _stumbled(seen) == "pair",
        ),
        Mistake(
            id="heads_left",
            message="One of the products would fit only if there were as many words as numbers in "
            "a word. Words are rows here, so the weights stand on the right: `x @ W_k`, and "
            "`merged @ W_o`.",
            answer=multi_head_with(last=lambda out, W_o: W_o @ out),
            recognise=lambda case, seen, expected: _stumbled(seen) == "left",
        ),
        Mistake(
            id="heads_residual",
            message="`x` is added to the result. That is the work of the block, later on: here "
            "it is the merged heads times W_o alone.",
            answer=_with_residual,
            on=OPEN,
        ),
        Mistake(
            id="heads_causal",
            message="Without a mask it still hides the later words. Pass on `mask` as it comes: "
            "None hides nothing.",
            answer=multi_head_with(attend=_always_causal),
            on=OPEN,
        ),
        Mistake(
            id="heads_order",
            message="The look-up gets values where it expects keys. Its order is "
            "`scaled_dot_product_attention(q, k, v, mask)`.",
            answer=multi_head_with(weights=lambda q, k, v, o: (q, v, k, o)),
            on=OPEN,
        ),
        Mistake(
            id="heads_no_output",
            message="The last step is missing: the merged heads go through W_o.",
            answer=multi_head_with(last=lambda out, W_o: out),
            on=OPEN,
        ),
        Mistake(
            id="heads_ignored",
            message="It works as one single head: `num_heads` changes nothing. Split q, k and v "
            "before the look-up.",
            answer=multi_head_with(heads=lambda h: 1),
            on=OPEN,
        ),
        Mistake(
            id="heads_transposed",
            message="The weights are turned on their side. Words are rows here: `x @ W_q`, not "
            "`x @ W_q.T`.",
            answer=multi_head_with(weights=lambda *w: [W.T for W in w]),
            on=OPEN,
        ),
        Mistake(
            id="heads_output_transposed",
            message="W_o is turned on its side: `merged @ W_o`.",
            answer=multi_head_with(weights=lambda q, k, v, o: (q, k, v, o.T)),
            on=OPEN,
        ),
        Mistake(
            id="heads_keys_from_queries",
            message="The keys are made with W_q. Each of the three has its own matrix: W_q for "
            "queries, W_k for keys, W_v for values.",
            answer=multi_head_with(weights=lambda q, k, v, o: (q, q, v, o)),
            on=OPEN,
        ),
        Mistake(
            id="heads_swapped",
            message="Queries and keys are swapped: queries come from W_q and keys from W_k, and "
            "the query goes first into the look-up.",
            answer=multi_head_with(weights=lambda q, k, v, o: (k, q, v, o)),
            on=OPEN,
        ),
        Mistake(
            id="heads_values_are_x",
            message="The words themselves are mixed. The values are `x @ W_v`.",
            answer=multi_head_with(weights=lambda q, k, v, o: (q, k, np.eye(len(v)), o)),
            on=OPEN,
        ),
        Mistake(
            id="heads_values_from_keys",
            message="The values are made with W_k. Each of the three has its own matrix: W_v for "
            "values.",
            answer=multi_head_with(weights=lambda q, k, v, o: (q, k, k, o)),
            on=OPEN,
        ),
        Mistake(
            id="heads_no_projection",
            message="The words are looked up as they are, without W_q, W_k and W_v.",
            answer=multi_head_with(weights=lambda q, k, v, o: (*[np.eye(len(o))] * 3, o)),
            on=OPEN,
        ),
        Mistake(
            id="heads_split_before",
            message="The heads are cut out and put together by a reshape alone, which mixes up the "
            "words. Use your `split_heads` and `merge_heads`.",
            answer=multi_head_with(
                split=lambda x, h: x.reshape(len(x), h, x.shape[1], -1),
                merge=lambda x: x.reshape(len(x), x.shape[2], -1),
            ),
            on=OPEN,
        ),
        Mistake(
            id="heads_not_swapped",
            message="The heads are merged by a reshape alone, which mixes up the words. Use your "
            "`merge_heads`.",
            answer=multi_head_with(merge=lambda x: x.reshape(len(x), x.shape[2], -1)),
            on=OPEN,
        ),
        Mistake(
            id="heads_words_swapped",
            message="The look-up happens among the heads of one word, not among the words: the "
            "axis of the heads must stand before that of the words, (B, H, T, D).",
            answer=multi_head_with(
                split=lambda x, h: x.reshape(*x.shape[:2], h, -1),
                merge=lambda x: x.reshape(*x.shape[:2], -1),
                attend=lambda q, k, v, mask: attention_with()(q, k, v)[0],
            ),
            on=OPEN,
        ),
        Mistake(
            id="heads_scale_model",
            message="The scores are divided by the root of C. Each head divides by the root of its "
            "own width, C / num_heads, as your `scaled_dot_product_attention` does.",
            answer=multi_head_with(
                attend=_scaled_by(lambda q, k, v: math.sqrt(q.shape[-1] * q.shape[1]))
            ),
            on=OPEN,
        ),
        Mistake(
            id="heads_mask_lost",
            message="Right without a mask; with one, it changes nothing. Pass `mask` on.",
            answer=multi_head_with(attend=lambda q, k, v, mask: attention_with()(q, k, v)[0]),
            on=("masked", "masked 2"),
        ),
        Mistake(
            id="heads_mask_inverted",
            message="The mask is read the wrong way round: True means that a word may be attended.",
            answer=multi_head_with(
                attend=lambda q, k, v, mask: attention_with()(
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
