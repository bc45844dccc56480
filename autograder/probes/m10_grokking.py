"""Probes for 10_grokking: they hand tensors to a learner's functions, run models that the learner
trained, and watch a training step by step on a toy model.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from autograder.probes.m07_build_gpt import backward, namespaces, setting, tensor_of
from autograder.probes.run.observe import Misuse

NAMES = ("W_E", "W_pos", "W_q", "W_k", "W_v", "W_o", "W_in", "b_in", "W_out", "W_U")


def with_tensors(case: dict[str, Any], function: Callable[..., Any]) -> Any:
    """Call a function with the case's arguments; arrays among them become tensors."""
    import torch

    given = [
        torch.tensor(value, dtype=torch.float32 if value.dtype.kind == "f" else torch.long)
        if isinstance(value, np.ndarray)
        else value
        for value in case["args"]
    ]
    before = [value.clone() if isinstance(value, torch.Tensor) else value for value in given]
    with setting((function,), case.get("setting", {})):
        found = function(*given)
    if found is None:
        raise Misuse(f"`{function.__name__}` returns None: is a return missing?")
    for old, new in zip(before, given, strict=True):
        if isinstance(old, torch.Tensor) and not torch.equal(old, new):
            raise Misuse(
                f"`{function.__name__}` changes what it is given. Work on a copy: `.clone()`."
            )
    return found


def pairs(case: dict[str, Any], all_pairs: Callable[..., Any]) -> dict[str, Any]:
    """What `all_pairs` gives: the two tensors, and whether they hold whole numbers."""
    with setting((all_pairs,), {"p": case["p"] + 2}):
        found = all_pairs(case["p"])
    tokens, answers = _two_tensors("all_pairs", "tokens and answers", found)
    return {
        "tokens": tensor_of(tokens),
        "answers": tensor_of(answers),
        "whole numbers": not (tokens.is_floating_point() or answers.is_floating_point()),
    }


def split(case: dict[str, Any], split_pairs: Callable[..., Any]) -> dict[str, Any]:
    """What `split_pairs` gives: two tensors of indices."""
    import torch

    torch.manual_seed(case["seed"])
    with setting((split_pairs,), {"p": 3}):
        found = split_pairs(case["count"], case["fraction"])
    train, test = _two_tensors("split_pairs", "the two sets of indices", found)
    return {"train": tensor_of(train), "test": tensor_of(test)}


def _two_tensors(name: str, what: str, found: Any) -> tuple[Any, Any]:
    import torch

    if found is None:
        raise Misuse(f"`{name}` returns None: return {what}.")
    if not isinstance(found, (tuple, list)) or len(found) != 2:
        raise Misuse(f"`{name}` should return two tensors, {what}.")
    for part in found:
        if not isinstance(part, torch.Tensor):
            raise Misuse(
                f"`{name}` should return tensors: `torch.tensor(...)` makes one of a list."
            )
    return tuple(found)


# --- The model -----------------------------------------------------------------------------------


def model(case: dict[str, Any], cls: type) -> dict[str, Any]:
    """The logits of the learner's class on given tokens, and the weights that it holds."""
    import torch

    helpers = [space.get("weights") for space in namespaces(cls)]
    with setting((cls, *(h for h in helpers if inspect.isfunction(h))), case["setting"]):
        made = cls()
        if not isinstance(made, torch.nn.Module):
            raise Misuse("`OneLayer` should be an nn.Module: `class OneLayer(nn.Module)`.")
        weights = dict(made.named_parameters())
        missing = [name for name in NAMES if name not in weights]
        if missing:
            raise Misuse(
                f"`{missing[0]}` is not among the model's parameters. Leave `__init__` as it is "
                "given: the start of a training depends on it."
            )
        fresh = {name: tensor_of(weights[name]) for name in NAMES}
        rng = np.random.default_rng(case["seed"])
        with torch.no_grad():
            for name in NAMES:
                w = weights[name]
                scale = 1.0 if name in ("W_E", "W_pos", "b_in") else 1.2 / np.sqrt(w.shape[0])
                w.copy_(torch.tensor(rng.normal(size=tuple(w.shape)) * scale))
        try:
            out = made(torch.tensor(case["tokens"]))
        except RuntimeError as error:
            if "view size is not compatible" not in str(error):
                raise
            raise Misuse(
                "`view` needs numbers that lie in memory in order. Use `.reshape` in its place."
            ) from None
        if not isinstance(out, torch.Tensor):
            what = "None: is a return missing in `forward`?" if out is None else "no tensor."
            raise Misuse(f"Calling the model should give a tensor of logits, and it gives {what}")
        unreached = []
        if out.requires_grad:
            backward((out * torch.arange(out.numel()).view(out.shape).cos()).sum())
            unreached = [name for name in NAMES if weights[name].grad is None]
    return {
        "weights": {name: tensor_of(w) for name, w in weights.items()},
        "fresh": fresh,
        "logits": tensor_of(out),
        "gradient": out.requires_grad and not unreached,
    }


# --- Training ------------------------------------------------------------------------------------


