"""A scaling law with a floor."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from autograder.core.exercise import Case, Exercise, Mistake


def _law_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for count, alpha, first in ((6, 0.5, 1500), (8, 0.35, 700), (5, 0.8, 4000)):
        alpha += rng.uniform(-0.05, 0.05)
        n = np.round(first * np.geomspace(1, 90, count) * rng.uniform(0.9, 1.1, count)).astype(int)
        a, floor = rng.uniform(0.9, 1.4) * n[0] ** alpha, rng.uniform(1.1, 1.7)
        law = [float(a), float(alpha), float(floor)]
        cases.append({"args": [n, floor + a * n**-alpha], "_law": law})
    return cases


def _curve(law: Any, n: np.ndarray) -> np.ndarray:
    a, alpha, floor = (float(number) for number in law)
    return a * n.astype(float) ** -alpha + floor


def _measure_law(case: Case, seen: Any) -> dict[str, Any]:
    n = case["args"][0]
    if not isinstance(seen, list | np.ndarray) or len(seen) != 3:
        raise ValueError
    return {
        "at the sizes given": _curve(seen, n),
        "at 10 times the largest": float(_curve(seen, n[-1:] * 10)[0]),
        "at 1000 times the largest": float(_curve(seen, n[-1:] * 1000)[0]),
    }


def _law_reference(case: Case) -> dict[str, Any]:
    return _measure_law(case, case["_law"])


def _line(n: np.ndarray, rest: np.ndarray) -> tuple[float, float]:
    slope, height = np.polyfit(np.log(n), np.log(rest), 1)
    return float(slope), float(height)


def _fitted(
    n: Any,
    loss: Any,
    pick: Callable[[list], Any] = min,
    floors: Callable[[np.ndarray], Any] = lambda loss: np.linspace(
        0, loss.min(), 600, endpoint=False
    ),
    law: Callable[[float, float], tuple[float, float]] = lambda s, h: (math.exp(h), -s),
    curve: Callable[..., Any] = _curve,
    line: Callable[..., tuple[float, float]] = _line,
) -> tuple[float, float, float]:
    n, loss = np.asarray(n, dtype=float), np.asarray(loss, dtype=float)
    tried = []
    for floor in floors(loss):
        with np.errstate(over="ignore"):
            found = (*law(*line(n, loss - floor)), float(floor))
            tried.append((float(np.sum((curve(found, n) - loss) ** 2)), found))
    return pick(tried)[1]


def _from_line(
    law: Callable[[float, float], tuple[float, float]],
    line: Callable[..., tuple[float, float]] = _line,
) -> Callable[[Case, Any, Any], bool]:
    """Recognise what was made of slope and height, at whatever floor came out."""

    def recognise(case: Case, seen: Any, expected: Any) -> bool:
        n, loss = case["args"]
        rest = loss - seen[2]
        return bool(np.all(rest > 0) and np.allclose(seen[:2], law(*line(n, rest)), rtol=1e-3))

    return recognise


def _as_asked(slope: float, height: float) -> tuple[float, float]:
    return math.exp(height), -slope


def _turned(n: np.ndarray, rest: np.ndarray) -> tuple[float, float]:
    return _line(rest, n)


def _against_n(n: np.ndarray, rest: np.ndarray) -> tuple[float, float]:
    slope, height = np.polyfit(n, np.log(rest), 1)
    return float(slope), float(height)


def _wrong_law(
    law: Callable[[float, float], tuple[float, float]],
    line: Callable[..., tuple[float, float]] = _line,
) -> dict[str, Any]:
    return {
        "answer": functools.partial(_fitted, law=law, line=line),
        "recognise": _from_line(law, line),
    }


def _reordered(*places: int) -> Callable[..., tuple]:
    def fit_power_law(n: Any, loss: Any) -> tuple:
        law = _fitted(n, loss)
        return tuple(law[place] for place in places)

    return fit_power_law


def _changed(change: Callable[..., tuple]) -> Callable[..., tuple]:
    return lambda n, loss: change(*_fitted(n, loss))


def _explain_law(case: Case, seen: Any, expected: Any) -> str | None:
    n, loss = case["args"]
    if not isinstance(seen, list | np.ndarray) or len(seen) != 3:
        return "Return three numbers: a, alpha, floor"
    off = _curve(seen, n) - loss
    worst = int(np.argmax(np.abs(off)))
    law = f"a = {seen[0]:.4g}, alpha = {seen[1]:.4g}, floor = {seen[2]:.4g}"
    if abs(off[worst]) > 0.01 * loss[worst]:
        return (
            f"Your curve with {law} misses the point at n = {n[worst]}: it says "
            f"{loss[worst] + off[worst]:.3f}, and the loss there is {loss[worst]:.3f}"
        )
    return (
        f"Your curve with {law} goes through the points, and leaves their course beyond them: "
        f"the floor should be near {case['_law'][2]:.2f}"
    )


fit_power_law = Exercise(
    id="fit_power_law",
    title="Fit a law with a floor",
    takes={"fit_power_law": "function"},
    points=2,
    minutes=6,
    difficulty=3,
    cases=_law_cases,
    measure=_measure_law,
    reference=_law_reference,
    show=lambda case: (
        f"fit_power_law(n, loss) with {len(case['args'][0])} points on a curve, n from "
        f"{case['args'][0][0]} to {case['args'][0][-1]}"
    ),
    explain=_explain_law,
    rtol=0.012,
    mistakes=(
        Mistake(
            id="law_log_a",
            message="The factor a is still a logarithm: the line's height is log(a), so a is "
            "np.exp(height).",
            **_wrong_law(lambda slope, height: (height, -slope)),
        ),
        Mistake(
            id="law_both",
            message="These are the line's own numbers. a is np.exp(height), and alpha is minus the "
            "slope.",
            **_wrong_law(lambda slope, height: (height, slope)),
        ),
        Mistake(
            id="law_sign",
            message="The exponent has the wrong sign: the law is a * n**-alpha, so alpha is "
            "minus the slope of the line.",
            **_wrong_law(lambda slope, height: (math.exp(height), slope)),
        ),
        Mistake(
            id="law_base",
            message="Two kinds of logarithm are mixed: after np.log comes np.exp, after np.log10 "
            "comes 10**.",
            **_wrong_law(lambda slope, height: (10**height, -slope)),
        ),
        Mistake(
            id="law_base_10",
            message="The line was fitted to np.log10, and np.exp undoes np.log. Take np.log in "
            "both places.",
            **_wrong_law(lambda slope, height: (math.exp(height / math.log(10)), -slope)),
        ),
        Mistake(
            id="law_swapped",
            message="Slope and height are swapped: np.polyfit gives the slope first.",
            **_wrong_law(lambda slope, height: (math.exp(slope), -height)),
        ),
        Mistake(
            id="law_turned",
            message="The line is fitted the wrong way round. np.polyfit takes x first: log(n), "
            "then log(loss - floor).",
            **_wrong_law(_as_asked, _turned),
        ),
        Mistake(
            id="law_against_n",
            message="The line is fitted against n. It is straight in log(n): give np.polyfit "
            "np.log(n).",
            **_wrong_law(_as_asked, _against_n),
        ),
        Mistake(
            id="law_no_floor",
            message="The floor came out as 0, and these losses have one. Where it can get lost: "
            "the line has to go through log(loss - floor), the curve whose error is taken is "
            "a * n**-alpha + floor, and the return stands after the loop.",
            answer=functools.partial(_fitted, floors=lambda loss: [0.0]),
            recognise=lambda case, seen, expected: seen[2] == 0 and bool(seen[1] > 0),
        ),
        Mistake(
            id="law_flat",
            message="Alpha has to be above 0, as the loss falls with n: it is minus the slope of "
            "the line.",
            answer=_changed(lambda a, alpha, floor: (a, -alpha / 2, floor)),
            recognise=lambda case, seen, expected: bool(seen[1] <= 0),
        ),
        Mistake(
            id="law_order",
            message="The right three numbers in another order: a, alpha, floor.",
            answer=_reordered(1, 0, 2),
            recognise=lambda case, seen, expected: (
                not np.allclose(seen, case["_law"], rtol=0.1)
                and np.allclose(sorted(seen), sorted(case["_law"]), rtol=0.1)
            ),
        ),
        Mistake(
            id="law_last_floor",
            message="The floor is the last that was tried, just below the smallest loss. Keep a "
            "law where its error is below the least so far, and note that error as the least.",
            answer=functools.partial(_fitted, pick=lambda tried: tried[-1]),
            recognise=lambda case, seen, expected: (
                _from_line(_as_asked)(case, seen, expected)
                and 0 <= np.min(case["args"][1]) - seen[2] < 0.012 * np.min(case["args"][1])
                and np.min(case["args"][1]) - case["_law"][2] > 0.05
            ),
        ),
        Mistake(
            id="law_exact_floor",
            message="The floor lies outside its range: it is at least 0, and below the smallest "
            "loss.",
            answer=_changed(lambda a, alpha, floor: (a, alpha, -floor)),
            recognise=lambda case, seen, expected: not (0 <= seen[2] <= np.min(case["args"][1])),
        ),
    ),
    hints=(
        "With the right floor, log(loss - floor) against log(n) is a straight line. Try many "
        "floors, and see with which the curve fits best.",
        "`np.polyfit(x, y, 1)` gives slope and height of the line, here with x = log(n) and y = "
        "log(loss - floor). slope = -alpha, and height = log(a). "
        "[polyfit](https://numpy.org/doc/stable/reference/generated/numpy.polyfit.html).",
        "```python\nslope, height = np.polyfit(np.log(n), ..., 1)\na = ...\nalpha = ...\n```",
    ),
)
