"""The exercises of 04_micrograd: a scalar engine, then a network on top of it."""

from autograder.exercises.m04_micrograd.networks import (
    layer,
    loss,
    mlp,
    neuron,
    neuron_in_torch,
    train,
)
from autograder.exercises.m04_micrograd.values import (
    accumulate,
    activations,
    arithmetic,
    backward,
    by_hand,
    deep_order,
    predict_nudge,
    predict_order,
    predict_twice,
    topological_order,
    value_forward,
    zero_grad,
)

MODULE = "04_micrograd"
EXERCISES = [
    predict_nudge,
    value_forward,
    by_hand,
    predict_order,
    topological_order,
    backward,
    predict_twice,
    accumulate,
    zero_grad,
    arithmetic,
    activations,
    neuron,
    layer,
    mlp,
    loss,
    train,
    neuron_in_torch,
    deep_order,
]
