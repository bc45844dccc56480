"""Parse the grid and the seeds of `speedrun sweep`."""

from __future__ import annotations

from typing import Any

WORDS = {"true": True, "false": False, "none": None}


def grid_of(given: list[str]) -> dict[str, list[Any]]:
    """``["p=1.0,0.05", "act=relu"]`` as a dict of lists; ValueError says what is wrong."""
    grid: dict[str, list[Any]] = {}
    for text in given:
        name, sign, values = text.partition("=")
        name = name.strip()
        if not sign or not name.isidentifier() or not values.strip():
            raise ValueError(f"--grid {text}: write a name and its values, as in p=1.0,0.05")
        if name in grid:
            raise ValueError(f"--grid {name} is given twice: put all values into one, after commas")
        grid[name] = [_value(part.strip()) for part in values.split(",") if part.strip()]
    return grid


def seeds_of(given: str | None) -> list[int] | None:
    """``"0:8"`` as 0 to 7, ``"0,3"`` as a list; ValueError says what is wrong."""
    if given is None:
        return None
    try:
        if ":" in given:
            first, last = given.split(":")
            seeds = list(range(int(first or 0), int(last)))
        else:
            seeds = [int(part) for part in given.split(",")]
    except ValueError:
        raise ValueError(f"--seeds {given}: write 0:8, or 0,3,5") from None
    if not seeds:
        raise ValueError(f"--seeds {given} holds no seed: the end is not counted")
    return seeds


def _value(text: str) -> Any:
    if text.lower() in WORDS:
        return WORDS[text.lower()]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
