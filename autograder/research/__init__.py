"""Research tools: experiments as notebooks, sweeps over them, a lab notebook, a report.

::

    from autograder.research import experiments, log, results_of, sweep, watch_training
"""

from autograder.research.experiment import record, write_experiment
from autograder.research.first_training import watch_training
from autograder.research.labbook import experiments, log
from autograder.research.runs import results_of
from autograder.research.sweep import sweep

__all__ = [
    "experiments",
    "log",
    "record",
    "results_of",
    "sweep",
    "watch_training",
    "write_experiment",
]
