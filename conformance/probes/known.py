"""All probes that are code.

Knows nothing about those that are dialogue files (see `scripts`).
"""

from ..trial import Probe

PROBES: tuple[Probe, ...] = ()
