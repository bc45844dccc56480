"""The exercises about text, batches and losses: all that stands around the model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograder.core.exercise import Case, Exercise, Mistake, Option, question
from autograder.exercises.m07_build_gpt import reference
from autograder.probes import m07_build_gpt as probes

# --- Characters as numbers -----------------------------------------------------------------------


def _code_cases(rng: np.random.Generator) -> list[Case]:
    return [{"places": rng.integers(1000, size=n).tolist()} for n in (9, 60, 1, 0)]


def _measure_coded(case: Case, seen: Any) -> Any:
    ids = seen["ids"]
    return {
        "ids": ids if ids else [],
        "decoded": seen["decoded"],
    }


def _code_reference(case: Case, seen: Any) -> Any:
    return {
        "ids": [i % seen["vocabulary"] for i in case["places"]],
        "decoded": seen["text"],
    }


def _explain_coded(case: Case, seen: Any, expected: Any) -> str | None:
    if seen["ids"] != expected["ids"]:
        if len(seen["ids"]) != len(expected["ids"]):
            return (
                f"`encode` gives {len(seen['ids'])} numbers for {len(expected['ids'])} characters"
            )
        return "`encode` should give each character its place in `chars`, counted from 0"
    if not isinstance(seen["decoded"], str):
        return "`decode` should return one text"
    return "`decode` does not give the text of these numbers back: number i stands for `chars[i]`"


def _pair(
    encode: Callable[[str, list], Any], decode: Callable[[list, list], Any]
) -> tuple[Any, Any, Any]:
    chars = list("\n !,.:ABCabcdefghijkz")
    return (lambda text: encode(text, chars)), (lambda ids: decode(ids, chars)), chars


def _right_encode(text: str, chars: list) -> list:
    return [chars.index(c) for c in text]


def _right_decode(ids: list, chars: list) -> str:
    return "".join(chars[i] for i in ids)


encode_decode = Exercise(
    id="encode_decode",
    title="Characters as numbers",
    takes={"encode": "function", "decode": "function", "chars": "value"},
    points=1,
    minutes=4,
    difficulty=1,
    cases=_code_cases,
    probe=probes.coded,
    measure=_measure_coded,
    reference=_code_reference,
    explain=_explain_coded,
    show=lambda case: f"encode of a text of {len(case['places'])} characters, and decode",
    mistakes=(
        Mistake(
            id="code_points",
            message="`encode` gives the characters' numbers in Unicode, as `ord` does. Give each "
            "its place in `chars`: the model has one number for each character of this text.",
            answer=_pair(lambda text, chars: [ord(c) for c in text], _right_decode),
            recognise=lambda case, seen, expected: (
                len(seen["ids"]) > 0 and seen["ids"] == [ord(c) for c in seen["text"]]
            ),
        ),
        Mistake(
            id="from_one",
            message="`encode` counts from 1: the first character of `chars` has the number 0.",
            answer=_pair(lambda text, chars: [chars.index(c) + 1 for c in text], _right_decode),
            recognise=lambda case, seen, expected: (
                len(seen["ids"]) > 0 and seen["ids"] == [i + 1 for i in expected["ids"]]
            ),
        ),
        Mistake(
            id="own_alphabet",
            message="`encode` numbers the characters of the text that it is given, so the same "
            "character gets another number in another text. Use their places in `chars`.",
            answer=_pair(
                lambda text, chars: [sorted(set(text)).index(c) for c in text], _right_decode
            ),
            recognise=lambda case, seen, expected: (
                len(set(seen["text"])) > 1
                and seen["ids"] != expected["ids"]
                and seen["ids"] == [sorted(set(seen["text"])).index(c) for c in seen["text"]]
            ),
        ),
        Mistake(
            id="list_back",
            message='`decode` gives a list of characters. Join them into one text: `"".join(...)`.',
            answer=_pair(_right_encode, lambda ids, chars: [chars[i] for i in ids]),
            recognise=lambda case, seen, expected: seen["decoded"] == list(seen["text"]),
        ),
        Mistake(
            id="spaced",
            message='`decode` puts something between the characters: join them with `""`, a text '
            "with nothing in it.",
            answer=_pair(_right_encode, lambda ids, chars: " ".join(chars[i] for i in ids)),
            recognise=lambda case, seen, expected: (
                isinstance(seen["decoded"], str)
                and len(seen["decoded"]) == max(2 * len(seen["text"]) - 1, 0)
                and seen["decoded"][::2] == seen["text"]
            ),
        ),
        Mistake(
            id="one_only",
            message="Only the first character comes back: `return` stands inside the loop. Move it "
            "out, or use one comprehension.",
            answer=_pair(lambda text, chars: [chars.index(c) for c in text][:1], _right_decode),
            recognise=lambda case, seen, expected: (
                len(expected["ids"]) > 1
                and (
                    seen["ids"] == expected["ids"][:1] or seen["decoded"] == expected["decoded"][:1]
                )
            ),
        ),
    ),
    hints=(
        "Two look-ups: from a character to its place, and from a place to its character.",
        "A dict for the one, `chars` itself for the other. `enumerate(chars)` gives (place, "
        "character) pairs. See [dict comprehensions]"
        "(https://docs.python.org/3/tutorial/datastructures.html#dictionaries).",
        "```python\nplace = {c: i for i, c in enumerate(chars)}\n\ndef encode(s):\n"
        '    return [... for c in s]\n\ndef decode(ids):\n    return "".join(...)\n```',
    ),
)

predict_examples = question(
    "predict_examples",
    "How many examples?",
    right="b",
    minutes=2,
    options={
        "a": Option(
            text="1: the window is the input, the character after it is the target",
            why="The last guess is only one of them. After its first character alone, a model can "
            "already be asked for the second: every place in the window is a guess.",
        ),
        "b": Option(
            text="32: after each of its characters, the next one is to be guessed",
            why="Each place is a guess of its own: from 1 character the 2nd, from 2 the 3rd, up to "
            "the 33rd from all 32. One pass over the window trains them all.",
        ),
        "c": Option(
            text="33: one for each character of the 33",
            why="Count the arrows, not the characters: nothing stands before the first "
            "character, so "
            "it is never guessed.",
        ),
        "d": Option(
            text="528: one for each pair of characters in it",
            why="Pairs are what attention looks at, later. A guess is made at each place, from all "
            "that stands before it.",
        ),
    },
    hints=(
        "Write out a small window, h e l l o, and every guess that it offers.",
        "From h: e. From h e: l. And so on.",
        "Five characters give four guesses; 33 give ...",
    ),
)

# --- Batches -------------------------------------------------------------------------------------


def _batch_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for batch, block, extra, times in ((5, 7, 6, 30), (3, 4, 11, 60), (2, 6, 1, 4), (4, 8, 3, 40)):
        data = rng.permutation(100)[: block + extra]
        cases.append(
            {
                "data": data,
                "batch_size": batch,
                "block_size": block,
                "times": times,
                "seed": int(rng.integers(2**31)),
            }
        )
    return cases


def _starts(case: Case, seen: Any) -> np.ndarray | None:
    """Where in the data each row of x begins; None where a row is no window of the data."""
    data, block = np.asarray(case["data"]), case["block_size"]
    place = {int(value): i for i, value in enumerate(data)}
    starts = []
    for x in seen["x"]:
        if x.shape != (case["batch_size"], block):
            return None
        for row in x:
            start = place.get(int(row[0]))
            if start is None or not np.array_equal(data[start : start + block], row):
                return None
            starts.append(start)
    return np.array(starts).reshape(len(seen["x"]), -1)


def _all_windows(case: Case, seen: Any) -> bool:
    """Whether batches came back whose rows of x are all windows of the data."""
    return "x" in seen and _starts(case, seen) is not None


def _measure_batches(case: Case, seen: Any) -> Any:
    if "past the end" in seen:
        return {"past the end": True}
    if "no place" in seen:
        return {"no place": True}
    starts = _starts(case, seen)
    data, block = np.asarray(case["data"]), case["block_size"]
    possible = len(data) - block
    shape = [case["batch_size"], block]
    found = {
        "shape of x": list(seen["x"][0].shape),
        "shape of y": list(seen["y"][0].shape),
        "whole numbers": seen["whole numbers"],
        "rows of x are windows of the data": starts is not None,
        "data is what it was": seen["data is what it was"],
    }
    right = starts is not None and all(
        y.shape == tuple(shape)
        and all(
            np.array_equal(data[s + 1 : s + block + 1], row) for s, row in zip(at, y, strict=True)
        )
        for at, y in zip(starts, seen["y"], strict=True)
    )
    found["y is x, one place further"] = right
    reached = set(starts.ravel().tolist()) if starts is not None else set()
    found["starts"] = sorted(reached)
    drawn = starts is not None and (
        possible == 1 or any(len(set(at.tolist())) > 1 for at in starts)
    )
    found["rows are drawn one by one"] = drawn
    steps = np.diff(starts, axis=1) if starts is not None else np.ones((1, 1))
    found["in no order"] = possible == 1 or len({tuple(s) for s in steps.tolist()}) > 1
    if starts is not None and possible > 1:
        counts = np.bincount(starts.ravel(), minlength=possible)
        found["none is preferred"] = bool(counts.max() < 3.5 * starts.size / possible)
    else:
        found["none is preferred"] = True
    return found


def _batch_reference(case: Case) -> Any:
    return {
        "shape of x": [case["batch_size"], case["block_size"]],
        "shape of y": [case["batch_size"], case["block_size"]],
        "whole numbers": True,
        "rows of x are windows of the data": True,
        "data is what it was": True,
        "y is x, one place further": True,
        "starts": list(range(len(case["data"]) - case["block_size"])),
        "rows are drawn one by one": True,
        "in no order": True,
        "none is preferred": True,
    }


def _show_batch(case: Case) -> str:
    return (
        f"get_batch(data, {case['batch_size']}, {case['block_size']}), {case['times']} times, on "
        f"{len(case['data'])} numbers"
    )


def _explain_batches(case: Case, seen: Any, expected: Any) -> str | None:
    found = _measure_batches(case, seen)
    if "no place" in found:
        return (
            "Where there is one window only, no start can be drawn. Starts go from 0 to "
            f"len(data) - block_size - 1 (it raised: {seen['no place']})"
        )
    if found["shape of x"] != expected["shape of x"]:
        return (
            f"`x` has the shape {tuple(found['shape of x'])}, expected "
            f"{tuple(expected['shape of x'])}: batch_size rows of block_size numbers, both as "
            "given in the brackets"
        )
    if found["shape of y"] != expected["shape of y"]:
        return (
            f"`y` has the shape {tuple(found['shape of y'])}, expected "
            f"{tuple(expected['shape of y'])}: the shape of x"
        )
    if not found["whole numbers"]:
        return "These are no whole numbers any more: torch.stack keeps the type of `data`"
    if not found["rows of x are windows of the data"]:
        return (
            "A row of x is no window of `data`: it should be block_size numbers in a row, as they "
            "follow each other there"
        )
    if not found["y is x, one place further"]:
        return "`y` should hold, at each place, the number that comes after the one in x"
    if not found["rows are drawn one by one"]:
        return "All rows of a batch begin at the same place: draw a place for each of them"
    if not found["in no order"]:
        return "The rows follow each other in a fixed pattern: draw each start at random"
    if found["starts"] != expected["starts"]:
        return (
            f"Windows begin at {found['starts'][0]} to {found['starts'][-1]}; every place from 0 "
            f"to {expected['starts'][-1]} should occur"
        )
    if not found["none is preferred"]:
        return "Some places are drawn far more often than others: draw all with the same chance"
    return None


def _batcher(
    start: Callable[[Any, int, int, Any], Any] | None = None,
    shift: int = 1,
    swap: bool = False,
    turn: bool = False,
    one: bool = False,
    elsewhere: bool = False,
    add: int = 0,
) -> Callable:
    """A get_batch with a slip."""

    def get_batch(data: Any, batch_size: int, block_size: int) -> Any:
        import torch

        if elsewhere:
            data = get_batch.__globals__["train_data"]
        if start is None:
            at = torch.randint(len(data) - block_size, (batch_size,))
        else:
            at = start(data, batch_size, block_size, torch)
        x = torch.stack([data[i : i + block_size] for i in at])
        y = torch.stack([data[i + shift : i + block_size + shift] for i in at])
        if add:
            y = x + add
        if one:
            y = y[:, -1]
        if turn:
            x, y = x.T, y.T
        return (y, x) if swap else (x, y)

    return get_batch


def _row_windows(case: Case, seen: Any, shift: int) -> bool:
    """Whether every row of y is the window that begins `shift` places after that of x."""
    starts, data, block = _starts(case, seen), np.asarray(case["data"]), case["block_size"]
    return starts is not None and all(
        np.array_equal(data[s + shift : s + shift + block], row)
        for at, y in zip(starts, seen["y"], strict=True)
        for s, row in zip(at, y, strict=True)
    )


get_batch = Exercise(
    id="get_batch",
    title="A batch of windows",
    takes={"get_batch": "function"},
    points=2,
    minutes=9,
    difficulty=2,
    cases=_batch_cases,
    probe=probes.batches,
    measure=_measure_batches,
    reference=_batch_reference,
    explain=_explain_batches,
    show=_show_batch,
    mistakes=(
        Mistake(
            id="past_the_end",
            message="Some windows come out shorter than others, or run past the end of the data. "
            "Starts go from 0 to len(data) - block_size - 1: the window that begins there is the "
            "last that leaves room for its targets.",
            answer=_batcher(
                lambda data, batch, block, torch: torch.randint(len(data) - block + 1, (batch,))
            ),
            recognise=lambda case, seen, expected: "past the end" in seen,
        ),
        Mistake(
            id="not_shifted",
            message="The targets y are the same as x, so the model is asked for the character "
            "that it sees. "
            "y begins one place later.",
            answer=_batcher(shift=0),
            recognise=lambda case, seen, expected: _row_windows(case, seen, 0),
        ),
        Mistake(
            id="one_more",
            message="Each number of y is that of x plus 1. What comes after a character in the "
            "text is the number at its next place: cut y from `data`, one place later.",
            answer=_batcher(add=1),
            recognise=lambda case, seen, expected: all(
                np.array_equal(y, x + 1) for x, y in zip(seen["x"], seen["y"], strict=True)
            ),
        ),
        Mistake(
            id="swapped",
            message="The two are swapped: y comes one place after x.",
            answer=_batcher(swap=True),
            recognise=lambda case, seen, expected: all(
                np.array_equal(x[:, :-1], y[:, 1:])
                for x, y in zip(seen["x"], seen["y"], strict=True)
            ),
        ),
        Mistake(
            id="last_only",
            message="There is one target for each row. Every place of x has a target: y has the "
            "shape "
            "of x.",
            answer=_batcher(one=True),
            recognise=lambda case, seen, expected: (
                seen["y"][0].shape == (case["batch_size"],)
                and seen["x"][0].shape == (case["batch_size"], case["block_size"])
            ),
        ),
        Mistake(
            id="transposed",
            message="The batch lies on its side: each row is one window, so the shape is "
            "(batch_size, block_size).",
            answer=_batcher(turn=True),
            recognise=lambda case, seen, expected: (
                seen["x"][0].shape == (case["block_size"], case["batch_size"])
            ),
        ),
        Mistake(
            id="other_data",
            message="The windows are cut from another text of the notebook, such as `train_data`. "
            "Cut them from the `data` that the function is given.",
            answer=_batcher(elsewhere=True),
            recognise=lambda case, seen, expected: all(
                x.size and x.min() >= probes.ELSEWHERE for x in seen["x"]
            ),
        ),
        Mistake(
            id="without_repeats",
            message="Where the data has fewer places than batch_size, rows are missing: each place "
            "is drawn once at most. Draw anew for each row, as `torch.randint` does.",
            answer=_batcher(
                lambda data, batch, block, torch: torch.randperm(len(data) - block)[:batch]
            ),
            recognise=lambda case, seen, expected: (
                len(expected["starts"]) < case["batch_size"]
                and all(len(x) == len(expected["starts"]) for x in seen["x"])
            ),
        ),
        Mistake(
            id="every_block",
            message="Windows begin at multiples of block_size only. Every place where a window and "
            "its targets fit should have the same chance.",
            answer=_batcher(
                lambda data, batch, block, torch: (
                    torch.randint((len(data) - block - 1) // block + 1, (batch,)) * block
                )
            ),
            recognise=lambda case, seen, expected: (
                _all_windows(case, seen)
                and all(s % case["block_size"] == 0 for s in _starts(case, seen).ravel().tolist())
                and (
                    len(set(_starts(case, seen).ravel().tolist())) > 1
                    or len(expected["starts"]) <= case["block_size"]  # 0 is the only multiple
                )
            ),
        ),
        Mistake(
            id="one_start",
            message="All rows of a batch begin at the same place: draw a place for each of them.",
            answer=_batcher(
                lambda data, batch, block, torch: torch.randint(len(data) - block, (1,)).repeat(
                    batch
                )
            ),
            recognise=lambda case, seen, expected: (
                _all_windows(case, seen)
                and len(expected["starts"]) > 1
                and all(len(set(at.tolist())) == 1 for at in _starts(case, seen))
            ),
        ),
        Mistake(
            id="in_order",
            message="Every batch holds the same windows, in the same order. Draw where each row "
            "begins at random, anew at each call.",
            answer=_batcher(
                lambda data, batch, block, torch: torch.arange(batch) % (len(data) - block)
            ),
            recognise=lambda case, seen, expected: (
                _all_windows(case, seen)
                and len(seen["x"]) > 1
                and len(expected["starts"]) > 1
                and all(np.array_equal(x, seen["x"][0]) for x in seen["x"])
            ),
        ),
        Mistake(
            id="last_never",
            message="The last window is never drawn: `torch.randint(high, ...)` leaves `high` "
            "itself out, and the largest start is len(data) - block_size - 1.",
            answer=_batcher(
                lambda data, batch, block, torch: torch.randint(
                    max(len(data) - block - 1, 1), (batch,)
                )
            ),
            recognise=lambda case, seen, expected: (
                [] != _measure_batches(case, seen)["starts"] == expected["starts"][:-1]
            ),
        ),
        Mistake(
            id="first_never",
            message="The first window is never drawn: starts count from 0.",
            answer=_batcher(
                lambda data, batch, block, torch: torch.randint(
                    min(1, len(data) - block - 1), len(data) - block, (batch,)
                )
            ),
            recognise=lambda case, seen, expected: (
                [] != _measure_batches(case, seen)["starts"] == expected["starts"][1:]
            ),
        ),
    ),
    hints=(
        "Draw batch_size places, cut a window of block_size at each, and put the windows on top of "
        "each other.",
        "A window that begins at i needs the numbers i to i + block_size: one more for y. So the "
        "largest i is len(data) - block_size - 1. `torch.stack` turns a list of rows into a table. "
        "See [torch.randint](https://pytorch.org/docs/stable/generated/torch.randint.html).",
        "```python\nstarts = torch.randint(len(data) - block_size, (batch_size,))\n"
        "x = torch.stack([data[i : i + block_size] for i in starts])\ny = ...\n```",
    ),
)

# --- The bigram model ----------------------------------------------------------------------------


def _bigram_cases(rng: np.random.Generator) -> list[Case]:
    return [
        {
            "make": [V],
            "setting": {"vocab_size": V + 2, "block_size": 8, "n_embd": 10},
            "shapes": shapes,
            "seed": int(rng.integers(2**31)),
        }
        for V, shapes in ((11, [(3, 6), (2, 5)]), (7, [(4, 3), (1, 2)]))
    ]


def logits_and_loss(run: dict[str, Any], V: int) -> dict[str, Any]:
    """What is checked of a model's answer, whatever its logits are."""
    B, T = run["idx"].shape
    flat, alone = (_rows(run[key], V) for key in ("logits with targets", "logits"))
    return {
        "shape of the logits": list(run["logits"].shape),
        "loss without targets": run["loss without targets"],
        "logits the same with targets": len(flat) == len(alone) == B * T
        and np.allclose(alone, flat, atol=1e-5, equal_nan=True),
        "loss": number(run["loss"]),
        "loss has a gradient": run["loss has a gradient"],
    }


