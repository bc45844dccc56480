"""Probes for 07_build_gpt: they read a learner's torch modules by their leaves (Linear, LayerNorm,
Embedding) in the order of registration, never by the names that the learner gave them.

The learner's classes read sizes from the notebook's globals. A probe sets those for its own time,
to sizes that no two of which are equal, and puts them back.
"""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from autograder.probes.run.observe import Misuse

MISSING = object()


# --- The notebook's globals ----------------------------------------------------------------------


def namespaces(*answers: Any) -> list[dict[str, Any]]:
    """The global namespaces that a learner's functions and classes were defined in.

    A class uses others that it finds in its namespace: theirs are among them, too, where they are
    of the same module.
    """
    found: dict[int, dict[str, Any]] = {}
    for answer in answers:
        for space in _spaces_of(answer):
            found[id(space)] = space
            for value in list(space.values()):
                if isinstance(value, type) and value.__module__ == space.get("__name__"):
                    found |= {id(other): other for other in _spaces_of(value)}
    return list(found.values())


def _spaces_of(answer: Any) -> list[dict[str, Any]]:
    found = []
    for kind in answer.__mro__ if isinstance(answer, type) else [answer]:
        for member in list(vars(kind).values()) if isinstance(kind, type) else [kind]:
            member = inspect.unwrap(getattr(member, "__func__", member))
            space = getattr(member, "__globals__", None)
            if space is not None and not space.get("__name__", "").startswith("torch"):
                found.append(space)
    return found


@contextlib.contextmanager
def setting(answers: tuple[Any, ...], values: dict[str, Any]) -> Iterator[None]:
    """The notebook's globals (`n_embd` and so on) at other values, for a while."""
    import torch

    spaces, threads = namespaces(*answers), torch.get_num_threads()
    torch.set_num_threads(1)  # for tables this small, a second thread only gets in the way
    torch.set_grad_enabled(True)  # an answer that was stopped in no_grad may have left it off
    kept = [{name: space.get(name, MISSING) for name in values} for space in spaces]
    for space in spaces:
        space.update(values)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        for space, before in zip(spaces, kept, strict=True):
            for name, value in before.items():
                if value is MISSING:
                    space.pop(name, None)
                else:
                    space[name] = value


def sizes(case: dict[str, Any]) -> dict[str, Any]:
    """The globals that a case sets: its sizes, and the CPU as the device."""
    return {**case["setting"], "device": "cpu"}


# --- Text and batches ----------------------------------------------------------------------------


def coded(
    case: dict[str, Any], encode: Callable[[str], Any], decode: Callable[[Any], str], chars: Any
) -> dict[str, Any]:
    """The ids of a text made of `chars`, that text again, and a text from given places."""
    listed = list(chars)
    if not listed or not all(isinstance(c, str) and len(c) == 1 for c in listed):
        raise Misuse("`chars` should hold the different characters of the text, in order.")
    text = "".join(listed[i % len(listed)] for i in case["places"])
    ids = encode(text)
    if ids is None:
        raise Misuse("`encode` returns None: return the list of numbers.")
    if not isinstance(ids, list):
        raise Misuse(
            f"`encode` should return a list of numbers, one for each character, and it returns "
            f"{type(ids).__name__}: `[... for c in s]`."
        )
    right = [i % len(listed) for i in case["places"]]
    return {"vocabulary": len(listed), "ids": ids, "text": text, "decoded": decode(right)}


ELSEWHERE = 1000  # added to the numbers of the text that is not the one given
TOO_SHORT = ("equal size", "out of", "sequence of length")
NOTHING_TO_DRAW = ("'from' to be less than 'to'", "empty range", "low >= high", "high <= 0")


