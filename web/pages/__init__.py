"""The page: HTML that works without script, and small scripts over it.

Knows nothing about how mail is stored. What it says stands in `english.py` and `portuguese.py`, what it looks like in
`static/`.
"""
