"""Texts that a trained model is tried on, and what a table of letter pairs makes of them.

Shakespeare's part, `shakespeare.npz`, has 30,000 characters of the last tenth of Tiny Shakespeare
(public domain) and the counts of letter pairs in the first nine tenths.
``python -m autograder.exercises.m07_build_gpt.passages`` makes it again, where `SPEEDRUN_DATA` has
the text.
"""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np

from autograder.data.text import embedded_corpus, load_corpus

FILE = Path(__file__).with_name("shakespeare.npz")
LENGTH = 30_000
SHAKESPEARE, EMBEDDED = "Tiny Shakespeare", "Python's help pages"


class Passage:
    """A text that nobody trained on, with counts of letter pairs from the text before it."""

    def __init__(self, chars: str, text: str, counts: np.ndarray) -> None:
        self.text, self.place = text, {c: i for i, c in enumerate(chars)}
        smooth = counts + 0.1
        self.table = np.log(smooth / smooth.sum(1, keepdims=True))

    def windows(self, rng: np.random.Generator, n: int, length: int) -> list[str]:
        """n pieces of the text, each of length + 1 characters."""
        starts = rng.choice(len(self.text) // (length + 1), size=n, replace=False) * (length + 1)
        return [self.text[i : i + length + 1] for i in starts]

    def pair_loss(self, windows: list[str]) -> float:
        """The mean loss of the table of letter pairs on these windows, in nats."""
        ids = np.array([[self.place[c] for c in w] for w in windows])
        return float(-self.table[ids[:, :-1], ids[:, 1:]].mean())


def _counted(text: str) -> tuple[str, np.ndarray, str]:
    """(characters, counts of pairs in the first nine tenths, the last tenth)."""
    chars = "".join(sorted(set(text)))
    place = np.zeros(256, dtype=int)
    for i, c in enumerate(chars):
        place[ord(c)] = i
    ids = place[np.frombuffer(text.encode("latin-1"), dtype=np.uint8)]
    n, V = int(0.9 * len(ids)), len(chars)
    pairs = ids[: n - 1] * V + ids[1:n]
    return chars, np.bincount(pairs, minlength=V * V).reshape(V, V), text[n:]


@functools.cache
def passage(name: str) -> Passage:
    """The passage of one of the two texts."""
    if name == SHAKESPEARE:
        with np.load(FILE) as kept:
            chars, text = (bytes(kept[key]).decode("latin-1") for key in ("chars", "text"))
            return Passage(chars, text, kept["counts"])
    chars, counts, last = _counted(embedded_corpus().text)
    return Passage(chars, last[:LENGTH], counts)


def main() -> None:
    """Write `shakespeare.npz`."""
    corpus = load_corpus()
    if corpus.name != SHAKESPEARE:
        raise SystemExit("Tiny Shakespeare is not here: set SPEEDRUN_DATA.")
    chars, counts, last = _counted(corpus.text)
    np.savez_compressed(
        FILE,
        chars=np.frombuffer(chars.encode("latin-1"), dtype=np.uint8),
        text=np.frombuffer(last[:LENGTH].encode("latin-1"), dtype=np.uint8),
        counts=counts.astype(np.uint16),
    )


if __name__ == "__main__":
    main()
