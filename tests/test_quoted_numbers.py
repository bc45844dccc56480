"""Numbers in texts are those that were measured: `quoted_numbers.toml` says where each is from."""

from __future__ import annotations

import ast
import json
import re
import statistics
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jupytext
import pytest

from autograder import course

TABLE = Path(__file__).with_name("quoted_numbers.toml")
NUMERAL = re.compile(r"(?<![\w.,])\d+(?:,\d{3})*(?:\.\d+)?")
MARKED = re.compile(r"\{(" + NUMERAL.pattern + r")\}")
BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
KINDS = {
    "given": {"reason"},
    "output": {"cell", "pattern", "take", "times", "is", "tolerance"},
    "measured": {"file", "key", "take", "times", "is", "tolerance"},
}
TAKE = {
    "min": min,
    "max": max,
    "sum": sum,
    "mean": statistics.mean,
    "median": statistics.median,
    "how many": len,
    "spread": lambda values: max(values) - min(values),
    "ratio": lambda values: values[0] / values[1],
    "difference": lambda values: values[0] - values[1],
}
IS = {"over": lambda value, said: value > said, "under": lambda value, said: value < said}


@dataclass
class Written:
    """What a module says: its model answers and its prose; and what its code cells print."""

    answers: dict[str, str]  # the name that holds the text -> the text
    prose: str = ""
    printed: list[tuple[str, str, str]] = field(default_factory=list)  # cell id, code, output


def written(module: course.Module) -> Written:
    """A module's texts, and the outputs stored in its built notebook."""
    cells = jupytext.reads(module.text_path.read_text(encoding="utf-8"), fmt="py:percent").cells
    answers: dict[str, str] = {}
    for cell in cells:
        if cell.cell_type == "code" and BEGIN in cell.source:
            answers |= model_answers(cell.source)
    prose = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    built = json.loads(module.source_path.read_text(encoding="utf-8"))
    printed = [
        (cell["id"], "".join(cell["source"]), printed_by(cell["outputs"]))
        for cell in built["cells"]
        if cell["cell_type"] == "code"
    ]
    return Written(answers, prose, printed)


def model_answers(code: str) -> dict[str, str]:
    """The texts between solution marks, and the plain numbers beside a text: name -> text."""
    lines, texts, numbers = code.splitlines(), {}, {}
    for node in ast.parse(code).body:
        if not (isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)):
            continue
        name, value = ast.unparse(node.targets[0]), node.value.value
        before = [line.strip() for line in lines[: node.lineno]]
        inside = before.count(BEGIN) > before.count(END)
        if isinstance(value, str) and (inside or BEGIN in value):
            texts[name] = value.replace(BEGIN, "").replace(END, "")
        elif inside and type(value) in (int, float):
            numbers[name] = str(value)
    return texts | numbers if texts else {}


def printed_by(outputs: list[dict[str, Any]]) -> str:
    """The text of a cell's outputs. What is printed is stored in pieces, however it came."""
    printed = ""
    for output in outputs:
        if output["output_type"] == "stream":
            printed += "".join(output["text"])
        else:
            printed += "".join(output.get("data", {}).get("text/plain", "")) + "\n"
    return printed


def problems(entries: list[dict[str, Any]], texts: Written) -> list[str]:
    """What is wrong with the numbers of one module, a line for each."""
    found: list[str] = []
    listed: dict[str, set[tuple[int, int]]] = {name: set() for name in texts.answers}
    for entry in entries:
        place, quote = entry.get("in", "prose"), entry.get("quote", "")
        name = f"{place}: {quote!r}"
        try:
            text = _flat(texts.prose if place == "prose" else texts.answers[place])
            spans = _places(quote, text)
            if not spans:
                found.append(f"{name} does not occur in the text")
            listed.get(place, set()).update(spans)
            found += [f"{name}: {what}" for what in _wrong(entry, texts)]
        except (KeyError, ValueError, IndexError) as error:
            found.append(f"{name}: {type(error).__name__}: {error}")
    for place, answer in texts.answers.items():
        text = _flat(answer)
        for numeral in NUMERAL.finditer(text):
            if numeral.span() not in listed[place]:
                around = text[max(0, numeral.start() - 30) : numeral.end() + 30]
                found.append(f"{place}: {numeral[0]} is not listed, in {around!r}")
    return found


def _flat(text: str) -> str:
    return " ".join(text.split())


