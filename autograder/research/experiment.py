"""A parameterised experiment notebook, written from your own functions, and its results."""

from __future__ import annotations

import ast
import inspect
import linecache
import math
import textwrap
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from autograder.errors import SpeedrunError

MIME = "application/vnd.speedrun.result+json"
TAG = "parameters"
IMPORTS = """\
import math

import numpy as np
import torch
import torch.nn as nn
from torch.nn import functional as F

from autograder.research import record

torch.set_num_threads(1)  # a sweep runs one process beside another"""


def write_experiment(
    path: str | Path,
    parameters: Mapping[str, Any],
    uses: Sequence[Any],
    run: Callable[..., Mapping[str, Any]],
    imports: str = IMPORTS,
) -> Path:
    """Write a notebook that runs ``record(**run(...))`` with the parameters of its first cell.

    `parameters` maps their names to default values; `run` takes exactly these and returns a dict of
    results. `uses` lists the functions and classes that `run` needs: their sources go into the
    notebook, so that it runs on its own. Raises `SpeedrunError` if a source can't be found or the
    parameters don't match. `speedrun sweep` runs such a notebook over many values.
    """
    try:
        from nbformat import NO_CONVERT, write  # noqa: F401
        from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
    except ImportError:
        raise SpeedrunError('This needs nbformat: run pip install "ml-speedrun[lab]".') from None
    _must_fit(run, parameters)
    assigned = "\n".join(f"{name} = {_literal(name, value)}" for name, value in parameters.items())
    given = ", ".join(f"{name}={name}" for name in parameters)
    sources = "\n\n\n".join(source_of(item) for item in [*uses, run])
    path = Path(path)
    notebook = new_notebook(
        cells=[
            new_markdown_cell(
                f"# {path.stem}\n\nOne run. The values of the cell tagged `{TAG}` are replaced "
                "for each run of a sweep."
            ),
            new_code_cell(imports),
            new_code_cell(assigned, metadata={"tags": [TAG]}),
            new_code_cell(sources),
            new_code_cell(f"record(**{run.__name__}({given}))"),
        ],
        metadata={
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
    )
    for place, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{place}"  # so that the same notebook has the same bytes
    path.parent.mkdir(parents=True, exist_ok=True)
    write(notebook, path)
    return path


def record(**values: Any) -> None:
    """Store a run's results: numbers, strings, lists and dicts of them, arrays, tensors.

    They are printed, and kept in the notebook's output, where `sweep` finds them. A number that is
    not finite becomes None. Raises `SpeedrunError` for anything that JSON can't hold.
    """
    from IPython.display import display

    plain = {name: jsonable(name, value) for name, value in values.items()}
    text = "\n".join(f"{name} = {value!r}" for name, value in plain.items())
    display({MIME: plain, "text/plain": text}, raw=True)


def jsonable(name: str, value: Any) -> Any:
    """The value as JSON data; raises `SpeedrunError` if JSON can't hold it."""
    if hasattr(value, "detach"):
        value = value.detach().cpu()
    if hasattr(value, "tolist"):
        value = value.tolist()
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): jsonable(name, item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [jsonable(name, item) for item in value]
    raise SpeedrunError(
        f"record: {name} is of class {type(value).__name__}. "
        "Hand back numbers, texts, lists, dicts, arrays or tensors."
    )


def source_of(item: Any) -> str:
    """The source of a function or class, even one that was defined in a notebook's cell."""
    name = getattr(item, "__name__", None)
    code = _code_of(item)
    if name is None or code is None:
        raise SpeedrunError(f"{item!r} is no function or class: its source can't be had.")
    lines = linecache.getlines(code.co_filename)
    try:
        tree = ast.parse(textwrap.dedent("".join(lines)))
    except SyntaxError:  # a cell with a magic command
        return _plain_source(item, name)
    kinds = (ast.FunctionDef, ast.ClassDef)
    found = [node for node in ast.walk(tree) if isinstance(node, kinds) and node.name == name]
    inside = [n for n in found if n.lineno <= code.co_firstlineno <= (n.end_lineno or 0)]
    inside = inside or [n for n in found if n.decorator_list]
    if not inside:
        return _plain_source(item, name)
    node = inside[-1]
    first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
    return _without_marks("".join(lines[first - 1 : node.end_lineno]))


def _code_of(item: Any) -> Any:
    if inspect.isclass(item):
        members = [inspect.unwrap(f) for f in vars(item).values() if inspect.isfunction(f)]
        own = [f for f in members if f.__qualname__.startswith(item.__qualname__ + ".")]
        return own[0].__code__ if own else None
    return getattr(inspect.unwrap(item) if callable(item) else None, "__code__", None)


def _plain_source(item: Any, name: str) -> str:
    try:
        return _without_marks(inspect.getsource(item))
    except (OSError, TypeError):
        raise SpeedrunError(
            f"The source of `{name}` can't be had: run the cell that defines it again."
        ) from None


def _without_marks(source: str) -> str:
    kept = [line for line in source.splitlines() if not line.strip().startswith("### ")]
    return textwrap.dedent("\n".join(kept)).strip()


def _must_fit(run: Callable[..., Any], parameters: Mapping[str, Any]) -> None:
    try:
        inspect.signature(run).bind(**parameters)
    except (TypeError, ValueError) as error:
        raise SpeedrunError(
            f"`{getattr(run, '__name__', run)}` can't be called with "
            f"{', '.join(parameters) or 'no parameters'}: {error}."
        ) from None


def _literal(name: str, value: Any) -> str:
    plain = jsonable(name, value)
    if plain != plain or (plain is None and value is not None):
        raise SpeedrunError(f"The parameter {name} is not a finite number.")
    return repr(plain)
