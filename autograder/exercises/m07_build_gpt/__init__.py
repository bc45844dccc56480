"""The exercises of 07_build_gpt: from letter pairs to a GPT, one change at a time."""

from autograder.exercises.m07_build_gpt.attention import (
    averaging,
    head,
    multi_head,
    predict_leak,
    predict_shuffled,
)
from autograder.exercises.m07_build_gpt.model import block, feed_forward, gpt
from autograder.exercises.m07_build_gpt.text import (
    bigram_model,
    encode_decode,
    estimate_loss,
    generate,
    get_batch,
    predict_examples,
)
from autograder.exercises.m07_build_gpt.training import (
    faster,
    learning_rate,
    predict_batch,
    train_gpt,
)

MODULE = "07_build_gpt"
EXERCISES = [
    encode_decode,
    predict_examples,
    get_batch,
    bigram_model,
    estimate_loss,
    generate,
    averaging,
    predict_leak,
    head,
    predict_shuffled,
    multi_head,
    feed_forward,
    block,
    gpt,
    predict_batch,
    learning_rate,
    train_gpt,
    faster,
]
