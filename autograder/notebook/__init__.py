"""What a learner uses in a notebook: checks, cards, status, placement, progress."""
