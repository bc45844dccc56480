"""Cards: results as HTML for a notebook, and the same as plain text.

The HTML uses the colours of JupyterLab's theme if there is one, inherits the text colour elsewhere
(Colab, VS Code, nbviewer), and never relies on colour alone.
"""

from __future__ import annotations

import html
import re
import sys
from collections.abc import Iterable

from autograder.core.outcome import Outcome, Result
from autograder.kernel import in_notebook

WORDS = {
    Outcome.PASSED: "Passed",
    Outcome.WRONG: "Not right yet",
    Outcome.NOT_ATTEMPTED: "Not attempted",
    Outcome.RAISED: "It raised an error",
    Outcome.TIMED_OUT: "It took too long",
    Outcome.NOTED: "Noted",
}
MARKS = {
    Outcome.PASSED: "✓",
    Outcome.WRONG: "✗",
    Outcome.NOT_ATTEMPTED: "○",
    Outcome.RAISED: "!",
    Outcome.TIMED_OUT: "…",
    Outcome.NOTED: "→",
}
# Okabe and Ito's palette: safe for colour-blind readers, and readable on light and dark.
COLOURS = {
    Outcome.PASSED: "#009e73",
    Outcome.WRONG: "#d55e00",
    Outcome.NOT_ATTEMPTED: "#808890",
    Outcome.RAISED: "#d55e00",
    Outcome.TIMED_OUT: "#d55e00",
    Outcome.NOTED: "#0072b2",
}
MONO = "font-family:var(--jp-code-font-family,ui-monospace,Menlo,Consolas,monospace)"


class Card:
    """A titled box in a notebook's output, or lines of text in a terminal."""

    def __init__(self, colour: str, body: str, text: str) -> None:
        self.colour, self.body, self.text = colour, body, text
        self.data: dict[str, object] = {}  # the same for programs, by MIME type

    def _repr_mimebundle_(self, **_: object) -> dict[str, object]:
        return {"text/plain": self.text, "text/html": self.to_html(), **self.data}

    def __repr__(self) -> str:
        return self.text

    def to_html(self) -> str:
        """The box, with the theme's own font and text colour."""
        return (
            f'<div role="status" style="border-left:4px solid {self.colour};'
            "background:rgba(128,128,128,.08);border-radius:0 6px 6px 0;padding:.65em 1em;"
            "margin:.2em 0;max-width:46em;line-height:1.5;color:inherit;"
            'font-family:var(--jp-ui-font-family,system-ui,sans-serif);font-size:14px">'
            f"{self.body}</div>"
        )


def prose(text: str) -> str:
    """Escape a message for HTML, with `code` between backticks and [links](https://...)."""
    escaped = html.escape(text, quote=False)
    escaped = re.sub(
        r"`([^`]+)`",
        rf'<code style="{MONO};font-size:.93em;padding:0;background:none;color:inherit">\1</code>',
        escaped,
    )
    return re.sub(r"\[([^\]]+)\]\((https?://[^)\s\x22]+)\)", r'<a href="\2">\1</a>', escaped)


def heading(colour: str, mark: str, words: str, title: str) -> str:
    """The first line of a card: a mark with its meaning in words, then the exercise's title."""
    return (
        f'<div><span style="color:{colour};font-weight:700" aria-hidden="true">{mark}</span> '
        f"<strong>{html.escape(words)}</strong>"
        f'<span style="opacity:.75"> · {html.escape(title)}</span></div>'
    )


def rows(details: Iterable[tuple[str, str]]) -> str:
    """Labelled lines under a message, aligned."""
    cells = "".join(
        f'<div style="opacity:.75">{html.escape(label)}</div>'
        f'<div style="{MONO};font-size:13px;white-space:pre-wrap;overflow-wrap:anywhere">'
        f"{html.escape(value)}</div>"
        for label, value in details
    )
    if not cells:
        return ""
    return (
        '<div style="display:grid;grid-template-columns:max-content 1fr;gap:.15em 1em;'
        f'margin-top:.5em">{cells}</div>'
    )


