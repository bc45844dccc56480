"""What the course measured or trained itself, each with the script that made it beside it."""