def _places(quote: str, text: str) -> set[tuple[int, int]]:
    """Where the marked numerals of a quote stand in the text, as whole numerals."""
    marks, plain, end = [], "", 0
    for marked in MARKED.finditer(quote):
        plain += quote[end : marked.start()]
        marks.append((len(plain), len(plain) + len(marked[1])))
        plain += marked[1]
        end = marked.end()
    plain += quote[end:]
    if not marks:
        raise ValueError("no numeral is marked with braces")
    whole = {numeral.span() for numeral in NUMERAL.finditer(text)}
    found: set[tuple[int, int]] = set()
    for at in re.finditer(f"(?={re.escape(plain)})", text):
        spans = {(at.start() + first, at.start() + last) for first, last in marks}
        if spans <= whole:
            found |= spans
    return found


def _wrong(entry: dict[str, Any], texts: Written) -> Iterator[str]:
    """What is wrong with one entry."""
    kind = entry.get("kind", "")
    if kind not in KINDS:
        yield f"the kind {kind!r} is none of {', '.join(KINDS)}"
        return
    for key in entry.keys() - KINDS[kind] - {"in", "quote", "kind"}:
        yield f"the kind {kind!r} has no {key!r}"
    if kind == "given":
        if not entry.get("reason"):
            yield "it needs a reason"
        return
    said = [float(n.replace(",", "")) for n in MARKED.findall(entry["quote"])]
    values = _printed(entry, texts) if kind == "output" else _measured(entry)
    take = entry.get("take", "in order")
    if take == "in order":
        if len(values) != len(said):
            yield f"{len(said)} numerals, and {len(values)} values in the source: {values}"
            return
    elif take == "each":
        said *= len(values)
    else:
        values = [TAKE[take](values)] * len(said)
    if not values:
        yield "the source has no value"
    for value, claimed in zip(values, said, strict=True):
        value *= entry.get("times", 1)
        if "is" in entry:
            right = IS[entry["is"]](value, claimed)
        else:
            right = abs(value - claimed) <= entry["tolerance"] + 1e-9
        if not right:
            yield f"the text says {claimed:g}, and the source {value:g}"


def _printed(entry: dict[str, Any], texts: Written) -> list[float]:
    cells = [entry["cell"]] if isinstance(entry["cell"], str) else entry["cell"]
    printed = "\n".join(_output(cell, texts) for cell in cells)
    patterns = [entry["pattern"]] if isinstance(entry["pattern"], str) else entry["pattern"]
    values: list[float] = []
    for pattern in patterns:
        matches = list(re.finditer(pattern, printed))
        if not matches:
            raise ValueError(f"{pattern!r} is not in the output {printed!r}")
        values += [float(n.replace(",", "")) for match in matches for n in match.groups()]
    return values


def _output(name: str, texts: Written) -> str:
    """What the one cell prints that has this id, or else this piece of code."""
    cells = [cell for cell in texts.printed if cell[0] == name] or [
        cell for cell in texts.printed if name in cell[1]
    ]
    if len(cells) != 1:
        raise ValueError(f"{len(cells)} cells are {name!r}")
    return cells[0][2]


def _measured(entry: dict[str, Any]) -> list[float]:
    table = Path(course.__file__).parent / "data" / f"{entry['file']}.json"
    found = [json.loads(table.read_text(encoding="utf-8"))]
    for key in entry["key"]:
        if key == "*":
            found = [v for x in found for v in (x.values() if isinstance(x, dict) else x)]
        else:
            found = [x[key] for x in found]
    return [float(value) for value in found]


def listed() -> dict[str, list[dict[str, Any]]]:
    return tomllib.loads(TABLE.read_text(encoding="utf-8"))


@pytest.mark.parametrize("module", course.written(), ids=lambda module: module.id)
def test_numbers_are_those_of_their_source(module: course.Module) -> None:
    found = problems(listed().get(module.id, []), written(module))
    assert not found, "\n" + "\n".join(found)


def test_every_table_is_that_of_a_module() -> None:
    assert listed().keys() <= {module.id for module in course.written()}


@pytest.mark.parametrize("module", course.written(), ids=lambda module: module.id)
def test_another_number_in_its_place_would_fail(module: course.Module) -> None:
    entries, texts = listed().get(module.id, []), written(module)
    for entry in entries:
        if entry["kind"] == "given":
            continue
        for mark in MARKED.finditer(entry["quote"]):
            far = "0" if entry.get("is") == "under" else "987654"
            quote = entry["quote"][: mark.start(1)] + far + entry["quote"][mark.end(1) :]
            assert list(_wrong(entry | {"quote": quote}, texts)), entry
    for name, answer in texts.answers.items():
        planted = Written(
            texts.answers | {name: answer + " And 987654."}, texts.prose, texts.printed
        )
        (told,) = problems(entries, planted)
        assert told.startswith(f"{name}: 987654 is not listed")


# --- The checker itself: what it must not let through --------------------------------------------

