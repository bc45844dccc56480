"""Probes for 04_micrograd: they use `.data`, `.grad` and `.backward()` of a learner's `Value`,
`.parameters()` of their networks, and nothing else of their insides."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterable
from typing import Any

from autograder.probes.run.observe import Misuse

CHILD_NAMES = ("_prev", "prev", "_children", "children", "_parents", "parents", "_inputs", "inputs")


def number(value: Any) -> Any:
    """A plain number, or a Value's data, as a float; anything else as it is."""
    found = as_float(value)
    return found if isinstance(found, float) else as_float(getattr(value, "data", value))


def as_float(value: Any) -> Any:
    """A plain number as a float; anything else, a Value too, as it is."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return value


def gradient(value: Any) -> Any:
    """A Value's gradient as a float; what is no plain number stays as it is."""
    return as_float(value.grad)


def expression(case: dict[str, Any], value_class: type) -> dict[str, Any]:
    """Run a small program on Values; hand back the data, and after backward the gradients.

    ``case["program"]`` assigns to names, last of all to `out`; ``case["leaves"]`` gives the data
    of its inputs. `backward` runs on every name in ``case["backward"]``, in turn. With
    ``case["remembers"]`` it also tells whether `out` knows its parents, where they can be found.
    """
    leaves = {name: value_class(data) for name, data in case["leaves"].items()}
    values = run(case["program"], leaves)
    result: dict[str, Any] = {"data": {}}
    for name, value in values.items():
        if not hasattr(value, "data"):
            raise Misuse(
                f"`{line_of(case['program'], name)}` should make a Value, and it made "
                f"{describe(value)}"
            )
        result["data"][name] = number(value)
    if case.get("remembers"):
        result["remembers"] = remembers(values["out"], [values[n] for n in case["remembers"]])
    if case.get("backward"):
        for name in case["backward"]:
            values[name].backward()
        result["grad"] = {name: gradient(value) for name, value in values.items()}
    if case.get("again"):
        values["out"].backward()
        result["root after a second backward"] = gradient(values["out"])
    return result


def remembers(value: Any, parents: list[Any]) -> bool:
    """Whether a Value keeps these parents, under one of the usual names; True for other names."""
    for name in CHILD_NAMES:
        kept = getattr(value, name, None)
        if isinstance(kept, (tuple, list, set, frozenset)):
            known = {id(item) for item in kept}
            return all(id(p) in known for p in parents) and all(hasattr(k, "data") for k in kept)
    return True


def run(program: str, leaves: dict[str, Any]) -> dict[str, Any]:
    """Run a program of assignments; all its names with their values, leaves first."""
    names = dict(leaves)
    for statement in ast.parse(program).body:
        code = compile(ast.Module([statement], []), "<expression>", "exec")
        exec(code, {"sum": sum}, names)
    return names


def line_of(program: str, name: str) -> str:
    """The line of a program that assigns to `name`."""
    return next(line for line in program.splitlines() if line.split(" = ")[0] == name)


def describe(value: Any) -> str:
    """What an operation gave, where a Value was expected."""
    if value is None:
        return "None: is a return missing?"
    if value is NotImplemented:
        return "NotImplemented"
    return f"a plain {type(value).__name__}"


def filled_in(case: dict[str, Any], answer: Any) -> Any:
    """Hand back a dict of numbers that a learner filled in by hand."""
    if isinstance(answer, dict) and all(item is ... for item in answer.values()):
        raise NotImplementedError
    if isinstance(answer, dict):
        return {str(key): number(item) for key, item in answer.items()}
    return answer


def order(case: dict[str, Any], function: Callable[[Any], Iterable[Any]], value_class: type) -> Any:
    """The names, in the learner's order, of the values of a program's graph."""
    leaves = {name: value_class(data) for name, data in case["leaves"].items()}
    values = run(case["program"], leaves)
    for _ in range(case.get("chain", 0)):
        values["out"] = values["out"] + values["step"]
    names = {id(value): name for name, value in values.items()}
    found = function(values["out"])
    if found is None:
        return None
    listed = list(found)
    for item in listed:
        if not hasattr(item, "data"):
            raise Misuse(
                f"the list should hold the Values themselves, and it holds {describe(item)}"
            )
    if case.get("chain"):
        return {"nodes": len(listed), "last is out": listed[-1] is values["out"]}
    return [names.get(id(value), "?") for value in listed]


def zeroed(
    case: dict[str, Any], zero_grad: Callable[[list[Any]], Any], value_class: type
) -> dict[str, Any]:
    """Backward, zero, backward again; the data and gradients after each step."""
    leaves = {name: value_class(data) for name, data in case["leaves"].items()}
    run(case["program"], leaves)["out"].backward()
    before = {name: gradient(value) for name, value in leaves.items()}
    chosen = [leaves[name] for name in case["zero"]]
    zero_grad(chosen)
    after = {name: gradient(value) for name, value in leaves.items()}
    zero_grad(list(leaves.values()))
    if all(isinstance(gradient(value), float) for value in leaves.values()):
        run(case["program"], leaves)["out"].backward()
    return {
        "gradients before": before,
        "gradients after": after,
        "data after": {name: number(value) for name, value in leaves.items()},
        "gradients of the second backward": {n: gradient(v) for n, v in leaves.items()},
    }


def outputs(model: Any, x: list[float]) -> list[Any]:
    """What a network gives for one input, as a list: a single Value counts as a list of one."""
    out = model(list(x))
    found = list(out) if isinstance(out, (list, tuple)) else [out]
    for item in found:
        if not hasattr(item, "backward"):
            raise Misuse(
                f"calling it on {len(x)} numbers should give a Value, or a flat list of them; it "
                f"gave {describe(item)}"
                + (" in a list" if found is not out and item is not out else "")
            )
    return found


