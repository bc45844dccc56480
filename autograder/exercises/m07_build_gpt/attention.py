"""The exercises about averaging and attention: one head, several heads, what they can't see."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograder.core.exercise import Case, Exercise, Mistake, Option, Rule, question
from autograder.exercises.m07_build_gpt import reference
from autograder.exercises.m07_build_gpt.wrong import variant
from autograder.probes import m07_build_gpt as probes

# --- Averaging -----------------------------------------------------------------------------------


def _average_cases(rng: np.random.Generator) -> list[Case]:
    return [{"x": rng.normal(size=shape) + 0.5} for shape in ((2, 5, 3), (4, 3, 7), (3, 1, 2))]


def _averages(case: Case) -> np.ndarray:
    x = np.asarray(case["x"])
    return np.stack([x[:, : t + 1].mean(1) for t in range(x.shape[1])], axis=1)


def _average_with(weights: Callable[[int], np.ndarray]) -> Callable:
    """An average of rows by a (T, T) table of weights."""

    def average(x: Any) -> Any:
        return np.einsum("ts,bsc->btc", weights(x.shape[1]), np.asarray(x, dtype=float))

    return average


def _mean_table(T: int) -> np.ndarray:
    return np.tril(np.ones((T, T))) / np.arange(1, T + 1)[:, None]


def _one_of_both(weights: Callable[[int], np.ndarray]) -> dict[str, Any]:
    """A mistake's answer, and whether one of the two functions makes it."""
    wrong = _average_with(weights)

    def recognise(case: Case, seen: Any, expected: Any) -> bool:
        x = np.asarray(case["x"])
        want = np.einsum("ts,bsc->btc", weights(x.shape[1]), x)
        return x.shape[1] > 1 and any(
            np.shape(out) == want.shape
            and np.allclose(out, want, atol=1e-4)
            and not np.allclose(out, _averages(case), atol=1e-4)
            for out in (seen[name] for name in BOTH)
        )

    return {"answer": (_average_with(_mean_table), wrong), "recognise": recognise}


def _nan_like(case: Case, seen: Any, weights: Callable[[int], np.ndarray]) -> bool:
    """Whether some places are nan where such weights are, and the others as the weights say."""
    x = np.asarray(case["x"])
    table = weights(x.shape[1])
    bad = np.isnan(table).any(-1)
    want = np.einsum("ts,bsc->btc", np.nan_to_num(table), x)
    return (
        bad.any()
        and not bad.all()
        and any(
            np.shape(out) == want.shape
            and np.isnan(out[:, bad]).all()
            and np.allclose(out[:, ~bad], want[:, ~bad], atol=1e-4)
            for out in (seen[name] for name in BOTH)
        )
    )


def _upside_down(T: int) -> np.ndarray:
    """Weights where minus infinity stands at the places that may be seen."""
    with np.errstate(invalid="ignore"):
        table = np.triu(np.ones((T, T)), 1)
        return table / table.sum(-1, keepdims=True)


def _without_itself(T: int) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        table = np.tril(np.ones((T, T)), -1)
        return table / table.sum(-1, keepdims=True)


def _borrowed(x: Any) -> Any:
    return average_matmul(x)  # noqa: F821  the probe puts it there, as the notebook has it


BOTH = ("average_matmul", "average_softmax")


def _explain_averages(case: Case, seen: Any, expected: Any) -> str | None:
    for name in BOTH:
        got, want = seen[name], expected[name]
        if np.shape(got) != want.shape:
            return f"`{name}` gives the shape {np.shape(got)}, expected {want.shape}"
        if np.isnan(got).any():
            return (
                f"`{name}` gives nan. 0 times minus infinity is nan, and so is the softmax of a "
                "row that is minus infinity throughout: put minus infinity in with `masked_fill`, "
                "where the triangle of ones has a 0"
            )
        wrong = ~np.isclose(got, want, 1e-4, 1e-5)
        if wrong.any():
            t = int(np.argwhere(wrong)[0][1])
            return f"`{name}` is wrong at place {t}: it should be the mean of places 0 to {t}"
    return None


def _column_softmax(T: int) -> np.ndarray:
    return reference.softmax(np.where(np.tril(np.ones((T, T))) > 0, 0.0, -1e30), axis=0)