CELLS = [
    ("f00d", "print('best', run())", "best: 5 of 24, loss 0.0123\nworst: 3 of 24, loss 0.5"),
    ("answer", "text = 1", ""),
]
FIVE = {"in": "answer", "quote": "kept {5} features", "kind": "output", "cell": "'best'"} | {
    "pattern": r"best: (\d+)",
    "tolerance": 0,
}


def _told(text: str, *entries: dict[str, Any], prose: str = "") -> list[str]:
    return problems(list(entries), Written({"answer": text}, prose, CELLS))


def test_a_right_number_passes() -> None:
    assert _told("The best kept 5\nfeatures.", FIVE) == []
    both = FIVE | {"quote": "{5} of {24}", "pattern": r"best: (\d+) of (\d+)"}
    assert _told("5 of 24", both) == []
    assert _told("at 0.012", FIVE | {"quote": "{0.012}", "pattern": r"best.*loss ([\d.]+)"} | {
        "tolerance": 0.0005,
    }) == []  # fmt: skip


def test_a_planted_wrong_number_fails() -> None:
    for text, quote in (("kept 4 features", "kept {4} features"), ("15", "{15}"), ("1", "{1}")):
        (told,) = _told(text, FIVE | {"quote": quote})
        assert "and the source 5" in told
    (told,) = _told("", FIVE | {"in": "prose", "quote": "finds {6}"}, prose="It finds 6.")
    assert "the text says 6, and the source 5" in told
    assert _told("over 5", FIVE | {"quote": "over {5}", "is": "over"})
    assert _told("over 4", FIVE | {"quote": "over {4}", "is": "over"}) == []


def test_an_unlisted_numeral_fails() -> None:
    (told,) = _told("The best kept 5 features, and the worst 3 of them.", FIVE)
    assert "3 is not listed" in told
    (told,) = _told("It kept 5 features at p = 0.05.", FIVE)
    assert "0.05 is not listed" in told
    (told,) = _told("It took 1,000 steps.")
    assert "1,000 is not listed" in told
    assert _told("With p = 0.05.", {"in": "answer", "quote": "p = {0.05}", "kind": "given"} | {
        "reason": "set",
    }) == []  # fmt: skip


def test_an_entry_that_fits_nothing_fails() -> None:
    for change, told in (
        ({"quote": "kept {7} features"}, "does not occur"),
        ({"quote": "kept 5 features"}, "no numeral is marked"),
        ({"cell": "no such cell"}, "0 cells"),
        ({"pattern": r"nothing (\d+)"}, "is not in the output"),
        ({"in": "another"}, "KeyError"),
        ({"kind": "guess"}, "is none of"),
        ({"kind": "given"}, "has no"),
        ({"pattern": r"(\d+) of (\d+)"}, "4 values"),
    ):
        found = _told("It kept 5 features.", FIVE | change)
        assert any(told in line for line in found), (change, found)


def test_a_numeral_is_found_as_a_whole() -> None:
    (told, unlisted) = _told("It kept 15 features.", FIVE | {"quote": "{5} features"})
    assert "does not occur" in told
    assert "15 is not listed" in unlisted


def test_measured_data_is_read_by_its_key() -> None:
    entry = {"in": "answer", "kind": "measured", "file": "superposition", "tolerance": 0}
    assert _told("10", entry | {"quote": "{10}", "key": ["passes", "claim_linear"]}) == []
    assert _told("3", entry | {"quote": "{3}", "key": ["passes", "*"], "take": "how many"}) == []
    assert _told("9", entry | {"quote": "{9}", "key": ["passes", "*"], "take": "min"})


def test_printed_lines_are_joined_as_they_came() -> None:
    stream = {"output_type": "stream", "name": "stdout"}
    figure = {"output_type": "display_data", "data": {"text/plain": ["a ", "figure"]}}
    pieces = [stream | {"text": ["one\n", "tw"]}, stream | {"text": "o\n"}, figure]
    assert printed_by(pieces) == "one\ntwo\na figure\n"


def test_answers_are_found_between_the_marks() -> None:
    text = f'a = """\n{BEGIN}\nIt is 5.\n{END}\n"""\nn = ...\n{BEGIN}\nn = 3\n{END}\nb = "9 9"\n'
    assert {k: v.strip() for k, v in model_answers(text).items()} == {"a": "It is 5.", "n": "3"}
    assert model_answers(f"x = 2\n{BEGIN}\nx = 4\n{END}\n") == {}  # code, and no text beside it


def test_every_model_answer_of_the_course_is_seen() -> None:
    names = {name for module in course.written() for name in written(module).answers}
    declared = {e.id for module in course.written() for e in module.exercises if e.rubric}
    assert declared - names <= {"preregister", "outcome"}  # forms of several texts
    assert {"hypothesis", "stop_rule", "found", "found_number"} <= names