def batches(case: dict[str, Any], get_batch: Callable[..., Any]) -> dict[str, Any]:
    """Several batches from one sequence of ids."""
    import torch

    data = torch.tensor(case["data"])
    batch, block = case["batch_size"], case["block_size"]
    seen = []
    torch.manual_seed(case["seed"])
    # Other sizes stand in the globals: a function that ignores its arguments shows.
    others = {
        "batch_size": batch + 1,
        "block_size": block + 2,
        # Longer than what is given: starts that are drawn by its length run past the end.
        **dict.fromkeys(("data", "train_data", "val_data"), data.flip(0).repeat(2) + ELSEWHERE),
        "device": "cpu",
    }
    with setting((get_batch,), others):
        for _ in range(case["times"]):
            try:
                found = get_batch(data, batch, block)
            except (RuntimeError, IndexError, ValueError) as error:
                if any(part in str(error) for part in TOO_SHORT):
                    return {"past the end": True}
                if any(part in str(error) for part in NOTHING_TO_DRAW):
                    return {"no place": str(error)[:200]}
                raise
            if not isinstance(found, (tuple, list)) or len(found) != 2:
                what = "None" if found is None else "something else"
                raise Misuse(f"`get_batch` should return two tensors, x and y; it returned {what}.")
            x, y = found
            for name, part in (("x", x), ("y", y)):
                if not isinstance(part, torch.Tensor):
                    raise Misuse(
                        f"`{name}` should be a tensor: put the rows together, `torch.stack`."
                    )
            seen.append(
                [tensor_of(x), tensor_of(y), not (x.is_floating_point() or y.is_floating_point())]
            )
    return {
        "x": [x for x, _, _ in seen],
        "y": [y for _, y, _ in seen],
        "whole numbers": all(whole for _, _, whole in seen),
        "data is what it was": bool(torch.equal(data, torch.tensor(case["data"]))),
    }


def averages(
    case: dict[str, Any], average_matmul: Callable[..., Any], average_softmax: Callable[..., Any]
) -> dict[str, Any]:
    """What the two ways to average make of the same x."""
    import torch

    x = torch.tensor(case["x"], dtype=torch.float32)
    T = x.shape[1]
    others = {"T": T + 2, "block_size": T + 3, "B": 1, "C": 1}
    both = {"average_matmul": average_matmul, "average_softmax": average_softmax}
    found: dict[str, Any] = {}
    borrowed: list[str] = []

    def watched(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any) -> Any:
            borrowed.append("called")
            return function(*args)

        return call

    with setting((average_matmul, average_softmax), others):
        for name, function in both.items():
            with setting((function,), {n: watched(f) for n, f in both.items() if n != name}):
                found[name] = function(x.clone())
    found["each does its own work"] = not borrowed
    for name, out in found.items():
        if out is None:
            raise Misuse(f"`{name}` returns None: is a return missing?")
    return found


class Chain:
    """A stand-in for a model: the next id depends on the last one alone.

    It writes down what it is given.
    """

    def __init__(self, table: Any, block: int) -> None:
        import torch

        self.table = torch.tensor(table, dtype=torch.float32)  # (V, V) log-probabilities
        self.block_size = block
        self.block = block
        self.longest = 0
        self.contexts: list[Any] = []
        self.training = True

    def __call__(self, idx: Any, targets: Any = None) -> Any:
        self.longest = max(self.longest, idx.shape[1])
        self.contexts.append(tensor_of(idx))
        if idx.shape[1] > self.block:
            raise IndexError(
                f"the context has {idx.shape[1]} ids, and the model reads {self.block}"
            )
        return self.table[idx], None

    forward = __call__

    def parameters(self) -> Iterator[Any]:
        return iter([self.table])

    def eval(self) -> Chain:
        return self

    def train(self, mode: bool = True) -> Chain:
        return self


def generated(case: dict[str, Any], generate: Callable[..., Any]) -> dict[str, Any]:
    """What `generate` makes with a model whose next id has known probabilities."""
    import torch

    torch.manual_seed(case["seed"])
    model = Chain(case["table"], case["block_size"])
    prompt = torch.tensor(case["prompt"])
    given = prompt.clone()
    error = ""
    with setting((generate,), {"block_size": case["block_size"], "device": "cpu", "model": None}):
        try:
            found = generate(model, given, case["new"])
        except IndexError as raised:
            if model.longest <= case["block_size"]:
                raise
            found, error = None, str(raised)
    if found is None and not error:
        raise Misuse("`generate` returns None: return the prompt and what follows it.")
    return {
        "ids": None if found is None else tensor_of(found),
        "longest": model.longest,
        "contexts": [c[:1] for c in model.contexts],
        "prompt is what it was": bool(torch.equal(given, prompt)),
    }