def table(lines: Iterable[tuple[str, ...]]) -> str:
    """A table of strings; the first row holds the headings."""
    cell = (
        'style="text-align:left;vertical-align:top;padding:.25em 1em .25em 0;'
        'white-space:pre-wrap;overflow-wrap:anywhere;background:none;color:inherit"'
    )
    label = cell.replace("anywhere", "normal")  # or its column shrinks to a letter's width
    first, *others = lines
    head = "".join(f'<th scope="col" {cell}>{html.escape(name)}</th>' for name in first)
    body = "".join(
        f'<tr style="background:none"><th scope="row" {label}>{html.escape(name)}</th>'
        + "".join(f"<td {cell}>{html.escape(value)}</td>" for value in values)
        + "</tr>"
        for name, *values in others
    )
    return (
        '<table style="margin-top:.5em;border-collapse:collapse;font-size:13px">'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    )


def result_card(result: Result, title: str, footer: str = "") -> Card:
    """A check's result as a card."""
    words, mark = WORDS[result.outcome], MARKS[result.outcome]
    colour = COLOURS[result.outcome]
    body = heading(colour, mark, words, title)
    lines = [f"{mark} {words} · {title}"]
    if result.message:
        body += f'<div style="margin-top:.3em">{prose(result.message)}</div>'
        lines += [result.message]
    body += rows(result.details)
    width = max((len(label) for label, _ in result.details), default=0)
    for label, value in result.details:
        first, *rest = value.splitlines() or [""]
        lines.append(f"  {label:<{width}}  {first}")
        lines += [" " * (width + 4) + line for line in rest]
    if result.table:
        body += table(result.table)
        names, *kept = result.table
        for label, *values in kept:
            lines.append(f"  {label}")
            lines += [
                f"    {name}: " + " ".join(value.split())
                for name, value in zip(names[1:], values, strict=True)
                if value
            ]
    if result.picture:
        described = html.escape(result.picture_text, quote=True)
        body += (
            f'<div style="margin-top:.6em" role="img" aria-label="{described}">'
            f"{result.picture}</div>"
        )
    if result.picture_text:
        lines.append(f"  {result.picture_text}")
    if footer:
        body += f'<div style="margin-top:.5em;opacity:.75">{prose(footer)}</div>'
        lines.append(footer)
    return Card(colour, body, "\n".join(lines))


def note_card(words: str, title: str, text: str, mark: str = "→", colour: str = "#0072b2") -> Card:
    """A card that isn't a result: a hint, a status line, an error in the call itself."""
    body = heading(colour, mark, words, title)
    for place, part in enumerate(text.split("```")):
        if place % 2:  # between two fences, where an empty line doesn't end a paragraph
            code = html.escape(part.removeprefix("python").strip("\n"))
            body += (
                f'<pre style="{MONO};font-size:13px;margin:.5em 0;background:none;'
                f'color:inherit;white-space:pre-wrap">{code}</pre>'
            )
            continue
        for paragraph in part.split("\n\n"):
            if paragraph.strip():
                body += f'<div style="margin-top:.3em">{prose(paragraph.strip())}</div>'
    plain_text = text.replace("```python\n", "").replace("```", "")
    return Card(colour, body, f"{mark} {words} · {title}\n{plain_text}")


def count(number: float, noun: str) -> str:
    """A number with its noun: "1 point", "3 more real tries"."""
    plural = noun[:-1] + "ies" if noun.endswith("y") else noun + "s"
    return f"{number:g} {noun if number == 1 else plural}"


def problem_card(title: str, text: str) -> Card:
    """A box that says why something can't be done."""
    return note_card("Can't do that", title, text, "!", COLOURS[Outcome.WRONG])


def show(card: Card) -> None:
    """Display a box in a notebook; elsewhere, print its text."""
    if "IPython" in sys.modules and in_notebook():
        from IPython.display import display

        display(card)
        return
    try:
        print(card.text)
    except UnicodeEncodeError:  # a console of few letters, on Windows
        encoding = sys.stdout.encoding or "ascii"
        print(card.text.encode(encoding, "replace").decode(encoding))
