"""What a learner calls in a notebook: every call ends in a short text, never in a traceback."""

from __future__ import annotations

import importlib
import inspect
import json
import os
import pkgutil
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import pytest

import autograder
from autograder import course
from autograder.core.exercise import Exercise, Mistake, Rule
from autograder.errors import SpeedrunError
from autograder.notebook import api as notebook
from autograder.notebook import checks, progress
from autograder.notebook import placement as placement_file
from autograder.notebook.cards import Card, note_card, prose
from autograder.notebook.hints import solution_source


@pytest.fixture
def shown(home: Path, monkeypatch: pytest.MonkeyPatch) -> list[Card]:
    """The cards that are shown, in a learner's folder of their own."""
    cards: list[Card] = []
    for module in (notebook, checks, placement_file):
        monkeypatch.setattr(module, "show", cards.append)
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)
    return cards


@pytest.fixture
def double(monkeypatch: pytest.MonkeyPatch) -> Exercise:
    """An exercise of the test's own, in the registry for as long as the test runs."""
    exercise = Exercise(
        id="double",
        title="Twice",
        takes={"double": "function"},
        points=2,
        minutes=2,
        difficulty=1,
        cases=lambda rng: [{"args": [3.0]}, {"args": [5.0]}],
        reference=lambda case: 2 * case["args"][0],
        mistakes=(Mistake(id="square", message="This is the square.", answer=lambda x: x * x),),
        few_mistakes_because="test",
        hints=("First `look`.", "Then think.", "```python\nreturn ... * x\n```"),
        rules=(Rule(call="np.add", instead="use `+`"),),
    )
    from autograder import exercises

    known = {**exercises.by_id(), "double": exercise}
    monkeypatch.setattr(exercises, "by_id", lambda: known)
    return exercise


def text(cards: list[Card]) -> str:
    return cards[-1].text


def entry(name: str) -> dict[str, Any]:
    return progress.load()["exercises"][name]


# --- check ---------------------------------------------------------------------------------------


def test_a_pass(shown: list[Card], double: Exercise) -> None:
    autograder.check.double(lambda x: 2 * x)
    assert text(shown) == "✓ Passed · Twice\n2 points here; graded again on fresh inputs."
    assert entry("double")["outcome"] == "passed"


def test_an_answer_may_be_named(shown: list[Card], double: Exercise) -> None:
    autograder.check.double(double=lambda x: 2 * x)
    assert text(shown).startswith("✓ Passed")


def test_a_mistake_and_the_way_to_a_hint(shown: list[Card], double: Exercise) -> None:
    autograder.check.double(lambda x: x * x)
    assert text(shown).splitlines() == [
        "✗ Not right yet · Twice",
        "This is the square.",
        "  Called    double(3.0)",
        "  Returned  9.0",
        "  Expected  6.0",
        'Stuck? `hint("double")` gives the next of three steps.',
    ]


def test_not_attempted_asks_for_no_hint(shown: list[Card], double: Exercise) -> None:
    autograder.check.double(...)
    assert text(shown).splitlines() == [
        "○ Not attempted · Twice",
        "Write your answer in the cell above, then run both.",
    ]
    assert entry("double")["tries"] == 0


def test_a_rule_is_read_from_the_cell(shown: list[Card], double: Exercise) -> None:
    import linecache

    def defined(source: str) -> Any:
        name = f"<cell {len(linecache.cache)}>"
        linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
        space: dict[str, Any] = {}
        exec(compile(source, name, "exec"), space)
        return space["double"]

    autograder.check.double(
        defined("import numpy as np\ndef double(x):\n    return float(np.add(x, x))\n")
    )
    assert text(shown).startswith("✗ Not right yet · Twice\nThis exercise is to be solved without")
    assert "3: return float(np.add(x, x))" in text(shown)
    assert entry("double")["outcome"] == "wrong"
    autograder.check.double(defined("def double(x):\n    return x + x\n"))
    assert text(shown).startswith("✓ Passed")


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda check: check.duoble(1), "No exercise is called 'duoble'. Did you mean double?"),
        (lambda check: check.zzzzzz(1), "No exercise is called 'zzzzzz'. In a notebook, `status("),
        (lambda check: check(), "Name the exercise: `check.<exercise>(your answer)`."),
        (lambda check: check(len), "Name the exercise: `check.<exercise>(your answer)`."),
        (lambda check: check.double(), "The check got nothing: pass it `double`"),
        (lambda check: check.double(3), "`double` should be your function, and the check got a n"),
        (lambda check: check.double(len, len), "The check takes `double`, and it got 2 things."),
        (
            lambda check: check.double(answer=len),
            "The check takes no `answer`. Call it as `check.double(double)`.",
        ),
    ],
)
def test_a_check_called_amiss_says_so(
    shown: list[Card], double: Exercise, call: Any, words: str
) -> None:
    call(autograder.check)
    assert words in text(shown)
    assert progress.load()["exercises"].get("double", {}).get("tries", 0) == 0


