"""The exercises that make a model of nothing but attention."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograder.core.exercise import Case, Exercise, Mistake
from autograder.exercises.m07_build_gpt import reference
from autograder.exercises.m07_build_gpt.wrong import STANDS_FOR
from autograder.probes import m09_induction_heads as probes

# --- The pattern ---------------------------------------------------------------------------------


def _pattern_cases(rng: np.random.Generator) -> list[Case]:
    return [
        {"args": [1.6 * rng.normal(size=(B, H, T, S)).astype(np.float32) for _ in range(2)]}
        for B, H, T, S in ((2, 3, 5, 7), (4, 2, 9, 3), (1, 5, 6, 11))
    ]


def pattern(
    q: np.ndarray, k: np.ndarray, scale: str = "head", mask: str = "causal", axis: int = -1
) -> np.ndarray:
    """Causal attention patterns: q, k (B, H, T, S) -> (B, H, T, T). The keywords are mistakes."""
    q, k = np.asarray(q, dtype=float), np.asarray(k, dtype=float)
    H, T, S = q.shape[-3:]
    factor = {
        "head": S**-0.5,
        "none": 1.0,
        "not rooted": 1 / S,
        "times": S**0.5,
        "length": T**-0.5,
        "heads": H**-0.5,
        "width": (H * S) ** -0.5,
    }[scale]
    scores = np.einsum("bhts,bhus->bhtu", q, k) * factor
    seen = np.tril(np.ones((T, T), dtype=bool))
    if mask == "none":
        return reference.softmax(scores, axis)
    if mask == "after":
        return np.where(seen, reference.softmax(scores, axis), 0.0)
    if mask == "zeros":
        return reference.softmax(np.where(seen, scores, 0.0), axis)
    if mask == "inverted":
        seen = seen.T
    if mask == "not itself":
        seen = np.tril(seen, -1)
    with np.errstate(all="ignore"):
        scores = np.where(seen, scores, -np.inf)
        return scores if mask == "no softmax" else reference.softmax(scores, axis)


def _pattern_wrong(**how: Any) -> Callable:
    return lambda q, k: pattern(q.numpy(), k.numpy(), **how)


attention_pattern = Exercise(
    id="attention_pattern",
    title="Who looks where",
    takes={"attention_pattern": "function"},
    points=2,
    minutes=8,
    difficulty=2,
    cases=_pattern_cases,
    probe=probes.tensors,
    reference=lambda case: pattern(*case["args"]),
    show=lambda case: "attention_pattern(q, k), both of shape {}".format(case["args"][0].shape),
    rtol=1e-3,
    atol=1e-5,
    mistakes=(
        Mistake(
            id="not_scaled",
            message="The scores are not divided by √head_size.",
            answer=_pattern_wrong(scale="none"),
        ),
        Mistake(
            id="no_root",
            message="The scores are divided by head_size. Divide by its square root.",
            answer=_pattern_wrong(scale="not rooted"),
        ),
        Mistake(
            id="multiplied",
            message="The scores are multiplied by √head_size. Divide by it.",
            answer=_pattern_wrong(scale="times"),
        ),
        Mistake(
            id="scaled_by_length",
            message="The scores are divided by √T. The sum in q · k has head_size terms, the last "
            "axis of q: divide by √head_size.",
            answer=_pattern_wrong(scale="length"),
        ),
        Mistake(
            id="scaled_by_heads",
            message="The scores are divided by the root of the number of heads. Divide by that of "
            "head_size, the last axis of q.",
            answer=_pattern_wrong(scale="heads"),
        ),
        Mistake(
            id="scaled_by_width",
            message="The scores are divided by the root of the whole width, heads times head_size. "
            "The sum in q · k has head_size terms: divide by √head_size.",
            answer=_pattern_wrong(scale="width"),
        ),
        Mistake(
            id="no_mask",
            message="There is no mask: every place looks at later ones, too, where the answer "
            "stands.",
            answer=_pattern_wrong(mask="none"),
        ),
        Mistake(
            id="inverted",
            message="The mask is the wrong way round: each place sees itself and what comes after. "
            "Minus infinity belongs where the key's place is later than the query's.",
            answer=_pattern_wrong(mask="inverted"),
        ),
        Mistake(
            id="zero_filled",
            message="Scores of the future are set to 0, and e⁰ is 1: they still get weight. Fill "
            "with minus infinity.",
            answer=_pattern_wrong(mask="zeros"),
        ),
        Mistake(
            id="masked_after",
            message="The mask comes after the softmax, so the rows no longer add up to 1. Mask the "
            "scores, then take the softmax.",
            answer=_pattern_wrong(mask="after"),
        ),
        Mistake(
            id="softmax_over_queries",
            message="The softmax runs over the queries. Each row belongs to one query and should "
            "add up to 1: `softmax(-1)`.",
            answer=_pattern_wrong(axis=-2),
        ),
        Mistake(
            id="without_itself",
            message="The mask hides each place from itself as well, and place 0 then has nothing "
            "to look at: its row is nan. A place may look at itself.",
            answer=_pattern_wrong(mask="not itself"),
        ),
        Mistake(
            id="no_softmax",
            message="These are the scores themselves. Their softmax along the last axis is "
            "missing.",
            answer=_pattern_wrong(mask="no softmax"),
        ),
        Mistake(
            id="keys_by_queries",
            message="Rows and columns are swapped: the row belongs to the query, the column to the "
            "key. It is `q @ k.transpose(-2, -1)`.",
            answer=lambda q, k: pattern(k.numpy(), q.numpy()),
        ),
    ),
    hints=(
        "Scores, mask, softmax: the first three of the four steps of a head. The mix of values "
        "comes later.",
        "`q @ k.transpose(-2, -1)` makes a (T, T) table of scores for each sequence and head. "
        "`torch.ones(T, T, dtype=torch.bool).triu(1)` is True above the diagonal, and "
        '`masked_fill(future, float("-inf"))` fills there. See '
        "[masked_fill](https://pytorch.org/docs/stable/generated/torch.Tensor.masked_fill.html).",
        "```python\nscores = q @ k.transpose(-2, -1) / ...\n"
        "future = torch.ones(T, T, dtype=torch.bool).triu(1)\n"
        "return scores.masked_fill(...).softmax(...)\n```",
    ),
)

# --- The model -----------------------------------------------------------------------------------


def _model_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for V, L, width, H, context in ((11, 2, 12, 3, 9), (7, 3, 8, 2, 13), (13, 1, 10, 5, 6)):
        runs = [
            {"idx": rng.integers(V, size=(B, T)), "keep": keep}
            for B, T, keep in (
                (4, context, None),
                (2, context - 2, None),
                (3, context - 1, np.round(rng.uniform(0.2, 1.4, size=(L, H)), 1)),
            )
        ]
        for run in runs:
            run["idx"][:, -2:] = run["idx"][:, :2]
        make = {"vocab_size": V, "n_layer": L, "width": width, "n_head": H, "context": context}
        cases.append({"make": make, "runs": runs, "seed": int(rng.integers(2**31))})
    return cases


def _unit(x: np.ndarray) -> np.ndarray:
    return x / np.sqrt((x**2).mean(-1, keepdims=True) + np.finfo(np.float32).eps)


def _weights(case: Case, seen: Any) -> dict[str, Any]:
    """The learner's weights by their roles."""
    tables = [
        leaf["weight"].astype(float) for leaf in seen["leaves"] if leaf["kind"] == "embedding"
    ]
    linear = reference.of_kind(seen["leaves"], "linear")
    L, V = case["make"]["n_layer"], case["make"]["vocab_size"]
    last = [m for m in linear if m[0].shape[0] == V]
    inner = [m for m in linear if m[0].shape[0] != V]
    if len(tables) != 2 or len(last) != 1 or len(inner) != 4 * L:
        raise ValueError("other layers than the exercise gives")
    return {
        "token": tables[0],
        "place": tables[1],
        "layers": [inner[4 * i : 4 * i + 4] for i in range(L)],
        "scores": last[0],
    }


