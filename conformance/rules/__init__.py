"""The rules, as data: each with an id that never changes, and the paragraph it comes from.

Knows nothing about how they are tested.
"""
