"""The exercises of 03_backprop: gates on numbers, then layers on arrays, then a check of both."""

from autograder.exercises.m03_backprop.gates import (
    gates,
    predict_quiet,
    predict_saturated,
    sigmoid_neuron,
)
from autograder.exercises.m03_backprop.layers import (
    affine_backward,
    affine_forward,
    gradient_check,
    predict_product,
    relu_backward,
    softmax_loss,
)

MODULE = "03_backprop"
EXERCISES = [
    predict_quiet,
    gates,
    predict_saturated,
    sigmoid_neuron,
    affine_forward,
    predict_product,
    affine_backward,
    relu_backward,
    softmax_loss,
    gradient_check,
]