def model(
    w: dict[str, Any],
    heads: int,
    idx: np.ndarray,
    keep: np.ndarray | None,
    residual: str = "sum",
    norms: str = "both",
    places: bool = True,
    kept: str = "by layer",
    patterns: str = "all",
) -> dict[str, Any]:
    """Logits and patterns of an attention-only model. The keywords are mistakes."""
    B, T = idx.shape
    x = w["token"][idx] + (w["place"][:T] if places else 0)
    start, found = x, []
    for at, (query, key, value, out) in enumerate(w["layers"]):
        read = _unit(x) if norms in ("both", "first") else x
        if residual == "from the start":
            read = _unit(start)
        q, k, v = (
            reference.apply(read, m).reshape(B, T, heads, -1).swapaxes(1, 2)
            for m in (query, key, value)
        )
        p = pattern(q, k)
        mixed = p @ v
        if keep is not None and kept != "ignored":
            factors = keep[0 if kept == "first" else -1 if kept == "last" else at]
            mixed = mixed * factors[:, None, None]
        added = reference.apply(mixed.swapaxes(1, 2).reshape(B, T, -1), out)
        if residual == "none":
            x = added
        elif residual == "of norm":
            x = read + added
        elif residual == "twice":
            x = x + x + added
        else:
            x = x + added
        found.append(p)
    ended = _unit(x) if norms in ("both", "last") else x
    shown = {"all": found, "last": found[-1:], "first": found[:1]}[patterns]
    return {"logits": reference.apply(ended, w["scores"]), "patterns": shown}


