"""The exercises of 06_illustrated_transformer: attention, from three words on paper to a block."""

from autograder.exercises.m06_illustrated_transformer.attention import (
    predict_scale,
    scaled_dot_product_attention,
)
from autograder.exercises.m06_illustrated_transformer.heads import (
    multi_head_attention,
    shape_table,
    split_heads,
)
from autograder.exercises.m06_illustrated_transformer.look_up import look_up_by_hand
from autograder.exercises.m06_illustrated_transformer.mask import causal_mask
from autograder.exercises.m06_illustrated_transformer.positions import (
    positional_encoding,
    predict_shuffle,
)
from autograder.exercises.m06_illustrated_transformer.reading import predict_it
from autograder.exercises.m06_illustrated_transformer.stream import layer_norm, transformer_block

MODULE = "06_illustrated_transformer"
EXERCISES = [
    look_up_by_hand,
    predict_scale,
    scaled_dot_product_attention,
    causal_mask,
    shape_table,
    split_heads,
    multi_head_attention,
    predict_shuffle,
    positional_encoding,
    layer_norm,
    transformer_block,
    predict_it,
]
