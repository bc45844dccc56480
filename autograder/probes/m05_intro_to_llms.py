"""Probes for 05_intro_to_llms: they train a learner's tokenizer, draw from a learner's sampler, and
hand back lists of ids, texts and counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograder.probes.run.observe import Misuse

REPEATED = 12  # draws that are made a second time, from an equal generator


def tokenizer(case: dict[str, Any], tokenizer_class: type) -> dict[str, Any]:
    """What a trained tokenizer makes of texts, and of its own ids."""
    made = tokenizer_class()
    made.train(case["text"], case["vocab_size"])
    encoded = [_ids(made.encode(text), text, case) for text in (case["text"], *case["texts"])]
    return {
        "tokens": [_stands_for(made, i) for i in range(256, 256 + case["merges"])],
        "encoded": encoded,
        "back": [made.decode(list(ids)) for ids in encoded],
        "mended": [made.decode(list(ids)) for ids in case["invalid"]],
    }


def _stands_for(made: Any, token: int) -> Any:
    """The text of one id; None where the tokenizer has no such id."""
    try:
        return made.decode([token])
    except (KeyError, IndexError):
        return None


def _ids(found: Any, text: str, case: dict[str, Any]) -> list[int]:
    shown = repr(text) if len(text) < 30 else "a longer text"
    if found is None and case["vocab_size"] == 256:
        raise Misuse(
            "`encode` returns None where nothing was learnt (vocab_size=256, so no merges): its "
            "`return` belongs after the loop, not in it."
        )
    if found is None:
        raise Misuse(f"`encode` returns None for {shown}: return a list of ids.")
    try:
        return [int(i) for i in found]
    except (TypeError, ValueError):
        raise Misuse(f"`encode` should return a list of whole numbers, here for {shown}.") from None


def draws(case: dict[str, Any], sample: Callable[..., Any]) -> dict[str, Any]:
    """How often each token was drawn from the case's logits."""
    logits = np.array(case["logits"])
    counts, others = [0] * len(logits), []
    drawn, again, raised = [], [], ""
    try:
        rng = np.random.default_rng(case["seed"])
        drawn = [_token(sample(logits, **case["kwargs"], rng=rng)) for _ in range(case["draws"])]
        rng = np.random.default_rng(case["seed"])
        again = [_token(sample(logits, **case["kwargs"], rng=rng)) for _ in range(REPEATED)]
    except (ValueError, IndexError) as error:
        if not case.get("edge"):
            raise
        raised = f"{type(error).__name__}: {error}"  # the other settings say more than this
    for token in drawn:
        if 0 <= token < len(logits):
            counts[token] += 1
        else:
            others.append(token)
    return {
        "counts": counts,
        "others": others[:3],
        "raised": raised,
        "follows rng": again == drawn[:REPEATED],
        "logits unchanged": bool(np.array_equal(logits, case["logits"])),
    }


def _token(found: Any) -> int:
    if found is None:
        raise Misuse("`sample` returns None: return the token's number.")
    found = np.asarray(found)
    whole = found.size == 1 and found.dtype.kind in "iuf" and float(found.item()).is_integer()
    if not whole:
        raise Misuse(
            "`sample` should return the number of one token, and it returned "
            f"{'an array of shape ' + str(found.shape) if found.ndim else repr(found.item())}."
        )
    return int(found.item())
