"""The residual stream: the norm, and the block."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from autograder.core.exercise import Case, Exercise, Mistake
from autograder.exercises.m06_illustrated_transformer.heads import (
    matrices,
    multi_head,
    multi_head_with,
)
from autograder.probes import m06_illustrated_transformer as probes


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


def _norm_by(variance: Callable) -> Callable:
    def wrong(x: Any, gamma: Any, beta: Any, eps: float = 1e-5) -> np.ndarray:
        mean = x.mean(axis=-1, keepdims=True)
        return gamma * (x - mean) / np.sqrt(variance(x, mean) + eps) + beta

    return wrong


def _without_brackets(x: Any, gamma: Any, beta: Any, eps: float = 1e-5) -> np.ndarray:
    mean, variance = x.mean(axis=-1, keepdims=True), x.var(axis=-1, keepdims=True)
    return gamma * x - mean / np.sqrt(variance + eps) + beta


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
            id="norm_axis_one",
            message="`axis=1` is right for two axes only. With three it is that of the words: the "
            "last axis is always `axis=-1`.",
            answer=_norm_with(axis=1),
            on=WIDE,
        ),
        Mistake(
            id="norm_brackets",
            message="Brackets are missing: only the mean is divided by the root, and x is not. "
            "Write `gamma * (x - mean) / ...`.",
            answer=_without_brackets,
            on=WIDE,
        ),
        Mistake(
            id="norm_not_centred",
            message="The variance is the mean of x² here. Subtract the mean before you square, "
            "as `x.var` does.",
            answer=_norm_by(lambda x, mean: np.mean(x * x, axis=-1, keepdims=True)),
            on=WIDE,
        ),
        Mistake(
            id="norm_summed",
            message="The squares are added up and not averaged: the variance is their *mean*.",
            answer=_norm_by(lambda x, mean: np.sum((x - mean) ** 2, axis=-1, keepdims=True)),
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
            id="norm_root_twice",
            message="The root is taken twice: `std` is a root already. Take the root of the "
            "variance, `x.var`, plus eps.",
            answer=_norm_with(below=lambda variance, eps: np.sqrt(np.sqrt(variance) + eps)),
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
        "Three steps are left: the variance, the division, then gamma and beta.",
        "`x.mean(axis=-1, keepdims=True)` has one mean for each word, in a shape that can be "
        "subtracted from x. `x.var` takes the same arguments.",
        "```python\n"
        "variance = x.var(axis=-1, keepdims=True)\n"
        "return gamma * (x - mean) / np.sqrt(...) + beta\n```",
    ),
)


def _params(rng: np.random.Generator, C: int, hidden: int) -> dict[str, np.ndarray]:
    """Weights of a block, all of them large enough to matter."""

    def dials(size: int) -> np.ndarray:
        return rng.choice([-1, 1], size) * rng.uniform(0.3, 0.9, size)

    W_q, W_k, W_v, W_o = matrices(rng, C)
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


_quick_norm, _quick_heads = _norm_with(), multi_head_with()  # by arrays, to replay mistakes


def _block(x: np.ndarray, p: dict[str, np.ndarray], num_heads: int) -> np.ndarray:
    """The reference: by loops, but for the small network."""
    h = _norm(x, p["gamma1"], p["beta1"])
    x = x + multi_head(h, p["W_q"], p["W_k"], p["W_v"], p["W_o"], num_heads)
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
    norm_again: bool = False,
    onto_normed: tuple[bool, bool] = (False, False),
    onto_start: bool = False,
    network: Callable | None = None,
) -> Callable:
    """A pre-norm block with slips to switch on."""

    def block(x: np.ndarray, p: dict[str, np.ndarray], num_heads: int) -> np.ndarray:
        first, second = (tuple(p[name] for name in names) for names in norms(p))
        start = x
        h = _quick_norm(x, *first) if normed[0] else x
        weights = (p["W_q"], p["W_k"], p["W_v"], p["W_o"])
        attention = _quick_heads(h, *weights, heads(num_heads), mask(x.shape[1]))
        x = stream[0] * (h if onto_normed[0] else x) + attended * attention
        given = h if norm_again else start if from_start else x
        h = _quick_norm(given, *second) if normed[1] else given
        inner = bend(h @ p["W1"] + biases[0] * p["b1"])
        given = h if onto_normed[1] else start if onto_start else x
        added = network(h, p) if network else inner @ p["W2"] + biases[1] * p["b2"]
        return stream[1] * given + mlp * added

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
    minutes=4,
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
            answer=_block_with(onto_normed=(True, True)),
        ),
        Mistake(
            id="block_attention_onto_normed",
            message="Attention's result is added to the *normalised* x. Add it to the stream "
            "itself: `x = x + ...`.",
            answer=_block_with(onto_normed=(True, False)),
        ),
        Mistake(
            id="block_network_onto_normed",
            message="The network's result is added to h, the *normalised* stream. Add it to the "
            "stream itself: `x + ...`.",
            answer=_block_with(onto_normed=(False, True)),
        ),
        Mistake(
            id="block_onto_start",
            message="The network's result is added to the x from before attention, so what "
            "attention found is lost. Add it to the new x.",
            answer=_block_with(onto_start=True),
        ),
        Mistake(
            id="block_late_bend",
            message="The relu comes after W2. It stands between W1 and W2: relu(h @ W1 + b1) @ W2 "
            "+ b2.",
            answer=_block_with(
                network=lambda h, p: np.maximum((h @ p["W1"] + p["b1"]) @ p["W2"], 0) + p["b2"]
            ),
        ),
        Mistake(
            id="block_last_bend",
            message="The relu goes around the whole network, b2 included. It stands between W1 and "
            "W2: relu(h @ W1 + b1) @ W2 + b2.",
            answer=_block_with(
                network=lambda h, p: np.maximum((h @ p["W1"] + p["b1"]) @ p["W2"] + p["b2"], 0)
            ),
        ),
        Mistake(
            id="block_early_bend",
            message="The relu comes before b1 is added. It is relu(h @ W1 + b1).",
            answer=_block_with(
                network=lambda h, p: (np.maximum(h @ p["W1"], 0) + p["b1"]) @ p["W2"] + p["b2"]
            ),
        ),
        Mistake(
            id="block_norms_swapped",
            message="The two norms are swapped: gamma1 and beta1 belong to attention, gamma2 and "
            "beta2 to the network.",
            answer=_block_with(norms=lambda p: (("gamma2", "beta2"), ("gamma1", "beta1"))),
        ),
        Mistake(
            id="block_gammas_swapped",
            message="`gamma1` and `gamma2` are swapped: gamma1 is for the norm before attention, "
            "gamma2 to the one before the network.",
            answer=_block_with(norms=lambda p: (("gamma2", "beta1"), ("gamma1", "beta2"))),
        ),
        Mistake(
            id="block_first_gamma_again",
            message="The second norm uses gamma1 once more. Its own are gamma2 and beta2.",
            answer=_block_with(norms=lambda p: (("gamma1", "beta1"), ("gamma1", "beta2"))),
        ),
        Mistake(
            id="block_first_beta_again",
            message="The second norm uses beta1 once more. Its own are gamma2 and beta2.",
            answer=_block_with(norms=lambda p: (("gamma1", "beta1"), ("gamma2", "beta1"))),
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
            id="block_old_h",
            message="The network reads the old h, from before attention. Make a new one: "
            "h = layer_norm(x, ...), with gamma2, beta2 and the x to which attention was added.",
            answer=_block_with(from_start=True, norms=lambda p: (("gamma1", "beta1"),) * 2),
        ),
        Mistake(
            id="block_normed_twice",
            message="The second norm is given h, which is normalised already and is older than "
            "attention's result. Give it the new x.",
            answer=_block_with(norm_again=True),
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
        "The second half has the form of the first: normalise, do something, add to the stream.",
        "Keep `x` for the stream and use another name, `h`, for what is normalised. In the second "
        "half h is made from the new x, with gamma2 and beta2. `np.maximum(h, 0)` is relu.",
        "```python\nh = layer_norm(x, ...)\n"
        "return x + np.maximum(h @ p['W1'] + p['b1'], 0) @ ...\n```",
    ),
)