def _rows(logits: Any, V: int) -> np.ndarray:
    """Logits as one row for each guess; no rows where they are not V each."""
    z = np.asarray(logits)
    return z.reshape(-1, V) if z.ndim and z.shape[-1] == V else np.zeros((0, V))


def number(value: Any) -> Any:
    """An array with one number in it as that number."""
    return value.item() if isinstance(value, np.ndarray) and value.size == 1 else value


def _measure_bigram(case: Case, seen: Any) -> Any:
    found = []
    for run in seen["runs"]:
        if "error" in run:
            return {"error": run["error"]}
        told = logits_and_loss(run, seen["V"])
        told["logits come from the table"] = any(
            run["logits"].shape == (*run["idx"].shape, seen["V"])
            and np.allclose(run["logits"], table[run["idx"]], atol=1e-4)
            for leaf in seen["leaves"]
            for table in (leaf["weight"], leaf["weight"].T)
            if table.shape == (seen["V"], seen["V"])
        )
        found.append(told)
    return found


def _bigram_reference(case: Case, seen: Any) -> Any:
    return [
        expected_of(run, seen["V"]) | {"logits come from the table": True} for run in seen["runs"]
    ]


def expected_of(run: dict[str, Any], V: int) -> dict[str, Any]:
    """What a right model's answer has, given the logits that it gives without targets."""
    flat = run["logits"].reshape(-1, V) if run["logits"].size % V == 0 else np.zeros((1, V))
    targets = run["targets"].reshape(-1)
    return {
        "shape of the logits": [*run["idx"].shape, V],
        "loss without targets": None,
        "logits the same with targets": True,
        "loss": reference.cross_entropy(flat, targets) if len(flat) == len(targets) else 0.0,
        "loss has a gradient": True,
    }


