"""How a probe is run on a learner's answers, under a limit, and what it saw is published."""
