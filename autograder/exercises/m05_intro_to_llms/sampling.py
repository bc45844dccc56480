"""Drawing the next token: temperature, top-k, top-p."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograder.core.exercise import Case, Exercise, Mistake, Option, question
from autograder.probes import m05_intro_to_llms as probes

predict_temperature = question(
    "predict_temperature",
    "Warmer and colder",
    minutes=3,
    options={
        "a": Option(
            text="the likeliest token nearly always, so it repeats itself",
            why="Dividing by a small number makes gaps between logits ten times as large, so the "
            "likeliest token takes nearly everything.",
        ),
        "b": Option(
            text="nonsense: every token about equally often",
            why="That is what a high temperature does. Dividing by 0.1 multiplies the logits by "
            "10: the gaps between them grow.",
        ),
        "c": Option(
            text="the same as before: softmax makes the numbers add up to 1 anyway",
            why="Softmax doesn't care what you add to all logits. But dividing changes the gaps "
            "between them, and the gaps are what it turns into odds.",
        ),
        "d": Option(
            text="the same order of tokens, and each a tenth as likely",
            why="The probabilities still add up to 1, so they can't all shrink. The order does "
            "stay.",
        ),
    },
    right="a",
    hints=(
        "Take two logits, 2 and 1, and divide both by 0.1.",
        "20 and 10: a gap of 10 in place of a gap of 1. How much likelier is the first one then?",
        "exp(10) is about 22,000; exp(1) is about 2.7.",
    ),
)


DRAWS = 500


def _shares(
    logits: Any,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    *,
    heat: Callable[[np.ndarray, float], np.ndarray] = lambda z, t: z / t,
    k_hides: float = -np.inf,
    keep: Callable[[np.ndarray, int], np.ndarray] = lambda order, k: order[:k],
    reach: str = "cross",
    places: bool = False,
    sort: bool = True,
    positions: bool = False,
    full: bool = False,
    heat_last: bool = False,
    flat: bool = False,
    greedy: bool = False,
    free: bool = False,
) -> np.ndarray:
    """The probability of every token: right, with knobs for mistakes."""
    z = np.asarray(logits, dtype=float)
    scaled = z if heat_last else heat(z, temperature)
    unlimited = _softmax(scaled)
    if top_k is not None and not full:
        kept_by_k = np.isin(np.arange(len(z)), keep(np.argsort(-scaled), top_k))
        scaled = np.where(kept_by_k, scaled, k_hides)
    p = unlimited if free else _softmax(scaled)
    if top_p is not None and not free:
        order = np.argsort(-p, kind="stable") if sort else np.arange(len(p))
        before = np.cumsum((unlimited if full else p)[order]) - (unlimited if full else p)[order]
        size = int(np.sum(before < top_p)) + {"cross": 0, "drop": -1, "one more": 1}[reach]
        kept = np.zeros(len(p))
        kept[np.arange(len(p))[: max(size, 1)] if places else order[: max(size, 1)]] = 1
        p = p * kept / (p * kept).sum()
    if full and top_k is not None:
        p = np.where(np.isin(np.arange(len(p)), np.argsort(-z)[:top_k]), p, 0)
        p = p / p.sum()
    if heat_last:
        p = p ** (1 / temperature) / (p ** (1 / temperature)).sum()
    if flat:
        p = (p > 0) / (p > 0).sum()
    if greedy:
        p = (np.arange(len(p)) == np.argmax(p)).astype(float)
    if positions:
        p = np.sort(p)[::-1]
    return p


# Ways to keep other tokens than the k largest, from their order, the largest in front.
KEEPS_SMALLEST = {"keep": lambda order, k: order[::-1][:k]}
HIDES_SMALLEST = {"keep": lambda order, k: order[: max(len(order) - k, 0)]}
HIDES_LARGEST = {"keep": lambda order, k: order[k:]}
BY_NUMBER = {"keep": lambda order, k: np.arange(len(order))[:k]}
ONE_MORE = {"keep": lambda order, k: order[: k + 1]}
ONE_FEWER = {"keep": lambda order, k: order[: k - 1]}
HALF = {"keep": lambda order, k: order[: len(order) // 2]}
WRONG_K = (KEEPS_SMALLEST, HIDES_SMALLEST, HIDES_LARGEST, BY_NUMBER, ONE_MORE, ONE_FEWER, HALF)


def _softmax(z: np.ndarray) -> np.ndarray:
    powers = np.exp(z - np.max(z))
    return powers / powers.sum()


def _sampler(own_dice: bool = False, spoils: bool = False, **knobs: Any) -> Callable[..., int]:
    """A sampler from `_shares`, with its mistakes."""

    def sample(
        logits: Any,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        rng: Any = None,
    ) -> int:
        p = _shares(logits, temperature, top_k, top_p, **knobs)
        if spoils:
            logits[...] = np.where(p > 0, logits, -1e9)
        rng = np.random.default_rng() if own_dice else rng
        return int(rng.choice(len(p), p=p))

    return sample


def _sample_cases(rng: np.random.Generator) -> list[Case]:
    def case(name: str, fits: Callable[[np.ndarray], bool], size: int, **kwargs: Any) -> Case:
        while True:
            steps = {"all": (0.15, 0.5), "top_k": (0.1, 0.25)}.get(name, (0.25, 1.0))
            logits = rng.permutation(np.cumsum(rng.uniform(*steps, size)))
            logits = np.round(logits - logits.mean() + (1.2 if name == "top_k" else 0.0), 2)
            if fits(logits) and logits[0] != logits.max():
                break
        seed = int(rng.integers(1, 2**31))
        return {"name": name, "logits": logits, "kwargs": kwargs, "seed": seed, "draws": DRAWS}

    def apart(*knobs: dict[str, Any], **kwargs: Any) -> Callable[[np.ndarray], bool]:
        """Logits on which the mistakes show: each draws clearly other shares than those before."""

        def test(logits: np.ndarray) -> bool:
            every = [_shares(logits, **kwargs, **k) for k in ({}, *knobs)]
            right = every[0]
            if right[right > 0].min() < 0.04 or np.sum(right > 0) < 2:
                return False
            return all(_off(a, b) > 130 for i, a in enumerate(every) for b in every[:i])

        return test

    def edge(name: str, size: int, top: float, **kwargs: Any) -> Case:
        """A dial at its end: `top` of the probability, at least, lies on the likeliest token."""
        made = case(name, lambda z: top < _softmax(z).max() < 0.6, size, temperature=1.0, **kwargs)
        return made | {"edge": True}

    ignored, multiplied = {"heat": lambda z, t: z}, {"heat": lambda z, t: z * t}
    one, flat, by_place = {"greedy": True}, {"flat": True}, {"positions": True}
    plain = {"temperature": 1.0}
    cold, hot = {"temperature": 0.4}, {"temperature": 3.0}
    most = {"temperature": 1.0, "top_k": 2}
    nucleus = {"temperature": 1.0, "top_p": 0.7}
    hot_nucleus = {"temperature": 2.0, "top_p": 0.6}
    both = {"temperature": 2.0, "top_k": 3, "top_p": 0.6}
    of_k = ({"free": True}, {"k_hides": 0.0}, *WRONG_K)
    of_p = ({"reach": "drop"}, {"reach": "one more"}, {"sort": False}, {"places": True})
    return [
        case("plain", apart(one, flat, **plain), 4, **plain),
        case("cold", apart(ignored, **cold), 3, **cold),
        case("hot", apart(multiplied, ignored, **hot), 5, **hot),
        case("top_k", apart(*of_k, **most), 8, **most),
        case("top_p", apart(by_place, *of_p, {"free": True}, **nucleus), 6, **nucleus),
        case("hot nucleus", apart({"heat_last": True}, **hot_nucleus), 6, **hot_nucleus),
        case("all", apart({"full": True}, **both), 8, **both) | {"edge": True},
        edge("one", 5, 0.3, top_k=1),
        edge("all but one", 5, 0.3, top_k=4),
        edge("every token", 4, 0.3, top_k=4),
        edge("more than there are", 4, 0.3, top_k=9),
        edge("a small top_p", 5, 0.3, top_p=0.1),
    ]


def _off(a: np.ndarray, b: np.ndarray) -> float:
    """How far DRAWS draws by shares a are from shares b, as chi squared."""
    if np.any((b == 0) & (a > 0.03)) or np.any((a == 0) & (b * DRAWS > 22)):
        return np.inf
    common = b * DRAWS >= 8
    return float(np.sum((a - b)[common] ** 2 / b[common]) * DRAWS)


def _fits(counts: Any, shares: np.ndarray) -> bool:
    """Whether counts may have been drawn by these shares: chance fails it once in 100 million."""
    counts = np.asarray(counts, dtype=float)
    expected = counts.sum() * shares
    if counts.sum() == 0 or np.any(counts[shares == 0] > 0):
        return False
    if np.any(counts[expected > 20] == 0):
        return False
    common = expected >= 8
    off = np.sum((counts[common] - expected[common]) ** 2 / expected[common])
    return bool(off < 45 and counts[~common].sum() < 3 * expected[~common].sum() + 30)


def _right_shares(case: Case) -> np.ndarray:
    return _shares(case["logits"], **case["kwargs"])


def _measure_draws(case: Case, seen: Any) -> str:
    right = (
        not seen["others"]
        and not seen["raised"]
        and seen["logits unchanged"]
        and _fits(seen["counts"], _right_shares(case))
        and seen["follows rng"]
    )
    return "right" if right else "wrong"


def _drawn_as(**knobs: Any) -> Callable[[Case, Any, Any], bool]:
    """Recognise a mistake by its distribution."""
    return lambda case, seen, expected: (
        not seen["others"]
        and not _fits(seen["counts"], _right_shares(case))
        and _fits(seen["counts"], _shares(case["logits"], **case["kwargs"], **knobs))
    )


def _drawn_with(**knobs: Any) -> dict[str, Any]:
    return {"answer": _sampler(**knobs), "recognise": _drawn_as(**knobs)}


def _explain_draws(case: Case, seen: Any, expected: Any) -> str | None:
    size = len(case["logits"])
    dials = " and ".join(f"{dial}={v}" for dial, v in case["kwargs"].items() if dial[:3] == "top")
    if seen["raised"]:
        kept = min(np.sum(_right_shares(case) > 0), size)
        left = "one token stays" if kept == 1 else f"{kept} of them stay"
        return f"With {dials} and {size} tokens, {left}, and your code raised {seen['raised']}"
    if seen["others"]:
        return f"It returns {seen['others'][0]}, and the tokens are 0 to {size - 1}"
    right, counts = _right_shares(case), np.asarray(seen["counts"])
    if _fits(counts, right):
        return None
    shares = counts / counts.sum()
    extra = np.flatnonzero((right == 0) & (counts > 0))
    if len(extra):
        return (
            f"Token {extra[0]} is drawn in {shares[extra[0]]:.0%} of {counts.sum()} draws, and "
            f"it should never be: {dials} leaves it out"
        )
    worst = int(np.argmax(np.abs(shares - right)))
    return (
        f"In {counts.sum()} draws, token {worst} comes {shares[worst]:.0%} of the time, expected "
        f"about {right[worst]:.0%}"
    )


def _without_top_p(
    logits: Any,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    rng: Any = None,
) -> int:
    return _sampler()(logits, temperature, top_k, None, rng)


sample = Exercise(
    id="sample",
    title="Draw the next token",
    takes={"sample": "function"},
    points=3,
    minutes=8,
    difficulty=3,
    cases=_sample_cases,
    probe=probes.draws,
    measure=_measure_draws,
    reference=lambda case: "right",
    show=lambda case: (
        f"sample(logits, {', '.join(f'{k}={v}' for k, v in case['kwargs'].items())}, rng=rng) with "
        f"logits {np.array2string(case['logits'], separator=', ')}, {case['draws']} times"
    ),
    explain=_explain_draws,
    mistakes=(
        Mistake(
            id="sample_spoils",
            message="It changes the logits that it is given, so the next draw starts from other "
            "ones. Work on a copy: logits / temperature makes one.",
            answer=_sampler(spoils=True),
            recognise=lambda case, seen, expected: not seen["logits unchanged"],
        ),
        Mistake(
            id="sample_greedy",
            message="It always takes the likeliest token. Draw one, each as often as its "
            "probability says.",
            **_drawn_with(greedy=True),
            on=("plain",),
        ),
        Mistake(
            id="sample_flat",
            message="All tokens that are left come equally often. Draw with their probabilities: "
            "rng.choice(..., p=probabilities).",
            **_drawn_with(flat=True),
            on=("plain",),
        ),
        Mistake(
            id="sample_positions",
            message="It returns a place in the sorted order, not the token's own number. Map it "
            "back: order[place].",
            **_drawn_with(positions=True),
            on=("top_p",),
        ),
        Mistake(
            id="sample_multiplied",
            message="The logits are multiplied by the temperature. Divide: a low temperature makes "
            "the gaps larger.",
            **_drawn_with(heat=lambda z, t: z * t),
            on=("hot",),
        ),
        Mistake(
            id="sample_no_heat",
            message="The temperature changes nothing. Divide the logits by it, before the softmax: "
            "dividing probabilities is undone when they are made to add up to 1.",
            **_drawn_with(heat=lambda z, t: z),
            on=("hot",),
        ),
        Mistake(
            id="sample_k_ignored",
            message="The dial top_k changes nothing: only the k largest logits may be drawn.",
            **_drawn_with(free=True),
            on=("top_k",),
        ),
        Mistake(
            id="sample_k_zero",
            message="With top_k, the logits of the other tokens are set to 0, and exp(0) is 1: "
            "they may still be drawn. Set them to -np.inf, whose exp is 0.",
            **_drawn_with(k_hides=0.0),
            on=("top_k",),
        ),
        Mistake(
            id="sample_k_smallest",
            message="With top_k, the k smallest logits are kept. np.argsort sorts from small to "
            "large: take the other end.",
            **_drawn_with(**KEEPS_SMALLEST),
            on=("top_k",),
        ),
        Mistake(
            id="sample_k_hidden",
            message="The dial top_k says how many tokens stay. Here it is the number of those that "
            "are hidden: the k smallest.",
            **_drawn_with(**HIDES_SMALLEST),
            on=("top_k",),
        ),
        Mistake(
            id="sample_k_largest",
            message="With top_k, the k largest logits are hidden. They are the ones to keep: hide "
            "what comes after them in the order.",
            **_drawn_with(**HIDES_LARGEST),
            on=("top_k",),
        ),
        Mistake(
            id="sample_k_number",
            message="The first k tokens are kept by their number, not by their size. The tokens to "
            "hide are order[top_k:].",
            **_drawn_with(**BY_NUMBER),
            on=("top_k",),
        ),
        Mistake(
            id="sample_k_one_more",
            message="With top_k, one token too many is kept: k of them stay.",
            **_drawn_with(**ONE_MORE),
            on=("top_k",),
        ),
        Mistake(
            id="sample_k_one_fewer",
            message="With top_k, one token too few is kept: k of them stay.",
            **_drawn_with(**ONE_FEWER),
            on=("top_k",),
        ),
        Mistake(
            id="sample_k_half",
            message="The same number of tokens is kept whatever top_k says: half of them. Keep "
            "top_k.",
            **_drawn_with(**HALF),
            on=("top_k",),
        ),
        Mistake(
            id="sample_p_dropped",
            message="The dial top_p stops one token early: the one that crosses top_p is "
            "kept, so that what is kept adds up to top_p or more.",
            **_drawn_with(reach="drop"),
            on=("top_p",),
        ),
        Mistake(
            id="sample_p_one_more",
            message="The dial top_p keeps one token too many: stop as soon as what is kept adds "
            "up to top_p.",
            **_drawn_with(reach="one more"),
            on=("top_p",),
        ),
        Mistake(
            id="sample_p_unsorted",
            message="The dial top_p collects the tokens in the order of their numbers. Sort "
            "them first, the likeliest in front.",
            **_drawn_with(sort=False),
            on=("top_p",),
        ),
        Mistake(
            id="sample_p_places",
            message="With top_p, places in the order are taken for tokens. The token at a place is "
            "order[place]: set p[order[...]] to 0.",
            **_drawn_with(places=True),
            on=("top_p",),
        ),
        Mistake(
            id="sample_p_ignored",
            message="The dial top_p changes nothing: tokens beyond the likeliest ones are drawn.",
            answer=_without_top_p,
            recognise=_drawn_as(free=True),
            on=("top_p",),
        ),
        Mistake(
            id="sample_p_too_early",
            message="Together, top_p is measured on probabilities of all tokens. First let top_k "
            "take its tokens out, make the rest add up to 1, then take top_p of that.",
            **_drawn_with(full=True),
            on=("all",),
        ),
        Mistake(
            id="sample_heat_late",
            message="The temperature comes after top_p. Divide by it first: top_p looks at the "
            "probabilities that are drawn from.",
            **_drawn_with(heat_last=True),
            on=("hot nucleus",),
        ),
        Mistake(
            id="sample_own_dice",
            message="Two equal generators give different tokens: draw from `rng`, so that a run "
            "can be repeated.",
            answer=_sampler(own_dice=True),
            recognise=lambda case, seen, expected: (
                not seen["follows rng"] and _fits(seen["counts"], _right_shares(case))
            ),
        ),
    ),
    hints=(
        "`order` holds the tokens, the largest in front: `order[:top_k]` stay, and the rest are "
        "to be hidden.",
        "For top_p: `before` says, for each token in order, how much probability came before it. "
        "It is kept while that is below top_p. Set the others, `order[before >= top_p]`, to 0 and "
        "divide by the sum. [Nucleus sampling](https://arxiv.org/abs/1904.09751).",
        "```python\nz = logits / ...\n...\nz[order[top_k:]] = ...\n...\n"
        "p[order[before >= top_p]] = ...\np = p / ...\n```",
    ),
)
