"""All probes that are code.

Knows nothing about those that are dialogue files (see `scripts`).
"""

from ..trial import Probe
from .auth import AUTH
from .content import CONTENT
from .limits import LIMITS
from .lmtp import LMTP
from .replies import REPLIES
from .streams import STREAMS

PROBES: tuple[Probe, ...] = (*STREAMS, *CONTENT, *LIMITS, *REPLIES, *AUTH, *LMTP)
