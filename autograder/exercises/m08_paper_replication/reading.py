"""Reading the paper in passes, and guessing what its reviewers said."""

from __future__ import annotations

from autograder.core.exercise import Criterion
from autograder.core.rubric import written

read_claim = written(
    "read_claim",
    "First pass: what is claimed?",
    minutes=9,
    words=(30, 160),
    rubric=(
        Criterion(
            name="The claims",
            levels=(
                "the title in other words",
                "what superposition is, or when it appears",
                "what it is, when it appears, and the shape that it takes",
            ),
        ),
        Criterion(
            name="Shown or supposed",
            levels=(
                "all claims stand on one level",
                "toy models and real networks are told apart",
                "for each claim it is said whether it is shown or supposed",
            ),
        ),
    ),
    noticed="There are claims of three kinds. That small models with a ReLU store more features "
    "than they have dimensions, once features are sparse: shown, by training them. That they lay "
    "these features out in regular shapes, and change from one shape to the next abruptly: shown, "
    "for toy models. That large networks do the same: supposed. The toy models make it plausible, "
    "and do not test it. The word toy in the title is the scope.",
    hints=(
        "Which sentences of the introduction could turn out false?",
        "Sort them: what is measured in this paper, and what is said about other networks? See "
        "[how to read a paper](https://web.stanford.edu/class/ee384m/Handouts/HowtoReadPaper.pdf).",
        "Begin: The paper shows that ... when ... It supposes that ...",
    ),
)

read_evidence = written(
    "read_evidence",
    "Second pass: is the evidence enough?",
    minutes=11,
    words=(40, 200),
    rubric=(
        Criterion(
            name="The key figure",
            levels=(
                "no figure is named",
                "a figure is named",
                "a figure is named, with what one has to see in it",
            ),
        ),
        Criterion(
            name="The control",
            levels=("none is named", "the comparison that rules out another cause is named"),
        ),
        Criterion(
            name="What is missing",
            levels=(
                "nothing, or something general",
                "one thing that you would ask for, and why it could change the conclusion",
            ),
        ),
    ),
    noticed="The linear model is the control. It has the same data, the same loss and the same "
    "size, and no ReLU; it keeps as many features as it has dimensions and gives up the others. So "
    "the effect comes from the ReLU together with sparse features, not from training as such. What "
    "to ask for: how many starts were tried, and how the one in the figure was chosen; whether the "
    "shapes survive features that occur together, which the paper looks at further down; and "
    "whether anything changes with another loss.",
    hints=(
        "Cover the caption. What would you have to see for the claim to be false?",
        "A control is the same experiment without the supposed cause. Which model in the first "
        "demonstration lacks something?",
        "Begin: The figure that carries the claim is ... The model without ... shows ... I would "
        "ask for ...",
    ),
)

read_follows = written(
    "read_follows",
    "Third pass: what follows?",
    minutes=8,
    words=(30, 160),
    rubric=(
        Criterion(
            name="If it is true",
            levels=(
                "nothing, or that it is interesting",
                "a consequence for somebody who wants to understand a network",
                "a consequence, and what that person would do differently",
            ),
        ),
        Criterion(
            name="How far it reaches",
            levels=("no limit is named", "one step from toy to real that is not shown here"),
        ),
    ),
    noticed="If features outnumber neurons, a list of what each neuron does is no list of what the "
    "network can do: something could be stored across them that nobody has looked for. The paper "
    "names ways out, among them models without superposition, and finding the features afterwards "
    "in a larger set of directions. It does neither for a large model. Sparse autoencoders are "
    "later work of the second kind.",
    hints=(
        "Who would act differently on Monday if this were so?",
        "Read the part on strategy and the discussion. What does somebody who audits a model need "
        "to be able to list?",
        "Begin: If features are stored in superposition, then looking at single neurons ...",
    ),
)

predicted_reviews = written(
    "predicted_reviews",
    "Predict the reviews",
    minutes=10,
    words=(60, 260),
    difficulty=3,
    rubric=(
        Criterion(
            name="In favour",
            levels=("praise in general", "a strength, tied to a figure or an experiment"),
        ),
        Criterion(
            name="Against",
            levels=(
                "an objection that would fit any paper",
                "an objection to this paper's setting",
                "one that the authors would find hard to answer",
            ),
        ),
        Criterion(
            name="The experiment asked for",
            levels=("none", "one that could be run, with the result that would settle it"),
        ),
    ),
    noticed="Now scroll to the very end of the paper, to the comments and replications: other "
    "researchers say what they reproduced and where they would go on. Count how many of your "
    "points come up. What a hard reviewer could say of any toy model: the features are independent "
    "and alike, the sizes were chosen so that the effect is visible, and the step to large models "
    "is an analogy. What a kind one could say: there is a clean control, and a reader can check "
    "the claims on a laptop, which is what you do next.",
    hints=(
        "Write the review that you would least like to get.",
        "Three places to press: the data, the model, the step from there to the conclusion.",
        "Reviewer 1 would accept it, since ... Reviewer 2 would reject it, since ... They would "
        "ask for ...",
    ),
)
