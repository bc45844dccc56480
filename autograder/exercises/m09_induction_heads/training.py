"""The exercises that train: a trap, a control that fails, and two layers that don't."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograder.core.exercise import Case, Exercise, Mistake, Option, question
from autograder.exercises.m09_induction_heads.opened import matches, scores_of
from autograder.exercises.m09_induction_heads.task import accuracy, repeating
from autograder.probes import m09_induction_heads as probes

# All measured in autograder/data/induction.json; a test holds them to it.
LEAST_TWO, MOST_ONE, TRAINED = 0.85, 0.5, 0.12
LEAST_INDUCTION, MOST_INDUCTION = 0.6, 0.35
LOW, HIGH, LENGTH, VOCABULARY, EACH, CUT = 4, 16, 32, 64, 5, 20

predict_fixed = question(
    "predict_fixed",
    "One layer, and always the same period",
    minutes=2,
    difficulty=2,
    right="d",
    options={
        "a": Option(
            text="About 2%: blind guessing",
            why="Guessing blindly among 64 tokens is right in 1.6% of cases. One layer can do far "
            "better: think of what a place can know about its own number.",
        ),
        "b": Option(
            text="About 25%: it guesses among the tokens that have come up",
            why="The tokens of the first round are 8, and a guess among them would be right in one "
            "case of eight or better. With the same period every time there is a rule that is "
            "always right, and one head is enough for it.",
        ),
        "c": Option(
            text="About 50%: it gets every second one",
            why="Nothing in the task is easier at one place than at another. One rule serves all "
            "of them.",
        ),
        "d": Option(
            text="100%, or nearly",
            why="You may have seen the trap: with the period 8 the next token always stands 7 "
            "places back, and a head that knows places needs no more than that. Now see it.",
        ),
    },
    hints=(
        "Where does the next token stand, if the period is always 8?",
        "The next token at place t is the token at place t + 1 - 8. Is that a question about "
        "tokens, or about places?",
        "A query of place t and a key of place t - 7 can be made to fit: both know where they are.",
    ),
)

predict_other_periods = question(
    "predict_other_periods",
    "The same model, other periods",
    minutes=3,
    difficulty=3,
    right="b",
    options={
        "a": Option(
            text="All about as well: it has learnt to look up",
            why="It never had to look at a token in order to find the place. It looks 7 places "
            "back, and there stands the right token only where the period fits.",
        ),
        "b": Option(
            text="Well at 4, badly at 5 and at 10",
            why="7 places back is right for the period 8, and also for 4: two rounds of 4 are one "
            "of 8. With 5 or 10, another token stands there. This is a sharp prediction, and only "
            "a rule about places makes it.",
        ),
        "c": Option(
            text="Well at 7 and 9, worse the further from 8",
            why="A rule that is off by one place reads the wrong token, and the wrong token is "
            "no help at all. Near 8 is no better than far from it.",
        ),
        "d": Option(
            text="Only 8 works, all others are at 2%",
            why="For most periods that is so. But for one of those in question the token 7 places "
            "back is the right one, though the period isn't 8.",
        ),
    },
    hints=(
        "What rule does it follow: one about tokens, or one about places?",
        "Suppose it copies the token 7 places back. For which periods p is that the next token?",
        "The next token stands p - 1 places back, and 2p - 1, and 3p - 1. For which p is one of "
        "them 7?",
    ),
)

predict_why = question(
    "predict_why",
    "What one layer lacks",
    minutes=3,
    difficulty=3,
    right="a",
    options={
        "a": Option(
            text="The key of a place knows its own token, but not the one before it",
            why="The place to look at is the one that comes after the earlier copy. To be found, "
            'its key would have to say "the token before me is r", and in the first layer no '
            "place has heard from any other yet.",
        ),
        "b": Option(
            text="One layer has too few weights to store the sequences",
            why="There is nothing to store: each sequence is new. A single layer ten times as wide "
            "has the same keys, made of a token and a place.",
        ),
        "c": Option(
            text="One layer can't see far enough back",
            why="Attention sees all earlier places, in one layer as in two. With the fixed period "
            "it read 7 places back without effort.",
        ),
        "d": Option(
            text="One layer can't compare tokens with each other",
            why="It can: a query made of a token fits a key made of the same token. So a head can "
            "find the earlier copy. But what it then reads is that copy, not what came after it.",
        ),
    },
    hints=(
        "Play the head: you stand at the second `r` and look for a place. What would its key have "
        "to say?",
        "What you want to read stands after the first `r`. In the first layer, a key is made of "
        "that place's own token and own number.",
        "The place after the first `r` would have to know that `r` stood before it.",
    ),
)


# --- Trained models ------------------------------------------------------------------------------


def _trained_cases(rng: np.random.Generator) -> list[Case]:
    periods = np.repeat(np.arange(LOW, HIGH + 1), EACH)
    idx = repeating(rng, periods, LENGTH, VOCABULARY)
    changed = idx.copy()
    changed[:, CUT:] = rng.integers(VOCABULARY, size=changed[:, CUT:].shape)
    return [{"idx": idx, "changed": changed, "cut": CUT, "_periods": periods}]


def _found(case: Case, seen: Any) -> dict[str, Any]:
    """All there is to say of a model, from its logits and patterns."""
    idx, periods, logits = case["idx"], case["_periods"], seen["logits"]
    by_period = {
        int(p): accuracy(logits[periods == p], idx[periods == p], periods[periods == p])
        for p in np.unique(periods)
    }
    best = [float(scores_of(p, matches(idx)).max()) for p in seen["patterns"]]
    return {
        "accuracy": accuracy(logits, idx, periods),
        "by period": by_period,
        "induction": max(best),
        "layers": len(seen["patterns"]),
        "leaks": not np.allclose(logits[:, :CUT], seen["changed"], atol=1e-3),
    }


def _one_period(found: dict[str, Any]) -> bool:
    """Whether it masters some period above 4, and not the others."""
    some = [a for p, a in found["by period"].items() if p > LOW]
    return max(some) > 0.9 and found["accuracy"] < 0.7


def _measured(layers: int) -> Callable:
    def measure(case: Case, seen: Any) -> Any:
        found = _found(case, seen)
        told = {
            "layers": found["layers"],
            "sees no future": not found["leaks"],
            "trained": found["accuracy"] >= TRAINED,
            "trained on many periods": not _one_period(found),
        }
        if layers == 2:
            told["accuracy is high"] = found["accuracy"] >= LEAST_TWO
            told["looks after the copy"] = found["induction"] >= LEAST_INDUCTION
        else:
            told["accuracy is low"] = found["accuracy"] <= MOST_ONE
            told["does not look after the copy"] = found["induction"] <= MOST_INDUCTION
        return told

    return measure


def _reference(layers: int) -> Callable:
    names = ["accuracy is high", "looks after the copy"]
    if layers == 1:
        names = ["accuracy is low", "does not look after the copy"]
    told = ["sees no future", "trained", "trained on many periods", *names]
    return lambda case: {"layers": layers, **dict.fromkeys(told, True)}


def _explain(layers: int) -> Callable:
    def explain(case: Case, seen: Any, expected: Any) -> str | None:
        found = _found(case, seen)
        if found["layers"] != layers:
            return f"It has {found['layers']} layers, and {layers} are asked for"
        if found["leaks"]:
            return "What comes later changes what the model says earlier: the mask leaks"
        percent = f"{100 * found['accuracy']:.0f}%"
        if layers == 2:
            if found["accuracy"] < LEAST_TWO:
                return (
                    f"On {len(case['idx'])} new sequences it is right in {percent} of the places "
                    f"that can be known, and {100 * LEAST_TWO:.0f}% are asked for. Look at the "
                    "curve: if the jump has not come yet, train longer"
                )
            return (
                "It guesses well, but the patterns that it returns do not look at places after an "
                f"earlier copy: the best head's score is {found['induction']:.2f}"
            )
        return (
            f"It is right in {percent} of the places that can be known, with a best induction "
            f"score of {found['induction']:.2f}. From one layer that would be a discovery: is it "
            "an `AttentionOnly` with n_layer=1, trained with the periods 4 to 16?"
        )

    return explain


class Standin:
    """A stand-in for a trained model with patterns that fit what it says."""

    def __init__(self, layers: int, kind: str) -> None:
        self.layers, self.kind, self.training = layers, kind, False

    def eval(self) -> Standin:
        return self

    def train(self, mode: bool = True) -> Standin:
        return self

    def __call__(self, idx: Any) -> Any:
        import torch
        from torch.nn import functional as F

        B, T = idx.shape
        even = torch.ones(B, 2, T, T).tril()
        even = even / even.sum(-1, keepdim=True)
        noise = torch.randn(VOCABULARY, generator=torch.Generator().manual_seed(3))
        logits = noise.repeat(B, T, 1) / 10
        t = torch.arange(T)
        if self.kind == "fixed":
            logits = logits + F.one_hot(idx[:, (t - 7).clamp(min=0)], VOCABULARY)
        if self.kind == "leak":
            logits = logits + F.one_hot(idx[:, (t + 1).clamp(max=T - 1)], VOCABULARY)
        if self.kind == "recent":  # the look-up, for one token in four
            copy = (idx[:, :, None] == idx[:, None, :]).tril(-1)
            last = torch.where(copy, t + 1, 0).amax(-1)  # the place after the last copy
            found = F.one_hot(idx.gather(1, last), VOCABULARY)
            logits = logits + found * (idx % 4 == 0)[..., None]
        return logits, [even] * self.layers


def _mistakes(layers: int) -> tuple[Mistake, ...]:
    other = 3 - layers
    word = {1: "one layer", 2: "two layers"}
    found: list[Mistake] = [
        Mistake(
            id="other_depth",
            message=f"It has {word[other]}, and {word[layers]} {'is' if layers == 1 else 'are'} "
            f"asked for: `AttentionOnly(vocab_size, n_layer={layers})`.",
            answer=Standin(other, "recent"),
            recognise=lambda case, seen, expected: len(seen["patterns"]) == other,
        ),
        Mistake(
            id="leaks",
            message="It looks ahead: what comes later changes what it says earlier. Check the mask "
            "of your `attention_pattern`, and train again.",
            answer=Standin(layers, "leak"),
            recognise=lambda case, seen, expected: _found(case, seen)["leaks"],
        ),
        Mistake(
            id="one_period",
            message="It masters one period and fails at others: it was trained on a fixed one. "
            "Train with `low=4, high=16`.",
            answer=Standin(layers, "fixed"),
            recognise=lambda case, seen, expected: _one_period(_found(case, seen)),
        ),
        Mistake(
            id="untrained",
            message="It guesses no better than at the start: is it the model that you trained?",
            answer=Standin(layers, "none"),
            recognise=lambda case, seen, expected: _found(case, seen)["accuracy"] < TRAINED,
        ),
    ]
    if layers == 2:
        found.append(
            Mistake(
                id="before_the_jump",
                message="It guesses about as well as one layer does: the jump has not come yet. "
                "Train longer; in our runs it came before step 200.",
                answer=Standin(layers, "recent"),
                recognise=lambda case, seen, expected: (
                    TRAINED <= _found(case, seen)["accuracy"] < 0.4
                ),
            )
        )
    return tuple(found)


one_layer = Exercise(
    id="one_layer",
    title="The control: one layer, any period",
    takes={"one_layer": "value"},
    points=2,
    minutes=6,
    difficulty=2,
    cases=_trained_cases,
    probe=probes.trained,
    measure=_measured(1),
    reference=_reference(1),
    explain=_explain(1),
    show=lambda case: f"your model on {len(case['idx'])} new sequences, periods {LOW} to {HIGH}",
    limit=20.0,
    trains=True,
    mistakes=_mistakes(1),
    why="As it should be: a control that fails. One layer gets no further than guessing.",
    hints=(
        "Two lines: make the model, train it.",
        "`AttentionOnly(vocab_size, n_layer=1)`, then `train(model, low, high, steps)`, which "
        "returns the curve. It is the cell of the trap with other numbers.",
        "```python\none_layer = AttentionOnly(...)\n"
        "one_curve = train(one_layer, low=..., high=..., steps=300)\n```",
    ),
)

two_layers = Exercise(
    id="two_layers",
    title="Two layers",
    takes={"two_layers": "value"},
    points=3,
    minutes=7,
    difficulty=2,
    cases=_trained_cases,
    probe=probes.trained,
    measure=_measured(2),
    reference=_reference(2),
    explain=_explain(2),
    show=lambda case: f"your model on {len(case['idx'])} new sequences, periods {LOW} to {HIGH}",
    limit=20.0,
    trains=True,
    mistakes=_mistakes(2),
    hints=(
        "The same as for one layer, with one number changed.",
        "`n_layer=2`, and as many steps as before: a control differs in one thing only.",
        "```python\ntwo_layers = AttentionOnly(vocab_size, n_layer=...)\n"
        "two_curve = train(two_layers, low=..., high=..., steps=300)\n```",
    ),
)
