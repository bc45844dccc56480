"""ML Speedrun's autograder: instant checks in the notebook, and the grader behind them.

In a notebook::

    from autograder import check, hint, solution, status
"""

from __future__ import annotations

from typing import Any

__version__ = "0.1.0"
__all__ = [
    "check",
    "draw_graph",
    "environment",
    "figure",
    "hint",
    "needs",
    "placement",
    "solution",
    "status",
]


def __getattr__(name: str) -> Any:
    # Loaded on first use, so that `import autograder` costs next to nothing.
    if name in __all__:
        from autograder.notebook import api as notebook

        return getattr(notebook, name)
    raise AttributeError(f"module 'autograder' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
