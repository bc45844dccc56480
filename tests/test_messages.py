"""Messages that no named mistake gives: what a probe, the judge or `explain` says of an answer.

Each wrong answer is the solution's cell with one piece of it changed.
"""

from __future__ import annotations

import play
import pytest

from autograder.core.judge import INSTANT_SEED
from autograder.core.outcome import Outcome, Result
from autograder.exercises import by_id


def verdict(name: str, *changes: tuple[str, str]) -> Result:
    """The verdict on the solution of an exercise, with pieces of its source changed."""
    exercise = by_id()[name]
    source, names = play.solution(exercise), dict(play.namespace(*_before(name)))
    for old, new in changes:
        assert old in source, old
        source = source.replace(old, new)
    play.run(source, names, name)
    return play.verdict(exercise, names, INSTANT_SEED)


def _before(name: str) -> tuple[str, str | None]:
    """The module of an exercise, and the exercise that stands before it."""
    module_id = play.module_of(by_id()[name])
    group = [known for known, _ in play.cells(module_id) if known]
    return module_id, group[max(group.index(name) - 1, 0)]


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        # 02: errors of numpy, in words of the exercise
        (
            "accuracy",
            [("axis=1", "axis=0")],
            "Your code raised ValueError: operands could not be broadcast together with shapes "
            "(3,) (7,). `argmax` along an axis takes that axis away",
        ),
        (
            "layer_digits",
            [("X @ W", "X * W")],
            "Your code raised ValueError: operands could not be broadcast together with shapes "
            "(3,5) (5,2). `*` goes number by number",
        ),
        (
            "softmax",
            [("z.max(axis=axis, keepdims=True)", "z.max(axis=axis)")],
            "Your code raised ValueError: operands could not be broadcast together with shapes "
            "(4,3) (4,). A sum, mean or maximum along an axis loses that axis",
        ),
        (
            "one_hot",
            [("np.eye(num_classes)[y]", "np.zeros(len(y), num_classes)")],
            "Your code raised TypeError: Cannot interpret '4' as a data type. The shape is one",
        ),
        (
            "entropy",
            [("p = p[p > 0]", "q = p[p > 0]"), ("np.log(p)", "np.log(q)")],
            "Your code raised ValueError: operands could not be broadcast together with shapes "
            "(6,) (4,). One has 6 numbers left, the other 4",
        ),
        (
            "softmax_regression_gradient",
            [("one_hot(y, len(b))", "one_hot(y, 10)")],
            "Your code raised ValueError: operands could not be broadcast together with shapes "
            "(5,3) (5,10). One has 3 columns, the other 10",
        ),
        (
            "softmax_regression_gradient",
            [("one_hot(y, len(b))", "y")],
            "Your code raised ValueError: operands could not be broadcast together with shapes "
            "(5,3) (5,). `y` has one label for each example.",
        ),
        (
            "mlp_gradients",
            [("(h > 0)", "(X > 0)")],
            "Your code raised ValueError: operands could not be broadcast together with shapes "
            "(5,6) (5,4). A mask has the shape of what it masks.",
        ),
        (
            "adversarial",
            [("slopes = d @ W.T", "slopes = X.T @ d")],
            "Your code raised ValueError: operands could not be broadcast together with shapes "
            "(4,6) (6,8). The slopes should have the shape of X",
        ),
        (
            "gradient_descent",
            [
                ("        path.append(x)\n        costs.append(f(x))\n", ""),
                ("    return path", "    path.append(x)\n    costs.append(f(x))\n    return path"),
            ],
            "The path has 2 entries, expected 7: are both `append` lines",
        ),
        (
            "gradient_check",
            [("max(1e-8", "np.max(1e-8")],
            "Your code raised TypeError: np.max takes one array and an axis",
        ),
        # 03: errors of numpy, in words of the exercise
        (
            "affine_forward",
            [("rows @ w", "x @ w")],
            "Your code raised ValueError: the shapes don't fit. Here x has shape (2, 3, 4), rows "
            "(2, 12), w (12, 5) and b (5,): multiply the rows by w.",
        ),
        (
            "affine_backward",
            [("dout @ w.T", "dout @ w")],
            "Your code raised ValueError: the shapes don't fit. Here dout has shape (4, 3), rows "
            "(4, 6) and w (6, 3): in a product the inner sizes agree, (a, b) @ (b, c).",
        ),
        (
            "relu_backward",
            [("return dout", "x, w = cache\n    return dout")],
            "Your code raised ValueError: the cache is one array, relu's input x itself: there is "
            "nothing to unpack.",
        ),
        (
            "relu_backward",
            [("(cache > 0)", "max(cache, 0)")],
            "Your code raised ValueError: an array of many entries is neither true nor false.",
        ),
        (
            "softmax_loss",
            [("x.max(axis=1, keepdims=True)", "x.max(axis=1)")],
            "Your code raised ValueError: the shapes don't fit. Here x and p have shape (4, 3) and "
            "y has (4,)",
        ),
        (
            "softmax_loss",
            [("p.copy()", "p.copy")],
            "Your code raised TypeError: something stands without its brackets",
        ),
        (
            "sigmoid_neuron",
            [("np.append(x * ddot, ddot)", "(x * ddot).append(ddot)")],
            "Your code raised AttributeError: an array has no append of its own",
        ),
        (
            "sigmoid_neuron",
            [("np.append(x * ddot, ddot)", "[x * ddot, ddot]")],
            "`dw` is a list with an array in it.",
        ),
        # 03: where no mistake is recognised
        (
            "gates",
            [("return dz, dz", "return 3 * dz, dz")],
            "The `dx` of `add_gate` is not its slope by x times what arrives.",
        ),
        (
            "gates",
            [("z = x * y", "z = x - y")],
            "The z of `mul_gate` is not x * y.",
        ),
        (
            "gates",
            [("return (dz, 0.0) if x >= y else (0.0, dz)", "return x > y, y > x")],
            "The `dx` of `max_gate` is True. Multiply it by what arrives",
        ),
        (
            "gates",
            [("(0.0, dz)", "None"), ("x >= y", "x > y")],
            "The function `backward` of `max_gate` returns None with x = ",
        ),
        (
            "relu_backward",
            [("return dout * (cache > 0)", "return np.where(cache > 0, dout, 0.01 * dout)")],
            "Where x is -0.5 and 0.9 arrives, it sends back 0.009.",
        ),
        (
            "gradient_check",
            [("abs(a) + abs(n)", "min(a, n)")],
            "This gradient is right: its error is below 0.0001, and it returns 0.00",
        ),
        (
            "gradient_check",
            [("above - below", "above + below")],
            "This gradient is right, so the largest relative error is about 0.",
        ),
        (
            "gradient_check",
            [("return worst", "return worst < 1e-4")],
            "It should return the largest relative error itself, not whether it is small.",
        ),
        # 04
        (
            "backward",
            [("out._backward = _backward\n", "out._backward = _backward()\n")],
            "Your code raised TypeError: 'NoneType' object is not callable. Something was called "
            "where it should be stored: leave out its brackets there.",
        ),
        (
            "neuron",
            [("return sum(", "sum = sum(")],
            "Your code raised UnboundLocalError",
        ),
        (
            "mlp",
            [("sizes = [nin, *nouts]", "nouts.insert(0, nin)\n        sizes = nouts")],
            "It changes the list of sizes that it is given: work on a copy.",
        ),
        (
            "neuron",
            [("return sum(", "self.b = Value(random.random())\n        return sum(")],
            "It gives other outputs each time, for the same input: make the weights once, in "
            "`__init__`, not in `__call__`.",
        ),
        (
            "neuron",
            [("self.w = [", "random.seed(0)\n        self.w = [")],
            "Two of them start with the same numbers: no fixed seed inside the class.",
        ),
    ],
)
def test_a_wrong_answer_is_told(name: str, changes: list[tuple[str, str]], message: str) -> None:
    result = verdict(name, *changes)
    assert result.outcome in (Outcome.WRONG, Outcome.RAISED), result
    assert result.mistake is None, result
    assert result.message.startswith(message), result.message
