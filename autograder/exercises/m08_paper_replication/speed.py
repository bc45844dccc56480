"""The exercises of the section on speed: what to run at once, and an experiment of one's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograder.core.exercise import Case, Exercise, Mistake, Option, question
from autograder.exercises.m08_paper_replication import reference
from autograder.exercises.m08_paper_replication.wrong import variants
from autograder.probes import m08_paper_replication as probes

predict_batched = question(
    "predict_batched",
    "One by one, or all in one",
    right="c",
    minutes=3,
    options={
        "a": Option(
            text="No faster: it is the same arithmetic",
            why="It is the same arithmetic, and arithmetic is the smaller part. A step of one tiny "
            "model is mostly the cost of some dozens of calls, each of which does next to nothing. "
            "The batch makes these calls once for all models.",
        ),
        "b": Option(
            text="About twice: the computer has two cores",
            why="No second core is used here: one thread does it all. What is saved is calls. A "
            "step of one tiny model is some dozens of them, each of which does next to nothing.",
        ),
        "c": Option(
            text="Many times faster, though less than 32 times",
            why="A step of one tiny model is mostly the cost of some dozens of calls, each of "
            "which does next to nothing. The batch makes them once for all 32; only "
            "the arithmetic, and the drawing of data, stay 32-fold.",
        ),
        "d": Option(
            text="More than 32 times faster",
            why="At best the 32 cost as much as one, which would be 32 times. The arithmetic and "
            "the random numbers of 32 models are still there, so it is less.",
        ),
    },
    hints=(
        "How many multiplications does one step of a model with 5 features and 2 dimensions take, "
        "and how many calls of torch?",
        "A call of torch costs some microseconds, however small the tensor.",
        "The calls are shared by all 32; the arithmetic is not.",
    ),
)

predict_larger = question(
    "predict_larger",
    "And with larger models?",
    right="a",
    minutes=3,
    options={
        "a": Option(
            text="Far less: the arithmetic decides now",
            why="A step is now long multiplications and many random numbers, next to which the "
            "calls are small. Batching saves calls, so it has far less left to save. For such "
            "models, use more cores: processes, one thread each.",
        ),
        "b": Option(
            text="Just as much as for the tiny ones",
            why="What a batch saves is calls, some microseconds each. Next to products of this "
            "size they are small, so there is far less left to save.",
        ),
        "c": Option(
            text="Even more: there is more work to share",
            why="Work is not shared by batching, only calls are. The larger the models, the "
            "smaller the part that calls take.",
        ),
    },
    hints=(
        "What did the batch save for the tiny models?",
        "A call costs some microseconds. How long does the arithmetic of one step take now?",
        "If a step is all arithmetic, sharing the calls changes little.",
    ),
)

predict_processes = question(
    "predict_processes",
    "The same run, in a process of its own",
    right="b",
    minutes=3,
    options={
        "a": Option(
            text="As long as here: it is the same training",
            why="The training is the same, and before it a new Python starts and imports torch. "
            "That takes seconds, more than this training does.",
        ),
        "b": Option(
            text="Several seconds longer: a new Python starts first",
            why="A process has a Python and a torch of its own, and loading them takes longer "
            "than this training. Processes pay for runs that last; many short ones belong into "
            "one batch.",
        ),
        "c": Option(
            text="Half as long: two processes share the work",
            why="A run is one training, in one process with one thread. Two processes do two runs, "
            "they do not share one. And each has to start a Python first.",
        ),
    },
    hints=(
        "What has to happen before a run's first step?",
        "A run is a notebook: a new Python starts and imports torch, then it trains.",
        "The training itself takes as long as here. What comes before it is extra.",
    ),
)

# --- The experiment ------------------------------------------------------------------------------

STEPS = 4


def _run_cases(rng: np.random.Generator) -> list[Case]:
    first, second, *more = rng.choice(1000, size=6, replace=False).tolist()
    # Not sparser: with few features present, 4,000 samples would tell a loss too roughly.
    low, high = round(float(rng.uniform(0.25, 0.4)), 3), round(float(rng.uniform(0.6, 0.9)), 3)
    runs = [[low, first], [low, first], [low, second], [high, first]]
    return [
        {
            "runs": runs + [[p, seed] for p in (low, high) for seed in more],
            "steps": STEPS,
            "seed": reference.seed_of(rng),
            "_seed": reference.seed_of(rng),
        }
    ]


def _losses(case: Case, seen: Any, p: float) -> np.ndarray:
    """Each instance's loss on the judge's samples."""
    return reference.held_out(case["_seed"], p, seen["W"], seen["b"])


def _number(value: Any) -> float | None:
    value = np.asarray(value)
    if value.dtype.kind not in "iuf" or value.size != 1:
        return None
    return float(value.reshape(()))


def _numbers(runs: list[Any]) -> list[dict[str, float | None]]:
    """What each run says of its best start; None where that is no number."""
    return [{k: _number(run["results"].get(k)) for k in ("loss", "count")} for run in runs]


def _measure_runs(case: Case, seen: Any) -> Any:
    runs = seen["runs"]
    results = [run["results"] for run in runs]
    found: dict[str, Any] = {
        "results": [sorted(set(r) & {"loss", "count"}) for r in results],
        "plain": not any(run["graphs"] for run in runs),
        "one training": all(run["trainings"] == 1 for run in runs),
    }
    if not found["one training"]:
        return found
    numbers = _numbers(runs)
    best, own_count = _of_the_best(case, runs, numbers)
    begins = [run["begin"] for run in runs]
    return found | {
        "eight starts": all(len(run["W"]) == 8 for run in runs),
        "uses p": all(
            np.allclose(run["p"], p, 1e-4) for (p, _), run in zip(case["runs"], runs, strict=True)
        ),
        "the same seed, the same run": np.array_equal(begins[0], begins[1])
        and repr(numbers[0]) == repr(numbers[1]),  # a NaN is not equal to itself
        "another seed, another run": not np.array_equal(begins[0], begins[2]),
        "the best loss": all(best),
        "the count of the best": all(own_count),
    }


def _of_the_best(case: Case, runs: list[Any], numbers: list[Any]) -> tuple[list[bool], list[bool]]:
    """For each run, whether its loss is that of the best start, and whether its count is."""
    best, own_count = [], []
    for (p, _), run, got in zip(case["runs"], runs, numbers, strict=True):
        losses, counts = _losses(case, run, p), reference.counts(run["W"])
        good = losses < 1.1 * losses.min()
        best.append(got["loss"] is not None and abs(got["loss"] / losses.min() - 1) < 0.12)
        own_count.append(got["count"] in counts[good].tolist())
    return best, own_count


def _runs_expected(case: Case) -> Any:
    return {
        "results": [["count", "loss"]] * len(case["runs"]),
        "plain": True,
        "one training": True,
        "eight starts": True,
        "uses p": True,
        "the same seed, the same run": True,
        "another seed, another run": True,
        "the best loss": True,
        "the count of the best": True,
    }


def _explain_runs(case: Case, seen: Any, expected: Any) -> str | None:
    run = seen["runs"][0]
    found = _measure_runs(case, seen)
    if found["results"] != expected["results"]:
        told = ", ".join(run["results"]) or "nothing"
        return f'It should return {{"loss": ..., "count": ...}}, and it returns {told}'
    if not found["one training"]:
        return f"`train` is called {run['trainings']} times in a run. Once is expected"
    if not found["eight starts"]:
        return f"The model has {len(run['W'])} instances; 8 are asked for"
    numbers = _numbers(seen["runs"])
    best, own_count = _of_the_best(case, seen["runs"], numbers)
    if False in best:
        place = best.index(False)
    elif False in own_count:
        place = own_count.index(False)
    else:
        return None
    p, run, got = case["runs"][place][0], seen["runs"][place], numbers[place]
    losses = _losses(case, run, p)
    if None in got.values():
        return "The loss and the count should be numbers"
    if not best[place]:
        return (
            f"It gives a loss of {got['loss']:.4g}. Held out, the eight instances of that run have "
            f"losses from {losses.min():.4g} to {losses.max():.4g}; the lowest is asked for"
        )
    return (
        f"It gives a count of {got['count']:g}. The instance with the lowest "
        f"loss has {reference.counts(run['W'])[losses.argmin()]} columns longer than 0.5"
    )


def _lacks(name: str) -> Callable[[Case, Any, Any], bool]:
    return lambda case, seen, expected: _measure_runs(case, seen).get(name) is False


def _loss_is(of: Callable[[np.ndarray], float]) -> Callable[[Case, Any, Any], bool]:
    def recognise(case: Case, seen: Any, expected: Any) -> bool:
        return _measure_runs(case, seen).get("the best loss") is False and all(
            abs(_number(run["results"]["loss"]) / of(_losses(case, run, p)) - 1) < 0.1
            for (p, _), run in zip(case["runs"], seen["runs"], strict=True)
        )

    return recognise


def _count_is(of: Callable[[np.ndarray], float]) -> Callable[[Case, Any, Any], bool]:
    def recognise(case: Case, seen: Any, expected: Any) -> bool:
        return _measure_runs(case, seen).get("the best loss") is True and all(
            _number(run["results"]["count"]) == of(reference.counts(run["W"]))
            for run in seen["runs"]
        )

    return recognise


def _run(*changes: tuple[str, str]) -> Any:
    return variants(("run", "train"), *changes)[0]


run_experiment = Exercise(
    id="run_experiment",
    title="One run, as a function",
    takes={"run": "function"},
    points=2,
    minutes=15,
    difficulty=3,
    cases=_run_cases,
    probe=probes.experiments,
    measure=_measure_runs,
    reference=_runs_expected,
    explain=_explain_runs,
    show=lambda case: f"run(p, seed, steps={case['steps']}), with several p and seeds",
    limit=20.0,
    mistakes=(
        Mistake(
            id="graph_kept",
            message="A result still hangs on the graph of its computation. Hand back numbers: "
            "`float(...)` and `int(...)`, or `.item()`.",
            answer=_run(
                (
                    "float(losses[best])",
                    "weighted_loss(model(x := sample_sparse(8, 4000, 5, p)), x, importance)[best]",
                )
            ),
            recognise=_lacks("plain"),
        ),
        Mistake(
            id="never_trains",
            message="It never calls `train`: the model that it measures is an untrained one.",
            answer=_run(("    train(model, p, importance, steps=steps)\n", "")),
            recognise=lambda case, seen, expected: seen["runs"][0]["trainings"] == 0,
        ),
        Mistake(
            id="ignores_p",
            message="It does not train at the p that it is given. Hand p on to `train`.",
            answer=_run(("    train(model, p,", "    train(model, 0.3,")),
            recognise=_lacks("uses p"),
        ),
        Mistake(
            id="no_seed",
            message="The same p and the same seed give different runs: `torch.manual_seed(seed)` "
            "is missing, or it stands after the model is made.",
            answer=_run(("    torch.manual_seed(seed)\n", "")),
            recognise=_lacks("the same seed, the same run"),
        ),
        Mistake(
            id="fixed_seed",
            message="Another seed gives the same run: the seed that is set is not the one that "
            "`run` is given.",
            answer=_run(("manual_seed(seed)", "manual_seed(0)")),
            recognise=_lacks("another seed, another run"),
        ),
        Mistake(
            id="one_start",
            message="It trains one model. A single start gets stuck now and then: make 8 "
            "instances and take the best.",
            answer=_run(
                ("ToyModel(8, 5, 2)", "ToyModel(1, 5, 2)"),
                ("best_of(losses, 8)", "best_of(losses, 1)"),
            ),
            recognise=lambda case, seen, expected: len(seen["runs"][0]["W"]) == 1,
        ),
        Mistake(
            id="mean_loss",
            message="The loss is the mean over the 8 starts. Give that of the best one.",
            answer=_run(("float(losses[best])", "float(losses.mean())")),
            recognise=_loss_is(np.mean),
        ),
        Mistake(
            id="worst",
            message="It takes the start with the highest loss. The best has the lowest.",
            answer=_run(("best = int(best_of(losses, 8)[0])", "best = int(losses.argmax())")),
            recognise=_loss_is(np.max),
        ),
        Mistake(
            id="first",
            message="It takes the first start, whichever it is. Choose the one with the lowest "
            "held-out loss.",
            answer=_run(("best = int(best_of(losses, 8)[0])", "best = 0")),
            recognise=_loss_is(lambda losses: losses[0]),
        ),
        Mistake(
            id="largest_count",
            message="The count is the largest of the 8 starts, and the loss that of the best one. "
            "Both should come from the same start: index the counts with `best`.",
            answer=_run(("int(counts[best])", "int(counts.max())")),
            recognise=_count_is(np.max),
        ),
        Mistake(
            id="first_count",
            message="The loss is that of the best start, the count that of the first one. Index "
            "both with `best`.",
            answer=_run(("int(counts[best])", "int(counts[0])")),
            recognise=_count_is(lambda counts: counts[0]),
        ),
        Mistake(
            id="all_counts",
            message="The count is a list or a tensor, one for each start. Give that of the best "
            "one, a number.",
            answer=_run(("int(counts[best])", "counts.tolist()")),
            recognise=lambda case, seen, expected: (
                np.size(seen["runs"][0]["results"]["count"]) == 8
            ),
        ),
    ),
    hints=(
        "Everything is there already: seed, train, measure the losses, choose, count.",
        "Set the seed before the model is made, because making it draws random numbers. "
        "`best_of(losses, 8)` gives one index; `feature_statistics(model.W.detach())` gives norms "
        "and counts. See [reproducibility]"
        "(https://pytorch.org/docs/stable/notes/randomness.html).",
        "```python\ntorch.manual_seed(seed)\nmodel = ToyModel(8, 5, 2)\n"
        "train(model, p, importance, steps=steps)\n"
        "losses = held_out_loss(model, p, importance)\nbest = int(best_of(losses, 8)[0])\n"
        "...\n```",
    ),
)
