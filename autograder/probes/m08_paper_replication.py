"""Probes for 08_paper_replication: they feed a learner's functions tensors, and read weights.

While a training is watched, `sample_sparse` and `weighted_loss` in the learner's namespace are
replaced by ones that write down how they are called.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np

from autograder.core.plain import STUMBLED
from autograder.probes.m07_build_gpt import made, setting, tensor_of
from autograder.probes.run.observe import Misuse

FITS_NOT = (
    "must match the size",
    "can't be broadcast",
    "cannot be broadcast",
    "shape mismatch",
    "not broadcastable",
    "is invalid for input of size",
    "doesn't match the broadcast shape",
)


def tensor(value: Any) -> Any:
    """Plain numbers as a tensor in single precision."""
    import torch

    return torch.tensor(np.asarray(value), dtype=torch.float32)


def seeded(seed: int) -> None:
    """Every generator that a learner may draw from, at one seed."""
    import torch

    torch.manual_seed(seed)
    np.random.seed(seed % 2**32)
    random.seed(seed)


def does_not_fit(error: Exception) -> bool:
    return any(part in str(error) for part in FITS_NOT)


# --- Data and loss -------------------------------------------------------------------------------


def samples(case: dict[str, Any], sample_sparse: Callable[..., Any]) -> Any:
    """Two draws in a row."""
    import torch

    seeded(case["seed"])
    p = tensor(case["p"]) if isinstance(case["p"], list) else case["p"]
    found = []
    with setting((sample_sparse,), {"n_instances": 4, "batch_size": 9, "n_features": 3, "p": 0.5}):
        for _ in range(2):
            try:
                x = sample_sparse(*case["sizes"], p)
            except (RuntimeError, ValueError) as error:
                if isinstance(case["p"], list) and does_not_fit(error):
                    return {STUMBLED: "p does not fit", "text": str(error)[:200]}
                raise
            if not isinstance(x, torch.Tensor):
                what = "None: is a return missing?" if x is None else "something else."
                raise Misuse(f"`sample_sparse` should return a tensor, and it returns {what}")
            found.append(tensor_of(x))
    return {"x": found[0], "again": found[1]}


def loss(case: dict[str, Any], weighted_loss: Callable[..., Any]) -> Any:
    """The losses of some outputs, and whether their gradient goes on to the outputs."""
    import torch

    x_hat, x, importance = (tensor(case[name]) for name in ("x_hat", "x", "importance"))
    x_hat.requires_grad_(True)
    with setting((weighted_loss,), {}):
        try:
            found = weighted_loss(x_hat, x, importance)
        except (RuntimeError, ValueError) as error:
            if does_not_fit(error):
                return {STUMBLED: "importance does not fit", "text": str(error)[:200]}
            raise
    if found is None:
        raise Misuse("`weighted_loss` returns None: is a return missing?")
    graph = isinstance(found, torch.Tensor) and found.requires_grad
    return {"losses": found, "the gradient goes on": graph}


# --- Models --------------------------------------------------------------------------------------


def model(case: dict[str, Any], cls: type) -> Any:
    """A fresh model's parameters, and what it makes of x with weights of the case's choice."""
    import torch

    seeded(case["seed"])
    with setting((cls,), {"n_instances": 4, "n_features": 3, "n_hidden": 6}):
        toy = made(case, cls)
        W, b = getattr(toy, "W", None), getattr(toy, "b_final", None)
        for name, value in (("W", W), ("b_final", b)):
            if not isinstance(value, torch.Tensor):
                raise Misuse(
                    f"It has no `{name}`: in `__init__`, `self.{name} = nn.Parameter(...)`."
                )
        known = {id(p) for p in toy.parameters() if p.requires_grad}
        found: dict[str, Any] = {
            "W shape": list(W.shape),
            "b_final shape": list(b.shape),
            "W is trained": id(W) in known,
            "b_final is trained": id(b) in known,
            "instances begin differently": bool(
                W.ndim == 3 and all(not torch.equal(W[0], other) for other in W[1:])
            ),
        }
        if W.shape != torch.Size(np.shape(case["W"])) or b.numel() != np.size(case["b"]):
            return found | {"begins": "unknown", "out": []}
        n, features, hidden = case["large"]
        large = made({"make": case["large"]}, cls)
        lengths = large.W.detach().reshape(n, hidden, features).norm(dim=1)
        begins = [float(lengths.mean()), float(large.b_final.detach().abs().max())]
        found["begins"] = begins
        with torch.no_grad():
            W.copy_(tensor(case["W"]))
            b.copy_(tensor(case["b"]).reshape(b.shape))
        x = tensor(case["x"])
        out = toy(x)
        if not isinstance(out, torch.Tensor):
            what = "None: is a return missing in `forward`?" if out is None else "no tensor."
            raise Misuse(f"Calling it should give a tensor, and it gives {what}")
        found["out"] = [tensor_of(out), tensor_of(toy(x[:, :1]))]
        return found


def fixed(case: dict[str, Any], linear: bool = False) -> Any:
    """A model of ours with the weights of a case."""
    import torch
    from torch import nn

    class Fixed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.W = nn.Parameter(tensor(case["W"]))
            self.b_final = nn.Parameter(tensor(case["b"]))
            self.calls: list[Any] = []

        def forward(self, x: Any) -> Any:
            self.calls.append(x.detach())
            out = x @ self.W.transpose(-1, -2) @ self.W + self.b_final[:, None]
            return out if linear else torch.relu(out)

    return Fixed()


# --- Training ------------------------------------------------------------------------------------


class Watched:
    """Stand-ins for `sample_sparse` and `weighted_loss`, and a hook on torch's optimizers."""

    def __init__(self, toy: Any, seed: int) -> None:
        import torch

        self.toy = toy
        self.random = torch.Generator().manual_seed(seed)
        self.drawn: list[dict[str, Any]] = []
        self.losses: list[dict[str, Any]] = []
        self.steps: list[dict[str, Any]] = []

    def sample_sparse(self, n_instances: int, batch_size: int, n_features: int, p: Any) -> Any:
        import torch

        x = torch.rand(n_instances, batch_size, n_features, generator=self.random)
        given = torch.as_tensor(p, dtype=torch.float32)
        self.drawn.append({"x": x, "sizes": list(x.shape), "p": given.flatten().tolist()})
        return x

    def weighted_loss(self, x_hat: Any, x: Any, importance: Any) -> Any:
        import torch

        weights = torch.as_tensor(importance, dtype=torch.float32)
        self.losses.append({"importance": weights.flatten().tolist()})
        return (weights * (x_hat - x) ** 2).mean(dim=(1, 2))

    def before_step(self, optimizer: Any, *_: Any) -> None:
        groups = optimizer.param_groups
        seen: dict[str, Any] = {
            "rates": [float(group["lr"]) for group in groups],
            "decay": max(float(group.get("weight_decay") or 0.0) for group in groups),
            "adam": all("betas" in group for group in groups),
            "batches": len(self.drawn),
        }
        if len(self.steps) < 3 and self.drawn:
            for name in ("W", "b_final"):
                value = getattr(self.toy, name)
                seen[name] = tensor_of(value)
                seen[f"{name}.grad"] = None if value.grad is None else tensor_of(value.grad)
            seen["x"] = tensor_of(self.drawn[-1]["x"])
        self.steps.append(seen)