averaging = Exercise(
    id="averaging",
    title="The mean of all so far",
    takes={"average_matmul": "function", "average_softmax": "function"},
    points=2,
    minutes=9,
    difficulty=3,
    cases=_average_cases,
    probe=probes.averages,
    reference=lambda case: {
        "average_matmul": _averages(case),
        "average_softmax": _averages(case),
        "each does its own work": True,
    },
    explain=_explain_averages,
    show=lambda case: f"both functions on x of shape {np.shape(case['x'])}",
    rtol=1e-4,
    atol=1e-5,
    rules=(
        Rule(call="torch.cumsum", instead="one product of a table of weights with x"),
        Rule(call="torch.mean", instead="one product of a table of weights with x"),
        Rule(call="average_loop", instead="one product of a table of weights with x"),
    ),
    mistakes=(
        Mistake(
            id="borrowed",
            message="One of the two calls the other. Write each in its own way, up to its own "
            "`weights @ x`.",
            answer=(_average_with(_mean_table), _borrowed),
            recognise=lambda case, seen, expected: not seen["each does its own work"],
        ),
        Mistake(
            id="upside_down",
            message="The mask is the wrong way round: the last place may look at none, so its row "
            "of scores is minus infinity throughout, and its softmax is nan. Fill where the "
            "triangle of ones has a 0.",
            answer=(_average_with(_mean_table), _average_with(_upside_down)),
            recognise=lambda case, seen, expected: _nan_like(case, seen, _upside_down),
        ),
        Mistake(
            id="without_itself",
            message="Place 0 is nan: it may look at none, not even at itself, so there is nothing "
            "to average. The diagonal belongs to the triangle.",
            answer=(_average_with(_mean_table), _average_with(_without_itself)),
            recognise=lambda case, seen, expected: _nan_like(case, seen, _without_itself),
        ),
        Mistake(
            id="future",
            message="Each place gets the mean of all places, also of those after it: the table of "
            "weights needs zeros above its diagonal.",
            **_one_of_both(lambda T: np.full((T, T), 1 / T)),
        ),
        Mistake(
            id="sums",
            message="These are sums. Divide each row of weights by its own sum, so that it adds "
            "up to 1.",
            **_one_of_both(lambda T: np.tril(np.ones((T, T)))),
        ),
        Mistake(
            id="by_T",
            message="Every sum is divided by T. Row t has t + 1 places to average: divide each row "
            "by its own sum (`keepdim=True` keeps it a column).",
            **_one_of_both(lambda T: np.tril(np.ones((T, T))) / T),
        ),
        Mistake(
            id="upwards",
            message="Each place gets the mean of itself and what comes after it: the triangle is "
            "the wrong way round. `torch.tril` keeps the lower one.",
            **_one_of_both(lambda T: _mean_table(T)[::-1, ::-1]),
        ),
        Mistake(
            id="by_columns",
            message="The weights add up to 1 down the columns. Each *row* belongs to one place "
            "and should add up to 1: `dim=-1`, or `sum(1, keepdim=True)`.",
            **_one_of_both(_column_softmax),
        ),
        Mistake(
            id="divided_along_the_row",
            message="Each column is divided by the sum of the row with its number: without "
            "`keepdim=True` the sums lie along a row. Keep them a column.",
            **_one_of_both(lambda T: np.tril(np.ones((T, T))) / np.arange(1, T + 1)[None, :]),
        ),
        Mistake(
            id="zeros_in_softmax",
            message="The future still has weight: a score of 0 is no small one, e⁰ is 1. Scores of "
            "what may not be seen are minus infinity before the softmax.",
            **_one_of_both(lambda T: reference.softmax(np.tril(np.ones((T, T))))),
        ),
    ),
    hints=(
        "Row t of a table says how much of each place goes into place t. Which numbers stand in "
        "row 0, in row 1, in row 2?",
        "1/(t+1) up to the diagonal, 0 after it. First way: a triangle of ones, each row divided "
        "by its sum. Second: zeros and minus infinities, then softmax. See "
        "[torch.tril](https://pytorch.org/docs/stable/generated/torch.tril.html).",
        "```python\nweights = tril / tril.sum(1, keepdim=...)     # average_matmul\n"
        "scores = torch.zeros(T, T).masked_fill(tril == 0, ...)\n"
        "weights = F.softmax(scores, dim=...)          # average_softmax\n```",
    ),
)
predict_leak = question(
    "predict_leak",
    "Without the triangle",
    right="c",
    minutes=2,
    options={
        "a": Option(
            text="Both rise: the model drowns in characters that it does not need",
            why="What it may look at too much of, it learns to ignore. But one of those places "
            "is no "
            "burden at all: at place t the input holds, at t + 1, exactly what is to be guessed.",
        ),
        "b": Option(
            text="The training loss falls, the validation loss rises: it learns by heart",
            why="The validation windows are measured in the same way, with the same leak: there, "
            "too, "
            "the answer stands in the input, one place further.",
        ),
        "c": Option(
            text="Both fall almost to 0, and the text that it writes is rubbish",
            why="At place t it may copy the answer from place t + 1, so both losses look "
            "wonderful. "
            "When it writes, nothing stands there yet. A loss that is too good to be true is the "
            "usual sign of a leak.",
        ),
        "d": Option(
            text="Nothing changes: the loss only asks for the next character",
            why="It asks for the next character at every place at once, and at all places but "
            "the last "
            "that character is already part of the input.",
        ),
    },
    hints=(
        "At place 3, where in the input does the right answer stand?",
        "y at place 3 is x at place 4. Is the model shown x at place 4?",
        "It can copy in training and in validation. Where can it not copy?",
    ),
)

