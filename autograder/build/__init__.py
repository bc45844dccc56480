"""From a module's text to its notebooks: source (with solutions and outputs), then release."""

from autograder.build.make import build, out_of_date

__all__ = ["build", "out_of_date"]