class Scored:
    """A stand-in for a model: its loss on each window is known; it notes how it is treated."""

    def __init__(self, table: Any) -> None:
        import torch

        self.table = torch.tensor(table, dtype=torch.float32, requires_grad=True)
        self.training = True
        self.seen: list[tuple[Any, Any]] = []
        self.modes: list[bool] = []
        self.gradients: list[bool] = []

    def __call__(self, idx: Any, targets: Any = None) -> Any:
        import torch
        import torch.nn.functional as F

        self.seen.append((tensor_of(idx), None if targets is None else tensor_of(targets)))
        self.modes.append(self.training)
        self.gradients.append(torch.is_grad_enabled())
        table = self.table * (0.2 if self.training else 1.0)  # as if dropout made it worse
        logits = table[idx]
        if targets is None:
            return logits, None
        V = logits.shape[-1]
        return logits, F.cross_entropy(logits.reshape(-1, V), targets.reshape(-1))

    forward = __call__

    def parameters(self) -> Iterator[Any]:
        return iter([self.table])

    def eval(self) -> Scored:
        self.training = False
        return self

    def train(self, mode: bool = True) -> Scored:
        self.training = mode
        return self


def estimated(case: dict[str, Any], estimate_loss: Callable[..., Any]) -> dict[str, Any]:
    """The loss that `estimate_loss` finds for a known model, and how it treats the model."""
    import torch

    model = Scored(case["table"])
    data = torch.tensor(case["data"])
    others = {"block_size": case["block_size"], "device": "cpu", "model": None, "data": None}
    with setting((estimate_loss,), others):
        found = estimate_loss(model, data)
    if found is None:
        raise Misuse("`estimate_loss` returns None: return the mean loss, one number.")
    return {
        "loss": found.item() if isinstance(found, torch.Tensor) and found.numel() == 1 else found,
        "eval": not any(model.modes),
        "train again": model.training,
        "gradients": any(model.gradients),
        "windows": sum(len(x) for x, _ in model.seen),
    }


# --- Modules -------------------------------------------------------------------------------------


def tensor_of(value: Any) -> np.ndarray:
    """A tensor as an array."""
    return value.detach().cpu().numpy().copy()


def leaves(model: Any) -> list[dict[str, Any]]:
    """The layers with weights, in the order of registration, with what is in them.

    A raw matrix counts as a linear layer without a bias, by which x is multiplied from the right.
    """
    from torch import nn

    found: list[dict[str, Any]] = []
    for path, module in model.named_modules():
        name_of = path.split(".")[-1]
        own = {name: tensor_of(p) for name, p in module.named_parameters(recurse=False)}
        if isinstance(module, nn.LayerNorm) and len(module.normalized_shape) != 1:
            raise Misuse(
                f"A LayerNorm has the shape {tuple(module.normalized_shape)}. It norms each vector "
                "by itself: `nn.LayerNorm(n_embd)`."
            )
        if isinstance(module, nn.Linear):
            found.append(
                {
                    "kind": "linear",
                    "name": name_of,
                    "weight": own["weight"],
                    "bias": own.get("bias"),
                }
            )
        elif isinstance(module, nn.Embedding):
            found.append({"kind": "embedding", "weight": own["weight"]})
        elif own and all(p.ndim == 1 for p in own.values()):
            gain, *rest = own.values()
            shift = rest[0] if rest else None
            found.append({"kind": "norm", "weight": gain, "bias": shift})
        else:
            for p in own.values():
                if p.ndim == 3 and p.shape[0] == 1:
                    p = p[0]
                found.append({"kind": "matrix", "weight": p, "bias": None})
    return found


def in_plain_lists(model: Any) -> bool:
    """Whether a module holds others in a plain list, where torch does not see them."""
    from torch import nn

    registered = {id(m) for m in model.modules()}
    for module in model.modules():
        for value in vars(module).values():
            inside = value.values() if isinstance(value, dict) else value
            if isinstance(value, (list, tuple, dict)) and any(
                isinstance(item, nn.Module) and id(item) not in registered for item in inside
            ):
                return True
    return False


