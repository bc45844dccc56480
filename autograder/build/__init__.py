"""From a module's text to its notebooks: source (with solutions and outputs), then release.

`make` is the way in for authors. `release` alone is what graders use: it needs none of the
authors' tools.
"""
