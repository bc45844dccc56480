"""From a module's text to its notebooks: source (with solutions and outputs), then release.

Authors use `make`. Graders use only `release`, which needs none of the authors' tools.
"""
