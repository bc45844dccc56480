"""What a learner meets in a notebook: checks, cards, status, placement, progress."""
