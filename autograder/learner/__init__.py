"""The learner's own copy of the course: create, open, reset and update it, never overwrite it."""