# --- One head ------------------------------------------------------------------------------------


def _head_cases(rng: np.random.Generator) -> list[Case]:
    return [
        {
            "make": [size],
            "setting": {"n_embd": width, "block_size": block, "dropout": 0.0, **OTHERS},
            "shapes": shapes,
            "seed": int(rng.integers(2**31)),
        }
        for size, width, block, shapes in (
            (6, 10, 8, [(3, 8), (2, 5), (4, 1)]),
            (7, 5, 9, [(2, 9), (5, 4)]),
        )
    ]


OTHERS = {"n_head": 3, "n_layer": 2, "head_size": 77, "vocab_size": 13}


def head_ways(case: Case, seen: Any) -> list[tuple]:
    """The ways to read a head's weights."""
    C = np.asarray(seen["x"][0]).shape[-1]
    layers = reference.of_kind(seen["leaves"], "linear")
    return [
        heads[0] for heads, _ in reference.attentions(layers, C, 1, case["make"][0], last=False)
    ]


ROLES = ("query", "key", "value")


def _named_ways(case: Case, seen: Any) -> list[tuple]:
    """The ways to read a head's weights; where they have the names of the stub, only that one."""
    layers = [leaf for leaf in seen["leaves"] if leaf["kind"] in ("linear", "matrix")]
    by_name = {leaf.get("name"): leaf for leaf in layers}
    if len(layers) == 3 and set(by_name) == set(ROLES):
        return [tuple(reference.of_kind([by_name[role] for role in ROLES], "linear"))]
    return head_ways(case, seen)


def _gives(seen: Any, ways: list[tuple], **how: Any) -> bool:
    pairs = list(zip(seen["x"], seen["out"], strict=True))
    return any(
        all(reference.close(out, reference.one_head(x, *way, **how)) for x, out in pairs)
        for way in ways
    )


def _head_gives(case: Case, seen: Any, **how: Any) -> bool:
    return _gives(seen, head_ways(case, seen) if how else _named_ways(case, seen), **how)


def _in_other_roles(*orders: tuple[int, int, int]) -> Callable[[Case, Any, Any], bool]:
    """Recognises a head whose query, key and value are those of these places in the right way."""

    def recognise(case: Case, seen: Any, expected: Any) -> bool:
        if _head_gives(case, seen):
            return False
        ways = _named_ways(case, seen)
        return _gives(seen, [tuple(way[i] for i in order) for way in ways for order in orders])

    return recognise


def of_outputs(seen: Any) -> dict[str, Any]:
    """What is checked of every part, whatever it computes."""
    outs = seen["out"]
    fine = all(isinstance(out, np.ndarray) for out in outs)
    return {
        "takes fewer tokens than block_size": fine,
        "layers where torch sees them": not seen["in plain lists"],
        "the same twice in evaluation": isinstance(seen["again"], np.ndarray)
        and np.allclose(seen["again"], outs[0], atol=1e-5, equal_nan=True),
    }


def sees_no_future(seen: Any) -> bool:
    """Whether places before a change keep their outputs."""
    a, b = (np.nan_to_num(out[:, :2]) for out in (seen["later changed"], seen["out"][0]))
    return reference.close(a, b)


GOOD_OUTPUTS = {
    "takes fewer tokens than block_size": True,
    "layers where torch sees them": True,
    "the same twice in evaluation": True,
}


def _measure_head(case: Case, seen: Any) -> Any:
    return {
        "shape": list(np.shape(seen["out"][0])),
        **of_outputs(seen),
        "sees no future": sees_no_future(seen),
        "numbers": _head_gives(case, seen),
        "all weights get a gradient": seen.get("gradients missing", 1) == 0,
    }


