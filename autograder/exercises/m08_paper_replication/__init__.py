"""The exercises of 08_paper_replication: read, register, build, run, test the claims, tell."""

from autograder.exercises.m08_paper_replication.claims import (
    claim_dimensionality,
    claim_geometry,
    claim_linear,
)
from autograder.exercises.m08_paper_replication.data import (
    predict_together,
    sample_sparse,
    weighted_loss,
)
from autograder.exercises.m08_paper_replication.measures import (
    adversarial_gain,
    feature_dimensionality,
    feature_statistics,
    predict_dimensions,
)
from autograder.exercises.m08_paper_replication.model import linear_model, toy_model
from autograder.exercises.m08_paper_replication.preregistration import (
    expected_figure,
    outcome,
    preregister,
)
from autograder.exercises.m08_paper_replication.reading import (
    predicted_reviews,
    read_claim,
    read_evidence,
    read_follows,
)
from autograder.exercises.m08_paper_replication.recovery import (
    max_cosine_similarity,
    sparse_autoencoder,
)
from autograder.exercises.m08_paper_replication.speed import (
    predict_batched,
    predict_larger,
    predict_processes,
    run_experiment,
)
from autograder.exercises.m08_paper_replication.training import best_of, train_toy
from autograder.exercises.m08_paper_replication.write_up import (
    ablation,
    abstract,
    explain_speed,
    honesty,
    outline,
)

MODULE = "08_paper_replication"
EXERCISES = [
    read_claim,
    read_evidence,
    read_follows,
    predicted_reviews,
    preregister,
    expected_figure,
    sample_sparse,
    predict_together,
    toy_model,
    linear_model,
    weighted_loss,
    train_toy,
    best_of,
    feature_statistics,
    predict_dimensions,
    feature_dimensionality,
    adversarial_gain,
    predict_batched,
    predict_larger,
    run_experiment,
    predict_processes,
    explain_speed,
    claim_geometry,
    claim_linear,
    claim_dimensionality,
    ablation,
    outcome,
    honesty,
    abstract,
    outline,
    sparse_autoencoder,
    max_cosine_similarity,
]