def training(case: dict[str, Any], train: Callable[..., Any]) -> Any:
    """Watch a short training of a model of ours, step by step."""
    import torch
    from torch.optim.optimizer import register_optimizer_step_pre_hook

    seeded(case["seed"])
    toy = fixed(case)
    before = tensor_of(toy.W)
    watched = Watched(toy, case["seed"])
    p = tensor(case["p"]) if isinstance(case["p"], list) else case["p"]
    instead = {
        "sample_sparse": watched.sample_sparse,
        "weighted_loss": watched.weighted_loss,
        **dict.fromkeys(("steps", "batch_size", "lr", "p", "importance", "model"), None),
    }
    hook = register_optimizer_step_pre_hook(watched.before_step)
    try:
        with setting((train,), instead):
            ended = train(
                toy,
                p,
                tensor(case["importance"]),
                steps=case["steps"],
                batch_size=case["batch_size"],
                lr=case["lr"],
            )
    finally:
        hook.remove()
    moved = (torch.tensor(before) - toy.W.detach()).abs().amax(dim=(1, 2)) > 1e-5
    return {
        "the model": ended is toy,
        "None": ended is None,
        "drawn": [{"sizes": d["sizes"], "p": d["p"]} for d in watched.drawn[:3]],
        "batches": len(watched.drawn),
        "losses": len(watched.losses),
        "importance": watched.losses[0]["importance"] if watched.losses else [],
        "steps": watched.steps,
        "moved": moved.tolist(),
    }


