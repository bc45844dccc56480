"""The learner's own copy of the course: made, opened, reset and updated, never overwritten."""
