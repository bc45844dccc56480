"""The tokenizer: trained, encoding and decoding."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from autograder.core.exercise import Case, Exercise, Mistake
from autograder.exercises.m05_intro_to_llms.pairs import merged, stats
from autograder.probes import m05_intro_to_llms as probes

SEPARATORS = ".,;:!?0123456789()[]*+=/#@_"


def _without_ties(rng: np.random.Generator) -> tuple[str, list[str]]:
    """A text in which the most frequent pair is always the only one, for six merges.

    yz is merged before xy, and zx last, so that rank and reading order disagree about "xyz".
    """
    x, y, z, w, v = (str(s) for s in rng.choice(list("abcdefghijkl"), 5, replace=False))
    words = [y + z] * 9 + [x + y] * 3 + [x + y + w] * 4 + ["é"] * 6 + [v + "é"] * 5 + [z + x] * 3
    marks = list(SEPARATORS)
    order, places = rng.permutation(len(words)), rng.permutation(len(marks))
    text = "".join(words[i] + marks[places[k % len(marks)]] for k, i in enumerate(order))
    unseen = [
        x + y + z,
        z + x + y,
        y + z + x,
        f"{y}{z} {x}{y}{z}",
        f"{z}{x}{y} {x}{y}",
        f"{x}{y}{z} {x}{y}",
        f"{x}{y}{w}{y}{z}",
        f"{v}é{y}{z}{x}{y}{w} quite new",
        f"{y}{z}",
        f"{y}{z}{v}é",
        "",
        y,
        "🙂",
        "naïve 日本",
    ]
    return text, unseen


def _tokenizer_cases(rng: np.random.Generator) -> list[Case]:
    while True:
        text, texts = _without_ties(rng)
        _learnt, alone = _learn(text, 262)
        if alone:
            break
    words = ["the", "then", "there", "other", "mother", "is", "this", "hat", "that", "at", "a"]
    prose = " ".join(str(word) for word in rng.choice(words, 60))
    repeated = str(rng.choice(list("mnopq")))
    first, second, third = (str(s) for s in rng.choice(list("rstuvw"), 3, replace=False))
    invalid = [[255], [128, 97], [104, 240, 159, 105]]
    nothing: dict[str, Any] = {"texts": [], "merges": 0, "invalid": []}
    return [
        {
            "name": "no ties",
            "text": text,
            "vocab_size": 262,
            "merges": 6,
            "texts": texts,
            "invalid": invalid,
        },
        {
            "name": "prose",
            "text": prose,
            "vocab_size": 270,
            "merges": 14,
            "texts": ["another theatre", "hat" * 9, "I"],
            "invalid": [],
        },
        nothing
        | {
            "name": "runs out",
            "text": 4 * repeated,
            "vocab_size": 300,
            "texts": ["", repeated, 2 * repeated, 4 * repeated + "!"],
        },
        nothing | {"name": "rare pairs", "text": first + second + third, "vocab_size": 270},
        nothing | {"name": "no merges", "text": text[:40], "vocab_size": 256, "texts": ["é", ""]},
    ]


Merges = dict[tuple[int, int], int]


def _learn(text: str, vocab_size: int) -> tuple[Merges, bool]:
    """Merges by the rule, and whether the most frequent pair was always the only one."""
    ids, merges, alone = list(text.encode()), {}, True
    for idx in range(256, vocab_size):
        counts = stats(ids)
        if not counts:
            break
        most = max(counts.values())
        best = [pair for pair, n in counts.items() if n == most]
        alone = alone and len(best) == 1
        merges[best[0]] = idx
        ids = merged(ids, best[0], idx)
    return merges, alone


def _vocabulary(merges: Merges) -> dict[int, bytes]:
    vocab = {i: bytes([i]) for i in range(256)}
    for (left, right), idx in merges.items():
        vocab[idx] = vocab[left] + vocab[right]
    return vocab


def _follow(ids: list[int], merges: Merges, tokens: list[Any]) -> tuple[Merges, bool]:
    """Merges that explain the learner's tokens, each among the most frequent pairs at its moment.

    Where the tokens stop following the rule, the longest way that does, and False.
    """
    if len(merges) == len(tokens):
        return merges, True
    counts = stats(ids)
    if not counts:
        return merges, False
    most, vocab, longest = max(counts.values()), _vocabulary(merges), merges
    idx = 256 + len(merges)
    for pair, n in counts.items():
        if n != most or _text(vocab[pair[0]] + vocab[pair[1]]) != tokens[len(merges)]:
            continue
        found, whole = _follow(merged(ids, pair, idx), merges | {pair: idx}, tokens)
        if whole:
            return found, True
        longest = max(longest, found, key=len)
    return longest, False


def _text(found: bytes) -> str:
    return found.decode("utf-8", errors="replace")


def _by_rank(text: str, merges: Merges) -> list[int]:
    ids = list(text.encode())
    while True:
        known = [pair for pair in stats(ids) if pair in merges]
        if not known:
            return ids
        pair = min(known, key=lambda p: merges[p])
        ids = merged(ids, pair, merges[pair])


def _their_merges(case: Case, seen: Any) -> Merges:
    """The learner's own merges, as far as they follow the rule, and then ours."""
    ids = list(case["text"].encode())
    merges, whole = _follow(ids, {}, seen["tokens"])
    if case["merges"] and not whole:
        for pair, idx in merges.items():
            ids = merged(ids, pair, idx)
        for idx in range(256 + len(merges), case["vocab_size"]):
            counts = stats(ids)
            pair = max(counts, key=counts.__getitem__)
            merges = merges | {pair: idx}
            ids = merged(ids, pair, idx)
    return merges if case["merges"] else _learn(case["text"], case["vocab_size"])[0]


