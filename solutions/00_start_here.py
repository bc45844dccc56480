# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# ## Is everything there?
#
# The report names the versions that you run, and the file that keeps your progress.

# %% tags=["nbval-ignore-output"]
from autograder import environment, placement

environment()

# %% [markdown]
# @exercise mean_square


# %% exercise="mean_square"
def mean_square(numbers):
    """The mean of the squares of a list of numbers, as one number."""
    ### BEGIN SOLUTION
    return sum(n * n for n in numbers) / len(numbers)
    ### END SOLUTION