def _runs(case: Case, seen: Any, **how: Any) -> list[dict[str, Any]]:
    w = _weights(case, seen)
    H = case["make"]["n_head"]
    return [model(w, H, np.asarray(r["idx"]), r["keep"], **how) for r in case["runs"]]


def _gives(**how: Any) -> Callable:
    """Recognises a model that computes so."""

    def recognise(case: Case, seen: Any, expected: Any) -> bool:
        for mine, theirs in zip(_runs(case, seen, **how), seen["runs"], strict=True):
            if not reference.close(theirs["logits"], mine["logits"]):
                return False
            if len(mine["patterns"]) != len(theirs["patterns"]):
                return False
            if not all(map(reference.close, theirs["patterns"], mine["patterns"])):
                return False
        return True

    return recognise


def _explain_model(case: Case, seen: Any, expected: Any) -> str | None:
    try:
        _weights(case, seen)
    except ValueError:
        return (
            "It has other layers than those that `__init__` makes: two embeddings, the attention "
            "layers, and one linear layer to the scores. Leave `__init__` as it is"
        )
    for run, mine, theirs in zip(case["runs"], expected, seen["runs"], strict=True):
        if theirs["logits"].shape != mine["logits"].shape:
            return (
                f"The logits have the shape {theirs['logits'].shape}, expected "
                f"{mine['logits'].shape}: (B, T, vocab_size)"
            )
        if len(theirs["patterns"]) != len(mine["patterns"]):
            return (
                f"It returns {len(theirs['patterns'])} patterns, and there are "
                f"{len(mine['patterns'])} layers: one for each"
            )
        same = [
            reference.close(p, q) for p, q in zip(theirs["patterns"], mine["patterns"], strict=True)
        ]
        which = "with `keep`" if run["keep"] is not None else "without `keep`"
        if not all(same):
            return (
                f"Called {which}, the pattern of layer {same.index(False)} is another one than "
                "expected: does the layer read `unit(x)`, with all before it added to x?"
            )
        if not reference.close(theirs["logits"], mine["logits"]):
            return (
                f"Called {which}, the patterns are right and the logits are not: they are "
                "`self.scores` of `unit(x)`, after the last layer was added"
            )
    return None


PROGRAM = """
import torch
import torch.nn as nn
from torch.nn import functional as F


def unit(x):
    return F.rms_norm(x, (x.shape[-1],))


class AttentionLayer(nn.Module):
    def __init__(self, width, n_head):
        super().__init__()
        self.n_head = n_head
        self.query, self.key, self.value, self.out = (
            nn.Linear(width, width, bias=False) for _ in range(4)
        )

    def forward(self, x, keep=None):
        B, T, C = x.shape
        q, k, v = (
            part(x).view(B, T, self.n_head, -1).transpose(1, 2)
            for part in (self.query, self.key, self.value)
        )
        scores = q @ k.transpose(-2, -1) / q.shape[-1] ** 0.5
        future = torch.ones(T, T, dtype=torch.bool).triu(1)
        pattern = scores.masked_fill(future, float("-inf")).softmax(-1)
        mixed = pattern @ v
        if keep is not None:
            mixed = mixed * keep[:, None, None]
        return self.out(mixed.transpose(1, 2).reshape(B, T, C)), pattern


class AttentionOnly(nn.Module):
    def __init__(self, vocab_size, n_layer, width=64, n_head=2, context=32):
        super().__init__()
        self.n_layer, self.n_head = n_layer, n_head
        self.token = nn.Embedding(vocab_size, width)
        self.place = nn.Embedding(context, width)
        self.layers = nn.ModuleList([AttentionLayer(width, n_head) for _ in range(n_layer)])
        self.scores = nn.Linear(width, vocab_size, bias=False)

    def forward(self, idx, keep=None):
        B, T = idx.shape
        if keep is None:
            keep = torch.ones(self.n_layer, self.n_head)
        x = self.token(idx) + self.place.weight[:T]
        patterns = []
        for layer, factors in zip(self.layers, keep):
            out, pattern = layer(unit(x), factors)
            x = x + out
            patterns.append(pattern)
        return self.scores(unit(x)), patterns
"""