def _tokenizer_reference(case: Case, seen: Any) -> dict[str, Any]:
    merges = _their_merges(case, seen)
    vocab = _vocabulary(merges)
    texts = [case["text"], *case["texts"]]
    if case["name"] == "rare pairs":  # which of the two ways to 257 was taken is free
        encoded = [[257]]
    else:
        encoded = [_by_rank(text, merges) for text in texts]
    return {
        "tokens": [_text(vocab[i]) for i in range(256, 256 + case["merges"])],
        "encoded": encoded,
        "back": texts,
        "mended": [_text(bytes(ids)) for ids in case["invalid"]],
    }


class Tokenizer:
    """A right tokenizer. A mistake overrides one method."""

    def __init__(self) -> None:
        self.merges: Merges = {}
        self.vocab = {i: bytes([i]) for i in range(256)}

    def bytes_of(self, text: str) -> list[int]:
        return list(text.encode())

    def ids_to_make(self, vocab_size: int) -> Any:
        return range(256, vocab_size)

    def choose(self, counts: dict) -> Any:
        return max(counts, key=counts.__getitem__)

    def glue(self, left: bytes, right: bytes) -> bytes:
        return left + right

    def enough(self, counts: dict) -> bool:
        return not counts

    def train(self, text: str, vocab_size: int) -> None:
        ids = self.bytes_of(text)
        for idx in self.ids_to_make(vocab_size):
            counts = stats(ids)
            if self.enough(counts):
                break
            pair = self.choose(counts)
            self.merges[pair] = idx
            self.vocab[idx] = self.glue(self.vocab[pair[0]], self.vocab[pair[1]])
            ids = self.shorter(ids, pair, idx)

    def shorter(self, ids: list[int], pair: tuple[int, int], idx: int) -> list[int]:
        return merged(ids, pair, idx)

    def encode(self, text: str) -> list[int]:
        return _by_rank(text, self.merges)

    def decode(self, ids: list[int]) -> str:
        return _text(b"".join(self.vocab[i] for i in ids))


def _tokenizer(**methods: Any) -> type[Tokenizer]:
    """A wrong tokenizer: `Tokenizer` with some methods replaced."""
    return type("BasicTokenizer", (Tokenizer,), methods)


def _in_order_of_appearance(self: Tokenizer, text: str) -> list[int]:
    ids = list(text.encode())
    while True:
        pairs = itertools.pairwise(ids)
        pair = next((pair for pair in pairs if pair in self.merges), None)
        if pair is None:
            return ids
        ids = merged(ids, pair, self.merges[pair])


def _longest_match(self: Tokenizer, text: str) -> list[int]:
    rest, ids = text.encode(), []
    known = {token: i for i, token in self.vocab.items()}
    while rest:
        size = next(n for n in range(len(rest), 0, -1) if rest[:n] in known)
        ids.append(known[rest[:size]])
        rest = rest[size:]
    return ids


def _latest_first(self: Tokenizer, text: str) -> list[int]:
    ids = list(text.encode())
    while True:
        known = [pair for pair in stats(ids) if pair in self.merges]
        if not known:
            return ids
        pair = max(known, key=lambda p: self.merges[p])
        ids = merged(ids, pair, self.merges[pair])


