"""Probes for 09_induction_heads: tensors for functions, sequences for models."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograder.probes.m07_build_gpt import leaves, setting, shake, tensor_of
from autograder.probes.run.observe import Misuse


def tensors(case: dict[str, Any], function: Callable[..., Any]) -> Any:
    """Call the learner's function with the case's arrays as tensors."""
    import torch

    given = [torch.tensor(a) if isinstance(a, np.ndarray) else a for a in case["args"]]
    before = [a.clone() if isinstance(a, torch.Tensor) else a for a in given]
    with setting((function,), case.get("setting", {})):
        found = function(*given)
    changed = any(
        isinstance(a, torch.Tensor) and not torch.equal(a, b)
        for a, b in zip(given, before, strict=True)
    )
    if changed:
        raise Misuse("It changes the tensors that it is given. Work on a copy: `x.clone()`.")
    return found


def sequences(case: dict[str, Any], make_sequences: Callable[..., Any]) -> dict[str, Any]:
    """Several batches of the learner's sequences, with their periods."""
    import torch

    torch.manual_seed(case["seed"])
    batch, length, vocabulary, low, high = case["args"]
    others = {
        "batch_size": batch + 1,
        "seq_len": length + 3,
        "vocab_size": vocabulary + 5,
        "low": low + 1,
        "high": high + 1,
    }
    seen: dict[str, Any] = {"idx": [], "periods": [], "whole numbers": True}
    with setting((make_sequences,), others):
        for _ in range(case["times"]):
            found = make_sequences(batch, length, vocabulary, low, high)
            if not isinstance(found, (tuple, list)) or len(found) != 2:
                what = "None: is a return missing?" if found is None else "something else."
                raise Misuse(f"`make_sequences` should return idx and periods; it returns {what}")
            idx, periods = found
            if not isinstance(idx, torch.Tensor):
                raise Misuse("`idx` should be a tensor: `torch.stack` puts rows together.")
            if not isinstance(periods, torch.Tensor):
                raise Misuse("`periods` should be a tensor, with one period for each sequence.")
            seen["whole numbers"] &= not (idx.is_floating_point() or periods.is_floating_point())
            seen["idx"].append(tensor_of(idx))
            seen["periods"].append(tensor_of(periods))
    return seen


def _two(found: Any) -> tuple[Any, list[Any]]:
    """Logits and patterns of a model, as arrays, or a word on what it gives instead."""
    import torch

    if not isinstance(found, (tuple, list)) or len(found) != 2:
        what = "None: is a return missing?" if found is None else "something else."
        raise Misuse(f"The model should return two things, logits and patterns; it returns {what}")
    logits, patterns = found
    if not isinstance(logits, torch.Tensor):
        raise Misuse("The model should return the logits first, as a tensor, then the patterns.")
    if isinstance(patterns, torch.Tensor):
        patterns = list(patterns)
    fine = isinstance(patterns, (list, tuple)) and patterns
    if not fine or not all(isinstance(p, torch.Tensor) for p in patterns):
        raise Misuse("The patterns should be a list with one tensor for each layer.")
    return tensor_of(logits), [tensor_of(p) for p in patterns]


def model(case: dict[str, Any], cls: type) -> dict[str, Any]:
    """Make a model of odd sizes, give it weights that matter, run it; hand back its weights."""
    import torch
    from torch import nn

    torch.manual_seed(case["seed"])
    with setting((cls,), {}):
        made = cls(**case["make"])
        if not isinstance(made, nn.Module):
            raise Misuse("`AttentionOnly` should be an nn.Module.")
        shake(made, case["seed"])
        made.eval()
        runs = []
        for run in case["runs"]:
            idx = torch.tensor(run["idx"])
            if run["keep"] is None:
                found = made(idx)
            else:
                found = made(idx, torch.tensor(run["keep"], dtype=torch.float32))
            logits, patterns = _two(found)
            runs.append({"logits": logits, "patterns": patterns})
        return {"leaves": leaves(made), "runs": runs}


def trained(case: dict[str, Any], answer: Any) -> dict[str, Any]:
    """A trained model's logits and patterns on sequences that the judge drew."""
    import torch

    if not callable(answer) or not hasattr(answer, "eval"):
        raise Misuse("This should be a model that you trained, an `AttentionOnly`.")
    was_training = bool(getattr(answer, "training", False))
    answer.eval()
    idx = torch.tensor(case["idx"])
    with torch.no_grad():
        logits, patterns = _two(answer(idx))
        changed, _ = _two(answer(torch.tensor(case["changed"])))
    if was_training:
        answer.train()
    return {
        "logits": logits.astype(np.float32),
        "changed": changed[:, : case["cut"]].astype(np.float32),
        "patterns": [p.astype(np.float32) for p in patterns],
    }


class Keyed:
    """A stand-in for a model: each guess is known to one head or two, or to none."""

    def __init__(self, case: dict[str, Any]) -> None:
        self.case = case
        self.n_layer, self.n_head = case["n_layer"], case["n_head"]
        self.layers = [None] * self.n_layer
        self.training = False

    def eval(self) -> Keyed:
        return self

    def train(self, mode: bool = True) -> Keyed:
        return self

    def __call__(self, idx: Any, keep: Any = None) -> Any:
        import torch

        if keep is None:
            keep = torch.ones(self.n_layer, self.n_head)
        if not isinstance(keep, torch.Tensor) or tuple(keep.shape) != (self.n_layer, self.n_head):
            shape = tuple(getattr(keep, "shape", ()))
            raise Misuse(
                f"`keep` should have one factor for each head, shape {(self.n_layer, self.n_head)};"
                f" it has {shape}."
            )
        if not bool(((keep == 0) | (keep == 1)).all()):
            raise Misuse(
                "`keep` holds other factors than 0 and 1. A head that stays has the factor 1, one "
                "that is knocked out 0."
            )
        owners = torch.tensor(self.case["owners"])  # (2, B, T), -1 for nobody
        layer, head = owners // self.n_head, owners % self.n_head
        known = keep.float()[layer.clamp(min=0), head] * (owners >= 0)
        strength = known.amax(0)  # (B, T): one of the two is enough
        ahead = torch.cat([idx[:, 1:], idx[:, :1]], dim=1)
        V = self.case["vocab_size"]
        right = torch.nn.functional.one_hot(ahead, V).float()
        wrong = torch.nn.functional.one_hot((ahead + 1) % V, V).float()
        logits = 5 * strength[..., None] * right + wrong
        B, T = idx.shape
        pattern = torch.ones(B, self.n_head, T, T).tril()
        return logits, [pattern / pattern.sum(-1, keepdim=True)] * self.n_layer

    forward = __call__


def knocked_out(case: dict[str, Any], accuracy_without: Callable[..., Any]) -> Any:
    """What `accuracy_without` says of a stand-in, for several lists of heads."""
    import torch

    idx, periods = torch.tensor(case["idx"]), torch.tensor(case["periods"])
    with setting((accuracy_without,), {"idx": None, "periods": None, "model": None}):
        found = []
        for heads in case["heads"]:
            value = accuracy_without(Keyed(case), idx, periods, [tuple(pair) for pair in heads])
            found.append(value)
    return found
