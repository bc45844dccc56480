"""Tables that the course measured, each by the script of the same name in `tools/measure/`."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent


@functools.cache
def _table(name: str) -> dict[str, Any]:
    stored: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return stored


def gpt_speed_table() -> dict[str, Any]:
    """What each change to a GPT gains: `rows` of (name, losses by seed, seconds by seed)."""
    return _table("gpt_speed")


def grokking_table() -> dict[str, Any]:
    """The measured runs: `grokked` with weight decay, `memorised` without, and the setting.

    `others` holds two other recipes with weight decay, on three seeds each; `memorised_longer`,
    three of the runs without it, trained three times as long.
    """
    return _table("grokking")


def induction_table() -> dict[str, Any]:
    """Attention on sequences that repeat: one row per trained model, and the setting."""
    return _table("induction")


def scaling_table() -> dict[str, Any]:
    """Losses by width: `models` to fit a curve to, a larger one `held_out`, and the setting."""
    return _table("scaling")
