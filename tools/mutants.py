"""Single-operator mutants of a cell: the same code with one operator changed.

``python tools/mutants.py 04_micrograd`` prints a table: caught by the check, or survived.
"""

from __future__ import annotations

import ast
import copy
import functools
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

SWAPS: dict[type, tuple[type, ...]] = {
    ast.Add: (ast.Sub,),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Div, ast.Add),
    ast.Div: (ast.Mult,),
    ast.Pow: (ast.Mult,),
    ast.MatMult: (ast.Mult,),
    ast.Mod: (ast.Mult,),
    ast.FloorDiv: (ast.Mult,),
    ast.Lt: (ast.LtE, ast.Gt),
    ast.Gt: (ast.GtE, ast.Lt),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.And: (ast.Or,),
    ast.Or: (ast.And,),
}

SEEDS = (0, 1)


def mutants(source: str) -> Iterator[tuple[str, str]]:
    """(what was changed, the changed source) for each operator and each way to change it."""
    tree = ast.parse(source)
    for place, node in enumerate(ast.walk(tree)):
        for change in _changes(node):
            mutated = copy.deepcopy(tree)
            parent = _replace(mutated, place, change)
            before, after = ast.unparse(node), ast.unparse(parent)
            yield f"line {node.lineno}: {before} -> {after}", ast.unparse(mutated)


def _changes(node: ast.AST) -> Iterator[tuple[str, type | None]]:
    if isinstance(node, ast.BinOp | ast.AugAssign | ast.BoolOp):
        for new in SWAPS.get(type(node.op), ()):
            yield "op", new
    if isinstance(node, ast.AugAssign):
        yield "assign", None
    if isinstance(node, ast.Compare):
        for new in SWAPS.get(type(node.ops[0]), ()):
            yield "ops", new
    if isinstance(node, ast.UnaryOp):
        yield "operand", None
    if isinstance(node, ast.IfExp):
        yield "swap", None


def _replace(tree: ast.AST, place: int, change: tuple[str, type | None]) -> ast.AST:
    node = list(ast.walk(tree))[place]
    kind, new = change
    if kind == "op":
        node.op = new()
        return node
    if kind == "ops":
        node.ops[0] = new()
        return node
    if kind == "swap":
        node.body, node.orelse = node.orelse, node.body
        return node
    if kind == "assign":
        made: ast.AST = ast.Assign(targets=[node.target], value=node.value, lineno=node.lineno)
    else:
        made = node.operand
    for parent in ast.walk(tree):
        for field, value in ast.iter_fields(parent):
            if value is node:
                setattr(parent, field, made)
            elif isinstance(value, list) and any(item is node for item in value):
                setattr(parent, field, [made if item is node else item for item in value])
    return made


def of(exercise: Any) -> Iterator[tuple[str, str]]:
    """The mutants of an exercise's solution; none if it only trains."""
    import play

    if exercise.rubric:
        return  # a person judges its content; the check only sees that there is some
    source = play.solution(exercise)
    if not exercise.trains or "def " in source:  # otherwise each mutant would train again
        yield from mutants(_function_part(source))


def before(exercise: Any) -> dict[str, Any]:
    """The names that a mutant's cell can use."""
    return dict(_before(exercise.id))


@functools.cache
def _before(exercise_id: str) -> dict[str, Any]:
    import play

    from autograder import course

    exercise = course.exercise(exercise_id)
    module_id = play.module_of(exercise)
    names = play.namespace(module_id, upto=exercise_id, **play.without_training(exercise))
    _before_this_cell(names, names, module_id, exercise_id)
    return names


def _unnamed(exercise: Any, mistake: Any, cases: list[Any]) -> list[Any]:
    """Replays nothing: whether a mutant is caught is all that counts, not which mistake it is."""
    return []


def survivors(module_id: str) -> tuple[list[tuple[str, str]], dict[str, tuple[int, int]]]:
    """The mutants that a module's checks don't catch, and (caught, all) for each exercise."""
    import play

    from autograder import course

    living, counts = [], {}
    for exercise in course.module(module_id).exercises:
        caught = total = 0
        limit = None
        for change, source in of(exercise):
            total += 1
            limit = limit or _limit(exercise)
            names = before(exercise)
            try:
                play.run(source, names, exercise.id)
                passed = all(
                    play.verdict(exercise, names, seed, limit, _unnamed).passed for seed in SEEDS
                )
            except Exception:
                passed = False
            if passed:
                living.append((exercise.id, change))
            caught += not passed
        if total:
            counts[exercise.id] = (caught, total)
    return living, counts


def _limit(exercise: Any) -> float:
    """Seconds for a mutant: many times what the solution takes, as the other is an endless loop."""
    import play

    names = before(exercise)
    play.run(_function_part(play.solution(exercise)), names, exercise.id)
    began = time.process_time()
    play.verdict(exercise, names, SEEDS[0])
    return min(6, 0.5 + 10 * (time.process_time() - began))


def _function_part(source: str) -> str:
    """A cell up to the statement that trains: mutants of a trainer run on small networks only."""
    tree = ast.parse(source)
    kept = [
        node
        for node in tree.body
        if "train(" not in ast.unparse(node).split("\n")[0] or isinstance(node, ast.FunctionDef)
    ]
    kept = [node for node in kept if not ast.unparse(node).startswith(("random.seed", "model ="))]
    return ast.unparse(ast.Module(kept, []))


def _before_this_cell(names: dict, before: dict, module_id: str, exercise_id: str) -> None:
    """Let `class Value(Value)` extend the class from before its cell."""
    import play

    if "Value" in before and issubclass(type(before["Value"]), type):
        bases = before["Value"].__mro__
        if "class Value(Value)" in dict(play.cells(module_id))[exercise_id]:
            names["Value"] = bases[1]


def main() -> None:
    """Print the table."""
    root = Path(__file__).resolve().parent.parent
    sys.path[:0] = [str(root), str(root / "tests")]
    for module_id in sys.argv[1:]:
        living, counts = survivors(module_id)
        for name, (caught, total) in counts.items():
            print(f"{name:24} {caught:>4} of {total:<4}")
        caught = sum(c for c, _ in counts.values())
        total = sum(t for _, t in counts.values())
        print(f"{module_id}: {caught} of {total} caught, {caught / max(total, 1):.1%}")
        for name, change in living:
            print(f"survived: {name}, {change}")


if __name__ == "__main__":
    main()
