"""The exercises that train: by heart, then on to the rule, and what moves before it shows."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from autograder.core.exercise import Case, Exercise, Mistake, Option, question
from autograder.exercises.m10_grokking import wrong
from autograder.exercises.m10_grokking.data import pairs
from autograder.probes import m10_grokking as probes

P = 59  # the notebook's prime
KNOWN = 0.4  # the share of the table that is trained on
BY_HEART = 0.99  # training accuracy from which on a model knows its pairs
NOT_THE_RULE = 0.5  # test accuracy that a model without weight decay may have
THE_RULE = 0.95  # test accuracy asked for with weight decay

# --- The loop ------------------------------------------------------------------------------------


def _train_cases(rng: np.random.Generator) -> list[Case]:
    return [
        {
            "name": name,
            "setting": {"p": p, "lr": 77.0, "weight_decay": 7.0, "epochs": 3},
            "known": known,
            "factor": factor,
            "weight_decay": decay,
            "epochs": epochs,
            "seed": int(rng.integers(2**31)),
        }
        for name, p, known, factor, decay, epochs in (
            ("strong decay", 7, 18, 1, 1.5, 40),
            ("no decay", 5, 11, 2, 0.0, 61),
            ("a little decay", 6, 20, 1, 0.4, 30),
        )
    ]


def train_facts(case: Case, seen: Any) -> dict[str, Any]:
    """What is checked of a training."""
    kept = [row.get("epoch") for row in seen["history"]]
    ratio = float(np.mean(np.asarray(seen["still"]) / np.asarray(seen["still before"])))
    return {
        "trains": bool(seen["follows"] and seen["steps"] > 0),
        "training pairs only": not seen["test pairs seen"],
        "all training pairs each time": seen["whole training set"],
        "gradients start from zero": seen["piled up"] == 0,
        "steps": abs(seen["steps"] - case["epochs"]) <= 1,
        "decay": _decays(ratio, case["weight_decay"], seen["steps"]),
        "history": kept == list(range(0, case["epochs"] + 1, 20)),
        "loss falls": seen["last"] < 0.95 * seen["first"],
    }


def _decays(ratio: float, decay: float, steps: int) -> bool:
    """Whether weights without a gradient shrank by 1 - 0.01 · decay a step (one step of leeway)."""
    wanted = [(1 - 0.01 * decay) ** n for n in (steps - 1, steps, steps + 1)]
    return min(wanted) - 2e-4 <= ratio <= max(wanted) + 2e-4


def _ratio(seen: Any) -> float:
    return float(np.mean(np.asarray(seen["still"]) / np.asarray(seen["still before"])))


GOOD_TRAINING = {
    "trains": True,
    "training pairs only": True,
    "all training pairs each time": True,
    "gradients start from zero": True,
    "steps": True,
    "decay": True,
    "history": True,
    "loss falls": True,
}


def _explain_train(case: Case, seen: Any, expected: Any) -> str | None:
    facts = train_facts(case, seen)
    if not facts["steps"]:
        return (
            f"It takes {seen['steps']} steps where {case['epochs']} are expected. Each turn of the "
            "loop is one step, on all training pairs at once"
        )
    if not facts["all training pairs each time"]:
        return (
            "Not every step sees all training pairs once. Here an epoch is one step on the whole "
            "training set: `tokens[train_set]`"
        )
    if not facts["history"]:
        return (
            "`history` should hold what `record` kept, every 20 epochs. Leave these lines as given"
        )
    if not facts["decay"]:
        n, decay = seen["steps"], case["weight_decay"]
        times = np.log(max(_ratio(seen), 1e-9)) / (n * np.log(1 - 0.01 * decay))
        if times > 1.5 and abs(times - round(times)) < 0.05:
            return (
                f"A weight without any gradient shrinks {times:.0f} times as fast as it should. "
                "Call `optimizer.step()` once in each turn, with the `weight_decay` that is given"
            )
        return (
            f"With weight_decay = {decay}, a weight without any gradient went to "
            f"{_ratio(seen):.3f} of what it was, in {n} steps. AdamW at lr = 0.01 takes "
            f"{0.01 * decay:.3f} of it away at each step, which leaves "
            f"{(1 - 0.01 * decay) ** n:.3f}"
        )
    return (
        f"The loss on the training pairs went from {seen['first']:.2f} to {seen['last']:.2f}: it "
        "should fall. Are the answers those of the training pairs?"
    )


def _fact(name: str) -> Callable:
    return lambda case, seen, expected: not train_facts(case, seen)[name]


train = Exercise(
    id="full_batch",
    title="Train, and write down what happens",
    takes={"train": "function"},
    points=2,
    minutes=10,
    difficulty=2,
    cases=_train_cases,
    probe=probes.training,
    measure=train_facts,
    reference=lambda case: GOOD_TRAINING,
    explain=_explain_train,
    show=lambda case: (
        f"train(model, weight_decay={case['weight_decay']}, epochs={case['epochs']}) with a small "
        f"model of ours, {case['known']} training pairs"
    ),
    limit=20.0,
    mistakes=(
        Mistake(
            id="leak",
            message="It trains on pairs of the test set. What the model is tested on it must "
            "never see: use `tokens[train_set]` and `answers[train_set]`.",
            answer=wrong.train(("tokens[train_set]", "tokens"), ("answers[train_set]", "answers")),
            recognise=_fact("training pairs only"),
        ),
        Mistake(
            id="piles_up",
            message="The gradients of all steps pile up: `backward` adds to what is there. Call "
            "`optimizer.zero_grad()` before it.",
            answer=wrong.train(("        optimizer.zero_grad()\n", "")),
            recognise=_fact("gradients start from zero"),
        ),
        Mistake(
            id="no_step",
            message="The weights do not follow their gradients. The order is zero_grad, backward, "
            "step: is `optimizer.step()` there, and is nothing zeroed between the last two?",
            answer=wrong.train(("        optimizer.step()\n", "")),
            recognise=_fact("trains"),
        ),
        Mistake(
            id="no_decay",
            message="The argument `weight_decay` is not used: the weights shrink not at all where "
            "they should. Hand it to the optimizer.",
            answer=wrong.train(("weight_decay=weight_decay", "weight_decay=0.0")),
            recognise=lambda case, seen, expected: (
                case["weight_decay"] > 0
                and _wrong_decay(case, seen)
                and abs(_ratio(seen) - 1) < 1e-6
            ),
        ),
        Mistake(
            id="default_decay",
            message="The argument `weight_decay` is not used: AdamW takes its own, 0.01, where it "
            "is given none. So a control without weight decay would have some.",
            answer=wrong.train((", weight_decay=weight_decay", "")),
            recognise=lambda case, seen, expected: (
                case["weight_decay"] != 0.01
                and _wrong_decay(case, seen)
                and _decays(_ratio(seen), 0.01, seen["steps"])
                and _ratio(seen) < 1 - 1e-5
            ),
        ),
        Mistake(
            id="fixed_decay",
            message="The weights shrink as with a weight decay of 1, whatever the argument says. "
            "Hand the argument on: `weight_decay=weight_decay`.",
            answer=wrong.train(("weight_decay=weight_decay", "weight_decay=1.0")),
            recognise=lambda case, seen, expected: (
                case["weight_decay"] != 1
                and _wrong_decay(case, seen)
                and _decays(_ratio(seen), 1.0, seen["steps"])
            ),
        ),
        Mistake(
            id="adam",
            message="This is Adam, not AdamW. Adam adds the decay to the gradient and then divides "
            "by its size, so weights without a gradient shrink by the full learning rate.",
            answer=wrong.train(("optim.AdamW", "optim.Adam")),
            recognise=lambda case, seen, expected: (
                case["weight_decay"] > 0
                and _wrong_decay(case, seen)
                and _shrinks_like_adam(case, seen)
            ),
        ),
        Mistake(
            id="other_rate",
            message="With AdamW a weight without a gradient shrinks by lr · weight_decay at each "
            "step. Yours shrinks as with lr = 0.001, which is AdamW's own: give it `lr=0.01`.",
            answer=wrong.train(("lr=0.01, ", "")),
            recognise=lambda case, seen, expected: (
                case["weight_decay"] > 0
                and _wrong_decay(case, seen)
                and _decays(_ratio(seen), 0.1 * case["weight_decay"], seen["steps"])
            ),
        ),
        Mistake(
            id="stops_at_a_good_score",
            message="It ends before all epochs are done, where `record` first sees every test pair "
            "right. Train for as many epochs as are asked: a training that ends at a good test "
            "accuracy has chosen the number that it reports.",
            answer=wrong.train(
                (
                    "            record(history, model, epoch)\n",
                    "            record(history, model, epoch)\n"
                    "            if history[-1]['test'] >= 0.99:\n"
                    "                break\n",
                )
            ),
            recognise=lambda case, seen, expected: (
                seen["steps"] == 20 < case["epochs"]
                and [row.get("epoch") for row in seen["history"]] == [0, 20]
            ),
        ),
        Mistake(
            id="uphill",
            message="The loss grows: the steps lead uphill. `backward` belongs to the loss itself, "
            "with no minus sign.",
            answer=wrong.train(("loss.backward()", "(-loss).backward()")),
            recognise=lambda case, seen, expected: seen["last"] > 1.05 * seen["first"],
            on=("no decay", "a little decay"),  # a strong one may keep the loss down
        ),
        Mistake(
            id="one_step",
            message="It takes one step and no more: the lines of the step belong inside the loop, "
            "at the same depth as the `if`.",
            answer=wrong.train(
                (
                    "        logits = model(tokens[train_set])\n"
                    "        loss = F.cross_entropy(logits, answers[train_set])\n"
                    "        optimizer.zero_grad()\n"
                    "        loss.backward()\n"
                    "        optimizer.step()\n",
                    "    logits = model(tokens[train_set])\n"
                    "    loss = F.cross_entropy(logits, answers[train_set])\n"
                    "    optimizer.zero_grad()\n"
                    "    loss.backward()\n"
                    "    optimizer.step()\n",
                )
            ),
            recognise=lambda case, seen, expected: seen["steps"] == 1,
        ),
        Mistake(
            id="only_when_recorded",
            message="It takes a step only where it also records: the lines of the step stand "
            "inside the `if`. They belong to every turn of the loop.",
            answer=wrong.train(
                (
                    "        logits = model(tokens[train_set])\n"
                    "        loss = F.cross_entropy(logits, answers[train_set])\n"
                    "        optimizer.zero_grad()\n"
                    "        loss.backward()\n"
                    "        optimizer.step()\n",
                    "            logits = model(tokens[train_set])\n"
                    "            loss = F.cross_entropy(logits, answers[train_set])\n"
                    "            optimizer.zero_grad()\n"
                    "            loss.backward()\n"
                    "            optimizer.step()\n",
                )
            ),
            recognise=lambda case, seen, expected: (
                1 < seen["steps"] == len(range(0, case["epochs"] + 1, 20))
            ),
        ),
    ),
    hints=(
        "One line for the optimizer, then the five lines of every training that you wrote.",
        "`torch.optim.AdamW(model.parameters(), lr=..., betas=..., weight_decay=...)`: see "
        "[AdamW](https://pytorch.org/docs/stable/generated/torch.optim.AdamW.html). The batch is "
        "always the same, `tokens[train_set]`.",
        "```python\nlogits = model(tokens[train_set])\n"
        "loss = F.cross_entropy(logits, ...)\noptimizer.zero_grad()\n...\n...\n```",
    ),
)


def _wrong_decay(case: Case, seen: Any) -> bool:
    """Whether the steps are right, and weights without a gradient shrink by another amount."""
    facts = train_facts(case, seen)
    return facts["steps"] and not facts["decay"]


def _shrinks_like_adam(case: Case, seen: Any) -> bool:
    """Whether weights without a gradient moved by about lr a step towards 0."""
    before, after = np.asarray(seen["still before"]), np.asarray(seen["still"])
    large = np.abs(before) > 0.02 * seen["steps"]
    moved = (np.abs(before) - np.abs(after))[large] if large.any() else np.abs(before - after)
    wanted = 0.01 * seen["steps"]
    return bool(large.any() and np.all(np.abs(moved - wanted) < 0.4 * wanted))


# --- Claims --------------------------------------------------------------------------------------


def _claim_cases(rng: np.random.Generator) -> list[Case]:
    return [{"tokens": pairs(P)[0]}]


def scores(case: Case, seen: Any) -> dict[str, Any]:
    """The split, and the accuracy on either side of it, computed from the logits."""
    train_set = np.asarray(seen["train"])
    hits = np.argmax(seen["logits"], axis=-1) == pairs(P)[1]
    inside = (train_set >= 0) & (train_set < P * P)
    known = np.zeros(P * P, dtype=bool)
    known[train_set[inside]] = True
    return {
        "split": bool(inside.all())
        and len(np.unique(train_set)) == len(train_set)
        and abs(len(train_set) - KNOWN * P * P) <= 2,
        "shape": np.shape(seen["logits"]) == (P * P, P),
        "finite": bool(np.isfinite(seen["logits"]).all()),
        "train": float(hits[known].mean()) if known.any() else 0.0,
        "test": float(hits[~known].mean()) if (~known).any() else 0.0,
        "count": len(train_set),
    }


def _control_facts(case: Case, seen: Any) -> dict[str, bool]:
    found = scores(case, seen)
    return {
        "split": found["split"],
        "logits": found["shape"] and found["finite"],
        "knows its pairs": found["train"] >= BY_HEART,
        "not the rule": found["test"] <= NOT_THE_RULE,
    }


def _rule_facts(case: Case, seen: Any) -> dict[str, bool]:
    found = scores(case, seen)
    return {
        "split": found["split"],
        "logits": found["shape"] and found["finite"],
        "knows its pairs": found["train"] >= THE_RULE,
        "the rule": found["test"] >= THE_RULE,
    }


def _told(found: dict[str, Any]) -> str:
    return (
        f"Of the {found['count']} training pairs it gets {found['train']:.1%} right, of the others "
        f"{found['test']:.1%}"
    )


def _bad_split(found: dict[str, Any]) -> str:
    return (
        f"`train_set` has {found['count']} pairs. It should be the split of your notebook: 40% of "
        f"the {P * P} pairs, {round(KNOWN * P * P)} different ones"
    )


def _explain_control(case: Case, seen: Any, expected: Any) -> str | None:
    found = scores(case, seen)
    if not found["split"]:
        return _bad_split(found)
    if not _control_facts(case, seen)["logits"]:
        return f"The logits have the shape {np.shape(seen['logits'])}, or are not finite"
    return f"{_told(found)}. Expected at least {BY_HEART:.0%}, and at most {NOT_THE_RULE:.0%}"


def _explain_rule(case: Case, seen: Any, expected: Any) -> str | None:
    found = scores(case, seen)
    if not found["split"]:
        return _bad_split(found)
    if not _rule_facts(case, seen)["logits"]:
        return f"The logits have the shape {np.shape(seen['logits'])}, or are not finite"
    return f"{_told(found)}. Expected at least {THE_RULE:.0%} of both"


def _split_of(fraction: float = KNOWN) -> np.ndarray:
    order = np.random.default_rng(4).permutation(P * P)
    return order[: round(fraction * P * P)]


class StandIn:
    """Stands for a trained model: right on a share of its training pairs, and of the others."""

    def __init__(self, elsewhere: float, known: Any = None, at_home: float = 1.0) -> None:
        rng = np.random.default_rng(1)
        right = rng.random(P * P) < elsewhere
        if known is not None:
            right[known] = rng.random(len(known)) < at_home
        self.guess = np.where(right, pairs(P)[1], (pairs(P)[1] + 1) % P)

    @functools.cached_property
    def W_E(self) -> Any:
        import torch

        rows = np.random.default_rng(2).normal(size=(P + 1, 4))
        return torch.tensor(rows, dtype=torch.float32)

    def __call__(self, tokens: Any) -> Any:
        import torch

        chosen = torch.tensor(self.guess)[tokens[:, 0] * P + tokens[:, 1]]
        return torch.nn.functional.one_hot(chosen, P).float()


def _claim_mistakes(*own: Mistake) -> tuple[Mistake, ...]:
    """What can be wrong in both claims, and what in one only."""
    known = _split_of()
    return (
        Mistake(
            id="all_pairs_known",
            message="`train_set` holds all pairs of the table, so nothing is left to test on. It "
            "is the first part of your split.",
            answer=(StandIn(1.0), np.arange(P * P)),
            recognise=lambda case, seen, expected: len(np.unique(seen["train"])) == P * P,
        ),
        Mistake(
            id="test_set_given",
            message="This is the test set: it has 60% of the pairs. Pass `train_set`.",
            answer=(StandIn(0.0, known), np.setdiff1d(np.arange(P * P), known)),
            recognise=lambda case, seen, expected: (
                abs(len(np.unique(seen["train"])) - (1 - KNOWN) * P * P) <= 2
            ),
        ),
        Mistake(
            id="untrained",
            message="It gets hardly any pair right, not even of those for training. Is it the "
            "model that you handed to `train`, and does `train` take steps?",
            answer=(StandIn(0.02), known),
            recognise=lambda case, seen, expected: (
                scores(case, seen)["split"]
                and scores(case, seen)["train"] < 0.1
                and scores(case, seen)["test"] < 0.1
            ),
        ),
        *own,
    )


claim_control = Exercise(
    id="claim_control",
    title="By heart",
    takes={"memoriser": "value", "train_set": "value"},
    points=2,
    minutes=4,
    difficulty=1,
    cases=_claim_cases,
    probe=probes.trained,
    measure=_control_facts,
    reference=lambda case: {
        "split": True,
        "logits": True,
        "knows its pairs": True,
        "not the rule": True,
    },
    explain=_explain_control,
    show=lambda case: f"memoriser on all {P * P} pairs",
    limit=10.0,
    trains=True,
    mistakes=_claim_mistakes(
        Mistake(
            id="too_short",
            message="It does not know all its training pairs. Without weight decay 2,000 epochs "
            "are more than enough; if its curve dips at the very end, train again from another "
            "seed.",
            answer=(StandIn(0.1, _split_of(), 0.8), _split_of()),
            recognise=lambda case, seen, expected: (
                scores(case, seen)["split"]
                and scores(case, seen)["train"] < BY_HEART
                and scores(case, seen)["test"] <= NOT_THE_RULE
            ),
        ),
        Mistake(
            id="has_decay",
            message="It gets most of the pairs right that it never saw. Did it train with weight "
            "decay, or on pairs of the test set? The control is a new `OneLayer()`, trained "
            "with `weight_decay=0`.",
            answer=(StandIn(0.97, _split_of()), _split_of()),
            recognise=lambda case, seen, expected: (
                scores(case, seen)["split"] and scores(case, seen)["test"] > 0.6
            ),
        ),
    ),
    hints=(
        "A new model, and a call of your `train`.",
        "Keep the model under the name `memoriser`, and what `train` returns under `by_heart`. "
        "The text above says how many epochs. On control experiments: "
        "[scientific control](https://en.wikipedia.org/wiki/Scientific_control).",
        "```python\nmemoriser = OneLayer()\n"
        "by_heart = train(memoriser, weight_decay=..., epochs=...)\n```",
    ),
)

claim_grokking = Exercise(
    id="claim_grokking",
    title="The rule",
    takes={"grokker": "value", "train_set": "value"},
    points=3,
    minutes=5,
    difficulty=1,
    cases=_claim_cases,
    probe=probes.trained,
    measure=_rule_facts,
    reference=lambda case: {
        "split": True,
        "logits": True,
        "knows its pairs": True,
        "the rule": True,
    },
    explain=_explain_rule,
    show=lambda case: f"grokker on all {P * P} pairs",
    limit=10.0,
    trains=True,
    mistakes=_claim_mistakes(
        Mistake(
            id="no_decay",
            message="It knows its training pairs, and little else. Did it train with "
            "`weight_decay=1.0`, for 2,000 epochs? A few starts need longer than others: if "
            "the curve is still rising, train again from another seed.",
            answer=(StandIn(0.2, _split_of()), _split_of()),
            recognise=lambda case, seen, expected: (
                scores(case, seen)["split"]
                and scores(case, seen)["train"] >= BY_HEART
                and scores(case, seen)["test"] < 0.6
            ),
        ),
        Mistake(
            id="nearly",
            message="Most pairs that it never saw are right, and at least 95% are asked for. Look "
            "at its curve after 2,000 epochs: if it is still rising, or dips at the very end, "
            "train again from another seed.",
            answer=(StandIn(0.85, _split_of()), _split_of()),
            recognise=lambda case, seen, expected: (
                scores(case, seen)["split"] and 0.6 <= scores(case, seen)["test"] < THE_RULE
            ),
        ),
    ),
    hints=(
        "A new model again: a model that already knows its pairs by heart is another experiment.",
        "As before, with weight decay, and for as many epochs. See "
        "[weight decay](https://d2l.ai/chapter_linear-regression/weight-decay.html).",
        "```python\ngrokker = OneLayer()\nlate = train(grokker, weight_decay=..., epochs=...)\n```",
    ),
)

# --- Predictions ---------------------------------------------------------------------------------

predict_more = question(
    "predict_more",
    "Three times as long?",
    right="c",
    minutes=2,
    options={
        "a": Option(
            text="The test accuracy climbs slowly to 100%: more practice, more skill",
            why="Practice on what? Every training pair is right already, and nothing in the loss "
            "speaks of the others. In the three runs below none came near.",
        ),
        "b": Option(
            text="The test accuracy falls: it learns the training set ever more by heart",
            why="That is what a textbook's curve of overfitting shows. Here all pairs were known "
            "by heart before epoch 100, and the test accuracy has risen a little since.",
        ),
        "c": Option(
            text="The weights go on growing; the test accuracy rises a little at most",
            why="The loss on the training pairs is nearly 0, never quite, and larger logits make "
            "it smaller still. AdamW divides each gradient by its usual size, so the steps do not "
            "vanish with it. But no one asks for the other cells. Keep this answer in mind: with "
            "one number changed, it will be wrong.",
        ),
        "d": Option(
            text="Nothing: the loss on the training pairs is nearly 0, so the weights stay put",
            why="The gradient is close to nothing, but the steps are not: AdamW divides each "
            "gradient by its usual size. The table below shows by how much the weights still grow.",
        ),
    },
    hints=(
        "What does the gradient look like when every training pair is right, almost with "
        "certainty? And what does AdamW make of it?",
        "The gradient of cross-entropy is probability minus truth: nearly the same here, and never "
        "quite. AdamW divides it by a running mean of its size before it steps.",
        "Larger logits make the loss on known pairs smaller still. Of the other pairs the loss "
        "knows nothing.",
    ),
)

predict_inside = question(
    "predict_inside",
    "What moves first?",
    right="b",
    minutes=2,
    options={
        "a": Option(
            text="Nothing moves until the test accuracy does: the rule is found in one step",
            why="From outside it looks like that. But a step is small, and a rule needs many "
            "weights at the right value: they have to come from somewhere.",
        ),
        "b": Option(
            text="The embedding changes all the time: what belongs to a rule grows, the rest "
            "shrinks, and only near the end it decides the answers",
            why="The two work side by side for a long time. While the answers still come from "
            "memory, the test accuracy shows little of the other.",
        ),
        "c": Option(
            text="Weight decay first wipes out what was learnt by heart, then the rule is learnt "
            "from nothing",
            why="Then the training accuracy would fall in between, and stay low for a while. Look "
            "at its curve: but for a short dip where the loss jumps, it stays at 100%.",
        ),
    },
    hints=(
        "The training accuracy is nearly always 100%. What does that say about the memory?",
        "Weight decay makes every weight a little smaller, at every step; only what the loss "
        "needs is put back.",
        "Two ways to get the training pairs right, one cheap and one expensive in weights, can be "
        "there at the same time.",
    ),
)

conclude = question(
    "conclude",
    "What you may say",
    right="d",
    minutes=2,
    options={
        "a": Option(
            text="Every network finds the rule behind its data if you train it long enough",
            why="Yours without weight decay did not, nor did some of the course's runs with it and "
            "another rate, in the time that they had. One task and one recipe were shown.",
        ),
        "b": Option(
            text="Measures inside a network predict when a new skill will appear",
            why="The Fourier share was chosen after people had taken the finished network apart. "
            "For a skill that nobody understands yet there is no such measure at hand.",
        ),
        "c": Option(
            text="A network that fails a test today will not pass it after more training",
            why="You have seen the opposite: at 100% in training and few right in the test, "
            "it was on its way.",
        ),
        "d": Option(
            text="In this task, a skill that shows late from outside grew earlier inside, and the "
            "frequencies found there are enough for its answers",
            why="That much you measured: the share over time, and the cut that left only these "
            "frequencies, beside one of equal energy. It is an existence proof, in a toy.",
        ),
    },
    hints=(
        "Which of these did you measure, and which goes further than your runs?",
        "Count the tasks and recipes that you tried, and ask when the measure was chosen.",
        "The careful sentence names the task, what was seen, and by which test.",
    ),
)
