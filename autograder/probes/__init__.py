"""The code that runs beside a learner's code, and nothing else.

This package is all that a grading kernel needs of the autograder: it may import nothing from
`autograder.exercises`, where references and mistakes live (a test holds it to that).

A probe is a function ``probe(case, *answers) -> plain data``: it calls the learner's function,
or builds an expression with their class, and hands back numbers, arrays and strings.
"""

from autograder.probes.run.observe import call, letter, observe

__all__ = ["call", "letter", "observe"]
