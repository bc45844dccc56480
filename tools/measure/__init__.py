"""The scripts that measure or train what `autograder/data/` holds."""
