"""The exercises of 09_induction_heads: a look-up that two layers learn, and one can't."""

from autograder.exercises.m09_induction_heads.model import attention_only, attention_pattern
from autograder.exercises.m09_induction_heads.opened import (
    accuracy_without,
    induction_score,
    predict_knock_out,
    predict_shows,
    previous_token_score,
)
from autograder.exercises.m09_induction_heads.task import (
    make_sequences,
    next_token_loss,
    predict_known,
    repeat_accuracy,
)
from autograder.exercises.m09_induction_heads.training import (
    one_layer,
    predict_fixed,
    predict_other_periods,
    predict_why,
    two_layers,
)

MODULE = "09_induction_heads"
EXERCISES = [
    predict_known,
    make_sequences,
    next_token_loss,
    repeat_accuracy,
    attention_pattern,
    attention_only,
    predict_fixed,
    predict_other_periods,
    one_layer,
    predict_why,
    two_layers,
    previous_token_score,
    induction_score,
    predict_knock_out,
    accuracy_without,
    predict_shows,
]
