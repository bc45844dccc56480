"""What 04 and 07 say of wrong answers that once got a message of another mistake, and what they
refuse that once passed."""

from __future__ import annotations

import play
import pytest

from autograder.core.judge import INSTANT_SEED, draw
from autograder.core.outcome import Outcome, Result
from autograder.exercises import by_id, observed
from autograder.exercises.m07_build_gpt import training

WEIGHTS = "weights = F.softmax(scores, dim=-1)"
STARTS = "starts = torch.randint(len(data) - block_size, (batch_size,))"


def verdict(name: str, *changes: tuple[str, str], after: str = "") -> Result:
    """The verdict on the solution of an exercise, with pieces of its source changed."""
    exercise = by_id()[name]
    source, names = play.solution(exercise), dict(play.solved(exercise))
    for old, new in changes:
        assert old in source, old
        source = source.replace(old, new)
    if changes:
        play.run(source, names, name)
    if after:
        play.run(after, names, "after")
    return play.verdict(exercise, names, INSTANT_SEED)


@pytest.mark.parametrize(
    ("name", "changes", "mistake", "message"),
    [
        (
            "head",
            [('float("-inf")', "-1e9"), (WEIGHTS, "weights = F.softmax(scores, dim=0)")],
            "softmax_over_the_batch",
            "The softmax runs over the batch",
        ),
        (
            "head",
            [("return weights @ v", "return weights.detach() @ v")],
            "detached",
            "Its numbers are right, and a gradient doesn't reach",
        ),
        (
            "head",
            [("q, k, v = self.query(x), self.key(x)", "k, q, v = self.query(x), self.key(x)")],
            "keys_as_queries",
            "Queries and keys are swapped",
        ),
        (
            "head",
            [("q, k, v = self.query(x), self.key(x)", "q, v, k = self.query(x), self.key(x)")],
            "values_in_the_scores",
            "The values stand where the queries or the keys belong",
        ),
        (
            "block",
            [("self.feed(self.norm2(x))", "self.feed(x)")],
            "norm_forgotten",
            "One of the two parts reads x itself",
        ),
        (
            "block",
            [("self.attention(self.norm1(x))", "self.attention(x)")],
            "norm_forgotten",
            "One of the two parts reads x itself",
        ),
        (
            "block",
            [
                ("self.feed(self.norm2(x))", "self.feed(x)"),
                ("        self.norm2 = nn.LayerNorm(n_embd)\n", ""),
            ],
            "norm_forgotten",
            "One of the two parts reads x itself",
        ),
        (
            "block",
            [("def __init__(self, n_embd, n_head)", "def __init__(self, n_embd, heads)")],
            "heads_of_the_notebook",
            "The number of heads is that of the notebook's global",
        ),
        (
            "get_batch",
            [
                (
                    "data[i + 1 : i + block_size + 1] for i in starts])",
                    "data[i : i + block_size] for i in starts]) + 1",
                )
            ],
            "one_more",
            "Each number of y is that of x plus 1",
        ),
        (
            "get_batch",
            [(STARTS, "starts = torch.randint(len(train_data) - block_size, (batch_size,))")],
            "past_the_end",
            "Some windows come out shorter than others, or run past the end",
        ),
        (
            "get_batch",
            [
                (STARTS, "i = torch.randint(len(data) - block_size, (1,)).item()"),
                (
                    "torch.stack([data[i : i + block_size] for i in starts])",
                    "data[i : i + block_size]",
                ),
                (
                    "torch.stack([data[i + 1 : i + block_size + 1] for i in starts])",
                    "data[i + 1 : i + block_size + 1]",
                ),
            ],
            None,
            "`x` has the shape (7,), expected (5, 7)",
        ),
        (
            "gpt",
            [
                (
                    "        self.blocks =",
                    "        self.more = FeedForward(n_embd)\n        self.blocks =",
                ),
                ("self.norm(self.blocks(x))", "self.norm(self.more(self.blocks(x)))"),
            ],
            None,
            "It has 3 different FeedForwards, expected n_layer = 2",
        ),
        (
            "mlp",
            [("return x[0] if len(x) == 1 else x", "return x[0]")],
            "first_output",
            "It gives the first output only",
        ),
        (
            "arithmetic",
            [("n * self.data ** (n - 1)", "(n * self.data) ** (n - 1)")],
            "pow_brackets",
            "`(n * x) ** (n - 1)` takes n to the power, too",
        ),
        (
            "backward",
            [("self.grad = 1.0", "self.grad += 1.0")],
            "root_added",
            "`backward()` adds 1 to the root's gradient",
        ),
    ],
)
def test_a_wrong_answer_is_told_what_is_so(
    name: str, changes: list[tuple[str, str]], mistake: str | None, message: str
) -> None:
    result = verdict(name, *changes)
    assert result.outcome is Outcome.WRONG, result
    assert (result.mistake, result.message[: len(message)]) == (mistake, message), result


