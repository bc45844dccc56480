# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% tags=["setup"]
from autograder import environment, placement

# %% [markdown]
# ## Is everything there?
#
# Run a cell with **Shift + Enter**. The next one reports the versions that you run, the device and its threads, and the file that keeps your progress.

# %% tags=["nbval-ignore-output"]
environment()

# %% [markdown]
# ## How an exercise works
#
# Every exercise in this course has the same four parts:
#
# 1. **A line of facts**: its points, about how many minutes it takes with its reading, and how hard it is.
# 2. **A text** that says what to write. What the text does not ask for is yours to decide.
# 3. **An answer cell** with a stub. Write your code where it says `# YOUR CODE HERE`, and delete the line that raises `NotImplementedError`.
# 4. **A check**, in a cell that you can't edit. It calls your code on several inputs and tells you at once what it thinks of it.
#
# A check can say five things: **passed**, **not right yet**, **not attempted**, **it raised an error**, **it took too long**. When something is not right, it names the mistake if it recognises one. Otherwise it shows what it called, what came back and what it expected.
#
# Here is one, on code that is wrong on purpose. It should return the mean of the squares of some numbers, and forgets to divide.


# %% tags=["nbval-ignore-output"]
def forgets_to_divide(numbers):
    return sum(n * n for n in numbers)


check.mean_square(forgets_to_divide)

# %% [markdown]
# Your turn. First run the answer cell and the check below as they are: the check says that nothing has been attempted. Then write the answer.

# %% [markdown]
# @exercise mean_square
#
# Write `mean_square(numbers)`. It takes a list of one or more numbers and returns the mean of their squares, as one number. For `[1, 3]` that is (1 + 9) / 2 = 5.
#
# You will meet this number again: it is how most networks measure their error.


# %% exercise="mean_square"
def mean_square(numbers):
    """The mean of the squares of a list of numbers, as one number."""
    ### BEGIN SOLUTION
    return sum(n * n for n in numbers) / len(numbers)
    ### END SOLUTION


# %% [markdown]
# ## When you are stuck
#
# `hint("mean_square")` gives one step at a time: first a nudge, then the idea with something to read, then part of the code. `solution("mean_square")` opens once you have passed, or after three real tries. A try is real when your answer is another than the last one.
#
# Try both here. They cost nothing.

# %% tags=["nbval-ignore-output"]
hint("mean_square")

# %% tags=["nbval-ignore-output"]
solution("mean_square")

# %% [markdown]
# ## Where you stand
#
# `status()` shows what is done, what is next, and how many minutes of the twelve hours are left. `status("04_micrograd")` lists the exercises of one module.

# %% tags=["nbval-ignore-output"]
status()

# %% [markdown]
# What you write stays in your notebook, and what you have passed stays in the progress file beside it. Save your notebook now and then, as you would any other.
#
# A check in the notebook uses the same inputs each time. To have a whole notebook graded as an instructor would, save it and run this in a terminal:
#
# ```
# speedrun grade 00_start_here
# ```
#
# It runs your notebook from top to bottom in a fresh kernel, on inputs that nobody has seen before, and writes you a page of feedback.

# %% [markdown]
# ## Where to start
#
# Ten short questions on vectors, derivatives and probability. They are not graded. They tell you which parts to take slowly and which you may test out of: **passing a module's checks without reading its text counts as done.**

# %%
placement()

# %% [markdown]
# Write your ten letters into the string, one for each question, and `-` where you don't know. Then run the cell.

# %%
placement("- - - - - - - - - -")

# %% [markdown]
# ## What comes next
#
# The course is a row of notebooks, in the order of `status()`. Each stands beside a video or an article and also stands alone, with a place to rest about every hour. Open the next one from the file browser on the left.
