"""Rules about an answer's source, read from its syntax tree: which calls it may not make."""

from __future__ import annotations

import ast

from autograder.exercise import Rule
from autograder.outcome import Outcome, Result


def broken(rules: tuple[Rule, ...], source: str) -> Result | None:
    """The result for the first rule that `source` breaks; None where it keeps them all."""
    if not rules:
        return None
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return None
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = _dotted(node.func)
        for rule in rules:
            if name == rule.call or name.split(".")[-1] == rule.call.split(".")[-1]:
                line = source.splitlines()[node.lineno - 1].strip()
                return Result(
                    Outcome.WRONG,
                    f"This exercise is to be solved without {rule.call}: {rule.instead}.",
                    (("Your line", f"{node.lineno}: {line}"),),
                )
    return None


def _dotted(node: ast.expr) -> str:
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if isinstance(node, ast.Name):
        parts.append(node.id)
    return ".".join(reversed(parts))
