"""The exercises that train a GPT, and then train it faster."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograder.core.exercise import Case, Exercise, Mistake, Option, question
from autograder.exercises.m07_build_gpt import reference
from autograder.exercises.m07_build_gpt.passages import EMBEDDED, SHAKESPEARE, passage
from autograder.probes import m07_build_gpt as probes

# --- The learning rate ---------------------------------------------------------------------------


def _rate_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for steps, warmup in ((100, 10), (57, 4), (30, 1)):
        peak = round(float(rng.uniform(0.002, 0.02)), 4)
        middle = [int(rng.integers(1, warmup)) if warmup > 1 else 0]
        middle += rng.integers(warmup + 1, steps - 1, size=2).tolist()
        for step in sorted({0, *middle, warmup - 1, warmup, steps - 1}, reverse=True):
            cases.append({"args": [step, steps, peak, warmup]})
    return cases


def _rate(step: int, steps: int, peak: float, warmup: int) -> float:
    """By interpolation between the corners of the schedule."""
    corners = {-1: 0.0, warmup - 1: peak, warmup: peak, steps: 0.0}
    return float(np.interp(step, list(corners), list(corners.values())))


learning_rate = Exercise(
    id="learning_rate",
    title="Warm up, then slow down",
    takes={"learning_rate": "function"},
    points=1,
    minutes=4,
    difficulty=2,
    cases=_rate_cases,
    reference=lambda case: _rate(*case["args"]),
    show=lambda case: "learning_rate({}, steps={}, peak={}, warmup={})".format(*case["args"]),
    rtol=1e-6,
    atol=1e-9,
    mistakes=(
        Mistake(
            id="constant",
            message="It is the peak at every step. It should rise to it during the warm-up, and "
            "fall to 0 afterwards.",
            answer=lambda step, steps, peak, warmup: peak,
        ),
        Mistake(
            id="no_warmup",
            message="The warm-up is missing: during the first `warmup` steps the rate rises, from "
            "peak / warmup to peak.",
            answer=lambda step, steps, peak, warmup: (
                peak * min(1.0, (steps - step) / (steps - warmup))
            ),
        ),
        Mistake(
            id="no_decay",
            message="After the warm-up it stays at the peak. It should fall in a straight line, "
            "to 0 at `steps`.",
            answer=lambda step, steps, peak, warmup: peak * min(1.0, (step + 1) / warmup),
        ),
        Mistake(
            id="starts_at_zero",
            message="The rise is one step late: the first step, step 0, has peak / warmup, and "
            "step "
            "warmup - 1 the full peak. A rate of 0 would waste a step.",
            answer=lambda step, steps, peak, warmup: (
                peak * step / warmup if step < warmup else peak * (steps - step) / (steps - warmup)
            ),
        ),
        Mistake(
            id="from_the_start",
            message="The fall starts as if there had been no warm-up. At step `warmup` the rate is "
            "still the peak; from there it falls over the steps - warmup that are left.",
            answer=lambda step, steps, peak, warmup: (
                peak * (step + 1) / warmup if step < warmup else peak * (steps - step) / steps
            ),
        ),
        Mistake(
            id="too_early_to_zero",
            message="The last step has a rate of 0 and does nothing. 0 would be reached at "
            "`steps`, "
            "one after the last.",
            answer=lambda step, steps, peak, warmup: (
                peak * (step + 1) / warmup
                if step < warmup
                else peak * (steps - 1 - step) / max(steps - 1 - warmup, 1)
            ),
        ),
        Mistake(
            id="one_step_too_long",
            message="At step `warmup` the rate is above the peak: the rise ends at step "
            "warmup - 1, so it is for `step < warmup`.",
            answer=lambda step, steps, peak, warmup: (
                peak * (step + 1) / warmup
                if step <= warmup
                else peak * (steps - step) / (steps - warmup)
            ),
        ),
        Mistake(
            id="falls_too_slowly",
            message="At step `warmup` the rate is already below the peak. From there to `steps` "
            "it is steps - warmup steps, not one more: divide by that.",
            answer=lambda step, steps, peak, warmup: (
                peak * (step + 1) / warmup
                if step < warmup
                else peak * (steps - step) / (steps - warmup + 1)
            ),
        ),
        Mistake(
            id="rises",
            message="After the warm-up it goes on rising, from 0. It should fall to 0: turn the "
            "fraction round, steps left over steps from there to the end.",
            answer=lambda step, steps, peak, warmup: (
                peak * (step + 1) / warmup
                if step < warmup
                else peak * (step - warmup) / (steps - warmup)
            ),
        ),
    ),
    hints=(
        "Two straight lines, and an `if` between them.",
        "Rising is given: the share of the warm-up that is done. Falling: the share of the rest "
        "that is still to come, with steps - warmup steps in it. Test it at step = warmup. See "
        "[learning-rate schedules](https://cs231n.github.io/neural-networks-3/#anneal).",
        "```python\nif step < warmup:\n    return peak * (step + 1) / ...\n"
        "return peak * (steps - step) / ...\n```",
    ),
)

# --- A trained model -----------------------------------------------------------------------------

WINDOWS, LENGTH, CUT = 40, 64, 9
# The first GPT with half of its steps has 0.81 of the pairs' loss, FastGPT with 500 steps 0.75.
QUICK = 0.5  # of the first training's seconds
LONGEST = 600  # seconds that a fast training may take where the first one's are not known


def _trained_cases(rng: np.random.Generator) -> list[Case]:
    windows = {
        name: passage(name).windows(rng, WINDOWS, LENGTH) for name in (SHAKESPEARE, EMBEDDED)
    }
    pairs = {name: passage(name).pair_loss(pieces) for name, pieces in windows.items()}
    return [{"windows": windows, "cut": CUT, "_pairs": pairs}]


def losses(case: Case, seen: Any) -> dict[str, dict[str, Any]]:
    """Per text that the model can read: its loss, that of letter pairs, and what is odd."""
    found = {}
    for name, text in seen["texts"].items():
        if text is None:
            continue
        ids, logits = text["ids"], text["logits"]
        V = logits.shape[-1]
        flat = logits.reshape(ids.shape[0], ids.shape[1] - 1, V)
        characters = "".join(case["windows"][name])
        found[name] = {
            "loss": reference.cross_entropy(flat.reshape(-1, V), ids[:, 1:].ravel()),
            "pairs": case["_pairs"][name],
            "leaks": not np.allclose(flat[:2, :CUT], text["cut"].reshape(2, CUT, V), atol=1e-3),
            "tells characters apart": len(set(characters)) == len(set(ids.ravel().tolist())),
        }
    return found


def _best(case: Case, seen: Any) -> dict[str, Any]:
    """What there is to say of the text that the model knows best."""
    return min(losses(case, seen).values(), key=lambda item: item["loss"] / item["pairs"])


def _judged(share: float) -> dict[str, Callable]:
    """`measure` and `reference` for a model whose loss is at most a share of letter pairs' loss."""

    def measure(case: Case, seen: Any) -> Any:
        best = _best(case, seen)
        return {
            "sees no future": not best["leaks"],
            "tells characters apart": best["tells characters apart"],
            "loss is low enough": best["loss"] <= share * best["pairs"],
            "a model of its own": not seen["the first one again"],
            "quicker": _quicker(seen),
        }

    return {
        "measure": measure,
        "reference": lambda case: {
            "sees no future": True,
            "tells characters apart": True,
            "loss is low enough": True,
            "a model of its own": True,
            "quicker": True,
        },
    }


