"""What a transformer computes, in numpy and double precision, from a learner's own weights.

A learner may keep queries, keys and values in three layers for each head, in three for all heads,
or in one. `attentions` lists the ways to read the weights; an answer is right where one of them
gives its numbers. The keywords of the functions (`scale`, `mask`, ...) are the known mistakes.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Any

import numpy as np

Layer = tuple[np.ndarray, Any]  # weight (out, in) and bias (out,) or 0
Heads = list[tuple[Layer, Layer, Layer]]  # query, key, value of each head


def close(a: Any, b: np.ndarray) -> bool:
    """Whether numbers in single precision are these."""
    return isinstance(a, np.ndarray) and a.shape == b.shape and np.allclose(a, b, 2e-3, 2e-4)


def softmax(z: np.ndarray, axis: int = -1) -> np.ndarray:
    e = np.exp(z - np.max(z, axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def apply(x: np.ndarray, layer: Layer) -> np.ndarray:
    weight, bias = layer
    if weight.ndim == 3:  # one for each head
        weight = weight[:, None]
    return x @ weight.swapaxes(-1, -2) + bias


def norm(x: np.ndarray, layer: Layer | None) -> np.ndarray:
    if layer is None:  # forgotten
        return x
    gain, shift = layer
    centred = x - x.mean(-1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5) * gain + shift


def cross_entropy(logits: np.ndarray, targets: np.ndarray) -> float:
    """The mean of minus the log-probability of the targets: logits (N, V), targets (N,)."""
    logits = logits.astype(float)
    top = logits.max(-1, keepdims=True)
    log_total = top[:, 0] + np.log(np.exp(logits - top).sum(-1))
    return float(np.mean(log_total - logits[np.arange(len(targets)), targets]))


def one_head(
    x: np.ndarray,
    query: Layer,
    key: Layer,
    value: Layer,
    scale: str = "head",
    mask: str = "causal",
    axis: int = -1,
) -> np.ndarray:
    """Causal attention: x (B, T, C) -> (B, T, head_size), or of several heads at once.

    For these x is (1, B, T, C), a weight (heads, head_size, C) and a bias (heads, 1, 1, head_size).
    """
    (T, C), size = x.shape[-2:], query[0].shape[-2]
    q, k, v = apply(x, query), apply(x, key), apply(x, value)
    factor = {
        "head": size**-0.5,
        "embd": C**-0.5,
        "none": 1.0,
        "not rooted": 1 / size,
        "times": size**0.5,
        "context": T**-0.5,
    }[scale]
    scores = q @ k.swapaxes(-1, -2) * factor
    seen = np.tril(np.ones((T, T), dtype=bool))
    if mask == "none":
        seen = np.ones((T, T), dtype=bool)
    elif mask == "inverted":
        seen = np.triu(np.ones((T, T), dtype=bool))
    elif mask == "strictly inverted":
        seen = np.triu(np.ones((T, T), dtype=bool), 1)
    elif mask == "not itself":
        seen = np.tril(np.ones((T, T), dtype=bool), -1)
    if mask == "no softmax":
        weights = np.where(seen, scores, 0.0)
    elif mask == "zeros":
        weights = softmax(np.where(seen, scores, 0.0), axis)
    elif mask == "after":
        weights = np.where(seen, softmax(scores, axis), 0.0)
    else:
        weights = softmax(np.where(seen, scores, -1e30), axis)
    return weights @ v


def of_kind(leaves: list[dict[str, Any]], kind: str) -> list[Layer]:
    """The layers of a kind, as (weight, bias); a raw matrix counts as a linear layer."""
    found = []
    for leaf in leaves:
        bias = 0.0 if leaf.get("bias") is None else np.asarray(leaf["bias"], dtype=float)
        weight = np.asarray(leaf["weight"], dtype=float)
        if leaf["kind"] == kind:
            found.append((weight, bias))
        elif kind == "linear" and leaf["kind"] == "matrix" and weight.ndim == 2:
            found.append((weight.T, 0.0))
    return found


def rows(layer: Layer, chosen: Any) -> Layer:
    weight, bias = layer
    return weight[chosen], bias if np.ndim(bias) == 0 else bias[chosen]


def attentions(
    layers: list[Layer], C: int, heads: int, size: int, last: bool = True
) -> Iterator[tuple[Heads, Layer | None]]:
    """Ways to read linear layers as (heads, the layer after them); `last` says there is one."""
    inner = heads * size
    split = [slice(h * size, (h + 1) * size) for h in range(heads)]
    single = [m for m in layers if m[0].shape == (size, C)]
    others = [m for m in layers if m[0].shape != (size, C)]
    fits = all(m[0].shape[1] == inner for m in others) or not last
    if len(single) == 3 * heads and len(others) == int(last) and fits:
        by_head = [single[3 * h : 3 * h + 3] for h in range(heads)]
        by_role = [single[h::heads] for h in range(heads)]
        for groups in (by_head, by_role) if heads > 1 else (by_head,):
            for order in itertools.permutations(range(3)):
                yield [tuple(g[i] for i in order) for g in groups], others[0] if last else None
    if len(layers) == 3 + last and all(m[0].shape[0] in (inner, C) for m in layers):
        for order in itertools.permutations(range(3 + last)):
            q, k, v, *o = (layers[i] for i in order)
            if any(m[0].shape != (inner, C) for m in (q, k, v)) or (
                o and o[0][0].shape[1] != inner
            ):
                continue
            yield [tuple(rows(m, part) for m in (q, k, v)) for part in split], o[0] if o else None
    if heads > 1 and len(layers) == heads + last:  # one layer for each head, and the last one
        for at in range(len(layers)) if last else [len(layers)]:
            each, o = layers[:at] + layers[at + 1 :], layers[at] if last else None
            if any(m[0].shape != (3 * size, C) for m in each) or (o and o[0].shape[1] != inner):
                continue
            thirds = [slice(i * size, (i + 1) * size) for i in range(3)]
            for order in itertools.permutations(thirds):
                yield [tuple(rows(m, third) for third in order) for m in each], o
    fused = [m for m in layers if m[0].shape == (3 * inner, C)]
    rest = [m for m in layers if m[0].shape != (3 * inner, C)]
    fits = all(m[0].shape[1] == inner for m in rest) or not last
    if len(fused) == 1 and len(rest) == int(last) and fits:
        at = np.arange(3 * inner)
        for shape in ((3, heads, size), (heads, 3, size)):
            index = at.reshape(shape) if shape[0] == 3 else at.reshape(shape).swapaxes(0, 1)
            for order in itertools.permutations(range(3)):
                yield (
                    [tuple(rows(fused[0], index[i, h]) for i in order) for h in range(heads)],
                    rest[0] if last else None,
                )


def attend(x: np.ndarray, heads: Heads, last: Layer | None, **how: Any) -> np.ndarray:
    """Several heads side by side, and the layer after them."""
    q, k, v = (
        (np.stack([m[0] for m in role]), np.stack([m[1] + np.zeros(len(m[0])) for m in role]))
        for role in zip(*heads, strict=True)
    )
    every = one_head(x[None], *((w, b[:, None, None]) for w, b in (q, k, v)), **how)
    out = np.concatenate(list(every), axis=-1)
    return out if last is None else apply(out, last)


def bend(z: np.ndarray, kind: str) -> np.ndarray:
    """ReLU or another function between the two layers of a feed-forward part."""
    if kind == "relu":
        return np.maximum(z, 0)
    if kind == "gelu":
        return z * (1 + np.vectorize(math.erf)(z / math.sqrt(2))) / 2
    if kind == "gelu by tanh":
        return z * (1 + np.tanh(math.sqrt(2 / math.pi) * (z + 0.044715 * z**3))) / 2
    return z


def think(x: np.ndarray, layers: list[Layer], kind: str = "relu") -> np.ndarray:
    """The feed-forward part: out, bent, and back."""
    first, second = layers
    return apply(bend(apply(x, first), kind), second)


def one_block(
    x: np.ndarray,
    heads: Heads,
    last: Layer | None,
    feed: list[Layer],
    norms: list[Layer | None],
    kind: str = "relu",
    order: str = "before",
    residual: str = "both",
    **how: Any,
) -> np.ndarray:
    """A transformer block: x + attention(norm(x)), then the same with feed-forward."""
    parts = (
        lambda z: attend(z, heads, last, **how),
        lambda z: think(z, feed, kind),
    )
    if order == "feed first":
        parts = parts[::-1]
    if residual == "parallel":
        return x + parts[0](norm(x, norms[0])) + parts[1](norm(x, norms[1]))
    for at, part in enumerate(parts):
        if order in ("before", "feed first"):
            entered = norm(x, norms[at])
            base = entered if residual == "of norm" else x
        else:
            entered = base = x
        added = part(entered)
        keeps = residual in ("both", "of norm") or residual == ("attention", "feed")[at]
        x = base + added if keeps else added
        if order == "after":
            x = norm(x, norms[at])
    return x