def _head_reference(case: Case, seen: Any) -> Any:
    return {
        "shape": [*np.shape(seen["x"][0])[:2], case["make"][0]],
        **GOOD_OUTPUTS,
        "sees no future": True,
        "numbers": True,
        "all weights get a gradient": True,
    }


def explain_outputs(found: dict[str, Any], expected: dict[str, Any], seen: Any) -> str | None:
    """What can be said of every part."""
    if found["shape"] != expected["shape"]:
        return (
            f"From x of shape {np.shape(seen['x'][0])} comes the shape {tuple(found['shape'])}, "
            f"expected {tuple(expected['shape'])}"
        )
    if not found["takes fewer tokens than block_size"]:
        text = next(out for out in seen["out"] if isinstance(out, str))
        return f"With fewer tokens than block_size it raises {text}"
    if any(np.isnan(out).any() for out in seen["out"]):
        return (
            "What comes out holds nan, as where a row of scores is minus infinity throughout. Is "
            "the mask the right way round, with its diagonal, and does the softmax run along the "
            "rows, `dim=-1`?"
        )
    if not found["the same twice in evaluation"]:
        return "In evaluation mode it gives other numbers each time, for the same input"
    return None


def _explain_head(case: Case, seen: Any, expected: Any) -> str | None:
    found = _measure_head(case, seen)
    told = explain_outputs(found, expected, seen)
    if told:
        return told
    if not head_ways(case, seen):
        size = case["make"][0]
        return (
            "No query, key and value are found among its layers: make three "
            f"`nn.Linear(n_embd, head_size, bias=False)`, here with head_size = {size}"
        )
    if not found["sees no future"]:
        return (
            "What comes later changes what comes out earlier: look at the mask, and at the axis of "
            "the softmax"
        )
    if not found["all weights get a gradient"]:
        return "A gradient doesn't reach all of its layers: is each of them used?"
    return (
        "Its numbers are not those of softmax(mask(q kᵀ / √head_size)) v with your own weights: go "
        "through the four lines one by one"
    )


def show_part(name: str) -> Callable[[Case], str]:
    """The call of a part's case."""

    def show(case: Case) -> str:
        told = ("n_embd", "block_size", "dropout")
        given = ", ".join(f"{k} = {case['setting'][k]}" for k in told if k in case["setting"])
        made = f"{name}({', '.join(str(item) for item in case['make'])})"
        shape = (*case["shapes"][0], case["setting"]["n_embd"])
        return f"{given}\n{made} on x of shape {shape}"

    return show


def _head(id: str, message: str, old: str, new: str, **how: Any) -> Mistake:
    """A mistake of one head, recognised by its numbers."""
    return Mistake(
        id=id,
        message=message,
        answer=variant("Head", (old, new)),
        recognise=lambda case, seen, expected: _head_gives(case, seen, **how),
    )


def _head_nearly(case: Case, seen: Any, **how: Any) -> bool:
    """Whether a head that gives nan or infinity at some places gives these numbers elsewhere."""
    x, out = seen["x"][0], seen["out"][0]
    fine = np.isfinite(out).all(axis=(0, 2))
    return (
        fine.any()
        and not fine.all()
        and any(
            reference.close(out[:, fine], reference.one_head(x, *way, **how)[:, fine])
            for way in head_ways(case, seen)
        )
    )


def _nan_head(id: str, message: str, *changes: tuple[str, str], **how: Any) -> Mistake:
    """A mistake of one head that leaves nan or infinity at some places."""
    return Mistake(
        id=id,
        message=message,
        answer=variant("Head", *changes),
        recognise=lambda case, seen, expected: _head_nearly(case, seen, **how),
    )


SCALE = "* self.head_size**-0.5"
CROP = "self.tril[:T, :T] == 0"


def not_cropped(seen: Any) -> bool:
    """Whether fewer tokens than block_size fail, and as many as block_size do not."""
    return isinstance(seen["out"][0], np.ndarray) and any(
        isinstance(out, str) for out in seen["out"]
    )