def loss_is(how: Callable[[np.ndarray, np.ndarray, np.ndarray], float]) -> Callable:
    """Recognises a loss by how it is computed from (logits (B, T, V), idx, targets)."""

    def recognise(case: Case, seen: Any, expected: Any) -> bool:
        for run in seen["runs"]:
            z, idx, targets = run["logits"], run["idx"], run["targets"]
            wrong = how(z, idx, targets)
            right = reference.cross_entropy(z.reshape(-1, z.shape[-1]), targets.reshape(-1))
            if abs(number(run["loss"]) - wrong) < 1e-3 < abs(wrong - right):
                return True
        return False

    return recognise


def loss_without_gradient(case: Case, seen: Any, expected: Any) -> bool:
    """Recognises a loss that training can't begin from."""
    return any(run["loss"] is not None and not run["loss has a gradient"] for run in seen["runs"])


NO_GRADIENT = (
    "The loss is no tensor that `loss.backward()` can begin from, as after `.item()`, `float()` or "
    "`.detach()`. Return what `F.cross_entropy` gives."
)
VIEWED = (
    "`logits.view(B, V, T)` cuts the rows anew, so numbers of different places are mixed: it does "
    "not transpose. Make one row for each guess, `logits.view(B * T, V)`."
)


def viewed(logits: np.ndarray, idx: np.ndarray, targets: np.ndarray) -> float:
    """The loss where `view` stands for a transpose."""
    B, T, V = logits.shape
    cut = np.swapaxes(np.ascontiguousarray(logits).reshape(B, V, T), 1, 2)
    return reference.cross_entropy(cut.reshape(-1, V), targets.reshape(-1))


