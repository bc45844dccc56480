"""What a graded test cell runs in the learner's kernel: probe, and publish what was observed.

The cases arrive as data, the observations leave as data. Nothing is judged here, and nothing
here knows what a right answer is.
"""

from __future__ import annotations

import base64
import importlib
import json
from collections.abc import Callable
from typing import Any

from autograder.core.observation import Observation, RaisedError, Status
from autograder.core.plain import decode, encode
from autograder.probes.run.observe import observe

MIME = "application/vnd.ml-speedrun.observations+json"


def emit(payload: str, answers: Callable[[], tuple[Any, ...]]) -> None:
    """Observe the answers on the payload's cases and publish the observations.

    `payload` is base64 of JSON with "exercise", "probe" ("module:function" in autograder.probes),
    "takes", "limit", "cases" (encoded) and "nonce". `answers` names the learner's objects; it is
    called here, so that a name that does not exist is an observation, too.
    """
    from IPython.display import publish_display_data

    asked = json.loads(base64.b64decode(payload))
    try:
        given = answers()
    except NameError as error:
        seen = [Observation(status=Status.MISSING, name=str(getattr(error, "name", "") or ""))]
    else:
        probe, cases = resolve(asked["probe"]), decode(asked["cases"])
        seen = observe(probe, asked["takes"], given, cases, asked["limit"])
    publish_display_data({MIME: {"nonce": asked["nonce"], "observations": written(seen)}})


def resolve(name: str) -> Callable[..., Any]:
    """The probe "module:function"; only modules of autograder.probes are looked in."""
    module, _, function = name.partition(":")
    if module != "autograder.probes" and not module.startswith("autograder.probes."):
        raise ValueError(f"{name!r} is no probe")
    return getattr(importlib.import_module(module), function)


def written(observations: list[Observation]) -> str:
    """The observations as JSON; one that can't be written becomes an error of its own."""
    texts = []
    for seen in observations:
        try:
            texts.append(json.dumps(encode(seen.as_plain())))
        except (ValueError, TypeError, RecursionError) as error:
            failed = RaisedError(type=type(error).__name__, message=str(error)[:300])
            instead = Observation(status=Status.RAISED, error=failed)
            texts.append(json.dumps(encode(instead.as_plain())))
    return f"[{', '.join(texts)}]"