head = Exercise(
    id="head",
    title="One head of attention",
    takes={"Head": "class"},
    points=3,
    minutes=14,
    difficulty=4,
    cases=_head_cases,
    probe=probes.layer,
    measure=_measure_head,
    reference=_head_reference,
    explain=_explain_head,
    show=show_part("Head"),
    mistakes=(
        _head(
            "scaled_by_width",
            "The scores are divided by √n_embd. The sum in q · k has head_size terms, so divide by "
            "√head_size. (The lecture's code has n_embd here, too; the paper has head_size.)",
            SCALE,
            "* C**-0.5",
            scale="embd",
        ),
        _head(
            "not_scaled",
            "The scores are not divided by √head_size: large ones make the softmax pick one place "
            "and ignore the rest.",
            SCALE,
            "",
            scale="none",
        ),
        _head(
            "no_root",
            "The scores are divided by head_size. Divide by its square root, `* head_size**-0.5`.",
            SCALE,
            "/ self.head_size",
            scale="not rooted",
        ),
        _head(
            "multiplied",
            "The scores are multiplied by √head_size. Divide by it: `* head_size**-0.5`.",
            SCALE,
            "* self.head_size**0.5",
            scale="times",
        ),
        _head(
            "scaled_by_length",
            "The scores are divided by √T, the root of how many tokens there are. Divide by "
            "√head_size.",
            SCALE,
            "* T**-0.5",
            scale="context",
        ),
        _head(
            "softmax_over_queries",
            "The softmax runs down the columns, over the time axis of the queries. Each row of "
            "scores belongs to one query and should add up to 1: `dim=-1`.",
            "dim=-1)\n        return weights",
            "dim=-2)\n        return weights",
            axis=-2,
        ),
        _head(
            "no_mask",
            "There is no mask: every token sees those after it, too.",
            'scores = scores.masked_fill(self.tril[:T, :T] == 0, float("-inf"))',
            "",
            mask="none",
        ),
        _head(
            "inverted",
            "The mask is the wrong way round: each token sees itself and what comes after it. Fill "
            "with minus infinity where the triangle is 0.",
            CROP,
            "self.tril[:T, :T].T == 0",
            mask="inverted",
        ),
        _head(
            "zero_filled",
            "Scores of the future are set to 0, and e⁰ is 1: they still get weight. Fill with "
            "minus infinity.",
            'float("-inf")',
            "0.0",
            mask="zeros",
        ),
        _head(
            "masked_after",
            "The mask comes after the softmax, so the rows no longer add up to 1. Mask the scores, "
            "then take the softmax.",
            'scores = scores.masked_fill(self.tril[:T, :T] == 0, float("-inf"))\n'
            "        weights = F.softmax(scores, dim=-1)",
            "weights = F.softmax(scores, dim=-1) * self.tril[:T, :T]",
            mask="after",
        ),
        _nan_head(
            "upside_down",
            "The mask is the wrong way round: the last row of scores is minus infinity throughout, "
            "and its softmax is nan. Fill with minus infinity where the triangle is 0.",
            (CROP, "self.tril[:T, :T] == 1"),
            mask="strictly inverted",
        ),
        _nan_head(
            "without_itself",
            "The first row of scores is minus infinity throughout, and its softmax is nan: a token "
            "may look at itself, so the diagonal belongs to the triangle.",
            (CROP, "torch.tril(torch.ones(T, T), -1) == 0"),
            mask="not itself",
        ),
        _nan_head(
            "no_softmax",
            "There is no softmax: minus infinity itself is multiplied with the values. Make "
            "weights of the scores, `F.softmax(scores, dim=-1)`.",
            ("F.softmax(scores, dim=-1)", "scores"),
            mask="no softmax",
        ),
        Mistake(
            id="softmax_over_the_batch",
            message="The softmax runs over the batch, `dim=0`. Each row of scores belongs to one "
            "query and should add up to 1: `dim=-1`.",
            answer=variant("Head", ("F.softmax(scores, dim=-1)", "F.softmax(scores, dim=0)")),
            recognise=lambda case, seen, expected: (
                _head_nearly(case, seen, axis=0) or _head_gives(case, seen, axis=0)
            ),
        ),
        Mistake(
            id="mask_not_cropped",
            message="With fewer tokens than block_size it fails: the triangle is for block_size "
            "tokens. Cut it to the T that there are: `self.tril[:T, :T]`.",
            answer=variant("Head", (CROP, "self.tril == 0")),
            recognise=lambda case, seen, expected: not_cropped(seen),
        ),
        Mistake(
            id="x_for_value",
            message="It mixes x itself: the weights should mix the values, `self.value(x)`.",
            answer=variant("Head", ("return weights @ v", "return weights @ x")),
            recognise=lambda case, seen, expected: (
                np.shape(seen["out"][0])[-1] == np.shape(seen["x"][0])[-1] != case["make"][0]
            ),
        ),
        Mistake(
            id="same_for_both",
            message="One layer gives both query and key (or key and value): each of the three has "
            "weights of its own.",
            answer=variant("Head", ("self.query(x)", "self.key(x)")),
            recognise=_in_other_roles(
                *(
                    (i, j, k)
                    for i in range(3)
                    for j in range(3)
                    for k in range(3)
                    if len({i, j, k}) < 3
                )
            ),
        ),
        Mistake(
            id="keys_as_queries",
            message="Queries and keys are swapped. Row t of the scores belongs to the query of "
            "token t: `q @ k.transpose(-2, -1)`.",
            answer=variant(
                "Head",
                ("k, q, v = self.key(x), self.query(x)", "q, k, v = self.key(x), self.query(x)"),
            ),
            recognise=_in_other_roles((1, 0, 2)),
        ),
        Mistake(
            id="values_in_the_scores",
            message="The values stand where the queries or the keys belong. The scores are made of "
            "queries and keys; the weights then mix the values.",
            answer=variant(
                "Head",
                ("k, q, v = self.key(x), self.query(x)", "v, q, k = self.key(x), self.query(x)"),
            ),
            recognise=_in_other_roles((0, 2, 1), (2, 1, 0), (1, 2, 0), (2, 0, 1)),
        ),
        Mistake(
            id="detached",
            message="Its numbers are right, and a gradient doesn't reach all of its layers, so "
            "they would never be trained. Leave out `.detach()`, `.data` and `torch.no_grad()`.",
            answer=variant("Head", ("return weights @ v", "return weights.detach() @ v")),
            recognise=lambda case, seen, expected: (
                seen["gradients missing"] != 0 and _head_gives(case, seen)
            ),
        ),
    ),
    hints=(
        "Four lines: the scores, the mask, the softmax, the mix. You had the last three in "
        "`average_softmax`, where all scores were 0.",
        "`q @ k.transpose(-2, -1)` is (B, T, T): row t has the scores of query t. Scale it by "
        "head_size, not by n_embd. Then [masked_fill]"
        "(https://pytorch.org/docs/stable/generated/torch.Tensor.masked_fill_.html), with the "
        "triangle cut to the T at hand.",
        "```python\nB, T, C = x.shape\nq, k, v = self.query(x), self.key(x), self.value(x)\n"
        "scores = q @ k.transpose(-2, -1) * ...          # (B, T, T)\n"
        'scores = scores.masked_fill(self.tril[:T, :T] == 0, float("-inf"))\n'
        "weights = F.softmax(scores, dim=...)\nreturn weights @ ...                            "
        "# (B, T, head_size)\n```",
    ),
)