def _turned(logits: np.ndarray, idx: np.ndarray, targets: np.ndarray) -> float:
    return reference.cross_entropy(
        np.swapaxes(logits, 0, 1).reshape(-1, logits.shape[-1]), targets.reshape(-1)
    )


def explain_logits(case: Case, run: dict[str, Any], expected: dict[str, Any], V: int) -> str | None:
    """What is wrong with a model's logits or loss."""
    found = logits_and_loss(run, V)
    if found["shape of the logits"] != expected["shape of the logits"]:
        return (
            f"Without targets the logits have the shape {tuple(found['shape of the logits'])}, "
            f"expected {tuple(expected['shape of the logits'])}: (B, T, vocabulary)"
        )
    if found["loss without targets"] is not None:
        return "Without targets the loss should be None"
    if found["loss"] is None:
        return "With targets the loss should be there, and it is None"
    if not found["logits the same with targets"]:
        return "With targets the logits are others than without"
    return None


def _explain_bigram(case: Case, seen: Any, expected: Any) -> str | None:
    for run, want in zip(seen["runs"], expected, strict=True):
        told = explain_logits(case, run, want, seen["V"])
        if told:
            return told
    if not all(item["logits come from the table"] for item in _measure_bigram(case, seen)):
        return (
            "The logits at a place should be one row of a table of vocab_size rows and vocab_size "
            "columns: the row of the character that stands there"
        )
    return (
        f"The loss is {number(seen['runs'][0]['loss']):.4g}, and the cross-entropy of these logits "
        f"with the targets is {expected[0]['loss']:.4g}"
    )


