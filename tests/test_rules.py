"""Rules: calls that an answer may not make, and nothing else."""

from __future__ import annotations

import pytest

from autograder.core.exercise import Rule
from autograder.core.outcome import Outcome
from autograder.core.rules import broken

SOFTMAX = Rule(call="F.softmax", instead="divide the exponentials by their sum")
SOLVE = Rule(call="np.linalg.solve", instead="eliminate, row by row")


@pytest.mark.parametrize(
    "source",
    [
        "def f(x):\n    return F.softmax(x)",
        "def f(x):\n    return torch.nn.functional.softmax(x)",
        "from torch.nn.functional import softmax\ndef f(x):\n    return softmax(x, -1)",
        "def f(x):\n    return x.softmax(-1)",
        "f = lambda x: F.softmax(x)",
        "%matplotlib inline\ndef f(x):\n    return F.softmax(x)",
        "!pip list\n%%time\nF.softmax(x)",
        "def f(x):\n    if x:\n        %time y = 1\n    return F.softmax(x)",
        "class A:\n    async def f(self, x):\n        return [F.softmax(x)]",
    ],
)
def test_a_call_is_found_however_it_was_imported(source: str) -> None:
    result = broken((SOFTMAX,), source)
    assert result is not None
    assert result.outcome is Outcome.WRONG
    assert result.message == (
        "This exercise is to be solved without `F.softmax`: divide the exponentials by their sum."
    )
    assert "softmax" in result.details[0][1]


def test_the_line_is_named() -> None:
    result = broken((SOLVE,), "def f(a, b):\n    # solve it\n    return np.linalg.solve(a, b)\n")
    assert result is not None
    assert result.details == (("Your line", "3: return np.linalg.solve(a, b)"),)


@pytest.mark.parametrize(
    "source",
    [
        "",
        "def f(x):\n    return x / x.sum()",
        "# F.softmax(x)\n'F.softmax(x)'",
        "softmax = None",
        "def softmax(x):\n    return x\n\nprint(softmax(3))",
        "class Net:\n    def softmax(self, x):\n        return x\n"
        "    def out(self, x):\n        return self.softmax(x)",
        "def f(x:",
        "\x00",
        "(" * 5000 + ")" * 5000,
    ],
    ids=lambda source: source[:20],
)
def test_what_is_no_such_call_breaks_no_rule(source: str) -> None:
    assert broken((SOFTMAX, SOLVE), source) is None


def test_their_own_name_does_not_hide_the_librarys() -> None:
    source = "def softmax(x):\n    return F.softmax(x)"
    assert broken((SOFTMAX,), source) is not None


def test_without_rules_nothing_is_read() -> None:
    assert broken((), "F.softmax(x)") is None


def test_the_second_rule_counts_too() -> None:
    result = broken((SOFTMAX, SOLVE), "np.linalg.solve(a, b)")
    assert result is not None
    assert "np.linalg.solve" in result.message


def test_another_name_for_it_is_found() -> None:
    assert broken((SOFTMAX,), "from scipy.special import softmax as sm\nsm(z)") is not None
    own = "def softmax(x):\n    return x\nsm = softmax\nsm(3)"
    assert broken((SOFTMAX,), own) is None


def test_what_may_be_their_own_function_is_called_by_its_own_name() -> None:
    result = broken((SOFTMAX,), "def f(x):\n    return softmax(x)")
    assert result is not None
    assert "without `softmax`" in result.message


def test_an_operator_is_found_as_well() -> None:
    rule = Rule(call="@", instead="write the loops")
    assert broken((rule,), "def f(a, b):\n    return a @ b\n") is not None
    assert broken((rule,), "def f(a, b):\n    a @= b\n    return a\n") is not None
    assert broken((rule,), "@property\ndef f(a, b):\n    return a * b\n") is None


def test_a_check_in_the_answer_cell_is_no_call_of_the_library() -> None:
    rules = (Rule(call="scipy.special.softmax", instead="write it with np.exp"),)
    assert broken(rules, "def softmax(z):\n    return z\n\ncheck.softmax(softmax)") is None
    assert broken(rules, "import scipy.special\nscipy.special.softmax(z)") is not None