def of_tensor(case: dict[str, Any], function: Callable[..., Any]) -> Any:
    """Call a function with tensors for the case's lists of numbers."""
    given = [tensor(a) if isinstance(a, np.ndarray) else a for a in case["args"]]
    kept = [a.clone() for a in given if hasattr(a, "clone")]
    with setting((function,), {}):
        found = function(*given)
    import torch

    for before, after in zip(kept, [a for a in given if hasattr(a, "clone")], strict=True):
        if not torch.equal(before, after):
            raise Misuse("It changes the tensor that it is given. Make a new one.")
    if found is None:
        raise Misuse(f"`{function.__name__}` returns None: is a return missing?")
    return found


def pair_of(case: dict[str, Any], function: Callable[..., Any]) -> Any:
    """The same, for a function that returns two things."""
    found = of_tensor(case, function)
    if not isinstance(found, (tuple, list)) or len(found) != 2:
        raise Misuse(f"`{function.__name__}` should return two things, in the order asked for.")
    return {name: found[place] for place, name in enumerate(case["names"])}


# --- Attacks -------------------------------------------------------------------------------------


def attacks(
    case: dict[str, Any], attack: Callable[..., Any], adversarial_gain: Callable[..., Any]
) -> Any:
    """What an attack makes of x, and the gain that comes of a given attack."""
    import torch

    seeded(case["seed"])
    toy = fixed(case)
    x = tensor(case["x"])
    with setting((attack,), {"epsilon": None, "steps": None, "x": None, "model": None}):
        found = attack(toy, x.clone(), case["epsilon"], case["steps"])
    if not isinstance(found, torch.Tensor):
        what = "None: is a return missing?" if found is None else "something else."
        raise Misuse(f"`attack` should return the attacked x as a tensor; it returns {what}")
    left = [p.grad is not None and bool(p.grad.abs().max() > 0) for p in toy.parameters()]
    moved = tensor(case["moved"])
    with setting((adversarial_gain,), {"attack": lambda model, x, *_, **__: x + moved}):
        gain = adversarial_gain(fixed(case), x.clone())
    if gain is None:
        raise Misuse("`adversarial_gain` returns None: is a return missing?")
    return {
        "attacked": tensor_of(found),
        "calls": len(toy.calls),
        "gradients left": any(left),
        "gain": gain,
    }


# --- The experiment ------------------------------------------------------------------------------


def experiments(case: dict[str, Any], run: Callable[..., Any]) -> Any:
    """Call an experiment several times, and keep the models that it trained."""
    import torch

    found: list[Any] = []
    spaces = run.__globals__ if hasattr(run, "__globals__") else {}
    train = spaces.get("train")
    if not callable(train):
        raise Misuse("There is no `train`: run the cells above again, from the top.")
    trained: list[Any] = []

    def watching(model: Any, p: Any, *args: Any, **kwargs: Any) -> Any:
        begin = tensor_of(model.W)
        ended = train(model, p, *args, **kwargs)
        trained.append((model, p, begin))
        return ended

    with setting((run,), {"train": watching, "p": None, "seed": None, "steps": None}):
        for number, (p, seed) in enumerate(case["runs"]):
            seeded(case["seed"] + number)
            trained.clear()
            result = run(p, seed, case["steps"])
            if not isinstance(result, dict):
                what = "None: is a return missing?" if result is None else "something else."
                raise Misuse(f"`run` should return a dict of results, and it returns {what}")
            seen: dict[str, Any] = {
                "results": {str(key): value for key, value in result.items()},
                "graphs": [
                    str(key)
                    for key, value in result.items()
                    if isinstance(value, torch.Tensor) and value.requires_grad
                ],
                "kinds": {str(key): type(value).__name__ for key, value in result.items()},
                "trainings": len(trained),
            }
            if trained:
                toy, given, begin = trained[-1]
                seen |= {
                    "W": tensor_of(toy.W),
                    "b": tensor_of(toy.b_final),
                    "begin": begin,
                    "p": torch.as_tensor(given, dtype=torch.float32).flatten().tolist(),
                }
            found.append(seen)
    return {"runs": found}


