"""A small transformer that this course trained: what does "it" stand for?

`tools/measure/attention.py` trained it. The language is generated: sentences such as "the animal
did not cross the street because it was too tired", in which the last word alone says whether "it"
is the animal or the street. The model has to say which one, at the word "it" and nowhere else. It
stacks the block of 06_illustrated_transformer twice: pre-norm, relu, no dropout.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np


def _words(text: str) -> list[str]:
    return text.split()


ANIMALS = _words(
    "animal dog cat horse fox bear hen goat duck robot mouse pig cow "
    "sheep wolf lion deer frog crow bee owl rat hare swan seal mule"
)
PLACES = _words(
    "street river bridge field road hill lake park yard path wall lane stream "
    "valley ditch canal marsh trail square forest beach garden rail tunnel moat bog"
)
TIRED = _words("tired hungry sleepy scared weak")
WIDE = _words("wide deep long muddy steep")
OTHERS = _words("the did not cross reach please because as it was too")
WORDS = OTHERS + ANIMALS + PLACES + TIRED + WIDE
TEMPLATES = (
    "the {animal} did not cross the {place} because it was too {last}",
    "the {animal} did not reach the {place} as it was too {last}",
    "the {place} did not please the {animal} because it was too {last}",
)
D_MODEL, D_HIDDEN, NUM_HEADS, NUM_BLOCKS = 32, 64, 1, 2
FILE = Path(__file__).with_suffix(".npz")


@dataclass(frozen=True)
class Trained:
    """The trained model: its words, its weights, and what was measured about it.

    `blocks` are dicts in the form that `transformer_block` takes; `embedding` has one row per word.
    """

    words: list[str]
    embedding: np.ndarray
    blocks: list[dict[str, np.ndarray]]
    last: dict[str, np.ndarray]  # the norm before the scores, and the weights of the scores
    num_heads: int
    facts: dict[str, Any]


def load_attention() -> Trained:
    """Load the trained model; `facts` says when it was trained, on what, and how well it does."""
    with np.load(FILE, allow_pickle=False) as stored:
        arrays = {name: stored[name].astype(float) for name in stored if name != "facts"}
        facts = json.loads(str(stored["facts"]))
    return Trained(
        words=list(WORDS),
        embedding=arrays["embedding"],
        blocks=[
            {
                name.partition(".")[2]: array
                for name, array in arrays.items()
                if name.startswith(f"block{i}.")
            }
            for i in range(NUM_BLOCKS)
        ],
        last={name: arrays[name] for name in ("gamma", "beta", "W_out")},
        num_heads=NUM_HEADS,
        facts=facts,
    )


def all_sentences() -> list[tuple[list[str], str]]:
    """Every sentence of the language as (its words, the word that "it" stands for)."""
    return [
        (template.format(animal=animal, place=place, last=last).split(), meant)
        for template in TEMPLATES
        for animal in ANIMALS
        for place in PLACES
        for lasts, meant in ((TIRED, animal), (WIDE, place))
        for last in lasts
    ]


def encode(sentence: list[str]) -> list[int]:
    """The numbers of a sentence's words."""
    return [WORDS.index(word) for word in sentence]