TOLD = ("vocab_size", "block_size", "n_embd", "n_head", "n_layer", "dropout")


def show_model(name: str) -> Callable[[Case], str]:
    """The calls of a language model's case."""

    def show(case: Case) -> str:
        made = f"{name}({', '.join(str(item) for item in case['make'])})"
        given = {k: v for k, v in case["setting"].items() if k in TOLD and case["make"] == []}
        lines = [", ".join(f"{k} = {v}" for k, v in given.items())] if given else []
        shapes = " and ".join(str(tuple(shape)) for shape in case["shapes"])
        return "\n".join([*lines, f"{made} on numbers of shape {shapes}"])

    return show


def bigram_mistakes() -> tuple[Mistake, ...]:
    """Those of the bigram model."""
    from autograder.exercises.m07_build_gpt.wrong import variant

    name = "BigramLanguageModel"
    call = "F.cross_entropy(logits.view(B * T, V), targets.view(B * T))"
    return (
        Mistake(
            id="other_size",
            message="The table has not vocab_size rows and vocab_size columns. Use the vocab_size "
            "that `__init__` is given: a number written out fits one text only.",
            answer=variant(name, ("nn.Embedding(vocab_size, vocab_size)", "nn.Embedding(65, 65)")),
            recognise=lambda case, seen, expected: (
                len(seen["leaves"]) == 1
                and seen["leaves"][0]["kind"] == "embedding"
                and seen["leaves"][0]["weight"].shape != (seen["V"], seen["V"])
            ),
        ),
        Mistake(
            id="loss_as_number",
            message=NO_GRADIENT,
            answer=variant(name, (call, call + ".item()")),
            recognise=loss_without_gradient,
        ),
        Mistake(
            id="viewed",
            message=VIEWED,
            answer=variant(name, (call, "F.cross_entropy(logits.view(B, V, T), targets)")),
            recognise=loss_is(viewed),
        ),
        Mistake(
            id="summed",
            message="The loss is the sum over all places. Take the mean, as `F.cross_entropy` does "
            "by itself.",
            answer=variant(name, (call, call[:-1] + ', reduction="sum")')),
            recognise=loss_is(
                lambda z, idx, y: (
                    reference.cross_entropy(z.reshape(-1, z.shape[-1]), y.reshape(-1)) * y.size
                )
            ),
        ),
        Mistake(
            id="softmax_twice",
            message="The loss is that of probabilities. `F.cross_entropy` takes the logits "
            "themselves: it has the softmax inside.",
            answer=variant(name, ("logits.view(B * T, V)", "F.softmax(logits, -1).view(B * T, V)")),
            recognise=loss_is(
                lambda z, idx, y: reference.cross_entropy(
                    reference.softmax(z).reshape(-1, z.shape[-1]), y.reshape(-1)
                )
            ),
        ),
        Mistake(
            id="guesses_itself",
            message="The loss compares with `idx`, the characters that the model sees. Compare "
            "with `targets`.",
            answer=variant(name, ("targets.view(B * T)", "idx.view(B * T)")),
            recognise=loss_is(
                lambda z, idx, y: reference.cross_entropy(
                    z.reshape(-1, z.shape[-1]), idx.reshape(-1)
                )
            ),
        ),
        Mistake(
            id="turned",
            message="Logits and targets no longer belong together: transposing before flattening "
            "puts the places in another order. Flatten both from (B, T, ...) with `.view`.",
            answer=variant(
                name, ("logits.view(B * T, V)", "logits.transpose(0, 1).reshape(B * T, V)")
            ),
            recognise=loss_is(_turned),
        ),
        Mistake(
            id="loss_always",
            message="Without targets the loss should be None: nothing is there to compare with.",
            answer=variant(name, ("loss = None", "loss = torch.tensor(0.0)")),
            recognise=lambda case, seen, expected: any(
                run["loss without targets"] is not None for run in seen["runs"]
            ),
        ),
        Mistake(
            id="probabilities",
            message="These are probabilities: they add up to 1. Return the logits, the scores "
            "before the softmax.",
            answer=variant(
                name, ("logits = self.table(idx)", "logits = F.softmax(self.table(idx), -1)")
            ),
            recognise=lambda case, seen, expected: any(
                np.allclose(run["logits"].sum(-1), 1, atol=1e-3) for run in seen["runs"]
            ),
        ),
    )


bigram_model = Exercise(
    id="bigram_model",
    title="The bigram model",
    takes={"BigramLanguageModel": "class"},
    points=2,
    minutes=8,
    difficulty=2,
    cases=_bigram_cases,
    probe=probes.language_model,
    measure=_measure_bigram,
    reference=_bigram_reference,
    explain=_explain_bigram,
    show=show_model("BigramLanguageModel"),
    rtol=1e-3,
    mistakes=bigram_mistakes(),
    hints=(
        "One look-up gives the logits. The loss needs both tensors flat: one row for each place.",
        "`nn.Embedding(vocab_size, vocab_size)` is a table whose row i is looked up by calling it "
        "with i. `F.cross_entropy` wants logits (N, V) and targets (N,): make N = B * T. See "
        "[cross_entropy]"
        "(https://pytorch.org/docs/stable/generated/torch.nn.functional.cross_entropy.html).",
        "```python\nself.table = nn.Embedding(vocab_size, vocab_size)\n...\n"
        "logits = self.table(idx)              # (B, T, V)\nloss = None\n"
        "if targets is not None:\n    B, T, V = logits.shape\n"
        "    loss = F.cross_entropy(logits.view(B * T, V), ...)\nreturn logits, loss\n```",
    ),
)

# --- Writing text --------------------------------------------------------------------------------


