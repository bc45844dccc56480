"""The exercises that open a trained model: two scores, and a causal test."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograder.core.exercise import Case, Exercise, Mistake, Option, question
from autograder.exercises.m07_build_gpt import reference
from autograder.probes import m09_induction_heads as probes


def _patterns(rng: np.random.Generator, B: int, H: int, T: int) -> np.ndarray:
    """Attention patterns (B, H, T, T), as the heads of a model might have them."""
    scores = 1.5 * rng.normal(size=(B, H, T, T)) + rng.normal(size=(1, H, 1, T))
    seen = np.tril(np.ones((T, T), dtype=bool))
    return reference.softmax(np.where(seen, scores, -np.inf)).astype(np.float32)


# --- The previous token --------------------------------------------------------------------------


def _previous_cases(rng: np.random.Generator) -> list[Case]:
    return [{"args": [_patterns(rng, B, H, T)]} for B, H, T in ((3, 2, 7), (2, 5, 4), (4, 3, 9))]


def _diagonal(
    pattern: np.ndarray, back: int = 1, first: int | None = None, divide: int = 0
) -> np.ndarray:
    """By loops: each head's mean weight on the place `back` before."""
    pattern = np.asarray(pattern, dtype=float)
    B, H, T, _ = pattern.shape
    out = np.zeros(H)
    for h in range(H):
        weights = [
            pattern[b, h, t, t - back]
            for b in range(B)
            for t in range(max(back, 0) if first is None else first, T + min(back, 0))
        ]
        out[h] = sum(weights) / (len(weights) if not divide else divide * B)
    return out


def _previous(**how: Any) -> Callable:
    return lambda pattern: _diagonal(pattern.numpy(), **how)


previous_token_score = Exercise(
    id="previous_token_score",
    title="Who looks one place back?",
    takes={"previous_token_score": "function"},
    points=1,
    minutes=6,
    difficulty=2,
    cases=_previous_cases,
    probe=probes.tensors,
    reference=lambda case: _diagonal(case["args"][0]),
    show=lambda case: "previous_token_score(pattern), shape {}".format(case["args"][0].shape),
    rtol=1e-4,
    atol=1e-6,
    mistakes=(
        Mistake(
            id="itself",
            message="This is the weight of each place on itself. One place back is column t - 1 in "
            "row t, the diagonal below.",
            answer=_previous(back=0),
        ),
        Mistake(
            id="two_back",
            message="This is the weight on the place two back. Row t, column t - 1 is asked for.",
            answer=_previous(back=2),
        ),
        Mistake(
            id="rows_and_columns",
            message="This is the diagonal above the main one, where a place would look at the next "
            "one: always 0. Row t is who looks, column t - 1 where: `offset=-1`.",
            answer=_previous(back=-1),
        ),
        Mistake(
            id="all_rows",
            message="It divides by T rows, and row 0 has no place before it. Take the mean over "
            "the rows from 1 on.",
            answer=lambda pattern: _diagonal(pattern.numpy(), divide=pattern.shape[-1]),
        ),
        Mistake(
            id="over_heads",
            message="This is one number, the mean over all heads. Keep the heads apart: shape "
            "(H,).",
            answer=lambda pattern: float(_diagonal(pattern.numpy()).mean()),
        ),
        Mistake(
            id="best_head",
            message="This is the score of the best head alone. Return all of them: shape (H,).",
            answer=lambda pattern: float(_diagonal(pattern.numpy()).max()),
        ),
        Mistake(
            id="by_sequence",
            message="There is one score for each sequence and head. Take the mean over the "
            "sequences as well: shape (H,).",
            answer=lambda pattern: pattern.diagonal(-1, -2, -1).mean(-1),
        ),
        Mistake(
            id="sum",
            message="These are sums over all rows. Take the mean: between 0 and 1.",
            answer=lambda pattern: pattern.diagonal(-1, -2, -1).sum((0, 2)),
        ),
        Mistake(
            id="first_sequence",
            message="This is the first sequence alone. Take the mean over all.",
            answer=lambda pattern: pattern[0].diagonal(-1, -2, -1).mean(-1),
        ),
        Mistake(
            id="first_column",
            message="This is the weight on place 0, the first column. One place back is column "
            "t - 1 in row t.",
            answer=lambda pattern: pattern[:, :, 1:, 0].mean((0, 2)),
        ),
    ),
    hints=(
        "In a (T, T) pattern the weights on the place before lie on a diagonal. Which one?",
        "`pattern.diagonal(offset, 2, 3)` takes a diagonal of every table: offset 0 is the main "
        "one, -1 the one below. It gives (B, H, T - 1). See "
        "[diagonal](https://pytorch.org/docs/stable/generated/torch.diagonal.html).",
        "```python\nlooks = pattern.diagonal(..., 2, 3)  # (B, H, T - 1)\n"
        "return looks.mean((0, 2))\n```",
    ),
)

