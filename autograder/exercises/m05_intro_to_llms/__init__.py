"""The exercises of 05_intro_to_llms: tokens, a bigram model, sampling, a scaling law, a chat."""

from autograder.exercises.m05_intro_to_llms.bigram import bigram_probabilities, perplexity
from autograder.exercises.m05_intro_to_llms.chat import predict_turns, render_chat
from autograder.exercises.m05_intro_to_llms.pairs import get_stats, merge, predict_bytes
from autograder.exercises.m05_intro_to_llms.sampling import predict_temperature, sample
from autograder.exercises.m05_intro_to_llms.scaling import fit_power_law
from autograder.exercises.m05_intro_to_llms.tokenizer import tokenizer

MODULE = "05_intro_to_llms"
EXERCISES = [
    predict_bytes,
    get_stats,
    merge,
    tokenizer,
    bigram_probabilities,
    perplexity,
    predict_temperature,
    sample,
    fit_power_law,
    predict_turns,
    render_chat,
]
