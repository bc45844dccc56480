"""A researcher's tools: experiments as notebooks, sweeps over them, a lab notebook, a report.

::

    from autograder.research import log, record, results_of, sweep, write_experiment
"""

from autograder.research.experiment import record, write_experiment
from autograder.research.labbook import log
from autograder.research.runs import results_of
from autograder.research.sweep import sweep

__all__ = ["log", "record", "results_of", "sweep", "write_experiment"]