# --- The induction score -------------------------------------------------------------------------


def matches(idx: np.ndarray, after: int = 1, future: bool = False, wraps: bool = False) -> Any:
    """By loops: (B, T, T), True at (t, s) where the token `after` places before s is that of t.

    With after=1 these are the places just after an earlier copy of t's token.
    """
    B, T = idx.shape
    found = np.zeros((B, T, T), dtype=bool)
    for b in range(B):
        for t in range(T):
            for s in range(T if future else t + 1):
                before = s - after
                if wraps and before < 0:
                    before += T
                if 0 <= before < T and idx[b, before] == idx[b, t]:
                    found[b, t, s] = after != 0 or s < t
    return found


def scores_of(
    pattern: np.ndarray,
    match: np.ndarray,
    rows: np.ndarray | None = None,
    average: bool = False,
    by_row: bool = False,
) -> np.ndarray:
    """Each head's mean weight on matches: (B, H, T, T), (B, T, T) -> (H)."""
    weight = np.einsum("bhts,bts->bht", np.asarray(pattern, dtype=float), match)
    if average:
        weight = weight / np.maximum(match.sum(-1), 1)[:, None]
    rows = match.any(-1) if rows is None else rows
    if by_row:
        own = [weight[b][:, rows[b]].mean(-1) for b in range(len(weight)) if rows[b].any()]
        return np.mean(own, axis=0)
    return np.einsum("bht,bt->h", weight, rows) / rows.sum()


def _induction_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for B, H, T, V in ((3, 2, 11, 5), (2, 4, 9, 6), (4, 3, 13, 9)):
        idx = rng.integers(V, size=(B, T))
        idx[0, :3] = V - 1, 0, V - 1  # a copy two places back
        idx[-1, -2:] = 1  # and one right before
        idx[0, -1] = idx[0, 4]  # the last token stood before
        idx[1, -1] = V  # and here it did not
        idx[1, 2] = V + 1
        pattern = _patterns(rng, B, H, T)
        cases.append({"args": [pattern, idx]})
    return cases


def _score(**how: Any) -> Callable:
    """A wrong score that differs in which places count as matches."""
    return lambda pattern, idx: scores_of(pattern.numpy(), matches(idx.numpy(), **how))


def _most_recent(idx: np.ndarray) -> np.ndarray:
    match = matches(idx)
    last = match.shape[-1] - 1 - match[..., ::-1].argmax(-1)
    return match & (np.arange(match.shape[-1]) == last[..., None])


def _first_only(idx: np.ndarray) -> np.ndarray:
    match = matches(idx)
    return match & (np.arange(match.shape[-1]) == match.argmax(-1)[..., None])


def _whole(value: Callable[[np.ndarray], Any]) -> Callable:
    return lambda pattern, idx: value(scores_of(pattern.numpy(), matches(idx.numpy())))