def _quicker(seen: Any) -> bool:
    """Whether the second training took at most half of the first one's seconds, if known."""
    first = seen["first seconds"]
    if not seen["others"]:
        return True
    mine = seen["others"][0]
    if not isinstance(mine, (int, float)) or not mine > 0:
        return False
    return mine <= (QUICK * first if isinstance(first, (int, float)) else LONGEST)


def _explain(share: float) -> Callable:
    def explain(case: Case, seen: Any, expected: Any) -> str | None:
        best = _best(case, seen)
        if not best["tells characters apart"]:
            return "Different characters have the same number in `encode`"
        if best["leaks"]:
            return "What comes later changes what the model says earlier: the mask leaks"
        if best["loss"] > share * best["pairs"]:
            return (
                f"On {WINDOWS} windows that it has never seen its loss is {best['loss']:.2f}. A "
                f"table of letter pairs gets {best['pairs']:.2f} there, and "
                f"{share * best['pairs']:.2f} is asked for: train longer, or with another rate"
            )
        if seen["the first one again"]:
            return (
                "`fast_model` is `model`, the first GPT itself. Make a new one, with a name of its "
                "own, and train that"
            )
        mine, first = seen["others"][0], seen["first seconds"]
        if not isinstance(mine, (int, float)):
            return "`fast_seconds` should be a number: the seconds that the training took"
        if not mine > 0:
            return (
                f"`fast_seconds` is {mine:.1f}, and a training takes more than 0 seconds: the "
                "time after the loop minus the time before it"
            )
        if not isinstance(first, (int, float)):
            return (
                f"The loss is fine. It took {mine:.1f} seconds, and no `first_seconds` to compare "
                "it with is known: keep those of your first GPT's training there"
            )
        return (
            f"The loss is fine. It took {mine:.1f} seconds, the first GPT {first:.1f}: at most "
            f"{QUICK * first:.1f} are asked for"
        )

    return explain


