"""Preregistration: what a learner said before training, kept with its time and hash.

The record is in a learner's progress, under "preregistration". It is never rewritten: a change is
an amendment with a reason and a time of its own, and stands below what was said first. A copy goes
into the output of the check, so that it travels with a notebook that is handed in. Whoever grades
sees it beside the text; it is the learner's own statement, not a proof.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, TypeGuard

from autograder.core.exercise import Published
from autograder.core.outcome import Outcome, Result
from autograder.core.rubric import reflowed

TEXTS = ("hypothesis", "experiment", "refuted_if", "stop_rule")
LABELS = {
    "hypothesis": "Hypothesis",
    "experiment": "Experiment",
    "refuted_if": "Refuted if",
    "stop_rule": "Stop rule",
}
MOST_AMENDMENTS = 50


def digest(texts: dict[str, str], number: float) -> str:
    """The hash of what is registered: the same texts and number give the same sixteen digits."""
    said = json.dumps([[texts[name] for name in TEXTS], float(number)], ensure_ascii=False)
    return hashlib.sha256(said.encode("utf-8")).hexdigest()[:16]


def register(record: dict[str, Any], seen: dict[str, Any], now: str) -> Result:
    """Register a form that is filled in, or compare it with what is registered.

    What differs from it is refused, unless the form's `amendment` gives a reason. `now` is the time
    that is written down.
    """
    texts, number, reason = seen["texts"], seen["number"], seen["amendment"]
    hashed = digest(texts, number)
    known = record.get("preregistration")
    if not is_registration(known):
        record["preregistration"] = {
            "texts": texts,
            "number": number,
            "hash": hashed,
            "at": now,
            "amendments": [],
        }
        return Result(Outcome.NOTED, _registered(record), tuple(summary(record)))
    current = current_of(known)
    if hashed == current["hash"]:
        return Result(Outcome.NOTED, _registered(record), tuple(summary(record)))
    changed = [LABELS[name].lower() for name in TEXTS if texts[name] != current["texts"][name]]
    changed += ["number"] * (number != current["number"])
    used = {change["reason"] for change in known["amendments"]}
    if not reason or reason in used or len(known["amendments"]) >= MOST_AMENDMENTS:
        again = " (the one that stands there was used already)" if reason in used else ""
        return Result(
            Outcome.WRONG,
            f"You registered something else at {current['at']}, and it stays as it was. Changed: "
            f"{', '.join(changed)}. Put the old text back. Or amend it for all to see: write the "
            f"reason for this change into `amendment`{again}, and run both cells again.",
            tuple(summary(record)),
        )
    known["amendments"].append(
        {"at": now, "reason": reason, "texts": texts, "number": number, "hash": hashed}
    )
    return Result(Outcome.NOTED, _registered(record), tuple(summary(record)))


def _registered(record: dict[str, Any]) -> str:
    known, trained = record["preregistration"], record.get("first_training")
    said = f"Registered at {known['at']}. From now on it can be amended, and not changed."
    if len(known["amendments"]):
        said += " It has been amended: both versions stay, with their times."
    if trained and trained < known["at"]:
        said += f" A training ran before it, at {trained}: the report will say so."
    return said


def is_registration(stored: Any) -> TypeGuard[dict[str, Any]]:
    """Whether this is a record that `register` can have written: files can be damaged."""
    if not isinstance(stored, dict) or not isinstance(stored.get("amendments"), list):
        return False
    return all(map(_is_version, [stored, *stored["amendments"]])) and all(
        isinstance(change.get("reason"), str) for change in stored["amendments"]
    )


def is_outcome(stored: Any) -> bool:
    """Whether this is an outcome that `conclude` can have written."""
    return (
        isinstance(stored, dict)
        and all(isinstance(stored.get(name), str) for name in ("text", "at"))
        and type(stored.get("number")) in (int, float)
    )


def _is_version(stored: Any) -> bool:
    return (
        isinstance(stored, dict)
        and isinstance(stored.get("texts"), dict)
        and set(stored["texts"]) == set(TEXTS)
        and all(isinstance(text, str) for text in stored["texts"].values())
        and type(stored.get("number")) in (int, float)
        and all(isinstance(stored.get(name), str) for name in ("hash", "at"))
    )


def current_of(known: dict[str, Any]) -> dict[str, Any]:
    """What holds now: the last amendment, or what was registered first."""
    current: dict[str, Any] = known["amendments"][-1] if known["amendments"] else known
    return current


def summary(record: dict[str, Any]) -> list[tuple[str, str]]:
    """The registration as labelled lines, amendments below it."""
    known = record.get("preregistration")
    if not is_registration(known):
        return [("Registered", "nothing")]
    lines = [(LABELS[name], reflowed(known["texts"][name])) for name in TEXTS]
    lines += [("The number", f"{known['number']:g}"), ("Hash", f"{known['hash']}, {known['at']}")]
    before = known
    for change in known["amendments"]:
        lines.append((f"Amended {change['at']}", change["reason"]))
        for name in TEXTS:
            if change["texts"][name] != before["texts"][name]:
                lines.append((f"{LABELS[name]}, now", reflowed(change["texts"][name])))
        if change["number"] != before["number"]:
            lines.append(("The number, now", f"{change['number']:g}"))
        before = change
    return lines


def conclude(record: dict[str, Any], seen: dict[str, Any], now: str) -> Result:
    """Keep what became of the hypothesis, and show both, side by side."""
    known = record.get("preregistration")
    if not is_registration(known):
        return Result(
            Outcome.WRONG,
            "Nothing is registered yet, so there is nothing to compare with. Run section 3's check "
            "first: its time will stand beside this result.",
        )
    before = known.get("outcome")
    same = isinstance(before, dict) and all(before.get(key) == seen[key] for key in seen)
    if not same:
        known["outcome"] = {**seen, "at": now}
    trained = record.get("first_training")
    said = "The hypothesis held." if seen["held"] else "The hypothesis did not hold."
    if trained:
        order = "after" if trained >= known["at"] else "before"
        said += f" The first training was noted {order} the registration, at {trained}."
    table = [
        ("", "Said before", "Found after"),
        ("What", reflowed(known["texts"]["hypothesis"]), reflowed(seen["text"])),
        ("Refuted if", reflowed(known["texts"]["refuted_if"]), "no" if seen["held"] else "yes"),
        ("The number", f"{known['number']:g}", f"{seen['number']:g}"),
        ("When", known["at"], known["outcome"]["at"]),
    ]
    amended = summary(record)[len(TEXTS) + 2 :]
    table += [(label, value, "") for label, value in amended]
    return Result(Outcome.NOTED, said, table=tuple(table))


# --- What travels with a notebook ----------------------------------------------------------------


def published(record: dict[str, Any]) -> dict[str, Any]:
    """What goes into the output of a check: the times and hashes, not the texts."""
    known = record.get("preregistration")
    if not is_registration(known):
        return {}
    return {
        "at": known["at"],
        "hash": known["hash"],
        "first_training": record.get("first_training") or "",
        "amendments": [
            {key: change[key] for key in ("at", "reason", "hash")} for change in known["amendments"]
        ],
    }


def read(given: Any) -> dict[str, Any]:
    """What stands in a notebook that was handed in, as `published` wrote it; {} where it did not.

    A stranger's notebook may hold anything here.
    """
    names, of_change = ("at", "hash", "first_training"), ("at", "reason", "hash")
    if not isinstance(given, dict) or not all(_is_short(given.get(name)) for name in names):
        return {}
    changes = given.get("amendments")
    if not isinstance(changes, list) or len(changes) > MOST_AMENDMENTS:
        return {}
    if not all(
        isinstance(c, dict) and all(_is_short(c.get(n)) for n in of_change) for c in changes
    ):
        return {}
    return {
        **{name: given[name] for name in names},
        "amendments": [{name: change[name] for name in of_change} for change in changes],
    }


def _is_short(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= 2000


REGISTRATION = Published(
    mime="application/vnd.speedrun.registration+json", write=published, read=read
)


def facts_of(seen: dict[str, Any], facts: dict[str, Any]) -> list[tuple[str, str]]:
    """For who grades: when it was registered, whether this is the text, and what was amended."""
    lines = [(LABELS[name], reflowed(seen["texts"][name])) for name in TEXTS]
    lines.append(("The number", f"{seen['number']:g}"))
    order = order_of(facts)
    facts = read(facts)
    if not facts:
        return lines + order
    lines.append(("Registered", f"{facts['at']}, hash {facts['hash']}"))
    last = facts["amendments"][-1]["hash"] if facts["amendments"] else facts["hash"]
    hashed = digest(seen["texts"], seen["number"])
    same = "the text above" if hashed == last else f"another text: the one above has hash {hashed}"
    lines.append(("What was registered", same))
    for change in facts["amendments"]:
        lines.append(("Amended", f"{change['at']}: {change['reason']}"))
    return lines + order


def order_of(facts: dict[str, Any]) -> list[tuple[str, str]]:
    """For who grades: whether a training ran before the registration."""
    facts = read(facts)
    if not facts:
        return [("Registered", "no record of a registration came with the notebook")]
    trained = facts["first_training"]
    if not trained:
        return [("First training", "none was noted when this was saved")]
    if trained < facts["at"]:
        return [("First training", f"{trained}, BEFORE the registration of {facts['at']}")]
    late = [change for change in facts["amendments"] if change["at"] > trained]
    said = f"{trained}, after the registration of {facts['at']}"
    return [("First training", said + (f", before {len(late)} amendments" if late else ""))]
