"""The exercises of 10_grokking: a network learns a table by heart, and much later its rule."""

from autograder.exercises.m10_grokking.data import all_pairs, split_pairs
from autograder.exercises.m10_grokking.fourier import (
    clock_logits,
    fourier_basis,
    fourier_energy,
    fourier_share,
    keep_frequencies,
    key_frequencies,
    predict_removed,
)
from autograder.exercises.m10_grokking.model import accuracy, one_layer_model
from autograder.exercises.m10_grokking.training import (
    claim_control,
    claim_grokking,
    conclude,
    predict_inside,
    predict_more,
    train,
)

MODULE = "10_grokking"
EXERCISES = [
    all_pairs,
    split_pairs,
    one_layer_model,
    accuracy,
    train,
    claim_control,
    predict_more,
    claim_grokking,
    predict_inside,
    fourier_basis,
    fourier_energy,
    fourier_share,
    keep_frequencies,
    predict_removed,
    key_frequencies,
    clock_logits,
    conclude,
]
