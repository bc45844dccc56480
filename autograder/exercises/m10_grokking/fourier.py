"""The exercises that read the rule: waves over the numbers, their energy, what depends on it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from autograder.core.exercise import Case, Exercise, Mistake, Option, question
from autograder.exercises.m10_grokking.data import pairs
from autograder.exercises.m10_grokking.training import KNOWN, P, StandIn
from autograder.probes import m10_grokking as probes

TOP = 5  # how many frequencies are kept
ONLY_KEY = 0.7  # test accuracy that the key frequencies alone have to give
WITHOUT_KEY = 0.3  # test accuracy that may be left without them

# --- The basis -----------------------------------------------------------------------------------


def basis(p: int) -> np.ndarray:
    """The waves over p numbers as rows, from numpy's inverse transform of single coefficients."""
    rows = [np.full(p, 1 / np.sqrt(p))]
    for k in range(1, (p - 1) // 2 + 1):
        for coefficient in (1, -1j):
            spectrum = np.zeros(p // 2 + 1, dtype=complex)
            spectrum[k] = coefficient
            wave = np.fft.irfft(spectrum, n=p)
            rows.append(wave / np.linalg.norm(wave))
    return np.array(rows)


def _basis_cases(rng: np.random.Generator) -> list[Case]:
    return [{"args": [int(p)]} for p in (3, *rng.choice([5, 7, 9, 11, 13], 2, replace=False))]


def _lazily(function: Callable[..., np.ndarray]) -> Callable[..., Any]:
    """A wrong answer written in numpy, with arrays in place of tensors."""

    def answer(*given: Any) -> Any:
        arrays = [np.asarray(g, dtype=float) if hasattr(g, "shape") else g for g in given]
        return function(*arrays)

    return answer


def _all_frequencies(p: int) -> np.ndarray:
    n = np.arange(p)
    rows = [np.full(p, p**-0.5)]
    for k in range(1, p):
        angle = 2 * np.pi * k * n / p
        rows += [np.sqrt(2 / p) * np.cos(angle), np.sqrt(2 / p) * np.sin(angle)]
    return np.array(rows)


def _cosines_first(p: int) -> np.ndarray:
    B = basis(p)
    return np.concatenate([B[:1], B[1::2], B[2::2]])


def _sines_first(p: int) -> np.ndarray:
    B = basis(p).copy()
    B[1::2], B[2::2] = B[2::2].copy(), B[1::2].copy()
    return B


def _no_pi(p: int) -> np.ndarray:
    n = np.arange(p)
    rows = [np.full(p, p**-0.5)]
    for k in range(1, (p - 1) // 2 + 1):
        rows += [np.sqrt(2 / p) * f(k * n / p) for f in (np.cos, np.sin)]
    return np.array(rows)


def _half_turns(p: int) -> np.ndarray:
    n = np.arange(p)
    rows = [np.full(p, p**-0.5)]
    for k in range(1, (p - 1) // 2 + 1):
        rows += [np.sqrt(2 / p) * f(np.pi * k * n / p) for f in (np.cos, np.sin)]
    return np.array(rows)


def _from_one(p: int) -> np.ndarray:
    return np.roll(basis(p), -1, axis=1)


def _scaled(waves: Callable[[int], float], constant: Callable[[int], float]) -> Any:
    """The basis with the waves and the constant of another length."""

    def wrong(p: int) -> np.ndarray:
        B = basis(p)
        return np.concatenate([B[:1] * constant(p), B[1:] * waves(p)])

    return _lazily(wrong)


def _explain_basis(case: Case, seen: Any, expected: Any) -> str | None:
    p = case["args"][0]
    if np.shape(seen) != expected.shape:
        return (
            f"For p = {p} it has the shape {np.shape(seen)}, expected {(p, p)}: a constant row, "
            f"and two rows for each of the frequencies 1 to {(p - 1) // 2}"
        )
    if not np.isfinite(seen).all():
        return "It holds nan: is a row of zeros divided by its length, as the sine of frequency 0?"
    row = int(np.argwhere(~np.isclose(seen, expected, 1e-4, 1e-5))[0][0])
    length = float(np.linalg.norm(seen[row]))
    if not np.isclose(length, 1, atol=1e-4):
        return f"For p = {p}, row {row} has the length {length:.3f}. Every row should have length 1"
    what = (
        "the constant"
        if not row
        else f"the {('sine', 'cosine')[row % 2]} of frequency {(row + 1) // 2}"
    )
    return f"For p = {p}, row {row} should be {what}, at n = 0, 1, ..., p - 1"


fourier_basis = Exercise(
    id="fourier_basis",
    title="Waves over the numbers",
    takes={"fourier_basis": "function"},
    points=2,
    minutes=8,
    difficulty=3,
    cases=_basis_cases,
    probe=probes.with_tensors,
    reference=lambda case: basis(case["args"][0]),
    explain=_explain_basis,
    rtol=1e-4,
    atol=1e-5,
    mistakes=(
        Mistake(
            id="not_normalised",
            message="The waves have the length √(p/2). Scale every row to length 1, or the "
            "energies will not add up.",
            answer=_scaled(lambda p: (p / 2) ** 0.5, lambda p: 1.0),
        ),
        Mistake(
            id="nothing_normalised",
            message="The rows are not scaled: each should have length 1, the constant as well.",
            answer=_scaled(lambda p: (p / 2) ** 0.5, lambda p: p**0.5),
        ),
        Mistake(
            id="constant_not_normalised",
            message="The waves are right, the constant row is not: p equal numbers with length 1 "
            "are 1/√p each.",
            answer=_scaled(lambda p: 1.0, lambda p: p**0.5),
        ),
        Mistake(
            id="all_by_root_p",
            message="The waves have the length 1/√2: a wave's squares are ½ on average, so divide "
            "by √(p/2), or by the row's own norm. Only the constant is divided by √p.",
            answer=_scaled(lambda p: 0.5**0.5, lambda p: 1.0),
        ),
        Mistake(
            id="constant_as_wave",
            message="The constant row is √(2/p), which makes it too long. Without ups and downs it "
            "needs 1/√p to have length 1.",
            answer=_scaled(lambda p: 1.0, lambda p: 2**0.5),
        ),
        Mistake(
            id="all_frequencies",
            message="The frequencies go on to p - 1. On p numbers, frequency p - k is the same "
            "wave as k (its sine upside down): stop at (p - 1) / 2.",
            answer=_lazily(_all_frequencies),
        ),
        Mistake(
            id="cosines_first",
            message="All cosines stand before all sines. Put the two of a frequency next to each "
            "other: rows 2k - 1 and 2k.",
            answer=_lazily(_cosines_first),
        ),
        Mistake(
            id="sines_first",
            message="The sine stands before the cosine. Row 2k - 1 is the cosine of frequency k, "
            "row 2k its sine.",
            answer=_lazily(_sines_first),
        ),
        Mistake(
            id="no_pi",
            message="The 2π is missing: frequency k has k full turns over the p numbers, the angle "
            "2πkn/p.",
            answer=_lazily(_no_pi),
        ),
        Mistake(
            id="half_turns",
            message="The waves make half as many turns as they should: the angle is 2πkn/p, here "
            "it is πkn/p.",
            answer=_lazily(_half_turns),
        ),
        Mistake(
            id="transposed",
            message="The waves stand in the columns. Each should be a row.",
            answer=_lazily(lambda p: basis(p).T),
        ),
        Mistake(
            id="from_one",
            message="The numbers start at n = 1. They are 0, 1, ..., p - 1: every cosine begins at "
            "its top.",
            answer=_lazily(_from_one),
        ),
        Mistake(
            id="no_constant",
            message="The constant row is missing: it comes first. Without it p numbers need p - 1 "
            "waves and something for their mean.",
            answer=_lazily(lambda p: basis(p)[1:]),
        ),
    ),
    hints=(
        "A list of rows: first the constant, then for each k the cosine and the sine.",
        "The angle of frequency k at number n is 2πkn/p, with `n = torch.arange(p)`. A row divided "
        "by its own `.norm()` has length 1. See "
        "[torch.cos](https://pytorch.org/docs/stable/generated/torch.cos.html).",
        "```python\nn = torch.arange(p)\nrows = [torch.ones(p)]\n"
        "for k in range(1, (p - 1) // 2 + 1):\n    angle = ...\n"
        "    rows += [torch.cos(angle), ...]\n"
        "return torch.stack([row / ... for row in rows])\n```",
    ),
)

# --- Energy and share ----------------------------------------------------------------------------


def energies(W: np.ndarray) -> np.ndarray:
    """The energy of each frequency, from 1 on, by numpy's transform: (p, d) -> ((p - 1) / 2,)."""
    return 2 / len(W) * (np.abs(np.fft.rfft(W, axis=0)) ** 2).sum(1)[1:]


def _tables(rng: np.random.Generator, *sizes: tuple[int, int]) -> list[np.ndarray]:
    """Tables of rows with a mean that is not 0, and a few strong frequencies."""
    tables = []
    for p, d in sizes:
        B = basis(p)
        strength = 0.3 + 3 * rng.random(p) ** 2
        strength[0] = 4.0
        tables.append(B.T @ (strength[:, None] * rng.normal(size=(p, d))))
    return tables


def _energy_cases(rng: np.random.Generator) -> list[Case]:
    return [{"args": [W]} for W in _tables(rng, (7, 4), (11, 3), (13, 6))]


def _coefficients(W: np.ndarray) -> np.ndarray:
    return basis(len(W)) @ W


def _in_pairs(values: np.ndarray) -> np.ndarray:
    return values[1::2] + values[2::2]


fourier_energy = Exercise(
    id="fourier_energy",
    title="How strong is each frequency?",
    takes={"fourier_energy": "function"},
    points=2,
    minutes=6,
    difficulty=3,
    cases=_energy_cases,
    probe=probes.with_tensors,
    reference=lambda case: energies(case["args"][0]),
    rtol=1e-3,
    atol=1e-4,
    mistakes=(
        Mistake(
            id="with_constant",
            message="The constant is among them. Leave out row 0: it is the mean of the table, no "
            "wave.",
            answer=_lazily(
                lambda W: np.concatenate([(_coefficients(W)[:1] ** 2).sum(1), energies(W)])
            ),
        ),
        Mistake(
            id="not_paired",
            message="Cosine and sine are counted apart, so every frequency comes twice. They are "
            "the same wave, shifted: add the two.",
            answer=_lazily(lambda W: (_coefficients(W)[1:] ** 2).sum(1)),
        ),
        Mistake(
            id="per_row",
            message="This is the energy of each row of the basis, the constant among them. Leave "
            "out row 0, and add cosine and sine of each frequency.",
            answer=_lazily(lambda W: (_coefficients(W) ** 2).sum(1)),
        ),
        Mistake(
            id="amplitude",
            message="This is the root of the energy. Energy is the sum of the squares.",
            answer=_lazily(lambda W: np.sqrt(energies(W))),
        ),
        Mistake(
            id="absolute",
            message="These are sums of absolute values. Energy is the sum of the squares.",
            answer=_lazily(lambda W: _in_pairs(np.abs(_coefficients(W)).sum(1))),
        ),
        Mistake(
            id="signed",
            message="The coefficients are added up before they are squared, so that positive and "
            "negative ones cancel. Square first.",
            answer=_lazily(lambda W: _in_pairs(_coefficients(W).sum(1) ** 2)),
        ),
        Mistake(
            id="cosines_only",
            message="The sines are missing. A wave that begins elsewhere than at its top is partly "
            "sine: add both squares.",
            answer=_lazily(lambda W: (_coefficients(W)[1::2] ** 2).sum(1)),
        ),
        Mistake(
            id="wrong_pairs",
            message="The pairs are shifted by one: the constant is added to the first cosine, each "
            "sine to the next frequency's cosine. Leave out row 0 before you pair.",
            answer=_lazily(
                lambda W: (
                    (_coefficients(W)[0:-1:2] ** 2).sum(1) + (_coefficients(W)[1::2] ** 2).sum(1)
                )
            ),
        ),
        Mistake(
            id="mean",
            message="This is a mean over the columns of the table. The energy is their sum.",
            answer=_lazily(lambda W: energies(W) / W.shape[1]),
        ),
        Mistake(
            id="shares",
            message="This is already divided by the total. The energies themselves are asked, the "
            "shares come next.",
            answer=_lazily(lambda W: energies(W) / energies(W).sum()),
        ),
        Mistake(
            id="unscaled",
            message="These are the squares of an unscaled Fourier transform, p/2 times too large. "
            "With waves of length 1, the energies and the constant's add up to the sum of W's "
            "squares.",
            answer=_lazily(lambda W: energies(W) * len(W) / 2),
        ),
        Mistake(
            id="transposed_basis",
            message="The table is multiplied by the transposed basis. The waves are the rows: "
            "`fourier_basis(p) @ W` compares each wave with each column.",
            answer=_lazily(lambda W: _in_pairs(((basis(len(W)).T @ W) ** 2).sum(1))),
        ),
    ),
    hints=(
        "How much of a wave is in a column of W? The dot product says it, as in module 01.",
        "`fourier_basis(len(W)) @ W` has a row for each wave. Square, sum over the columns of W, "
        "then put rows 1 and 2, 3 and 4, ... together: a slice with a step, `[1::2]`. See "
        "[slices](https://numpy.org/doc/stable/user/basics.indexing.html#slicing-and-striding).",
        "```python\nsquares = (fourier_basis(len(W)) @ W) ** 2     # (p, width)\n"
        "each = squares.sum(...)                       # (p,)\nreturn each[1::2] + each[...]\n```",
    ),
)


def _share_cases(rng: np.random.Generator) -> list[Case]:
    tables = _tables(rng, (11, 4), (17, 3), (13, 5), (9, 4))
    return [{"args": [W, k]} for W, k in zip(tables, (2, 3, 1, 4), strict=True)]


def _share(case: Case) -> float:
    W, k = case["args"]
    energy = sorted(energies(W).tolist(), reverse=True)
    return sum(energy[:k]) / sum(energy)


fourier_share = Exercise(
    id="fourier_share",
    title="How few frequencies hold it?",
    takes={"fourier_share": "function"},
    points=1,
    minutes=4,
    difficulty=2,
    cases=_share_cases,
    probe=probes.with_tensors,
    reference=_share,
    rtol=1e-3,
    atol=1e-5,
    mistakes=(
        Mistake(
            id="first",
            message="This is the share of the lowest k frequencies. The k strongest are asked, "
            "wherever they stand: sort, or take `topk`.",
            answer=_lazily(lambda W, k: energies(W)[:k].sum() / energies(W).sum()),
        ),
        Mistake(
            id="weakest",
            message="This is the share of the k weakest: the sorting runs the other way.",
            answer=_lazily(lambda W, k: np.sort(energies(W))[:k].sum() / energies(W).sum()),
        ),
        Mistake(
            id="rest",
            message="This is the share of all others. The share of the k strongest is asked.",
            answer=_lazily(lambda W, k: np.sort(energies(W))[:-k].sum() / energies(W).sum()),
        ),
        Mistake(
            id="constant_in_total",
            message="The total holds the constant, too: it is the sum of all squares of W. Divide "
            "by the sum of the energies.",
            answer=_lazily(lambda W, k: np.sort(energies(W))[-k:].sum() / (W**2).sum()),
        ),
        Mistake(
            id="amplitudes",
            message="These are shares of amplitude, the root of the energy. Divide energies.",
            answer=_lazily(
                lambda W, k: np.sort(np.sqrt(energies(W)))[-k:].sum() / np.sqrt(energies(W)).sum()
            ),
        ),
        Mistake(
            id="not_divided",
            message="This is the energy of the k strongest. Divide it by that of all.",
            answer=_lazily(lambda W, k: np.sort(energies(W))[-k:].sum()),
        ),
        Mistake(
            id="kth",
            message="This is the share of the k-th strongest alone. Add up the k strongest.",
            answer=_lazily(lambda W, k: np.sort(energies(W))[-k] / energies(W).sum()),
        ),
        Mistake(
            id="mean",
            message="This is the mean of the k shares. Their sum is asked.",
            answer=_lazily(lambda W, k: np.sort(energies(W))[-k:].mean() / energies(W).sum()),
        ),
        Mistake(
            id="half_waves",
            message="Cosines and sines are ranked one by one. They are one frequency: use your "
            "`fourier_energy`, which has put them together.",
            answer=_lazily(
                lambda W, k: (
                    np.sort((_coefficients(W)[1:] ** 2).sum(1))[-k:].sum() / energies(W).sum()
                )
            ),
        ),
        Mistake(
            id="percent",
            message="This is in percent. Give the share, between 0 and 1.",
            answer=_lazily(lambda W, k: 100 * np.sort(energies(W))[-k:].sum() / energies(W).sum()),
        ),
    ),
    hints=(
        "You have the energies. Which k are the largest, and what part of all is theirs?",
        "`values.topk(k).values` are the k largest: see "
        "[topk](https://pytorch.org/docs/stable/generated/torch.topk.html).",
        "```python\nenergy = fourier_energy(W)\nreturn energy.topk(...).values.sum() / ...\n```",
    ),
)

# --- Keep some of them ---------------------------------------------------------------------------


def kept(W: np.ndarray, ks: Any) -> np.ndarray:
    """The part of W along some frequencies, by numpy's transform."""
    waves = np.fft.rfft(W, axis=0)
    return np.fft.irfft(waves * np.isin(np.arange(len(waves)), ks)[:, None], n=len(W), axis=0)


def _keep_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for W, count in zip(_tables(rng, (13, 4), (11, 5), (17, 3)), (2, 3, 1), strict=True):
        ks = 2 + rng.choice((len(W) - 1) // 2 - 2, size=count, replace=False)
        cases.append({"args": [W, [int(k) for k in ks]]})
    return cases


def _rows_kept(rows: Callable[[int], list[int]]) -> Callable[..., Any]:
    """A wrong answer that keeps other rows of the basis for each frequency."""

    def wrong(W: np.ndarray, ks: list[int]) -> np.ndarray:
        B = basis(len(W))[[row for k in ks for row in rows(int(k))]]
        return B.T @ (B @ W)

    return _lazily(wrong)


keep_frequencies = Exercise(
    id="keep_frequencies",
    title="Keep a few waves",
    takes={"keep_frequencies": "function"},
    points=2,
    minutes=8,
    difficulty=4,
    cases=_keep_cases,
    probe=probes.with_tensors,
    reference=lambda case: kept(*case["args"]),
    show=lambda case: (
        f"keep_frequencies(W, {case['args'][1]}) with W of shape {case['args'][0].shape}"
    ),
    rtol=1e-3,
    atol=1e-3,
    mistakes=(
        Mistake(
            id="complement",
            message="This is what is left without these frequencies. Return the part along them.",
            answer=_lazily(lambda W, ks: W - kept(W, ks)),
        ),
        Mistake(
            id="with_constant",
            message="The constant is in it, too. Keep the frequencies asked for, nothing else: we "
            "add the mean where we need it.",
            answer=_lazily(lambda W, ks: W.mean(0) + kept(W, ks)),
        ),
        Mistake(
            id="cosines_only",
            message="Only the cosines are kept. A frequency has two rows: 2k - 1, the cosine, and "
            "2k, the sine.",
            answer=_rows_kept(lambda k: [2 * k - 1]),
        ),
        Mistake(
            id="sines_only",
            message="Only the sines are kept. A frequency has two rows: 2k - 1, the cosine, and "
            "2k, the sine.",
            answer=_rows_kept(lambda k: [2 * k]),
        ),
        Mistake(
            id="row_k",
            message="Row k of the basis is kept for frequency k. Its rows are 2k - 1 and 2k.",
            answer=_rows_kept(lambda k: [k]),
        ),
        Mistake(
            id="rows_late",
            message="Rows 2k and 2k + 1 are kept: the sine of k and the next frequency's cosine. "
            "Because of the constant in row 0, frequency k has the rows 2k - 1 and 2k.",
            answer=_rows_kept(lambda k: [2 * k, 2 * k + 1]),
        ),
        Mistake(
            id="next_frequency",
            message="Each frequency is taken one too high: they count from 1, and frequency k has "
            "the rows 2k - 1 and 2k.",
            answer=_rows_kept(lambda k: [2 * k + 1, 2 * k + 2]),
        ),
        Mistake(
            id="coefficients",
            message="These are the coefficients, one row for each wave kept. Turn them back into "
            "rows for the p numbers: multiply by the same waves, transposed.",
            answer=_lazily(
                lambda W, ks: _coefficients(W)[[row for k in ks for row in (2 * k - 1, 2 * k)]]
            ),
        ),
        Mistake(
            id="masked_coefficients",
            message="These are coefficients, with those of the other waves set to 0. Turn them "
            "back into rows for the p numbers: multiply by the transposed basis.",
            answer=_lazily(lambda W, ks: basis(len(W)) @ kept(W, ks)),
        ),
        Mistake(
            id="not_turned_back",
            message="The coefficients are multiplied by the basis once more. The way back is by "
            "the transposed basis, `.T`: its columns are the waves.",
            answer=_lazily(lambda W, ks: basis(len(W)) @ (basis(len(W)) @ kept(W, ks))),
        ),
        Mistake(
            id="everything",
            message="All frequencies are still there, and the constant: this is W itself. Keep the "
            "rows of the basis that belong to `ks` only.",
            answer=_lazily(lambda W, ks: W),
        ),
    ),
    hints=(
        "It is the projection of module 01 on the directions that are kept.",
        "Take the rows of the basis that belong to the frequencies. Coefficients: these rows times "
        "W. Back: the transposed rows times the coefficients. See "
        "[projection](https://en.wikipedia.org/wiki/Projection_(linear_algebra)#Orthogonal_projections).",
        "```python\nrows = [row for k in ks for row in (2 * k - 1, ...)]\n"
        "kept = fourier_basis(len(W))[rows]            # (2 * len(ks), p)\n"
        "return kept.T @ ...\n```",
    ),
)

predict_removed = question(
    "predict_removed",
    "Cut it down",
    right="b",
    minutes=2,
    options={
        "a": Option(
            text="With the five alone most is lost; without them most is still there: 24 of 29 are "
            "left",
            why="It is not their number that counts. If the rule is written in these five, the "
            "other 24 are remains that training has not cleared away.",
        ),
        "b": Option(
            text="With the five alone most is right; without them nearly all is wrong",
            why="So these five are enough for the answers, and the others are hardly needed. That "
            "is more than the picture of the energies says: a strong frequency might be one that "
            "nobody reads.",
        ),
        "c": Option(
            text="Both are about the same: the model has learnt to use all it has",
            why="Weight decay takes from all frequencies, and the loss gives back only to those "
            "that are needed. After 2,000 epochs the others are faint.",
        ),
        "d": Option(
            text="Both fall to chance: a change of the weights breaks the model",
            why="The change is small where little is taken away: the five hold most of the energy.",
        ),
    },
    hints=(
        "How much of the embedding's energy is in the five strongest?",
        "What would the parts after the embedding read, if the five are gone?",
        "One of the two cuts takes away a fifth of the energy or less, the other takes most of it.",
    ),
)

# --- The frequencies that matter -----------------------------------------------------------------


def _key_cases(rng: np.random.Generator) -> list[Case]:
    return [{"tokens": pairs(P)[0], "p": P}]


def _test_accuracy(seen: Any, name: str) -> float:
    other = np.setdiff1d(np.arange(P * P), np.asarray(seen["train"]))
    hits = np.argmax(seen[name], axis=-1) == pairs(P)[1]
    return float(hits[other].mean()) if len(other) else 0.0


def _strongest(seen: Any) -> list[int]:
    return sorted(1 + int(k) for k in np.argsort(energies(seen["W_E"][:P]))[::-1][:TOP])


def _key_facts(case: Case, seen: Any) -> dict[str, bool]:
    return {
        "five different": len(seen["key"]) == len(set(seen["key"])) == TOP,
        "in range": all(1 <= k <= (P - 1) // 2 for k in seen["key"]),
        "split": abs(len(np.unique(seen["train"])) - KNOWN * P * P) <= 2,
        "the strongest": _close_to_strongest(seen),
        "enough": _test_accuracy(seen, "only") >= ONLY_KEY,
        "needed": _test_accuracy(seen, "without") <= WITHOUT_KEY,
    }


def _close_to_strongest(seen: Any) -> bool:
    """Whether the energy of the chosen ones is that of the five strongest (ties are free)."""
    energy = energies(seen["W_E"][:P])
    chosen = [k for k in set(seen["key"]) if 1 <= k <= len(energy)]
    return sum(energy[k - 1] for k in chosen) >= 0.999 * np.sort(energy)[-TOP:].sum()


def _explain_key(case: Case, seen: Any, expected: Any) -> str | None:
    facts = _key_facts(case, seen)
    if not facts["five different"] or not facts["in range"]:
        return (
            f"`key` is {seen['key']}. It should hold five different frequencies, from 1 to "
            f"{(P - 1) // 2}"
        )
    if not facts["split"]:
        return "`train_set` should be the split of your notebook"
    if not facts["the strongest"]:
        return (
            f"`key` is {sorted(seen['key'])}, and these are not the five strongest of "
            "`grokker.W_E[:p]`"
        )
    return (
        f"With the frequencies {sorted(seen['key'])} alone it gets "
        f"{_test_accuracy(seen, 'only'):.1%} of the test pairs right, without them "
        f"{_test_accuracy(seen, 'without'):.1%}. Expected at least {ONLY_KEY:.0%}, and at most "
        f"{WITHOUT_KEY:.0%}: is this the model that reached 95%?"
    )


class Waves(StandIn):
    """Stands for a model that adds by the strongest frequencies of its W_E, which are `strong`."""

    strong = (4, 9, 13, 22, 27)

    def __init__(self) -> None:
        super().__init__(1.0)

    @staticmethod
    def table() -> np.ndarray:
        """(P + 1, 6): the numbers' rows, and one for =."""
        rng = np.random.default_rng(3)
        strength = np.full(P, 0.2)
        for k in Waves.strong:
            strength[2 * k - 1 : 2 * k + 1] = 3.0
        rows = basis(P).T @ (strength[:, None] * rng.normal(size=(P, 6)))
        return np.vstack([rows, rows[:1]])

    @functools.cached_property
    def W_E(self) -> Any:
        import torch

        return torch.tensor(self.table(), dtype=torch.float32)

    def __call__(self, tokens: Any) -> Any:
        energy = energies(self.W_E[:P].numpy())
        right = all(energy[k - 1] > 1 for k in self.strong)
        logits = super().__call__(tokens)
        return logits if right else logits.roll(1, dims=1)


def _weakest() -> list[int]:
    return (1 + np.argsort(energies(Waves.table()[:P]))[:TOP]).tolist()


KNOWN_SET = np.random.default_rng(4).permutation(P * P)[: round(KNOWN * P * P)]

key_frequencies = Exercise(
    id="key_frequencies",
    title="The frequencies that it adds with",
    takes={"grokker": "value", "train_set": "value", "key": "value"},
    points=3,
    minutes=5,
    difficulty=2,
    cases=_key_cases,
    probe=probes.with_frequencies,
    measure=_key_facts,
    reference=lambda case: dict.fromkeys(
        ("five different", "in range", "split", "the strongest", "enough", "needed"), True
    ),
    explain=_explain_key,
    show=lambda case: "grokker as it is, with only the frequencies of key, and without them",
    limit=10.0,
    trains=True,
    mistakes=(
        Mistake(
            id="counted_from_zero",
            message="Every frequency is one too low: the first energy belongs to frequency 1, and "
            "`topk` counts from 0. Add 1.",
            answer=(Waves(), KNOWN_SET, [k - 1 for k in Waves.strong]),
            recognise=lambda case, seen, expected: (
                sorted(k + 1 for k in seen["key"]) == _strongest(seen)
            ),
        ),
        Mistake(
            id="counted_from_two",
            message="Every frequency is one too high. The first energy belongs to frequency 1.",
            answer=(Waves(), KNOWN_SET, [k + 1 for k in Waves.strong]),
            recognise=lambda case, seen, expected: (
                sorted(k - 1 for k in seen["key"]) == _strongest(seen)
            ),
        ),
        Mistake(
            id="energies",
            message="These are no frequencies but, it seems, their energies. `topk` gives two "
            "things: `.values` and `.indices`.",
            answer=(Waves(), KNOWN_SET, [61.5, 60.2, 51.0, 44.4, 40.9]),
            recognise=lambda case, seen, expected: any(k > (P - 1) // 2 for k in seen["key"]),
        ),
        Mistake(
            id="weakest",
            message="These are the five weakest frequencies: the order is the wrong way round.",
            answer=(Waves(), KNOWN_SET, _weakest()),
            recognise=lambda case, seen, expected: (
                sorted(seen["key"])
                == sorted(1 + int(k) for k in np.argsort(energies(seen["W_E"][:P]))[:TOP])
            ),
        ),
        Mistake(
            id="lowest",
            message="These are the five lowest frequencies, 1 to 5. The five with most energy are "
            "asked.",
            answer=(Waves(), KNOWN_SET, [1, 2, 3, 4, 5]),
            recognise=lambda case, seen, expected: sorted(seen["key"]) == [1, 2, 3, 4, 5],
        ),
        Mistake(
            id="too_few",
            message="These are fewer than five frequencies. Give the five strongest.",
            answer=(Waves(), KNOWN_SET, list(Waves.strong[:3])),
            recognise=lambda case, seen, expected: 0 < len(set(seen["key"])) < TOP,
        ),
    ),
    hints=(
        "Your `fourier_energy` says how strong each one is. The rows of the numbers are "
        "`grokker.W_E[:p]`: the last row is =.",
        "`energy.topk(5).indices` are the places of the five largest, counted from 0, and place 0 "
        "is frequency 1. See [topk](https://pytorch.org/docs/stable/generated/torch.topk.html).",
        "```python\nrows = grokker.W_E[:p].detach()\n"
        "key = [int(i) + ... for i in fourier_energy(rows).topk(5)...]\n```",
    ),
)

# --- The rule by hand ----------------------------------------------------------------------------


def _clock_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for p, ks, count in ((11, [1, 4], 6), (13, [5], 9), (7, [2, 3, 1], 4)):
        a, b = rng.integers(p, size=(2, count))
        cases.append({"args": [a, b, ks, p]})
    return cases


def clock(a: Any, b: Any, ks: Any, p: int, sign: int = -1) -> np.ndarray:
    """By complex numbers: turn by a, turn by b, turn back by c, and read the real part."""
    root = np.exp(2j * np.pi * np.array(ks) / p)
    rows = [
        [sum((r ** int(x) * r ** int(y) * r ** (sign * c)).real for r in root) for c in range(p)]
        for x, y in zip(np.asarray(a), np.asarray(b), strict=True)
    ]
    return np.array(rows)


def _angle_sum(p: int, ks: Any, turn: Callable[..., Any]) -> np.ndarray:
    return sum(turn(2 * np.pi * k / p) for k in ks)


clock_logits = Exercise(
    id="clock_logits",
    title="The rule, by hand",
    takes={"clock_logits": "function"},
    points=2,
    minutes=6,
    difficulty=3,
    cases=_clock_cases,
    probe=probes.with_tensors,
    reference=lambda case: clock(*case["args"]),
    show=lambda case: "clock_logits(a, b, ks={2}, p={3})".format(*case["args"]),
    rtol=1e-3,
    atol=1e-3,
    mistakes=(
        Mistake(
            id="plus_c",
            message="The answer c is added: these are the cosines of a + b + c. They are largest "
            "where c = -(a + b). Turn back by c.",
            answer=_lazily(lambda a, b, ks, p: clock(a, b, ks, p, sign=1)),
        ),
        Mistake(
            id="difference",
            message="The number b is taken away: these logits answer a - b. The sum is asked.",
            answer=_lazily(lambda a, b, ks, p: clock(a, -b, ks, p)),
        ),
        Mistake(
            id="sines",
            message="These are sines. They are 0 at the right answer; the cosine is at its top "
            "there.",
            answer=_lazily(
                lambda a, b, ks, p: _angle_sum(
                    p, ks, lambda w: np.sin(w * ((a + b)[:, None] - np.arange(p)))
                )
            ),
        ),
        Mistake(
            id="no_pi",
            message="The 2π is missing in the angle: one turn of frequency k is 2π, so the angle "
            "is 2πk(a + b - c)/p.",
            answer=_lazily(
                lambda a, b, ks, p: _angle_sum(
                    p, ks, lambda w: np.cos(w / (2 * np.pi) * ((a + b)[:, None] - np.arange(p)))
                )
            ),
        ),
        Mistake(
            id="first_only",
            message="Only the first frequency is used. Add the cosines of all.",
            answer=_lazily(lambda a, b, ks, p: clock(a, b, ks[:1], p)),
        ),
        Mistake(
            id="last_only",
            message="Only the last frequency is left: each one overwrites the one before. Add them "
            "up.",
            answer=_lazily(lambda a, b, ks, p: clock(a, b, ks[-1:], p)),
        ),
        Mistake(
            id="mean",
            message="This is the mean over the frequencies. Add the cosines up: the more agree, "
            "the surer.",
            answer=_lazily(lambda a, b, ks, p: clock(a, b, ks, p) / len(ks)),
        ),
        Mistake(
            id="product",
            message="The cosines of the frequencies are multiplied. Add them.",
            answer=_lazily(lambda a, b, ks, p: np.prod([clock(a, b, [k], p) for k in ks], axis=0)),
        ),
        Mistake(
            id="no_c",
            message="There is one number for each pair. A logit for each answer c = 0, ..., p - 1 "
            "is asked: shape (N, p).",
            answer=_lazily(lambda a, b, ks, p: clock(a, b, ks, p)[:, 0]),
        ),
        Mistake(
            id="transposed",
            message="The answers run down the rows. Each pair should have a row of p logits.",
            answer=_lazily(lambda a, b, ks, p: clock(a, b, ks, p).T),
        ),
        Mistake(
            id="from_one",
            message="The answers begin at c = 1. They are 0, 1, ..., p - 1.",
            answer=_lazily(lambda a, b, ks, p: np.roll(clock(a, b, ks, p), -1, axis=1)),
        ),
    ),
    hints=(
        "For one pair and one answer it is a sum of cosines over the frequencies. Then do it for "
        "all at once.",
        "(N, 1) with (p,) broadcasts to (N, p): `(a + b)[:, None] - torch.arange(p)`. See "
        "[broadcasting](https://pytorch.org/docs/stable/notes/broadcasting.html).",
        "```python\ndistance = (a + b)[:, None] - ...              # (N, p)\n"
        "return sum(torch.cos(2 * math.pi * k * ...) for k in ks)\n```",
    ),
)