def _generate_cases(rng: np.random.Generator) -> list[Case]:
    V = 9
    order = rng.permutation(V)
    sure = np.full((V, V), -60.0)
    for a, b in zip(order, np.roll(order, -1), strict=True):
        sure[a, b] = 0.0
    likely = np.log([0.42, 0.25, 0.15, 0.1, 0.08])
    first_row = rng.permutation(likely)
    loose = np.stack([np.roll(first_row, i) for i in range(5)]) + rng.normal(size=(5, 1))
    ends = rng.integers(5, size=(2, 3))
    ends[1, -1] = (ends[0, -1] + 2) % 5
    seed = int(rng.integers(2**31))
    first = rng.integers(V, size=(3, 2))
    return [
        {"name": "sure", "table": sure, "block_size": 4, "prompt": first, "new": 9, "seed": seed},
        {
            "name": "by chance",
            "table": loose,
            "block_size": 6,
            "prompt": np.repeat(ends, 2000, axis=0),
            "new": 1,
            "seed": seed,
        },
        {
            "name": "nothing",
            "table": sure,
            "block_size": 3,
            "prompt": first,
            "new": 0,
            "seed": seed,
        },
    ]


def _follow(case: Case) -> np.ndarray:
    idx = np.asarray(case["prompt"])
    for _ in range(case["new"]):
        idx = np.concatenate([idx, np.asarray(case["table"])[idx[:, -1:]].argmax(-1)], axis=1)
    return idx


def _measure_generated(case: Case, seen: Any) -> Any:
    ids = seen["ids"]
    if ids is None:
        return {"cropped": False}
    found = {"shape": list(ids.shape), "cropped": True}
    prompt = np.asarray(case["prompt"])
    T = prompt.shape[1]
    found["starts with the prompt"] = bool(ids.ndim == 2 and np.array_equal(ids[:, :T], prompt))
    if case["name"] == "by chance":
        found["follows the probabilities"] = _as_drawn(case, ids)
    else:
        found["ids"] = ids
    found["context"] = _contexts_right(case, seen)
    found["prompt is what it was"] = seen["prompt is what it was"]
    return found


def _contexts_right(case: Case, seen: Any) -> bool:
    """Whether the model was given the last block_size ids at each step."""
    row, T = seen["ids"][0], np.asarray(case["prompt"]).shape[1]
    contexts = [c[0] for c in seen["contexts"]]
    want = [row[: T + i][-case["block_size"] :] for i in range(case["new"])]
    return len(contexts) == len(want) and all(
        np.array_equal(c, w) for c, w in zip(contexts, want, strict=True)
    )


def _stands_still(case: Case, seen: Any) -> bool:
    """Whether the model is given the same ids again and again, once the text is long enough."""
    full = [c[0] for c in seen["contexts"] if c.shape[1] == case["block_size"]]
    return len(full) > 2 and all(np.array_equal(c, full[0]) for c in full)


def _frequencies(case: Case, ids: np.ndarray) -> np.ndarray:
    """How often each id comes next, after the one kind of prompt and after the other."""
    halves = np.split(ids[:, -1].astype(int), 2)
    return np.stack([np.bincount(half, minlength=5) / len(half) for half in halves])


def _chances(case: Case, axis: int = -1) -> np.ndarray:
    """The probabilities of what comes next, after the two kinds of prompt."""
    last = np.asarray(case["prompt"])[[0, -1], -1]
    p = reference.softmax(np.asarray(case["table"])[last], axis)
    return p / p.sum(-1, keepdims=True)


def _as_drawn(case: Case, ids: np.ndarray, axis: int = -1) -> bool:
    return bool(np.abs(_frequencies(case, ids) - _chances(case, axis)).max() < 0.06)


def _generate_reference(case: Case) -> Any:
    prompt = np.asarray(case["prompt"])
    found = {
        "shape": [prompt.shape[0], prompt.shape[1] + case["new"]],
        "cropped": True,
        "starts with the prompt": True,
        "context": True,
        "prompt is what it was": True,
    }
    if case["name"] == "by chance":
        return {**found, "follows the probabilities": True}
    return {**found, "ids": _follow(case)}


def _explain_generated(case: Case, seen: Any, expected: Any) -> str | None:
    found = _measure_generated(case, seen)
    if found.get("shape") != expected["shape"]:
        return (
            f"From a prompt of shape {np.shape(case['prompt'])} and {case['new']} new numbers "
            f"comes the shape {tuple(found['shape'])}, expected {tuple(expected['shape'])}"
        )
    if not found["starts with the prompt"]:
        return "The result does not begin with the prompt: join the new numbers to what is there"
    if not found["prompt is what it was"]:
        return "It changes the prompt that it is given: `torch.cat` makes a new tensor"
    if "follows the probabilities" in found and not found["follows the probabilities"]:
        share = ", ".join(f"{f:.2f}" for f in _frequencies(case, seen["ids"])[0])
        want = ", ".join(f"{f:.2f}" for f in _chances(case)[0])
        return (
            f"Over 2,000 draws the five numbers come up with shares {share}; the model's "
            f"probabilities are {want}"
        )
    if not found["context"]:
        return "The model should be given the last block_size numbers, once for each new one"
    return "The new numbers are not those that the logits at the last place ask for"


def _generator(
    crop: str = "last",
    at: int = -1,
    draw: str = "sample",
    keep: str = "all",
    axis: int = -1,
) -> Callable:
    """A `generate` with a slip; it reads `block_size` from the model."""

    def generate(model: Any, idx: Any, max_new_tokens: int) -> Any:
        import torch

        prompt = idx.shape[1]
        for _ in range(max_new_tokens):
            context = {
                "last": idx[:, -model.block :],
                "first": idx[:, : model.block],
                "none": idx,
                "one": idx[:, -1:],
            }[crop]
            logits, _ = model(context)
            logits = logits[:, at, :]
            p = torch.softmax(logits, dim=axis)
            if draw == "most":
                new = p.argmax(-1, keepdim=True)
            elif draw == "softmax twice":
                new = torch.multinomial(torch.softmax(p, dim=-1), 1)
            elif draw == "once for all":
                new = torch.multinomial(p[:1], 1).expand(len(p), 1)
            elif draw == "alike":
                new = torch.multinomial(torch.ones_like(p), 1)
            else:
                new = torch.multinomial(p, 1)
            idx = new if keep == "last" else torch.cat((idx, new), dim=1)
        return idx[:, prompt:] if keep == "new" else idx

    return generate