predict_shuffled = question(
    "predict_shuffled",
    "Shuffled",
    right="a",
    minutes=2,
    options={
        "a": Option(
            text="Nothing: its output is exactly the same",
            why="A weighted sum does not know in which order it was added up. Each token brings "
            "its "
            "own key and value along, wherever it stands. So a head alone can't tell `dog bites "
            "man` from `man bites dog`.",
        ),
        "b": Option(
            text="It changes a little, because nearer tokens count more",
            why="Nothing in a head says which token is near. The weight of a token comes from "
            "its key "
            "alone, and the key from the token alone.",
        ),
        "c": Option(
            text="It changes completely, because every weight is another one",
            why="Each token takes its weight along to its new place: the same weights, in another "
            "order. And a sum has no order.",
        ),
        "d": Option(
            text="It changes, because the mask has another effect",
            why="For the last token nothing is masked, before the shuffle or after it: all the "
            "others "
            "stand before it.",
        ),
    },
    hints=(
        "Write the output of the last token as a sum: weight times value, for each token.",
        "What does the weight of a token depend on? Is its place among that?",
        "Swap two terms of a sum: what happens to the sum?",
    ),
)

# --- Several heads -------------------------------------------------------------------------------


def _multi_cases(rng: np.random.Generator) -> list[Case]:
    return [
        {
            "make": [heads, size],
            "setting": {
                "n_embd": width,
                "block_size": block,
                "dropout": 0.35,
                **OTHERS,
                "n_head": heads + 2,
            },
            "shapes": shapes,
            "seed": int(rng.integers(2**31)),
        }
        for heads, size, width, block, shapes in (
            (3, 4, 10, 8, [(2, 8), (4, 5)]),
            (2, 5, 11, 7, [(3, 7), (1, 3)]),
        )
    ]


def _multi_gives(case: Case, seen: Any, **how: Any) -> bool:
    x = seen["x"]
    layers = reference.of_kind(seen["leaves"], "linear")
    for heads, last in reference.attentions(layers, x[0].shape[-1], *case["make"]):
        if all(
            reference.close(out, reference.attend(each, heads, last, **how))
            for each, out in zip(x, seen["out"], strict=True)
        ):
            return True
    return False