class Parrot:
    """A stand-in for a trained model, made from counted letter pairs.

    It says what comes next with the probabilities of the pairs; `sharp` makes it as sure as one
    that looks up the answer, `leak` has it do so.
    """

    def __init__(self, uniform: bool = False, leak: bool = False, untrained: bool = False) -> None:
        self.uniform, self.leak, self.untrained = uniform, leak, untrained

    def eval(self) -> Parrot:
        return self

    def train(self, mode: bool = True) -> Parrot:
        return self

    def __call__(self, idx: Any, targets: Any = None) -> Any:
        import torch

        table = torch.tensor(passage(SHAKESPEARE).table, dtype=torch.float32)
        if self.untrained:
            table = torch.randn(table.shape, generator=torch.Generator().manual_seed(1))
        logits = torch.zeros(*idx.shape, len(table)) if self.uniform else table[idx]
        if self.leak:
            ahead = torch.cat([idx[:, 1:], idx[:, -1:]], dim=1)
            logits = 9.0 * torch.nn.functional.one_hot(ahead, len(table)).float()
        return logits, None


def encode(text: str) -> list[int]:
    """The `encode` of the stand-ins: a probe looks for it in their namespace."""
    return [passage(SHAKESPEARE).place[c] for c in text]


def _near(value: Callable[[dict[str, Any]], float]) -> Callable:
    """Recognises a model by its loss."""

    def recognise(case: Case, seen: Any, expected: Any) -> bool:
        best = _best(case, seen)
        return not best["leaks"] and abs(best["loss"] - value(best)) < 0.02

    return recognise


def _vocabulary(seen: Any) -> int:
    return next(text["logits"].shape[-1] for text in seen["texts"].values() if text)


def _trained_mistakes(*others: Any) -> tuple[Mistake, ...]:
    def answer(model: Any) -> Any:
        return (model, *others) if others else model

    return (
        Mistake(
            id="leaks",
            message="It looks ahead: what comes later changes what it says earlier. Its loss means "
            "nothing then. Check the mask of your `Head`, and train again.",
            answer=answer(Parrot(leak=True)),
            recognise=lambda case, seen, expected: _best(case, seen)["leaks"],
        ),
        Mistake(
            id="untrained",
            message="Its loss is no lower than that of blind guessing: is it the model that you "
            "trained, and does the loop call `optimizer.step()`?",
            answer=answer(Parrot(untrained=True)),
            recognise=lambda case, seen, expected: (
                _best(case, seen)["loss"] > 0.93 * np.log(_vocabulary(seen))
            ),
        ),
        Mistake(
            id="only_pairs",
            message="It is as good as a table of letter pairs, no better. It needs more steps, or "
            "another learning rate; if more steps do not help, look whether your blocks are used.",
            answer=answer(Parrot()),
            recognise=_near(lambda best: best["pairs"]),
        ),
    )


