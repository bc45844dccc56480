"""Probes for texts: what a learner wrote, and what they registered before training."""

from __future__ import annotations

import math
from typing import Any

from autograder.probes.run.observe import Misuse

UNWRITTEN = "Write here."  # what the release has in a text's place


def text(case: dict[str, Any], answer: Any) -> str:
    """The text, without the space around it."""
    return cleaned(case["name"], answer)


def cleaned(name: str, answer: Any) -> str:
    """A text as it counts; raises NotImplementedError where nothing is written yet."""
    if not isinstance(answer, str):
        raise Misuse(f"`{name}` should be a text: put it between the quotes, as it was.")
    lines = [line for line in str(answer).splitlines() if not line.startswith("### ")]
    found = "\n".join(line.rstrip() for line in lines).strip()
    if found in ("", UNWRITTEN):
        raise NotImplementedError
    return found


def registration(
    case: dict[str, Any],
    hypothesis: Any,
    experiment: Any,
    refuted_if: Any,
    number: Any,
    stop_rule: Any,
    amendment: Any,
) -> dict[str, Any]:
    """The form of a preregistration, filled in."""
    given = {
        "hypothesis": hypothesis,
        "experiment": experiment,
        "refuted_if": refuted_if,
        "stop_rule": stop_rule,
    }
    texts, missing = {}, []
    for name, answer in given.items():
        try:
            texts[name] = cleaned(name, answer)
        except NotImplementedError:
            missing.append(name)
    if len(missing) == len(given):
        raise NotImplementedError
    if missing:
        raise Misuse(f"Still to be filled in: {', '.join(missing)}.")
    if not isinstance(amendment, str):
        raise Misuse("`amendment` should be a text, empty as long as nothing is amended.")
    return {"texts": texts, "number": finite("number", number), "amendment": amendment.strip()}


def outcome(case: dict[str, Any], found: Any, found_number: Any, held: Any) -> dict[str, Any]:
    """What became of the hypothesis: a text, a number, and whether it held."""
    written = cleaned("found", found)
    if held not in (True, False):
        raise Misuse("`held` should be True or False: did the hypothesis survive?")
    return {"text": written, "number": finite("found_number", found_number), "held": bool(held)}


def finite(name: str, value: Any) -> float:
    """A number that can be compared with another one."""
    if value is ...:
        raise Misuse(f"`{name}` is still `...`: put the number there.")
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise Misuse(f"`{name}` should be one finite number, without quotes.")
    return float(value)
