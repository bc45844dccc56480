"""Other right answers, as learners write them: every check must accept them."""
