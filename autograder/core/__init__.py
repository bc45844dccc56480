"""What right and wrong mean: no files, no notebook.

One thing is still to leave: the judge replays wrong answers itself, through `autograder.probes`.
"""
