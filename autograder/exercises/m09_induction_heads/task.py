"""The exercises about the task: sequences that repeat, a loss, and an accuracy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograder.core.exercise import Case, Exercise, Mistake, Option, question
from autograder.probes import m09_induction_heads as probes


def repeating(
    rng: np.random.Generator, periods: np.ndarray, length: int, vocabulary: int
) -> np.ndarray:
    """Ids (B, length) whose row b repeats with periods[b]."""
    first = rng.integers(vocabulary, size=(len(periods), length))
    return np.stack([row[np.arange(length) % p] for row, p in zip(first, periods, strict=True)])


predict_known = question(
    "predict_known",
    "From where on?",
    minutes=3,
    right="c",
    options={
        "a": Option(
            text="From place 0 on: the whole sequence follows a rule",
            why="The first 5 tokens are drawn at random. Nothing says what the second one will be.",
        ),
        "b": Option(
            text="From place 4 on, the last of the first round",
            why="The token after place 4 is indeed a repeat, of the first. But the token at place "
            "4 has not been seen before, so a look-up of it finds nothing, and the model is not "
            "told that the period is 5.",
        ),
        "c": Option(
            text="From place 5 on, the first of the second round",
            why="At place 5 the first token stands for the second time. A look-up finds it at "
            "place 0, and place 1 says what comes next. So it goes on to the end.",
        ),
        "d": Option(
            text="From place 10 on, the start of the third round",
            why="Two full rounds are more than is needed: once a token stands there for the second "
            "time, what followed the first time can be looked up.",
        ),
    },
    hints=(
        "The model isn't told the period. What can it know at each place?",
        "Play the look-up with a finger: find the token under it earlier in the sequence, and "
        "read what came after it.",
        "With the period 5, the places 0 to 4 hold the first round, and none of their tokens (as "
        "a rule) stood there before.",
    ),
)


# --- Sequences -----------------------------------------------------------------------------------


def _sequence_cases(rng: np.random.Generator) -> list[Case]:
    return [
        {"args": list(args), "times": times, "seed": int(rng.integers(2**31))}
        for args, times in (
            ((40, 17, 9, 3, 7), 8),
            ((25, 32, 12, 6, 6), 6),
            ((30, 11, 50, 2, 4), 8),
        )
    ]


def _measure_sequences(case: Case, seen: Any) -> Any:
    batch, length, vocabulary, low, high = case["args"]
    shapes = sorted({np.shape(idx) for idx in seen["idx"]})
    told = sorted({np.shape(p) for p in seen["periods"]})
    found: dict[str, Any] = {
        "shape of idx": [list(s) for s in shapes],
        "shape of periods": [list(s) for s in told],
        "whole numbers": seen["whole numbers"],
    }
    if found["shape of idx"] != [[batch, length]] or found["shape of periods"] != [[batch]]:
        return found
    idx = np.concatenate([np.asarray(i) for i in seen["idx"]])
    periods = np.concatenate([np.asarray(p) for p in seen["periods"]]).astype(int)
    per_batch = [len(set(np.asarray(p).tolist())) for p in seen["periods"]]
    first = idx[:, :low]
    rounds = [_repeats(row, p) for row, p in zip(idx, periods, strict=True)]
    sooner = [
        any(_repeats(row, q) for q in range(1, p)) for row, p in zip(idx, periods, strict=True)
    ]
    return found | {
        "periods from": int(periods.min()),
        "periods to": int(periods.max()),
        "periods differ in a batch": low == high or min(per_batch) > 1,
        "repeats": all(rounds),
        "the period is the shortest": float(np.mean(sooner)) < 0.2,
        "ids from": int(idx.min()),
        "ids to": int(idx.max()),
        "rows differ": len({tuple(row) for row in first}) > 0.3 * min(len(first), vocabulary**low),
        "places differ": not (first == first[:, :1]).all(),
        "batches differ": not all(np.array_equal(i, seen["idx"][0]) for i in seen["idx"][1:]),
    }


def _repeats(row: np.ndarray, period: int) -> bool:
    return bool(period > 0 and np.array_equal(row[period:], row[: max(len(row) - period, 0)]))


def _sequences_right(case: Case) -> Any:
    batch, length, vocabulary, low, high = case["args"]
    return {
        "shape of idx": [[batch, length]],
        "shape of periods": [[batch]],
        "whole numbers": True,
        "periods from": low,
        "periods to": high,
        "periods differ in a batch": True,
        "repeats": True,
        "the period is the shortest": True,
        "ids from": 0,
        "ids to": vocabulary - 1,
        "rows differ": True,
        "places differ": True,
        "batches differ": True,
    }


def _explain_sequences(case: Case, seen: Any, expected: Any) -> str | None:
    found = _measure_sequences(case, seen)
    batch, length, vocabulary, low, high = case["args"]
    if found["shape of idx"] != expected["shape of idx"]:
        return f"`idx` has the shape {tuple(found['shape of idx'][0])}, expected {(batch, length)}"
    if found["shape of periods"] != expected["shape of periods"]:
        return (
            f"`periods` has the shape {tuple(found['shape of periods'][0])}, expected {(batch,)}: "
            "one for each sequence"
        )
    if not found["whole numbers"]:
        return "Ids and periods should be whole numbers, as `torch.randint` gives them"
    if not found["repeats"]:
        return (
            "Some sequence does not repeat with the period that is returned for it: at each place "
            "from the period on stands the token of one period before"
        )
    if found["periods from"] != low or found["periods to"] != high:
        return (
            f"The periods go from {found['periods from']} to {found['periods to']}; they should go "
            f"from {low} to {high}, both included"
        )
    if found["ids from"] != 0 or found["ids to"] != vocabulary - 1:
        return (
            f"The ids go from {found['ids from']} to {found['ids to']}, and {vocabulary} different "
            f"ones are asked for: 0 to {vocabulary - 1}"
        )
    if not found["the period is the shortest"]:
        return "Sequences repeat sooner than after the period that is returned for them"
    if not found["batches differ"]:
        return "Each call gives the same sequences: draw anew, without a fixed seed"
    return "The tokens of the first round should be drawn each by itself, in each sequence anew"


def _sequences_wrong(body: str) -> Callable:
    """A wrong `make_sequences`, compiled with torch when it is called."""
    source = "def make(batch_size, seq_len, vocab_size, low, high):\n" + "".join(
        f"    {line}\n" for line in body.splitlines()
    )

    def make(*args: Any) -> Any:
        import torch

        space: dict[str, Any] = {"torch": torch}
        exec(source, space)
        return space["make"](*args)

    return make


_DRAW = "periods = torch.randint(low, high + 1, (batch_size,))\n"
_FIRST = "first = torch.randint(vocab_size, (batch_size, seq_len))\n"
_ROUND = "return first.gather(1, torch.arange(seq_len) % periods[:, None]), periods"


def _when(*names: str, **values: Any) -> Callable:
    """Recognises sequences whose shapes are right and of which these properties are not."""

    def recognise(case: Case, seen: Any, expected: Any) -> bool:
        found = _measure_sequences(case, seen)
        right = _sequences_right(case)
        wrong = {name for name in found if found[name] != right[name]}
        return wrong == set(names)

    return recognise


def _period_left_out(case: Case, seen: Any, expected: Any) -> bool:
    found = _measure_sequences(case, seen)
    return bool(found["repeats"]) and found["periods to"] == case["args"][4] - 1


make_sequences = Exercise(
    id="make_sequences",
    title="Sequences that repeat",
    takes={"make_sequences": "function"},
    points=2,
    minutes=8,
    difficulty=2,
    cases=_sequence_cases,
    probe=probes.sequences,
    measure=_measure_sequences,
    reference=_sequences_right,
    explain=_explain_sequences,
    show=lambda case: (
        "make_sequences({}, seq_len={}, vocab_size={}, low={}, high={})".format(*case["args"])
        + f", {case['times']} times"
    ),
    mistakes=(
        Mistake(
            id="high_left_out",
            message="The largest period never comes up: `torch.randint(low, high)` leaves its "
            "upper "
            "end out. Draw from `low` to `high + 1`.",
            answer=_sequences_wrong(
                "periods = torch.randint(low, max(high, low + 1), (batch_size,))\n"
                + _FIRST
                + _ROUND
            ),
            recognise=_period_left_out,
        ),
        Mistake(
            id="one_period",
            message="All sequences of a batch have the same period. Draw one for each: "
            "`torch.randint(..., (batch_size,))`.",
            answer=_sequences_wrong(
                "periods = torch.randint(low, high + 1, (1,)).expand(batch_size)\n"
                + _FIRST
                + _ROUND
            ),
            recognise=lambda case, seen, expected: (
                not _measure_sequences(case, seen)["periods differ in a batch"]
            ),
        ),
        Mistake(
            id="never_repeats",
            message="Nothing repeats: all tokens are drawn at random. From the period on, each is "
            "the token of one period before.",
            answer=_sequences_wrong(_DRAW + _FIRST + "return first, periods"),
            recognise=lambda case, seen, expected: (
                not _measure_sequences(case, seen)["repeats"]
                and not _rounds(seen, 2)
                and not any(
                    _repeats(row, p)
                    for idx in seen["idx"]
                    for row in np.asarray(idx)
                    for p in range(1, case["args"][4] + 2)
                )
            ),
        ),
        Mistake(
            id="two_rounds",
            message="It repeats once, and then goes on at random. The rounds go on to the end of "
            "the sequence: place t holds the token of place t % period.",
            answer=_sequences_wrong(
                _DRAW
                + _FIRST
                + "t = torch.arange(seq_len).expand(batch_size, -1)\n"
                + "p = periods[:, None]\n"
                + "return first.gather(1, torch.where(t < 2 * p, t % p, t)), periods"
            ),
            recognise=lambda case, seen, expected: _rounds(seen, 2) and not _rounds(seen, 3),
        ),
        Mistake(
            id="one_too_long",
            message="The sequences repeat one place later than the periods say: with the period p "
            "the places 0 to p - 1 are the first round, and place p holds the first token again.",
            answer=_sequences_wrong(
                _DRAW
                + _FIRST
                + "return first.gather(1, torch.arange(seq_len) % (periods[:, None] + 1)), periods"
            ),
            recognise=lambda case, seen, expected: _off_by(seen, 1),
        ),
        Mistake(
            id="one_too_short",
            message="The sequences repeat one place sooner than the periods say.",
            answer=_sequences_wrong(
                _DRAW
                + _FIRST
                + "return first.gather(1, torch.arange(seq_len) % (periods[:, None] - 1)), periods"
            ),
            recognise=lambda case, seen, expected: _off_by(seen, -1),
        ),
        Mistake(
            id="last_id_left_out",
            message="The last id never comes up: `torch.randint(n, ...)` draws from 0 to n - 1, so "
            "n is `vocab_size` itself.",
            answer=_sequences_wrong(
                _DRAW + "first = torch.randint(vocab_size - 1, (batch_size, seq_len))\n" + _ROUND
            ),
            recognise=lambda case, seen, expected: (
                _when("ids to")(case, seen, expected)
                and _measure_sequences(case, seen)["ids to"] < expected["ids to"]
            ),
        ),
        Mistake(
            id="from_one",
            message="Id 0 never comes up: the ids go from 0 to vocab_size - 1.",
            answer=_sequences_wrong(
                _DRAW + "first = torch.randint(1, vocab_size, (batch_size, seq_len))\n" + _ROUND
            ),
            recognise=_when("ids from"),
        ),
        Mistake(
            id="counting",
            message="The tokens themselves are the places, 0, 1, 2, ... Draw the first round at "
            "random, and use the places to look it up.",
            answer=_sequences_wrong(
                _DRAW + "return (torch.arange(seq_len) % periods[:, None]) % vocab_size, periods"
            ),
            recognise=lambda case, seen, expected: all(
                (np.diff(np.asarray(i)[:, : case["args"][3]], axis=1) == 1).all()
                for i in seen["idx"]
            ),
        ),
        Mistake(
            id="same_rows",
            message="All sequences of a batch begin with the same tokens. Draw "
            "(batch_size, seq_len) of them, not one row for all.",
            answer=_sequences_wrong(
                _DRAW
                + "first = torch.randint(vocab_size, (1, seq_len)).expand(batch_size, -1)\n"
                + _ROUND
            ),
            recognise=lambda case, seen, expected: all(
                (np.asarray(i)[:, : case["args"][3]] == np.asarray(i)[:1, : case["args"][3]]).all()
                for i in seen["idx"]
            ),
        ),
    ),
    hints=(
        "Draw more than you need: a full random row for each sequence. Then say which of its "
        "places stands at place t.",
        "Place t of a sequence with period p holds what stands at place t % p. For all sequences "
        "at once, `torch.arange(seq_len) % periods[:, None]` has the shape (batch_size, seq_len). "
        "See [gather](https://pytorch.org/docs/stable/generated/torch.gather.html).",
        "```python\nperiods = torch.randint(low, ..., (batch_size,))\n"
        "first = torch.randint(vocab_size, (batch_size, seq_len))\n"
        "places = torch.arange(seq_len) % ...\nidx = first.gather(1, places)\n```",
    ),
)


def _rounds(seen: Any, count: int) -> bool:
    """Whether the first `count` rounds repeat, in all sequences."""
    return all(
        _repeats(np.asarray(row)[: count * p], p)
        for idx, periods in zip(seen["idx"], seen["periods"], strict=True)
        for row, p in zip(idx, np.asarray(periods).astype(int), strict=True)
    )


def _off_by(seen: Any, more: int) -> bool:
    return all(
        _repeats(np.asarray(row), p + more)
        for idx, periods in zip(seen["idx"], seen["periods"], strict=True)
        for row, p in zip(idx, np.asarray(periods).astype(int), strict=True)
    )


# --- The loss ------------------------------------------------------------------------------------


def _loss_cases(rng: np.random.Generator) -> list[Case]:
    return [
        {
            "args": [
                (2.5 * rng.normal(size=(B, T, V))).astype(np.float32),
                rng.integers(V, size=(B, T)),
            ]
        }
        for B, T, V in ((3, 7, 5), (2, 4, 11), (5, 2, 6))
    ]


def _log_probabilities(logits: np.ndarray) -> np.ndarray:
    z = logits.astype(float)
    z = z - z.max(-1, keepdims=True)
    return z - np.log(np.exp(z).sum(-1, keepdims=True))


def _pairs_loss(logits: np.ndarray, idx: np.ndarray, pairs: Any, mean: bool = True) -> float:
    """Minus the log-probability of idx[b, s] by logits[b, t], for pairs (t, s) of places."""
    log = _log_probabilities(logits)
    found = [-log[b, t, idx[b, s]] for b in range(len(idx)) for t, s in pairs]
    return float(np.mean(found) if mean else np.sum(found))


def _next(T: int) -> list[tuple[int, int]]:
    return [(t, t + 1) for t in range(T - 1)]


def _loss_of(pairs: Callable[[int], Any], mean: bool = True) -> Callable:
    return lambda logits, idx: _pairs_loss(logits.numpy(), idx.numpy(), pairs(idx.shape[1]), mean)


next_token_loss = Exercise(
    id="next_token_loss",
    title="The loss of the next token",
    takes={"next_token_loss": "function"},
    points=1,
    minutes=4,
    difficulty=2,
    cases=_loss_cases,
    probe=probes.tensors,
    reference=lambda case: _pairs_loss(*case["args"], _next(case["args"][1].shape[1])),
    rtol=1e-4,
    atol=1e-5,
    mistakes=(
        Mistake(
            id="not_shifted",
            message="Each place is asked for the token that it has already read. The logits at "
            "place t are about the token at t + 1: drop the last place of the logits and the first "
            "of idx.",
            answer=_loss_of(lambda T: [(t, t) for t in range(T)]),
        ),
        Mistake(
            id="not_shifted_and_cut",
            message="Both were cut at the same end, so each place is asked for its own token. Drop "
            "the last place of the logits, and the first of idx.",
            answer=_loss_of(lambda T: [(t, t) for t in range(T - 1)]),
        ),
        Mistake(
            id="own_without_first",
            message="Both lost their first place, so each place is asked for its own token. Drop "
            "the last place of the logits, and the first of idx.",
            answer=_loss_of(lambda T: [(t, t) for t in range(1, T)]),
        ),
        Mistake(
            id="backwards",
            message="It is shifted the wrong way: the logits at place t are compared with the "
            "token at t - 1. Drop the last place of the logits, and the first of idx.",
            answer=_loss_of(lambda T: [(t, t - 1) for t in range(1, T)]),
        ),
        Mistake(
            id="round_the_end",
            message="The last place is asked for the first token: `roll` goes round the end. What "
            "follows the last token is not known; leave that place out.",
            answer=_loss_of(lambda T: [*_next(T), (T - 1, 0)]),
        ),
        Mistake(
            id="sum",
            message="This is the sum over all guesses. Take the mean, as `F.cross_entropy` does by "
            "itself.",
            answer=_loss_of(_next, mean=False),
        ),
        Mistake(
            id="mean_of_rows_summed",
            message="It is the mean over sequences of a sum over places. Take the mean over all "
            "guesses.",
            answer=lambda logits, idx: (
                _pairs_loss(logits.numpy(), idx.numpy(), _next(idx.shape[1]), False) / len(idx)
            ),
        ),
        Mistake(
            id="sign",
            message="The sign is wrong: the loss is minus the mean log-probability.",
            answer=lambda logits, idx: (
                -_pairs_loss(logits.numpy(), idx.numpy(), _next(idx.shape[1]))
            ),
        ),
    ),
    hints=(
        "Which guesses can be compared with the truth? The last one can't.",
        "`logits[:, :-1]` are the guesses at all places but the last, `idx[:, 1:]` what came. "
        "`F.cross_entropy` wants (N, V) and (N,): `flatten(0, 1)` makes one of two axes. See "
        "[cross_entropy](https://pytorch.org/docs/stable/generated/"
        "torch.nn.functional.cross_entropy.html).",
        "```python\nguesses = logits[:, :-1].flatten(0, 1)\nright = ...\n"
        "return F.cross_entropy(guesses, right)\n```",
    ),
)


# --- The accuracy --------------------------------------------------------------------------------


def _accuracy_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for B, T, V, low, high in ((6, 13, 7, 3, 9), (4, 19, 5, 4, 8), (9, 10, 11, 2, 7)):
        periods = rng.integers(low, high + 1, size=B)
        periods[:2] = low, high
        idx = repeating(rng, periods, T, V)
        logits = rng.normal(size=(B, T, V))
        ahead = np.concatenate([idx[:, 1:], idx[:, :1]], axis=1)
        # Right in about half of the places, and more often in some rows than in others.
        right = rng.random((B, T)) < rng.uniform(0.1, 0.95, size=(B, 1))
        logits[right, ahead[right]] += 6
        cases.append({"args": [logits.astype(np.float32), idx, periods]})
    return cases


def _accuracy(
    logits: np.ndarray,
    idx: np.ndarray,
    periods: np.ndarray,
    first: Callable[[int], int] = lambda p: p,
    ahead: int = 1,
    by_row: bool = False,
    one_period: bool = False,
) -> float:
    """By loops: the share of right guesses of the token `ahead` places on, from first(p) on."""
    rows = []
    for b in range(len(idx)):
        start = first(int(periods[0] if one_period else periods[b]))
        places = range(max(start, -min(ahead, 0)), idx.shape[1] - max(ahead, 0))
        rows.append([int(np.argmax(logits[b, t]) == idx[b, t + ahead]) for t in places])
    if by_row:
        return float(np.mean([np.mean(row) for row in rows]))
    return float(np.mean([hit for row in rows for hit in row]))


def accuracy(logits: np.ndarray, idx: np.ndarray, periods: np.ndarray) -> float:
    """The share of right guesses at the places from the period on."""
    return _accuracy(logits, idx, periods)


def _wrong(**how: Any) -> Callable:
    return lambda logits, idx, periods: _accuracy(
        logits.numpy(), idx.numpy(), periods.numpy(), **how
    )


repeat_accuracy = Exercise(
    id="repeat_accuracy",
    title="Right where it can be known",
    takes={"repeat_accuracy": "function"},
    points=2,
    minutes=8,
    difficulty=3,
    cases=_accuracy_cases,
    probe=probes.tensors,
    reference=lambda case: _accuracy(*case["args"]),
    rtol=1e-5,
    atol=1e-6,
    mistakes=(
        Mistake(
            id="everywhere",
            message="All places are counted, also those of the first round, where nobody can know "
            "the next token. Count the places t with t >= period.",
            answer=_wrong(first=lambda p: 0),
        ),
        Mistake(
            id="one_too_early",
            message="It counts from the place before the period on. There the token stands for the "
            "first time, and can't be looked up: count t >= period.",
            answer=_wrong(first=lambda p: p - 1),
        ),
        Mistake(
            id="one_too_late",
            message="It leaves out the place t = period, where the first token stands for the "
            "second time: count t >= period.",
            answer=_wrong(first=lambda p: p + 1),
        ),
        Mistake(
            id="only_first_round",
            message="It counts the places of the first round, and those are the ones to leave "
            "out: t >= period.",
            answer=lambda logits, idx, periods: float(
                np.mean(
                    [
                        int(logits[b, t].argmax() == idx[b, t + 1])
                        for b in range(len(idx))
                        for t in range(min(int(periods[b]), idx.shape[1] - 1))
                    ]
                )
            ),
        ),
        Mistake(
            id="not_shifted",
            message="The guess at place t is compared with the token at t itself. It is a guess of "
            "the token at t + 1.",
            answer=_wrong(ahead=0),
        ),
        Mistake(
            id="not_shifted_and_cut",
            message="Guesses and tokens are cut at the same end, so place t is compared with its "
            "own token. The guess at t is about the token at t + 1.",
            answer=lambda logits, idx, periods: _accuracy(
                logits.numpy()[:, :-1], idx.numpy()[:, :-1], periods.numpy(), ahead=0
            ),
        ),
        Mistake(
            id="backwards",
            message="The guess at place t is compared with the token at t - 1. It is a guess of "
            "the token at t + 1.",
            answer=_wrong(ahead=-1),
        ),
        Mistake(
            id="by_row",
            message="It is the mean of each sequence's own accuracy. Sequences with a short period "
            "have more places that count: take the share of right guesses among all of them.",
            answer=_wrong(by_row=True),
        ),
        Mistake(
            id="one_period",
            message="The first sequence's period is used for all. Each has its own: "
            "`periods[:, None]` puts them in a column, to be compared with a row of places.",
            answer=_wrong(one_period=True),
        ),
        Mistake(
            id="over_all",
            message="The right guesses are counted where they should be, but divided by the number "
            "of all places. Divide by the number of places that count.",
            answer=lambda logits, idx, periods: _over(logits, idx, periods, idx.shape[1] - 1),
        ),
        Mistake(
            id="count",
            message="This is how many guesses are right. Divide by how many places count.",
            answer=lambda logits, idx, periods: _over(logits, idx, periods, 1 / len(idx)),
        ),
    ),
    hints=(
        "Two tables of True and False, both (B, T - 1): where the guess is right, and where it "
        "counts.",
        "`logits.argmax(-1)` are the guesses. Row b counts where "
        "`torch.arange(T - 1) >= periods[b]`; with `periods[:, None]` in place of `periods[b]` it "
        "is a table of all rows. A table of booleans picks from another: `right[counts]`. See "
        "[broadcasting](https://pytorch.org/docs/stable/notes/broadcasting.html).",
        "```python\nguesses = logits[:, :-1].argmax(-1)\nright = guesses == idx[:, 1:]\n"
        "counts = torch.arange(...) >= ...\nreturn right[counts].float().mean().item()\n```",
    ),
)


def _over(logits: Any, idx: Any, periods: Any, per_row: float) -> float:
    T = idx.shape[1]
    places = sum(max(T - 1 - int(p), 0) for p in periods)
    hits = _accuracy(logits.numpy(), idx.numpy(), periods.numpy()) * places
    return hits / (per_row * len(idx))
