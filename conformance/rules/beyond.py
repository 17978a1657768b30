"""The rules beyond the order of commands: streams, ends of lines, TLS, parameters, paths, replies. The probes name them.

Knows nothing about the order of commands (see `order`).
"""

from .rule import Rule

BEYOND: tuple[Rule, ...] = ()