def variant(*changes: tuple[str, str]) -> Any:
    """The class AttentionOnly of the program, with texts replaced; compiled on its first use."""
    source = PROGRAM
    for old, new in changes:
        assert old in source, old
        source = source.replace(old, new)
    space: dict[str, Any] = {}
    ready: list[Any] = []

    def make(wanted: str) -> Any:
        def build(*args: Any, **kwargs: Any) -> Any:
            if not ready:
                exec(compile(source, f"<a wrong {wanted}>", "exec"), space)
                ready.append(space[wanted])
            return ready[0](*args, **kwargs)

        return build

    space["make"] = make
    exec(STANDS_FOR.format(name="AttentionOnly").replace("*args", "*args, **kw"), space)
    return space["AttentionOnly"]


def _model(id: str, message: str, *changes: tuple[str, str], **how: Any) -> Mistake:
    return Mistake(id=id, message=message, answer=variant(*changes), recognise=_gives(**how))


attention_only = Exercise(
    id="attention_only",
    title="A model of nothing but attention",
    takes={"AttentionOnly": "class"},
    points=2,
    minutes=9,
    difficulty=3,
    cases=_model_cases,
    probe=probes.model,
    measure=lambda case, seen: seen["runs"],
    reference=lambda case, seen: _runs(case, seen),
    explain=_explain_model,
    show=lambda case: "AttentionOnly({})".format(
        ", ".join(f"{name}={value}" for name, value in case["make"].items())
    ),
    rtol=2e-3,
    atol=2e-4,
    limit=8.0,
    mistakes=(
        _model(
            "no_residual",
            "What a layer gives replaces x. It should be added: `x = x + out`.",
            ("x = x + out", "x = out"),
            residual="none",
        ),
        _model(
            "residual_of_norm",
            "The layer's output is added to `unit(x)`. The stream itself stays as it is: only what "
            "the layer reads is normed.",
            (
                "out, pattern = layer(unit(x), factors)",
                "x = unit(x)\n            out, pattern = layer(x, factors)",
            ),
            residual="of norm",
        ),
        _model(
            "no_places",
            "The places are missing: x begins as the token's vector plus that of its place.",
            ("self.token(idx) + self.place.weight[:T]", "self.token(idx)"),
            places=False,
        ),
        _model(
            "no_norms",
            "Nothing is normed. Each layer reads `unit(x)`, and so does `self.scores`.",
            ("layer(unit(x), factors)", "layer(x, factors)"),
            ("self.scores(unit(x))", "self.scores(x)"),
            norms="none",
        ),
        _model(
            "no_last_norm",
            "The scores are made of x as it is. They should be made of `unit(x)`.",
            ("self.scores(unit(x))", "self.scores(x)"),
            norms="first",
        ),
        _model(
            "no_first_norm",
            "The layers read x as it is. Each should read `unit(x)`.",
            ("layer(unit(x), factors)", "layer(x, factors)"),
            norms="last",
        ),
        _model(
            "all_read_the_start",
            "All layers read the same x, that of the start. A later layer should read what the "
            "earlier ones have added: this is how two of them can work together.",
            ("patterns = []", "patterns, start = [], x"),
            ("layer(unit(x), factors)", "layer(unit(start), factors)"),
            residual="from the start",
        ),
        _model(
            "added_twice",
            "The stream is added to itself, so it doubles. What a layer gives is added, once.",
            ("x = x + out", "x = x + x + out"),
            residual="twice",
        ),
        _model(
            "only_the_last_pattern",
            "Only the last layer's pattern is returned. Collect one for each layer.",
            ("return self.scores(unit(x)), patterns", "return self.scores(unit(x)), patterns[-1:]"),
            patterns="last",
        ),
        _model(
            "keep_ignored",
            "`keep` changes nothing. Hand each layer its own row of it: `layer(unit(x), factors)`.",
            ("layer(unit(x), factors)", "layer(unit(x))"),
            kept="ignored",
        ),
        _model(
            "first_keep_for_all",
            "All layers get the first row of `keep`. Layer i should get row i.",
            ("layer(unit(x), factors)", "layer(unit(x), keep[0])"),
            kept="first",
        ),
        _model(
            "last_keep_for_all",
            "All layers get the last row of `keep`. Layer i should get row i.",
            ("layer(unit(x), factors)", "layer(unit(x), keep[-1])"),
            kept="last",
        ),
    ),
    hints=(
        "It is the residual stream of module 06: begin with what a token is and where it stands, "
        "and let each layer read and add.",
        "`self.place.weight[:T]` is (T, width), and is added to each sequence's "
        "`self.token(idx)`. A layer gives two things, what it adds and its pattern. See "
        "[Embedding](https://pytorch.org/docs/stable/generated/torch.nn.Embedding.html).",
        "```python\nx = self.token(idx) + ...\npatterns = []\n"
        "for layer, factors in zip(self.layers, keep):\n    out, pattern = layer(unit(x), "
        "factors)\n"
        "    x = ...\n    ...\nreturn self.scores(...), patterns\n```",
    ),
)