# --- Trained models ------------------------------------------------------------------------------


def read(toy: Any, case: dict[str, Any]) -> Any:
    """A trained model's weights, and what it makes of a few inputs; a word if it is no model."""
    import torch

    W, b = getattr(toy, "W", None), getattr(toy, "b_final", None)
    if not callable(toy) or W is None or b is None or isinstance(toy, type):
        return {"odd": type(toy).__name__}
    W, b = np.array(plain_array(W)), np.array(plain_array(b))
    if W.ndim != 3 or W.shape[2] != case["n_features"]:
        return {"odd": f"a model whose W has shape {W.shape}"}
    x = np.broadcast_to(case["x"], (len(W), *np.shape(case["x"])))
    with torch.no_grad():
        out = toy(tensor(x))
    return {"W": W, "b": b.reshape(len(b), -1), "out": np.array(plain_array(out))}


def plain_array(value: Any) -> Any:
    return tensor_of(value) if hasattr(value, "detach") else np.asarray(value, dtype=float)


def by_density(case: dict[str, Any], models: Any) -> Any:
    """The models of a dict {p: model}, at the densities that the case asks for."""
    if not isinstance(models, dict):
        return {"models": {}, "odd": type(models).__name__}
    given = {}
    for key, value in models.items():
        try:
            given[round(float(key), 6)] = value
        except (TypeError, ValueError):
            raise Misuse(
                "The keys should be the densities, as numbers: {1.0: model, 0.35: model}."
            ) from None
    missing = [p for p in case["asked"] if p not in given]
    if missing:
        raise Misuse(f"There is no model for p = {', '.join(map(str, missing))}.")
    return {"models": {str(p): read(given[p], case) for p in case["densities"]}, "odd": ""}


def at_densities(case: dict[str, Any], toy: Any) -> Any:
    """One model whose instances are at different densities."""
    return read(toy, case)


# --- The sparse autoencoder ----------------------------------------------------------------------


def autoencoder(case: dict[str, Any], cls: type, sae_loss: Callable[..., Any]) -> Any:
    """What an autoencoder with weights of the case makes of h, and the loss of given outputs."""
    import torch

    seeded(case["seed"])
    usual = dict.fromkeys(("n_hidden", "n_latents", "l1", "h", "latents", "h_hat"), None)
    with setting((cls, sae_loss), usual):
        sae = made(case, cls)
        with torch.no_grad():
            for name in ("W_enc", "b_enc", "W_dec"):
                own = getattr(sae, name, None)
                wanted = np.shape(case[name])
                if not isinstance(own, torch.Tensor) or own.shape != torch.Size(wanted):
                    raise Misuse(
                        f"It has no `{name}` of shape {wanted}. Leave `__init__` as it is given."
                    )
                own.copy_(tensor(case[name]))
        found = sae(tensor(case["h"]))
        if not isinstance(found, (tuple, list)) or len(found) != 2:
            what = "None: is a return missing?" if found is None else "something else."
            raise Misuse(f"`forward` should return two things, latents and h_hat; it gives {what}")
        h_hat, h, latents = (tensor(case[name]) for name in ("h_hat", "h", "latents"))
        h_hat.requires_grad_(True), latents.requires_grad_(True)
        loss = sae_loss(h_hat, h, latents, case["l1"])
    if loss is None:
        raise Misuse("`sae_loss` returns None: is a return missing?")
    weights = {name: getattr(sae, name) for name in ("W_enc", "b_enc", "W_dec")}
    given = {"h_hat": h_hat, "latents": latents}
    return {
        "latents": found[0],
        "h_hat": found[1],
        "loss": loss,
        "gradients reach": [*_reached(found, weights), *_reached([loss], given)],
    }


def _reached(results: Any, leaves: dict[str, Any]) -> list[str]:
    """The names of the tensors to which a gradient of the results comes back."""
    import torch

    graphs = [r.sum() for r in results if isinstance(r, torch.Tensor) and r.requires_grad]
    if not graphs:
        return []
    gradients = torch.autograd.grad(sum(graphs), list(leaves.values()), allow_unused=True)
    return [n for n, gradient in zip(leaves, gradients, strict=True) if gradient is not None]