induction_score = Exercise(
    id="induction_score",
    title="Who looks after the copy?",
    takes={"induction_score": "function"},
    points=3,
    minutes=9,
    difficulty=4,
    cases=_induction_cases,
    probe=probes.tensors,
    reference=lambda case: scores_of(case["args"][0], matches(case["args"][1])),
    show=lambda case: "induction_score(pattern, idx), shapes {} and {}".format(
        *(a.shape for a in case["args"])
    ),
    rtol=1e-4,
    atol=1e-6,
    mistakes=(
        Mistake(
            id="the_copy_itself",
            message="It counts weight on the earlier copy itself. What is to be read stands one "
            "place after it: column s counts where the token at s - 1 is that of row t.",
            answer=_score(after=0),
        ),
        Mistake(
            id="before_the_copy",
            message="It counts weight on the place before the copy. What is to be read stands "
            "after "
            "it: compare the token at s - 1, not at s + 1, with that of row t.",
            answer=_score(after=-1),
        ),
        Mistake(
            id="two_after",
            message="It counts weight two places after the copy. One after is asked for.",
            answer=_score(after=2),
        ),
        Mistake(
            id="all_rows",
            message="Rows without an earlier copy are in the mean, as zeros. There is nothing to "
            "look up there: take the mean over the rows that have a match.",
            answer=lambda pattern, idx: scores_of(
                pattern.numpy(),
                matches(idx.numpy()),
                rows=np.ones(tuple(idx.shape), dtype=bool),
            ),
        ),
        Mistake(
            id="rows_from_the_future",
            message="Too many rows are in the mean: those whose copy comes only later count as "
            "well. Keep the matches of s <= t (`tril`) before you ask which rows have any.",
            answer=lambda pattern, idx: scores_of(
                pattern.numpy(),
                matches(idx.numpy(), future=True),
            ),
        ),
        Mistake(
            id="round_the_end",
            message="Place 0 counts as a match of the last token: `roll` goes round the end. "
            "Before "
            "place 0 there is nothing.",
            answer=_score(wraps=True),
        ),
        Mistake(
            id="mean_of_matches",
            message="Where a row has several matches, it takes the mean of their weights. Add them "
            "up: a head that shares its weight among good places looks at good places.",
            answer=lambda pattern, idx: scores_of(
                pattern.numpy(), matches(idx.numpy()), average=True
            ),
        ),
        Mistake(
            id="most_recent",
            message="It counts the most recent match alone. Add up the weights on all of them.",
            answer=lambda pattern, idx: scores_of(pattern.numpy(), _most_recent(idx.numpy())),
        ),
        Mistake(
            id="first_match",
            message="It counts the first match alone. Add up the weights on all of them.",
            answer=lambda pattern, idx: scores_of(pattern.numpy(), _first_only(idx.numpy())),
        ),
        Mistake(
            id="rows_and_columns",
            message="Rows and columns are swapped: in the pattern the row is who looks, the column "
            "where.",
            answer=lambda pattern, idx: scores_of(
                pattern.numpy().swapaxes(-1, -2), matches(idx.numpy())
            ),
        ),
        Mistake(
            id="over_heads",
            message="This is one number, the mean over all heads. Keep the heads apart: shape "
            "(H,).",
            answer=_whole(lambda scores: float(scores.mean())),
        ),
        Mistake(
            id="best_head",
            message="This is the best head's score alone. Return all of them: shape (H,).",
            answer=_whole(lambda scores: float(scores.max())),
        ),
        Mistake(
            id="by_sequence",
            message="It is the mean of each sequence's own mean. Sequences have different numbers "
            "of rows that count: take the mean over all such rows at once.",
            answer=lambda pattern, idx: scores_of(
                pattern.numpy(), matches(idx.numpy()), by_row=True
            ),
        ),
        Mistake(
            id="sum",
            message="These are sums. Divide by the number of rows that count.",
            answer=lambda pattern, idx: (
                scores_of(pattern.numpy(), matches(idx.numpy()))
                * matches(idx.numpy()).any(-1).sum()
            ),
        ),
    ),
    hints=(
        "First make the table of what counts, (B, T, T), with the row t and the column s. Then the "
        "scores are sums and a mean.",
        "`idx[:, :, None] == before[:, None, :]` compares each t with each s, where `before` has, "
        "at place s, the token at s - 1. `.tril()` keeps s <= t. `match[:, None]` fits a pattern "
        "of "
        "(B, H, T, T). See "
        "[broadcasting](https://pytorch.org/docs/stable/notes/broadcasting.html).",
        "```python\nmatch = (idx[:, :, None] == before[:, None, :]).tril()\n"
        "counts = match.any(-1)  # (B, T)\nweight = (pattern * match[:, None]).sum(-1)  # (B, H, "
        "T)\n"
        "return (weight * counts[:, None]).sum((0, 2)) / ...\n```",
    ),
)

# --- The causal test -----------------------------------------------------------------------------