def _measure_multi(case: Case, seen: Any) -> Any:
    return {
        "shape": list(np.shape(seen["out"][0])),
        **of_outputs(seen),
        "sees no future": sees_no_future(seen),
        "numbers": _multi_gives(case, seen),
        "dropout in training": seen["differs in training"],
        "the share of dropout": share_right(case, seen),
    }


def share_right(case: Case, seen: Any) -> bool:
    """Whether as many of the outputs are 0 in training as `dropout` says."""
    return abs(seen["share dropped"] - case["setting"]["dropout"]) < 0.06


def _multi_reference(case: Case, seen: Any) -> Any:
    return {
        "shape": list(np.shape(seen["x"][0])),
        **GOOD_OUTPUTS,
        "sees no future": True,
        "numbers": True,
        "dropout in training": True,
        "the share of dropout": True,
    }


PLAIN_LIST = (
    "Layers stand in a plain Python list, where torch does not see them: they would never be "
    "trained. Use `nn.ModuleList([...])`."
)


def in_plain_list(case: Case, seen: Any, expected: Any) -> bool:
    return bool(seen["in plain lists"])


def dropout_in_evaluation(case: Case, seen: Any, expected: Any) -> bool:
    return isinstance(seen["again"], np.ndarray) and not np.allclose(
        seen["again"], seen["out"][0], atol=1e-5, equal_nan=True
    )


def dropout_mistakes(name: str, end: str, early: tuple[str, str]) -> tuple[Mistake, ...]:
    """Dropout with another share, or not at the end; `end` is the text of the right layer."""

    def late(case: Case, seen: Any) -> bool:
        return seen["differs in training"] and seen["share dropped"] > 0.03

    return (
        Mistake(
            id="another_share",
            message="In training another share of the outputs is set to 0 than `dropout` says: end "
            "with one `nn.Dropout(dropout)`, without a number of your own.",
            answer=variant(name, (end, "nn.Dropout(0.2)")),
            recognise=lambda case, seen, expected: late(case, seen) and not share_right(case, seen),
        ),
        Mistake(
            id="dropout_early",
            message="In training none of the outputs is 0, so dropout does not stand at the end. "
            "It comes last, after the last linear layer.",
            answer=variant(name, early),
            recognise=lambda case, seen, expected: (
                seen["differs in training"] and not late(case, seen)
            ),
        ),
    )


def _explain_multi(case: Case, seen: Any, expected: Any) -> str | None:
    found = _measure_multi(case, seen)
    told = explain_outputs(found, expected, seen)
    if told:
        return told
    if not found["sees no future"]:
        return "What comes later changes what comes out earlier: the mask lets the future through"
    if not found["numbers"]:
        layers = reference.of_kind(seen["leaves"], "linear")
        if not list(reference.attentions(layers, seen["x"][0].shape[-1], *case["make"])):
            shapes = ", ".join(f"{m[0].shape[1]} to {m[0].shape[0]}" for m in layers)
            return (
                f"Its linear layers are {shapes}. Expected: query, key and value for each head, "
                "then one layer of num_heads * head_size to n_embd"
            )
        return (
            "Its numbers are not those of the heads side by side, then the last layer, with your "
            "own weights"
        )
    return "In training nothing is dropped: end with `nn.Dropout(dropout)`"


OUT = "return self.dropout(self.proj(out))"
CAT = "out = torch.cat([head(x) for head in self.heads], dim=-1)"


class _Lost:
    """Recognises several heads whose last layer is missing: the heads' outputs themselves."""

    def __call__(self, case: Case, seen: Any, expected: Any) -> bool:
        layers = reference.of_kind(seen["leaves"], "linear")
        C = seen["x"][0].shape[-1]
        ways = list(reference.attentions(layers, C, *case["make"], last=False))
        ways += [(heads, None) for heads, _ in reference.attentions(layers, C, *case["make"])]
        return any(
            reference.close(seen["out"][0], reference.attend(seen["x"][0], heads, None))
            for heads, _ in ways
        )


def _added_heads(case: Case, seen: Any, expected: Any) -> bool:
    x, layers = seen["x"][0], reference.of_kind(seen["leaves"], "linear")
    for heads, last in reference.attentions(layers, x.shape[-1], *case["make"]):
        outs = [reference.one_head(x, *each) for each in heads]
        side = np.concatenate([outs[0]] * len(outs), axis=-1)
        if reference.close(seen["out"][0], reference.apply(side, last)):
            return True
    return False