def parameters(model: Any) -> list[Any]:
    """A network's parameters as a list."""
    found = model.parameters()
    if found is None:
        raise Misuse("parameters() returns None: is a return missing?")
    found = list(found)
    if not all(hasattr(p, "data") and hasattr(p, "grad") for p in found):
        raise Misuse("parameters() should return one flat list of Values")
    return found


LATER = (("__add__", "a + a", 2.0), ("__mul__", "a * a", 6.0))  # of a = 3, the gradient of a


def intact(value_class: type) -> None:
    """Misuse where a `Value` lost what `accumulate` added: an older cell was run again after it."""
    for method, text, right in LATER:
        try:
            a = value_class(3.0)
            getattr(a, method)(a).backward()
        except (TypeError, AttributeError):
            continue
        if gradient(a) != right:
            raise Misuse(
                f"`Value` has lost what a later cell added to it: in `{text}` the gradient is "
                "overwritten, as before the exercise `accumulate`. An older cell of it was run "
                "again. Run the cells from `accumulate` on again, in order, down to this one."
            )


def network(case: dict[str, Any], model_class: type) -> dict[str, Any]:
    """Take a Neuron, a Layer or an MLP apart by its outputs alone.

    Every parameter is set in turn, so nothing is asked of their order or of attribute names.
    """
    sizes = copy.deepcopy(case["sizes"])
    model = model_class(*sizes)
    if sizes != case["sizes"]:
        raise Misuse("it changes the list of sizes that it is given: work on a copy")
    weights = parameters(model)
    fresh = [number(p) for p in weights]
    twin = [number(p) for p in parameters(model_class(*copy.deepcopy(case["sizes"])))]
    result: dict[str, Any] = {
        "parameters": len(weights),
        "parameters the next time": len(parameters(model)),
        "starts like another one": fresh == twin,
        "different parameters": len({id(p) for p in weights}),
        "different initial values": len(set(fresh)),
        "largest initial value": max((abs(value) for value in fresh), default=0.0),
    }
    x = case["x"]
    # All parameters equal: the outputs then have a closed form, whatever their order.
    for parameter in weights:
        parameter.data = case["constant"]
    result["with equal parameters"] = [number(out) for out in outputs(model, x)]
    for parameter, data in zip(weights, case["weights"], strict=False):
        parameter.data = data
    result["with given parameters"] = [number(out) for out in outputs(model, x)]
    result["the next time"] = [number(out) for out in outputs(model, x)]
    # Nudge each parameter: which outputs move, and does the gradient agree?
    total = sum(outputs(model, x))
    for parameter in weights:
        parameter.grad = 0.0
    total.backward()
    step = 1e-4
    moved, slopes, gradients = [], [], []
    for parameter in weights:
        kept = parameter.data
        parameter.data = kept + step
        up = [number(out) for out in outputs(model, x)]
        parameter.data = kept - step
        down = [number(out) for out in outputs(model, x)]
        parameter.data = kept
        moved.append(sum(abs(a - b) > 1e-12 for a, b in zip(up, down, strict=True)))
        slopes.append((sum(up) - sum(down)) / (2 * step))
        gradients.append(gradient(parameter))
    return {**result, "outputs moved": moved, "slopes": slopes, "gradients": gradients}


def loss(
    case: dict[str, Any], function: Callable[[list[Any], list[float]], Any], value_class: type
) -> dict[str, Any]:
    """A loss of given scores, and its gradient with respect to each of them."""
    scores = [value_class(score) for score in case["scores"]]
    out = function(list(scores), list(case["targets"]))
    if not hasattr(out, "backward"):
        raise Misuse(f"the loss should be a Value, and it is {describe(out)}")
    out.backward()
    return {"loss": number(out), "gradients": [gradient(score) for score in scores]}


def training(
    case: dict[str, Any], train: Callable[..., Any], model: Any, model_class: type
) -> dict[str, Any]:
    """The trained model's scores on fresh points, and how `train` treats a small network."""
    if not callable(model):
        raise Misuse(f"`model` should be a network that you trained, and it is {describe(model)}")
    scores = [[number(out) for out in outputs(model, point)] for point in case["points"]]
    if len(scores[0]) != 1:
        raise Misuse(f"`model` should have one output, and it has {len(scores[0])}")
    X, y = case["X"], case["y"]
    for parameter in parameters(model_class(*case["sizes"]))[:1]:
        intact(type(parameter))
    starts: list[list[Any]] = []

    def gradients_after(steps: int) -> list[Any]:
        return [gradient(p) for p in parameters(trained(steps, 0.0)[0])]

    def trained(steps: int, lr: float) -> tuple[Any, list[Any]]:
        small = model_class(*case["sizes"])
        for parameter, data in zip(parameters(small), case["weights"], strict=False):
            parameter.data = data
        starts.append([number(outputs(small, point)[0]) for point in X])
        losses = train(small, [list(point) for point in X], list(y), steps=steps, lr=lr)
        if losses is None:
            raise Misuse("train() returns None: return the list of the losses")
        return small, [number(value) for value in losses]

    moved, losses = trained(case["steps"], case["lr"])
    one_step, _ = trained(1, case["lr"])
    return {
        "scores": [score for (score,) in scores],
        "scores at the start": starts[0],
        "scores after one step": [number(outputs(one_step, point)[0]) for point in X],
        "losses": losses,
        "parameters after": [number(p) for p in parameters(moved)],
        "gradients after one step": gradients_after(1),
        "gradients after two steps": gradients_after(2),
    }