def test_a_value_that_lost_what_a_later_cell_added_is_told_so() -> None:
    """The cell of `backward` was run once more, after that of `accumulate`."""
    names = play.namespace("04_micrograd", upto="loss")
    exercises = by_id()
    play.run(play.solution(exercises["backward"]), names, "backward")
    play.run(play.solution(exercises["train"]).split("\nmodel = ")[0], names, "train")
    play.run("model = MLP(2, [8, 1])", names, "model")
    result = play.verdict(exercises["train"], names, INSTANT_SEED)
    assert result.outcome is Outcome.WRONG
    assert result.message.startswith("`Value` has lost what a later cell added to it"), result
    assert "Run the cells from `accumulate` on again" in result.message


def test_losses_measured_after_the_update_are_refused() -> None:
    line = "        losses.append(value.data)\n"
    late = "        losses.append(loss([model(x) for x in X], y).data)\n"
    exercise = by_id()["train"]
    source = play.solution(exercise).split("model = ...")[0].split("\nmodel = ")[0]
    assert line in source
    assert verdict("train", after=source).passed
    result = verdict("train", after=source.replace(line, late))
    assert result.mistake == "measured_late", result


def test_seconds_out_of_all_proportion_are_refused_where_the_first_are_not_known() -> None:
    exercise = by_id()["faster"]
    names = {"fast_model": training.Parrot(), "fast_seconds": 1000}
    cases = draw(exercise, INSTANT_SEED)
    seen = observed(exercise, tuple(names.values()), cases)
    assert not exercise.measured(cases[0], seen[0].value)["quicker"]
    names["fast_seconds"] = 30.0
    seen = observed(exercise, tuple(names.values()), cases)
    assert exercise.measured(cases[0], seen[0].value)["quicker"]


@pytest.mark.parametrize(("steps", "passes"), [(1100, False), (850, True)])
def test_the_first_gpt_with_fewer_steps_is_not_quick_enough(steps: int, passes: bool) -> None:
    """1,700 steps are the first training's: 1,100 of them take 0.65 of its seconds."""
    space = {"others": [100 * steps / 1700], "first seconds": 100.0}
    assert training._quicker(space) is passes


@pytest.mark.parametrize(("share", "passes"), [(0.76, True), (0.81, False)])
def test_the_loss_of_the_first_gpt_with_half_its_steps_is_not_enough(
    share: float, passes: bool
) -> None:
    """Of the pairs' loss, 850 plain steps had 0.81 in three trainings, FastGPT at most 0.76."""
    exercise = by_id()["faster"]
    cases = draw(exercise, INSTANT_SEED)
    answer = (training.Parrot(), 50.0)
    seen = observed(exercise, answer, cases)[0].value
    pairs = training._best(cases[0], seen)["loss"] / share
    case = {**cases[0], "_pairs": dict.fromkeys(cases[0]["_pairs"], pairs)}
    assert exercise.measured(case, seen)["loss is low enough"] is passes
