"""What is written about the runs: the speed, an ablation, honesty, the abstract, the talk."""

from __future__ import annotations

import dataclasses

from autograder.core.exercise import Criterion
from autograder.core.preregistration import REGISTRATION
from autograder.core.rubric import written

explain_speed = written(
    "explain_speed",
    "Explain your table",
    minutes=10,
    publishes=REGISTRATION,
    words=(40, 180),
    numbers=True,
    difficulty=3,
    rubric=(
        Criterion(
            name="What is slow",
            levels=(
                "no reason is given",
                "overhead or arithmetic is named",
                "for each row it is said which of the two it spends its time on, with figures "
                "from the table",
            ),
        ),
        Criterion(
            name="What you would do",
            levels=(
                "the same for everything",
                "one rule for tiny models and one for large ones",
            ),
        ),
        Criterion(
            name="A surprise",
            levels=("none is looked for", "one row that came out unlike your prediction, and why"),
        ),
    ),
    noticed="A model this small spends its time on overhead: Python and torch take longer to start "
    "an operation than the operation itself takes. Batching starts each operation once for all "
    "models, so it wins by far. A process needs seconds to start and import torch, so processes "
    "pay when a run is longer than that; and they pay at most as often as there are cores. With "
    "larger models the arithmetic is what costs, batching gains little, and processes with one "
    "thread each are the better choice.",
    hints=(
        "Divide each row's seconds by its number of models.",
        "What happens once for each operation, once for each process, and once for each number? "
        "See [performance tuning](https://pytorch.org/tutorials/recipes/recipes/tuning_guide.html).",
        "Begin: One by one, a model takes ... seconds; in the batch ... The difference is ...",
    ),
)

ablation = dataclasses.replace(
    written(
        "ablation",
        "An ablation of your choice",
        minutes=12,
        publishes=REGISTRATION,
        words=(40, 200),
        numbers=True,
        difficulty=4,
        rubric=(
            Criterion(
                name="One change",
                levels=(
                    "several things change at once",
                    "one thing changes",
                    "one thing changes, and it says why this one",
                ),
            ),
            Criterion(
                name="Compared with what",
                levels=(
                    "nothing",
                    "the unchanged model",
                    "the unchanged model, same starts and repetitions, with the spread",
                ),
            ),
            Criterion(
                name="What it says",
                levels=(
                    "no conclusion",
                    "a conclusion that the numbers carry",
                    "a conclusion that the numbers carry, and what it does not settle",
                ),
            ),
        ),
        noticed="An ablation takes one part away and leaves all else alone. What a part is good "
        "for can depend on the density. Without the bias the loss rises at every density that was "
        "measured for this course, and the count does not always follow: at some densities more "
        "features are kept, at others fewer, and another seed can change it. With one start "
        "instead of eight the count can come out lower or higher: that says something about "
        "training, not about what is best. If nothing changes, that is a result, too: the part was "
        "not needed here.",
        hints=(
            "Which part of the model or the procedure would you bet on? Take it away.",
            "Write a subclass of `ToyModel`, or change one argument, and keep the 24 starts. "
            "Compare the counts of the three groups of 8.",
            "```python\nclass NoBias(ToyModel):\n    def forward(self, x):\n        ...\n```",
        ),
    ),
    trains=True,
)

honesty = written(
    "honesty",
    "What did not replicate",
    minutes=10,
    publishes=REGISTRATION,
    words=(40, 220),
    difficulty=3,
    rubric=(
        Criterion(
            name="Against yourself",
            levels=(
                "nothing is said to be weak",
                "one thing that did not come out, or was not tested",
                "that thing, with its number, and what would settle it",
            ),
        ),
        Criterion(
            name="Choices",
            levels=(
                "no choice is named",
                "choices that were made after looking are listed, or it is said that there "
                "were none",
            ),
        ),
        Criterion(
            name="Reach",
            levels=("claims more than was run", "claims what was run, at these sizes"),
        ),
    ),
    noticed="Where a careful reader of this replication would press: single starts get stuck, so "
    "best of eight hides how often training fails; the densities between the shapes are unclear "
    "and were not graded; the margins were set by people who had seen results; the features are "
    "independent and uniform; n and m are tiny. And you ran what the course gave you to run.",
    hints=(
        "Look at the row of your table that you like least.",
        "Four questions: what failed, what was not tried, what was chosen after looking, what "
        "would a stranger not believe?",
        "Begin: In ... of 3 repetitions ... I did not test ... After the first look I changed ...",
    ),
)

abstract = written(
    "abstract",
    "Five lines",
    minutes=12,
    publishes=REGISTRATION,
    words=(50, 170),
    lines=5,
    numbers=True,
    difficulty=3,
    rubric=(
        Criterion(
            name="Question and method",
            levels=(
                "a reader can't tell what was done",
                "question or method is clear",
                "both are clear to somebody who has not read the paper",
            ),
        ),
        Criterion(
            name="Result",
            levels=(
                "no number",
                "a number",
                "the key number with its spread, and what it is compared with",
            ),
        ),
        Criterion(
            name="Limit",
            levels=("none", "what a reader must not conclude"),
        ),
    ),
    noticed="Line by line: the question, what you did, the key number with its spread, what did "
    "not hold, what it means and what it does not. A reader who stops after line three has the "
    "claim; one who stops after line four knows how far to trust it.",
    hints=(
        "Write line three first: the number.",
        "One line each: question, method, result, what did not hold, meaning.",
        "Small networks may store more features than they have dimensions.\nI trained ...\nAt "
        "density ... the best of 8 starts kept ... features, in ... of 3 repetitions ...\n...\n...",
    ),
)

outline = written(
    "outline",
    "Five slides",
    minutes=16,
    publishes=REGISTRATION,
    words=(40, 220),
    lines=5,
    difficulty=3,
    rubric=(
        Criterion(
            name="One claim a slide",
            levels=(
                "slides are topics",
                "most slides say something",
                "each slide is a sentence that could be false",
            ),
        ),
        Criterion(
            name="Pictures",
            levels=("none is named", "each result has the figure that carries it"),
        ),
        Criterion(
            name="The audience",
            levels=(
                "assumes the paper",
                "says why it matters",
                "says why it matters, what it does not show, and what you would run next",
            ),
        ),
    ),
    noticed="A title that states the claim needs no second slide to explain it. Order that works: "
    "why it matters, the model in one picture, the key figure, the control or the ablation, what "
    "it does not show and what comes next. If a slide has no figure and no claim, it is a note to "
    "yourself.",
    hints=(
        "Which figure would you show if you had one minute?",
        "Write each slide as its title, a full sentence, then the figure in brackets.",
        "1. A network can hold more features than it has dimensions (figure: ...)\n2. ...",
    ),
)