def _first_learnt(self: Tokenizer, text: str) -> list[int]:
    ids = list(text.encode())
    for pair, idx in self.merges.items():
        return merged(ids, pair, idx)
    return ids


def _backwards_once(self: Tokenizer, text: str) -> list[int]:
    ids = list(text.encode())
    for pair, idx in reversed(self.merges.items()):
        ids = merged(ids, pair, idx)
    return ids


def _most_frequent_first(self: Tokenizer, text: str) -> list[int]:
    ids = list(text.encode())
    while True:
        known = {pair: n for pair, n in stats(ids).items() if pair in self.merges}
        if not known:
            return ids
        pair = max(known, key=known.__getitem__)
        ids = merged(ids, pair, self.merges[pair])


def _first_merge_only(self: Tokenizer, text: str) -> list[int]:
    ids = list(text.encode())
    known = [pair for pair in stats(ids) if pair in self.merges]
    if known:
        pair = min(known, key=lambda p: self.merges[p])
        ids = merged(ids, pair, self.merges[pair])
    return ids


def _two_left(self: Tokenizer, text: str) -> list[int]:
    ids = list(text.encode())
    while len(ids) > 2:
        known = [pair for pair in stats(ids) if pair in self.merges]
        if not known:
            break
        pair = min(known, key=lambda p: self.merges[p])
        ids = merged(ids, pair, self.merges[pair])
    return ids


def _learns_again(self: Tokenizer, text: str) -> list[int]:
    ids = list(text.encode())
    for idx in range(256, 256 + len(self.merges)):
        counts = stats(ids)
        if not counts:
            break
        ids = merged(ids, max(counts, key=counts.__getitem__), idx)
    return ids


def _too_large(case: Case, seen: Any, expected: Any) -> bool:
    return any(i >= case["vocab_size"] for ids in seen["encoded"] for i in ids)


def _explain_tokenizer(case: Case, seen: Any, expected: Any) -> str | None:
    told = f"Trained with vocab_size={case['vocab_size']}"
    for place, (got, want) in enumerate(zip(seen["tokens"], expected["tokens"], strict=True)):
        if got is None:
            return (
                f"{told}, it should know the ids up to {case['vocab_size'] - 1}, and it can't "
                f"decode [{256 + place}]"
            )
        if got != want:
            counts, merges = [], {}
            ids = list(case["text"].encode())
            for pair, idx in list(_their_merges(case, seen).items())[:place]:
                merges[pair] = idx
                ids = merged(ids, pair, idx)
            counts, vocab = stats(ids), _vocabulary(merges)
            ways = [n for p, n in counts.items() if _text(vocab[p[0]] + vocab[p[1]]) == got]
            most = f"the most frequent pair at that moment, {max(counts.values())} times, "
            most += f"makes {want!r}" if "\ufffd" not in want else "is another"
            if not ways:
                return (
                    f"{told}, decode([{256 + place}]) gives {got!r}, which no pair of the text "
                    f"makes; {most}. Look at `decode`, and at what is noted in self.vocab"
                )
            times = "once" if max(ways) == 1 else f"{max(ways)} times"
            return (
                f"{told}, your id {256 + place} stands for {got!r}, which is there {times}; {most}"
            )
    texts = [case["text"], *case["texts"]]
    for text, got, want in zip(texts, seen["encoded"], expected["encoded"], strict=True):
        if got != want:
            shown = repr(text) if len(text) < 30 else "its own training text"
            if len(want) > 12:
                return f"{told}, it encodes {shown} as {len(got)} ids, expected {len(want)}" + (
                    ": the same number, and other ids" if len(got) == len(want) else ""
                )
            return f"{told} on {case['text'][:24]!r}..., it encodes {shown} as {got}, not {want}"
    for text, got in zip(texts, seen["back"], strict=True):
        if got != text:
            shown = repr(text) if len(text) < 30 else "its training text"
            return f"Encoded and decoded again, {shown} is not the same text"
    for ids, got, want in zip(case["invalid"], seen["mended"], expected["mended"], strict=True):
        if got != want:
            return f"decode({ids}) gives {got!r}, expected {want!r}"
    return None