generate = Exercise(
    id="generate",
    title="Let it write",
    takes={"generate": "function"},
    points=2,
    minutes=9,
    difficulty=3,
    cases=_generate_cases,
    probe=probes.generated,
    measure=_measure_generated,
    reference=_generate_reference,
    explain=_explain_generated,
    show=lambda case: (
        f"block_size = {case['block_size']}\ngenerate(model, numbers of shape "
        f"{np.shape(case['prompt'])}, {case['new']})"
    ),
    mistakes=(
        Mistake(
            id="not_cropped",
            message="The model was given more than block_size numbers. It can't read further back: "
            "give it the last ones, `idx[:, -block_size:]`.",
            answer=_generator(crop="none"),
            recognise=lambda case, seen, expected: seen["longest"] > case["block_size"],
        ),
        Mistake(
            id="first_ones",
            message="Once the text is longer than block_size, the model is given its beginning. "
            "It should see the last block_size numbers: `idx[:, -block_size:]`.",
            answer=_generator(crop="first"),
            on=("sure",),
            recognise=lambda case, seen, expected: _stands_still(case, seen),
        ),
        Mistake(
            id="last_one_only",
            message="The model is given the last number alone. That is enough for a bigram model, "
            "and too little for those to come: give it the last block_size numbers.",
            answer=_generator(crop="one"),
            recognise=lambda case, seen, expected: (
                len(seen["contexts"]) > 0 and all(c.shape[1] == 1 for c in seen["contexts"])
            ),
        ),
        Mistake(
            id="argmax",
            message="It always takes the most likely number. Draw one by its probabilities, with "
            "`torch.multinomial`, or the text goes round in circles.",
            answer=_generator(draw="most"),
            on=("by chance",),
            recognise=lambda case, seen, expected: (
                (shares := _frequencies(case, seen["ids"])).max(-1).min() == 1.0
                and np.array_equal(shares.argmax(-1), _chances(case).argmax(-1))
            ),
        ),
        Mistake(
            id="one_draw",
            message="Every row of the batch gets the same new number. Draw one for each row, by "
            "its own probabilities: `torch.multinomial` takes all rows at once.",
            answer=_generator(draw="once for all"),
            on=("by chance",),
            recognise=lambda case, seen, expected: len(set(seen["ids"][:, -1].tolist())) == 1,
        ),
        Mistake(
            id="softmax_twice",
            message="The new numbers come up as if the softmax were taken twice: nearly equally "
            "often. One softmax makes the probabilities that `torch.multinomial` takes.",
            answer=_generator(draw="softmax twice"),
            on=("by chance",),
            recognise=lambda case, seen, expected: (
                np.abs(_frequencies(case, seen["ids"]) - reference.softmax(_chances(case))).max()
                < 0.035
            ),
        ),
        Mistake(
            id="alike",
            message="Every number comes up equally often: draw by the softmax of the model's "
            "logits.",
            answer=_generator(draw="alike"),
            on=("by chance",),
            recognise=lambda case, seen, expected: (
                np.abs(_frequencies(case, seen["ids"]) - 0.2).max() < 0.03
            ),
        ),
        Mistake(
            id="over_the_batch",
            message="The softmax runs over the rows of the batch. Each row's logits become "
            "probabilities of their own: `dim=-1`.",
            answer=_generator(axis=0),
            on=("by chance",),
            recognise=lambda case, seen, expected: _as_drawn(case, seen["ids"], axis=0),
        ),
        Mistake(
            id="drops_the_prompt",
            message="The prompt is missing: the result is the prompt and the new numbers after it.",
            answer=_generator(keep="new"),
            on=("sure",),
            recognise=lambda case, seen, expected: seen["ids"].shape[1] == case["new"],
        ),
        Mistake(
            id="only_the_newest",
            message="Only the newest number is kept: join it to those before, with "
            "`torch.cat((idx, new), dim=1)`.",
            answer=_generator(keep="last"),
            recognise=lambda case, seen, expected: case["new"] > 1 and seen["ids"].shape[1] == 1,
        ),
        Mistake(
            id="first_place",
            message="The new number is drawn from the logits of the first place. What comes next "
            "is said at the last one: `logits[:, -1, :]`.",
            answer=_generator(at=0),
            on=("sure",),
            recognise=lambda case, seen, expected: np.array_equal(
                seen["ids"][:, 3],
                np.asarray(case["table"])[np.asarray(case["prompt"])[:, 0]].argmax(-1),
            ),
        ),
    ),
    hints=(
        "A loop: crop, ask, take the last place, draw, join.",
        "`logits[:, -1, :]` has the scores for what comes next, (B, V). Softmax over the last "
        "dimension makes probabilities, `torch.multinomial(p, num_samples=1)` draws (B, 1) by "
        "them. See [torch.multinomial]"
        "(https://pytorch.org/docs/stable/generated/torch.multinomial.html).",
        "```python\nfor _ in range(max_new_tokens):\n    context = idx[:, -block_size:]\n"
        "    logits, _ = model(context)\n    p = F.softmax(..., dim=-1)          # (B, V)\n"
        "    new = torch.multinomial(p, num_samples=1)   # (B, 1)\n"
        "    idx = torch.cat(...)\nreturn idx\n```",
    ),
)

# --- The loss on the whole text ------------------------------------------------------------------


def _estimate_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for V, block, length in ((6, 3, 3 * 470 + 2), (5, 4, 4 * 90 + 1), (7, 5, 5 * 40)):
        cases.append(
            {
                "table": 1.5 * rng.normal(size=(V, V)),
                "data": np.sort(rng.integers(V, size=length))
                if V == 6
                else rng.integers(V, size=length),
                "block_size": block,
            }
        )
    return cases


def _windows(case: Case) -> tuple[np.ndarray, np.ndarray]:
    data, block = np.asarray(case["data"]), case["block_size"]
    n = (len(data) - 1) // block
    return data[: n * block].reshape(n, block), data[1 : n * block + 1].reshape(n, block)


def _window_losses(case: Case, training: bool = False) -> np.ndarray:
    x, y = _windows(case)
    table = np.asarray(case["table"]) * (0.2 if training else 1)
    return np.array([reference.cross_entropy(table[a], b) for a, b in zip(x, y, strict=True)])