def test_the_check_lists_its_exercises(double: Exercise) -> None:
    assert "double" in dir(autograder.check)
    assert repr(autograder.check) == "check.<exercise>(your answer)"
    with pytest.raises(AttributeError):
        autograder.check._ipython_display_  # noqa: B018


def test_where_nothing_judges_every_call_says_so_in_a_line(
    shown: list[Card], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notebook, "_are_there_exercises", lambda: False)
    for call in (
        autograder.check.mean_square,
        lambda answer: autograder.hint("mean_square"),
        lambda answer: autograder.solution("mean_square"),
        lambda answer: autograder.status(),
    ):
        call(lambda numbers: 1)
        assert text(shown).endswith(f"\n{notebook.ABSENT}")
    assert len(shown) == 4
    assert dir(autograder.check) == []
    with autograder.needs("mean_square", "rank"):
        raise NotImplementedError
    assert text(shown).startswith("○ Not yet · mean_square\nThis cell builds on `mean_square` and")


def test_under_nbgrader_a_failing_check_raises_its_text(
    shown: list[Card], double: Exercise, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NBGRADER_EXECUTION", "validate")
    autograder.check.double(lambda x: 2 * x)
    with pytest.raises(checks.CheckFailed) as caught:
        autograder.check.double(lambda x: x * x)
    assert "This is the square." in str(caught.value)
    assert caught.value._render_traceback_() == [str(caught.value)]


def test_a_folder_that_can_not_be_written_does_not_hide_the_result(
    shown: list[Card], double: Exercise, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SPEEDRUN_HOME", str(tmp_path / "file" / "home"))
    autograder.check.double(lambda x: 2 * x)
    first, second = (card.text for card in shown)
    assert "set SPEEDRUN_HOME to a folder that you can write to" in first
    assert second.startswith("✓ Passed")
    autograder.hint("double")
    assert "set SPEEDRUN_HOME" in text(shown)


# --- hint and solution ---------------------------------------------------------------------------


def test_the_ladder_of_hints(shown: list[Card], double: Exercise) -> None:
    for _ in range(4):
        autograder.hint("double")
    assert [card.text for card in shown] == [
        "→ Hint 1 of 3 · Twice\nFirst `look`.",
        "→ Hint 2 of 3 · Twice\nThen think.",
        "→ Hint 3 of 3 · Twice\nreturn ... * x\n",
        "→ Hint 3 of 3 · Twice\nreturn ... * x\n",
    ]
    assert entry("double")["hints"] == 3
    assert "<pre" in shown[2].to_html()


@pytest.mark.parametrize("function", [autograder.hint, autograder.solution])
@pytest.mark.parametrize("name", ["", None, 3, len, ["double"]])
def test_a_name_that_is_none(shown: list[Card], function: Any, name: Any) -> None:
    function(name)
    assert text(shown).splitlines()[1] == (
        f'Name the exercise in quotes: `{function.__name__}("rank")`. Its name stands after '
        "`check.` in the cell below your answer."
    )


@pytest.mark.parametrize("function", [autograder.hint, autograder.solution])
def test_an_unknown_name_finds_the_nearest(
    shown: list[Card], double: Exercise, function: Any
) -> None:
    function("doubel")
    assert text(shown).endswith("No exercise is called 'doubel'. Did you mean double?")


def wrong(number: int) -> Any:
    return lambda numbers: number


def test_a_solution_opens_after_three_real_tries(shown: list[Card]) -> None:
    check = autograder.check.mean_square
    for answers, left in (
        ([wrong(1)], "2 more real tries"),
        ([wrong(1), wrong(1), 3, ...], "2 more real tries"),  # the same answer, and none at all
        ([wrong(2)], "1 more real try"),
    ):
        for answer in answers:
            check(answer)
        autograder.solution("mean_square")
        assert text(shown).startswith("→ Solution closed")
        assert left in text(shown)
        assert "return sum" not in text(shown)
    check(wrong(3))
    autograder.solution("mean_square")
    assert text(shown).startswith("→ Solution · The mean of the squares")
    assert "return sum" in text(shown)
    assert "SOLUTION" not in text(shown)


def test_a_solution_opens_after_a_pass(shown: list[Card]) -> None:
    autograder.check.mean_square(lambda numbers: sum(n * n for n in numbers) / len(numbers))
    autograder.solution("mean_square")
    assert text(shown).startswith("→ Solution · ")


def test_every_exercise_has_a_solution_that_can_be_shown() -> None:
    built = [module for module in course.written() if module.source_path.is_file()]
    assert built
    for module in built:
        for exercise in module.exercises:
            source = solution_source(exercise)
            assert "SOLUTION" not in source
            assert source.strip()


# --- status, placement, environment --------------------------------------------------------------


def test_status_says_what_is_done_and_what_is_next(shown: list[Card]) -> None:
    autograder.status()
    before = text(shown)
    assert "of the 12 hours left" in before
    assert "Next: The mean of the squares (00_start_here, `mean_square`)" in before
    autograder.check.mean_square(lambda numbers: sum(n * n for n in numbers) / len(numbers))
    autograder.status()
    lines = text(shown).splitlines()
    assert "mean_square" not in lines[1]
    assert any(line.split()[0] == "00_start_here" and "1 of 1" in line for line in lines[2:])
    assert len(lines) == 2 + len(course.modules())


def test_status_says_where_a_damaged_file_went(
    shown: list[Card], home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home.mkdir()
    (home / progress.FILE_NAME).write_text("{")
    for _ in range(2):  # at once, and later
        autograder.status()
        assert "of the 12 hours left" in text(shown)
        (kept,) = home.glob("speedrun-progress.damaged-*.json")
        assert f"Your progress file was damaged. It is kept as {kept}," in text(shown)
        assert "rename it to speedrun-progress.json" in text(shown)
        assert str(kept) in shown[-1].to_html()
    assert capsys.readouterr().err == ""  # said once
    kept.write_text('{"exercises": {"mean_square": {"outcome": "passed"}}}')  # as it says
    kept.replace(home / progress.FILE_NAME)
    autograder.status()
    assert "damaged" not in text(shown)
    assert "mean_square" not in text(shown)  # what is next is another one again


def test_a_check_says_where_a_damaged_file_went(
    shown: list[Card], home: Path, double: Exercise, capsys: pytest.CaptureFixture[str]
) -> None:
    home.mkdir()
    (home / progress.FILE_NAME).write_text("{")
    autograder.check.double(lambda x: 2 * x)
    assert text(shown).startswith("✓ Passed")
    (kept,) = home.glob("speedrun-progress.damaged-*.json")
    assert f"It is kept as {kept}, and a new record begins." in capsys.readouterr().err
    autograder.check.double(lambda x: 2 * x)
    assert capsys.readouterr().err == ""


def run(notebook: Any, **options: bool) -> None:
    """Run a notebook in a kernel, in place."""
    pytest.importorskip("nbclient")
    from autograder.local_kernel import LocalClient

    LocalClient(notebook, kernel_name="python3", **options).execute()


def test_in_a_notebook_it_is_said_in_a_box(home: Path) -> None:
    nbformat = pytest.importorskip("nbformat")
    home.mkdir()
    (home / progress.FILE_NAME).write_text("{")
    source = "from autograder import check\ncheck.mean_square(...)"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    run(notebook)
    first, second = (out.data["text/plain"] for out in notebook.cells[0].outputs)
    assert first.startswith("! A new progress file · progress\nYour progress file was damaged.")
    assert second.startswith("○ Not attempted")


@pytest.mark.parametrize("name", ["04_micrograd", "04", "4", 4, "micrograd", "backward"])
def test_status_lists_the_exercises_of_a_module(shown: list[Card], name: Any) -> None:
    module = course.module("04_micrograd")
    with progress.updating() as record:
        progress.note_check(record, "backward", "passed", "1")
        progress.note_check(record, "deep_order", "wrong", "1")
    autograder.status(name)
    first, _, *lines = text(shown).splitlines()
    assert first == "→ 04_micrograd: 1 of 17 done, 130 min left"
    assert len(lines) == len(module.exercises) == 18
    for exercise, line in zip(module.exercises, lines, strict=True):
        points = "bonus" if exercise.bonus else f"{exercise.points:g}"
        assert line.split()[-3:] == [exercise.id, points, str(exercise.minutes)]
        assert exercise.title in line
        assert ("✓ done" in line) is (exercise.id == "backward")
        assert exercise.id in shown[-1].to_html()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("4_micrograd", "No module is called '4_micrograd'. Did you mean 04_micrograd?"),
        (99, "No module is called '99'. The modules are: 00_start_here,"),
        (len, "No module is called '<built-in function len>'."),
        ("11", "`11_next_steps` has no exercises: it is for reading."),
        (None, "of the 12 hours left"),
    ],
)
def test_status_of_another_name_is_calm(shown: list[Card], name: Any, words: str) -> None:
    autograder.status(name)
    assert words in text(shown)


RIGHT = [item.right for item in placement_file.QUESTIONS]


@pytest.mark.parametrize(
    "answers",
    [
        " ".join(RIGHT),
        "".join(RIGHT).upper(),
        RIGHT,
        tuple(RIGHT),
        {f"q{i}": r for i, r in enumerate(RIGHT)},
    ],
)
def test_placement_reads_ten_letters(shown: list[Card], answers: Any) -> None:
    autograder.placement(answers)
    assert text(shown).startswith("→ 10 of 10 · placement, not graded")
    assert "Worth another look" not in text(shown)
    assert progress.load()["placement"] == {"vectors": 4, "derivatives": 3, "probability": 3}


def test_placement_says_why(shown: list[Card]) -> None:
    autograder.placement(["-", *RIGHT[1:]])
    assert text(shown).startswith("→ 9 of 10")
    assert f"1: {RIGHT[0]}" in text(shown)
    assert placement_file.QUESTIONS[0].why in text(shown)


@pytest.mark.parametrize(
    "answers", ["a b c", 3, [], [None] * 10, ["<b>"] * 10, "z" * 10, {"a": "b"}, len]
)
def test_placement_called_amiss_says_what_to_give(shown: list[Card], answers: Any) -> None:
    autograder.placement(answers)
    assert "Give ten letters" in text(shown)
    assert "placement" not in progress.load()


def test_placement_without_a_letter_gives_nothing_away(shown: list[Card]) -> None:
    autograder.placement("- - - - - - - - - -")
    assert "No answers yet" in text(shown)
    assert "Worth another look" not in text(shown)
    assert "placement" not in progress.load()


def test_placement_shows_its_questions(shown: list[Card], monkeypatch: Any) -> None:
    for answers in ((), (None,), (...,)):
        autograder.placement(*answers)
        assert all(item.text in text(shown) for item in placement_file.QUESTIONS)
    item = placement_file.Question(
        topic="vectors", text="Is 1 < 2 & 3?", options={"a": "<img src=x>"}, right="a", why="."
    )
    monkeypatch.setattr(placement_file, "QUESTIONS", (item,))
    autograder.placement()
    html = shown[-1].to_html()
    assert "<img" not in html
    assert "&lt;img src=x&gt;" in html
    assert "1 &lt; 2 &amp; 3" in html


def test_each_option_of_a_question_is_its_own() -> None:
    for item in placement_file.QUESTIONS:
        assert item.right in item.options
        assert len(set(item.options.values())) == len(item.options) == 4


def test_the_environment_names_versions_and_the_progress_file(
    shown: list[Card], home: Path
) -> None:
    autograder.environment()
    assert text(shown).startswith("✓ Setup complete")
    for words in ("torch", "numpy", sys.version.split()[0], str(home)):
        assert words in text(shown)


COLAB = """
import sys, types
sys.modules["google.colab"] = types.ModuleType("google.colab")
from pathlib import Path
from autograder.notebook import progress
progress.DRIVE = Path("DRIVE")
"""


@pytest.mark.parametrize("drive", [False, True])
def test_the_first_cell_says_in_colab_that_progress_is_lost_without_drive(
    drive: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SPEEDRUN_HOME", raising=False)
    mounted = tmp_path / "content" / "drive" / "MyDrive"
    if drive:
        mounted.mkdir(parents=True)
    else:
        (tmp_path / "content").mkdir()
    released = json.loads(course.module("00_start_here").release_path.read_text("utf-8"))
    first = next(cell for cell in released["cells"] if cell["cell_type"] == "code")
    source = "".join("    pass\n" if "%pip" in line else line for line in first["source"])
    code = COLAB.replace('Path("DRIVE")', f"Path({str(mounted)!r})") + source
    done = subprocess.run(
        [sys.executable, "-c", code + "\nstatus()"],
        cwd=tmp_path / "content",
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONIOENCODING": "utf-8", "PYTHONPATH": str(course.root())},
        check=True,
    )
    told = "! Your progress is lost with this runtime · Colab"
    assert done.stdout.startswith("→ 12 h 00 min" if drive else told)
    assert ('drive.mount("/content/drive")' in done.stdout) is not drive


def test_the_environment_says_so_too(
    shown: list[Card], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SPEEDRUN_HOME")
    monkeypatch.setitem(sys.modules, "google.colab", types.ModuleType("google.colab"))
    monkeypatch.setattr(progress, "DRIVE", tmp_path / "drive" / "MyDrive")
    monkeypatch.chdir(tmp_path)
    autograder.environment()
    assert text(shown).startswith("! Your progress is lost with this runtime · Colab\n")
    assert 'drive.mount("/content/drive")' in text(shown)
    progress.DRIVE.mkdir(parents=True)
    autograder.environment()
    assert text(shown).startswith("✓ Setup complete")
    assert str(progress.DRIVE / "ml-speedrun" / progress.FILE_NAME) in text(shown)
    monkeypatch.delitem(sys.modules, "google.colab")
    autograder.environment()
    assert text(shown).startswith("✓ Setup complete")


# --- cards and names -----------------------------------------------------------------------------


def test_what_a_learner_wrote_is_escaped(shown: list[Card], double: Exercise) -> None:
    def evil(x: float) -> Any:
        if x == 3.0:
            return "<script>alert(1)</script>"
        return x

    autograder.check.double(evil)
    assert "<script>" not in shown[-1].to_html()
    assert "<script>alert(1)</script>" in text(shown)

    def raises(x: float) -> Any:
        raise ValueError('<img src=x onerror="alert(1)"> [x](https://a"onclick="b)')

    autograder.check.double(raises)
    html = shown[-1].to_html()
    assert "<img" not in html
    assert "<a " not in html  # the quote would end the attribute


def test_prose_knows_code_and_links_only() -> None:
    assert "<code" in prose("`a < b`")
    assert "&lt;" in prose("`a < b`")
    assert prose("[docs](https://x.org/a?b=c)") == '<a href="https://x.org/a?b=c">docs</a>'
    assert "<a" not in prose("[x](javascript:alert)")


def test_a_card_has_html_and_the_same_as_text() -> None:
    card = note_card("Words", "Title", "A line.\n\n```python\nx < 1\n```")
    bundle = card._repr_mimebundle_()
    assert bundle["text/plain"] == repr(card) == "→ Words · Title\nA line.\n\nx < 1\n"
    assert "x &lt; 1" in bundle["text/html"]
    assert 'role="status"' in bundle["text/html"]


def test_no_module_has_the_name_of_a_function() -> None:
    """Importing a submodule would put it in the function's place."""
    modules = {entry.name for entry in pkgutil.iter_modules(autograder.__path__)}
    assert not modules & set(autograder.__all__)
    importlib.import_module("autograder.notebook.status")
    for name in autograder.__all__:
        assert callable(getattr(autograder, name)), name
        assert not inspect.ismodule(getattr(autograder, name)), name
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        autograder.nothing  # noqa: B018


def test_an_error_of_ours_is_shown_without_a_traceback() -> None:
    assert SpeedrunError("Do this.")._render_traceback_() == ["Do this."]


SESSION = """
from autograder import check, hint, solution, status, placement
from autograder.notebook import api
status(); placement()
from autograder import status, placement
status(); placement()
check.mean_square(lambda n: print(n))
"""


def test_in_a_plain_interpreter_the_text_is_printed(home: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SESSION], capture_output=True, text=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    assert "It prints its result and returns None" in done.stdout
    assert done.stdout.count("of the 12 hours left") == 2


KERNEL = [
    "from autograder import check",
    "check.relu(relu)",
    "def relu(z):\n    return zz\nrelu(1)",
    "zz",
]


def test_a_check_before_its_answer_is_calm_and_other_name_errors_are_pythons(home: Path) -> None:
    nbformat = pytest.importorskip("nbformat")
    notebook = nbformat.v4.new_notebook(cells=list(map(nbformat.v4.new_code_cell, KERNEL)))
    run(notebook, allow_errors=True)
    kinds = [[output.output_type for output in cell.outputs] for cell in notebook.cells]
    assert kinds == [[], ["display_data"], ["error"], ["error"]]
    shown = notebook.cells[1].outputs[0].data["text/plain"]
    assert shown.startswith("○ Not attempted")
    assert "Run the cell with your answer first" in shown


SLIDERS = """
from autograder import needs
from autograder.plots import sliders
def show(a):
    print(f"a is {a}")
    if a > 1:
        raise NotImplementedError
with needs("relu"):
    sliders(show, a=(0.0, 2.0, 0.5, FIRST))
"""


@pytest.mark.parametrize(("first", "seen"), [(0.5, "VBox("), (1.5, "○ Not yet")])
def test_sliders_draw_once_and_needs_sees_what_is_missing(
    home: Path, first: float, seen: str
) -> None:
    nbformat = pytest.importorskip("nbformat")
    cell = nbformat.v4.new_code_cell(SLIDERS.replace("FIRST", str(first)))
    notebook = nbformat.v4.new_notebook(cells=[cell])
    run(notebook)
    # In JupyterLab the printed line stands in the sliders' own output.
    printed = [out.text for out in notebook.cells[0].outputs if out.output_type == "stream"]
    shown = [out.data["text/plain"] for out in notebook.cells[0].outputs if "data" in out]
    assert "".join(printed).count("a is") == 1
    assert len(shown) == 1
    assert shown[0].startswith(seen)


def test_code_with_empty_lines_stays_one_block() -> None:
    from autograder.notebook.cards import note_card

    body = note_card(
        "Hint", "Twice", "Look:\n\n```python\na = 1\n\n\nb = 2\n```\n\nThen go on."
    ).to_html()
    assert body.count("<pre") == 1
    assert "a = 1\n\n\nb = 2</pre>" in body
    assert "```" not in body
    assert "Then go on." in body


def test_a_name_may_stand_after_a_dot(shown: list[Card], double: Exercise) -> None:
    autograder.hint.double()
    assert text(shown).startswith("→ Hint 1 of 3")
    autograder.solution.double()
    assert text(shown).startswith("→ Solution closed")
    assert "double" in dir(autograder.hint)


def test_a_console_of_few_letters_is_no_obstacle(home: Path) -> None:
    import os

    done = subprocess.run(
        [sys.executable, "-c", SESSION],
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )
    assert done.returncode == 0, done.stderr
    assert b"It prints its result and returns None" in done.stdout


def test_the_light_core_imports_no_torch_and_nothing_of_jupyters_stack() -> None:
    code = (
        "import json, sys; from autograder import check;"
        "from autograder.notebook import api, checks, hints, status;"
        "from autograder.exercises import by_id; by_id(); print(json.dumps(list(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in json.loads(done.stdout)}
    heavy = {"IPython", "nbformat", "nbclient", "nbgrader", "nbconvert", "jupytext", "traitlets"}
    assert not loaded & {"torch", *heavy}
