"""Rules about an answer's source, read from its syntax tree: which calls it may not make."""

from __future__ import annotations

import ast
import re

from autograder.core.exercise import Rule
from autograder.core.outcome import Outcome, Result


def broken(rules: tuple[Rule, ...], source: str) -> Result | None:
    """The result for the first rule that `source` breaks, or None if it breaks none.

    Source that is not valid Python breaks no rule: it can't run either.
    """
    tree = _tree(source) if rules else None
    if tree is None:
        return None
    own = {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    }
    imported = {
        alias.asname or alias.name: alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.MatMult):
            name = "@"
        elif isinstance(node, ast.Call):
            name = _dotted(node.func)
        else:
            continue
        owner, _, last = name.rpartition(".")
        if (last in own and owner in ("", "self", "cls")) or owner == "check":
            continue
        called = imported.get(name, last)
        for rule in rules:
            if called == rule.call.split(".")[-1]:
                told = rule.call if owner or name in imported else name
                line = source.splitlines()[node.lineno - 1].strip()
                return Result(
                    Outcome.WRONG,
                    f"This exercise is to be solved without `{told}`: {rule.instead}.",
                    (("Your line", f"{node.lineno}: {line}"),),
                )
    return None


def _tree(source: str) -> ast.Module | None:
    """The syntax tree of a cell, with IPython's own lines (`%time`, `!pip`) taken as empty."""
    python = re.sub(r"^([ \t]*)[%!].*$", r"\1pass", source, flags=re.MULTILINE)
    for text in (source, python):
        try:
            return ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
    return None


def _dotted(node: ast.expr) -> str:
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if isinstance(node, ast.Name):
        parts.append(node.id)
    return ".".join(reversed(parts))
