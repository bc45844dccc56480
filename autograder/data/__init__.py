"""The text that the course reads, and the measurements that it made itself."""

from autograder.data.attention import load_attention
from autograder.data.tables import (
    gpt_speed_table,
    grokking_table,
    induction_table,
    scaling_table,
)
from autograder.data.text import load_corpus

__all__ = [
    "gpt_speed_table",
    "grokking_table",
    "induction_table",
    "load_attention",
    "load_corpus",
    "scaling_table",
]