def _toy(case: dict[str, Any]) -> Any:
    """A small model that writes down what it is trained on.

    `still` has no part in the logits, so all that moves it is weight decay. It is reached by the
    gradient, which is 0 throughout.
    """
    import torch
    from torch import nn

    rng = np.random.default_rng(case["seed"])
    p = case["setting"]["p"]

    def weights(*shape: int) -> Any:
        return nn.Parameter(torch.tensor(rng.normal(size=shape), dtype=torch.float32))

    class Toy(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.W_E, self.W_U, self.still = weights(p + 1, 5), weights(5, p), weights(4)
            self.batches: list[Any] = []
            self.piled_up = 0
            self.fresh: Any = None
            self.W_U.register_hook(self._keep)
            self.W_U.register_post_accumulate_grad_hook(self._compare)

        def _keep(self, gradient: Any) -> None:
            self.fresh = gradient.clone()

        def _compare(self, parameter: Any) -> None:
            self.piled_up += not torch.allclose(parameter.grad, self.fresh)

        def forward(self, tokens: Any) -> Any:
            if torch.is_grad_enabled():
                self.batches.append(tensor_of(tokens))
            x = self.W_E[tokens[:, 0]] * self.W_E[tokens[:, 1]]
            return x @ self.W_U + 0.0 * self.still.sum()

    return Toy()


def training(case: dict[str, Any], train: Callable[..., Any]) -> dict[str, Any]:
    """How a learner's `train` treats a toy model: its batches, its steps, its weight decay."""
    import torch

    p = case["setting"]["p"]
    a, b = np.divmod(np.arange(p * p), p)
    tokens = torch.tensor(np.stack([a, b, np.full(p * p, p)], axis=1))
    answers = torch.tensor((a * case["factor"] + b) % p)
    order = np.random.default_rng(case["seed"]).permutation(p * p)
    train_set, test_set = np.split(order, [case["known"]])
    toy = _toy(case)
    before = {name: tensor_of(w) for name, w in toy.named_parameters()}
    space = {
        **case["setting"],
        "tokens": tokens,
        "answers": answers,
        "train_set": torch.tensor(train_set),
        "test_set": torch.tensor(test_set),
        "record": _record,
        "progress": _Quiet(),
        "model": None,
    }
    with setting((train,), space):
        loss = torch.nn.functional.cross_entropy
        with torch.no_grad():
            first = float(loss(toy(tokens[train_set]), answers[train_set]))
        found = train(toy, case["weight_decay"], case["epochs"])
        with torch.no_grad():
            last = float(loss(toy(tokens[train_set]), answers[train_set]))
    if found is None:
        raise Misuse("`train` returns None: keep its last line, `return history`.")
    seen = [sorted(map(tuple, rows[:, :2].tolist())) for rows in toy.batches]
    known = sorted(map(tuple, tokens[train_set][:, :2].tolist()))
    other = set(map(tuple, tokens[test_set][:, :2].tolist()))
    return {
        "history": [dict(row) for row in found if isinstance(row, dict)],
        "steps": len(seen),
        "whole training set": all(rows == known for rows in seen),
        "test pairs seen": any(pair in other for rows in seen for pair in rows),
        "piled up": toy.piled_up,
        "follows": _follows(before, toy),
        "still before": before["still"],
        "still": tensor_of(toy.still),
        "first": first,
        "last": last,
    }


def _follows(before: dict[str, np.ndarray], toy: Any) -> bool:
    """Whether weights moved by more than weight decay, which shrinks all of them alike."""
    shrunk = tensor_of(toy.still).sum() / before["still"].sum()
    return not np.allclose(tensor_of(toy.W_U), shrunk * before["W_U"], atol=1e-5)


class _Quiet:
    """Stands for the progress bar while a training is watched."""

    def __call__(self, steps: int) -> range:
        return range(steps)

    def show(self, loss: Any) -> None:
        float(loss.detach() if hasattr(loss, "detach") else loss)


def _record(history: list[Any], model: Any, epoch: int) -> None:
    """Stands for the notebook's `record` in a watched training: all is right from epoch 20."""
    test = min(epoch / 20, 1.0)
    history.append({"epoch": epoch, "train": 1.0, "test": test, "squares": 0.0, "W_E": None})


def trained(case: dict[str, Any], model: Any, train_set: Any) -> dict[str, Any]:
    """A trained model's logits on the pairs that the judge names, and the learner's split."""
    found = _logits(model, case["tokens"])
    return {"logits": found, "train": _whole(train_set), "W_E": tensor_of(model.W_E)}


def _whole(values: Any) -> np.ndarray:
    import torch

    given = tensor_of(values) if isinstance(values, torch.Tensor) else np.asarray(values)
    if given.dtype.kind not in "iu" or given.ndim != 1:
        raise Misuse("`train_set` should hold the numbers of the training pairs, in one row.")
    return given


def _logits(model: Any, tokens: np.ndarray) -> np.ndarray:
    import torch

    if not callable(model) or not isinstance(getattr(model, "W_E", None), torch.Tensor):
        raise Misuse("The model should be a `OneLayer()` that you trained.")
    with torch.no_grad():
        out = model(torch.tensor(tokens))
    if not isinstance(out, torch.Tensor):
        raise Misuse("Calling the model should give a tensor of logits.")
    return tensor_of(out)


def with_frequencies(case: dict[str, Any], model: Any, train_set: Any, key: Any) -> dict[str, Any]:
    """A trained model's logits as it is, with only some frequencies in W_E, and without these.

    The probe cuts the frequencies itself, by numpy's Fourier transform.
    """
    import torch

    p = case["p"]
    found = {"key": [int(k) for k in torch.as_tensor(key).flatten().tolist()]}
    found |= {"train": _whole(train_set), "all": _logits(model, case["tokens"])}
    found["W_E"] = tensor_of(model.W_E)
    rows = found["W_E"][:p]
    waves = np.fft.rfft(rows, axis=0)
    chosen = np.isin(np.arange(len(waves)), [k for k in found["key"] if k > 0])
    part = np.fft.irfft(waves * chosen[:, None], n=p, axis=0)
    for name, changed in (("only", rows.mean(0) + part), ("without", rows - part)):
        kept = model.W_E.detach().clone()
        with torch.no_grad():
            model.W_E[:p] = torch.tensor(changed, dtype=kept.dtype)
            try:
                found[name] = _logits(model, case["tokens"])
            finally:
                model.W_E.copy_(kept)
    return found
