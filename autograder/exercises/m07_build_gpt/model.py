"""The exercises that make blocks of attention, and a GPT of blocks."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from autograder.core.exercise import Case, Exercise, Mistake
from autograder.exercises.m07_build_gpt import reference
from autograder.exercises.m07_build_gpt.attention import (
    CROP,
    GOOD_OUTPUTS,
    OTHERS,
    PLAIN_LIST,
    SCALE,
    dropout_in_evaluation,
    dropout_mistakes,
    explain_outputs,
    in_plain_list,
    of_outputs,
    sees_no_future,
    share_right,
    show_part,
)
from autograder.exercises.m07_build_gpt.text import (
    NO_GRADIENT,
    VIEWED,
    expected_of,
    explain_logits,
    logits_and_loss,
    loss_is,
    loss_without_gradient,
    number,
    show_model,
    viewed,
)
from autograder.exercises.m07_build_gpt.wrong import variant
from autograder.probes import m07_build_gpt as probes

BENDS = ("relu", "gelu", "gelu by tanh")

# --- Feed-forward --------------------------------------------------------------------------------


def _feed_cases(rng: np.random.Generator) -> list[Case]:
    return [
        {
            "make": [width],
            "setting": {**OTHERS, "n_embd": width, "block_size": block, "dropout": 0.3},
            "shapes": shapes,
            "seed": int(rng.integers(2**31)),
        }
        for width, block, shapes in ((6, 8, [(3, 8), (2, 5)]), (10, 7, [(2, 7), (4, 3)]))
    ]


def feeds(layers: list[reference.Layer], C: int) -> list[list[reference.Layer]]:
    """The pairs (C to 4 C, 4 C to C), in order."""
    up = [m for m in layers if m[0].shape == (4 * C, C)]
    down = [m for m in layers if m[0].shape == (C, 4 * C)]
    return [list(pair) for pair in zip(up, down, strict=False)]


def _feed_gives(seen: Any, kinds: tuple[str, ...] = BENDS[:1]) -> bool:
    C = seen["x"][0].shape[-1]
    pairs = feeds(reference.of_kind(seen["leaves"], "linear"), C)
    return len(pairs) == 1 and any(
        all(
            reference.close(out, reference.think(x, pairs[0], kind))
            for x, out in zip(seen["x"], seen["out"], strict=True)
        )
        for kind in kinds
    )


def _measure_feed(case: Case, seen: Any) -> Any:
    return {
        "shape": list(np.shape(seen["out"][0])),
        **of_outputs(seen),
        "numbers": _feed_gives(seen),
        "dropout in training": seen["differs in training"],
        "the share of dropout": share_right(case, seen),
        "dropout at the end alone": seen["others only scaled"],
    }


def _feed_reference(case: Case, seen: Any) -> Any:
    return {
        "shape": list(np.shape(seen["x"][0])),
        **GOOD_OUTPUTS,
        "numbers": True,
        "dropout in training": True,
        "the share of dropout": True,
        "dropout at the end alone": True,
    }


def _explain_feed(case: Case, seen: Any, expected: Any) -> str | None:
    found = _measure_feed(case, seen)
    told = explain_outputs(found, expected, seen)
    if told:
        return told
    if not found["numbers"]:
        layers = reference.of_kind(seen["leaves"], "linear")
        C = seen["x"][0].shape[-1]
        if [m[0].shape for m in layers] != [(4 * C, C), (C, 4 * C)]:
            shapes = ", then ".join(f"{m[0].shape[1]} to {m[0].shape[0]}" for m in layers)
            return (
                f"Its layers are {shapes or 'none'}. Expected: {C} to {4 * C}, then {4 * C} to {C}"
            )
        return "Between its two layers should be a ReLU, and nothing after the second but dropout"
    if found["dropout in training"] and not found["dropout at the end alone"]:
        return "In training more is changed than by one dropout at the end: is there another?"
    return "In training nothing is dropped: end with `nn.Dropout(dropout)`"


def _ends_bent(case: Case, seen: Any, expected: Any) -> bool:
    pairs = feeds(reference.of_kind(seen["leaves"], "linear"), seen["x"][0].shape[-1])
    return any(
        reference.close(
            seen["out"][0], np.maximum(reference.think(seen["x"][0], pairs[0], kind), 0)
        )
        for kind in ("relu", "none")
    )


feed_forward = Exercise(
    id="feed_forward",
    title="Time to think",
    takes={"FeedForward": "class"},
    points=1,
    minutes=4,
    difficulty=1,
    cases=_feed_cases,
    probe=probes.layer,
    measure=_measure_feed,
    reference=_feed_reference,
    explain=_explain_feed,
    show=show_part("FeedForward"),
    mistakes=(
        Mistake(
            id="not_bent",
            message="There is no ReLU between the two layers: without a bend, two linear layers "
            "are one.",
            answer=variant("FeedForward", ("            nn.ReLU(),\n", "")),
            recognise=lambda case, seen, expected: _feed_gives(seen, ("none",)),
        ),
        Mistake(
            id="gelu",
            message="The bend between the two layers is a GELU. Many large models have it; here, "
            "as in the figures of this notebook, it is a ReLU: `nn.ReLU()`.",
            answer=variant("FeedForward", ("nn.ReLU()", "nn.GELU()")),
            recognise=lambda case, seen, expected: _feed_gives(seen, BENDS[1:]),
        ),
        Mistake(
            id="bent_at_the_end",
            message="It ends in a ReLU, so it can only add, never take away. The ReLU stands "
            "between the two layers.",
            answer=variant(
                "FeedForward",
                ("            nn.ReLU(),\n", ""),
                (
                    "nn.Linear(4 * n_embd, n_embd),",
                    "nn.Linear(4 * n_embd, n_embd),\n            nn.ReLU(),",
                ),
            ),
            recognise=_ends_bent,
        ),
        Mistake(
            id="not_wider",
            message="The inner layer is as narrow as the outer ones. It is four times as wide: "
            "`4 * n_embd`.",
            answer=variant("FeedForward", ("4 * n_embd", "n_embd")),
            recognise=lambda case, seen, expected: (
                [m[0].shape for m in reference.of_kind(seen["leaves"], "linear")]
                == [(case["make"][0], case["make"][0])] * 2
            ),
        ),
        Mistake(
            id="one_layer",
            message="There is one linear layer. Two are asked for: n_embd to 4 * n_embd, and back.",
            answer=variant(
                "FeedForward",
                ("nn.Linear(n_embd, 4 * n_embd)", "nn.Linear(n_embd, n_embd)"),
                ("            nn.Linear(4 * n_embd, n_embd),\n", ""),
            ),
            recognise=lambda case, seen, expected: (
                len(reference.of_kind(seen["leaves"], "linear")) == 1
            ),
        ),
        Mistake(
            id="no_dropout",
            message="In training nothing is dropped: end with `nn.Dropout(dropout)`.",
            answer=variant("FeedForward", ("nn.Dropout(dropout)", "nn.Identity()")),
            recognise=lambda case, seen, expected: (
                not seen["differs in training"] and _feed_gives(seen)
            ),
        ),
        Mistake(
            id="dropout_always",
            message="It drops numbers in evaluation mode, too: `nn.Dropout` stops by itself there; "
            "`F.dropout` needs `training=self.training`.",
            answer=variant(
                "FeedForward", ("return self.net(x)", "return F.dropout(self.net(x), dropout)")
            ),
            recognise=dropout_in_evaluation,
        ),
        *dropout_mistakes(
            "FeedForward",
            "nn.Dropout(dropout)",
            (
                "            nn.Linear(4 * n_embd, n_embd),\n            nn.Dropout(dropout),\n",
                "            nn.Dropout(dropout),\n            nn.Linear(4 * n_embd, n_embd),\n",
            ),
        ),
    ),
    hints=(
        "Out to four times the width, a bend, and back.",
        "`nn.Sequential(a, b, c)` runs its modules one after another. See "
        "[Sequential](https://pytorch.org/docs/stable/generated/torch.nn.Sequential.html).",
        "```python\nself.net = nn.Sequential(\n    nn.Linear(n_embd, 4 * n_embd),\n    nn.ReLU(),\n"
        "    nn.Linear(..., ...),\n    nn.Dropout(dropout),\n)\n```",
    ),
)

# --- A block -------------------------------------------------------------------------------------


def _block_cases(rng: np.random.Generator) -> list[Case]:
    return [
        {
            "make": [width, heads],
            "setting": {
                **OTHERS,
                "n_embd": width,
                "n_head": others,
                "block_size": block,
                "dropout": 0.3,
            },
            "shapes": shapes,
            "seed": int(rng.integers(2**31)),
        }
        for width, heads, others, block, shapes in (
            (12, 3, 2, 8, [(2, 8), (4, 5)]),
            (10, 2, 3, 7, [(3, 7), (1, 4)]),
        )
    ]


def block_ways(
    leaves: list[dict[str, Any]], C: int, heads: int, size: int | None = None
) -> Iterator[tuple[reference.Heads, Any, list, list]]:
    """Ways to read a block's weights as (heads, last layer, feed-forward, norms)."""
    layers = reference.of_kind(leaves, "linear")
    norms = reference.of_kind(leaves, "norm")
    pairs = feeds(layers, C)
    rest = [m for m in layers if m[0].shape not in ((4 * C, C), (C, 4 * C))]
    if len(pairs) != 1:
        return
    for found, last in reference.attentions(rest, C, heads, size or C // heads):
        for order in itertools.permutations(norms, 2) if len(norms) > 1 else [norms * 2]:
            yield found, last, pairs[0], list(order)


def _block_gives(case: Case, seen: Any, **how: Any) -> bool:
    C = seen["x"][0].shape[-1]
    kinds = BENDS[:1] if how else BENDS
    for way in block_ways(seen["leaves"], C, case["make"][1]):
        if not way[3] and how.get("order") != "none":
            continue
        for kind in kinds:
            if all(
                reference.close(out, reference.one_block(x, *way, kind=kind, **how))
                for x, out in zip(seen["x"], seen["out"], strict=True)
            ):
                return True
    return False


def _block_reads(case: Case, seen: Any, choose: Callable[[list], list[list]]) -> bool:
    """Whether the block's numbers are right where its parts read such norms, or None, of its own"""
    C = seen["x"][0].shape[-1]
    norms = reference.of_kind(seen["leaves"], "norm")
    return any(
        all(
            reference.close(out, reference.one_block(x, heads, last, feed, chosen))
            for x, out in zip(seen["x"], seen["out"], strict=True)
        )
        for heads, last, feed, _ in block_ways(seen["leaves"], C, case["make"][1])
        for chosen in choose(norms)
    )


def _one_for_both(case: Case, seen: Any) -> bool:
    return _block_reads(case, seen, lambda norms: [[norm, norm] for norm in norms])


def _counts_norms(case: Case, seen: Any, expected: Any) -> bool:
    return len(reference.of_kind(seen["leaves"], "norm")) == 1 and _one_for_both(case, seen)


def _same_norm(case: Case, seen: Any, expected: Any) -> bool:
    return len(reference.of_kind(seen["leaves"], "norm")) > 1 and _one_for_both(case, seen)


def _norm_forgotten(case: Case, seen: Any, expected: Any) -> bool:
    return _block_reads(
        case, seen, lambda norms: [pair for norm in norms for pair in ([norm, None], [None, norm])]
    )


def _heads_of_the_notebook(case: Case, seen: Any, expected: Any) -> bool:
    C, others = case["make"][0], case["setting"]["n_head"]
    return not _block_gives(case, seen) and any(
        all(
            reference.close(out, reference.one_block(x, *way))
            for x, out in zip(seen["x"], seen["out"], strict=True)
        )
        for way in block_ways(seen["leaves"], C, others)
    )


_found: list[tuple[Any, bool]] = []  # the last few searches, by identity


def once(seen: Any, search: Callable[[], bool]) -> bool:
    """What `search` finds; a second question about the same observation is not searched again."""
    for known, result in _found:
        if known is seen:
            return result
    _found.append((seen, search()))
    del _found[:-8]
    return _found[-1][1]


def _measure_block(case: Case, seen: Any) -> Any:
    return {
        "shape": list(np.shape(seen["out"][0])),
        **of_outputs(seen),
        "sees no future": sees_no_future(seen),
        "two norms": len(reference.of_kind(seen["leaves"], "norm")) == 2,
        "numbers": once(seen, lambda: _block_gives(case, seen)),
        "dropout in training": seen["differs in training"],
    }


def _block_reference(case: Case, seen: Any) -> Any:
    return {
        "shape": list(np.shape(seen["x"][0])),
        **GOOD_OUTPUTS,
        "sees no future": True,
        "two norms": True,
        "numbers": True,
        "dropout in training": True,
    }


def _explain_block(case: Case, seen: Any, expected: Any) -> str | None:
    found = _measure_block(case, seen)
    told = explain_outputs(found, expected, seen)
    if told:
        return told
    if not found["two norms"]:
        count = len(reference.of_kind(seen["leaves"], "norm"))
        made = "1 LayerNorm" if count == 1 else f"{count} LayerNorms"
        return f"It has {made}. Two are asked for, one before each part"
    if not found["sees no future"]:
        return "What comes later changes what comes out earlier: is your attention still masked?"
    if not found["numbers"]:
        if not list(block_ways(seen["leaves"], seen["x"][0].shape[-1], case["make"][1])):
            return (
                "Its layers are not those of a MultiHeadAttention with n_head heads and a "
                "FeedForward, one of each"
            )
        return (
            "Its numbers are not those of x + attention(norm(x)), then the same with "
            "feed-forward, with your own weights"
        )
    return "In training nothing is dropped: does your MultiHeadAttention end with dropout?"


SA = "x = x + self.attention(self.norm1(x))"
FF = "x = x + self.feed(self.norm2(x))"


def _block(id: str, message: str, *changes: tuple[str, str], **how: Any) -> Mistake:
    return Mistake(
        id=id,
        message=message,
        answer=variant("Block", *changes),
        recognise=lambda case, seen, expected: (
            not once(seen, lambda: _block_gives(case, seen)) and _block_gives(case, seen, **how)
        ),
    )


block = Exercise(
    id="block",
    title="A block",
    takes={"Block": "class"},
    points=3,
    minutes=9,
    difficulty=3,
    cases=_block_cases,
    probe=probes.layer,
    measure=_measure_block,
    reference=_block_reference,
    explain=_explain_block,
    show=show_part("Block"),
    mistakes=(
        _block(
            "no_residual",
            "There is no residual: what comes in is not added to what comes out. Write "
            "`x = x + ...`, both times.",
            (SA, "x = self.attention(self.norm1(x))"),
            (FF, "x = self.feed(self.norm2(x))"),
            residual="none",
        ),
        _block(
            "attention_not_added",
            "The residual around attention is missing: `x = x + ...`, both times.",
            (SA, "x = self.attention(self.norm1(x))"),
            residual="feed",
        ),
        _block(
            "feed_not_added",
            "The residual around feed-forward is missing: `x = x + ...`, both times.",
            (FF, "x = self.feed(self.norm2(x))"),
            residual="attention",
        ),
        _block(
            "norm_on_the_stream",
            "The norm is applied to x itself, so what is added to is normed, too. Norm only what "
            "goes into the part: `x = x + part(norm(x))`.",
            (SA, "x = self.norm1(x)\n        x = x + self.attention(x)"),
            (FF, "x = self.norm2(x)\n        x = x + self.feed(x)"),
            residual="of norm",
        ),
        _block(
            "norm_after",
            "The norm comes after each sum, as in the paper of 2017. Here, as in GPT-2, it comes "
            "before each part: `x = x + part(norm(x))`.",
            (SA, "x = self.norm1(x + self.attention(x))"),
            (FF, "x = self.norm2(x + self.feed(x))"),
            order="after",
        ),
        Mistake(
            id="one_norm",
            message="One LayerNorm serves both parts. Make two: each has a gain and a shift of its "
            "own.",
            answer=variant(
                "Block",
                (FF, "x = x + self.feed(self.norm1(x))"),
                (
                    "        self.norm2 = nn.LayerNorm(n_embd)\n\n    def forward(self, x):\n"
                    "        x = x + self.att",
                    "\n    def forward(self, x):\n        x = x + self.att",
                ),
            ),
            recognise=_counts_norms,
        ),
        Mistake(
            id="norm_forgotten",
            message="One of the two parts reads x itself, without a norm. Each part has a "
            "LayerNorm before it: `x = x + part(norm(x))`.",
            answer=variant("Block", (FF, "x = x + self.feed(x)")),
            recognise=_norm_forgotten,
        ),
        Mistake(
            id="same_norm_twice",
            message="The same LayerNorm is used before both parts, and the other one nowhere.",
            answer=variant("Block", (FF, "x = x + self.feed(self.norm1(x))")),
            recognise=_same_norm,
        ),
        Mistake(
            id="no_norm",
            message="There is no LayerNorm: make two, and apply one before each part.",
            answer=variant(
                "Block",
                ("self.attention(self.norm1(x))", "self.attention(x)"),
                ("self.feed(self.norm2(x))", "self.feed(x)"),
            ),
            recognise=lambda case, seen, expected: (
                not reference.of_kind(seen["leaves"], "norm")
                or _block_gives(case, seen, order="none")
            ),
        ),
        Mistake(
            id="head_size_is_width",
            message="Each head is as wide as x. Share the width among the heads: head_size is "
            "`n_embd // n_head`.",
            answer=variant(
                "Block",
                (
                    "MultiHeadAttention(n_head, n_embd // n_head)",
                    "MultiHeadAttention(n_head, n_embd)",
                ),
            ),
            recognise=lambda case, seen, expected: any(
                True for _ in block_ways(seen["leaves"], *case["make"], size=case["make"][0])
            ),
        ),
        Mistake(
            id="heads_of_the_notebook",
            message="The number of heads is that of the notebook's global `n_head`. Take the "
            "`n_head` that `__init__` is given.",
            answer=variant(
                "Block",
                (
                    "    def __init__(self, n_embd, n_head):",
                    "    def __init__(self, n_embd, heads):",
                ),
            ),
            recognise=_heads_of_the_notebook,
        ),
        Mistake(
            id="swapped_sizes",
            message="Number and size of the heads are swapped: MultiHeadAttention takes num_heads "
            "first, then head_size.",
            answer=variant(
                "Block",
                (
                    "MultiHeadAttention(n_head, n_embd // n_head)",
                    "MultiHeadAttention(n_embd // n_head, n_head)",
                ),
            ),
            recognise=lambda case, seen, expected: (
                bool(
                    list(
                        block_ways(
                            seen["leaves"], case["make"][0], case["make"][0] // case["make"][1]
                        )
                    )
                )
                and not list(block_ways(seen["leaves"], case["make"][0], case["make"][1]))
            ),
        ),
        _block(
            "feed_first",
            "Feed-forward comes before attention: listen first, then think about what was heard.",
            (f"{SA}\n        {FF}", f"{FF}\n        {SA}"),
            order="feed first",
        ),
        _block(
            "side_by_side",
            "Attention and feed-forward both read the same x. Feed-forward comes second: it reads "
            "what attention has added.",
            (SA, "y = self.feed(self.norm2(x))\n        x = x + self.attention(self.norm1(x))"),
            (FF, "x = x + y"),
            residual="parallel",
        ),
        Mistake(
            id="future",
            message="What comes later changes what comes out earlier: is your attention still "
            "masked?",
            answer=variant(
                "Block",
                ('scores = scores.masked_fill(self.tril[:T, :T] == 0, float("-inf"))', ""),
            ),
            recognise=lambda case, seen, expected: (
                isinstance(seen["out"][0], np.ndarray) and not sees_no_future(seen)
            ),
        ),
    ),
    hints=(
        "Two lines in `forward`, of the same form: x plus a part of the norm of x.",
        "Attention first, then feed-forward, each with a LayerNorm of its own on what goes in. "
        "The heads share the width: head_size = n_embd // n_head. See "
        "[LayerNorm](https://pytorch.org/docs/stable/generated/torch.nn.LayerNorm.html).",
        "```python\nself.attention = MultiHeadAttention(n_head, n_embd // n_head)\n"
        "self.feed = FeedForward(n_embd)\nself.norm1 = nn.LayerNorm(n_embd)\n"
        "self.norm2 = ...\n...\nx = x + self.attention(self.norm1(x))\nx = x + ...\nreturn x\n```",
    ),
)

# --- The whole -----------------------------------------------------------------------------------


def _gpt_cases(rng: np.random.Generator) -> list[Case]:
    return [
        {
            "make": [],
            "setting": {
                "vocab_size": V,
                "block_size": block_size,
                "n_embd": width,
                "n_head": heads,
                "n_layer": layers,
                "dropout": 0.3,
                "head_size": 77,
                "batch_size": 9,
            },
            "shapes": shapes,
            "new": 6,
            "copies": 400,
            "seed": int(rng.integers(2**31)),
        }
        for V, block_size, width, heads, layers, shapes in (
            (13, 7, 12, 3, 2, [(3, 7), (2, 5)]),
            (17, 5, 10, 2, 3, [(4, 5), (1, 3)]),
        )
    ]


def _tables(seen: Any) -> tuple[np.ndarray | None, np.ndarray | None]:
    """(token embedding, position embedding) of a model."""
    V, block_size = seen["V"], seen["block"]
    tables = [leaf["weight"] for leaf in seen["leaves"] if leaf["kind"] == "embedding"]
    raw = [leaf["weight"] for leaf in seen["leaves"] if leaf["kind"] == "matrix"]
    token = next((t for t in tables if t.shape[0] == V), None)
    position = next((t for t in [*tables, *raw] if t.shape[0] == block_size), None)
    return token, position


def _split(leaves: list[dict[str, Any]], n_layer: int, V: int, C: int) -> Iterator[tuple]:
    """(leaves of each block, final norm or None, last layer), as far as they can be told apart."""
    heads = [leaf for leaf in leaves if leaf["kind"] == "linear" and leaf["weight"].shape == (V, C)]
    inner = [
        leaf
        for leaf in leaves
        if leaf["kind"] in ("linear", "matrix")
        and leaf["weight"].shape != (V, C)
        and (leaf["kind"] == "linear" or C in leaf["weight"].shape)
    ]
    norms = [leaf for leaf in leaves if leaf["kind"] == "norm"]
    if len(heads) != 1 or not n_layer or len(inner) % n_layer:
        return
    each = len(inner) // n_layer
    if len(norms) == 2 * n_layer + 1:
        choices = [(norms[:-1], norms[-1]), (norms[1:], norms[0])]
    elif len(norms) == 2 * n_layer:
        choices = [(norms, None)]
    else:
        return
    for rest, final in choices:
        groups = [
            inner[i * each : (i + 1) * each] + rest[2 * i : 2 * i + 2] for i in range(n_layer)
        ]
        yield groups, final, heads[0]


def _gpt_gives(
    case: Case,
    seen: Any,
    positions: str = "learned",
    final: str = "norm",
    blocks: str = "all",
    add: bool = True,
    **how: Any,
) -> bool:
    """Whether the logits follow from the model's own weights, with these mistakes."""
    token, position = _tables(seen)
    if token is None:
        return False
    V, C = token.shape
    n_layer, n_head = case["setting"]["n_layer"], case["setting"]["n_head"]
    leaves = [leaf for leaf in seen["leaves"] if leaf["weight"] is not position]
    first = {key: seen["runs"][0][key][:1] for key in ("idx", "logits")}
    runs = [first, *(run for run in seen["runs"] if "logits" in run)]
    for groups, last_norm, head in _split(leaves, n_layer, V, C):
        ways = [list(block_ways(group, C, n_head)) for group in groups]
        if not all(ways) or len({len(w) for w in ways}) != 1:
            continue
        for chosen in zip(*ways, strict=True):
            for kind in BENDS[: 1 if how else None]:
                if all(
                    reference.close(
                        run["logits"],
                        _forward(
                            run["idx"],
                            token,
                            position,
                            chosen,
                            last_norm,
                            head,
                            kind,
                            positions,
                            final,
                            blocks,
                            add,
                            how,
                        ),
                    )
                    for run in runs
                ):
                    return True
    return False


def _forward(
    idx: np.ndarray,
    token: np.ndarray,
    position: np.ndarray | None,
    chosen: tuple,
    last_norm: dict[str, Any] | None,
    head: dict[str, Any],
    kind: str,
    positions: str,
    final: str,
    blocks: str,
    add: bool,
    how: dict[str, Any],
) -> np.ndarray:
    """The logits (B, T, V) of a GPT with these weights."""
    x = token[idx].astype(float)
    T = idx.shape[1]
    if positions == "learned":
        if position is None:
            return np.zeros(())
        x = x + position[:T]
    elif positions == "last":
        x = x + position[T - 1]
    elif positions == "only":
        x = np.broadcast_to(position[:T], x.shape).astype(float)
    used = {"all": chosen, "first": chosen[:1] * len(chosen), "one": chosen[:1], "none": ()}[blocks]
    for way in used:
        x = reference.one_block(x, *way, kind=kind, **how)
    if final == "norm":
        if last_norm is None:
            return np.zeros(())
        x = reference.norm(x, *reference.of_kind([last_norm], "norm"))
    return reference.apply(x, reference.of_kind([head], "linear")[0])


def _long(seen: Any) -> dict[str, Any]:
    return seen["generated"]["long"]


def _measure_gpt(case: Case, seen: Any) -> Any:
    V = seen["V"]
    found: dict[str, Any] = {"layers where torch sees them": not seen["in plain lists"]}
    found["takes fewer tokens than block_size"] = not any("error" in run for run in seen["runs"])
    if not found["takes fewer tokens than block_size"]:
        return found
    found["runs"] = [logits_and_loss(run, V) for run in seen["runs"]]
    found["the same twice in evaluation"] = bool(
        np.allclose(seen["again"], seen["runs"][0]["logits"], atol=1e-4, equal_nan=True)
    )
    found["numbers"] = once(seen, lambda: _gpt_gives(case, seen))
    found["gradients reach every weight"] = seen["gradients missing"] == 0
    found["dropout in training"] = seen["differs in training"]
    if "generated" in seen:
        found["generates"] = _measure_written(case, seen)
    return found


def _measure_written(case: Case, seen: Any) -> Any:
    written = seen["generated"]
    short, long, many = written["short"], _long(seen), written["many"]
    if "error" in long:
        return {"goes on past block_size": False}
    p = reference.softmax(many["logits"][0, -1].astype(float))
    shares = np.bincount(many["last"].astype(int), minlength=len(p))[: len(p)] / len(many["last"])
    return {
        "goes on past block_size": True,
        "shapes": [list(short["ids"].shape), list(long["ids"].shape)],
        "starts with the prompt": all(
            np.array_equal(w["ids"][:, : w["prompt"].shape[1]], w["prompt"]) for w in (short, long)
        ),
        "follows the probabilities": bool(np.abs(shares - p).max() < 0.12),
    }


def _gpt_reference(case: Case, seen: Any) -> Any:
    if any("error" in run for run in seen["runs"]):
        return {"layers where torch sees them": True, "takes fewer tokens than block_size": True}
    written = seen.get("generated")
    return {
        "layers where torch sees them": True,
        "takes fewer tokens than block_size": True,
        "runs": [expected_of(run, seen["V"]) for run in seen["runs"] if "error" not in run],
        "the same twice in evaluation": True,
        "numbers": True,
        "gradients reach every weight": True,
        "dropout in training": True,
        "generates": {
            "goes on past block_size": True,
            "shapes": [
                [w["prompt"].shape[0], w["prompt"].shape[1] + new]
                for w, new in ((written["short"], 2), (_long(seen), case["new"]))
            ],
            "starts with the prompt": True,
            "follows the probabilities": True,
        }
        if written
        else {},
    }


def _explain_gpt(case: Case, seen: Any, expected: Any) -> str | None:
    found = _measure_gpt(case, seen)
    if not found["takes fewer tokens than block_size"]:
        error = next(run["error"] for run in seen["runs"] if "error" in run)
        return f"With fewer tokens than block_size it raises {error}"
    for run, want in zip(seen["runs"], expected["runs"], strict=True):
        told = explain_logits(case, run, want, seen["V"])
        if told:
            return told
        if np.isnan(run["logits"]).any():
            return (
                "Its logits hold nan, as where a row of scores is minus infinity throughout: check "
                "the mask of your `Head`"
            )
        if not np.isclose(number(run["loss"]), want["loss"], rtol=1e-3):
            return (
                f"The loss is {number(run['loss']):.4g}, and the cross-entropy of these logits "
                f"with "
                f"the targets is {want['loss']:.4g}"
            )
    if not found["the same twice in evaluation"]:
        return "In evaluation mode it gives other logits each time, for the same numbers"
    if not found["numbers"]:
        return _explain_numbers(case, seen)
    if not found["gradients reach every weight"]:
        return f"No gradient reaches {seen['gradients missing']} of its weights: are all used?"
    if not found["dropout in training"]:
        return "In training nothing is dropped: do your MultiHeadAttention and FeedForward drop?"
    written, want = found["generates"], expected["generates"]
    if not written["goes on past block_size"]:
        return f"`generate` fails once the text is longer than block_size: {_long(seen)['error']}"
    if written["shapes"] != want["shapes"]:
        return (
            f"`generate` gives the shape {tuple(written['shapes'][0])}, expected "
            f"{tuple(want['shapes'][0])}: the prompt and the new numbers"
        )
    if not written["starts with the prompt"]:
        return "What `generate` returns does not begin with the prompt"
    return (
        "What `generate` draws does not follow the softmax of the logits at the last place: over "
        f"{case['copies']} draws the shares differ"
    )


def _explain_numbers(case: Case, seen: Any) -> str:
    token, position = _tables(seen)
    setting = case["setting"]
    if token is None:
        return "No embedding of vocab_size rows is found: `nn.Embedding(vocab_size, n_embd)`"
    if position is None:
        return "No embedding of block_size rows is found: `nn.Embedding(block_size, n_embd)`"
    pairs = len(feeds(reference.of_kind(seen["leaves"], "linear"), token.shape[1]))
    if pairs != setting["n_layer"]:
        made = "1 FeedForward" if pairs == 1 else f"{pairs} different FeedForwards"
        return (
            f"It has {made}, expected n_layer = {setting['n_layer']}: one in each block, and none "
            "outside of them"
        )
    norms = len(reference.of_kind(seen["leaves"], "norm"))
    if norms != 2 * setting["n_layer"] + 1:
        return (
            f"It has {norms} LayerNorms, expected {2 * setting['n_layer'] + 1}: two in each block "
            "and one at the end"
        )
    return (
        "Its logits are not those of embeddings, blocks, norm and last layer with your own "
        "weights: go through `forward` step by step"
    )


NEW = "new = torch.multinomial(p, num_samples=1)"
CALL = "F.cross_entropy(logits.view(B * T, -1), targets.view(B * T))"
STREAM = "x = self.tokens(idx) + self.positions(torch.arange(T))"


def _gpt(id: str, message: str, *changes: tuple[str, str], **how: Any) -> Mistake:
    return Mistake(
        id=id,
        message=message,
        answer=variant("GPTLanguageModel", *changes),
        recognise=lambda case, seen, expected: (
            not once(seen, lambda: _gpt_gives(case, seen)) and _gpt_gives(case, seen, **how)
        ),
    )


def _most(case: Case, seen: Any, expected: Any) -> bool:
    many = seen["generated"]["many"]
    return len(set(many["last"].tolist())) == 1


gpt = Exercise(
    id="gpt",
    title="The GPT",
    takes={"GPTLanguageModel": "class"},
    points=4,
    minutes=12,
    difficulty=4,
    cases=_gpt_cases,
    probe=probes.language_model,
    measure=_measure_gpt,
    reference=_gpt_reference,
    explain=_explain_gpt,
    limit=10.0,
    show=show_model("GPTLanguageModel"),
    rtol=1e-3,
    mistakes=(
        Mistake(
            id="plain_list",
            message=PLAIN_LIST,
            answer=variant(
                "GPTLanguageModel",
                (
                    "nn.Sequential(*[Block(n_embd, n_head) for _ in range(n_layer)])",
                    "[Block(n_embd, n_head) for _ in range(n_layer)]",
                ),
                ("x = self.blocks(x)", "for each in self.blocks:\n            x = each(x)"),
            ),
            recognise=in_plain_list,
        ),
        Mistake(
            id="mask_not_cropped",
            message="With fewer tokens than block_size it fails: the triangle of your `Head`, or "
            "the positions, are for block_size tokens. Cut both to the T that there are.",
            answer=variant("GPTLanguageModel", (CROP, "self.tril == 0")),
            recognise=lambda case, seen, expected: any("error" in run for run in seen["runs"]),
        ),
        Mistake(
            id="same_block",
            message="There is one block, and n_layer are asked for, each with weights of its own: "
            "a new `Block(n_embd, n_head)` for each, in a comprehension. A list times n_layer "
            "repeats one object.",
            answer=variant(
                "GPTLanguageModel",
                (
                    "*[Block(n_embd, n_head) for _ in range(n_layer)]",
                    "*([Block(n_embd, n_head)] * n_layer)",
                ),
            ),
            recognise=lambda case, seen, expected: (
                len(feeds(reference.of_kind(seen["leaves"], "linear"), case["setting"]["n_embd"]))
                == 1
                and len(reference.of_kind(seen["leaves"], "norm")) <= 3
            ),
        ),
        Mistake(
            id="no_positions",
            message="The positions are not added: without them the model can't tell one order of "
            "the same characters from another.",
            answer=variant("GPTLanguageModel", (STREAM, "x = self.tokens(idx)")),
            recognise=lambda case, seen, expected: (
                not once(seen, lambda: _gpt_gives(case, seen))
                and _gpt_gives(case, seen, positions="none")
            ),
        ),
        _gpt(
            "only_positions",
            "The tokens are missing in the sum: x is the token's embedding plus the position's.",
            (STREAM, "x = (0 * self.tokens(idx)) + self.positions(torch.arange(T))"),
            positions="only",
        ),
        _gpt(
            "no_final_norm",
            "The last norm is missing: a LayerNorm stands between the blocks and the last layer.",
            ("self.head(self.norm(x))", "self.head(x)"),
            final="none",
        ),
        _gpt(
            "blocks_unused",
            "The blocks are not used: x goes from the embeddings to the last layer as it is.",
            ("x = self.blocks(x)", "self.blocks(x)"),
            blocks="none",
        ),
        _gpt(
            "scaled_by_width",
            "The scores in your `Head` are divided by √n_embd: run the cell with the Head that "
            "divides by √head_size again, then those below it.",
            (SCALE, "* C**-0.5"),
            scale="embd",
        ),
        _gpt(
            "no_mask",
            "There is no mask in your attention: every token sees those after it, too.",
            ('scores = scores.masked_fill(self.tril[:T, :T] == 0, float("-inf"))', ""),
            mask="none",
        ),
        _gpt(
            "no_residual",
            "Your `Block` has no residual: run the cell with the Block that says `x = x + ...` "
            "again, then this one.",
            ("x = x + self.attention", "x = self.attention"),
            ("x = x + self.feed", "x = self.feed"),
            residual="none",
        ),
        Mistake(
            id="loss_summed",
            message="The loss is the sum over all places. Take the mean, as `F.cross_entropy` does "
            "by itself.",
            answer=variant("GPTLanguageModel", (CALL, CALL[:-1] + ', reduction="sum")')),
            recognise=loss_is(
                lambda z, idx, y: (
                    reference.cross_entropy(z.reshape(-1, z.shape[-1]), y.reshape(-1)) * y.size
                )
            ),
        ),
        Mistake(
            id="loss_of_probabilities",
            message="The loss is that of probabilities. `F.cross_entropy` takes the logits "
            "themselves: it has the softmax inside.",
            answer=variant(
                "GPTLanguageModel",
                (
                    CALL,
                    "F.cross_entropy(F.softmax(logits, -1).view(B * T, -1), targets.view(B * T))",
                ),
            ),
            recognise=loss_is(
                lambda z, idx, y: reference.cross_entropy(
                    reference.softmax(z).reshape(-1, z.shape[-1]), y.reshape(-1)
                )
            ),
        ),
        Mistake(
            id="probabilities",
            message="These are probabilities: they add up to 1. Return the logits, the scores "
            "before the softmax.",
            answer=variant(
                "GPTLanguageModel",
                (
                    "logits = self.head(self.norm(x))",
                    "logits = F.softmax(self.head(self.norm(x)), -1)",
                ),
            ),
            recognise=lambda case, seen, expected: any(
                np.allclose(run["logits"].sum(-1), 1, atol=1e-3) for run in seen["runs"]
            ),
        ),
        Mistake(
            id="loss_as_number",
            message=NO_GRADIENT,
            answer=variant("GPTLanguageModel", (CALL, CALL + ".item()")),
            recognise=loss_without_gradient,
        ),
        Mistake(
            id="viewed",
            message=VIEWED,
            answer=variant(
                "GPTLanguageModel",
                (CALL, "F.cross_entropy(logits.view(B, -1, T), targets)"),
            ),
            recognise=loss_is(viewed),
        ),
        Mistake(
            id="shifted_again",
            message="The loss compares each place with the target of the next one. `get_batch` has "
            "shifted y already: compare place by place.",
            answer=variant(
                "GPTLanguageModel",
                (
                    CALL,
                    "F.cross_entropy(logits[:, :-1].reshape(B * (T - 1), -1), "
                    "targets[:, 1:].reshape(-1))",
                ),
            ),
            recognise=loss_is(
                lambda z, idx, y: reference.cross_entropy(
                    z[:, :-1].reshape(-1, z.shape[-1]), y[:, 1:].reshape(-1)
                )
            ),
        ),
        Mistake(
            id="dropout_always",
            message="In evaluation mode it still drops numbers: `nn.Dropout` stops by itself "
            "there; `F.dropout` needs `training=self.training`.",
            answer=variant(
                "GPTLanguageModel", ("x = self.blocks(x)", "x = F.dropout(self.blocks(x), dropout)")
            ),
            recognise=lambda case, seen, expected: (
                not np.allclose(seen["again"], seen["runs"][0]["logits"], atol=1e-4, equal_nan=True)
            ),
        ),
        Mistake(
            id="no_dropout",
            message="In training nothing is dropped: your MultiHeadAttention and FeedForward end "
            "with `nn.Dropout(dropout)`.",
            answer=variant("GPTLanguageModel", ("nn.Dropout(dropout)", "nn.Identity()")),
            recognise=lambda case, seen, expected: not seen["differs in training"],
        ),
        Mistake(
            id="context_not_cropped",
            message="`generate` fails once the text is longer than block_size: give the model the "
            "last ones only, `idx[:, -block_size:]`.",
            answer=variant("GPTLanguageModel", ("context = idx[:, -block_size:]", "context = idx")),
            recognise=lambda case, seen, expected: "error" in _long(seen),
        ),
        Mistake(
            id="argmax",
            message="`generate` always takes the most likely number. Draw one by its "
            "probabilities, with `torch.multinomial`.",
            answer=variant("GPTLanguageModel", (NEW, "new = p.argmax(-1, keepdim=True)")),
            recognise=_most,
        ),
        Mistake(
            id="drops_the_prompt",
            message="`generate` leaves out the prompt: return the prompt and the new numbers "
            "after it.",
            answer=variant(
                "GPTLanguageModel",
                ("        return idx\n", "        return idx[:, -max_new_tokens:]\n"),
            ),
            recognise=lambda case, seen, expected: (
                seen["generated"]["short"]["ids"].shape[1] == 2
                and _long(seen)["ids"].shape[1] == case["new"]
            ),
        ),
    ),
    hints=(
        "Everything is there: your Reader had the embeddings and the last layer; in the middle "
        "there are now n_layer blocks, and a LayerNorm after them.",
        "`nn.Sequential(*[... for _ in range(n_layer)])` makes one module of many. Positions are "
        "`torch.arange(T)`. The method can use your function: `return generate(self, idx, "
        "max_new_tokens)`.",
        "```python\nself.blocks = nn.Sequential(*[Block(n_embd, n_head) for _ in range(...)])\n"
        "self.norm = nn.LayerNorm(n_embd)\nself.lm_head = nn.Linear(n_embd, vocab_size)\n...\n"
        "x = self.tokens(idx) + self.positions(torch.arange(T, device=idx.device))\n"
        "x = self.norm(self.blocks(x))\nlogits = ...\n```",
    ),
)