def shake(model: Any, seed: int) -> None:
    """Give every parameter a value that matters, drawn from `seed`: any initialisation is fine."""
    import torch
    from torch import nn

    rng = np.random.default_rng(seed)
    with torch.no_grad():
        for module in model.modules():
            for name, p in module.named_parameters(recurse=False):
                if not p.requires_grad:
                    continue
                drawn = rng.normal(size=tuple(p.shape))
                if p.ndim == 1:
                    gain = not isinstance(module, nn.Linear) and name in ("weight", "gamma", "g")
                    drawn = 1 + 0.4 * drawn if gain else 0.4 * drawn
                elif isinstance(module, nn.Linear):
                    drawn *= 1.3 / np.sqrt(p.shape[-1])
                elif p.ndim == 2 and not isinstance(module, nn.Embedding):
                    drawn *= 1.3 / np.sqrt(p.shape[0])
                p.copy_(torch.tensor(drawn, dtype=p.dtype))


def made(case: dict[str, Any], cls: type) -> Any:
    """The learner's module for a case, or a word on what it is instead."""
    from torch import nn

    try:
        model = cls(*case["make"])
    except TypeError as error:
        if "float" not in str(error):
            raise
        raise Misuse(
            "A size is no whole number: `/` gives a fraction, `//` a whole number, as in "
            f"`n_embd // n_head`. (Torch says: {str(error)[:120]})"
        ) from None
    if not isinstance(model, nn.Module):
        raise Misuse(f"`{cls.__name__}` should be an nn.Module: `class {cls.__name__}(nn.Module)`.")
    return model


def width_of(found: list[dict[str, Any]], asked: int, usual: Any) -> int:
    """The width of x that a module takes: that of the globals when it was made or defined."""
    widths = {leaf["weight"].shape[-1] for leaf in found if leaf["kind"] == "linear"}
    if asked not in widths and usual in widths:
        return usual
    return asked


def layer(case: dict[str, Any], cls: type) -> dict[str, Any]:
    """Run one part of a transformer on inputs of several shapes; hand back its weights, too."""
    import torch

    before = [space.get("n_embd") for space in namespaces(cls)]
    with setting((cls,), sizes(case)):
        model = made(case, cls)
        shake(model, case["seed"])
        found = leaves(model)
        width = width_of(found, case["setting"]["n_embd"], before[0] if before else None)
        rng = np.random.default_rng(case["seed"] + 1)
        xs = [rng.normal(size=(B, T, width)) for B, T in case["shapes"]]
        model.eval()
        outs = [run(model, x, case) for x in xs]
        # The same, with the tokens after the first two changed, or the first two swapped.
        later, swapped = xs[0].copy(), xs[0].copy()
        later[:, 2:] += rng.normal(size=later[:, 2:].shape)
        swapped[:, [0, 1]] = swapped[:, [1, 0]]
        result: dict[str, Any] = {
            "leaves": found,
            "x": xs,
            "out": outs,
            "again": run(model, xs[0], case),
            "later changed": run(model, later, case),
            "swapped": run(model, swapped, case),
            "in plain lists": in_plain_lists(model),
        }
        if isinstance(outs[0], np.ndarray):
            result["gradients missing"] = unreached(model, xs[0])
        if case["setting"].get("dropout"):
            model.train()
            torch.manual_seed(case["seed"])
            result["differs in training"] = not np.allclose(
                run(model, xs[0], case), run(model, xs[0], case)
            )
            result |= dropped(model, xs[0], outs[0], case)
    return result


def dropped(model: Any, x: np.ndarray, kept: Any, case: dict[str, Any]) -> dict[str, Any]:
    """What share of the outputs is 0 in training, and whether the others are only scaled."""
    outs = [run(model, x, case) for _ in range(12)]
    if not all(isinstance(out, np.ndarray) for out in (kept, *outs)):
        return {}
    several, usual = np.stack(outs), np.broadcast_to(kept, (12, *kept.shape))
    gone = several == 0
    wanted = usual / (1 - case["setting"]["dropout"])
    return {
        "share dropped": float(gone[usual != 0].mean()) if (usual != 0).any() else 0.0,
        "others only scaled": bool(np.allclose(several[~gone], wanted[~gone], 2e-3, 2e-4)),
    }


def run(model: Any, x: np.ndarray, case: dict[str, Any]) -> Any:
    """What a module makes of x; the text of an error where it can't take fewer tokens."""
    import torch

    given = torch.tensor(x, dtype=torch.float32)
    if x.shape[1] == case["setting"]["block_size"]:
        out = model(given)
    else:
        try:
            out = model(given)
        except (RuntimeError, IndexError, ValueError) as error:
            return f"{type(error).__name__}: {str(error)[:200]}"
    if not isinstance(out, torch.Tensor):
        what = "None: is a return missing in `forward`?" if out is None else "no tensor."
        raise Misuse(f"Calling it should give a tensor, and it gives {what}")
    return tensor_of(out)