def _estimate_reference(case: Case) -> Any:
    return {
        "loss": float(np.mean(_window_losses(case))),
        "eval": True,
        "train again": True,
        "gradients": False,
        "windows": len(_windows(case)[0]),
    }


def _explain_estimated(case: Case, seen: Any, expected: Any) -> str | None:
    if seen["windows"] != expected["windows"]:
        return (
            f"The model is given {seen['windows']} windows, expected all "
            f"{expected['windows']}, once each"
        )
    if not isinstance(seen["loss"], (int, float)):
        return "It should return one number"
    if not np.isclose(seen["loss"], expected["loss"], rtol=1e-4):
        return (
            f"It returns {seen['loss']:.4f}, and the mean over all windows is "
            f"{expected['loss']:.4f}"
        )
    return None


def _estimator(
    how: str = "weighted", evaluate: bool = True, back: bool = True, gradients: bool = False
) -> Callable:
    def estimate_loss(model: Any, data: Any) -> Any:
        import torch

        block = estimate_loss.__globals__.get("block_size", 8)
        n = (len(data) - 1) // block
        x = data[: n * block].view(n, block)
        y = data[1 : n * block + 1].view(n, block)
        if evaluate:
            model.eval()
        total, means = 0.0, []
        with torch.set_grad_enabled(gradients):
            for start in range(0, n, 200):
                xb, yb = x[start : start + 200], y[start : start + 200]
                loss = model(xb, yb)[1].item()
                total += loss * len(xb)
                means.append(loss)
                if how == "first":
                    return total / n
        if back:
            model.train()
        return {
            "weighted": total / n,
            "means": sum(means) / len(means),
            "sum": total,
            "last": means[-1],
            "added": sum(means),
            "added over n": sum(means) / n,
            "full groups": 200 * sum(means) / n,
            "over the characters": total / len(data),
        }[how]

    return estimate_loss


def _chunk_means(case: Case) -> list[float]:
    losses = _window_losses(case)
    return [float(np.mean(losses[i : i + 200])) for i in range(0, len(losses), 200)]


def _loss_like(value: Callable[[Case], float]) -> Callable:
    def recognise(case: Case, seen: Any, expected: Any) -> bool:
        return bool(np.isclose(seen["loss"], value(case), rtol=1e-4))

    return recognise


estimate_loss = Exercise(
    id="estimate_loss",
    title="The loss that counts",
    takes={"estimate_loss": "function"},
    points=1,
    minutes=7,
    difficulty=2,
    cases=_estimate_cases,
    probe=probes.estimated,
    reference=_estimate_reference,
    explain=_explain_estimated,
    show=lambda case: (
        f"block_size = {case['block_size']}\nestimate_loss(model, {len(case['data'])} numbers)"
    ),
    mistakes=(
        Mistake(
            id="training_mode",
            message="The model stays in training mode while it is measured: call `model.eval()` "
            "first.",
            answer=_estimator(evaluate=False),
            recognise=lambda case, seen, expected: not seen["eval"],
        ),
        Mistake(
            id="first_group_only",
            message="Only the first 200 windows are measured: does `return` stand inside the loop? "
            "It comes after it, as far to the left as `for`.",
            answer=_estimator(how="first"),
            recognise=lambda case, seen, expected: seen["windows"] == 200 < expected["windows"],
        ),
        Mistake(
            id="stays_in_eval",
            message="The model stays in evaluation mode afterwards: call `model.train()` before "
            "you return.",
            answer=_estimator(back=False),
            recognise=lambda case, seen, expected: (
                not seen["train again"] and not seen["windows"] == 200 < expected["windows"]
            ),
        ),
        Mistake(
            id="gradients_on",
            message="Torch keeps a graph for gradients that nobody asks for: leave "
            "`@torch.no_grad()` above the function.",
            answer=_estimator(gradients=True),
            recognise=lambda case, seen, expected: seen["gradients"],
        ),
        Mistake(
            id="mean_of_means",
            message="The last few windows count too much: their group is smaller than the others, "
            "and its mean counts as much. Weigh each group's loss by its number of windows.",
            answer=_estimator(how="means"),
            recognise=_loss_like(lambda case: float(np.mean(_chunk_means(case)))),
        ),
        Mistake(
            id="last_group",
            message="This is the loss of the last group of windows alone: add up all of them.",
            answer=_estimator(how="last"),
            recognise=_loss_like(lambda case: _chunk_means(case)[-1]),
        ),
        Mistake(
            id="not_divided",
            message="This is a sum over all windows. Divide it by their number.",
            answer=_estimator(how="sum"),
            recognise=_loss_like(lambda case: float(np.sum(_window_losses(case)))),
        ),
        Mistake(
            id="full_groups",
            message="Every group counts as 200 windows, and the last one has fewer: multiply by "
            "`len(xb)`.",
            answer=_estimator(how="full groups"),
            recognise=_loss_like(
                lambda case: 200 * sum(_chunk_means(case)) / len(_windows(case)[0])
            ),
        ),
        Mistake(
            id="over_the_characters",
            message="The sum over the windows is divided by the number of characters. Divide by n, "
            "the number of windows.",
            answer=_estimator(how="over the characters"),
            recognise=_loss_like(
                lambda case: float(np.sum(_window_losses(case))) / len(case["data"])
            ),
        ),
        Mistake(
            id="groups_added",
            message="The means of the groups are added up as they are. Each counts as often as it "
            "has windows: multiply by `len(xb)`, and divide by n in the end.",
            answer=_estimator(how="added"),
            recognise=lambda case, seen, expected: any(
                np.isclose(seen["loss"], sum(_chunk_means(case)) / by, rtol=1e-4)
                for by in (1, len(_windows(case)[0]))
            ),
        ),
    ),
    hints=(
        "`model(xb, yb)` gives logits and loss; the loss is the mean over these windows.",
        "A mean times how many it was taken over is a sum. Sums may be added; divide once, at the "
        "end. `.item()` makes a plain number of a tensor.",
        "```python\nmodel.eval()\ntotal = 0.0\nfor start in range(0, n, 200):\n    ...\n"
        "    logits, loss = model(xb, yb)\n    total += loss.item() * ...\nmodel.train()\n"
        "return total / n\n```",
    ),
)
