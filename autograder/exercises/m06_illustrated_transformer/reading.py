"""Reading a trained model: what a map says."""

from __future__ import annotations

from autograder.core.exercise import Option, question

predict_it = question(
    "predict_it",
    "Another last word",
    minutes=2,
    difficulty=2,
    right="b",
    options={
        "a": Option(
            text="animal, as before",
            why='Then the row of "it" would not depend on the last word. But the query of block 2 '
            'is made from what block 1 has added to "it", and block 1 could look at that word.',
        ),
        "b": Option(
            text="street",
            why='The query of "it" in block 2 is made from the stream, to which block 1 has added '
            "what it found. So another last word can mean another look-up.",
        ),
        "c": Option(
            text="wide, the word that is new",
            why="The last word says what kind of thing is meant, and block 1 can fetch that. What "
            "the model has to name is the noun, and in this sentence it looks there.",
        ),
        "d": Option(
            text="it, the word itself",
            why="Its own vector doesn't say which noun is meant, and the stream hands it on "
            "anyway. In this sentence it looks at a noun.",
        ),
    },
    hints=(
        'What does the model have to name at "it", and where does that stand?',
        'Animals get tired, streets are wide. Block 1 can bring the last word to "it"; block 2 '
        "asks with what is then known.",
        'For "tired" it was the animal. Which noun is meant when it is too wide?',
    ),
)