def backward(loss: Any) -> None:
    """Torch's backward, with a word on tensors that were changed in place."""
    try:
        loss.backward()
    except RuntimeError as error:
        if "inplace operation" not in str(error):
            raise
        raise Misuse(
            "The way back needs a tensor as it was, and your code has changed it in place, as "
            "`x += ...` does. Write `x = x + ...`: that makes a new tensor."
        ) from None


def unreached(model: Any, x: np.ndarray) -> int:
    """How many parameters get no gradient from the output."""
    import torch

    given = torch.tensor(x, dtype=torch.float32, requires_grad=True)
    out = model(given * 1.0)
    weights = torch.arange(out.numel(), dtype=torch.float32).reshape(out.shape).cos()
    backward((out * weights).sum())
    return sum(p.grad is None for p in model.parameters() if p.requires_grad)


def language_model(case: dict[str, Any], cls: type) -> dict[str, Any]:
    """Run a whole language model: logits, loss, and how it treats context, order and mode."""
    import torch

    torch.manual_seed(case["seed"])
    with setting((cls,), sizes(case)):
        model = made(case, cls)
        fresh = [tensor_of(p) for p in model.parameters()]
        shake(model, case["seed"])
        found = leaves(model)
        V, block = actual_sizes(found, case)
        rng = np.random.default_rng(case["seed"] + 1)
        model.eval()
        result: dict[str, Any] = {
            "leaves": found,
            "V": V,
            "block": block,
            "in plain lists": in_plain_lists(model),
            "largest at the start": max(
                (float(np.abs(p).max()) for p in fresh if p.size), default=0.0
            ),
        }
        B = case["shapes"][0][0]
        shapes = [(B, block)] + [(b, min(t, block)) for b, t in case["shapes"][1:]]
        runs = []
        for b, t in shapes:
            idx, targets = rng.integers(V, size=(b, t)), rng.integers(V, size=(b, t))
            runs.append(two_ways(model, idx, targets, short=t < block))
        result["runs"] = runs
        result["again"] = logits_of(model, runs[0]["idx"])
        if isinstance(result["again"], np.ndarray):
            result["gradients missing"] = unreached_by_loss(model, runs[0]["idx"])
        if case["setting"].get("dropout"):
            model.train()
            first, second = (logits_of(model, runs[0]["idx"]) for _ in range(2))
            result["differs in training"] = not np.allclose(first, second)
            model.eval()
        fine = not any("error" in run or np.isnan(run["logits"]).any() for run in runs)
        if case.get("new") and fine:
            result["generated"] = grown(model, case, V, block)
    return result


def actual_sizes(found: list[dict[str, Any]], case: dict[str, Any]) -> tuple[int, int]:
    """(vocabulary, block size) that a model was made with, as its embeddings have them."""
    V = case["make"][0] if case["make"] else case["setting"]["vocab_size"]
    block = case["setting"]["block_size"]
    tables = [leaf["weight"].shape[0] for leaf in found if leaf["kind"] == "embedding"]
    if tables and V not in tables and not case["make"]:
        V = tables[0]
        block = tables[1] if len(tables) > 1 else block
    return V, block


def two_ways(model: Any, idx: np.ndarray, targets: np.ndarray, short: bool) -> dict[str, Any]:
    """A model's answer with targets and without."""
    import torch

    found: dict[str, Any] = {"idx": idx, "targets": targets}
    try:
        alone = model(torch.tensor(idx))
        both = model(torch.tensor(idx), torch.tensor(targets))
    except (RuntimeError, IndexError, ValueError) as error:
        if str(error).startswith(("Expected target size", "Expected input batch_size")):
            raise Misuse(
                "`F.cross_entropy` can't pair these shapes. Make one row of logits for each guess: "
                f"`logits.view(B * T, V)` with `targets.view(B * T)`. (Torch says: {error})"
            ) from None
        if not short:
            raise
        return {**found, "error": f"{type(error).__name__}: {str(error)[:200]}"}
    for out in (alone, both):
        if not isinstance(out, tuple) or len(out) != 2:
            what = "None: is a return missing?" if out is None else "something else."
            raise Misuse(f"`forward` should return two things, logits and loss; it returns {what}")
    if not isinstance(alone[0], torch.Tensor):
        raise Misuse("`forward` should return the logits first, as a tensor, then the loss.")
    found["logits"] = tensor_of(alone[0])
    found["loss without targets"] = alone[1]
    found["logits with targets"] = tensor_of(both[0])
    found["loss"] = both[1]
    found["loss has a gradient"] = isinstance(both[1], torch.Tensor) and both[1].requires_grad
    return found