train_gpt = Exercise(
    id="train_gpt",
    title="Train your GPT",
    takes={"model": "value"},
    points=3,
    minutes=7,
    difficulty=3,
    cases=_trained_cases,
    probe=probes.trained,
    explain=_explain(0.87),
    show=lambda case: f"your model on {WINDOWS} windows of {LENGTH} characters, never seen",
    limit=20.0,
    trains=True,
    mistakes=_trained_mistakes(),
    hints=(
        "It is the loop that trained the bigram model, with one line more: the learning rate is "
        "set anew at each step.",
        '`optimizer.param_groups` is a list of dicts; `group["lr"] = ...` sets the rate of one. '
        "Then batch, forward, zero, backward, step. `progress(steps)` hands out the step numbers. "
        "See [torch.optim](https://pytorch.org/docs/stable/optim.html).",
        "```python\nfor step in progress(steps):\n    for group in optimizer.param_groups:\n"
        '        group["lr"] = learning_rate(step, steps, peak, warmup)\n'
        "    x, y = get_batch(train_data, batch_size, block_size)\n    logits, loss = model(x, y)\n"
        "    optimizer.zero_grad()\n    ...\n    ...\n    progress.show(loss)\n```",
    ),
    **_judged(0.87),
)

predict_batch = question(
    "predict_batch",
    "Few and large, or many and small?",
    right="b",
    minutes=2,
    options={
        "a": Option(
            text="200 steps of 64 windows: each step is more exact",
            why="It is more exact, and there are eight times fewer of them. A gradient of 8 "
            "windows "
            "already points the right way; eight steps along it lead further than one step along "
            "a better one.",
        ),
        "b": Option(
            text="1,600 steps of 8 windows: more steps",
            why="Early in training any gradient points the right way, so the number of steps "
            "decides. "
            "Large batches pay when the loss is so low that the noise of small ones is in the way, "
            "or when a larger machine makes them free.",
        ),
        "c": Option(
            text="The same: both see the same number of characters",
            why="What is seen is the same. What is done with it is not: the weights move after "
            "each "
            "batch, 1,600 times instead of 200.",
        ),
    },
    hints=(
        "How often do the weights move in each case?",
        "How wrong is the direction of a step, this early, if it comes from 8 windows?",
        "If the direction is roughly right either way, what counts is how many steps you take.",
    ),
)

faster = Exercise(
    id="faster",
    title="Beat your own time",
    takes={"fast_model": "value", "fast_seconds": "value"},
    points=3,
    minutes=8,
    difficulty=4,
    cases=_trained_cases,
    probe=probes.trained,
    explain=_explain(0.8),
    show=lambda case: f"fast_model on {WINDOWS} windows of {LENGTH} characters, and its seconds",
    limit=20.0,
    trains=True,
    mistakes=(*_trained_mistakes(5.0),),
    hints=(
        "One line in the loop. Below it four: the model, the time, the training, the time again.",
        "Clipping belongs between `loss.backward()`, which fills in the gradients, and "
        "`optimizer.step()`, which uses them. If the time is too long, take fewer steps; the "
        "schedule then ends earlier, too. See [clip_grad_norm_]"
        "(https://pytorch.org/docs/stable/generated/torch.nn.utils.clip_grad_norm_.html).",
        "```python\n        loss.backward()\n"
        "        nn.utils.clip_grad_norm_(model.parameters(), 1.0)\n        ...\n\n"
        "fast_model = FastGPT()\nstart = time.process_time()\ntrain_fast(...)\n"
        "fast_seconds = ...\n```",
    ),
    **_judged(0.8),
)