predict_knock_out = question(
    "predict_knock_out",
    "Knock one out",
    minutes=3,
    difficulty=2,
    right="c",
    options={
        "a": Option(
            text="All four matter: without any of them the accuracy drops to about a half",
            why="That would be so if they shared the work in equal parts. The map shows something "
            "else: in layer 1 one head stands out, in layer 2 both do the same.",
        ),
        "b": Option(
            text="The two in layer 2 matter, for they do the look-up; those in layer 1 do not",
            why="They do the look-up with keys that say what stood one place before. Who writes "
            "that into the stream? And if two heads do the same, what is lost with one?",
        ),
        "c": Option(
            text="The head that looks one place back matters most; one of layer 2 alone is missed "
            "little",
            why="Both heads of layer 2 need what that head writes. Of the two that look up, each "
            "can stand in for the other.",
        ),
        "d": Option(
            text="None matters: the others take over at once",
            why="A trained model is not trained again when a head is lost. Others take over only "
            "if they already did the same work.",
        ),
    },
    hints=(
        "Which work is done by one head alone, and which by two?",
        "Follow the chain: a head of layer 1 writes, the heads of layer 2 read it. What breaks if "
        "a link is gone that all depend on?",
        "Look at the map of scores: one high number in layer 1, two high numbers in layer 2.",
    ),
)


def _knock_cases(rng: np.random.Generator) -> list[Case]:
    from autograder.exercises.m09_induction_heads.task import repeating

    cases = []
    for L, H, B, T, V in ((2, 3, 9, 15, 8), (3, 2, 7, 18, 11)):
        periods = rng.integers(3, 7, size=B)
        shares = rng.dirichlet(np.full(L * H, 6.0))
        owners = rng.choice(L * H, p=shares, size=(2, B, T))
        owners[1, rng.random((B, T)) < 0.6] = -1  # most are known to one head alone
        owners[:, rng.random((B, T)) < 0.15] = -1  # and some to none
        every = [[layer, head] for layer in range(L) for head in range(H)]
        some = [every[i] for i in rng.permutation(L * H)[:3]]
        cases.append(
            {
                "n_layer": L,
                "n_head": H,
                "vocab_size": V,
                "idx": repeating(rng, periods, T, V),
                "periods": periods,
                "owners": owners,
                "heads": [some[:1], [[L - 1, 0]], some, [[0, H - 1], [0, 0]], []],
            }
        )
    return cases