multi_head = Exercise(
    id="multi_head",
    title="Several heads",
    takes={"MultiHeadAttention": "class"},
    points=2,
    minutes=8,
    difficulty=3,
    cases=_multi_cases,
    probe=probes.layer,
    measure=_measure_multi,
    reference=_multi_reference,
    explain=_explain_multi,
    show=show_part("MultiHeadAttention"),
    mistakes=(
        Mistake(
            id="plain_list",
            message=PLAIN_LIST,
            answer=variant(
                "MultiHeadAttention",
                (
                    "nn.ModuleList([Head(head_size) for _ in range(num_heads)])",
                    "[Head(head_size) for _ in range(num_heads)]",
                ),
            ),
            recognise=in_plain_list,
        ),
        Mistake(
            id="one_head_again",
            message="All heads are the same one. Make a new `Head(head_size)` for each, in a "
            "comprehension: a list times num_heads repeats one object.",
            answer=variant(
                "MultiHeadAttention",
                (
                    "[Head(head_size) for _ in range(num_heads)]",
                    "[Head(head_size)] * num_heads",
                ),
            ),
            recognise=lambda case, seen, expected: (
                len(reference.of_kind(seen["leaves"], "linear")) == 4
                and seen["leaves"][0]["weight"].shape[0] == case["make"][1]
            ),
        ),
        Mistake(
            id="first_head",
            message="Only the first head is used, again and again: call each head on x.",
            answer=variant(
                "MultiHeadAttention",
                (CAT, "out = torch.cat([self.heads[0](x) for _ in self.heads], dim=-1)"),
            ),
            recognise=_added_heads,
        ),
        Mistake(
            id="no_last_layer",
            message="The heads' outputs come out as they are. Send them through the last layer, "
            "`nn.Linear(num_heads * head_size, n_embd)`, so that the heads can be mixed.",
            answer=variant("MultiHeadAttention", (OUT, "return self.dropout(out)")),
            recognise=_Lost(),
        ),
        Mistake(
            id="no_dropout",
            message="In training nothing is dropped: end with `nn.Dropout(dropout)`.",
            answer=variant("MultiHeadAttention", (OUT, "return self.proj(out)")),
            recognise=lambda case, seen, expected: (
                not seen["differs in training"] and _multi_gives(case, seen)
            ),
        ),
        Mistake(
            id="dropout_always",
            message="It drops numbers in evaluation mode, too: `nn.Dropout` stops by itself there; "
            "`F.dropout` needs `training=self.training`.",
            answer=variant(
                "MultiHeadAttention", (OUT, "return F.dropout(self.proj(out), dropout)")
            ),
            recognise=dropout_in_evaluation,
        ),
        *dropout_mistakes(
            "MultiHeadAttention",
            "nn.Dropout(dropout)",
            (OUT, "return self.proj(self.dropout(out))"),
        ),
        Mistake(
            id="scaled_by_width",
            message="The scores are divided by √n_embd: each head has head_size of its own, so "
            "divide by √head_size.",
            answer=variant("MultiHeadAttention", (SCALE, "* C**-0.5")),
            recognise=lambda case, seen, expected: _multi_gives(case, seen, scale="embd"),
        ),
        Mistake(
            id="not_scaled",
            message="The scores are not divided by √head_size.",
            answer=variant("MultiHeadAttention", (SCALE, "")),
            recognise=lambda case, seen, expected: _multi_gives(case, seen, scale="none"),
        ),
        Mistake(
            id="sees_future",
            message="There is no mask: every token sees those after it, too.",
            answer=variant(
                "MultiHeadAttention",
                ('scores = scores.masked_fill(self.tril[:T, :T] == 0, float("-inf"))', ""),
            ),
            recognise=lambda case, seen, expected: _multi_gives(case, seen, mask="none"),
        ),
    ),
    hints=(
        "Each head reads the same x. Their outputs go side by side.",
        "`nn.ModuleList([...])` is a list whose modules torch can see. `torch.cat(list, dim=-1)` "
        "puts (B, T, head_size) pieces side by side: (B, T, num_heads * head_size). See "
        "[ModuleList](https://pytorch.org/docs/stable/generated/torch.nn.ModuleList.html).",
        "```python\nself.heads = nn.ModuleList([Head(head_size) for _ in range(...)])\n"
        "...\n"
        "out = torch.cat([head(x) for head in ...], dim=-1)\nreturn self.dropout(...)\n```",
    ),
)