tokenizer = Exercise(
    id="tokenizer",
    title="A tokenizer",
    takes={"BasicTokenizer": "class"},
    points=3,
    minutes=9,
    difficulty=3,
    cases=_tokenizer_cases,
    probe=probes.tokenizer,
    reference=_tokenizer_reference,
    show=lambda case: (
        f"BasicTokenizer(), train({case['text']!r}, {case['vocab_size']})"
        if len(case["text"]) < 30
        else f"BasicTokenizer(), train(a text of {len(case['text'])} characters, "
        f"{case['vocab_size']}), then encode and decode"
    ),
    explain=_explain_tokenizer,
    mistakes=(
        Mistake(
            id="tokenizer_characters",
            message="It works on characters. Take the text's bytes, text.encode('utf-8'): only "
            "they fit into 256 ids, whatever the language.",
            answer=_tokenizer(
                bytes_of=lambda self, text: [ord(sign) for sign in text],
                encode=lambda self, text: [ord(sign) for sign in text],
                decode=lambda self, ids: "".join(chr(i) for i in ids),
            ),
            on=("no merges",),
            recognise=lambda case, seen, expected: [ord("é")] in seen["encoded"],
        ),
        Mistake(
            id="tokenizer_vocab_size",
            message="`encode` gives ids of vocab_size and above. vocab_size counts all tokens, the "
            "256 bytes among them: the ids go from 0 to vocab_size - 1.",
            answer=_tokenizer(ids_to_make=lambda self, vocab_size: range(256, 256 + vocab_size)),
            recognise=_too_large,
            on=("no ties", "prose"),
        ),
        Mistake(
            id="tokenizer_same_pair",
            message="The same pair is learnt again and again. After each merge, put the shorter "
            "list in place of ids: ids = merge(ids, pair, idx).",
            answer=_tokenizer(shorter=lambda self, ids, pair, idx: ids),
            recognise=lambda case, seen, expected: (
                len(seen["tokens"]) > 1
                and len(
                    {
                        seen["tokens"][0],
                        *(t for t in seen["tokens"][1:] if t is not None),
                    }
                )
                == 1
            ),
        ),
        Mistake(
            id="tokenizer_in_pieces",
            message="Every token is decoded on its own, so a sign whose bytes lie in several "
            "tokens falls apart. Join all the bytes first, then decode them once.",
            answer=_tokenizer(
                decode=lambda self, ids: "".join(_text(self.vocab[i]) for i in ids),
            ),
            on=("no ties",),
        ),
        Mistake(
            id="tokenizer_backwards",
            message="The two halves of a token are glued in the wrong order: the bytes of pair[0] "
            "come first.",
            answer=_tokenizer(glue=lambda self, left, right: right + left),
            on=("no ties",),
            recognise=lambda case, seen, expected: (
                None not in seen["tokens"]
                and seen["tokens"] != expected["tokens"]
                and _backwards(case) == seen["tokens"][0]
            ),
        ),
        Mistake(
            id="tokenizer_chr",
            message="`decode` takes each id for a character. An id stands for bytes, "
            "self.vocab[id]: join those, then decode them once.",
            answer=_tokenizer(decode=lambda self, ids: "".join(chr(i) for i in ids)),
            recognise=lambda case, seen, expected: (
                bool(seen["tokens"]) and seen["tokens"][0] == chr(256)
            ),
            on=("no ties",),
        ),
        Mistake(
            id="tokenizer_ignores",
            message="Invalid bytes vanish without a trace. They should become U+FFFD, the sign "
            "for 'unreadable': errors='replace'.",
            answer=_tokenizer(
                decode=lambda self, ids: b"".join(self.vocab[i] for i in ids).decode(
                    "utf-8", errors="ignore"
                )
            ),
            on=("no ties",),
        ),
        Mistake(
            id="tokenizer_appearance",
            message="`encode` merges pairs in the order in which they appear in the text. The "
            "order of training counts: first the pair that was learnt first.",
            answer=_tokenizer(encode=_in_order_of_appearance),
            on=("no ties",),
        ),
        Mistake(
            id="tokenizer_longest",
            message="`encode` takes the longest token that fits at each place. Follow the merges "
            "in the order in which they were learnt.",
            answer=_tokenizer(encode=_longest_match),
            on=("no ties",),
        ),
        Mistake(
            id="tokenizer_latest",
            message="`encode` merges the pair that was learnt last, first. It is the other way "
            "round: the pair with the smallest id comes first.",
            answer=_tokenizer(encode=_latest_first),
            on=("no ties",),
        ),
        Mistake(
            id="tokenizer_first_learnt",
            message="`encode` applies only the merge that was learnt first. Go through all of "
            "them: its `return` belongs after the loop.",
            answer=_tokenizer(encode=_first_learnt),
            on=("no ties",),
        ),
        Mistake(
            id="tokenizer_reversed",
            message="`encode` goes through the merges from the last to the first. Begin with the "
            "one that was learnt first: later ones are made of it.",
            answer=_tokenizer(encode=_backwards_once),
            on=("no ties",),
        ),
        Mistake(
            id="tokenizer_learns_again",
            message="`encode` makes merges of its own from the text that it is given. It should "
            "only apply those that `train` has learnt, self.merges.",
            answer=_tokenizer(encode=_learns_again),
            on=("no ties",),
            recognise=lambda case, seen, expected: (
                seen["tokens"] == expected["tokens"]
                and any(
                    got != want and got and max(got) >= 256 and max(want) < 256
                    for got, want in zip(seen["encoded"], expected["encoded"], strict=True)
                )
            ),
        ),
        Mistake(
            id="tokenizer_frequent",
            message="`encode` first merges the pair that is most frequent in the given text. What "
            "counts is the order of training: the pair with the smallest id.",
            answer=_tokenizer(encode=_most_frequent_first),
            on=("no ties",),
        ),
        Mistake(
            id="tokenizer_one_merge",
            message="`encode` stops after one merge. Go on, until no pair of neighbours is among "
            "the merges.",
            answer=_tokenizer(encode=_first_merge_only),
            on=("no ties",),
        ),
        Mistake(
            id="tokenizer_two_left",
            message="`encode` stops when two ids are left. Two ids are a pair: they may be merged, "
            "too.",
            answer=_tokenizer(encode=_two_left),
            on=("no ties",),
        ),
        Mistake(
            id="tokenizer_bytes",
            message="`encode` returns the bytes as they are. Apply the merges that were learnt: "
            "`for pair, idx in self.merges.items()`, and keep what `merge` returns.",
            answer=_tokenizer(encode=lambda self, text: list(text.encode())),
            on=("no ties",),
        ),
        Mistake(
            id="tokenizer_largest_ids",
            message="`train` takes the pair with the largest ids: max(counts) compares the keys. "
            "Let it compare the counts, with key=counts.get.",
            answer=_tokenizer(choose=lambda self, counts: max(counts)),
            on=("no ties",),
        ),
        Mistake(
            id="tokenizer_rarest",
            message="`train` takes a pair that is rare. Take the one with the largest count: "
            "max(counts, key=counts.get).",
            answer=_tokenizer(choose=lambda self, counts: min(counts, key=counts.__getitem__)),
            recognise=lambda case, seen, expected: (
                seen["tokens"][:1] != expected["tokens"][:1] and _rarest_first(case, seen)
            ),
            on=("prose",),
        ),
        Mistake(
            id="tokenizer_once",
            message="Training stops at pairs that occur only once. It should go on until there "
            "are vocab_size tokens, or no pair is left.",
            answer=_tokenizer(enough=lambda self, counts: max(counts.values(), default=0) < 2),
            on=("rare pairs",),
            recognise=lambda case, seen, expected: (
                seen["encoded"][0] == list(case["text"].encode())
            ),
        ),
    ),
    hints=(
        "`train` repeats four steps that you have already: count, choose, remember, replace. "
        "`encode` repeats the last one, with the merges that were learnt, in their order.",
        "A dict keeps the order in which it was filled, so `self.merges.items()` gives the merges "
        "in the order of training. `max(counts, key=counts.get)` is the key with the largest "
        "value. [dict.items](https://docs.python.org/3/library/stdtypes.html#dict.items).",
        "```python\n# in train\npair = max(..., key=...)\nself.vocab[idx] = self.vocab[pair[0]] + "
        "...\n\n# in encode\nfor pair, idx in self.merges.items():\n    ids = ...\n```",
    ),
)


def _backwards(case: Case) -> str:
    """The first token with its halves the wrong way round."""
    left, right = next(iter(_learn(case["text"], case["vocab_size"])[0]))
    return _text(bytes([right, left]))


def _rarest_first(case: Case, seen: Any) -> bool:
    counts, vocab = stats(list(case["text"].encode())), _vocabulary({})
    least = min(counts.values())
    return any(
        n == least and _text(vocab[pair[0]] + vocab[pair[1]]) == seen["tokens"][0]
        for pair, n in counts.items()
    )