def _without(case: Case, off: Callable[[int, int, list], bool]) -> list[float]:
    """The share of known places whose head is kept, for each list of heads."""
    T = case["idx"].shape[1]
    counts = np.arange(T - 1) >= case["periods"][:, None]
    found = []
    for heads in case["heads"]:
        kept = [
            owner >= 0 and not off(owner // case["n_head"], owner % case["n_head"], heads)
            for owner in case["owners"].ravel().tolist()
        ]
        known = np.array(kept).reshape(case["owners"].shape).any(0)
        found.append(float(np.mean(known[:, :-1][counts])))
    return found


def _in(layer: int, head: int, heads: list) -> bool:
    return [layer, head] in [list(pair) for pair in heads]


def _knocks(source: str) -> Callable:
    """A wrong `accuracy_without`, compiled with torch when it is called."""

    def accuracy_without(model: Any, idx: Any, periods: Any, heads: Any) -> Any:
        import torch

        from autograder.exercises.m09_induction_heads.task import accuracy

        def repeat_accuracy(logits: Any, idx: Any, periods: Any) -> float:
            return accuracy(logits.numpy(), idx.numpy(), periods.numpy())

        space = {"torch": torch, "repeat_accuracy": repeat_accuracy}
        body = "".join(f"    {line}\n" for line in source.splitlines())
        exec(f"def without(model, idx, periods, heads):\n{body}", space)
        return space["without"](model, idx, periods, heads)

    return accuracy_without


_ONES = "keep = torch.ones(model.n_layer, model.n_head)\n"
_OFF = "for layer, head in heads:\n    keep[layer, head] = 0\n"
_RUN = "logits, _ = model(idx, keep)\nreturn repeat_accuracy(logits, idx, periods)"

accuracy_without = Exercise(
    id="accuracy_without",
    title="Knock a head out",
    takes={"accuracy_without": "function"},
    points=2,
    minutes=9,
    difficulty=3,
    cases=_knock_cases,
    probe=probes.knocked_out,
    reference=lambda case: _without(case, _in),
    show=lambda case: (
        f"accuracy_without(model, idx, periods, heads), a model of {case['n_layer']} layers with "
        f"{case['n_head']} heads, heads = {case['heads'][0]} and four other lists"
    ),
    rtol=1e-5,
    atol=1e-6,
    mistakes=(
        Mistake(
            id="ignored",
            message="The heads are not knocked out: hand `keep` to the model, `model(idx, keep)`.",
            answer=_knocks("logits, _ = model(idx)\nreturn repeat_accuracy(logits, idx, periods)"),
        ),
        Mistake(
            id="inverted",
            message="It keeps the listed heads and knocks out all others. Begin with ones, and set "
            "those of the list to 0.",
            answer=_knocks(
                "keep = torch.zeros(model.n_layer, model.n_head)\n"
                "for layer, head in heads:\n    keep[layer, head] = 1\n" + _RUN
            ),
        ),
        Mistake(
            id="whole_layer",
            message="It knocks out the whole layer of each listed head: `keep[layer, head] = 0` "
            "sets one number.",
            answer=_knocks(_ONES + "for layer, head in heads:\n    keep[layer] = 0\n" + _RUN),
        ),
        Mistake(
            id="in_every_layer",
            message="It knocks out the heads of that number in every layer: `keep[layer, head] = "
            "0` "
            "sets one number.",
            answer=_knocks(_ONES + "for layer, head in heads:\n    keep[:, head] = 0\n" + _RUN),
        ),
        Mistake(
            id="only_the_first",
            message="It knocks out the first head of the list alone. All of them at once are asked "
            "for.",
            answer=_knocks(
                _ONES + "for layer, head in heads[:1]:\n    keep[layer, head] = 0\n" + _RUN
            ),
        ),
        Mistake(
            id="only_the_last",
            message="It knocks out the last head of the list alone: is `keep` made anew in the "
            "loop? All of them at once are asked for.",
            answer=_knocks(
                _ONES + "for layer, head in heads[-1:]:\n    keep[layer, head] = 0\n" + _RUN
            ),
        ),
        Mistake(
            id="drop",
            message="This is how much is lost. Return the accuracy that is left.",
            answer=_knocks(
                _ONES
                + _OFF
                + "whole = repeat_accuracy(model(idx)[0], idx, periods)\n"
                + "logits, _ = model(idx, keep)\n"
                + "return whole - repeat_accuracy(logits, idx, periods)"
            ),
        ),
        Mistake(
            id="wrong_ones",
            message="It counts the wrong guesses. Return the share of right ones.",
            answer=_knocks(
                _ONES
                + _OFF
                + "logits, _ = model(idx, keep)\nreturn 1 - repeat_accuracy(logits, idx, periods)"
            ),
        ),
    ),
    hints=(
        "The model takes a factor for each head. Which factor leaves a head as it is, and which "
        "takes it out?",
        "Begin with ones, shape (n_layer, n_head), and set a 0 for each pair of the list. Then it "
        "is your `repeat_accuracy`, with other logits. See "
        "[indexing](https://pytorch.org/docs/stable/tensors.html).",
        "```python\nkeep = torch.ones(model.n_layer, model.n_head)\nfor layer, head in heads:\n"
        "    keep[...] = ...\nlogits, _ = ...\nreturn repeat_accuracy(...)\n```",
    ),
)

predict_shows = question(
    "predict_shows",
    "What may you write?",
    minutes=2,
    difficulty=2,
    right="b",
    options={
        "a": Option(
            text="Language models learn in context by induction heads",
            why="You have seen one toy model on one made-up task. That such heads matter in models "
            "of language is a claim of its own, and needs its own evidence.",
        ),
        "b": Option(
            text="In this model, on these sequences, the look-up needs the head that looks one "
            "place back",
            why="This is what a knock-out shows, no more and no less: without that head, on this "
            "kind of sequence, the accuracy is gone.",
        ),
        "c": Option(
            text="A head with a high induction score does a look-up",
            why="You have seen the counterexample: the model of the trap scores high at its own "
            "period, and looks at places only. A score is a hint; the test is to change something.",
        ),
        "d": Option(
            text="The heads that can be knocked out without loss do nothing",
            why="Each head of layer 2 can be missed as long as the other is there. Without both "
            "nothing is left. A spare part is not a useless part.",
        ),
    },
    hints=(
        "Which of them goes no further than what was done?",
        "For each, ask: which run of this notebook would have come out otherwise if it were false?",
        "One of them names the model, the sequences and the intervention.",
    ),
)