def logits_of(model: Any, idx: np.ndarray) -> Any:
    import torch

    out = model(torch.tensor(idx))
    return tensor_of(out[0])


def unreached_by_loss(model: Any, idx: np.ndarray) -> int:
    """How many parameters get no gradient from the loss."""
    import torch

    loss = model(torch.tensor(idx), torch.tensor(np.roll(idx, 1, axis=1)))[1]
    if not isinstance(loss, torch.Tensor) or not loss.requires_grad:
        return -1
    model.zero_grad()
    backward(loss)
    return sum(p.grad is None for p in model.parameters() if p.requires_grad)


def grown(model: Any, case: dict[str, Any], V: int, block: int) -> dict[str, Any]:
    """What a model's own `generate` gives, short of the block size and past it."""
    import torch

    if not callable(getattr(model, "generate", None)):
        raise Misuse("It has no method `generate`.")
    rng = np.random.default_rng(case["seed"] + 2)
    torch.manual_seed(case["seed"])
    result: dict[str, Any] = {}
    for name, b, t, new in (("short", 2, 3, 2), ("long", 2, block - 1, case["new"])):
        idx = rng.integers(V, size=(b, t))
        model.eval()  # a `generate` may end with `self.train()`
        try:
            out = model.generate(torch.tensor(idx), new)
        except (RuntimeError, IndexError, ValueError) as error:
            if name == "short":
                raise
            result[name] = {"prompt": idx, "error": f"{type(error).__name__}: {str(error)[:200]}"}
            continue
        if not isinstance(out, torch.Tensor):
            raise Misuse("`generate` should return a tensor: the prompt and the new ids.")
        result[name] = {"prompt": idx, "ids": tensor_of(out)}
    prompt = np.repeat(rng.integers(V, size=(1, 4)), case["copies"], axis=0)
    model.eval()
    out = tensor_of(model.generate(torch.tensor(prompt), 1))
    model.eval()
    result["many"] = {
        "prompt": prompt[0],
        "last": out[:, -1],
        "logits": logits_of(model, prompt[:1]),
    }
    return result


def trained(case: dict[str, Any], model: Any, *others: Any) -> dict[str, Any]:
    """A trained model's scores on passages that the judge chose, in several texts.

    The passages become ids by the learner's own `encode`, from the namespace of their model's
    class; `first_seconds` is looked up there as well.
    """
    import torch

    if not callable(model) or not hasattr(model, "eval"):
        raise Misuse("`model` should be a GPT that you trained.")
    space = next((s for s in namespaces(type(model)) if callable(s.get("encode"))), None)
    if space is None:
        raise Misuse("There is no `encode`: run the cells from the top of the notebook again.")
    was_training = bool(getattr(model, "training", False))
    model.eval()
    texts: dict[str, Any] = {}
    for name, windows in case["windows"].items():
        try:
            ids = np.array([[int(i) for i in space["encode"](w)] for w in windows])
        except (KeyError, IndexError, ValueError, TypeError):
            texts[name] = None  # this text has characters that the model never met
            continue
        with torch.no_grad():
            whole = model(torch.tensor(ids[:, :-1]))
            cut = model(torch.tensor(ids[:2, : case["cut"]]))
        if not isinstance(whole, tuple):
            raise Misuse("Calling the model should give two things, logits and loss.")
        texts[name] = {"ids": ids, "logits": tensor_of(whole[0]), "cut": tensor_of(cut[0])}
    if was_training:
        model.train()
    first = space.get("GPTLanguageModel")
    return {
        "texts": texts,
        "first seconds": space.get("first_seconds"),
        "others": list(others),
        "the first one again": bool(others)
        and space.get("model") is model
        and isinstance(first, type)
        and isinstance(model, first),
    }
